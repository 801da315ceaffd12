/* products.h - the matrix product, with which a layer computes its three products:
 *
 *     forward   z  (rows, n_out)  = biases + x      (rows, n_in)   w       (n_in, n_out)
 *     backward  dx (rows, n_in)   =          delta  (rows, n_out)  w'      (n_out, n_in)
 *     gradient  dw (n_in, n_out)  =          x'     (n_in, rows)   delta   (rows, n_out)
 *
 * and the search for input columns that these products can skip.
 */
#ifndef PYNN_PRODUCTS_H
#define PYNN_PRODUCTS_H

#include "kernels.h"
#include "tiles.h"

/* out (LANES, LANES) = transpose of in. At each stage, pairs of rows exchange blocks of `size`
 * lanes. */
INLINE void transpose(real *out, size_t out_stride, const real *in, size_t in_stride) {
    vec rows[LANES];
    UNROLL(16)
    for (size_t i = 0; i < LANES; i++) { rows[i] = load(in + i * in_stride); }
#define X(size)                                                                                    \
    UNROLL(16)                                                                                     \
    for (size_t i = 0; i + size < LANES; i++) {                                                    \
        if (!(i & size)) { exchange_blocks_##size(&rows[i], &rows[i + size]); }                    \
    }
    BLOCK_SIZES(X)
#undef X
    UNROLL(16)
    for (size_t i = 0; i < LANES; i++) { store(out + i * out_stride, rows[i]); }
}

/* packed (depth, PANEL) = the first n columns of a panel of b, 0 beyond them. */
static void pack(real *restrict packed, pynn_panels b, size_t depth, size_t n) {
    if (b.column == 1) {
        for (size_t k = 0; k < depth; k++, packed += PANEL) {
            const real *row = b.x + (b.rows ? b.rows[k] : k) * b.row;
            UNROLL(2)
            for (size_t j = 0; j < PANEL; j += LANES) { /* memcpy as rep movs is 5 times slower */
                store(packed + j,
                      j < n ? load_lanes(row + j, n - j < LANES ? n - j : LANES) : (vec){0});
            }
        }
        return;
    }
    if (n < PANEL) { memset(packed, 0, depth * PANEL * sizeof *packed); }
    const size_t whole_depth = depth / LANES * LANES, whole_n = n / LANES * LANES;
    for (size_t k = 0; k < whole_depth; k += LANES) {
        for (size_t j = 0; j < whole_n; j += LANES) {
            const real *x = b.x + k / PANEL * b.deep + k % PANEL + j * b.column;
            transpose(packed + k * PANEL + j, PANEL, x, b.column);
        }
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t k = j < whole_n ? whole_depth : 0; k < depth; k++) {
            packed[k * PANEL + j] = b.x[k / PANEL * b.deep + k % PANEL + j * b.column];
        }
    }
}

static void pack_panels(real *panels, size_t panel_stride, pynn_panels b, size_t depth, size_t n) {
    for (size_t j = 0; j < n; j += PANEL, panels += panel_stride) {
        pynn_panels panel = b;
        panel.x += j / PANEL * b.panel;
        pack(panels, panel, depth, n - j < PANEL ? n - j : PANEL);
    }
}

/* A panel of b is packed if b is not stored in rows, or if its rows are far apart and enough tiles
 * read them. */
static int wants_packing(const pynn_product *p) {
    return p->b.column != 1 || (p->n_rows > 3 * TILE_ROWS && p->b.row > 4 * PANEL);
}

static void product(const pynn_product *p, real *scratch /* (depth, PANEL) */) {
    const int packs = wants_packing(p);
    tile tile = {.depth = p->depth, .c_row = p->c_layout.row, .start_row = p->start_layout.row};
    for (size_t j = 0; j < p->n; j += PANEL) {
        const size_t columns = p->n - j < PANEL ? p->n - j : PANEL;
        tile.b = p->b;
        tile.b.x += j / PANEL * p->b.panel;
        if (packs) {
            pack(scratch, tile.b, p->depth, columns);
            tile.b = (pynn_panels){scratch, PANEL, 1, 0, NULL, 0};
        }
        tile.c = p->c + j / PANEL * p->c_layout.panel;
        tile.start = p->start ? p->start + j / PANEL * p->start_layout.panel : NULL;
        sweep(tile.b.rows ? pick_tiles : multiply_tiles, &tile, &p->a, p->n_rows, columns);
    }
}

static void descend(const pynn_product *p, const uint32_t *rows, const pynn_step *step) {
    tile tile = {.b = p->b, .depth = p->depth, .step = step};
    tile.c_row = p->c_layout.row, tile.start_row = p->start_layout.row;
    for (size_t j = 0; j < p->n; j += PANEL) {
        tile.b.x = p->b.x + j / PANEL * p->b.panel;
        tile.c = p->c + j / PANEL * p->c_layout.panel;
        tile.start = p->start + j / PANEL * p->start_layout.panel;
        tile.c_rows = rows;
        sweep(descend_tiles, &tile, &p->a, p->n_rows, p->n - j < PANEL ? p->n - j : PANEL);
    }
}

/* The shift drops the sign bit, so that -0 counts as 0. */
static void mark_nonzero(bits_t *restrict marks, const real *restrict x, size_t n) {
    for (size_t j = 0; j < n; j++) {
        bits_t bits;
        memcpy(&bits, &x[j], sizeof bits);
        marks[j] |= bits << 1;
    }
}

static size_t list_marked(uint32_t *list, const bits_t *marks, size_t n) {
    size_t n_marked = 0, j = 0;
#ifdef COMPRESSES
    for (; j + LANES <= n; j += LANES) {
        n_marked += compress_numbers(list + n_marked, (uint32_t)j, marks + j);
    }
#endif
    for (; j < n; j++) {
        list[n_marked] = (uint32_t)j;
        n_marked += marks[j] != 0;
    }
    return n_marked;
}

static void keep_listed(real *out, const real *x, const uint32_t *list, size_t n_listed,
                        const bits_t *marks, size_t n) {
#ifdef COMPRESSES
    size_t done = 0;
    for (; done + LANES <= n; done += LANES) { out += compress(out, load(x + done), marks + done); }
    for (; done < n; done++) {
        *out = x[done];
        out += marks[done] != 0;
    }
    (void)list, (void)n_listed;
#else
    for (size_t k = 0; k < n_listed; k++) { out[k] = x[list[k]]; }
    (void)marks, (void)n;
#endif
}

#endif
