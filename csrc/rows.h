/* rows.h - the rows of a mini-batch, brought from the data into the workspace. Functions here are
 * called by all members of a team at once, with the same arguments but `member`; each brings its
 * own rows, and a barrier must follow before another's are read. */
#ifndef PYNN_ROWS_H
#define PYNN_ROWS_H

#include "workspace.h"

/* Rows first .. first + n_rows - 1 of the order (NULL: of the data themselves). */
typedef struct {
    const int64_t *order; /* (data->n_rows,) */
    size_t first, n_rows;
} pynn_batch;

/* The number in the data of the batch's i-th row. */
static inline size_t pynn_row_of(pynn_batch batch, size_t i) {
    return batch.order ? (size_t)batch.order[batch.first + i] : batch.first + i;
}

/* A layer's input (n_rows, n_columns), rows `stride` elements apart, or sparse. */
typedef struct {
    const real *x;
    size_t stride, n_columns;
    const uint32_t *columns; /* (n_columns,) ascending: which of the n_in columns are here, where
                                the others are 0 in all rows; NULL: all are */
    int is_sparse;           /* it is pynn_sparse_rows in place of x */
} FN(pynn_rows);

/* The rows of a sparse batch. */
static inline FN(pynn_sparse) FN(pynn_sparse_rows)(const FN(pynn_workspace) * ws) {
    return (FN(pynn_sparse)){ws->starts, ws->ends, ws->data->columns, ws->data->values};
}

/* What a layer hands to the next. Number by number: a struct that is copied as a whole, just after
 * it was written in parts, is waited for (the smallest networks: 5%). */
static inline void FN(pynn_hand_on)(FN(pynn_rows) * rows, const FN(pynn_layer) * layer) {
    rows->x = layer->out;
    rows->stride = layer->stride;
    rows->n_columns = layer->n_out;
    rows->columns = NULL;
    rows->is_sparse = 0;
}

/* The batch's inputs, sparse where the data are; else without columns that are 0 in all of its rows
 * if these are many. The first time that rows come by, the team is asked to stop where a number is
 * not finite. */
FN(pynn_rows)
FN(pynn_load_input)(FN(pynn_workspace) * ws, const pynn_data *data, pynn_batch batch,
                    pynn_member member);

/* To be called now and then between two batches: fetches a few more lines of the member's rows of
 * the next one, which would be waited for if they came all at once. */
void FN(pynn_fetch_ahead)(const FN(pynn_workspace) * ws, pynn_member member);

/* ws->y = the targets of some rows; a class label c means 1 at c and 0 elsewhere. */
void FN(pynn_load_targets)(FN(pynn_workspace) * ws, const pynn_data *data, pynn_batch batch,
                           pynn_share rows);

#endif
