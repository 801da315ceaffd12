/* memory.c - allocation, with a countdown that lets tests make the n-th allocation fail. */
#include "memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "pynn.h"

enum { CACHE_LINE = 64 };

#if defined(__linux__)
/* Large blocks are aligned to 2 MB and the system is asked for huge pages: each saves 511 page
 * faults on first use, and rows that are far apart cause fewer TLB misses. */
enum { LARGE_PAGE = 2 << 20 };

static void *allocate(size_t size) {
    if (size < 2 * LARGE_PAGE) { return aligned_alloc(CACHE_LINE, size); }
    void *block = aligned_alloc(LARGE_PAGE, (size + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE);
    if (block) { madvise(block, size, MADV_HUGEPAGE); } /* may be refused */
    return block;
}
#elif defined(_WIN32)
static void *allocate(size_t size) { return _aligned_malloc(size, CACHE_LINE); }
#define deallocate _aligned_free
#else
static void *allocate(size_t size) { return aligned_alloc(CACHE_LINE, size); }
#endif

#if !defined(deallocate)
#define deallocate free
#endif

static atomic_int_fast64_t allocations_until_failure; /* 0: none fails */
static atomic_int_fast64_t blocks_in_use;

void pynn_fail_allocation(int64_t n) { atomic_store(&allocations_until_failure, n); }

int64_t pynn_blocks_in_use(void) { return atomic_load(&blocks_in_use); }

void *pynn_alloc(size_t n, size_t size) {
    if (atomic_load(&allocations_until_failure) > 0 &&
        atomic_fetch_sub(&allocations_until_failure, 1) == 1) {
        return NULL;
    }
    if (size != 0 && n > SIZE_MAX / 2 / size) { return NULL; } /* leaves room for rounding up */
    /* aligned_alloc requires a multiple of the alignment, and an empty block must not be NULL. */
    size_t n_lines = (n * size + CACHE_LINE - 1) / CACHE_LINE;
    void *block = allocate((n_lines ? n_lines : 1) * CACHE_LINE);
    if (block) { atomic_fetch_add(&blocks_in_use, 1); }
    return block;
}

void pynn_free(void *block) {
    if (block) { atomic_fetch_sub(&blocks_in_use, 1); }
    deallocate(block);
}
