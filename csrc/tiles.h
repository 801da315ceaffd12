/* tiles.h - register tiles, the small parts of a matrix product. A tile stays in registers during
 * one loop over the depth (the dimension summed over), which multiplies a broadcast number of a by
 * V vectors of b. Each element of the result is one chain of fused multiply-adds in the order of
 * the depth, so a product has the same bits however it is cut into tiles. */
#ifndef PYNN_TILES_H
#define PYNN_TILES_H

#include "kernels.h"
#include "optimizers.h"
#include "vec.h"

/* Largest tiles that leave registers for b and a: 28 + 2 + 1 of 32 registers, 12 + 2 + 1 of 16. */
#if VEC_BYTES == 64 || defined(__aarch64__)
enum { TILE_ROWS = 14 };
#define TILE_HEIGHTS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#else
enum { TILE_ROWS = 6 };
#define TILE_HEIGHTS(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif
enum { TILE_VECTORS = 2 };
#define PANEL (TILE_VECTORS * LANES) /* columns of a tile */

/* Operands of a tile: a (R, depth), b (depth, V vectors) and the result. The last vector has `last`
 * lanes. */
typedef struct {
    const real *a; /* element (r, k) is at r * a_row + k * a_step + k / a_piece * a_jump */
    size_t a_row, a_step, a_piece, a_jump;
    pynn_panels b;
    size_t depth, last;
    real *c; /* result or updated weights, rows c_row apart */
    size_t c_row;
    const real *start; /* summand or weights to update, rows start_row apart; NULL: 0 */
    size_t start_row;
    const uint32_t *c_rows; /* (R,) row r of the weights is c_rows[r]; NULL: r */
    const pynn_step *step;  /* of the update */
} tile;

/* Load a whole vector without a mask: masked loads are slower on some processors. */
INLINE vec load_lanes(const real *x, size_t n) { return n == LANES ? load(x) : load_first(x, n); }

/* Number of lanes used in vector v. */
INLINE size_t lanes(const tile *t, int v, const int V) { return v == V - 1 ? t->last : LANES; }

/* sum (R, V) += a b */
INLINE void accumulate(const int R, const int V, const int picks, vec *sum, const tile *t) {
    const real *a = t->a, *b = t->b.x;
    const size_t a_row = t->a_row, a_step = t->a_step, b_stride = t->b.row;
    const size_t depth = t->depth, piece = t->a_piece, jump = t->a_jump, last = t->last;
    const uint32_t *b_rows = t->b.rows;
    for (size_t k = 0; k < depth; a += jump) {
        for (const size_t end = depth - k < piece ? depth : k + piece; k < end; k++) {
            const real *row = picks ? t->b.x + b_rows[k] * b_stride : b;
            vec columns[TILE_VECTORS];
            UNROLL(2)
            for (int v = 0; v < V; v++) {
                columns[v] = v == V - 1 ? load_first(row + v * LANES, last) : load(row + v * LANES);
            }
            UNROLL(14)
            for (int r = 0; r < R; r++) {
                const real factor = a[(size_t)r * a_row];
                UNROLL(2)
                for (int v = 0; v < V; v++) { sum[r * V + v] += factor * columns[v]; }
            }
            a += a_step;
            b += b_stride;
        }
    }
}

/* c = start + a b, in whole vectors */
INLINE void multiply_tile(const int R, const int V, const int picks, const tile *t) {
    vec sum[TILE_ROWS * TILE_VECTORS];
    UNROLL(14)
    for (int r = 0; r < R; r++) {
        UNROLL(2)
        for (int v = 0; v < V; v++) {
            const size_t at = (size_t)r * t->start_row + (size_t)v * LANES;
            sum[r * V + v] = t->start ? load_lanes(t->start + at, lanes(t, v, V)) : (vec){0};
        }
    }
    accumulate(R, V, picks, sum, t);
    UNROLL(14)
    for (int r = 0; r < R; r++) {
        UNROLL(2)
        for (int v = 0; v < V; v++) {
            store(t->c + (size_t)r * t->c_row + (size_t)v * LANES, sum[r * V + v]);
        }
    }
}

/* Update weights by sgd with the gradient a b. All weights are loaded before any is stored: a load
 * right after the masked store of the previous row would stall (4 times slower for 784-15-10 at
 * batch size 1). */
INLINE void descend_tile(const int R, const int V, const tile *t) {
    vec sum[TILE_ROWS * TILE_VECTORS] = {{0}};
    accumulate(R, V, 0, sum, t);
    size_t at[TILE_ROWS];
    UNROLL(14)
    for (int r = 0; r < R; r++) {
        at[r] = (t->c_rows ? t->c_rows[r] : (size_t)r) * t->c_row;
        UNROLL(2)
        for (int v = 0; v < V; v++) {
            vec w = load_lanes(t->start + at[r] + v * LANES, lanes(t, v, V));
            rule_sgd(&w, NULL, sum[r * V + v], t->step);
            sum[r * V + v] = w;
        }
    }
    UNROLL(14)
    for (int r = 0; r < R; r++) {
        UNROLL(2)
        for (int v = 0; v < V; v++) {
            const size_t n = lanes(t, v, V);
            if (n == LANES) {
                store(t->c + at[r] + v * LANES, sum[r * V + v]);
            } else {
                store_first(t->c + at[r] + v * LANES, sum[r * V + v], n);
            }
        }
    }
}

/* Three functions for each tile size: multiply, multiply with selected rows of b, and descend. */
typedef void tile_function(const tile *t);
typedef tile_function *tile_functions[TILE_ROWS][TILE_VECTORS]; /* [rows-1][vectors-1] */

#define TILES(kind, call)                                                                          \
    static void kind(const tile *t) { call; }
#define X(R)                                                                                       \
    TILES(multiply_##R##_1, multiply_tile(R, 1, 0, t))                                             \
    TILES(multiply_##R##_2, multiply_tile(R, 2, 0, t))                                             \
    TILES(pick_##R##_1, multiply_tile(R, 1, 1, t))                                                 \
    TILES(pick_##R##_2, multiply_tile(R, 2, 1, t))                                                 \
    TILES(descend_##R##_1, descend_tile(R, 1, t))                                                  \
    TILES(descend_##R##_2, descend_tile(R, 2, t))
TILE_HEIGHTS(X)
#undef X

static const tile_functions multiply_tiles = {
#define X(R) {multiply_##R##_1, multiply_##R##_2},
    TILE_HEIGHTS(X)
#undef X
};
static const tile_functions pick_tiles = {
#define X(R) {pick_##R##_1, pick_##R##_2},
    TILE_HEIGHTS(X)
#undef X
};
static const tile_functions descend_tiles = {
#define X(R) {descend_##R##_1, descend_##R##_2},
    TILE_HEIGHTS(X)
#undef X
};

/* How many rows of a, from row i on, tiles may share: all that are left, or, for a transposed
 * matrix in panels, the rest of the panel. */
static size_t rows_together(const pynn_matrix *a, size_t i, size_t left) {
    const size_t in_panel = PANEL - (a->first + i) % PANEL;
    return a->is_transposed && a->layout.panel != PANEL && in_panel < left ? in_panel : left;
}

/* Compute all rows of one panel of columns. Rows are divided evenly among tiles, so that no tile is
 * tiny. Advances a, c, c_rows and start of the tile. */
static void sweep(const tile_functions functions, tile *t, const pynn_matrix *a, size_t n_rows,
                  size_t n_columns) {
    const size_t n_vectors = (n_columns + LANES - 1) / LANES;
    const size_t row = a->layout.row, panel = a->layout.panel;
    const int in_panels = !a->is_transposed && panel != PANEL;
    t->last = n_columns - (n_vectors - 1) * LANES;
    t->a_row = a->is_transposed ? 1 : row;
    t->a_step = a->is_transposed ? row : 1;
    t->a_piece = in_panels ? PANEL : t->depth;
    t->a_jump = in_panels ? panel - PANEL : 0;
    for (size_t i = 0, together; i < n_rows; i += together) {
        together = rows_together(a, i, n_rows - i);
        const size_t j = a->first + i, n_tiles = (together + TILE_ROWS - 1) / TILE_ROWS;
        t->a = a->x + (a->is_transposed ? j / PANEL * panel + j % PANEL : i * row);
        for (size_t tile = 0, done = 0; tile < n_tiles; tile++) {
            const size_t end = together * (tile + 1) / n_tiles, rows = end - done;
            functions[rows - 1][n_vectors - 1](t);
            t->a += rows * t->a_row;
            if (t->c_rows) {
                t->c_rows += rows;
            } else {
                t->c += rows * t->c_row;
                if (t->start) { t->start += rows * t->start_row; }
            }
            done = end;
        }
    }
}

#endif
