"""The three products of a layer and the update, for every instruction set, dtype and small size.

Zeros get most of the attention: the core may leave out what a zero contributes nothing to, and must
not leave out anything else.
"""

from itertools import pairwise

import cases
import numpy as np
import patterns
import pytest
from bare import Bare
from long import IS_LONG
from patterns import PATTERNS

import pynn
from pynn import _core

UP_TO = 67  # two vectors of 32 float32 and what is left over, for the widest tiles
EXACT_SGD = pynn.SGD(0.5)


def network(rng, sizes, hidden, dtype, offset, bias=True, most=2):
    n = sum((n_in + bias) * n_out for n_in, n_out in pairwise(sizes))
    parameters = patterns.whole(rng, n, most).astype(dtype)
    activations = [hidden] * (len(sizes) - 2) + ["identity"]
    return Bare(sizes, activations, "squared_error", parameters, offset, bias)


def check_exactly(net, X, y, w, alpha, label):
    """Outputs, gradient and one update of SGD, to the last bit."""
    p, oracle = net.p, net.oracle

    def same(got, want):
        np.testing.assert_array_equal(got, want.astype(net.dtype), label)

    same(net.predict(X), oracle.predict(p, X))
    gradient = oracle.gradient(p, X, y, w, alpha)
    same(net.gradient(X, y, w, alpha), gradient)
    same(net.train(EXACT_SGD, X, y, w, alpha)[0], p - 0.5 * gradient)


def shapes(rng):
    """(n_rows, n_in, n_out): each runs through all sizes beside a few others; more at random."""
    for n in range(1, UP_TO + 1):
        for p, q in ((1, 1), (3, 17), (17, 3), (31, 33)) if IS_LONG else ((3, 17), (31, 33)):
            yield from ((n, p, q), (p, n, q), (p, q, n))
    yield from rng.integers(1, UP_TO + 1, (200 if IS_LONG else 60, 3)).tolist()


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_one_layer_of_every_small_size(isa, dtype, rng):
    for i, (n_rows, n_in, n_out) in enumerate(shapes(rng)):
        pattern = PATTERNS[i % len(PATTERNS)]
        X = patterns.inputs(pattern, rng, n_rows, n_in, dtype)
        y, w = patterns.targets(rng, n_rows, n_out, dtype), patterns.row_weights(n_rows)
        net = network(rng, [n_in, n_out], "identity", dtype, offset=i % 16, bias=i % 5 > 0)
        label = f"{pattern.__name__} {n_rows=} {n_in=} {n_out=}"
        check_exactly(net, X, y, w, i % 3 * 0.25, label)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_two_layers_of_small_sizes(isa, dtype, rng):
    for i in range((40 if IS_LONG else 15) * len(PATTERNS)):
        pattern = PATTERNS[i % len(PATTERNS)]
        n_rows, *sizes = rng.integers(1, UP_TO + 1, 4).tolist()
        X = patterns.inputs(pattern, rng, n_rows, sizes[0], dtype)
        y, w = patterns.targets(rng, n_rows, sizes[-1], dtype), patterns.row_weights(n_rows)
        # A bias of 1 would swallow a subnormal sum, or not, as the order of summation has it.
        bias = i % 5 > 0 and pattern is not patterns.subnormal
        net = network(rng, sizes, "relu", dtype, offset=i % 16, bias=bias, most=1)
        label = f"{pattern.__name__} {n_rows=} {sizes=}"
        check_exactly(net, X, y, w, i % 3 * 0.25, label)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(
    ("n_in", "shapes"), [(784, [(1, 15), (10, 30)]), (1030, [(33, 5), (48, 67)])]
)
def test_wide_inputs(n_in, shapes, isa, dtype, rng):
    """Deeper than a block of the products, and more columns than a block of the gradient."""
    for i, pattern in enumerate(PATTERNS):
        for n_rows, n_out in shapes:
            X = patterns.inputs(pattern, rng, n_rows, n_in, dtype)
            y, w = patterns.targets(rng, n_rows, n_out, dtype), patterns.row_weights(n_rows)
            net = network(rng, [n_in, n_out], "identity", dtype, offset=i)
            label = f"{pattern.__name__} {n_rows=} {n_out=}"
            check_exactly(net, X, y, w, i % 2 * 0.25, label)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_columns_that_are_zero_in_a_part_of_a_large_batch(isa, dtype, rng):
    """A batch of more than 1024 rows goes through in chunks, and each has its own zero columns."""
    n_rows, n_in, n_out = 2500, 37, 5
    X = patterns.inputs(patterns.dense, rng, n_rows, n_in, dtype)
    X[:1024, :20] = 0
    X[1024:2048, 10:30] = 0
    X[:, 5] = 0
    X[2300, 5] = 1
    X[:, 35] = 0
    y, w = patterns.targets(rng, n_rows, n_out, dtype), patterns.row_weights(n_rows)
    for alpha in (0.0, 0.25):
        check_exactly(network(rng, [n_in, n_out], "identity", dtype, 3, most=1), X, y, w, alpha, "")


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rule", cases.EVERY_RULE, ids=str)
def test_a_zero_column_feels_momentum_decay_and_penalty(rule, isa, dtype, rng):
    """One update from a state that is not empty: what has no gradient still moves."""
    n_slots = _core.RULES[rule._rule()]
    for i, pattern in enumerate(PATTERNS * 6):
        n_rows, n_in, n_out = rng.integers(1, 40, 3).tolist()
        X = patterns.inputs(pattern, rng, n_rows, n_in, dtype)
        y, w = patterns.targets(rng, n_rows, n_out, dtype), patterns.row_weights(n_rows)
        net = network(rng, [n_in, n_out], "identity", dtype, offset=i % 16)
        p, alpha = net.p, i // len(PATTERNS) % 2 * 0.25
        # The last slot is a mean of squares where the rule has one, and must not be negative.
        slots = [np.abs(patterns.whole(rng, p.size)).astype(dtype) for _ in range(n_slots)]
        m, v = (slots if n_slots == 2 else (np.zeros(p.size), *slots, np.zeros(p.size)))[:2]
        gradient = net.oracle.gradient(p, X, y, w, alpha)
        update = cases.reference.RULES[type(rule).__name__]
        is_weight = net.oracle.is_weight(p)
        rate, moments = rule.learning_rate, (m.astype(float), v.astype(float))
        want, m, v = update(rule, rate, p, gradient, *moments, 4, is_weight)
        got, slots = net.train(rule, X, y, w, alpha, slots=slots, t=3)
        label = f"{pattern.__name__} {n_rows=} {n_in=} {n_out=} {alpha=}"
        cases.assert_agree(got, want, 4, dtype, label)
        for slot, expected in zip(slots, (m, v)[-n_slots:], strict=n_slots > 0):
            cases.assert_agree(slot, expected, 4, dtype, label)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rule", cases.RULES, ids=str)
def test_mini_batches_with_zero_columns_of_their_own(rule, isa, dtype, rng):
    """State that one mini-batch has built up goes on through those that are zero there."""
    for i in range(8):
        problem = cases.problem(
            rng, [23, 17, 3][i % 2 :], "tanh", "identity", "squared_error", dtype, n_rows=40
        )
        for start in range(0, 40, 7):
            columns = rng.random(problem.X.shape[1]) < (0.3, 0.6, 0.95, 1)[i % 4]
            problem.X[start : start + 7, columns] = 0
        cases.check_training(problem, rule, batch_size=7, alpha=i // 4 % 2 * 0.1)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("sizes", [(3, 200, 1), (1, 200), (200, 1), (1, 90, 1, 90)], ids=str)
def test_layers_of_one_unit(sizes, isa, dtype, rng):
    """A matrix of one row or column, beside enough others that BLAS takes it, where it is used."""
    names = ("tanh", "identity", "squared_error")
    cases.check_one_pass(cases.problem(rng, sizes, *names, dtype, n_rows=700))


def in_a_frame(X, row_gap, offset):
    """X with rows further apart than they are wide, NaN between them."""
    n_rows, n_in = X.shape
    memory = np.full(offset + n_rows * (n_in + row_gap) + 64, np.nan, X.dtype)
    view = memory[offset : offset + n_rows * (n_in + row_gap)].reshape(n_rows, -1)[:, :n_in]
    view[...] = X
    view.flags.writeable = False
    return view


def layouts(X, offset):
    yield in_a_frame(X, 0, offset)
    yield in_a_frame(X, 1 + offset % 3, offset)
    yield in_a_frame(X, 16, offset)
    yield in_a_frame(X.T, offset % 4, offset).T  # Fortran order
    yield in_a_frame(X[::-1], offset % 2, offset)[::-1]
    yield in_a_frame(X[:, ::-1], 3, offset)[:, ::-1]
    yield in_a_frame(X[::-1, ::-1], 0, offset)[::-1, ::-1]
    yield in_a_frame(np.repeat(X, 2, axis=1), 1, offset)[:, ::2]
    yield in_a_frame(np.repeat(X, 3, axis=0), 0, offset)[1::3]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("offset", range(16))
def test_inputs_lie_anywhere(offset, isa, dtype, rng):
    for i, (n_rows, n_in) in enumerate([(1, 1), (1, 40), (5, 3), (6, 17), (20, 33)]):
        pattern = PATTERNS[(offset + 3 * i) % len(PATTERNS)]
        X = patterns.inputs(pattern, rng, n_rows, n_in, dtype)
        y, w = patterns.targets(rng, n_rows, 7, dtype), patterns.row_weights(n_rows)
        for k, laid_out in enumerate(layouts(X, offset)):
            np.testing.assert_array_equal(laid_out, X)
            net = network(rng, [n_in, 7], "identity", dtype, offset)
            check_exactly(net, laid_out, y, w, 0.25, f"{pattern.__name__} {X.shape} layout {k}")


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_sums_round_no_more_than_their_length_explains(isa, dtype, rng):
    """Each sum of n products within n + 2 roundings of its terms' sizes, outputs and gradient."""
    eps = np.finfo(dtype).eps
    for n_rows, n_in, n_out in rng.integers(1, UP_TO + 1, (300, 3)).tolist():
        parameters = rng.normal(size=(n_in + 1) * n_out).astype(dtype)
        net = Bare([n_in, n_out], ["identity"], "squared_error", parameters)
        X = (rng.normal(size=(n_rows, n_in)) * (rng.random(n_in) < 0.7)).astype(dtype)
        y = rng.normal(size=(n_rows, n_out)).astype(dtype)
        (W,), (b,) = net.oracle.views(net.p)
        size = np.abs(X.astype(float))
        of_z = (n_in + 2) * eps * (size @ np.abs(W) + np.abs(b))
        assert (np.abs(net.predict(X) - net.oracle.predict(net.p, X)) <= of_z).all()
        delta = np.abs(net.oracle.predict(net.p, X) - y)
        terms = of_z + (n_rows + 4) * eps * delta
        bounds = np.concatenate([(size.T @ terms).ravel(), terms.sum(axis=0)]) / n_rows
        error = np.abs(net.gradient(X, y) - net.oracle.gradient(net.p, X, y))
        assert (error <= bounds).all()
