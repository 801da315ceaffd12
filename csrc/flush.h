/* flush.h - flushes subnormal numbers to zero. Where a gradient stays 0, the slots of a rule decay
 * to subnormal numbers, whose arithmetic is a hundred times slower. Updates of slots treat them as
 * 0, and restore the processor's mode afterwards. */
#ifndef PYNN_FLUSH_H
#define PYNN_FLUSH_H

#include <stdint.h>

typedef uint64_t pynn_mode;

#if defined(__SSE__)
#include <xmmintrin.h>
/* Flush-to-zero for results and denormals-are-zero for operands. */
static inline pynn_mode pynn_flush_subnormals(void) {
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040);
    return mode;
}
static inline void pynn_restore_mode(pynn_mode mode) { _mm_setcsr((unsigned)mode); }
#elif defined(__aarch64__)
/* FZ, bit 24 of FPCR, covers results and operands. */
static inline pynn_mode pynn_flush_subnormals(void) {
    pynn_mode mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | (UINT64_C(1) << 24)));
    return mode;
}
static inline void pynn_restore_mode(pynn_mode mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}
#else
static inline pynn_mode pynn_flush_subnormals(void) { return 0; }
static inline void pynn_restore_mode(pynn_mode mode) { (void)mode; }
#endif

#endif
