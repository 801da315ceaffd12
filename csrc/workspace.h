/* workspace.h - the memory of one call: what lies between a network's layers for a chunk of rows,
 * and where the parameters lie while they are trained. */
#ifndef PYNN_WORKSPACE_H
#define PYNN_WORKSPACE_H

#include <stdatomic.h>

#include "kernels.h"
#include "session.h"
#include "team.h"
#include "watch.h"

/* Rows that go through the network together. A larger batch goes through in several such chunks and
 * its gradient is summed over them, so that memory does not grow with it. */
enum { PYNN_CHUNK_ROWS = 1024 };

/* The same where nothing is trained and each member has rows of its own: tiles of 6 and of 14 rows
 * divide both. The larger chunk is for weights that no second-level cache holds. */
enum { PYNN_PREDICTED_ROWS = 84, PYNN_PREDICTED_ROWS_OF_LARGE = 252, PYNN_LARGE_BYTES = 256 << 10 };

/* Rows of data are copied into panels where a gradient reads so many of them: fewer fit the first
 * cache. Without a gradient they are if they are longer than a page and a product has so many
 * panels: each panel would miss the pages of all rows in the TLB. */
enum { PYNN_ROWS_IN_PANELS = 32, PYNN_PANELS_OF_LONG = 8, PYNN_LONG_ROW = 4096 };

/* Rows of weights that one member sums up at a time, for a penalty or a norm. */
enum { PYNN_PIECE_ROWS = 32 };

/* While they are trained, parameters lie in panels, or in rows that begin at a cache line or share
 * one as a whole: a vector then never straddles two lines, and no line is written by two threads.
 * They are copied if so many steps at least are made and the copies take so many bytes at most; for
 * predictions, if so many rows are predicted. */
enum { PYNN_PADDED_STEPS = 8, PYNN_PADDED_BYTES = 32 << 20, PYNN_PADDED_PREDICTIONS = 256 };

/* Multiply-adds of the weights' gradient in a step, from which updating in place, which cannot be
 * interrupted half-way, takes too long: 50 ms in double on a core of 120 GFLOP/s. Then the gradient
 * is kept as a whole first; plain SGD, which needs no more than that, writes updated weights into a
 * shadow of the old ones. */
#define PYNN_LONG_GRADIENT 3e9

/* One layer of weights and what lies behind it; the arrays are (n_chunk, n_out). */
typedef struct {
    size_t n_in, n_out;
    pynn_layout layout;          /* of these arrays */
    size_t weights, biases, end; /* where they begin in the parameters, and where they end */
    pynn_layout w_layout;        /* of the weights */
    int activation;
    real parameter; /* of the activation */
    real *z;        /* weighted sums; the same array as a, unless something reads z later */
    real *a;        /* activations */
    real *out;      /* what the next layer reads: a, or without those that are dropped from it */
    double dropout; /* the share of them, 0 but in training; an update may have another one */
    real *delta;    /* dC/dz of the batch's mean cost; NULL in a workspace for prediction */
    real *da;       /* dC/da; the same array as delta, unless it is to be kept */
    real *panels;   /* of an output layer that lies in rows: delta once more in panels; or NULL */
    size_t panels_apart;
} pynn_layer;

/* A look for columns of the input that are 0 in all rows of a batch: each product with the input's
 * weights, and what plain SGD changes of these, can leave them out (MNIST, 10 rows: 49% are left).
 * It costs about as much as copying the rows. Where it leaves out less than an eighth, the next
 * batches are not looked at. */
enum { PYNN_FEW_COLUMNS = 32, PYNN_FEWER_COLUMNS = 8, PYNN_REST = 32 };

typedef struct {
    bits_t *marks;      /* (n_in,) not 0 where a row of this member is not */
    bits_t *merged;     /* (n_in,) not 0 where a row of any member is not */
    const bits_t *kept; /* marks, where the member is alone, or merged */
    uint32_t *list;     /* (n_in,) the columns that are kept */
    real *row;          /* (n_in,) one row, brought together */
    size_t n_entries;   /* of sparse rows in the columns that are this member's */
    int rest;           /* batches until the next look, plus 1 */
    const int64_t *ahead_order,
        *ahead_end;    /* numbers of rows yet to be fetched for the next batch */
    size_t ahead_done; /* bytes of the first of these that have been */
} pynn_columns;

/* What a chunk of sparse rows holds. */
typedef struct {
    uint32_t column, row;
    real value;
} pynn_entry;

/* Where it is brought into the order of columns. Each member has parts of these arrays. */
typedef struct {
    pynn_entry *entries[2]; /* each (n_entries,) */
    uint32_t *columns;      /* (n_entries,) */
    int64_t *starts;        /* (n_entries + n_threads,) */
    int32_t *rows;          /* (n_entries,) */
    real *values;           /* (n_entries,) */
} pynn_transposing;

/* Pairs of cache lines fetched at a time: the processor fetches the second of a pair by itself.
 * More at once would wait for one another. */
enum { PYNN_PAIRS_AHEAD = 24, PYNN_PAIR = 128 };

/* What a call asks for: activations; cost; all that lies between; cost and gradient; or parameters
 * that are trained. */
typedef enum { PYNN_PREDICTS, PYNN_COSTS, PYNN_TRACES, PYNN_GRADIENT, PYNN_TRAINS } pynn_purpose;

typedef struct {
    pynn_purpose purpose;
    const pynn_network *network;
    const pynn_data *data;
    const pynn_regularisation *regularisation; /* NULL: for prediction */
    int penalises;                             /* the penalty of some layer is not 0 */
    const pynn_kernels *kernels;
    int tuned;        /* 0: large products go to BLAS */
    int panel_bits;   /* the panel's columns are 2 to the power of this */
    pynn_watch watch; /* of member 0 */
    int n_layers;
    pynn_layer *layers; /* (n_layers,) */
    void *programs;     /* (n_threads,) each program_bytes: see program.h */
    size_t program_bytes;
    int descends;                /* tiles of the gradient update weights, by plain SGD */
    int checks_input;            /* whether rows are still to be looked at for NaN */
    atomic_int found_not_finite; /* one was found, and the team asked to stop */
    int keeps_gradient;          /* there is memory for a whole gradient: see `gradient` */
    int has_shadow;              /* there is memory for other parameters: see `shadow` */
    int wants_dx;
    size_t n_parameters; /* of all that is trained, padding included */
    size_t n_chunk;
    size_t n_padded;                  /* how many of these there are: */
    real *padded[2 + PYNN_MAX_SLOTS]; /* each (n_parameters,): parameters, slots, average */
    real *x;                          /* (n_chunk, n_in) gathered rows; NULL: sparse ones */
    real *scaled;                     /* the same times the input scale; or NULL: there is none */
    pynn_layout x_layout, input_layout;
    int64_t *starts, *ends; /* (n_chunk,) of gathered sparse rows; or NULL */
    size_t n_entries;       /* of sparse rows, the most of a chunk; 0 where it is not transposed */
    pynn_transposing transposing;
    pynn_columns *columns; /* (n_threads,) of each member */
    real *y;               /* (n_chunk, n_out), rows as far apart as the last layer's */
    real *row_scales;      /* (n_chunk,) weight of each row over the sum of the batch's */
    double *row_costs;     /* (n_chunk,) */
    real *dx;              /* (n_chunk, n_in), rows dx_stride apart: dC/dx; or NULL: not wanted */
    size_t dx_stride;
    double *pieces; /* sums of pieces of weights or of a gradient */
    real *gradient; /* (n_parameters,) or NULL: where it is kept as a whole */
    real *shadow;   /* (n_parameters,) or NULL: where updated parameters go, and then in turns */
    real *zeros;    /* (block_columns,) a gradient of 0 */
    real *scratch;  /* (n_threads, scratch_each) */
    size_t scratch_each, pack_reals; /* of it: packed panels */
    void *arena;                     /* the block in which all of these arrays lie */
    pynn_session *session;           /* whose block that is; or NULL */
} pynn_workspace;

/* What a workspace is for: n_steps batches of n_rows rows of the data. */
typedef struct {
    pynn_purpose purpose;
    int64_t n_rows;
    double n_steps;
    int n_beside;                              /* vectors like the parameters: slots, average */
    int descends;                              /* whether the rule is plain SGD */
    int wants_dx;                              /* of a trace */
    const pynn_regularisation *regularisation; /* NULL: for prediction */
} pynn_needs;

/* program_bytes: of each member, see program.h. On PYNN_NO_MEMORY there is nothing to free. */
pynn_status FN(pynn_workspace_new)(pynn_workspace *ws, const pynn_call *call,
                                   const pynn_needs *needs, size_t program_bytes);
void FN(pynn_workspace_free)(pynn_workspace *ws);

/* A member's scratch memory: packed panels, a block of a gradient. */
static inline real *pynn_panels_of(const pynn_workspace *ws, pynn_member member) {
    return ws->scratch + (size_t)member.id * ws->scratch_each;
}
static inline real *pynn_gradient_block_of(const pynn_workspace *ws, pynn_member member) {
    return pynn_panels_of(ws, member) + ws->pack_reals;
}

/* Where element (i, j) of a matrix lies. */
static inline size_t pynn_at(const pynn_workspace *ws, pynn_layout layout, size_t i, size_t j) {
    return (j >> ws->panel_bits) * layout.panel + i * layout.row + (j & (ws->kernels->panel - 1));
}

/* The same of a layer's weights in the parameters. */
static inline size_t pynn_weight_at(const pynn_workspace *ws, const pynn_layer *layer, size_t i,
                                    size_t j) {
    return layer->weights + pynn_at(ws, layer->w_layout, i, j);
}

static inline int pynn_in_panels(const pynn_workspace *ws, pynn_layout layout) {
    return layout.panel != ws->kernels->panel;
}

/* How many columns of a matrix lie side by side, at most. */
static inline size_t pynn_together(const pynn_workspace *ws, pynn_layout layout) {
    return pynn_in_panels(ws, layout) ? ws->kernels->panel : SIZE_MAX;
}

/* Between parameters or slots as they are given, dense, and as they lie in ws->padded. */
void FN(pynn_pad)(real *padded, const real *dense, const pynn_workspace *ws);
void FN(pynn_unpad)(real *dense, const real *padded, const pynn_workspace *ws);

#endif
