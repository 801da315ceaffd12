/* memory.h - all allocations of the core go through pynn_alloc, so a test can make any of them
 * fail. */
#ifndef PYNN_MEMORY_H
#define PYNN_MEMORY_H

#include <stddef.h>

/* Allocate n * size bytes, aligned to a cache line and not initialised. Returns NULL if there is
 * not enough memory or the product does not fit a size_t. pynn_free accepts NULL. */
void *pynn_alloc(size_t n, size_t size);
void pynn_free(void *block);

/* Arrays that share a block are PYNN_GAP bytes apart, which the address sanitizer guards, if it is
 * there: it would not notice a step from one array into the next. */
#ifdef PYNN_GUARDS
#include <sanitizer/asan_interface.h>
enum { PYNN_GAP = 64 };
static inline void pynn_guard(const void *gap) { ASAN_POISON_MEMORY_REGION(gap, PYNN_GAP); }
static inline void pynn_unguard(const void *block, size_t size) {
    ASAN_UNPOISON_MEMORY_REGION(block, size);
}
#else
enum { PYNN_GAP = 0 };
static inline void pynn_guard(const void *gap) { (void)gap; }
static inline void pynn_unguard(const void *block, size_t size) { (void)block, (void)size; }
#endif

#endif
