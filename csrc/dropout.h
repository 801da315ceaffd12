/* dropout.h - which activations are left out of an update (Srivastava et al. 2014): a function of
 * their place alone. So no mask is stored, and forward and backward, any number of threads, any
 * instruction set and both dtypes have the same. */
#ifndef PYNN_DROPOUT_H
#define PYNN_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

/* A number's key below another key, as: fit, update, layer, row. It is what SplitMix64 (Steele, Lea
 * & Flood 2014) puts out as its number-th, from 0, when it is seeded with the key. */
static inline uint64_t pynn_key(uint64_t key, uint64_t number) {
    uint64_t x = key + (number + 1) * 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Wellons's finalizer "lowbias32" (hash-prospector, 2018) */
static inline uint32_t pynn_scramble(uint32_t x) {
    x = (x ^ x >> 16) * 0x7feb352du;
    x = (x ^ x >> 15) * 0x846ca68bu;
    return x ^ x >> 16;
}

/* A number for a column, given its row's key: once with each half of it, so that rows whose lower
 * halves are close to each other do not get the same numbers some columns apart. */
static inline uint32_t pynn_draw(uint64_t key, uint32_t column) {
    return pynn_scramble(pynn_scramble((uint32_t)key + column) ^ (uint32_t)(key >> 32));
}

/* The mask of a part of a layer. */
typedef struct {
    uint64_t key;       /* of the layer in this update */
    double rate;        /* the share that is dropped */
    size_t row, column; /* where the part begins, in the mini-batch and in the layer */
} pynn_mask;

#endif
