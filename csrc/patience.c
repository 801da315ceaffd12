#include "patience.h"

/* Same criterion as Patience in pynn/training/history.py, used when Python inspects each epoch. */
int pynn_patience_ends(pynn_patience *patience, pynn_cost cost) {
    const double figure = cost.cost / patience->divisor + cost.penalty;
    const double bound = patience->best - patience->tol;
    const int improved = figure < bound || (figure == bound && !patience->strict);
    patience->n_stalled = improved ? 0 : patience->n_stalled + 1;
    if (figure < patience->best) { patience->best = figure; }
    return (double)patience->n_stalled > patience->limit;
}
