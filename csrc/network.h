/* network.h - what one mini-batch does: forward, cost, deltas, gradient. */
#ifndef PYNN_NETWORK_H
#define PYNN_NETWORK_H

#include "blas.h"

/* Rows that go through the network together. A larger batch goes through in several such chunks and
 * its gradient is summed over them, so that memory does not grow with it. */
enum { PYNN_CHUNK_ROWS = 1024 };

/* One layer of weights and what lies behind it; every array is (n_chunk, n_out). */
typedef struct {
    size_t n_in, n_out;
    size_t weights, biases; /* where they begin in the parameters; no biases: both the same end */
    int activation;
    real *z;     /* weighted sums; the same array as a, unless something reads z later */
    real *a;     /* activations */
    real *delta; /* dC/dz of the batch's mean cost; NULL in a workspace for prediction */
} FN(pynn_layer);

/* Memory for one chunk, and the network it belongs to. */
typedef struct {
    const pynn_network *network;
    FN(pynn_context) context;
    int n_layers;
    FN(pynn_layer) *layers; /* (n_layers,) */
    size_t n_parameters;
    size_t n_chunk;
    real *x;           /* (n_chunk, n_in) gathered rows */
    FN(pynn_rows) input; /* rows at work: x, or the caller's own memory where its layout allows */
    real *y;           /* (n_chunk, n_out) */
    real *row_scales;  /* (n_chunk,) weight of each row over the sum of the batch's */
    double *row_costs; /* (n_chunk,) */
    void *arena;       /* the block in which all of these arrays lie */
} FN(pynn_workspace);

/* Workspace for chunks of at most n_rows rows; learns: with deltas. On PYNN_NO_MEMORY there is
 * nothing to free. */
pynn_status FN(pynn_workspace_new)(FN(pynn_workspace) * ws, const pynn_network *network,
                                   int64_t n_rows, int learns, pynn_watch *watch);
void FN(pynn_workspace_free)(FN(pynn_workspace) * ws);

/* Rows first .. first + n_rows - 1 of the order (NULL: of the data themselves). */
typedef struct {
    const int64_t *order; /* (data->n_rows,) */
    size_t first, n_rows;
} pynn_batch;

/* Activations of all layers for a batch of at most n_chunk rows. */
pynn_status FN(pynn_forward)(FN(pynn_workspace) * ws, const real *parameters, const pynn_data *data,
                             pynn_batch batch);

/* The mean cost of a batch of any size, its penalty, and unless gradient is NULL the gradient
 * (n_parameters,) of the cost alone. *l2 = what the penalty's gradient multiplies the weights by. */
pynn_status FN(pynn_batch_gradient)(pynn_cost *cost, real *gradient, double *l2,
                                    FN(pynn_workspace) * ws, const real *parameters,
                                    const pynn_data *data, pynn_batch batch,
                                    pynn_penalty penalty);

#endif
