#include "train.h"

#include <string.h>

#include "memory.h"
#include "network.h"
#include "shuffle.h"

/* What the members of a team work on together, for each of the functions below. */
typedef struct {
    pynn_status status;
    FN(pynn_workspace) ws;
    const pynn_data *data;
    real *parameters;
    real *out;        /* of predict (n_rows, n_out), of gradient (n_parameters,) or NULL */
    pynn_cost *costs; /* (n_epochs,); of gradient one */
    pynn_penalty penalty;
    pynn_optimizer_state *state;
    const pynn_optimizer *optimizer;
    const pynn_plan *plan;
    int64_t *n_done;
} FN(job);

static void FN(predict_share)(pynn_member member, void *job_) {
    FN(job) *job = job_;
    FN(pynn_workspace) *ws = &job->ws;
    const FN(pynn_layer) *output = &ws->layers[ws->n_layers - 1];
    const size_t n_rows = (size_t)job->data->n_rows;
    pynn_status status = PYNN_OK;
    for (size_t done = 0; done < n_rows && !status; done += ws->n_chunk) {
        const size_t left = n_rows - done;
        const pynn_batch chunk = {NULL, done, left < ws->n_chunk ? left : ws->n_chunk};
        const pynn_share mine = FN(pynn_rows_of)(ws, chunk.n_rows, member);
        status = FN(pynn_forward)(ws, job->parameters, job->data, chunk, member);
        for (size_t i = mine.first; i < mine.end && !status; i++) {
            memcpy(job->out + (done + i) * output->n_out, output->a + i * output->stride,
                   output->n_out * sizeof(real));
        }
        if (pynn_team_meet(member)) { status = FN(pynn_reason)(ws); }
    }
    if (member.id == 0) { job->status = status; }
}

static pynn_status FN(predict)(void *out, const pynn_network *network, const void *parameters,
                               const pynn_data *data, int n_threads, const pynn_control *control) {
    FN(job) job = {.data = data, .parameters = (real *)parameters, .out = out};
    const pynn_status status = FN(pynn_workspace_new)(&job.ws, network, data, data->n_rows,
                                                      PYNN_PREDICTS, n_threads, control);
    if (status) { return status; }
    pynn_team_run(n_threads, FN(predict_share), &job);
    FN(pynn_workspace_free)(&job.ws);
    return job.status;
}

static void FN(gradient_share)(pynn_member member, void *job_) {
    FN(job) *job = job_;
    const FN(pynn_workspace) *ws = &job->ws;
    FN(pynn_sink) sink = {.update = ws->kernels->store, .may_stop = 1, .w = job->out};
    pynn_cost cost;
    const pynn_status status =
        FN(pynn_batch_learn)(&cost, &job->ws, job->parameters, job->data,
                             (pynn_batch){NULL, 0, (size_t)job->data->n_rows}, job->penalty,
                             job->out ? &sink : NULL, member);
    if (member.id) { return; }
    job->status = status;
    *job->costs = cost;
    for (int l = 0; l < ws->n_layers && job->out; l++) {
        for (size_t i = ws->layers[l].weights; i < ws->layers[l].biases; i++) {
            job->out[i] += sink.of_weights.l2 * job->parameters[i];
        }
    }
}

static pynn_status FN(gradient)(pynn_cost *cost, void *gradient, const pynn_network *network,
                                const void *parameters, const pynn_data *data, pynn_penalty penalty,
                                int n_threads, const pynn_control *control) {
    FN(job)
    job = {.data = data,
           .parameters = (real *)parameters,
           .out = gradient,
           .costs = cost,
           .penalty = penalty};
    const pynn_status status =
        FN(pynn_workspace_new)(&job.ws, network, data, data->n_rows,
                               gradient ? PYNN_GRADIENT : PYNN_COSTS, n_threads, control);
    if (status) { return status; }
    pynn_team_run(n_threads, FN(gradient_share), &job);
    FN(pynn_workspace_free)(&job.ws);
    return job.status;
}

/* One pass over all rows. Members call it together and get the same answer. */
static pynn_status FN(epoch)(pynn_cost *mean, FN(job) * job, int64_t *n_updates,
                             pynn_member member) {
    FN(pynn_workspace) *ws = &job->ws;
    const size_t n_rows = (size_t)job->data->n_rows, n_batch = (size_t)job->plan->batch_size;
    FN(pynn_sink)
    sink = {.update = ws->kernels->update[job->optimizer->rule],
            .descends = job->optimizer->rule == PYNN_RULE_sgd,
            .w = job->parameters,
            .slot_0 = job->state->slots[0],
            .slot_1 = job->state->slots[1]};
    *mean = (pynn_cost){0};
    for (size_t done = 0; done < n_rows; done += n_batch) {
        const size_t n = n_rows - done < n_batch ? n_rows - done : n_batch;
        sink.of_weights = sink.of_biases = FN(step_of)(job->optimizer, *n_updates + 1);
        sink.of_biases.decay = 0;
        pynn_cost cost;
        const pynn_status status = FN(pynn_batch_learn)(&cost, ws, job->parameters, job->data,
                                                        (pynn_batch){job->plan->order, done, n},
                                                        job->penalty, &sink, member);
        if (status) { return status; }
        ++*n_updates;
        const double share = (double)n / (double)n_rows;
        mean->cost += share * cost.cost;
        mean->penalty += share * cost.penalty;
    }
    return ws->kernels->all_finite(job->parameters, ws->n_parameters) ? PYNN_OK : PYNN_DIVERGED;
}

static void FN(train_share)(pynn_member member, void *job_) {
    FN(job) *job = job_;
    const pynn_plan *plan = job->plan;
    pynn_status status = PYNN_OK;
    int64_t n_done = 0, n_updates = job->state->n_updates;
    while (n_done < plan->n_epochs && !status) {
        if (member.id == 0 && plan->shuffle) {
            pynn_shuffle(plan->order, job->data->n_rows, plan->shuffle);
        }
        if (pynn_team_meet(member)) { break; }
        pynn_cost cost;
        status = FN(epoch)(&cost, job, &n_updates, member);
        if (status) { break; }
        if (member.id == 0) {
            job->costs[n_done] = cost;
            job->ws.checks_input = 0; /* all rows have been seen */
        }
        n_done++;
    }
    if (member.id) { return; }
    job->status = n_done < plan->n_epochs && !status ? FN(pynn_reason)(&job->ws) : status;
    job->state->n_updates = n_updates;
    *job->n_done = n_done;
}

static pynn_status FN(train)(void *parameters, pynn_optimizer_state *state, pynn_cost *costs,
                             int64_t *n_done, const pynn_network *network, const pynn_data *data,
                             const pynn_optimizer *optimizer, const pynn_plan *plan, int n_threads,
                             const pynn_control *control) {
    FN(job)
    job = {.data = data,
           .parameters = parameters,
           .costs = costs,
           .penalty = plan->penalty,
           .state = state,
           .optimizer = optimizer,
           .plan = plan,
           .n_done = n_done};
    *n_done = 0;
    const int64_t n_batch = plan->batch_size < data->n_rows ? plan->batch_size : data->n_rows;
    const pynn_status status =
        FN(pynn_workspace_new)(&job.ws, network, data, n_batch, PYNN_TRAINS, n_threads, control);
    if (status) { return status; }
    pynn_team_run(n_threads, FN(train_share), &job);
    FN(pynn_workspace_free)(&job.ws);
    return job.status;
}

static int FN(all_finite)(const void *x, int64_t n) {
    return FN(pynn_kernels_in_use)()->all_finite(x, (size_t)n);
}

static int FN(is_tuned)(void) { return FN(pynn_kernels_in_use)()->tuned; }

#if PYNN_BITS == 32
#define ENGINE pynn_engine_f32
#else
#define ENGINE pynn_engine_f64
#endif

const pynn_engine ENGINE = {
    .predict = FN(predict),
    .gradient = FN(gradient),
    .train = FN(train),
    .all_finite = FN(all_finite),
    .is_tuned = FN(is_tuned),
};
