/* norms.h - sums over all parameters or a whole gradient: the penalty, the norm of the gradient for
 * clip_norm, and the norm of each unit's weights for max_norm. All members of a team call these
 * functions together and get the same result. */
#ifndef PYNN_NORMS_H
#define PYNN_NORMS_H

#include "program.h"

/* Compute *penalty. Returns 1 if the pass ends, with its status set. */
int FN(pynn_sum_penalty)(double *penalty, pynn_pass *pass);

/* Add the gradient of the penalty to the gradient (n_parameters,) of the mean cost. */
void FN(pynn_penalise)(real *gradient, const pynn_pass *pass);

/* Add the gradient of the penalty to ws->gradient. *factor = the factor, at most 1, that limits the
 * norm of the result to clip_norm. Returns 1 if the pass ends, with its status set. */
int FN(pynn_clip)(double *factor, pynn_pass *pass);

/* Scale the incoming weights of units down to max_norm; w (n_parameters,). */
void FN(pynn_limit_norms)(real *w, const pynn_pass *pass);

/* Why the team was asked to stop. Call this after a barrier that returned 1. */
static inline pynn_status pynn_reason(const pynn_workspace *ws) {
    return atomic_load_explicit(&ws->found_not_finite, memory_order_relaxed) ? PYNN_NOT_FINITE
                                                                             : PYNN_INTERRUPTED;
}

/* Wait at a barrier. Returns 1, with the pass's status set, if a member asked the team to stop. */
static inline int pynn_meet(pynn_pass *pass) {
    if (!pynn_team_meet(pass->member)) { return 0; }
    pass->status = pynn_reason(pass->ws);
    return 1;
}

#endif
