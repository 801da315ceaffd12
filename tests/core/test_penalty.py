"""Penalties of the weights, alpha's of their squares and l1's of their sizes, layer by layer."""

import cases
import numpy as np
import pytest
from bare import Bare
from hypothesis import given
from hypothesis import strategies as st
from test_gradient import finite_differences, relative_error

import pynn
from pynn import _core
from pynn.model.regularisation import Regularisation
from pynn.training.descent import Descent
from pynn.training.learners import Plan, Rows, answered

NAMES = ("tanh", "identity", "squared_error")
STRENGTHS = st.sampled_from([0.0, 0.1]) | st.lists(
    st.sampled_from([0.0, 0.02, 0.3]), min_size=3, max_size=3
)


def problem(rng, dtype="float64", n_rows=9, sizes=(4, 70, 5, 3)):
    return cases.problem(rng, sizes, *NAMES, dtype, n_rows=n_rows, weighted=True)


@given(STRENGTHS, STRENGTHS, st.sampled_from(cases.DTYPES), st.sampled_from(_core.available_isas()))
def test_cost_and_gradient_are_the_oracle_s(alpha, l1, dtype, isa):
    with cases.instruction_set(isa):
        cases.check_one_pass(problem(np.random.default_rng(0), dtype), alpha, l1=l1)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rule", cases.RULES, ids=str)
def test_every_rule_feels_the_penalty_of_each_layer(rule, isa, dtype, rng):
    cases.check_training(problem(rng, dtype), rule, 4, alpha=[0.1, 0, 0.02], l1=[0, 0.03, 0.01])


@pytest.mark.parametrize("n_rows", [9, 1500])
def test_the_gradient_is_the_derivative(rng, n_rows):
    """No weight is so small that a difference straddles the kink at 0."""
    p = problem(rng, n_rows=n_rows, sizes=(4, 6, 5, 3))
    assert min(np.abs(W).min() for W in p.net.weights) > 1e-4
    strengths = {"alpha": [0.3, 0, 0.1], "l1": [0.05, 0.2, 0]}
    expected = finite_differences(lambda: p.net.cost(p.X, p.y, **strengths), p.net.parameters)
    assert relative_error(p.net.gradient(p.X, p.y, **strengths), expected) <= 1e-6


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_a_weight_of_zero_has_no_slope(isa, dtype):
    for n in range(1, 68):
        w = np.resize(np.array([0.0, 2, -3, -0.0, 1], dtype), n)
        net = Bare([1, n], ["identity"], "squared_error", np.append(w, np.zeros(n, dtype)), n % 16)
        gradient = net.empty(2 * n)
        data = _core.Data(np.zeros((1, 1), dtype), np.zeros((1, n), dtype))
        lasso = Regularisation.checked(1, l1=0.5).core
        cost = net.core.cost(net.guarded.intact(), data, lasso, gradient.array)
        assert cost == (0, 0.5 * np.abs(w).sum())
        np.testing.assert_array_equal(gradient.intact()[:n], 0.5 * np.sign(w))
        np.testing.assert_array_equal(gradient.array[n:], 0)


def test_by_row_divides_both_by_the_row_weights(rng):
    p = problem(rng)
    data = p.net._data(p.X, p.y, p.sample_weight)
    strengths = {"alpha": [0.1, 0.2, 0.3], "l1": [0.3, 0.2, 0.1]}
    cost, penalty = p.net._cost(data, Regularisation.checked(3, **strengths))
    by_row = p.net._cost(data, Regularisation.checked(3, **strengths, by_row=True))
    assert by_row == (cost, pytest.approx(penalty / p.sample_weight.sum(), rel=1e-14))


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_one_to_five_threads_give_the_same_bits(isa, dtype, rng):
    """Batches of one chunk and of two, in place and padded, plain SGD's tiles and a rule."""
    X, y = rng.normal(size=(1500, 40)), rng.normal(size=(1500, 3))
    X[:, 5:20] = 0  # columns that are left out feel the penalty all the same
    strengths = {"alpha": [0.1, 0.01, 0], "l1": [0.001, 0, 0.01]}
    for rule in (pynn.SGD(0.01), pynn.Adam(0.01)):
        for batch_size in (1200, 100):
            results = []
            for n_threads in range(1, 6):
                net = pynn.Network(
                    [40, 90, 35, 3], dtype=dtype, n_threads=n_threads, random_state=0
                )
                net.fit(X, y, batch_size=batch_size, optimizer=rule, **strengths)
                gradient = net.gradient(X, y, **strengths).tobytes()
                results.append((net.parameters.tobytes(), net.history, gradient))
            assert results == results[:1] * 5


BAD = [
    ("alpha", [0.1], ["2", "each layer", "[0.1]"]),
    ("alpha", [0.1, 0.1, 0.1], ["2", "3"]),
    ("alpha", [0.1, -0.1], ["-0.1", "at least 0"]),
    ("l1", -1, ["-1", "at least 0"]),
    ("l1", [0.1, None], ["None", "real number"]),
    ("l1", "0.1", ["'0.1'", "real number"]),
    ("l1", [0.1, True], ["True", "real number"]),
]


@pytest.mark.parametrize(("name", "bad", "words"), BAD)
@pytest.mark.parametrize("call", ["fit", "cost", "gradient"])
def test_bad_strengths(call, name, bad, words):
    net = pynn.Network([2, 3, 1], random_state=0)
    before = net.parameters.copy()
    with pytest.raises((TypeError, ValueError)) as info:
        getattr(net, call)(np.ones((2, 2)), np.ones(2), **{name: bad})
    for word in (name, *words):
        assert word in str(info.value)
    np.testing.assert_array_equal(net.parameters, before)


# The learning rate of each update


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rule", cases.EVERY_RULE, ids=str)
def test_rates_stand_for_the_rule_s(rule, dtype, rng):
    """One call with a rate for each update is as many fits with these rates."""
    batch_size, n_epochs = 4, 2
    nets = [problem(np.random.default_rng(1), dtype).net for _ in range(2)]
    p = problem(np.random.default_rng(1), dtype)
    rates = rng.uniform(1e-3, 1e-2, 6)
    regularisation = Regularisation.checked(3, alpha=0.1)
    plan = Plan(batch_size, False, regularisation, nets[0]._random)
    learners = [Rows(net, net._data(p.X, p.y), Descent(rule), plan) for net in nets]
    _, error = answered(learners[0].learn_at(rates, n_epochs))
    assert error is None
    for update in range(n_epochs * 3):
        rows = slice(update % 3 * 4, update % 3 * 4 + 4)
        learners[1].descent.set_rate(rates[update])
        batch = nets[1]._data(p.X[rows], p.y[rows])
        answered(Rows(nets[1], batch, learners[1].descent, plan).learn())
    np.testing.assert_array_equal(nets[0].parameters, nets[1].parameters)


@pytest.mark.parametrize(
    "rates", [np.ones(5), np.ones(7), np.ones(6, np.float32), np.ones((6, 1)), np.ones(12)[::2]]
)
def test_rates_that_do_not_fit(rates):
    net = problem(np.random.default_rng(0)).net
    before = net.parameters.copy()
    plan = Plan(4, False, Regularisation.checked(3), net._random)
    learner = Rows(net, net._data(np.ones((9, 4)), np.ones((9, 3))), Descent(pynn.SGD()), plan)
    with pytest.raises((TypeError, ValueError)):
        answered(learner.learn_at(rates, 2))
    np.testing.assert_array_equal(net.parameters, before)
