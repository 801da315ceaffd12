/* driver.c - runs the core without Python, for compilers, processors and checkers on which Python
 * is not available: driver [INSTRUCTION_SET [MOST_THREADS [CASE...]]]
 *
 * Each case trains a network, predicts, and computes its gradient and trace in both dtypes. The
 * driver compares the bits of 2 to MOST_THREADS threads with those of one, float with double, and
 * the gradient with finite differences, then prints a digest of all bits. Without CASE, it also
 * trains with each entry of the core's lists and checks teams of threads, and networks that are
 * trained together.
 */
#include <stdatomic.h>

#include "driver_cases.h"
#include "team.h"

/* All results of a case, one array after the other; the first is the gradient. */
typedef struct {
    unsigned char *bytes;
    size_t n, n_gradient;
} results;

/* A plain loop that replaces BLAS: column-major c (m, n) = alpha a (m, k) b (k, n) + beta c. */
#define GEMM(name, real)                                                                           \
    static void name PYNN_GEMM_ARGUMENTS(real) {                                                   \
        for (int j = 0; j < *n; j++) {                                                             \
            for (int i = 0; i < *m; i++) {                                                         \
                real sum = 0;                                                                      \
                for (int l = 0; l < *k; l++) {                                                     \
                    const real a_il = *transa == 'N' ? a[i + l * *lda] : a[l + i * *lda];          \
                    sum += a_il * (*transb == 'N' ? b[l + j * *ldb] : b[j + l * *ldb]);            \
                }                                                                                  \
                c[i + j * *ldc] = *alpha * sum + *beta * c[i + j * *ldc];                          \
            }                                                                                      \
        }                                                                                          \
    }
GEMM(gemm_f32, float)
GEMM(gemm_f64, double)

static void *extend(results *r, int64_t n, size_t size) {
    void *added = r->bytes + r->n;
    r->n += ((size_t)n * size + 7) / 8 * 8; /* keeps doubles aligned */
    return added;
}

/* Shared by all networks in turn. Calls with one thread use no session: with new memory, a checker
 * detects reads of uninitialised values. */
static pynn_session *session;

static pynn_session *session_of(int n_threads) { return n_threads > 1 ? session : NULL; }

enum { MANY = 1000000 }; /* epochs */

static pynn_status train(const problem *p, void *parameters, void *mean, pynn_cost *costs,
                         int64_t n_epochs, int n_threads, const pynn_control *control) {
    uint64_t random = 2;
    const pynn_random shuffle = {&random, next_uint32, next_uint64};
    pynn_optimizer_state state = {0};
    for (int s = 0; s < pynn_rule_n_slots(p->optimizer.rule); s++) {
        state.slots[s] = reserve(p->n_parameters, size_of(p->network.dtype));
    }
    int64_t *order = reserve(p->of->n_rows, sizeof *order), n_done;
    for (int64_t i = 0; i < p->of->n_rows; i++) { order[i] = i; }
    const int64_t n_batches = (p->of->n_rows + p->of->batch_size - 1) / p->of->batch_size;
    const int n_layers = p->of->n_layers, n_strengths = 3 * n_layers;
    double *strengths = NULL; /* of a fit that ends: they fall with each update */
    if (p->of->regularised && n_epochs < MANY) {
        strengths = reserve(n_epochs * n_batches * n_strengths, sizeof *strengths);
        for (int64_t i = 0; i < n_epochs * n_batches; i++) {
            double *of = strengths + i * n_strengths, factor = 1 / (double)(1 + i);
            for (int l = 0; l < n_layers; l++) { of[l] = p->l2[l] * factor; }
            of[2 * n_layers] = p->dropout[0] * factor;
            of[n_strengths - 1] = p->optimizer.weight_decay * factor;
        }
    }
    const pynn_average average = {.parameters = mean, .decay = p->of->decay};
    const pynn_plan plan = {.n_epochs = n_epochs,
                            .batch_size = p->of->batch_size,
                            .n_rows = p->of->n_rows,
                            .order = order,
                            .shuffle = &shuffle,
                            .regularisation = p->regularisation,
                            .strengths = strengths,
                            .average = p->of->decay > 0 ? &average : NULL};
    const pynn_call call = {&p->network,           parameters, &p->data, n_threads, control,
                            session_of(n_threads), 0};
    return pynn_train(parameters, &state, costs, &n_done, &call, &p->optimizer, &plan);
}

static results compute(const problem *p, int n_threads) {
    const size_t size = size_of(p->network.dtype);
    const int64_t n = p->of->n_rows, n_in = p->of->sizes[0], n_out = p->of->sizes[p->of->n_layers];
    const int64_t n_units = n * p->n_units, n_epochs = p->of->n_epochs;
    const int64_t n_of_rows = n_in + p->n_embedded + n_out + 1;
    const int64_t most = 3 * p->n_parameters + 6 * n_units + n * n_of_rows + 2 * n_epochs;
    results r = {.bytes = reserve(most + 20, sizeof(double))};
    void *gradient = extend(&r, p->n_parameters, size);
    r.n_gradient = (size_t)p->n_parameters * size;
    void *parameters = extend(&r, p->n_parameters, size), *mean = extend(&r, p->n_parameters, size);
    void *predicted = extend(&r, n * n_out, size);
    pynn_cost *cost = extend(&r, 1, sizeof *cost), *costs = extend(&r, n_epochs, sizeof *costs);
    const int64_t n_normed = p->of->norm ? n_units : 0;
    void *normed = extend(&r, n_normed, size), *dz = extend(&r, n_normed, size);
    void *embedded = extend(&r, n * p->n_embedded, size);
    const pynn_trace trace = {
        extend(&r, n_units, size),  extend(&r, n_units, size),     extend(&r, n_units, size),
        extend(&r, n_units, size),  n_normed ? normed : NULL,      n_normed ? dz : NULL,
        extend(&r, n * n_in, size), extend(&r, n, sizeof(double)), p->n_embedded ? embedded : NULL};
    pynn_data unweighted = p->data;
    unweighted.row_weights = NULL;
    memcpy(parameters, p->parameters, r.n_gradient);
    const pynn_call call = {&p->network,           parameters, &p->data, n_threads, NULL,
                            session_of(n_threads), 0};
    const pynn_call traced = {&p->network,           parameters, &unweighted, n_threads, NULL,
                              session_of(n_threads), 0};
    CHECK(!pynn_gradient(cost, gradient, &call, p->regularisation.penalty) &&
              !train(p, parameters, mean, costs, n_epochs, n_threads, NULL) &&
              !pynn_predict(predicted, &call) &&
              (p->of->members || !pynn_trace_rows(&trace, &traced)),
          "%s", p->of->name);
    return r;
}

/* Compares the gradient of some parameters, in double, with finite differences. */
static void check_finite_differences(const problem *p, const double *gradient) {
    const double h = 0x1p-18;
    double *parameters = p->parameters;
    uint64_t random = 3;
    for (int k = 0; k < 12; k++) {
        const uint64_t i = next_uint64(&random) % (uint64_t)p->n_parameters;
        if (is_statistic(p, (int64_t)i)) { continue; } /* they are no part of the gradient */
        const double before = parameters[i];
        pynn_cost at[2];
        for (int side = 0; side < 2; side++) {
            parameters[i] = before + (side ? h : -h);
            const pynn_call call = {&p->network, parameters, &p->data, 1, NULL, NULL, 0};
            CHECK(!pynn_gradient(&at[side], NULL, &call, p->regularisation.penalty), "%s",
                  p->of->name);
        }
        parameters[i] = before;
        const double slope = (at[1].cost + at[1].penalty - at[0].cost - at[0].penalty) / (2 * h);
        CHECK(fabs(slope - gradient[i]) < 1e-7 * (1 + fabs(slope)),
              "%s: gradient %llu is %g, not %g", p->of->name, (unsigned long long)i, gradient[i],
              slope);
    }
}

/* Compares the gradients of both dtypes before training. */
static void check_dtypes(const char *name, const float *single, const double *precise, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) { largest = fmax(largest, fabs(precise[i])); }
    for (size_t i = 0; i < n; i++) {
        CHECK(fabs(single[i] - precise[i]) < 1e-5 * largest, "%s: gradient %zu is %g, not %g", name,
              i, (double)single[i], precise[i]);
    }
}

static unsigned long long digest(results r) { /* FNV-1a */
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < r.n; i++) { hash = (hash ^ r.bytes[i]) * 0x100000001b3u; }
    return hash;
}

static void run(const setting *of, int most_threads) {
    results first[2];
    for (int dtype = PYNN_F32; dtype <= PYNN_F64; dtype++) {
        problem p;
        make(&p, of, (pynn_dtype)dtype);
        first[dtype] = compute(&p, 1);
        for (int n_threads = 2; n_threads <= most_threads; n_threads++) {
            const results other = compute(&p, n_threads);
            CHECK(!memcmp(other.bytes, first[dtype].bytes, other.n), "%s: %d threads", of->name,
                  n_threads);
        }
        if (dtype == PYNN_F64) { check_finite_differences(&p, (double *)first[1].bytes); }
        printf("%s, %d bits: %016llx\n", of->name, dtype ? 64 : 32, digest(first[dtype]));
    }
    check_dtypes(of->name, (float *)first[0].bytes, (double *)first[1].bytes,
                 first[1].n_gradient / sizeof(double));
    release();
}

/* Trains with each activation, cost and rule of the core's lists. */
static void run_lists(int most_threads) {
    for (int i = 0; pynn_activation_name(i); i++) {
        setting of = simple;
        of.name = *(pynn_activation_is_output_only(i) ? &of.output : &of.hidden) =
            pynn_activation_name(i);
        run(&of, most_threads);
    }
    for (int i = 0; pynn_cost_name(i); i++) {
        setting of = simple;
        of.name = of.cost = pynn_cost_name(i);
        of.cost_parameter = 0x1p-10;
        if (pynn_cost_output(i)) { of.output = pynn_cost_output(i); }
        run(&of, most_threads);
        if (!pynn_cost_output(i)) { continue; }
        of.cost_parameter = 0; /* uncapped */
        run(&of, most_threads);
    }
    for (int i = 0; pynn_rule_name(i); i++) {
        setting of = simple;
        of.name = of.rule = pynn_rule_name(i);
        run(&of, most_threads);
    }
}

enum { LARGE_TEAM = 8, N_TEAM_RUNS = 500 };
static atomic_int n_parts[LARGE_TEAM]; /* how often each member took part in the run */
static int n_members;

static void take_part(pynn_member member, void *context) {
    (void)context;
    if (member.id == 0) { n_members = member.n; }
    atomic_fetch_add(&n_parts[member.id], 1);
}

/* Each member takes part in a run exactly once. This includes threads that the previous run did not
 * use, which wake late on a busy machine. */
static void check_teams(void) {
    pynn_team *team = pynn_team_new();
    CHECK(team, "no memory");
    for (int i = 0; i < N_TEAM_RUNS; i++) {
        for (int id = 0; id < LARGE_TEAM; id++) { atomic_store(&n_parts[id], 0); }
        pynn_team_run(team, i % 2 ? 2 : LARGE_TEAM, take_part, NULL);
        for (int id = 0; id < LARGE_TEAM; id++) {
            const int n = atomic_load(&n_parts[id]);
            CHECK(n == (id < n_members), "run %d: member %d took part %d times", i, id, n);
        }
    }
    pynn_team_free(team);
}

/* Trains copies of a network, each with its own order of rows, together and one by one. */
static void check_together(pynn_dtype dtype) {
    enum { N = 21 }; /* more than there are lanes */
    const setting of = {.name = "together",
                        .n_layers = 2,
                        .sizes = {3, 9, 2},
                        .hidden = "tanh",
                        .output = "softmax",
                        .cost = "cross_entropy",
                        .rule = "adam",
                        .n_rows = 30,
                        .batch_size = 8,
                        .n_epochs = 3};
    problem p;
    make(&p, &of, dtype);
    const size_t size = size_of(dtype), n_bytes = (size_t)p.n_parameters * size;
    pynn_training all[2 * N];
    pynn_optimizer_state states[2 * N];
    uint64_t numbers[2 * N];
    pynn_random sources[2 * N];
    pynn_plan plans[2 * N];
    pynn_call calls[2 * N];
    for (int i = 0; i < 2 * N; i++) {
        void *parameters = reserve(p.n_parameters, size);
        memcpy(parameters, p.parameters, n_bytes);
        states[i] = (pynn_optimizer_state){.n_updates = 0};
        for (int s = 0; s < 2; s++) { states[i].slots[s] = reserve(p.n_parameters, size); }
        int64_t *order = reserve(of.n_rows, sizeof *order);
        for (int64_t k = 0; k < of.n_rows; k++) { order[k] = k; }
        numbers[i] = (uint64_t)(i % N);
        sources[i] = (pynn_random){&numbers[i], next_uint32, next_uint64};
        plans[i] = (pynn_plan){.n_epochs = of.n_epochs,
                               .batch_size = of.batch_size,
                               .n_rows = of.n_rows,
                               .order = order,
                               .shuffle = &sources[i],
                               .regularisation = p.regularisation};
        calls[i] = (pynn_call){
            .network = &p.network, .parameters = parameters, .data = &p.data, .n_threads = 1};
        all[i] = (pynn_training){parameters, &states[i], reserve(of.n_epochs, sizeof(pynn_cost)),
                                 0,          &calls[i],  &p.optimizer,
                                 &plans[i],  PYNN_OK};
    }
    pynn_train_together(all, N);
    for (pynn_training *t = all, *twin = all + N; t < all + N; t++, twin++) {
        twin->status = pynn_train(twin->parameters, twin->state, twin->costs, &twin->n_done,
                                  twin->call, twin->optimizer, twin->plan);
        CHECK(!t->status && !twin->status && t->n_done == of.n_epochs, "together");
        CHECK(!memcmp(t->parameters, twin->parameters, n_bytes) &&
                  !memcmp(t->costs, twin->costs, (size_t)t->n_done * sizeof(pynn_cost)),
              "together: other bits than alone");
    }
    release();
}

/* An epoch in parts, each with an order that ends with its rows, has the bits of the whole. */
static void check_parts(pynn_dtype dtype) {
    setting of = simple;
    of.rule = "adam";
    of.n_rows = 40;
    of.batch_size = 8;
    problem p;
    make(&p, &of, dtype);
    const size_t size = size_of(dtype), n_bytes = (size_t)p.n_parameters * size;
    char *found[2];
    for (int n_parts = 1; n_parts <= 2; n_parts++) {
        void *parameters = found[n_parts - 1] = reserve(p.n_parameters, size);
        memcpy(parameters, p.parameters, n_bytes);
        pynn_optimizer_state state = {0};
        for (int s = 0; s < 2; s++) { state.slots[s] = reserve(p.n_parameters, size); }
        for (int64_t first = 0; first < of.n_rows;) {
            const int64_t n = n_parts == 1 ? of.n_rows : first ? of.n_rows - 16 : 16;
            int64_t *order = reserve(n, sizeof *order), n_done;
            for (int64_t i = 0; i < n; i++) { order[i] = (7 * (first + i)) % of.n_rows; }
            const pynn_plan plan = {.n_epochs = 1,
                                    .batch_size = of.batch_size,
                                    .n_rows = n,
                                    .order = order,
                                    .regularisation = p.regularisation};
            const pynn_call call = {
                .network = &p.network, .parameters = parameters, .data = &p.data, .n_threads = 1};
            pynn_cost cost;
            CHECK(!pynn_train(parameters, &state, &cost, &n_done, &call, &p.optimizer, &plan),
                  "parts");
            first += n;
        }
    }
    CHECK(!memcmp(found[0], found[1], n_bytes), "parts: other bits than the whole");
    release();
}

static int stop_at_third(void *n_questions) { return ++*(int *)n_questions == 3; }

/* A very long fit can be stopped, whatever its threads wait for. */
static void check_interrupts(const setting *of, int most_threads) {
    problem p;
    make(&p, of, PYNN_F32);
    pynn_cost *costs = reserve(MANY, sizeof *costs);
    void *mean = reserve(p.n_parameters, sizeof(float));
    for (int n_threads = 1; n_threads <= most_threads; n_threads++) {
        for (int is_cheap = 0; is_cheap < 2; is_cheap++) {
            int n_questions = 0;
            const pynn_control control = {stop_at_third, &n_questions, is_cheap};
            CHECK(train(&p, p.parameters, mean, costs, MANY, n_threads, &control) ==
                      PYNN_INTERRUPTED,
                  "%s: %d threads", of->name, n_threads);
            CHECK(n_questions == 3 && pynn_all_finite(PYNN_F32, p.parameters, p.n_parameters), "%s",
                  of->name);
        }
    }
    release();
}

int main(int n_arguments, char **arguments) {
    const pynn_blas blas = {gemm_f32, gemm_f64};
    const int most_threads = n_arguments > 2 ? atoi(arguments[2]) : 5;
    int isa = 0, n_run = 0;
    while (pynn_isa_available(isa + 1)) { isa++; }
    if (n_arguments > 1) { isa = code_of(arguments[1], pynn_isa_name); }
    CHECK(!pynn_use_isa(isa), "this processor lacks %s", pynn_isa_name(isa));
    pynn_set_blas(&blas);
    session = pynn_session_new();
    for (int s = 0; s < N_SETTINGS; s++) {
        int wanted = n_arguments <= 3;
        for (int i = 3; i < n_arguments; i++) { wanted |= !strcmp(arguments[i], settings[s].name); }
        if (wanted) { run(&settings[s], most_threads); }
        if (wanted && settings[s].mostly_zero) { check_interrupts(&settings[s], most_threads); }
        n_run += wanted;
    }
    CHECK(n_run, "no such case");
    if (n_arguments <= 3) {
        run_lists(most_threads);
        check_teams();
        check_parts(PYNN_F32);
        check_parts(PYNN_F64);
        check_together(PYNN_F32);
        check_together(PYNN_F64);
    }
    pynn_session_free(session);
    CHECK(pynn_blocks_in_use() == 0, "blocks in use");
    return 0;
}
