/* dropout.h - selects the activations that are dropped in an update (Srivastava et al. 2014), as a
 * function of their position alone. So no mask is stored, and the selection is the same in the
 * forward and backward pass, for any number of threads, any instruction set and both dtypes. */
#ifndef PYNN_DROPOUT_H
#define PYNN_DROPOUT_H

#include <stddef.h>
#include <stdint.h>

/* Derive a key from a key and a number. Keys are nested: fit, update, layer, row. The result is
 * output `number`, counted from 0, of SplitMix64 (Steele, Lea & Flood 2014) seeded with `key`. */
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

/* Random number of a column, given the key of its row. Both halves of the key are mixed in: with
 * the lower half alone, rows with close keys would get the same numbers, shifted by some
 * columns. */
static inline uint32_t pynn_draw(uint64_t key, uint32_t column) {
    return pynn_scramble(pynn_scramble((uint32_t)key + column) ^ (uint32_t)(key >> 32));
}

/* Dropout mask of a part of a layer. */
typedef struct {
    uint64_t key;  /* of the layer in this update */
    double rate;   /* fraction that is dropped */
    uint64_t row;  /* number of the first row in the mini-batch */
    size_t column; /* first column in the layer */
} pynn_mask;

#endif
