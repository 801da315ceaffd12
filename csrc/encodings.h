/* encodings.h - the kernels of embeddings: numbers that stand for a number x of a column.
 *
 * Piecewise linear (Gorishniy, Rubachev & Babenko 2022, equation 1): x lies in bin k, from edge e_k
 * to e_(k + 1); the first bin has no lower end and the last no upper one. With
 * r = (x - e_k) / (e_(k + 1) - e_k), the encoding is 1 in bins before k, r in k, 0 in bins behind
 * k. A linear map of it is b + W_0 + ... + W_(k - 1) + r W_k. The sum before r W_k is the same for
 * all numbers of a bin, so it is computed once.
 *
 * Periodic: x itself, then b + cos(2 pi (f x + c)) V (the PBLD embedding of Holzmueller, Grinsztajn
 * & Steinwart 2024).
 *
 * Categories: row x of a table.
 */
#ifndef PYNN_ENCODINGS_H
#define PYNN_ENCODINGS_H

#include "kernels.h"
#include "vec.h"
#include "vmath.h"

/* The row of the table for row i. */
INLINE size_t row_of_table(const pynn_embedded *rows, size_t i) {
    const real x = rows->x[i * rows->x_stride];
    /* Another thread may have changed x since it was checked. */
    return x >= 0 && x < (real)rows->of->n ? (size_t)x : 0;
}

static void embed_categories(real *out, size_t stride, const pynn_embedded *rows) {
    const size_t size = (size_t)rows->of->size;
    for (size_t i = 0; i < rows->n_rows; i++) {
        const real *from = rows->parameters + row_of_table(rows, i) * size;
        for (size_t j = 0; j < size; j++) { out[i * stride + j] = from[j]; }
    }
}

static void gradient_of_categories(real *restrict g, const real *restrict d, size_t stride,
                                   const pynn_embedded *rows) {
    const size_t size = (size_t)rows->of->size;
    memset(g, 0, (size_t)rows->of->n * size * sizeof *g);
    for (size_t i = 0; i < rows->n_rows; i++) {
        real *to = g + row_of_table(rows, i) * size;
        for (size_t j = 0; j < size; j++) { to[j] += d[i * stride + j]; }
    }
}

static void back_from_categories(real *dx, size_t dx_stride, const real *d, size_t stride,
                                 const pynn_embedded *rows) {
    (void)d, (void)stride;
    for (size_t i = 0; i < rows->n_rows; i++) { dx[i * dx_stride] = 0; }
}

/* The bin of a number, its width, and the part of it that is below the number. */
typedef struct {
    size_t k;
    double width;
    real r;
} bin;

/* In double, in which edges may be closer than in float. A binary search without branches. */
INLINE bin bin_of(const pynn_embedded *rows, size_t i) {
    const double x = rows->x[i * rows->x_stride], *edges = rows->of->edges;
    size_t k = 0;
    for (size_t n = (size_t)rows->of->n; n > 1; n -= n / 2) {
        k += edges[k + n / 2] <= x ? n / 2 : 0;
    }
    const double width = edges[k + 1] - edges[k];
    return (bin){k, width, (real)((x - edges[k]) / width)};
}

static void embed_piecewise_linear(real *out, size_t stride, const pynn_embedded *rows) {
    const size_t n = (size_t)rows->of->n, size = (size_t)rows->of->size;
    const real *w = rows->parameters, *b = w + (rows->of->is_linear ? n * size : 0);
    real *restrict sums = rows->room; /* (n, size) b plus the rows of W before each bin */
    for (size_t k = 0; k < n && rows->of->is_linear; k++) {
        for (size_t j = 0; j < size; j++) {
            const size_t above = (k - 1) * size + j; /* unused for k = 0 */
            sums[k * size + j] = k ? sums[above] + w[above] : b[j];
        }
    }
    for (size_t i = 0; i < rows->n_rows; i++, out += stride) {
        const bin in = bin_of(rows, i);
        if (rows->of->is_linear) {
            const real *sum = sums + in.k * size, *slope = w + in.k * size;
            for (size_t j = 0; j < size; j++) { out[j] = sum[j] + in.r * slope[j]; }
            continue;
        }
        for (size_t j = 0; j < n; j++) { out[j] = j < in.k; }
        out[in.k] = in.r;
    }
}

/* The gradient of row k of W is the sum of r d over the rows in bin k, plus the sum of d over the
 * rows in all bins behind it; that of b is the sum of d over all rows. */
static void gradient_of_piecewise_linear(real *restrict g, const real *restrict d, size_t stride,
                                         const pynn_embedded *rows) {
    const size_t n = (size_t)rows->of->n, size = (size_t)rows->of->size;
    real *restrict in_bins = rows->room, *behind = g + n * size; /* (n, size), (size,) */
    memset(g, 0, (n + 1) * size * sizeof *g);
    memset(in_bins, 0, n * size * sizeof *in_bins);
    for (size_t i = 0; i < rows->n_rows; i++, d += stride) {
        const bin in = bin_of(rows, i);
        real *to = g + in.k * size, *sum = in_bins + in.k * size;
        for (size_t j = 0; j < size; j++) {
            to[j] += in.r * d[j];
            sum[j] += d[j];
        }
    }
    for (size_t k = n; k-- > 0;) {
        for (size_t j = 0; j < size; j++) {
            g[k * size + j] += behind[j];
            behind[j] += in_bins[k * size + j];
        }
    }
}

static void back_from_piecewise_linear(real *dx, size_t dx_stride, const real *d, size_t stride,
                                       const pynn_embedded *rows) {
    const size_t size = (size_t)rows->of->size;
    for (size_t i = 0; i < rows->n_rows; i++, d += stride) {
        const bin in = bin_of(rows, i);
        const size_t row = in.k * size;
        vec sum = {0};
        for (size_t j = 0; j < size && rows->of->is_linear; j += LANES) {
            const size_t n = size - j < LANES ? size - j : LANES;
            sum += load_first(d + j, n) * load_first(rows->parameters + row + j, n);
        }
        const real dr = rows->of->is_linear ? sum_of_lanes(sum) : d[in.k];
        dx[i * dx_stride] = (real)(dr / in.width);
    }
}

/* Rows that a periodic embedding computes at a time, in whole vectors. Its arrays hold one row of
 * numbers for each frequency, or each output, so that all loops are over the rows. */
enum { WAVE_ROWS = PYNN_WAVE_ROWS };
typedef struct {
    size_t m, n_out;           /* frequencies; outputs without x */
    size_t n_rows, width;      /* rows; rows in whole vectors */
    const real *f, *c, *v, *b; /* (m,), (m,), (m, n_out), (n_out,) */
    real *x;                   /* (width,) 0 beyond n_rows */
    real *cosines, *sines;     /* (m, WAVE_ROWS) of 2 pi (f x + c) */
    real *outputs;             /* (n_out, WAVE_ROWS) */
    real *sums;                /* (WAVE_ROWS,) */
    real *lanes;               /* (n_parameters, LANES) the gradient, whose lanes are summed last */
} waves;

INLINE waves waves_of(const pynn_embedded *rows) {
    const size_t m = (size_t)rows->of->n, n_out = (size_t)rows->of->size - 1;
    waves w = {.m = m, .n_out = n_out, .f = rows->parameters, .x = rows->room};
    w.c = w.f + m, w.v = w.c + m, w.b = w.v + m * n_out;
    w.sums = w.x + WAVE_ROWS, w.cosines = w.sums + WAVE_ROWS;
    w.sines = w.cosines + m * WAVE_ROWS, w.outputs = w.sines + m * WAVE_ROWS;
    w.lanes = w.outputs + n_out * WAVE_ROWS;
    return w;
}

/* Load rows `first` and following, and compute their cosines and, if needed, sines. */
INLINE void load_waves(waves *w, const pynn_embedded *rows, size_t first, int needs_sines) {
    const size_t left = rows->n_rows - first;
    w->n_rows = left < WAVE_ROWS ? left : WAVE_ROWS;
    const size_t width = w->width = (w->n_rows + LANES - 1) / LANES * LANES;
    real *restrict x = w->x;
    for (size_t i = 0; i < width; i++) {
        x[i] = i < w->n_rows ? rows->x[(first + i) * rows->x_stride] : 0;
    }
    for (size_t k = 0; k < w->m; k++) {
        real *restrict cosines = w->cosines + k * WAVE_ROWS;
        real *restrict sines = w->sines + k * WAVE_ROWS;
        const real f = w->f[k], c = w->c[k];
        if (needs_sines) {
            for (size_t i = 0; i < width; i++) {
                const real turn = part_of_turn(f * x[i] + c);
                cosines[i] = cosine_of_turn(turn);
                sines[i] = sine_of_turn(turn);
            }
        } else {
            for (size_t i = 0; i < width; i++) {
                cosines[i] = cosine_of_turn(part_of_turn(f * x[i] + c));
            }
        }
    }
}

/* sums (width,) += factor * x (width,) */
INLINE void add_times(real *restrict sums, const real *restrict x, real factor, size_t width) {
    for (size_t i = 0; i < width; i++) { sums[i] += factor * x[i]; }
}

/* The lanes of sums (LANES,) += x * y, both (width,). */
INLINE void add_products(real *sums, const real *x, const real *y, size_t width) {
    vec sum = {0};
    for (size_t i = 0; i < width; i += LANES) { sum += load(x + i) * load(y + i); }
    store(sums, load(sums) + sum);
}

/* The lanes of sums (LANES,) += x (width,). */
INLINE void add_numbers(real *sums, const real *x, size_t width) {
    vec sum = {0};
    for (size_t i = 0; i < width; i += LANES) { sum += load(x + i); }
    store(sums, load(sums) + sum);
}

static void embed_periodic(real *out, size_t stride, const pynn_embedded *rows) {
    waves w = waves_of(rows);
    for (size_t first = 0; first < rows->n_rows; first += WAVE_ROWS, out += WAVE_ROWS * stride) {
        load_waves(&w, rows, first, 0);
        for (size_t j = 0; j < w.n_out; j++) {
            real *outputs = w.outputs + j * WAVE_ROWS;
            for (size_t i = 0; i < w.width; i++) { outputs[i] = w.b[j]; }
            for (size_t k = 0; k < w.m; k++) {
                add_times(outputs, w.cosines + k * WAVE_ROWS, w.v[k * w.n_out + j], w.width);
            }
        }
        for (size_t i = 0; i < w.n_rows; i++) {
            out[i * stride] = w.x[i];
            for (size_t j = 0; j < w.n_out; j++) {
                out[i * stride + 1 + j] = w.outputs[j * WAVE_ROWS + i];
            }
        }
    }
}

/* From the derivatives d by the outputs, compute those by f x + c, which replace the sines. */
INLINE void derive_waves(waves *w, const real *d, size_t stride) {
    const real minus_tau = (real)-6.2831853071795864769;
    for (size_t j = 0; j < w->n_out; j++) {
        for (size_t i = 0; i < w->width; i++) {
            w->outputs[j * WAVE_ROWS + i] = i < w->n_rows ? d[i * stride + 1 + j] : 0;
        }
    }
    for (size_t k = 0; k < w->m; k++) {
        real *restrict sums = w->sums, *restrict sines = w->sines + k * WAVE_ROWS;
        for (size_t i = 0; i < w->width; i++) { sums[i] = w->v[k * w->n_out] * w->outputs[i]; }
        for (size_t j = 1; j < w->n_out; j++) {
            add_times(sums, w->outputs + j * WAVE_ROWS, w->v[k * w->n_out + j], w->width);
        }
        for (size_t i = 0; i < w->width; i++) { sines[i] *= minus_tau * sums[i]; }
    }
}

static void gradient_of_periodic(real *restrict g, const real *restrict d, size_t stride,
                                 const pynn_embedded *rows) {
    waves w = waves_of(rows);
    const size_t n = (size_t)pynn_embedding_parameters(rows->of);
    real *df = w.lanes, *dc = df + w.m * LANES, *dv = dc + w.m * LANES;
    real *db = dv + w.m * w.n_out * LANES;
    memset(w.lanes, 0, n * LANES * sizeof *g);
    for (size_t first = 0; first < rows->n_rows; first += WAVE_ROWS, d += WAVE_ROWS * stride) {
        load_waves(&w, rows, first, 1);
        derive_waves(&w, d, stride);
        for (size_t k = 0; k < w.m; k++) {
            const real *by_turn = w.sines + k * WAVE_ROWS, *cosines = w.cosines + k * WAVE_ROWS;
            add_products(df + k * LANES, by_turn, w.x, w.width);
            add_numbers(dc + k * LANES, by_turn, w.width);
            for (size_t j = 0; j < w.n_out; j++) {
                add_products(dv + (k * w.n_out + j) * LANES, cosines, w.outputs + j * WAVE_ROWS,
                             w.width);
            }
        }
        for (size_t j = 0; j < w.n_out; j++) {
            add_numbers(db + j * LANES, w.outputs + j * WAVE_ROWS, w.width);
        }
    }
    for (size_t i = 0; i < n; i++) { g[i] = sum_of_lanes(load(w.lanes + i * LANES)); }
}

static void back_from_periodic(real *dx, size_t dx_stride, const real *d, size_t stride,
                               const pynn_embedded *rows) {
    waves w = waves_of(rows);
    for (size_t first = 0; first < rows->n_rows; first += WAVE_ROWS, d += WAVE_ROWS * stride) {
        load_waves(&w, rows, first, 1);
        derive_waves(&w, d, stride);
        for (size_t i = 0; i < w.width; i++) { w.sums[i] = i < w.n_rows ? d[i * stride] : 0; }
        for (size_t k = 0; k < w.m; k++) {
            add_times(w.sums, w.sines + k * WAVE_ROWS, w.f[k], w.width);
        }
        for (size_t i = 0; i < w.n_rows; i++) { dx[(first + i) * dx_stride] = w.sums[i]; }
    }
}

#endif
