#include "workspace.h"

#include <string.h>

#include "memory.h"

enum { LINE = 64 / sizeof(real) }; /* reals of a cache line */

/* z is read after its activation by some derivatives, and at the output by tied costs. */
static int FN(keeps_z)(const pynn_network *network, int layer) {
    static const int derivative_reads_z[] = {
#define X(name, reads_z, output_only) [PYNN_ACTIVATION_##name] = reads_z,
        PYNN_ACTIVATIONS(X)
#undef X
    };
    if (layer == network->n_layers - 1 && pynn_cost_output(network->cost)) { return 1; }
    return derivative_reads_z[network->activations[layer]];
}

static size_t FN(whole_lines)(size_t n) { return (n + LINE - 1) / LINE * LINE; }

/* Whole cache lines for n columns, and one more where rows would else be a multiple of 2 KB apart:
 * the lines of a column would share a few places of the cache. */
static size_t FN(stride)(size_t n) {
    const size_t stride = FN(whole_lines)(n);
    return stride * sizeof(real) % 2048 ? stride : stride + LINE;
}

/* The next n reals of an arena; arena NULL: only counts. */
static real *FN(take)(real *arena, size_t *used, size_t n) {
    real *taken = arena ? arena + *used : NULL;
    *used += FN(whole_lines)(n);
    return taken;
}

/* The gradient of a wide layer reads each column of its deltas many times: far apart in memory,
 * rows would be fetched anew for every block of weights. */
static int FN(wants_panels)(const FN(pynn_workspace) * ws, const FN(pynn_layer) * layer) {
    const int has_sparse_input = ws->data->starts && layer == ws->layers;
    return ws->kernels->tuned && layer->n_out > 4 * ws->kernels->panel && !has_sparse_input;
}

/* The most entries that any n of the data's sparse rows have: those of the longest. */
static size_t FN(most_entries)(const pynn_data *data, int64_t n) {
    const int64_t *starts = data->starts;
    if (n >= data->n_rows) { return (size_t)starts[data->n_rows]; }
    int64_t low = 0, high = starts[data->n_rows]; /* no more than n rows are longer than high */
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        int64_t n_longer = 0;
        for (int64_t i = 0; i < data->n_rows; i++) {
            n_longer += starts[i + 1] - starts[i] > middle;
        }
        if (n_longer <= n) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    int64_t sum = n * high; /* high for each row, and what the longer ones have beyond it */
    for (int64_t i = 0; i < data->n_rows; i++) {
        const int64_t length = starts[i + 1] - starts[i];
        sum += length > high ? length - high : 0;
    }
    return (size_t)sum;
}

/* The reals that n items of this size take. */
static size_t FN(reals)(size_t n, size_t size) {
    return (n * size + sizeof(real) - 1) / sizeof(real);
}

static void FN(lay_out_sparse_rows)(FN(pynn_workspace) * ws, real *arena, size_t *used,
                                    int transposes, int n_threads) {
    const size_t n = ws->n_entries;
    FN(pynn_transposing) *room = &ws->transposing;
    ws->starts = (int64_t *)FN(take)(arena, used, FN(reals)(ws->n_chunk, sizeof *ws->starts));
    ws->ends = (int64_t *)FN(take)(arena, used, FN(reals)(ws->n_chunk, sizeof *ws->ends));
    if (!transposes) { return; }
    for (int i = 0; i < 2; i++) {
        room->entries[i] =
            (FN(pynn_entry) *)FN(take)(arena, used, FN(reals)(n, sizeof(FN(pynn_entry))));
    }
    room->columns = (uint32_t *)FN(take)(arena, used, FN(reals)(n, sizeof *room->columns));
    room->starts =
        (int64_t *)FN(take)(arena, used, FN(reals)(n + (size_t)n_threads, sizeof *room->starts));
    room->rows = (int32_t *)FN(take)(arena, used, FN(reals)(n, sizeof *room->rows));
    room->values = FN(take)(arena, used, n);
}

static void FN(lay_out_columns)(FN(pynn_workspace) * ws, real *arena, size_t *used, int n_threads) {
    const size_t n_in = ws->data->starts ? 0 : ws->layers[0].n_in;
    const size_t reals = sizeof(FN(pynn_columns)) / sizeof(real);
    ws->columns = (FN(pynn_columns) *)FN(take)(arena, used, (size_t)n_threads * reals);
    for (int m = 0; m < n_threads; m++) {
        FN(pynn_columns) columns = {.rest = 1};
        columns.marks = (bits_t *)FN(take)(arena, used, n_in);
        columns.merged = (bits_t *)FN(take)(arena, used, n_in);
        columns.list = (uint32_t *)FN(take)(arena, used, n_in);
        if (arena) { ws->columns[m] = columns; }
    }
}

static size_t FN(n_pieces)(const FN(pynn_workspace) * ws) {
    size_t n = 0;
    for (int l = 0; l < ws->n_layers; l++) {
        n += ws->layers[l].n_in / PYNN_PIECE_ROWS + 2; /* the last one for the biases */
    }
    return n;
}

/* Lays the arrays of ws into the arena and returns how many reals they take. */
static size_t FN(lay_out)(FN(pynn_workspace) * ws, real *arena, pynn_purpose purpose,
                          int n_threads) {
    const size_t n = ws->n_chunk, reals_in_double = sizeof(double) / sizeof(real);
    const int learns = purpose != PYNN_PREDICTS;
    const int traces = purpose == PYNN_TRACES || purpose == PYNN_TRACES_INPUT;
    size_t used = 0;
    if (ws->data->starts) {
        FN(lay_out_sparse_rows)(ws, arena, &used, purpose >= PYNN_GRADIENT, n_threads);
    } else {
        ws->x = FN(take)(arena, &used, n * ws->x_stride);
    }
    FN(lay_out_columns)(ws, arena, &used, n_threads);
    for (int l = 0; l < ws->n_layers; l++) {
        FN(pynn_layer) *layer = &ws->layers[l];
        layer->z = layer->a = FN(take)(arena, &used, n * layer->stride);
        if (traces || (learns && FN(keeps_z)(ws->network, l))) {
            layer->z = FN(take)(arena, &used, n * layer->stride);
        }
        layer->out = layer->a;
        if (layer->dropout > 0) { layer->out = FN(take)(arena, &used, n * layer->stride); }
        if (learns) { layer->delta = layer->da = FN(take)(arena, &used, n * layer->stride); }
        if (traces) { layer->da = FN(take)(arena, &used, n * layer->stride); }
        if (learns && FN(wants_panels)(ws, layer)) {
            const size_t panel = ws->kernels->panel;
            layer->panels = FN(take)(arena, &used, (layer->n_out + panel - 1) / panel * panel * n);
        }
    }
    ws->scratch_each = FN(whole_lines)(ws->kernels->pack);
    if (learns) {
        ws->y = FN(take)(arena, &used, n * ws->layers[ws->n_layers - 1].stride);
        ws->row_scales = FN(take)(arena, &used, n);
        ws->row_costs = (double *)FN(take)(arena, &used, n * reals_in_double);
        ws->pieces = (double *)FN(take)(arena, &used, FN(n_pieces)(ws) * reals_in_double);
        ws->zeros = FN(take)(arena, &used, PYNN_BLOCK_COLUMNS);
        ws->scratch_each += PYNN_GRADIENT_ROWS * PYNN_GRADIENT_COLUMNS + LINE;
    }
    if (purpose == PYNN_TRACES_INPUT) { ws->dx = FN(take)(arena, &used, n * ws->x_stride); }
    if (ws->keeps_gradient) { ws->gradient = FN(take)(arena, &used, ws->n_parameters); }
    for (size_t i = 0; i < ws->n_padded; i++) {
        ws->padded[i] = FN(take)(arena, &used, ws->n_parameters);
    }
    if (ws->goes_beside) { ws->beside = FN(take)(arena, &used, ws->n_parameters); }
    ws->scratch = FN(take)(arena, &used, (size_t)n_threads * ws->scratch_each);
    return used;
}

/* Rows of weights whose length divides a cache line's, or is a multiple of it. */
static size_t FN(padded)(size_t n) {
    size_t stride = 1;
    while (stride < n && stride < LINE) { stride *= 2; }
    return n > LINE ? FN(whole_lines)(n) : stride;
}

/* Where each layer's weights and biases lie; returns whether there is any padding. */
static int FN(place_parameters)(FN(pynn_workspace) * ws, int pads) {
    int has_padding = 0;
    ws->n_parameters = 0;
    for (int l = 0; l < ws->n_layers; l++) {
        FN(pynn_layer) *layer = &ws->layers[l];
        layer->w_stride = pads ? FN(padded)(layer->n_out) : layer->n_out;
        const size_t n_weights = layer->n_in * layer->w_stride;
        const size_t n_biases = ws->network->bias ? layer->n_out : 0;
        layer->weights = ws->n_parameters;
        layer->biases = layer->weights + (pads ? FN(whole_lines)(n_weights) : n_weights);
        ws->n_parameters = layer->biases + (pads ? FN(whole_lines)(n_biases) : n_biases);
        has_padding |= layer->w_stride != layer->n_out;
    }
    return has_padding;
}

/* Padded parameters, if they are worth being copied; else as they are given. */
static void FN(plan_parameters)(FN(pynn_workspace) * ws, double n_steps, pynn_purpose purpose) {
    const size_t n_arrays = purpose == PYNN_DESCENDS ? 1 : 3; /* at most */
    ws->n_padded = 0;
    if (purpose >= PYNN_TRAINS && ws->kernels->tuned && n_steps >= PYNN_PADDED_STEPS &&
        FN(place_parameters)(ws, 1) &&
        n_arrays * ws->n_parameters * sizeof(real) <= PYNN_PADDED_BYTES) {
        ws->n_padded = n_arrays;
        return;
    }
    FN(place_parameters)(ws, 0);
}

static void FN(plan_layers)(FN(pynn_workspace) * ws) {
    const pynn_network *network = ws->network;
    const double *dropout = ws->regularisation ? ws->regularisation->dropout : NULL;
    for (int l = 0; l < ws->n_layers; l++) {
        const int is_output = l == ws->n_layers - 1;
        const size_t n_out = (size_t)network->sizes[l + 1];
        ws->layers[l] = (FN(pynn_layer)){.n_in = (size_t)network->sizes[l],
                                         .n_out = n_out,
                                         .stride = FN(stride)(n_out),
                                         .activation = network->activations[l],
                                         .dropout = dropout && !is_output ? dropout[l] : 0};
    }
}

/* What kernels may read of it before it is written, though nobody reads what they make of it. */
static void FN(clear)(FN(pynn_workspace) * ws) {
    if (ws->zeros) { memset(ws->zeros, 0, PYNN_BLOCK_COLUMNS * sizeof(real)); }
    if (ws->y) {
        memset(ws->y, 0, ws->n_chunk * ws->layers[ws->n_layers - 1].stride * sizeof(real));
    }
    if (ws->gradient && ws->n_padded) { memset(ws->gradient, 0, ws->n_parameters * sizeof(real)); }
}

/* Multiply-adds of the gradient of a chunk. */
static double FN(gradient_work)(const FN(pynn_workspace) * ws) {
    const FN(pynn_layer) *first = &ws->layers[0];
    const double all = (double)ws->n_chunk * (double)ws->n_parameters;
    if (!ws->data->starts) { return all; }
    const double missing = (double)ws->n_chunk * (double)first->n_in - (double)ws->n_entries;
    return all - missing * (double)first->n_out;
}

pynn_status FN(pynn_workspace_new)(FN(pynn_workspace) * ws, const pynn_network *network,
                                   const pynn_data *data, const pynn_regularisation *regularisation,
                                   int64_t n_rows, double n_steps, pynn_purpose purpose,
                                   int n_threads, const pynn_control *control) {
    *ws = (FN(pynn_workspace)){
        .network = network,
        .data = data,
        .regularisation = regularisation,
        .kernels = FN(pynn_kernels_in_use)(),
        .watch = pynn_watch_start(control),
        .n_layers = network->n_layers,
        .checks_input = !data->checked,
        .n_chunk = (size_t)(n_rows < PYNN_CHUNK_ROWS ? n_rows : PYNN_CHUNK_ROWS),
        .x_stride = FN(stride)((size_t)network->sizes[0]),
        .layers = pynn_alloc((size_t)network->n_layers, sizeof(FN(pynn_layer))),
    };
    if (!ws->layers) { return PYNN_NO_MEMORY; }
    FN(plan_layers)(ws);
    FN(plan_parameters)(ws, n_steps, purpose);
    for (int l = 0; l < ws->n_layers && regularisation; l++) {
        ws->penalises |= regularisation->penalty.l2[l] != 0 || regularisation->penalty.l1[l] != 0;
    }
    if (data->starts && purpose >= PYNN_GRADIENT) {
        ws->n_entries = FN(most_entries)(data, (int64_t)ws->n_chunk);
    }
    const int is_long = FN(gradient_work)(ws) > PYNN_LONG_GRADIENT;
    const int in_chunks = purpose >= PYNN_GRADIENT && (size_t)n_rows > ws->n_chunk;
    const int clips = purpose >= PYNN_TRAINS && regularisation->clip_norm < INFINITY;
    ws->goes_beside = purpose == PYNN_DESCENDS && is_long && !in_chunks && !clips &&
                      ws->kernels->tuned &&
                      !data->starts; /* weights of inputs that no row has would not be there */
    ws->keeps_gradient =
        in_chunks || clips || (purpose >= PYNN_TRAINS && is_long && !ws->goes_beside);
    const size_t n = FN(lay_out)(ws, NULL, purpose, n_threads);
    ws->arena = pynn_alloc(n, sizeof(real));
    if (!ws->arena) {
        FN(pynn_workspace_free)(ws);
        return PYNN_NO_MEMORY;
    }
    FN(lay_out)(ws, ws->arena, purpose, n_threads);
    FN(clear)(ws);
    return PYNN_OK;
}

/* From one layout to the other. As they are given, parameters lie one layer behind the other, each
 * weights, then biases. */
static void FN(copy_parameters)(real *to, const real *from, const FN(pynn_workspace) * ws,
                                int pads) {
    size_t dense = 0;
    for (int l = 0; l < ws->n_layers; l++) {
        const FN(pynn_layer) *layer = &ws->layers[l];
        const size_t n = layer->n_out, n_rows = layer->n_in + (ws->network->bias ? 1 : 0);
        for (size_t i = 0; i < n_rows; i++, dense += n) {
            const size_t padded =
                i < layer->n_in ? layer->weights + i * layer->w_stride : layer->biases;
            memcpy(to + (pads ? padded : dense), from + (pads ? dense : padded), n * sizeof(real));
        }
    }
}

void FN(pynn_pad)(real *padded, const real *dense, const FN(pynn_workspace) * ws) {
    memset(padded, 0, ws->n_parameters * sizeof(real));
    FN(copy_parameters)(padded, dense, ws, 1);
}

void FN(pynn_unpad)(real *dense, const real *padded, const FN(pynn_workspace) * ws) {
    FN(copy_parameters)(dense, padded, ws, 0);
}

void FN(pynn_workspace_free)(FN(pynn_workspace) * ws) {
    pynn_watch_end(&ws->watch);
    pynn_free(ws->layers);
    pynn_free(ws->arena);
}

real *FN(pynn_pack_of)(const FN(pynn_workspace) * ws, pynn_member member) {
    return ws->scratch + (size_t)member.id * ws->scratch_each;
}

real *FN(pynn_block_of)(const FN(pynn_workspace) * ws, pynn_member member) {
    return FN(pynn_pack_of)(ws, member) + FN(whole_lines)(ws->kernels->pack);
}
