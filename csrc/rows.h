/* rows.h - the rows of a mini-batch, brought from the data into the workspace. Operations here run
 * in all members of a team at once; each brings its own rows, and a barrier must follow before
 * another's are read. */
#ifndef PYNN_ROWS_H
#define PYNN_ROWS_H

#include "program.h"

/* The rows of a sparse batch. */
static inline pynn_sparse pynn_sparse_rows(const pynn_workspace *ws, size_t base) {
    return (pynn_sparse){ws->starts + base, ws->ends + base, ws->data->columns, ws->data->values,
                         ws->layers[0].n_in};
}

/* pass->x = the chunk's inputs, sparse where the data are; else without columns that are 0 in all
 * of its rows if these are many. The first time that rows come by, the team is asked to stop where
 * a number is not finite. */
int FN(pynn_load_input)(pynn_op *op, pynn_pass *pass);

/* ws->y = the targets of the member's rows; a class label c means 1 at c and 0 elsewhere. Their
 * weights go into ws->row_scales. */
int FN(pynn_load_targets)(pynn_op *op, pynn_pass *pass);

/* To be called now and then between two batches: fetches a few more lines of the member's rows of
 * the next one, which would be waited for if they came all at once. */
void FN(pynn_fetch_ahead)(const pynn_pass *pass);

/* The i-th row's part of the cost of its batch. A batch in which no row has a weight asks for
 * nothing. */
static inline double pynn_share_of_total(const pynn_pass *pass, size_t i) {
    const double *weights = pass->ws->data->row_weights;
    if (pass->total <= 0) { return 0; }
    return (weights ? weights[pynn_row_of(pass->chunk, i)] : 1) / pass->total;
}

#endif
