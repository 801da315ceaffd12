/* kernels.c - the kernels, compiled once for each instruction set (PYNN_ISA: its suffix in isa.h)
 * and dtype. Everything except the table at the end is static: of an inline function with external
 * linkage, the linker could keep a copy with instructions that some machines lack. */
#include "kernels.h"

#include "encodings.h"
#include "normalising.h"
#include "products.h"
#include "sparse.h"

#ifndef PYNN_ISA
#define PYNN_ISA baseline
#endif

/* n rounded up to whole vectors, or the whole stride if n rounded up to cache lines equals it. */
INLINE size_t width_of(size_t n, size_t stride) {
    const size_t line = 64 / sizeof(real);
    const size_t lines = (n + line - 1) / line * line;
    return lines == stride ? stride : (n + LANES - 1) / LANES * LANES;
}

/* Loops over the pointwise functions. Each loop is inlined into its callers, where f is a constant,
 * and vectorised there; the parameter stays in a register. a and z may be the same array but do not
 * overlap otherwise. */
INLINE void activate(real *a, real *z, size_t stride, size_t n_rows, size_t n, real parameter,
                     real (*f)(real z, real parameter)) {
    size_t width = width_of(n, stride);
    if (width == stride) { width *= n_rows, n_rows = 1; }
    for (size_t i = 0; i < n_rows; i++, a += stride, z += stride) {
        IVDEP
        for (size_t j = 0; j < width; j++) { a[j] = f(z[j], parameter); }
    }
}

INLINE void derive(real *restrict delta, const real *z, const real *a, size_t stride, size_t n_rows,
                   size_t n, real parameter, real (*f)(real z, real a, real parameter)) {
    size_t width = width_of(n, stride);
    if (width == stride) { width *= n_rows, n_rows = 1; }
    for (size_t i = 0; i < n_rows; i++, delta += stride, z += stride, a += stride) {
        for (size_t j = 0; j < width; j++) { delta[j] *= f(z[j], a[j], parameter); }
    }
}

/* Sum of x (n,) in double. Long sums use a fixed number of partial sums, which vectorise with the
 * same result for any width of vectors. */
INLINE double sum(const real *x, size_t n) {
    enum { N_PARTIAL = 16 };
    double sum = 0;
    const size_t whole = n / N_PARTIAL * N_PARTIAL;
    for (size_t i = whole; i < n; i++) { sum += x[i]; }
    if (whole) {
        double partial[N_PARTIAL] = {0};
        for (size_t i = 0; i < whole; i += N_PARTIAL) {
            for (size_t j = 0; j < N_PARTIAL; j++) { partial[j] += x[i + j]; }
        }
        for (size_t j = 0; j < N_PARTIAL; j++) { sum += partial[j]; }
    }
    return sum;
}

/* delta temporarily holds the values of the cost: storing them vectorises, summing them directly
 * does not (8 times slower for 128 outputs of binary cross-entropy, 3 times for 10). A single
 * output is computed without padding, which is faster. */
INLINE void cost(const pynn_outputs *o, real (*value)(real, real, real, real),
                 real (*slope)(real, real, real, real)) {
    const size_t n = o->n, stride = o->stride;
    const size_t width = width_of(n, stride), n_values = n == 1 ? 1 : width;
    real *restrict delta = o->delta;
    const real *z = o->z, *a = o->a, *y = o->y, parameter = o->parameter;
    for (size_t i = 0; i < o->n_rows; i++, delta += stride, z += stride, a += stride, y += stride) {
        for (size_t j = 0; j < n_values; j++) { delta[j] = value(z[j], a[j], y[j], parameter); }
        o->row_costs[i] = sum(delta, n);
        const real scale = o->row_scales[i];
        for (size_t j = 0; j < width; j++) {
            delta[j] = scale * slope(z[j], a[j], y[j], parameter);
        }
    }
}

#define X(name, reads_z, output_only)                                                              \
    static void activate_##name(real *a, real *z, size_t stride, size_t n_rows, size_t n,          \
                                real parameter) {                                                  \
        activate(a, z, stride, n_rows, n, parameter, activation_##name);                           \
    }                                                                                              \
    static void derive_##name(real *delta, const real *z, const real *a, size_t stride,            \
                              size_t n_rows, size_t n, real parameter) {                           \
        derive(delta, z, a, stride, n_rows, n, parameter, derivative_##name);                      \
    }
PYNN_POINTWISE_ACTIVATIONS(X)
#undef X

static void drop(real *out, const real *a, size_t stride, size_t n_rows, size_t n,
                 const pynn_mask *mask) {
    const uint32_t width = (uint32_t)width_of(n, stride), first = (uint32_t)mask->column;
    const uint32_t least = (uint32_t)(mask->rate * 0x1p32);
    const real scale = (real)(1 / (1 - mask->rate));
    for (size_t i = 0; i < n_rows; i++, out += stride, a += stride) {
        const uint64_t key = pynn_key(mask->key, mask->row + i);
        IVDEP
        for (uint32_t j = 0; j < width; j++) {
            out[j] = a[j] * (pynn_draw(key, first + j) < least ? 0 : scale);
        }
    }
}

static void add_rows(real *out, const real *a, size_t stride, const real *x, size_t x_stride,
                     size_t n_rows, size_t n) {
    const size_t width = width_of(n, stride);
    for (size_t i = 0; i < n_rows; i++, out += stride, a += stride, x += x_stride) {
        IVDEP
        for (size_t j = 0; j < width; j++) { out[j] = a[j] + x[j]; }
    }
}

static void scale_rows(real *out, size_t stride, const real *x, size_t x_stride, const real *s,
                       const real *b, size_t n_rows, size_t n) {
    for (size_t j = 0; j < n; j += LANES) {
        const size_t lanes = lanes_of(n, j);
        const vec s_ = load_first(s + j, lanes), b_ = b ? load_first(b + j, lanes) : (vec){0};
        for (size_t i = 0; i < n_rows; i++) {
            const real *from = x + i * x_stride + j;
            store(out + i * stride + j,
                  (lanes == LANES ? load(from) : load_first(from, lanes)) * s_ + b_);
        }
    }
}

static void scale_back(real *ds, real *db, real *delta, size_t stride, const real *x,
                       size_t x_stride, const real *s, size_t n_rows, size_t n) {
    for (size_t j = 0; j < n; j += LANES) {
        const size_t lanes = lanes_of(n, j);
        const vec s_ = load_first(s + j, lanes);
        vec ds_ = {0}, db_ = {0};
        for (size_t i = 0; i < n_rows; i++) {
            const real *from = x + i * x_stride + j;
            const vec d = load(delta + i * stride + j);
            ds_ += d * (lanes == LANES ? load(from) : load_first(from, lanes));
            db_ += d;
            store(delta + i * stride + j, d * s_);
        }
        store(ds + j, ds_);
        if (db) { store(db + j, db_); }
    }
}

static void copy_rows(real *kept, const real *x, size_t stride, size_t n_rows, size_t n) {
    for (size_t i = 0; i < n_rows; i++, kept += stride, x += stride) {
        memcpy(kept, x, n * sizeof *x);
    }
}

/* (1 - alpha) v + alpha w: exactly w where alpha is 1 */
INLINE vec mixed(vec v, vec w, vec alpha) { return rounded((1 - alpha) * v) + alpha * w; }

static void blend(real *out, const real *a, const real *z, size_t stride, const real *alphas,
                  size_t n_rows, size_t n) {
    for (size_t j = 0; j < n; j += LANES) {
        const vec alpha = load_first(alphas + j, lanes_of(n, j));
        for (size_t i = 0, at = j; i < n_rows; i++, at += stride) {
            store(out + at, mixed(load(z + at), load(a + at), alpha));
        }
    }
}

static void blend_back(real *delta, real *a, const real *dblend, const real *z, size_t stride,
                       const real *alphas, size_t n_rows, size_t n) {
    for (size_t j = 0; j < n; j += LANES) {
        const vec alpha = load_first(alphas + j, lanes_of(n, j));
        for (size_t i = 0, at = j; i < n_rows; i++, at += stride) {
            const vec d = load(dblend + at);
            store(delta + at, mixed(d, load(delta + at), alpha));
            store(a + at, d * (load(a + at) - load(z + at)));
        }
    }
}

#define X(name, output)                                                                            \
    static void costs_##name(const pynn_outputs *outputs) {                                        \
        cost(outputs, cost_##name, delta_##name);                                                  \
    }
PYNN_POINTWISE_COSTS(X)
#undef X

static void costs_binary_cross_entropy(const pynn_outputs *outputs) {
    if (outputs->parameter > 0) {
        cost(outputs, cost_capped_binary_cross_entropy, delta_binary_cross_entropy);
    } else {
        cost(outputs, cost_binary_cross_entropy, delta_binary_cross_entropy);
    }
}

#define X(name)                                                                                    \
    static void sensitivities_##name(real *da, const real *z, const real *a, const real *y,        \
                                     size_t stride, size_t n_rows, size_t n) {                     \
        for (size_t i = 0; i < n_rows; i++, da += stride, z += stride, a += stride, y += stride) { \
            for (size_t j = 0; j < n; j++) { da[j] = sensitivity_##name(z[j], a[j], y[j]); }       \
        }                                                                                          \
    }
PYNN_TIED_COSTS(X)
#undef X

static void activate_softmax(real *a, real *z, size_t stride, size_t n_rows, size_t n,
                             real parameter) {
    (void)parameter;
    for (size_t i = 0; i < n_rows; i++) { softmax(a + i * stride, z + i * stride, n); }
}

static void derive_softmax(real *delta, const real *z, const real *a, size_t stride, size_t n_rows,
                           size_t n, real parameter) {
    (void)z, (void)parameter;
    for (size_t i = 0; i < n_rows; i++) { softmax_backward(delta + i * stride, a + i * stride, n); }
}

static void costs_cross_entropy(const pynn_outputs *o) {
    const caps caps = caps_of(o->parameter); /* two logarithms, once instead of for each row */
    for (size_t i = 0, at = 0; i < o->n_rows; i++, at += o->stride) {
        real *delta = o->delta + at;
        o->row_costs[i] = cross_entropy(delta, o->z + at, o->a + at, o->y + at, o->n, caps);
        for (size_t j = 0; j < o->n; j++) { delta[j] *= o->row_scales[i]; }
    }
}

/* Update the first n lanes of one vector. */
INLINE void update_vector(real *w, real *const *slots, size_t at, const real *g, size_t n,
                          const pynn_step *step, int n_slots, update_rule *rule) {
    vec w_ = load_first(w + at, n), slots_[PYNN_MAX_SLOTS];
    UNROLL(3)
    for (int k = 0; k < n_slots; k++) { slots_[k] = load_first(slots[k] + at, n); }
    rule(&w_, slots_, load_first(g, n), step);
    store_first(w + at, w_, n);
    UNROLL(3)
    for (int k = 0; k < n_slots; k++) { store_first(slots[k] + at, slots_[k], n); }
}

/* Apply a rule to a block. Whole vectors of all rows come first, then the remainder of each row: a
 * load right after the masked store of the previous row would stall (4 times slower for 784-15-10
 * at batch size 1). */
INLINE void update(const pynn_block *b, const pynn_step *step, int n_slots, update_rule *rule) {
    const int is_dense = b->stride == b->n && b->g_stride == b->n;
    const size_t n = is_dense ? b->n * b->n_rows : b->n, n_rows = is_dense ? 1 : b->n_rows;
    const size_t whole = n / LANES * LANES;
    real *w = b->w, *slots[PYNN_MAX_SLOTS];
    for (int k = 0; k < n_slots; k++) { slots[k] = b->slots[k]; }
    for (size_t i = 0; i < n_rows; i++) {
        for (size_t j = 0; j < whole; j += LANES) {
            update_vector(w, slots, i * b->stride + j, b->g + i * b->g_stride + j, LANES, step,
                          n_slots, rule);
        }
    }
    for (size_t i = 0; i < n_rows && whole < n; i++) {
        update_vector(w, slots, i * b->stride + whole, b->g + i * b->g_stride + whole, n - whole,
                      step, n_slots, rule);
    }
}

/* Rules that store a gradient in w. */
INLINE void rule_store RULE_ARGUMENTS {
    (void)s, (void)step;
    *w = g;
}
INLINE void rule_add RULE_ARGUMENTS {
    (void)s, (void)step;
    *w += g;
}

#define X(name, n_slots, decays)                                                                   \
    static void update_##name(const pynn_block *block, const pynn_step *step) {                    \
        update(block, step, n_slots, rule_##name);                                                 \
    }
PYNN_RULES(X)
X(store, 0, 0)
X(add, 0, 0)
#undef X

static void sum_rows(real *restrict db, const real *restrict delta, size_t stride, size_t n_rows,
                     size_t n) {
    const size_t width = (n + LANES - 1) / LANES * LANES;
    for (size_t j = 0; j < width; j += LANES) {
        vec sum = {0};
        for (size_t i = 0; i < n_rows; i++) { sum += load(delta + i * stride + j); }
        store(db + j, sum);
    }
}

static void sum_products(real *restrict dg, const real *restrict dz, const real *restrict x,
                         size_t stride, size_t n_rows, size_t n) {
    const size_t width = (n + LANES - 1) / LANES * LANES;
    for (size_t j = 0; j < width; j += LANES) {
        vec sum = {0};
        for (size_t i = 0; i < n_rows; i++) {
            sum += load(dz + i * stride + j) * load(x + i * stride + j);
        }
        store(dg + j, sum);
    }
}

static void penalise(real *g, const real *w, size_t n, const pynn_step *step) {
    for (size_t j = 0; j < n; j += LANES) {
        const size_t lanes = n - j < LANES ? n - j : LANES;
        const vec g_ = load_first(g + j, lanes), w_ = load_first(w + j, lanes);
        store_first(g + j, penalised(g_, w_, step), lanes);
    }
}

/* With this formula, the mean of equal numbers, such as frozen weights, does not change. */
static void average(real *restrict mean, const real *restrict w, size_t n, double rate) {
    const real share = (real)rate;
    if (rate == 1) {
        memcpy(mean, w, n * sizeof *w);
        return;
    }
    for (size_t j = 0; j < n; j++) { mean[j] += share * (w[j] - mean[j]); }
}

/* Sum of f over a matrix, in double. The number of partial sums is fixed, and an element's column
 * alone selects its sum, so the result is the same for any width of panels and vectors. */
INLINE double sum_of(pynn_panels w, size_t n_rows, size_t n, double (*f)(double)) {
    enum { N_PARTIAL = 16, PIECE = PANEL < N_PARTIAL ? PANEL : N_PARTIAL };
    double partial[N_PARTIAL] = {0}, sum = 0;
    for (size_t i = 0; i < n_rows; i++) {
        const real *row = w.x + i * w.row;
        for (size_t j = 0; j < n; j += PIECE) {
            const real *x = row + j / PANEL * w.panel + j % PANEL;
            double *to = partial + j % N_PARTIAL;
            if (n - j >= PIECE) {
                for (size_t p = 0; p < PIECE; p++) { to[p] += f(x[p]); }
            } else {
                for (size_t p = 0; j + p < n; p++) { to[p] += f(x[p]); }
            }
        }
    }
    for (size_t p = 0; p < N_PARTIAL; p++) { sum += partial[p]; }
    return sum;
}

INLINE double square(double x) { return x * x; }

static double sum_of_squares(pynn_panels w, size_t n_rows, size_t n) {
    return sum_of(w, n_rows, n, square);
}

static double sum_of_sizes(pynn_panels w, size_t n_rows, size_t n) {
    return sum_of(w, n_rows, n, fabs);
}

/* Factor that scales a column down to `longest` if its sum of squares overflows; 1 if a weight is
 * not finite. */
static double factor_of_long(const real *w, size_t stride, size_t n_rows, double longest) {
    const double unit = 0x1p-600;
    double squares = 0;
    for (size_t i = 0; i < n_rows; i++) { squares += square(unit * w[i * stride]); }
    const double norm = sqrt(squares), most = unit * longest;
    return norm > most && norm < INFINITY ? most / norm : 1;
}

/* Each column is summed in the order of its rows, so the result does not depend on how columns are
 * divided. */
static void limit_norms(real *w, size_t stride, size_t n_rows, size_t n, double longest) {
    double squares[PYNN_LIMITED_COLUMNS] = {0};
    real factors[PYNN_LIMITED_COLUMNS];
    int n_longer = 0;
    for (size_t i = 0; i < n_rows; i++) {
        for (size_t j = 0; j < n; j++) { squares[j] += square(w[i * stride + j]); }
    }
    for (size_t j = 0; j < n; j++) {
        const int is_longer = squares[j] > longest * longest && squares[j] < INFINITY;
        factors[j] = is_longer ? (real)(longest / sqrt(squares[j])) : 1;
        n_longer += is_longer;
        if (squares[j] == INFINITY) {
            factors[j] = (real)factor_of_long(w + j, stride, n_rows, longest);
            n_longer++;
        }
    }
    for (size_t i = 0; i < n_rows && n_longer; i++) {
        for (size_t j = 0; j < n; j++) { w[i * stride + j] *= factors[j]; }
    }
}

#include "lane_kernels.h" /* here, as it uses `square` */

/* A number is infinite or NaN if all bits of its exponent are set. */
static int all_finite(const real *x, size_t n) {
    const bits_t exponent = (((bits_t)1 << (sizeof(real) * 8 - 1 - MANTISSA_BITS)) - 1)
                            << MANTISSA_BITS;
    bits_t found = 0;
    for (size_t i = 0; i < n; i++) {
        bits_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        found |= (bits & exponent) == exponent;
    }
    return !found;
}

#define TABLE(isa) FN(pynn_kernels_##isa)
#define TABLE_OF(isa) TABLE(isa) /* a second macro, so that PYNN_ISA is expanded first */

#if defined(PYNN_WITHOUT_BLAS)
enum { HAS_BLAS = 0 };
#else
enum { HAS_BLAS = 1 };
#endif

const pynn_kernels TABLE_OF(PYNN_ISA) = {
    .tuned = VEC_BYTES > 16 || TILE_ROWS > 6 || !HAS_BLAS,
    .lanes = LANES,
    .panel = PANEL,
    .tile_rows = TILE_ROWS,
    .block_depth = 256,
    .block_rows = 252, /* a multiple of tile heights 6 and 14 */
    .block_columns = 1024,
    .gradient_rows = 128,
    .gradient_columns = 64,
    .gradient_inputs = 2560,
    .gradient_inputs_in_panels = 65536,
    .product = product,
    .packs = wants_packing,
    .sparse_product = sparse_product,
    .descend = descend,
    .mark_nonzero = mark_nonzero,
    .list_marked = list_marked,
    .keep_listed = keep_listed,
    .pack_panels = pack_panels,
#define X(name, reads_z, output_only) [PYNN_ACTIVATION_##name] = activate_##name,
    .activate = {PYNN_ACTIVATIONS(X)},
#undef X
#define X(name, reads_z, output_only) [PYNN_ACTIVATION_##name] = derive_##name,
    .derive = {PYNN_ACTIVATIONS(X)},
#undef X
#define X(name, output) [PYNN_COST_##name] = costs_##name,
    .cost = {PYNN_COSTS(X)},
#undef X
#define X(name) [PYNN_COST_##name] = sensitivities_##name,
    .sensitivity = {PYNN_TIED_COSTS(X)},
#undef X
#define X(name, n_slots, decays) [PYNN_RULE_##name] = update_##name,
    .update = {PYNN_RULES(X)},
#undef X
    .drop = drop,
    .add_rows = add_rows,
    .scale_rows = scale_rows,
    .scale_back = scale_back,
    .copy_rows = copy_rows,
    .blend = blend,
    .blend_back = blend_back,
    .normalise = normalise,
    .normalise_back = normalise_back,
    .batch_statistics = batch_statistics,
    .normalise_columns = normalise_columns,
    .normalise_columns_back = normalise_columns_back,
    .store = update_store,
    .add = update_add,
    .penalise = penalise,
    .average = average,
    .sum_rows = sum_rows,
    .sum_products = sum_products,
    .sum_of_squares = sum_of_squares,
    .sum_of_sizes = sum_of_sizes,
    .limit_norms = limit_norms,
    .all_finite = all_finite,
    .embed = {embed_piecewise_linear, embed_periodic, embed_categories},
    .embed_gradient = {gradient_of_piecewise_linear, gradient_of_periodic, gradient_of_categories},
    .embed_back = {back_from_piecewise_linear, back_from_periodic, back_from_categories},
    .lane_product = lane_product,
    .lane_softmax = lane_softmax,
#define X(name, output) [PYNN_COST_##name] = lane_costs_##name,
    .lane_cost = {PYNN_COSTS(X)},
#undef X
    .lane_sum_of_squares = lane_sum_of_squares,
    .lane_sum_of_sizes = lane_sum_of_sizes,
};
