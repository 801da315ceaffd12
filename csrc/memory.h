/* memory.h - the one door through which the core gets memory, so that a test can fail any of it. */
#ifndef PYNN_MEMORY_H
#define PYNN_MEMORY_H

#include <stddef.h>

/* A block of n * size bytes, aligned to a cache line and not initialised; NULL where there is no
 * memory for it or the product does not fit a size_t. pynn_free takes NULL too. */
void *pynn_alloc(size_t n, size_t size);
void pynn_free(void *block);

#endif
