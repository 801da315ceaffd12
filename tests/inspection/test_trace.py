"""trace: everything that the compiled core computes of each row, held against the plain network."""

import signal
import threading

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

ARRAYS = ("z", "a", "sensitivities", "deltas")

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def traced(trace):
    """All arrays of a trace, by layer where they are so, those of the gradient last."""
    layers = [array for name in ARRAYS for array in getattr(trace, name)]
    return [*layers, trace.input_sensitivities, trace.costs, trace.gradient]


def expected(problem):
    zs, activations, das, dzs, dx, costs = problem.oracle.trace(
        problem.parameters, problem.X, problem.y
    )
    gradient = problem.oracle.gradient(problem.parameters, problem.X, problem.y)
    return [*zs, *activations, *das, *dzs, dx, costs, gradient]


def check(problem, X=None, label=""):
    trace = problem.net.trace(problem.X if X is None else X, problem.y)
    for got, want in zip(traced(trace), expected(problem), strict=True):
        assert got.shape == want.shape, label
        cases.assert_agree(got, want, 2 * cases.ONE_PASS, problem.net.dtype, label)
    return trace


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(("output", "cost"), cases.PAIRS)
def test_every_cost_with_every_activation(rng, output, cost, dtype):
    """Of the hidden ones a third, another one beside each output and cost."""
    first = cases.PAIRS.index((output, cost))
    for i, hidden in enumerate(cases.HIDDEN[first % 3 :: 3], first):
        problem = cases.problem(rng, [3, 4, 5, 3], hidden, output, cost, dtype, bias=i % 2 > 0)
        check(problem, label=hidden)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(("output", "cost"), cases.PAIRS)
def test_every_instruction_set(isa, rng, output, cost, dtype):
    check(cases.problem(rng, [3, 40, 5, 20], "tanh", output, cost, dtype, n_rows=40))


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("sizes", [[1, 1], [70, 3], [5, 1, 1], [33, 130, 65, 4]], ids=str)
def test_networks_of_all_shapes(isa, rng, sizes, dtype):
    check(cases.problem(rng, sizes, "gelu", "softmax", "cross_entropy", dtype, n_rows=40))


@pytest.mark.parametrize("n_rows", [1, 1023, 1024, 1025, 2500])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_rows_go_through_in_chunks(isa, rng, n_rows, n_threads):
    sizes = [9, 20, 70, 3]
    problem = cases.problem(rng, sizes, "tanh", "sigmoid", "squared_error", "float64", n_rows)
    problem.net.n_threads = n_threads
    check(problem)


@pytest.mark.parametrize("make", [sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("pattern", patterns.PATTERNS, ids=lambda pattern: pattern.__name__)
def test_sparse_rows_and_zeros(rng, pattern, make):
    names = ("tanh", "softmax", "cross_entropy", "float64")
    problem = cases.problem(rng, [40, 9, 3], *names, n_rows=1100)
    pattern(rng, problem.X)
    check(problem)
    trace = check(problem, make(problem.X))
    assert trace.x.format == "csr"
    np.testing.assert_array_equal(trace.x.toarray(), problem.X)
    assert isinstance(trace.input_sensitivities, np.ndarray)


networks = st.fixed_dictionaries(
    {
        "sizes": st.lists(st.integers(1, 130), min_size=2, max_size=5),
        "pair": st.sampled_from(cases.PAIRS),
        "hidden": st.sampled_from(cases.HIDDEN),
        "dtype": st.sampled_from(cases.DTYPES),
        "n_rows": st.integers(1, 300),
    }
)


@cases.examples(30)
@given(networks, st.sampled_from(_core.available_isas()))
def test_one_to_five_threads_give_the_same_bits(network, isa):
    pair = network.pop("pair")
    sizes, hidden, dtype = (network.pop(name) for name in ("sizes", "hidden", "dtype"))
    rng = np.random.default_rng(0)
    problem = cases.problem(rng, sizes, hidden, *pair, dtype, **network)
    bits = []
    with cases.instruction_set(isa):
        for n_threads in range(1, 6):
            problem.net.n_threads = n_threads
            arrays = traced(problem.net.trace(problem.X, problem.y))
            bits.append([array.tobytes() for array in arrays])
    assert all(other == bits[0] for other in bits[1:])


@cases.examples(40)
@given(networks)
def test_it_is_what_the_network_does(network):
    """To the bit: outputs are those of predict, and one row's products are its gradient."""
    pair = network.pop("pair")
    sizes, hidden, dtype = (network.pop(name) for name in ("sizes", "hidden", "dtype"))
    problem = cases.problem(np.random.default_rng(1), sizes, hidden, *pair, dtype, **network)
    net, X, y = problem.net, problem.X, problem.y
    trace = net.trace(X, y)
    np.testing.assert_array_equal(trace.a[-1], net.predict(X))
    np.testing.assert_array_equal(trace.gradient, net.gradient(X, y))
    np.testing.assert_array_equal(trace.costs[0], net.cost(X[:1], y[:1]))
    d_weights, d_biases = net.views(net.gradient(X[:1], y[:1]))
    inputs = [trace.x, *trace.a]
    for layer, deltas in enumerate(trace.deltas):
        np.testing.assert_array_equal(d_weights[layer], np.outer(inputs[layer][0], deltas[0]))
        np.testing.assert_array_equal(d_biases[layer], deltas[0])


# ---- What it holds ------------------------------------------------------------------------------


def test_its_parts_are_views_of_one_gradient_and_of_a_copy_of_the_parameters(rng):
    problem = cases.problem(rng, [3, 4, 2], "tanh", "identity", "huber", "float32")
    net, before = problem.net, problem.net.parameters.copy()
    trace = net.trace(problem.X, problem.y)
    net.parameters[:] = 0
    np.testing.assert_array_equal(trace.parameters, before)
    assert (
        [W.shape for W in trace.weights] == [W.shape for W in trace.d_weights] == [(3, 4), (4, 2)]
    )
    assert [b.shape for b in trace.biases] == [b.shape for b in trace.d_biases] == [(4,), (2,)]
    for part in (*trace.d_weights, *trace.d_biases):
        assert np.shares_memory(part, trace.gradient)
    assert trace.costs.dtype == np.float64
    assert {array.dtype for array in (trace.x, trace.y, trace.a[0])} == {net.dtype}


def test_what_came_in_is_copied(rng):
    problem = cases.problem(rng, [3, 2], "tanh", "identity", "huber", "float64")
    trace = problem.net.trace(problem.X, problem.y)
    assert not np.shares_memory(trace.x, problem.X)
    assert not np.shares_memory(trace.y, problem.y)


def test_classes_become_columns(rng):
    net = cases.classifier()
    X, y = cases.digits_like(rng)
    trace = net.trace(X, y)
    np.testing.assert_array_equal(trace.y, np.eye(3)[y])
    np.testing.assert_allclose(trace.deltas[-1], trace.a[-1] - np.eye(3)[y])
    np.testing.assert_allclose(trace.costs, -np.log(trace.a[-1][np.arange(len(y)), y]))


def test_one_output_takes_a_vector(rng):
    net = pynn.Network([2, 1], random_state=0)
    X, y = rng.normal(size=(5, 2)), [0, 1, 2, 3, 4]
    assert net.trace(X.tolist(), y).y.tolist() == [[0], [1], [2], [3], [4]]
    assert net.trace(pd.DataFrame(X), pd.Series(y)).y.shape == (5, 1)


def test_infinite_sensitivities_where_an_output_is_rounded_to_what_it_must_not_be():
    """... without a warning, and deltas stay exact: they are computed from z."""
    net = pynn.Network([1, 2], output_activation="softmax", cost="cross_entropy", dtype="float64")
    net.parameters[:] = [0, 0, 0, 1000]
    trace = net.trace([[1.0]], [0])
    assert trace.sensitivities[-1].tolist() == [[-np.inf, 0]]
    assert trace.deltas[-1].tolist() == [[-1, 1]]
    poisson = pynn.Network([1, 1], output_activation="exp", cost="poisson", dtype="float64")
    poisson.parameters[:] = [0, -1000]
    assert poisson.trace([[1.0]], [0]).sensitivities[-1].tolist() == [[1]]
    assert poisson.trace([[1.0]], [2]).sensitivities[-1].tolist() == [[-np.inf]]


def test_the_sensitivity_of_a_sure_sigmoid_is_computed_from_its_weighted_sum():
    names = {"output_activation": "sigmoid", "cost": "binary_cross_entropy"}
    net = pynn.Network([1, 1], dtype="float64", initializer="zeros", **names)
    net.biases[0][:] = 50.0  # the activation is rounded to 1
    trace = net.trace([[0.0]], [0])
    assert trace.a[-1][0, 0] == 1
    np.testing.assert_allclose(trace.sensitivities[-1], 1 + np.exp(50.0))
    assert net.trace([[0.0]], [1]).sensitivities[-1][0, 0] == -1


# ---- How it prints ------------------------------------------------------------------------------


def test_it_prints_the_name_and_the_shape_of_every_array(rng):
    problem = cases.problem(rng, [3, 4, 2], "tanh", "identity", "huber", "float64", bias=False)
    trace = problem.net.trace(problem.X, problem.y)
    head, blank, *lines = str(trace).splitlines()
    assert head == repr(trace) == "<Trace of 5 rows through a 3-4-2 network>"
    assert not blank
    for line in lines:
        name, shape = line.split("  ")[0], line[line.index("(") : line.index(")") + 1]
        attribute, _, index = name.rstrip("] ").partition("[")
        array = getattr(trace, attribute)
        assert str((array[int(index)] if index else array).shape) == shape
    assert not any("d_biases" in line for line in lines)


# ---- Estimators ---------------------------------------------------------------------------------


def test_of_a_classifier_with_labels_of_any_kind(rng):
    X, y = cases.digits_like(rng)
    labels = np.array(["ash", "birch", "cedar"])[y]
    mlp = pynn.MLPClassifier(5, max_iter=5, random_state=0, tol=0, n_iter_no_change=99)
    with pytest.warns(UserWarning, match="Maximum iterations"):
        mlp.fit(X, labels)
    trace = mlp.trace(X, labels)
    np.testing.assert_array_equal(trace.a[-1], mlp.predict_proba(X))
    np.testing.assert_array_equal(trace.y, np.eye(3)[y])
    np.testing.assert_array_equal(trace.weights[0], mlp.coefs_[0])
    np.testing.assert_array_equal(mlp.trace(sparse.csr_array(X), labels).y, np.eye(3)[y])
    with pytest.raises(ValueError, match=r"classes not in `self.classes_`"):
        mlp.trace(X[:1], ["oak"])


def test_of_a_regressor(rng):
    X = rng.normal(size=(20, 3))
    mlp = pynn.MLPRegressor(
        hidden_layer_sizes=4, loss="huber", delta=0.3, solver="lbfgs", random_state=0
    ).fit(X, X[:, 0])
    trace = mlp.trace(X, X[:, 0])
    np.testing.assert_array_equal(trace.a[-1].ravel(), mlp.predict(X))
    assert trace.architecture.cost == pynn.Huber(0.3)


@pytest.mark.parametrize("Estimator", [pynn.MLPClassifier, pynn.MLPRegressor])
def test_of_an_estimator_that_has_learned_nothing(Estimator):
    with pytest.raises(NotFittedError, match=Estimator.__name__):
        Estimator().trace([[0.0]], [0])


# ---- What is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0.0]], [[0, 0]], "X has 1 features, but the network has 3 inputs"),
        ([0.0, 0, 0], [[0, 0]], r"for one row use X.reshape\(1, -1\)"),
        ([[0.0, 0, np.nan]], [[0, 0]], "X must be finite"),
        ([[0.0, 0, 0]], [[0, 0, 0]], r"y must be of shape \(1, 2\)"),
        ([[0.0, 0, 0]], [2], "y holds class 2; with 2 outputs classes are 0 to 1"),
    ],
)
def test_what_is_refused(X, y, message):
    with pytest.raises(ValueError, match=message):
        pynn.Network([3, 2]).trace(X, y)


def test_the_core_refuses_arrays_of_other_shapes_and_row_weights():
    net = pynn.Network([3, 4, 2])
    rows, y = np.zeros((5, 3), np.float32), np.zeros((5, 2), np.float32)
    data, trace = _core.Data(rows, y), net._core.trace
    for name, n in {"z": 30, "a": 30, "da": 30, "delta": 30, "dx": 15}.items():
        trace(net.parameters, data, **{name: np.empty(n, np.float32)})
        with pytest.raises(ValueError, match="array of shape"):
            trace(net.parameters, data, **{name: np.empty(n + 1, np.float32)})
        with pytest.raises(TypeError, match="format 'f' expected"):
            trace(net.parameters, data, **{name: np.empty(n)})
    weighted = _core.Data(rows, y, np.ones(5))
    with pytest.raises(ValueError, match="without weights"):
        trace(net.parameters, weighted, costs=np.empty(5))
    with pytest.raises(TypeError, match="y is missing"):
        trace(net.parameters, _core.Data(rows), costs=np.empty(5))


def test_ctrl_c_is_heard_in_the_midst_of_it(ctrl_c_raises):
    net = pynn.Network([4000, 4000, 1], activation="tanh", initializer="zeros")
    X, y = np.zeros((4000, 4000), np.float32), np.zeros((4000, 1), np.float32)
    X[:, :] = 1
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt) as caught:
            net._trace(net._data(X, y), ["costs"])
    finally:
        timer.join()
    assert "_core" in caught.traceback[-1].name
