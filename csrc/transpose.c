#include "transpose.h"

/* Entries are radix-sorted by column, with at most this many bits per pass, lowest bits first. The
 * time depends on the number of entries, not of columns. */
enum { MOST_BITS = 11 };

/* Number of entries in these columns. */
static size_t count(pynn_sparse x, size_t n_rows, pynn_share columns) {
    const size_t n_columns = columns.end - columns.first;
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        for (int64_t k = x.starts[i]; k < x.ends[i]; k++) {
            n += (size_t)x.columns[k] - columns.first < n_columns;
        }
    }
    return n;
}

/* The member's part of the memory. Parts do not overlap, even if another thread writes to x. */
static pynn_share own_memory(const pynn_workspace *ws, pynn_sparse x, size_t n_rows,
                             pynn_share columns, pynn_member member) {
    if (member.n == 1) { return (pynn_share){0, ws->n_entries}; }
    ws->columns[member.id].n_entries = count(x, n_rows, columns);
    pynn_team_meet(member);
    size_t first = 0;
    for (int m = 0; m < member.id; m++) { first += ws->columns[m].n_entries; }
    const size_t end = first + ws->columns[member.id].n_entries;
    if (end > ws->n_entries) { return (pynn_share){ws->n_entries, ws->n_entries}; }
    return (pynn_share){first, end};
}

/* Collect the entries of these columns row by row, with columns counted from the first one. Returns
 * their number, at most `most` even if another thread writes to x. */
static size_t pick(pynn_entry *entries, size_t most, pynn_sparse x, size_t n_rows,
                   pynn_share columns) {
    const size_t n_columns = columns.end - columns.first;
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        for (int64_t k = x.starts[i]; k < x.ends[i]; k++) {
            const size_t column = (size_t)x.columns[k] - columns.first; /* wraps if negative */
            if (column < n_columns && n < most) {
                entries[n++] = (pynn_entry){(uint32_t)column, (uint32_t)i, x.values[k]};
            }
        }
    }
    return n;
}

/* One pass of the sort. It is stable, so rows stay in order and sums over them have a fixed
 * order. */
static void sort_by_bits(pynn_entry *to, const pynn_entry *from, size_t n, int lowest, int n_bits) {
    size_t at[1 << MOST_BITS] = {0}, sum = 0;
    const uint32_t mask = ((uint32_t)1 << n_bits) - 1;
    for (size_t k = 0; k < n; k++) { at[from[k].column >> lowest & mask]++; }
    for (size_t digit = 0; digit <= mask; digit++) {
        const size_t count = at[digit];
        at[digit] = sum;
        sum += count;
    }
    for (size_t k = 0; k < n; k++) { to[at[from[k].column >> lowest & mask]++] = from[k]; }
}

/* Sort entries (n,) by column, with spare (n,) as working memory. Returns the array with the
 * result. */
static const pynn_entry *sort(pynn_entry *entries, pynn_entry *spare, size_t n, size_t n_columns) {
    int n_bits = 0;
    while ((n_columns - 1) >> n_bits) { n_bits++; }
    const int n_passes = (n_bits + MOST_BITS - 1) / MOST_BITS;
    for (int pass = 0; pass < n_passes; pass++) {
        const int lowest = n_bits * pass / n_passes, end = n_bits * (pass + 1) / n_passes;
        sort_by_bits(spare, entries, n, lowest, end - lowest);
        pynn_entry *sorted = spare;
        spare = entries;
        entries = sorted;
    }
    return entries;
}

pynn_transposed FN(pynn_transpose)(const pynn_workspace *ws, pynn_sparse x, size_t n_rows,
                                   pynn_share columns, pynn_member member) {
    const pynn_share own = own_memory(ws, x, n_rows, columns, member);
    if (columns.first == columns.end) { return (pynn_transposed){.n = 0}; }
    const pynn_transposing *room = &ws->transposing;
    const size_t first = own.first;
    const size_t n = pick(room->entries[0] + first, own.end - first, x, n_rows, columns);
    const pynn_entry *sorted =
        sort(room->entries[0] + first, room->entries[1] + first, n, columns.end - columns.first);
    int64_t *starts = room->starts + first + member.id; /* each member has an additional start */
    size_t n_columns = 0;
    for (size_t k = 0; k < n; k++) {
        if (!k || sorted[k].column != sorted[k - 1].column) {
            room->columns[first + n_columns] = (uint32_t)columns.first + sorted[k].column;
            starts[n_columns++] = (int64_t)k;
        }
        room->rows[first + k] = (int32_t)sorted[k].row;
        room->values[first + k] = sorted[k].value;
    }
    starts[n_columns] = (int64_t)n;
    return (pynn_transposed){
        n_columns,
        room->columns + first,
        {starts, starts + 1, room->rows + first, room->values + first, n_rows},
    };
}
