#include "embed.h"

#include <string.h>

#include "updates.h"

/* The next embedding of a walk over all of them. */
typedef struct {
    const pynn_embedding *of;
    size_t k;          /* its number */
    size_t column, at; /* of x; first column in embedded rows */
    size_t parameter;  /* offset of its first parameter among those of embeddings */
} place;

/* Advance to embedding `to->k`; all fields 0 before the first. */
static int reach_next(place *to, const pynn_workspace *ws) {
    const pynn_network *network = ws->network;
    if (to->of) {
        to->at += (size_t)to->of->size;
        to->parameter += (size_t)pynn_embedding_parameters(to->of);
        to->column++;
        to->k++;
    }
    if (to->k == (size_t)network->n_embeddings) { return 0; }
    to->of = &network->embeddings[to->k];
    to->at += (size_t)to->of->column - to->column;
    to->column = (size_t)to->of->column;
    return 1;
}

/* Rows of the embedding's column. */
static pynn_embedded rows_of(const pynn_pass *pass, const place *at, pynn_share rows) {
    const pynn_workspace *ws = pass->ws;
    const pynn_rows *columns = &pass->columns;
    return (pynn_embedded){.of = at->of,
                           .parameters = pass->parameters + ws->embeddings.at + at->parameter,
                           .x = columns->x + rows.first * columns->layout.row + at->column,
                           .x_stride = columns->layout.row,
                           .n_rows = rows.end - rows.first,
                           .room = ws->rooms + (size_t)pass->member.id * ws->room_each};
}

/* Copy the columns of x from `column` on, up to `end`, which have no embedding. */
static void copy_columns(real *to, size_t to_stride, const real *from, size_t from_stride,
                         pynn_share rows, size_t n) {
    for (size_t i = rows.first; i < rows.end && n; i++) {
        for (size_t j = 0; j < n; j++) { to[i * to_stride + j] = from[i * from_stride + j]; }
    }
}

/* Products read wide rows in panels. */
static void put_in_panels(const pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layout layout = ws->input_layout;
    const real *rows = pass->x.x + op->rows.first * ws->dx_stride;
    const pynn_panels whole = {rows, ws->dx_stride, 1, ws->kernels->panel, NULL, 0};
    pass->x.x = ws->scaled + op->base * layout.row;
    pass->x.layout = layout;
    ws->kernels->pack_panels(ws->scaled + (op->base + op->rows.first) * layout.row, layout.panel,
                             whole, op->rows.end - op->rows.first, pass->x.n_columns);
}

int FN(pynn_embed)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const size_t stride = ws->dx_stride;
    const pynn_rows from = pass->columns = pass->x;
    real *to = ws->embedded + op->base * stride;
    place at = {0};
    for (size_t j = 0, column = 0;;) {
        const int is_embedding = reach_next(&at, ws);
        const size_t end = is_embedding ? at.column : ws->n_columns;
        copy_columns(to + j, stride, from.x + column, from.layout.row, op->rows, end - column);
        if (!is_embedding) { break; }
        const pynn_embedded rows = rows_of(pass, &at, op->rows);
        ws->kernels->embed[at.of->kind](to + op->rows.first * stride + at.at, stride, &rows);
        j = at.at + (size_t)at.of->size;
        column = at.column + 1;
    }
    pass->x = (pynn_rows){
        .x = to, .layout = {stride, ws->kernels->panel}, .n_columns = ws->layers[0].n_in};
    if (ws->scaled && !ws->scale.n_rows) { put_in_panels(op, pass); }
    return 0;
}

int FN(pynn_embed_gradient)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    pynn_step room;
    const pynn_step *step = pynn_step_of_input(&room, pass, &ws->embeddings);
    for (place at = {0}; reach_next(&at, ws);) {
        const size_t n = (size_t)pynn_embedding_parameters(at.of);
        if (at.k < op->columns.first || at.k >= op->columns.end || !n) { continue; }
        const pynn_embedded rows = rows_of(pass, &at, (pynn_share){0, pass->chunk.n_rows});
        real *g = ws->d_embeddings + at.parameter;
        ws->kernels->embed_gradient[at.of->kind](g, ws->d_embedded + at.at, ws->dx_stride, &rows);
        pynn_apply_dense(pass->updater, step, ws->embeddings.at + at.parameter, g, n);
    }
    return 0;
}

int FN(pynn_embed_dx)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const size_t stride = ws->dx_stride, n = ws->n_columns, first = op->rows.first;
    place at = {0};
    for (size_t j = 0, column = 0;;) {
        const int is_embedding = reach_next(&at, ws);
        const size_t end = is_embedding ? at.column : n;
        copy_columns(ws->d_columns + column, n, ws->d_embedded + j, stride, op->rows, end - column);
        if (!is_embedding) { return 0; }
        const pynn_embedded rows = rows_of(pass, &at, op->rows);
        ws->kernels->embed_back[at.of->kind](ws->d_columns + first * n + at.column, n,
                                             ws->d_embedded + first * stride + at.at, stride,
                                             &rows);
        j = at.at + (size_t)at.of->size;
        column = at.column + 1;
    }
}
