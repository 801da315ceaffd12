/* blas.h - the three products of a layer at any size: by our own loops where they are small, by
 * BLAS where they are not, in pieces short enough to stop in between. */
#ifndef PYNN_BLAS_H
#define PYNN_BLAS_H

#include "kernels.h"
#include "real.h"
#include "watch.h"

/* What every product needs beside its arrays. */
typedef struct {
    const FN(pynn_kernels) *kernels;
    pynn_watch *watch;
} FN(pynn_context);

/* The rows of an input: (n_rows, n) with rows `stride` elements apart. */
typedef struct {
    const real *x;
    size_t stride;
} FN(pynn_rows);

/* z (n_rows, n_out) = x (n_rows, n_in) times w (n_in, n_out) */
pynn_status FN(pynn_multiply_forward)(real *z, FN(pynn_rows) x, const real *w, size_t n_rows,
                                      size_t n_out, size_t n_in, FN(pynn_context) context);

/* dw (n_in, n_out) = or += x (n_rows, n_in) transposed, times delta (n_rows, n_out) */
pynn_status FN(pynn_multiply_gradient)(real *dw, FN(pynn_rows) x, const real *delta, size_t n_rows,
                                       size_t n_out, size_t n_in, int accumulate,
                                       FN(pynn_context) context);

/* dx (n_rows, n_in) = delta (n_rows, n_out) times w (n_in, n_out) transposed */
pynn_status FN(pynn_multiply_backward)(real *dx, const real *delta, const real *w, size_t n_rows,
                                       size_t n_out, size_t n_in, FN(pynn_context) context);

const pynn_blas *pynn_blas_in_use(void);

#endif
