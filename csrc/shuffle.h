/* shuffle.h - shuffles the order of rows. */
#ifndef PYNN_SHUFFLE_H
#define PYNN_SHUFFLE_H

#include <stdint.h>

#include "pynn.h"

/* Shuffle order (n,) in place, with the same draws as numpy.random.RandomState.shuffle. */
void pynn_shuffle(int64_t *order, int64_t n, const pynn_random *random);

#endif
