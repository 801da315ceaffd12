"""Limits of norms: of each unit's incoming weights, and of the gradient that a rule is given."""

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pynn
from pynn import _core

NAMES = ("tanh", "identity", "squared_error")


def problem(rng, dtype="float64", n_rows=9, sizes=(4, 70, 5, 3)):
    return cases.problem(rng, sizes, *NAMES, dtype, n_rows=n_rows, weighted=True)


@cases.examples(50)
@given(
    st.lists(st.integers(1, 150), min_size=2, max_size=4),
    st.sampled_from([np.inf, 1.0, 0.5, 0.1]),
    st.sampled_from([np.inf, 1.0, 0.1, 1e-3]),
    st.sampled_from(cases.RULES),
    st.sampled_from(cases.DTYPES),
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from(_core.available_isas()),
)
def test_updates_are_the_oracle_s(sizes, max_norm, clip_norm, rule, dtype, size, penalised, isa):
    """Limits that bind often, seldom and never, apart and together, with and without a penalty."""
    strengths = {"alpha": 0.1, "l1": 0.01} if penalised else {}
    limits = {"max_norm": max_norm, "clip_norm": clip_norm}
    limits = {name: limit for name, limit in limits.items() if limit < np.inf}
    with cases.instruction_set(isa):
        p = problem(np.random.default_rng(0), dtype, 40, sizes)
        cases.check_training(p, rule, size, epochs=1, **limits, **strengths)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_batches_of_many_rows(isa, dtype, rng):
    limits = {"max_norm": 0.5, "clip_norm": 0.01}
    p = problem(rng, dtype, n_rows=2500)
    cases.check_training(p, pynn.SGD(0.1), 2300, alpha=0.1, **limits)


def test_a_long_step():
    """Of more than 3e9 multiply-adds, which would else write beside the old weights."""
    rng = np.random.default_rng(0)
    net = pynn.Network([2000, 1600, 10], random_state=0)
    X, y = rng.normal(size=(1000, 2000)).astype(np.float32), rng.normal(size=(1000, 10))
    gradient = net.gradient(X, y, alpha=0.01).astype(float)
    want = net.parameters - 0.1 * gradient * 0.01 / np.linalg.norm(gradient)
    lengths = np.linalg.norm(net.views(want)[0][0], axis=0)
    longest = float(np.median(lengths))
    W = net.views(want)[0][0]
    W *= np.minimum(1, longest / lengths)
    net.fit(X, y, batch_size=1000, shuffle=False, optimizer=pynn.SGD(0.1), alpha=0.01,
            clip_norm=0.01, max_norm=longest)  # fmt: skip
    np.testing.assert_allclose(net.weights[0], W, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("limits", [{"max_norm": 0.7}, {"clip_norm": 0.1},
                                    {"max_norm": 0.7, "clip_norm": 0.1}], ids=str)  # fmt: skip
@pytest.mark.parametrize(("n_rows", "batch_size"), [(60, 7), (1300, 1200)])
def test_one_to_five_threads_give_the_same_bits(isa, limits, dtype, n_rows, batch_size, rng):
    X, y = rng.normal(size=(n_rows, 70)), rng.normal(size=(n_rows, 4))
    for rule in (pynn.SGD(0.1), pynn.Adam(0.01)):
        results = []
        for n_threads in range(1, 6):
            net = pynn.Network([70, 150, 33, 4], dtype=dtype, n_threads=n_threads, random_state=0)
            net.fit(X, y, batch_size=batch_size, optimizer=rule, alpha=0.01, **limits)
            results.append((net.parameters.tobytes(), net.history))
        assert results == results[:1] * 5


def test_many_steps_in_one_call_and_in_many_give_the_same_bits(rng):
    """Parameters are padded in the one and not in the others: norms must not depend on it."""
    X, y = rng.normal(size=(30, 7)), rng.normal(size=(30, 3))
    limits = {"max_norm": 0.7, "clip_norm": 0.1, "alpha": 0.1, "l1": 0.01}
    one, many = (pynn.Network([7, 45, 3], random_state=0) for _ in range(2))
    one.fit(X, y, epochs=12, batch_size=30, shuffle=False, **limits)
    for _ in range(12):
        many.fit(X, y, batch_size=30, shuffle=False, **limits)
    np.testing.assert_array_equal(one.parameters, many.parameters)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_no_unit_has_longer_weights_and_others_are_left_alone(dtype, rng):
    X, y = rng.normal(size=(60, 20)), 10 * rng.normal(size=(60, 5))
    net, twin = (pynn.Network([20, 67, 5], dtype=dtype, random_state=0) for _ in range(2))
    options = {"batch_size": 60, "shuffle": False, "optimizer": pynn.SGD(0.01)}
    twin.fit(X, y, **options)
    lengths = [np.linalg.norm(W.astype(float), axis=0) for W in twin.weights]
    longest = float(np.median(lengths[0]))
    net.fit(X, y, max_norm=longest, **options)
    for W, unlimited, length in zip(net.weights, twin.weights, lengths, strict=True):
        now = np.linalg.norm(W.astype(float), axis=0)
        assert (now <= longest * (1 + 4 * np.finfo(dtype).eps)).all()
        np.testing.assert_array_equal(W[:, length <= longest], unlimited[:, length <= longest])
        np.testing.assert_allclose(now[length > longest], longest, rtol=4 * np.finfo(dtype).eps)
    for b, unlimited in zip(net.biases, twin.biases, strict=True):
        np.testing.assert_array_equal(b, unlimited)


def test_a_limit_that_does_not_bind_changes_no_bit(rng):
    X, y = rng.normal(size=(60, 20)), rng.normal(size=(60, 5))
    for rule in (pynn.SGD(0.1, momentum=0.9), pynn.Adam()):
        net, twin = (pynn.Network([20, 67, 5], random_state=0) for _ in range(2))
        net.fit(X, y, optimizer=rule, max_norm=1e3)
        twin.fit(X, y, optimizer=rule)
        np.testing.assert_array_equal(net.parameters, twin.parameters)


def test_a_gradient_that_is_not_finite_is_not_clipped_to_something():
    """The cost is still finite here, and so would be what came of the weights."""
    net = pynn.Network([1, 1], initializer="zeros", dtype="float64", cost="huber")
    before = net.parameters.copy()
    with pytest.raises(FloatingPointError):
        net.fit([[1e200], [1e200]], [[1.0], [1.0]], clip_norm=1.0)
    np.testing.assert_array_equal(net.parameters, before)


@pytest.mark.parametrize("name", ["max_norm", "clip_norm"])
@pytest.mark.parametrize("bad", [0, -1.0, float("nan"), float("inf"), "1", True, [1.0, 1.0], 1j])
def test_bad_limits(name, bad):
    net = pynn.Network([2, 3, 1], random_state=0)
    before = net.parameters.copy()
    with pytest.raises((TypeError, ValueError)) as info:
        net.fit(np.ones((3, 2)), np.ones(3), **{name: bad})
    for word in (name, str(bad), "None"):
        assert word in str(info.value)
    np.testing.assert_array_equal(net.parameters, before)
