/* functions.c - the errors of vmath.h and activations.h, and their speed. bench/functions.py
 * compiles it as the build compiles csrc/kernels.c, so what is measured are the loops of the
 * kernels. */
#include "kernels.c"

#include <float.h>

#define EXPORT __attribute__((visibility("default")))

/* What a result is compared with: the C library's function of the next wider type. */
#if PYNN_BITS == 32
typedef double wide;
#define WIDE(name) name
#define LARGEST FLT_MAX
#else
typedef long double wide;
#define WIDE(name) name##l
#define LARGEST DBL_MAX
#endif

/* Functions that are no activations: name; where it is meant to be called. Each needs
 * exact_NAME(x) below. The activations come from their own list, and need one too. */
#define FUNCTIONS(X)                                                                               \
    X(expm1, -LARGEST, 80)                                                                         \
    X(log, 0, LARGEST)                                                                             \
    X(log1p, 0, 1)                                                                                 \
    X(normal_below, -LARGEST, LARGEST)

static inline real vnormal_below(real z) { return vnormal(z).below; }

static wide exact_expm1(wide x) { return WIDE(expm1)(x); }
static wide exact_log1p(wide x) { return WIDE(log1p)(x); }
static wide exact_log(wide x) { return WIDE(log)(x); }
static wide exact_normal_below(wide x) {
    return WIDE(erfc)(-x * (wide)0.70710678118654752440L) / 2;
}

#define SLOPE 0.01L /* of leaky_relu */

/* e^x, and beyond what real can tell from 0 or infinity something as far beyond: the C library is
 * slow where its own type ends. */
static wide exact_exp(wide x) {
    const wide most = PYNN_BITS == 32 ? 200 : 1500;
    return WIDE(exp)(x > most ? most : x < -most ? -most : x);
}

static wide exact_identity(wide x) { return x; }
static wide exact_sigmoid(wide x) { return 1 / (1 + exact_exp(-x)); }
static wide exact_tanh(wide x) { return WIDE(tanh)(x); }
static wide exact_relu(wide x) { return x < 0 ? 0 : x; }
static wide exact_leaky_relu(wide x) { return x < 0 ? (wide)SLOPE * x : x; }
static wide exact_elu(wide x) { return x < 0 ? WIDE(expm1)(x) : x; }
static wide exact_selu(wide x) {
    const wide lambda = (wide)1.05070098735548049342L, alpha = (wide)1.67326324235437728482L;
    return x < 0 ? lambda * alpha * WIDE(expm1)(x) : lambda * x;
}
static wide exact_gelu(wide x) { return x / 2 * WIDE(erfc)(-x * (wide)0.70710678118654752440L); }
static wide exact_silu(wide x) { return x / (1 + exact_exp(-x)); }
static wide exact_mish(wide x) { return x * WIDE(tanh)(WIDE(log1p)(exact_exp(x))); }
static wide exact_softplus(wide x) {
    return (x < 0 ? 0 : x) + WIDE(log1p)(exact_exp(-WIDE(fabs)(x)));
}

enum { CHUNK = 1024 };

#define EXACTLY(name)                                                                              \
    static void exactly_##name(wide *exact, const real *x) {                                       \
        for (size_t i = 0; i < CHUNK; i++) { exact[i] = exact_##name(x[i]); }                      \
    }
#define X(name, lowest, highest)                                                                   \
    EXACTLY(name)                                                                                  \
    static real v_##name ACTIVATION_ARGUMENTS { return (void)parameter, v##name(z); }          \
    static void evaluate_##name(real *a, real *z, size_t stride, size_t n_rows, size_t n,          \
                                real parameter) {                                                  \
        activate(a, z, stride, n_rows, n, parameter, v_##name);                                \
    }
FUNCTIONS(X)
#undef X
#define X(name, reads_z, output_only) EXACTLY(name)
PYNN_POINTWISE_ACTIVATIONS(X)
#undef X

typedef struct {
    const char *name;
    void (*evaluate)(real *a, real *z, size_t stride, size_t n_rows, size_t n, real parameter);
    void (*exactly)(wide *exact /* (CHUNK,) */, const real *x);
    double lowest, highest;
} function;

static const function functions[] = {
#define X(name, lowest, highest) {#name, evaluate_##name, exactly_##name, lowest, highest},
    FUNCTIONS(X)
#undef X
#define X(name, reads_z, output_only)                                                              \
    {#name, activate_##name, exactly_##name, -LARGEST, LARGEST},
        PYNN_POINTWISE_ACTIVATIONS(X)
#undef X
};

/* The function with this number: its name, NULL behind the last one, and where it is defined. */
EXPORT const char *function_name(int number, double *lowest, double *highest) {
    if (number >= (int)(sizeof functions / sizeof *functions)) { return NULL; }
    *lowest = functions[number].lowest, *highest = functions[number].highest;
    return functions[number].name;
}

enum { LOWEST_EXPONENT = PYNN_BITS == 32 ? -126 : -1022, BEYOND = PYNN_BITS == 32 ? 128 : 1024 };

/* 2^n for n that double or long double has. */
static wide exact_power_of_2(int n) {
#if PYNN_BITS == 32
    const uint64_t bits = (uint64_t)(n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return power;
#else
    return ldexpl(1, n);
#endif
}

static int exponent_of(wide x) {
#if PYNN_BITS == 32
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (int)(bits >> 52 & 0x7ff) - 1023;
#else
    return x == 0 ? LOWEST_EXPONENT : ilogbl(x);
#endif
}

/* Infinity counts as the number that follows the largest finite one. */
static wide bounded(wide x) {
    const wide beyond = exact_power_of_2(BEYOND);
    return x > beyond ? beyond : x < -beyond ? -beyond : x;
}

/* The distance in units in the last place of the exact result; among subnormal numbers that is
 * their one distance, 2^-149 or 2^-1074. NaN is right where NaN is exact and infinitely wrong
 * elsewhere. */
static inline double error_of(real found, wide exact) {
    const int n_nan = (found != found) + (exact != exact);
    exact = bounded(exact);
    int exponent = exponent_of(exact);
    exponent = exponent < LOWEST_EXPONENT ? LOWEST_EXPONENT : exponent;
    const wide distance = WIDE(fabs)(bounded(found) - exact);
    const double error = (double)(distance * exact_power_of_2(MANTISSA_BITS - exponent));
    return n_nan == 0 ? error : n_nan == 1 ? INFINITY : 0;
}

/* The number of errors above a limit. */
static size_t count_above(double limit, const double *errors) {
    uint64_t n = 0;
    for (size_t i = 0; i < CHUNK; i++) { n += errors[i] > limit; }
    return n;
}

/* The largest error at x = the n numbers whose bits are first, first + step, ... ,
 * n rounded up to whole chunks; and where it is.
 * Numbers at which the function is not meant to be called give way to 0.5, where all are. */
EXPORT double largest_error(int number, bits_t first, bits_t step, uint64_t n, double *where) {
    _Alignas(64) real x[CHUNK], y[CHUNK];
    _Alignas(64) wide exact[CHUNK];
    _Alignas(64) double errors[CHUNK];
    const function *f = &functions[number];
    const real lowest = (real)f->lowest, highest = (real)f->highest;
    double largest = -1;
    for (uint64_t done = 0; done < n; done += CHUNK) {
        size_t n_meant = 0;
        for (size_t i = 0; i < CHUNK; i++) {
            const bits_t bits = (bits_t)(first + step * (bits_t)(done + i));
            memcpy(&x[i], &bits, sizeof bits);
            const int meant = !(x[i] < lowest || x[i] > highest);
            n_meant += (size_t)meant;
            x[i] = meant ? x[i] : (real)0.5;
        }
        if (n_meant == 0) { continue; }
        f->evaluate(y, x, CHUNK, 1, CHUNK, (real)SLOPE);
        f->exactly(exact, x);
        for (size_t i = 0; i < CHUNK; i++) { errors[i] = error_of(y[i], exact[i]); }
        if (!count_above(largest, errors)) { continue; }
        for (size_t i = 0; i < CHUNK; i++) {
            if (errors[i] > largest) { largest = errors[i], *where = x[i]; }
        }
    }
    return largest;
}

/* y = f(x), both (size,), n times; returns the number of elements. */
EXPORT double evaluate(long n, int number, real *y, real *x, size_t size) {
    for (long k = 0; k < n; k++) { functions[number].evaluate(y, x, size, 1, size, (real)SLOPE); }
    return (double)size * (double)n;
}
