/* gradient.h - the gradient of one layer's weights and biases, a member's part of it, in blocks
 * that fit the first cache; each goes on at once to where it is wanted. */
#ifndef PYNN_GRADIENT_H
#define PYNN_GRADIENT_H

#include "rows.h"

/* To be called once when the operation is compiled. */
void FN(pynn_prepare_gradient)(pynn_op *op, const pynn_workspace *ws);

/* The gradient of a layer, whose input and deltas are there, into the pass's updater. */
int FN(pynn_dense_gradient)(pynn_op *op, pynn_pass *pass);

/* The parameters of a frozen layer, where those that are updated go into a shadow. */
int FN(pynn_copy_frozen)(pynn_op *op, pynn_pass *pass);

#endif
