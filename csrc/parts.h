/* parts.h - divides the work of a layer among the members of a team, and computes the products.
 *
 * - Hidden layers are divided by columns, so that the weights of a column stay with the thread that
 *   updates them; by rows if there are fewer panels of columns than threads.
 * - The output layer is divided by rows, because softmax and costs need whole rows.
 *
 * No number is summed across threads. If the team is asked to stop, a member leaves its part
 * unfinished; all members learn of this at the next barrier.
 */
#ifndef PYNN_PARTS_H
#define PYNN_PARTS_H

#include <string.h>

#include "blas.h"
#include "program.h"

/* BLAS, where it is used, is called for products of at least this many multiply-adds. */
static const double BLAS_FROM = 20000;

/* Products with fewer rows are not cut into blocks. */
enum { FEW_ROWS = 64 };

static inline size_t least(size_t m, size_t n) { return m < n ? m : n; }

/* BLAS does not guarantee the same bits for a part of a product: member 0 computes all of it. */
static inline pynn_member worker_of(const pynn_workspace *ws, pynn_member member) {
    return ws->tuned ? member : (pynn_member){member.team, member.id ? 1 : 0, 1};
}

/* Share 1 of 1 is empty (see worker_of). */
static inline pynn_share share_of(size_t n, size_t grain, pynn_member worker) {
    return worker.id >= worker.n ? (pynn_share){0, 0} : pynn_share_of(n, grain, worker);
}

/* A member's part of a matrix (n_rows, n_columns). */
typedef struct {
    pynn_share rows, columns;
} pynn_part;

/* Columns are divided in whole cache lines, or in whole panels if matrices are stored in panels. */
static inline size_t grain_of(const pynn_workspace *ws, size_t n_columns) {
    const size_t line = 64 / sizeof(real), panel = ws->kernels->panel;
    return panel > line && n_columns > 4 * panel ? panel : line;
}

static inline pynn_part part_of(const pynn_workspace *ws, size_t n_rows, size_t n_columns,
                                int by_rows, pynn_member member) {
    const pynn_member worker = worker_of(ws, member);
    const size_t grain = grain_of(ws, n_columns);
    if (by_rows || (size_t)worker.n * grain > n_columns + grain - 1) {
        return (pynn_part){share_of(n_rows, 1, worker), {0, n_columns}};
    }
    return (pynn_part){{0, n_rows}, share_of(n_columns, grain, worker)};
}

/* Whether the member must stop. Call this before each piece of work, given in multiply-adds. */
static inline int leaves(const pynn_pass *pass, double work) {
    if (pass->member.id == 0 && pynn_watch_stop(&pass->ws->watch, work)) {
        pynn_team_stop(pass->member);
    }
    return pynn_team_asked(pass->member);
}

/* Compute all rows of a block of columns and depth, in blocks of rows that stay in the second-level
 * cache. Panels are packed once for all blocks of rows. Returns 1 if the member stopped early. */
static inline int multiply_block(pynn_product p, const pynn_pass *pass, int may_stop) {
    const pynn_workspace *ws = pass->ws;
    const pynn_kernels *kernels = ws->kernels;
    real *panels = pynn_panels_of(ws, pass->member);
    if (p.n_rows > kernels->block_rows && kernels->packs(&p)) {
        kernels->pack_panels(panels, p.depth * kernels->panel, p.b, p.depth, p.n);
        p.b = (pynn_panels){panels, kernels->panel, 1, p.depth * kernels->panel, NULL, 0};
    }
    for (size_t left = p.n_rows; left; left -= p.n_rows) {
        pynn_product block = p;
        p.n_rows = block.n_rows = least(left, kernels->block_rows);
        if (may_stop && leaves(pass, (double)p.n_rows * (double)p.n * (double)p.depth)) {
            return 1;
        }
        kernels->product(&block, panels);
        p.c += p.n_rows * p.c_layout.row;
        if (p.start) { p.start += p.n_rows * p.start_layout.row; }
        if (p.a.is_transposed) {
            p.a.first += p.n_rows;
        } else {
            p.a.x += p.n_rows * p.a.layout.row;
        }
    }
    return 0;
}

/* Compute a product by BLAS, which adds to c and needs matrices in rows. */
static inline void multiply_by_blas(const pynn_product *p) {
    for (size_t i = 0; i < p->n_rows; i++) {
        if (p->start) {
            memcpy(p->c + i * p->c_layout.row, p->start + i * p->start_layout.row,
                   p->n * sizeof(real));
        } else {
            memset(p->c + i * p->c_layout.row, 0, p->n * sizeof(real));
        }
    }
    FN(pynn_blas_product)(p->c, p->c_layout.row, p->a, p->b, p->n_rows, p->n, p->depth);
}

/* Compute a product of any size. Returns 1 if the member stopped early. */
static inline int multiply(const pynn_product *whole, const pynn_pass *pass, int may_stop) {
    const pynn_kernels *kernels = pass->ws->kernels;
    const double of_column = (double)whole->n_rows * (double)whole->depth;
    if (pass->ws->tuned && whole->n <= kernels->block_columns &&
        whole->depth <= kernels->block_depth && whole->n_rows < FEW_ROWS) {
        if (may_stop && leaves(pass, of_column * (double)whole->n)) { return 1; }
        kernels->product(whole, pynn_panels_of(pass->ws, pass->member));
        return 0;
    }
    for (size_t j = 0; j < whole->n; j += kernels->block_columns) {
        pynn_product p = *whole;
        p.n = least(kernels->block_columns, whole->n - j);
        const size_t panel = j / kernels->panel;
        p.c += panel * p.c_layout.panel;
        p.b.x += panel * p.b.panel;
        if (p.start) { p.start += panel * p.start_layout.panel; }
        if (!pass->ws->tuned && !p.b.rows && of_column * (double)p.n >= BLAS_FROM) {
            if (may_stop && leaves(pass, of_column * (double)p.n)) { return 1; }
            multiply_by_blas(&p);
            continue;
        }
        const int in_blocks = kernels->packs(&p) || p.n_rows > 3 * kernels->tile_rows;
        const size_t deepest = in_blocks ? kernels->block_depth : p.depth;
        for (size_t left = p.depth;;) {
            p.depth = least(left, deepest);
            if (multiply_block(p, pass, may_stop)) { return 1; }
            if (!(left -= p.depth)) { break; }
            p.a.x += p.a.is_transposed ? p.depth * p.a.layout.row
                                       : p.depth / kernels->panel * p.a.layout.panel;
            p.b = pynn_deeper(p.b, p.depth, kernels->panel);
            p.start = p.c;
            p.start_layout = p.c_layout;
        }
    }
    return 0;
}

#endif
