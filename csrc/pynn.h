/* pynn.h - the interface of the compiled core; the Python binding includes nothing else.
 *
 * The core knows nothing of Python or NumPy. Arrays are plain pointers; `void *` stands for float
 * or double, as the network's dtype says. A comment beside each array gives its shape.
 */
#ifndef PYNN_H
#define PYNN_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    PYNN_OK,
    PYNN_NO_MEMORY,
    PYNN_INTERRUPTED,
    PYNN_DIVERGED,
    PYNN_NOT_FINITE
} pynn_status;
typedef enum { PYNN_F32, PYNN_F64 } pynn_dtype;

/* An embedding replaces a column of x by `size` numbers. Its parameters are
 *   piecewise linear:  W (n, size), b (size,) if is_linear, otherwise none
 *   periodic:          f (n,), c (n,), V (n, size - 1), b (size - 1,)
 *   categories:        a table (n, size)
 * and encodings.h has the formulas. */
enum { PYNN_PIECEWISE_LINEAR, PYNN_PERIODIC, PYNN_CATEGORIES, PYNN_N_EMBEDDINGS };
typedef struct {
    int kind;
    int64_t column, size;
    int64_t n;           /* bins, frequencies or categories */
    int is_linear;       /* piecewise linear: 0: the encoding itself, which has size n */
    const double *edges; /* piecewise linear: (n + 1,) of the bins, ascending; otherwise NULL */
} pynn_embedding;

/* Normalisation of the weighted sums u = x W of a layer: z = g * (u - mean) / sqrt(variance + 1e-5)
 * + b, over the units of each row, or over the rows of a batch for each unit. Updates use the mean
 * and variance of their own batch; everything else uses the running ones, which move a tenth of the
 * way to the batch's with each update. */
typedef enum { PYNN_NO_NORM, PYNN_LAYER_NORM, PYNN_BATCH_NORM } pynn_norm;

/* A network. Its parameters lie in one flat vector: those of embeddings in their order; the input
 * scale s (n_in,), left out where input_scale is 0; then for each layer W row-major (n_in, n_out),
 * b (n_out,), left out where bias is 0, gains g (n_out,) of a normalised layer, alphas (n_out,) of
 * a parametric one, and with batch normalisation its running means and variances (n_out,) each,
 * which no gradient reaches. The n_in of s and W0 are those of embedded rows.
 *
 * With K members, member k computes z = s_k * ((r_k * x) W) + b_k in a hidden layer, whose groups
 * are W (n_in, n_out), b (K, n_out), r (K, n_in), s (K, n_out), and has an output layer of its own,
 * whose groups are W (K, n_in, n_out), b (K, n_out). The cost is the mean of the members'. */
typedef struct {
    pynn_dtype dtype;
    int n_layers;           /* layers of weights, >= 1 */
    const int64_t *sizes;   /* (n_layers + 1,) columns of x, and units of every layer, >= 1 */
    const int *activations; /* (n_layers,) codes as listed below; the last one is the output's */
    const double *activation_parameters; /* (n_layers,) what activations.h says of each */
    int bias;                            /* 0: weighted sums have no bias */
    int input_scale; /* 1: x is multiplied, feature by feature, by a scale that is trained */
    const unsigned char *residual; /* (n_layers,) 1: the layer adds its input to its activations,
                                      for hidden layers above the first with as many units as
                                      inputs; NULL: none does */
    const unsigned char *norms;    /* (n_layers,) pynn_norm of each layer, 0 for the output; NULL:
                                      all are 0 */
    int cost;                      /* code as listed below */
    double cost_parameter;         /* what costs.h says of the cost */
    int64_t members;  /* K members that share weights, for a network with hidden layers, none of
                         them normalised or parametric, and dense rows; 0: a plain network */
    int n_embeddings; /* 0: the first layer reads x itself; otherwise x is dense */
    const pynn_embedding *embeddings; /* (n_embeddings,) of different columns, ascending */
    const unsigned char *parametric; /* (n_layers,) 1: the activation is (1 - alpha) z + alpha f(z),
                                        0 for the output; NULL: all are 0 */
} pynn_network;

int64_t pynn_n_parameters(const pynn_network *network);

/* Number of parameters of an embedding. */
static inline int64_t pynn_embedding_parameters(const pynn_embedding *e) {
    switch (e->kind) {
    case PYNN_PIECEWISE_LINEAR:
        return e->is_linear ? (e->n + 1) * e->size : 0;
    case PYNN_PERIODIC:
        return 2 * e->n + (e->n + 1) * (e->size - 1);
    default:
        return e->n * e->size;
    }
}

/* Rows to learn from or to predict. Strides are in bytes, may be zero or negative, and need no
 * order; elements are aligned. Nothing in it is written to. */
typedef struct {
    int64_t n_rows;
    int checked;   /* 0: answer PYNN_NOT_FINITE where x or values hold infinity or NaN */
    const void *x; /* (n_rows, sizes[0]), or NULL: see starts */
    ptrdiff_t x_strides[2];
    /* In place of x, its nonzero entries: row i has entries starts[i] .. starts[i + 1] - 1, in any
     * order; where several are of one column they add up. Or NULL. */
    int64_t n_entries;
    const int64_t *starts;  /* (n_rows + 1,) */
    const int32_t *columns; /* (n_entries,) each from 0 to n_in - 1 */
    const void *values;     /* (n_entries,) */
    const void *y;          /* (n_rows, n_out), or NULL: see labels */
    ptrdiff_t y_strides[2];
    const int64_t *labels;     /* (n_rows,) class of each row, in place of y; or NULL */
    const double *row_weights; /* (n_rows,) >= 0, or NULL: all 1 */
} pynn_data;

/* The penalty that is added to the mean cost: for each layer l2/2 * (sum of squared weights) +
 * l1 * (sum of their sizes), all other parameters free. */
typedef struct {
    const double *l2, *l1; /* (n_layers,) each */
    int by_row; /* 1: it is divided by the row weights of the batch, as scikit-learn does */
} pynn_penalty;

/* Regularisation other than penalties, and frozen layers. */
typedef struct {
    pynn_penalty penalty;
    const double *dropout; /* (n_layers - 1,) share of each hidden layer's activations, >= 0 and
                              < 1, that is left out of each update; NULL: none */
    uint64_t dropout_seed;
    double max_norm;  /* of a unit's incoming weights after an update; or INFINITY */
    double clip_norm; /* of the gradient that a rule is given, penalty included; or INFINITY */
    const unsigned char *frozen; /* (n_layers,) 1: the layer's parameters are not updated, running
                                    means and variances included; NULL: all are */
} pynn_regularisation;

/* An update rule and the coefficients that it reads; see optimizers.h. */
typedef struct {
    int rule; /* code as listed below */
    double learning_rate, momentum, beta_1, beta_2, epsilon, weight_decay;
    double grow, shrink, smallest, largest;
} pynn_optimizer;

/* Slots of state that a rule has, at most. */
enum { PYNN_MAX_SLOTS = 3 };

/* The state of a rule between updates. */
typedef struct {
    void *slots[PYNN_MAX_SLOTS]; /* each (n_parameters,), zero at the start; NULL where the rule has
                                    no use */
    int64_t n_updates;
} pynn_optimizer_state;

/* A source of random numbers, handed in from outside. */
typedef struct {
    void *state;
    uint32_t (*next_uint32)(void *state);
    uint64_t (*next_uint64)(void *state);
} pynn_random;

/* Ends training after more than `limit` epochs in a row without improvement. */
typedef struct {
    double limit;
    double tol;     /* minimum change of cost / divisor + penalty that counts as an improvement */
    int strict;     /* 1: the change must exceed tol */
    double divisor; /* of the cost */
    double best;    /* so far; INFINITY at the start; updated, as is n_stalled */
    int64_t n_stalled; /* epochs without improvement so far */
} pynn_patience;

/* An exponential moving average of the parameters: average = decay * average + (1 - decay) *
 * parameters after each update, corrected for its start from zero (Kingma & Ba 2015, section 7.2).
 */
typedef struct {
    void *parameters; /* (n_parameters,) the average, updated; at first any finite numbers */
    double decay;     /* >= 0 and < 1 */
    int64_t since;    /* n_updates of the optimizer's state when the average began */
} pynn_average;

/* How to go through the rows. */
typedef struct {
    int64_t n_epochs, batch_size;
    int64_t n_rows;             /* of an epoch: all rows of the data, or some of them */
    int64_t *order;             /* (n_rows,) the rows in their order; shuffled in place */
    const pynn_random *shuffle; /* once before each epoch; NULL: keep the order */
    const double *rates; /* the learning rate of each update, or NULL: the optimizer's for all */
    const double *rate_factors;   /* (n_layers, 2) factor of the learning rate for each layer's
                                     weights, and for its other parameters; NULL: all 1 */
    double scale_rate_factor;     /* the same for the input scale */
    double embedding_rate_factor; /* the same for embeddings */
    pynn_regularisation regularisation;
    const double *strengths;     /* (updates, 3 * n_layers) for each update: l2 (n_layers,), l1
                                    (n_layers,), dropout (n_layers - 1,), weight decay. They replace
                                    the numbers of the regularisation and the optimizer, which must
                                    not be 0 if any of their replacements is not; or NULL */
    pynn_patience *patience;     /* or NULL: train for all epochs */
    const pynn_average *average; /* or NULL */
} pynn_plan;

/* Means over the rows of an epoch, of what each mini-batch cost before its update. */
typedef struct {
    double cost, penalty;
} pynn_cost;

/* Asked in long calls: whether to stop. The core asks soon after a SIGINT and once a second,
 * without holding a lock. While such a call runs, its own handler precedes the handler of SIGINT.
 */
typedef struct {
    int (*interrupted)(void *context); /* non-zero: stop; or NULL: never ask */
    void *context;
    int is_cheap; /* 1: the question takes no lock. It is asked all the time, without a handler */
} pynn_control;

/* BLAS in Fortran's convention (column-major, 32-bit sizes), handed in once from outside. */
#define PYNN_GEMM_ARGUMENTS(real)                                                                  \
    (char *transa, char *transb, int *m, int *n, int *k, real *alpha, real *a, int *lda, real *b,  \
     int *ldb, real *beta, real *c, int *ldc)
typedef struct {
    void(*sgemm) PYNN_GEMM_ARGUMENTS(float);
    void(*dgemm) PYNN_GEMM_ARGUMENTS(double);
} pynn_blas;
void pynn_set_blas(const pynn_blas *blas);

/* 1: large products go to BLAS even where the instruction set has tiles for them. */
void pynn_force_blas(int forced);

/* Lists of names by code, NULL past the end. */
const char *pynn_activation_name(int code);
int pynn_activation_is_output_only(int code);
const char *pynn_cost_name(int code);
const char *pynn_cost_output(int code); /* the one output activation it goes with, or NULL: any */
const char *pynn_rule_name(int code);
int pynn_rule_n_slots(int code);

/* Instruction sets: names of those compiled in, worst first; those this machine can run; the one
 * in use. pynn_use_isa returns 0, or -1 where no such set is available here. */
const char *pynn_isa_name(int code);
int pynn_isa_available(int code);
int pynn_isa_in_use(void);
int pynn_use_isa(int code);
int pynn_isa_is_tuned(void); /* that in use; 0: large products go to BLAS */

/* More threads than this are never started. */
enum { PYNN_MOST_THREADS = 256 };

/* Memory and threads that the calls of one fit share, one call at a time. NULL where there is no
 * memory for it; pynn_session_free takes NULL too. A fork may come between two calls: the child
 * gets threads of its own. */
typedef struct pynn_session pynn_session;
pynn_session *pynn_session_new(void);
void pynn_session_free(pynn_session *session);

/* What each call needs. n_threads threads work, the caller's among them, from 1 to
 * PYNN_MOST_THREADS: a number beyond counts as the nearest. The result has the same bits for any
 * number of them. */
typedef struct {
    const pynn_network *network;
    const void *parameters; /* (n_parameters,) */
    const pynn_data *data;
    int n_threads;
    const pynn_control *control;
    pynn_session *session; /* or NULL: memory and threads are for this call alone */
    int members_apart;     /* 1: a prediction has the outputs of each member, not their mean */
} pynn_call;

/* out (n_rows, n_out), C-contiguous: activations of the output layer for the data's rows; with
 * members their mean, or (members, n_rows, n_out) if they are apart. */
pynn_status pynn_predict(void *out, const pynn_call *call);

/* The cost over all rows and, unless it is NULL, its gradient (n_parameters,). */
pynn_status pynn_gradient(pynn_cost *cost, void *gradient, const pynn_call *call,
                          pynn_penalty penalty);

/* The forward and backward pass of each row, for that row's own cost. Each array holds the layers
 * one after the other, beginning with all rows of the first (n_rows, n_out). NULL: not computed. */
typedef struct {
    void *z, *a;      /* what activations read; activations, with the input of a residual layer */
    void *da, *delta; /* dC/da; derivative by the weighted sums: dC/dz, or dC/du where normalised */
    void *normed;     /* z, or (u - mean) / sqrt(variance + 1e-5) where normalised */
    void *dz;         /* dC/dz */
    void *dx;         /* (n_rows, sizes[0]) dC/dx; 0 for categories */
    double *costs;    /* (n_rows,) */
    void *embedded;   /* (n_rows, n_in) embedded rows, before the input scale; with embeddings */
} pynn_trace;

/* Fills what trace points to; data has no row weights, the network no members. */
pynn_status pynn_trace_rows(const pynn_trace *trace, const pynn_call *call);

/* Trains parameters (n_parameters,), which are the call's, in place; costs (n_epochs,) and *n_done
 * report the finished epochs. Interrupted: parameters, and their average, are as after the last
 * finished mini-batch. Diverged: a cost or a parameter is no longer finite, in the epoch after
 * *n_done; parameters are unusable. */
pynn_status pynn_train(void *parameters, pynn_optimizer_state *state, pynn_cost *costs,
                       int64_t *n_done, const pynn_call *call, const pynn_optimizer *optimizer,
                       const pynn_plan *plan);

/* Arguments and results of pynn_train. */
typedef struct {
    void *parameters;
    pynn_optimizer_state *state;
    pynn_cost *costs;
    int64_t n_done;
    const pynn_call *call;
    const pynn_optimizer *optimizer;
    const pynn_plan *plan;
    pynn_status status;
} pynn_training;

/* Trains n networks, each as pynn_train does, with the same result. Small networks of the same
 * sizes and settings are trained together, each in its own lane of the vectors. No two may share
 * parameters, state or a source of random numbers. */
void pynn_train_together(pynn_training *trainings, int n);

/* How many networks of these sizes pynn_train_together trains at a time, 1 if they are too large.
 */
int pynn_lanes_for(const pynn_network *network);

/* 1 if none of the numbers x (n,) is infinite or NaN. */
int pynn_all_finite(pynn_dtype dtype, const void *x, int64_t n);

/* Limit of the threads that a call chooses by itself, 0 for none. Others, such as threadpoolctl,
 * set it; the code that chooses n_threads reads it. Exported by the shared object. */
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
void pynn_set_thread_limit(int n);
#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int pynn_get_thread_limit(void);

/* The processors that this process may use, shared by all calls that run at once: 0, as at the
 * start, stands for all that are online. */
void pynn_set_processors(int n);

/* Tests only: let the n-th allocation from now on fail (0: none), and count the blocks in use. */
void pynn_fail_allocation(int64_t n);
int64_t pynn_blocks_in_use(void);

#endif
