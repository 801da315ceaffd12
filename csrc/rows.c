#include "rows.h"

#include <string.h>

enum { FEW = 16 }; /* a loop copies this many numbers faster than memcpy */

/* out (n,) = row i of the batch, from an array (., n) with these strides in bytes */
static void gather(real *out, const void *array, const ptrdiff_t strides[2], size_t n,
                   pynn_batch batch, size_t i) {
    const char *row = (const char *)array + (ptrdiff_t)pynn_row_of(batch, i) * strides[0];
    if (strides[1] == sizeof(real) && n > FEW) {
        memcpy(out, row, n * sizeof(real));
        return;
    }
    for (size_t j = 0; j < n; j++) { out[j] = *(const real *)(row + (ptrdiff_t)j * strides[1]); }
}

/* Address of a row: in the data if its elements are contiguous, otherwise of a gathered copy. */
static const real *row_at(const pynn_pass *pass, size_t i) {
    const pynn_workspace *ws = pass->ws;
    const pynn_data *data = ws->data;
    const size_t n_in = ws->n_columns;
    if (data->x_strides[1] == sizeof(real) || n_in == 1) {
        return (const real *)((const char *)data->x +
                              (ptrdiff_t)pynn_row_of(pass->chunk, i) * data->x_strides[0]);
    }
    real *gathered = ws->columns[pass->member.id].row;
    gather(gathered, data->x, data->x_strides, n_in, pass->chunk, i);
    return gathered;
}

/* Distance between the batch's rows if products can read them in the data, otherwise 0. */
static size_t stride_in_data(const pynn_workspace *ws, pynn_batch batch) {
    const pynn_data *data = ws->data;
    const ptrdiff_t size = sizeof(real), stride = data->x_strides[0] / size;
    const size_t n_in = ws->n_columns;
    if (data->x_strides[1] != size && n_in > 1) { return 0; }
    if (pynn_in_panels(ws, ws->x_layout)) { return 0; }
    if (batch.n_rows == 1) { return n_in; }
    const int fits = stride >= (ptrdiff_t)n_in && stride <= INT32_MAX;
    return !batch.order && fits && data->x_strides[0] % size == 0 ? (size_t)stride : 0;
}

/* Whether to search for unused columns. All members get the same answer. */
static int is_searched(const pynn_workspace *ws, pynn_columns *found, size_t n_rows) {
    if (ws->n_columns < PYNN_FEW_COLUMNS || ws->network->n_embeddings) { return 0; }
    if (n_rows > 1 && (!ws->tuned || ws->purpose == PYNN_PREDICTS)) { return 0; }
    if (ws->network->members) { return 0; } /* the gradient of r has all columns */
    if (ws->shadow) { return 0; }           /* skipped weights would be missing from the shadow */
    if (found->rest > 0) { found->rest--; }
    return found->rest == 0;
}

/* List the columns that any member marked and return their number. */
static size_t list_columns(const pynn_workspace *ws, pynn_columns *found, pynn_member member) {
    const size_t n_in = ws->n_columns;
    found->kept = found->marks;
    if (member.n > 1 && ws->purpose != PYNN_PREDICTS) {
        pynn_team_meet(member); /* ignored: the next barrier reports a request to stop */
        found->kept = found->merged;
        memset(found->merged, 0, n_in * sizeof *found->merged);
        for (int m = 0; m < member.n; m++) {
            for (size_t j = 0; j < n_in; j++) { found->merged[j] |= ws->columns[m].marks[j]; }
        }
    }
    return ws->kernels->list_marked(found->list, found->kept, n_in);
}

/* Plan the prefetching of the next batch's rows, which are scattered in memory. */
static void plan_ahead(pynn_columns *found, const pynn_data *data, pynn_batch batch,
                       pynn_share mine) {
    found->ahead_order = found->ahead_end = NULL;
    if (!batch.order || data->x_strides[1] != sizeof(real)) { return; }
    const size_t next = batch.first + batch.n_rows, left = batch.n_left;
    found->ahead_done = 0;
    found->ahead_order = batch.order + next + (mine.first < left ? mine.first : left);
    found->ahead_end = batch.order + next + (mine.end < left ? mine.end : left);
}

void FN(pynn_fetch_ahead)(const pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    pynn_columns *found = &ws->columns[pass->member.id];
    const pynn_data *data = ws->data;
    const size_t n_bytes = ws->n_columns * sizeof(real);
    for (int i = 0; i < PYNN_PAIRS_AHEAD && found->ahead_order < found->ahead_end; i++) {
        __builtin_prefetch((const char *)data->x +
                               (ptrdiff_t)*found->ahead_order * data->x_strides[0] +
                               found->ahead_done,
                           0, 2);
        found->ahead_done += PYNN_PAIR;
        if (found->ahead_done >= n_bytes) {
            found->ahead_done = 0;
            found->ahead_order++;
        }
    }
}

static void found_not_finite(const pynn_pass *pass) {
    atomic_store_explicit(&pass->ws->found_not_finite, 1, memory_order_relaxed);
    pynn_team_stop(pass->member);
}

/* First pass over the member's rows: check that they are finite and mark the columns they use. */
static void look_at_rows(const pynn_op *op, const pynn_pass *pass,
                         bits_t *marks /* (n_in,) or NULL */) {
    const pynn_workspace *ws = pass->ws;
    const size_t n_in = ws->n_columns;
    if (!marks && !ws->checks_input) { return; }
    if (marks) { memset(marks, 0, n_in * sizeof *marks); }
    for (size_t i = op->rows.first; i < op->rows.end; i++) {
        const real *row = row_at(pass, i);
        if (ws->checks_input && !ws->kernels->all_finite(row, n_in)) {
            found_not_finite(pass);
            return;
        }
        if (marks) { ws->kernels->mark_nonzero(marks, row, n_in); }
    }
}

/* Copy the member's rows to ws->x: all columns or only the listed ones. */
static void copy_rows(const pynn_op *op, const pynn_pass *pass, const pynn_columns *found,
                      size_t n_listed) {
    const pynn_workspace *ws = pass->ws;
    const pynn_layout layout = ws->x_layout;
    const size_t n_in = ws->n_columns;
    const int in_panels = pynn_in_panels(ws, layout);
    for (size_t i = op->rows.first; i < op->rows.end; i++) {
        const real *row = row_at(pass, i);
        real *to = ws->x + (op->base + i) * layout.row;
        if (n_listed < n_in) {
            real *listed = in_panels ? found->row : to;
            ws->kernels->keep_listed(listed, row, found->list, n_listed, found->kept, n_in);
            row = listed;
        } else if (!in_panels && n_in > FEW) {
            memcpy(to, row, n_in * sizeof(real));
        } else if (!in_panels) {
            for (size_t j = 0; j < n_in; j++) { to[j] = row[j]; }
        }
        if (in_panels) {
            const pynn_panels whole = {row, 0, 1, ws->kernels->panel, NULL, 0};
            ws->kernels->pack_panels(to, layout.panel, whole, 1, n_listed);
        }
    }
}

/* Sparse rows stay in the data; only the start and end of each row are gathered. Another thread may
 * write to these numbers at any time, so a row that is out of bounds counts as empty. */
static void load_sparse(const pynn_op *op, pynn_pass *pass) {
    pynn_workspace *ws = pass->ws;
    const pynn_data *data = ws->data;
    for (size_t i = op->rows.first; i < op->rows.end; i++) {
        const int64_t *row = data->starts + pynn_row_of(pass->chunk, i);
        int64_t first = row[0], end = row[1];
        if (first < 0 || end < first || end > data->n_entries) { first = end = 0; }
        ws->starts[op->base + i] = first;
        ws->ends[op->base + i] = end;
        const real *values = (const real *)data->values + first;
        if (ws->checks_input && !ws->kernels->all_finite(values, (size_t)(end - first))) {
            found_not_finite(pass); /* continue: predictions count the entries of all rows */
        }
    }
    pass->x = (pynn_rows){.n_columns = ws->n_columns, .is_sparse = 1};
}

int FN(pynn_load_input)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    if (ws->data->starts) {
        load_sparse(op, pass);
        return 0;
    }
    const size_t n_in = ws->n_columns, in_data = stride_in_data(ws, pass->chunk);
    pynn_columns *found = &ws->columns[pass->member.id];
    const int searches = is_searched(ws, found, pass->chunk.n_rows);
    look_at_rows(op, pass, searches ? found->marks : NULL);
    size_t n_used = searches ? list_columns(ws, found, pass->member) : n_in;
    if (n_used * PYNN_FEWER_COLUMNS > n_in * (PYNN_FEWER_COLUMNS - 1)) {
        if (searches) { found->rest = PYNN_REST; }
        n_used = n_in;
    }
    plan_ahead(found, ws->data, pass->chunk, op->rows);
    pass->x = (pynn_rows){.x = ws->x + op->base * ws->x_layout.row,
                          .layout = ws->x_layout,
                          .n_columns = n_used,
                          .columns = n_used < n_in ? found->list : NULL};
    if (n_used == n_in && in_data) {
        pass->x.x = row_at(pass, 0);
        pass->x.layout.row = in_data;
    } else {
        copy_rows(op, pass, found, n_used);
    }
    return 0;
}

int FN(pynn_load_targets)(pynn_op *op, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const pynn_data *data = ws->data;
    const pynn_layer *output = op->layer;
    const double share = pynn_share_of_mean(pass, 0);
    for (size_t row = op->rows.first; row < op->rows.end; row++) {
        const size_t i = row % pass->chunk.n_rows; /* each member learns from it */
        real *y = ws->y + row * output->layout.row;
        if (data->labels) {
            for (size_t j = 0; j < output->n_out; j++) { y[j] = 0; }
            /* Another thread may have changed the label since it was checked. */
            const uint64_t label = (uint64_t)data->labels[pynn_row_of(pass->chunk, i)];
            if (label < output->n_out) { y[label] = 1; }
        } else {
            gather(y, data->y, data->y_strides, output->n_out, pass->chunk, i);
        }
        ws->row_scales[row] = (real)(data->row_weights ? pynn_share_of_mean(pass, i) : share);
    }
    return 0;
}
