/* memory.c - allocation, with a countdown that lets a test fail the n-th one. */
#include "memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "pynn.h"

enum { CACHE_LINE = 64 };

static atomic_int_fast64_t allocations_until_failure; /* 0: none fails */
static atomic_int_fast64_t blocks_in_use;

void pynn_fail_allocation(int64_t n) { atomic_store(&allocations_until_failure, n); }

int64_t pynn_blocks_in_use(void) { return atomic_load(&blocks_in_use); }

void *pynn_alloc(size_t n, size_t size) {
    if (atomic_load(&allocations_until_failure) > 0 &&
        atomic_fetch_sub(&allocations_until_failure, 1) == 1) {
        return NULL;
    }
    if (size != 0 && n > (SIZE_MAX - CACHE_LINE) / size) { return NULL; }
    /* aligned_alloc wants a multiple of the alignment, and an empty block must not be NULL. */
    size_t n_lines = (n * size + CACHE_LINE - 1) / CACHE_LINE;
    void *block = aligned_alloc(CACHE_LINE, (n_lines ? n_lines : 1) * CACHE_LINE);
    if (block) { atomic_fetch_add(&blocks_in_use, 1); }
    return block;
}

void pynn_free(void *block) {
    if (block) { atomic_fetch_sub(&blocks_in_use, 1); }
    free(block);
}
