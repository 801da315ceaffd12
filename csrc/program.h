/* program.h - a call as an array of operations. Each member of a team compiles, for each number of
 * rows that go through the network together, what it does with them: operations with the parts of
 * layers that are its own. A pass runs them one after the other. */
#ifndef PYNN_PROGRAM_H
#define PYNN_PROGRAM_H

#include "workspace.h"

/* Rows first .. first + n_rows - 1 of the order (NULL: of the data themselves). */
typedef struct {
    const int64_t *order; /* (data->n_rows,) */
    size_t first, n_rows;
} pynn_batch;

/* A layer's input (n_rows, n_columns), or sparse. */
typedef struct {
    const real *x;
    pynn_layout layout;
    size_t n_columns;
    const uint32_t *columns; /* (n_columns,) ascending: which of the n_in columns are here, where
                                the others are 0 in all rows; NULL: all are */
    int is_sparse;           /* it is pynn_sparse_rows in place of x */
} pynn_rows;

/* Where a gradient goes: through a rule into parameters and slots, or into a vector that keeps it.
 */
typedef struct {
    pynn_update *update;
    int keeps;    /* w keeps the gradient: nothing is updated */
    int may_stop; /* nothing is lost if the gradient is left unfinished */
    int descends; /* the rule is sgd, which tiles of the gradient can apply themselves */
    int flushes;  /* the rule's slots decay into subnormal numbers, which are taken for 0 */
    real *w, *slots[PYNN_MAX_SLOTS]; /* each (n_parameters,); slots may be NULL */
    const real *from;                /* what w is an update of: w itself, or its shadow */
    pynn_step of_weights, of_biases;
    const pynn_optimizer *optimizer; /* of these and of the next: */
    const pynn_plan *plan;           /* where its factors of the learning rate are set, or NULL */
    double rate;
    int64_t n_updates; /* with this one */
} pynn_updater;

/* What changes from one pass to the next. */
typedef struct {
    pynn_workspace *ws;
    pynn_member member;
    const real *parameters;      /* (n_parameters,) */
    pynn_batch batch, chunk;     /* a mini-batch, and what of it goes through now */
    pynn_rows x, raw;            /* the chunk's input; raw: before the input scale */
    double total;                /* the sum of the batch's row weights */
    pynn_penalty penalty;        /* of this update, like */
    const double *dropout;       /* (n_layers - 1,) or NULL: none */
    double divisor;              /* of the penalty */
    uint64_t key;                /* of the dropout */
    int trains;                  /* an update must not follow a cost that is not finite */
    const pynn_updater *updater; /* NULL: no gradient is wanted */
    double cost;                 /* of the batch's chunks so far */
    real *out;                   /* (data->n_rows, n_out) of a prediction */
    const pynn_trace *trace;
    pynn_status status; /* why the pass ended early */
} pynn_pass;

/* An operation answers 1 where the pass is to end, to all members alike: its status says why. What
 * does not change from one pass to the next is prepared in it. */
typedef struct pynn_op {
    int (*run)(struct pynn_op *op, pynn_pass *pass);
    int l; /* which layer */
    const pynn_layer *layer;
    size_t n_rows, base;              /* rows of the chunk; where they begin in the workspace */
    pynn_share rows, columns;         /* the member's part of what is computed */
    pynn_rows input;                  /* of a layer above the first */
    pynn_product product;             /* all of it but where parameters lie and what the input is */
    size_t weights;                   /* where those of the product begin in the parameters */
    size_t block_rows, block_columns; /* of a gradient: what is updated at a time */
} pynn_op;

typedef struct pynn_program {
    size_t n_rows, n_ops; /* n_rows 0: none yet */
    pynn_op *ops;
} pynn_program;

/* Programs that a member keeps at a time. */
enum { PYNN_PROGRAMS = 4 };

/* The operations of a program, at most. */
static inline size_t pynn_most_ops(int n_layers) { return 6 * (size_t)n_layers + 12; }

/* The memory of a member's programs, in whole cache lines. */
static inline size_t pynn_program_bytes(int n_layers) {
    const size_t bytes =
        PYNN_PROGRAMS * (sizeof(pynn_program) + pynn_most_ops(n_layers) * sizeof(pynn_op));
    return (bytes + 63) / 64 * 64;
}

/* Parameters are shared out in whole cache lines. */
enum { PYNN_GRAIN = 64 };

/* The number in the data of the batch's i-th row. */
static inline size_t pynn_row_of(pynn_batch batch, size_t i) {
    return batch.order ? (size_t)batch.order[batch.first + i] : batch.first + i;
}

/* A member's programs (PYNN_PROGRAMS,), behind which their operations lie. */
static inline pynn_program *pynn_programs_of(const pynn_workspace *ws, pynn_member member) {
    return (pynn_program *)((char *)ws->programs + (size_t)member.id * ws->program_bytes);
}

/* The input of an operation's layer. */
static inline const pynn_rows *pynn_input_of(const pynn_op *op, const pynn_pass *pass) {
    return op->l ? &op->input : &pass->x;
}

/* Whether an update leaves this layer's weights and biases as they are. */
static inline int pynn_is_frozen(const pynn_workspace *ws, int l) {
    const pynn_regularisation *of = ws->regularisation;
    return ws->purpose == PYNN_TRAINS && of->frozen && of->frozen[l];
}

#endif
