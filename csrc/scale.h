/* scale.h - the input scale: each feature times a number that is trained, x ∘ s. Zeros of the input
 * stay zeros, so columns that are left out stay left out. */
#ifndef PYNN_SCALE_H
#define PYNN_SCALE_H

#include "program.h"

/* pass->x becomes x * s; pass->raw is what it was. */
int FN(pynn_scale_input)(pynn_op *op, pynn_pass *pass);

/* The gradient of s, for the member's columns, into the updater: ws->dx is dC/d(x * s). */
int FN(pynn_scale_gradient)(pynn_op *op, pynn_pass *pass);

/* ws->dx *= s: from dC/d(x * s) to dC/dx, for the member's part. */
int FN(pynn_scale_dx)(pynn_op *op, pynn_pass *pass);

#endif
