#include "lanes.h"

#include <math.h>
#include <string.h>

#include "lane_pass.h"
#include "memory.h"
#include "patience.h"
#include "shuffle.h"

/* ---- Memory ---- */

/* Take the next n numbers of each lane of a block. block NULL: only count their bytes. */
static void *take(char *block, size_t *used, size_t n, size_t size, const pynn_lanes *g) {
    char *taken = block ? block + *used : NULL;
    *used += (n * g->n_lanes * size + 63) / 64 * 64;
    return taken;
}

/* Stride of rows of n units: a cache line follows them, as pointwise kernels fill the last line
 * that they touch if rows end there. */
static size_t row_of(size_t n, const pynn_lanes *g) {
    const size_t line = 64 / sizeof(real);
    return ((n * g->n_lanes + line - 1) / line + 1) * line / g->n_lanes;
}

/* Lay out all arrays in the block. Returns how many bytes they take. */
static size_t lay_out(pynn_lanes *g, char *block) {
    const pynn_network *network = g->like->call->network;
    size_t used = (g->n_layers * sizeof *g->layers + 63) / 64 * 64;
    g->layers = (pynn_lane_layer *)block;
    size_t widest = 1, at = 0;
    g->work = 0;
    for (size_t l = 0; l < g->n_layers; l++) {
        const size_t n_in = (size_t)network->sizes[l], n_out = (size_t)network->sizes[l + 1];
        pynn_lane_layer of = {.n_in = n_in,
                              .n_out = n_out,
                              .weights = at,
                              .biases = at + n_in * n_out,
                              .row = row_of(n_out, g),
                              .activation = network->activations[l],
                              .parameter = (real)network->activation_parameters[l]};
        at = of.biases + (network->bias ? n_out : 0);
        of.a = of.z = take(block, &used, PYNN_LANE_ROWS * of.row, sizeof(real), g);
        const int is_last = l + 1 == g->n_layers; /* costs may read z and a */
        if (is_last || pynn_reads_z(of.activation)) {
            of.a = take(block, &used, PYNN_LANE_ROWS * of.row, sizeof(real), g);
        }
        if (block) { g->layers[l] = of; }
        widest = of.row > widest ? of.row : widest;
        g->work += 3.0 * (double)(n_in * n_out) * (double)g->n_lanes;
    }
    g->n_parameters = at;
    g->parameters = take(block, &used, at, sizeof(real), g);
    g->gradient = take(block, &used, at, sizeof(real), g);
    for (int k = 0; k < pynn_rule_n_slots(g->like->optimizer->rule); k++) {
        g->slots[k] = take(block, &used, at, sizeof(real), g);
    }
    g->x_row = row_of((size_t)network->sizes[0], g);
    g->x = take(block, &used, PYNN_LANE_ROWS * g->x_row, sizeof(real), g);
    g->y = take(block, &used, PYNN_LANE_ROWS * row_of((size_t)network->sizes[g->n_layers], g),
                sizeof(real), g);
    g->deltas[0] = take(block, &used, PYNN_LANE_ROWS * widest, sizeof(real), g);
    g->deltas[1] = take(block, &used, PYNN_LANE_ROWS * widest, sizeof(real), g);
    g->row_scales = take(block, &used, PYNN_LANE_ROWS, sizeof(real), g);
    g->shares = take(block, &used, PYNN_LANE_ROWS, sizeof(double), g);
    g->row_costs = take(block, &used, PYNN_LANE_ROWS, sizeof(double), g);
    return used;
}

static void set_ones(real *x, size_t row, size_t n, const pynn_lanes *g) {
    for (size_t r = 0; r < PYNN_LANE_ROWS; r++) {
        for (size_t i = 0; i < g->n_lanes; i++) { x[(r * row + n) * g->n_lanes + i] = 1; }
    }
}

/* ---- Lanes ---- */

static void put(real *to, const real *from, size_t i, const pynn_lanes *g) {
    for (size_t p = 0; p < g->n_parameters; p++) { to[p * g->n_lanes + i] = from ? from[p] : 0; }
}

static void get(real *to, const real *from, size_t i, const pynn_lanes *g) {
    for (size_t p = 0; p < g->n_parameters; p++) { to[p] = from[p * g->n_lanes + i]; }
}

/* Fill a lane; a lane that does not run gets zeros. */
static void fill(pynn_lanes *g, size_t i) {
    const pynn_lane *lane = &g->lanes[i];
    put(g->parameters, lane->runs ? lane->training->parameters : NULL, i, g);
    for (int k = 0; k < PYNN_MAX_SLOTS && g->slots[k]; k++) {
        put(g->slots[k], lane->runs ? lane->training->state->slots[k] : NULL, i, g);
    }
}

/* A lane ends. Where it diverged, its parameters stay as they were at the start. */
static void finish(pynn_lanes *g, size_t i, pynn_status status) {
    pynn_lane *lane = &g->lanes[i];
    pynn_training *training = lane->training;
    if (status != PYNN_DIVERGED) {
        get(training->parameters, g->parameters, i, g);
        for (int k = 0; k < PYNN_MAX_SLOTS && g->slots[k]; k++) {
            get(training->state->slots[k], g->slots[k], i, g);
        }
    }
    training->state->n_updates = g->n_updates;
    training->status = status;
    lane->runs = 0;
    g->n_running--;
    fill(g, i);
    put(g->gradient, NULL, i, g); /* NaN would come back with the next update */
}

static void finish_all(pynn_lanes *g, pynn_status status) {
    for (size_t i = 0; i < g->n_lanes; i++) {
        if (g->lanes[i].runs) { finish(g, i, status); }
    }
}

static int is_finite(const pynn_lanes *g, size_t i) {
    for (size_t p = 0; p < g->n_parameters; p++) {
        if (!isfinite(g->parameters[p * g->n_lanes + i])) { return 0; }
    }
    return 1;
}

/* ---- Epochs ---- */

static double sum_of_row_weights(const pynn_lane *lane, size_t first, size_t n_rows) {
    const double *weights = lane->training->call->data->row_weights;
    if (!weights) { return (double)n_rows; }
    double sum = 0;
    for (size_t r = 0; r < n_rows; r++) { sum += weights[lane->training->plan->order[first + r]]; }
    return sum;
}

/* One update by rows first .. first + n_rows - 1 of each lane's order. */
static void step(pynn_lanes *g, size_t first, size_t n_rows) {
    const double share = (double)n_rows / (double)g->like->plan->n_rows;
    const double divisor = g->like->plan->regularisation.penalty.by_row ? (double)n_rows : 1;
    double penalties[PYNN_MOST_LANES];
    FN(pynn_lane_sum_penalties)(penalties, g, divisor);
    memset(g->gradient, 0, g->n_parameters * g->n_lanes * sizeof(real));
    for (size_t i = 0; i < g->n_lanes; i++) {
        g->lanes[i].cost = 0;
        g->lanes[i].total = sum_of_row_weights(&g->lanes[i], first, n_rows);
    }
    for (size_t done = 0; done < n_rows; done += PYNN_LANE_ROWS) {
        const size_t n = n_rows - done < PYNN_LANE_ROWS ? n_rows - done : PYNN_LANE_ROWS;
        if (pynn_watch_stop(&g->watch, g->work * (double)n)) {
            g->stopped = 1;
            return;
        }
        FN(pynn_lane_load_rows)(g, first + done, n);
        FN(pynn_lane_forward)(g, n);
        FN(pynn_lane_compare)(g, n);
        FN(pynn_lane_backward)(g, n);
    }
    for (size_t i = 0; i < g->n_lanes; i++) {
        pynn_lane *lane = &g->lanes[i];
        if (!lane->runs) { continue; }
        if (!isfinite(penalties[i]) || !isfinite(lane->cost)) {
            finish(g, i, PYNN_DIVERGED);
            continue;
        }
        lane->epoch.cost += share * lane->cost;
        lane->epoch.penalty += share * penalties[i];
    }
    FN(pynn_lane_update)(g, divisor);
}

static void end_epoch(pynn_lanes *g) {
    const int all_finite = g->kernels->all_finite(g->parameters, g->n_parameters * g->n_lanes);
    for (size_t i = 0; i < g->n_lanes; i++) {
        pynn_lane *lane = &g->lanes[i];
        pynn_training *training = lane->training;
        if (!lane->runs) { continue; }
        if (!all_finite && !is_finite(g, i)) {
            finish(g, i, PYNN_DIVERGED);
            continue;
        }
        training->costs[training->n_done++] = lane->epoch;
        lane->epoch = (pynn_cost){0};
        pynn_patience *patience = training->plan->patience;
        if (patience && pynn_patience_ends(patience, training->costs[training->n_done - 1])) {
            finish(g, i, PYNN_OK);
        }
    }
}

static void train(pynn_lanes *g) {
    const pynn_plan *plan = g->like->plan;
    const size_t n_rows = (size_t)plan->n_rows;
    const size_t n_batch = (size_t)plan->batch_size;
    for (int64_t epoch = 0; epoch < plan->n_epochs && g->n_running; epoch++) {
        for (size_t i = 0; i < g->n_lanes; i++) {
            const pynn_plan *of = g->lanes[i].training->plan;
            if (g->lanes[i].runs && of->shuffle) {
                pynn_shuffle(of->order, of->n_rows, of->shuffle);
            }
        }
        for (size_t done = 0; done < n_rows && g->n_running && !g->stopped; done += n_batch) {
            step(g, done, n_rows - done < n_batch ? n_rows - done : n_batch);
        }
        if (g->stopped) { break; }
        end_epoch(g);
    }
    finish_all(g, g->stopped ? PYNN_INTERRUPTED : PYNN_OK);
}

/* Whether all rows of X are finite. */
static int is_input_finite(const pynn_training *training, const pynn_kernels *kernels) {
    const pynn_data *data = training->call->data;
    const int64_t n_in = training->call->network->sizes[0];
    int finite = 1;
    for (int64_t r = 0; r < data->n_rows && !data->checked; r++) {
        const char *x = (const char *)data->x + (ptrdiff_t)r * data->x_strides[0];
        if (data->x_strides[1] == sizeof(real)) {
            finite &= kernels->all_finite((const real *)x, (size_t)n_in);
            continue;
        }
        for (int64_t j = 0; j < n_in; j++, x += data->x_strides[1]) {
            finite &= isfinite(*(const real *)x);
        }
    }
    return finite;
}

int FN(pynn_train_in_lanes)(pynn_training *const *trainings, int n) {
    const pynn_training *like = trainings[0];
    pynn_lanes g = {.kernels = FN(pynn_kernels_in_use)(),
                    .n_layers = (size_t)like->call->network->n_layers,
                    .like = like,
                    .n_running = n,
                    .n_updates = like->state->n_updates};
    g.n_lanes = g.kernels->lanes;
    g.block_units = PYNN_LANE_BYTES / (g.n_lanes * sizeof(real));
    for (size_t i = 0; i < g.n_lanes; i++) {
        const int runs = i < (size_t)n;
        g.lanes[i] = (pynn_lane){.training = trainings[runs ? i : 0], .runs = runs};
        const int is_next =
            i && g.lanes[i].training->call->data->x == trainings[i - 1]->call->data->x;
        if (runs && !is_next && !is_input_finite(trainings[i], g.kernels)) { return 0; }
    }
    char *block = pynn_alloc(lay_out(&g, NULL), 1);
    if (!block) { return 0; }
    lay_out(&g, block);
    for (size_t i = 0; i < g.n_lanes; i++) { fill(&g, i); }
    set_ones(g.x, g.x_row, g.layers->n_in, &g);
    for (size_t l = 0; l < g.n_layers; l++) {
        set_ones(g.layers[l].a, g.layers[l].row, g.layers[l].n_out, &g);
    }
    g.watch = pynn_watch_start(like->call->control);
    train(&g);
    pynn_watch_end(&g.watch);
    pynn_free(block);
    return 1;
}
