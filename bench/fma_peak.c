/* Independent fused multiply-adds on vectors held in registers: the most arithmetic that one core
 * can do. Twelve accumulators hide a latency of 4 to 6 cycles on two FMA units and still fit,
 * with the two operands, in the sixteen registers of AVX2. */

#define ACCUMULATORS 12

/* Runs n rounds and returns the floating-point operations done; a vector wider than the
 * processor's becomes several narrower ones. */
#define FMA_LOOP(name, bytes)                                                      \
    double name(long n, float *sink)                                               \
    {                                                                              \
        typedef float vector __attribute__((vector_size(bytes)));                  \
        vector a[ACCUMULATORS], x = {0}, y = {0};                                  \
        x += sink[0];                                                              \
        y += sink[1];                                                              \
        for (int i = 0; i < ACCUMULATORS; i++) a[i] = y + (float)i;                \
        for (long k = 0; k < n; k++) {                                             \
            _Pragma("GCC unroll 12")                                               \
            for (int i = 0; i < ACCUMULATORS; i++) a[i] = a[i] * x + y;            \
        }                                                                          \
        for (int i = 0; i < ACCUMULATORS; i++) sink[2] += a[i][0];                 \
        return 2.0 * ACCUMULATORS * (bytes / sizeof(float)) * (double)n;           \
    }

FMA_LOOP(fma_16, 16)
FMA_LOOP(fma_32, 32)
FMA_LOOP(fma_64, 64)
