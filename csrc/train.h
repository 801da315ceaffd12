/* train.h - the functions of pynn.h that work on data or parameters, as a table for each dtype.
 * `void *` stands for that dtype; pynn.h documents the functions. */
#ifndef PYNN_TRAIN_H
#define PYNN_TRAIN_H

#include "pynn.h"

typedef struct {
    pynn_status (*predict)(void *out, const pynn_call *call);
    pynn_status (*gradient)(pynn_cost *cost, void *gradient, const pynn_call *call,
                            pynn_penalty penalty);
    pynn_status (*trace)(const pynn_trace *trace, const pynn_call *call);
    pynn_status (*train)(void *parameters, pynn_optimizer_state *state, pynn_cost *costs,
                         int64_t *n_done, const pynn_call *call, const pynn_optimizer *optimizer,
                         const pynn_plan *plan);
    int (*train_in_lanes)(pynn_training *const *trainings, int n); /* see lanes.h */
    int (*n_lanes)(void);                                          /* of a vector */
    int (*all_finite)(const void *x, int64_t n);
    int (*is_tuned)(void);
} pynn_engine;

extern const pynn_engine pynn_engine_f32, pynn_engine_f64;

#endif
