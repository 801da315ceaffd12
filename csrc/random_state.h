/* random_state.h - numpy.random.RandomState with an int as its seed: the Mersenne Twister of
 * Matsumoto & Nishimura 1998, and the draws that initial parameters take from it. Only wasm.c
 * includes it: elsewhere, NumPy itself is the source. */
#ifndef PYNN_RANDOM_STATE_H
#define PYNN_RANDOM_STATE_H

#include <math.h>
#include <stdint.h>

enum { TWISTER_WORDS = 624, TWISTER_DISTANCE = 397 };

typedef struct {
    uint32_t words[TWISTER_WORDS];
    int n_used;
    int has_normal; /* normal numbers come in pairs: whether the second one waits */
    double normal;
} random_state;

static inline void seed_random_state(random_state *of, uint32_t seed) {
    for (int i = 0; i < TWISTER_WORDS; i++) {
        of->words[i] = seed;
        seed = 1812433253u * (seed ^ seed >> 30) + (uint32_t)i + 1;
    }
    of->n_used = TWISTER_WORDS;
    of->has_normal = 0;
}

static inline void twist(uint32_t *words) {
    for (int i = 0; i < TWISTER_WORDS; i++) {
        const uint32_t next = words[(i + 1) % TWISTER_WORDS];
        const uint32_t both = (words[i] & 0x80000000u) | (next & 0x7fffffffu);
        words[i] = words[(i + TWISTER_DISTANCE) % TWISTER_WORDS] ^ both >> 1 ^
                   (both & 1 ? 0x9908b0dfu : 0);
    }
}

static inline uint32_t draw_uint32(void *state) {
    random_state *of = state;
    if (of->n_used == TWISTER_WORDS) {
        twist(of->words);
        of->n_used = 0;
    }
    uint32_t x = of->words[of->n_used++];
    x ^= x >> 11;
    x ^= x << 7 & 0x9d2c5680u;
    x ^= x << 15 & 0xefc60000u;
    return x ^ x >> 18;
}

static inline uint64_t draw_uint64(void *state) {
    const uint64_t high = draw_uint32(state);
    return high << 32 | draw_uint32(state);
}

/* From 0 up to but not including 1, with 53 random bits. */
static inline double draw_double(random_state *of) {
    const double high = draw_uint32(of) >> 5, low = draw_uint32(of) >> 6;
    return (high * 0x1p26 + low) / 0x1p53;
}

static inline double draw_uniform(random_state *of, double low, double high) {
    return low + (high - low) * draw_double(of);
}

/* Marsaglia's polar method, as RandomState has it. */
static inline double draw_normal(random_state *of) {
    if (of->has_normal) {
        of->has_normal = 0;
        return of->normal;
    }
    double x, y, square;
    do {
        x = 2 * draw_double(of) - 1;
        y = 2 * draw_double(of) - 1;
        square = x * x + y * y;
    } while (square >= 1 || square == 0);
    const double factor = sqrt(-2 * log(square) / square);
    of->normal = factor * x;
    of->has_normal = 1;
    return factor * y;
}

#endif
