/* plan.h - compiles what a member does with a chunk of rows, and runs it. */
#ifndef PYNN_PLAN_H
#define PYNN_PLAN_H

#include "program.h"

/* Runs all operations for the pass's chunk, which are compiled when a chunk of this many rows comes
 * by for the first time; then pass->status says whether they ended early. */
pynn_status FN(pynn_run)(pynn_pass *pass);

#endif
