"""Embeddings of inputs in the compiled core, held against the oracle."""

import cases
import numpy as np
import pytest
from cases import check_one_pass, check_training

import pynn
from pynn import _core

EDGES = [-0.75, -0.25, 0.0, 0.5, 0.8125]
OF_ALL_KINDS = {
    0: pynn.PiecewiseLinear(EDGES),
    1: pynn.PiecewiseLinear(EDGES, size=3),
    3: pynn.Periodic(size=4, n_frequencies=5, sigma=1.0),
    4: pynn.Categories(5, size=2),
}
ALONE = {
    "one bin": pynn.PiecewiseLinear([-0.5, 0.25]),
    "one bin, mapped": pynn.PiecewiseLinear([-0.5, 0.25], size=1),
    "bins": pynn.PiecewiseLinear(np.linspace(-1, 1, 50)),
    "bins, mapped": pynn.PiecewiseLinear(np.linspace(-1, 1, 50), size=17),
    "one wave": pynn.Periodic(size=2, n_frequencies=1, sigma=1.0),
    "waves": pynn.Periodic(size=20, n_frequencies=70, sigma=1.0),
    "one category": pynn.Categories(1, size=1),
    "categories": pynn.Categories(40, size=33),
}


def embedded(rng, sizes=(6, 7, 3), embeddings=None, dtype="float64", **options):
    embeddings = OF_ALL_KINDS if embeddings is None else embeddings
    return cases.problem(
        rng, sizes, "tanh", "identity", "squared_error", dtype, embeddings=embeddings, **options
    )


@pytest.mark.parametrize("scale", [False, True])
def test_the_oracle_agrees_with_finite_differences(scale, rng):
    cases.check_oracle(embedded(rng, weighted=True, n_rows=9, scale=scale), 0.3, 0.1)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("scale", [False, True])
@pytest.mark.parametrize("n_rows", [1, 5, 40, 130])
def test_all_kinds_and_every_instruction_set(n_rows, scale, dtype, rng, isa):
    check_one_pass(embedded(rng, dtype=dtype, n_rows=n_rows, scale=scale), alpha=0.1, l1=0.01)
    wide = embedded(rng, [9, 130, 5], dtype=dtype, n_rows=n_rows, scale=scale, weighted=True)
    check_one_pass(wide)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", ALONE)
def test_each_kind_of_every_size(name, dtype, rng, isa):
    problem = embedded(rng, [1, 3], {0: ALONE[name]}, dtype, n_rows=70)
    check_one_pass(problem)
    cases.check_trace(problem)
    check_training(problem, pynn.Adam(0.01, epsilon=1e-2), 32)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("scale", [False, True])
def test_traces_differentiate_by_the_raw_inputs(scale, dtype, rng, isa):
    problem = embedded(rng, dtype=dtype, n_rows=70, scale=scale)
    cases.check_trace(problem)
    found = problem.net.trace(problem.X, problem.y).embedded
    wanted = problem.oracle.embedded.forward(problem.parameters, problem.X.astype(float))
    cases.assert_agree(found, wanted, cases.ONE_PASS, dtype)


def test_inputs_far_from_all_edges_and_inputs_at_edges(rng):
    problem = embedded(rng, [2, 3], {0: ALONE["bins"], 1: ALONE["bins, mapped"]}, n_rows=60)
    problem.X[:] = np.linspace(-3, 3, 120).reshape(60, 2)
    problem.X[:50] = np.array(ALONE["bins"].edges)[:, np.newaxis]
    check_one_pass(problem)


@pytest.mark.parametrize("n_threads", [1, 3])
@pytest.mark.parametrize("n_rows", [1023, 1025, 2500])
def test_rows_that_go_through_in_chunks(n_rows, n_threads, rng):
    problem = embedded(rng, [6, 70, 3], n_rows=n_rows)
    problem.net.n_threads = n_threads
    check_one_pass(problem)
    one_by_one = [problem.net.predict(problem.X[i : i + 1]) for i in range(0, n_rows, 97)]
    np.testing.assert_allclose(np.vstack(one_by_one), problem.net.predict(problem.X)[::97])


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
        {"learning_rate_factors": {"embeddings": 0.1, "weights": [1, 0.5, 2]}},
        {"learning_rate_factors": {"embeddings": 0}, "clip_norm": 0.1},
    ],
    ids=str,
)
def test_each_rule_trains_them_without_penalty_decay_or_limit(options, rule, dtype, rng):
    check_training(embedded(rng, [6, 7, 4, 3], dtype=dtype, n_rows=12), rule, 5, **options)


def test_factors_tell_scale_and_embeddings_apart(rng):
    factors = {"embeddings": 0.1, "scale": 3}
    problem = embedded(rng, scale=True, n_rows=12)
    check_training(problem, pynn.SGD(0.1), 5, learning_rate_factors=factors)


def test_batches_of_several_chunks(rng):
    check_training(embedded(rng, n_rows=2100), pynn.SGD(0.1), 2000)


def test_they_learn_behind_a_frozen_first_layer(rng):
    problem = embedded(rng, n_rows=12)
    weights = problem.net.weights[0].copy()
    before = {name: view.copy() for name, view in problem.net.embedding_parameters.items()}
    problem.net.fit(problem.X, problem.y, optimizer=pynn.SGD(0.1), trainable=[False, True])
    np.testing.assert_array_equal(problem.net.weights[0], weights)
    for name, view in problem.net.embedding_parameters.items():
        assert not np.array_equal(view, before[name]), name


def test_columns_that_are_always_0_are_not_skipped(rng):
    """The search for such columns is of the raw inputs; their embeddings are not 0."""
    problem = embedded(
        rng, [40, 9, 3], {5: pynn.Periodic(3, 4), 6: pynn.Categories(3, 2)}, n_rows=10
    )
    problem.X[:, :38] = 0
    check_one_pass(problem)
    check_training(problem, pynn.SGD(0.05), 4)


@pytest.mark.parametrize("rule", [pynn.SGD(0.1), pynn.Adam()], ids=repr)
@pytest.mark.parametrize("scale", [False, True])
def test_one_to_three_threads_give_the_same_bits(scale, rule, rng):
    X, y = rng.normal(size=(60, 6)), rng.normal(size=(60, 10))
    X[:, 4] = rng.integers(0, 5, 60)

    def bits(n_threads):
        net = pynn.Network([6, 65, 10], embeddings=OF_ALL_KINDS, input_scale=scale,
                           n_threads=n_threads, random_state=0)  # fmt: skip
        net.fit(X, y, epochs=2, batch_size=25, optimizer=rule)
        arrays = [net.parameters, net.gradient(X, y), net.input_gradient(X, y), net.predict(X)]
        return [array.tobytes() for array in arrays]

    assert bits(1) == bits(2) == bits(3)


@pytest.mark.parametrize(
    "layout", [np.asfortranarray, lambda X: X[:, ::-1][:, ::-1], lambda X: X[::2]]
)
def test_every_layout_of_the_rows_gives_the_same_bits(layout, rng):
    problem = embedded(rng, n_rows=80)
    X = layout(problem.X)
    assert problem.net.predict(X).tobytes() == problem.net.predict(X.copy()).tobytes()


@pytest.mark.parametrize("method", ["fit", "gradient", "trace", "predict"])
def test_every_allocation_that_fails_changes_nothing(method, rng):
    problem = embedded(rng, scale=True)
    blocks, before = _core.blocks_in_use(), problem.net.parameters.copy()
    data = (problem.X,) if method == "predict" else (problem.X, problem.y)
    for n in range(1, 30):
        _core.fail_allocation(n)
        try:
            getattr(problem.net, method)(*data)
        except MemoryError:
            np.testing.assert_array_equal(problem.net.parameters, before)
        else:
            break
        finally:
            _core.fail_allocation(0)
            assert _core.blocks_in_use() == blocks
    assert 2 < n < 29


# Accuracy of the waves


def turns(dtype):
    """Numbers of all sizes, most of them where the functions bend, and their multiples of 1/8."""
    rng = np.random.default_rng(20)
    t = np.concatenate(
        [
            rng.uniform(-1, 1, 20_000),
            rng.normal(size=20_000) * 10.0 ** rng.integers(-30, 30, 20_000),
        ]
    )
    t = np.concatenate(
        [t, np.arange(-100, 100) / 8, [2**22 - 0.5, 2**23 + 1, 2**25, 2**52 + 1, 2**53 - 1]]
    )
    return t.astype(dtype)


def exact(function, t):
    """cos or sin of 2π t, in twice the precision, of t without whole turns."""
    wide = (t - np.rint(t)).astype({"float32": float, "float64": np.longdouble}[t.dtype.name])
    tau = 8 * np.arctan(wide.dtype.type(1))
    eighths = np.rint(8 * wide)  # NumPy's own zeros would be those of a rounded π
    rest = wide - eighths / 8
    half = np.sqrt(wide.dtype.type(0.5))
    c, s = np.cos(tau * rest), np.sin(tau * rest)
    cosines = np.array([1, half, 0, -half, -1, -half, 0, half])[eighths.astype(int) % 8]
    sines = np.array([0, half, 1, half, 0, -half, -1, -half])[eighths.astype(int) % 8]
    return cosines * c - sines * s if function == "cos" else sines * c + cosines * s


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("function", ["cos", "sin"])
def test_cosines_and_sines_err_by_less_than_three_units_in_the_last_place(function, dtype, isa):
    """Of a network that outputs cos 2πx, and of its derivative −2π sin 2πx."""
    t = turns(dtype)
    net = pynn.Network(
        [1, 1],
        embeddings={0: pynn.Periodic(2, 1)},
        cost="absolute_error",
        bias=False,
        dtype=dtype,
    )
    net.parameters[:] = [1, 0, 1, 0, 0, 1]  # frequency, phase, V, b; the weights of x and cos 2πx
    X = t[:, np.newaxis]
    if function == "cos":
        found, factor = net.predict(X, squeeze=True), 1
    else:
        found, factor = net.input_gradient(X, np.full_like(X, -2))[:, 0], t.dtype.type(-2 * np.pi)
    wanted = exact(function, t) * factor
    error = np.abs(found.astype(wanted.dtype) - wanted)
    assert (error / np.spacing(np.abs(wanted).astype(dtype))).max() < 3
