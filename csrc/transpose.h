/* transpose.h - transposes the sparse rows of a batch, for the gradient of the first layer. */
#ifndef PYNN_TRANSPOSE_H
#define PYNN_TRANSPOSE_H

#include "program.h"

/* The columns of a range that have an entry in any row of the batch. */
typedef struct {
    size_t n;
    const uint32_t *columns; /* (n,) ascending */
    pynn_sparse entries;     /* (n, rows of the batch): row k is column columns[k] */
} pynn_transposed;

/* Transpose the member's columns of the batch x (n_rows, n_in), in the member's own memory. Columns
 * of different members must not overlap. */
pynn_transposed FN(pynn_transpose)(const pynn_workspace *ws, pynn_sparse x, size_t n_rows,
                                   pynn_share columns, pynn_member member);

/* The rows of a from `first` on. */
static inline pynn_sparse pynn_from_row(pynn_sparse a, size_t first) {
    a.starts += first;
    a.ends += first;
    return a;
}

/* Number of entries in the first n_rows rows. */
static inline size_t pynn_count_entries(pynn_sparse a, size_t n_rows) {
    int64_t n = 0;
    for (size_t i = 0; i < n_rows; i++) { n += a.ends[i] - a.starts[i]; }
    return (size_t)n;
}

#endif
