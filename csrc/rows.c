#include "rows.h"

#include <string.h>

enum { FEW = 16 }; /* numbers that are copied sooner than memcpy is called */

/* out (n,) = row i of the batch, of an array (., n) with these strides in bytes */
static void FN(gather)(real *out, const void *array, const ptrdiff_t strides[2], size_t n,
                       pynn_batch batch, size_t i) {
    const char *row = (const char *)array + (ptrdiff_t)pynn_row_of(batch, i) * strides[0];
    if (strides[1] == sizeof(real) && n > FEW) {
        memcpy(out, row, n * sizeof(real));
        return;
    }
    for (size_t j = 0; j < n; j++) { out[j] = *(const real *)(row + (ptrdiff_t)j * strides[1]); }
}

/* Where a row can be read: in the data, if its numbers lie side by side; else it is gathered. */
static const real *FN(row)(FN(pynn_workspace) * ws, const pynn_data *data, pynn_batch batch,
                           size_t i) {
    const size_t n_in = ws->layers[0].n_in;
    if (data->x_strides[1] == sizeof(real) || n_in == 1) {
        return (const real *)((const char *)data->x +
                              (ptrdiff_t)pynn_row_of(batch, i) * data->x_strides[0]);
    }
    FN(gather)(ws->x + i * ws->x_stride, data->x, data->x_strides, n_in, batch, i);
    return ws->x + i * ws->x_stride;
}

/* Whether products can read the batch in the data, and how far apart its rows lie there, or 0. */
static size_t FN(stride_in_data)(const FN(pynn_workspace) * ws, const pynn_data *data,
                                 pynn_batch batch) {
    const ptrdiff_t size = sizeof(real), stride = data->x_strides[0] / size;
    const size_t n_in = ws->layers[0].n_in;
    if (data->x_strides[1] != size && n_in > 1) { return 0; }
    if (batch.n_rows == 1) { return n_in; }
    const int fits = stride >= (ptrdiff_t)n_in && stride <= INT32_MAX;
    return !batch.order && fits && data->x_strides[0] % size == 0 ? (size_t)stride : 0;
}

/* Columns that a member found: is a search worth its time? All members come to the same answer. */
static int FN(searches)(const FN(pynn_workspace) * ws, FN(pynn_columns) * found, size_t n_rows) {
    if (ws->layers[0].n_in < PYNN_FEW_COLUMNS || !(ws->kernels->tuned || n_rows == 1)) { return 0; }
    if (ws->beside) { return 0; } /* weights that are left out would not be there */
    if (found->rest > 0) { found->rest--; }
    return found->rest == 0;
}

/* Lists the columns that any member marked; returns how many they are. */
static size_t FN(list_columns)(const FN(pynn_workspace) * ws, FN(pynn_columns) * found,
                               pynn_member member) {
    const size_t n_in = ws->layers[0].n_in;
    pynn_team_meet(member); /* whether the team stops is asked at the next one */
    found->kept = found->marks;
    if (member.n > 1) {
        found->kept = found->merged;
        memset(found->merged, 0, n_in * sizeof *found->merged);
        for (int m = 0; m < member.n; m++) {
            for (size_t j = 0; j < n_in; j++) { found->merged[j] |= ws->columns[m].marks[j]; }
        }
    }
    return ws->kernels->list_marked(found->list, found->kept, n_in);
}

/* The next batch's rows: far apart in memory, they would be waited for. */
static void FN(plan_ahead)(FN(pynn_columns) * found, const pynn_data *data, pynn_batch batch,
                           pynn_share mine) {
    found->ahead_order = found->ahead_end = NULL;
    if (!batch.order || data->x_strides[1] != sizeof(real)) { return; }
    const size_t next = batch.first + batch.n_rows, left = (size_t)data->n_rows - next;
    found->ahead_done = 0;
    found->ahead_order = batch.order + next + (mine.first < left ? mine.first : left);
    found->ahead_end = batch.order + next + (mine.end < left ? mine.end : left);
}

void FN(pynn_fetch_ahead)(const FN(pynn_workspace) * ws, pynn_member member) {
    FN(pynn_columns) *found = &ws->columns[member.id];
    const pynn_data *data = ws->data;
    const size_t n_bytes = ws->layers[0].n_in * sizeof(real);
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

static void FN(found_not_finite)(FN(pynn_workspace) * ws, pynn_member member) {
    atomic_store_explicit(&ws->found_not_finite, 1, memory_order_relaxed);
    pynn_team_stop(member);
}

/* A first look at the member's rows: are they finite, which columns do they use? */
static void FN(look_at_rows)(FN(pynn_workspace) * ws, const pynn_data *data, pynn_batch batch,
                             pynn_share mine, bits_t *marks /* (n_in,) or NULL */,
                             pynn_member member) {
    const size_t n_in = ws->layers[0].n_in;
    if (!marks && !ws->checks_input) { return; }
    if (marks) { memset(marks, 0, n_in * sizeof *marks); }
    for (size_t i = mine.first; i < mine.end; i++) {
        const real *row = FN(row)(ws, data, batch, i);
        if (ws->checks_input && !ws->kernels->all_finite(row, n_in)) {
            FN(found_not_finite)(ws, member);
            return;
        }
        if (marks) { ws->kernels->mark_nonzero(marks, row, n_in); }
    }
}

/* Brings the member's rows to ws->x: all of their columns, or those that kept says. */
static void FN(copy_rows)(FN(pynn_workspace) * ws, const pynn_data *data, pynn_batch batch,
                          pynn_share mine, const bits_t *kept /* (n_in,) or NULL */) {
    const size_t n_in = ws->layers[0].n_in;
    for (size_t i = mine.first; i < mine.end; i++) {
        const real *row = FN(row)(ws, data, batch, i);
        real *to = ws->x + i * ws->x_stride;
        if (kept) {
            ws->kernels->keep_marked(to, row, kept, n_in);
        } else if (row != to) {
            memcpy(to, row, n_in * sizeof(real));
        }
    }
}

/* Sparse rows stay where they are; only where each begins and ends is gathered. */
static FN(pynn_rows) FN(load_sparse)(FN(pynn_workspace) * ws, const pynn_data *data,
                                     pynn_batch batch, pynn_share mine, pynn_member member) {
    const real *values = data->values;
    for (size_t i = mine.first; i < mine.end; i++) {
        const int64_t *row = data->starts + pynn_row_of(batch, i);
        ws->starts[i] = row[0];
        ws->ends[i] = row[1];
        if (ws->checks_input &&
            !ws->kernels->all_finite(values + row[0], (size_t)(row[1] - row[0]))) {
            FN(found_not_finite)(ws, member);
            break;
        }
    }
    return (FN(pynn_rows)){.n_columns = ws->layers[0].n_in, .is_sparse = 1};
}

FN(pynn_rows)
FN(pynn_load_input)(FN(pynn_workspace) * ws, const pynn_data *data, pynn_batch batch,
                    pynn_member member) {
    const pynn_share mine = pynn_share_of(batch.n_rows, 1, member);
    if (data->starts) { return FN(load_sparse)(ws, data, batch, mine, member); }
    const size_t n_in = ws->layers[0].n_in, in_data = FN(stride_in_data)(ws, data, batch);
    FN(pynn_columns) *found = &ws->columns[member.id];
    const int searches = FN(searches)(ws, found, batch.n_rows);
    FN(look_at_rows)(ws, data, batch, mine, searches ? found->marks : NULL, member);
    const size_t n_found = searches ? FN(list_columns)(ws, found, member) : n_in;
    const int keeps_all = n_found * PYNN_FEWER_COLUMNS > n_in * (PYNN_FEWER_COLUMNS - 1);
    if (searches && keeps_all) { found->rest = PYNN_REST; }
    FN(plan_ahead)(found, data, batch, mine);
    if (keeps_all && in_data) {
        return (FN(pynn_rows)){
            .x = FN(row)(ws, data, batch, 0), .stride = in_data, .n_columns = n_in};
    }
    FN(copy_rows)(ws, data, batch, mine, keeps_all ? NULL : found->kept);
    return (FN(pynn_rows)){.x = ws->x,
                           .stride = ws->x_stride,
                           .n_columns = keeps_all ? n_in : n_found,
                           .columns = keeps_all ? NULL : found->list};
}

void FN(pynn_load_targets)(FN(pynn_workspace) * ws, const pynn_data *data, pynn_batch batch,
                           pynn_share rows) {
    const FN(pynn_layer) *output = &ws->layers[ws->n_layers - 1];
    for (size_t i = rows.first; i < rows.end; i++) {
        real *y = ws->y + i * output->stride;
        if (data->labels) {
            for (size_t j = 0; j < output->n_out; j++) { y[j] = 0; }
            y[data->labels[pynn_row_of(batch, i)]] = 1;
        } else {
            FN(gather)(y, data->y, data->y_strides, output->n_out, batch, i);
        }
    }
}
