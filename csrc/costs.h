/* costs.h - every cost: its value for a row, its delta, and the one list of them.
 *
 * To add one: a line in the list, cost_NAME(z, a, y, parameter) for one output, and
 * delta_NAME(z, a, y, parameter). A cost for any output gives dC/da there; one that is tied to an
 * output activation gives dC/dz, where the activation's derivative has cancelled against it, and
 * has its dC/da beside it: a line in PYNN_TIED_COSTS, and sensitivity_NAME(z, a, y).
 * parameter: the delta of huber, the quantile of quantile; of both cross-entropies how far their
 * values keep probabilities from 0 and 1, not at all where it is 0.
 */
#ifndef PYNN_COSTS_H
#define PYNN_COSTS_H

#include "activations.h"

enum { PYNN_ANY_OUTPUT = -1 };

/* name; the output activation that it is tied to */
#define PYNN_POINTWISE_COSTS(X)                                                                    \
    X(squared_error, PYNN_ANY_OUTPUT)                                                              \
    X(absolute_error, PYNN_ANY_OUTPUT)                                                             \
    X(huber, PYNN_ANY_OUTPUT)                                                                      \
    X(quantile, PYNN_ANY_OUTPUT)                                                                   \
    X(poisson, PYNN_ACTIVATION_exp)
/* These have two forms each, and cross_entropy works on whole rows: see the end of this file. */
#define PYNN_COSTS(X)                                                                              \
    PYNN_POINTWISE_COSTS(X)                                                                        \
    X(binary_cross_entropy, PYNN_ACTIVATION_sigmoid) X(cross_entropy, PYNN_ACTIVATION_softmax)
/* Of these dC/da is another function than dC/dz. */
#define PYNN_TIED_COSTS(X) X(poisson) X(binary_cross_entropy) X(cross_entropy)

enum {
#define X(name, output) PYNN_COST_##name,
    PYNN_COSTS(X)
#undef X
        PYNN_N_COSTS
};

#define UNUSED2(x, y) ((void)(x), (void)(y))

static inline real cost_squared_error(real z, real a, real y, real parameter) {
    UNUSED2(z, parameter);
    return (real)0.5 * (a - y) * (a - y);
}
static inline real delta_squared_error(real z, real a, real y, real parameter) {
    UNUSED2(z, parameter);
    return a - y;
}

static inline real cost_absolute_error(real z, real a, real y, real parameter) {
    UNUSED2(z, parameter);
    return LIBM(fabs)(a - y);
}
static inline real delta_absolute_error(real z, real a, real y, real parameter) {
    UNUSED2(z, parameter);
    return (real)(a > y) - (real)(a < y);
}

/* Huber 1964: quadratic up to |a - y| = parameter, linear beyond */
static inline real cost_huber(real z, real a, real y, real parameter) {
    (void)z;
    real error = LIBM(fabs)(a - y);
    real inner = error < parameter ? error : parameter;
    return inner * (error - (real)0.5 * inner);
}
static inline real delta_huber(real z, real a, real y, real parameter) {
    (void)z;
    return clamp(a - y, -parameter, parameter);
}

/* Koenker & Bassett 1978: an error y - a costs parameter times its size above 0, 1 - parameter
 * times its size below */
static inline real cost_quantile(real z, real a, real y, real parameter) {
    (void)z;
    return a > y ? (1 - parameter) * (a - y) : parameter * (y - a);
}
static inline real delta_quantile(real z, real a, real y, real parameter) {
    (void)z;
    return (1 - parameter) * (real)(a > y) - parameter * (real)(a < y);
}

/* -y log a - (1 - y) log(1 - a) with a = sigmoid(z), written in z: finite for every finite z */
static inline real cost_binary_cross_entropy(real z, real a, real y, real parameter) {
    UNUSED2(a, parameter);
    return (z < 0 ? 0 : z) - z * y + vlog1p(vexp(-LIBM(fabs)(z)));
}
/* As scikit-learn has it: a kept by `least` from 0 and 1. In the cost alone, not in its delta. fabs
 * keeps compilers from fusing a product with the sum (see `rounded`). */
static inline real cost_capped_binary_cross_entropy(real z, real a, real y, real least) {
    (void)z;
    const real kept = clamp(a, least, 1 - least);
    return LIBM(fabs)(y * vlog(kept)) + LIBM(fabs)((1 - y) * vlog(1 - kept));
}
static inline real delta_binary_cross_entropy(real z, real a, real y, real parameter) {
    UNUSED2(z, parameter);
    return a - y;
}
/* (1 - y) / (1 - a) - y / a, written in z: 1 - a may be rounded to 0 long before it is 0 */
static inline real sensitivity_binary_cross_entropy(real z, real a, real y) {
    (void)a;
    const real below = y < 1 ? (1 - y) * (1 + vexp(z)) : 0;
    return below - (y > 0 ? y * (1 + vexp(-z)) : 0);
}

/* Half the Poisson deviance: y log(y / a) - y + a with log a = z; 0 at a = y */
static inline real cost_poisson(real z, real a, real y, real parameter) {
    (void)parameter;
    return (y > 0 ? y * (vlog(y) - z) : 0) - y + a;
}
static inline real delta_poisson(real z, real a, real y, real parameter) {
    UNUSED2(z, parameter);
    return a - y;
}
static inline real sensitivity_poisson(real z, real a, real y) {
    (void)z;
    return y > 0 ? 1 - y / a : 1;
}

/* The least and the most that -log a is taken for, where a is kept by `least` from 0 and 1. */
typedef struct {
    real low, high; /* high INFINITY: a is not kept from anything */
} caps;

static inline caps caps_of(real least) {
    return least > 0 ? (caps){-vlog(1 - least), -vlog(least)} : (caps){0, INFINITY};
}

/* -sum of y log a for one row, with log a_j = (z_j - z_max) - log_sum, capped */
static inline real capped_cross_entropy(const real *z /* (n,), room for whole vectors */,
                                        const real *y /* as z */, size_t n, real z_max,
                                        real log_sum, caps caps) {
    const vec low = (vec){0} + caps.low, high = (vec){0} + caps.high;
    vec costs = {0};
    for (size_t j = 0; j < n; j += LANES) {
        const vec cost = (z_max - load(z + j)) + log_sum;
        const vec above = either(cost < low, low, cost); /* NaN stays NaN */
        costs += lanes_before(load(y + j) * either(above > high, high, above), n - j, 0);
    }
    return sum_of_lanes(costs);
}

/* -sum of y log a for one row, with a = softmax(z). Returns the cost, and delta = dC/dz.
 * log a_j = (z_j - z_max) - log(1 + rest) with rest = sum of e^(z_k - z_max) over the others, which
 * is their share of a over a_max: exact where the row is nearly certain, finite where a_j is 0.
 * Of several that are largest, all but one are among the others. Caps are of the cost alone. */
static inline real cross_entropy(real *delta /* (n,), room for whole vectors */,
                                 const real *z /* as delta */, const real *a /* as delta */,
                                 const real *y /* as delta */, size_t n, caps caps) {
    const size_t width = (n + LANES - 1) / LANES * LANES;
    const real z_max = largest_of(z, n), a_max = largest_of(a, n);
    vec others = {0}, n_largest = {0}, weights = {0}, costs = {0};
    for (size_t j = 0; j < n; j += LANES) {
        const vec z_j = lanes_before(load(z + j), n - j, -INFINITY);
        const vec a_j = lanes_before(load(a + j), n - j, 0);
        const vec y_j = lanes_before(load(y + j), n - j, 0);
        const vec cost = y_j * (z_max - z_j);
        others += (vec)((lanes_t)a_j & (z_j != z_max));
        n_largest += (vec)((lanes_t)((vec){0} + 1) & (z_j == z_max));
        weights += y_j;
        costs += (vec)((lanes_t)cost & (y_j != 0)); /* 0 even where z is infinitely far below */
    }
    const real weight = sum_of_lanes(weights);
    const real rest = sum_of_lanes(others) + (sum_of_lanes(n_largest) - 1) * a_max;
    for (size_t j = 0; j < width; j++) { delta[j] = a[j] * weight - y[j]; }
    const real log_sum = log1p_of_any(rest / a_max);
    return caps.high < INFINITY ? capped_cross_entropy(z, y, n, z_max, log_sum, caps)
                                : sum_of_lanes(costs) + weight * log_sum;
}
static inline real sensitivity_cross_entropy(real z, real a, real y) {
    (void)z;
    return y > 0 ? -y / a : 0;
}

#endif
