/* normalise.h - operations of normalised layers, between the weighted sums and the activation:
 * layer normalisation of whole rows, batch normalisation of whole columns. */
#ifndef PYNN_NORMALISE_H
#define PYNN_NORMALISE_H

#include "program.h"

/* Compute z, a and out from the weighted sums: by rows, or by columns. */
int FN(pynn_normalise_rows)(pynn_op *op, pynn_pass *pass);
int FN(pynn_normalise_columns)(pynn_op *op, pynn_pass *pass);

/* Turn dC/dz into deltas, dC/du, and keep dC/dz. */
int FN(pynn_normalise_rows_back)(pynn_op *op, pynn_pass *pass);
int FN(pynn_normalise_columns_back)(pynn_op *op, pynn_pass *pass);

/* Move the member's part of the running means and variances towards those of the batch, in the
 * updated parameters. */
void FN(pynn_move_statistics)(const pynn_pass *pass);

/* Set the member's part of the gradient (n_parameters,) of means and variances to 0. */
void FN(pynn_clear_statistics)(real *gradient, const pynn_pass *pass);

#endif
