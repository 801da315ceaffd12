/* dispatch.c - detects and selects the instruction set. No other file queries the processor. */
#include <stdatomic.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

#if defined(__x86_64__)
/* Whether the operating system saves the registers whose bits in XCR0 these are. */
static int saves(unsigned registers) {
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & registers) == registers;
}

/* Whether this machine has the features that -march=x86-64-v3 and -v4 add to the level below and
 * that kernels.c can use. Not all compilers come with the functions of __builtin_cpu_supports. */
static void detect(int *v3, int *v4) {
    enum { FIRST = bit_FMA | bit_OSXSAVE, V3 = bit_AVX2 | bit_BMI | bit_BMI2, YMM = 0x6 };
    const unsigned of_v4 = bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL;
#if defined(__APPLE__)
    const unsigned zmm = YMM; /* the system starts to save the others when they are first used */
#else
    const unsigned zmm = 0xe6;
#endif
    unsigned a, b, c, d;
    *v3 = *v4 = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || (c & FIRST) != FIRST || !saves(YMM)) { return; }
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) { return; }
    *v3 = (b & V3) == V3;
    *v4 = *v3 && (b & of_v4) == of_v4 && saves(zmm);
}
#endif

int pynn_isa_available(int code) {
#if defined(__x86_64__)
    int v3, v4;
    detect(&v3, &v4);
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
