/* products.h - the three matrix products of a layer, for sizes where calling BLAS costs more than
 * the product itself; products.c says where that is.
 */
#ifndef PYNN_PRODUCTS_H
#define PYNN_PRODUCTS_H

#include <string.h>

#include "real.h"

/* z = x w */
static void FN(product_forward)(real *restrict z /* (n_rows, n_out) */,
                                const real *restrict x /* (n_rows, n_in), rows x_stride apart */,
                                size_t x_stride, const real *restrict w /* (n_in, n_out) */,
                                size_t n_rows, size_t n_out, size_t n_in) {
    memset(z, 0, n_rows * n_out * sizeof *z);
    for (size_t i = 0; i < n_rows; i++, z += n_out, x += x_stride) {
        for (size_t k = 0; k < n_in; k++) {
            for (size_t j = 0; j < n_out; j++) { z[j] += x[k] * w[k * n_out + j]; }
        }
    }
}

/* dw = x' delta, or dw += x' delta */
static void FN(product_gradient)(real *restrict dw /* (n_in, n_out) */,
                                 const real *restrict x /* (n_rows, n_in), rows x_stride apart */,
                                 size_t x_stride, const real *restrict delta /* (n_rows, n_out) */,
                                 size_t n_rows, size_t n_out, size_t n_in, int accumulate) {
    if (!accumulate) { memset(dw, 0, n_in * n_out * sizeof *dw); }
    for (size_t k = 0; k < n_in; k++, dw += n_out) {
        for (size_t i = 0; i < n_rows; i++) {
            for (size_t j = 0; j < n_out; j++) {
                dw[j] += x[i * x_stride + k] * delta[i * n_out + j];
            }
        }
    }
}

/* dx = delta w' */
static void FN(product_backward)(real *restrict dx /* (n_rows, n_in) */,
                                 const real *restrict delta /* (n_rows, n_out) */,
                                 const real *restrict w /* (n_in, n_out) */, size_t n_rows,
                                 size_t n_out, size_t n_in) {
    for (size_t i = 0; i < n_rows; i++, dx += n_in, delta += n_out) {
        for (size_t k = 0; k < n_in; k++) {
            real sum = 0;
            for (size_t j = 0; j < n_out; j++) { sum += delta[j] * w[k * n_out + j]; }
            dx[k] = sum;
        }
    }
}

#endif
