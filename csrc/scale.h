/* scale.h - the input scale: each feature is multiplied by a trained factor, x ∘ s. Zeros stay
 * zeros, so columns that were left out can stay left out. */
#ifndef PYNN_SCALE_H
#define PYNN_SCALE_H

#include "program.h"

/* Replace pass->x by x * s and keep the original in pass->raw. */
int FN(pynn_scale_input)(pynn_op *op, pynn_pass *pass);

/* Compute the gradient of s for the member's columns from ws->dx = dC/d(x * s), and pass it to the
 * updater. */
int FN(pynn_scale_gradient)(pynn_op *op, pynn_pass *pass);

/* ws->d_embedded = ws->dx * s for the member's part, which turns dC/d(x * s) into dC/dx. */
int FN(pynn_scale_dx)(pynn_op *op, pynn_pass *pass);

#endif
