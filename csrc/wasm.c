/* wasm.c - the core for web pages, compiled to WebAssembly alone (PYNN_WASM in CMakeLists.txt).
 * playground/page/common/core.mjs is its only caller.
 *
 * The page hands in no pointers but those of its networks. It asks where an array lies, and reads
 * or writes it there; all arrays are of float unless stated. Numbers arrive as double, as
 * JavaScript has no others, and are checked here. Functions that can fail return 0 or a status, and
 * message() then says why; the network is unchanged.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "activations.h"
#include "costs.h"
#include "memory.h"
#include "optimizers.h"
#include "pynn.h"
#include "random_state.h"
#include "shuffle.h"

#define EXPORT(type, name) __attribute__((export_name(#name))) type name

/* They keep all sizes of the core's arrays, which have up to 1024 rows, within 32 bits. */
enum {
    MOST_LAYERS = 32,
    MOST_UNITS = 1 << 15, /* of all layers, inputs included */
    MOST_PARAMETERS = 1 << 22,
    MOST_ROWS = 1 << 20,
    MOST_NUMBERS = 1 << 26 /* of an array with rows */
};

enum { REFUSED = PYNN_NOT_FINITE + 1 }; /* a status of this file: an argument is out of its range */

typedef enum { TRAINING, TEST, GIVEN, N_SETS } set_code; /* the page has the same */

typedef struct {
    int64_t n;
    float *x, *y; /* (n, n_in), (n, n_out) */
} row_set;

/* What describes a network. */
typedef struct {
    int n_layers;
    int64_t sizes[MOST_LAYERS + 1];
    int activations[MOST_LAYERS];
    double activation_parameters[MOST_LAYERS];
} layers;

/* What a fit changes, besides arrays. */
typedef struct {
    random_state random;
    uint64_t dropout_seed;
    int has_dropout_seed;
    int rule;                              /* that the slots are of; -1: none yet */
    int64_t n_updates, n_epochs, position; /* position: rows of this epoch that are done */
} progress;

typedef struct {
    pynn_network network;
    layers layers;
    int64_t n_parameters, n_units;
    pynn_session *session;
    float *parameters, *slots[PYNN_MAX_SLOTS], *gradient; /* (n_parameters,) each */
    float *saved; /* (1 + PYNN_MAX_SLOTS, n_parameters) parameters and slots before a call */
    row_set sets[N_SETS];
    int64_t *order, *saved_order; /* (n,) of the training rows */
    void *data, *given, *found;   /* memory: of the training and test rows; of rows; of results */
    pynn_optimizer optimizer;
    double l2[MOST_LAYERS], l1[MOST_LAYERS], dropout[MOST_LAYERS];
    double max_norm, clip_norm;
    progress now;
    pynn_cost cost; /* that the last call computed */
} learner;

/* ---- Answers --------------------------------------------------------------------------------- */

static const char *problem = "";

EXPORT(const char *, message)(void) { return problem; }

static int refuse(const char *why) {
    problem = why;
    return REFUSED;
}

static int answer(pynn_status status) {
    static const char *const reasons[] = {
        [PYNN_OK] = "",
        [PYNN_NO_MEMORY] = "there is not enough memory",
        [PYNN_INTERRUPTED] = "the call was interrupted",
        [PYNN_DIVERGED] = "training diverged: a cost or a parameter is no longer finite",
        [PYNN_NOT_FINITE] = "X must be finite",
    };
    problem = reasons[status];
    return (int)status;
}

static int is_within(double x, double least, double most) { return x >= least && x <= most; }

static int is_whole(double x, double least, double most) {
    return is_within(x, least, most) && x == floor(x);
}

static int is_positive(double x) { return x > 0 && x < INFINITY; }

/* ---- Names ----------------------------------------------------------------------------------- */

EXPORT(const char *, activation_name)(int code) { return pynn_activation_name(code); }
EXPORT(const char *, cost_name)(int code) { return pynn_cost_name(code); }
EXPORT(const char *, cost_output)(int code) { return pynn_cost_output(code); }
EXPORT(const char *, rule_name)(int code) { return pynn_rule_name(code); }
EXPORT(int, rule_n_slots)(int code) { return pynn_rule_n_slots(code); }

/* ---- A network ------------------------------------------------------------------------------- */

static layers draft; /* of the next network */

static int64_t draft_units(void) {
    int64_t n = 0;
    for (int l = 0; l <= draft.n_layers; l++) { n += draft.sizes[l]; }
    return n;
}

EXPORT(int, begin)(double n_in) {
    if (!is_whole(n_in, 1, MOST_UNITS)) {
        return refuse("sizes must be integers from 1 to 32768 in all");
    }
    draft = (layers){.sizes = {(int64_t)n_in}};
    return 0;
}

EXPORT(int, add_layer)(double n_units, double activation, double parameter) {
    if (draft.sizes[0] == 0 || draft.n_layers == MOST_LAYERS) {
        return refuse("a network has from 1 to 32 layers");
    }
    if (!is_whole(n_units, 1, (double)(MOST_UNITS - draft_units()))) {
        return refuse("sizes must be integers from 1 to 32768 in all");
    }
    if (!is_whole(activation, 0, PYNN_N_ACTIVATIONS - 1)) {
        return refuse("there is no such activation");
    }
    if (!isfinite(parameter)) { return refuse("the slope of leaky_relu must be finite"); }
    const int l = draft.n_layers++;
    draft.sizes[l + 1] = (int64_t)n_units;
    draft.activations[l] = (int)activation;
    draft.activation_parameters[l] = parameter;
    return 0;
}

static int check_draft(double cost, double parameter) {
    const int last = draft.n_layers - 1;
    if (last < 0) { return refuse("a network has from 1 to 32 layers"); }
    for (int l = 0; l < last; l++) {
        if (pynn_activation_is_output_only(draft.activations[l])) {
            return refuse("softmax and exp are for the output layer only");
        }
    }
    if (!is_whole(cost, 0, PYNN_N_COSTS - 1)) { return refuse("there is no such cost"); }
    if (cost == PYNN_COST_huber && !is_positive(parameter)) {
        return refuse("the delta of huber must be positive");
    }
    if (cost == PYNN_COST_quantile && !(parameter > 0 && parameter < 1)) {
        return refuse("the quantile must be between 0 and 1");
    }
    const char *needed = pynn_cost_output((int)cost);
    if (needed && strcmp(needed, pynn_activation_name(draft.activations[last])) != 0) {
        return refuse("cross_entropy is for the output softmax, binary_cross_entropy for sigmoid, "
                      "poisson for exp");
    }
    return 0;
}

static int is_like_relu(int activation) { /* RELU_FAMILY in pynn/model/initializers.py */
    return activation == PYNN_ACTIVATION_relu || activation == PYNN_ACTIVATION_leaky_relu ||
           activation == PYNN_ACTIVATION_elu || activation == PYNN_ACTIVATION_gelu ||
           activation == PYNN_ACTIVATION_silu || activation == PYNN_ACTIVATION_mish ||
           activation == PYNN_ACTIVATION_softplus;
}

/* The initializer "auto" of pynn/model/initializers.py, for one layer; returns the end of w. */
static float *draw_layer(float *w, random_state *random, int64_t n_in, int64_t n_out,
                         int activation, int bias) {
    const double fan = activation == PYNN_ACTIVATION_sigmoid ? 2 : 6;
    const int is_glorot = !is_like_relu(activation) && activation != PYNN_ACTIVATION_selu;
    const double bound = is_glorot ? sqrt(fan / (double)(n_in + n_out)) : sqrt(6 / (double)n_in);
    for (int64_t i = 0; i < n_in * n_out; i++) {
        *w++ = (float)(activation == PYNN_ACTIVATION_selu ? draw_normal(random) / sqrt((double)n_in)
                                                          : draw_uniform(random, -bound, bound));
    }
    for (int64_t i = 0; bias && i < n_out; i++) {
        *w++ = is_glorot ? (float)draw_uniform(random, -bound, bound) : 0;
    }
    return w;
}

static void begin_order(learner *of) {
    of->now.position = 0;
    for (int64_t i = 0; i < of->sets[TRAINING].n; i++) { of->order[i] = i; }
}

/* Initial parameters, and everything else as at the start. */
EXPORT(int, reset)(learner *of, double seed) {
    if (!is_whole(seed, 0, UINT32_MAX)) {
        return refuse("seed must be an integer from 0 to 2**32 - 1");
    }
    of->now = (progress){.rule = -1};
    seed_random_state(&of->now.random, (uint32_t)seed);
    float *w = of->parameters;
    for (int l = 0; l < of->network.n_layers; l++) {
        w = draw_layer(w, &of->now.random, of->layers.sizes[l], of->layers.sizes[l + 1],
                       of->layers.activations[l], of->network.bias);
    }
    begin_order(of);
    return 0;
}

EXPORT(void, destroy)(learner *of) {
    pynn_session_free(of->session);
    pynn_free(of->data);
    pynn_free(of->given);
    pynn_free(of->found);
    pynn_free(of);
}

/* The network of the layers that were added since begin(); NULL where that fails. */
EXPORT(learner *, create)(double cost, double cost_parameter, double bias, double seed) {
    if (check_draft(cost, cost_parameter)) { return NULL; }
    pynn_network network = {.dtype = PYNN_F32,
                            .n_layers = draft.n_layers,
                            .sizes = draft.sizes,
                            .bias = bias != 0,
                            .cost = (int)cost,
                            .cost_parameter = cost_parameter};
    const int64_t n = pynn_n_parameters(&network);
    if (n > MOST_PARAMETERS) { return refuse("a network has at most 4194304 parameters"), NULL; }
    enum { N_ARRAYS = 3 + 2 * PYNN_MAX_SLOTS }; /* parameters, gradient, slots; those saved */
    learner *of = pynn_alloc(1, sizeof *of + (size_t)n * N_ARRAYS * sizeof(float));
    if (!of) { return answer(PYNN_NO_MEMORY), NULL; }
    *of = (learner){.network = network, .layers = draft, .n_parameters = n};
    of->network.sizes = of->layers.sizes;
    of->network.activations = of->layers.activations;
    of->network.activation_parameters = of->layers.activation_parameters;
    for (int l = 1; l <= draft.n_layers; l++) { of->n_units += draft.sizes[l]; }
    of->parameters = (float *)(of + 1);
    for (int s = 0; s < PYNN_MAX_SLOTS; s++) { of->slots[s] = of->parameters + (s + 1) * n; }
    of->saved = of->parameters + (1 + PYNN_MAX_SLOTS) * n;
    of->gradient = of->saved + (1 + PYNN_MAX_SLOTS) * n;
    memset(of->parameters, 0, (size_t)n * N_ARRAYS * sizeof(float));
    of->max_norm = of->clip_norm = INFINITY;
    of->session = pynn_session_new();
    if (!of->session) { answer(PYNN_NO_MEMORY); }
    if (!of->session || reset(of, seed)) {
        destroy(of);
        return NULL;
    }
    return of;
}

EXPORT(int, n_parameters)(const learner *of) { return (int)of->n_parameters; }
EXPORT(float *, parameters)(learner *of) { return of->parameters; }
EXPORT(float *, gradient)(learner *of) { return of->gradient; }
EXPORT(float *, slots)(learner *of) { return of->slots[0]; } /* (PYNN_MAX_SLOTS, n_parameters) */
EXPORT(double, n_updates)(const learner *of) { return (double)of->now.n_updates; }
EXPORT(double, n_epochs)(const learner *of) { return (double)of->now.n_epochs; }
EXPORT(double, position)(const learner *of) { return (double)of->now.position; }
EXPORT(double, mean_cost)(const learner *of) { return of->cost.cost; }
EXPORT(double, penalty)(const learner *of) { return of->cost.penalty; }

/* ---- Rows ------------------------------------------------------------------------------------ */

/* Make room in *block, whose content is lost, for n numbers of `size` bytes. */
static int make_room(void **block, int64_t n, size_t size) {
    if (n > MOST_NUMBERS) { return refuse("these are too many rows for a network of this size"); }
    pynn_free(*block);
    *block = pynn_alloc((size_t)n, size);
    return *block ? 0 : answer(PYNN_NO_MEMORY);
}

/* Room for n given rows: x (n, n_in), directly followed by y (n, n_out). NULL where that fails. */
EXPORT(float *, rows)(learner *of, double n) {
    if (!is_whole(n, 1, MOST_ROWS)) {
        return refuse("the number of rows must be from 1 to 1048576"), NULL;
    }
    const int64_t n_in = of->layers.sizes[0], n_out = of->layers.sizes[of->network.n_layers];
    of->sets[GIVEN].n = 0;
    if (make_room(&of->given, (int64_t)n * (n_in + n_out), sizeof(float))) { return NULL; }
    float *x = of->given;
    of->sets[GIVEN] = (row_set){(int64_t)n, x, x + (int64_t)n * n_in};
    return x;
}

static int check_x(const learner *of) {
    const row_set *set = &of->sets[GIVEN];
    if (!set->n) { return refuse("there are no rows"); }
    const int finite = pynn_all_finite(PYNN_F32, set->x, set->n * of->layers.sizes[0]);
    return finite ? 0 : answer(PYNN_NOT_FINITE);
}

static int check_y(const learner *of) { /* _RANGES in pynn/checks.py */
    const row_set *set = &of->sets[GIVEN];
    const int cost = of->network.cost;
    const int is_bounded = cost == PYNN_COST_binary_cross_entropy;
    const double least =
        is_bounded || cost == PYNN_COST_cross_entropy || cost == PYNN_COST_poisson ? 0 : -INFINITY;
    const int64_t n = set->n * of->layers.sizes[of->network.n_layers];
    if (!pynn_all_finite(PYNN_F32, set->y, n)) { return refuse("y must be finite"); }
    for (int64_t i = 0; i < n; i++) {
        if (!is_within(set->y[i], least, is_bounded ? 1 : INFINITY)) {
            return refuse(is_bounded ? "y must be from 0 to 1 for binary_cross_entropy"
                                     : "y must be at least 0 for cross_entropy and poisson");
        }
    }
    return 0;
}

/* Learn from the first n_training given rows from now on; the others are for tests. */
EXPORT(int, set_data)(learner *of, double n_training) {
    const row_set *given = &of->sets[GIVEN];
    int status = check_x(of);
    if (!status) { status = check_y(of); }
    if (status) { return status; }
    if (!is_whole(n_training, 1, (double)given->n)) {
        return refuse("there must be a training row");
    }
    const int64_t n = (int64_t)n_training, n_in = of->layers.sizes[0];
    const int64_t n_out = of->layers.sizes[of->network.n_layers];
    const size_t n_numbers = (size_t)(given->n * (n_in + n_out));
    int64_t *order = pynn_alloc(1, 2 * (size_t)n * sizeof *order + n_numbers * sizeof(float));
    if (!order) { return answer(PYNN_NO_MEMORY); }
    float *x = (float *)(order + 2 * n), *y = x + given->n * n_in;
    memcpy(x, given->x, n_numbers * sizeof(float));
    pynn_free(of->data);
    of->data = of->order = order;
    of->saved_order = order + n;
    of->sets[TRAINING] = (row_set){n, x, y};
    of->sets[TEST] = (row_set){given->n - n, x + n * n_in, y + n * n_out};
    begin_order(of);
    return 0;
}

static pynn_data data_of(const learner *of, const row_set *set) {
    const ptrdiff_t size = sizeof(float), n_in = (ptrdiff_t)of->layers.sizes[0];
    const ptrdiff_t n_out = (ptrdiff_t)of->layers.sizes[of->network.n_layers];
    return (pynn_data){.n_rows = set->n,
                       .checked = 1,
                       .x = set->x,
                       .x_strides = {n_in * size, size},
                       .y = set->y,
                       .y_strides = {n_out * size, size}};
}

static pynn_call call_of(const learner *of, const pynn_data *data) {
    return (pynn_call){.network = &of->network,
                       .parameters = of->parameters,
                       .data = data,
                       .n_threads = 1,
                       .session = of->session};
}

/* ---- Results of rows ------------------------------------------------------------------------- */

EXPORT(void *, found)(learner *of) { return of->found; }

/* found: outputs (n, n_out) of the given rows. */
EXPORT(int, predict)(learner *of) {
    int status = check_x(of);
    const int64_t n_out = of->layers.sizes[of->network.n_layers];
    if (!status) { status = make_room(&of->found, of->sets[GIVEN].n * n_out, sizeof(float)); }
    if (status) { return status; }
    const pynn_data data = data_of(of, &of->sets[GIVEN]);
    const pynn_call call = call_of(of, &data);
    return answer(pynn_predict(of->found, &call));
}

/* found: activations of the given rows, (n, n_units) of each layer after those of the last. */
EXPORT(int, activate)(learner *of) {
    static const float target; /* no result depends on it */
    int status = check_x(of);
    if (!status) { status = make_room(&of->found, of->sets[GIVEN].n * of->n_units, sizeof(float)); }
    if (status) { return status; }
    pynn_data data = data_of(of, &of->sets[GIVEN]);
    data.y = &target;
    data.y_strides[0] = data.y_strides[1] = 0;
    const pynn_call call = call_of(of, &data);
    return answer(pynn_trace_rows(&(pynn_trace){.a = of->found}, &call));
}

/* found: costs of the given rows, n of double; then z, a, da and delta of all units, each laid out
 * like a in activate(); then dx (n, n_in). See pynn_trace. */
EXPORT(int, trace)(learner *of) {
    const int64_t n = of->sets[GIVEN].n, n_units = n * of->n_units, n_in = of->layers.sizes[0];
    int status = check_x(of);
    if (!status) { status = check_y(of); }
    if (!status) { status = make_room(&of->found, 2 * n + 4 * n_units + n * n_in, sizeof(float)); }
    if (status) { return status; }
    float *z = (float *)of->found + 2 * n;
    const pynn_trace trace = {.costs = of->found,
                              .z = z,
                              .a = z + n_units,
                              .da = z + 2 * n_units,
                              .delta = z + 3 * n_units,
                              .dx = z + 4 * n_units};
    const pynn_data data = data_of(of, &of->sets[GIVEN]);
    const pynn_call call = call_of(of, &data);
    return answer(pynn_trace_rows(&trace, &call));
}

/* mean_cost() and penalty() of a set of rows, and where it is asked for, their gradient(). */
EXPORT(int, cost)(learner *of, double set, double with_gradient) {
    if (!is_whole(set, 0, N_SETS - 1)) { return refuse("there is no such set of rows"); }
    if (!of->sets[(int)set].n) { return refuse("there are no such rows"); }
    int status = set == GIVEN ? check_x(of) : 0;
    if (!status && set == GIVEN) { status = check_y(of); }
    if (status) { return status; }
    const pynn_data data = data_of(of, &of->sets[(int)set]);
    const pynn_call call = call_of(of, &data);
    const pynn_penalty penalty = {.l2 = of->l2, .l1 = of->l1};
    return answer(
        pynn_gradient(&of->cost, with_gradient != 0 ? of->gradient : NULL, &call, penalty));
}

/* ---- Training -------------------------------------------------------------------------------- */

/* The update rule of training from now on; another one than before starts with fresh slots. Rules
 * do not read all coefficients, but all must be in their range. */
EXPORT(int, set_rule)(learner *of, double rule, double learning_rate, double momentum,
                      double beta_1, double beta_2, double epsilon, double weight_decay,
                      double grow, double shrink, double smallest, double largest) {
    if (!is_whole(rule, 0, PYNN_N_RULES - 1)) { return refuse("there is no such rule"); }
    if (!is_positive(learning_rate)) { return refuse("learningRate must be positive"); }
    if (!is_within(momentum, 0, 1)) { return refuse("momentum must be from 0 to 1"); }
    if (!(is_within(beta_1, 0, 1) && is_within(beta_2, 0, 1) && beta_1 < 1 && beta_2 < 1)) {
        return refuse("beta1 and beta2 must be at least 0 and less than 1");
    }
    if (!is_positive(epsilon)) { return refuse("epsilon must be positive"); }
    if (!(weight_decay >= 0 && weight_decay < INFINITY)) {
        return refuse("weightDecay must not be negative");
    }
    if (!(grow >= 1 && grow < INFINITY && shrink > 0 && shrink <= 1)) {
        return refuse("grow must be at least 1, shrink positive and at most 1");
    }
    const int is_rprop = rule == PYNN_RULE_rprop;
    if (!(is_positive(smallest) && is_positive(largest) && smallest <= largest) ||
        (is_rprop && !is_within(learning_rate, smallest, largest))) {
        return refuse("smallest and largest must be positive, with learningRate between them");
    }
    of->optimizer =
        (pynn_optimizer){(int)rule,    learning_rate, momentum, beta_1,   beta_2, epsilon,
                         weight_decay, grow,          shrink,   smallest, largest};
    return 0;
}

/* Of all layers alike: penalties, dropout of hidden layers, limits of norms. */
EXPORT(int, set_regularisation)(learner *of, double l2, double l1, double dropout, double max_norm,
                                double clip_norm) {
    if (!(l2 >= 0 && l2 < INFINITY && l1 >= 0 && l1 < INFINITY)) {
        return refuse("l2 and l1 must not be negative");
    }
    if (!(dropout >= 0 && dropout < 1)) {
        return refuse("dropout must be at least 0 and less than 1");
    }
    if (!(max_norm > 0 && clip_norm > 0)) {
        return refuse("maxNorm and clipNorm must be positive");
    }
    for (int l = 0; l < of->network.n_layers; l++) {
        of->l2[l] = l2;
        of->l1[l] = l1;
        of->dropout[l] = dropout;
    }
    of->max_norm = max_norm;
    of->clip_norm = clip_norm;
    return 0;
}

static size_t state_bytes(const learner *of) {
    return (1 + PYNN_MAX_SLOTS) * (size_t)of->n_parameters * sizeof(float);
}

static void begin_fit(learner *of) {
    of->now.rule = of->optimizer.rule;
    of->now.n_updates = 0;
    of->now.has_dropout_seed = 0;
    memset(of->slots[0], 0, PYNN_MAX_SLOTS * (size_t)of->n_parameters * sizeof(float));
    begin_order(of);
}

/* WebAssembly has no mode that does this: see flush.h. Slots that decay stay slow for one call. */
static void flush_subnormals(learner *of) {
    for (int64_t i = 0; i < PYNN_MAX_SLOTS * of->n_parameters; i++) {
        if (fabsf(of->slots[0][i]) < FLT_MIN) { of->slots[0][i] = 0; }
    }
}

/* Learn from the next rows of the order; *cost is their mean. */
static pynn_status learn(pynn_cost *cost, learner *of, int64_t n_rows, int64_t batch_size) {
    progress *now = &of->now;
    const row_set *set = &of->sets[TRAINING];
    if (now->position == 0) {
        const pynn_random shuffle = {&now->random, draw_uint32, draw_uint64};
        pynn_shuffle(of->order, set->n, &shuffle);
    }
    const pynn_data data = data_of(of, set);
    const pynn_call call = call_of(of, &data);
    const int has_dropout = of->dropout[0] > 0 && of->network.n_layers > 1;
    const pynn_plan plan = {.n_epochs = 1,
                            .batch_size = batch_size,
                            .n_rows = n_rows,
                            .order = of->order + now->position,
                            .regularisation = {.penalty = {.l2 = of->l2, .l1 = of->l1},
                                               .dropout = has_dropout ? of->dropout : NULL,
                                               .dropout_seed = now->dropout_seed,
                                               .max_norm = of->max_norm,
                                               .clip_norm = of->clip_norm}};
    pynn_optimizer_state state = {.n_updates = now->n_updates};
    for (int s = 0; s < pynn_rule_n_slots(now->rule); s++) { state.slots[s] = of->slots[s]; }
    int64_t n_done;
    const pynn_status status =
        pynn_train(of->parameters, &state, cost, &n_done, &call, &of->optimizer, &plan);
    if (pynn_slots_decay(now->rule)) { flush_subnormals(of); }
    now->n_updates = state.n_updates;
    now->position += n_rows;
    if (now->position == set->n) {
        now->position = 0;
        now->n_epochs++;
    }
    return status;
}

static pynn_status learn_in_parts(learner *of, int64_t n, int by_epoch, int64_t batch_size) {
    pynn_cost sum = {0};
    double n_seen = 0;
    while (n > 0) {
        const int64_t rest = of->sets[TRAINING].n - of->now.position;
        const int64_t n_rows = by_epoch || n * batch_size > rest ? rest : n * batch_size;
        pynn_cost cost = {0};
        const pynn_status status = learn(&cost, of, n_rows, batch_size);
        if (status) { return status; }
        sum.cost += (double)n_rows * cost.cost;
        sum.penalty += (double)n_rows * cost.penalty;
        n_seen += (double)n_rows;
        n -= by_epoch ? 1 : (n_rows + batch_size - 1) / batch_size;
    }
    of->cost = (pynn_cost){sum.cost / n_seen, sum.penalty / n_seen};
    return PYNN_OK;
}

/* Train for n updates, or until n epochs have ended. mean_cost() and penalty() are those of all
 * rows that were learned from, before the updates. An epoch begins with a shuffle. */
EXPORT(int, train)(learner *of, double n, double by_epoch, double batch_size) {
    if (!of->sets[TRAINING].n) { return refuse("there are no training rows"); }
    if (!is_whole(n, 1, INT32_MAX)) { return refuse("steps and epochs must be positive integers"); }
    if (!is_whole(batch_size, 1, INT32_MAX)) {
        return refuse("batchSize must be a positive integer");
    }
    if (of->optimizer.learning_rate == 0) { return refuse("there is no update rule yet"); }
    const progress before = of->now;
    const size_t order_bytes = (size_t)of->sets[TRAINING].n * sizeof *of->order;
    memcpy(of->saved, of->parameters, state_bytes(of));
    memcpy(of->saved_order, of->order, order_bytes);
    if (of->now.rule != of->optimizer.rule) { begin_fit(of); }
    if (of->dropout[0] > 0 && of->network.n_layers > 1 && !of->now.has_dropout_seed) {
        of->now.dropout_seed = draw_uint32(&of->now.random); /* as Network.fit draws it */
        of->now.has_dropout_seed = 1;
    }
    const pynn_status status = learn_in_parts(of, (int64_t)n, by_epoch != 0, (int64_t)batch_size);
    if (status) {
        of->now = before;
        memcpy(of->parameters, of->saved, state_bytes(of));
        memcpy(of->order, of->saved_order, order_bytes);
    }
    return answer(status);
}
