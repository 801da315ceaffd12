/* sparse.h - the product of a sparse and a dense matrix. Each element of the result is one chain of
 * fused multiply-adds in the order of the entries, however rows and columns are divided. If entries
 * are sorted by column, tiles.h uses the same order. */
#ifndef PYNN_SPARSE_H
#define PYNN_SPARSE_H

#include "kernels.h"
#include "vec.h"

/* Vectors of a row that are summed at a time: enough to hide the latency of one. */
enum { SPARSE_VECTORS = 8 };

/* Entries of one row. */
typedef struct {
    const int32_t *columns; /* (n,) at most `last`; larger ones are treated as 0, as another thread
                               may write to them at any time */
    const real *values;     /* (n,) */
    size_t n;
    uint32_t last;
} entries;

/* c (V vectors) = start + entries times b; `lanes`: lanes of start and b in the last vector */
INLINE void multiply_entries(const int V, real *c, const real *start, const entries *row,
                             const real *b, size_t b_stride, size_t lanes) {
    vec sum[SPARSE_VECTORS];
    UNROLL(8)
    for (int v = 0; v < V; v++) {
        sum[v] = start ? load_first(start + v * LANES, v == V - 1 ? lanes : LANES) : (vec){0};
    }
    for (size_t k = 0; k < row->n; k++) {
        const uint32_t column = (uint32_t)row->columns[k];
        const real *x = b + (column <= row->last ? column : 0) * b_stride, value = row->values[k];
        UNROLL(8)
        for (int v = 0; v < V - 1; v++) { sum[v] += value * load(x + v * LANES); }
        sum[V - 1] += value * load_first(x + (V - 1) * LANES, lanes);
    }
    UNROLL(8)
    for (int v = 0; v < V; v++) { store(c + v * LANES, sum[v]); }
}

/* One function for each number of vectors. */
typedef void entries_function(real *c, const real *start, const entries *row, const real *b,
                              size_t b_stride, size_t lanes);
#define SPARSE_WIDTHS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8)
#define X(V)                                                                                       \
    static void multiply_entries_##V(real *c, const real *start, const entries *row,               \
                                     const real *b, size_t b_stride, size_t lanes) {               \
        multiply_entries(V, c, start, row, b, b_stride, lanes);                                    \
    }
SPARSE_WIDTHS(X)
#undef X

/* c (n_rows, n) = start + a b (., n). Rows are written in whole vectors: elements beyond the end of
 * a row are overwritten by the next row. */
static void sparse_product(real *c, size_t c_stride, const real *start, pynn_sparse a,
                           const real *b, size_t b_stride, size_t n_rows, size_t n) {
    static entries_function *const functions[] = {
#define X(V) multiply_entries_##V,
        SPARSE_WIDTHS(X)
#undef X
    };
    const size_t n_vectors = (n + LANES - 1) / LANES;
    const size_t n_pieces = (n_vectors + SPARSE_VECTORS - 1) / SPARSE_VECTORS;
    for (size_t i = 0; i < n_rows; i++) {
        const size_t first = (size_t)a.starts[i];
        const entries row = {a.columns + first, a.values + first, (size_t)a.ends[i] - first,
                             (uint32_t)(a.n_columns - 1)};
        for (size_t p = 0, done = 0; p < n_pieces; p++) {
            const size_t end = n_vectors * (p + 1) / n_pieces, j = done * LANES;
            functions[end - done - 1](c + i * c_stride + j, start ? start + j : NULL, &row, b + j,
                                      b_stride, end < n_vectors ? LANES : n - (end - 1) * LANES);
            done = end;
        }
    }
}

#endif
