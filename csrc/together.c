/* together.c - which trainings of pynn_train_together share the lanes of vectors. */
#include <math.h>
#include <string.h>

#include "activations.h"
#include "costs.h"
#include "lanes.h"
#include "optimizers.h"
#include "pynn.h"
#include "train.h"

/* Parameters, slots and gradient of all lanes should stay in the second-level cache. */
enum { MOST_BYTES = 1 << 20 };

static const pynn_engine *engine_of(const pynn_network *network) {
    return network->dtype == PYNN_F32 ? &pynn_engine_f32 : &pynn_engine_f64;
}

/* n rounded up to whole vectors. */
static double in_vectors(int64_t n, int n_lanes) {
    return (double)((n + n_lanes - 1) / n_lanes * n_lanes);
}

/* How many networks one by one take as long as all lanes together, about: a product of one network
 * pays for whole vectors of units. Measured on Zen 4, lanes lose up to a third against this. */
static double break_even(const pynn_network *network, int n_lanes) {
    double alone = 0, together = 0;
    for (int l = 0; l < network->n_layers; l++) {
        const int64_t n_in = network->sizes[l], n_out = network->sizes[l + 1];
        alone += 2 * (double)n_in * in_vectors(n_out, n_lanes);
        together += 2 * (double)n_in * (double)n_out;
        if (l) {
            alone += (double)n_out * in_vectors(n_in, n_lanes);
            together += (double)n_out * (double)n_in;
        }
    }
    return 1.25 * n_lanes * together / alone;
}

/* Whether all layers have weights, biases and an activation, and nothing else. */
static int has_plain_layers(const pynn_network *network) {
    if (network->input_scale || network->n_embeddings || network->members) { return 0; }
    for (int l = 0; l < network->n_layers; l++) {
        if (network->residual && network->residual[l]) { return 0; }
        if (network->norms && network->norms[l]) { return 0; }
        if (network->parametric && network->parametric[l]) { return 0; }
    }
    return 1;
}

int pynn_lanes_for(const pynn_network *network) {
    const pynn_engine *engine = engine_of(network);
    double n_parameters = 0;
    if (!has_plain_layers(network) || !engine->is_tuned()) { return 1; }
    for (int l = 0; l < network->n_layers; l++) {
        n_parameters += (double)(network->sizes[l] + 1) * (double)network->sizes[l + 1];
    }
    const int is_softmax = network->activations[network->n_layers - 1] == PYNN_ACTIVATION_softmax;
    if (is_softmax != (network->cost == PYNN_COST_cross_entropy)) { return 1; }
    const int n_lanes = engine->n_lanes();
    const size_t size = network->dtype == PYNN_F32 ? sizeof(float) : sizeof(double);
    const double n_bytes = 4 * n_parameters * (double)n_lanes * (double)size;
    return n_bytes <= MOST_BYTES && break_even(network, n_lanes) <= n_lanes ? n_lanes : 1;
}

static int penalises(const pynn_training *t) {
    const pynn_penalty *penalty = &t->plan->regularisation.penalty;
    for (int l = 0; l < t->call->network->n_layers; l++) {
        if (penalty->l2[l] != 0 || penalty->l1[l] != 0) { return 1; }
    }
    return 0;
}

/* Whether a training may share lanes with others. */
static int is_plain(const pynn_training *t) {
    const pynn_plan *plan = t->plan;
    const pynn_regularisation *of = &plan->regularisation;
    const pynn_data *data = t->call->data;
    const int is_varied = plan->rates || plan->rate_factors || plan->strengths || plan->average;
    const int is_limited = of->dropout || of->frozen || of->max_norm < INFINITY ||
                           of->clip_norm < INFINITY || plan->batch_size > PYNN_MOST_ROWS;
    const int varies_penalty = of->penalty.by_row && data->row_weights && penalises(t);
    return data->x && !is_varied && !is_limited && !varies_penalty &&
           pynn_lanes_for(t->call->network) > 1;
}

static int same_network(const pynn_network *a, const pynn_network *b) {
    const size_t n = (size_t)a->n_layers;
    return a == b || (a->dtype == b->dtype && a->n_layers == b->n_layers && a->bias == b->bias &&
                      a->cost == b->cost && a->cost_parameter == b->cost_parameter &&
                      !memcmp(a->sizes, b->sizes, (n + 1) * sizeof *a->sizes) &&
                      !memcmp(a->activations, b->activations, n * sizeof *a->activations) &&
                      !memcmp(a->activation_parameters, b->activation_parameters,
                              n * sizeof *a->activation_parameters));
}

static int same_optimizer(const pynn_optimizer *a, const pynn_optimizer *b) {
    return a->rule == b->rule && a->learning_rate == b->learning_rate &&
           a->momentum == b->momentum && a->beta_1 == b->beta_1 && a->beta_2 == b->beta_2 &&
           a->epsilon == b->epsilon && a->weight_decay == b->weight_decay && a->grow == b->grow &&
           a->shrink == b->shrink && a->smallest == b->smallest && a->largest == b->largest;
}

static int same_penalty(const pynn_training *a, const pynn_training *b) {
    const pynn_penalty *p = &a->plan->regularisation.penalty;
    const pynn_penalty *q = &b->plan->regularisation.penalty;
    const size_t n_bytes = (size_t)a->call->network->n_layers * sizeof(double);
    return p->by_row == q->by_row && !memcmp(p->l2, q->l2, n_bytes) &&
           !memcmp(p->l1, q->l1, n_bytes);
}

static int can_share(const pynn_training *a, const pynn_training *b) {
    const pynn_data *x = a->call->data, *y = b->call->data;
    return same_network(a->call->network, b->call->network) && !x->labels == !y->labels &&
           a->plan->n_epochs == b->plan->n_epochs && a->plan->n_rows == b->plan->n_rows &&
           a->plan->batch_size == b->plan->batch_size &&
           a->state->n_updates == b->state->n_updates &&
           same_optimizer(a->optimizer, b->optimizer) && same_penalty(a, b);
}

/* Collect trainings [first, n) that are not done and can share lanes with the first of them. */
static int collect(pynn_training **group, pynn_training *trainings, int first, int n) {
    int n_found = 0;
    const int most =
        is_plain(&trainings[first]) ? pynn_lanes_for(trainings[first].call->network) : 1;
    for (int i = first; i < n && n_found < most; i++) {
        pynn_training *t = &trainings[i];
        if (t->n_done >= 0) { continue; }
        if (i > first && !(is_plain(t) && can_share(t, &trainings[first]))) { continue; }
        group[n_found++] = t;
    }
    return n_found;
}

void pynn_train_together(pynn_training *trainings, int n) {
    for (int i = 0; i < n; i++) { trainings[i].n_done = -1; /* not begun */ }
    for (int i = 0; i < n; i++) {
        pynn_training *group[PYNN_MOST_LANES];
        if (trainings[i].n_done >= 0) { continue; }
        const int n_found = collect(group, trainings, i, n);
        for (int k = 0; k < n_found; k++) { group[k]->n_done = 0; }
        const pynn_network *network = trainings[i].call->network;
        const pynn_engine *engine = engine_of(network);
        if (n_found > 1 && n_found >= break_even(network, engine->n_lanes()) &&
            engine->train_in_lanes(group, n_found)) {
            continue;
        }
        for (int k = 0; k < n_found; k++) {
            pynn_training *t = group[k];
            t->status = pynn_train(t->parameters, t->state, t->costs, &t->n_done, t->call,
                                   t->optimizer, t->plan);
        }
    }
}
