/* learn.h - one mini-batch: its cost, its gradient, and the update. Called by all members of a team
 * at once, with passes that differ in `member` alone; it answers all alike. */
#ifndef PYNN_LEARN_H
#define PYNN_LEARN_H

#include "program.h"

/* What pass->batch, of any size, costs on average, and the penalty on top of it. Unless
 * pass->updater is NULL the gradient of both goes there. */
pynn_status FN(pynn_learn)(pynn_cost *cost, pynn_pass *pass);

#endif
