#include "workspace.h"

#include <string.h>

#include "blas.h"
#include "memory.h"

enum { LINE = 64 / sizeof(real) }; /* reals per cache line */

/* Some derivatives read z, and tied costs read z of the output layer. */
static int keeps_z(const pynn_network *network, int layer) {
    if (layer == network->n_layers - 1 && pynn_cost_output(network->cost)) { return 1; }
    return pynn_reads_z(network->activations[layer]);
}

static size_t whole_lines(size_t n) { return (n + LINE - 1) / LINE * LINE; }

/* Row stride for n columns: whole vectors below a cache line, otherwise whole cache lines. If rows
 * would be a multiple of 2 KB apart, one line is added, because the lines of a column would compete
 * for a few sets of the cache. */
static size_t stride_of(const pynn_kernels *kernels, size_t n) {
    if (n < LINE) { return (n + kernels->lanes - 1) / kernels->lanes * kernels->lanes; }
    const size_t stride = whole_lines(n);
    return stride * sizeof(real) % 2048 ? stride : stride + LINE;
}

/* Take the next n reals of an arena. arena NULL: only count them. */
static real *take(real *arena, size_t *used, size_t n) {
    real *taken = arena ? arena + *used : NULL;
    *used += whole_lines(n);
    if (arena) { pynn_guard(arena + *used); }
    *used += PYNN_GAP / sizeof(real);
    return taken;
}

static int is_wide(const pynn_workspace *ws, size_t n) {
    return ws->tuned && n > 4 * ws->kernels->panel;
}

/* Wide layers are stored in panels, and so are their weights during training: products read each
 * column of a block of rows many times, and would fetch it again each time if rows were far apart.
 * For a single row, panels make no difference. */
static int wants_panels(const pynn_workspace *ws, const pynn_layer *layer, size_t n_rows) {
    const int has_sparse_input = ws->data->starts && layer == ws->layers;
    return is_wide(ws, layer->n_out) && n_rows > 1 && !has_sparse_input;
}

static size_t whole_panels(const pynn_workspace *ws, size_t n) {
    return (n + ws->kernels->panel - 1) / ws->kernels->panel * ws->kernels->panel;
}

/* Layout of a matrix of n columns in rows. */
static pynn_layout in_rows(const pynn_workspace *ws, size_t n) {
    return (pynn_layout){stride_of(ws->kernels, n), ws->kernels->panel};
}

/* Layout of a matrix in panels, spaced so that neighbouring panels do not compete for cache
 * sets. */
static pynn_layout in_panels(const pynn_workspace *ws, size_t n_rows) {
    const size_t panel = ws->kernels->panel;
    return (pynn_layout){panel, stride_of(ws->kernels, n_rows * panel)};
}

/* Number of reals of a matrix (n_rows, n), including padding. */
static size_t reals_of(const pynn_workspace *ws, pynn_layout layout, size_t n_rows, size_t n) {
    if (!pynn_in_panels(ws, layout)) { return n_rows * layout.row; }
    return whole_panels(ws, n) / ws->kernels->panel * layout.panel;
}

/* Softmax and costs need whole rows of the output, a trace needs whole rows of all layers. */
static void plan_layouts(pynn_workspace *ws, size_t n_rows) {
    const pynn_layer *first = &ws->layers[0];
    const int learns = ws->purpose >= PYNN_GRADIENT;
    for (int l = 0; l < ws->n_layers; l++) {
        pynn_layer *layer = &ws->layers[l];
        const int is_output = l == ws->n_layers - 1, panels = wants_panels(ws, layer, n_rows);
        layer->layout = in_rows(ws, layer->n_out);
        if (panels && !is_output && ws->purpose != PYNN_TRACES) {
            layer->layout = in_panels(ws, n_rows);
        }
        if (panels && is_output && learns) { layer->panels_apart = in_panels(ws, n_rows).panel; }
    }
    const int is_long = first->n_in * sizeof(real) > PYNN_LONG_ROW &&
                        first->n_out >= PYNN_PANELS_OF_LONG * ws->kernels->panel;
    const int panels = ws->n_chunk * ws->n_members >= PYNN_ROWS_IN_PANELS &&
                       is_wide(ws, first->n_in) && (learns || is_long) &&
                       ws->purpose != PYNN_TRACES;
    const pynn_layout rows = in_rows(ws, first->n_in);
    const pynn_layout read = panels ? in_panels(ws, n_rows) : rows; /* layout that products read */
    ws->scaled_layout = ws->network->members ? rows : read;
    ws->x_layout = ws->scale.n_rows ? rows : ws->scaled_layout;
    if (ws->network->n_embeddings) { ws->x_layout = in_rows(ws, ws->n_columns); }
    ws->input_layout = read;
    ws->dx_stride = rows.row;
}

/* Maximum number of entries in any n of the data's sparse rows, that is, in the n longest. */
static size_t most_entries(const pynn_data *data, int64_t n) {
    const int64_t *starts = data->starts;
    if (n >= data->n_rows) { return (size_t)data->n_entries; }
    int64_t low = 0, high = data->n_entries; /* at most n rows are longer than high */
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
    int64_t sum = n * high; /* high for each row, plus the excess of longer rows */
    for (int64_t i = 0; i < data->n_rows; i++) {
        const int64_t length = starts[i + 1] - starts[i];
        sum += length > high ? length - high : 0;
    }
    const int is_possible = sum >= 0 && sum <= data->n_entries; /* another thread may write */
    return (size_t)(is_possible ? sum : data->n_entries);
}

/* Number of reals that n items of this size occupy. */
static size_t reals(size_t n, size_t size) { return (n * size + sizeof(real) - 1) / sizeof(real); }

static void lay_out_sparse_rows(pynn_workspace *ws, real *arena, size_t *used, size_t n_rows,
                                int n_threads) {
    const size_t n = ws->n_entries;
    pynn_transposing *room = &ws->transposing;
    ws->starts = (int64_t *)take(arena, used, reals(n_rows, sizeof *ws->starts));
    ws->ends = (int64_t *)take(arena, used, reals(n_rows, sizeof *ws->ends));
    if (ws->purpose < PYNN_GRADIENT) { return; }
    for (int i = 0; i < 2; i++) {
        room->entries[i] = (pynn_entry *)take(arena, used, reals(n, sizeof(pynn_entry)));
    }
    room->columns = (uint32_t *)take(arena, used, reals(n, sizeof *room->columns));
    room->starts = (int64_t *)take(arena, used, reals(n + (size_t)n_threads, sizeof *room->starts));
    room->rows = (int32_t *)take(arena, used, reals(n, sizeof *room->rows));
    room->values = take(arena, used, n);
}

static void lay_out_columns(pynn_workspace *ws, real *arena, size_t *used, int n_threads) {
    const size_t n = ws->data->starts ? 0 : ws->n_columns;
    const size_t reals = sizeof(pynn_columns) / sizeof(real);
    ws->columns = (pynn_columns *)take(arena, used, (size_t)n_threads * reals);
    for (int m = 0; m < n_threads; m++) {
        pynn_columns columns = {.rest = 1};
        columns.marks = (bits_t *)take(arena, used, n);
        columns.merged = (bits_t *)take(arena, used, n);
        columns.list = (uint32_t *)take(arena, used, n);
        columns.row = take(arena, used, n + LINE);
        if (arena) { ws->columns[m] = columns; }
    }
}

static size_t n_pieces(const pynn_workspace *ws) {
    size_t n = PYNN_N_INPUT_GROUPS; /* each of them is one row */
    for (int l = 0; l < ws->n_layers; l++) {
        for (int k = 0; k < PYNN_N_GROUPS; k++) {
            n += ws->layers[l].groups[k].n_rows / PYNN_PIECE_ROWS + 1;
        }
    }
    return n;
}

/* Lay out a layer's input of each member, and the gradients of the members' own parameters.
 * Predictions multiply the outputs of the layer before in place, unless they are read again. */
static void lay_out_members(pynn_workspace *ws, real *arena, size_t *used, size_t n_rows, int l) {
    pynn_layer *layer = &ws->layers[l];
    const int learns = ws->purpose != PYNN_PREDICTS;
    const size_t k = ws->n_members, n_in = layer->n_in;
    const size_t row_in = pynn_whole_vectors(ws, n_in), row = pynn_whole_vectors(ws, layer->n_out);
    if (layer->r.n_rows) {
        const pynn_layout layout = l ? layer[-1].layout : ws->input_layout;
        const int in_place = l && !learns && !layer->is_residual;
        layer->in =
            in_place ? layer[-1].out : take(arena, used, reals_of(ws, layout, n_rows, n_in));
        layer->d_r = learns ? take(arena, used, k * row_in) : NULL;
        layer->d_s = learns ? take(arena, used, k * row) : NULL;
    }
    layer->d_biases = learns ? take(arena, used, k * row) : NULL;
}

/* Lay out the arrays of each layer. */
static void lay_out_layers(pynn_workspace *ws, real *arena, size_t *used, size_t n) {
    const int learns = ws->purpose != PYNN_PREDICTS, traces = ws->purpose == PYNN_TRACES;
    for (int l = 0; l < ws->n_layers; l++) {
        pynn_layer *layer = &ws->layers[l];
        const size_t reals = reals_of(ws, layer->layout, n, layer->n_out);
        layer->z = layer->a = take(arena, used, reals);
        const int is_parametric = layer->alphas.n_rows != 0;
        if (traces || is_parametric || (learns && keeps_z(ws->network, l))) {
            layer->z = take(arena, used, reals);
        }
        layer->sums = layer->z;
        if (learns && (layer->norm || layer->s.n_rows)) { layer->sums = take(arena, used, reals); }
        if (layer->norm == PYNN_LAYER_NORM) { layer->scales = take(arena, used, n); }
        if (ws->purpose == PYNN_TRAINS && layer->norm == PYNN_BATCH_NORM) {
            layer->batch_means = take(arena, used, layer->n_out);
            layer->batch_variances = take(arena, used, layer->n_out);
        }
        layer->out = layer->a;
        if (layer->dropout > 0 || (learns && (layer->is_residual || is_parametric))) {
            layer->out = take(arena, used, reals);
        }
        if (learns) { layer->delta = layer->da = take(arena, used, reals); }
        if (traces || (learns && layer->is_residual)) { layer->da = take(arena, used, reals); }
        layer->dz = layer->delta;
        if (learns && layer->norm) { layer->dz = take(arena, used, reals); }
        if (learns && is_parametric) { layer->dblend = take(arena, used, reals); }
        if (layer->panels_apart) {
            const size_t n_panels = whole_panels(ws, layer->n_out) / ws->kernels->panel;
            layer->panels = take(arena, used, n_panels * layer->panels_apart);
        }
        if (ws->network->members) { lay_out_members(ws, arena, used, n, l); }
    }
}

/* Whether products read embedded rows in panels, which no input scale writes. */
static int packs_embedded(const pynn_workspace *ws) {
    return ws->network->n_embeddings && !ws->scale.n_rows && pynn_in_panels(ws, ws->scaled_layout);
}

/* Lay out the arrays of embeddings. */
static void lay_out_embedded(pynn_workspace *ws, real *arena, size_t *used, size_t n_rows,
                             int n_threads) {
    const pynn_network *network = ws->network;
    if (!network->n_embeddings) { return; }
    ws->embedded = take(arena, used, n_rows * ws->dx_stride);
    for (int k = 0; k < network->n_embeddings; k++) {
        const size_t room = whole_lines(pynn_embedding_room(&network->embeddings[k]));
        if (room > ws->room_each) { ws->room_each = room; }
    }
    ws->rooms = take(arena, used, (size_t)n_threads * ws->room_each);
    if (ws->purpose >= PYNN_GRADIENT && ws->embeddings.n) {
        ws->d_embeddings = take(arena, used, ws->embeddings.n);
    }
}

/* Lay out the derivatives by the first layer's input, by embedded rows and by x. */
static void lay_out_dx(pynn_workspace *ws, real *arena, size_t *used, size_t n_rows) {
    const int has_embeddings = ws->network->n_embeddings != 0;
    const int scales_apart = has_embeddings && ws->scale.n_rows;
    ws->dx = ws->d_embedded = take(arena, used, n_rows * ws->dx_stride);
    if (scales_apart) { ws->d_embedded = take(arena, used, n_rows * ws->dx_stride); }
    ws->d_columns = ws->d_embedded;
    if (has_embeddings && ws->purpose == PYNN_TRACES) {
        ws->d_columns = take(arena, used, n_rows * ws->n_columns);
    }
}

/* Size a member's scratch memory, for packed panels and a block of a gradient. */
static void plan_scratch(pynn_workspace *ws) {
    size_t deepest = ws->n_chunk * ws->n_members, widest = ws->wants_dx ? ws->layers[0].n_in : 1;
    for (int l = 0; l < ws->n_layers; l++) {
        const pynn_layer *layer = &ws->layers[l];
        if (layer->n_in > deepest) { deepest = layer->n_in; }
        if (layer->n_out > deepest) { deepest = layer->n_out; }
        if (layer->n_out > widest) { widest = layer->n_out; }
    }
    if (deepest > ws->kernels->block_depth) { deepest = ws->kernels->block_depth; }
    if (widest > ws->kernels->block_columns) { widest = ws->kernels->block_columns; }
    ws->pack_reals = whole_lines(deepest * whole_panels(ws, widest));
    ws->scratch_each = ws->pack_reals;
    if (ws->purpose >= PYNN_GRADIENT) {
        const pynn_kernels *kernels = ws->kernels;
        ws->scratch_each += whole_lines(kernels->gradient_rows * kernels->gradient_columns + LINE);
    }
}

/* Rows of data. In predictions, each thread has its own. */
static size_t rows_of(const pynn_workspace *ws, int n_threads) {
    return ws->n_chunk * (ws->purpose == PYNN_PREDICTS ? (size_t)n_threads : 1);
}

/* Lay out the arrays of ws in the arena. Returns how many reals they take. */
static size_t lay_out(pynn_workspace *ws, real *arena, int n_threads) {
    const size_t reals_in_double = sizeof(double) / sizeof(real);
    const int learns = ws->purpose != PYNN_PREDICTS;
    const size_t n = rows_of(ws, n_threads), n_in = ws->layers[0].n_in;
    const size_t n_rows = n * ws->n_members; /* between layers */
    size_t used = 0;
    ws->programs = take(arena, &used, reals((size_t)n_threads, ws->program_bytes));
    if (ws->data->starts) {
        lay_out_sparse_rows(ws, arena, &used, n, n_threads);
    } else {
        ws->x = take(arena, &used, reals_of(ws, ws->x_layout, n, ws->n_columns));
    }
    lay_out_embedded(ws, arena, &used, n, n_threads);
    if (ws->scale.n_rows || packs_embedded(ws)) {
        ws->scaled = take(arena, &used, reals_of(ws, ws->scaled_layout, n, n_in));
    }
    lay_out_columns(ws, arena, &used, n_threads);
    lay_out_layers(ws, arena, &used, n_rows);
    if (learns) {
        ws->y = take(arena, &used, n_rows * ws->layers[ws->n_layers - 1].layout.row);
        ws->row_scales = take(arena, &used, n_rows);
        ws->row_costs = (double *)take(arena, &used, n_rows * reals_in_double);
        ws->pieces = (double *)take(arena, &used, n_pieces(ws) * reals_in_double);
        ws->zeros = take(arena, &used, ws->kernels->block_columns);
    }
    if (ws->wants_dx) { lay_out_dx(ws, arena, &used, n_rows); }
    if (ws->keeps_gradient) { ws->gradient = take(arena, &used, ws->n_parameters); }
    for (size_t i = 0; i < ws->n_padded; i++) {
        ws->padded[i] = take(arena, &used, ws->n_parameters);
    }
    if (ws->has_shadow) { ws->shadow = take(arena, &used, ws->n_parameters); }
    ws->scratch = take(arena, &used, (size_t)n_threads * ws->scratch_each);
    return used;
}

/* Padded length of a row of n weights: a divisor or a multiple of a cache line. */
static size_t padded(size_t n) {
    size_t stride = 1;
    while (stride < n && stride < LINE) { stride *= 2; }
    return n > LINE ? whole_lines(n) : stride;
}

/* Place a group at *end, which becomes its own end. */
static void place(pynn_group *group, size_t *end, const pynn_workspace *ws, int pads) {
    const size_t n_reals = reals_of(ws, group->layout, group->n_rows, group->n);
    group->at = *end;
    *end += pads ? whole_lines(n_reals) : n_reals;
}

/* Set the layout of all parameters. Returns whether it differs from the caller's dense layout. */
static int place_parameters(pynn_workspace *ws, int pads) {
    const size_t panel = ws->kernels->panel;
    int moves = 0;
    ws->n_parameters = 0;
    for (int k = 0; k < PYNN_N_INPUT_GROUPS; k++) {
        place(&ws->input_groups[k], &ws->n_parameters, ws, pads);
    }
    for (int l = 0; l < ws->n_layers; l++) {
        pynn_layer *layer = &ws->layers[l];
        layer->weights.layout.row = pads ? padded(layer->n_out) : layer->n_out;
        if (pads && wants_panels(ws, layer, layer->n_in)) {
            layer->weights.layout = (pynn_layout){panel, layer->weights.n_rows * panel};
        }
        for (int k = 0; k < PYNN_N_GROUPS; k++) {
            place(&layer->groups[k], &ws->n_parameters, ws, pads);
        }
        layer->trained_end = layer->means.at;
        layer->end = ws->n_parameters;
        moves |= layer->weights.layout.row != layer->n_out;
    }
    return moves;
}

/* Pad the parameters if this is worth the copies; otherwise use the caller's layout. */
static void plan_parameters(pynn_workspace *ws, const pynn_needs *needs) {
    const int trains = ws->purpose == PYNN_TRAINS;
    const size_t n_arrays = trains ? 1 + (size_t)needs->n_beside : 1;
    const int is_worth =
        trains ? needs->n_steps >= PYNN_PADDED_STEPS
               : ws->purpose == PYNN_PREDICTS && needs->n_rows >= PYNN_PADDED_PREDICTIONS;
    ws->n_padded = 0;
    if (is_worth && ws->tuned && place_parameters(ws, 1) &&
        n_arrays * ws->n_parameters * sizeof(real) <= PYNN_PADDED_BYTES) {
        ws->n_padded = n_arrays;
        return;
    }
    place_parameters(ws, 0);
}

/* A group in rows; place_parameters sets its offset. */
static pynn_group group_of(const pynn_workspace *ws, size_t n_rows, size_t n) {
    return (pynn_group){n_rows, n, 0, {n, ws->kernels->panel}};
}

static void plan_layers(pynn_workspace *ws) {
    const pynn_network *network = ws->network;
    const double *dropout = ws->regularisation ? ws->regularisation->dropout : NULL;
    size_t n_in = ws->n_columns = (size_t)network->sizes[0], n_of_embeddings = 0;
    for (int k = 0; k < network->n_embeddings; k++) {
        const pynn_embedding *e = &network->embeddings[k];
        n_in += (size_t)e->size - 1;
        n_of_embeddings += (size_t)pynn_embedding_parameters(e);
    }
    ws->embeddings = group_of(ws, n_of_embeddings > 0, n_of_embeddings);
    ws->scale = group_of(ws, network->input_scale != 0, n_in);
    for (int l = 0; l < ws->n_layers; l++) {
        const int is_output = l == ws->n_layers - 1;
        const int is_parametric = network->parametric && network->parametric[l];
        const pynn_norm norm = network->norms ? (pynn_norm)network->norms[l] : PYNN_NO_NORM;
        const size_t k = (size_t)network->members, in_hidden = is_output ? 0 : k;
        const size_t n_heads = is_output && k ? k : 1, n_biases = k ? k : 1;
        const size_t n_out = (size_t)network->sizes[l + 1];
        ws->layers[l] = (pynn_layer){.n_in = n_in,
                                     .n_out = n_out,
                                     .n_heads = n_heads,
                                     .weights = group_of(ws, n_heads * n_in, n_out),
                                     .biases = group_of(ws, network->bias ? n_biases : 0, n_out),
                                     .gains = group_of(ws, norm != PYNN_NO_NORM, n_out),
                                     .alphas = group_of(ws, is_parametric, n_out),
                                     .r = group_of(ws, in_hidden, n_in),
                                     .s = group_of(ws, in_hidden, n_out),
                                     .means = group_of(ws, norm == PYNN_BATCH_NORM, n_out),
                                     .variances = group_of(ws, norm == PYNN_BATCH_NORM, n_out),
                                     .activation = network->activations[l],
                                     .parameter = (real)network->activation_parameters[l],
                                     .is_residual = network->residual && network->residual[l],
                                     .norm = norm,
                                     .dropout = dropout && !is_output ? dropout[l] : 0};
        n_in = n_out;
        ws->has_batch_norm |= norm == PYNN_BATCH_NORM;
    }
}

/* Clear ws->zeros, and arrays whose padding kernels may read before it is written. Results from
 * this padding are unused. */
static void clear(pynn_workspace *ws) {
    if (ws->zeros) { memset(ws->zeros, 0, ws->kernels->block_columns * sizeof(real)); }
    if (ws->y) {
        const size_t n_rows = ws->n_chunk * ws->n_members;
        memset(ws->y, 0, n_rows * ws->layers[ws->n_layers - 1].layout.row * sizeof(real));
    }
    if (ws->gradient && ws->n_padded) { memset(ws->gradient, 0, ws->n_parameters * sizeof(real)); }
}

/* Multiply-adds of the gradient of a chunk. */
static double gradient_work(const pynn_workspace *ws) {
    const pynn_layer *first = &ws->layers[0];
    const double n_products = (double)(ws->n_parameters - ws->embeddings.n);
    const double all = (double)(ws->n_chunk * ws->n_members) * n_products;
    if (!ws->data->starts) { return all; }
    const double missing = (double)ws->n_chunk * (double)first->n_in - (double)ws->n_entries;
    return all - missing * (double)first->n_out;
}

/* Decide whether updates need a whole gradient or a shadow. */
static void plan_updates(pynn_workspace *ws, const pynn_needs *needs) {
    const int trains = ws->purpose == PYNN_TRAINS;
    const int is_long = gradient_work(ws) > PYNN_LONG_GRADIENT;
    const int in_chunks = ws->purpose >= PYNN_GRADIENT && (size_t)needs->n_rows > ws->n_chunk;
    const int clips = trains && ws->regularisation->clip_norm < INFINITY;
    ws->has_shadow = needs->descends && is_long && !in_chunks && !clips && ws->tuned &&
                     !ws->scale.n_rows && !ws->embeddings.n_rows && !ws->network->members &&
                     !ws->data->starts; /* weights of unused inputs would be missing from it */
    ws->keeps_gradient = in_chunks || clips || (trains && is_long && !ws->has_shadow);
}

/* Number of rows of data of a chunk. The mean and variance of a batch are those of all its rows. */
static size_t chunk_rows(const pynn_workspace *ws, int64_t n_rows) {
    const int is_shared = ws->network->members != 0;
    size_t most = is_shared ? PYNN_CHUNK_ROWS_OF_MEMBERS : PYNN_CHUNK_ROWS;
    if (ws->purpose == PYNN_TRAINS && ws->has_batch_norm) { return (size_t)n_rows; }
    if (ws->purpose == PYNN_PREDICTS && ws->tuned) {
        const int is_large = ws->n_parameters * sizeof(real) > PYNN_LARGE_BYTES;
        most = is_large ? PYNN_PREDICTED_ROWS_OF_LARGE : PYNN_PREDICTED_ROWS;
    }
    if (is_shared) {
        most /= ws->n_members;
        if (most < PYNN_ROWS_OF_MEMBER) { most = PYNN_ROWS_OF_MEMBER; }
    }
    return (size_t)n_rows < most ? (size_t)n_rows : most;
}

/* Whether dC/dx is computed: for the gradient of what comes before the first layer, or of its r. */
static int reads_dx(const pynn_workspace *ws, const pynn_needs *needs) {
    const pynn_network *network = ws->network;
    if (needs->wants_dx) { return 1; }
    const unsigned char *frozen = needs->regularisation ? needs->regularisation->frozen : NULL;
    const int trains_r = network->members && !(ws->purpose == PYNN_TRAINS && frozen && frozen[0]);
    const int has_input_groups = ws->embeddings.n_rows || ws->scale.n_rows;
    return ws->purpose >= PYNN_GRADIENT && (has_input_groups || trains_r);
}

pynn_status FN(pynn_workspace_new)(pynn_workspace *ws, const pynn_call *call,
                                   const pynn_needs *needs, size_t program_bytes) {
    const pynn_network *network = call->network;
    const pynn_regularisation *regularisation = needs->regularisation;
    const pynn_kernels *kernels = FN(pynn_kernels_in_use)();
    *ws = (pynn_workspace){
        .purpose = needs->purpose,
        .program_bytes = program_bytes,
        .network = network,
        .data = call->data,
        .regularisation = regularisation,
        .kernels = kernels,
        .tuned = kernels->tuned && !pynn_blas_is_forced(),
        .watch = pynn_watch_start(call->control),
        .n_layers = network->n_layers,
        .checks_input = !call->data->checked,
        .members_apart = call->members_apart,
        .n_members = network->members ? (size_t)network->members : 1,
        .layers = pynn_alloc((size_t)network->n_layers, sizeof(pynn_layer)),
    };
    if (!ws->layers) { return PYNN_NO_MEMORY; }
    while (((size_t)1 << ws->panel_bits) < kernels->panel) { ws->panel_bits++; }
    plan_layers(ws);
    ws->wants_dx = reads_dx(ws, needs);
    plan_parameters(ws, needs);
    ws->n_chunk = chunk_rows(ws, needs->n_rows);
    for (int l = 0; l < ws->n_layers && regularisation; l++) {
        ws->penalises |= regularisation->penalty.l2[l] != 0 || regularisation->penalty.l1[l] != 0;
    }
    if (ws->data->starts && ws->purpose >= PYNN_GRADIENT) {
        ws->n_entries = most_entries(ws->data, (int64_t)ws->n_chunk);
    }
    plan_layouts(ws, rows_of(ws, call->n_threads) * ws->n_members);
    plan_updates(ws, needs);
    ws->descends = needs->descends && ws->tuned && !ws->keeps_gradient;
    plan_scratch(ws);
    ws->session = call->session;
    ws->arena = pynn_session_take(ws->session, lay_out(ws, NULL, call->n_threads), sizeof(real));
    if (!ws->arena) {
        FN(pynn_workspace_free)(ws);
        return PYNN_NO_MEMORY;
    }
    lay_out(ws, ws->arena, call->n_threads);
    clear(ws);
    return PYNN_OK;
}

/* Copy a group from the layout of ws to the dense one, or back if `pads`. Returns its end in the
 * dense array. */
static size_t copy_group(real *to, const real *from, size_t dense, const pynn_workspace *ws,
                         const pynn_group *group, int pads) {
    const size_t together = pynn_together(ws, group->layout);
    for (size_t i = 0; i < group->n_rows; i++) {
        for (size_t j = 0, n; j < group->n; j += n, dense += n) {
            const size_t padded = group->at + pynn_at(ws, group->layout, i, j);
            n = group->n - j < together ? group->n - j : together;
            memcpy(to + (pads ? padded : dense), from + (pads ? dense : padded), n * sizeof(real));
        }
    }
    return dense;
}

static void copy_parameters(real *to, const real *from, const pynn_workspace *ws, int pads) {
    size_t dense = 0;
    for (int k = 0; k < PYNN_N_INPUT_GROUPS; k++) {
        dense = copy_group(to, from, dense, ws, &ws->input_groups[k], pads);
    }
    for (int l = 0; l < ws->n_layers; l++) {
        for (int k = 0; k < PYNN_N_GROUPS; k++) {
            dense = copy_group(to, from, dense, ws, &ws->layers[l].groups[k], pads);
        }
    }
}

void FN(pynn_pad)(real *padded, const real *dense, const pynn_workspace *ws) {
    memset(padded, 0, ws->n_parameters * sizeof(real));
    copy_parameters(padded, dense, ws, 1);
}

void FN(pynn_unpad)(real *dense, const real *padded, const pynn_workspace *ws) {
    copy_parameters(dense, padded, ws, 0);
}

void FN(pynn_workspace_free)(pynn_workspace *ws) {
    pynn_watch_end(&ws->watch);
    pynn_free(ws->layers);
    pynn_session_give_back(ws->session, ws->arena);
}
