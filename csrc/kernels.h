/* kernels.h - the table of kernels: one of these for each instruction set and dtype. Kernels only
 * compute: they never allocate, lock, start threads, fail or call BLAS.
 *
 * Arrays of a workspace have rows `stride` elements apart, with room for whole vectors in each row:
 * a kernel may compute and write there, and nobody reads it. Weights, biases, slots and gradients
 * lie densely, and a kernel keeps to them.
 */
#ifndef PYNN_KERNELS_H
#define PYNN_KERNELS_H

#include "activations.h"
#include "costs.h"
#include "dropout.h"
#include "isa.h"
#include "optimizers.h"
#include "pynn.h"

/* The most rows and columns that product is given at a time: 512 rows of a depth of 256 take half
 * of a second-level cache of 1 MB, and the whole takes some 30 ms for the largest layers, after
 * which a look for Ctrl-C is due. */
enum { PYNN_BLOCK_ROWS = 512, PYNN_BLOCK_COLUMNS = 1024 };

/* The most columns that limit_norms is given at a time. */
enum { PYNN_LIMITED_COLUMNS = 64 };

/* Element (i, j) lies at x[i * row + j * column]; one of the two is 1. */
typedef struct {
    const real *x;
    size_t row, column;
} FN(pynn_matrix);

/* A matrix in panels of the kernels' width: element (k, j) of a panel lies at k * row + j * column
 * from the panel's start, and panels lie `panel` apart. */
typedef struct {
    const real *x;
    size_t row, column, panel;
    const uint32_t *rows; /* (depth,): row k is row rows[k] of what lies there, if not NULL */
} FN(pynn_panels);

/* A matrix of which only some elements are there, the others being 0: those of row i are entries
 * starts[i] .. ends[i] - 1, in any order; where several are of one column they add up. */
typedef struct {
    const int64_t *starts, *ends; /* each (n_rows,); NULL: no such matrix */
    const int32_t *columns;       /* of each entry */
    const real *values;           /* of each entry */
} FN(pynn_sparse);

/* Updates w (n_rows, n) and its slots, rows `stride` apart, by the gradient g (n_rows, n). */
typedef void FN(pynn_update)(real *w, real *slot_0, real *slot_1, size_t stride, const real *g,
                             size_t g_stride, size_t n_rows, size_t n, const FN(pynn_step) * step);

typedef struct {
    int tuned;    /* 0: where BLAS is faster at large products, because this set lacks registers */
    size_t lanes; /* reals of a vector */
    size_t panel; /* columns that product works on at a time */
    size_t pack;  /* reals of scratch memory that product takes */

    /* c (n_rows, n) = start (n,) for each row, or 0 where it is NULL, + a (n_rows, depth) b (depth,
     * n). packed: (pack,) scratch memory */
    void (*product)(real *c, size_t c_stride, const real *start, FN(pynn_matrix) a,
                    FN(pynn_panels) b, size_t n_rows, size_t n, size_t depth, real *packed);

    /* c (n_rows, n) = start (n,) for each row, or 0 where it is NULL, + a (n_rows, .) b (., n).
     * Rows of c have room for whole vectors, or the last one has and they are gone through in order
     */
    void (*sparse_product)(real *c, size_t c_stride, const real *start, FN(pynn_sparse) a,
                           const real *b, size_t b_stride, size_t n_rows, size_t n);

    /* out (n_rows, n) = weights w going down their gradient a (n_rows, depth) b (depth, n) by the
     * rule sgd; out may be w. Row i is row rows[i] of both, or i where rows is NULL */
    void (*descend)(real *out, const real *w, size_t stride, const uint32_t *rows /* (n_rows,) */,
                    FN(pynn_matrix) a, FN(pynn_panels) b, size_t n_rows, size_t n, size_t depth,
                    const FN(pynn_step) * step);

    /* marks (n,) becomes other than 0 where x (n,) is not 0 */
    void (*mark_nonzero)(bits_t *marks, const real *x, size_t n);

    /* The numbers of those marks (n,) that are not 0; returns how many. list has room for n and a
     * cache line */
    size_t (*list_marked)(uint32_t *list, const bits_t *marks, size_t n);

    /* out = those of x (n,) whose marks are not 0. out has room for n and a cache line, and may be
     * x */
    void (*keep_marked)(real *out, const real *x, const bits_t *marks, size_t n);

    /* Panels, each (n_rows, panel) and panel_stride apart, of x (n_rows, n) */
    void (*to_panels)(real *panels, size_t panel_stride, const real *x, size_t stride,
                      size_t n_rows, size_t n);

    /* a = f(z), both (n_rows, n); a may be z. parameter: what activations.h says of f, here and
     * below */
    void (*activate[PYNN_N_ACTIVATIONS])(real *a, real *z, size_t stride, size_t n_rows, size_t n,
                                         real parameter);

    /* delta *= f'(z): from dC/da to dC/dz. All are (n_rows, n) */
    void (*derive[PYNN_N_ACTIVATIONS])(real *delta, const real *z, const real *a, size_t stride,
                                       size_t n_rows, size_t n, real parameter);

    /* out = a, but 0 where the mask drops, and the others larger by what is missing then. Both are
     * (n_rows, n) and may be one array */
    void (*drop)(real *out, const real *a, size_t stride, size_t n_rows, size_t n,
                 const pynn_mask *mask);

    /* row_costs[i] = the cost of row i; delta = its derivative times row_scales[i] (costs.h says
     * derivative by what). delta, z, a, y are (n_rows, n); row_costs, row_scales are (n_rows,) */
    void (*cost[PYNN_N_COSTS])(real *delta, double *row_costs, const real *z, const real *a,
                               const real *y, const real *row_scales, size_t stride, size_t n_rows,
                               size_t n, real parameter);

    /* da = dC/da, for costs whose derivative above is by z; NULL for the others. All are (n_rows,
     * n). Infinite where a is 0 and should not be */
    void (*sensitivity[PYNN_N_COSTS])(real *da, const real *z, const real *a, const real *y,
                                      size_t stride, size_t n_rows, size_t n);

    FN(pynn_update) * update[PYNN_N_RULES];
    FN(pynn_update) * store; /* w = g: for a gradient that is to be kept */
    FN(pynn_update) * add;   /* w += g */

    /* To the gradient g (n,) of the mean cost that of the penalty is added; w (n,) the weights */
    void (*penalise)(real *g, const real *w, size_t n, const FN(pynn_step) * step);

    /* db (n,), with room for whole vectors, = the sum over the rows of delta (n_rows, n) */
    void (*sum_rows)(real *db, const real *delta, size_t stride, size_t n_rows, size_t n);

    /* Over w (n_rows, n): of w * w, of |w| */
    double (*sum_of_squares)(const real *w, size_t stride, size_t n_rows, size_t n);
    double (*sum_of_sizes)(const real *w, size_t stride, size_t n_rows, size_t n);

    /* Columns of w (n_rows, n), n <= PYNN_LIMITED_COLUMNS, that are longer than this, are scaled
     * back to it */
    void (*limit_norms)(real *w, size_t stride, size_t n_rows, size_t n, double longest);

    int (*all_finite)(const real *x /* (n,) */, size_t n);
} FN(pynn_kernels);

#define X(suffix, name) extern const FN(pynn_kernels) FN(pynn_kernels_##suffix);
PYNN_ISAS(X)
#undef X

/* The table of the instruction set in use. */
static inline const FN(pynn_kernels) * FN(pynn_kernels_in_use)(void) {
    static const FN(pynn_kernels) *const tables[] = {
#define X(suffix, name) &FN(pynn_kernels_##suffix),
        PYNN_ISAS(X)
#undef X
    };
    return tables[pynn_isa_in_use()];
}

#endif
