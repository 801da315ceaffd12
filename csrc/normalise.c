#include "normalise.h"

#include "dense.h"
#include "parts.h"

/* How far running means and variances move towards those of a batch. */
static const double MOMENTUM = 0.1;

/* The operation's rows of a layer with layer normalisation. */
static pynn_normalised rows_of(const pynn_op *op, const pynn_pass *pass) {
    const pynn_layer *layer = op->layer;
    const pynn_group *biases = &layer->biases;
    return (pynn_normalised){.sums = layer->sums + op->rows.first * layer->layout.row,
                             .scales = layer->scales + op->rows.first,
                             .layout = layer->layout,
                             .gains = pass->parameters + layer->gains.at,
                             .biases = biases->n_rows ? pass->parameters + biases->at : NULL,
                             .n_rows = op->rows.end - op->rows.first,
                             .n = layer->n_out};
}

int FN(pynn_normalise_rows)(pynn_op *op, pynn_pass *pass) {
    const pynn_layer *layer = op->layer;
    const pynn_normalised rows = rows_of(op, pass);
    pass->ws->kernels->normalise(layer->z + op->rows.first * layer->layout.row, &rows);
    FN(pynn_activate)(op, pass, op->rows);
    return 0;
}

int FN(pynn_normalise_rows_back)(pynn_op *op, pynn_pass *pass) {
    const pynn_layer *layer = op->layer;
    const pynn_normalised rows = rows_of(op, pass);
    const size_t at = op->rows.first * layer->layout.row;
    pass->ws->kernels->normalise_back(layer->dz + at, layer->delta + at, &rows);
    return 0;
}

/* The operation's columns from j on that are contiguous, of a layer with batch normalisation. An
 * update uses the mean and variance of its batch, unless they are those of a single row. */
static pynn_columns_normalised columns_of(const pynn_op *op, const pynn_pass *pass, size_t j) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const real *p = pass->parameters;
    const int of_batch = pass->spread > 0 && !pynn_is_frozen(ws, op->l);
    const size_t most = least(pynn_together(ws, layer->layout), PYNN_NORMED_COLUMNS);
    return (pynn_columns_normalised){
        .sums = layer->sums + pynn_at(ws, layer->layout, op->rows.first, j),
        .stride = layer->layout.row,
        .n_rows = op->rows.end - op->rows.first,
        .n = least(most, op->columns.end - j),
        .shares = of_batch ? ws->row_scales : NULL,
        .means = (of_batch ? layer->batch_means : p + layer->means.at) + j,
        .variances = (of_batch ? layer->batch_variances : p + layer->variances.at) + j,
        .gains = p + layer->gains.at + j,
        .biases = layer->biases.n_rows ? p + layer->biases.at + j : NULL};
}

/* Whether the member must stop, before a step that takes the time of so many multiply-adds. */
static int leaves_columns(const pynn_pass *pass, const pynn_columns_normalised *columns) {
    return leaves(pass, 16 * (double)columns->n_rows * (double)columns->n);
}

int FN(pynn_normalise_columns)(pynn_op *op, pynn_pass *pass) {
    const pynn_layer *layer = op->layer;
    const pynn_kernels *kernels = pass->ws->kernels;
    for (size_t j = op->columns.first, n; j < op->columns.end; j += n) {
        const pynn_columns_normalised columns = columns_of(op, pass, j);
        if (leaves_columns(pass, &columns)) { return 0; }
        if (columns.shares) {
            kernels->batch_statistics(layer->batch_means + j, layer->batch_variances + j, &columns);
        }
        kernels->normalise_columns(layer->z + (columns.sums - layer->sums), &columns);
        n = columns.n;
    }
    FN(pynn_activate)(op, pass, op->rows);
    return 0;
}

int FN(pynn_normalise_columns_back)(pynn_op *op, pynn_pass *pass) {
    const pynn_layer *layer = op->layer;
    for (size_t j = op->columns.first, n; j < op->columns.end; j += n) {
        const pynn_columns_normalised columns = columns_of(op, pass, j);
        if (leaves_columns(pass, &columns)) { return 0; }
        const size_t at = (size_t)(columns.sums - layer->sums);
        pass->ws->kernels->normalise_columns_back(layer->dz + at, layer->delta + at, &columns);
        n = columns.n;
    }
    return 0;
}

/* Move n numbers of a group of the updated parameters, from column j on, towards `batch`. */
static void move(const pynn_pass *pass, const pynn_group *group, pynn_share part,
                 const real *batch) {
    const pynn_updater *updater = pass->updater;
    const size_t at = group->at + part.first, n = part.end - part.first;
    if (updater->w != updater->from) {
        memcpy(updater->w + at, updater->from + at, n * sizeof(real));
    }
    if (pass->spread <= 0) { return; }
    pass->ws->kernels->average(updater->w + at, batch + part.first, n, MOMENTUM);
}

void FN(pynn_move_statistics)(const pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    for (int l = 0; l < ws->n_layers; l++) {
        const pynn_layer *layer = &ws->layers[l];
        if (!layer->means.n_rows || pynn_is_frozen(ws, l)) { continue; }
        const pynn_share part = pynn_share_of(layer->n_out, PYNN_GRAIN, pass->member);
        for (size_t j = part.first; j < part.end && pass->spread > 0; j++) {
            layer->batch_variances[j] /= (real)pass->spread; /* unbiased */
        }
        move(pass, &layer->means, part, layer->batch_means);
        move(pass, &layer->variances, part, layer->batch_variances);
    }
}

void FN(pynn_clear_statistics)(real *gradient, const pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    for (int l = 0; l < ws->n_layers; l++) {
        const pynn_layer *layer = &ws->layers[l];
        const size_t n = layer->end - layer->trained_end;
        const pynn_share part = pynn_share_of(n, PYNN_GRAIN, pass->member);
        memset(gradient + layer->trained_end + part.first, 0,
               (part.end - part.first) * sizeof(real));
    }
}
