/* kernels.h - the table of kernels: one of these for each instruction set and dtype. Kernels only
 * compute: they never allocate, lock, start threads, fail or call BLAS. */
#ifndef PYNN_KERNELS_H
#define PYNN_KERNELS_H

#include "activations.h"
#include "costs.h"
#include "isa.h"
#include "optimizers.h"
#include "pynn.h"

typedef struct {
    /* z += biases; a = f(z). a may be z. biases is (n,) or NULL; the others are (n_rows, n) */
    void (*activate[PYNN_N_ACTIVATIONS])(real *a, real *z, const real *biases, size_t n_rows,
                                         size_t n);

    /* delta *= f'(z): from dC/da to dC/dz. All are (n_rows, n) */
    void (*derive[PYNN_N_ACTIVATIONS])(real *delta, const real *z, const real *a, size_t n_rows,
                                       size_t n);

    /* row_costs[i] = the cost of row i; delta = its derivative times row_scales[i] (costs.h says
     * derivative by what). delta, z, a, y are (n_rows, n); row_costs, row_scales are (n_rows,) */
    void (*cost[PYNN_N_COSTS])(real *delta, double *row_costs, const real *z, const real *a,
                               const real *y, const real *row_scales, size_t n_rows, size_t n,
                               real parameter);

    /* w and slots after one update by the gradient; each (n,) */
    void (*update[PYNN_N_RULES])(real *w, real *slot_0, real *slot_1, const real *gradient,
                                 size_t n, const FN(pynn_step) * step);

    /* see products.h */
    void (*product_forward)(real *z, const real *x, size_t x_stride, const real *w, size_t n_rows,
                            size_t n_out, size_t n_in);
    void (*product_gradient)(real *dw, const real *x, size_t x_stride, const real *delta,
                             size_t n_rows, size_t n_out, size_t n_in, int accumulate);
    void (*product_backward)(real *dx, const real *delta, const real *w, size_t n_rows,
                             size_t n_out, size_t n_in);

    /* db (n,) += the sum over the rows of delta (n_rows, n) */
    void (*sum_rows)(real *db, const real *delta, size_t n_rows, size_t n);

    double (*sum_of_squares)(const real *w /* (n,) */, size_t n);

    int (*all_finite)(const real *x /* (n,) */, size_t n);
} FN(pynn_kernels);

#define X(suffix, name) extern const FN(pynn_kernels) FN(pynn_kernels_##suffix);
PYNN_ISAS(X)
#undef X

/* The table of the instruction set in use. */
static inline const FN(pynn_kernels) * FN(pynn_kernels_in_use)(void) {
    static const FN(pynn_kernels) *const tables[] = {
#define X(suffix, name) &FN(pynn_kernels_##suffix),
        PYNN_ISAS(X)
#undef X
    };
    return tables[pynn_isa_in_use()];
}

#endif
