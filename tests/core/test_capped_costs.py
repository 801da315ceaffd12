"""Cross-entropies whose values keep probabilities away from 0 and 1, as scikit-learn's do."""

import cases
import numpy as np
import pytest
from sklearn.neural_network._base import binary_log_loss, log_loss

import pynn

OUTPUTS = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}
EXPECTED = {"cross_entropy": log_loss, "binary_cross_entropy": binary_log_loss}


def network(cost, n_out, size, dtype):
    """A row of X goes to the outputs as it is, times size."""
    net = pynn.Network([n_out, n_out], output_activation=OUTPUTS[cost], cost=cost, dtype=dtype,
                       initializer="zeros")  # fmt: skip
    net.weights[0][...] = size * np.eye(n_out)
    return net


def rows(rng, cost, n_out, n_rows=13):
    """Targets of 0 and 1 alone, and some in between."""
    X = rng.normal(size=(n_rows, n_out))
    y = np.eye(n_out)[rng.integers(0, n_out, n_rows)]
    y[: n_rows // 3] = cases.targets(rng, cost, (n_rows // 3, n_out))
    return X, y


@pytest.mark.parametrize("size", [1.0, 30.0, 300.0, 1e4])
@pytest.mark.parametrize("cost", OUTPUTS)
def test_values_are_scikit_learn_s(cost, size, isa, rng):
    """From nearly equal probabilities to such that are 0 and 1."""
    for n_out in (*range(2, 20), 33, 67):
        net = network(cost, n_out, size, "float64")
        X, y = rows(rng, cost, n_out)
        exact, gradient = net.cost(X, y), net.gradient(X, y)
        cases.cap(net)
        expected = EXPECTED[cost](y, net.predict(X))
        assert net.cost(X, y) == pytest.approx(expected, rel=1e-12, abs=0)
        assert size < 300 or exact > 1.01 * expected  # the caps do matter there
        np.testing.assert_array_equal(net.gradient(X, y), gradient)


@pytest.mark.parametrize("cost", OUTPUTS)
def test_weighted_rows(cost, rng):
    net = network(cost, 5, 300.0, "float64")
    X, y = rows(rng, cost, 5)
    w = rng.uniform(0, 2, len(X))
    cases.cap(net)
    expected = EXPECTED[cost](y, net.predict(X), w)
    assert net.cost(X, y, sample_weight=w) == pytest.approx(expected, rel=1e-12, abs=0)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("cost", OUTPUTS)
def test_the_bounds_are_those_of_the_dtype(cost, isa, dtype):
    """A right and a wrong answer, each as certain as can be."""
    net = network(cost, 2, 1e4, dtype)
    cases.cap(net)
    n = 1 if cost == "cross_entropy" else 2  # outputs of a row that count
    eps = float(np.finfo(dtype).eps)
    rel = 4 * eps
    right = net.cost([[1.0, -1.0]], [[1.0, 0.0]])
    wrong = net.cost([[1.0, -1.0]], [[0.0, 1.0]])
    assert right == pytest.approx(-n * np.log1p(-eps), rel=rel, abs=0)
    assert wrong == pytest.approx(-n * np.log(eps), rel=rel, abs=0)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("cost", OUTPUTS)
def test_training_is_the_same_but_for_what_it_is_said_to_cost(cost, dtype, rng):
    X, y = rows(rng, cost, 5)
    net, capped = (network(cost, 5, 1e3, dtype) for _ in range(2))
    cases.cap(capped)
    for n in (net, capped):
        n.fit(X, y, optimizer=pynn.SGD(0.1), shuffle=False)
    np.testing.assert_array_equal(net.parameters, capped.parameters)
    assert capped.history["cost"][0] < net.history["cost"][0]


@pytest.mark.parametrize("cost", OUTPUTS)
def test_what_is_not_finite_is_not_hidden(cost, isa):
    for at in range(3):
        net = network(cost, 3, 1.0, "float64")
        cases.cap(net)
        net.weights[0][at, at] = np.nan
        assert np.isnan(net.cost(np.ones((1, 3)), np.ones((1, 3))))


def test_other_costs_have_no_caps(rng):
    net = pynn.Network([2, 3], cost=pynn.Huber(0.5), random_state=0)
    X, y = rng.normal(size=(4, 2)), rng.normal(size=(4, 3))
    before = net.cost(X, y)
    cases.cap(net)
    assert net.cost(X, y) == before
