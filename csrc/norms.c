#include "norms.h"

#include <math.h>

#include "updates.h"

/* squares * (sum of x * x) + sizes * (sum of |x|), over x (n_rows, n) in panels */
typedef struct {
    pynn_panels x;
    size_t n_rows, n;
    double squares, sizes;
} weighted_sum;

/* Compute the member's pieces of a weighted sum. Pieces have a fixed size, so that the total is
 * bit-identical for any team. The first piece has number `piece`; returns the number after the
 * last. */
static size_t sum_pieces(const pynn_pass *pass, size_t piece, weighted_sum of) {
    const pynn_kernels *kernels = pass->ws->kernels;
    const pynn_member member = pass->member;
    for (size_t i = 0; i < of.n_rows; i += PYNN_PIECE_ROWS, piece++) {
        if (piece % (size_t)member.n != (size_t)member.id) { continue; }
        const size_t left = of.n_rows - i, n_rows = left < PYNN_PIECE_ROWS ? left : PYNN_PIECE_ROWS;
        pynn_panels x = of.x;
        x.x += i * x.row;
        double sum = 0;
        if (of.squares != 0) { sum += of.squares * kernels->sum_of_squares(x, n_rows, of.n); }
        if (of.sizes != 0) { sum += of.sizes * kernels->sum_of_sizes(x, n_rows, of.n); }
        pass->ws->pieces[piece] = sum;
    }
    return piece;
}

static double sum_of(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) { sum += x[i]; }
    return sum;
}

/* A group's part of a vector of all parameters, or of a gradient. */
static pynn_panels in_vector(const real *vector, const pynn_group *group) {
    return (pynn_panels){vector + group->at, group->layout.row, 1, group->layout.panel, NULL, 0};
}

int FN(pynn_sum_penalty)(double *sum, pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    *sum = 0;
    if (!ws->penalises) { return 0; }
    const pynn_penalty *penalty = &pass->penalty;
    size_t piece = 0;
    for (int l = 0; l < ws->n_layers; l++) {
        const pynn_layer *layer = &ws->layers[l];
        const double l2 = penalty->l2[l] / pass->divisor, l1 = penalty->l1[l] / pass->divisor;
        if (l2 == 0 && l1 == 0) { continue; }
        const weighted_sum of = {in_vector(pass->parameters, &layer->weights),
                                 layer->weights.n_rows, layer->n_out, 0.5 * l2, l1};
        piece = sum_pieces(pass, piece, of);
    }
    if (pynn_meet(pass)) { return 1; }
    *sum = sum_of(ws->pieces, piece);
    if (!pass->trains || isfinite(*sum)) { return 0; }
    pass->status = PYNN_DIVERGED;
    return 1;
}

static size_t sum_squares(const pynn_pass *pass, size_t piece, const pynn_group *group) {
    const pynn_panels g = in_vector(pass->ws->gradient, group);
    return sum_pieces(pass, piece, (weighted_sum){g, group->n_rows, group->n, 1, 0});
}

/* Compute the squared norm of the kept gradient, in pieces. Returns the number of pieces. */
static size_t sum_gradient(const pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    size_t piece = 0;
    for (int k = 0; k < PYNN_N_INPUT_GROUPS; k++) {
        piece = sum_squares(pass, piece, &ws->input_groups[k]);
    }
    for (int l = 0; l < ws->n_layers; l++) {
        if (pynn_is_frozen(ws, l)) { continue; }
        const pynn_layer *layer = &ws->layers[l];
        for (int k = 0; k < PYNN_N_TRAINED; k++) {
            piece = sum_squares(pass, piece, &layer->groups[k]);
        }
    }
    return piece;
}

void FN(pynn_penalise)(real *gradient, const pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const pynn_penalty *penalty = &pass->penalty;
    for (int l = 0; l < ws->n_layers; l++) {
        const pynn_layer *layer = &ws->layers[l];
        const pynn_step step = with_penalty((pynn_step){0}, penalty->l2[l] / pass->divisor,
                                            penalty->l1[l] / pass->divisor);
        if (!step.penalises || pynn_is_frozen(ws, l)) { continue; }
        const pynn_share part =
            pynn_share_of(layer->biases.at - layer->weights.at, PYNN_GRAIN, pass->member);
        const size_t at = layer->weights.at + part.first;
        ws->kernels->penalise(gradient + at, pass->parameters + at, part.end - part.first, &step);
    }
}

int FN(pynn_clip)(double *factor, pynn_pass *pass) {
    const double longest = pass->ws->regularisation->clip_norm;
    FN(pynn_penalise)(pass->ws->gradient, pass);
    if (pynn_meet(pass)) { return 1; }
    const size_t n_pieces = sum_gradient(pass);
    if (pynn_meet(pass)) { return 1; }
    const double norm = sqrt(sum_of(pass->ws->pieces, n_pieces));
    *factor = norm > longest ? longest / norm : 1;
    if (isfinite(norm)) { return 0; }
    pass->status = PYNN_DIVERGED;
    return 1;
}

void FN(pynn_limit_norms)(real *w, const pynn_pass *pass) {
    const pynn_workspace *ws = pass->ws;
    const double longest = ws->regularisation->max_norm;
    for (int l = 0; l < ws->n_layers && longest < INFINITY; l++) {
        if (pynn_is_frozen(ws, l)) { continue; }
        const pynn_layer *layer = &ws->layers[l];
        const size_t together = pynn_together(ws, layer->weights.layout);
        const size_t most = together < PYNN_LIMITED_COLUMNS ? together : PYNN_LIMITED_COLUMNS;
        const pynn_share units = pynn_share_of(layer->n_out, most, pass->member);
        for (size_t h = 0; h < layer->n_heads; h++) {
            for (size_t j = units.first; j < units.end; j += most) {
                const size_t left = units.end - j;
                ws->kernels->limit_norms(w + pynn_weight_at(ws, layer, h * layer->n_in, j),
                                         layer->weights.layout.row, layer->n_in,
                                         left < most ? left : most, longest);
            }
        }
    }
}
