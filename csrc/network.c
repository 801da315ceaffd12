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

pynn_status FN(pynn_forward)(FN(pynn_workspace) * ws, const real *parameters, pynn_batch batch,
                             pynn_member member) {
    const FN(pynn_rows) x = FN(pynn_load_input)(ws, ws->data, batch, member);
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

/* A mini-batch, and what it is to do. */
typedef struct {
    const real *parameters;
    pynn_batch batch;
    double total; /* the sum of its row weights */
    const pynn_penalty *penalty;
    double divisor;             /* of the penalty */
    int trains;                 /* an update must not follow a cost that is not finite */
    const FN(pynn_sink) * sink; /* where the gradient of a chunk goes; NULL: it is not wanted */
} FN(lesson);

static FN(lesson)
    FN(lesson_of)(const FN(pynn_workspace) * ws, const real *parameters, pynn_batch batch,
                  const pynn_penalty *penalty, const FN(pynn_sink) * sink) {
    const double total = FN(sum_of_row_weights)(ws->data, batch);
    return (FN(lesson)){.parameters = parameters,
                        .batch = batch,
                        .total = total,
                        .penalty = penalty,
                        .divisor = !penalty->by_row ? 1
                                   : total > 0      ? total
                                                    : INFINITY,
                        .trains = sink && !sink->keeps,
                        .sink = sink};
}

/* The step of layer l's weights. */
static FN(pynn_step) FN(penalised_step)(const FN(lesson) * lesson, FN(pynn_step) step, int l) {
    return FN(with_penalty)(step, lesson->penalty->l2[l] / lesson->divisor,
                            lesson->penalty->l1[l] / lesson->divisor);
}

/* A member's share of the penalty: every layer's in pieces of fixed size, so that the total has the
 * same bits for any team. Returns how many pieces there are, 0 where nothing is penalised. */
static size_t FN(penalty_in_pieces)(FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                                    pynn_member member) {
    size_t piece = 0;
    for (int l = 0; l < ws->n_layers; l++) {
        const FN(pynn_layer) *layer = &ws->layers[l];
        const double l2 = lesson->penalty->l2[l] / lesson->divisor;
        const double l1 = lesson->penalty->l1[l] / lesson->divisor;
        if (l2 == 0 && l1 == 0) { continue; }
        for (size_t i = 0; i < layer->n_in; i += PYNN_PIECE_ROWS, piece++) {
            if (piece % (size_t)member.n != (size_t)member.id) { continue; }
            const size_t left = layer->n_in - i,
                         n = left < PYNN_PIECE_ROWS ? left : PYNN_PIECE_ROWS;
            const real *w = lesson->parameters + layer->weights + i * layer->w_stride;
            const size_t stride = layer->w_stride, n_out = layer->n_out;
            ws->pieces[piece] =
                (l2 != 0 ? 0.5 * l2 * ws->kernels->sum_of_squares(w, stride, n, n_out) : 0) +
                (l1 != 0 ? l1 * ws->kernels->sum_of_sizes(w, stride, n, n_out) : 0);
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
static pynn_status FN(backward)(FN(pynn_workspace) * ws, const FN(lesson) * lesson, FN(pynn_rows) x,
                                size_t n_rows, pynn_member member) {
    for (int l = ws->n_layers - 2; l >= 0; l--) {
        FN(pynn_layer_backward)(ws, l, lesson->parameters, n_rows, member);
        /* Only deltas were computed so far: the last place where the batch can be left. */
        if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
    }
    FN(pynn_sink) sink = *lesson->sink;
    for (int l = 0; l < ws->n_layers; l++) {
        sink.of_weights = FN(penalised_step)(lesson, sink.of_weights, l);
        FN(pynn_layer_gradient)(ws, l, sink, x, n_rows, member);
        x = FN(pynn_activations)(&ws->layers[l]);
    }
    return PYNN_OK;
}

/* One chunk of a batch: its cost is added to *cost. */
static pynn_status FN(learn_chunk)(double *cost, FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                                   pynn_batch chunk, pynn_member member) {
    const pynn_share mine = FN(pynn_rows_of)(ws, chunk.n_rows, member);
    const FN(pynn_rows) x = FN(pynn_load_input)(ws, ws->data, chunk, member);
    FN(pynn_load_targets)(ws, ws->data, chunk, mine);
    for (size_t i = mine.first; i < mine.end; i++) {
        ws->row_scales[i] = (real)FN(share_of_total)(ws->data, chunk, i, lesson->total);
    }
    if (FN(forward)(ws, lesson->parameters, x, chunk.n_rows, member)) {
        return FN(pynn_reason)(ws);
    }
    FN(output_deltas)(ws, mine);
    if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
    for (size_t i = 0; i < chunk.n_rows; i++) {
        *cost += FN(share_of_total)(ws->data, chunk, i, lesson->total) * ws->row_costs[i];
    }
    if (lesson->trains && !isfinite(*cost)) { return PYNN_DIVERGED; }
    return lesson->sink ? FN(backward)(ws, lesson, x, chunk.n_rows, member) : PYNN_OK;
}

/* A member's part of a layer's weights or biases, which end where `end` says. */
static pynn_share FN(part_of)(size_t first, size_t end, pynn_member member) {
    const pynn_share share = pynn_share_of(end - first, 64, member);
    return (pynn_share){first + share.first, first + share.end};
}

/* The gradient that was kept goes on through the sink, each member taking a part. */
static void FN(pass_on)(FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                        const FN(pynn_sink) * sink, pynn_member member) {
    for (int l = 0; l < ws->n_layers; l++) {
        const FN(pynn_step)
            steps[] = {FN(penalised_step)(lesson, sink->of_weights, l), sink->of_biases};
        const size_t ends[] = {ws->layers[l].weights, ws->layers[l].biases,
                               l + 1 < ws->n_layers ? ws->layers[l + 1].weights : ws->n_parameters};
        for (int biases = 0; biases < 2; biases++) {
            const pynn_share part = FN(part_of)(ends[biases], ends[biases + 1], member);
            const size_t at = part.first, n = part.end - part.first;
            sink->update(sink->w + at, sink->slot_0 ? sink->slot_0 + at : NULL,
                         sink->slot_1 ? sink->slot_1 + at : NULL, n, ws->gradient + at, n, 1, n,
                         &steps[biases]);
        }
    }
}

/* The penalty's gradient is added to that of the mean cost, each member taking a part. */
static void FN(penalise)(real *gradient, const FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                         pynn_member member) {
    for (int l = 0; l < ws->n_layers; l++) {
        const FN(pynn_step) step = FN(penalised_step)(lesson, (FN(pynn_step)){0}, l);
        const pynn_share part = FN(part_of)(ws->layers[l].weights, ws->layers[l].biases, member);
        if (!step.penalises) { continue; }
        ws->kernels->penalise(gradient + part.first, lesson->parameters + part.first,
                              part.end - part.first, &step);
    }
}

pynn_status FN(pynn_batch_learn)(pynn_cost *cost, FN(pynn_workspace) * ws, const real *parameters,
                                 pynn_batch batch, const pynn_penalty *penalty,
                                 const FN(pynn_sink) * sink, pynn_member member) {
    FN(pynn_sink) adding = {.update = ws->kernels->store, .may_stop = 1, .w = ws->gradient};
    FN(lesson) lesson = FN(lesson_of)(ws, parameters, batch, penalty, sink);
    *cost = (pynn_cost){0};
    const size_t n_pieces = FN(penalty_in_pieces)(ws, &lesson, member);
    if (n_pieces) {
        if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
        cost->penalty = FN(sum)(ws->pieces, n_pieces);
        if (lesson.trains && !isfinite(cost->penalty)) { return PYNN_DIVERGED; }
    }
    if (sink && ws->gradient) { lesson.sink = &adding; }
    for (size_t done = 0; done < batch.n_rows; done += ws->n_chunk) {
        const size_t left = batch.n_rows - done;
        const pynn_batch chunk = {batch.order, batch.first + done,
                                  left < ws->n_chunk ? left : ws->n_chunk};
        const pynn_status status = FN(learn_chunk)(&cost->cost, ws, &lesson, chunk, member);
        if (status) { return status; }
        /* The next chunk overwrites what this one's gradient reads. */
        if (pynn_team_meet(member) && (!lesson.sink || lesson.sink->may_stop)) {
            return FN(pynn_reason)(ws);
        }
        adding.update = ws->kernels->add;
    }
    if (lesson.sink != sink) {
        FN(pass_on)(ws, &lesson, sink, member);
        pynn_team_meet(member);
    }
    if (sink && sink->keeps) { FN(penalise)(sink->w, ws, &lesson, member); }
    return PYNN_OK;
}
