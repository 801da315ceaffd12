/* costs.h - all costs: their values and deltas for a row, and the list of them.
 *
 * To add one, add a line to the list and define cost_NAME(z, a, y, parameter), the value for one
 * output, and delta_NAME(z, a, y, parameter). If the cost accepts any output activation, delta is
 * dC/da. If it is tied to one output activation, delta is dC/dz, where the activation's derivative
 * cancels; such a cost also needs a line in PYNN_TIED_COSTS and sensitivity_NAME(z, a, y), which is
 * dC/da.
 * parameter: the delta of huber, the quantile of quantile, and for both cross-entropies the minimum
 * distance of probabilities from 0 and 1 in the cost's value, where 0 means no minimum.
 */
#ifndef PYNN_COSTS_H
#define PYNN_COSTS_H

#include "activations.h"

enum { PYNN_ANY_OUTPUT = -1 };

/* X(name, output activation that the cost is tied to) */
#define PYNN_POINTWISE_COSTS(X)                                                                    \
    X(squared_error, PYNN_ANY_OUTPUT)                                                              \
    X(absolute_error, PYNN_ANY_OUTPUT)                                                             \
    X(huber, PYNN_ANY_OUTPUT)                                                                      \
    X(quantile, PYNN_ANY_OUTPUT)                                                                   \
    X(poisson, PYNN_ACTIVATION_exp)
/* Both cross-entropies have a capped and an uncapped form, and cross_entropy works on whole rows:
 * see the end of this file. */
#define PYNN_COSTS(X)                                                                              \
    PYNN_POINTWISE_COSTS(X)                                                                        \
    X(binary_cross_entropy, PYNN_ACTIVATION_sigmoid) X(cross_entropy, PYNN_ACTIVATION_softmax)
/* Costs whose dC/da and dC/dz are different functions. */
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

/* Koenker & Bassett 1978: parameter * |y - a| if y > a, (1 - parameter) * |y - a| otherwise */
static inline real cost_quantile(real z, real a, real y, real parameter) {
    (void)z;
    return a > y ? (1 - parameter) * (a - y) : parameter * (y - a);
}
static inline real delta_quantile(real z, real a, real y, real parameter) {
    (void)z;
    return (1 - parameter) * (real)(a > y) - parameter * (real)(a < y);
}

/* -y log a - (1 - y) log(1 - a) with a = sigmoid(z), written in terms of z so that it is finite for
 * every finite z */
static inline real cost_binary_cross_entropy(real z, real a, real y, real parameter) {
    UNUSED2(a, parameter);
    return (z < 0 ? 0 : z) - z * y + vlog1p(vexp(-LIBM(fabs)(z)));
}
/* As in scikit-learn, a is clipped to [least, 1 - least], in the cost but not in its delta. fabs
 * prevents compilers from fusing a product with the sum (see `rounded`). */
static inline real cost_capped_binary_cross_entropy(real z, real a, real y, real least) {
    (void)z;
    const real kept = clamp(a, least, 1 - least);
    return LIBM(fabs)(y * vlog(kept)) + LIBM(fabs)((1 - y) * vlog(1 - kept));
}
static inline real delta_binary_cross_entropy(real z, real a, real y, real parameter) {
    UNUSED2(z, parameter);
    return a - y;
}
/* (1 - y) / (1 - a) - y / a, written in terms of z because 1 - a may round to 0 */
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

/* Bounds of -log a, where a is clipped to [least, 1 - least]. */
typedef struct {
    real low, high; /* high INFINITY: a is not clipped */
} caps;

static inline caps caps_of(real least) {
    return least > 0 ? (caps){-vlog(1 - least), -vlog(least)} : (caps){0, INFINITY};
}

/* -sum of y log a for one row, where log a_j = (z_j - z_max) - log_sum and -log a_j is capped */
static inline real capped_cross_entropy(const real *z /* (n,) with room for whole vectors */,
                                        const real *y /* like z */, size_t n, real z_max,
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

/* -sum of y log a for one row, where a = softmax(z). Returns the cost and sets delta = dC/dz.
 * log a_j = (z_j - z_max) - log(1 + rest), where rest is the sum of e^(z_k - z_max) over all k
 * except one with the largest z. It is computed as the sum of these a_k divided by a_max: this is
 * exact if the row is nearly certain, and finite if a_j is 0. The caps apply to the cost, not to
 * delta. */
static inline real cross_entropy(real *delta /* (n,) with room for whole vectors */,
                                 const real *z /* like delta */, const real *a /* like delta */,
                                 const real *y /* like delta */, size_t n, caps caps) {
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
        costs += (vec)((lanes_t)cost & (y_j != 0)); /* 0 where y is 0: 0 * infinity would be NaN */
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
