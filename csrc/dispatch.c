/* dispatch.c - detects and selects the instruction set. No other file queries the processor. */
#include <stdatomic.h>

#include "isa.h"
#include "pynn.h"

static atomic_int in_use = PYNN_ISA_baseline;

const char *pynn_isa_name(int code) {
    static const char *const names[] = {
#define X(suffix, name) name,
        PYNN_ISAS(X)
#undef X
    };
    return code >= 0 && code < PYNN_N_ISAS ? names[code] : NULL;
}

int pynn_isa_available(int code) {
#if defined(__x86_64__)
    /* Features that -march=x86-64-v3 and -v4 add to the level below and that kernels.c can use.
     * These builtins also check for support by the operating system. */
    __builtin_cpu_init();
    const int v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                   __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    const int v4 = v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512vl");
    const int has[] = {1, v3, v4}; /* in the order of isa.h */
#else
    const int has[] = {1};
#endif
    return code >= 0 && code < PYNN_N_ISAS && has[code];
}

int pynn_isa_in_use(void) { return atomic_load_explicit(&in_use, memory_order_relaxed); }

int pynn_use_isa(int code) {
    if (!pynn_isa_available(code)) { return -1; }
    atomic_store_explicit(&in_use, code, memory_order_relaxed);
    return 0;
}
