/* layers.h - what one layer does with a chunk of rows: a member's share of each product, and what
 * follows it while its result is in the cache. Which share is whose is decided here alone:
 *
 * - hidden layers are shared out by columns, so that the weights of a column stay with the thread
 *   that updates them; by rows where there are fewer panels of columns than threads;
 * - the output layer by rows, because softmax and cost want whole rows; so are all layers where
 *   nothing is learnt: then no thread reads another's rows.
 *
 * No number is summed across threads. A member that hears the team being asked to stop leaves its
 * share unfinished; all learn of it at the next barrier.
 */
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

/* Where a gradient goes: through a rule into parameters and slots, or into a vector that keeps it.
 */
typedef struct {
    FN(pynn_update) * update;
    int keeps;    /* w keeps the gradient: nothing is updated */
    int may_stop; /* nothing is lost if the gradient is left unfinished */
    int descends; /* the rule is sgd, which tiles of the gradient can apply themselves */
    real *w, *slot_0, *slot_1; /* each (n_parameters,); slots may be NULL */
    const real *from;          /* what w is an update of: w itself, or where it descends, another */
    FN(pynn_step) of_weights, of_biases;
} FN(pynn_sink);

/* The gradient of layer l, whose input was x and whose deltas are there, into the sink. */
void FN(pynn_layer_gradient)(FN(pynn_workspace) * ws, int l, const FN(pynn_sink) * sink,
                             const FN(pynn_rows) * x, size_t n_rows, pynn_member member);

/* Rows of the output layer that are a member's. */
pynn_share FN(pynn_rows_of)(const FN(pynn_workspace) * ws, size_t n_rows, pynn_member member);

#endif
