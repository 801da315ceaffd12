/* output.h - the steps after the output layer: row costs and the layer's deltas, and copying the
 * results of a prediction or trace to the caller's arrays. */
#ifndef PYNN_OUTPUT_H
#define PYNN_OUTPUT_H

#include "program.h"

/* Compute the row costs and deltas of the output layer for the member's rows. */
int FN(pynn_output_deltas)(pynn_op *op, pynn_pass *pass);

/* Add the costs of all rows to the pass's cost, after a barrier. Every member gets the same sum. */
int FN(pynn_add_costs)(pynn_op *op, pynn_pass *pass);

/* Copy the chunk's outputs, those of each member of the network, or the mean of these. */
int FN(pynn_keep_outputs)(pynn_op *op, pynn_pass *pass);
int FN(pynn_keep_mean)(pynn_op *op, pynn_pass *pass);

/* Copy the member's rows of all arrays of a trace. */
int FN(pynn_keep_trace)(pynn_op *op, pynn_pass *pass);

#endif
