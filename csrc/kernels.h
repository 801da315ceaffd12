/* kernels.h - the table of kernels, one for each instruction set and dtype. Kernels only compute:
 * they never allocate, lock, start threads, fail or call BLAS.
 *
 * Rows of workspace arrays are `stride` elements apart, with room for whole vectors: kernels may
 * write to this padding, and nothing reads it. Weights, biases, slots and gradients are stored
 * densely, and kernels stay within them.
 */
#ifndef PYNN_KERNELS_H
#define PYNN_KERNELS_H

#include "activations.h"
#include "costs.h"
#include "dropout.h"
#include "isa.h"
#include "optimizers.h"
#include "pynn.h"

/* Rows of weights that are summed at a time, for a penalty or a norm. */
enum { PYNN_PIECE_ROWS = 32 };

/* Maximum number of columns in a call of limit_norms, and of a kernel of batch normalisation. */
enum { PYNN_LIMITED_COLUMNS = 64, PYNN_NORMED_COLUMNS = 64 };

/* Memory layout of a matrix. It is cut into panels of P columns (the `panel` of the kernels), which
 * are `panel` elements apart: element (i, j) is at x[j / P * panel + i * row + j % P]. A row-major
 * matrix has panels P apart. */
typedef struct {
    size_t row, panel;
} pynn_layout;

/* Left matrix of a product. If is_transposed: the transpose of x's columns from `first` on. */
typedef struct {
    const real *x;
    pynn_layout layout;
    int is_transposed;
    size_t first;
} pynn_matrix;

/* Right matrix of a product, in panels. If it is a transposed matrix (column is not 1), row is 1
 * and the depth may be stored in panels: element (k, j) is at k / P * deep + k % P + j * column. */
typedef struct {
    const real *x;
    size_t row, column, panel;
    const uint32_t *rows; /* (depth,) or NULL; row k is row rows[k] of x */
    size_t deep;
} pynn_panels;

/* b without its first n_rows rows. */
static inline pynn_panels pynn_deeper(pynn_panels b, size_t n_rows, size_t panel) {
    if (b.rows) {
        b.rows += n_rows;
    } else {
        b.x += b.column == 1 ? n_rows * b.row : n_rows / panel * b.deep;
    }
    return b;
}

/* c (n_rows, n) = start + a (n_rows, depth) b (depth, n); n <= block_columns. c and start begin at
 * the start of a panel. Each row of c has room for whole vectors; if n <= panel, only the last row
 * needs it. */
typedef struct {
    real *c;
    pynn_layout c_layout;
    const real *start; /* (n_rows, n); NULL: 0 */
    pynn_layout start_layout;
    pynn_matrix a;
    pynn_panels b;
    size_t n_rows, n, depth;
} pynn_product;

/* A sparse matrix. Row i has entries starts[i] .. ends[i] - 1, in any order; several entries of one
 * column are summed. Elements without an entry are 0. */
typedef struct {
    const int64_t *starts, *ends; /* each (n_rows,); NULL: no such matrix */
    const int32_t *columns;       /* of each entry */
    const real *values;           /* of each entry */
    size_t n_columns;             /* larger column numbers are treated as 0 */
} pynn_sparse;

/* Parameters (n_rows, n) with their slots and gradient. Rows are `stride` apart, rows of the
 * gradient g_stride. */
typedef struct {
    real *w, *slots[PYNN_MAX_SLOTS]; /* slots: NULL where the rule has none */
    size_t stride;
    const real *g;
    size_t g_stride, n_rows, n;
} pynn_block;

typedef void pynn_update(const pynn_block *block, const pynn_step *step);

/* Rows of an output layer. z, a, y and delta are (n_rows, n), with rows `stride` apart. */
typedef struct {
    real *delta;
    double *row_costs; /* (n_rows,) */
    const real *z, *a, *y, *row_scales /* (n_rows,) */;
    size_t stride, n_rows, n;
    real parameter; /* of the cost */
} pynn_outputs;

/* Rows of a normalised layer. All matrices are (n_rows, n) in this layout. */
typedef struct {
    real *sums;   /* weighted sums, or normalised sums: (sum - mean) * scale, by row */
    real *scales; /* (n_rows,) 1 / sqrt(variance + 1e-5) of each row */
    pynn_layout layout;
    const real *gains, *biases; /* (n,) each; biases NULL: 0 */
    size_t n_rows, n;
} pynn_normalised;

/* Rows of a column with an embedding. */
typedef struct {
    const pynn_embedding *of;
    const real *parameters; /* of the embedding, see pynn.h */
    const real *x;          /* (n_rows,) the column, x_stride apart */
    size_t x_stride, n_rows;
    real *room; /* (pynn_embedding_room(of),) */
} pynn_embedded;

/* Rows that a periodic embedding computes at a time. */
enum { PYNN_WAVE_ROWS = 64 };

/* Number of reals that the kernels of an embedding need. */
static inline size_t pynn_embedding_room(const pynn_embedding *e) {
    const size_t n = (size_t)e->n, size = (size_t)e->size;
    if (e->kind == PYNN_PERIODIC) {
        const size_t n_parameters = (size_t)pynn_embedding_parameters(e);
        return (2 * n + size + 1) * PYNN_WAVE_ROWS + n_parameters * (64 / sizeof(real));
    }
    return e->is_linear ? n * size : 0;
}

/* Contiguous columns of a layer with batch normalisation. All matrices are (n_rows, n), n <=
 * PYNN_NORMED_COLUMNS. */
typedef struct {
    real *sums; /* weighted sums, or normalised sums: (sum - mean) / sqrt(variance + 1e-5) */
    size_t stride, n_rows, n;
    const real *shares; /* (n_rows,) weight of each row in the batch whose mean and variance these
                           are; NULL: they are running ones, constants */
    const real *means, *variances; /* (n,) each */
    const real *gains, *biases;    /* (n,) each; biases NULL: 0 */
} pynn_columns_normalised;

/* Several networks, each in its own lane: every number of the following matrices is a vector with
 * the numbers of all networks, and strides count vectors.
 * c (n_rows, n) = start + a (n_rows, depth) b (depth, n) */
typedef struct {
    real *c;
    const real *start; /* like c, rows start_row apart; NULL: 0 */
    const real *a;     /* element (i, k) is at i * a_row + k * a_step */
    const real *b;     /* element (k, j) is at k * b_step + j * b_column */
    size_t c_row, start_row, a_row, a_step, b_step, b_column;
    size_t n_rows, n, depth;
    int is_relu; /* c is the activation relu of the product */
    const real
        *gate; /* activations, like c: c is the product times the derivative of relu; or NULL */
} pynn_lane_product;

/* Rows of their output layers: see pynn_outputs. */
typedef struct {
    real *delta;
    double *row_costs;      /* (n_rows,) */
    const real *z, *a, *y;  /* (n_rows, n) with rows `stride` apart, as is delta */
    const real *row_scales; /* (n_rows,) */
    size_t stride, n_rows, n;
    real parameter;
} pynn_lane_outputs;

typedef struct {
    int tuned;    /* 0: BLAS is faster for large products, because this set has too few registers */
    size_t lanes; /* reals per vector */
    size_t tile_rows; /* rows of a register tile */
    size_t panel;     /* columns of a register tile, a power of two */
    /* Maximum depth, rows and columns of a block of a product. A packed panel of b stays in the
     * first-level cache, and the rows of a that all panels read stay in the second. */
    size_t block_depth, block_rows, block_columns;
    /* Maximum rows and columns of a block of a gradient, which stays in the first-level cache from
     * the product to the update rule. A block reads at most this many numbers of the input: a
     * quarter of that cache in float if the input is stored in rows, half of the second-level cache
     * if it is in panels. */
    size_t gradient_rows, gradient_columns, gradient_inputs, gradient_inputs_in_panels;

    /* scratch: room for b (depth, n) in whole panels; depth <= block_depth unless b is stored in
     * rows */
    void (*product)(const pynn_product *product, real *scratch);

    /* Whether product packs b, because it is transposed or its rows are far apart. The depth must
     * then be at most block_depth */
    int (*packs)(const pynn_product *product);

    /* Update weights (n_rows, n) by sgd with the gradient a b. The product's start holds the
     * weights, and its c receives the updated weights. Row i of a b belongs to row rows[i] of both,
     * or to row i if rows is NULL */
    void (*descend)(const pynn_product *product, const uint32_t *rows /* (n_rows,) */,
                    const pynn_step *step);

    /* c (n_rows, n) = start + a (n_rows, .) b (., n), where start (n,), or 0 if it is NULL, is
     * added to each row. Each row of c has room for whole vectors; as rows are computed in order,
     * only the last row needs it */
    void (*sparse_product)(real *c, size_t c_stride, const real *start, pynn_sparse a,
                           const real *b, size_t b_stride, size_t n_rows, size_t n);

    /* Make marks (n,) nonzero where x (n,) is nonzero */
    void (*mark_nonzero)(bits_t *marks, const real *x, size_t n);

    /* Write the indices of nonzero marks (n,) to list and return their number. list has room for n
     * indices and a cache line */
    size_t (*list_marked)(uint32_t *list, const bits_t *marks, size_t n);

    /* out[k] = x[list[k]] for k < n_listed, where list was made from marks (n,). out has room for
     * an additional cache line and may be x */
    void (*keep_listed)(real *out, const real *x, const uint32_t *list, size_t n_listed,
                        const bits_t *marks, size_t n);

    /* Copy b (depth, n) to panels, each (depth, panel) and panel_stride apart, with 0 beyond column
     * n */
    void (*pack_panels)(real *panels, size_t panel_stride, pynn_panels b, size_t depth, size_t n);

    /* a = f(z), both (n_rows, n); a may be z. parameter: see activations.h */
    void (*activate[PYNN_N_ACTIVATIONS])(real *a, real *z, size_t stride, size_t n_rows, size_t n,
                                         real parameter);

    /* delta *= f'(z), which turns dC/da into dC/dz. All arrays are (n_rows, n) */
    void (*derive[PYNN_N_ACTIVATIONS])(real *delta, const real *z, const real *a, size_t stride,
                                       size_t n_rows, size_t n, real parameter);

    /* out = a, with 0 where the mask drops and the rest scaled up by 1 / (1 - rate). Both are
     * (n_rows, n) and may be the same array */
    void (*drop)(real *out, const real *a, size_t stride, size_t n_rows, size_t n,
                 const pynn_mask *mask);

    /* out = a + x, all (n_rows, n); out may be a */
    void (*add_rows)(real *out, const real *a, size_t stride, const real *x, size_t x_stride,
                     size_t n_rows, size_t n);

    /* out = x * s + b in each row, with s and b (n,); b NULL: 0. Both are (n_rows, n); out may be
     * x. Rows of x may end at n */
    void (*scale_rows)(real *out, size_t stride, const real *x, size_t x_stride, const real *s,
                       const real *b, size_t n_rows, size_t n);

    /* Back through scale_rows: ds (n,) = sum over the rows of delta * x, db (n,), unless NULL, that
     * of delta; delta *= s. ds and db have room for whole vectors */
    void (*scale_back)(real *ds, real *db, real *delta, size_t stride, const real *x,
                       size_t x_stride, const real *s, size_t n_rows, size_t n);

    /* kept = x, both (n_rows, n) */
    void (*copy_rows)(real *kept, const real *x, size_t stride, size_t n_rows, size_t n);

    /* out = (1 - alphas) * z + alphas * a, where a = f(z); out may be a. All are (n_rows, n) except
     * for alphas (n,) */
    void (*blend)(real *out, const real *a, const real *z, size_t stride, const real *alphas,
                  size_t n_rows, size_t n);

    /* delta = dC/d(blend) times f'(z) becomes dC/dz, and a becomes the terms of dC/d(alphas):
     * dblend * (a - z). dblend = dC/d(blend). All arrays are (n_rows, n) except for alphas (n,) */
    void (*blend_back)(real *delta, real *a, const real *dblend, const real *z, size_t stride,
                       const real *alphas, size_t n_rows, size_t n);

    /* Normalise rows->sums and set rows->scales; z = gains * sums + biases. z may be rows->sums,
     * which then are not kept */
    void (*normalise)(real *z, const pynn_normalised *rows);

    /* delta = dC/dz becomes the derivative by the weighted sums; dz = a copy of dC/dz */
    void (*normalise_back)(real *dz, real *delta, const pynn_normalised *rows);

    /* Mean and variance (n,) of each column, weighted by the shares */
    void (*batch_statistics)(real *means, real *variances, const pynn_columns_normalised *columns);

    /* The same as normalise and normalise_back, by columns */
    void (*normalise_columns)(real *z, const pynn_columns_normalised *columns);
    void (*normalise_columns_back)(real *dz, real *delta, const pynn_columns_normalised *columns);

    /* row_costs[i] = cost of row i; delta = its derivative (see costs.h) times row_scales[i] */
    void (*cost[PYNN_N_COSTS])(const pynn_outputs *outputs);

    /* da = dC/da, for costs with delta = dC/dz; NULL for the others. All arrays are (n_rows, n).
     * Infinite where a is rounded to 0 although y is not 0 */
    void (*sensitivity[PYNN_N_COSTS])(real *da, const real *z, const real *a, const real *y,
                                      size_t stride, size_t n_rows, size_t n);

    pynn_update *update[PYNN_N_RULES];
    pynn_update *store; /* w = g, to keep a gradient */
    pynn_update *add;   /* w += g */

    /* Add the gradient of the penalty on weights w (n,) to g (n,), the gradient of the mean cost */
    void (*penalise)(real *g, const real *w, size_t n, const pynn_step *step);

    /* mean (n,) += rate * (w (n,) - mean); rate 1 copies w */
    void (*average)(real *mean, const real *w, size_t n, double rate);

    /* db (n,) = sum over the rows of delta (n_rows, n). db has room for whole vectors */
    void (*sum_rows)(real *db, const real *delta, size_t stride, size_t n_rows, size_t n);

    /* dg (n,) = sum over the rows of dz * x, both (n_rows, n). dg has room for whole vectors */
    void (*sum_products)(real *dg, const real *dz, const real *x, size_t stride, size_t n_rows,
                         size_t n);

    /* Sums of w * w and of |w| over a matrix (n_rows, n) in panels */
    double (*sum_of_squares)(pynn_panels w, size_t n_rows, size_t n);
    double (*sum_of_sizes)(pynn_panels w, size_t n_rows, size_t n);

    /* Scale columns of w (n_rows, n) with a norm above `longest` down to it; n <=
     * PYNN_LIMITED_COLUMNS */
    void (*limit_norms)(real *w, size_t stride, size_t n_rows, size_t n, double longest);

    int (*all_finite)(const real *x /* (n,) */, size_t n);

    /* out (n_rows, size) = the embedding of rows->x; see encodings.h */
    void (*embed[PYNN_N_EMBEDDINGS])(real *out, size_t stride, const pynn_embedded *rows);

    /* g = gradient of the embedding's parameters: the sum over rows with derivatives d (n_rows,
     * size) by its outputs. Not for embeddings without parameters */
    void (*embed_gradient[PYNN_N_EMBEDDINGS])(real *g, const real *d, size_t stride,
                                              const pynn_embedded *rows);

    /* dx (n_rows,) = derivatives by x, from derivatives d (n_rows, size) by the outputs */
    void (*embed_back[PYNN_N_EMBEDDINGS])(real *dx, size_t dx_stride, const real *d, size_t stride,
                                          const pynn_embedded *rows);

    /* For several networks, each in its own lane: all numbers but the sizes are vectors. Pointwise
     * kernels above serve them as well. Strides count vectors; w is dense */
    void (*lane_product)(const pynn_lane_product *product);
    void (*lane_softmax)(real *a, const real *z, size_t stride, size_t n_rows, size_t n);
    void (*lane_cost[PYNN_N_COSTS])(const pynn_lane_outputs *outputs);
    void (*lane_sum_of_squares)(double *sum, const real *w, size_t n_rows, size_t n);
    void (*lane_sum_of_sizes)(double *sum, const real *w, size_t n_rows, size_t n);
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
