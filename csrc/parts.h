/* parts.h - which part of a layer's work is whose, which is decided here alone, and the product
 * that the work is made of.
 *
 * - Hidden layers are shared out by columns, so that the weights of a column stay with the thread
 *   that updates them; by rows where there are fewer panels of columns than threads;
 * - the output layer by rows, because softmax and cost want whole rows.
 *
 * No number is summed across threads. A member that hears the team being asked to stop leaves its
 * share unfinished; all learn of it at the next barrier.
 */
#ifndef PYNN_PARTS_H
#define PYNN_PARTS_H

#include <string.h>

#include "blas.h"
#include "program.h"

/* Multiply-adds from which BLAS is worth its call, where it is used at all. */
static const double BLAS_FROM = 20000;

/* Rows of a product that is not worth being cut into blocks. */
enum { FEW_ROWS = 64 };

static inline size_t least(size_t m, size_t n) { return m < n ? m : n; }

/* BLAS does not promise equal bits for a part of a product: there, member 0 does all of it. */
static inline pynn_member worker_of(const pynn_workspace *ws, pynn_member member) {
    return ws->tuned ? member : (pynn_member){member.team, member.id ? 1 : 0, 1};
}

/* Share 1 of 1 is empty: see worker_of. */
static inline pynn_share share_of(size_t n, size_t grain, pynn_member worker) {
    return worker.id >= worker.n ? (pynn_share){0, 0} : pynn_share_of(n, grain, worker);
}

/* A member's part of a matrix (n_rows, n_columns). */
typedef struct {
    pynn_share rows, columns;
} pynn_part;

static inline pynn_part part_of(const pynn_workspace *ws, size_t n_rows, size_t n_columns,
                                int by_rows, pynn_member member) {
    const pynn_member worker = worker_of(ws, member);
    /* Whole cache lines of rows that begin at one; whole panels where matrices lie in such. */
    const size_t line = 64 / sizeof(real), panel = ws->kernels->panel;
    const size_t grain = panel > line && n_columns > 4 * panel ? panel : line;
    if (by_rows || (size_t)worker.n * grain > n_columns + grain - 1) {
        return (pynn_part){share_of(n_rows, 1, worker), {0, n_columns}};
    }
    return (pynn_part){{0, n_rows}, share_of(n_columns, grain, worker)};
}

/* To be asked before each piece of work: shall this member leave it? */
static inline int leaves(const pynn_pass *pass, double work) {
    if (pass->member.id == 0 && pynn_watch_stop(&pass->ws->watch, work)) {
        pynn_team_stop(pass->member);
    }
    return pynn_team_asked(pass->member);
}

/* All rows of a block of columns and depth, in blocks of rows that stay in the second cache. Panels
 * are packed once for all of these blocks. */
static inline void multiply_block(pynn_product p, const pynn_pass *pass) {
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
        kernels->product(&block, panels);
        p.c += p.n_rows * p.c_layout.row;
        if (p.start) { p.start += p.n_rows * p.start_layout.row; }
        if (p.a.is_transposed) {
            p.a.first += p.n_rows;
        } else {
            p.a.x += p.n_rows * p.a.layout.row;
        }
    }
}

/* By BLAS, which takes whole matrices only. */
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

/* A product of any size; 1 where the member leaves it. */
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
        if (may_stop && leaves(pass, of_column * (double)p.n)) { return 1; }
        if (!pass->ws->tuned && !p.b.rows && of_column * (double)p.n >= BLAS_FROM) {
            multiply_by_blas(&p);
            continue;
        }
        const int in_blocks = kernels->packs(&p) || p.n_rows > 3 * kernels->tile_rows;
        const size_t deepest = in_blocks ? kernels->block_depth : p.depth;
        for (size_t left = p.depth;;) {
            p.depth = least(left, deepest);
            multiply_block(p, pass);
            if (!(left -= p.depth)) { break; }
            if (may_stop && leaves(pass, (double)p.n_rows * (double)p.n * (double)p.depth)) {
                return 1;
            }
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
