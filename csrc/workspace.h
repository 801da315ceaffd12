/* workspace.h - the memory of one call: the arrays between a network's layers for a chunk of rows,
 * and the layout of parameters during training. */
#ifndef PYNN_WORKSPACE_H
#define PYNN_WORKSPACE_H

#include <stdatomic.h>

#include "kernels.h"
#include "session.h"
#include "team.h"
#include "watch.h"

/* Maximum rows of a chunk. A larger batch is processed in several chunks, and its gradient is
 * summed over them, so that memory does not grow with the batch. */
enum { PYNN_CHUNK_ROWS = 1024 };

/* Maximum rows of a chunk for predictions, where each member has its own rows: multiples of the
 * tile heights 6 and 14. The larger one is for weights that do not fit a second-level cache. */
enum { PYNN_PREDICTED_ROWS = 84, PYNN_PREDICTED_ROWS_OF_LARGE = 252, PYNN_LARGE_BYTES = 256 << 10 };

/* Of members that share weights, a chunk has fewer rows, all members' together: several arrays of a
 * layer are passed through after each product, and stay in the second-level cache (32 members of
 * 50-256-256-1: 7% faster than with 1024). The outputs of a member, which are a product of its own,
 * have at least PYNN_ROWS_OF_MEMBER rows. */
enum { PYNN_CHUNK_ROWS_OF_MEMBERS = 512, PYNN_ROWS_OF_MEMBER = 12 };

/* Rows of data are copied into panels if a chunk has at least PYNN_ROWS_IN_PANELS of them; fewer
 * fit the first-level cache. Without a gradient, this is done only if rows are longer than a page
 * (PYNN_LONG_ROW bytes) and a product has at least PYNN_PANELS_OF_LONG panels: each panel would
 * cause a TLB miss for every row. */
enum { PYNN_ROWS_IN_PANELS = 32, PYNN_PANELS_OF_LONG = 8, PYNN_LONG_ROW = 4096 };

/* During training, parameters are stored in panels, or in rows that begin at a cache line or divide
 * one evenly: then no vector straddles two lines, and no line is written by two threads. They are
 * copied to this layout if training makes at least PYNN_PADDED_STEPS steps, or at least
 * PYNN_PADDED_PREDICTIONS rows are predicted, and the copies take at most PYNN_PADDED_BYTES. */
enum { PYNN_PADDED_STEPS = 8, PYNN_PADDED_BYTES = 32 << 20, PYNN_PADDED_PREDICTIONS = 256 };

/* If the gradient of a step takes more multiply-adds, parameters are not updated in place: this
 * cannot be interrupted, and would take more than 50 ms in double on a core of 120 GFLOP/s. The
 * whole gradient is computed and kept first. Plain SGD instead writes updated weights to a shadow
 * of the old ones, which takes no more memory. */
#define PYNN_LONG_GRADIENT 3e9

/* A group of parameters: a matrix (n_rows, n). */
typedef struct {
    size_t n_rows, n;   /* n_rows 0: there is no such group */
    size_t at;          /* its offset in the parameters */
    pynn_layout layout; /* rows without padding, except for weights */
} pynn_group;

/* Number of groups of a layer, of those among them that are trained, which come first, and of
 * groups before the first layer. */
enum { PYNN_N_GROUPS = 8, PYNN_N_TRAINED = 6, PYNN_N_INPUT_GROUPS = 2 };

/* One layer of weights and the arrays that it computes, each (n_rows, n_out) with n_rows =
 * n_chunk * n_members. */
typedef struct {
    size_t n_in, n_out;
    pynn_layout layout; /* of these arrays */
    union {             /* its parameters, in their order in the vector of all parameters */
        struct {
            pynn_group weights, biases, gains, alphas, r, s, means, variances;
        };
        pynn_group groups[PYNN_N_GROUPS];
    };
    size_t trained_end, end; /* offsets after the last trained group, and after all */
    int activation;
    real parameter; /* of the activation */
    real *z;        /* input of the activation; the same array as a, unless it is read later */
    real *a;        /* activations f(z); after the backward pass of a parametric layer, terms of the
                       gradient of its alphas */
    real *out; /* input of the next layer: a, blended with z if parametric, after dropout, plus the
                  layer's input if residual */
    double dropout;  /* dropout rate, 0 except in training; updates may have others */
    real *delta;     /* derivative of the batch's mean cost by the weighted sums: dC/dz, or dC/du of
                        a normalised layer; NULL for predictions */
    real *da;        /* dC/da; the same array as delta, unless both are kept */
    int is_residual; /* whether the layer adds its input */
    pynn_norm norm;
    real *sums; /* weighted sums, normalised in place by a norm; without one the same array as z */
    real *scales; /* (n_rows,) 1 / standard deviation of each row's sums; for layer norm */
    real *batch_means, *batch_variances; /* (n_out,) of the batch's sums; for batch norm */
    real *dz;                            /* dC/dz; the same array as delta without a norm */
    real *dblend;                        /* dC/d(blend of a and z), for a parametric layer */
    real *panels; /* copy of delta in panels, for an output layer in rows; or NULL */
    size_t panels_apart;
    size_t n_heads; /* matrices of weights, one below the other: one for each member, or 1 */
    real *in;       /* (n_rows, n_in) r * the outputs of the layer before, or * x; NULL without r */
    real *d_biases, *d_r, *d_s; /* (n_members, n_out or n_in) their gradients for a chunk, rows in
                                   whole vectors; NULL without members */
} pynn_layer;

/* The search for input columns that are 0 in all rows of a batch. Products with the first layer's
 * weights, and updates of these weights by plain SGD, can skip such columns (MNIST, 10 rows: 49%
 * are left). The search costs about as much as copying the rows. If it finds less than an eighth of
 * the columns, the next batches are not searched. */
enum { PYNN_FEW_COLUMNS = 32, PYNN_FEWER_COLUMNS = 8, PYNN_REST = 32 };

typedef struct {
    bits_t *marks;      /* (n_columns,) nonzero for columns used by this member's rows */
    bits_t *merged;     /* (n_columns,) nonzero for columns used by any member's rows */
    const bits_t *kept; /* marks if the member is alone, otherwise merged */
    uint32_t *list;     /* (n_columns,) indices of the kept columns */
    real *row;          /* (n_columns,) one gathered row */
    size_t n_entries;   /* entries of sparse rows in this member's columns */
    int rest;           /* the rest-th batch from now is searched; 0: the next */
    const int64_t *ahead_order, *ahead_end; /* the next batch's rows that are not yet prefetched */
    size_t ahead_done; /* bytes of the first of these rows that are prefetched */
} pynn_columns;

/* An entry of a sparse row. */
typedef struct {
    uint32_t column, row;
    real value;
} pynn_entry;

/* Memory for sorting the entries of a chunk by column. Each member uses a part of each array. */
typedef struct {
    pynn_entry *entries[2]; /* each (n_entries,) */
    uint32_t *columns;      /* (n_entries,) */
    int64_t *starts;        /* (n_entries + n_threads,) */
    int32_t *rows;          /* (n_entries,) */
    real *values;           /* (n_entries,) */
} pynn_transposing;

/* Pairs of cache lines prefetched at a time, and bytes of a pair: the processor fetches the second
 * line of a pair by itself. More prefetches at once would stall. */
enum { PYNN_PAIRS_AHEAD = 24, PYNN_PAIR = 128 };

/* Purpose of a call: predictions, a cost, a trace, a cost and its gradient, or training. */
typedef enum { PYNN_PREDICTS, PYNN_COSTS, PYNN_TRACES, PYNN_GRADIENT, PYNN_TRAINS } pynn_purpose;

typedef struct {
    pynn_purpose purpose;
    const pynn_network *network;
    const pynn_data *data;
    const pynn_regularisation *regularisation; /* NULL for predictions */
    int penalises;                             /* the penalty of a layer is not 0 */
    const pynn_kernels *kernels;
    int tuned;        /* 0: large products go to BLAS */
    int panel_bits;   /* log2 of the panel's columns */
    pynn_watch watch; /* used by member 0 */
    int n_layers;
    pynn_layer *layers; /* (n_layers,) */
    void *programs;     /* (n_threads,) of program_bytes each, see program.h */
    size_t program_bytes;
    int descends;                /* plain SGD: tiles that compute the gradient update weights */
    int checks_input;            /* whether rows are still to be checked for infinity and NaN */
    atomic_int found_not_finite; /* a row was not finite, and the team was asked to stop */
    int keeps_gradient;          /* there is memory for a whole gradient, see `gradient` */
    int has_shadow;              /* there is memory for a copy of the parameters, see `shadow` */
    int wants_dx;
    int has_batch_norm; /* in some layer */
    int members_apart;
    size_t n_members; /* a chunk has so many rows between layers for each row of data: first those
                         of member 0, then those of member 1, ...; 1 without members */
    size_t n_columns; /* of the data: the n_in of the first layer unless there are embeddings */
    union {           /* before the first layer's parameters, in their order */
        struct {
            pynn_group embeddings, scale; /* of all embeddings (1, .); the input scale (1, n_in) */
        };
        pynn_group input_groups[PYNN_N_INPUT_GROUPS];
    };
    size_t n_parameters; /* of the network, including padding */
    size_t n_chunk;
    size_t n_padded;                  /* number of arrays in `padded` */
    real *padded[2 + PYNN_MAX_SLOTS]; /* each (n_parameters,): parameters, slots, average */
    real *x;        /* (n_chunk, n_columns) gathered rows; NULL if they are sparse */
    real *embedded; /* (n_chunk, n_in) embedded rows, dx_stride apart; NULL without embeddings */
    real *scaled;   /* (n_chunk, n_in) x or embedded times the input scale, or embedded in panels;
                       NULL if it is x or embedded */
    pynn_layout x_layout, scaled_layout, input_layout; /* input_layout: what products read */
    int64_t *starts, *ends; /* (n_chunk,) of gathered sparse rows; or NULL */
    size_t n_entries; /* maximum number of sparse entries in a chunk; 0 if it is not transposed */
    pynn_transposing transposing;
    pynn_columns *columns; /* (n_threads,) one for each member */
    real *y;               /* (n_rows, n_out), with the output layer's row stride */
    real *row_scales;      /* (n_rows,) share of each row in the mean cost of the batch */
    double *row_costs;     /* (n_rows,) */
    real *dx;              /* (n_rows, n_in) dC/dx, rows dx_stride apart; NULL if not wanted */
    size_t dx_stride;
    real *d_embedded;   /* dC/d(embedded): the same array as dx unless there is an input scale */
    real *d_columns;    /* (n_chunk, n_columns) dC/dx, for a trace: the same array as d_embedded
                           without embeddings */
    real *d_embeddings; /* (n,) gradient of the embeddings; NULL if it is not wanted */
    real *rooms;        /* (n_threads, room_each) for kernels of embeddings */
    size_t room_each;
    double *pieces; /* partial sums over weights or a gradient */
    real *gradient; /* (n_parameters,) the whole gradient; NULL if it is not kept */
    real *shadow;   /* (n_parameters,) alternates with the trained parameters; or NULL */
    real *zeros;    /* (block_columns,) a gradient of zeros */
    real *scratch;  /* (n_threads, scratch_each) */
    size_t scratch_each, pack_reals; /* pack_reals: for packed panels */
    void *arena;                     /* the block that contains all of these arrays */
    pynn_session *session;           /* owner of that block; or NULL */
} pynn_workspace;

/* Requirements for a workspace: n_steps batches of n_rows rows of the data. */
typedef struct {
    pynn_purpose purpose;
    int64_t n_rows;
    double n_steps;
    int n_beside;                              /* vectors beside parameters: slots, average */
    int descends;                              /* whether the rule is plain SGD */
    int wants_dx;                              /* for a trace */
    const pynn_regularisation *regularisation; /* NULL for predictions */
} pynn_needs;

/* program_bytes: for each member, see program.h. After PYNN_NO_MEMORY, there is nothing to free. */
pynn_status FN(pynn_workspace_new)(pynn_workspace *ws, const pynn_call *call,
                                   const pynn_needs *needs, size_t program_bytes);
void FN(pynn_workspace_free)(pynn_workspace *ws);

/* A member's scratch memory: packed panels and a block of a gradient. */
static inline real *pynn_panels_of(const pynn_workspace *ws, pynn_member member) {
    return ws->scratch + (size_t)member.id * ws->scratch_each;
}
static inline real *pynn_gradient_block_of(const pynn_workspace *ws, pynn_member member) {
    return pynn_panels_of(ws, member) + ws->pack_reals;
}

/* Offset of element (i, j) of a matrix. */
static inline size_t pynn_at(const pynn_workspace *ws, pynn_layout layout, size_t i, size_t j) {
    return (j >> ws->panel_bits) * layout.panel + i * layout.row + (j & (ws->kernels->panel - 1));
}

/* Offset of a layer's weight (i, j) in the parameters. */
static inline size_t pynn_weight_at(const pynn_workspace *ws, const pynn_layer *layer, size_t i,
                                    size_t j) {
    return layer->weights.at + pynn_at(ws, layer->weights.layout, i, j);
}

/* n rounded up to whole vectors. */
static inline size_t pynn_whole_vectors(const pynn_workspace *ws, size_t n) {
    return (n + ws->kernels->lanes - 1) / ws->kernels->lanes * ws->kernels->lanes;
}

static inline int pynn_in_panels(const pynn_workspace *ws, pynn_layout layout) {
    return layout.panel != ws->kernels->panel;
}

/* Maximum number of columns of a matrix that are contiguous. */
static inline size_t pynn_together(const pynn_workspace *ws, pynn_layout layout) {
    return pynn_in_panels(ws, layout) ? ws->kernels->panel : SIZE_MAX;
}

/* Convert parameters or slots between the caller's dense layout and that of ws->padded. */
void FN(pynn_pad)(real *padded, const real *dense, const pynn_workspace *ws);
void FN(pynn_unpad)(real *dense, const real *padded, const pynn_workspace *ws);

#endif
