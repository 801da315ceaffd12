/* parts.h - the product that the work of a layer is made of, and which part of it is whose, which
 * is decided here alone; for layers.c and gradient.c.
 *
 * - Hidden layers are shared out by columns, so that the weights of a column stay with the thread
 *   that updates them; by rows where there are fewer panels of columns than threads;
 * - the output layer by rows, because softmax and cost want whole rows; so are all layers where
 *   nothing is learnt: then no thread reads another's rows.
 *
 * No number is summed across threads. A member that hears the team being asked to stop leaves its
 * share unfinished; all learn of it at the next barrier.
 */
#ifndef PYNN_PARTS_H
#define PYNN_PARTS_H

#include <string.h>

#include "blas.h"
#include "rows.h"
#include "transpose.h"

/* Multiply-adds from which BLAS is worth its call, where it is used at all. */
static const double BLAS_FROM = 20000;

/* BLAS does not promise equal bits for a part of a product: there, member 0 does all of it. */
static inline pynn_member FN(worker)(const FN(pynn_workspace) * ws, pynn_member member) {
    return ws->kernels->tuned ? member : (pynn_member){member.team, member.id ? 1 : 0, 1};
}

/* Share 1 of 1 is empty: see worker. */
static inline pynn_share FN(share_of)(size_t n, size_t grain, pynn_member worker) {
    return worker.id >= worker.n ? (pynn_share){0, 0} : pynn_share_of(n, grain, worker);
}

static inline size_t FN(least)(size_t m, size_t n) { return m < n ? m : n; }

/* A member's part of a matrix (n_rows, n_columns). */
typedef struct {
    pynn_share rows, columns;
} FN(part);

static inline FN(part) FN(part_of)(const FN(pynn_workspace) * ws, size_t n_rows, size_t n_columns,
                                   int by_rows, pynn_member member) {
    const pynn_member worker = FN(worker)(ws, member);
    /* Whole cache lines of rows that begin at one; whole panels where deltas lie in such. */
    const size_t line = 64 / sizeof(real), panel = ws->kernels->panel;
    const size_t grain = panel > line && n_columns > 4 * panel ? panel : line;
    if (by_rows || (size_t)worker.n * grain > n_columns + grain - 1) {
        return (FN(part)){FN(share_of)(n_rows, 1, worker), {0, n_columns}};
    }
    return (FN(part)){{0, n_rows}, FN(share_of)(n_columns, grain, worker)};
}

/* To be asked before each piece of work: shall this member leave it? */
static inline int FN(leaves)(FN(pynn_workspace) * ws, double work, pynn_member member) {
    if (member.id == 0 && pynn_watch_stop(&ws->watch, work)) { pynn_team_stop(member); }
    return pynn_team_asked(member);
}

/* c (n_rows, n) = start (n,) for each row, or 0 where it is NULL, + a (n_rows, depth) b (depth, n)
 */
static inline void FN(multiply)(real *c, size_t c_stride, const real *start, FN(pynn_matrix) a,
                                FN(pynn_panels) b, size_t n_rows, size_t n, size_t depth,
                                const FN(pynn_workspace) * ws, pynn_member member) {
    const double work = (double)n_rows * (double)n * (double)depth;
    if (ws->kernels->tuned || b.rows || work < BLAS_FROM) {
        /* BLAS takes whole matrices only. */
        ws->kernels->product(c, c_stride, start, a, b, n_rows, n, depth,
                             FN(pynn_pack_of)(ws, member));
        return;
    }
    for (size_t i = 0; i < n_rows; i++) {
        if (start) {
            memcpy(c + i * c_stride, start, n * sizeof(real));
        } else {
            memset(c + i * c_stride, 0, n * sizeof(real));
        }
    }
    FN(pynn_blas_product)(c, c_stride, a, b, n_rows, n, depth);
}

#endif
