#include "members.h"

#include "updates.h"

/* Vector k of a group, from column j on. */
static const real *vector_of(const pynn_pass *pass, const pynn_group *group, size_t k, size_t j) {
    return pass->parameters + group->at + k * group->n + j;
}

/* The gradient (n_members, n) of a group, in vector k from column j on. */
static real *gradient_of(real *d, const pynn_workspace *ws, size_t n, size_t k, size_t j) {
    return d + k * pynn_whole_vectors(ws, n) + j;
}

int FN(pynn_expand_input)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const pynn_layout layout = ws->input_layout;
    const pynn_rows x = pass->shared = pass->x;
    const size_t n_rows = op->rows.end - op->rows.first, together = pynn_together(ws, layout);
    for (size_t k = 0; k < ws->n_members; k++) {
        const size_t row = op->base + k * pass->chunk.n_rows + op->rows.first;
        for (size_t j = 0, n; j < layer->n_in; j += n) {
            n = layer->n_in - j < together ? layer->n_in - j : together;
            ws->kernels->scale_rows(layer->in + pynn_at(ws, layout, row, j), layout.row,
                                    x.x + op->rows.first * x.layout.row + j, x.layout.row,
                                    vector_of(pass, &layer->r, k, j), NULL, n_rows, n);
        }
    }
    pass->x.x = layer->in + op->base * layout.row;
    pass->x.layout = layout;
    return 0;
}

void FN(pynn_scale_sums)(const pynn_op *op, const pynn_pass *pass, pynn_piece of) {
    const pynn_layer *layer = op->layer;
    const size_t j = of.columns.first, row = layer->layout.row;
    const size_t at = pynn_at(pass->ws, layer->layout, of.rows.first, j);
    const real *b = layer->biases.n_rows ? vector_of(pass, &layer->biases, of.k, j) : NULL;
    pass->ws->kernels->scale_rows(layer->z + at, row, layer->sums + at, row,
                                  vector_of(pass, &layer->s, of.k, j), b,
                                  of.rows.end - of.rows.first, of.columns.end - j);
}

void FN(pynn_pass_on)(const pynn_op *op, const pynn_pass *pass, pynn_piece of) {
    const pynn_layer *layer = op->layer, *next = layer + 1;
    const size_t j = of.columns.first, row = layer->layout.row;
    const size_t at = pynn_at(pass->ws, layer->layout, of.rows.first, j);
    pass->ws->kernels->scale_rows(next->in + at, row, layer->out + at, row,
                                  vector_of(pass, &next->r, of.k, j), NULL,
                                  of.rows.end - of.rows.first, of.columns.end - j);
}

void FN(pynn_pass_back)(const pynn_op *op, const pynn_pass *pass, pynn_piece of) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer, *next = layer + 1;
    const size_t j = of.columns.first, row = layer->layout.row;
    const size_t at = pynn_at(ws, layer->layout, of.rows.first, j);
    ws->kernels->scale_back(gradient_of(next->d_r, ws, next->n_in, of.k, j), NULL,
                            layer->delta + at, row, layer->out + at, row,
                            vector_of(pass, &next->r, of.k, j), of.rows.end - of.rows.first,
                            of.columns.end - j);
}

void FN(pynn_scale_back)(const pynn_op *op, const pynn_pass *pass, pynn_piece of) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const size_t j = of.columns.first, row = layer->layout.row;
    const size_t at = pynn_at(ws, layer->layout, of.rows.first, j);
    ws->kernels->scale_back(gradient_of(layer->d_s, ws, layer->n_out, of.k, j),
                            gradient_of(layer->d_biases, ws, layer->n_out, of.k, j),
                            layer->delta + at, row, layer->sums + at, row,
                            vector_of(pass, &layer->s, of.k, j), of.rows.end - of.rows.first,
                            of.columns.end - j);
}

int FN(pynn_expand_back)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const pynn_rows *x = &pass->shared;
    const size_t n_rows = pass->chunk.n_rows, n = layer->n_in;
    for (size_t k = op->rows.first; k < op->rows.end; k++) {
        ws->kernels->scale_back(gradient_of(layer->d_r, ws, n, k, 0), NULL,
                                ws->dx + k * n_rows * ws->dx_stride, ws->dx_stride, x->x,
                                x->layout.row, vector_of(pass, &layer->r, k, 0), n_rows, n);
    }
    return 0;
}

int FN(pynn_sum_dx)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const size_t stride = ws->dx_stride, n_rows = op->rows.end - op->rows.first;
    real *sum = ws->dx + op->rows.first * stride;
    for (size_t k = 1; k < ws->n_members; k++) {
        ws->kernels->add_rows(sum, sum, stride, sum + k * pass->chunk.n_rows * stride, stride,
                              n_rows, op->layer->n_in);
    }
    return 0;
}

/* Update vectors of a group by their gradient d. */
static void update(const pynn_op *op, const pynn_pass *pass, const pynn_group *group, real *d) {
    pynn_step room;
    pynn_block block;
    if (!group->n_rows) { return; }
    block.stride = block.n = group->n;
    block.g = gradient_of(d, pass->ws, group->n, op->rows.first, 0);
    block.g_stride = pynn_whole_vectors(pass->ws, group->n);
    block.n_rows = op->rows.end - op->rows.first;
    pynn_apply(pass->updater, pynn_step_of_biases(&room, pass, op->l),
               group->at + op->rows.first * group->n, &block);
}

int FN(pynn_members_gradient)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *layer = op->layer;
    const size_t n_rows = pass->chunk.n_rows, row = layer->layout.row;
    for (size_t k = op->rows.first; !layer->in && k < op->rows.end; k++) {
        ws->kernels->sum_rows(gradient_of(layer->d_biases, ws, layer->n_out, k, 0),
                              layer->delta + k * n_rows * row, row, n_rows, layer->n_out);
    }
    update(op, pass, &layer->biases, layer->d_biases);
    update(op, pass, &layer->r, layer->d_r);
    update(op, pass, &layer->s, layer->d_s);
    return 0;
}
