/* kernels.c - compiled once for each instruction set (PYNN_ISA: the suffix of isa.h) and dtype.
 * Everything in it is static but the table at its end: shared inline code would let instructions
 * leak into paths that run on machines without them. */
#include "kernels.h"

#include "products.h"

#ifndef PYNN_ISA
#define PYNN_ISA baseline
#endif

#define INLINE static inline __attribute__((always_inline))

/* The loops around the point-wise functions. Each is inlined into its callers, where f is a
 * constant, and vectorised there. a and z may be one array but never overlap otherwise. */
INLINE void FN(activate)(real *a, real *z, const real *biases, size_t n_rows, size_t n,
                         real (*f)(real)) {
    if (!biases) {
        n *= n_rows;
#pragma GCC ivdep
        for (size_t j = 0; j < n; j++) { a[j] = f(z[j]); }
        return;
    }
    for (size_t i = 0; i < n_rows; i++, a += n, z += n) {
#pragma GCC ivdep
        for (size_t j = 0; j < n; j++) {
            const real sum = z[j] + biases[j];
            z[j] = sum;
            a[j] = f(sum);
        }
    }
}

INLINE void FN(derive)(real *restrict delta, const real *z, const real *a, size_t n,
                       real (*f)(real z, real a)) {
    for (size_t j = 0; j < n; j++) { delta[j] *= f(z[j], a[j]); }
}

INLINE void FN(cost)(real *restrict delta, double *row_costs, const real *z, const real *a,
                     const real *y, const real *row_scales, size_t n_rows, size_t n, real parameter,
                     real (*value)(real, real, real, real), real (*slope)(real, real, real, real)) {
    for (size_t i = 0; i < n_rows; i++, delta += n, z += n, a += n, y += n) {
        double sum = 0;
        for (size_t j = 0; j < n; j++) { sum += value(z[j], a[j], y[j], parameter); }
        row_costs[i] = sum;
        for (size_t j = 0; j < n; j++) {
            delta[j] = row_scales[i] * slope(z[j], a[j], y[j], parameter);
        }
    }
}

#define X(name, reads_z, output_only)                                                              \
    static void FN(activate_##name)(real *a, real *z, const real *biases, size_t n_rows,           \
                                    size_t n) {                                                    \
        FN(activate)(a, z, biases, n_rows, n, FN(activation_##name));                              \
    }                                                                                              \
    static void FN(derive_##name)(real *delta, const real *z, const real *a, size_t n_rows,        \
                                  size_t n) {                                                      \
        FN(derive)(delta, z, a, n_rows * n, FN(derivative_##name));                                \
    }
PYNN_POINTWISE_ACTIVATIONS(X)
#undef X

#define X(name, output)                                                                            \
    static void FN(costs_##name)(real *delta, double *row_costs, const real *z, const real *a,     \
                                 const real *y, const real *row_scales, size_t n_rows, size_t n,   \
                                 real parameter) {                                                 \
        FN(cost)(delta, row_costs, z, a, y, row_scales, n_rows, n, parameter, FN(cost_##name),     \
                 FN(delta_##name));                                                                \
    }
PYNN_POINTWISE_COSTS(X)
#undef X

static void FN(activate_softmax)(real *a, real *z, const real *biases, size_t n_rows, size_t n) {
    FN(activate_identity)(z, z, biases, n_rows, n);
    FN(softmax)(a, z, n_rows, n);
}

static void FN(derive_softmax)(real *delta, const real *z, const real *a, size_t n_rows, size_t n) {
    (void)z;
    FN(softmax_backward)(delta, a, n_rows, n);
}

static void FN(costs_cross_entropy)(real *delta, double *row_costs, const real *z, const real *a,
                                    const real *y, const real *row_scales, size_t n_rows, size_t n,
                                    real parameter) {
    (void)parameter;
    for (size_t i = 0; i < n_rows; i++, delta += n, z += n, a += n, y += n) {
        row_costs[i] = FN(cross_entropy)(delta, z, a, y, n);
        for (size_t j = 0; j < n; j++) { delta[j] *= row_scales[i]; }
    }
}

static void FN(sum_rows)(real *restrict db, const real *restrict delta, size_t n_rows, size_t n) {
    for (size_t i = 0; i < n_rows; i++, delta += n) {
        for (size_t j = 0; j < n; j++) { db[j] += delta[j]; }
    }
}

/* In double, and in a fixed number of partial sums, so that it vectorises with the same bits. */
static double FN(sum_of_squares)(const real *w, size_t n) {
    enum { LANES = 16 };
    double partial[LANES] = {0}, sum = 0;
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) { partial[j] += (double)w[i + j] * w[i + j]; }
    }
    for (; i < n; i++) { sum += (double)w[i] * w[i]; }
    for (size_t j = 0; j < LANES; j++) { sum += partial[j]; }
    return sum;
}

/* A number is not finite where all bits of its exponent are set. */
static int FN(all_finite)(const real *x, size_t n) {
    const bits_t exponent = (((bits_t)1 << (sizeof(real) * 8 - 1 - MANTISSA_BITS)) - 1)
                            << MANTISSA_BITS;
    bits_t found = 0;
    for (size_t i = 0; i < n; i++) {
        bits_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        found |= (bits & exponent) == exponent;
    }
    return !found;
}

#define TABLE(isa) FN(pynn_kernels_##isa)
#define TABLE_OF(isa) TABLE(isa) /* once more, so that PYNN_ISA is replaced first */

const FN(pynn_kernels) TABLE_OF(PYNN_ISA) = {
#define X(name, reads_z, output_only) [PYNN_ACTIVATION_##name] = FN(activate_##name),
    .activate = {PYNN_ACTIVATIONS(X)},
#undef X
#define X(name, reads_z, output_only) [PYNN_ACTIVATION_##name] = FN(derive_##name),
    .derive = {PYNN_ACTIVATIONS(X)},
#undef X
#define X(name, output) [PYNN_COST_##name] = FN(costs_##name),
    .cost = {PYNN_COSTS(X)},
#undef X
#define X(name, n_slots) [PYNN_RULE_##name] = FN(update_##name),
    .update = {PYNN_RULES(X)},
#undef X
    .product_forward = FN(product_forward),
    .product_gradient = FN(product_gradient),
    .product_backward = FN(product_backward),
    .sum_rows = FN(sum_rows),
    .sum_of_squares = FN(sum_of_squares),
    .all_finite = FN(all_finite),
};
