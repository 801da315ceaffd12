#include "learn.h"

#include <math.h>

#include "normalise.h"
#include "norms.h"
#include "plan.h"
#include "updates.h"

static double sum_of_row_weights(const pynn_pass *pass) {
    const double *weights = pass->ws->data->row_weights;
    if (!weights) { return (double)pass->batch.n_rows; }
    double sum = 0;
    for (size_t i = 0; i < pass->batch.n_rows; i++) { sum += weights[pynn_row_of(pass->batch, i)]; }
    return sum;
}

/* Compute pass->spread; dividing a variance by it removes its bias. */
static double spread_of_rows(const pynn_pass *pass) {
    const double *weights = pass->ws->data->row_weights;
    if (!weights) { return 1 - 1 / (double)pass->batch.n_rows; }
    double sum = 0;
    for (size_t i = 0; i < pass->batch.n_rows && pass->total > 0; i++) {
        const double share = weights[pynn_row_of(pass->batch, i)] / pass->total;
        sum += share * share;
    }
    return pass->total > 0 ? 1 - sum : 0;
}

/* Update the member's part of parameters [first, end) by the kept gradient times `factor`. */
static void apply_kept(pynn_pass *pass, size_t first, size_t end, const pynn_step *step,
                       double factor) {
    const pynn_share part = pynn_share_of(end - first, PYNN_GRAIN, pass->member);
    const size_t at = first + part.first, n = part.end - part.first;
    real *g = pass->ws->gradient + at;
    for (size_t i = 0; i < n && factor != 1; i++) { g[i] *= (real)factor; }
    pynn_apply_dense(pass->updater, step, at, g, n);
}

/* Pass the kept gradient to the updater. Returns 1 if the pass ends, with its status set. */
static int pass_on_kept(pynn_pass *pass) {
    pynn_workspace *ws = pass->ws;
    const int clips = pass->trains && ws->regularisation->clip_norm < INFINITY;
    double factor = 1;
    if (clips && FN(pynn_clip)(&factor, pass)) { return 1; }
    pynn_step room;
    for (int k = 0; k < PYNN_N_INPUT_GROUPS; k++) {
        const pynn_group *group = &ws->input_groups[k];
        if (!group->n_rows) { continue; }
        const pynn_step *step = pynn_step_of_input(&room, pass, group);
        apply_kept(pass, group->at, group->at + group->n, step, factor);
    }
    for (int l = 0; l < ws->n_layers; l++) {
        const pynn_layer *layer = &ws->layers[l];
        if (pynn_is_frozen(ws, l)) { continue; }
        const pynn_step *step = pynn_step_of_weights(&room, pass, l, ws->penalises && !clips);
        apply_kept(pass, layer->weights.at, layer->biases.at, step, factor);
        step = pynn_step_of_biases(&room, pass, l);
        apply_kept(pass, layer->biases.at, layer->trained_end, step, factor);
    }
    pynn_team_meet(pass->member);
    return 0;
}

/* Run all chunks of the batch. A kept gradient is summed over them. */
static pynn_status run_chunks(pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    pynn_updater keeping = {.update = ws->kernels->store, .may_stop = 1, .w = ws->gradient};
    const pynn_updater *updater = pass->updater;
    const int keeps = updater && ws->gradient;
    if (keeps) { pass->updater = &keeping; }
    for (size_t done = 0; done < pass->batch.n_rows; done += ws->n_chunk) {
        const size_t left = pass->batch.n_rows - done, n = left < ws->n_chunk ? left : ws->n_chunk;
        pass->chunk = (pynn_batch){pass->batch.order, pass->batch.first + done, n,
                                   pass->batch.n_left + left - n};
        const pynn_status status = FN(pynn_run)(pass);
        if (status) { return status; }
        /* The next chunk overwrites the arrays that this chunk's gradient reads. */
        if (pynn_team_meet(pass->member) && (!pass->updater || pass->updater->may_stop)) {
            return pynn_reason(ws);
        }
        keeping.update = ws->kernels->add;
    }
    pass->updater = updater;
    return keeps && pass_on_kept(pass) ? pass->status : PYNN_OK;
}

pynn_status FN(pynn_learn)(pynn_cost *cost, pynn_pass *pass) {
    const pynn_updater *updater = pass->updater;
    const pynn_workspace *ws = pass->ws;
    pass->total = sum_of_row_weights(pass);
    pass->divisor = 1;
    if (pass->penalty.by_row) { pass->divisor = pass->total > 0 ? pass->total : INFINITY; }
    pass->trains = ws->purpose == PYNN_TRAINS;
    pass->spread = pass->trains && ws->has_batch_norm ? spread_of_rows(pass) : 0;
    pass->cost = 0;
    if (FN(pynn_sum_penalty)(&cost->penalty, pass)) { return pass->status; }
    const pynn_status status = run_chunks(pass);
    cost->cost = pass->cost;
    if (status) { return status; }
    if (updater && updater->keeps) {
        FN(pynn_penalise)(updater->w, pass);
        FN(pynn_clear_statistics)(updater->w, pass);
    }
    if (!pass->trains) { return PYNN_OK; }
    const int limits = ws->regularisation->max_norm < INFINITY;
    if (limits) { FN(pynn_limit_norms)(updater->w, pass); }
    if (ws->has_batch_norm) { FN(pynn_move_statistics)(pass); }
    if (limits || ws->has_batch_norm) { pynn_team_meet(pass->member); }
    return PYNN_OK;
}
