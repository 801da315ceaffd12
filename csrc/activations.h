/* activations.h - all activations: their formulas, their derivatives and the list of them.
 *
 * To add one, add a line to the list and define activation_NAME(z, parameter) and
 * derivative_NAME(z, a, parameter), where a = f(z). Only leaky_relu has a parameter, its slope
 * below 0; the others are passed 0.
 */
#ifndef PYNN_ACTIVATIONS_H
#define PYNN_ACTIVATIONS_H

#include "vec.h"
#include "vmath.h"

/* X(name, whether the derivative reads z (otherwise z need not be kept), whether it is for the
 * output layer only) */
#define PYNN_POINTWISE_ACTIVATIONS(X)                                                              \
    X(identity, 0, 0)                                                                              \
    X(sigmoid, 0, 0)                                                                               \
    X(tanh, 0, 0)                                                                                  \
    X(relu, 0, 0)                                                                                  \
    X(leaky_relu, 0, 0)                                                                            \
    X(elu, 0, 0)                                                                                   \
    X(selu, 0, 0)                                                                                  \
    X(gelu, 1, 0)                                                                                  \
    X(silu, 1, 0)                                                                                  \
    X(mish, 1, 0)                                                                                  \
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

/* Whether the derivative reads z after the activation. */
static inline int pynn_reads_z(int activation) {
    static const int reads[] = {
#define X(name, reads_z, output_only) [PYNN_ACTIVATION_##name] = reads_z,
        PYNN_ACTIVATIONS(X)
#undef X
    };
    return reads[activation];
}

/* z: weighted sum; a = f(z); parameter: see the top of this file */
#define ACTIVATION_ARGUMENTS (real z, real parameter)
#define DERIVATIVE_ARGUMENTS (real z, real a, real parameter)

static inline real activation_identity ACTIVATION_ARGUMENTS { return (void)parameter, z; }
static inline real derivative_identity DERIVATIVE_ARGUMENTS {
    return (void)z, (void)a, (void)parameter, (real)1;
}

static inline real activation_sigmoid ACTIVATION_ARGUMENTS { return (void)parameter, vsigmoid(z); }
static inline real derivative_sigmoid DERIVATIVE_ARGUMENTS {
    return (void)z, (void)parameter, a * (1 - a);
}

static inline real activation_tanh ACTIVATION_ARGUMENTS { return (void)parameter, vtanh(z); }
static inline real derivative_tanh DERIVATIVE_ARGUMENTS {
    return (void)z, (void)parameter, 1 - a * a;
}

/* Comparisons are written so that NaN propagates, here and below. */
static inline real activation_relu ACTIVATION_ARGUMENTS { return (void)parameter, z < 0 ? 0 : z; }
static inline real derivative_relu DERIVATIVE_ARGUMENTS {
    return (void)z, (void)parameter, a > 0 ? 1 : 0;
}

/* Maas, Hannun & Ng 2013. The slope is not negative, so a has the sign of z. */
static inline real activation_leaky_relu ACTIVATION_ARGUMENTS { return z < 0 ? parameter * z : z; }
static inline real derivative_leaky_relu DERIVATIVE_ARGUMENTS {
    return (void)z, a > 0 ? 1 : parameter;
}

/* Clevert, Unterthiner & Hochreiter 2016, with alpha = 1 */
static inline real activation_elu ACTIVATION_ARGUMENTS {
    (void)parameter;
    real negative = vexpm1(z < 0 ? z : 0);
    return z < 0 ? negative : z;
}
static inline real derivative_elu DERIVATIVE_ARGUMENTS {
    return (void)z, (void)parameter, a < 0 ? a + 1 : 1;
}

/* Klambauer, Unterthiner, Mayr & Hochreiter 2017: lambda z, or lambda alpha (e^z - 1) below 0 */
#define SELU_LAMBDA ((real)1.05070098735548049342)
#define SELU_LAMBDA_ALPHA ((real)1.75809934084737685994)

static inline real activation_selu ACTIVATION_ARGUMENTS {
    (void)parameter;
    real negative = SELU_LAMBDA_ALPHA * vexpm1(z < 0 ? z : 0);
    return z < 0 ? negative : SELU_LAMBDA * z;
}
static inline real derivative_selu DERIVATIVE_ARGUMENTS {
    return (void)z, (void)parameter, a > 0 ? SELU_LAMBDA : a + SELU_LAMBDA_ALPHA;
}

/* z * P(N(0, 1) <= z), Hendrycks & Gimpel 2016 */
static inline real activation_gelu ACTIVATION_ARGUMENTS {
    return (void)parameter, z * vnormal(z).below;
}
static inline real derivative_gelu DERIVATIVE_ARGUMENTS {
    (void)a, (void)parameter;
    const normal normal = vnormal(z);
    return normal.below + z * normal.density;
}

static inline real activation_silu ACTIVATION_ARGUMENTS { return (void)parameter, z * vsigmoid(z); }
/* With s = sigmoid(z), 1 - s is computed as sigmoid(-z) from the same exponential: s may round to
 * 1, for example at z = 40. */
static inline real derivative_silu DERIVATIVE_ARGUMENTS {
    return (void)parameter, vsigmoid(z) + a * vsigmoid(-z);
}

/* z * tanh(log(1 + e^z)), Misra 2019. With n = e^z, the tanh is n (n + 2) / (n (n + 2) + 2), a
 * quotient of sums of positive terms. For positive z, both parts are multiplied by e^-2z: e^-|z|
 * never overflows. */
typedef struct {
    real above, below;
} quotient;
static inline quotient mish_quotient(real z, real e) {
    const real low = e * (e + 2), high = 1 + 2 * e;
    return (quotient){z < 0 ? low : high, z < 0 ? low + 2 : high + 2 * e * e};
}
static inline real activation_mish ACTIVATION_ARGUMENTS {
    (void)parameter;
    const quotient q = mish_quotient(z, vexp(-LIBM(fabs)(z)));
    return z * (q.above / q.below);
}
/* tanh + z * 4 n (n + 1) / (n (n + 2) + 2)^2 */
static inline real derivative_mish DERIVATIVE_ARGUMENTS {
    (void)a, (void)parameter;
    const real e = vexp(-LIBM(fabs)(z));
    const quotient q = mish_quotient(z, e);
    const real bend = (z < 0 ? e : e * e) * (1 + e), share = 1 / q.below;
    return share * (q.above + 4 * share * (z * bend));
}

static inline real activation_softplus ACTIVATION_ARGUMENTS {
    return (void)parameter, (z < 0 ? 0 : z) + vlog1p(vexp(-LIBM(fabs)(z)));
}
static inline real derivative_softplus DERIVATIVE_ARGUMENTS {
    return (void)a, (void)parameter, vsigmoid(z);
}

static inline real activation_exp ACTIVATION_ARGUMENTS { return (void)parameter, vexp(z); }
static inline real derivative_exp DERIVATIVE_ARGUMENTS { return (void)z, (void)parameter, a; }

INLINE real largest_of(const real *z /* (n,) with room for whole vectors */, size_t n) {
    vec largest = lanes_before(load(z), n, -INFINITY);
    for (size_t j = LANES; j < n; j += LANES) {
        largest = larger(lanes_before(load(z + j), n - j, -INFINITY), largest);
    }
    return largest_lane(largest);
}

/* a = softmax(z) for one row; a may be z. The largest z is subtracted first to avoid overflow. */
static inline void softmax(real *a /* (n,), like z */, const real *z, size_t n) {
    const size_t width = (n + LANES - 1) / LANES * LANES;
    const real largest = largest_of(z, n);
    vec sums = {0};
    IVDEP
    for (size_t j = 0; j < width; j++) { a[j] = vexp(z[j] - largest); }
    for (size_t j = 0; j < n; j += LANES) { sums += lanes_before(load(a + j), n - j, 0); }
    const real sum = sum_of_lanes(sums);
    for (size_t j = 0; j < width; j++) { a[j] /= sum; }
}

/* Convert one row from dC/da to dC/dz in place: dz_j = a_j * (da_j - sum over k of da_k a_k). */
static inline void softmax_backward(real *delta /* (n,) with room for whole vectors */,
                                    const real *a /* like delta */, size_t n) {
    vec sums = {0};
    for (size_t j = 0; j < n; j += LANES) {
        const size_t lanes = n - j < LANES ? n - j : LANES;
        sums += load_first(delta + j, lanes) * load_first(a + j, lanes);
    }
    const real sum = sum_of_lanes(sums);
    for (size_t j = 0; j < n; j++) { delta[j] = a[j] * (delta[j] - sum); }
}

#endif
