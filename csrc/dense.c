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

void FN(pynn_prepare_forward)(pynn_op *op, const pynn_workspace *ws) {
    const pynn_layer *layer = op->layer;
    op->product = (pynn_product){
        .c = layer->z + op->rows.first * layer->stride + op->columns.first,
        .c_stride = layer->stride,
        .a = {op->input.x + (op->rows.first - op->base) * op->input.stride, op->input.stride, 1, 0},
        .b = {NULL, layer->w_row, 1, layer->w_panel, NULL, 0},
        .n_rows = op->rows.end - op->rows.first,
        .n = op->columns.end - op->columns.first,
        .depth = layer->n_in};
    op->weights = pynn_weight_at(ws, layer, 0, op->columns.first);
}

/* Weighted sums; 1 where the member leaves them. */
static int sum_dense(pynn_op *op, const pynn_pass *pass) {
    pynn_product *product = &op->product;
    if (op->l == 0) {
        const pynn_rows *x = &pass->x;
        product->a.x = x->x + (op->rows.first - op->base) * x->stride;
        product->a.row = x->stride;
        product->b.rows = x->columns;
        product->depth = x->n_columns;
    }
    product->b.x = pass->parameters + op->weights;
    if (pass->ws->network->bias) {
        product->start = pass->parameters + op->layer->biases + op->columns.first;
    }
    FN(pynn_fetch_ahead)(pass);
    return multiply(product, pass, 1);
}

static int sum_sparse(const pynn_op *op, const pynn_pass *pass, pynn_share rows) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const real *w = pass->parameters + layer->weights, *biases = pass->parameters + layer->biases;
    const pynn_sparse entries = pynn_sparse_rows(ws, rows.first);
    const double n_entries = (double)pynn_count_entries(entries, rows.end - rows.first);
    for (size_t j = op->columns.first; j < op->columns.end; j += ws->kernels->block_columns) {
        const size_t n = least(ws->kernels->block_columns, op->columns.end - j);
        if (leaves(pass, n_entries * (double)n)) { return 1; }
        ws->kernels->sparse_product(layer->z + rows.first * layer->stride + j, layer->stride,
                                    ws->network->bias ? biases + j : NULL, entries, w + j,
                                    layer->w_row, rows.end - rows.first, n);
    }
    return 0;
}

static void activate(const pynn_op *op, const pynn_pass *pass, pynn_share rows) {
    const pynn_layer *layer = op->layer;
    const size_t at = rows.first * layer->stride + op->columns.first;
    pass->ws->kernels->activate[layer->activation](
        layer->a + at, layer->z + at, layer->stride, rows.end - rows.first,
        op->columns.end - op->columns.first, layer->parameter);
    if (layer->dropout != 0) { drop_some(layer->out, layer->a, op, pass, rows); }
}

int FN(pynn_dense_forward)(pynn_op *op, pynn_pass *pass) {
    if (op->l || !pass->x.is_sparse) {
        if (!sum_dense(op, pass)) { activate(op, pass, op->rows); }
        return 0;
    }
    for (size_t i = op->rows.first; i < op->rows.end; i += SPARSE_ROWS) {
        const pynn_share rows = {i, least(i + SPARSE_ROWS, op->rows.end)};
        if (sum_sparse(op, pass, rows)) { return 0; }
        activate(op, pass, rows);
    }
    return 0;
}

/* A part of da = delta W', from the deltas of a layer and its weights, to what it reads. */
static void prepare_product_back(pynn_op *op, const pynn_workspace *ws, real *da, size_t stride,
                                 const pynn_layer *from) {
    const size_t panel = ws->kernels->panel;
    op->product =
        (pynn_product){.c = da + op->rows.first * stride + op->columns.first,
                       .c_stride = stride,
                       .a = {from->delta + op->rows.first * from->stride, from->stride, 1, 0},
                       .b = {NULL, 1, from->w_row, panel * from->w_row, NULL, from->w_panel},
                       .n_rows = op->rows.end - op->rows.first,
                       .n = op->columns.end - op->columns.first,
                       .depth = from->n_out};
    op->weights = pynn_weight_at(ws, from, op->columns.first, 0);
}

void FN(pynn_prepare_backward)(pynn_op *op, const pynn_workspace *ws) {
    prepare_product_back(op, ws, op->layer->delta, op->layer->stride, op->layer + 1);
}

void FN(pynn_prepare_input_backward)(pynn_op *op, const pynn_workspace *ws) {
    prepare_product_back(op, ws, ws->dx, ws->x_stride, op->layer);
}

/* 1 where the member leaves it. */
static int multiply_back(pynn_op *op, const pynn_pass *pass) {
    op->product.b.x = pass->parameters + op->weights;
    return multiply(&op->product, pass, 1);
}

void FN(pynn_keep_da)(const pynn_layer *layer, pynn_share rows, pynn_share columns) {
    for (size_t i = rows.first; i < rows.end; i++) {
        const size_t at = i * layer->stride + columns.first;
        memcpy(layer->da + at, layer->delta + at, (columns.end - columns.first) * sizeof(real));
    }
}

int FN(pynn_dense_backward)(pynn_op *op, pynn_pass *pass) {
    const pynn_layer *layer = op->layer;
    const pynn_kernels *kernels = pass->ws->kernels;
    if (multiply_back(op, pass)) { return 0; }
    if (layer->da != layer->delta) { FN(pynn_keep_da)(layer, op->rows, op->columns); }
    if (layer->dropout != 0) { drop_some(layer->delta, layer->delta, op, pass, op->rows); }
    const size_t at = op->rows.first * layer->stride + op->columns.first;
    kernels->derive[layer->activation](layer->delta + at, layer->z + at, layer->a + at,
                                       layer->stride, op->rows.end - op->rows.first,
                                       op->columns.end - op->columns.first, layer->parameter);
    FN(pynn_deltas_in_panels)(pass->ws, layer, op->rows, op->columns);
    return 0;
}

int FN(pynn_input_backward)(pynn_op *op, pynn_pass *pass) {
    multiply_back(op, pass);
    return 0;
}
