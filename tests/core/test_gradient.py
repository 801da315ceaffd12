"""The gradient is the derivative of the cost: central finite differences in float64.

Two formulas meet here that share nothing but the network. A difference over 2h is wrong by h**2
times the third derivative and by eps * cost / h; with h = 1e-5 both are near 1e-10.
"""

import cases
import numpy as np
import pytest

import pynn

H = 1e-5


def finite_differences(cost, parameters):
    differences = np.empty_like(parameters)
    for i, value in enumerate(parameters.copy()):
        parameters[i] = value + H
        above = cost()
        parameters[i] = value - H
        differences[i] = (above - cost()) / (2 * H)
        parameters[i] = value
    return differences


def relative_error(actual, expected):
    return np.linalg.norm(actual - expected) / np.linalg.norm(expected)


def distance_to_a_kink(problem):
    """Smallest distance of any hidden or output z from 0 and of any |a - y| from 0 and delta."""
    zs, activations = problem.oracle.forward(problem.parameters, problem.X)
    r = np.abs(activations[-1] - problem.y)
    kinks = [*zs, r, r - problem.oracle.parameter]
    return min(np.abs(distance).min() for distance in kinks)


def smooth_problem(hidden, output, cost):
    """Draw problems until one lies off the kinks of relu, elu, |a - y| and huber.

    On a kink there is no derivative to compare with, and a difference that straddles one measures
    a mixture of its two sides; what the core answers there is a convention, which test_oracle.py
    checks. A step of h moves no z and no output by more than about 10 h, so 100 h is far away.
    """
    for seed in range(100):
        rng = np.random.default_rng(seed)
        names = (hidden, output, cost, "float64")
        problem = cases.problem(rng, [2, 3, 4, 3], *names, n_rows=4, delta=0.5, weighted=True)
        if distance_to_a_kink(problem) > 100 * H:
            return problem
    raise AssertionError("no draw out of 100 lies off the kinks")


@pytest.mark.parametrize(("output", "cost"), cases.PAIRS)
def test_gradients_are_derivatives_of_costs(output, cost):
    """The core's and the oracle's, with a penalty or without, for a third of the activations."""
    first = cases.PAIRS.index((output, cost))
    for i, hidden in enumerate(cases.HIDDEN[first % 3 :: 3], first):
        problem = smooth_problem(hidden, output, cost)
        net, oracle, p = problem.net, problem.oracle, problem.parameters
        data = problem.X, problem.y, problem.sample_weight, i % 2 * 0.3
        expected = finite_differences(lambda: net.cost(*data), net.parameters)  # noqa: B023
        assert relative_error(net.gradient(*data), expected) <= 1e-6, hidden
        expected = finite_differences(lambda: oracle.cost(p, *data), p)  # noqa: B023
        assert relative_error(oracle.gradient(p, *data), expected) <= 1e-6, f"oracle, {hidden}"


@pytest.mark.parametrize("n_rows", [3, 1500])
def test_a_gradient_is_computed_whatever_the_cost(n_rows):
    """Squares overflow in float32 here, but their slopes do not."""
    net = pynn.Network([1, 1], initializer="zeros")
    X, y = np.ones((n_rows, 1)), np.full((n_rows, 1), -1e25)
    assert net.cost(X, y) == np.inf
    np.testing.assert_allclose(net.gradient(X, y), [1e25, 1e25], rtol=1e-4)
