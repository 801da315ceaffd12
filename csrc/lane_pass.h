/* lane_pass.h - the parts of an update of several networks, each in its own lane of the vectors. */
#ifndef PYNN_LANE_PASS_H
#define PYNN_LANE_PASS_H

#include "kernels.h"
#include "lanes.h"
#include "watch.h"

/* Rows that pass through all layers before the next, and bytes of a row of units that pass through
 * an activation at a time: these units stay in the first-level cache. */
enum { PYNN_LANE_ROWS = 24, PYNN_LANE_BYTES = 12 * 64 };

/* Every number of a matrix is a vector here, with the number of each lane. */
typedef struct {
    size_t n_in, n_out;
    size_t weights, biases; /* offsets in the parameters */
    size_t row;             /* stride of the arrays of units */
    int activation;
    real parameter;
    real *z, *a; /* (PYNN_LANE_ROWS, n_out); the same array unless the derivative reads z. A column
                    of ones follows: the product for the gradient then sums biases too */
} pynn_lane_layer;

typedef struct {
    pynn_training *training;
    int runs;     /* 0: it ended or never was: its lane holds zeros at first and nobody reads it */
    double total; /* sum of the batch's row weights */
    double cost;  /* of the batch's rows so far */
    pynn_cost epoch;
} pynn_lane;

typedef struct {
    const pynn_kernels *kernels;
    size_t n_lanes, n_layers, n_parameters;
    const pynn_training *like; /* any of them: the settings that all share */
    pynn_lane lanes[PYNN_MOST_LANES];
    int n_running;
    pynn_lane_layer *layers;
    real *parameters, *gradient, *slots[PYNN_MAX_SLOTS]; /* (n_parameters,) each */
    real *x, *y, *deltas[2];                             /* (PYNN_LANE_ROWS, .) */
    real *row_scales;                                    /* (PYNN_LANE_ROWS,) */
    double *shares, *row_costs;                          /* (PYNN_LANE_ROWS,) */
    int64_t n_updates;
    pynn_watch watch;
    size_t x_row, block_units;
    double work; /* multiply-adds for a row */
    int stopped;
} pynn_lanes;

/* Load rows first .. first + n_rows - 1 of each lane's order, and their shares of the batch. */
void FN(pynn_lane_load_rows)(pynn_lanes *g, size_t first, size_t n_rows);

/* The activations of all layers for these rows; their costs and the output layer's deltas; their
 * part of the gradient. */
void FN(pynn_lane_forward)(pynn_lanes *g, size_t n_rows);
void FN(pynn_lane_compare)(pynn_lanes *g, size_t n_rows);
void FN(pynn_lane_backward)(pynn_lanes *g, size_t n_rows);

/* sums (n_lanes,) = the penalty, added up like pynn_sum_penalty. */
void FN(pynn_lane_sum_penalties)(double *sums, const pynn_lanes *g, double divisor);

/* Update all parameters by the gradient. */
void FN(pynn_lane_update)(pynn_lanes *g, double divisor);

#endif
