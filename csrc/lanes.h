/* lanes.h - trains several small networks at once, each in its own lane of the vectors. */
#ifndef PYNN_LANES_H
#define PYNN_LANES_H

#include "pynn.h"
#include "real.h"

/* Lanes of a vector, at most, and rows of a mini-batch: of longer ones, pynn_train adds up the
 * gradients of chunks. */
enum { PYNN_MOST_LANES = 16, PYNN_MOST_ROWS = 1024 };

/* Trains n networks of the same sizes and settings, at most as many as a vector has lanes. Returns
 * 0, with nothing changed, where they are better trained one by one: no memory, or rows of X that
 * are not finite. */
int FN(pynn_train_in_lanes)(pynn_training *const *trainings, int n);

#endif
