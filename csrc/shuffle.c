#include "shuffle.h"

/* Uniform in [0, max], by masked rejection sampling as in RandomState, so that our networks and
 * scikit-learn's visit rows in the same order. */
static uint64_t draw_up_to(uint64_t max, const pynn_random *random) {
    uint64_t mask = max;
    for (int shift = 1; shift < 64; shift *= 2) { mask |= mask >> shift; }
    uint64_t value;
    do {
        value = mask & (max <= UINT32_MAX ? random->next_uint32(random->state)
                                          : random->next_uint64(random->state));
    } while (value > max);
    return value;
}

/* Fisher-Yates shuffle, from the last place down (Knuth, TAOCP 2, algorithm 3.4.2 P). */
void pynn_shuffle(int64_t *order, int64_t n, const pynn_random *random) {
    for (int64_t i = n - 1; i > 0; i--) {
        const int64_t j = (int64_t)draw_up_to((uint64_t)i, random);
        const int64_t row = order[i];
        order[i] = order[j];
        order[j] = row;
    }
}
