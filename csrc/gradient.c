#include "gradient.h"

#include "parts.h"

/* slot + n, or NULL */
static real *FN(at)(real *slot, size_t n) { return slot ? slot + n : NULL; }

static void FN(bias_gradient)(FN(pynn_workspace) * ws, const FN(pynn_layer) * layer,
                              const FN(pynn_sink) * sink, pynn_share columns, size_t n_rows,
                              pynn_member member) {
    real *db = FN(pynn_block_of)(ws, member);
    for (size_t j = columns.first; j < columns.end; j += PYNN_GRADIENT_COLUMNS) {
        const size_t n = FN(least)(PYNN_GRADIENT_COLUMNS, columns.end - j);
        const size_t b = layer->biases + j;
        if (sink->descends && sink->w != sink->from) {
            memcpy(sink->w + b, sink->from + b, n * sizeof(real));
        }
        ws->kernels->sum_rows(db, layer->delta + j, layer->stride, n_rows, n);
        sink->update(sink->w + b, FN(at)(sink->slot_0, b), FN(at)(sink->slot_1, b), n, db, n, 1, n,
                     &sink->of_biases);
    }
}

/* Rows first .. first + n_rows - 1, columns j .. j + n - 1 of the layer's weights. g has whole
 * vectors in each row, and 0 behind its n columns. */
static void FN(update_weights)(const FN(pynn_workspace) * ws, const FN(pynn_sink) * sink,
                               const FN(pynn_layer) * layer, size_t first, size_t n_rows, size_t j,
                               size_t n, const real *g, size_t g_stride) {
    /* What of the padding a last vector covers is 0, and stays so: whole vectors are faster. */
    const size_t lanes = ws->kernels->lanes, whole = (n + lanes - 1) / lanes * lanes;
    if (j + n == layer->n_out) { n = FN(least)(whole, layer->w_stride - j); }
    const size_t w = layer->weights + first * layer->w_stride + j;
    sink->update(sink->w + w, FN(at)(sink->slot_0, w), FN(at)(sink->slot_1, w), layer->w_stride, g,
                 g_stride, n_rows, n, &sink->of_weights);
}

/* A block of weights and what of the input belongs to it. */
typedef struct {
    pynn_share rows, columns;
    size_t n_used;        /* rows whose gradient is not 0 */
    const uint32_t *used; /* (n_used,) which they are; NULL: all */
} FN(block);

/* Whether weights whose gradient is 0 stay as they are: most rules move them all the same. */
static int FN(skips_zeros)(const FN(pynn_sink) * sink) {
    return sink->descends && !sink->of_weights.penalises;
}

/* The same where the gradient is 0: whole rows one behind the other are as one. */
static void FN(update_unused)(const FN(pynn_workspace) * ws, const FN(pynn_sink) * sink,
                              const FN(pynn_layer) * layer, size_t first, size_t n_rows, size_t j,
                              size_t n) {
    if (n < layer->w_stride) {
        FN(update_weights)(ws, sink, layer, first, n_rows, j, n, ws->zeros, 0);
        return;
    }
    const size_t end = layer->weights + (first + n_rows) * n;
    for (size_t w = layer->weights + first * n; w < end; w += PYNN_BLOCK_COLUMNS) {
        const size_t piece = FN(least)(PYNN_BLOCK_COLUMNS, end - w);
        sink->update(sink->w + w, FN(at)(sink->slot_0, w), FN(at)(sink->slot_1, w), piece,
                     ws->zeros, piece, 1, piece, &sink->of_weights);
    }
}

/* The block's weights by their gradient g (n_used, n), row by row of those that are used; NULL:
 * these have been updated. The gradient of the others is 0. */
static void FN(update_block)(const FN(pynn_workspace) * ws, const FN(pynn_sink) * sink,
                             const FN(pynn_layer) * layer, const FN(block) * block, const real *g,
                             size_t g_stride) {
    const size_t j = block->columns.first, n = block->columns.end - j;
    const int skips = FN(skips_zeros)(sink);
    size_t row = block->rows.first, done = 0;
    while (row < block->rows.end) {
        const size_t next = done < block->n_used ? block->used[done] : block->rows.end;
        if (row < next && !skips) { FN(update_unused)(ws, sink, layer, row, next - row, j, n); }
        size_t run = 0;
        while (done + run < block->n_used && block->used[done + run] == next + run) { run++; }
        if (g && run) {
            FN(update_weights)(ws, sink, layer, next, run, j, n, g + done * g_stride, g_stride);
        }
        done += run;
        row = next + run;
    }
}

/* x: the block's columns of the input, transposed. */
static void FN(block_gradient)(FN(pynn_workspace) * ws, const FN(pynn_sink) * sink,
                               const FN(pynn_layer) * layer, const FN(block) * block,
                               FN(pynn_matrix) x, size_t n_rows, pynn_member member) {
    const size_t i = block->rows.first, j = block->columns.first, n = block->columns.end - j;
    const size_t panel = ws->kernels->panel;
    const FN(pynn_panels) delta =
        layer->panels ? (FN(pynn_panels)){layer->panels + j * ws->n_chunk, panel, 1,
                                          ws->n_chunk * panel, NULL}
                      : (FN(pynn_panels)){layer->delta + j, layer->stride, 1, panel, NULL};
    if (sink->descends && ws->kernels->tuned) {
        const size_t w = layer->weights + (block->used ? 0 : i * layer->w_stride) + j;
        ws->kernels->descend(sink->w + w, sink->from + w, layer->w_stride, block->used, x, delta,
                             block->n_used, n, n_rows, &sink->of_weights);
        if (block->used && sink->of_weights.penalises) {
            FN(update_block)(ws, sink, layer, block, NULL, 0);
        }
        return;
    }
    /* Where one panel takes all columns, the gradient lies as densely as the weights. */
    const size_t stride = layer->w_stride <= panel ? layer->w_stride : PYNN_GRADIENT_COLUMNS;
    real *g = FN(pynn_block_of)(ws, member);
    FN(multiply)(g, stride, NULL, x, delta, block->n_used, n, n_rows, ws, member);
    if (block->used) {
        FN(update_block)(ws, sink, layer, block, g, stride);
    } else {
        FN(update_weights)(ws, sink, layer, i, block->n_used, j, n, g, stride);
    }
}

/* How many of list (n,), which ascends, are less than end. */
static size_t FN(count_below)(const uint32_t *list, size_t n, size_t end) {
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

/* What tiles update themselves fills no block: where a batch has few rows, it may be longer. */
static size_t FN(block_rows)(const FN(pynn_workspace) * ws, const FN(pynn_sink) * sink,
                             size_t n_rows) {
    const size_t longer = sink->descends && ws->kernels->tuned ? PYNN_GRADIENT_INPUTS / n_rows : 0;
    return longer > PYNN_GRADIENT_ROWS ? longer : PYNN_GRADIENT_ROWS;
}

/* The first layer's weights, for the member's rows of them: those of inputs that few rows of the
 * batch have. A block is as wide as the weights, so that these are gone through as they lie. */
static void FN(sparse_gradient)(FN(pynn_workspace) * ws, const FN(pynn_sink) * sink,
                                const FN(pynn_layer) * layer, FN(pynn_sparse) x, size_t n_rows,
                                pynn_share rows, pynn_member member) {
    const FN(pynn_transposed) x_t = FN(pynn_transpose)(ws, x, n_rows, rows, member);
    const size_t stride = FN(least)(layer->w_stride, PYNN_BLOCK_COLUMNS);
    const size_t most_rows =
        FN(least)(PYNN_GRADIENT_ROWS, PYNN_GRADIENT_ROWS * PYNN_GRADIENT_COLUMNS / stride);
    real *g = FN(pynn_block_of)(ws, member);
    FN(block) block = {.rows = {rows.first, rows.first}};
    for (size_t used = 0; block.rows.end < rows.end; used += block.n_used) {
        block.rows.first = block.rows.end;
        if (FN(skips_zeros)(sink)) {
            if (used == x_t.n) { return; }
            block.rows.first = x_t.columns[used];
        }
        block.rows.end = FN(least)(block.rows.first + most_rows, rows.end);
        block.used = x_t.columns + used;
        block.n_used =
            FN(count_below)(block.used, FN(least)(x_t.n - used, most_rows), block.rows.end);
        const FN(pynn_sparse) entries = FN(pynn_from_row)(x_t.entries, used);
        const double n_entries = (double)FN(pynn_count_entries)(entries, block.n_used);
        for (size_t j = 0; j < layer->n_out; j += PYNN_BLOCK_COLUMNS) {
            block.columns = (pynn_share){j, FN(least)(j + PYNN_BLOCK_COLUMNS, layer->n_out)};
            const size_t n = block.columns.end - j;
            if (sink->may_stop && FN(leaves)(ws, n_entries * (double)n, member)) { return; }
            ws->kernels->sparse_product(g, stride, NULL, entries, layer->delta + j, layer->stride,
                                        block.n_used, n);
            FN(update_block)(ws, sink, layer, &block, g, stride);
        }
    }
}

/* What layers of dense input have of a part of the weights. */
static void FN(dense_gradient)(FN(pynn_workspace) * ws, const FN(pynn_sink) * sink,
                               const FN(pynn_layer) * layer, const FN(pynn_rows) * x, size_t n_rows,
                               FN(part) part, pynn_member member) {
    size_t used = part.rows.first; /* columns of x before the block */
    if (x->columns) { used = FN(count_below)(x->columns, x->n_columns, part.rows.first); }
    const size_t block_rows = FN(block_rows)(ws, sink, n_rows);
    for (size_t i = part.rows.first; i < part.rows.end; i += block_rows) {
        FN(block) block = {.rows = {i, FN(least)(i + block_rows, part.rows.end)}};
        block.n_used = block.rows.end - i;
        if (x->columns) {
            block.used = x->columns + used;
            block.n_used = FN(count_below)(x->columns + used, x->n_columns - used, block.rows.end);
        }
        const FN(pynn_matrix) x_block = {x->x + used, 1, x->stride};
        for (size_t j = part.columns.first; j < part.columns.end; j += PYNN_GRADIENT_COLUMNS) {
            block.columns = (pynn_share){j, FN(least)(j + PYNN_GRADIENT_COLUMNS, part.columns.end)};
            const double work = (double)block.n_used * PYNN_GRADIENT_COLUMNS * (double)n_rows;
            if (sink->may_stop && FN(leaves)(ws, work, member)) { return; }
            FN(pynn_fetch_ahead)(ws, member);
            FN(block_gradient)(ws, sink, layer, &block, x_block, n_rows, member);
        }
        used += block.n_used;
    }
}

void FN(pynn_layer_gradient)(FN(pynn_workspace) * ws, int l, const FN(pynn_sink) * sink,
                             const FN(pynn_rows) * x, size_t n_rows, pynn_member member) {
    const FN(pynn_layer) *layer = &ws->layers[l];
    const int by_rows = l == ws->n_layers - 1 || x->is_sparse;
    const FN(part) part = FN(part_of)(ws, layer->n_in, layer->n_out, by_rows, member);
    if (x->is_sparse) {
        FN(sparse_gradient)(ws, sink, layer, FN(pynn_sparse_rows)(ws), n_rows, part.rows, member);
    } else {
        FN(dense_gradient)(ws, sink, layer, x, n_rows, part, member);
    }
    if (ws->network->bias && part.rows.first == 0 && part.rows.end > 0) {
        FN(bias_gradient)(ws, layer, sink, part.columns, n_rows, member);
    }
}
