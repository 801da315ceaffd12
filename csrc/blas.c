#include "blas.h"

#include "team.h"

#if PYNN_BITS == 32
#define GEMM pynn_blas_in_use()->sgemm
#else
#define GEMM pynn_blas_in_use()->dgemm
#endif

/* Multiply-adds up to which our own loops take less time than a call of BLAS: its gemm runs at a
 * few GFLOP/s on one row. 784-15-10 at batch 1 gains 1.5 times by it; see bench/README.md. */
static const double OWN_LOOPS_UP_TO = 12000;

/* OpenBLAS starts its threads above 2^18 multiply-adds (interface/gemm.c), and before 0.3.33 such
 * calls from several threads at once may corrupt each other (OpenBLAS issue 5836). They wait for one
 * another here; smaller ones need not. */
static const double BLAS_MAY_THREAD_FROM = 1 << 18;

/* A piece between two looks for a Ctrl-C: 20 ms at 50 GFLOP/s. */
static const double LONGEST_PIECE = 5e8;

/* c (m, n) = a (m, k) b (k, n) + beta c, all row-major; a_is or b_is 'T': that one lies transposed.
 * Fortran reads a row-major matrix as its transpose, hence c' = b' a'. */
static void FN(gemm)(real *c, const real *a, const real *b, size_t m, size_t n, size_t k,
                     size_t a_stride, size_t b_stride, char a_is, char b_is, real beta) {
    real one = 1;
    int m_ = (int)m, n_ = (int)n, k_ = (int)k;
    int a_stride_ = (int)a_stride, b_stride_ = (int)b_stride;
    const int threads = (double)m * (double)n * (double)k > BLAS_MAY_THREAD_FROM;
    if (threads) { pynn_exclusive_begin(); }
    GEMM(&b_is, &a_is, &n_, &m_, &k_, &one, (real *)b, &b_stride_, (real *)a, &a_stride_, &beta, c,
         &n_);
    if (threads) { pynn_exclusive_end(); }
}

static int FN(is_small)(size_t n_rows, size_t n_out, size_t n_in) {
    return (double)n_rows * (double)n_out * (double)n_in <= OWN_LOOPS_UP_TO;
}

/* How many of n lines, each of `work` multiply-adds, make up a piece. */
static size_t FN(piece)(size_t n, double work) {
    const double lines = LONGEST_PIECE / work;
    return lines < 1 ? 1 : lines < (double)n ? (size_t)lines : n;
}

pynn_status FN(pynn_multiply_forward)(real *z, FN(pynn_rows) x, const real *w, size_t n_rows,
                                      size_t n_out, size_t n_in, FN(pynn_context) context) {
    if (FN(is_small)(n_rows, n_out, n_in)) {
        context.kernels->product_forward(z, x.x, x.stride, w, n_rows, n_out, n_in);
        return PYNN_OK;
    }
    const double work = (double)n_out * (double)n_in;
    const size_t piece = FN(piece)(n_rows, work);
    for (size_t i = 0; i < n_rows; i += piece) {
        const size_t n = n_rows - i < piece ? n_rows - i : piece;
        if (pynn_watch_stop(context.watch, work * (double)n)) { return PYNN_INTERRUPTED; }
        FN(gemm)(z + i * n_out, x.x + i * x.stride, w, n, n_out, n_in, x.stride, n_out, 'N', 'N', 0);
    }
    return PYNN_OK;
}

pynn_status FN(pynn_multiply_gradient)(real *dw, FN(pynn_rows) x, const real *delta, size_t n_rows,
                                       size_t n_out, size_t n_in, int accumulate,
                                       FN(pynn_context) context) {
    if (FN(is_small)(n_rows, n_out, n_in)) {
        context.kernels->product_gradient(dw, x.x, x.stride, delta, n_rows, n_out, n_in,
                                          accumulate);
        return PYNN_OK;
    }
    const double work = (double)n_out * (double)n_rows;
    const size_t piece = FN(piece)(n_in, work);
    for (size_t k = 0; k < n_in; k += piece) {
        const size_t n = n_in - k < piece ? n_in - k : piece;
        if (pynn_watch_stop(context.watch, work * (double)n)) { return PYNN_INTERRUPTED; }
        FN(gemm)(dw + k * n_out, x.x + k, delta, n, n_out, n_rows, x.stride, n_out, 'T', 'N',
                 accumulate ? 1 : 0);
    }
    return PYNN_OK;
}

pynn_status FN(pynn_multiply_backward)(real *dx, const real *delta, const real *w, size_t n_rows,
                                       size_t n_out, size_t n_in, FN(pynn_context) context) {
    if (FN(is_small)(n_rows, n_out, n_in)) {
        context.kernels->product_backward(dx, delta, w, n_rows, n_out, n_in);
        return PYNN_OK;
    }
    const double work = (double)n_out * (double)n_in;
    const size_t piece = FN(piece)(n_rows, work);
    for (size_t i = 0; i < n_rows; i += piece) {
        const size_t n = n_rows - i < piece ? n_rows - i : piece;
        if (pynn_watch_stop(context.watch, work * (double)n)) { return PYNN_INTERRUPTED; }
        FN(gemm)(dx + i * n_in, delta + i * n_out, w, n, n_in, n_out, n_out, n_out, 'N', 'T', 0);
    }
    return PYNN_OK;
}
