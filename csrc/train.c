#include "train.h"

#include <math.h>
#include <string.h>

#include "blas.h"
#include "clock.h"
#include "lanes.h"
#include "learn.h"
#include "memory.h"
#include "norms.h"
#include "parts.h"
#include "patience.h"
#include "plan.h"
#include "shuffle.h"

/* Progress of training. */
typedef struct {
    real *w; /* current parameters: the trained array or its shadow */
    int64_t n_epochs, n_updates;
    int is_shuffled; /* whether the rows of this epoch are shuffled */
    size_t n_rows;   /* rows of this epoch that are done */
    pynn_cost cost;  /* their part of the epoch's mean cost */
} progress;

/* State shared by the members of a team, for each of the functions below. */
typedef struct {
    pynn_status status;
    pynn_workspace ws;
    const real *parameters;          /* as given, or padded */
    real *w, *slots[PYNN_MAX_SLOTS]; /* arrays in which parameters and slots are trained */
    real *average;                   /* array in which their average is kept; or NULL */
    real *out;        /* predict: (n_rows, n_out); gradient: (n_parameters,) or NULL */
    pynn_cost *costs; /* (n_epochs,); gradient: (1,) */
    const pynn_trace *trace;
    pynn_optimizer_state *state;
    const pynn_optimizer *optimizer;
    const pynn_plan *plan;
    progress done;
    int64_t regroup_at; /* time in ns at which a smaller team stops, or 0 */
    int regroups;       /* the team was asked to stop so that one of another size continues */
    int is_exhausted;   /* patience is exhausted, no further epoch begins */
} job;

/* A new pass of a member. Discards the member's programs, which an earlier team compiled for its
 * own size. */
static pynn_pass new_pass(job *job, pynn_member member) {
    pynn_workspace *ws = &job->ws;
    pynn_program *programs = pynn_programs_of(ws, member);
    for (int p = 0; p < PYNN_PROGRAMS; p++) { programs[p].n_rows = 0; }
    pynn_pass pass = {.ws = ws,
                      .member = member,
                      .parameters = job->parameters,
                      .total = 1,
                      .out = job->out,
                      .trace = job->trace};
    if (ws->regularisation) {
        pass.penalty = ws->regularisation->penalty;
        pass.dropout = ws->regularisation->dropout;
    }
    return pass;
}

static pynn_status new_workspace(job *job, const pynn_call *call, const pynn_needs *needs) {
    const size_t program_bytes = pynn_program_bytes(call->network->n_layers);
    return FN(pynn_workspace_new)(&job->ws, call, needs, program_bytes);
}

static void run_in_team(job *job, const pynn_call *call,
                        void (*share)(pynn_member member, void *job)) {
    pynn_team_run(pynn_session_team(call->session), call->n_threads, share, job);
    FN(pynn_workspace_free)(&job->ws);
}

/* Each member predicts its own rows, without waiting for others. */
static void predict_share(pynn_member member, void *job_) {
    job *job = job_;
    const size_t n_chunk = job->ws.n_chunk;
    const pynn_share mine = share_of((size_t)job->ws.data->n_rows, 1, worker_of(&job->ws, member));
    pynn_pass pass = new_pass(job, member);
    for (size_t i = mine.first; i < mine.end && !pynn_team_asked(member); i += n_chunk) {
        pass.chunk = (pynn_batch){.first = i, .n_rows = least(n_chunk, mine.end - i)};
        FN(pynn_run)(&pass);
    }
    if (pynn_team_meet(member) && member.id == 0) { job->status = pynn_reason(&job->ws); }
}

static pynn_status predict(void *out, const pynn_call *call) {
    job job = {.parameters = call->parameters, .out = out};
    const pynn_needs needs = {.purpose = PYNN_PREDICTS, .n_rows = call->data->n_rows};
    const pynn_status status = new_workspace(&job, call, &needs);
    if (status) { return status; }
    if (job.ws.n_padded) {
        FN(pynn_pad)(job.ws.padded[0], job.parameters, &job.ws);
        job.parameters = job.ws.padded[0];
    }
    run_in_team(&job, call, predict_share);
    return job.status;
}

static void gradient_share(pynn_member member, void *job_) {
    job *job = job_;
    const pynn_updater updater = {
        .update = job->ws.kernels->store, .keeps = 1, .may_stop = 1, .w = job->out};
    pynn_pass pass = new_pass(job, member);
    pass.batch = (pynn_batch){.n_rows = (size_t)job->ws.data->n_rows};
    pass.updater = job->out ? &updater : NULL;
    pynn_cost cost;
    const pynn_status status = FN(pynn_learn)(&cost, &pass);
    if (member.id) { return; }
    job->status = status;
    *job->costs = cost;
}

static pynn_status gradient(pynn_cost *cost, void *gradient, const pynn_call *call,
                            pynn_penalty penalty) {
    job job = {.parameters = call->parameters, .out = gradient, .costs = cost};
    const pynn_regularisation regularisation = {
        .penalty = penalty, .max_norm = INFINITY, .clip_norm = INFINITY};
    const pynn_needs needs = {.purpose = gradient ? PYNN_GRADIENT : PYNN_COSTS,
                              .n_rows = call->data->n_rows,
                              .regularisation = &regularisation};
    const pynn_status status = new_workspace(&job, call, &needs);
    if (status) { return status; }
    run_in_team(&job, call, gradient_share);
    return job.status;
}

static void trace_share(pynn_member member, void *job_) {
    job *job = job_;
    const size_t n_rows = (size_t)job->ws.data->n_rows, n_chunk = job->ws.n_chunk;
    pynn_pass pass = new_pass(job, member);
    pynn_status status = PYNN_OK;
    for (size_t done = 0; done < n_rows && !status; done += n_chunk) {
        pass.chunk = (pynn_batch){.first = done, .n_rows = least(n_chunk, n_rows - done)};
        status = FN(pynn_run)(&pass);
        /* The next chunk overwrites the arrays that members copy from. */
        if (!status && pynn_team_meet(member)) { status = pynn_reason(&job->ws); }
    }
    if (member.id == 0) { job->status = status; }
}

static pynn_status trace(const pynn_trace *trace, const pynn_call *call) {
    job job = {.parameters = call->parameters, .trace = trace};
    const pynn_needs needs = {
        .purpose = PYNN_TRACES, .n_rows = call->data->n_rows, .wants_dx = trace->dx != NULL};
    const pynn_status status = new_workspace(&job, call, &needs);
    if (status) { return status; }
    run_in_team(&job, call, trace_share);
    return job.status;
}

/* For member 0: ask the team to stop if a team of another size would do better. */
static void regroup(job *job, pynn_member member) {
    job->regroups = job->regroup_at ? pynn_now() >= job->regroup_at : pynn_team_crowded(member);
    if (job->regroups) { pynn_team_stop(member); }
}

/* Set the arrays and coefficients of the next update of parameters w. */
static void set_update(pynn_updater *updater, real *w, const job *job, int64_t n_done) {
    const pynn_plan *plan = job->plan;
    updater->from = w;
    updater->w = !job->ws.shadow ? w : w == job->w ? job->ws.shadow : job->w;
    updater->n_updates = n_done + 1;
    const double rate =
        plan->rates ? plan->rates[n_done - job->state->n_updates] : job->optimizer->learning_rate;
    if (rate == updater->rate && !pynn_step_changes(job->optimizer)) { return; }
    updater->rate = rate;
    updater->of_weights = step_of(updater->optimizer, rate, updater->n_updates);
    updater->of_biases = updater->of_weights;
    updater->of_biases.decay = 0;
}

/* What is set for an update alone. */
static void set_strengths(pynn_pass *pass, pynn_optimizer *optimizer, const double *strengths) {
    const size_t n_layers = (size_t)pass->ws->n_layers;
    pass->penalty.l2 = strengths;
    pass->penalty.l1 = strengths + n_layers;
    pass->dropout = strengths + 2 * n_layers;
    optimizer->weight_decay = strengths[3 * n_layers - 1];
}

/* Update a member's part of the average of the parameters w, after update n. No barrier follows:
 * others come before the next update. The bias correction is in the rate, which starts at 1. */
static void update_average(const job *job, pynn_member member, const real *w, int64_t n) {
    const pynn_average *of = job->plan->average;
    const double rate = (1 - of->decay) / (1 - pow(of->decay, (double)(n - of->since)));
    const pynn_share part = pynn_share_of(job->ws.n_parameters, PYNN_GRAIN, member);
    job->ws.kernels->average(job->average + part.first, w + part.first, part.end - part.first,
                             rate);
}

/* Run the rest of an epoch. All members call this together and get the same result. */
static pynn_status epoch(progress *done, job *job, pynn_pass *pass) {
    pynn_workspace *ws = &job->ws;
    const pynn_plan *plan = job->plan;
    const size_t n_rows = (size_t)plan->n_rows, n_batch = (size_t)plan->batch_size;
    pynn_optimizer optimizer = *job->optimizer;
    const int has_factors =
        plan->rate_factors || ws->network->input_scale || ws->network->n_embeddings;
    pynn_updater updater = {.update = ws->kernels->update[job->optimizer->rule],
                            .descends = ws->descends,
                            .flushes = pynn_slots_decay(job->optimizer->rule),
                            .may_stop = ws->shadow != NULL,
                            .optimizer = &optimizer,
                            .rate = NAN, /* coefficients are not set yet */
                            .plan = has_factors ? plan : NULL};
    memcpy(updater.slots, job->slots, sizeof updater.slots);
    pass->updater = &updater;
    while (done->n_rows < n_rows) {
        const size_t n_left = n_rows - done->n_rows, n = least(n_left, n_batch);
        pass->batch = (pynn_batch){plan->order, done->n_rows, n, n_left - n};
        pass->parameters = done->w;
        if (pass->member.id == 0) { regroup(job, pass->member); }
        if (plan->strengths) {
            const int64_t i = done->n_updates - job->state->n_updates;
            set_strengths(pass, &optimizer, plan->strengths + 3 * i * ws->n_layers);
        }
        set_update(&updater, done->w, job, done->n_updates);
        if (plan->regularisation.dropout) {
            pass->key = pynn_key(plan->regularisation.dropout_seed, (uint64_t)done->n_updates);
        }
        pynn_cost cost;
        const pynn_status status = FN(pynn_learn)(&cost, pass);
        if (status) { return status; }
        const double share = (double)pass->batch.n_rows / (double)n_rows;
        done->cost.cost += share * cost.cost;
        done->cost.penalty += share * cost.penalty;
        done->w = updater.w;
        done->n_rows += pass->batch.n_rows;
        done->n_updates++;
        if (job->average) { update_average(job, pass->member, done->w, done->n_updates); }
    }
    return ws->kernels->all_finite(done->w, ws->n_parameters) ? PYNN_OK : PYNN_DIVERGED;
}

static void train_share(pynn_member member, void *job_) {
    job *job = job_;
    const pynn_plan *plan = job->plan;
    progress done = job->done;
    pynn_pass pass = new_pass(job, member);
    pynn_status status = PYNN_OK;
    job->ws.columns[member.id].rest = 1; /* members of an earlier team may have different values */
    while (done.n_epochs < plan->n_epochs && !status) {
        if (member.id == 0 && plan->shuffle && !done.is_shuffled && !job->is_exhausted) {
            pynn_shuffle(plan->order, plan->n_rows, plan->shuffle);
        }
        done.is_shuffled = 1;
        if (pynn_team_meet(member)) { status = pynn_reason(&job->ws); }
        if (job->is_exhausted) { break; }
        if (!status) { status = epoch(&done, job, &pass); }
        if (status) { break; }
        if (member.id == 0) {
            job->costs[done.n_epochs] = done.cost;
            job->is_exhausted = plan->patience && pynn_patience_ends(plan->patience, done.cost);
            job->ws.checks_input = 0; /* all rows have been checked */
        }
        done = (progress){.w = done.w, .n_epochs = done.n_epochs + 1, .n_updates = done.n_updates};
    }
    if (member.id) { return; }
    job->status = status;
    job->done = done;
}

/* If members lose their processors to other processes, training continues with half of the threads
 * for 50 ms, then tries all threads again; each failure doubles this time, up to 1.6 s. A team that
 * is smaller than requested because of other teams of this process also tries again after this
 * time. */
static void train_in_teams(job *job, const pynn_call *call) {
    enum { FIRST_NS = 50 * 1000 * 1000, LONGEST_NS = 1600 * 1000 * 1000 };
    const int n_threads = call->n_threads;
    int64_t alone_ns = FIRST_NS;
    for (int n = n_threads;;) {
        n = pynn_team_size(n);
        if (n < n_threads && !job->regroup_at) { job->regroup_at = pynn_now() + alone_ns; }
        pynn_team_run(pynn_session_team(call->session), n, train_share, job);
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

/* The array in which parameters (i = 0), slots or the average are trained: a padded copy or the
 * given array. */
static real *taken(const pynn_workspace *ws, real *given, size_t i) {
    if (i >= ws->n_padded) { return given; }
    FN(pynn_pad)(ws->padded[i], given, ws);
    return ws->padded[i];
}

static void take_parameters(job *job, real *parameters) {
    job->w = job->done.w = taken(&job->ws, parameters, 0);
    const size_t n_slots = (size_t)pynn_rule_n_slots(job->optimizer->rule);
    for (size_t k = 0; k < n_slots; k++) {
        job->slots[k] = taken(&job->ws, job->state->slots[k], k + 1);
    }
    const pynn_average *average = job->plan->average;
    if (average) { job->average = taken(&job->ws, average->parameters, n_slots + 1); }
}

static void give_parameters(job *job, real *parameters) {
    const pynn_workspace *ws = &job->ws;
    if (ws->n_padded) {
        for (size_t k = 0; k < PYNN_MAX_SLOTS && job->slots[k]; k++) {
            FN(pynn_unpad)(job->state->slots[k], job->slots[k], ws);
        }
        if (job->average) { FN(pynn_unpad)(job->plan->average->parameters, job->average, ws); }
        FN(pynn_unpad)(parameters, job->done.w, ws);
    } else if (job->done.w != job->w) {
        memcpy(parameters, job->done.w, ws->n_parameters * sizeof(real));
    }
}

static pynn_status train(void *parameters, pynn_optimizer_state *state, pynn_cost *costs,
                         int64_t *n_done, const pynn_call *call, const pynn_optimizer *optimizer,
                         const pynn_plan *plan) {
    job job = {.costs = costs,
               .state = state,
               .optimizer = optimizer,
               .plan = plan,
               .done = {.n_updates = state->n_updates}};
    *n_done = 0;
    const int64_t n_rows = plan->n_rows;
    const int64_t n_batch = plan->batch_size < n_rows ? plan->batch_size : n_rows;
    const int64_t n_batches = (n_rows + n_batch - 1) / n_batch;
    const pynn_needs needs = {.purpose = PYNN_TRAINS,
                              .n_rows = n_batch,
                              .n_steps = (double)plan->n_epochs * (double)n_batches,
                              .n_beside =
                                  pynn_rule_n_slots(optimizer->rule) + (plan->average != NULL),
                              .descends = optimizer->rule == PYNN_RULE_sgd,
                              .regularisation = &plan->regularisation};
    const pynn_status status = new_workspace(&job, call, &needs);
    if (status) { return status; }
    take_parameters(&job, parameters);
    train_in_teams(&job, call);
    give_parameters(&job, parameters);
    state->n_updates = job.done.n_updates;
    *n_done = job.done.n_epochs;
    FN(pynn_workspace_free)(&job.ws);
    return job.status;
}

static int all_finite(const void *x, int64_t n) {
    return FN(pynn_kernels_in_use)()->all_finite(x, (size_t)n);
}

static int n_lanes(void) { return (int)FN(pynn_kernels_in_use)()->lanes; }

static int is_tuned(void) { return FN(pynn_kernels_in_use)()->tuned && !pynn_blas_is_forced(); }

#if PYNN_BITS == 32
#define ENGINE pynn_engine_f32
#else
#define ENGINE pynn_engine_f64
#endif

const pynn_engine ENGINE = {
    .predict = predict,
    .gradient = gradient,
    .trace = trace,
    .train = train,
    .train_in_lanes = FN(pynn_train_in_lanes),
    .n_lanes = n_lanes,
    .all_finite = all_finite,
    .is_tuned = is_tuned,
};
