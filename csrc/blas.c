#include "blas.h"

#include "team.h"

#if PYNN_BITS == 32
#define GEMM pynn_blas_in_use()->sgemm
#else
#define GEMM pynn_blas_in_use()->dgemm
#endif

/* BLAS requires a leading dimension of at least the row length, even for a single row. */
static int leading(size_t distance, size_t length) {
    return (int)(distance > length ? distance : length);
}

/* Fortran reads a row-major matrix as its transpose, hence c' = b' a'. Before OpenBLAS 0.3.33,
 * large concurrent calls may corrupt each other's results (OpenBLAS issue 5836), so our calls are
 * serialised. Calls by other users of SciPy's BLAS are not. */
void FN(pynn_blas_product)(real *c, size_t c_stride, pynn_matrix a, pynn_panels b, size_t n_rows,
                           size_t n, size_t depth) {
    char a_is = a.is_transposed ? 'T' : 'N', b_is = b.column == 1 ? 'N' : 'T';
    int m_ = (int)n_rows, n_ = (int)n, k_ = (int)depth, c_ = (int)c_stride;
    int a_ = leading(a.layout.row, a.is_transposed ? n_rows : depth);
    int b_ = b_is == 'N' ? leading(b.row, n) : leading(b.column, depth);
    real one = 1;
    pynn_exclusive_begin();
    GEMM(&b_is, &a_is, &n_, &m_, &k_, &one, (real *)b.x, &b_, (real *)a.x + a.first, &a_, &one, c,
         &c_);
    pynn_exclusive_end();
}
