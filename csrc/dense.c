#include "dense.h"

#include "members.h"
#include "parts.h"
#include "transpose.h"

/* Sparse rows between two checks for Ctrl-C. */
enum { SPARSE_ROWS = 16 };

/* The operation's columns from j on that are contiguous in memory. */
static pynn_share next_columns(const pynn_op *op, const pynn_workspace *ws, size_t j) {
    const size_t together = pynn_together(ws, op->layer->layout);
    return (pynn_share){j, j + least(together, op->columns.end - j)};
}

/* Apply dropout to a piece: out = a with dropped elements set to 0; out may be a. Each row of each
 * member has a mask of its own, which does not depend on the chunks. */
static void drop_some(real *out, const real *a, const pynn_op *op, const pynn_pass *pass,
                      pynn_piece of) {
    const pynn_layer *layer = op->layer;
    const uint64_t first = pass->chunk.first - pass->batch.first + of.rows.first - op->base;
    const pynn_mask mask = {pynn_key(pass->key, (uint64_t)op->l), pass->dropout[op->l],
                            first - of.k * pass->chunk.n_rows + ((uint64_t)of.k << 40),
                            of.columns.first};
    const size_t at = pynn_at(pass->ws, layer->layout, of.rows.first, of.columns.first);
    pass->ws->kernels->drop(out + at, a + at, layer->layout.row, of.rows.end - of.rows.first,
                            of.columns.end - of.columns.first, &mask);
}

/* Add x, an array of these rows and columns in layer `from`, to a: out = a + x. */
static void add_piece(real *out, const real *a, const pynn_layer *layer, const real *x,
                      const pynn_layer *from, const pynn_pass *pass, pynn_piece of) {
    const size_t at = pynn_at(pass->ws, layer->layout, of.rows.first, of.columns.first);
    const size_t at_x = pynn_at(pass->ws, from->layout, of.rows.first, of.columns.first);
    pass->ws->kernels->add_rows(out + at, a + at, layer->layout.row, x + at_x, from->layout.row,
                                of.rows.end - of.rows.first, of.columns.end - of.columns.first);
}

static pynn_matrix rows_from(const real *x, pynn_layout layout, size_t first) {
    return (pynn_matrix){.x = x + first * layout.row, .layout = layout};
}

void FN(pynn_prepare_forward)(pynn_op *op, const pynn_workspace *ws) {
    const pynn_layer *layer = op->layer;
    op->product = (pynn_product){
        .c = layer->sums + pynn_at(ws, layer->layout, op->rows.first, op->columns.first),
        .c_layout = layer->layout,
        .start_layout = {0, ws->kernels->panel},
        .b = {NULL, layer->weights.layout.row, 1, layer->weights.layout.panel, NULL, 0},
        .n_rows = op->rows.end - op->rows.first,
        .n = op->columns.end - op->columns.first,
        .depth = layer->n_in};
    if (op->l) {
        op->product.a = rows_from(op->input.x, op->input.layout, op->rows.first - op->base);
    }
    op->weights = pynn_weight_at(ws, layer, 0, op->columns.first);
}

/* The layer's biases from column j on, or NULL: normalised layers add them later. */
static const real *start_of(const pynn_op *op, const pynn_pass *pass, size_t j) {
    const pynn_group *biases = &op->layer->biases;
    const int adds = biases->n_rows && !op->layer->norm && !op->layer->s.n_rows;
    return adds ? pass->parameters + biases->at + j : NULL;
}

/* Compute a prepared product with the weights of each head, for the rows of its member. Returns 1
 * if the member of the team stopped early. */
static int multiply_heads(const pynn_op *op, const pynn_pass *pass, const pynn_layer *heads) {
    const pynn_product *whole = &op->product;
    if (heads->n_heads == 1) { return multiply(whole, pass, 1); }
    for (size_t i = op->rows.first; i < op->rows.end;) {
        const pynn_piece of = pynn_piece_at(op, pass, i, op->rows.end, op->columns);
        const size_t skipped = i - op->rows.first;
        pynn_product product = *whole;
        product.n_rows = of.rows.end - i;
        product.c += skipped * product.c_layout.row;
        product.a.x += skipped * product.a.layout.row;
        product.b.x += of.k * heads->n_in * heads->weights.layout.row;
        if (product.start) { product.start += of.k * heads->n_out; }
        if (multiply(&product, pass, 1)) { return 1; }
        i = of.rows.end;
    }
    return 0;
}

/* Compute the weighted sums. Returns 1 if the member stopped early. */
static int sum_dense(pynn_op *op, const pynn_pass *pass) {
    pynn_product *product = &op->product;
    if (op->l == 0) {
        const pynn_rows *x = &pass->x;
        product->a = rows_from(x->x, x->layout, op->rows.first - op->base);
        product->b.rows = x->columns;
        product->depth = x->n_columns;
    }
    product->b.x = pass->parameters + op->weights;
    product->start = start_of(op, pass, op->columns.first);
    FN(pynn_fetch_ahead)(pass);
    return multiply_heads(op, pass, op->layer);
}

static int sum_sparse(const pynn_op *op, const pynn_pass *pass, pynn_share rows) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const real *w = pass->parameters + layer->weights.at;
    const pynn_sparse entries = pynn_sparse_rows(ws, rows.first);
    const double n_entries = (double)pynn_count_entries(entries, rows.end - rows.first);
    for (size_t j = op->columns.first; j < op->columns.end; j += ws->kernels->block_columns) {
        const size_t n = least(ws->kernels->block_columns, op->columns.end - j);
        if (leaves(pass, n_entries * (double)n)) { return 1; }
        ws->kernels->sparse_product(layer->sums + rows.first * layer->layout.row + j,
                                    layer->layout.row, start_of(op, pass, j), entries, w + j,
                                    layer->weights.layout.row, rows.end - rows.first, n);
    }
    return 0;
}

static void activate_piece(const pynn_op *op, const pynn_pass *pass, pynn_piece of) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const size_t at = pynn_at(ws, layer->layout, of.rows.first, of.columns.first);
    if (layer->s.n_rows) { FN(pynn_scale_sums)(op, pass, of); }
    ws->kernels->activate[layer->activation](layer->a + at, layer->z + at, layer->layout.row,
                                             of.rows.end - of.rows.first,
                                             of.columns.end - of.columns.first, layer->parameter);
    const real *a = layer->a; /* so far */
    if (layer->alphas.n_rows) {
        ws->kernels->blend(layer->out + at, a + at, layer->z + at, layer->layout.row,
                           pass->parameters + layer->alphas.at + of.columns.first,
                           of.rows.end - of.rows.first, of.columns.end - of.columns.first);
        a = layer->out;
    }
    if (layer->dropout != 0) {
        drop_some(layer->out, a, op, pass, of);
        a = layer->out;
    }
    if (layer->is_residual) { add_piece(layer->out, a, layer, layer[-1].out, layer - 1, pass, of); }
    if (op->l < ws->n_layers - 1 && layer[1].in) { FN(pynn_pass_on)(op, pass, of); }
}

void FN(pynn_activate)(const pynn_op *op, const pynn_pass *pass, pynn_share rows) {
    for (size_t j = op->columns.first; j < op->columns.end;) {
        const pynn_share columns = next_columns(op, pass->ws, j);
        for (size_t i = rows.first; i < rows.end;) {
            const pynn_piece of = pynn_piece_at(op, pass, i, rows.end, columns);
            activate_piece(op, pass, of);
            i = of.rows.end;
        }
        j = columns.end;
    }
}

int FN(pynn_dense_forward)(pynn_op *op, pynn_pass *pass) {
    const int activates = !op->layer->norm;
    if (op->l || !pass->x.is_sparse) {
        if (!sum_dense(op, pass) && activates) { FN(pynn_activate)(op, pass, op->rows); }
        return 0;
    }
    for (size_t i = op->rows.first; i < op->rows.end; i += SPARSE_ROWS) {
        const pynn_share rows = {i, least(i + SPARSE_ROWS, op->rows.end)};
        if (sum_sparse(op, pass, rows)) { return 0; }
        if (activates) { FN(pynn_activate)(op, pass, rows); }
    }
    return 0;
}

/* Prepare a part of da = delta W', computed from the deltas and weights of layer `from`. A residual
 * layer passes its own da on as well; that of members is added after the product with r. */
static void prepare_product_back(pynn_op *op, const pynn_workspace *ws, real *da,
                                 pynn_layout layout, const pynn_layer *from) {
    const size_t panel = ws->kernels->panel;
    op->product =
        (pynn_product){.c = da + pynn_at(ws, layout, op->rows.first, op->columns.first),
                       .c_layout = layout,
                       .a = rows_from(from->delta, from->layout, op->rows.first),
                       .b = {NULL, 1, from->weights.layout.row, panel * from->weights.layout.row,
                             NULL, from->weights.layout.panel},
                       .n_rows = op->rows.end - op->rows.first,
                       .n = op->columns.end - op->columns.first,
                       .depth = from->n_out};
    if (from->is_residual && !from->in) {
        op->product.start = from->da + pynn_at(ws, from->layout, op->rows.first, op->columns.first);
        op->product.start_layout = from->layout;
    }
    op->weights = pynn_weight_at(ws, from, op->columns.first, 0);
}

void FN(pynn_prepare_backward)(pynn_op *op, const pynn_workspace *ws) {
    prepare_product_back(op, ws, op->layer->delta, op->layer->layout, op->layer + 1);
}

void FN(pynn_prepare_input_backward)(pynn_op *op, const pynn_workspace *ws) {
    const pynn_layout layout = {ws->dx_stride, ws->kernels->panel};
    prepare_product_back(op, ws, ws->dx, layout, op->layer);
}

/* Returns 1 if the member stopped early. */
static int multiply_back(pynn_op *op, const pynn_pass *pass, const pynn_layer *from) {
    op->product.b.x = pass->parameters + op->weights;
    return multiply_heads(op, pass, from);
}

void FN(pynn_keep_da)(const pynn_layer *layer, const pynn_workspace *ws, pynn_share rows,
                      pynn_share columns) {
    const size_t at = pynn_at(ws, layer->layout, rows.first, columns.first);
    ws->kernels->copy_rows(layer->da + at, layer->delta + at, layer->layout.row,
                           rows.end - rows.first, columns.end - columns.first);
}

/* Turn delta from the derivative by the activation into that by z. */
static void derive(const pynn_op *op, const pynn_pass *pass, pynn_piece of) {
    const pynn_layer *layer = op->layer;
    const pynn_kernels *kernels = pass->ws->kernels;
    const size_t at = pynn_at(pass->ws, layer->layout, of.rows.first, of.columns.first);
    const size_t stride = layer->layout.row, n_rows = of.rows.end - of.rows.first;
    const size_t n = of.columns.end - of.columns.first;
    real *delta = layer->delta + at, *a = layer->a + at;
    const real *z = layer->z + at;
    if (layer->alphas.n_rows) { kernels->copy_rows(layer->dblend + at, delta, stride, n_rows, n); }
    kernels->derive[layer->activation](delta, z, a, stride, n_rows, n, layer->parameter);
    if (layer->alphas.n_rows) {
        kernels->blend_back(delta, a, layer->dblend + at, z, stride,
                            pass->parameters + layer->alphas.at + of.columns.first, n_rows, n);
    }
}

static void derive_piece(const pynn_op *op, const pynn_pass *pass, pynn_piece of) {
    const pynn_layer *layer = op->layer, *next = layer + 1;
    if (next->in) {
        FN(pynn_pass_back)(op, pass, of);
        if (next->is_residual) {
            add_piece(layer->delta, layer->delta, layer, next->da, next, pass, of);
        }
    }
    if (layer->da != layer->delta) { FN(pynn_keep_da)(layer, pass->ws, of.rows, of.columns); }
    if (layer->dropout != 0) { drop_some(layer->delta, layer->delta, op, pass, of); }
    derive(op, pass, of);
    if (layer->s.n_rows) { FN(pynn_scale_back)(op, pass, of); }
}

int FN(pynn_dense_backward)(pynn_op *op, pynn_pass *pass) {
    if (multiply_back(op, pass, op->layer + 1)) { return 0; }
    for (size_t j = op->columns.first; j < op->columns.end;) {
        const pynn_share columns = next_columns(op, pass->ws, j);
        for (size_t i = op->rows.first; i < op->rows.end;) {
            const pynn_piece of = pynn_piece_at(op, pass, i, op->rows.end, columns);
            derive_piece(op, pass, of);
            i = of.rows.end;
        }
        j = columns.end;
    }
    return 0;
}

int FN(pynn_input_backward)(pynn_op *op, pynn_pass *pass) {
    multiply_back(op, pass, op->layer);
    return 0;
}
