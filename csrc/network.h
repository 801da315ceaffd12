/* network.h - what one mini-batch does: forward, cost, deltas, gradient. Every function here is
 * called by all members of a team at once, with the same arguments but `member`, and answers all
 * alike. */
#ifndef PYNN_NETWORK_H
#define PYNN_NETWORK_H

#include "gradient.h"
#include "layers.h"

/* Why the team was asked to stop; to be called after the barrier that said so. */
pynn_status FN(pynn_reason)(const FN(pynn_workspace) * ws);

/* Activations of all layers for a batch of at most n_chunk rows. Those of the output layer are
 * there for the member's own rows (pynn_rows_of), and for all after the next barrier. */
pynn_status FN(pynn_forward)(FN(pynn_workspace) * ws, const real *parameters, pynn_batch batch,
                             pynn_member member);

/* What a batch of any size costs on average, and the penalty on top of it. Unless sink is NULL the
 * gradient of both goes there. key: of the dropout in this update. */
pynn_status FN(pynn_batch_learn)(pynn_cost *cost, FN(pynn_workspace) * ws, const real *parameters,
                                 pynn_batch batch, uint64_t key, const FN(pynn_sink) * sink,
                                 pynn_member member);

/* z, a, da and delta of all layers, and dx if it is wanted, for a batch of at most n_chunk rows,
 * each row of its own cost; there is to be a workspace for that. They are there for all members. */
pynn_status FN(pynn_batch_trace)(FN(pynn_workspace) * ws, const real *parameters, pynn_batch batch,
                                 pynn_member member);

#endif
