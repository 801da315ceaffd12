/* dense.h - what one dense layer does with a chunk of rows, forward and back: a member's part of
 * each product, and what follows it while its result is in the cache. */
#ifndef PYNN_DENSE_H
#define PYNN_DENSE_H

#include "rows.h"

/* To be called once when the operation is compiled. */
void FN(pynn_prepare_forward)(pynn_op *op, const pynn_workspace *ws);
void FN(pynn_prepare_backward)(pynn_op *op, const pynn_workspace *ws);
void FN(pynn_prepare_input_backward)(pynn_op *op, const pynn_workspace *ws);

/* z, a and out of a layer. */
int FN(pynn_dense_forward)(pynn_op *op, pynn_pass *pass);

/* Deltas of a layer from those of the layer above it. */
int FN(pynn_dense_backward)(pynn_op *op, pynn_pass *pass);

/* ws->dx from the deltas of the first layer: dC/dx, or with an input scale the same of x * s. */
int FN(pynn_input_backward)(pynn_op *op, pynn_pass *pass);

/* da = delta, which is yet to be multiplied by the activation's derivative, for a layer that has
 * room for both. */
void FN(pynn_keep_da)(const pynn_layer *layer, pynn_share rows, pynn_share columns);

#endif
