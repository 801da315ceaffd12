/* machine.c - what this processor can do at the most: fused multiply-adds, reads, its clock. */
#include <stddef.h>
#include <stdint.h>

/* Independent fused multiply-adds on vectors held in registers. Twelve accumulators hide a latency
 * of 4 to 6 cycles on two FMA units and still fit, with the two operands, in the sixteen registers
 * of AVX2. */
#define ACCUMULATORS 12

/* Runs n rounds and returns the floating-point operations done; a vector wider than the
 * processor's becomes several narrower ones. */
#define FMA_LOOP(name, type, bytes)                                                                \
    double name(long n, type *sink /* (3,) */) {                                                   \
        typedef type vector __attribute__((vector_size(bytes)));                                   \
        vector a[ACCUMULATORS], x = {0}, y = {0};                                                  \
        x += sink[0];                                                                              \
        y += sink[1];                                                                              \
        for (int i = 0; i < ACCUMULATORS; i++) a[i] = y + (type)i;                                 \
        for (long k = 0; k < n; k++) {                                                             \
            _Pragma("GCC unroll 12") for (int i = 0; i < ACCUMULATORS; i++) a[i] = a[i] * x + y;   \
        }                                                                                          \
        for (int i = 0; i < ACCUMULATORS; i++) sink[2] += a[i][0];                                 \
        return 2.0 * ACCUMULATORS * (bytes / sizeof(type)) * (double)n;                            \
    }

FMA_LOOP(fma_float32_16, float, 16)
FMA_LOOP(fma_float32_32, float, 32)
FMA_LOOP(fma_float32_64, float, 64)
FMA_LOOP(fma_float64_16, double, 16)
FMA_LOOP(fma_float64_32, double, 32)
FMA_LOOP(fma_float64_64, double, 64)

typedef uint64_t line __attribute__((vector_size(64)));

/* Reads a block n times and returns the bytes read. Integers, whose units are more and faster than
 * those for floating point, so that nothing but the reads is waited for. */
double read_block(long n, const line *block, size_t n_lines /* a multiple of 8 */, uint64_t *sink) {
    line found[4] = {{0}};
    for (long k = 0; k < n; k++) {
        for (size_t i = 0; i < n_lines; i += 8) {
#pragma GCC unroll 8
            for (size_t j = 0; j < 8; j++) found[j % 4] |= block[i + j];
        }
        __asm__ volatile("" ::: "memory"); /* the next round reads again */
    }
    *sink = (found[0] | found[1] | found[2] | found[3])[0];
    return 64.0 * (double)n_lines * (double)n;
}

/* A chain of additions, each waiting for the one before: one cycle each, on every processor that we
 * know. Returns the number of cycles. */
double chain(long n, uint64_t step) {
    uint64_t sum = 0;
    for (long k = 0; k < n; k++) {
#pragma GCC unroll 64
        for (int i = 0; i < 64; i++) {
            sum += step;
            __asm__ volatile("" : "+r"(sum)); /* no two become one */
        }
    }
    return 64.0 * (double)n;
}
