/* real.h - selects the dtype. Files that include it are written in terms of `real`. The build
 * compiles each of them twice, with PYNN_BITS 32 (float) and 64 (double); FN() adds the dtype's
 * suffix to exported names. */
#ifndef PYNN_REAL_H
#define PYNN_REAL_H

#include <stddef.h>
#include <stdint.h>

#ifndef PYNN_BITS
#define PYNN_BITS 32 /* for editors that parse one file without the build */
#endif

#if PYNN_BITS == 32
#define real float
#define bits_t uint32_t /* unsigned integer of the same size */
#define FN(name) name##_f32
#define LIBM(name) name##f
#else
#define real double
#define bits_t uint64_t
#define FN(name) name##_f64
#define LIBM(name) name
#endif

#endif
