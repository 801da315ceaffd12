/* memory.h - all allocations of the core go through pynn_alloc, so a test can make any of them
 * fail. */
#ifndef PYNN_MEMORY_H
#define PYNN_MEMORY_H

#include <stddef.h>

/* Allocate n * size bytes, aligned to a cache line and not initialised. Returns NULL if there is
 * not enough memory or the product does not fit a size_t. pynn_free accepts NULL. */
void *pynn_alloc(size_t n, size_t size);
void pynn_free(void *block);

#endif
