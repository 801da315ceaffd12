/* transpose.h - the sparse rows of a batch by columns: what the gradient of the first layer sums
 * over. */
#ifndef PYNN_TRANSPOSE_H
#define PYNN_TRANSPOSE_H

#include "program.h"

/* Those columns of a range in which any row of the batch has an entry. */
typedef struct {
    size_t n;
    const uint32_t *columns; /* (n,) ascending */
    pynn_sparse entries;     /* (n, rows of the batch): row k is column columns[k] */
} pynn_transposed;

/* The columns that are a member's of the batch x (n_rows, n_in), in the member's own memory. All
 * members together must not ask for a column twice. */
pynn_transposed FN(pynn_transpose)(const pynn_workspace *ws, pynn_sparse x, size_t n_rows,
                                   pynn_share columns, pynn_member member);

/* From row `first` on. */
static inline pynn_sparse pynn_from_row(pynn_sparse a, size_t first) {
    a.starts += first;
    a.ends += first;
    return a;
}

/* How many entries some rows have. */
static inline size_t pynn_count_entries(pynn_sparse a, size_t n_rows) {
    int64_t n = 0;
    for (size_t i = 0; i < n_rows; i++) { n += a.ends[i] - a.starts[i]; }
    return (size_t)n;
}

#endif
