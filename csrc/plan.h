/* plan.h - compiles and runs a member's operations for a chunk of rows. */
#ifndef PYNN_PLAN_H
#define PYNN_PLAN_H

#include "program.h"

/* Run all operations for the pass's chunk. They are compiled when a chunk first has this many rows.
 * Returns pass->status if an operation ends the pass early. */
pynn_status FN(pynn_run)(pynn_pass *pass);

#endif
