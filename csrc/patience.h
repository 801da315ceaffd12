/* patience.h - whether training has stopped improving. */
#ifndef PYNN_PATIENCE_H
#define PYNN_PATIENCE_H

#include "pynn.h"

/* Record the cost of an epoch. Returns 1 if patience is exhausted. */
int pynn_patience_ends(pynn_patience *patience, pynn_cost cost);

#endif
