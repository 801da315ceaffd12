/* blas.h - BLAS for large products, on machines without tuned tiles or if BLAS is forced. */
#ifndef PYNN_BLAS_H
#define PYNN_BLAS_H

#include "kernels.h"

const pynn_blas *pynn_blas_in_use(void);
int pynn_blas_is_forced(void);

/* c (n_rows, n) += a (n_rows, depth) b (depth, n). The panels of b are adjacent; sizes and strides
 * fit an int. */
void FN(pynn_blas_product)(real *c, size_t c_stride, pynn_matrix a, pynn_panels b, size_t n_rows,
                           size_t n, size_t depth);

#endif
