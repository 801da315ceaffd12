/* members.h - members that share weights: in hidden layers, member k computes z = s_k * ((r_k * x)
 * W) + b_k with the weights W of all (BatchEnsemble: Wen, Tran & Ba 2020). Between layers, a chunk
 * has the rows of member 0, then those of member 1, and so on, so that the products take them all
 * at once, and vectors of a member belong to consecutive rows. */
#ifndef PYNN_MEMBERS_H
#define PYNN_MEMBERS_H

#include "program.h"

/* Replace pass->x by r * x of each member, and keep the rows that they share in pass->shared. */
int FN(pynn_expand_input)(pynn_op *op, pynn_pass *pass);

/* In a piece of a hidden layer: z = s * sums + b. */
void FN(pynn_scale_sums)(const pynn_op *op, const pynn_pass *pass, pynn_piece of);

/* In a piece of a layer: multiply its outputs by r of the next layer. */
void FN(pynn_pass_on)(const pynn_op *op, const pynn_pass *pass, pynn_piece of);

/* The same two steps back. Turn deltas from the derivative by the next layer's input r * out into
 * that by out, or from dC/dz into dC/d(sums), and compute the gradient of r, or of s and b, in all
 * rows of a member. */
void FN(pynn_pass_back)(const pynn_op *op, const pynn_pass *pass, pynn_piece of);
void FN(pynn_scale_back)(const pynn_op *op, const pynn_pass *pass, pynn_piece of);

/* Turn ws->dx from the derivative by r * x into that by each member's x, and compute the gradient
 * of the first layer's r, for the members op->rows. */
int FN(pynn_expand_back)(pynn_op *op, pynn_pass *pass);

/* Sum ws->dx over the members, for the rows op->rows of data. */
int FN(pynn_sum_dx)(pynn_op *op, pynn_pass *pass);

/* Pass the gradients of a layer's biases, r and s to the updater, for the members op->rows. */
int FN(pynn_members_gradient)(pynn_op *op, pynn_pass *pass);

#endif
