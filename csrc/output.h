/* output.h - what follows the output layer: the cost of each row and the layer's deltas; and the
 * rows of a prediction or a trace, which are copied to where they are wanted. */
#ifndef PYNN_OUTPUT_H
#define PYNN_OUTPUT_H

#include "program.h"

/* Row costs and deltas of the output layer, for the member's rows. */
int FN(pynn_output_deltas)(pynn_op *op, pynn_pass *pass);

/* Adds the rows' costs to the pass's: the same in each member, after a barrier. */
int FN(pynn_add_costs)(pynn_op *op, pynn_pass *pass);

/* Copies the member's rows of the output, or of all that a trace wants. */
int FN(pynn_keep_outputs)(pynn_op *op, pynn_pass *pass);
int FN(pynn_keep_trace)(pynn_op *op, pynn_pass *pass);

#endif
