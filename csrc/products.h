/* products.h - the matrix product, from which all three products of a layer are made:
 *
 *     forward   z  (rows, n_out)  = biases + x      (rows, n_in)   w       (n_in, n_out)
 *     backward  dx (rows, n_in)   =          delta  (rows, n_out)  w'      (n_out, n_in)
 *     gradient  dw (n_in, n_out)  =          x'     (n_in, rows)   delta   (rows, n_out)
 *
 * The result is computed in tiles of R rows and V vectors, held in registers while the depth (the
 * dimension summed over) is gone through once: a number of a, broadcast, times V vectors of b. So
 * each element is one chain of fused multiply-adds in the order of the depth, whatever the tiles,
 * the blocks and the threads: the same bits for every way of cutting up the work.
 */
#ifndef PYNN_PRODUCTS_H
#define PYNN_PRODUCTS_H

#include "kernels.h"
#include "vec.h"

/* Largest tiles that leave registers for b and a: 28 + 2 + 1 of 32 registers, 12 + 2 + 1 of 16. */
#if VEC_BYTES == 64 || defined(__aarch64__)
enum { TILE_ROWS = 14 };
#else
enum { TILE_ROWS = 6 };
#endif
enum { TILE_VECTORS = 2 };
#define PANEL (TILE_VECTORS * LANES) /* columns of a tile */

/* Depth of a packed panel of b, which then fills two thirds of a first-level cache of 48 KB. */
enum { BLOCK_DEPTH = 256 };

/* c (R, V vectors) = start + a (R, depth) b (depth, V vectors); `last` columns of the last vector
 * of b and of start are there, the others count as 0. c takes whole vectors. */
INLINE void FN(tile)(const int R, const int V, real *c, size_t c_stride, const real *start,
                     size_t start_stride, const real *a, size_t a_row, size_t a_depth,
                     const real *b, size_t b_stride, size_t depth, size_t last) {
    vec sum[TILE_ROWS * TILE_VECTORS];
#pragma GCC unroll 14
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) {
            const real *from = start + (size_t)r * start_stride + (size_t)v * LANES;
            sum[r * V + v] = !start       ? (vec){0}
                             : v == V - 1 ? FN(load_first)(from, last)
                                          : FN(load)(from);
        }
    }
    for (size_t k = 0; k < depth; k++, a += a_depth, b += b_stride) {
        vec columns[TILE_VECTORS];
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) {
            columns[v] = v == V - 1 ? FN(load_first)(b + v * LANES, last) : FN(load)(b + v * LANES);
        }
#pragma GCC unroll 14
        for (int r = 0; r < R; r++) {
            const real factor = a[(size_t)r * a_row];
#pragma GCC unroll 2
            for (int v = 0; v < V; v++) { sum[r * V + v] += factor * columns[v]; }
        }
    }
#pragma GCC unroll 14
    for (int r = 0; r < R; r++) {
#pragma GCC unroll 2
        for (int v = 0; v < V; v++) {
            FN(store)(c + (size_t)r * c_stride + (size_t)v * LANES, sum[r * V + v]);
        }
    }
}

#define TILE_ARGUMENTS                                                                             \
    real *c, size_t c_stride, const real *start, size_t start_stride, const real *a, size_t a_row, \
        size_t a_depth, const real *b, size_t b_stride, size_t depth, size_t last
#define TILE_VALUES c, c_stride, start, start_stride, a, a_row, a_depth, b, b_stride, depth, last
typedef void FN(tile_function)(TILE_ARGUMENTS);

#define X(R)                                                                                       \
    static void FN(tile_##R##_1)(TILE_ARGUMENTS) { FN(tile)(R, 1, TILE_VALUES); }                  \
    static void FN(tile_##R##_2)(TILE_ARGUMENTS) { FN(tile)(R, 2, TILE_VALUES); }
#if VEC_BYTES == 64 || defined(__aarch64__)
#define TILES(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#else
#define TILES(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif
TILES(X)
#undef X

/* Rows - 1, vectors - 1 */
static FN(tile_function) *const FN(tiles)[TILE_ROWS][TILE_VECTORS] = {
#define X(R) {FN(tile_##R##_1), FN(tile_##R##_2)},
    TILES(X)
#undef X
};

/* out (LANES, LANES) = in transposed: in each stage pairs of rows exchange blocks of `size` lanes.
 */
INLINE void FN(transpose)(real *out, size_t out_stride, const real *in, size_t in_stride) {
    vec rows[LANES];
#pragma GCC unroll 16
    for (size_t i = 0; i < LANES; i++) { rows[i] = FN(load)(in + i * in_stride); }
#pragma GCC unroll 4
    for (size_t size = 1; size < LANES; size *= 2) {
        lanes_t upper, lower;
#pragma GCC unroll 16
        for (size_t j = 0; j < LANES; j++) {
            upper[j] = (sbits_t)(j & size ? LANES + j - size : j);
            lower[j] = (sbits_t)(j & size ? LANES + j : j + size);
        }
#pragma GCC unroll 16
        for (size_t i = 0; i < LANES; i++) {
            if (i & size) { continue; }
            const vec first = rows[i], second = rows[i + size];
            rows[i] = __builtin_shuffle(first, second, upper);
            rows[i + size] = __builtin_shuffle(first, second, lower);
        }
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < LANES; i++) { FN(store)(out + i * out_stride, rows[i]); }
}

/* packed (depth, PANEL) = the first n columns of a panel of b, 0 beyond them. */
static void FN(pack)(real *restrict packed, FN(pynn_panels) b, size_t depth, size_t n) {
    if (n < PANEL) { memset(packed, 0, depth * PANEL * sizeof *packed); }
    if (b.column == 1) {
        for (size_t k = 0; k < depth; k++) {
            memcpy(packed + k * PANEL, b.x + k * b.row, n * sizeof *packed);
        }
        return;
    }
    const size_t whole_depth = depth / LANES * LANES, whole_n = n / LANES * LANES;
    for (size_t k = 0; k < whole_depth; k += LANES) {
        for (size_t j = 0; j < whole_n; j += LANES) {
            FN(transpose)(packed + k * PANEL + j, PANEL, b.x + k + j * b.column, b.column);
        }
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t k = j < whole_n ? whole_depth : 0; k < depth; k++) {
            packed[k * PANEL + j] = b.x[k + j * b.column];
        }
    }
}

static void FN(to_panels)(real *panels, size_t panel_stride, const real *x, size_t stride,
                          size_t n_rows, size_t n) {
    for (size_t j = 0; j < n; j += PANEL, panels += panel_stride) {
        const size_t columns = n - j < PANEL ? n - j : PANEL;
        FN(pack)(panels, (FN(pynn_panels)){x + j, stride, 1, 0}, n_rows, columns);
    }
}

/* One panel of c, all rows: n <= PANEL columns. Rows are divided evenly among the tiles. */
static void FN(sweep)(real *c, size_t c_stride, const real *start, size_t start_stride,
                      FN(pynn_matrix) a, size_t n_rows, const real *b, size_t b_stride,
                      size_t depth, size_t n) {
    const size_t n_vectors = (n + LANES - 1) / LANES, last = n - (n_vectors - 1) * LANES;
    const size_t n_tiles = (n_rows + TILE_ROWS - 1) / TILE_ROWS;
    for (size_t t = 0, i = 0; t < n_tiles; t++) {
        const size_t end = n_tiles == 1 ? n_rows : n_rows * (t + 1) / n_tiles;
        FN(tiles)
        [end - i - 1][n_vectors - 1](c + i * c_stride, c_stride,
                                     start ? start + i * start_stride : NULL, start_stride,
                                     a.x + i * a.row, a.row, a.column, b, b_stride, depth, last);
        i = end;
    }
}

/* Whether more than half of a (depth,) is 0, as pixels often are. */
static int FN(is_sparse)(const real *a, size_t depth) {
    bits_t n_zeros = 0;
    for (size_t k = 0; k < depth; k++) { n_zeros += a[k] == 0; }
    return n_zeros > depth / 2;
}

/* c (n,) = start + a (depth,) b (depth, n) for one row, leaving out where a is 0: one row is a
 * single chain, bound by the time of one multiply-add after another. The result is the same as long
 * as b is finite. used: (depth,) scratch memory. */
static void FN(sparse_row_product)(real *c, const real *start, const real *a, FN(pynn_panels) b,
                                   size_t n, size_t depth, uint32_t *used) {
    size_t n_used = 0;
    for (size_t k = 0; k < depth; k++) {
        used[n_used] = (uint32_t)k;
        n_used += a[k] != 0;
    }
    for (size_t j = 0; j < n; j += LANES) {
        const size_t lanes = n - j < LANES ? n - j : LANES;
        vec sum = start ? FN(load_first)(start + j, lanes) : (vec){0};
        for (size_t i = 0; i < n_used; i++) {
            sum += a[used[i]] * FN(load_first)(b.x + used[i] * b.row + j, lanes);
        }
        FN(store)(c + j, sum);
    }
}

/* c (n_rows, n) = start + a (n_rows, depth) b (depth, n); rows of c have room for whole vectors, or
 * n <= PANEL and the last row has: what a row writes behind its end the next one overwrites.
 * start: (n_rows, n) with this stride, 0 for one row that all begin with; or NULL. */
static void FN(product)(real *c, size_t c_stride, const real *start, size_t start_stride,
                        FN(pynn_matrix) a, FN(pynn_panels) b, size_t n_rows, size_t n, size_t depth,
                        real *packed /* (PYNN_PACK,) */) {
    /* A panel is copied where b does not lie in rows, or where its rows are far apart and enough
     * tiles read them. */
    const int packs = b.column != 1 || (n_rows > 3 * TILE_ROWS && b.row > 4 * PANEL);
    if (n_rows == 1 && a.column == 1 && b.column == 1 && depth <= BLOCK_DEPTH * PANEL &&
        FN(is_sparse)(a.x, depth)) {
        FN(sparse_row_product)(c, start, a.x, b, n, depth, (uint32_t *)packed);
        return;
    }
    const size_t n_depth = packs ? BLOCK_DEPTH : depth;
    for (size_t k = 0; k < depth; k += n_depth) {
        const size_t deep = depth - k < n_depth ? depth - k : n_depth;
        const FN(pynn_matrix) a_block = {a.x + k * a.column, a.row, a.column};
        for (size_t j = 0; j < n; j += PANEL) {
            const size_t columns = n - j < PANEL ? n - j : PANEL;
            const FN(pynn_panels)
                panel = {b.x + k * b.row + j / PANEL * b.panel, b.row, b.column, 0};
            if (packs) { FN(pack)(packed, panel, deep, columns); }
            FN(sweep)(c + j, c_stride,
                      k       ? c + j
                      : start ? start + j
                              : NULL,
                      k ? c_stride : start_stride, a_block, n_rows, packs ? packed : panel.x,
                      packs ? PANEL : panel.row, deep, columns);
        }
    }
}

#endif
