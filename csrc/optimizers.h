/* optimizers.h - every update rule: its body, how many slots of state it has, the one list.
 *
 * To add one: a line in the list and update_NAME(). Each rule takes the gradient g of the mean cost
 * and adds to it that of the penalty, l2 * w, in the same pass; for biases l2 and decay are 0.
 */
#ifndef PYNN_OPTIMIZERS_H
#define PYNN_OPTIMIZERS_H

#include <math.h>

#include "pynn.h"
#include "real.h"

/* name; slots of state for each parameter */
#define PYNN_RULES(X)                                                                              \
    X(sgd, 0)                                                                                      \
    X(momentum, 1)                                                                                 \
    X(nesterov, 1)                                                                                 \
    X(adam, 2)                                                                                     \
    X(adamw, 2)                                                                                    \
    X(rmsprop, 1)

enum {
#define X(name, n_slots) PYNN_RULE_##name,
    PYNN_RULES(X)
#undef X
        PYNN_N_RULES
};

/* The coefficients of one update. */
typedef struct {
    real learning_rate, momentum, epsilon;
    real beta_1, beta_2, rest_1, rest_2; /* rest = 1 - beta, which has few digits left in float */
    real l2;    /* alpha of the penalty */
    real decay; /* learning rate * weight decay */
} FN(pynn_step);

/* Coefficients of the n-th update, n from 1. Adam's correction of the start from zero moments goes
 * into the learning rate, and epsilon stays outside of it (Kingma & Ba 2015, end of section 2). */
static inline FN(pynn_step) FN(step_of)(const pynn_optimizer *o, int64_t n, double l2) {
    double rate = o->learning_rate;
    if (o->rule == PYNN_RULE_adam || o->rule == PYNN_RULE_adamw) {
        rate *= sqrt(1 - pow(o->beta_2, (double)n)) / (1 - pow(o->beta_1, (double)n));
    }
    return (FN(pynn_step)){.learning_rate = (real)rate,
                           .momentum = (real)o->momentum,
                           .beta_1 = (real)o->beta_1,
                           .beta_2 = (real)o->beta_2,
                           .rest_1 = (real)(1 - o->beta_1),
                           .rest_2 = (real)(1 - o->beta_2),
                           .epsilon = (real)o->epsilon,
                           .l2 = (real)l2,
                           .decay = (real)(o->learning_rate * o->weight_decay)};
}

/* In each body: w (n,) parameters, s0 and s1 (n,) slots, g (n,) gradient. */
#define UPDATE_ARGUMENTS                                                                           \
    (real *restrict w, real *restrict s0, real *restrict s1, const real *restrict g, size_t n,     \
     const FN(pynn_step) * step)

static inline void FN(update_sgd) UPDATE_ARGUMENTS {
    (void)s0, (void)s1;
    const real rate = step->learning_rate, l2 = step->l2;
    for (size_t i = 0; i < n; i++) { w[i] -= rate * (g[i] + l2 * w[i]); }
}

static inline void FN(update_momentum) UPDATE_ARGUMENTS {
    (void)s1;
    const real rate = step->learning_rate, l2 = step->l2, momentum = step->momentum;
    for (size_t i = 0; i < n; i++) {
        s0[i] = momentum * s0[i] - rate * (g[i] + l2 * w[i]);
        w[i] += s0[i];
    }
}

/* Sutskever, Martens, Dahl & Hinton 2013, written at the point looked ahead to */
static inline void FN(update_nesterov) UPDATE_ARGUMENTS {
    (void)s1;
    const real rate = step->learning_rate, l2 = step->l2, momentum = step->momentum;
    for (size_t i = 0; i < n; i++) {
        const real nudge = rate * (g[i] + l2 * w[i]);
        s0[i] = momentum * s0[i] - nudge;
        w[i] += momentum * s0[i] - nudge;
    }
}

/* Kingma & Ba 2015; keep < 1 is the decoupled weight decay of Loshchilov & Hutter 2019 */
static inline void FN(adam_keeping)(real keep, real *restrict w, real *restrict s0,
                                    real *restrict s1, const real *restrict g, size_t n,
                                    const FN(pynn_step) * step) {
    const real rate = step->learning_rate, l2 = step->l2, epsilon = step->epsilon;
    const real beta_1 = step->beta_1, beta_2 = step->beta_2;
    const real rest_1 = step->rest_1, rest_2 = step->rest_2;
    for (size_t i = 0; i < n; i++) {
        const real gradient = g[i] + l2 * w[i];
        s0[i] = beta_1 * s0[i] + rest_1 * gradient;
        s1[i] = beta_2 * s1[i] + rest_2 * gradient * gradient;
        w[i] = keep * w[i] - rate * s0[i] / (LIBM(sqrt)(s1[i]) + epsilon);
    }
}

static inline void FN(update_adam) UPDATE_ARGUMENTS {
    FN(adam_keeping)(1, w, s0, s1, g, n, step);
}

static inline void FN(update_adamw) UPDATE_ARGUMENTS {
    FN(adam_keeping)(1 - step->decay, w, s0, s1, g, n, step);
}

/* Tieleman & Hinton 2012, lecture 6.5; beta_2 is their decay of the mean square */
static inline void FN(update_rmsprop) UPDATE_ARGUMENTS {
    (void)s1;
    const real rate = step->learning_rate, l2 = step->l2, epsilon = step->epsilon;
    const real rho = step->beta_2, rest = step->rest_2;
    for (size_t i = 0; i < n; i++) {
        const real gradient = g[i] + l2 * w[i];
        s0[i] = rho * s0[i] + rest * gradient * gradient;
        w[i] -= rate * gradient / (LIBM(sqrt)(s0[i]) + epsilon);
    }
}

#endif
