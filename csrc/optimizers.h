/* optimizers.h - all update rules: their code, their number of slots and the list of them.
 *
 * To add one, add a line to the list and define rule_NAME(). A rule receives the gradient g of the
 * mean cost and adds the gradient of the penalty in the same pass. Biases have neither penalty nor
 * weight decay.
 */
#ifndef PYNN_OPTIMIZERS_H
#define PYNN_OPTIMIZERS_H

#include <math.h>

#include "pynn.h"
#include "vec.h"
#include "vmath.h"

/* X(name, slots of state for each parameter, whether slots decay where the gradient stays 0, so
 * that updates must flush subnormal numbers) */
#define PYNN_RULES(X)                                                                              \
    X(sgd, 0, 0)                                                                                   \
    X(momentum, 1, 1)                                                                              \
    X(nesterov, 1, 1)                                                                              \
    X(adam, 2, 1)                                                                                  \
    X(adamw, 2, 1)                                                                                 \
    X(rmsprop, 1, 1)                                                                               \
    X(rprop, 2, 0)

enum {
#define X(name, n_slots, decays) PYNN_RULE_##name,
    PYNN_RULES(X)
#undef X
        PYNN_N_RULES
};

/* Whether slots of the rule decay to subnormal numbers. */
static inline int pynn_slots_decay(int rule) {
    static const int slots_decay[] = {
#define X(name, n_slots, decays) [PYNN_RULE_##name] = decays,
        PYNN_RULES(X)
#undef X
    };
    return slots_decay[rule];
}

/* The coefficients of one update. */
typedef struct {
    real learning_rate, momentum, epsilon;
    real beta_1, beta_2, rest_1, rest_2;  /* rest = 1 - beta, subtracted in double */
    real grow, shrink, smallest, largest; /* step sizes of rprop */
    int penalises;                        /* whether l2 or l1 is not 0 */
    real l2, l1; /* strengths of the penalty, set for each batch and layer */
    real decay;  /* learning rate * weight decay */
} pynn_step;

/* Whether the coefficients depend on the number of the update. */
static inline int pynn_step_changes(const pynn_optimizer *o) {
    return o->rule == PYNN_RULE_adam || o->rule == PYNN_RULE_adamw;
}

/* Coefficients of the n-th update, counted from 1, at learning rate `rate`. Adam's bias correction
 * is part of the learning rate, so epsilon is not corrected (Kingma & Ba 2015, end of section
 * 2). */
static inline pynn_step step_of(const pynn_optimizer *o, double rate, int64_t n) {
    const double decay = rate * o->weight_decay;
    if (pynn_step_changes(o)) {
        rate *= sqrt(1 - pow(o->beta_2, (double)n)) / (1 - pow(o->beta_1, (double)n));
    }
    return (pynn_step){.learning_rate = (real)rate,
                       .momentum = (real)o->momentum,
                       .beta_1 = (real)o->beta_1,
                       .beta_2 = (real)o->beta_2,
                       .rest_1 = (real)(1 - o->beta_1),
                       .rest_2 = (real)(1 - o->beta_2),
                       .epsilon = (real)o->epsilon,
                       .grow = (real)o->grow,
                       .shrink = (real)o->shrink,
                       .smallest = (real)fmax(o->smallest, SMALLEST_NORMAL), /* 0 means no step */
                       .largest = (real)o->largest,
                       .decay = (real)decay};
}

/* `step` with the strengths of a layer's penalty. */
static inline pynn_step with_penalty(pynn_step step, double l2, double l1) {
    step.l2 = (real)l2;
    step.l1 = (real)l1;
    step.penalises = l2 != 0 || l1 != 0;
    return step;
}

/* g plus the gradient of the penalty, l2 * w + l1 * sign(w), where sign(0) = 0. */
INLINE vec penalised(vec g, vec w, const pynn_step *step) {
    if (step->penalises) { /* skipping this makes a tile 7% faster with 10 rows */
        g += step->l2 * w;
        g += signed_as((vec){0} + step->l1, w);
    }
    return g;
}

/* w: parameters; s (n_slots,): their slots; g: gradient of the mean cost */
#define RULE_ARGUMENTS (vec * w, vec * s, vec g, const pynn_step *step)
typedef void update_rule RULE_ARGUMENTS;

INLINE void rule_sgd RULE_ARGUMENTS {
    (void)s;
    *w -= step->learning_rate * penalised(g, *w, step);
}

INLINE void rule_momentum RULE_ARGUMENTS {
    s[0] = rounded(step->momentum * s[0]) - step->learning_rate * penalised(g, *w, step);
    *w += s[0];
}

/* Sutskever, Martens, Dahl & Hinton 2013; w holds the parameters at the look-ahead point */
INLINE void rule_nesterov RULE_ARGUMENTS {
    const vec nudge = rounded(step->learning_rate * penalised(g, *w, step));
    s[0] = step->momentum * s[0] - nudge;
    *w += step->momentum * s[0] - nudge;
}

/* Kingma & Ba 2015; keep < 1 applies the decoupled weight decay of Loshchilov & Hutter 2019 */
INLINE void adam_keeping(real keep, vec *w, vec *s, vec g, const pynn_step *step) {
    g = penalised(g, *w, step);
    s[0] = rounded(step->beta_1 * s[0]) + step->rest_1 * g;
    s[1] = rounded(step->beta_2 * s[1]) + step->rest_2 * g * g;
    *w = keep * *w - step->learning_rate * s[0] / (vsqrt(s[1]) + step->epsilon);
}

INLINE void rule_adam RULE_ARGUMENTS { adam_keeping(1, w, s, g, step); }

INLINE void rule_adamw RULE_ARGUMENTS { adam_keeping(1 - step->decay, w, s, g, step); }

/* Tieleman & Hinton 2012, lecture 6.5; beta_2 is their decay of the mean square */
INLINE void rule_rmsprop RULE_ARGUMENTS {
    g = penalised(g, *w, step);
    s[0] = rounded(step->beta_2 * s[0]) + step->rest_2 * g * g;
    *w -= step->learning_rate * g / (vsqrt(s[0]) + step->epsilon);
}

/* iRprop- of Igel & Huesken 2003, after Riedmiller & Braun 1993. s[0] is the previous gradient, or
 * 0 if the sign has changed; s[1] is the step size, 0 before the first step. */
INLINE void rule_rprop RULE_ARGUMENTS {
    g = penalised(g, *w, step);
    const lanes_t agrees = ((g > 0) & (s[0] > 0)) | ((g < 0) & (s[0] < 0));
    const lanes_t turns = ((g > 0) & (s[0] < 0)) | ((g < 0) & (s[0] > 0));
    const vec none = {0}, smallest = none + step->smallest, largest = none + step->largest;
    vec size = either(s[1] == 0, none + step->learning_rate, s[1]);
    size = either(agrees, smaller(size * step->grow, largest), size);
    size = either(turns, larger(size * step->shrink, smallest), size);
    g = either(turns, none, g);
    *w -= signed_as(size, g) + 0 * g; /* NaN if the gradient is not finite */
    s[0] = g;
    s[1] = size;
}

#endif
