/* norms.h - what sums over all parameters or over a whole gradient: the penalty, the norm that
 * clip_norm limits, and that of each unit's weights. Every function here is called by all members
 * of a team at once and answers all alike. */
#ifndef PYNN_NORMS_H
#define PYNN_NORMS_H

#include "program.h"

/* Sets *penalty, and the pass's status where it ends. */
int FN(pynn_sum_penalty)(double *penalty, pynn_pass *pass);

/* To the gradient (n_parameters,) of the mean cost that of the penalty is added. */
void FN(pynn_penalise)(real *gradient, const pynn_pass *pass);

/* *factor = what ws->gradient must be multiplied by to be no longer than clip_norm. */
int FN(pynn_clip)(double *factor, pynn_pass *pass);

/* Scales incoming weights of units down to max_norm; w (n_parameters,). */
void FN(pynn_limit_norms)(real *w, const pynn_pass *pass);

/* Why the team was asked to stop; to be called after the barrier that said so. */
static inline pynn_status pynn_reason(const pynn_workspace *ws) {
    return atomic_load_explicit(&ws->found_not_finite, memory_order_relaxed) ? PYNN_NOT_FINITE
                                                                             : PYNN_INTERRUPTED;
}

/* A barrier: 1 where a member has asked the team to stop. */
static inline int pynn_meet(pynn_pass *pass) {
    if (!pynn_team_meet(pass->member)) { return 0; }
    pass->status = pynn_reason(pass->ws);
    return 1;
}

#endif
