/* rows.h - loads the rows of a mini-batch from the data into the workspace. All members of a team
 * run these operations together, each for its own rows. A barrier must follow before a member reads
 * the rows of another. */
#ifndef PYNN_ROWS_H
#define PYNN_ROWS_H

#include "program.h"

/* The rows of a sparse batch, from row `base` of the workspace on. */
static inline pynn_sparse pynn_sparse_rows(const pynn_workspace *ws, size_t base) {
    return (pynn_sparse){ws->starts + base, ws->ends + base, ws->data->columns, ws->data->values,
                         ws->n_columns};
}

/* Set pass->x to the chunk's inputs: sparse if the data are sparse; otherwise without the columns
 * that are 0 in all rows, if there are many. When rows are first loaded, the team is asked to stop
 * if a number is not finite. */
int FN(pynn_load_input)(pynn_op *op, pynn_pass *pass);

/* Load the targets of the member's rows into ws->y, with class labels one-hot encoded, and the
 * weights of the rows into ws->row_scales. */
int FN(pynn_load_targets)(pynn_op *op, pynn_pass *pass);

/* Prefetch a few more cache lines of the member's rows of the next batch. Call this repeatedly
 * during a batch, because prefetching all lines at once would stall. */
void FN(pynn_fetch_ahead)(const pynn_pass *pass);

/* Weight of the i-th row in the mean cost of its batch; 0 if all row weights of the batch are 0. */
static inline double pynn_share_of_total(const pynn_pass *pass, size_t i) {
    const double *weights = pass->ws->data->row_weights;
    if (pass->total <= 0) { return 0; }
    return (weights ? weights[pynn_row_of(pass->chunk, i)] : 1) / pass->total;
}

/* The same for one member's cost of the row, in the mean over rows and members. */
static inline double pynn_share_of_mean(const pynn_pass *pass, size_t i) {
    return pynn_share_of_total(pass, i) / (double)pass->ws->n_members;
}

#endif
