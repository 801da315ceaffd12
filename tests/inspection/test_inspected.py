"""What networks and estimators let people see: gradients of single rows, neurons, blame."""

import cases
import numpy as np
import pandas as pd
import patterns
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import NotFittedError

import pynn
from pynn import _core
from pynn.inspection import gradient_check

networks = st.fixed_dictionaries(
    {
        "sizes": st.lists(st.integers(1, 60), min_size=2, max_size=4),
        "pair": st.sampled_from(cases.PAIRS),
        "hidden": st.sampled_from(cases.HIDDEN),
        "dtype": st.sampled_from(cases.DTYPES),
        "bias": st.booleans(),
        "n_rows": st.integers(1, 30),
    }
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def problem_of(network):
    options = dict(network)
    sizes, pair, hidden, dtype = (
        options.pop(name) for name in ("sizes", "pair", "hidden", "dtype")
    )
    return cases.problem(np.random.default_rng(0), sizes, hidden, *pair, dtype, **options)


@pytest.fixture
def net():
    """A network whose numbers can be followed by hand."""
    net = pynn.Network([3, 2, 1], activation="identity", dtype="float64")
    net.weights[0][:], net.biases[0][:] = [[1, 2], [0, -1], [3, 0]], [10, 20]
    net.weights[1][:], net.biases[1][:] = [[2], [-1]], 5
    return net


@pytest.fixture(scope="module")
def classifier():
    rng = np.random.default_rng(0)
    X, y = cases.digits_like(rng)
    y = np.array(["ash", "birch", "cedar"])[y]
    mlp = pynn.MLPClassifier(hidden_layer_sizes=(6,), solver="lbfgs", random_state=0)
    return mlp.fit(X, y), X, y


# ---- Gradients of single rows -------------------------------------------------------------------


@cases.examples(40)
@given(networks, st.sampled_from(_core.available_isas()))
def test_each_row_has_the_gradient_of_that_row_alone_to_the_bit(network, isa):
    with cases.instruction_set(isa):
        problem = problem_of(network)
        net, X, y = problem.net, problem.X, problem.y
        gradients = net.per_sample_gradient(X, y)
        assert gradients.shape == (len(X), net.n_parameters)
        assert gradients.dtype == net.dtype
        for i, gradient in enumerate(gradients):
            np.testing.assert_array_equal(gradient, net.gradient(X[i : i + 1], y[i : i + 1]))
        cases.assert_agree(gradients.mean(axis=0), net.gradient(X, y), cases.ONE_PASS, net.dtype)


@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_matrix])
def test_per_sample_gradients_of_sparse_rows(rng, make):
    problem = cases.problem(rng, [40, 9, 3], "tanh", "softmax", "cross_entropy", "float64")
    patterns.scattered(rng, problem.X)
    dense, X = problem.net.per_sample_gradient(problem.X, problem.y), make(problem.X)
    np.testing.assert_allclose(problem.net.per_sample_gradient(X, problem.y), dense, atol=1e-15)


def test_per_sample_gradients_of_classes(rng):
    net = cases.classifier()
    X, y = cases.digits_like(rng)
    gradients = net.per_sample_gradient(X.tolist(), y.tolist())
    np.testing.assert_array_equal(gradients[7], net.gradient(X[7:8], y[7:8]))


@cases.examples(40)
@given(networks)
def test_input_gradient_is_that_of_the_trace(network):
    problem = problem_of(network)
    gradient = problem.net.input_gradient(problem.X, problem.y)
    trace = problem.net.trace(problem.X, problem.y)
    np.testing.assert_array_equal(gradient, trace.input_sensitivities)
    assert gradient.dtype == problem.net.dtype


def test_input_gradient_is_the_slope_of_each_row_s_cost(rng):
    problem = cases.problem(rng, [3, 4, 2], "tanh", "sigmoid", "squared_error", "float64")
    net, X, y, h = problem.net, problem.X, problem.y, 1e-6
    gradient = net.input_gradient(X, y)
    for row in range(len(X)):
        for j in range(3):
            costs = []
            for step in (h, -h):
                x = X[row : row + 1].copy()
                x[0, j] += step
                costs.append(net.cost(x, y[row : row + 1]))
            assert gradient[row, j] == pytest.approx((costs[0] - costs[1]) / (2 * h), abs=1e-8)


# ---- What one neuron sums up --------------------------------------------------------------------


def test_neuron_inputs_without_rows_are_its_weights_and_bias(net):
    found = net.neuron_inputs(1, 1)
    assert (found.layer, found.unit, found.activation, found.bias) == (1, 1, "identity", 20)
    assert found.weights.tolist() == [2, -1, 0]
    assert found.activations is found.products is found.z is found.a is None
    net.weights[0][:] = 0
    assert found.weights.tolist() == [2, -1, 0]  # as they were then


def test_neuron_inputs_of_rows(net):
    first = net.neuron_inputs(1, 0, [[1, 2, 3], [0, 0, 1]])
    assert first.activations.tolist() == [[1, 2, 3], [0, 0, 1]]
    assert first.products.tolist() == [[1, 0, 9], [0, 0, 3]]
    assert first.z.tolist() == first.a.tolist() == [20, 13]
    output = net.neuron_inputs(-1, 0, [[1, 2, 3]])
    assert output.layer == 2
    assert output.activations.tolist() == [[20, 20]]
    assert output.products.tolist() == [[40, -20]]
    assert output.z.tolist() == [25]


def test_neuron_inputs_of_sparse_rows_stay_sparse(net):
    X = sparse.csr_array([[1.0, 0, 3], [0, 0, 0]])
    found = net.neuron_inputs(1, 0, X)
    assert sparse.issparse(found.activations)
    assert found.products.toarray().tolist() == [[1, 0, 9], [0, 0, 0]]
    assert found.z.tolist() == [20, 10]
    assert "3        9" in str(found)
    assert isinstance(net.neuron_inputs(2, 0, X).activations, np.ndarray)


def test_neuron_inputs_without_biases():
    net = pynn.Network([2, 1], bias=False, random_state=0)
    found = net.neuron_inputs(1, 0, [[1, 1]])
    assert found.bias == 0
    np.testing.assert_allclose(found.z, net.predict([[1, 1]])[0])


@cases.examples(40)
@given(networks, st.integers(0, 59))
def test_z_and_a_of_a_neuron_are_those_of_the_trace(network, unit):
    problem = problem_of(network)
    trace = problem.net.trace(problem.X, problem.y)
    for layer in range(1, len(trace.z) + 1):
        unit %= trace.z[layer - 1].shape[1]
        found = problem.net.neuron_inputs(layer, unit, problem.X)
        z, a = trace.z[layer - 1][:, unit], trace.a[layer - 1][:, unit]
        cases.assert_agree(found.z, z, 4 * cases.ONE_PASS, problem.net.dtype)
        np.testing.assert_array_equal(found.a, a)


def test_neuron_inputs_print_the_largest_products(net):
    assert str(net.neuron_inputs(2, 0, [[1, 2, 3]])).splitlines() == [
        "neuron 1 of layer 2: 2 products",
        "",
        "from                 activation  weight  product",
        "neuron 1 of layer 1          20       2       40",
        "neuron 2 of layer 1          20      −1      −20",
        "",
        "products and bias 5 sum to 25, identity → 25",
    ]
    assert net.neuron_inputs(1, 0).table(limit=1).splitlines() == [
        "neuron 1 of layer 1: the largest 1 of 3 weights",
        "",
        "from     weight",
        "input 3       3",
        "",
        "bias 10",
    ]
    assert repr(net.neuron_inputs(1, 0)) == "<NeuronInputs of neuron 1 of layer 1, 3 weights>"


# ---- Whose fault is this ------------------------------------------------------------------------


@cases.examples(40)
@given(networks)
def test_shares_of_blame_are_sorted_sizes_of_the_gradient_and_sum_to_1(network):
    problem = problem_of(network)
    net, X, y = problem.net, problem.X[:1], problem.y[:1]
    d_weights = net.views(net.gradient(X, y))[0]
    for layer, dW in enumerate(d_weights, 1):
        blame = net.blame(X, y, layer)
        assert blame.layer == layer
        assert blame.cost == net.cost(X, y)
        assert (np.diff(blame.shares) <= 0).all()
        places = blame.sources, blame.targets
        np.testing.assert_array_equal(blame.gradients, dW[places])
        np.testing.assert_array_equal(blame.weights, net.weights[layer - 1][places])
        assert len({*zip(*places, strict=True)}) == dW.size
        if dW.any():
            sizes = np.abs(dW.astype(float))
            np.testing.assert_allclose(blame.shares, sizes[places] / sizes.sum(), rtol=1e-12)
        else:
            assert not blame.shares.any()


def test_shares_of_gradients_near_the_limits_of_their_dtype():
    net = pynn.Network([2, 1], initializer="zeros", bias=False)
    for scale in (1e38, 1e-44):
        blame = net.blame([[1.0, 0.5]], [scale])
        assert blame.shares.sum() == pytest.approx(1)
        assert blame.sources.tolist() == [0, 1]


def test_blame_prints_the_largest_shares(net):
    blame = net.blame([[1, 0, 2]], [0])
    assert repr(blame) == "<Blame among the 2 weights of layer 2>"
    assert net.blame([[1, 0, 2]], [0], layer=1).table(limit=3).splitlines() == [
        "A cost of 144.5: whose fault among the 6 weights of layer 1?",
        "",
        "from     to                   weight  ∂C/∂w   share",
        "input 3  neuron 1 of layer 1       3     68  44.4 %",
        "input 1  neuron 1 of layer 1       1     34  22.2 %",
        "input 3  neuron 2 of layer 1       0    −34  22.2 %",
        "",
        "The other 3 weights: 11.1 % together.",
    ]
    assert (
        len(str(pynn.Network([40, 40]).blame(np.ones((1, 40)), np.ones((1, 40)))).splitlines())
        == 15
    )


@pytest.mark.parametrize("layer", [-2, -1, 1, 2])
def test_layers_count_as_those_of_transform(classifier, layer):
    mlp, X, y = classifier
    assert mlp.blame(X[:1], y[:1], layer).layer == range(3)[layer]
    assert mlp.neuron_inputs(layer, 0, X).a.tolist() == mlp.transform(X, layer)[:, 0].tolist()


# ---- Estimators ---------------------------------------------------------------------------------


def test_of_a_classifier(classifier):
    mlp, X, y = classifier
    gradients = mlp.per_sample_gradient(X, y)
    np.testing.assert_array_equal(gradients[3], mlp.network_.gradient(X[3:4], y[3:4]))
    np.testing.assert_array_equal(mlp.input_gradient(X, y), mlp.trace(X, y).input_sensitivities)
    names = [f"feature {i}" for i in range(5)]
    with pytest.warns(UserWarning, match="X has feature names"):
        mlp.neuron_inputs(1, 0, pd.DataFrame(X, columns=names))
    assert mlp.blame(X[:1], y[:1]).cost == mlp.trace(X[:1], y[:1]).costs[0]


def test_of_several_labels_and_of_smoothed_ones(rng):
    X = rng.normal(size=(40, 3))
    several = pynn.MLPClassifier(hidden_layer_sizes=(4,), solver="lbfgs", random_state=0).fit(
        X, X > 0
    )
    np.testing.assert_array_equal(several.trace(X, X > 0).y, X > 0)
    smooth = pynn.MLPClassifier(
        hidden_layer_sizes=(4,), solver="lbfgs", random_state=0, label_smoothing=0.1
    )
    y = X.argmax(axis=1)
    np.testing.assert_allclose(
        smooth.fit(X, y).trace(X, y).y, np.eye(3)[y] * 0.9 + 0.1 / 3, rtol=1e-12
    )


def test_of_one_that_was_unpickled_or_given_other_weights(classifier):
    import pickle

    mlp, X, y = classifier
    copy = pickle.loads(pickle.dumps(mlp))
    np.testing.assert_array_equal(copy.input_gradient(X, y), mlp.input_gradient(X, y))
    copy.coefs_[0] = np.zeros_like(mlp.coefs_[0])
    assert not copy.input_gradient(X, y).any()


CALLS = {
    "trace": lambda model, X, y: model.trace(X, y),
    "per_sample_gradient": lambda model, X, y: model.per_sample_gradient(X, y),
    "input_gradient": lambda model, X, y: model.input_gradient(X, y),
    "blame": lambda model, X, y: model.blame(X[:1], y[:1]),
    "neuron_inputs": lambda model, X, y: model.neuron_inputs(1, 0, X),
    "neuron_inputs without rows": lambda model, X, y: model.neuron_inputs(1, 0),
    "gradient_check": lambda model, X, y: pynn.inspection.gradient_check(model, X, y),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("Estimator", [pynn.MLPClassifier, pynn.MLPRegressor])
def test_before_fit_there_is_nothing_to_see(Estimator, call):
    with pytest.raises(NotFittedError, match=f"This {Estimator.__name__} instance is not fitted"):
        CALLS[call](Estimator(), np.zeros((2, 3)), np.zeros(2))


@pytest.mark.parametrize("call", CALLS)
def test_looking_changes_nothing(classifier, rng, call):
    mlp, X, y = classifier
    parameters = mlp.network_.parameters.copy()
    CALLS[call](mlp, X, y)
    np.testing.assert_array_equal(mlp.network_.parameters, parameters)
    net = cases.classifier(dtype="float32")
    parameters, history = net.parameters.copy(), dict(net.history)
    CALLS[call](net, X, np.searchsorted(mlp.classes_, y))
    np.testing.assert_array_equal(net.parameters, parameters)
    assert net.history == history


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
@pytest.mark.parametrize("pair", cases.PAIRS, ids="-".join)
def test_networks_that_have_exploded_can_be_seen_into(rng, pair, value):
    """Warnings are errors here: that a number is not finite is what is returned."""
    problem = cases.problem(rng, [4, 5, 3], "tanh", *pair, "float32")
    net, X, y = problem.net, problem.X, problem.y
    net.weights[1][2, 1] = value
    assert "neuron 3 of layer 1" in net.trace(X, y).text(max_neurons=5, learning_rate=0.1)
    assert net.neuron_inputs(2, 1, X).weights[2] == np.float32(value) or np.isnan(value)
    for layer in (1, 2):
        assert "share" in str(net.blame(X[:1], y[:1], layer))
    assert "layer" in str(gradient_check(net, X, y))


# ---- What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [0, 3, -3])
def test_a_layer_that_there_is_not(net, layer):
    for call in (lambda: net.neuron_inputs(layer, 0), lambda: net.blame([[1, 2, 3]], [0], layer)):
        with pytest.raises(
            ValueError, match=rf"layer must be from 1 to 2, or from -2 to -1; got {layer}"
        ):
            call()
    with pytest.raises(TypeError, match=r"layer must be an integer, got 1\.0"):
        net.neuron_inputs(1.0, 0)


@pytest.mark.parametrize(("unit", "error"), [(2, ValueError), (-3, ValueError), (True, TypeError)])
def test_a_unit_that_there_is_not(net, unit, error):
    with pytest.raises(error, match=r"unit must be (from -2 to 1|an integer), got"):
        net.neuron_inputs(1, unit)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"row": 2}, ValueError, "row must be from -2 to 1, got 2"),
        ({"row": 0.0}, TypeError, "row must be an integer"),
        ({"limit": -1}, ValueError, "limit must be from 1 to"),
        ({"digits": 0}, ValueError, "digits must be from 1 to"),
    ],
)
def test_tables_that_there_are_not(net, arguments, error, message):
    with pytest.raises(error, match=message):
        net.neuron_inputs(1, 0, [[1, 2, 3], [4, 5, 6]]).table(**arguments)
    if "row" not in arguments:
        with pytest.raises(error, match=message):
            net.blame([[1, 2, 3]], [0]).table(**arguments)


def test_blame_is_for_one_example(net):
    with pytest.raises(
        ValueError, match=r"blame is for one example, got 2 rows; use X\[i : i \+ 1\]"
    ):
        net.blame([[1, 2, 3]] * 2, [0, 0])


@pytest.mark.parametrize("name", ["per_sample_gradient", "input_gradient", "blame"])
def test_rows_and_targets_that_do_not_fit(net, name):
    call = getattr(net, name)
    with pytest.raises(ValueError, match="X has 2 features, but the network has 3 inputs"):
        call([[1, 2]], [0])
    with pytest.raises(ValueError, match="X must be finite"):
        call([[1, 2, np.nan]], [0])
    with pytest.raises(ValueError, match=r"y must be of shape \(1, 1\) or \(1,\)"):
        call([[1, 2, 3]], [0, 0])
    with pytest.raises(ValueError, match="X has 2 features"):
        net.neuron_inputs(2, 0, [[1, 2]])
