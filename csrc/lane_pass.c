#include "lane_pass.h"

#include <string.h>

#include "flush.h"

/* x (n, .) = a row of an array with these strides in bytes, in lane i. */
static void load_row(real *to, const void *array, const ptrdiff_t strides[2], size_t n, size_t row,
                     size_t n_lanes) {
    const char *from = (const char *)array + (ptrdiff_t)row * strides[0];
    for (size_t j = 0; j < n; j++, from += strides[1], to += n_lanes) { *to = *(const real *)from; }
}

/* Load rows first .. first + n_rows - 1 of a lane's order, and their shares of the batch. */
static void load_lane(const pynn_lanes *g, size_t i, size_t first, size_t n_rows) {
    const size_t n_lanes = g->n_lanes, n_in = g->layers->n_in;
    const pynn_lane_layer *output = &g->layers[g->n_layers - 1];
    const pynn_lane *lane = &g->lanes[i];
    const pynn_data *data = lane->training->call->data;
    const int64_t *order = lane->training->plan->order + first;
    const double *weights = lane->total > 0 ? data->row_weights : NULL;
    const double share = lane->total > 0 ? 1 / lane->total : 0;
    real *x = g->x + i, *y = g->y + i;
    for (size_t r = 0; r < n_rows; r++, x += g->x_row * n_lanes, y += output->row * n_lanes) {
        const size_t row = (size_t)order[r], at = r * n_lanes + i;
        load_row(x, data->x, data->x_strides, n_in, row, n_lanes);
        if (!data->labels) {
            load_row(y, data->y, data->y_strides, output->n_out, row, n_lanes);
        } else {
            const uint64_t label = (uint64_t)data->labels[row];
            if (label < output->n_out) { y[label * n_lanes] = 1; }
        }
        g->shares[at] = weights ? weights[row] / lane->total : share;
        g->row_scales[at] = (real)g->shares[at];
    }
}

void FN(pynn_lane_load_rows)(pynn_lanes *g, size_t first, size_t n_rows) {
    const size_t n_bytes = n_rows * g->layers[g->n_layers - 1].row * g->n_lanes * sizeof(real);
    if (g->like->call->data->labels) { memset(g->y, 0, n_bytes); }
    for (size_t i = 0; i < g->n_lanes; i++) { load_lane(g, i, first, n_rows); }
}

/* Whether products compute the activation: relu costs no more than another pass over memory. */
static int is_fused(const pynn_lane_layer *l) {
    return l->activation == PYNN_ACTIVATION_relu && l->a == l->z;
}

/* Activations of units first .. first + n - 1. */
static void activate(const pynn_lanes *g, const pynn_lane_layer *l, size_t first, size_t n,
                     size_t n_rows) {
    const size_t at = first * g->n_lanes;
    if (l->activation == PYNN_ACTIVATION_softmax) {
        g->kernels->lane_softmax(l->a, l->z, l->row, n_rows, l->n_out);
    } else {
        g->kernels->activate[l->activation](l->a + at, l->z + at, l->row * g->n_lanes, n_rows,
                                            n * g->n_lanes, l->parameter);
    }
}

void FN(pynn_lane_forward)(pynn_lanes *g, size_t n_rows) {
    const int bias = g->like->call->network->bias;
    const real *input = g->x;
    size_t row = g->x_row;
    for (const pynn_lane_layer *l = g->layers; l < g->layers + g->n_layers; l++) {
        const int is_softmax = l->activation == PYNN_ACTIVATION_softmax;
        const size_t most = is_softmax ? l->n_out : g->block_units;
        for (size_t j = 0; j < l->n_out; j += most) {
            const size_t n = l->n_out - j < most ? l->n_out - j : most;
            const pynn_lane_product product = {
                .c = l->z + j * g->n_lanes,
                .c_row = l->row,
                .start = bias ? g->parameters + (l->biases + j) * g->n_lanes : NULL,
                .a = input,
                .a_row = row,
                .a_step = 1,
                .b = g->parameters + (l->weights + j) * g->n_lanes,
                .b_step = l->n_out,
                .b_column = 1,
                .n_rows = n_rows,
                .n = n,
                .depth = l->n_in,
                .is_relu = is_fused(l)};
            g->kernels->lane_product(&product);
            if (!product.is_relu) { activate(g, l, j, n, n_rows); }
        }
        input = l->a;
        row = l->row;
    }
}

/* Turn delta (n_rows, n), dC/da of units first .. first + n - 1, into dC/dz. */
static void derive(const pynn_lanes *g, real *delta, const pynn_lane_layer *l, size_t first,
                   size_t n, size_t n_rows) {
    const size_t at = first * g->n_lanes;
    g->kernels->derive[l->activation](delta, l->z + at, l->a + at, l->row * g->n_lanes, n_rows,
                                      n * g->n_lanes, l->parameter);
}

/* Costs of the rows, and the output layer's deltas. */
void FN(pynn_lane_compare)(pynn_lanes *g, size_t n_rows) {
    const pynn_network *network = g->like->call->network;
    const pynn_lane_layer *output = &g->layers[g->n_layers - 1];
    const pynn_lane_outputs outputs = {.delta = g->deltas[0],
                                       .row_costs = g->row_costs,
                                       .z = output->z,
                                       .a = output->a,
                                       .y = g->y,
                                       .row_scales = g->row_scales,
                                       .stride = output->row,
                                       .n_rows = n_rows,
                                       .n = output->n_out,
                                       .parameter = (real)network->cost_parameter};
    g->kernels->lane_cost[network->cost](&outputs);
    if (!pynn_cost_output(network->cost)) {
        derive(g, g->deltas[0], output, 0, output->n_out, n_rows);
    }
    for (size_t r = 0; r < n_rows; r++) {
        for (size_t i = 0; i < g->n_lanes; i++) {
            const size_t at = r * g->n_lanes + i;
            g->lanes[i].cost += g->shares[at] * g->row_costs[at];
        }
    }
}

/* Add the gradient of the weights (n_units, n) from unit `first` of the input on and from column j
 * on, where delta (n_rows, n) belongs to these columns. */
static void add_gradient(const pynn_lanes *g, const pynn_lane_layer *of, size_t first,
                         size_t n_units, size_t j, size_t n, const real *delta, size_t n_rows) {
    const int is_first = of == g->layers, is_last = first + n_units == of->n_in;
    const real *input = is_first ? g->x : of[-1].a;
    real *weights = g->gradient + (of->weights + first * of->n_out + j) * g->n_lanes;
    const pynn_lane_product product = {.c = weights,
                                       .c_row = of->n_out,
                                       .start = weights,
                                       .start_row = of->n_out,
                                       .a = input + first * g->n_lanes,
                                       .a_row = 1,
                                       .a_step = is_first ? g->x_row : of[-1].row,
                                       .b = delta,
                                       .b_step = of->row,
                                       .b_column = 1,
                                       .n_rows = n_units +
                                                 (is_last && g->like->call->network->bias ? 1 : 0),
                                       .n = n,
                                       .depth = n_rows};
    g->kernels->lane_product(&product);
}

/* Add the gradient of these rows. */
void FN(pynn_lane_backward)(pynn_lanes *g, size_t n_rows) {
    real *delta = g->deltas[0], *below = g->deltas[1];
    for (size_t l = g->n_layers; --l;) {
        const pynn_lane_layer *of = &g->layers[l], *input = of - 1;
        for (size_t j = 0; j < of->n_in; j += g->block_units) {
            const size_t left = of->n_in - j, n = left < g->block_units ? left : g->block_units;
            real *block = l > 1 ? below + j * g->n_lanes : below; /* the lowest are read at once */
            const pynn_lane_product back = {
                .c = block,
                .c_row = input->row,
                .a = delta,
                .a_row = of->row,
                .a_step = 1,
                .b = g->parameters + (of->weights + j * of->n_out) * g->n_lanes,
                .b_step = 1,
                .b_column = of->n_out,
                .n_rows = n_rows,
                .n = n,
                .depth = of->n_out,
                .gate = is_fused(input) ? input->a + j * g->n_lanes : NULL};
            g->kernels->lane_product(&back);
            add_gradient(g, of, j, n, 0, of->n_out, delta, n_rows);
            if (!back.gate) { derive(g, block, input, j, n, n_rows); }
            if (l == 1) { add_gradient(g, input, 0, input->n_in, j, n, block, n_rows); }
        }
        real *done = delta;
        delta = below;
        below = done;
    }
    if (g->n_layers == 1) {
        add_gradient(g, g->layers, 0, g->layers->n_in, 0, g->layers->n_out, delta, n_rows);
    }
}

static void update_part(const pynn_lanes *g, size_t at, size_t n, const pynn_step *step) {
    n *= g->n_lanes, at *= g->n_lanes;
    pynn_block block = {.w = g->parameters + at,
                        .stride = n,
                        .g = g->gradient + at,
                        .g_stride = n,
                        .n_rows = 1,
                        .n = n};
    for (int k = 0; k < PYNN_MAX_SLOTS && g->slots[k]; k++) { block.slots[k] = g->slots[k] + at; }
    g->kernels->update[g->like->optimizer->rule](&block, step);
}

void FN(pynn_lane_update)(pynn_lanes *g, double divisor) {
    const pynn_penalty *penalty = &g->like->plan->regularisation.penalty;
    const pynn_optimizer *optimizer = g->like->optimizer;
    pynn_step of_weights = step_of(optimizer, optimizer->learning_rate, ++g->n_updates);
    pynn_step of_biases = of_weights;
    of_biases.decay = 0;
    const int flushes = pynn_slots_decay(optimizer->rule);
    const pynn_mode mode = flushes ? pynn_flush_subnormals() : 0;
    for (size_t l = 0; l < g->n_layers; l++) {
        const pynn_lane_layer *of = &g->layers[l];
        const pynn_step step =
            with_penalty(of_weights, penalty->l2[l] / divisor, penalty->l1[l] / divisor);
        update_part(g, of->weights, of->biases - of->weights, &step);
        if (g->like->call->network->bias) { update_part(g, of->biases, of->n_out, &of_biases); }
    }
    if (flushes) { pynn_restore_mode(mode); }
}

void FN(pynn_lane_sum_penalties)(double *sums, const pynn_lanes *g, double divisor) {
    const pynn_penalty *penalty = &g->like->plan->regularisation.penalty;
    for (size_t i = 0; i < g->n_lanes; i++) { sums[i] = 0; }
    for (size_t l = 0; l < g->n_layers; l++) {
        const double l2 = 0.5 * (penalty->l2[l] / divisor), l1 = penalty->l1[l] / divisor;
        const pynn_lane_layer *of = &g->layers[l];
        for (size_t r = 0; r < of->n_in && (l2 != 0 || l1 != 0); r += PYNN_PIECE_ROWS) {
            const size_t n = of->n_in - r < PYNN_PIECE_ROWS ? of->n_in - r : PYNN_PIECE_ROWS;
            const real *w = g->parameters + (of->weights + r * of->n_out) * g->n_lanes;
            double squares[PYNN_MOST_LANES], sizes[PYNN_MOST_LANES];
            if (l2 != 0) { g->kernels->lane_sum_of_squares(squares, w, n, of->n_out); }
            if (l1 != 0) { g->kernels->lane_sum_of_sizes(sizes, w, n, of->n_out); }
            for (size_t i = 0; i < g->n_lanes; i++) {
                double sum = 0;
                if (l2 != 0) { sum += l2 * squares[i]; }
                if (l1 != 0) { sum += l1 * sizes[i]; }
                sums[i] += sum;
            }
        }
    }
}
