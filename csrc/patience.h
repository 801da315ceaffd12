/* patience.h - whether training still makes progress. */
#ifndef PYNN_PATIENCE_H
#define PYNN_PATIENCE_H

#include "pynn.h"

/* Counts an epoch of this cost. Returns 1 if patience is exhausted. */
int pynn_patience_ends(pynn_patience *patience, pynn_cost cost);

#endif
