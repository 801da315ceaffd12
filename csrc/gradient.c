#include "gradient.h"

#include "parts.h"
#include "transpose.h"
#include "updates.h"

/* A block of weights and its context. */
typedef struct {
    const pynn_pass *pass;
    const pynn_op *op;
    const pynn_layer *layer;
    const pynn_step *step;
    pynn_share rows, columns;
    size_t head;          /* rows of weights above those of this member */
    size_t n_used;        /* number of rows with a nonzero gradient */
    const uint32_t *used; /* (n_used,) indices of these rows; NULL: all rows */
} block;

int FN(pynn_copy_frozen)(pynn_op *op, pynn_pass *pass) {
    const pynn_updater *updater = pass->updater;
    if (!updater->from || updater->w == updater->from) { return 0; }
    const size_t first = op->layer->weights.at, n = op->layer->end - first;
    const pynn_share part = pynn_share_of(n, PYNN_GRAIN, pass->member);
    memcpy(updater->w + first + part.first, updater->from + first + part.first,
           (part.end - part.first) * sizeof(real));
    return 0;
}

/* Update a group of the layer by column sums of x, or of x * y unless y is NULL. */
static void update_by_sums(const pynn_op *op, const pynn_pass *pass, const pynn_group *group,
                           const real *x, const real *y) {
    const pynn_updater *updater = pass->updater;
    const pynn_layer *layer = op->layer;
    pynn_step room;
    const pynn_step *step = pynn_step_of_biases(&room, pass, op->l);
    const pynn_workspace *ws = pass->ws;
    real *g = pynn_gradient_block_of(ws, pass->member);
    const size_t stride = layer->layout.row;
    const size_t most = least(pynn_together(ws, layer->layout), ws->kernels->gradient_columns);
    for (size_t j = op->columns.first; j < op->columns.end; j += most) {
        const size_t n = least(most, op->columns.end - j);
        const size_t at = pynn_at(ws, layer->layout, 0, j);
        if (y) {
            ws->kernels->sum_products(g, x + at, y + at, stride, op->n_rows, n);
        } else {
            ws->kernels->sum_rows(g, x + at, stride, op->n_rows, n);
        }
        pynn_apply_dense(updater, step, group->at + j, g, n);
    }
}

/* Update rows first .. first + n_rows - 1 of the block's columns. Each row of g has room for whole
 * vectors, with 0 beyond its n columns. */
static void update_rows(const block *b, size_t first, size_t n_rows, const real *g,
                        size_t g_stride) {
    const pynn_workspace *ws = b->pass->ws;
    const size_t j = b->columns.first, stride = b->layer->weights.layout.row;
    size_t n = b->columns.end - j;
    if (b->columns.end == b->layer->n_out) {
        /* The padding in the last vector is 0 and stays 0. Whole vectors are faster. */
        const size_t lanes = ws->kernels->lanes, whole = (n + lanes - 1) / lanes * lanes;
        n = least(whole, stride - j % stride);
    }
    pynn_block rows;
    rows.stride = stride;
    rows.g = g;
    rows.g_stride = g_stride;
    rows.n_rows = n_rows;
    rows.n = n;
    pynn_apply(b->pass->updater, b->step, pynn_weight_at(ws, b->layer, b->head + first, j), &rows);
}

/* Whether weights with a gradient of 0 stay unchanged. Most rules change them nevertheless. */
static int skips_zeros(const pynn_pass *pass, const pynn_step *step) {
    return pass->updater->descends && !step->penalises;
}

/* Update rows with a gradient of 0. Contiguous rows are updated as one vector. */
static void update_unused(const block *b, size_t first, size_t n_rows) {
    const size_t n = b->columns.end - b->columns.first, stride = b->layer->weights.layout.row;
    const pynn_workspace *ws = b->pass->ws;
    if (n < stride) {
        update_rows(b, first, n_rows, ws->zeros, 0);
        return;
    }
    const size_t begin = pynn_weight_at(ws, b->layer, first, b->columns.first);
    const size_t end = begin + n_rows * stride;
    for (size_t at = begin; at < end; at += ws->kernels->block_columns) {
        const size_t piece = least(ws->kernels->block_columns, end - at);
        pynn_apply_dense(b->pass->updater, b->step, at, ws->zeros, piece);
    }
}

/* Update the block's weights by the gradient g (n_used, n) of the used rows; NULL: these are
 * already updated. The gradient of all other rows is 0. */
static void update_block(const block *b, const real *g, size_t g_stride) {
    const int skips = skips_zeros(b->pass, b->step);
    size_t row = b->rows.first, done = 0;
    if (!b->used) {
        update_rows(b, row, b->n_used, g, g_stride);
        return;
    }
    while (row < b->rows.end) {
        const size_t next = done < b->n_used ? b->used[done] : b->rows.end;
        if (row < next && !skips) { update_unused(b, row, next - row); }
        size_t run = 0;
        while (done + run < b->n_used && b->used[done + run] == next + run) { run++; }
        if (g && run) { update_rows(b, next, run, g + done * g_stride, g_stride); }
        done += run;
        row = next + run;
    }
}

/* Compute the gradient of a block and apply it. op->product.a already is the block's part of the
 * input, transposed. */
static void block_gradient(const block *b) {
    const pynn_pass *pass = b->pass;
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = b->layer;
    const pynn_updater *updater = pass->updater;
    const size_t j = b->columns.first, panel = ws->kernels->panel;
    pynn_product product = b->op->product;
    const size_t n_rows = product.depth;
    product.b.x += pynn_at(ws, (pynn_layout){0, product.b.panel}, 0, j);
    product.n_rows = b->n_used;
    product.n = b->columns.end - j;
    if (updater->descends && n_rows <= ws->kernels->block_depth) {
        const size_t at = pynn_weight_at(ws, layer, b->used ? 0 : b->head + b->rows.first, j);
        product.c = updater->w + at;
        product.c_layout = product.start_layout = layer->weights.layout;
        product.start = updater->from + at;
        ws->kernels->descend(&product, b->used, b->step);
        if (b->used && b->step->penalises) { update_block(b, NULL, 0); }
        return;
    }
    /* If one panel holds all columns, the gradient is stored as densely as the weights. But if the
     * depth is cut into blocks, each block adds to the one before, which needs rows with room for
     * whole vectors. */
    const int is_dense = layer->weights.layout.row == panel || n_rows <= ws->kernels->block_depth;
    product.c_layout.row = layer->weights.layout.row <= panel && is_dense
                               ? layer->weights.layout.row
                               : ws->kernels->gradient_columns;
    product.c_layout.panel = panel;
    product.c = pynn_gradient_block_of(ws, pass->member);
    multiply(&product, pass, 0);
    update_block(b, product.c, product.c_layout.row);
}

/* Number of elements of the ascending list (n,) that are less than end. */
static size_t count_below(const uint32_t *list, size_t n, size_t end) {
    size_t first = 0;
    while (first < n) {
        const size_t middle = first + (n - first) / 2;
        if (list[middle] < end) {
            first = middle + 1;
        } else {
            n = middle;
        }
    }
    return first;
}

/* Gradient of the member's rows of the first layer's weights, for sparse input. A block is as wide
 * as the weights, so that the weights are visited in memory order. */
static void sparse_gradient(const pynn_op *op, const pynn_pass *pass, const pynn_step *step) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const pynn_transposed x_t =
        FN(pynn_transpose)(ws, pynn_sparse_rows(ws, 0), op->n_rows, op->rows, pass->member);
    const pynn_kernels *kernels = ws->kernels;
    const size_t stride = least(layer->weights.layout.row, kernels->block_columns);
    const size_t most_rows =
        least(kernels->gradient_rows, kernels->gradient_rows * kernels->gradient_columns / stride);
    real *g = pynn_gradient_block_of(ws, pass->member);
    block b = {.pass = pass, .layer = layer, .step = step};
    b.rows = (pynn_share){op->rows.first, op->rows.first};
    for (size_t used = 0; b.rows.end < op->rows.end; used += b.n_used) {
        b.rows.first = b.rows.end;
        if (skips_zeros(pass, step)) {
            if (used == x_t.n) { return; }
            b.rows.first = x_t.columns[used];
        }
        b.rows.end = least(b.rows.first + most_rows, op->rows.end);
        b.used = x_t.columns + used;
        b.n_used = count_below(b.used, least(x_t.n - used, most_rows), b.rows.end);
        const pynn_sparse entries = pynn_from_row(x_t.entries, used);
        const double n_entries = (double)pynn_count_entries(entries, b.n_used);
        for (size_t j = 0; j < layer->n_out; j += kernels->block_columns) {
            b.columns = (pynn_share){j, least(j + kernels->block_columns, layer->n_out)};
            const size_t n = b.columns.end - j;
            if (pass->updater->may_stop && leaves(pass, n_entries * (double)n)) { return; }
            kernels->sparse_product(g, stride, NULL, entries, layer->delta + j, layer->layout.row,
                                    b.n_used, n);
            update_block(&b, g, stride);
        }
    }
}

/* Rows of weights that are updated at a time. Tiles that update weights themselves need no block of
 * the gradient, so for batches with few rows the number may be larger. */
static size_t rows_of_a_block(const pynn_op *op, const pynn_workspace *ws) {
    const pynn_kernels *kernels = ws->kernels;
    const pynn_layout layout = op->l ? op->layer[-1].layout : ws->input_layout;
    const size_t n_rows = op->n_rows / op->layer->n_heads;
    if (pynn_in_panels(ws, layout) && n_rows >= PYNN_ROWS_IN_PANELS) {
        const size_t panel = kernels->panel;
        const size_t fit = kernels->gradient_inputs_in_panels / n_rows / panel * panel;
        return fit < panel ? panel : least(fit, kernels->gradient_rows);
    }
    const size_t longer = ws->descends ? kernels->gradient_inputs / n_rows : 0;
    return longer > kernels->gradient_rows ? longer : kernels->gradient_rows;
}

void FN(pynn_prepare_gradient)(pynn_op *op, const pynn_workspace *ws) {
    const pynn_layer *layer = op->layer;
    const size_t panel = ws->kernels->panel;
    op->block_columns =
        least(pynn_together(ws, layer->weights.layout), ws->kernels->gradient_columns);
    op->block_rows = rows_of_a_block(op, ws);
    const pynn_layout layout = layer->layout;
    op->product.b = layer->panels
                        ? (pynn_panels){layer->panels, panel, 1, layer->panels_apart, NULL, 0}
                        : (pynn_panels){layer->delta, layout.row, 1, layout.panel, NULL, 0};
    op->product.depth = op->n_rows / layer->n_heads;
}

/* Gradient of the weights of one head, from the rows of its member. Returns 1 if the member of the
 * team stopped early. */
static int head_gradient(pynn_op *op, const pynn_pass *pass, const pynn_step *step, size_t head) {
    const pynn_rows *x = pynn_input_of(op, pass);
    const size_t first = head * op->product.depth; /* row of the chunk */
    block b = {.pass = pass, .op = op, .layer = op->layer, .step = step};
    b.head = head * op->layer->n_in;
    size_t used = op->rows.first; /* columns of x before the block */
    if (x->columns) { used = count_below(x->columns, x->n_columns, op->rows.first); }
    for (size_t i = op->rows.first; i < op->rows.end; i += op->block_rows) {
        b.rows = (pynn_share){i, least(i + op->block_rows, op->rows.end)};
        b.n_used = b.rows.end - i;
        if (x->columns) {
            b.used = x->columns + used;
            b.n_used = count_below(b.used, x->n_columns - used, b.rows.end);
        }
        op->product.a = (pynn_matrix){x->x + first * x->layout.row, x->layout, 1, used};
        for (size_t j = op->columns.first; j < op->columns.end; j += op->block_columns) {
            b.columns = (pynn_share){j, least(j + op->block_columns, op->columns.end)};
            const double of_column = (double)b.n_used * (double)op->product.depth;
            if (pass->updater->may_stop && leaves(pass, of_column * (double)op->block_columns)) {
                return 1;
            }
            FN(pynn_fetch_ahead)(pass);
            block_gradient(&b);
        }
        used += b.n_used;
    }
    return 0;
}

static void dense_gradient(pynn_op *op, const pynn_pass *pass, const pynn_step *step) {
    const real *delta = op->product.b.x;
    for (size_t head = 0; head < op->layer->n_heads; head++) {
        op->product.b.x = delta + head * op->product.depth * op->product.b.row;
        if (head_gradient(op, pass, step, head)) { break; }
    }
    op->product.b.x = delta;
}

int FN(pynn_dense_gradient)(pynn_op *op, pynn_pass *pass) {
    pynn_step room;
    const pynn_step *step = pynn_step_of_weights(&room, pass, op->l, pass->ws->penalises);
    if (op->l == 0 && pass->x.is_sparse) {
        sparse_gradient(op, pass, step);
    } else {
        dense_gradient(op, pass, step);
    }
    const pynn_layer *layer = op->layer;
    if (op->rows.first != 0 || op->rows.end == 0 || layer->d_biases) { return 0; }
    if (layer->biases.n_rows) { update_by_sums(op, pass, &layer->biases, layer->dz, NULL); }
    if (layer->gains.n_rows) { update_by_sums(op, pass, &layer->gains, layer->dz, layer->sums); }
    if (layer->alphas.n_rows) { update_by_sums(op, pass, &layer->alphas, layer->a, NULL); }
    return 0;
}
