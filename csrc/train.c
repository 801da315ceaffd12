#include "train.h"

#include <math.h>
#include <string.h>

#include "clock.h"
#include "memory.h"
#include "network.h"
#include "patience.h"
#include "shuffle.h"

/* How far training has come. */
typedef struct {
    real *w; /* the parameters: where they were given, or ws->beside */
    int64_t n_epochs, n_updates;
    int is_shuffled; /* the order of this epoch's rows */
    size_t n_rows;   /* of this epoch */
    pynn_cost cost;  /* their part of the epoch's mean */
} FN(progress);

/* What the members of a team work on together, for each of the functions below. */
typedef struct {
    pynn_status status;
    FN(pynn_workspace) ws;
    const pynn_data *data;
    real *parameters, *slots[2]; /* as they are given, or padded */
    real *out;        /* of predict (n_rows, n_out), of gradient (n_parameters,) or NULL */
    pynn_cost *costs; /* (n_epochs,); of gradient one */
    const pynn_trace *trace;
    pynn_optimizer_state *state;
    const pynn_optimizer *optimizer;
    const pynn_plan *plan;
    FN(progress) done;
    int64_t regroup_at; /* ns: when a team made smaller is to stop, or 0 */
    int regroups;       /* the team was asked to stop so that one of another size goes on */
    int is_exhausted;   /* patience: no further epoch begins */
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
        status = FN(pynn_forward)(ws, job->parameters, chunk, member);
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
    const pynn_status status = FN(pynn_workspace_new)(&job.ws, network, data, NULL, data->n_rows, 1,
                                                      PYNN_PREDICTS, n_threads, control);
    if (status) { return status; }
    pynn_team_run(n_threads, FN(predict_share), &job);
    FN(pynn_workspace_free)(&job.ws);
    return job.status;
}

static void FN(gradient_share)(pynn_member member, void *job_) {
    FN(job) *job = job_;
    const FN(pynn_sink)
        sink = {.update = job->ws.kernels->store, .keeps = 1, .may_stop = 1, .w = job->out};
    pynn_cost cost;
    const pynn_status status = FN(pynn_batch_learn)(
        &cost, &job->ws, job->parameters, (pynn_batch){NULL, 0, (size_t)job->data->n_rows}, 0,
        job->out ? &sink : NULL, member);
    if (member.id) { return; }
    job->status = status;
    *job->costs = cost;
}

static pynn_status FN(gradient)(pynn_cost *cost, void *gradient, const pynn_network *network,
                                const void *parameters, const pynn_data *data, pynn_penalty penalty,
                                int n_threads, const pynn_control *control) {
    FN(job)
    job = {.data = data, .parameters = (real *)parameters, .out = gradient, .costs = cost};
    const pynn_regularisation regularisation = {
        .penalty = penalty, .max_norm = INFINITY, .clip_norm = INFINITY};
    const pynn_status status =
        FN(pynn_workspace_new)(&job.ws, network, data, &regularisation, data->n_rows, 1,
                               gradient ? PYNN_GRADIENT : PYNN_COSTS, n_threads, control);
    if (status) { return status; }
    pynn_team_run(n_threads, FN(gradient_share), &job);
    FN(pynn_workspace_free)(&job.ws);
    return job.status;
}

/* Rows of a chunk that is the data's from row `done` on, to where they are kept, unless that is
 * NULL; returns where n_rows rows end there. */
static real *FN(keep_rows)(real *kept, const real *x, size_t stride, size_t n, size_t n_rows,
                           size_t done, pynn_share rows) {
    if (!kept) { return NULL; }
    for (size_t i = rows.first; i < rows.end; i++) {
        memcpy(kept + (done + i) * n, x + i * stride, n * sizeof(real));
    }
    return kept + n_rows * n;
}

static void FN(keep_trace)(const FN(job) * job, size_t done, pynn_share rows) {
    const FN(pynn_workspace) *ws = &job->ws;
    const pynn_trace *trace = job->trace;
    const size_t n_rows = (size_t)job->data->n_rows;
    real *z = trace->z, *a = trace->a, *da = trace->da, *delta = trace->delta;
    for (const FN(pynn_layer) *l = ws->layers; l < ws->layers + ws->n_layers; l++) {
        z = FN(keep_rows)(z, l->z, l->stride, l->n_out, n_rows, done, rows);
        a = FN(keep_rows)(a, l->a, l->stride, l->n_out, n_rows, done, rows);
        da = FN(keep_rows)(da, l->da, l->stride, l->n_out, n_rows, done, rows);
        delta = FN(keep_rows)(delta, l->delta, l->stride, l->n_out, n_rows, done, rows);
    }
    FN(keep_rows)(trace->dx, ws->dx, ws->x_stride, ws->layers[0].n_in, n_rows, done, rows);
    for (size_t i = rows.first; i < rows.end && trace->costs; i++) {
        trace->costs[done + i] = ws->row_costs[i];
    }
}

static void FN(trace_share)(pynn_member member, void *job_) {
    FN(job) *job = job_;
    FN(pynn_workspace) *ws = &job->ws;
    const size_t n_rows = (size_t)job->data->n_rows;
    pynn_status status = PYNN_OK;
    for (size_t done = 0; done < n_rows && !status; done += ws->n_chunk) {
        const size_t left = n_rows - done;
        const pynn_batch chunk = {NULL, done, left < ws->n_chunk ? left : ws->n_chunk};
        status = FN(pynn_batch_trace)(ws, job->parameters, chunk, member);
        if (status) { break; }
        FN(keep_trace)(job, done, pynn_share_of(chunk.n_rows, 1, member));
        /* The next chunk overwrites what is copied here. */
        if (pynn_team_meet(member)) { status = FN(pynn_reason)(ws); }
    }
    if (member.id == 0) { job->status = status; }
}

static pynn_status FN(trace)(const pynn_trace *trace, const pynn_network *network,
                             const void *parameters, const pynn_data *data, int n_threads,
                             const pynn_control *control) {
    FN(job) job = {.data = data, .parameters = (real *)parameters, .trace = trace};
    const pynn_status status =
        FN(pynn_workspace_new)(&job.ws, network, data, NULL, data->n_rows, 1,
                               trace->dx ? PYNN_TRACES_INPUT : PYNN_TRACES, n_threads, control);
    if (status) { return status; }
    pynn_team_run(n_threads, FN(trace_share), &job);
    FN(pynn_workspace_free)(&job.ws);
    return job.status;
}

/* For member 0: asks the team to stop where one of another size would do better. */
static void FN(regroup)(FN(job) * job, pynn_member member) {
    job->regroups = job->regroup_at ? pynn_now() >= job->regroup_at : pynn_team_crowded(member);
    if (job->regroups) { pynn_team_stop(member); }
}

/* The rest of an epoch. Members call it together and get the same answer. */
static pynn_status FN(epoch)(FN(progress) * done, FN(job) * job, pynn_member member) {
    FN(pynn_workspace) *ws = &job->ws;
    const size_t n_rows = (size_t)job->data->n_rows, n_batch = (size_t)job->plan->batch_size;
    FN(pynn_sink)
    sink = {.update = ws->kernels->update[job->optimizer->rule],
            .descends = job->optimizer->rule == PYNN_RULE_sgd,
            .slot_0 = job->slots[0],
            .slot_1 = job->slots[1]};
    while (done->n_rows < n_rows) {
        const size_t left = n_rows - done->n_rows, n = left < n_batch ? left : n_batch;
        const pynn_batch batch = {job->plan->order, done->n_rows, n};
        if (member.id == 0) { FN(regroup)(job, member); }
        sink.from = done->w;
        sink.w = !ws->beside ? done->w : done->w == job->parameters ? ws->beside : job->parameters;
        sink.may_stop = ws->beside != NULL;
        const double rate = job->plan->rates
                                ? job->plan->rates[done->n_updates - job->state->n_updates]
                                : job->optimizer->learning_rate;
        sink.of_weights = sink.of_biases = FN(step_of)(job->optimizer, rate, done->n_updates + 1);
        sink.of_biases.decay = 0;
        const uint64_t key =
            ws->regularisation->dropout
                ? pynn_key(ws->regularisation->dropout_seed, (uint64_t)done->n_updates)
                : 0;
        pynn_cost cost;
        const pynn_status status =
            FN(pynn_batch_learn)(&cost, ws, done->w, batch, key, &sink, member);
        if (status) { return status; }
        const double share = (double)n / (double)n_rows;
        done->cost.cost += share * cost.cost;
        done->cost.penalty += share * cost.penalty;
        done->w = sink.w;
        done->n_rows += n;
        done->n_updates++;
    }
    return ws->kernels->all_finite(done->w, ws->n_parameters) ? PYNN_OK : PYNN_DIVERGED;
}

static void FN(train_share)(pynn_member member, void *job_) {
    FN(job) *job = job_;
    const pynn_plan *plan = job->plan;
    FN(progress) done = job->done;
    pynn_status status = PYNN_OK;
    job->ws.columns[member.id].rest = 1; /* members of an earlier team may disagree on it */
    while (done.n_epochs < plan->n_epochs && !status) {
        if (member.id == 0 && plan->shuffle && !done.is_shuffled && !job->is_exhausted) {
            pynn_shuffle(plan->order, job->data->n_rows, plan->shuffle);
        }
        done.is_shuffled = 1;
        if (pynn_team_meet(member)) { status = FN(pynn_reason)(&job->ws); }
        if (job->is_exhausted) { break; }
        if (!status) { status = FN(epoch)(&done, job, member); }
        if (status) { break; }
        if (member.id == 0) {
            job->costs[done.n_epochs] = done.cost;
            job->is_exhausted = plan->patience && pynn_patience_ends(plan->patience, done.cost);
            job->ws.checks_input = 0; /* all rows have been seen */
        }
        done =
            (FN(progress)){.w = done.w, .n_epochs = done.n_epochs + 1, .n_updates = done.n_updates};
    }
    if (member.id) { return; }
    job->status = status;
    job->done = done;
}

/* A team whose members lose their processors to other processes goes on with half of its threads
 * for 50 ms, then tries again with all, after each failure for twice as long. One that is smaller
 * than was asked for, beside others of this process, tries again every 50 ms. */
static void FN(train_in_teams)(FN(job) * job, int n_threads) {
    enum { FIRST_NS = 50 * 1000 * 1000, LONGEST_NS = 1600 * 1000 * 1000 };
    int64_t alone_ns = FIRST_NS;
    for (int n = n_threads;;) {
        n = pynn_team_size(n);
        if (n < n_threads && !job->regroup_at) { job->regroup_at = pynn_now() + alone_ns; }
        pynn_team_run(n, FN(train_share), job);
        if (!job->regroups || job->status != PYNN_INTERRUPTED || job->ws.watch.stopped) { return; }
        if (job->regroup_at) {
            n = n_threads;
            job->regroup_at = 0;
        } else {
            n = n > 1 ? n / 2 : 1;
            job->regroup_at = pynn_now() + alone_ns;
            alone_ns = alone_ns < LONGEST_NS ? 2 * alone_ns : LONGEST_NS;
        }
    }
}

/* Parameters and slots are trained where they were given, or padded. */
static void FN(take_parameters)(FN(job) * job, real *parameters) {
    FN(pynn_workspace) *ws = &job->ws;
    real *given[3] = {parameters, job->state->slots[0], job->state->slots[1]};
    for (size_t i = 0; i < ws->n_padded; i++) {
        if (given[i]) { FN(pynn_pad)(ws->padded[i], given[i], ws); }
        if (given[i]) { given[i] = ws->padded[i]; }
    }
    job->parameters = job->done.w = given[0];
    job->slots[0] = given[1];
    job->slots[1] = given[2];
}

static void FN(give_parameters)(FN(job) * job, real *parameters) {
    const FN(pynn_workspace) *ws = &job->ws;
    real *given[3] = {parameters, job->state->slots[0], job->state->slots[1]};
    for (size_t i = 0; i < ws->n_padded; i++) {
        if (given[i]) { FN(pynn_unpad)(given[i], ws->padded[i], ws); }
    }
    if (job->done.w != job->parameters) {
        memcpy(parameters, job->done.w, ws->n_parameters * sizeof(real));
    }
}

static pynn_status FN(train)(void *parameters, pynn_optimizer_state *state, pynn_cost *costs,
                             int64_t *n_done, const pynn_network *network, const pynn_data *data,
                             const pynn_optimizer *optimizer, const pynn_plan *plan, int n_threads,
                             const pynn_control *control) {
    FN(job)
    job = {.data = data,
           .costs = costs,
           .state = state,
           .optimizer = optimizer,
           .plan = plan,
           .done = {.n_updates = state->n_updates}};
    *n_done = 0;
    const int64_t n_batch = plan->batch_size < data->n_rows ? plan->batch_size : data->n_rows;
    const double n_steps =
        (double)plan->n_epochs * (double)((data->n_rows + n_batch - 1) / n_batch);
    const pynn_status status = FN(pynn_workspace_new)(
        &job.ws, network, data, &plan->regularisation, n_batch, n_steps,
        optimizer->rule == PYNN_RULE_sgd ? PYNN_DESCENDS : PYNN_TRAINS, n_threads, control);
    if (status) { return status; }
    FN(take_parameters)(&job, parameters);
    FN(train_in_teams)(&job, n_threads);
    FN(give_parameters)(&job, parameters);
    state->n_updates = job.done.n_updates;
    *n_done = job.done.n_epochs;
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
    .trace = FN(trace),
    .train = FN(train),
    .all_finite = FN(all_finite),
    .is_tuned = FN(is_tuned),
};
