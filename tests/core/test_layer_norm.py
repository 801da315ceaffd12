"""Layer normalisation in the compiled core, compared with the oracle."""

import cases
import numpy as np
import pytest
from cases import check_one_pass, check_training
from scipy.sparse import csr_array

import pynn

SIZES = [[3, 1, 2], [5, 7, 7, 3], [9, 40, 33, 2], [20, 130, 40, 4]]


def normed(rng, sizes=(5, 7, 6, 3), dtype="float64", hidden="tanh", **options):
    options = {"norm": "layer"} | options
    return cases.problem(rng, sizes, hidden, "identity", "squared_error", dtype, **options)


def test_the_oracle_agrees_with_finite_differences(rng):
    cases.check_oracle(normed(rng, [4, 6, 6, 2], n_rows=9, residual=True, scale=True), 0.3, 0.1)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("n_rows", [1, 5, 40])
def test_every_shape_and_instruction_set(n_rows, sizes, dtype, rng, isa):
    check_one_pass(normed(rng, sizes, dtype, n_rows=n_rows), alpha=0.1, l1=0.01)
    check_one_pass(normed(rng, sizes, dtype, n_rows=n_rows, bias=False, weighted=True))


@pytest.mark.parametrize("hidden", cases.HIDDEN)
def test_every_activation(hidden, rng):
    check_one_pass(normed(rng, hidden=hidden))
    check_training(normed(rng, hidden=hidden), pynn.SGD(0.01), 2)


def test_each_layer_can_be_chosen(rng):
    sizes = [4, 6, 5, 5, 2]
    for norm in ([None, "layer", None], ["layer", None, None], ["layer", None, "layer"]):
        check_one_pass(normed(rng, sizes, norm=norm, n_rows=9))
        check_training(normed(rng, sizes, norm=norm, n_rows=9), pynn.Adam(0.01), 4)


@pytest.mark.parametrize("sizes", [[5, 7, 7, 7, 3], [20, 130, 130, 130, 4]], ids=str)
def test_residual_layers_add_their_input_to_normalised_layers(sizes, rng, isa):
    check_one_pass(normed(rng, sizes, residual=True, n_rows=9))
    check_training(normed(rng, sizes, residual=True, n_rows=9), pynn.SGD(1e-3), 4, dropout=0.3)


def test_scaled_inputs_are_normalised_in_the_first_layer(rng):
    check_one_pass(normed(rng, scale=True, n_rows=9))
    check_training(normed(rng, scale=True, n_rows=9), pynn.Adam(0.01), 4)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_rows_of_equal_sums_become_the_biases(dtype, rng):
    """Their variance is 0, so only the constant in the root keeps the quotient finite."""
    problem = normed(rng, [4, 6, 6, 2], dtype, n_rows=6)
    problem.net.weights[0][...] = 0.25
    problem.X[::2] = 0
    check_one_pass(problem)
    hidden = problem.net._predict(problem.X, n_layers=1)
    np.testing.assert_allclose(hidden, np.tanh([problem.net.biases[0]] * 6), rtol=1e-3)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("n_rows", [1023, 2100])
def test_rows_that_go_through_in_chunks(n_rows, n_threads, rng):
    problem = normed(rng, [5, 70, 70, 3], n_rows=n_rows)
    problem.net.n_threads = n_threads
    check_one_pass(problem)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rule", cases.RULES, ids=repr)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"alpha": 0.3, "l1": 0.01},
        {"max_norm": 0.4},
        {"clip_norm": 0.05},
        {"dropout": 0.3},
        {"learning_rate_factors": {"weights": 0.5, "biases": [2, 0.5, 1]}},
    ],
    ids=str,
)
def test_every_rule_trains_it(options, rule, dtype, rng):
    check_training(normed(rng, dtype=dtype, n_rows=12), rule, 5, **options)


def test_batches_of_several_chunks(rng):
    check_training(normed(rng, n_rows=2100), pynn.SGD(0.1), 2000)


def test_frozen_layers_keep_their_gains(rng):
    problem = normed(rng, n_rows=12)
    before = [gains.copy() for gains in problem.net.gains[:2]]
    problem.net.fit(problem.X, problem.y, trainable=[True, False, True])
    assert (problem.net.gains[0] != before[0]).all()
    np.testing.assert_array_equal(problem.net.gains[1], before[1])


@pytest.mark.parametrize("sizes", [[30, 7, 7, 3], [30, 130, 130, 3]], ids=str)
def test_sparse_rows_give_the_numbers_of_dense_ones(sizes, rng):
    problem = normed(rng, sizes, n_rows=40)
    X = problem.X * (rng.random(problem.X.shape) < 0.2)
    for compute in (problem.net.predict, lambda rows: problem.net.gradient(rows, problem.y)):
        np.testing.assert_allclose(compute(csr_array(X)), compute(X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_traces_are_the_oracle_s(sizes, dtype, rng, isa):
    problem = normed(rng, sizes, dtype, n_rows=20)
    oracle, p = problem.oracle, problem.parameters
    zs, activations, das, dus, dx, costs = oracle.trace(p, problem.X, problem.y)
    inputs = [problem.X, *activations]
    sums = [x @ W for x, W in zip(inputs, oracle.views(p)[0], strict=False)]
    derivatives = [derivative for _, derivative in oracle.functions()]
    trace = problem.net.trace(problem.X, problem.y)
    assert trace.normalised[-1] is None
    assert trace.z_sensitivities[-1] is None
    found = [*trace.z, *trace.a, *trace.sensitivities, *trace.deltas]
    found += [*trace.normalised[:-1], *trace.z_sensitivities[:-1]]
    found += [trace.input_sensitivities, trace.costs, trace.gradient]
    wanted = [*zs, *activations, *das, *dus, *(oracle.normalised(u)[0] for u in sums[:-1])]
    wanted += [da * f(z) for da, f, z in zip(das[:-1], derivatives, zs, strict=False)]
    wanted += [dx, costs, oracle.gradient(p, problem.X, problem.y)]
    for got, want in zip(found, wanted, strict=True):
        cases.assert_agree(got, want, 2 * cases.ONE_PASS, dtype)


def test_the_first_layers_of_a_network_end_normalised(rng):
    problem = normed(rng, [5, 7, 6, 3])
    _, activations = problem.oracle.forward(problem.parameters, problem.X)
    for n_layers in (1, 2):
        found = problem.net._predict(problem.X, n_layers=n_layers)
        np.testing.assert_allclose(found, activations[n_layers], rtol=1e-12)


@pytest.mark.parametrize("dropout", [0, 0.3])
@pytest.mark.parametrize("sizes", [[5, 7, 6, 3], [30, 130, 130, 130, 10]], ids=str)
@pytest.mark.parametrize("kind", [np.asarray, csr_array])
def test_one_to_five_threads_give_the_same_bits(kind, sizes, dropout, rng):
    X, y = kind(rng.normal(size=(60, sizes[0]))), rng.normal(size=(60, sizes[-1]))

    def bits(n_threads):
        net = pynn.Network(sizes, norm="layer", n_threads=n_threads, random_state=0)
        net.fit(X, y, epochs=2, batch_size=25, optimizer="adam", dropout=dropout)
        arrays = [net.parameters, net.gradient(X, y), net.predict(X)]
        return [array.tobytes() for array in arrays]

    assert all(bits(n) == bits(1) for n in range(2, 6))


def test_one_row_is_normalised_to_the_bits_it_has_among_many(rng):
    """A single row lies in memory in another layout than the rows of a batch."""
    net = pynn.Network([20, 130, 3], norm="layer", n_threads=1, random_state=0)
    X = rng.normal(size=(100, 20))
    np.testing.assert_array_equal(net.predict(X[[7]])[0], net.predict(X)[7])
