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
INLINE pynn_status FN(forward)(FN(pynn_workspace) * ws, const real *parameters,
                               const FN(pynn_rows) * x, size_t n_rows, pynn_masks masks,
                               pynn_member member) {
    FN(pynn_rows) handed_on;
    for (int l = 0; l < ws->n_layers; l++) {
        if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
        FN(pynn_layer_forward)(ws, l, parameters, l ? &handed_on : x, n_rows, masks, member);
        FN(pynn_hand_on)(&handed_on, &ws->layers[l]);
    }
    return PYNN_OK;
}

pynn_status FN(pynn_forward)(FN(pynn_workspace) * ws, const real *parameters, pynn_batch batch,
                             pynn_member member) {
    const FN(pynn_rows) x = FN(pynn_load_input)(ws, ws->data, batch, member);
    return FN(forward)(ws, parameters, &x, batch.n_rows, (pynn_masks){0}, member);
}

/* da of the output layer for some rows, whose delta is still as the cost made it. */
static void FN(output_sensitivities)(const FN(pynn_workspace) * ws, pynn_share rows) {
    const FN(pynn_layer) *output = &ws->layers[ws->n_layers - 1];
    const int cost = ws->network->cost;
    const size_t at = rows.first * output->stride;
    if (!pynn_cost_output(cost)) {
        FN(pynn_keep_da)(output, rows, (pynn_share){0, output->n_out});
        return;
    }
    ws->kernels->sensitivity[cost](output->da + at, output->z + at, output->a + at, ws->y + at,
                                   output->stride, rows.end - rows.first, output->n_out);
}

/* Row costs and deltas of the output layer, for some rows. */
static void FN(output_deltas)(FN(pynn_workspace) * ws, pynn_share rows) {
    const FN(pynn_layer) *output = &ws->layers[ws->n_layers - 1];
    const int cost = ws->network->cost;
    const size_t at = rows.first * output->stride, n = rows.end - rows.first;
    ws->kernels->cost[cost](output->delta + at, ws->row_costs + rows.first, output->z + at,
                            output->a + at, ws->y + at, ws->row_scales + rows.first, output->stride,
                            n, output->n_out, (real)ws->network->cost_parameter);
    if (output->da != output->delta) { FN(output_sensitivities)(ws, rows); }
    if (!pynn_cost_output(cost)) {
        ws->kernels->derive[output->activation](output->delta + at, output->z + at, output->a + at,
                                                output->stride, n, output->n_out,
                                                output->parameter);
    }
    FN(pynn_output_panels)(ws, rows);
}

/* A mini-batch, and what it is to do. */
typedef struct {
    const real *parameters;
    pynn_batch batch;
    double total;               /* the sum of its row weights */
    double divisor;             /* of the penalty */
    uint64_t key;               /* of the dropout */
    int trains;                 /* an update must not follow a cost that is not finite */
    const FN(pynn_sink) * sink; /* where the gradient of a chunk goes; NULL: it is not wanted */
} FN(lesson);

static FN(lesson) FN(lesson_of)(const FN(pynn_workspace) * ws, const real *parameters,
                                pynn_batch batch, uint64_t key, const FN(pynn_sink) * sink) {
    const double total = FN(sum_of_row_weights)(ws->data, batch);
    const int by_row = ws->regularisation->penalty.by_row;
    return (FN(lesson)){.parameters = parameters,
                        .batch = batch,
                        .total = total,
                        .divisor = !by_row     ? 1
                                   : total > 0 ? total
                                               : INFINITY,
                        .key = key,
                        .trains = sink && !sink->keeps,
                        .sink = sink};
}

/* Whether an update leaves this layer's weights and biases as they are. */
static int FN(is_frozen)(const FN(pynn_workspace) * ws, const FN(lesson) * lesson, int l) {
    return lesson->trains && ws->regularisation->frozen && ws->regularisation->frozen[l];
}

/* The step of layer l's weights. */
static FN(pynn_step) FN(penalised_step)(const FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                                        FN(pynn_step) step, int l) {
    const pynn_penalty *penalty = &ws->regularisation->penalty;
    return FN(with_penalty)(step, penalty->l2[l] / lesson->divisor,
                            penalty->l1[l] / lesson->divisor);
}

/* squares * (sum of x * x) + sizes * (sum of |x|), over x (n_rows, n) */
typedef struct {
    const real *x;
    size_t stride, n_rows, n;
    double squares, sizes;
} FN(weighed);

/* A member's share of it, in pieces of fixed size, so that the total has the same bits for any
 * team. The first one has this number; returns that of the next. */
static size_t FN(weigh)(FN(pynn_workspace) * ws, size_t piece, FN(weighed) of, pynn_member member) {
    const FN(pynn_kernels) *kernels = ws->kernels;
    for (size_t i = 0; i < of.n_rows; i += PYNN_PIECE_ROWS, piece++) {
        if (piece % (size_t)member.n != (size_t)member.id) { continue; }
        const size_t left = of.n_rows - i, n_rows = left < PYNN_PIECE_ROWS ? left : PYNN_PIECE_ROWS;
        const real *x = of.x + i * of.stride;
        double sum = 0;
        if (of.squares != 0) {
            sum += of.squares * kernels->sum_of_squares(x, of.stride, n_rows, of.n);
        }
        if (of.sizes != 0) { sum += of.sizes * kernels->sum_of_sizes(x, of.stride, n_rows, of.n); }
        ws->pieces[piece] = sum;
    }
    return piece;
}

/* A member's share of the penalty. Returns how many pieces there are, 0 where there is none. */
static size_t FN(weigh_penalty)(FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                                pynn_member member) {
    const pynn_penalty *penalty = &ws->regularisation->penalty;
    size_t piece = 0;
    if (!ws->penalises) { return 0; }
    for (int l = 0; l < ws->n_layers; l++) {
        const FN(pynn_layer) *layer = &ws->layers[l];
        const double l2 = penalty->l2[l] / lesson->divisor, l1 = penalty->l1[l] / lesson->divisor;
        if (l2 == 0 && l1 == 0) { continue; }
        const FN(weighed) weights = {lesson->parameters + layer->weights,
                                     layer->w_stride,
                                     layer->n_in,
                                     layer->n_out,
                                     0.5 * l2,
                                     l1};
        piece = FN(weigh)(ws, piece, weights, member);
    }
    return piece;
}

/* A member's share of the square of the kept gradient's norm. Returns how many pieces there are. */
static size_t FN(weigh_gradient)(FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                                 pynn_member member) {
    size_t piece = 0;
    for (int l = 0; l < ws->n_layers; l++) {
        if (FN(is_frozen)(ws, lesson, l)) { continue; }
        const FN(pynn_layer) *layer = &ws->layers[l];
        const real *dw = ws->gradient + layer->weights, *db = ws->gradient + layer->biases;
        const size_t n = layer->n_out, n_biases = ws->network->bias ? 1 : 0;
        const FN(weighed) weights = {dw, layer->w_stride, layer->n_in, n, 1, 0};
        const FN(weighed) biases = {db, n, n_biases, n, 1, 0};
        piece = FN(weigh)(ws, piece, weights, member);
        piece = FN(weigh)(ws, piece, biases, member);
    }
    return piece;
}

static double FN(sum)(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) { sum += x[i]; }
    return sum;
}

/* Deltas of the hidden layers, from the first that is not frozen. As nothing else is computed, the
 * batch can be left until here. */
INLINE pynn_status FN(hidden_deltas)(FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                                     size_t n_rows, pynn_masks masks, pynn_member member) {
    int lowest = 0;
    while (lowest < ws->n_layers - 1 && FN(is_frozen)(ws, lesson, lowest)) { lowest++; }
    for (int l = ws->n_layers - 2; l >= lowest; l--) {
        FN(pynn_layer_backward)(ws, l, lesson->parameters, n_rows, masks, member);
        if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
    }
    return PYNN_OK;
}

/* A member's part of a layer's weights or biases, which end where `end` says. */
static pynn_share FN(part_of)(size_t first, size_t end, pynn_member member) {
    const pynn_share share = pynn_share_of(end - first, 64, member);
    return (pynn_share){first + share.first, first + share.end};
}

static size_t FN(end_of_layer)(const FN(pynn_workspace) * ws, int l) {
    return l + 1 < ws->n_layers ? ws->layers[l + 1].weights : ws->n_parameters;
}

/* Parameters of a frozen layer, where those that are updated lie beside those they come from. */
static void FN(carry_over)(const FN(pynn_workspace) * ws, const FN(pynn_sink) * sink, int l,
                           pynn_member member) {
    if (!sink->descends || sink->w == sink->from) { return; }
    const pynn_share part = FN(part_of)(ws->layers[l].weights, FN(end_of_layer)(ws, l), member);
    memcpy(sink->w + part.first, sink->from + part.first, (part.end - part.first) * sizeof(real));
}

/* The step of layer l's weights (group 0) or biases (1), without penalty. */
static FN(pynn_step) FN(step_of_group)(const FN(pynn_sink) * sink, int l, int group) {
    const FN(pynn_step) step = group ? sink->of_biases : sink->of_weights;
    return sink->rate_factors ? FN(at_multiple)(step, sink->rate_factors[2 * l + group]) : step;
}

/* The gradient of all layers but frozen ones, whose deltas are there. */
static void FN(gradients)(FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                          const FN(pynn_rows) * x, size_t n_rows, pynn_member member) {
    FN(pynn_rows) handed_on;
    FN(pynn_sink) by_layer;
    const FN(pynn_sink) *sink = lesson->sink;
    const int differs = ws->penalises || sink->rate_factors;
    if (differs) {
        by_layer = *sink;
        sink = &by_layer;
    }
    for (int l = 0; l < ws->n_layers; l++) {
        if (differs) {
            const FN(pynn_step) step = FN(step_of_group)(lesson->sink, l, 0);
            by_layer.of_weights = FN(penalised_step)(ws, lesson, step, l);
            by_layer.of_biases = FN(step_of_group)(lesson->sink, l, 1);
        }
        if (FN(is_frozen)(ws, lesson, l)) {
            FN(carry_over)(ws, sink, l, member);
        } else {
            FN(pynn_layer_gradient)(ws, l, sink, l ? &handed_on : x, n_rows, member);
        }
        FN(pynn_hand_on)(&handed_on, &ws->layers[l]);
    }
}

static pynn_masks FN(masks_of)(const FN(lesson) * lesson, pynn_batch chunk) {
    return (pynn_masks){lesson->key, chunk.first - lesson->batch.first};
}

/* One chunk of a batch whose input is loaded: activations, costs of rows, the output's deltas. */
INLINE pynn_status FN(judge_chunk)(const FN(pynn_rows) * x, FN(pynn_workspace) * ws,
                                   const FN(lesson) * lesson, pynn_batch chunk,
                                   pynn_member member) {
    const pynn_share mine = FN(pynn_rows_of)(ws, chunk.n_rows, member);
    FN(pynn_load_targets)(ws, ws->data, chunk, mine);
    for (size_t i = mine.first; i < mine.end; i++) {
        ws->row_scales[i] = (real)FN(share_of_total)(ws->data, chunk, i, lesson->total);
    }
    const pynn_masks masks = FN(masks_of)(lesson, chunk);
    if (FN(forward)(ws, lesson->parameters, x, chunk.n_rows, masks, member)) {
        return FN(pynn_reason)(ws);
    }
    FN(output_deltas)(ws, mine);
    return pynn_team_meet(member) ? FN(pynn_reason)(ws) : PYNN_OK;
}

/* One chunk of a batch: its cost is added to *cost. */
static pynn_status FN(learn_chunk)(double *cost, FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                                   pynn_batch chunk, pynn_member member) {
    const FN(pynn_rows) x = FN(pynn_load_input)(ws, ws->data, chunk, member);
    pynn_status status = FN(judge_chunk)(&x, ws, lesson, chunk, member);
    if (status) { return status; }
    for (size_t i = 0; i < chunk.n_rows; i++) {
        *cost += FN(share_of_total)(ws->data, chunk, i, lesson->total) * ws->row_costs[i];
    }
    if (lesson->trains && !isfinite(*cost)) { return PYNN_DIVERGED; }
    if (!lesson->sink) { return PYNN_OK; }
    status = FN(hidden_deltas)(ws, lesson, chunk.n_rows, FN(masks_of)(lesson, chunk), member);
    if (!status) { FN(gradients)(ws, lesson, &x, chunk.n_rows, member); }
    return status;
}

pynn_status FN(pynn_batch_trace)(FN(pynn_workspace) * ws, const real *parameters, pynn_batch batch,
                                 pynn_member member) {
    const FN(lesson) lesson = {.parameters = parameters, .batch = batch, .total = 1};
    const FN(pynn_rows) x = FN(pynn_load_input)(ws, ws->data, batch, member);
    pynn_status status = FN(judge_chunk)(&x, ws, &lesson, batch, member);
    if (!status) { status = FN(hidden_deltas)(ws, &lesson, batch.n_rows, (pynn_masks){0}, member); }
    if (status || !ws->dx) { return status; }
    FN(pynn_input_backward)(ws, parameters, batch.n_rows, member);
    return pynn_team_meet(member) ? FN(pynn_reason)(ws) : PYNN_OK;
}

/* The penalty's gradient is added to that of the mean cost, each member taking a part. */
static void FN(penalise)(real *gradient, const FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                         pynn_member member) {
    for (int l = 0; l < ws->n_layers; l++) {
        const FN(pynn_step) step = FN(penalised_step)(ws, lesson, (FN(pynn_step)){0}, l);
        const pynn_share part = FN(part_of)(ws->layers[l].weights, ws->layers[l].biases, member);
        if (!step.penalises || FN(is_frozen)(ws, lesson, l)) { continue; }
        ws->kernels->penalise(gradient + part.first, lesson->parameters + part.first,
                              part.end - part.first, &step);
    }
}

/* What the kept gradient, to which that of the penalty is added, is to be multiplied by. */
static pynn_status FN(clip)(double *factor, FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                            pynn_member member) {
    const double longest = ws->regularisation->clip_norm;
    FN(penalise)(ws->gradient, ws, lesson, member);
    if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
    const size_t n_pieces = FN(weigh_gradient)(ws, lesson, member);
    if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
    const double norm = sqrt(FN(sum)(ws->pieces, n_pieces));
    *factor = norm > longest ? longest / norm : 1;
    return isfinite(norm) ? PYNN_OK : PYNN_DIVERGED;
}

/* The gradient that was kept goes on through the sink, each member taking a part. */
static pynn_status FN(pass_on)(FN(pynn_workspace) * ws, const FN(lesson) * lesson,
                               const FN(pynn_sink) * sink, pynn_member member) {
    const int clips = lesson->trains && ws->regularisation->clip_norm < INFINITY;
    double factor = 1;
    const pynn_status status = clips ? FN(clip)(&factor, ws, lesson, member) : PYNN_OK;
    if (status) { return status; }
    for (int l = 0; l < ws->n_layers; l++) {
        if (FN(is_frozen)(ws, lesson, l)) { continue; }
        const FN(pynn_step) of_weights = FN(step_of_group)(sink, l, 0);
        const FN(pynn_step)
            steps[] = {clips ? of_weights : FN(penalised_step)(ws, lesson, of_weights, l),
                       FN(step_of_group)(sink, l, 1)};
        const size_t ends[] = {ws->layers[l].weights, ws->layers[l].biases,
                               FN(end_of_layer)(ws, l)};
        for (int biases = 0; biases < 2; biases++) {
            const pynn_share part = FN(part_of)(ends[biases], ends[biases + 1], member);
            const size_t at = part.first, n = part.end - part.first;
            for (size_t i = at; i < part.end && factor != 1; i++) {
                ws->gradient[i] *= (real)factor;
            }
            sink->update(sink->w + at, sink->slot_0 ? sink->slot_0 + at : NULL,
                         sink->slot_1 ? sink->slot_1 + at : NULL, n, ws->gradient + at, n, 1, n,
                         &steps[biases]);
        }
    }
    pynn_team_meet(member);
    return PYNN_OK;
}

/* Incoming weights of units that are longer than they may be are scaled back, each member taking
 * some of the units. */
static void FN(limit_norms)(real *parameters, const FN(pynn_workspace) * ws,
                            const FN(lesson) * lesson, pynn_member member) {
    if (ws->regularisation->max_norm == INFINITY) { return; }
    for (int l = 0; l < ws->n_layers; l++) {
        if (FN(is_frozen)(ws, lesson, l)) { continue; }
        const FN(pynn_layer) *layer = &ws->layers[l];
        const pynn_share units = pynn_share_of(layer->n_out, 64 / sizeof(real), member);
        for (size_t j = units.first; j < units.end; j += PYNN_LIMITED_COLUMNS) {
            const size_t left = units.end - j;
            ws->kernels->limit_norms(parameters + layer->weights + j, layer->w_stride, layer->n_in,
                                     left < PYNN_LIMITED_COLUMNS ? left : PYNN_LIMITED_COLUMNS,
                                     ws->regularisation->max_norm);
        }
    }
    pynn_team_meet(member);
}

pynn_status FN(pynn_batch_learn)(pynn_cost *cost, FN(pynn_workspace) * ws, const real *parameters,
                                 pynn_batch batch, uint64_t key, const FN(pynn_sink) * sink,
                                 pynn_member member) {
    FN(pynn_sink) adding;
    FN(lesson) lesson = FN(lesson_of)(ws, parameters, batch, key, sink);
    *cost = (pynn_cost){0};
    const size_t n_pieces = FN(weigh_penalty)(ws, &lesson, member);
    if (n_pieces) {
        if (pynn_team_meet(member)) { return FN(pynn_reason)(ws); }
        cost->penalty = FN(sum)(ws->pieces, n_pieces);
        if (lesson.trains && !isfinite(cost->penalty)) { return PYNN_DIVERGED; }
    }
    if (sink && ws->gradient) {
        adding = (FN(pynn_sink)){.update = ws->kernels->store, .may_stop = 1, .w = ws->gradient};
        lesson.sink = &adding;
    }
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
        if (lesson.sink == &adding) { adding.update = ws->kernels->add; }
    }
    if (lesson.sink != sink) {
        const pynn_status status = FN(pass_on)(ws, &lesson, sink, member);
        if (status) { return status; }
    }
    if (sink && sink->keeps) { FN(penalise)(sink->w, ws, &lesson, member); }
    if (lesson.trains) { FN(limit_norms)(sink->w, ws, &lesson, member); }
    return PYNN_OK;
}
