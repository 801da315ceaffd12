"""Members that share weights in the compiled core, held against an oracle for each member."""

import cases
import numpy as np
import pytest
from bare import Bare
from cases import check_one_pass, check_training

import pynn
from pynn import _core


def shared(rng, sizes=(5, 7, 4, 3), members=3, hidden="tanh", output="identity", cost=None,
           dtype="float64", **options):  # fmt: skip
    cost = cost or {"softmax": "cross_entropy"}.get(output, "squared_error")
    return cases.problem(rng, sizes, hidden, output, cost, dtype, members=members, **options)


@pytest.mark.parametrize("options", [{}, {"scale": True, "residual": True}, {"bias": False}])
def test_the_oracle_agrees_with_finite_differences(options, rng):
    cases.check_oracle(shared(rng, (5, 4, 4, 3), weighted=True, n_rows=9, **options), 0.3, 0.1)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(
    ("sizes", "members"),
    [((1, 1, 1), 1), ((5, 7, 4, 3), 2), ((33, 70, 70, 3), 5), ((3, 140, 130), 2)],
    ids=str,
)
@pytest.mark.parametrize("n_rows", [1, 5, 40])
def test_every_shape_and_instruction_set(n_rows, sizes, members, dtype, rng, isa):
    check_one_pass(shared(rng, sizes, members, dtype=dtype, n_rows=n_rows), alpha=0.1, l1=0.01)
    problem = shared(rng, sizes, members, dtype=dtype, n_rows=n_rows, bias=False, scale=True,
                     residual=sizes[1:3] == (70, 70), weighted=True)  # fmt: skip
    check_one_pass(problem)
    expected = problem.oracle.predict_members(problem.parameters, problem.X)
    cases.assert_agree(problem.net.predict_members(problem.X), expected, 16, dtype)


@pytest.mark.parametrize("hidden", ["relu", "gelu", "softplus", "sigmoid"])
@pytest.mark.parametrize(("output", "cost"), [
    ("softmax", "cross_entropy"), ("exp", "poisson"), ("sigmoid", "binary_cross_entropy"),
    ("tanh", "huber"), ("softmax", "squared_error"),
])  # fmt: skip
def test_activations_and_costs(output, cost, hidden, rng):
    check_one_pass(shared(rng, hidden=hidden, output=output, cost=cost))


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize(("n_rows", "members"), [(1025, 1), (700, 5), (40, 90)])
def test_rows_that_go_through_in_chunks(n_rows, members, n_threads, rng):
    problem = shared(rng, members=members, n_rows=n_rows, output="softmax", weighted=True)
    problem.net.n_threads = n_threads
    check_one_pass(problem, alpha=0.1)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rule", cases.RULES, ids=repr)
@pytest.mark.parametrize(
    "options",
    [
        {"alpha": 0.3, "l1": 0.01},
        {"max_norm": 0.4},
        {"clip_norm": 0.05},
        {"dropout": [0.3, 0.1]},
        {"learning_rate_factors": {"biases": [10, 0, 1], "weights": [1, 0.5, 2]}},
        {"average": pynn.EMA(0.5)},
    ],
    ids=str,
)
def test_each_rule_trains_them(options, rule, dtype, rng):
    check_training(shared(rng, dtype=dtype, n_rows=12), rule, 5, **options)


@pytest.mark.parametrize("rule", [pynn.SGD(0.1), pynn.Adam(0.01, epsilon=1e-2)], ids=repr)
@pytest.mark.parametrize("dropout", [0, 0.2])
def test_batches_of_several_chunks(dropout, rule, rng):
    problem = shared(rng, (5, 6, 6, 2), 7, n_rows=420, residual=True, scale=True)
    check_training(problem, rule, 400, dropout=dropout)


@pytest.mark.parametrize("frozen", range(3))
def test_frozen_layers_keep_all_of_their_parameters(frozen, rng):
    """A factor of 0 stops plain SGD as freezing does."""
    for others in ([frozen], [layer for layer in range(3) if layer != frozen]):
        problem = shared(rng, n_rows=12)
        factors = [float(layer not in others) for layer in range(3)]
        p, _ = problem.oracle.train(
            problem.parameters, problem.X, problem.y, [np.arange(12)] * 2, 5, pynn.SGD(0.1),
            learning_rate_factors={"weights": factors, "biases": factors},
        )  # fmt: skip
        problem.net.fit(problem.X, problem.y, epochs=2, batch_size=5, optimizer=pynn.SGD(0.1),
                        shuffle=False, trainable=[bool(f) for f in factors])  # fmt: skip
        np.testing.assert_allclose(problem.net.parameters, p, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("rule", [pynn.SGD(0.1), pynn.Adam()], ids=repr)
@pytest.mark.parametrize(("sizes", "members"), [((5, 7, 3), 2), ((70, 150, 150, 10), 5)], ids=str)
def test_one_to_four_threads_give_the_same_bits(sizes, members, rule, rng, isa):
    X, y = rng.normal(size=(60, sizes[0])), rng.normal(size=(60, sizes[-1]))

    def bits(n_threads):
        net = pynn.Network(sizes, members=members, input_scale=True, n_threads=n_threads,
                           random_state=0)  # fmt: skip
        net.fit(X, y, epochs=2, batch_size=25, optimizer=rule, dropout=0.1)
        arrays = [net.parameters, net.gradient(X, y), net.predict(X), net.predict_members(X)]
        return [array.tobytes() for array in arrays]

    assert all(bits(n) == bits(1) for n in range(2, 5))


def test_rows_predicted_in_parts_have_the_same_bits(rng):
    problem = shared(rng, (33, 140, 2), 5, dtype="float32", n_rows=120)
    whole = problem.net.predict(problem.X)
    parts = [problem.net.predict(problem.X[i : i + 7]) for i in range(0, 120, 7)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("offset", [0, 1, 5])
def test_nothing_is_written_beside_the_arrays(offset, dtype, rng, isa):
    sizes, activations, K = [5, 3, 2], ["tanh", "identity"], 3
    p = rng.normal(size=5 * 3 + K * (3 + 5 + 3) + K * (3 * 2 + 2)).astype(dtype)
    X, y = (rng.normal(size=(9, n)).astype(dtype) for n in (5, 2))
    bare = Bare(sizes, activations, "squared_error", p, offset, members=K)
    cases.assert_agree(bare.predict(X), bare.oracle.predict(bare.p, X), 16, dtype)
    cases.assert_agree(bare.gradient(X, y), bare.oracle.gradient(bare.p, X, y), 32, dtype)
    wanted, _ = bare.oracle.train(bare.p, X, y, [np.arange(9)], 4, pynn.SGD(0.1))
    parameters, _ = bare.train(pynn.SGD(0.1), X, y, batch_size=4)
    cases.assert_agree(parameters, wanted, 64, dtype)


@pytest.mark.parametrize("method", ["fit", "gradient", "predict"])
def test_every_allocation_that_fails_changes_nothing(method, rng):
    X, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    net = pynn.Network([3, 4, 2], members=3, random_state=0)
    blocks, before = _core.blocks_in_use(), net.parameters.copy()
    for n in range(1, 30):
        _core.fail_allocation(n)
        try:
            getattr(net, method)(X, *[y][: method != "predict"])
        except MemoryError:
            assert net.parameters.tobytes() == before.tobytes()
            assert _core.blocks_in_use() == blocks
        else:
            break
        finally:
            _core.fail_allocation(0)
    assert 1 < n < 29
