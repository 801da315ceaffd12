/* layers.h - what one layer does with a chunk of rows, forward and back: a member's share of each
 * product, and what follows it while its result is in the cache. */
#ifndef PYNN_LAYERS_H
#define PYNN_LAYERS_H

#include "rows.h"

/* Dropout's masks in an update, from a row of its mini-batch on. */
typedef struct {
    uint64_t key;
    size_t row;
} pynn_masks;

/* z, a and out of layer l for the chunk x. */
void FN(pynn_layer_forward)(FN(pynn_workspace) * ws, int l, const real *parameters,
                            const FN(pynn_rows) * x, size_t n_rows, pynn_masks masks,
                            pynn_member member);

/* Deltas of layer l from those of the layer above it. */
void FN(pynn_layer_backward)(FN(pynn_workspace) * ws, int l, const real *parameters, size_t n_rows,
                             pynn_masks masks, pynn_member member);

/* ws->dx from the deltas of the first layer. */
void FN(pynn_input_backward)(FN(pynn_workspace) * ws, const real *parameters, size_t n_rows,
                             pynn_member member);

/* da = delta, which is yet to be multiplied by the activation's derivative, for a layer that has
 * room for both. */
void FN(pynn_keep_da)(const FN(pynn_layer) * layer, pynn_share rows, pynn_share columns);

/* To be called when a member has computed the output's deltas for some rows. */
void FN(pynn_output_panels)(FN(pynn_workspace) * ws, pynn_share rows);

/* Rows of the output layer that are a member's. */
pynn_share FN(pynn_rows_of)(const FN(pynn_workspace) * ws, size_t n_rows, pynn_member member);

#endif
