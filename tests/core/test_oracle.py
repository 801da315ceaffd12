"""The core agrees with tests/helpers/reference.py, for all combinations of options.

The oracle always works in float64, on the float32 network's own parameters, so float32 tests
measure the core's rounding alone. ONE_PASS and PER_UPDATE count roundings, of the largest value or
of 1. Sums of at most 64 terms of changing sign, three layers and functions exact to a few units in
the last place cause 2, an update causes less than one; the tests allow several times as much. In
float64 they are 4e-15 and 2e-15.
"""

import cases
import numpy as np
import pytest
import reference
from cases import ONE_PASS, PER_UPDATE, check_one_pass, check_training
from hypothesis import given
from hypothesis import strategies as st

import pynn
from pynn import _core


def test_every_name_of_the_core_has_an_oracle():
    assert set(_core.ACTIVATIONS) == set(reference.ACTIVATIONS)
    required = {name: None for name in reference.COSTS_OF_A} | {
        "cross_entropy": "softmax",
        "binary_cross_entropy": "sigmoid",
        "poisson": "exp",
    }
    assert dict(_core.COSTS) == required
    assert set(reference.COSTS_OF_A) | set(reference.COSTS_OF_Z) == set(required)
    assert {rule._rule() for rule in cases.EVERY_RULE} == set(_core.RULES)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(("output", "cost"), cases.PAIRS)
def test_outputs_cost_and_gradient(output, cost, dtype, rng):
    for hidden in cases.HIDDEN:
        problem = cases.problem(rng, [5, 17, 4, 3], hidden, output, cost, dtype, n_rows=7)
        check_one_pass(problem, label=hidden)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(("output", "cost"), cases.PAIRS)
def test_parameters_after_several_updates(output, cost, dtype, rng):
    """Each rule with one hidden activation, another one beside each output and cost."""
    first = cases.PAIRS.index((output, cost))
    for i, rule in enumerate(cases.RULES, first):
        hidden = cases.HIDDEN[i % len(cases.HIDDEN)]
        problem = cases.problem(rng, [3, 5, 4, 3], hidden, output, cost, dtype, n_rows=7)
        check_training(problem, rule, batch_size=3, label=f"{rule} {hidden}")


SIZES = st.sampled_from([1, 3, 15, 17, 33]) | st.integers(1, 64)


@st.composite
def problems(draw):
    """Any shape, any names, with or without biases and row weights."""
    sizes = draw(st.lists(SIZES, min_size=2, max_size=4))
    n_hidden = len(sizes) - 2
    output, cost = draw(st.sampled_from(cases.PAIRS))
    return cases.problem(
        np.random.default_rng(draw(st.integers(0, 2**32 - 1))),
        sizes,
        draw(st.lists(st.sampled_from(cases.HIDDEN), min_size=n_hidden, max_size=n_hidden)),
        output,
        cost,
        draw(st.sampled_from(cases.DTYPES)),
        n_rows=draw(st.integers(1, 40)),
        bias=draw(st.booleans()),
        delta=draw(st.sampled_from([0.25, 1.0, 2.0])),
        weighted=draw(st.booleans()),
    )


@given(problems(), st.sampled_from([0.0, 0.1]))
def test_one_pass_over_any_shape(problem, alpha):
    check_one_pass(problem, alpha)


@given(problems(), st.sampled_from(cases.RULES), st.integers(1, 4), st.sampled_from([0.0, 0.1]))
def test_training_over_any_shape(problem, rule, n_batches, alpha):
    """Batches that do or do not divide the rows; a single one is larger than all of them."""
    n_rows = len(problem.X)
    batch_size = -(-n_rows // n_batches) if n_batches > 1 else n_rows + 5
    check_training(problem, rule, batch_size, alpha=alpha)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_one_pass_over_many_rows_and_large_layers(dtype, rng):
    """Large enough for everything the core does in pieces: blocks of rows, products, sums."""
    sizes, names = [720, 730, 740, 3], ("tanh", "softmax", "cross_entropy")
    check_one_pass(cases.problem(rng, sizes, *names, dtype, n_rows=1100, weighted=True), 0.1)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_batches_of_many_rows(dtype, rng):
    names = ("tanh", "identity", "huber")
    problem = cases.problem(rng, [3, 5, 2], *names, dtype, n_rows=5000, weighted=True)
    check_training(problem, cases.RULES[0], batch_size=2100, alpha=0.1)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize(
    "rule",
    [
        pynn.Rprop(),
        pynn.Rprop(0.1, grow=1.5, shrink=0.9, largest=0.15),
        pynn.Rprop(0.3, smallest=0.2),
    ],
    ids=["default", "largest", "smallest"],
)
def test_rprop_over_whole_batches(rule, alpha, isa, dtype, rng):
    """Long enough that steps grow to the largest, signs turn and steps shrink to the smallest."""
    names = ("tanh", "identity", "squared_error")
    problem = cases.problem(rng, [3, 17, 2], *names, dtype, n_rows=20)
    check_training(problem, rule, batch_size=20, epochs=12, alpha=alpha)
    (gradients, steps) = problem.net._descent.memory[0]
    assert (gradients == 0).any()  # a sign has changed in the last update
    assert steps.min() < rule.learning_rate
    if rule.largest < 1:
        assert np.isclose(steps.max(), rule.largest)


def test_rprop_does_not_hide_a_gradient_that_is_not_finite():
    net = pynn.Network([1, 1], initializer="zeros", dtype="float64", cost=pynn.Huber(2))
    with pytest.raises(FloatingPointError):
        net.fit([[1.7e308]] * 2, [3.0, 3.0], optimizer=pynn.Rprop())


DEFAULTS = [
    pynn.SGD(),
    pynn.SGD(momentum=0.9),
    pynn.SGD(momentum=0.9, nesterov=True),
    pynn.Adam(),
    pynn.AdamW(),
    pynn.RMSprop(),
    pynn.Rprop(),
]


@pytest.mark.parametrize("rule", DEFAULTS, ids=str)
def test_rules_with_their_default_settings(rule, rng):
    problem = cases.problem(rng, [5, 8, 2], "tanh", "identity", "squared_error", "float64", 16)
    p, _ = problem.oracle.train(
        problem.parameters, problem.X, problem.y, [np.arange(16)] * 5, 4, rule
    )
    problem.net.fit(problem.X, problem.y, epochs=5, batch_size=4, optimizer=rule, shuffle=False)
    np.testing.assert_allclose(problem.net.parameters, p, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rule", DEFAULTS, ids=str)
def test_steps_from_zero_are_as_exact_as_the_dtype(rule, dtype):
    """No large parameter hides an inexact step: what 1 - beta_2 loses in float32 shows here."""
    net = pynn.Network([2, 1], initializer="zeros", dtype=dtype)
    oracle = reference.Network([2, 1], ["identity"], "squared_error")
    X, y = np.array([[1.0, -2.0]]), np.array([[1.0]])
    expected, _ = oracle.train(np.zeros(3), X, y, [[0]] * 3, 1, rule)
    net.fit(X, y, epochs=3, optimizer=rule)
    rtol = 16 * np.finfo(dtype).eps
    np.testing.assert_allclose(net.parameters, expected, rtol=rtol, atol=0)


def strided(x):
    parent = np.full([2 * n for n in x.shape], np.nan, x.dtype)
    parent[tuple(np.s_[::2] for _ in x.shape)] = x
    return parent[tuple(np.s_[::2] for _ in x.shape)]


def padded_rows(x):
    """Contiguous in each row, and something else between the rows."""
    parent = np.full([n + 3 for n in x.shape], np.nan, x.dtype)
    parent[tuple(np.s_[:n] for n in x.shape)] = x
    return parent[tuple(np.s_[:n] for n in x.shape)]


def reversed_rows(x):
    return x[::-1].copy()[::-1]


def reversed_in_memory(x):
    flip = tuple(np.s_[::-1] for _ in x.shape)
    return np.ascontiguousarray(x[flip])[flip]


def read_only(x):
    x = x.copy()
    x.flags.writeable = False
    return x


def unaligned(x):
    memory = np.zeros(x.nbytes + 1, np.uint8)
    memory[1:] = np.frombuffer(x.tobytes(), np.uint8)
    return memory[1:].view(x.dtype).reshape(x.shape)


def other_byte_order(x):
    return x.astype(x.dtype.newbyteorder())


LAYOUTS = [
    np.asfortranarray,
    strided,
    padded_rows,
    reversed_rows,
    reversed_in_memory,
    read_only,
    unaligned,
    other_byte_order,
    np.ndarray.tolist,
]


@pytest.mark.parametrize("strides", [(13, 4), (1, 4), (-3, 4), (2**40 + 1, 4)])
def test_the_stride_of_a_single_row_may_be_any_number(strides, rng):
    net = pynn.Network([5, 3], random_state=0)
    row = rng.normal(size=5).astype(np.float32)
    X = np.ndarray((1, 5), np.float32, row.data, strides=strides)
    y = np.ndarray((1, 3), np.float32, row.data, strides=strides)
    assert X.flags.aligned
    np.testing.assert_array_equal(net.predict(X), net.predict(row[np.newaxis]))
    assert net.cost(X, y) == net.cost(row[np.newaxis], row[np.newaxis, :3])
    np.testing.assert_array_equal(net.trace(X, y).z[0], net.trace(X.copy(), y.copy()).z[0])
    net.fit(X, y)


OWN_PRODUCTS, PRODUCTS_BY_BLAS = [17, 15, 3], [129, 65, 3]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("sizes", [OWN_PRODUCTS, PRODUCTS_BY_BLAS], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
def test_any_layout_of_the_data_gives_the_same_numbers(layout, sizes, dtype, rng):
    names = ("tanh", "identity", "squared_error", dtype)
    problem = cases.problem(rng, sizes, *names, n_rows=33, weighted=True)
    net, X, y, w = problem.net, problem.X, problem.y, problem.sample_weight
    before = [a.copy() for a in (X, y, w)]
    laid_out = layout(X), layout(y), layout(w)
    p = problem.parameters

    def agree(actual, expected):
        cases.assert_agree(actual, expected, ONE_PASS, dtype)

    agree(net.predict(laid_out[0]), problem.oracle.predict(p, X))
    agree(net.cost(*laid_out[:2], sample_weight=laid_out[2]), problem.oracle.cost(p, X, y, w))
    agree(
        net.gradient(*laid_out[:2], sample_weight=laid_out[2]),
        problem.oracle.gradient(p, X, y, w),
    )
    p, _ = problem.oracle.train(p, X, y, [np.arange(33)], 8, pynn.SGD(0.1), 0.0, w)
    net.fit(
        *laid_out[:2],
        sample_weight=laid_out[2],
        batch_size=8,
        optimizer=pynn.SGD(0.1),
        shuffle=False,
    )
    cases.assert_agree(net.parameters, p, 5 * PER_UPDATE, dtype)
    for laid, copy in zip(laid_out, before, strict=True):
        np.testing.assert_array_equal(np.asarray(laid), copy, "the data was written to")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("sizes", [OWN_PRODUCTS, PRODUCTS_BY_BLAS], ids=str)
def test_rows_may_share_memory(sizes, dtype, rng):
    """Windows that overlap, and one row many times over."""
    names = ("tanh", "identity", "squared_error", dtype)
    series = rng.normal(size=sizes[0] + 40).astype(np.float32).astype(dtype)
    windows = np.lib.stride_tricks.sliding_window_view(series, sizes[0])
    for shared in (windows, np.broadcast_to(windows[0], windows.shape)):
        problem = cases.problem(rng, sizes, *names, n_rows=len(windows))
        problem.X = shared
        check_one_pass(problem)
        check_training(problem, pynn.SGD(0.01), batch_size=20)


@pytest.mark.parametrize("other", [np.float32, np.float64, np.float16, np.int8, np.uint8, bool])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_data_of_any_real_dtype_is_taken(dtype, other, rng):
    problem = cases.problem(rng, [4, 3, 2], "tanh", "identity", "squared_error", dtype)
    problem.X = (3 * problem.X).astype(np.int8).astype(bool).astype(other)
    problem.y = (3 * problem.y).astype(np.int8).astype(bool).astype(other)
    check_one_pass(problem)
    check_training(problem, pynn.SGD(0.1), batch_size=2)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(("output", "cost"), [pair for pair in cases.PAIRS if pair[1] != "poisson"])
def test_integer_classes_are_one_hot_targets(output, cost, dtype, rng):
    problem = cases.problem(rng, [3, 5, 4], "tanh", output, cost, dtype, n_rows=9)
    classes = rng.integers(0, 4, 9)
    problem.y = np.eye(4)[classes]
    p = problem.parameters
    expected = problem.oracle.gradient(p, problem.X, problem.y)
    trained, _ = problem.oracle.train(p, problem.X, problem.y, [np.arange(9)], 4, pynn.SGD(0.1))
    for labels in (classes, classes.astype(np.uint8), classes.tolist()):
        got = problem.net.gradient(problem.X, labels)
        cases.assert_agree(got, expected, ONE_PASS, dtype)
        cost = problem.net.cost(problem.X, labels)
        cases.assert_agree(cost, problem.oracle.cost(p, problem.X, problem.y), ONE_PASS, dtype)
    problem.net.fit(problem.X, classes, batch_size=4, optimizer=pynn.SGD(0.1), shuffle=False)
    cases.assert_agree(problem.net.parameters, trained, 3 * PER_UPDATE, dtype)


def test_a_vector_of_targets_is_one_column(rng):
    problem = cases.problem(rng, [3, 5, 1], "tanh", "identity", "squared_error", "float64")
    column, vector = problem.y, problem.y[:, 0]
    net = problem.net
    assert net.cost(problem.X, vector) == net.cost(problem.X, column)
    np.testing.assert_array_equal(net.gradient(problem.X, vector), net.gradient(problem.X, column))


@pytest.mark.parametrize(("output", "cost"), cases.PAIRS)
def test_a_row_of_weight_two_is_a_row_twice_and_of_weight_zero_none(output, cost, rng):
    problem = cases.problem(rng, [3, 4, 3], "tanh", output, cost, "float64", n_rows=3)
    net, X, y = problem.net, problem.X, problem.y
    rows = [0, 0, 2]
    weighted = net.gradient(X, y, sample_weight=[2, 0, 1])
    np.testing.assert_allclose(weighted, net.gradient(X[rows], y[rows]), rtol=0, atol=1e-13)
    cost_of_rows = net.cost(X[rows], y[rows])
    assert net.cost(X, y, sample_weight=[2, 0, 1]) == pytest.approx(cost_of_rows, rel=1e-13)


def test_a_batch_without_weight_feels_only_the_penalty(rng):
    problem = cases.problem(rng, [3, 4, 2], "tanh", "identity", "squared_error", "float64", 4)
    problem.sample_weight = np.array([0.0, 0.0, 1.0, 2.0])
    check_training(problem, pynn.SGD(0.1), batch_size=2, alpha=0.5)


def test_the_penalty_has_the_same_strength_for_any_batch_size(rng):
    problem = cases.problem(rng, [3, 4, 2], "tanh", "identity", "squared_error", "float64", 8)
    net, X, y = problem.net, problem.X, problem.y
    penalty = 0.5 / 2 * sum(np.sum(W**2) for W in net.weights)
    for rows in (1, 3, 8):
        with_alpha, without = (net.cost(X[:rows], y[:rows], alpha=alpha) for alpha in (0.5, 0.0))
        assert with_alpha - without == pytest.approx(penalty, rel=1e-12)
        difference = net.gradient(X[:rows], y[:rows], alpha=0.5) - net.gradient(X[:rows], y[:rows])
        dWs, dbs = net.views(difference)
        for W, dW, db in zip(net.weights, dWs, dbs, strict=True):
            np.testing.assert_allclose(dW, 0.5 * W, rtol=0, atol=1e-14)
            np.testing.assert_array_equal(db, 0)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("hidden", ["relu", "leaky_relu", "elu", "selu"])
def test_at_the_kink_itself(hidden, dtype, rng):
    """Every z is 0, and so are all targets but one, whose delta goes back to the hidden layers.

    The derivative of relu and of |a - y| is taken as 0 there, that of leaky_relu as its slope.
    """
    names = (hidden, "identity", "absolute_error", dtype)
    problem = cases.problem(rng, [2, 3, 4, 2], *names, n_rows=3)
    problem.X[...] = 0
    for b in problem.net.biases:
        b[...] = 0
    problem.y[...] = 0
    problem.y[0, 0] = 1
    check_one_pass(problem)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", cases.HIDDEN)
@pytest.mark.parametrize("size", [1e1, 1e2, 1e4])
def test_hidden_activations_far_out(name, size, dtype):
    """One unit, weight and bias chosen so that z runs from -size to size."""
    net = pynn.Network([1, 1], activation=name, output_activation=name, dtype=dtype)
    net.weights[0][...] = size
    net.biases[0][...] = 0
    X = np.linspace(-1, 1, 201, dtype=dtype)[:, np.newaxis]
    expected = reference.ACTIVATIONS[name][0](net.weights[0].astype(float) * X)
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(net.predict(X), expected, rtol=16 * eps, atol=eps)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(
    ("output", "cost", "share"),
    [("softmax", "cross_entropy", 2), ("sigmoid", "binary_cross_entropy", 1)],
)
@pytest.mark.parametrize("z", [5.0, 20.0, 1e4])
def test_costs_of_confident_outputs_come_from_z(output, cost, share, z, dtype):
    """Outputs (z, -z). Mistaken: the probability may be 0, its logarithm is not. Right: log(1 + r)
    with an r that 1 + r has no digits for."""
    net = pynn.Network([1, 2], output_activation=output, cost=cost, dtype=dtype)
    net.weights[0][...] = [[z, -z]]
    net.biases[0][...] = 0
    X, right, mistaken = np.ones((1, 1)), np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    n_terms = 1 if output == "softmax" else 2
    r = np.exp(-share * z)
    eps = 16 * float(np.finfo(dtype).eps)
    expected = n_terms * np.log1p(r)
    assert net.cost(X, right) == pytest.approx(expected, rel=eps, abs=0)
    assert net.cost(X, mistaken) == pytest.approx(expected + n_terms * share * z, rel=eps, abs=0)
    delta = np.array([1, -1, 1, -1]) / (1 + r)
    np.testing.assert_allclose(net.gradient(X, mistaken), delta, rtol=eps, atol=0)
    np.testing.assert_allclose(net.gradient(X, right), -r * delta, rtol=0, atol=eps)
