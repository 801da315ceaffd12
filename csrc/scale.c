#include "scale.h"

#include "updates.h"

int FN(pynn_scale_input)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const pynn_rows raw = pass->raw = pass->x;
    const real *s = pass->parameters + ws->scale.at;
    const pynn_layout layout = ws->scaled_layout;
    real *scaled = ws->scaled + op->base * layout.row;
    const size_t together = pynn_together(ws, layout);
    for (size_t i = op->rows.first; i < op->rows.end; i++) {
        const real *x = raw.x + i * raw.layout.row;
        for (size_t j = 0; j < raw.n_columns;) {
            real *to = scaled + pynn_at(ws, layout, i, j);
            for (size_t k = 0; k < together && j < raw.n_columns; k++, j++) {
                to[k] = x[j] * s[raw.columns ? raw.columns[j] : j];
            }
        }
    }
    pass->x.x = scaled;
    pass->x.layout = layout;
    return 0;
}

/* g (n,) = sum over the rows of x * dx, for columns first .. first + n - 1. Columns missing from x
 * are 0 in all rows. */
static void sum_products(real *g, const pynn_pass *pass, size_t n_rows, size_t first, size_t n) {
    const pynn_workspace *ws = pass->ws;
    const pynn_rows *x = &pass->raw;
    size_t k = x->columns ? 0 : first;
    while (x->columns && k < x->n_columns && x->columns[k] < first) { k++; }
    for (size_t j = 0; j < n; j++) { g[j] = 0; }
    for (; k < x->n_columns; k++) {
        const size_t j = x->columns ? x->columns[k] : k;
        if (j >= first + n) { return; }
        for (size_t i = 0; i < n_rows; i++) {
            g[j - first] += x->x[i * x->layout.row + k] * ws->dx[i * ws->dx_stride + j];
        }
    }
}

int FN(pynn_scale_gradient)(pynn_op *op, pynn_pass *pass) {
    const pynn_updater *updater = pass->updater;
    const pynn_group *scale = &pass->ws->scale;
    pynn_step room;
    const pynn_step *step = pynn_step_of_input(&room, pass, scale);
    real *g = pynn_gradient_block_of(pass->ws, pass->member);
    const size_t most = pass->ws->kernels->gradient_columns;
    for (size_t j = op->columns.first; j < op->columns.end; j += most) {
        const size_t left = op->columns.end - j, n = left < most ? left : most;
        sum_products(g, pass, pass->chunk.n_rows, j, n);
        pynn_apply_dense(updater, step, scale->at + j, g, n);
    }
    return 0;
}

int FN(pynn_scale_dx)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const real *s = pass->parameters + ws->scale.at;
    for (size_t i = op->rows.first; i < op->rows.end; i++) {
        const real *dx = ws->dx + i * ws->dx_stride;
        real *to = ws->d_embedded + i * ws->dx_stride;
        for (size_t j = op->columns.first; j < op->columns.end; j++) { to[j] = dx[j] * s[j]; }
    }
    return 0;
}
