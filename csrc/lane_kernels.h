/* lane_kernels.h - kernels for several networks at once, each in its own lane of the vectors: every
 * number of a matrix is a vector, with the numbers of all networks. Each lane does the operations
 * of the other kernels in their order, so it has the same bits.
 */
#ifndef PYNN_LANE_KERNELS_H
#define PYNN_LANE_KERNELS_H

#include "kernels.h"
#include "tiles.h"

/* Largest tiles: 24 sums and 3 + 1 operands of 32 registers, 12 and 3 + 1 of 16. */
#if VEC_BYTES == 64 || defined(__aarch64__)
enum { LANE_TILE_ROWS = 8 };
#define LANE_TILE_HEIGHTS(X) X(8) X(4) X(2) X(1)
#else
enum { LANE_TILE_ROWS = 4 };
#define LANE_TILE_HEIGHTS(X) X(4) X(2) X(1)
#endif
enum { LANE_TILE_COLUMNS = 3 };

/* A tile (R, V) of a product from element (i, j) on, see tiles.h; or of its transpose. */
INLINE void lane_tile(const int R, const int V, const int turned, const pynn_lane_product *p,
                      size_t i, size_t j) {
    vec sum[LANE_TILE_ROWS * LANE_TILE_COLUMNS];
    const size_t c_row = (turned ? 1 : p->c_row) * LANES,
                 c_column = (turned ? p->c_row : 1) * LANES;
    const size_t start_row = (turned ? 1 : p->start_row) * LANES;
    const size_t start_column = (turned ? p->start_row : 1) * LANES;
    const size_t a_row = (turned ? 1 : p->a_row) * LANES;
    const size_t b_column = (turned ? p->a_row : p->b_column) * LANES;
    const size_t a_step = (turned ? p->b_step : p->a_step) * LANES;
    const size_t b_step = (turned ? p->a_step : p->b_step) * LANES;
    const real *a = (turned ? p->b : p->a) + i * a_row, *b = (turned ? p->a : p->b) + j * b_column;
    if (p->start) {
        const real *start = p->start + i * start_row + j * start_column;
        UNROLL(8)
        for (size_t r = 0; r < (size_t)R; r++) {
            UNROLL(3)
            for (size_t v = 0; v < (size_t)V; v++) {
                sum[r * V + v] = load(start + r * start_row + v * start_column);
            }
        }
    } else {
        UNROLL(24)
        for (int r = 0; r < R * V; r++) { sum[r] = (vec){0}; }
    }
    for (size_t k = p->depth; k; k--, a += a_step, b += b_step) {
        vec columns[LANE_TILE_COLUMNS];
        UNROLL(3)
        for (size_t v = 0; v < (size_t)V; v++) { columns[v] = load(b + v * b_column); }
        UNROLL(8)
        for (size_t r = 0; r < (size_t)R; r++) {
            const vec factor = rounded(load(a + r * a_row)); /* gcc would load it V times */
            UNROLL(3)
            for (size_t v = 0; v < (size_t)V; v++) { sum[r * V + v] += factor * columns[v]; }
        }
    }
    const vec none = {0};
    if (p->is_relu) {
        UNROLL(24)
        for (int r = 0; r < R * V; r++) { sum[r] = either(sum[r] < 0, none, sum[r]); }
    }
    if (p->gate) {
        const real *gate = p->gate + i * c_row + j * c_column;
        UNROLL(8)
        for (size_t r = 0; r < (size_t)R; r++) {
            UNROLL(3)
            for (size_t v = 0; v < (size_t)V; v++) {
                const lanes_t is_open = load(gate + r * c_row + v * c_column) > 0;
                sum[r * V + v] *= either(is_open, none + 1, none);
            }
        }
    }
    real *c = p->c + i * c_row + j * c_column;
    UNROLL(8)
    for (size_t r = 0; r < (size_t)R; r++) {
        UNROLL(3)
        for (size_t v = 0; v < (size_t)V; v++) {
            store(c + r * c_row + v * c_column, sum[r * V + v]);
        }
    }
}

/* Functions, for if all were inlined into one loop, their many offsets would fill the registers. */
typedef void lane_tile_function(const pynn_lane_product *p, size_t i, size_t j);
#define TILE(name, R, V, turned)                                                                   \
    static void name(const pynn_lane_product *p, size_t i, size_t j) {                             \
        lane_tile(R, V, turned, p, i, j);                                                          \
    }
#define X(R)                                                                                       \
    TILE(lane_tile_##R##_1, R, 1, 0)                                                               \
    TILE(lane_tile_##R##_2, R, 2, 0)                                                               \
    TILE(lane_tile_##R##_3, R, 3, 0)                                                               \
    TILE(turned_tile_##R##_1, R, 1, 1)                                                             \
    TILE(turned_tile_##R##_2, R, 2, 1)                                                             \
    TILE(turned_tile_##R##_3, R, 3, 1)
LANE_TILE_HEIGHTS(X)
#undef X
#undef TILE

static lane_tile_function *const lane_tiles[2][LANE_TILE_ROWS][LANE_TILE_COLUMNS] = {
#define X(R) [R - 1] = {lane_tile_##R##_1, lane_tile_##R##_2, lane_tile_##R##_3},
    {LANE_TILE_HEIGHTS(X)},
#undef X
#define X(R) [R - 1] = {turned_tile_##R##_1, turned_tile_##R##_2, turned_tile_##R##_3},
    {LANE_TILE_HEIGHTS(X)},
#undef X
};

/* Tiles are higher than wide, so a low product is computed transposed. */
static void lane_product(const pynn_lane_product *p) {
    const int turned = p->n_rows < LANE_TILE_ROWS && p->n_rows < p->n && p->b_column == 1;
    const size_t m = turned ? p->n : p->n_rows, n = turned ? p->n_rows : p->n;
    size_t height = LANE_TILE_ROWS;
    for (size_t i = 0; i < m; i += height) {
        while (height > m - i) { height /= 2; }
        lane_tile_function *const *tiles = lane_tiles[turned][height - 1];
        for (size_t j = 0, width; j < n; j += width) {
            width = n - j == 4 ? 2 : n - j < 3 ? n - j : 3;
            tiles[width - 1](p, i, j);
        }
    }
}

/* Unit j of a row belongs to partial result j % LANES, as in a vector of units. */
INLINE vec sum_of_partials(vec *partial, size_t n) {
    for (size_t size = LANES / 2; size; size /= 2) {
        for (size_t q = 0; q < size && q + size < n; q++) { partial[q] += partial[q + size]; }
    }
    return partial[0];
}

INLINE vec largest_of_units(const real *z, size_t n) {
    vec largest = load(z);
    for (size_t j = 1; j < n; j++) { largest = larger(load(z + j * LANES), largest); }
    return largest;
}

/* The partial sums of n >= 1 units. */
INLINE void clear(vec *partial, size_t n) {
    partial[0] = (vec){0};
    for (size_t q = 1; q < n && q < LANES; q++) { partial[q] = (vec){0}; }
}

static void lane_softmax(real *a, const real *z, size_t stride, size_t n_rows, size_t n) {
    for (size_t i = 0; i < n_rows; i++, a += stride * LANES, z += stride * LANES) {
        real largest[LANES];
        store(largest, largest_of_units(z, n));
        vec sums[LANES];
        clear(sums, n);
        for (size_t j = 0; j < n; j++) {
            real *a_j = a + j * LANES;
            const real *z_j = z + j * LANES;
            IVDEP
            for (size_t l = 0; l < LANES; l++) { a_j[l] = vexp(z_j[l] - largest[l]); }
            sums[j % LANES] += load(a_j);
        }
        const vec sum = sum_of_partials(sums, n);
        for (size_t j = 0; j < n; j++) { store(a + j * LANES, load(a + j * LANES) / sum); }
    }
}

/* The order of `sum` in kernels.c. */
INLINE void lane_cost(const pynn_lane_outputs *o, real (*value)(real, real, real, real),
                      real (*slope)(real, real, real, real)) {
    enum { N_PARTIAL = 16 };
    const size_t n = o->n, whole = n / N_PARTIAL * N_PARTIAL;
    const real parameter = o->parameter;
    for (size_t i = 0; i < o->n_rows; i++) {
        double partial[N_PARTIAL][LANES], *sum = o->row_costs + i * LANES;
        const real *scales = o->row_scales + i * LANES;
        memset(sum, 0, LANES * sizeof *sum);
        if (whole) { memset(partial, 0, sizeof partial); }
        for (size_t j = 0; j < n; j++) {
            const size_t at = (i * o->stride + j) * LANES;
            const real *z = o->z + at, *a = o->a + at, *y = o->y + at;
            real *restrict delta = o->delta + at;
            double *restrict to = j < whole ? partial[j % N_PARTIAL] : sum;
            for (size_t l = 0; l < LANES; l++) { delta[l] = value(z[l], a[l], y[l], parameter); }
            for (size_t l = 0; l < LANES; l++) { to[l] += delta[l]; }
            for (size_t l = 0; l < LANES; l++) {
                delta[l] = scales[l] * slope(z[l], a[l], y[l], parameter);
            }
        }
        for (size_t j = 0; j < N_PARTIAL && whole; j++) {
            for (size_t l = 0; l < LANES; l++) { sum[l] += partial[j][l]; }
        }
    }
}

#define X(name, output)                                                                            \
    static void lane_costs_##name(const pynn_lane_outputs *outputs) {                              \
        lane_cost(outputs, cost_##name, delta_##name);                                             \
    }
PYNN_POINTWISE_COSTS(X)
#undef X

static void lane_costs_binary_cross_entropy(const pynn_lane_outputs *outputs) {
    if (outputs->parameter > 0) {
        lane_cost(outputs, cost_capped_binary_cross_entropy, delta_binary_cross_entropy);
    } else {
        lane_cost(outputs, cost_binary_cross_entropy, delta_binary_cross_entropy);
    }
}

/* See cross_entropy and capped_cross_entropy in costs.h. */
static void lane_costs_cross_entropy(const pynn_lane_outputs *o) {
    const caps caps = caps_of(o->parameter);
    const size_t n = o->n;
    for (size_t i = 0; i < o->n_rows; i++) {
        const size_t at = i * o->stride * LANES;
        const real *z = o->z + at, *a = o->a + at, *y = o->y + at;
        real *delta = o->delta + at;
        const vec z_max = largest_of_units(z, n), a_max = largest_of_units(a, n);
        vec others[LANES], n_largest[LANES], weights[LANES], costs[LANES], capped[LANES];
        clear(others, n), clear(n_largest, n), clear(weights, n), clear(costs, n), clear(capped, n);
        for (size_t j = 0; j < n; j++) {
            const vec z_j = load(z + j * LANES), a_j = load(a + j * LANES);
            const vec y_j = load(y + j * LANES), cost = y_j * (z_max - z_j);
            others[j % LANES] += (vec)((lanes_t)a_j & (z_j != z_max));
            n_largest[j % LANES] += (vec)((lanes_t)((vec){0} + 1) & (z_j == z_max));
            weights[j % LANES] += y_j;
            costs[j % LANES] += (vec)((lanes_t)cost & (y_j != 0));
        }
        const vec weight = sum_of_partials(weights, n);
        const vec rest = sum_of_partials(others, n) + (sum_of_partials(n_largest, n) - 1) * a_max;
        real log_sum[LANES];
        store(log_sum, rest / a_max);
        for (size_t l = 0; l < LANES; l++) { log_sum[l] = log1p_of_any(log_sum[l]); }
        const vec scale = load(o->row_scales + i * LANES), log = load(log_sum);
        for (size_t j = 0; j < n; j++) {
            const vec d = load(a + j * LANES) * weight - load(y + j * LANES);
            store(delta + j * LANES, d * scale);
        }
        const vec low = (vec){0} + caps.low, high = (vec){0} + caps.high;
        for (size_t j = 0; j < n && caps.high < INFINITY; j++) {
            const vec cost = (z_max - load(z + j * LANES)) + log;
            const vec above = either(cost < low, low, cost);
            capped[j % LANES] += rounded(load(y + j * LANES) * either(above > high, high, above));
        }
        vec sum = sum_of_partials(costs, n) + weight * log;
        if (caps.high < INFINITY) { sum = sum_of_partials(capped, n); }
        real total[LANES];
        store(total, sum);
        for (size_t l = 0; l < LANES; l++) { o->row_costs[i * LANES + l] = total[l]; }
    }
}

/* See sum_of in kernels.c. */
INLINE void lane_sum(double *sum, const real *w, size_t n_rows, size_t n, double (*f)(double)) {
    enum { N_PARTIAL = 16 };
    double partial[N_PARTIAL][LANES] = {{0}};
    for (size_t i = 0; i < n_rows; i++) {
        for (size_t j = 0; j < n; j++, w += LANES) {
            for (size_t l = 0; l < LANES; l++) { partial[j % N_PARTIAL][l] += f(w[l]); }
        }
    }
    memset(sum, 0, LANES * sizeof *sum);
    for (size_t p = 0; p < N_PARTIAL; p++) {
        for (size_t l = 0; l < LANES; l++) { sum[l] += partial[p][l]; }
    }
}

static void lane_sum_of_squares(double *sum, const real *w, size_t n_rows, size_t n) {
    lane_sum(sum, w, n_rows, n, square);
}

static void lane_sum_of_sizes(double *sum, const real *w, size_t n_rows, size_t n) {
    lane_sum(sum, w, n_rows, n, fabs);
}

#endif
