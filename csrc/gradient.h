/* gradient.h - a member's part of the gradient of one layer's parameters. The gradient of weights
 * is computed in blocks that fit the first-level cache; each block is passed to the updater at
 * once. */
#ifndef PYNN_GRADIENT_H
#define PYNN_GRADIENT_H

#include "rows.h"

/* Call this once, when the operation is compiled. */
void FN(pynn_prepare_gradient)(pynn_op *op, const pynn_workspace *ws);

/* Compute the gradient of a layer from its input and deltas, and pass it to the pass's updater. */
int FN(pynn_dense_gradient)(pynn_op *op, pynn_pass *pass);

/* Copy the parameters of a frozen layer if updated parameters are written to a shadow. */
int FN(pynn_copy_frozen)(pynn_op *op, pynn_pass *pass);

#endif
