/* products.h - the matrix product, from which all three products of a layer are made:
 *
 *     forward   z  (rows, n_out)  = biases + x      (rows, n_in)   w       (n_in, n_out)
 *     backward  dx (rows, n_in)   =          delta  (rows, n_out)  w'      (n_out, n_in)
 *     gradient  dw (n_in, n_out)  =          x'     (n_in, rows)   delta   (rows, n_out)
 *
 * and which of the input's columns they can leave out.
 */
#ifndef PYNN_PRODUCTS_H
#define PYNN_PRODUCTS_H

#include "kernels.h"
#include "tiles.h"

/* Depth of a packed panel of b, which then fills two thirds of a first-level cache of 48 KB. */
enum { BLOCK_DEPTH = 256 };

/* out (LANES, LANES) = in transposed: in each stage pairs of rows exchange blocks of `size` lanes.
 */
INLINE void FN(transpose)(real *out, size_t out_stride, const real *in, size_t in_stride) {
    vec rows[LANES];
    UNROLL(16)
    for (size_t i = 0; i < LANES; i++) { rows[i] = FN(load)(in + i * in_stride); }
#define X(size)                                                                                    \
    UNROLL(16)                                                                                     \
    for (size_t i = 0; i + size < LANES; i++) {                                                    \
        if (!(i & size)) { FN(exchange_blocks_##size)(&rows[i], &rows[i + size]); }                \
    }
    BLOCK_SIZES(X)
#undef X
    UNROLL(16)
    for (size_t i = 0; i < LANES; i++) { FN(store)(out + i * out_stride, rows[i]); }
}

/* packed (depth, PANEL) = the first n columns of a panel of b, 0 beyond them. */
static void FN(pack)(real *restrict packed, FN(pynn_panels) b, size_t depth, size_t n) {
    if (b.column == 1) {
        for (size_t k = 0; k < depth; k++, packed += PANEL) {
            const real *row = b.x + (b.rows ? b.rows[k] : k) * b.row;
            UNROLL(2)
            for (size_t j = 0; j < PANEL; j += LANES) { /* memcpy became rep movs: 5 times slower */
                FN(store)(packed + j, j < n ? FN(load_lanes)(row + j, n - j < LANES ? n - j : LANES)
                                            : (vec){0});
            }
        }
        return;
    }
    if (n < PANEL) { memset(packed, 0, depth * PANEL * sizeof *packed); }
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
        FN(pack)(panels, (FN(pynn_panels)){x + j, stride, 1, 0, NULL}, n_rows, columns);
    }
}

/* c (n_rows, n) = start + a (n_rows, depth) b (depth, n); rows of c have room for whole vectors, or
 * n <= PANEL and the last row has: what a row writes behind its end the next one overwrites. */
static void FN(product)(real *c, size_t c_stride, const real *start, FN(pynn_matrix) a,
                        FN(pynn_panels) b, size_t n_rows, size_t n, size_t depth,
                        real *packed /* (PYNN_PACK,) */) {
    /* A panel is copied where b does not lie in rows, or where its rows are far apart and enough
     * tiles read them. */
    const int packs = b.column != 1 || (n_rows > 3 * TILE_ROWS && b.row > 4 * PANEL);
    const size_t n_depth = packs ? BLOCK_DEPTH : depth;
    size_t k = 0;
    do {
        const size_t deep = depth - k < n_depth ? depth - k : n_depth;
        for (size_t j = 0; j < n; j += PANEL) {
            const size_t columns = n - j < PANEL ? n - j : PANEL;
            FN(pynn_panels) panel = {b.x + j / PANEL * b.panel, b.row, b.column, 0, b.rows};
            if (b.rows) {
                panel.rows += k;
            } else {
                panel.x += k * b.row;
            }
            if (packs) {
                FN(pack)(packed, panel, deep, columns);
                panel = (FN(pynn_panels)){packed, PANEL, 1, 0, NULL};
            }
            FN(tile)
            tile = {.a = a.x + k * a.column,
                    .a_row = a.row,
                    .a_depth = a.column,
                    .b = panel.x,
                    .b_stride = panel.row,
                    .b_rows = panel.rows,
                    .depth = deep,
                    .c = c + j,
                    .c_stride = c_stride,
                    .start = k       ? c + j
                             : start ? start + j
                                     : NULL,
                    .start_stride = k ? c_stride : 0};
            FN(sweep)(panel.rows ? FN(pick_tiles) : FN(multiply_tiles), tile, n_rows, columns);
        }
        k += deep;
    } while (k < depth);
}

/* out (n_rows, n) = w going down its gradient a (n_rows, depth) b (depth, n) by the rule sgd. */
static void FN(descend)(real *out, const real *w, size_t stride, const uint32_t *rows,
                        FN(pynn_matrix) a, FN(pynn_panels) b, size_t n_rows, size_t n, size_t depth,
                        const FN(pynn_step) * step) {
    for (size_t j = 0; j < n; j += PANEL) {
        FN(tile)
        tile = {.a = a.x,
                .a_row = a.row,
                .a_depth = a.column,
                .b = b.x + j / PANEL * b.panel,
                .b_stride = b.row,
                .depth = depth,
                .c = (real *)w + j,
                .c_stride = stride,
                .c_rows = rows,
                .updated = out + j,
                .step = step};
        FN(sweep)(FN(descend_tiles), tile, n_rows, n - j < PANEL ? n - j : PANEL);
    }
}

/* marks (n,) becomes other than 0 where x (n,) is; -0 is 0. */
static void FN(mark_nonzero)(bits_t *restrict marks, const real *restrict x, size_t n) {
    for (size_t j = 0; j < n; j++) {
        bits_t bits;
        memcpy(&bits, &x[j], sizeof bits);
        marks[j] |= bits << 1;
    }
}

/* list = the numbers of those marks (n,) that are not 0; returns how many. list has room for n and
 * a vector more. */
static size_t FN(list_marked)(uint32_t *list, const bits_t *marks, size_t n) {
    size_t n_marked = 0, j = 0;
#ifdef COMPRESSES
    for (; j + LANES <= n; j += LANES) {
        n_marked += FN(compress_numbers)(list + n_marked, (uint32_t)j, marks + j);
    }
#endif
    for (; j < n; j++) {
        list[n_marked] = (uint32_t)j;
        n_marked += marks[j] != 0;
    }
    return n_marked;
}

/* out = those elements of x (n,) whose marks are not 0. out has room for n and a vector more; it
 * may be x. */
static void FN(keep_marked)(real *out, const real *x, const bits_t *marks, size_t n) {
    size_t done = 0;
#ifdef COMPRESSES
    for (; done + LANES <= n; done += LANES) {
        out += FN(compress)(out, FN(load)(x + done), marks + done);
    }
#endif
    for (; done < n; done++) {
        *out = x[done];
        out += marks[done] != 0;
    }
}

#endif
