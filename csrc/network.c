#include "network.h"

#include <string.h>

#include "memory.h"

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

/* The next n reals of an arena, each array on its own cache lines; arena NULL: only counts. */
static real *FN(take)(real *arena, size_t *used, size_t n) {
    const size_t line = 64 / sizeof(real);
    real *taken = arena ? arena + *used : NULL;
    *used += (n + line - 1) / line * line;
    return taken;
}

/* Lays the arrays of ws into the arena and returns how many reals they take. */
static size_t FN(lay_out)(FN(pynn_workspace) * ws, real *arena, int learns) {
    const size_t n = ws->n_chunk;
    size_t used = 0;
    ws->x = FN(take)(arena, &used, n * ws->layers[0].n_in);
    for (int l = 0; l < ws->n_layers; l++) {
        FN(pynn_layer) *layer = &ws->layers[l];
        layer->a = FN(take)(arena, &used, n * layer->n_out);
        layer->z = layer->a;
        if (learns) {
            if (FN(keeps_z)(ws->network, l)) {
                layer->z = FN(take)(arena, &used, n * layer->n_out);
            }
            layer->delta = FN(take)(arena, &used, n * layer->n_out);
        }
    }
    ws->y = FN(take)(arena, &used, learns ? n * ws->layers[ws->n_layers - 1].n_out : 0);
    ws->row_scales = FN(take)(arena, &used, learns ? n : 0);
    ws->row_costs = (double *)FN(take)(arena, &used, learns ? n * sizeof(double) / sizeof(real) : 0);
    return used;
}

pynn_status FN(pynn_workspace_new)(FN(pynn_workspace) * ws, const pynn_network *network,
                                   int64_t n_rows, int learns, pynn_watch *watch) {
    *ws = (FN(pynn_workspace)){
        .network = network,
        .context = {FN(pynn_kernels_in_use)(), watch},
        .n_layers = network->n_layers,
        .n_chunk = (size_t)(n_rows < PYNN_CHUNK_ROWS ? n_rows : PYNN_CHUNK_ROWS),
        .layers = pynn_alloc((size_t)network->n_layers, sizeof(FN(pynn_layer))),
    };
    if (!ws->layers) { return PYNN_NO_MEMORY; }
    for (int l = 0; l < ws->n_layers; l++) {
        FN(pynn_layer) *layer = &ws->layers[l];
        *layer = (FN(pynn_layer)){.n_in = (size_t)network->sizes[l],
                                  .n_out = (size_t)network->sizes[l + 1],
                                  .activation = network->activations[l],
                                  .weights = ws->n_parameters};
        layer->biases = layer->weights + layer->n_in * layer->n_out;
        ws->n_parameters = layer->biases + (network->bias ? layer->n_out : 0);
    }
    ws->arena = pynn_alloc(FN(lay_out)(ws, NULL, learns), sizeof(real));
    if (!ws->arena) {
        FN(pynn_workspace_free)(ws);
        return PYNN_NO_MEMORY;
    }
    FN(lay_out)(ws, ws->arena, learns);
    return PYNN_OK;
}

void FN(pynn_workspace_free)(FN(pynn_workspace) * ws) {
    pynn_free(ws->layers);
    pynn_free(ws->arena);
}

static size_t FN(row_of)(pynn_batch batch, size_t i) {
    return batch.order ? (size_t)batch.order[batch.first + i] : batch.first + i;
}

/* out (batch.n_rows, n) = the batch's rows of an array with these strides in bytes */
static void FN(gather)(real *out, const void *array, const ptrdiff_t strides[2], size_t n,
                       pynn_batch batch) {
    for (size_t i = 0; i < batch.n_rows; i++, out += n) {
        const char *row = (const char *)array + (ptrdiff_t)FN(row_of)(batch, i) * strides[0];
        if (strides[1] == sizeof(real)) {
            memcpy(out, row, n * sizeof(real));
        } else {
            for (size_t j = 0; j < n; j++) {
                out[j] = *(const real *)(row + (ptrdiff_t)j * strides[1]);
            }
        }
    }
}

/* Points ws->input at the batch's rows: at the data themselves where they lie in a way that a matrix
 * product can read, at a copy of the batch elsewhere. */
static void FN(load_input)(FN(pynn_workspace) * ws, const pynn_data *data, pynn_batch batch) {
    const size_t n_in = ws->layers[0].n_in;
    const ptrdiff_t stride = data->x_strides[0] / (ptrdiff_t)sizeof(real);
    const int readable = (data->x_strides[1] == sizeof(real) || n_in == 1) &&
                         data->x_strides[0] % (ptrdiff_t)sizeof(real) == 0 &&
                         stride >= (ptrdiff_t)n_in && stride <= INT32_MAX;
    if (!batch.order && readable) {
        ws->input = (FN(pynn_rows)){(const real *)data->x + batch.first * (size_t)stride,
                                    (size_t)stride};
    } else {
        FN(gather)(ws->x, data->x, data->x_strides, n_in, batch);
        ws->input = (FN(pynn_rows)){ws->x, n_in};
    }
}

/* ws->y = the targets of the batch; a class label c means 1 at c and 0 elsewhere. */
static void FN(load_targets)(FN(pynn_workspace) * ws, const pynn_data *data, pynn_batch batch) {
    const size_t n_out = ws->layers[ws->n_layers - 1].n_out;
    if (!data->labels) {
        FN(gather)(ws->y, data->y, data->y_strides, n_out, batch);
        return;
    }
    memset(ws->y, 0, batch.n_rows * n_out * sizeof(real));
    for (size_t i = 0; i < batch.n_rows; i++) {
        ws->y[i * n_out + (size_t)data->labels[FN(row_of)(batch, i)]] = 1;
    }
}

pynn_status FN(pynn_forward)(FN(pynn_workspace) * ws, const real *parameters, const pynn_data *data,
                             pynn_batch batch) {
    FN(load_input)(ws, data, batch);
    FN(pynn_rows) x = ws->input;
    for (int l = 0; l < ws->n_layers; l++) {
        const FN(pynn_layer) *layer = &ws->layers[l];
        const pynn_status status =
            FN(pynn_multiply_forward)(layer->z, x, parameters + layer->weights, batch.n_rows,
                                      layer->n_out, layer->n_in, ws->context);
        if (status) { return status; }
        ws->context.kernels->activate[layer->activation](
            layer->a, layer->z, ws->network->bias ? parameters + layer->biases : NULL,
            batch.n_rows, layer->n_out);
        x = (FN(pynn_rows)){layer->a, layer->n_out};
    }
    return PYNN_OK;
}

/* Row costs, and the deltas of the output layer. */
static void FN(output_deltas)(FN(pynn_workspace) * ws, size_t n_rows) {
    const FN(pynn_layer) *output = &ws->layers[ws->n_layers - 1];
    const int cost = ws->network->cost;
    ws->context.kernels->cost[cost](output->delta, ws->row_costs, output->z, output->a, ws->y,
                                    ws->row_scales, n_rows, output->n_out,
                                    (real)ws->network->cost_parameter);
    if (!pynn_cost_output(cost)) {
        ws->context.kernels->derive[output->activation](output->delta, output->z, output->a, n_rows,
                                                        output->n_out);
    }
}

/* The deltas of the layers below, from the output down. */
static pynn_status FN(hidden_deltas)(FN(pynn_workspace) * ws, const real *parameters,
                                     size_t n_rows) {
    for (int l = ws->n_layers - 1; l > 0; l--) {
        const FN(pynn_layer) *above = &ws->layers[l], *layer = &ws->layers[l - 1];
        const pynn_status status =
            FN(pynn_multiply_backward)(layer->delta, above->delta, parameters + above->weights,
                                       n_rows, above->n_out, above->n_in, ws->context);
        if (status) { return status; }
        ws->context.kernels->derive[layer->activation](layer->delta, layer->z, layer->a, n_rows,
                                                       layer->n_out);
    }
    return PYNN_OK;
}

/* gradient (n_parameters,) = or += that of the chunk whose deltas are in ws. */
static pynn_status FN(chunk_gradient)(real *gradient, FN(pynn_workspace) * ws, size_t n_rows,
                                      int accumulate) {
    FN(pynn_rows) x = ws->input;
    for (int l = 0; l < ws->n_layers; l++) {
        const FN(pynn_layer) *layer = &ws->layers[l];
        const pynn_status status =
            FN(pynn_multiply_gradient)(gradient + layer->weights, x, layer->delta, n_rows,
                                       layer->n_out, layer->n_in, accumulate, ws->context);
        if (status) { return status; }
        if (ws->network->bias) {
            real *db = gradient + layer->biases;
            if (!accumulate) { memset(db, 0, layer->n_out * sizeof(real)); }
            ws->context.kernels->sum_rows(db, layer->delta, n_rows, layer->n_out);
        }
        x = (FN(pynn_rows)){layer->a, layer->n_out};
    }
    return PYNN_OK;
}

static double FN(row_weight)(const pynn_data *data, pynn_batch batch, size_t i) {
    return data->row_weights ? data->row_weights[FN(row_of)(batch, i)] : 1;
}

static double FN(sum_of_row_weights)(const pynn_data *data, pynn_batch batch) {
    if (!data->row_weights) { return (double)batch.n_rows; }
    double sum = 0;
    for (size_t i = 0; i < batch.n_rows; i++) { sum += FN(row_weight)(data, batch, i); }
    return sum;
}

pynn_status FN(pynn_batch_gradient)(pynn_cost *cost, real *gradient, double *l2,
                                    FN(pynn_workspace) * ws, const real *parameters,
                                    const pynn_data *data, pynn_batch batch,
                                    pynn_penalty penalty) {
    const double total = FN(sum_of_row_weights)(data, batch);
    /* A batch in which no row has a weight asks for nothing. */
    const double per_weight = total > 0 ? 1 / total : 0;
    *cost = (pynn_cost){0};
    for (size_t done = 0; done < batch.n_rows; done += ws->n_chunk) {
        const size_t left = batch.n_rows - done;
        const pynn_batch chunk = {batch.order, batch.first + done,
                                  left < ws->n_chunk ? left : ws->n_chunk};
        pynn_status status = FN(pynn_forward)(ws, parameters, data, chunk);
        if (status) { return status; }
        FN(load_targets)(ws, data, chunk);
        for (size_t i = 0; i < chunk.n_rows; i++) {
            ws->row_scales[i] = (real)(FN(row_weight)(data, chunk, i) * per_weight);
        }
        FN(output_deltas)(ws, chunk.n_rows);
        for (size_t i = 0; i < chunk.n_rows; i++) {
            cost->cost += FN(row_weight)(data, chunk, i) * per_weight * ws->row_costs[i];
        }
        if (!gradient) { continue; }
        status = FN(hidden_deltas)(ws, parameters, chunk.n_rows);
        if (!status) { status = FN(chunk_gradient)(gradient, ws, chunk.n_rows, done > 0); }
        if (status) { return status; }
    }
    *l2 = penalty.by_row ? penalty.alpha * per_weight : penalty.alpha;
    if (*l2 != 0) {
        double squares = 0;
        for (int l = 0; l < ws->n_layers; l++) {
            const FN(pynn_layer) *layer = &ws->layers[l];
            squares += ws->context.kernels->sum_of_squares(parameters + layer->weights,
                                                           layer->n_in * layer->n_out);
        }
        cost->penalty = 0.5 * *l2 * squares;
    }
    return PYNN_OK;
}
