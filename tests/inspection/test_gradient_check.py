"""gradient_check: it passes what is right, whatever the network, and fails what is not."""

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

import pynn
from pynn.inspection import gradient_check

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@cases.examples(50)
@given(
    sizes=st.lists(st.integers(1, 8), min_size=2, max_size=4),
    pair=st.sampled_from(cases.PAIRS),
    hidden=st.sampled_from(cases.HIDDEN),
    dtype=st.sampled_from(cases.DTYPES),
    bias=st.booleans(),
    scale=st.sampled_from([1e-3, 1, 1, 30]),
    seed=st.integers(0, 2**32 - 1),
)
def test_it_passes_whatever_the_network(sizes, pair, hidden, dtype, bias, scale, seed):
    rng = np.random.default_rng(seed)
    problem = cases.problem(rng, sizes, hidden, *pair, dtype, bias=bias)
    result = gradient_check(problem.net, problem.X * scale, problem.y)
    right = np.isnan(result.errors) | (result.errors <= result.tolerance + result.roundings)
    assert right.all(), str(result)  # NaN: a layer whose every step leads over a kink
    n = result.n_compared + result.n_left_out
    assert n.tolist() == result.n_parameters.tolist()
    assert n.sum() == problem.net.n_parameters


@pytest.mark.parametrize("factor", [0, 0.999, -1, 2])
@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_it_fails_the_layer_whose_gradient_is_wrong(rng, monkeypatch, layer, factor, dtype):
    problem = cases.problem(rng, [3, 4, 5, 2], "tanh", "softmax", "cross_entropy", dtype)
    right = pynn.Network.gradient

    def broken(net, *data):
        gradient = right(net, *data)
        net.views(gradient)[0][layer][...] *= factor
        return gradient

    assert gradient_check(problem.net, problem.X, problem.y).passed
    monkeypatch.setattr(pynn.Network, "gradient", broken)
    result = gradient_check(problem.net, problem.X, problem.y)
    assert not result.passed
    assert (result.errors > 1e-5).tolist() == [i == layer for i in range(3)]
    lines = str(result).splitlines()
    assert [line.endswith("WRONG") for line in lines[3:6]] == [i == layer for i in range(3)]
    assert lines[-1] == "The gradient is NOT the slope of the cost, to 1e−07 of its length."


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_it_fails_one_wrong_number_of_many(rng, monkeypatch, wrong):
    problem = cases.problem(rng, [30, 20, 2], "tanh", "identity", "huber", "float64")
    right = pynn.Network.gradient

    def broken(net, *data):
        gradient = right(net, *data)
        gradient[17] = wrong
        return gradient

    monkeypatch.setattr(pynn.Network, "gradient", broken)
    assert not gradient_check(problem.net, problem.X, problem.y, max_parameters=None).passed


def test_it_fails_a_network_whose_backward_pass_forgets_an_activation(monkeypatch):
    """A class of its own, as someone might derive one."""

    class Forgetful(pynn.Network):
        def gradient(self, X, y, *others):
            trace = self.trace(X, y)
            gradient = trace.gradient.copy()
            self.views(gradient)[0][0][...] = trace.x.T @ trace.sensitivities[0] / len(trace.x)
            return gradient

        def trace(self, X, y):
            broken, Forgetful.gradient = Forgetful.gradient, pynn.Network.gradient
            try:
                return super().trace(X, y)
            finally:
                Forgetful.gradient = broken

    rng = np.random.default_rng(0)
    net = Forgetful([3, 4, 1], activation="tanh", random_state=0)
    result = gradient_check(net, rng.normal(size=(5, 3)), rng.normal(size=5))
    assert (result.errors > 1e-3).tolist() == [True, False]


# ---- Kinks --------------------------------------------------------------------------------------


def test_a_step_over_a_kink_is_left_out_and_counted():
    """z is exactly 0 for the first unit and 1 for the second, whose steps do not reach 0."""
    net = pynn.Network([1, 2, 1], activation="relu", dtype="float64", initializer="zeros")
    net.weights[0][:], net.biases[0][:] = [[1, 1]], [-1, 0]
    net.weights[1][:] = [[1], [1]]
    result = gradient_check(net, [[1.0]], [5.0])
    assert result.n_left_out.tolist() == [2, 0]  # the unit's weight and its bias
    assert result.n_compared.tolist() == [2, 3]
    assert result.passed


@pytest.mark.parametrize("cost", ["absolute_error", pynn.Huber(1.0), pynn.Quantile(0.3)])
def test_kinks_of_costs(cost):
    net = pynn.Network([1, 1], cost=cost, dtype="float64", initializer="zeros")
    kink = 1.0 if isinstance(cost, pynn.Huber) else 0.0
    at, off = (gradient_check(net, [[1.0]], [y]) for y in (kink, kink + 0.5))
    assert at.n_left_out.tolist() == [2]
    assert off.n_left_out.tolist() == [0]
    assert off.passed
    assert not at.passed  # nothing is known of it
    assert "NOTHING TO COMPARE" in str(at)


# ---- Which parameters ---------------------------------------------------------------------------


def test_of_large_networks_a_part_is_compared(rng):
    net = pynn.Network([784, 30, 10], output_activation="softmax", cost="cross_entropy",
                       random_state=0)  # fmt: skip
    X, y = rng.random((5, 784)), rng.integers(0, 10, 5)
    result = gradient_check(net, X, y, max_parameters=50)
    assert result.passed
    assert (result.n_compared + result.n_left_out).tolist() == [50, 50]
    assert result.n_parameters.tolist() == [785 * 30, 31 * 10]
    assert "Parameters were drawn with random_state=0." in str(result)
    again, other = (gradient_check(net, X, y, max_parameters=50, random_state=i) for i in (0, 1))
    assert again.errors.tolist() == result.errors.tolist() != other.errors.tolist()


def test_it_prints_a_table_with_a_verdict():
    net = pynn.Network([2, 1], initializer="zeros")
    lines = str(gradient_check(net, [[1.0, 2.0]], [3.0])).splitlines()
    assert lines[0] == "Back propagation against central differences"
    assert lines[2].split("  ")[0] == "layer"
    assert lines[3].split()[:7] == ["1", "3", "of", "3", "0", "7.348", lines[3].split()[6]]
    assert lines[3].endswith("ok")
    assert lines[5:] == [
        "Computed in float64, as a copy of the float32 network.",
        "The gradient is the slope of the cost, to 1e−07 of its length.",
    ]


def test_the_network_is_not_changed_and_others_may_use_it_meanwhile(rng):
    problem = cases.problem(rng, [3, 4, 2], "tanh", "identity", "squared_error", "float64")
    problem.net.parameters.flags.writeable = False
    assert gradient_check(problem.net, problem.X, problem.y).passed


# ---- Whose, and of what -------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_of_estimators(rng, dtype):
    X = rng.normal(size=(30, 3))
    y = np.array(["no", "yes"])[(X[:, 0] > 0).astype(int)]
    mlp = pynn.MLPClassifier(hidden_layer_sizes=(5,), activation="tanh", dtype=dtype,
                             solver="lbfgs", random_state=0, max_iter=20, tol=1)  # fmt: skip
    result = gradient_check(mlp.fit(X, y), X, y)
    assert result.passed, str(result)
    assert result.dtype == np.dtype(dtype)
    assert gradient_check(mlp, sparse.csr_array(X), y).passed
    regressor = pynn.MLPRegressor(
        hidden_layer_sizes=(5,), activation="tanh", solver="lbfgs", random_state=0, tol=1
    )
    assert gradient_check(regressor.fit(X, X[:, :2]), X, X[:, :2]).passed


@pytest.mark.parametrize(("activation", "weight"), [("tanh", 20), ("silu", 20), ("softplus", 20)])
def test_where_the_cost_bends_within_a_step(monkeypatch, activation, weight):
    """A straight line through both ends of the step is wrong by more than the tolerance."""
    net = pynn.Network([1, 1, 1, 1], activation=activation, output_activation="tanh",
                       dtype="float64")  # fmt: skip
    net.parameters[:] = weight
    for bias in net.biases:
        bias[:] = -weight * np.log(2) if activation == "softplus" else 0
    net.biases[0][:] = 0
    result = gradient_check(net, [[0.001]], [3.0])
    assert result.passed, str(result)
    right = pynn.Network.gradient
    monkeypatch.setattr(pynn.Network, "gradient", lambda *args: right(*args) * 1.001)
    assert not gradient_check(net, [[0.001]], [3.0]).passed


def test_one_that_has_learned_all_there_is(rng):
    """Where hardly any gradient is left, rounding is not held against it."""
    X = rng.normal(size=(20, 2))
    y = X @ [1, 2] + 1e3
    net = pynn.Network([2, 1], dtype="float64", initializer="zeros")
    net.parameters[:] = [1, 2, 1e3]
    result = gradient_check(net, X, y)
    assert result.passed, str(result)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tolerance": -1}, "tolerance must be at least 0"),
        ({"max_parameters": 0}, "max_parameters must be from 1"),
        ({"random_state": -1}, "random_state must be from 0 to"),
        ({"X": [[1.0]]}, "X has 1 features"),
    ],
)
def test_what_is_refused(arguments, message):
    net = pynn.Network([2, 1])
    with pytest.raises(ValueError, match=message):
        gradient_check(net, **({"X": [[1.0, 2.0]], "y": [0.0]} | arguments))
    with pytest.raises(TypeError, match="net must be a Network, or a fitted MLPClassifier"):
        gradient_check("net", [[1.0]], [0.0])
    with pytest.raises(TypeError, match=r"net must be a Network.*; got type"):
        gradient_check(pynn.Network, [[1.0]], [0.0])
    for none in (None, np.random.RandomState(0)):  # the table says with which to do it again
        with pytest.raises(TypeError, match="random_state must be an integer, got"):
            gradient_check(net, [[1.0, 2.0]], [0.0], random_state=none)
