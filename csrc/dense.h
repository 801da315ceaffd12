/* dense.h - forward and backward pass of one dense layer for a chunk of rows: a member's part of
 * each product, followed by the element-wise steps while the product is still in the cache. */
#ifndef PYNN_DENSE_H
#define PYNN_DENSE_H

#include "rows.h"

/* Call these once, when the operation is compiled. */
void FN(pynn_prepare_forward)(pynn_op *op, const pynn_workspace *ws);
void FN(pynn_prepare_backward)(pynn_op *op, const pynn_workspace *ws);
void FN(pynn_prepare_input_backward)(pynn_op *op, const pynn_workspace *ws);

/* Compute z, a and out of a layer; of a normalised layer, only its weighted sums. */
int FN(pynn_dense_forward)(pynn_op *op, pynn_pass *pass);

/* Compute a and out from z, in these rows and the operation's columns. */
void FN(pynn_activate)(const pynn_op *op, const pynn_pass *pass, pynn_share rows);

/* Compute a layer's dC/dz, in its deltas, from the deltas of the next layer. */
int FN(pynn_dense_backward)(pynn_op *op, pynn_pass *pass);

/* Compute ws->dx, the derivative by what the first layer's product reads, from its deltas. */
int FN(pynn_input_backward)(pynn_op *op, pynn_pass *pass);

/* Copy delta to da in these rows and columns, which are contiguous, before delta is multiplied by
 * the activation's derivative, for a layer with separate arrays for both. */
void FN(pynn_keep_da)(const pynn_layer *layer, const pynn_workspace *ws, pynn_share rows,
                      pynn_share columns);

#endif
