/* learn.h - cost, gradient and update for one mini-batch. All members of a team call it together,
 * with passes that differ only in `member`, and get the same result. */
#ifndef PYNN_LEARN_H
#define PYNN_LEARN_H

#include "program.h"

/* Compute the mean cost of pass->batch, of any size, and the penalty. Pass the gradient of both to
 * pass->updater unless it is NULL. */
pynn_status FN(pynn_learn)(pynn_cost *cost, pynn_pass *pass);

#endif
