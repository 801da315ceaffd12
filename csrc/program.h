/* program.h - a call as an array of operations. Each member of a team compiles one program for each
 * number of rows in a chunk, with operations on the member's own parts of layers. A pass runs the
 * operations in order. */
#ifndef PYNN_PROGRAM_H
#define PYNN_PROGRAM_H

#include "workspace.h"

/* Rows first .. first + n_rows - 1 of `order`; NULL: of the data. */
typedef struct {
    const int64_t *order; /* (first + n_rows + n_left,) */
    size_t first, n_rows, n_left;
} pynn_batch;

/* A layer's input (n_rows, n_columns), dense or sparse. */
typedef struct {
    const real *x;
    pynn_layout layout;
    size_t n_columns;
    const uint32_t *columns; /* (n_columns,) ascending: columns that are present, out of n_in; the
                                others are 0 in all rows; NULL: all are present */
    int is_sparse;           /* the input is pynn_sparse_rows instead of x */
} pynn_rows;

/* Destination of a gradient: a rule that updates parameters and slots, or a vector that keeps
 * it. */
typedef struct {
    pynn_update *update;
    int keeps;    /* w receives the gradient; nothing is updated */
    int may_stop; /* an unfinished gradient does no harm */
    int descends; /* the rule is sgd, which tiles of the gradient can apply themselves */
    int flushes;  /* slots of the rule decay to subnormal numbers, which are flushed to 0 */
    real *w, *slots[PYNN_MAX_SLOTS]; /* each (n_parameters,); slots may be NULL */
    const real *from;                /* parameters before the update: w itself or its shadow */
    pynn_step of_weights, of_biases;
    const pynn_optimizer *optimizer; /* coefficients, used with plan, rate and n_updates */
    const pynn_plan *plan;           /* factors of the learning rate; NULL: all 1 */
    double rate;
    int64_t n_updates; /* including this one */
} pynn_updater;

/* The state of a pass. */
typedef struct {
    pynn_workspace *ws;
    pynn_member member;
    const real *parameters;  /* (n_parameters,) */
    pynn_batch batch, chunk; /* a mini-batch and its current chunk */
    pynn_rows x;             /* the chunk's input of the first layer */
    pynn_rows columns, raw;  /* the same before embeddings, and before the input scale */
    pynn_rows shared;        /* the same before each member multiplies it by its r */
    double total;            /* sum of the batch's row weights */
    double spread; /* 1 - sum of the squares of their shares of the total: (n - 1) / n for n rows of
                      equal weight; 0 if a single row counts, and except in training */
    pynn_penalty penalty;        /* of this update */
    const double *dropout;       /* (n_layers - 1,) of this update; NULL: none */
    double divisor;              /* of the penalty */
    uint64_t key;                /* for dropout */
    int trains;                  /* a cost that is not finite ends the pass */
    const pynn_updater *updater; /* NULL: no gradient is wanted */
    double cost;                 /* of the batch's chunks so far */
    real *out;                   /* (data->n_rows, n_out) of a prediction */
    const pynn_trace *trace;
    pynn_status status; /* why the pass ended early */
} pynn_pass;

/* An operation. `run` returns 1 if the pass ends, in all members alike, with the pass's status set.
 * Fields hold everything that stays the same from pass to pass. */
typedef struct pynn_op {
    int (*run)(struct pynn_op *op, pynn_pass *pass);
    int l; /* number of the layer */
    const pynn_layer *layer;
    size_t n_rows, base;      /* rows of the layer's arrays; the first of them in the workspace */
    pynn_share rows, columns; /* the member's part of the result */
    pynn_rows input;          /* input of a layer after the first */
    pynn_product product;     /* complete except for pointers to the parameters and the input */
    size_t weights;           /* offset of the product's weights in the parameters */
    size_t block_rows, block_columns; /* size of a block of the gradient */
} pynn_op;

typedef struct pynn_program {
    size_t n_rows, n_ops; /* n_rows of data; 0: not compiled yet */
    pynn_op *ops;
} pynn_program;

/* Maximum number of programs that a member keeps. */
enum { PYNN_PROGRAMS = 4 };

/* Maximum number of operations of a program. */
static inline size_t pynn_most_ops(int n_layers) { return 9 * (size_t)n_layers + 22; }

/* Bytes of a member's programs, in whole cache lines. */
static inline size_t pynn_program_bytes(int n_layers) {
    const size_t bytes =
        PYNN_PROGRAMS * (sizeof(pynn_program) + pynn_most_ops(n_layers) * sizeof(pynn_op));
    return (bytes + 63) / 64 * 64;
}

/* Parameters are divided among members in whole cache lines. */
enum { PYNN_GRAIN = 64 };

/* Index of the batch's i-th row in the data. */
static inline size_t pynn_row_of(pynn_batch batch, size_t i) {
    return batch.order ? (size_t)batch.order[batch.first + i] : batch.first + i;
}

/* A member's programs (PYNN_PROGRAMS,), followed by their operations. */
static inline pynn_program *pynn_programs_of(const pynn_workspace *ws, pynn_member member) {
    return (pynn_program *)((char *)ws->programs + (size_t)member.id * ws->program_bytes);
}

/* A part of a layer's arrays with rows of member k alone; without members, k is 0. */
typedef struct {
    size_t k;
    pynn_share rows, columns;
} pynn_piece;

/* The rows from i on, up to `end`, that belong to one member, with these columns. */
static inline pynn_piece pynn_piece_at(const pynn_op *op, const pynn_pass *pass, size_t i,
                                       size_t end, pynn_share columns) {
    const size_t n = pass->chunk.n_rows, k = (i - op->base) / n, stop = op->base + (k + 1) * n;
    return (pynn_piece){k, {i, stop < end ? stop : end}, columns};
}

/* The input of an operation's layer. */
static inline const pynn_rows *pynn_input_of(const pynn_op *op, const pynn_pass *pass) {
    return op->l ? &op->input : &pass->x;
}

/* Whether updates leave the parameters of layer l unchanged. */
static inline int pynn_is_frozen(const pynn_workspace *ws, int l) {
    const pynn_regularisation *of = ws->regularisation;
    return ws->purpose == PYNN_TRAINS && of->frozen && of->frozen[l];
}

#endif
