#include "layers.h"

#include "parts.h"

/* Sparse rows between two looks for Ctrl-C. */
enum { SPARSE_ROWS = 16 };

pynn_share FN(pynn_rows_of)(const FN(pynn_workspace) * ws, size_t n_rows, pynn_member member) {
    return FN(share_of)(n_rows, 1, FN(worker)(ws, member));
}

/* Columns begin at a panel, as shares of them do. */
static void FN(lay_in_panels)(const FN(pynn_workspace) * ws, const FN(pynn_layer) * layer,
                              pynn_share rows, pynn_share columns) {
    if (!layer->panels) { return; }
    const size_t panel = ws->kernels->panel, each = ws->n_chunk * panel;
    ws->kernels->to_panels(layer->panels + columns.first / panel * each + rows.first * panel, each,
                           layer->delta + rows.first * layer->stride + columns.first, layer->stride,
                           rows.end - rows.first, columns.end - columns.first);
}

void FN(pynn_output_panels)(FN(pynn_workspace) * ws, pynn_share rows) {
    const FN(pynn_layer) *output = &ws->layers[ws->n_layers - 1];
    FN(lay_in_panels)(ws, output, rows, (pynn_share){0, output->n_out});
}

/* n divided evenly among as few pieces of at most `most` as it takes: none is tiny. */
static size_t FN(piece)(size_t n, size_t most) {
    if (n <= most) { return n ? n : 1; }
    const size_t n_pieces = (n + most - 1) / most;
    return (n + n_pieces - 1) / n_pieces;
}

/* out = a of layer l's part without what is dropped from it; or likewise from a delta to itself. */
static void FN(drop_some)(real *out, const real *a, const FN(pynn_workspace) * ws, int l,
                          FN(part) part, pynn_masks masks) {
    const FN(pynn_layer) *layer = &ws->layers[l];
    const pynn_mask mask = {pynn_key(masks.key, (uint64_t)l), layer->dropout,
                            masks.row + part.rows.first, part.columns.first};
    const size_t at = part.rows.first * layer->stride + part.columns.first;
    ws->kernels->drop(out + at, a + at, layer->stride, part.rows.end - part.rows.first,
                      part.columns.end - part.columns.first, &mask);
}

/* Weighted sums of rows i .. i + n_rows - 1 and some columns; 1 where the member leaves them. */
static int FN(sum_dense)(FN(pynn_workspace) * ws, const FN(pynn_layer) * layer,
                         const real *parameters, const FN(pynn_rows) * x, size_t i, size_t n_rows,
                         pynn_share columns, pynn_member member) {
    const real *w = parameters + layer->weights, *biases = parameters + layer->biases;
    const FN(pynn_matrix) x_block = {x->x + i * x->stride, x->stride, 1};
    for (size_t j = columns.first; j < columns.end; j += PYNN_BLOCK_COLUMNS) {
        const size_t n = FN(least)(PYNN_BLOCK_COLUMNS, columns.end - j);
        if (FN(leaves)(ws, (double)n_rows * (double)n * (double)layer->n_in, member)) { return 1; }
        FN(pynn_fetch_ahead)(ws, member);
        const FN(pynn_panels) w_block = {w + j, layer->w_stride, 1, ws->kernels->panel, x->columns};
        FN(multiply)(layer->z + i * layer->stride + j, layer->stride,
                     ws->network->bias ? biases + j : NULL, x_block, w_block, n_rows, n,
                     x->n_columns, ws, member);
    }
    return 0;
}

static int FN(sum_sparse)(FN(pynn_workspace) * ws, const FN(pynn_layer) * layer,
                          const real *parameters, size_t i, size_t n_rows, pynn_share columns,
                          pynn_member member) {
    const real *w = parameters + layer->weights, *biases = parameters + layer->biases;
    const FN(pynn_sparse) entries = FN(pynn_from_row)(FN(pynn_sparse_rows)(ws), i);
    const double n_entries = (double)FN(pynn_count_entries)(entries, n_rows);
    for (size_t j = columns.first; j < columns.end; j += PYNN_BLOCK_COLUMNS) {
        const size_t n = FN(least)(PYNN_BLOCK_COLUMNS, columns.end - j);
        if (FN(leaves)(ws, n_entries * (double)n, member)) { return 1; }
        ws->kernels->sparse_product(layer->z + i * layer->stride + j, layer->stride,
                                    ws->network->bias ? biases + j : NULL, entries, w + j,
                                    layer->w_stride, n_rows, n);
    }
    return 0;
}

void FN(pynn_layer_forward)(FN(pynn_workspace) * ws, int l, const real *parameters,
                            const FN(pynn_rows) * x, size_t n_rows, pynn_masks masks,
                            pynn_member member) {
    const FN(pynn_layer) *layer = &ws->layers[l];
    const int by_rows = x->is_sparse || l == ws->n_layers - 1 || !ws->y;
    const FN(part) part = FN(part_of)(ws, n_rows, layer->n_out, by_rows, member);
    const size_t most = x->is_sparse ? SPARSE_ROWS : PYNN_BLOCK_ROWS;
    const size_t piece = FN(piece)(part.rows.end - part.rows.first, most);
    for (size_t i = part.rows.first; i < part.rows.end; i += piece) {
        const size_t rows = FN(least)(piece, part.rows.end - i);
        if (x->is_sparse ? FN(sum_sparse)(ws, layer, parameters, i, rows, part.columns, member)
                         : FN(sum_dense)(ws, layer, parameters, x, i, rows, part.columns, member)) {
            return;
        }
        const size_t at = i * layer->stride + part.columns.first;
        ws->kernels->activate[layer->activation](layer->a + at, layer->z + at, layer->stride, rows,
                                                 part.columns.end - part.columns.first,
                                                 layer->parameter);
        if (layer->dropout == 0) { continue; }
        FN(drop_some)(layer->out, layer->a, ws, l, (FN(part)){{i, i + rows}, part.columns}, masks);
    }
}

/* Columns of da = delta W' for some rows, from the deltas of the layer above and its weights; 1
 * where the member leaves them. */
INLINE int FN(send_back)(FN(pynn_workspace) * ws, real *da, size_t stride,
                         const FN(pynn_layer) * above, const real *parameters, pynn_share rows,
                         pynn_share columns, pynn_member member) {
    const real *w = parameters + above->weights;
    const size_t i = rows.first, n_rows = rows.end - i;
    const FN(pynn_matrix) delta = {above->delta + i * above->stride, above->stride, 1};
    for (size_t j = columns.first; j < columns.end; j += PYNN_BLOCK_COLUMNS) {
        const size_t n = FN(least)(PYNN_BLOCK_COLUMNS, columns.end - j);
        if (FN(leaves)(ws, (double)n_rows * (double)n * (double)above->n_out, member)) { return 1; }
        const FN(pynn_panels) w_block = {w + j * above->w_stride, 1, above->w_stride,
                                         ws->kernels->panel * above->w_stride, NULL};
        FN(multiply)(da + i * stride + j, stride, NULL, delta, w_block, n_rows, n, above->n_out, ws,
                     member);
    }
    return 0;
}

void FN(pynn_keep_da)(const FN(pynn_layer) * layer, pynn_share rows, pynn_share columns) {
    for (size_t i = rows.first; i < rows.end; i++) {
        const size_t at = i * layer->stride + columns.first;
        memcpy(layer->da + at, layer->delta + at, (columns.end - columns.first) * sizeof(real));
    }
}

void FN(pynn_layer_backward)(FN(pynn_workspace) * ws, int l, const real *parameters, size_t n_rows,
                             pynn_masks masks, pynn_member member) {
    const FN(pynn_layer) *layer = &ws->layers[l], *above = &ws->layers[l + 1];
    const FN(part) part = FN(part_of)(ws, n_rows, layer->n_out, 0, member);
    const size_t piece = FN(piece)(part.rows.end - part.rows.first, PYNN_BLOCK_ROWS);
    for (size_t i = part.rows.first; i < part.rows.end; i += piece) {
        const pynn_share rows = {i, FN(least)(i + piece, part.rows.end)};
        if (FN(send_back)(ws, layer->delta, layer->stride, above, parameters, rows, part.columns,
                          member)) {
            return;
        }
        if (layer->da != layer->delta) { FN(pynn_keep_da)(layer, rows, part.columns); }
        if (layer->dropout != 0) {
            FN(drop_some)(layer->delta, layer->delta, ws, l, (FN(part)){rows, part.columns}, masks);
        }
        const size_t at = i * layer->stride + part.columns.first;
        ws->kernels->derive[layer->activation](
            layer->delta + at, layer->z + at, layer->a + at, layer->stride, rows.end - i,
            part.columns.end - part.columns.first, layer->parameter);
    }
    FN(lay_in_panels)(ws, layer, part.rows, part.columns);
}

void FN(pynn_input_backward)(FN(pynn_workspace) * ws, const real *parameters, size_t n_rows,
                             pynn_member member) {
    const FN(pynn_layer) *first = &ws->layers[0];
    const FN(part) part = FN(part_of)(ws, n_rows, first->n_in, 0, member);
    const size_t piece = FN(piece)(part.rows.end - part.rows.first, PYNN_BLOCK_ROWS);
    for (size_t i = part.rows.first; i < part.rows.end; i += piece) {
        const pynn_share rows = {i, FN(least)(i + piece, part.rows.end)};
        if (FN(send_back)(ws, ws->dx, ws->x_stride, first, parameters, rows, part.columns,
                          member)) {
            return;
        }
    }
}
