#include "output.h"

#include <math.h>
#include <string.h>

#include "dense.h"

/* Copy the deltas into panels, because the gradient reads each column many times. */
static void put_in_panels(const pynn_layer *output, const pynn_workspace *ws, pynn_share rows) {
    if (!output->panels) { return; }
    const size_t row = output->layout.row, panel = ws->kernels->panel;
    const pynn_panels delta = {output->delta + rows.first * row, row, 1, panel, NULL, 0};
    ws->kernels->pack_panels(output->panels + rows.first * panel, output->panels_apart, delta,
                             rows.end - rows.first, output->n_out);
}

int FN(pynn_output_deltas)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layer *output = op->layer;
    const int cost = ws->network->cost, is_tied = pynn_cost_output(cost) != NULL;
    const size_t stride = output->layout.row, at = op->rows.first * stride,
                 n = op->rows.end - op->rows.first;
    const pynn_outputs outputs = {.delta = output->delta + at,
                                  .row_costs = ws->row_costs + op->rows.first,
                                  .z = output->z + at,
                                  .a = output->a + at,
                                  .y = ws->y + at,
                                  .row_scales = ws->row_scales + op->rows.first,
                                  .stride = stride,
                                  .n_rows = n,
                                  .n = output->n_out,
                                  .parameter = (real)ws->network->cost_parameter};
    ws->kernels->cost[cost](&outputs);
    if (output->da != output->delta && is_tied) {
        ws->kernels->sensitivity[cost](output->da + at, outputs.z, outputs.a, outputs.y, stride, n,
                                       output->n_out);
    } else if (output->da != output->delta) {
        FN(pynn_keep_da)(output, ws, op->rows, op->columns);
    }
    if (!is_tied) {
        ws->kernels->derive[output->activation](outputs.delta, outputs.z, outputs.a, stride, n,
                                                output->n_out, output->parameter);
    }
    put_in_panels(output, ws, op->rows);
    return 0;
}

int FN(pynn_add_costs)(pynn_op *op, pynn_pass *pass) {
    const double *row_costs = pass->ws->row_costs, share = pynn_share_of_mean(pass, 0);
    const int is_weighted = pass->ws->data->row_weights != NULL;
    const size_t n = pass->chunk.n_rows;
    for (size_t i = 0; i < op->n_rows; i++) {
        pass->cost += (is_weighted ? pynn_share_of_mean(pass, i % n) : share) * row_costs[i];
    }
    if (!pass->trains || isfinite(pass->cost)) { return 0; }
    pass->status = PYNN_DIVERGED;
    return 1;
}

int FN(pynn_keep_outputs)(pynn_op *op, pynn_pass *pass) {
    const pynn_layer *output = op->layer;
    const size_t n = pass->chunk.n_rows, n_out = output->n_out;
    for (size_t i = 0; i < op->n_rows; i++) {
        const size_t row = i / n * (size_t)pass->ws->data->n_rows + pass->chunk.first + i % n;
        memcpy(pass->out + row * n_out, output->a + (op->base + i) * output->layout.row,
               n_out * sizeof(real));
    }
    return 0;
}

int FN(pynn_keep_mean)(pynn_op *op, pynn_pass *pass) {
    const pynn_layer *output = op->layer;
    const size_t n = pass->chunk.n_rows, n_out = output->n_out, row = output->layout.row;
    for (size_t i = 0; i < n; i++) {
        const real *a = output->a + (op->base + i) * row;
        for (size_t j = 0; j < n_out; j++) {
            double sum = 0;
            for (size_t k = 0; k < pass->ws->n_members; k++) { sum += a[k * n * row + j]; }
            const double mean = sum / (double)pass->ws->n_members;
            pass->out[(pass->chunk.first + i) * n_out + j] = (real)mean;
        }
    }
    return 0;
}

/* Copy rows of a chunk to `kept` unless it is NULL. Returns the end of all rows there. */
static real *keep_rows(real *kept, const real *x, size_t stride, size_t n, const pynn_op *op,
                       const pynn_pass *pass) {
    if (!kept) { return NULL; }
    for (size_t i = op->rows.first; i < op->rows.end; i++) {
        memcpy(kept + (pass->chunk.first + i) * n, x + i * stride, n * sizeof(real));
    }
    return kept + (size_t)pass->ws->data->n_rows * n;
}

int FN(pynn_keep_trace)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const pynn_trace *trace = pass->trace;
    real *z = trace->z, *a = trace->a, *da = trace->da, *delta = trace->delta;
    real *normed = trace->normed, *dz = trace->dz;
    for (const pynn_layer *l = ws->layers; l < ws->layers + ws->n_layers; l++) {
        z = keep_rows(z, l->z, l->layout.row, l->n_out, op, pass);
        a = keep_rows(a, l->out, l->layout.row, l->n_out, op, pass);
        da = keep_rows(da, l->da, l->layout.row, l->n_out, op, pass);
        delta = keep_rows(delta, l->delta, l->layout.row, l->n_out, op, pass);
        normed = keep_rows(normed, l->sums, l->layout.row, l->n_out, op, pass);
        dz = keep_rows(dz, l->dz, l->layout.row, l->n_out, op, pass);
    }
    const size_t n_in = ws->layers[0].n_in, n_columns = ws->n_columns;
    const size_t stride = ws->network->n_embeddings ? n_columns : ws->dx_stride;
    keep_rows(trace->dx, ws->d_columns, stride, n_columns, op, pass);
    keep_rows(trace->embedded, ws->embedded, ws->dx_stride, n_in, op, pass);
    for (size_t i = op->rows.first; i < op->rows.end && trace->costs; i++) {
        trace->costs[pass->chunk.first + i] = ws->row_costs[i];
    }
    return 0;
}
