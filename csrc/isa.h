/* isa.h - the instruction sets that kernels.c is compiled for, from slowest to fastest.
 * CMakeLists.txt has the same list; dispatch.c checks which sets this machine supports. */
#ifndef PYNN_ISA_H
#define PYNN_ISA_H

/* X(suffix of the kernel table, name shown to users) */
#if defined(__x86_64__) && defined(PYNN_WITHOUT_V4)
#define PYNN_ISAS(X) X(baseline, "baseline") X(v3, "x86-64-v3")
#elif defined(__x86_64__)
#define PYNN_ISAS(X) X(baseline, "baseline") X(v3, "x86-64-v3") X(v4, "x86-64-v4")
#else
#define PYNN_ISAS(X) X(baseline, "baseline")
#endif

enum {
#define X(suffix, name) PYNN_ISA_##suffix,
    PYNN_ISAS(X)
#undef X
        PYNN_N_ISAS
};

#endif
