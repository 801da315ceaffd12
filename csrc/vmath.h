/* vmath.h - exp, log and functions based on them, as branch-free expressions that compilers can
 * vectorise. tests/core/test_activations.py checks the largest error of each over all arguments.
 *
 * Most of them use e^x = 2^n * e^r with n = round(x / ln 2), |r| <= ln 2 / 2 (Cody & Waite,
 * Software Manual for the Elementary Functions, 1980, ch. 6), and a polynomial for e^r - 1. Its
 * coefficients are a Chebyshev fit on that interval, computed for this file in 40-digit arithmetic,
 * with absolute error 7.9e-9 in float and 1.3e-17 in double, each about 0.13 of a rounding unit.
 * NaN propagates: comparisons are written so that NaN in gives NaN out.
 */
#ifndef PYNN_VMATH_H
#define PYNN_VMATH_H

#include <math.h>
#include <string.h>

#include "real.h"

#if PYNN_BITS == 32
#define ROUNDER 0x1.8p23f /* x + ROUNDER - ROUNDER rounds |x| < 2^22 to an integer */
#define LOG2_E 0x1.715476p0f
#define LN2_HIGH 0x1.62e4p-1f /* ln 2 in 15 bits: n * LN2_HIGH is exact for |n| < 2^9 */
#define LN2_LOW 0x1.7f7d1cp-20f
#define EXPONENT_BIAS 127
#define MANTISSA_BITS 23
#define EXP_LOWEST -104.f /* below it e^x rounds to 0 */
#define EXP_HIGHEST 89.f  /* above it e^x is infinite */
#define SMALLEST_NORMAL 0x1p-126f
#define SQRT_HALF 0x1.6a09e6p-1f
#else
#define ROUNDER 0x1.8p52
#define LOG2_E 0x1.71547652b82fep0
#define LN2_HIGH 0x1.62e42fefap-1 /* 36 bits; |n| < 2^11 */
#define LN2_LOW 0x1.cf79abc9e3b3ap-40
#define EXPONENT_BIAS 1023
#define MANTISSA_BITS 52
#define EXP_LOWEST -746.
#define EXP_HIGHEST 710.
#define SMALLEST_NORMAL 0x1p-1022
#define SQRT_HALF 0x1.6a09e667f3bcdp-1
#endif

static inline bits_t bits_of(real x) {
    bits_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline real from_bits(bits_t bits) {
    real x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* 2^n for an integer n in the exponent's range, given n + ROUNDER, whose low bits hold n. */
static inline real power_of_2(real n_plus_rounder) {
    return from_bits((bits_of(n_plus_rounder) + EXPONENT_BIAS) << MANTISSA_BITS);
}

/* e^r - 1 for |r| <= ln 2 / 2, with full relative accuracy near 0. */
static inline real expm1_reduced(real r) {
#if PYNN_BITS == 32
    real p = 0.001392621346633244304f;
    p = p * r + 0.008363202971575854947f;
    p = p * r + 0.0416665544376859389f;
    p = p * r + 0.1666657684599397631f;
    p = p * r + 0.5f;
#else
    real p = 2.510042415700506679e-8;
    p = p * r + 2.762013871973399557e-7;
    p = p * r + 2.755726837868419287e-6;
    p = p * r + 2.480152119021772765e-5;
    p = p * r + 1.984126986310596875e-4;
    p = p * r + 1.388888891728179331e-3;
    p = p * r + 8.333333333330051346e-3;
    p = p * r + 4.166666666662399152e-2;
    p = p * r + 0.1666666666666666746;
    p = p * r + 0.5;
#endif
    return r + r * r * p;
}

static inline real clamp(real x, real lowest, real highest) {
    x = x < lowest ? lowest : x;
    return x > highest ? highest : x;
}

/* e^(x - less), where less is 0 or within a rounding error of x */
static inline real vexp_less(real x, real less) {
    x = clamp(x, EXP_LOWEST, EXP_HIGHEST);
    real n = (x * LOG2_E + ROUNDER) - ROUNDER;
    real r = (x - n * LN2_HIGH) - n * LN2_LOW - less;
    /* 2^n is applied as two factors, so that no factor is out of range, even for the largest and
     * the subnormal results. */
    real half = n * (real)0.5 + ROUNDER;
    real rest = (n - (half - ROUNDER)) + ROUNDER;
    return (1 + expm1_reduced(r)) * power_of_2(half) * power_of_2(rest);
}

static inline real vexp(real x) { return vexp_less(x, 0); }

/* e^x - 1 for x <= 80; below -40 it is -1 to the last bit in both dtypes. */
static inline real vexpm1(real x) {
    x = clamp(x, -40, 80);
    real n_plus_rounder = x * LOG2_E + ROUNDER;
    real n = n_plus_rounder - ROUNDER;
    real r = (x - n * LN2_HIGH) - n * LN2_LOW;
    real power = power_of_2(n_plus_rounder);
    return power * expm1_reduced(r) + (power - 1);
}

/* 1 / (1 + e^-z), from e^-|z| so that nothing overflows and the tails keep their relative accuracy.
 */
static inline real vsigmoid(real z) {
    real e = vexp(-LIBM(fabs)(z));
    real q = 1 / (1 + e);
    return z < 0 ? e * q : q;
}

/* (e^2|z| - 1) / (e^2|z| + 1). expm1 computes the numerator, so nothing cancels near 0. */
static inline real vtanh(real z) {
    real e = vexpm1(2 * LIBM(fabs)(z));
    real t = e / (e + 2);
    return LIBM(copysign)(t, z);
}

/* x - log(1 + x), for sqrt(1/2) <= 1 + x <= 2. With s = x / (2 + x), log(1 + x) = 2 atanh(s) = 2 s
 * + s r, where 2 s = x - s x. The leading term x is exact, so only the last subtraction rounds it
 * (as in log of fdlibm, Sun Microsystems 1993). r is an even series in s; its polynomial is a
 * Chebyshev fit in s^2 with relative error 4e-10 in float, 5e-18 in double. */
static inline real log1p_bend(real x) {
    real s = x / (2 + x), t = s * s;
#if PYNN_BITS == 32
    real p = 0.1161216461f;
    p = p * t + 0.108532879f;
    p = p * t + 0.14296179f;
    p = p * t + 0.1999985317f;
    p = p * t + 0.3333333366f;
#else
    real p = 0.080820228059717661;
    p = p * t + 0.04400369243072336941;
    p = p * t + 0.06000536404795356268;
    p = p * t + 0.06657072104827468075;
    p = p * t + 0.07692785032479311552;
    p = p * t + 0.09090894718066429085;
    p = p * t + 0.1111111135871393149;
    p = p * t + 0.1428571428355437858;
    p = p * t + 0.2000000000000729134;
    p = p * t + 0.3333333333333332928;
#endif
    return s * (x - 2 * (t * p));
}

/* log(1 + x) for 0 <= x <= 1 */
static inline real vlog1p(real x) { return x - log1p_bend(x); }

/* log x = n ln 2 + log(1 + f), with 1 + f from sqrt(1/2) to sqrt(2). log 0 = -inf; log of less is
 * NaN. */
static inline real vlog(real x) {
    const real digits = MANTISSA_BITS + 1; /* subnormal numbers are scaled by 2^digits */
    const bits_t least = bits_of(SQRT_HALF), one = bits_of(1);
    const int is_subnormal = x < SMALLEST_NORMAL;
    const real normal = is_subnormal ? x * (real)((bits_t)1 << (MANTISSA_BITS + 1)) : x;
    const bits_t bits = bits_of(normal) + (one - least);
    const real f = from_bits((bits & (((bits_t)1 << MANTISSA_BITS) - 1)) + least) - 1;
    real n = from_bits(bits_of(ROUNDER) + (bits >> MANTISSA_BITS));
    n = n - (ROUNDER + EXPONENT_BIAS) - (is_subnormal ? digits : 0);
    const real bend = LIBM(fabs)(log1p_bend(f)); /* not negative: fabs only prevents fusing */
    const real log = n * LN2_HIGH - ((bend - n * LN2_LOW) - f);
    const real beyond = x == 0 ? -(real)INFINITY : (real)NAN;
    return x > 0 ? (x < (real)INFINITY ? log : x) : beyond;
}

/* log(1 + x) for x >= 0. Above 1, rounding 1 + x changes the result by less than its own
 * rounding. */
static inline real log1p_of_any(real x) { return x <= 1 ? vlog1p(x) : vlog(1 + x); }

/* sin(2 pi u) for |u| <= 1/4. The polynomial for sin(2 pi u) / u is a Chebyshev fit in u^2,
 * computed for this file in 40-digit arithmetic, with relative error 6.7e-9 in float, 3.3e-19 in
 * double. */
static inline real sine_of_quarter(real u) {
    const real s = u * u;
#if PYNN_BITS == 32
    real p = 39.7598270853f;
    p = p * s + -76.5811726443f;
    p = p * s + 81.6024763689f;
    p = p * s + -41.3416806133f;
    p = p * s + 6.28318528015f;
#else
    real p = 0.10089695501646811163;
    p = p * s + -0.71773379214134533133;
    p = p * s + 3.8199280942271642021;
    p = p * s + -15.094641676117900093;
    p = p * s + 42.05869392542868225;
    p = p * s + -76.705859752824919209;
    p = p * s + 81.605249276073615183;
    p = p * s + -41.341702240399756862;
    p = p * s + 6.2831853071795864756;
#endif
    return u * p;
}

/* t without whole turns, from -1/2 to 1/2, exactly. For large t, the first step leaves an integer,
 * which the second one takes away. */
static inline real part_of_turn(real t) {
    const real size = LIBM(fabs)(t), rounder = ROUNDER / (real)1.5;
    const real part = size - ((size + rounder) - rounder);
    const real rest = part - ((part + ROUNDER) - ROUNDER);
    return t < 0 ? -rest : rest;
}

/* cos(2 pi t) and sin(2 pi t) for t from -1/2 to 1/2. 1/4 - |t|, and 1/2 - |t| where it is used,
 * are exact near the zeros of the functions, which so keep their relative accuracy. */
static inline real cosine_of_turn(real t) { return sine_of_quarter((real)0.25 - LIBM(fabs)(t)); }
static inline real sine_of_turn(real t) {
    const real size = LIBM(fabs)(t), mirrored = (real)0.5 - size;
    return sine_of_quarter(LIBM(copysign)(size < mirrored ? size : mirrored, t));
}

/* The normal distribution: density e^(-z^2 / 2) / sqrt(2 pi), and P(N(0, 1) <= z), which is erfc(-z
 * / sqrt 2) / 2. For x = |z| / sqrt 2, the form of Shepherd & Laframboise, Math. Comp. 36 (1981)
 * 249,
 *     erfc(x) = e^(-x^2) p(t) / (1 + 2 x) with t = (x - c) / (x + c),
 * written p = 1 + u q(t) with u = 1 + t, so that the rounding of t does not matter near z = 0. q is
 * a Chebyshev fit computed for this file in 40-digit arithmetic, over all x with nonzero erfc; the
 * relative error of p is 5e-9 in float, 5e-17 in double. */
#if PYNN_BITS == 32
#define ERFC_CENTRE 3.f
#define NORMAL_HIGHEST 15.f /* beyond it the density rounds to 0 */
#define UPPER_HALF 0xfffff000u
#else
#define ERFC_CENTRE 3.75
#define NORMAL_HIGHEST 39.5
#define UPPER_HALF 0xfffffffff8000000u
#endif
#define INV_SQRT_2PI ((real)0.39894228040143267794)

typedef struct {
    real density, below; /* below: P(N(0, 1) <= z) */
} normal;

/* always_inline: clang for aarch64 finds it too large, and would not vectorise the loops of its
 * callers. */
__attribute__((always_inline)) static inline normal vnormal(real z) {
    const real size = clamp(LIBM(fabs)(z), 0, NORMAL_HIGHEST), x = SQRT_HALF * size;
    const real u = 2 * x / (x + ERFC_CENTRE), t = u - 1;
#if PYNN_BITS == 32
    real q = -0.0002820621979f;
    q = q * t + -0.0005259675247f;
    q = q * t + 0.002519898466f;
    q = q * t + 6.889845449e-5f;
    q = q * t + -0.02385532319f;
    q = q * t + 0.09214629198f;
    q = q * t + -0.2114202374f;
    q = q * t + 0.3410670411f;
    q = q * t + -0.3886292049f;
    q = q * t + 0.2530080563f;
#else
    real q = -1.408771933264220013e-9;
    q = q * t + 3.354922881239697769e-9;
    q = q * t + 2.898565188439826925e-8;
    q = q * t + -2.08269051999260358e-8;
    q = q * t + -2.353427050825969552e-7;
    q = q * t + 1.962577310836578296e-7;
    q = q * t + 1.558487618385774862e-6;
    q = q * t + -2.54430118701962462e-6;
    q = q * t + -8.904094341175094909e-6;
    q = q * t + 0.00003129337223626789442;
    q = q * t + 0.00002035803911797380985;
    q = q * t + -0.0003105134073849130225;
    q = q * t + 0.0006042263760933237996;
    q = q * t + 0.001151399678047278402;
    q = q * t + -0.01089797911389457877;
    q = q * t + 0.03926025651463346712;
    q = q * t + -0.09795365511631345413;
    q = q * t + 0.1902579762775467811;
    q = q * t + -0.2990619064186990439;
    q = q * t + 0.3813386449088275168;
    q = q * t + -0.3777532294233744986;
    q = q * t + 0.2375126308378276156;
#endif
    /* The exponential amplifies the rounding error of z^2 by z^2, so z is split to compute this
     * error. */
    const real upper = from_bits(bits_of(size) & UPPER_HALF), square = size * size;
    const real lost = (upper * upper - square) + (size - upper) * (size + upper);
    const real e = vexp_less((real)-0.5 * square, (real)0.5 * lost);
    const real tail = e * ((real)0.5 * (1 + u * q) / (1 + 2 * SQRT_HALF * size));
    return (normal){INV_SQRT_2PI * e, z < 0 ? tail : 1 - tail};
}

#endif
