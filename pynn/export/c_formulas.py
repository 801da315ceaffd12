"""C functions of headers: activations, normalisation and embeddings.

In them, ``@`` stands for the prefix of a header, ``real`` for its type, and a call such as
``EXP(z)`` for the function of <math.h> of that type.
"""

from __future__ import annotations

# Of one number each; softmax is of a row.
ACTIVATIONS = {
    "identity": "",
    "sigmoid": """\
static inline real @_sigmoid(real z) {
    const real e = EXP(-FABS(z)); /* never overflows */
    return (z < 0 ? e : 1) / (1 + e);
}
""",
    "tanh": "static inline real @_tanh(real z) { return TANH(z); }\n",
    "relu": "static inline real @_relu(real z) { return z < 0 ? 0 : z; }\n",
    "leaky_relu": """\
static inline real @_leaky_relu(real z, real slope) { return z < 0 ? slope * z : z; }
""",
    "elu": "static inline real @_elu(real z) { return z < 0 ? EXPM1(z) : z; }\n",
    "selu": """\
static inline real @_selu(real z) {
    return z < 0 ? (real)1.75809934084737685994 * EXPM1(z) : (real)1.05070098735548049342 * z;
}
""",
    "gelu": """\
static inline real @_gelu(real z) {
    return z * ((real)0.5 * ERFC(z * (real)-0.70710678118654752440));
}
""",
    "silu": "static inline real @_silu(real z) { return z * @_sigmoid(z); }\n",
    "softplus": """\
static inline real @_softplus(real z) { return (z < 0 ? 0 : z) + LOG1P(EXP(-FABS(z))); }
""",
    "mish": """\
static inline real @_mish(real z) {
    const real e = EXP(-FABS(z)), low = e * (e + 2), high = 1 + 2 * e;
    return z * (z < 0 ? low / (low + 2) : high / (high + 2 * e * e));
}
""",
    "exp": "static inline real @_exp(real z) { return EXP(z); }\n",
    "softmax": """\
static inline void @_softmax(real *z, int n) {
    real largest = z[0], sum = 0;
    int j;
    for (j = 1; j < n; j++) { largest = z[j] > largest ? z[j] : largest; }
    for (j = 0; j < n; j++) { z[j] = EXP(z[j] - largest), sum += z[j]; }
    for (j = 0; j < n; j++) { z[j] /= sum; }
}
""",
}
NEEDS = {"silu": "sigmoid"}

# Sums run over the inputs in their order, as in pynn, with fused multiply-adds where the processor
# has them. Eight inputs at a time spare loads and stores of z; the loop over outputs vectorises.
DENSE = """\
/* z (n_out,) += x (n_in,) times w (n_in, n_out) */
static inline void @_dense(
    real *restrict z, const real *restrict x, const weight *restrict w, int n_in, int n_out) {
    int i = 0, j;
    for (; i + 8 <= n_in; i += 8, x += 8, w += 8 * n_out) {
        for (j = 0; j < n_out; j++) {
            real sum = z[j];
            sum = @_FMA(x[0], w[j], sum);
            sum = @_FMA(x[1], w[j + n_out], sum);
            sum = @_FMA(x[2], w[j + 2 * n_out], sum);
            sum = @_FMA(x[3], w[j + 3 * n_out], sum);
            sum = @_FMA(x[4], w[j + 4 * n_out], sum);
            sum = @_FMA(x[5], w[j + 5 * n_out], sum);
            sum = @_FMA(x[6], w[j + 6 * n_out], sum);
            sum = @_FMA(x[7], w[j + 7 * n_out], sum);
            z[j] = sum;
        }
    }
    for (; i < n_in; i++, x++, w += n_out) {
        for (j = 0; j < n_out; j++) { z[j] = @_FMA(*x, w[j], z[j]); }
    }
}
"""

LAYER_NORM = """\
static inline void @_layer_norm(real *u, const real *gains, const real *biases, int n) {
    double mean = 0, variance = 0, scale;
    int j;
    for (j = 0; j < n; j++) { mean += (double)u[j] / n; }
    for (j = 0; j < n; j++) { variance += (u[j] - mean) * (u[j] - mean) / n; }
    scale = 1 / sqrt(variance + 1e-5);
    for (j = 0; j < n; j++) { u[j] = (real)((u[j] - mean) * scale) * gains[j] + biases[j]; }
}
"""

EMBEDDINGS = {
    "categories": """\
/* A number that is no code counts as code 0. */
static inline void @_categories(real *out, real x, const real *table, int n, int size) {
    const int row = x >= 0 && x < (real)n ? (int)x : 0;
    int j;
    for (j = 0; j < size; j++) { out[j] = table[row * size + j]; }
}
""",
    "periodic": """\
static inline void @_periodic(
    real *out, real x, const real *frequencies, const real *phases, const real *weights,
    const real *biases, int n, int size) {
    int k, j;
    out[0] = x;
    for (j = 1; j < size; j++) { out[j] = biases[j - 1]; }
    for (k = 0; k < n; k++) {
        const real turns = frequencies[k] * x + phases[k];
        const real wave = COS((real)6.28318530717958647693 * (turns - FLOOR(turns)));
        for (j = 1; j < size; j++) { out[j] += wave * weights[k * (size - 1) + j - 1]; }
    }
}
""",
    "bins": """\
static inline void @_bins(real *out, real x, const double *edges, int n) {
    int k;
    for (k = 0; k < n; k++) {
        const double share = ((double)x - edges[k]) / (edges[k + 1] - edges[k]);
        out[k] = (real)(share < 0 && k > 0 ? 0 : share > 1 && k < n - 1 ? 1 : share);
    }
}
""",
}

# Of columns of tables, in double.
TABLES = {
    "z": """\
/* (x - median) / scale, 0 for a missing x */
static inline double @_z(double x, double median, double scale) {
    const double z = (fmax(-1e300, fmin(x, 1e300)) - median) / scale;
    return x != x ? 0 : fmax(-1e15, fmin(z, 1e15));
}

static inline double @_smooth(double z, double clip) {
    return z / sqrt(1 + (z / clip) * (z / clip));
}

static inline double @_within(double z, double low, double high) {
    return z < low ? low : z > high ? high : z;
}
""",
    "cycles": """\
/* Days from 1970-01-01 to the first day of a year. */
static inline double @_year_start(double year) {
    const double y = year - 1;
    return 365 * y + floor(y / 4) - floor(y / 100) + floor(y / 400) - 719162;
}

/* Sine and cosine of the time of year, of the weekday, and of the day if n is 3. */
static inline void @_cycles(real *out, double x, int n) {
    const double days = x != x ? 0 : x, whole = floor(days);
    double year = floor((whole + 719162) / 365.2425) + 1, start, turns[3]; /* or a year beside */
    int k;
    year += (whole >= @_year_start(year + 1)) - (whole < @_year_start(year));
    start = @_year_start(year);
    turns[0] = (days - start) / (@_year_start(year + 1) - start);
    turns[1] = (whole + 3 - 7 * floor((whole + 3) / 7)) / 7;
    turns[2] = days - whole;
    for (k = 0; k < n; k++) {
        out[2 * k] = x != x ? 0 : (real)sin(6.28318530717958647693 * turns[k]);
        out[2 * k + 1] = x != x ? 0 : (real)cos(6.28318530717958647693 * turns[k]);
    }
}
""",
    "row_of_code": """\
/* The row of inputs of a code: n is that of missing values, n + 1 of all others. */
static inline int @_row_of_code(double x, int n) {
    return x != x ? n : x >= 0 && x < n ? (int)x : n + 1;
}
""",
    "row_of_number": """\
/* The row of inputs of a number: n is that of missing values, n + 1 of all others. */
static inline int @_row_of_number(double x, const double *labels, int n) {
    int k = 0;
    while (k < n && labels[k] != x) { k++; }
    return k < n ? k : x != x ? n : n + 1;
}
""",
}
