"""The input scale in the compiled core: x * s before the first layer, held against the oracle."""

import cases
import numpy as np
import pytest
import reference
from bare import Bare
from cases import check_one_pass, check_training

import pynn
from pynn import _core


def scaled(rng, sizes=(5, 7, 4, 3), dtype="float64", output="identity", **options):
    cost = {"softmax": "cross_entropy"}.get(output, "squared_error")
    return cases.problem(rng, sizes, "tanh", output, cost, dtype, scale=True, **options)


def test_the_oracle_agrees_with_finite_differences(rng):
    cases.check_oracle(scaled(rng, weighted=True, n_rows=9), 0.3, 0.1)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(
    "sizes", [[1, 1], [5, 7, 4, 3], [33, 3], [64, 2, 1], [130, 65, 4]], ids=str
)
@pytest.mark.parametrize("n_rows", [1, 5, 40])
def test_every_shape_and_instruction_set(n_rows, sizes, dtype, rng, isa):
    check_one_pass(scaled(rng, sizes, dtype, n_rows=n_rows), alpha=0.1, l1=0.01)
    check_one_pass(scaled(rng, sizes, dtype, n_rows=n_rows, bias=False, weighted=True))


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("n_rows", [1023, 1025, 2500])
def test_rows_that_go_through_in_chunks(n_rows, n_threads, rng):
    problem = scaled(rng, n_rows=n_rows, output="softmax")
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
        {"learning_rate_factors": {"scale": 10, "weights": [1, 0.5, 2]}},
        {"learning_rate_factors": {"scale": 0}, "clip_norm": 0.1},
    ],
    ids=str,
)
def test_each_rule_trains_it_without_penalty_decay_or_limit(options, rule, dtype, rng):
    check_training(scaled(rng, dtype=dtype, n_rows=12), rule, 5, **options)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_rprop_trains_it(dtype, rng):
    factors = {"scale": 2}
    check_training(scaled(rng, dtype=dtype), pynn.Rprop(0.01), 5, learning_rate_factors=factors)


def test_batches_of_several_chunks(rng):
    check_training(
        scaled(rng, n_rows=2100), pynn.SGD(0.1), 2000, learning_rate_factors={"scale": 3}
    )


@pytest.mark.parametrize("rule", [pynn.SGD(0.05), pynn.Adam(0.01)], ids=repr)
@pytest.mark.parametrize("n_dead", [1, 30, 39])
def test_inputs_that_are_always_0_keep_their_scale(n_dead, rule, rng):
    """Products skip their columns; their weights and factors have the gradient 0."""
    problem = scaled(rng, [40, 9, 3], n_rows=10)
    problem.X[:, rng.permutation(40)[:n_dead]] = 0
    before = problem.net.scale.copy()
    check_training(problem, rule, 4)
    dead = ~problem.X.any(axis=0)
    np.testing.assert_array_equal(problem.net.scale[dead], before[dead])


def test_a_scale_of_0_can_become_another(rng):
    problem = scaled(rng)
    problem.net.scale[0] = 0
    check_training(problem, pynn.SGD(0.1), 5)
    assert problem.net.scale[0] != 0


def test_it_learns_behind_a_frozen_first_layer(rng):
    """A factor of 0 stops plain SGD as freezing does."""
    problem = scaled(rng, n_rows=12)
    stopped = {"weights": [0, 1, 1], "biases": [0, 1, 1]}
    p, _ = problem.oracle.train(
        problem.parameters,
        problem.X,
        problem.y,
        [np.arange(12)] * 2,
        5,
        pynn.SGD(0.1),
        learning_rate_factors=stopped,
    )
    frozen = problem.net.weights[0].copy()
    problem.net.fit(problem.X, problem.y, epochs=2, batch_size=5, optimizer=pynn.SGD(0.1),
                    shuffle=False, trainable=[False, True, True])  # fmt: skip
    np.testing.assert_array_equal(problem.net.weights[0], frozen)
    np.testing.assert_allclose(problem.net.parameters, p, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("sizes", [[1, 1], [5, 7, 4, 3], [70, 3]], ids=str)
def test_traces_differentiate_by_the_raw_inputs(sizes, dtype, rng, isa):
    cases.check_trace(scaled(rng, sizes, dtype, n_rows=20))


@pytest.mark.parametrize("rule", [pynn.SGD(0.1), pynn.Adam()], ids=repr)
@pytest.mark.parametrize("sizes", [[5, 7, 3], [300, 65, 10]], ids=str)
def test_one_to_five_threads_give_the_same_bits(sizes, rule, rng):
    X, y = rng.normal(size=(60, sizes[0])), rng.normal(size=(60, sizes[-1]))

    def bits(n_threads):
        net = pynn.Network(sizes, input_scale=True, n_threads=n_threads, random_state=0)
        net.fit(X, y, epochs=2, batch_size=25, optimizer=rule)
        arrays = [net.parameters, net.gradient(X, y), net.input_gradient(X, y)]
        return [array.tobytes() for array in arrays]

    assert all(bits(n) == bits(1) for n in range(2, 6))


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("offset", [0, 1, 5])
def test_nothing_is_written_beside_the_arrays(offset, dtype, rng, isa):
    sizes, activations = [5, 3, 2], ["tanh", "identity"]
    p = rng.normal(size=5 + 5 * 3 + 3 + 3 * 2 + 2).astype(dtype)
    X, y = (rng.normal(size=(9, n)).astype(dtype) for n in (5, 2))
    bare = Bare(sizes, activations, "squared_error", p, offset, scale=True)
    cases.assert_agree(bare.predict(X), bare.oracle.predict(bare.p, X), 16, dtype)
    cases.assert_agree(bare.gradient(X, y), bare.oracle.gradient(bare.p, X, y), 32, dtype)
    wanted, _ = bare.oracle.train(bare.p, X, y, [np.arange(9)], 4, pynn.SGD(0.1))
    parameters, _ = bare.train(pynn.SGD(0.1), X, y, batch_size=4)
    cases.assert_agree(parameters, wanted, 64, dtype)


@pytest.mark.parametrize("method", ["fit", "gradient", "trace"])
def test_every_allocation_that_fails_changes_nothing(method, rng):
    X, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    net = pynn.Network([3, 4, 2], input_scale=True, random_state=0)
    blocks, before = _core.blocks_in_use(), net.parameters.copy()
    for n in range(1, 30):
        _core.fail_allocation(n)
        try:
            getattr(net, method)(X, y)
        except MemoryError:
            np.testing.assert_array_equal(net.parameters, before)
        else:
            break
        finally:
            _core.fail_allocation(0)
            assert _core.blocks_in_use() == blocks
    assert 2 < n < 29


def test_ones_change_nothing(rng):
    problem = scaled(rng)
    plain = reference.Network(problem.oracle.layer_sizes, problem.oracle.activations,
                              "squared_error", parameter=0.0)  # fmt: skip
    problem.net.scale[:] = 1
    cases.assert_agree(
        problem.net.predict(problem.X),
        plain.predict(problem.parameters[5:], problem.X),
        16,
        "float64",
    )
