#include "plan.h"

#include "dense.h"
#include "embed.h"
#include "gradient.h"
#include "members.h"
#include "normalise.h"
#include "norms.h"
#include "output.h"
#include "parts.h"
#include "scale.h"

typedef int run(pynn_op *op, pynn_pass *pass);

static int meet(pynn_op *op, pynn_pass *pass) {
    (void)op;
    return pynn_meet(pass);
}

/* A program that is being compiled. */
typedef struct {
    const pynn_workspace *ws;
    pynn_member member;
    pynn_program *program;
    size_t base;
} compiler;

/* Append an operation on layer l that computes this part. */
static pynn_op *add(compiler *c, run *function, int l, pynn_part part) {
    const pynn_layer *layer = &c->ws->layers[l];
    pynn_op *op = &c->program->ops[c->program->n_ops++];
    *op = (pynn_op){.run = function,
                    .l = l,
                    .layer = layer,
                    .n_rows = c->program->n_rows * c->ws->n_members,
                    .base = c->base,
                    .rows = part.rows,
                    .columns = part.columns};
    if (l > 0) {
        const pynn_layer *below = layer - 1;
        const real *in = layer->in ? layer->in : below->out;
        op->input =
            (pynn_rows){in + c->base * below->layout.row, below->layout, below->n_out, NULL, 0};
    }
    return op;
}

static void add_barrier(compiler *c) { add(c, meet, 0, (pynn_part){{0, 0}, {0, 0}}); }

/* Members that share a layer wait for each other before they read each other's results. */
static void add_barrier_of_team(compiler *c) {
    if (c->member.n > 1) { add_barrier(c); }
}

/* Append the operation of layer l's norm, on whole rows or on whole columns. It reads what other
 * members computed. */
static void add_norm(compiler *c, run *by_rows, run *by_columns, int l) {
    const pynn_workspace *ws = c->ws;
    const size_t n_rows = c->program->n_rows * ws->n_members, n_out = ws->layers[l].n_out;
    if (ws->layers[l].norm == PYNN_NO_NORM) { return; }
    add_barrier_of_team(c);
    if (ws->layers[l].norm == PYNN_LAYER_NORM) {
        add(c, by_rows, l, (pynn_part){pynn_share_of(n_rows, 1, c->member), {0, n_out}});
    } else {
        const pynn_share columns = pynn_share_of(n_out, grain_of(ws, n_out), c->member);
        add(c, by_columns, l, (pynn_part){{0, n_rows}, columns});
    }
}

/* A part of the network's members. */
static pynn_part of_members(const compiler *c) {
    return (pynn_part){pynn_share_of(c->ws->n_members, 1, c->member), {0, 0}};
}

/* Append operations that make the first layer's input of these rows of data. */
static void add_input(compiler *c, pynn_part rows) {
    const pynn_network *network = c->ws->network;
    add(c, FN(pynn_load_input), 0, rows);
    if (network->n_embeddings) { add(c, FN(pynn_embed), 0, rows); }
    if (network->input_scale) { add(c, FN(pynn_scale_input), 0, rows); }
}

/* Each member has its own rows, which pass through all layers without a barrier. */
static void compile_prediction(compiler *c) {
    const pynn_workspace *ws = c->ws;
    const int last = ws->n_layers - 1;
    const size_t n_rows = c->program->n_rows, n_in = ws->layers[0].n_in;
    c->base = (size_t)c->member.id * ws->n_chunk;
    add_input(c, (pynn_part){{0, n_rows}, {0, n_in}});
    c->base *= ws->n_members;
    if (ws->network->members) {
        add(c, FN(pynn_expand_input), 0, (pynn_part){{0, n_rows}, {0, n_in}});
    }
    for (int l = 0; l <= last; l++) {
        const pynn_share rows = {c->base, c->base + n_rows * ws->n_members};
        const pynn_part part = {rows, {0, ws->layers[l].n_out}};
        FN(pynn_prepare_forward)(add(c, FN(pynn_dense_forward), l, part), ws);
        if (ws->layers[l].norm == PYNN_LAYER_NORM) { add(c, FN(pynn_normalise_rows), l, part); }
        if (ws->layers[l].norm == PYNN_BATCH_NORM) { add(c, FN(pynn_normalise_columns), l, part); }
    }
    const int is_mean = ws->network->members && !ws->members_apart;
    add(c, is_mean ? FN(pynn_keep_mean) : FN(pynn_keep_outputs), last, (pynn_part){{0, 0}, {0, 0}});
}

/* From loading the rows to the costs and the output layer's deltas. */
static void compile_forward(compiler *c) {
    const pynn_workspace *ws = c->ws;
    const int last = ws->n_layers - 1, is_sparse = ws->data->starts != NULL;
    const size_t n_rows = c->program->n_rows * ws->n_members, n_in = ws->layers[0].n_in;
    const pynn_part loaded = {pynn_share_of(c->program->n_rows, 1, c->member), {0, n_in}};
    const pynn_part output = part_of(ws, n_rows, ws->layers[last].n_out, 1, c->member);
    add_input(c, loaded);
    if (ws->network->members) { add(c, FN(pynn_expand_input), 0, loaded); }
    add(c, FN(pynn_load_targets), last, output);
    for (int l = 0; l <= last; l++) {
        const size_t n_out = ws->layers[l].n_out;
        const int rows_only = l == last || (l == 0 && is_sparse);
        add_barrier_of_team(c);
        const pynn_part part = part_of(ws, n_rows, n_out, rows_only, c->member);
        FN(pynn_prepare_forward)(add(c, FN(pynn_dense_forward), l, part), ws);
        add_norm(c, FN(pynn_normalise_rows), FN(pynn_normalise_columns), l);
    }
    if (c->member.n == 1) { add_barrier(c); } /* checks whether the team was asked to stop */
    add(c, FN(pynn_output_deltas), last, output);
    add_barrier_of_team(c);
    add(c, FN(pynn_add_costs), last, output);
}

/* From the deltas of the first layer to dC/dx, and to what the gradients of the parameters before
 * that layer read. */
static void compile_dx(compiler *c) {
    const pynn_workspace *ws = c->ws;
    const size_t n_rows = c->program->n_rows, n_in = ws->layers[0].n_in;
    const pynn_part shared = {pynn_share_of(n_rows, 1, c->member), {0, n_in}};
    pynn_part part = part_of(ws, n_rows * ws->n_members, n_in, 0, c->member);
    FN(pynn_prepare_input_backward)(add(c, FN(pynn_input_backward), 0, part), ws);
    if (ws->network->members) {
        add_barrier_of_team(c);
        add(c, FN(pynn_expand_back), 0, of_members(c));
        add_barrier_of_team(c);
        add(c, FN(pynn_sum_dx), 0, shared);
        part = shared;
    }
    if (ws->network->input_scale && (ws->purpose == PYNN_TRACES || ws->d_embeddings)) {
        add(c, FN(pynn_scale_dx), 0, part);
    }
    add_barrier_of_team(c);
    if (ws->purpose == PYNN_TRACES && ws->network->n_embeddings) {
        add(c, FN(pynn_embed_dx), 0, (pynn_part){shared.rows, {0, ws->n_columns}});
    }
}

/* Deltas of the hidden layers, down to the first layer that is not frozen, and dx if it is
 * wanted. The gradient of r of a layer needs the step to the layer before it. */
static void compile_backward(compiler *c) {
    const pynn_workspace *ws = c->ws;
    const size_t n_rows = c->program->n_rows * ws->n_members;
    int lowest = 0;
    while (lowest < ws->n_layers - 1 && pynn_is_frozen(ws, lowest) && !ws->wants_dx) { lowest++; }
    if (lowest > 0 && ws->layers[lowest].in) { lowest--; }
    for (int l = ws->n_layers - 2; l >= lowest; l--) {
        pynn_part part = part_of(ws, n_rows, ws->layers[l].n_out, 0, c->member);
        if (ws->network->members && part.columns.end - part.columns.first == ws->layers[l].n_out) {
            part.rows = share_of(n_rows, c->program->n_rows, worker_of(ws, c->member));
        }
        FN(pynn_prepare_backward)(add(c, FN(pynn_dense_backward), l, part), ws);
        add_norm(c, FN(pynn_normalise_rows_back), FN(pynn_normalise_columns_back), l);
        add_barrier_of_team(c);
    }
    if (ws->wants_dx) { compile_dx(c); }
    if (c->member.n == 1) { add_barrier(c); }
}

/* The gradient of all trained parameters. No weight changes before all deltas are computed. */
static void compile_gradient(compiler *c) {
    const pynn_workspace *ws = c->ws;
    const int is_sparse = ws->data->starts != NULL, last = ws->n_layers - 1;
    if (ws->d_embeddings) {
        const size_t n = (size_t)ws->network->n_embeddings;
        add(c, FN(pynn_embed_gradient), 0, (pynn_part){{0, 0}, pynn_share_of(n, 1, c->member)});
    }
    if (ws->network->input_scale) {
        add(c, FN(pynn_scale_gradient), 0,
            (pynn_part){{0, 0}, pynn_share_of(ws->layers[0].n_in, PYNN_GRAIN, c->member)});
    }
    for (int l = 0; l <= last; l++) {
        const pynn_layer *layer = &ws->layers[l];
        const int rows_only = l == last || (l == 0 && is_sparse);
        const pynn_part part = part_of(ws, layer->n_in, layer->n_out, rows_only, c->member);
        if (pynn_is_frozen(ws, l)) {
            add(c, FN(pynn_copy_frozen), l, part);
        } else {
            FN(pynn_prepare_gradient)(add(c, FN(pynn_dense_gradient), l, part), ws);
            if (ws->network->members) { add(c, FN(pynn_members_gradient), l, of_members(c)); }
        }
    }
}

static void compile(compiler *c) {
    const pynn_purpose purpose = c->ws->purpose;
    if (purpose == PYNN_PREDICTS) {
        compile_prediction(c);
        return;
    }
    compile_forward(c);
    if (purpose >= PYNN_TRACES) { compile_backward(c); }
    if (purpose >= PYNN_GRADIENT) { compile_gradient(c); }
    if (purpose == PYNN_TRACES) {
        const pynn_share rows = pynn_share_of(c->program->n_rows, 1, c->member);
        add(c, FN(pynn_keep_trace), 0, (pynn_part){rows, {0, 0}});
    }
}

/* The member's program for this many rows: a cached one, or a new one. If all places are taken, the
 * new one replaces the last. */
static const pynn_program *program_for(const pynn_workspace *ws, size_t n_rows,
                                       pynn_member member) {
    const size_t n_ops = pynn_most_ops(ws->n_layers);
    pynn_program *programs = pynn_programs_of(ws, member);
    size_t p = 0;
    while (p < PYNN_PROGRAMS - 1 && programs[p].n_rows && programs[p].n_rows != n_rows) { p++; }
    if (programs[p].n_rows == n_rows) { return &programs[p]; }
    programs[p] = (pynn_program){.n_rows = n_rows};
    programs[p].ops = (pynn_op *)(programs + PYNN_PROGRAMS) + p * n_ops;
    compile(&(compiler){.ws = ws, .member = member, .program = &programs[p]});
    return &programs[p];
}

pynn_status FN(pynn_run)(pynn_pass *pass) {
    const pynn_program *program = program_for(pass->ws, pass->chunk.n_rows, pass->member);
    for (pynn_op *op = program->ops, *end = op + program->n_ops; op < end; op++) {
        if (op->run(op, pass)) { return pass->status; }
    }
    return PYNN_OK;
}
