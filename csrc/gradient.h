/* gradient.h - the gradient of one layer's weights and biases, a member's part of it, in blocks
 * that fit the first cache; each goes on at once to where it is wanted. */
#ifndef PYNN_GRADIENT_H
#define PYNN_GRADIENT_H

#include "rows.h"

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
    const double *rate_factors; /* (n_layers, 2) of the rates in these steps, or NULL: all 1 */
} FN(pynn_sink);

/* The gradient of layer l, whose input was x and whose deltas are there, into the sink. */
void FN(pynn_layer_gradient)(FN(pynn_workspace) * ws, int l, const FN(pynn_sink) * sink,
                             const FN(pynn_rows) * x, size_t n_rows, pynn_member member);

#endif
