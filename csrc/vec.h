/* vec.h - one vector register of reals, as wide as the instruction set provides. Compilers support
 * arithmetic on `vec`, in which a scalar stands for all lanes; this file adds the other
 * operations. */
#ifndef PYNN_VEC_H
#define PYNN_VEC_H

#include <math.h>
#include <string.h>

#include "real.h"

#if defined(__AVX512F__)
#define VEC_BYTES 64
#elif defined(__AVX2__)
#define VEC_BYTES 32
#else
#define VEC_BYTES 16
#endif

#if VEC_BYTES > 16
#include <immintrin.h>
#endif

#define LANES (VEC_BYTES / sizeof(real))
#define INLINE static inline __attribute__((always_inline))

/* Constructs that gcc and clang spell differently. UNROLL and IVDEP (iterations are independent)
 * precede a loop. PICK_LANES takes constant lane numbers; lanes of w are numbered after those of
 * v. */
#define PRAGMA(text) _Pragma(#text)
#if defined(__clang__)
#define UNROLL(n) PRAGMA(unroll n)
#define IVDEP PRAGMA(clang loop vectorize(assume_safety))
#define PICK_LANES(v, w, ...) __builtin_shufflevector(v, w, __VA_ARGS__)
#else
#define UNROLL(n) PRAGMA(GCC unroll n)
#define IVDEP PRAGMA(GCC ivdep)
#define PICK_LANES(v, w, ...) __builtin_shuffle(v, w, (lanes_t){__VA_ARGS__})
#endif

/* Loads and stores are unaligned, because weights are. */
typedef real vec __attribute__((vector_size(VEC_BYTES), aligned(sizeof(real)), may_alias));

#if PYNN_BITS == 32
typedef int32_t sbits_t;
#else
typedef int64_t sbits_t;
#endif
typedef sbits_t lanes_t __attribute__((vector_size(VEC_BYTES)));

/* Comma-separated list of f(lane, x) for all lanes */
#define LANES_0_TO_1(f, x) f(0, x), f(1, x)
#define LANES_0_TO_3(f, x) LANES_0_TO_1(f, x), f(2, x), f(3, x)
#define LANES_0_TO_7(f, x) LANES_0_TO_3(f, x), f(4, x), f(5, x), f(6, x), f(7, x)
#if VEC_BYTES * 8 / PYNN_BITS == 16
#define FOR_LANES(f, x)                                                                            \
    LANES_0_TO_7(f, x), f(8, x), f(9, x), f(10, x), f(11, x), f(12, x), f(13, x), f(14, x), f(15, x)
#elif VEC_BYTES * 8 / PYNN_BITS == 8
#define FOR_LANES(f, x) LANES_0_TO_7(f, x)
#elif VEC_BYTES * 8 / PYNN_BITS == 4
#define FOR_LANES(f, x) LANES_0_TO_3(f, x)
#else
#define FOR_LANES(f, x) LANES_0_TO_1(f, x)
#endif
#define ITS_NUMBER(lane, x) lane
#define LANE_NUMBERS ((lanes_t){FOR_LANES(ITS_NUMBER, )})

INLINE vec load(const real *x) { return *(const vec *)x; }

INLINE void store(real *x, vec v) { *(vec *)x = v; }

#if defined(__AVX512F__) && PYNN_BITS == 32
#define MASK(n) ((__mmask16)((1u << (n)) - 1)) /* 0 < n <= 16; the constant 16 needs no mask */
INLINE vec load_first(const real *x, size_t n) { return (vec)_mm512_maskz_loadu_ps(MASK(n), x); }
INLINE void store_first(real *x, vec v, size_t n) { _mm512_mask_storeu_ps(x, MASK(n), (__m512)v); }
INLINE vec vsqrt(vec v) { return (vec)_mm512_sqrt_ps((__m512)v); }
/* Write the lanes of v with nonzero marks to out, followed by arbitrary values. Returns their
 * number. */
#define COMPRESSES
INLINE size_t compress(real *out, vec v, const bits_t *marks /* (LANES,) */) {
    const __m512i m = _mm512_loadu_si512(marks);
    const __mmask16 kept = _mm512_test_epi32_mask(m, m);
    store(out, (vec)_mm512_maskz_compress_ps(kept, (__m512)v));
    return (size_t)__builtin_popcount(kept);
}
/* The same for the numbers first, first + 1, ... */
INLINE size_t compress_numbers(uint32_t *out, uint32_t first, const bits_t *marks) {
    const __m512i m = _mm512_loadu_si512(marks), step = _mm512_set1_epi32((int)first);
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __mmask16 kept = _mm512_test_epi32_mask(m, m);
    _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(kept, _mm512_add_epi32(lanes, step)));
    return (size_t)__builtin_popcount(kept);
}
#elif defined(__AVX512F__)
#define MASK(n) ((__mmask8)((1u << (n)) - 1))
INLINE vec load_first(const real *x, size_t n) { return (vec)_mm512_maskz_loadu_pd(MASK(n), x); }
INLINE void store_first(real *x, vec v, size_t n) { _mm512_mask_storeu_pd(x, MASK(n), (__m512d)v); }
INLINE vec vsqrt(vec v) { return (vec)_mm512_sqrt_pd((__m512d)v); }
#define COMPRESSES
INLINE size_t compress(real *out, vec v, const bits_t *marks) {
    const __m512i m = _mm512_loadu_si512(marks);
    const __mmask8 kept = _mm512_test_epi64_mask(m, m);
    store(out, (vec)_mm512_maskz_compress_pd(kept, (__m512d)v));
    return (size_t)__builtin_popcount(kept);
}
INLINE size_t compress_numbers(uint32_t *out, uint32_t first, const bits_t *marks) {
    const __m512i m = _mm512_loadu_si512(marks);
    const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i numbers = _mm256_add_epi32(lanes, _mm256_set1_epi32((int)first));
    const __mmask8 kept = _mm512_test_epi64_mask(m, m);
    _mm256_storeu_si256((__m256i *)out, _mm256_maskz_compress_epi32(kept, numbers));
    return (size_t)__builtin_popcount(kept);
}
#elif defined(__AVX2__)
/* A window into this array is a mask of n lanes. */
static const int32_t ones_then_zeros[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
INLINE __m256i mask(size_t n) {
    const size_t n_words = n * (sizeof(real) / 4);
    return _mm256_loadu_si256((const __m256i *)(ones_then_zeros + 8 - n_words));
}
#if PYNN_BITS == 32
#define MASKED_LOAD(x, n) ((vec)_mm256_maskload_ps(x, mask(n)))
#define MASKED_STORE(x, v, n) _mm256_maskstore_ps(x, mask(n), (__m256)(v))
INLINE vec vsqrt(vec v) { return (vec)_mm256_sqrt_ps((__m256)v); }
#else
#define MASKED_LOAD(x, n) ((vec)_mm256_maskload_pd(x, mask(n)))
#define MASKED_STORE(x, v, n) _mm256_maskstore_pd(x, mask(n), (__m256d)(v))
INLINE vec vsqrt(vec v) { return (vec)_mm256_sqrt_pd((__m256d)v); }
#endif
/* Whole vectors need no mask: AMD processors with AVX2 take many cycles for a masked store. */
INLINE vec load_first(const real *x, size_t n) { return n == LANES ? load(x) : MASKED_LOAD(x, n); }
INLINE void store_first(real *x, vec v, size_t n) {
    if (n == LANES) {
        store(x, v);
    } else {
        MASKED_STORE(x, v, n);
    }
}
#else
INLINE vec load_first(const real *x, size_t n) {
    if (n == LANES) { return load(x); }
    vec v = {0};
    for (size_t i = 0; i < n; i++) { v[i] = x[i]; }
    return v;
}
INLINE void store_first(real *x, vec v, size_t n) {
    if (n == LANES) {
        store(x, v);
        return;
    }
    for (size_t i = 0; i < n; i++) { x[i] = v[i]; }
}
INLINE vec vsqrt(vec v) {
    for (size_t i = 0; i < LANES; i++) { v[i] = LIBM(sqrt)(v[i]); }
    return v;
}
#endif

/* The first n lanes of v, and `otherwise` in the other lanes. */
INLINE vec lanes_before(vec v, size_t n, real otherwise) {
    const lanes_t is_before = LANE_NUMBERS < (sbits_t)(n < LANES ? n : LANES);
    return (vec)(((lanes_t)v & is_before) | ((lanes_t)((vec){0} + otherwise) & ~is_before));
}

/* Return v, but prevent the compiler from fusing it with a sum: if two products are added, gcc and
 * clang would fuse different ones. */
INLINE vec rounded(vec v) {
#if defined(__FMA__)
    __asm__("" : "+v"(v));
#elif defined(__aarch64__)
    __asm__("" : "+w"(v));
#endif
    return v;
}

/* v in lanes where the comparison holds, w elsewhere */
INLINE vec either(lanes_t holds, vec v, vec w) {
    return (vec)(((lanes_t)v & holds) | ((lanes_t)w & ~holds));
}

INLINE vec larger(vec v, vec w) { return either(v > w, v, w); }

INLINE vec smaller(vec v, vec w) { return either(v < w, v, w); }

/* size where x > 0, -size where x < 0, 0 elsewhere */
INLINE vec signed_as(vec size, vec x) {
    return (vec)((lanes_t)size & (x > 0)) - (vec)((lanes_t)size & (x < 0));
}

/* For blocks of 1, 2, 4 and 8 lanes, if they are smaller than a vector:
 * - swap_blocks returns v with neighbouring blocks swapped;
 * - exchange_blocks exchanges the second block of each pair in v with the first one in w.
 * Sizes are part of the names because clang requires constant lane numbers. */
#define SWAPPED(lane, size) ((lane) ^ (size))
#define OF_FIRST(lane, size) ((lane) & (size) ? (int)LANES + (lane) - (size) : (lane))
#define OF_SECOND(lane, size) ((lane) & (size) ? (int)LANES + (lane) : (lane) + (size))
#define BLOCK_SIZES(X) X(1) X(2) X(4) X(8)
#define X(size)                                                                                    \
    INLINE vec swap_blocks_##size(vec v) {                                                         \
        return PICK_LANES(v, v, FOR_LANES(SWAPPED, size % (int)LANES));                            \
    }                                                                                              \
    INLINE void exchange_blocks_##size(vec *v, vec *w) {                                           \
        const vec first = *v, second = *w;                                                         \
        *v = PICK_LANES(first, second, FOR_LANES(OF_FIRST, size % (int)LANES));                    \
        *w = PICK_LANES(first, second, FOR_LANES(OF_SECOND, size % (int)LANES));                   \
    }
BLOCK_SIZES(X)
#undef X

INLINE real sum_of_lanes(vec v) {
    if (LANES > 8) { v += swap_blocks_8(v); }
    if (LANES > 4) { v += swap_blocks_4(v); }
    if (LANES > 2) { v += swap_blocks_2(v); }
    return (v + swap_blocks_1(v))[0];
}

INLINE real largest_lane(vec v) {
    if (LANES > 8) { v = larger(v, swap_blocks_8(v)); }
    if (LANES > 4) { v = larger(v, swap_blocks_4(v)); }
    if (LANES > 2) { v = larger(v, swap_blocks_2(v)); }
    return larger(v, swap_blocks_1(v))[0];
}

#endif
