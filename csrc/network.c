#include "network.h"

#include <math.h>
#include <string.h>

pynn_status FN(pynn_reason)(const FN(pynn_workspace) * ws) {
    return atomic_load_explicit(&ws->found_not_finite, memory_order_relaxed) ? PYNN_NOT_FINITE
                                                                             : PYNN_INTERRUPTED;
}

static double FN(row_weight)(const pynn_data *data, pynn_batch batch, size_t i) {
    return data->row_weights ? data->row_weights[pynn_row_of(batch, i)] : 1;
}

/* A batch in which no row has a weight asks for nothing. */
static double FN(share_of_total)(const pynn_data *data, pynn_batch batch, size_t i, double total) {
    return total > 0 ? FN(row_weight)(data, batch, i) / total : 0;
}

static double FN(sum_of_row_weights)(const pynn_data *data, pynn_batch batch) {
    if (!data->row_weights) { return (double)batch.n_rows; }
    double sum = 0;
    for (size_t i = 0; i < batch.n_rows; i++) { sum += FN(row_weight)(data, batch, i); }
    return sum;
}

/* Forward, from an input that is loaded; ends without a barrier. */
static pynn_status FN(forward)(FN(pynn_workspace) * ws, const real *parameters, FN(pynn_rows) x,
                               size_t n_rows, pynn_member member) {
    for (int l = 0; l < ws->n_layers; l++) {
        if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
        FN(pynn_layer_forward)(ws, l, parameters, x, n_rows, member);
        x = FN(pynn_activations)(&ws->layers[l]);
    }
    return PYNN_OK;
}

pynn_status FN(pynn_forward)(FN(pynn_workspace) * ws, const real *parameters, const pynn_data *data,
                             pynn_batch batch, pynn_member member) {
    const FN(pynn_rows) x = FN(pynn_load_input)(ws, data, batch, member);
    return FN(forward)(ws, parameters, x, batch.n_rows, member);
}

/* Row costs and deltas of the output layer, for some rows. */
static void FN(output_deltas)(FN(pynn_workspace) * ws, pynn_share rows) {
    const FN(pynn_layer) *output = &ws->layers[ws->n_layers - 1];
    const int cost = ws->network->cost;
    const size_t at = rows.first * output->stride, n = rows.end - rows.first;
    ws->kernels->cost[cost](output->delta + at, ws->row_costs + rows.first, output->z + at,
                            output->a + at, ws->y + at, ws->row_scales + rows.first, output->stride,
                            n, output->n_out, (real)ws->network->cost_parameter);
    if (!pynn_cost_output(cost)) {
        ws->kernels->derive[output->activation](output->delta + at, output->z + at, output->a + at,
                                                output->stride, n, output->n_out);
    }
    FN(pynn_output_panels)(ws, rows);
}

/* A member's share of the sums of squared weights: of every layer in pieces of fixed size, so that
 * the total has the same bits for any team. Returns how many pieces there are. */
static size_t FN(square_weights)(FN(pynn_workspace) * ws, const real *parameters,
                                 pynn_member member) {
    size_t piece = 0;
    for (int l = 0; l < ws->n_layers; l++) {
        const FN(pynn_layer) *layer = &ws->layers[l];
        for (size_t i = 0; i < layer->n_in; i += PYNN_SQUARES_ROWS, piece++) {
            if (piece % (size_t)member.n != (size_t)member.id) { continue; }
            const size_t left = layer->n_in - i;
            ws->squares[piece] = ws->kernels->sum_of_squares(
                parameters + layer->weights + i * layer->w_stride, layer->w_stride,
                left < PYNN_SQUARES_ROWS ? left : PYNN_SQUARES_ROWS, layer->n_out);
        }
    }
    return piece;
}

static double FN(sum)(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) { sum += x[i]; }
    return sum;
}

/* Deltas of the hidden layers, then the gradient of all layers. */
static pynn_status FN(backward)(FN(pynn_workspace) * ws, const real *parameters, FN(pynn_rows) x,
                                size_t n_rows, const FN(pynn_sink) * sink, pynn_member member) {
    for (int l = ws->n_layers - 2; l >= 0; l--) {
        FN(pynn_layer_backward)(ws, l, parameters, n_rows, member);
        /* Only deltas were computed so far: the last place where the batch can be left. */
        if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
    }
    for (int l = 0; l < ws->n_layers; l++) {
        FN(pynn_layer_gradient)(ws, l, *sink, x, n_rows, member);
        x = FN(pynn_activations)(&ws->layers[l]);
    }
    return PYNN_OK;
}

/* One chunk of a batch: its cost is added to *cost; total is the sum of the batch's row weights. */
static pynn_status FN(learn_chunk)(double *cost, FN(pynn_workspace) * ws, const real *parameters,
                                   const pynn_data *data, pynn_batch chunk, double total,
                                   int trains, const FN(pynn_sink) * sink, pynn_member member) {
    const pynn_share mine = FN(pynn_rows_of)(ws, chunk.n_rows, member);
    const FN(pynn_rows) x = FN(pynn_load_input)(ws, data, chunk, member);
    FN(pynn_load_targets)(ws, data, chunk, mine);
    for (size_t i = mine.first; i < mine.end; i++) {
        ws->row_scales[i] = (real)FN(share_of_total)(data, chunk, i, total);
    }
    if (FN(forward)(ws, parameters, x, chunk.n_rows, member)) { return FN(pynn_reason)(ws); }
    FN(output_deltas)(ws, mine);
    if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
    for (size_t i = 0; i < chunk.n_rows; i++) {
        *cost += FN(share_of_total)(data, chunk, i, total) * ws->row_costs[i];
    }
    if (trains && !isfinite(*cost)) { return PYNN_DIVERGED; }
    return sink ? FN(backward)(ws, parameters, x, chunk.n_rows, sink, member) : PYNN_OK;
}

/* The gradient that was kept goes on through the sink, each member taking a part. */
static void FN(pass_on)(FN(pynn_workspace) * ws, const FN(pynn_sink) * sink, pynn_member member) {
    for (int l = 0; l < ws->n_layers; l++) {
        const size_t ends[] = {ws->layers[l].weights, ws->layers[l].biases,
                               l + 1 < ws->n_layers ? ws->layers[l + 1].weights : ws->n_parameters};
        for (int biases = 0; biases < 2; biases++) {
            const pynn_share share = pynn_share_of(ends[biases + 1] - ends[biases], 64, member);
            const size_t at = ends[biases] + share.first, n = share.end - share.first;
            sink->update(sink->w + at, sink->slot_0 ? sink->slot_0 + at : NULL,
                         sink->slot_1 ? sink->slot_1 + at : NULL, n, ws->gradient + at, n, 1, n,
                         biases ? &sink->of_biases : &sink->of_weights);
        }
    }
}

pynn_status FN(pynn_batch_learn)(pynn_cost *cost, FN(pynn_workspace) * ws, real *parameters,
                                 const pynn_data *data, pynn_batch batch, pynn_penalty penalty,
                                 FN(pynn_sink) * sink, pynn_member member) {
    const double total = FN(sum_of_row_weights)(data, batch);
    const double l2 = !penalty.by_row ? penalty.alpha : total > 0 ? penalty.alpha / total : 0;
    FN(pynn_sink) adding = {.update = ws->kernels->store, .may_stop = 1, .w = ws->gradient};
    const FN(pynn_sink) *target = sink && ws->gradient ? &adding : sink;
    const int trains = sink && !sink->at_any_cost;
    *cost = (pynn_cost){0};
    if (sink) { sink->of_weights.l2 = (real)l2; }
    if (l2 != 0) {
        const size_t n_pieces = FN(square_weights)(ws, parameters, member);
        if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
        cost->penalty = 0.5 * l2 * FN(sum)(ws->squares, n_pieces);
        if (trains && !isfinite(cost->penalty)) { return PYNN_DIVERGED; }
    }
    for (size_t done = 0; done < batch.n_rows; done += ws->n_chunk) {
        const size_t left = batch.n_rows - done;
        const pynn_batch chunk = {batch.order, batch.first + done,
                                  left < ws->n_chunk ? left : ws->n_chunk};
        const pynn_status status = FN(learn_chunk)(&cost->cost, ws, parameters, data, chunk, total,
                                                   trains, target, member);
        if (status) { return status; }
        /* The next chunk overwrites what this one's gradient reads. */
        if (pynn_team_meet(member) && (!target || target->may_stop)) { return FN(pynn_reason)(ws); }
        adding.update = ws->kernels->add;
    }
    if (target != sink) {
        FN(pass_on)(ws, sink, member);
        pynn_team_meet(member);
    }
    return PYNN_OK;
}
