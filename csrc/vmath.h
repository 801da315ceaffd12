/* vmath.h - exp and what follows from it, as branch-free expressions that a compiler vectorises.
 *
 * All of them rest on e^x = 2^n * e^r with n = round(x / ln 2), |r| <= ln 2 / 2 (Cody & Waite,
 * Software Manual for the Elementary Functions, 1980, ch. 6), and a polynomial for e^r - 1. The
 * coefficients are a Chebyshev fit on that interval, made for this file in 40-digit arithmetic:
 * absolute error 7.9e-9 in float, 1.3e-17 in double, each about 0.13 of a rounding unit.
 * NaN goes in and NaN comes out; comparisons are written so that they hand it through.
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
#else
#define ROUNDER 0x1.8p52
#define LOG2_E 0x1.71547652b82fep0
#define LN2_HIGH 0x1.62e42fefap-1 /* 36 bits; |n| < 2^11 */
#define LN2_LOW 0x1.cf79abc9e3b3ap-40
#define EXPONENT_BIAS 1023
#define MANTISSA_BITS 52
#define EXP_LOWEST -746.
#define EXP_HIGHEST 710.
#endif

/* 2^n for an integer n in the exponent's range, given n + ROUNDER, whose low bits hold n. */
static inline real FN(power_of_2)(real n_plus_rounder) {
    bits_t bits;
    memcpy(&bits, &n_plus_rounder, sizeof bits);
    bits = (bits + EXPONENT_BIAS) << MANTISSA_BITS;
    real power;
    memcpy(&power, &bits, sizeof power);
    return power;
}

/* e^r - 1 for |r| <= ln 2 / 2, with full relative accuracy near 0. */
static inline real FN(expm1_reduced)(real r) {
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

static inline real FN(clamp)(real x, real lowest, real highest) {
    x = x < lowest ? lowest : x;
    return x > highest ? highest : x;
}

static inline real FN(vexp)(real x) {
    x = FN(clamp)(x, EXP_LOWEST, EXP_HIGHEST);
    real n = (x * LOG2_E + ROUNDER) - ROUNDER;
    real r = (x - n * LN2_HIGH) - n * LN2_LOW;
    /* 2^n in two factors: neither the largest nor the subnormal results pass through one that is
     * out of range. */
    real half = n * (real)0.5 + ROUNDER;
    real rest = (n - (half - ROUNDER)) + ROUNDER;
    return (1 + FN(expm1_reduced)(r)) * FN(power_of_2)(half) * FN(power_of_2)(rest);
}

/* e^x - 1 for x <= 80; below -40 it is -1 to the last bit in both dtypes. */
static inline real FN(vexpm1)(real x) {
    x = FN(clamp)(x, -40, 80);
    real n_plus_rounder = x * LOG2_E + ROUNDER;
    real n = n_plus_rounder - ROUNDER;
    real r = (x - n * LN2_HIGH) - n * LN2_LOW;
    real power = FN(power_of_2)(n_plus_rounder);
    return power * FN(expm1_reduced)(r) + (power - 1);
}

/* 1 / (1 + e^-z), from e^-|z| so that nothing overflows and the tails keep their relative accuracy.
 */
static inline real FN(vsigmoid)(real z) {
    real e = FN(vexp)(-LIBM(fabs)(z));
    real q = 1 / (1 + e);
    return z < 0 ? e * q : q;
}

/* (e^2|z| - 1) / (e^2|z| + 1): near 0 the difference is expm1's, so nothing cancels. */
static inline real FN(vtanh)(real z) {
    real e = FN(vexpm1)(2 * LIBM(fabs)(z));
    real t = e / (e + 2);
    return LIBM(copysign)(t, z);
}

/* log(1 + x) for 0 <= x <= 1: 2 atanh(s) with s = x / (2 + x), an odd series in s; the polynomial
 * is a Chebyshev fit in s^2 with relative error 4e-10 in float, 5e-18 in double. */
static inline real FN(vlog1p)(real x) {
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
    return 2 * (s + s * (t * p));
}

/* erfc(|x|) = e^(-x^2) p(t) / (1 + 2 |x|) with t = (|x| - c) / (|x| + c), the form of Shepherd &
 * Laframboise, Math. Comp. 36 (1981) 249; p is a Chebyshev fit of our own over all |x| at which
 * erfc is not 0, with relative error 4e-9 in float, 2e-17 in double. */
#if PYNN_BITS == 32
#define ERFC_CENTRE 3.f
#define UPPER_HALF 0xfffff000u
#else
#define ERFC_CENTRE 3.75
#define UPPER_HALF 0xfffffffff8000000u
#endif

static inline real FN(verfc)(real x) {
    const real size = FN(clamp)(LIBM(fabs)(x), 0, PYNN_BITS == 32 ? (real)10.5 : 28);
    const real t = (size - ERFC_CENTRE) / (size + ERFC_CENTRE);
#if PYNN_BITS == 32
    real p = -0.0002735959993f;
    p = p * t + -0.000788120753f;
    p = p * t + 0.002001771226f;
    p = p * t + 0.002576856517f;
    p = p * t + -0.02379466453f;
    p = p * t + 0.06829302906f;
    p = p * t + -0.1192719193f;
    p = p * t + 0.1296467149f;
    p = p * t + -0.04756231817f;
    p = p * t + -0.1356211491f;
    p = p * t + 1.253008058f;
#else
    real p = -2.410821536542233e-9;
    p = p * t + -8.782125734803520237e-10;
    p = p * t + 3.285083556233315909e-8;
    p = p * t + 1.599633521557370784e-8;
    p = p * t + -2.526146526771550472e-7;
    p = p * t + -4.815839621672849021e-8;
    p = p * t + 1.748119046839196428e-6;
    p = p * t + -9.801666755858577512e-7;
    p = p * t + -0.00001144299092680543826;
    p = p * t + 0.00002238725963823013435;
    p = p * t + 0.00005164891346959986193;
    p = p * t + -0.0002901549652957092613;
    p = p * t + 0.0002937136663108861601;
    p = p * t + 0.001755626017152003847;
    p = p * t + -0.009746579553431873662;
    p = p * t + 0.02836227740045772254;
    p = p * t + -0.05869339859030941246;
    p = p * t + 0.09230432116153115558;
    p = p * t + -0.1088039301417123592;
    p = p * t + 0.08227673849011203692;
    p = p * t + 0.00358541548546377914;
    p = p * t + -0.1402405985855466808;
    p = p * t + 1.237512630837827581;
#endif
    /* What rounding x^2 loses counts x^2-fold in its exponential: it is found by splitting x. */
    bits_t bits;
    memcpy(&bits, &size, sizeof bits);
    bits &= UPPER_HALF;
    real upper;
    memcpy(&upper, &bits, sizeof upper);
    const real square = size * size;
    const real lost = (upper * upper - square) + (size - upper) * (size + upper);
    const real tail = FN(vexp)(-square) * (1 - lost) * p / (1 + 2 * size);
    return x < 0 ? 2 - tail : tail;
}

#endif
