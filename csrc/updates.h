/* updates.h - updates parameters by their gradient: the coefficients of each group of parameters,
 * and flushing of subnormal numbers while slots are updated. */
#ifndef PYNN_UPDATES_H
#define PYNN_UPDATES_H

#include <string.h>

#include "flush.h"
#include "program.h"

/* Coefficients of parameters whose learning rate is multiplied by this factor. */
static inline pynn_step pynn_step_with_factor(const pynn_updater *updater, double factor) {
    return step_of(updater->optimizer, updater->rate * factor, updater->n_updates);
}

/* Factors of the learning rate of layer l's weights, and of its other parameters; NULL: both are
 * 1. */
static inline const double *pynn_factors_of(const pynn_updater *updater, int l) {
    const double *all = updater->plan ? updater->plan->rate_factors : NULL;
    return all ? all + 2 * l : NULL;
}

/* Coefficients of layer l's weights; stored in `room` if they differ from other layers'. */
static inline const pynn_step *pynn_step_of_weights(pynn_step *room, const pynn_pass *pass, int l,
                                                    int penalises) {
    const pynn_updater *updater = pass->updater;
    const double *factors = pynn_factors_of(updater, l);
    if (!factors && !penalises) { return &updater->of_weights; }
    *room = factors ? pynn_step_with_factor(updater, factors[0]) : updater->of_weights;
    if (penalises) {
        const pynn_penalty *penalty = &pass->penalty;
        *room = with_penalty(*room, penalty->l2[l] / pass->divisor, penalty->l1[l] / pass->divisor);
    }
    return room;
}

/* Coefficients of layer l's biases and all other trained parameters but weights, which have neither
 * penalty nor weight decay. */
static inline const pynn_step *pynn_step_of_biases(pynn_step *room, const pynn_pass *pass, int l) {
    const double *factors = pynn_factors_of(pass->updater, l);
    if (!factors) { return &pass->updater->of_biases; }
    *room = pynn_step_with_factor(pass->updater, factors[1]);
    room->decay = 0;
    return room;
}

/* Coefficients of a group before the first layer: the embeddings or the input scale. */
static inline const pynn_step *pynn_step_of_input(pynn_step *room, const pynn_pass *pass,
                                                  const pynn_group *group) {
    const pynn_plan *plan = pass->updater->plan;
    if (!plan) { return &pass->updater->of_biases; }
    const int is_scale = group == &pass->ws->scale;
    *room = pynn_step_with_factor(pass->updater,
                                  is_scale ? plan->scale_rate_factor : plan->embedding_rate_factor);
    room->decay = 0;
    return room;
}

/* Update the parameters of a block that begins at offset `at`. The block is passed by pointer,
 * because copying a struct right after writing its fields would stall. */
static inline void pynn_apply(const pynn_updater *updater, const pynn_step *step, size_t at,
                              pynn_block *block) {
    block->w = updater->w + at;
    for (int k = 0; k < PYNN_MAX_SLOTS; k++) {
        block->slots[k] = updater->slots[k] ? updater->slots[k] + at : NULL;
    }
    if (updater->from && updater->from != updater->w) {
        for (size_t i = 0; i < block->n_rows; i++) {
            memcpy(block->w + i * block->stride, updater->from + at + i * block->stride,
                   block->n * sizeof(real));
        }
    }
    const pynn_mode mode = updater->flushes ? pynn_flush_subnormals() : 0;
    updater->update(block, step);
    if (updater->flushes) { pynn_restore_mode(mode); }
}

/* Update n contiguous parameters by their contiguous gradient. */
static inline void pynn_apply_dense(const pynn_updater *updater, const pynn_step *step, size_t at,
                                    const real *g, size_t n) {
    pynn_block block;
    block.stride = block.g_stride = block.n = n;
    block.n_rows = 1;
    block.g = g;
    pynn_apply(updater, step, at, &block);
}

#endif
