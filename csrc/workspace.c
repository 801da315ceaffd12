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
    return ws->kernels->tuned && layer->n_out > 4 * ws->kernels->panel;
}

static void FN(lay_out_columns)(FN(pynn_workspace) * ws, real *arena, size_t *used, int n_threads) {
    const size_t n_in = ws->layers[0].n_in, reals = sizeof(FN(pynn_columns)) / sizeof(real);
    ws->columns = (FN(pynn_columns) *)FN(take)(arena, used, (size_t)n_threads * reals);
    for (int m = 0; m < n_threads; m++) {
        FN(pynn_columns) columns = {.rest = 1};
        columns.marks = (bits_t *)FN(take)(arena, used, n_in);
        columns.merged = (bits_t *)FN(take)(arena, used, n_in);
        columns.list = (uint32_t *)FN(take)(arena, used, n_in);
        if (arena) { ws->columns[m] = columns; }
    }
}

/* Lays the arrays of ws into the arena and returns how many reals they take. */
static size_t FN(lay_out)(FN(pynn_workspace) * ws, real *arena, pynn_purpose purpose,
                          int n_threads) {
    const size_t n = ws->n_chunk, reals_in_double = sizeof(double) / sizeof(real);
    const int learns = purpose != PYNN_PREDICTS;
    size_t used = 0;
    ws->x = FN(take)(arena, &used, n * ws->x_stride);
    FN(lay_out_columns)(ws, arena, &used, n_threads);
    for (int l = 0; l < ws->n_layers; l++) {
        FN(pynn_layer) *layer = &ws->layers[l];
        layer->z = layer->a = FN(take)(arena, &used, n * layer->stride);
        if (learns && FN(keeps_z)(ws->network, l)) {
            layer->z = FN(take)(arena, &used, n * layer->stride);
        }
        if (learns) { layer->delta = FN(take)(arena, &used, n * layer->stride); }
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
        const size_t n_squares = ws->n_parameters / PYNN_SQUARES + (size_t)ws->n_layers;
        ws->squares = (double *)FN(take)(arena, &used, n_squares * reals_in_double);
        ws->zeros = FN(take)(arena, &used, PYNN_GRADIENT_COLUMNS);
        ws->scratch_each += PYNN_GRADIENT_ROWS * PYNN_GRADIENT_COLUMNS + LINE;
    }
    if (ws->keeps_gradient) { ws->gradient = FN(take)(arena, &used, ws->n_parameters); }
    if (ws->goes_beside) { ws->beside = FN(take)(arena, &used, ws->n_parameters); }
    ws->scratch = FN(take)(arena, &used, (size_t)n_threads * ws->scratch_each);
    return used;
}

pynn_status FN(pynn_workspace_new)(FN(pynn_workspace) * ws, const pynn_network *network,
                                   const pynn_data *data, int64_t n_rows, pynn_purpose purpose,
                                   int n_threads, const pynn_control *control) {
    *ws = (FN(pynn_workspace)){
        .network = network,
        .kernels = FN(pynn_kernels_in_use)(),
        .watch = pynn_watch_start(control),
        .n_layers = network->n_layers,
        .checks_input = !data->checked,
        .n_chunk = (size_t)(n_rows < PYNN_CHUNK_ROWS ? n_rows : PYNN_CHUNK_ROWS),
        .x_stride = FN(stride)((size_t)network->sizes[0]),
        .layers = pynn_alloc((size_t)network->n_layers, sizeof(FN(pynn_layer))),
    };
    if (!ws->layers) { return PYNN_NO_MEMORY; }
    for (int l = 0; l < ws->n_layers; l++) {
        FN(pynn_layer) *layer = &ws->layers[l];
        const size_t n_in = (size_t)network->sizes[l], n_out = (size_t)network->sizes[l + 1];
        *layer = (FN(pynn_layer)){.n_in = n_in,
                                  .n_out = n_out,
                                  .stride = FN(stride)(n_out),
                                  .activation = network->activations[l],
                                  .weights = ws->n_parameters,
                                  .biases = ws->n_parameters + n_in * n_out};
        ws->n_parameters = layer->biases + (network->bias ? n_out : 0);
    }
    const int is_long = (double)ws->n_chunk * (double)ws->n_parameters > PYNN_LONG_GRADIENT;
    const int in_chunks = purpose >= PYNN_GRADIENT && (size_t)n_rows > ws->n_chunk;
    ws->goes_beside = purpose == PYNN_DESCENDS && is_long && !in_chunks && ws->kernels->tuned;
    ws->keeps_gradient = in_chunks || (purpose >= PYNN_TRAINS && is_long && !ws->goes_beside);
    const size_t n = FN(lay_out)(ws, NULL, purpose, n_threads);
    ws->arena = pynn_alloc(n, sizeof(real));
    if (!ws->arena) {
        FN(pynn_workspace_free)(ws);
        return PYNN_NO_MEMORY;
    }
    FN(lay_out)(ws, ws->arena, purpose, n_threads);
    if (ws->zeros) { memset(ws->zeros, 0, PYNN_GRADIENT_COLUMNS * sizeof(real)); }
    /* Kernels read the room behind the targets' rows, though nobody reads what they make of it. */
    if (ws->y) {
        memset(ws->y, 0, ws->n_chunk * ws->layers[ws->n_layers - 1].stride * sizeof(real));
    }
    return PYNN_OK;
}

void FN(pynn_workspace_free)(FN(pynn_workspace) * ws) {
    pynn_free(ws->layers);
    pynn_free(ws->arena);
}

real *FN(pynn_pack_of)(const FN(pynn_workspace) * ws, pynn_member member) {
    return ws->scratch + (size_t)member.id * ws->scratch_each;
}

real *FN(pynn_block_of)(const FN(pynn_workspace) * ws, pynn_member member) {
    return FN(pynn_pack_of)(ws, member) + FN(whole_lines)(ws->kernels->pack);
}
