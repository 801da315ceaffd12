/* driver_cases.h - networks and data for driver.c, made from random numbers that are the same on
 * every platform. */
#ifndef PYNN_DRIVER_CASES_H
#define PYNN_DRIVER_CASES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pynn.h"

#define CHECK(holds, ...)                                                                          \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            printf(__VA_ARGS__);                                                                   \
            printf(" (%s, line %d)\n", #holds, __LINE__);                                          \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

typedef enum { ROWS, COLUMNS, SPARSE } layout; /* of x: C-contiguous, F-contiguous, CSR */

typedef struct {
    const char *name;
    int n_layers;
    int64_t sizes[4];
    const char *hidden, *output, *cost, *rule;
    int64_t n_rows, batch_size, n_epochs;
    layout layout;
    int mostly_zero; /* most columns of x are 0 in all rows, and half of the values in the others */
    int regularised; /* labels, row weights, dropout, l2, clip_norm and max_norm */
    int input_scale, residual; /* residual: the second hidden layer adds its input */
    pynn_norm norm;            /* of hidden layers */
    double cost_parameter;
    double decay;   /* of the parameters' average; 0: none */
    int parametric; /* hidden activations have alphas */
    int64_t members;
    int embedded; /* the first columns have embeddings of all kinds */
} setting;

/* clang-format off */
static const setting settings[] = {
    {"tanh", 2, {2, 8, 1}, "tanh", "identity", "squared_error", "sgd", 60, 1, 3, ROWS, 0, 0, 0, 0, 0, 0, 0.875, 0, 0, 0},
    {"columns", 2, {2, 8, 1}, "silu", "sigmoid", "binary_cross_entropy", "nesterov", 61, 7, 3, COLUMNS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {"digits", 2, {784, 30, 10}, "sigmoid", "sigmoid", "squared_error", "sgd", 95, 10, 2, ROWS, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
    {"sparse", 2, {784, 30, 10}, "sigmoid", "sigmoid", "squared_error", "sgd", 95, 10, 2, SPARSE, 1, 0, 0, 0, 0, 0, 0.75, 0, 0, 0},
    {"classes", 2, {50, 64, 3}, "relu", "softmax", "cross_entropy", "adam", 90, 32, 3, ROWS, 0, 1, 0, 0, 0, 0, 0.875, 0, 0, 0},
    {"sparse classes", 2, {50, 64, 3}, "relu", "softmax", "cross_entropy", "adam", 90, 90, 3, SPARSE, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0},
    {"deep", 3, {33, 70, 37, 5}, "gelu", "identity", "huber", "rmsprop", 130, 64, 2, COLUMNS, 0, 0, 0, 0, 0, 1, 0.5, 0, 0, 0},
    {"chunks", 2, {17, 40, 3}, "softplus", "exp", "poisson", "momentum", 2100, 1500, 2, ROWS, 0, 0, 0, 0, 0, 0, 0.875, 0, 0, 0},
    {"residual", 3, {20, 70, 70, 3}, "tanh", "softmax", "cross_entropy", "adam", 70, 25, 2, ROWS, 0, 1, 0, 1, 0, 0, 0.75, 0, 0, 0},
    {"normed", 3, {20, 70, 70, 3}, "gelu", "softmax", "cross_entropy", "adam", 70, 25, 2, ROWS, 0, 1, 0, 1, 1, 0, 0.875, 0, 0, 0},
    {"batch normed", 3, {20, 70, 70, 3}, "gelu", "softmax", "cross_entropy", "adam", 1300, 1100, 2, ROWS, 0, 1, 1, 1, 2, 0, 0.875, 1, 0, 0},
    {"sparse batch normed", 2, {60, 21, 2}, "tanh", "identity", "squared_error", "sgd", 71, 10, 2, SPARSE, 1, 0, 0, 0, 2, 0, 0.875, 0, 0, 0},
    {"parametric", 3, {20, 70, 70, 3}, "silu", "identity", "squared_error", "adam", 70, 25, 2, ROWS, 0, 1, 0, 1, 1, 0, 0, 1, 0, 0},
    {"sparse normed", 2, {60, 21, 2}, "tanh", "identity", "squared_error", "momentum", 1200, 1100, 2, SPARSE, 1, 0, 0, 0, 1, 0, 0.875, 0, 0, 0},
    {"scaled", 2, {61, 20, 4}, "mish", "identity", "squared_error", "adam", 80, 20, 2, ROWS, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0},
    {"members", 3, {20, 70, 70, 3}, "gelu", "softmax", "cross_entropy", "adam", 70, 25, 2, ROWS, 0, 1, 0, 1, 0, 0, 0.875, 0, 3, 0},
    {"many members", 2, {33, 37, 2}, "tanh", "identity", "squared_error", "sgd", 70, 50, 2, COLUMNS, 0, 0, 1, 0, 0, 0, 0, 0, 40, 0},
    {"embedded", 2, {9, 70, 3}, "silu", "softmax", "cross_entropy", "adam", 150, 70, 2, COLUMNS, 0, 1, 0, 0, 0, 0, 0.75, 0, 0, 1},
    {"embedded, scaled", 2, {9, 20, 3}, "tanh", "identity", "squared_error", "momentum", 80, 30, 2, ROWS, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1},
};

static const double edges[] = {-0.875, -0.25, 0, 0.5, 0.75};
static const pynn_embedding embeddings[] = {
    {PYNN_PIECEWISE_LINEAR, 0, 4, 4, 0, edges},
    {PYNN_PIECEWISE_LINEAR, 1, 7, 4, 1, edges},
    {PYNN_PERIODIC, 2, 50, 9, 0, NULL},
    {PYNN_CATEGORIES, 4, 3, 5, 0, NULL},
};
enum { N_EMBEDDINGS = sizeof embeddings / sizeof *embeddings };

/* A network that works with any activation, cost and rule. */
static const setting simple =
    {"simple", 2, {9, 70, 5}, "tanh", "identity", "squared_error", "sgd", 50, 20, 2, ROWS, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
/* clang-format on */
enum { N_SETTINGS = sizeof settings / sizeof *settings };

/* One case in one dtype. */
typedef struct {
    const setting *of;
    pynn_network network;
    pynn_data data;
    pynn_optimizer optimizer;
    pynn_regularisation regularisation;
    double l2[3], l1[3], dropout[2];
    int activations[3];
    double activation_parameters[3];
    unsigned char residual[3], norms[3], parametric[3];
    int64_t n_parameters, n_units; /* units of all layers except the input */
    int64_t n_embedded;            /* length of an embedded row; 0 without embeddings */
    int64_t ends[3];               /* of the parameters of each layer */
    void *parameters;              /* initial parameters */
} problem;

/* splitmix64: Steele, Lea & Flood 2014 */
static uint64_t next_uint64(void *state) {
    uint64_t z = *(uint64_t *)state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t next_uint32(void *state) { return (uint32_t)(next_uint64(state) >> 32); }

/* Uniform from -1 to 1 in steps of 2^-15, which float represents exactly. */
static double draw(uint64_t *state) { return (double)(next_uint64(state) >> 48) * 0x1p-15 - 1; }

/* reserve returns memory filled with zeros; release frees all of it. */
static void *blocks[400];
static int n_blocks;
static void *reserve(int64_t n, size_t size) {
    void *block = calloc((size_t)n + 1, size);
    CHECK(block && n_blocks < 400, "no memory");
    return blocks[n_blocks++] = block;
}
static void release(void) {
    while (n_blocks) { free(blocks[--n_blocks]); }
}

static size_t size_of(pynn_dtype dtype) { return dtype == PYNN_F32 ? 4 : 8; }

static void set(void *array, int64_t i, double x, pynn_dtype dtype) {
    if (dtype == PYNN_F32) {
        ((float *)array)[i] = (float)x;
    } else {
        ((double *)array)[i] = x;
    }
}

static int code_of(const char *name, const char *(*name_of)(int)) {
    int code = 0;
    while (name_of(code) && strcmp(name_of(code), name)) { code++; }
    CHECK(name_of(code), "no such name: %s", name);
    return code;
}

/* 1 for running means, 2 for running variances, 0 for other parameters. */
static int is_statistic(const problem *p, int64_t i) {
    for (int l = 0; l < p->of->n_layers; l++) {
        const int64_t n_out = p->of->sizes[l + 1], left = p->ends[l] - i;
        if (p->norms[l] != PYNN_BATCH_NORM || left <= 0 || left > 2 * n_out) { continue; }
        return left > n_out ? 1 : 2;
    }
    return 0;
}

static void make_x(problem *p, uint64_t *random) {
    const int64_t n = p->of->n_rows, n_in = p->of->sizes[0];
    const pynn_dtype dtype = p->network.dtype;
    const ptrdiff_t size = (ptrdiff_t)size_of(dtype);
    const int by_columns = p->of->layout == COLUMNS;
    void *x = reserve(n * n_in, size_of(dtype)), *values = reserve(n * n_in, size_of(dtype));
    int64_t *starts = reserve(n + 1, sizeof *starts), n_entries = 0;
    int32_t *columns = reserve(n * n_in, sizeof *columns);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < n_in; j++) {
            const double drawn = draw(random);
            double value = p->of->mostly_zero && (j % 4 || drawn < 0) ? 0 : drawn;
            if (p->of->embedded && j == 4) { value = floor(fabs(drawn) * 4.5); }
            set(x, by_columns ? j * n + i : i * n_in + j, value, dtype);
            if (value != 0) {
                columns[n_entries] = (int32_t)j;
                set(values, n_entries++, value, dtype);
            }
        }
        starts[i + 1] = n_entries;
    }
    p->data.n_rows = n;
    if (p->of->layout == SPARSE) {
        p->data.n_entries = n_entries;
        p->data.starts = starts, p->data.columns = columns, p->data.values = values;
    } else {
        p->data.x = x;
        p->data.x_strides[0] = by_columns ? size : n_in * size;
        p->data.x_strides[1] = by_columns ? n * size : size;
    }
}

static void make_targets(problem *p, uint64_t *random) {
    const int64_t n = p->of->n_rows, n_out = p->of->sizes[p->of->n_layers];
    const pynn_dtype dtype = p->network.dtype;
    int64_t *labels = reserve(n, sizeof *labels);
    double *weights = reserve(n, sizeof *weights);
    void *y = reserve(n * n_out, size_of(dtype));
    for (int64_t i = 0; i < n; i++) {
        labels[i] = (int64_t)(next_uint64(random) % (uint64_t)n_out);
        weights[i] = (double)(next_uint64(random) % 4) / 2;
        for (int64_t j = 0; j < n_out; j++) { set(y, i * n_out + j, j == labels[i], dtype); }
    }
    if (p->of->regularised) {
        p->data.labels = labels, p->data.row_weights = weights;
    } else {
        p->data.y = y;
        p->data.y_strides[1] = (ptrdiff_t)size_of(dtype);
        p->data.y_strides[0] = n_out * p->data.y_strides[1];
    }
}

static void make(problem *p, const setting *of, pynn_dtype dtype) {
    uint64_t random = 1;
    *p = (problem){.of = of};
    p->network = (pynn_network){.dtype = dtype,
                                .n_layers = of->n_layers,
                                .sizes = of->sizes,
                                .activations = p->activations,
                                .activation_parameters = p->activation_parameters,
                                .bias = 1,
                                .input_scale = of->input_scale,
                                .residual = p->residual,
                                .norms = p->norms,
                                .parametric = p->parametric,
                                .cost = code_of(of->cost, pynn_cost_name),
                                .cost_parameter = of->cost_parameter,
                                .members = of->members};
    p->residual[1] = of->residual != 0;
    if (of->embedded) {
        p->network.embeddings = embeddings;
        p->network.n_embeddings = N_EMBEDDINGS;
        p->n_embedded = of->sizes[0];
        for (int k = 0; k < N_EMBEDDINGS; k++) { p->n_embedded += embeddings[k].size - 1; }
    }
    for (int l = 0; l < of->n_layers; l++) {
        p->activation_parameters[l] = 0.25;
        p->activations[l] =
            code_of(l == of->n_layers - 1 ? of->output : of->hidden, pynn_activation_name);
        const int is_hidden = l < of->n_layers - 1;
        p->norms[l] = is_hidden ? of->norm : PYNN_NO_NORM;
        p->parametric[l] = is_hidden && of->parametric;
        p->n_units += of->sizes[l + 1];
        if (of->regularised) { p->l2[l] = 0.25; }
    }
    pynn_network first = p->network; /* its first layers */
    for (int l = 0; l < of->n_layers; l++) {
        first.n_layers = l + 1;
        p->ends[l] = pynn_n_parameters(&first);
    }
    p->n_parameters = pynn_n_parameters(&p->network);
    p->dropout[0] = 0.25;
    p->regularisation = (pynn_regularisation){.penalty = {p->l2, p->l1, 1},
                                              .dropout = of->regularised ? p->dropout : NULL,
                                              .dropout_seed = 7,
                                              .max_norm = of->regularised ? 0.75 : INFINITY,
                                              .clip_norm = of->regularised ? 0.5 : INFINITY};
    p->optimizer = (pynn_optimizer){.rule = code_of(of->rule, pynn_rule_name),
                                    .learning_rate = 0x1p-7,
                                    .momentum = 0.875,
                                    .beta_1 = 0.875,
                                    .beta_2 = 0.96875,
                                    .epsilon = 0x1p-20,
                                    .grow = 1.25,
                                    .shrink = 0.5,
                                    .smallest = 0x1p-20,
                                    .largest = 1};
    p->parameters = reserve(p->n_parameters, size_of(dtype));
    for (int64_t i = 0; i < p->n_parameters; i++) {
        set(p->parameters, i, draw(&random) / 4 + (is_statistic(p, i) == 2), dtype);
    }
    make_x(p, &random);
    make_targets(p, &random);
}

#endif
