/* embed.h - embeddings: some columns of x are each replaced by several numbers. */
#ifndef PYNN_EMBED_H
#define PYNN_EMBED_H

#include "program.h"

/* Replace pass->x by embedded rows, and keep the original in pass->columns. */
int FN(pynn_embed)(pynn_op *op, pynn_pass *pass);

/* Compute the gradient of the member's embeddings (op->columns are their numbers) from
 * ws->d_embedded, and pass it to the updater. */
int FN(pynn_embed_gradient)(pynn_op *op, pynn_pass *pass);

/* Compute dC/dx by the columns of x, for the member's rows of a trace. */
int FN(pynn_embed_dx)(pynn_op *op, pynn_pass *pass);

#endif
