/* activations.h - every activation: its formula, its derivative, and the one list of them.
 *
 * To add one: a line in the list, activation_NAME(z), and derivative_NAME(z, a) with a = f(z).
 */
#ifndef PYNN_ACTIVATIONS_H
#define PYNN_ACTIVATIONS_H

#include "vec.h"
#include "vmath.h"

/* name; does the derivative read z (else a alone, and z need not be kept); at the output only */
#define PYNN_POINTWISE_ACTIVATIONS(X)                                                              \
    X(identity, 0, 0)                                                                              \
    X(sigmoid, 0, 0)                                                                               \
    X(tanh, 0, 0)                                                                                  \
    X(relu, 0, 0)                                                                                  \
    X(leaky_relu, 0, 0)                                                                            \
    X(elu, 0, 0)                                                                                   \
    X(gelu, 1, 0)                                                                                  \
    X(silu, 1, 0)                                                                                  \
    X(softplus, 1, 0)                                                                              \
    X(exp, 0, 1)
/* softmax works on whole rows, so its loops are written out at the end of this file. */
#define PYNN_ACTIVATIONS(X) PYNN_POINTWISE_ACTIVATIONS(X) X(softmax, 0, 1)

enum {
#define X(name, reads_z, output_only) PYNN_ACTIVATION_##name,
    PYNN_ACTIVATIONS(X)
#undef X
        PYNN_N_ACTIVATIONS
};

#define LEAKY_RELU_SLOPE ((real)0.01) /* Maas, Hannun & Ng 2013 */

static inline real FN(activation_identity)(real z) { return z; }
static inline real FN(derivative_identity)(real z, real a) { return (void)z, (void)a, (real)1; }

static inline real FN(activation_sigmoid)(real z) { return FN(vsigmoid)(z); }
static inline real FN(derivative_sigmoid)(real z, real a) { return (void)z, a * (1 - a); }

static inline real FN(activation_tanh)(real z) { return FN(vtanh)(z); }
static inline real FN(derivative_tanh)(real z, real a) { return (void)z, 1 - a * a; }

/* Written so that NaN stays NaN; likewise below. */
static inline real FN(activation_relu)(real z) { return z < 0 ? 0 : z; }
static inline real FN(derivative_relu)(real z, real a) { return (void)z, a > 0 ? 1 : 0; }

static inline real FN(activation_leaky_relu)(real z) { return z < 0 ? LEAKY_RELU_SLOPE * z : z; }
static inline real FN(derivative_leaky_relu)(real z, real a) {
    return (void)z, a > 0 ? 1 : LEAKY_RELU_SLOPE;
}

/* Clevert, Unterthiner & Hochreiter 2016, with their alpha = 1 */
static inline real FN(activation_elu)(real z) {
    real negative = FN(vexpm1)(z < 0 ? z : 0);
    return z < 0 ? negative : z;
}
static inline real FN(derivative_elu)(real z, real a) { return (void)z, a < 0 ? a + 1 : 1; }

/* z * P(N(0, 1) <= z), Hendrycks & Gimpel 2016 */
static inline real FN(activation_gelu)(real z) { return z * FN(vnormal)(z).below; }
static inline real FN(derivative_gelu)(real z, real a) {
    (void)a;
    const FN(normal) normal = FN(vnormal)(z);
    return normal.below + z * normal.density;
}

static inline real FN(activation_silu)(real z) { return z * FN(vsigmoid)(z); }
/* 1 - s is computed as sigmoid(-z), with the same exponential: rounded, s may be 1 when z is 40. */
static inline real FN(derivative_silu)(real z, real a) {
    return FN(vsigmoid)(z) + a * FN(vsigmoid)(-z);
}

static inline real FN(activation_softplus)(real z) {
    return (z < 0 ? 0 : z) + FN(vlog1p)(FN(vexp)(-LIBM(fabs)(z)));
}
static inline real FN(derivative_softplus)(real z, real a) { return (void)a, FN(vsigmoid)(z); }

static inline real FN(activation_exp)(real z) { return FN(vexp)(z); }
static inline real FN(derivative_exp)(real z, real a) { return (void)z, a; }

INLINE real FN(largest)(const real *z /* (n,), with room for whole vectors */, size_t n) {
    vec largest = FN(lanes_before)(FN(load)(z), n, -INFINITY);
    for (size_t j = LANES; j < n; j += LANES) {
        largest = FN(larger)(FN(lanes_before)(FN(load)(z + j), n - j, -INFINITY), largest);
    }
    return FN(largest_lane)(largest);
}

/* a = softmax(z), one row; a may be z. The largest z is subtracted first: nothing overflows. */
static inline void FN(softmax)(real *a /* (n,), as z */, const real *z, size_t n) {
    const size_t width = (n + LANES - 1) / LANES * LANES;
    const real largest = FN(largest)(z, n);
    vec sums = {0};
    IVDEP
    for (size_t j = 0; j < width; j++) { a[j] = FN(vexp)(z[j] - largest); }
    for (size_t j = 0; j < n; j += LANES) { sums += FN(lanes_before)(FN(load)(a + j), n - j, 0); }
    const real sum = FN(sum_of_lanes)(sums);
    for (size_t j = 0; j < width; j++) { a[j] /= sum; }
}

/* From dC/da to dC/dz, one row, in place: dz_j = a_j * (da_j - sum over k of da_k a_k). */
static inline void FN(softmax_backward)(real *delta /* (n,) */, const real *a /* (n,) */,
                                        size_t n) {
    real sum = 0;
    for (size_t j = 0; j < n; j++) { sum += delta[j] * a[j]; }
    for (size_t j = 0; j < n; j++) { delta[j] = a[j] * (delta[j] - sum); }
}

#endif
