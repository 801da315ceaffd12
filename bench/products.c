/* products.c - the three products of each layer, over and over, each thread its own share: the very
 * functions of csrc/layers.c and gradient.c with what follows each product there (activation,
 * derivative, update), but without barriers or Python. bench/products.py compiles it as the build
 * compiles the core.
 */
#include "isa.h"
/* One instruction set: that of the flags. */
#undef PYNN_ISAS
#define PYNN_ISAS(X) PYNN_ISAS_OF(X, PYNN_ISA)
#define PYNN_ISAS_OF(X, suffix) X(suffix, "")

#include "gradient.c"
#include "kernels.c"
#include "layers.c"
#include "memory.c"
#include "rows.c"
#include "team.c"
#include "transpose.c"
#include "watch.c"
#include "workspace.c"

#define EXPORT __attribute__((visibility("default")))

typedef enum { FORWARD, BACKWARD, GRADIENT } kind;

/* What else the core brings from files that are not compiled here. */
int pynn_isa_in_use(void) { return 0; }

/* The cost of these networks is any that reads no z. */
const char *pynn_cost_output(int code) {
    (void)code;
    return NULL;
}

/* Only sets without tiles of their own call it: these are not measured. */
void FN(pynn_blas_product)(real *c, size_t c_stride, FN(pynn_matrix) a, FN(pynn_panels) b,
                           size_t n_rows, size_t n, size_t depth) {
    (void)c, (void)c_stride, (void)a, (void)b, (void)n_rows, (void)n, (void)depth;
    abort();
}

/* A network in the midst of a step, for any layer of which any product can be made. */
typedef struct {
    FN(pynn_workspace) ws;
    pynn_network network;
    int64_t *sizes;
    int *activations;
    double *no_penalty; /* (n_layers,) 0 */
    pynn_data data;
    pynn_regularisation regularisation;
    real *arrays[3]; /* parameters and slots, each (n_parameters,) */
    FN(pynn_rows) x;
    FN(pynn_sink) sink;
    size_t n_rows;
} net;

static int code_of(const char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++) {
        if (!strcmp(names[i], name)) { return i; }
    }
    return -1;
}

static int activation_named(const char *name) {
    static const char *const names[] = {
#define X(name, reads_z, output_only) #name,
        PYNN_ACTIVATIONS(X)
#undef X
    };
    return code_of(names, PYNN_N_ACTIVATIONS, name);
}

static int rule_named(const char *name) {
    static const char *const names[] = {
#define X(name, n_slots) #name,
        PYNN_RULES(X)
#undef X
    };
    return code_of(names, PYNN_N_RULES, name);
}

/* Numbers in (-1, 1), by Numerical Recipes' congruential generator. */
static void fill(real *x, size_t n) {
    uint32_t random = 1;
    for (size_t i = 0; i < n; i++) {
        random = random * 1664525u + 1013904223u;
        x[i] = (real)((double)(int32_t)random * 0x1p-31);
    }
}

/* One thread's part of one product, n times; returns the arithmetic of dense products in it. */
EXPORT double net_run(long n, net *net_, int layer, int which, int id, int n_threads) {
    FN(pynn_workspace) *ws = &net_->ws;
    struct pynn_team team = {.n = n_threads};
    const pynn_member member = {&team, id, n_threads};
    FN(pynn_rows) below = net_->x;
    if (layer) { FN(pynn_hand_on)(&below, &ws->layers[layer - 1]); }
    const real *w = net_->arrays[0];
    for (long k = 0; k < n; k++) {
        switch ((kind)which) {
        case FORWARD:
            FN(pynn_layer_forward)(ws, layer, w, &below, net_->n_rows, (pynn_masks){0}, member);
            break;
        case BACKWARD: /* to the layer below */
            FN(pynn_layer_backward)(ws, layer - 1, w, net_->n_rows, (pynn_masks){0}, member);
            break;
        case GRADIENT:
            FN(pynn_layer_gradient)(ws, layer, &net_->sink, &below, net_->n_rows, member);
            break;
        }
    }
    const FN(pynn_layer) *l = &ws->layers[layer];
    const double all = 2.0 * (double)net_->n_rows * (double)l->n_in * (double)l->n_out;
    return all * (double)n / n_threads;
}

/* Rows and columns of the result that are one thread's. */
EXPORT void net_part(const net *net_, int layer, int which, int id, int n_threads,
                     size_t *rows_columns) {
    const FN(pynn_workspace) *ws = &net_->ws;
    const FN(pynn_layer) *l = &ws->layers[layer];
    const int is_output = layer == ws->n_layers - 1;
    const pynn_member member = {NULL, id, n_threads};
    const FN(part) part =
        which == FORWARD    ? FN(part_of)(ws, net_->n_rows, l->n_out, is_output, member)
        : which == BACKWARD ? FN(part_of)(ws, net_->n_rows, l->n_in, 0, member)
                            : FN(part_of)(ws, l->n_in, l->n_out, is_output, member);
    rows_columns[0] = part.rows.end - part.rows.first;
    rows_columns[1] = part.columns.end - part.columns.first;
}

EXPORT void net_free(net *net_) {
    if (!net_) { return; }
    if (net_->ws.arena) { FN(pynn_workspace_free)(&net_->ws); }
    for (int i = 0; i < 3; i++) { pynn_free(net_->arrays[i]); }
    pynn_free(net_->sizes);
    pynn_free(net_->activations);
    pynn_free(net_->no_penalty);
    pynn_free(net_);
}

static net *give_up(net *net_) {
    net_free(net_);
    return NULL;
}

/* A mini-batch x (n_rows, n_in), which must outlive the network. NULL where there is no memory. */
EXPORT net *net_new(int n_layers, const int64_t *sizes, const char *hidden, const char *output,
                    const char *rule, int n_threads, const real *x, int64_t n_rows) {
    net *net_ = pynn_alloc(1, sizeof *net_);
    if (!net_) { return NULL; }
    *net_ = (net){.n_rows = (size_t)n_rows,
                  .sizes = pynn_alloc((size_t)n_layers + 1, sizeof *sizes),
                  .activations = pynn_alloc((size_t)n_layers, sizeof(int)),
                  .no_penalty = pynn_alloc((size_t)n_layers, sizeof(double))};
    if (!net_->sizes || !net_->activations || !net_->no_penalty) { return give_up(net_); }
    memset(net_->no_penalty, 0, (size_t)n_layers * sizeof(double));
    memcpy(net_->sizes, sizes, ((size_t)n_layers + 1) * sizeof *sizes);
    for (int l = 0; l < n_layers; l++) {
        net_->activations[l] = activation_named(l < n_layers - 1 ? hidden : output);
    }
    net_->network = (pynn_network){
        .n_layers = n_layers, .sizes = net_->sizes, .activations = net_->activations, .bias = 1};
    net_->data = (pynn_data){.n_rows = n_rows, .checked = 1, .x = x};
    net_->data.x_strides[0] = (ptrdiff_t)((size_t)sizes[0] * sizeof(real));
    net_->data.x_strides[1] = sizeof(real);
    net_->regularisation = (pynn_regularisation){.penalty = {net_->no_penalty, net_->no_penalty, 0},
                                                 .max_norm = INFINITY,
                                                 .clip_norm = INFINITY};
    const int code = rule_named(rule);
    FN(pynn_workspace) *ws = &net_->ws;
    if (FN(pynn_workspace_new)(
            ws, &net_->network, &net_->data, &net_->regularisation, n_rows, PYNN_PADDED_STEPS,
            code == PYNN_RULE_sgd ? PYNN_DESCENDS : PYNN_TRAINS, n_threads, NULL)) {
        return give_up(net_);
    }
    for (int i = 0; i < 3; i++) {
        net_->arrays[i] = pynn_alloc(ws->n_parameters, sizeof(real));
        if (!net_->arrays[i]) { return give_up(net_); }
        fill(net_->arrays[i], ws->n_parameters);
    }
    for (size_t i = 0; i < ws->n_parameters; i++) { net_->arrays[2][i] = 1; } /* squares */
    for (int l = 0; l < n_layers; l++) {
        fill(ws->layers[l].a, (size_t)n_rows * ws->layers[l].stride);
        fill(ws->layers[l].delta, (size_t)n_rows * ws->layers[l].stride);
    }
    net_->x = FN(pynn_load_input)(ws, &net_->data, (pynn_batch){NULL, 0, (size_t)n_rows},
                                  (pynn_member){&(struct pynn_team){.n = 1}, 0, 1});
    /* So small that the weights stay what they are, however often they are updated. */
    const pynn_optimizer optimizer = {code, 1e-12, 0.9, 0.9, 0.999, 1e-8, 0};
    const FN(pynn_step) step = FN(step_of)(&optimizer, optimizer.learning_rate, 1000);
    net_->sink = (FN(pynn_sink)){.update = ws->kernels->update[code],
                                 .descends = code == PYNN_RULE_sgd,
                                 .w = net_->arrays[0],
                                 .from = net_->arrays[0],
                                 .slot_0 = net_->arrays[1],
                                 .slot_1 = net_->arrays[2],
                                 .of_weights = step,
                                 .of_biases = step};
    return net_;
}
