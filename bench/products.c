/* products.c - the three products of one layer, over and over, cut into the pieces that
 * csrc/layers.c cuts them into, each thread its own share: the very kernels, without barriers,
 * activations, costs or Python. bench/products.py compiles it as the build compiles csrc/kernels.c.
 */
#include "kernels.c"
#include "memory.c"
#include "team.c"
#include "workspace.h"

#define EXPORT __attribute__((visibility("default")))

/* The kernels that the build makes of this file and these flags. */
static const FN(pynn_kernels) *const kernels = &TABLE_OF(PYNN_ISA);

typedef enum { FORWARD, BACKWARD, GRADIENT } kind;

/* One layer with all that its products read and write, as a workspace would hold it. */
typedef struct {
    size_t n_rows, n_in, n_out, x_stride, stride;
    int is_output, rule;
    FN(pynn_step) step;
    real *x, *dx;       /* (n_rows, n_in), rows x_stride apart */
    real *z, *delta;    /* (n_rows, n_out), rows stride apart */
    real *panels;       /* delta once more, in panels; NULL where rows are short */
    real *w, *slots[2]; /* (n_in, n_out); slots NULL where the rule has none */
    real *biases;       /* (n_out,) */
    real *scratch;      /* (n_threads, scratch_each): for packing, then a block of a gradient */
    size_t scratch_each;
    void *arena;
} layer;

/* A thread's part of a result (rows, columns). */
typedef struct {
    pynn_share rows, columns;
} part;

static size_t least(size_t m, size_t n) { return m < n ? m : n; }

/* As FN(piece) of layers.c: n divided evenly among pieces of at most `most`. */
static size_t piece_of(size_t n, size_t most) {
    const size_t n_pieces = (n + most - 1) / most;
    return n_pieces ? (n + n_pieces - 1) / n_pieces : 1;
}

/* As FN(part_of) of layers.c: whole panels of columns, or rows. */
static part part_of(size_t n_rows, size_t n_columns, int by_rows, pynn_member member) {
    const size_t panel = kernels->panel;
    if (by_rows || (size_t)member.n * panel > n_columns + panel - 1) {
        return (part){pynn_share_of(n_rows, 1, member), {0, n_columns}};
    }
    return (part){{0, n_rows}, pynn_share_of(n_columns, panel, member)};
}

static part part_of_kind(const layer *l, kind which, pynn_member member) {
    switch (which) {
    case FORWARD:
        return part_of(l->n_rows, l->n_out, l->is_output, member);
    case BACKWARD:
        return part_of(l->n_rows, l->n_in, 0, member);
    default:
        return part_of(l->n_in, l->n_out, l->is_output, member);
    }
}

/* ---- The calls into the table: here, and nowhere else, its signatures count. ---- */

static void forward_block(const layer *l, size_t i, size_t rows, size_t j, size_t n, real *pack) {
    const FN(pynn_matrix) x = {l->x + i * l->x_stride, l->x_stride, 1};
    const FN(pynn_panels) w = {l->w + j, l->n_out, 1, kernels->panel};
    kernels->product(l->z + i * l->stride + j, l->stride, l->biases + j, 0, x, w, rows, n, l->n_in,
                     pack);
}

static void backward_block(const layer *l, size_t i, size_t rows, size_t j, size_t n, real *pack) {
    const FN(pynn_matrix) delta = {l->delta + i * l->stride, l->stride, 1};
    const FN(pynn_panels) w = {l->w + j * l->n_out, 1, l->n_out, kernels->panel * l->n_out};
    kernels->product(l->dx + i * l->x_stride + j, l->x_stride, NULL, 0, delta, w, rows, n, l->n_out,
                     pack);
}

static void gradient_block(const layer *l, size_t i, size_t rows, size_t j, size_t n, real *pack) {
    real *block = pack + kernels->pack;
    const size_t panel = kernels->panel, at = i * l->n_out + j;
    const size_t stride = l->n_out <= panel ? n : PYNN_GRADIENT_COLUMNS;
    const FN(pynn_matrix) x = {l->x + i, 1, l->x_stride};
    const FN(pynn_panels) delta =
        l->panels ? (FN(pynn_panels)){l->panels + j * l->n_rows, panel, 1, l->n_rows * panel}
                  : (FN(pynn_panels)){l->delta + j, l->stride, 1, panel};
    kernels->product(block, stride, NULL, 0, x, delta, rows, n, l->n_rows, pack);
    kernels->update[l->rule](l->w + at, l->slots[0] ? l->slots[0] + at : NULL,
                             l->slots[1] ? l->slots[1] + at : NULL, l->n_out, block, stride, rows,
                             n, &l->step);
}

/* ---- */

/* One thread's part of one product, n times; returns the arithmetic of dense products in it. */
EXPORT double layer_run(long n, const layer *l, int which, int id, int n_threads) {
    static void (*const blocks[])(const layer *, size_t, size_t, size_t, size_t,
                                  real *) = {forward_block, backward_block, gradient_block};
    const part p = part_of_kind(l, (kind)which, (pynn_member){NULL, id, n_threads});
    const size_t n_rows = p.rows.end - p.rows.first, n_columns = p.columns.end - p.columns.first;
    const size_t rows_each =
        which == GRADIENT ? PYNN_GRADIENT_ROWS : piece_of(n_rows, PYNN_BLOCK_ROWS);
    const size_t columns_each = which == GRADIENT ? PYNN_GRADIENT_COLUMNS : PYNN_BLOCK_COLUMNS;
    real *pack = l->scratch + (size_t)id * l->scratch_each;
    for (long k = 0; k < n; k++) {
        for (size_t i = p.rows.first; i < p.rows.end; i += rows_each) {
            for (size_t j = p.columns.first; j < p.columns.end; j += columns_each) {
                blocks[which](l, i, least(rows_each, p.rows.end - i), j,
                              least(columns_each, p.columns.end - j), pack);
            }
        }
    }
    const size_t depth = which == FORWARD ? l->n_in : which == BACKWARD ? l->n_out : l->n_rows;
    return 2.0 * (double)n_rows * (double)n_columns * (double)depth * (double)n;
}

/* Rows and columns of the result that are one thread's. */
EXPORT void layer_part(const layer *l, int which, int id, int n_threads, size_t *rows_columns) {
    const part p = part_of_kind(l, (kind)which, (pynn_member){NULL, id, n_threads});
    rows_columns[0] = p.rows.end - p.rows.first;
    rows_columns[1] = p.columns.end - p.columns.first;
}

static int rule_named(const char *name) {
#define X(rule, n_slots)                                                                           \
    if (!strcmp(name, #rule)) { return PYNN_RULE_##rule; }
    PYNN_RULES(X)
#undef X
    return -1;
}

static int slots_of(int rule) {
    static const int n_slots[] = {
#define X(name, n) n,
        PYNN_RULES(X)
#undef X
    };
    return n_slots[rule];
}

/* Whole cache lines, and no multiple of 2 KB: as FN(stride) of workspace.c. */
static size_t stride_of(size_t n) {
    const size_t line = 64 / sizeof(real), stride = (n + line - 1) / line * line;
    return stride * sizeof(real) % 2048 ? stride : stride + line;
}

static real *take(real *arena, size_t *used, size_t n) {
    const size_t line = 64 / sizeof(real);
    real *taken = arena ? arena + *used : NULL;
    *used += (n + line - 1) / line * line;
    return taken;
}

/* Lays the arrays into the arena and returns how many reals they take; arena NULL: only counts. */
static size_t lay_out(layer *l, real *arena, int n_threads) {
    const size_t panel = kernels->panel;
    size_t used = 0;
    l->x = take(arena, &used, l->n_rows * l->x_stride);
    l->dx = take(arena, &used, l->n_rows * l->x_stride);
    l->z = take(arena, &used, l->n_rows * l->stride);
    l->delta = take(arena, &used, l->n_rows * l->stride);
    l->panels = NULL;
    if (l->n_out > 4 * panel && l->n_in > PYNN_GRADIENT_ROWS) { /* as FN(wants_panels) */
        l->panels = take(arena, &used, (l->n_out + panel - 1) / panel * panel * l->n_rows);
    }
    l->w = take(arena, &used, l->n_in * l->n_out + l->n_out);
    l->biases = l->w ? l->w + l->n_in * l->n_out : NULL;
    for (int s = 0; s < slots_of(l->rule); s++) {
        l->slots[s] = take(arena, &used, l->n_in * l->n_out);
    }
    l->scratch_each = stride_of(kernels->pack + PYNN_GRADIENT_ROWS * PYNN_GRADIENT_COLUMNS + 16);
    l->scratch = take(arena, &used, (size_t)n_threads * l->scratch_each);
    return used;
}

EXPORT void layer_free(layer *l) {
    pynn_free(l->arena);
    free(l);
}

/* x: (n_rows, n_in), dense, of which a copy is made. NULL where there is no memory for it. */
EXPORT layer *layer_new(size_t n_rows, size_t n_in, size_t n_out, int is_output, const char *rule,
                        int n_threads, const real *x) {
    layer *l = calloc(1, sizeof *l);
    if (!l) { return NULL; }
    *l = (layer){.n_rows = n_rows, .n_in = n_in, .n_out = n_out, .is_output = is_output};
    l->x_stride = stride_of(n_in), l->stride = stride_of(n_out), l->rule = rule_named(rule);
    /* So small that the weights stay what they are, however often they are updated. */
    const pynn_optimizer optimizer = {l->rule, 1e-12, 0.9, 0.9, 0.999, 1e-8, 0};
    l->step = FN(step_of)(&optimizer, 1000);
    const size_t n = lay_out(l, NULL, n_threads);
    real *arena = l->arena = pynn_alloc(n, sizeof(real));
    if (!arena) {
        free(l);
        return NULL;
    }
    uint32_t random = 1; /* Numerical Recipes' congruential generator will do: (-1, 1) */
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525u + 1013904223u;
        arena[i] = (real)((double)(int32_t)random * 0x1p-31);
    }
    lay_out(l, arena, n_threads);
    for (size_t i = 0; i < n_rows; i++) {
        memcpy(l->x + i * l->x_stride, x + i * n_in, n_in * sizeof *x);
    }
    for (size_t i = 0; l->slots[1] && i < n_in * n_out; i++) { l->slots[1][i] = 1; } /* squares */
    return l;
}
