/* real.h - the dtype switch. A file that includes it is ordinary C over `real`; the build compiles
 * it twice, with PYNN_BITS 32 (float) and 64 (double), and FN() names what it exports. */
#ifndef PYNN_REAL_H
#define PYNN_REAL_H

#include <stddef.h>
#include <stdint.h>

#ifndef PYNN_BITS
#define PYNN_BITS 32 /* for editors, which read one file without the build */
#endif

#if PYNN_BITS == 32
#define real float
#define bits_t uint32_t /* an unsigned integer as wide as real */
#define FN(name) name##_f32
#define LIBM(name) name##f
#else
#define real double
#define bits_t uint64_t
#define FN(name) name##_f64
#define LIBM(name) name
#endif

#endif
