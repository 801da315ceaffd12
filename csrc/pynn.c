/* pynn.c - the interface of the core: forwards calls to the engine of their dtype and looks up
 * names in the lists. */
#include "pynn.h"

#include <stdatomic.h>

#include "activations.h"
#include "blas.h"
#include "costs.h"
#include "optimizers.h"
#include "team.h"
#include "train.h"

static pynn_blas blas;

void pynn_set_blas(const pynn_blas *given) { blas = *given; }

const pynn_blas *pynn_blas_in_use(void) { return &blas; }

static atomic_int blas_is_forced;

void pynn_force_blas(int forced) { atomic_store(&blas_is_forced, forced); }

int pynn_blas_is_forced(void) { return atomic_load(&blas_is_forced); }

typedef struct {
    const char *name;
    int fact; /* one property from the list */
} entry;

static const entry activations[] = {
#define X(name, reads_z, output_only) {#name, output_only},
    PYNN_ACTIVATIONS(X)
#undef X
};

static const entry costs[] = {
#define X(name, output) {#name, output},
    PYNN_COSTS(X)
#undef X
};

static const entry rules[] = {
#define X(name, n_slots, decays) {#name, n_slots},
    PYNN_RULES(X)
#undef X
};

const char *pynn_activation_name(int code) {
    return code >= 0 && code < PYNN_N_ACTIVATIONS ? activations[code].name : NULL;
}

int pynn_activation_is_output_only(int code) { return activations[code].fact; }

const char *pynn_cost_name(int code) {
    return code >= 0 && code < PYNN_N_COSTS ? costs[code].name : NULL;
}

const char *pynn_cost_output(int code) {
    const int output = costs[code].fact;
    return output == PYNN_ANY_OUTPUT ? NULL : activations[output].name;
}

const char *pynn_rule_name(int code) {
    return code >= 0 && code < PYNN_N_RULES ? rules[code].name : NULL;
}

int pynn_rule_n_slots(int code) { return rules[code].fact; }

int64_t pynn_n_parameters(const pynn_network *of) {
    const int64_t members = of->members, each = members ? members : 1;
    int64_t n_in = of->sizes[0], n = 0;
    for (int i = 0; i < of->n_embeddings; i++) {
        n += pynn_embedding_parameters(&of->embeddings[i]);
        n_in += of->embeddings[i].size - 1;
    }
    if (of->input_scale) { n += n_in; }
    for (int l = 0; l < of->n_layers; l++) {
        const int64_t n_out = of->sizes[l + 1];
        const int is_output = l == of->n_layers - 1;
        n += (is_output ? each : 1) * n_in * n_out;
        if (of->bias) { n += each * n_out; }
        const int norm = of->norms ? of->norms[l] : PYNN_NO_NORM;
        n += (norm == PYNN_BATCH_NORM ? 3 : norm == PYNN_LAYER_NORM) * n_out;
        if (of->parametric && of->parametric[l]) { n += n_out; }
        if (!is_output) { n += members * (n_in + n_out); }
        n_in = n_out;
    }
    return n;
}

static const pynn_engine *engine_of(pynn_dtype dtype) {
#if defined(PYNN_WITHOUT_F64)
    return (void)dtype, &pynn_engine_f32;
#else
    return dtype == PYNN_F32 ? &pynn_engine_f32 : &pynn_engine_f64;
#endif
}

int pynn_isa_is_tuned(void) { return pynn_engine_f32.is_tuned(); }

/* Clamp n_threads, which determines how much memory a call takes. */
static pynn_call clamped(pynn_call call) {
    call.n_threads = pynn_team_most(call.n_threads);
    return call;
}

pynn_status pynn_predict(void *out, const pynn_call *given) {
    const pynn_call call = clamped(*given);
    return engine_of(call.network->dtype)->predict(out, &call);
}

pynn_status pynn_gradient(pynn_cost *cost, void *gradient, const pynn_call *given,
                          pynn_penalty penalty) {
    const pynn_call call = clamped(*given);
    return engine_of(call.network->dtype)->gradient(cost, gradient, &call, penalty);
}

pynn_status pynn_trace_rows(const pynn_trace *trace, const pynn_call *given) {
    const pynn_call call = clamped(*given);
    return engine_of(call.network->dtype)->trace(trace, &call);
}

pynn_status pynn_train(void *parameters, pynn_optimizer_state *state, pynn_cost *costs_,
                       int64_t *n_done, const pynn_call *given, const pynn_optimizer *optimizer,
                       const pynn_plan *plan) {
    const pynn_call call = clamped(*given);
    return engine_of(call.network->dtype)
        ->train(parameters, state, costs_, n_done, &call, optimizer, plan);
}

int pynn_all_finite(pynn_dtype dtype, const void *x, int64_t n) {
    return engine_of(dtype)->all_finite(x, n);
}
