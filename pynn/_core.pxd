# The face of the compiled core, as csrc/pynn.h declares it.
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "pynn.h" nogil:
    ctypedef enum pynn_status:
        PYNN_OK
        PYNN_NO_MEMORY
        PYNN_INTERRUPTED
        PYNN_DIVERGED
        PYNN_NOT_FINITE

    ctypedef enum pynn_dtype:
        PYNN_F32
        PYNN_F64

    int PYNN_PIECEWISE_LINEAR, PYNN_PERIODIC, PYNN_CATEGORIES

    ctypedef struct pynn_embedding:
        int kind
        int64_t column
        int64_t size
        int64_t n
        int is_linear
        const double *edges

    ctypedef enum pynn_norm:
        PYNN_NO_NORM
        PYNN_LAYER_NORM
        PYNN_BATCH_NORM

    ctypedef struct pynn_network:
        pynn_dtype dtype
        int n_layers
        const int64_t *sizes
        const int *activations
        const double *activation_parameters
        int bias
        int input_scale
        const unsigned char *residual
        const unsigned char *norms
        int cost
        double cost_parameter
        int64_t members
        int n_embeddings
        const pynn_embedding *embeddings
        const unsigned char *parametric

    ctypedef struct pynn_data:
        int64_t n_rows
        int checked
        const void *x
        Py_ssize_t x_strides[2]
        int64_t n_entries
        const int64_t *starts
        const int32_t *columns
        const void *values
        const void *y
        Py_ssize_t y_strides[2]
        const int64_t *labels
        const double *row_weights

    ctypedef struct pynn_penalty:
        const double *l2
        const double *l1
        int by_row

    ctypedef struct pynn_regularisation:
        pynn_penalty penalty
        const double *dropout
        uint64_t dropout_seed
        double max_norm
        double clip_norm
        const unsigned char *frozen

    ctypedef struct pynn_optimizer:
        int rule
        double learning_rate
        double momentum
        double beta_1
        double beta_2
        double epsilon
        double weight_decay
        double grow
        double shrink
        double smallest
        double largest

    ctypedef struct pynn_optimizer_state:
        void *slots[3]
        int64_t n_updates

    ctypedef struct pynn_random:
        void *state
        uint32_t (*next_uint32)(void *) noexcept
        uint64_t (*next_uint64)(void *) noexcept

    ctypedef struct pynn_patience:
        double limit, tol
        int strict
        double divisor, best
        int64_t n_stalled

    ctypedef struct pynn_average:
        void *parameters
        double decay
        int64_t since

    ctypedef struct pynn_plan:
        int64_t n_epochs
        int64_t batch_size
        int64_t n_rows
        int64_t *order
        const pynn_random *shuffle
        const double *rates
        const double *rate_factors
        double scale_rate_factor
        double embedding_rate_factor
        pynn_regularisation regularisation
        const double *strengths
        pynn_patience *patience
        const pynn_average *average

    ctypedef struct pynn_cost:
        double cost
        double penalty

    ctypedef struct pynn_control:
        int (*interrupted)(void *) noexcept
        void *context
        int is_cheap

    ctypedef struct pynn_blas:
        void *sgemm
        void *dgemm

    ctypedef struct pynn_session:
        pass

    pynn_session *pynn_session_new()
    void pynn_session_free(pynn_session *)

    ctypedef struct pynn_call:
        const pynn_network *network
        const void *parameters
        const pynn_data *data
        int n_threads
        const pynn_control *control
        pynn_session *session
        int members_apart

    ctypedef struct pynn_trace:
        void *z
        void *a
        void *da
        void *delta
        void *normed
        void *dz
        void *dx
        double *costs
        void *embedded

    void pynn_set_blas(const pynn_blas *)
    void pynn_force_blas(int)

    ctypedef struct pynn_training:
        void *parameters
        pynn_optimizer_state *state
        pynn_cost *costs
        int64_t n_done
        const pynn_call *call
        const pynn_optimizer *optimizer
        const pynn_plan *plan
        pynn_status status

    void pynn_train_together(pynn_training *, int)
    int pynn_lanes_for(const pynn_network *)

    const char *pynn_activation_name(int)
    int pynn_activation_is_output_only(int)
    const char *pynn_cost_name(int)
    const char *pynn_cost_output(int)
    const char *pynn_rule_name(int)
    int pynn_rule_n_slots(int)

    const char *pynn_isa_name(int)
    int pynn_isa_available(int)
    int pynn_isa_in_use()
    int pynn_use_isa(int)
    int pynn_isa_is_tuned()

    int64_t pynn_n_parameters(const pynn_network *)
    pynn_status pynn_predict(void *, const pynn_call *)
    pynn_status pynn_gradient(pynn_cost *, void *, const pynn_call *, pynn_penalty)
    pynn_status pynn_trace_rows(const pynn_trace *, const pynn_call *)
    pynn_status pynn_train(
        void *, pynn_optimizer_state *, pynn_cost *, int64_t *, const pynn_call *,
        const pynn_optimizer *, const pynn_plan *)
    int pynn_all_finite(pynn_dtype, const void *, int64_t)

    int pynn_get_thread_limit()
    void pynn_set_processors(int n)
    int PYNN_MOST_THREADS
    void pynn_set_thread_limit(int)

    void pynn_fail_allocation(int64_t)
    int64_t pynn_blocks_in_use()
