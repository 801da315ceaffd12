"""Residual layers in the compiled core, a = f(z) + input, compared with the oracle."""

import cases
import numpy as np
import pytest
from cases import check_one_pass, check_training
from scipy.sparse import csr_array

import pynn

SIZES = [[3, 1, 1, 1], [5, 7, 7, 3], [9, 40, 40, 40, 2], [20, 130, 130, 4]]


def residual(rng, sizes=(5, 7, 7, 3), dtype="float64", hidden="tanh", **options):
    options = {"residual": True} | options
    return cases.problem(rng, sizes, hidden, "identity", "squared_error", dtype, **options)


def test_the_oracle_agrees_with_finite_differences(rng):
    cases.check_oracle(residual(rng, [4, 6, 6, 6, 2], weighted=True, n_rows=9), 0.3, 0.1)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("n_rows", [1, 5, 40])
def test_every_shape_and_instruction_set(n_rows, sizes, dtype, rng, isa):
    check_one_pass(residual(rng, sizes, dtype, n_rows=n_rows), alpha=0.1, l1=0.01)
    check_one_pass(residual(rng, sizes, dtype, n_rows=n_rows, bias=False, weighted=True))


@pytest.mark.parametrize("hidden", cases.HIDDEN)
def test_every_activation(hidden, rng):
    """Some derivatives read the activation, which is not what the next layer reads."""
    check_one_pass(residual(rng, hidden=hidden))
    check_training(residual(rng, hidden=hidden), pynn.SGD(0.01), 2)


def test_each_layer_can_be_chosen(rng):
    sizes = [4, 6, 6, 6, 5, 5, 2]
    for chosen in ([0, 1, 0, 0, 1], [0, 0, 1, 0, 0], [0, 1, 1, 0, 0]):
        check_one_pass(residual(rng, sizes, residual=[bool(one) for one in chosen]))


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("n_rows", [1023, 1025, 2500])
def test_rows_that_go_through_in_chunks(n_rows, n_threads, rng):
    problem = residual(rng, [5, 70, 70, 3], n_rows=n_rows)
    problem.net.n_threads = n_threads
    check_one_pass(problem)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rule", cases.RULES, ids=repr)
@pytest.mark.parametrize(
    "options",
    [{}, {"alpha": 0.3, "l1": 0.01}, {"max_norm": 0.4}, {"clip_norm": 0.05}, {"dropout": 0.3}],
    ids=str,
)
def test_every_rule_trains_it(options, rule, dtype, rng):
    check_training(residual(rng, dtype=dtype, n_rows=12), rule, 5, **options)


def test_batches_of_several_chunks(rng):
    check_training(residual(rng, n_rows=2100), pynn.SGD(0.1), 2000)


@pytest.mark.parametrize("sizes", [[30, 7, 7, 3], [30, 130, 130, 3]], ids=str)
def test_sparse_rows_give_the_numbers_of_dense_ones(sizes, rng):
    """The first layer of sparse rows lies in rows, the next one may lie in panels."""
    problem = residual(rng, sizes, n_rows=40)
    X = problem.X * (rng.random(problem.X.shape) < 0.2)
    dense, sparse = (
        problem.net.gradient(X, problem.y),
        problem.net.gradient(csr_array(X), problem.y),
    )
    np.testing.assert_allclose(sparse, dense, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(
        problem.net.predict(csr_array(X)), problem.net.predict(X), rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_traces_are_the_oracle_s(sizes, dtype, rng, isa):
    cases.check_trace(residual(rng, sizes, dtype, n_rows=20))


def test_the_first_layers_of_a_network_pass_their_input_on(rng):
    problem = residual(rng, [5, 7, 7, 7, 3])
    _, activations = problem.oracle.forward(problem.parameters, problem.X)
    for n_layers in (2, 3):
        found = problem.net._predict(problem.X, n_layers=n_layers)
        np.testing.assert_allclose(found, activations[n_layers], rtol=1e-12)


@pytest.mark.parametrize("dropout", [0, 0.3])
@pytest.mark.parametrize("sizes", [[5, 7, 7, 3], [30, 130, 130, 130, 10]], ids=str)
def test_one_to_five_threads_give_the_same_bits(sizes, dropout, rng):
    X, y = rng.normal(size=(60, sizes[0])), rng.normal(size=(60, sizes[-1]))

    def bits(n_threads):
        net = pynn.Network(sizes, residual=True, n_threads=n_threads, random_state=0)
        net.fit(X, y, epochs=2, batch_size=25, optimizer="adam", dropout=dropout)
        arrays = [net.parameters, net.gradient(X, y), net.input_gradient(X, y), net.predict(X)]
        return [array.tobytes() for array in arrays]

    assert all(bits(n) == bits(1) for n in range(2, 6))
