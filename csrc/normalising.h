/* normalising.h - layer normalisation of rows and batch normalisation of columns. Included by
 * kernels.c. */
#ifndef PYNN_NORMALISING_H
#define PYNN_NORMALISING_H

#include <math.h>

#include "kernels.h"
#include "tiles.h"

/* Offset of column j in a row, where a vector begins, and the number of its lanes before column
 * n. */
INLINE size_t vector_at(pynn_layout layout, size_t j) {
    return j / PANEL * layout.panel + j % PANEL;
}
INLINE size_t lanes_of(size_t n, size_t j) { return n - j < LANES ? n - j : LANES; }

/* Sum of x, or of x * y unless y is NULL, over a row of n columns, in double. A column alone
 * selects its partial sum, so the result is the same for any layout. */
INLINE double sum_of_row(const real *x, const real *y, pynn_layout layout, size_t n) {
    enum { N_PARTIAL = 16, PIECE = PANEL < N_PARTIAL ? PANEL : N_PARTIAL };
    double partial[N_PARTIAL] = {0}, sum = 0;
    real terms[PIECE];
    for (size_t j = 0; j < n; j += PIECE) {
        const size_t at = vector_at(layout, j), n_terms = n - j < PIECE ? n - j : PIECE;
        for (size_t p = 0; p < n_terms; p += LANES) {
            const vec v = load(x + at + p);
            store(terms + p, y ? rounded(v * load(y + at + p)) : v);
        }
        for (size_t p = 0; p < n_terms; p++) { partial[j % N_PARTIAL + p] += terms[p]; }
    }
    for (size_t p = 0; p < N_PARTIAL; p++) { sum += partial[p]; }
    return sum;
}

static void normalise(real *z, const pynn_normalised *rows) {
    const size_t n = rows->n;
    const pynn_layout layout = rows->layout;
    for (size_t i = 0; i < rows->n_rows; i++, z += layout.row) {
        real *u = rows->sums + i * layout.row;
        const real mean = (real)(sum_of_row(u, NULL, layout, n) / (double)n);
        for (size_t j = 0; j < n; j += LANES) {
            const size_t at = vector_at(layout, j);
            store(u + at, load(u + at) - mean);
        }
        const double variance = sum_of_row(u, u, layout, n) / (double)n;
        const real scale = rows->scales[i] = (real)(1 / sqrt(variance + 1e-5));
        for (size_t j = 0; j < n; j += LANES) {
            const size_t at = vector_at(layout, j), lanes = lanes_of(n, j);
            const vec normed = load(u + at) * scale;
            const vec b = rows->biases ? load_first(rows->biases + j, lanes) : (vec){0};
            store(u + at, normed);
            store(z + at, load_first(rows->gains + j, lanes) * normed + b);
        }
    }
}

static void normalise_back(real *dz, real *delta, const pynn_normalised *rows) {
    const size_t n = rows->n;
    const pynn_layout layout = rows->layout;
    for (size_t i = 0; i < rows->n_rows; i++, dz += layout.row, delta += layout.row) {
        const real *normed = rows->sums + i * layout.row, scale = rows->scales[i];
        for (size_t j = 0; j < n; j += LANES) {
            const size_t at = vector_at(layout, j);
            const vec dz_ = load(delta + at);
            store(dz + at, dz_);
            store(delta + at, load_first(rows->gains + j, lanes_of(n, j)) * dz_);
        }
        const real mean = (real)(sum_of_row(delta, NULL, layout, n) / (double)n);
        const real slope = (real)(sum_of_row(delta, normed, layout, n) / (double)n);
        for (size_t j = 0; j < n; j += LANES) {
            const size_t at = vector_at(layout, j);
            store(delta + at, (load(delta + at) - mean - slope * load(normed + at)) * scale);
        }
    }
}

/* Each column is summed in the order of its rows, in double, so the result does not depend on how
 * columns are divided. Sums are relative to the first row: the mean of equal numbers is exact. Rows
 * without a share are left out, as their numbers, which may be of any size, would cause rounding
 * errors. */
static void batch_statistics(real *means, real *variances, const pynn_columns_normalised *c) {
    double sums[PYNN_NORMED_COLUMNS] = {0}, total = 0;
    const real *first = NULL, *u = c->sums;
    for (size_t i = 0; i < c->n_rows; i++, u += c->stride) {
        const double share = c->shares[i];
        if (share == 0) { continue; }
        if (!first) { first = u; }
        total += share;
        for (size_t j = 0; j < c->n; j++) { sums[j] += share * ((double)u[j] - first[j]); }
    }
    for (size_t j = 0; j < c->n; j++) {
        means[j] = (real)(first[j] + sums[j] / total);
        sums[j] = 0;
    }
    u = c->sums;
    for (size_t i = 0; i < c->n_rows; i++, u += c->stride) {
        const double share = c->shares[i];
        if (share == 0) { continue; }
        for (size_t j = 0; j < c->n; j++) {
            const double distance = (double)u[j] - means[j];
            sums[j] += share * (distance * distance);
        }
    }
    for (size_t j = 0; j < c->n; j++) { variances[j] = (real)(sums[j] / total); }
}

/* 1 / standard deviation of the columns from j on. */
INLINE vec scales_of(const pynn_columns_normalised *c, size_t j) {
    return 1 / vsqrt(load_first(c->variances + j, lanes_of(c->n, j)) + (real)1e-5);
}

static void normalise_columns(real *z, const pynn_columns_normalised *c) {
    for (size_t j = 0; j < c->n; j += LANES) {
        const size_t lanes = lanes_of(c->n, j);
        const vec mean = load_first(c->means + j, lanes), scale = scales_of(c, j);
        const vec gain = load_first(c->gains + j, lanes);
        const vec bias = c->biases ? load_first(c->biases + j, lanes) : (vec){0};
        for (size_t i = 0, at = j; i < c->n_rows; i++, at += c->stride) {
            const vec normed = (load(c->sums + at) - mean) * scale;
            store(c->sums + at, normed);
            store(z + at, gain * normed + bias);
        }
    }
}

static void normalise_columns_back(real *dz, real *delta, const pynn_columns_normalised *c) {
    double sums[PYNN_NORMED_COLUMNS] = {0}, products[PYNN_NORMED_COLUMNS] = {0};
    real sums_[PYNN_NORMED_COLUMNS] = {0}, products_[PYNN_NORMED_COLUMNS] = {0};
    for (size_t i = 0, at = 0; i < c->n_rows && c->shares; i++, at += c->stride) {
        for (size_t j = 0; j < c->n; j++) {
            const double dz_ = delta[at + j];
            sums[j] += dz_;
            products[j] += dz_ * c->sums[at + j];
        }
    }
    for (size_t j = 0; j < c->n; j++) {
        sums_[j] = (real)sums[j];
        products_[j] = (real)products[j];
    }
    for (size_t j = 0; j < c->n; j += LANES) {
        const vec slope = load_first(c->gains + j, lanes_of(c->n, j)) * scales_of(c, j);
        const vec sum = load(sums_ + j), product = load(products_ + j);
        for (size_t i = 0, at = j; i < c->n_rows; i++, at += c->stride) {
            const vec dz_ = load(delta + at);
            store(dz + at, dz_);
            if (c->shares) {
                const vec shared = sum + load(c->sums + at) * product;
                store(delta + at, slope * (dz_ - c->shares[i] * shared));
            } else {
                store(delta + at, slope * dz_);
            }
        }
    }
}

#endif
