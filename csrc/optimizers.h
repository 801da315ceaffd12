/* optimizers.h - every update rule: its body, how many slots of state it has, the one list.
 *
 * To add one: a line in the list and rule_NAME(). Each rule takes the gradient g of the mean cost
 * and adds to it that of the penalty, l2 * w, in the same pass; for biases l2 and decay are 0.
 */
#ifndef PYNN_OPTIMIZERS_H
#define PYNN_OPTIMIZERS_H

#include <math.h>

#include "pynn.h"
#include "vec.h"

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
    real l2;                             /* alpha of the penalty, which each batch sets */
    real decay;                          /* learning rate * weight decay */
} FN(pynn_step);

/* Coefficients of the n-th update, n from 1. Adam's correction of the start from zero moments goes
 * into the learning rate, and epsilon stays outside of it (Kingma & Ba 2015, end of section 2). */
static inline FN(pynn_step) FN(step_of)(const pynn_optimizer *o, int64_t n) {
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
                           .decay = (real)(o->learning_rate * o->weight_decay)};
}

/* In each body: w parameters, g gradient of the mean cost, s0 and s1 slots. */
#define RULE_ARGUMENTS (vec * w, vec * s0, vec * s1, vec g, const FN(pynn_step) * step)

INLINE void FN(rule_sgd) RULE_ARGUMENTS {
    (void)s0, (void)s1;
    if (step->l2 != 0) { g += step->l2 * *w; } /* a tile that learns from 10 rows gains 7% */
    *w -= step->learning_rate * g;
}

INLINE void FN(rule_momentum) RULE_ARGUMENTS {
    (void)s1;
    *s0 = step->momentum * *s0 - step->learning_rate * (g + step->l2 * *w);
    *w += *s0;
}

/* Sutskever, Martens, Dahl & Hinton 2013, written at the point looked ahead to */
INLINE void FN(rule_nesterov) RULE_ARGUMENTS {
    (void)s1;
    const vec nudge = step->learning_rate * (g + step->l2 * *w);
    *s0 = step->momentum * *s0 - nudge;
    *w += step->momentum * *s0 - nudge;
}

/* Kingma & Ba 2015; keep < 1 is the decoupled weight decay of Loshchilov & Hutter 2019 */
INLINE void FN(adam_keeping)(real keep, vec *w, vec *s0, vec *s1, vec g,
                             const FN(pynn_step) * step) {
    g += step->l2 * *w;
    *s0 = step->beta_1 * *s0 + step->rest_1 * g;
    *s1 = step->beta_2 * *s1 + step->rest_2 * g * g;
    *w = keep * *w - step->learning_rate * *s0 / (FN(vsqrt)(*s1) + step->epsilon);
}

INLINE void FN(rule_adam) RULE_ARGUMENTS { FN(adam_keeping)(1, w, s0, s1, g, step); }

INLINE void FN(rule_adamw) RULE_ARGUMENTS { FN(adam_keeping)(1 - step->decay, w, s0, s1, g, step); }

/* Tieleman & Hinton 2012, lecture 6.5; beta_2 is their decay of the mean square */
INLINE void FN(rule_rmsprop) RULE_ARGUMENTS {
    (void)s1;
    g += step->l2 * *w;
    *s0 = step->beta_2 * *s0 + step->rest_2 * g * g;
    *w -= step->learning_rate * g / (FN(vsqrt)(*s0) + step->epsilon);
}

#endif
