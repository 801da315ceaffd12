#include "dense.h"

#include "parts.h"
#include "transpose.h"

/* Sparse rows between two looks for Ctrl-C. */
enum { SPARSE_ROWS = 16 };

void FN(pynn_deltas_in_panels)(const pynn_workspace *ws, const pynn_layer *layer, pynn_share rows,
                               pynn_share columns) {
    if (!layer->panels) { return; }
    const size_t panel = ws->kernels->panel, each = ws->n_chunk * panel;
    const pynn_panels delta = {layer->delta + rows.first * layer->stride + columns.first,
                               layer->stride,
                               1,
                               panel,
                               NULL,
                               0};
    ws->kernels->pack_panels(layer->panels + columns.first / panel * each + rows.first * panel,
                             each, delta, rows.end - rows.first, columns.end - columns.first);
}

/* out = a of rows and columns of the operation's layer without what is dropped from it; or likewise
 * from a delta to itself. */
static void drop_some(real *out, const real *a, const pynn_op *op, const pynn_pass *pass,
                      pynn_share rows) {
    const pynn_layer *layer = op->layer;
    const pynn_mask mask = {pynn_key(pass->key, (uint64_t)op->l), layer->dropout,
                            pass->chunk.first - pass->batch.first + rows.first, op->columns.first};
    const size_t at = rows.first * layer->stride + op->columns.first;
    pass->ws->kernels->drop(out + at, a + at, layer->stride, rows.end - rows.first,
                            op->columns.end - op->columns.first, &mask);
}

/* Weighted sums of some rows; 1 where the member leaves them. */
static int sum_dense(const pynn_op *op, const pynn_pass *pass, pynn_share rows) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const pynn_rows *x = pynn_input_of(op, pass);
    const size_t j = op->columns.first;
    const pynn_product product = {
        .c = layer->z + rows.first * layer->stride + j,
        .c_stride = layer->stride,
        .start = ws->network->bias ? pass->parameters + layer->biases + j : NULL,
        .a = {x->x + (rows.first - op->base) * x->stride, x->stride, 1, 0},
        .b = {pass->parameters + pynn_weight_at(ws, layer, 0, j), layer->w_row, 1, layer->w_panel,
              x->columns, 0},
        .n_rows = rows.end - rows.first,
        .n = op->columns.end - j,
        .depth = x->n_columns};
    FN(pynn_fetch_ahead)(pass);
    return multiply(&product, pass, 1);
}

static int sum_sparse(const pynn_op *op, const pynn_pass *pass, pynn_share rows) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const real *w = pass->parameters + layer->weights, *biases = pass->parameters + layer->biases;
    const pynn_sparse entries = pynn_sparse_rows(ws, rows.first);
    const double n_entries = (double)pynn_count_entries(entries, rows.end - rows.first);
    for (size_t j = op->columns.first; j < op->columns.end; j += PYNN_BLOCK_COLUMNS) {
        const size_t n = least(PYNN_BLOCK_COLUMNS, op->columns.end - j);
        if (leaves(pass, n_entries * (double)n)) { return 1; }
        ws->kernels->sparse_product(layer->z + rows.first * layer->stride + j, layer->stride,
                                    ws->network->bias ? biases + j : NULL, entries, w + j,
                                    layer->w_row, rows.end - rows.first, n);
    }
    return 0;
}

int FN(pynn_dense_forward)(const pynn_op *op, pynn_pass *pass) {
    const pynn_layer *layer = op->layer;
    const pynn_kernels *kernels = pass->ws->kernels;
    const int is_sparse = op->l == 0 && pass->x.is_sparse;
    const size_t piece = is_sparse ? SPARSE_ROWS : PYNN_CHUNK_ROWS;
    for (size_t i = op->rows.first; i < op->rows.end; i += piece) {
        const pynn_share rows = {i, least(i + piece, op->rows.end)};
        if (is_sparse ? sum_sparse(op, pass, rows) : sum_dense(op, pass, rows)) { return 0; }
        const size_t at = i * layer->stride + op->columns.first;
        kernels->activate[layer->activation](layer->a + at, layer->z + at, layer->stride,
                                             rows.end - i, op->columns.end - op->columns.first);
        if (layer->dropout != 0) { drop_some(layer->out, layer->a, op, pass, rows); }
    }
    return 0;
}

/* A part of da = delta W', from the deltas of a layer and its weights, to what it reads; 1 where
 * the member leaves it. */
static int send_back(real *da, size_t stride, const pynn_layer *from, const pynn_op *op,
                     const pynn_pass *pass) {
    const size_t i = op->rows.first, j = op->columns.first, panel = pass->ws->kernels->panel;
    const real *w = pass->parameters + pynn_weight_at(pass->ws, from, j, 0);
    const pynn_product product = {
        .c = da + i * stride + j,
        .c_stride = stride,
        .a = {from->delta + i * from->stride, from->stride, 1, 0},
        .b = {w, 1, from->w_row, panel * from->w_row, NULL, from->w_panel},
        .n_rows = op->rows.end - i,
        .n = op->columns.end - j,
        .depth = from->n_out};
    return multiply(&product, pass, 1);
}

void FN(pynn_keep_da)(const pynn_layer *layer, pynn_share rows, pynn_share columns) {
    for (size_t i = rows.first; i < rows.end; i++) {
        const size_t at = i * layer->stride + columns.first;
        memcpy(layer->da + at, layer->delta + at, (columns.end - columns.first) * sizeof(real));
    }
}

int FN(pynn_dense_backward)(const pynn_op *op, pynn_pass *pass) {
    const pynn_layer *layer = op->layer;
    const pynn_kernels *kernels = pass->ws->kernels;
    if (send_back(layer->delta, layer->stride, layer + 1, op, pass)) { return 0; }
    if (layer->da != layer->delta) { FN(pynn_keep_da)(layer, op->rows, op->columns); }
    if (layer->dropout != 0) { drop_some(layer->delta, layer->delta, op, pass, op->rows); }
    const size_t at = op->rows.first * layer->stride + op->columns.first;
    kernels->derive[layer->activation](layer->delta + at, layer->z + at, layer->a + at,
                                       layer->stride, op->rows.end - op->rows.first,
                                       op->columns.end - op->columns.first);
    FN(pynn_deltas_in_panels)(pass->ws, layer, op->rows, op->columns);
    return 0;
}

int FN(pynn_input_backward)(const pynn_op *op, pynn_pass *pass) {
    pynn_workspace *ws = pass->ws;
    send_back(ws->dx, ws->x_stride, &ws->layers[0], op, pass);
    return 0;
}
