#include "train.h"

#include <math.h>
#include <string.h>

#include "memory.h"
#include "network.h"
#include "shuffle.h"

static pynn_status FN(predict)(void *out_, const pynn_network *network, const void *parameters,
                               const pynn_data *data, const pynn_control *control) {
    pynn_watch watch = pynn_watch_start(control);
    FN(pynn_workspace) ws;
    pynn_status status = FN(pynn_workspace_new)(&ws, network, data->n_rows, 0, &watch);
    if (status) { return status; }
    const FN(pynn_layer) *output = &ws.layers[ws.n_layers - 1];
    real *out = out_;
    const size_t n_rows = (size_t)data->n_rows;
    for (size_t done = 0; done < n_rows; done += ws.n_chunk) {
        const size_t left = n_rows - done;
        const pynn_batch chunk = {NULL, done, left < ws.n_chunk ? left : ws.n_chunk};
        status = FN(pynn_forward)(&ws, parameters, data, chunk);
        if (status) { break; }
        memcpy(out + done * output->n_out, output->a, chunk.n_rows * output->n_out * sizeof(real));
    }
    FN(pynn_workspace_free)(&ws);
    return status;
}

static pynn_status FN(gradient)(pynn_cost *cost, void *gradient_, const pynn_network *network,
                              const void *parameters_, const pynn_data *data, pynn_penalty penalty,
                              const pynn_control *control) {
    pynn_watch watch = pynn_watch_start(control);
    FN(pynn_workspace) ws;
    pynn_status status = FN(pynn_workspace_new)(&ws, network, data->n_rows, 1, &watch);
    if (status) { return status; }
    double l2;
    const real *parameters = parameters_;
    real *gradient = gradient_;
    status = FN(pynn_batch_gradient)(cost, gradient, &l2, &ws, parameters, data,
                                     (pynn_batch){NULL, 0, (size_t)data->n_rows}, penalty);
    for (int l = 0; l < ws.n_layers && gradient && !status; l++) {
        for (size_t i = ws.layers[l].weights; i < ws.layers[l].biases; i++) {
            gradient[i] += (real)l2 * parameters[i];
        }
    }
    FN(pynn_workspace_free)(&ws);
    return status;
}

/* One update of all parameters by the gradient of a batch. */
static void FN(update)(real *parameters, pynn_optimizer_state *state, const real *gradient,
                       const FN(pynn_workspace) * ws, const pynn_optimizer *optimizer, double l2) {
    real *s0 = state->slots[0], *s1 = state->slots[1];
    const FN(pynn_step) of_weights = FN(step_of)(optimizer, ++state->n_updates, l2);
    FN(pynn_step) of_biases = of_weights;
    of_biases.l2 = of_biases.decay = 0;
    for (int l = 0; l < ws->n_layers; l++) {
        const FN(pynn_layer) *layer = &ws->layers[l];
        const size_t w = layer->weights, b = layer->biases;
        ws->context.kernels->update[optimizer->rule](parameters + w, s0 ? s0 + w : NULL,
                                                     s1 ? s1 + w : NULL, gradient + w, b - w,
                                                     &of_weights);
        if (ws->network->bias) {
            ws->context.kernels->update[optimizer->rule](parameters + b, s0 ? s0 + b : NULL,
                                                         s1 ? s1 + b : NULL, gradient + b,
                                                         layer->n_out, &of_biases);
        }
    }
}

/* One pass over all rows. */
static pynn_status FN(epoch)(real *parameters, pynn_optimizer_state *state, pynn_cost *mean,
                             real *gradient, FN(pynn_workspace) * ws, const pynn_data *data,
                             const pynn_optimizer *optimizer, const pynn_plan *plan) {
    const size_t n_rows = (size_t)data->n_rows, n_batch = (size_t)plan->batch_size;
    /* Work per row, for the watch: three products a layer, and as much again around them. */
    const double work = 4 * (double)ws->n_parameters;
    *mean = (pynn_cost){0};
    for (size_t done = 0; done < n_rows; done += n_batch) {
        const size_t n = n_rows - done < n_batch ? n_rows - done : n_batch;
        if (pynn_watch_stop(ws->context.watch, work * (double)n)) { return PYNN_INTERRUPTED; }
        pynn_cost cost;
        double l2;
        const pynn_status status =
            FN(pynn_batch_gradient)(&cost, gradient, &l2, ws, parameters, data,
                                    (pynn_batch){plan->order, done, n}, plan->penalty);
        if (status) { return status; }
        if (!isfinite(cost.cost + cost.penalty)) { return PYNN_DIVERGED; }
        FN(update)(parameters, state, gradient, ws, optimizer, l2);
        const double share = (double)n / (double)n_rows;
        mean->cost += share * cost.cost;
        mean->penalty += share * cost.penalty;
    }
    return ws->context.kernels->all_finite(parameters, ws->n_parameters) ? PYNN_OK : PYNN_DIVERGED;
}

static pynn_status FN(train)(void *parameters, pynn_optimizer_state *state, pynn_cost *costs,
                           int64_t *n_done, const pynn_network *network, const pynn_data *data,
                           const pynn_optimizer *optimizer, const pynn_plan *plan,
                           const pynn_control *control) {
    pynn_watch watch = pynn_watch_start(control);
    FN(pynn_workspace) ws;
    *n_done = 0;
    const int64_t n_batch = plan->batch_size < data->n_rows ? plan->batch_size : data->n_rows;
    pynn_status status = FN(pynn_workspace_new)(&ws, network, n_batch, 1, &watch);
    if (status) { return status; }
    real *gradient = pynn_alloc(ws.n_parameters, sizeof(real));
    if (!gradient) { status = PYNN_NO_MEMORY; }
    while (*n_done < plan->n_epochs && !status) {
        if (plan->shuffle) { pynn_shuffle(plan->order, data->n_rows, plan->shuffle); }
        status = FN(epoch)(parameters, state, &costs[*n_done], gradient, &ws, data, optimizer, plan);
        if (!status) { ++*n_done; }
    }
    pynn_free(gradient);
    FN(pynn_workspace_free)(&ws);
    return status;
}

static int FN(all_finite)(const void *x, int64_t n_rows, int64_t n_columns,
                        const ptrdiff_t strides[2]) {
    const FN(pynn_kernels) *kernels = FN(pynn_kernels_in_use)();
    for (int64_t i = 0; i < n_rows; i++) {
        const char *row = (const char *)x + i * strides[0];
        if (strides[1] == sizeof(real)) {
            if (!kernels->all_finite((const real *)row, (size_t)n_columns)) { return 0; }
            continue;
        }
        for (int64_t j = 0; j < n_columns; j++) {
            if (!isfinite(*(const real *)(row + j * strides[1]))) { return 0; }
        }
    }
    return 1;
}

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
};
