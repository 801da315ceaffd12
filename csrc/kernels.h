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

/* Columns that limit_norms is given at a time, at most. */
enum { PYNN_LIMITED_COLUMNS = 64 };

/* How a matrix lies: cut into panels of the kernels' width P, which are `panel` apart, so that
 * element (i, j) is at x[j / P * panel + i * row + j % P]. In rows: the same with panels P apart.
 */
typedef struct {
    size_t row, panel;
} pynn_layout;

/* The left matrix of a product; or, transposed, the columns from `first` on of such a matrix. */
typedef struct {
    const real *x;
    pynn_layout layout;
    int is_transposed;
    size_t first;
} pynn_matrix;

/* The right matrix, in panels. Or, where it is a transposed matrix (column not 1), row is 1 and the
 * depth may lie in panels: element (k, j) lies at k / P * deep + k % P + j * column. */
typedef struct {
    const real *x;
    size_t row, column, panel;
    const uint32_t *rows; /* (depth,): row k is row rows[k] of what lies there, if not NULL */
    size_t deep;
} pynn_panels;

/* b without its first rows. */
static inline pynn_panels pynn_deeper(pynn_panels b, size_t n_rows, size_t panel) {
    if (b.rows) {
        b.rows += n_rows;
    } else {
        b.x += b.column == 1 ? n_rows * b.row : n_rows / panel * b.deep;
    }
    return b;
}

/* c (n_rows, n) = start + a (n_rows, depth) b (depth, n); n <= block_columns. c and start begin at
 * a panel. Rows of c have room for whole vectors, or n <= panel and the last row has. */
typedef struct {
    real *c;
    pynn_layout c_layout;
    const real *start; /* (n_rows, n); NULL: 0 */
    pynn_layout start_layout;
    pynn_matrix a;
    pynn_panels b;
    size_t n_rows, n, depth;
} pynn_product;

/* A sparse matrix: elements that are not stored are 0. Those of row i are entries
 * starts[i] .. ends[i] - 1, in any order; several of one column add up. */
typedef struct {
    const int64_t *starts, *ends; /* each (n_rows,); NULL: no such matrix */
    const int32_t *columns;       /* of each entry */
    const real *values;           /* of each entry */
    size_t n_columns;             /* a number beyond it is taken for 0 */
} pynn_sparse;

/* Parameters (n_rows, n) with their slots and gradient; rows lie `stride` apart, those of the
 * gradient g_stride. */
typedef struct {
    real *w, *slots[PYNN_MAX_SLOTS]; /* slots: NULL where the rule has none */
    size_t stride;
    const real *g;
    size_t g_stride, n_rows, n;
} pynn_block;

typedef void pynn_update(const pynn_block *block, const pynn_step *step);

/* Rows of an output layer: z, a, y and delta are (n_rows, n), rows `stride` apart. */
typedef struct {
    real *delta;
    double *row_costs; /* (n_rows,) */
    const real *z, *a, *y, *row_scales /* (n_rows,) */;
    size_t stride, n_rows, n;
    real parameter; /* of the cost */
} pynn_outputs;

typedef struct {
    int tuned;        /* 0: BLAS is faster at large products, because this set lacks registers */
    size_t lanes;     /* reals of a vector */
    size_t tile_rows; /* rows of a register tile */
    size_t panel;     /* columns of a register tile: a power of two */
    /* A product is cut into blocks of at most this depth, so many rows and so many columns: a
     * packed panel of b stays in the first-level cache, rows of a that each panel reads in the
     * second. */
    size_t block_depth, block_rows, block_columns;
    /* A block of a gradient stays in the first-level cache from the product to the update rule: so
     * many rows and columns at most. It reads so many numbers of the input: where these lie in
     * rows, a quarter of that cache in float; in panels, half of the second. */
    size_t gradient_rows, gradient_columns, gradient_inputs, gradient_inputs_in_panels;

    /* scratch: room for panels of b, (depth, n) in whole panels, depth <= block_depth unless b
     * lies in rows */
    void (*product)(const pynn_product *product, real *scratch);

    /* Whether product is faster where b (depth, n) lies in rows this far apart when it packs it:
     * then the depth is at most block_depth */
    int (*packs)(const pynn_product *product);

    /* w (n_rows, n) -= learning rate * gradient a b, by the rule sgd; c of the product is where
     * updated weights go, start where they come from. Row i is row rows[i] of both, or i where rows
     * is NULL */
    void (*descend)(const pynn_product *product, const uint32_t *rows /* (n_rows,) */,
                    const pynn_step *step);

    /* c (n_rows, n) = start (n,) for each row, or 0 where it is NULL, + a (n_rows, .) b (., n).
     * Rows of c have room for whole vectors, or the last one has and they are computed in order */
    void (*sparse_product)(real *c, size_t c_stride, const real *start, pynn_sparse a,
                           const real *b, size_t b_stride, size_t n_rows, size_t n);

    /* marks (n,) becomes other than 0 where x (n,) is not 0 */
    void (*mark_nonzero)(bits_t *marks, const real *x, size_t n);

    /* The numbers of those marks (n,) that are not 0; returns how many. list has room for n and a
     * cache line */
    size_t (*list_marked)(uint32_t *list, const bits_t *marks, size_t n);

    /* out (n_listed,) = x[list[k]]; marks (n,) are those that list was made of. out has room for a
     * cache line more, and may be x */
    void (*keep_listed)(real *out, const real *x, const uint32_t *list, size_t n_listed,
                        const bits_t *marks, size_t n);

    /* panels = b (depth, n), each panel (depth, panel) and panel_stride apart, 0 beyond n */
    void (*pack_panels)(real *panels, size_t panel_stride, pynn_panels b, size_t depth, size_t n);

    /* a = f(z), both (n_rows, n); a may be z. parameter: what activations.h says of f, here and
     * below */
    void (*activate[PYNN_N_ACTIVATIONS])(real *a, real *z, size_t stride, size_t n_rows, size_t n,
                                         real parameter);

    /* delta *= f'(z): from dC/da to dC/dz. All are (n_rows, n) */
    void (*derive[PYNN_N_ACTIVATIONS])(real *delta, const real *z, const real *a, size_t stride,
                                       size_t n_rows, size_t n, real parameter);

    /* out = a, but 0 where the mask drops, and the others scaled up to make up for it. Both are
     * (n_rows, n) and may be one array */
    void (*drop)(real *out, const real *a, size_t stride, size_t n_rows, size_t n,
                 const pynn_mask *mask);

    /* row_costs[i] = the cost of row i; delta = its derivative times row_scales[i] (costs.h says
     * derivative by what) */
    void (*cost[PYNN_N_COSTS])(const pynn_outputs *outputs);

    /* da = dC/da, for costs whose derivative above is by z; NULL for the others. All are (n_rows,
     * n). Infinite where a is 0 and should not be */
    void (*sensitivity[PYNN_N_COSTS])(real *da, const real *z, const real *a, const real *y,
                                      size_t stride, size_t n_rows, size_t n);

    pynn_update *update[PYNN_N_RULES];
    pynn_update *store; /* w = g: for a gradient that is kept */
    pynn_update *add;   /* w += g */

    /* The gradient g (n,) of the mean cost, plus that of the penalty of weights w (n,) */
    void (*penalise)(real *g, const real *w, size_t n, const pynn_step *step);

    /* mean (n,) += rate * (w (n,) - mean); at rate 1 mean = w to the bit */
    void (*average)(real *mean, const real *w, size_t n, double rate);

    /* db (n,), with room for whole vectors, = the sum over the rows of delta (n_rows, n) */
    void (*sum_rows)(real *db, const real *delta, size_t stride, size_t n_rows, size_t n);

    /* Over a matrix (n_rows, n) in panels: of w * w, of |w| */
    double (*sum_of_squares)(pynn_panels w, size_t n_rows, size_t n);
    double (*sum_of_sizes)(pynn_panels w, size_t n_rows, size_t n);

    /* Columns of w (n_rows, n), n <= PYNN_LIMITED_COLUMNS, that are longer than this, are scaled
     * back to it */
    void (*limit_norms)(real *w, size_t stride, size_t n_rows, size_t n, double longest);

    int (*all_finite)(const real *x /* (n,) */, size_t n);
} pynn_kernels;

#define X(suffix, name) extern const pynn_kernels FN(pynn_kernels_##suffix);
PYNN_ISAS(X)
#undef X

/* The table of the instruction set in use. */
static inline const pynn_kernels *FN(pynn_kernels_in_use)(void) {
    static const pynn_kernels *const tables[] = {
#define X(suffix, name) &FN(pynn_kernels_##suffix),
        PYNN_ISAS(X)
#undef X
    };
    return tables[pynn_isa_in_use()];
}

#endif
