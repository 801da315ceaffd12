"""Weights, inputs and row weights at the ends of their dtype: as plain NumPy computes them, or
refused in words; never another result without a word."""

import itertools
import warnings

import cases
import numpy as np
import pytest
import reference
from sklearn.exceptions import ConvergenceWarning

import pynn

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2))
SHARES = np.abs(Y) / np.abs(Y).max()
OUTPUTS = {"identity": Y, "softmax": SHARES, "sigmoid": SHARES, "exp": SHARES}
EXTREME = [np.nan, np.inf, -np.inf, 1e300, -1e300, 1e308, 1e-310, 5e-324]
weights = pytest.mark.parametrize(("value", "layer"), [*itertools.product(EXTREME, [0, 1])])
dtypes = pytest.mark.parametrize("dtype", cases.DTYPES)


def network(dtype="float64", output="identity", n_threads=None):
    return pynn.Network(
        [3, 4, 2],
        activation="tanh",
        output_activation=output,
        dtype=dtype,
        n_threads=n_threads,
        random_state=0,
    )


def oracle_of(net):
    return reference.Network([3, 4, 2], net.activations, net.cost_function)


def with_weight(value, layer, dtype="float64", output="identity", **options):
    net = network(dtype, output, **options)
    with np.errstate(over="ignore"):  # in float32, 1e300 is infinite
        net.weights[layer][0, 0] = value
    return net


# Weights that the user has set


@dtypes
@pytest.mark.parametrize("output", OUTPUTS)
@weights
def test_predictions_are_numpy_s(value, layer, output, dtype):
    """NaN and infinity where NumPy has them, and nowhere else."""
    net = with_weight(value, layer, dtype, output)
    with np.errstate(all="ignore"):
        expected = oracle_of(net).predict(net.parameters, X.astype(dtype))
    for n_threads in (1, 2):
        net.n_threads = n_threads
        np.testing.assert_allclose(net.predict(X), expected, 1e-4, 1e-6)


@pytest.mark.parametrize("output", OUTPUTS)
@weights
def test_costs_and_gradients_are_numpy_s(value, layer, output):
    net, y = with_weight(value, layer, output=output), OUTPUTS[output]
    oracle, p = oracle_of(net), net.parameters
    with np.errstate(all="ignore"):
        zs, activations = oracle.forward(p, X)
        cost = (oracle.costs(zs[-1], activations[-1], y).sum(axis=1) / len(X)).sum()
        gradient = np.where(np.isfinite(p), oracle.gradient(p, X, y), net.gradient(X, y))
    if np.isfinite(cost):
        assert net.cost(X, y) == pytest.approx(cost, rel=1e-9)
    else:
        assert not np.isfinite(net.cost(X, y))
    known = np.isfinite(gradient)
    np.testing.assert_allclose(net.gradient(X, y)[known], gradient[known], 1e-9, 1e-12)
    assert not np.isfinite(net.gradient(X, y)[~known]).any()


SETTINGS = {
    "plain": {},
    "sgd": {"optimizer": "sgd"},
    "a penalty": {"alpha": 1.0},
    "norms": {"max_norm": 1.0, "clip_norm": 1.0},
    "validation": {"validation_split": 0.2, "early_stopping": True},
}


@dtypes
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@weights
def test_a_fit_from_them_ends_finite_or_changes_nothing(value, layer, settings, dtype):
    net = with_weight(value, layer, dtype)
    before = net.parameters.tobytes()
    try:
        net.fit(X, Y, **settings)
    except FloatingPointError as error:
        assert "no longer finite" in str(error)  # noqa: PT017
        assert net.parameters.tobytes() == before
        assert net.history == {"cost": []}
    else:
        assert np.isfinite(net.parameters).all()
        assert np.isfinite(net.history["cost"]).all()


@pytest.mark.parametrize("value", EXTREME)
def test_every_other_look_at_them_returns(value, capsys, tmp_path):
    net = with_weight(value, 1)
    net.summary()
    net.trace(X, Y).text()
    str(net.neuron_inputs(1, 0, X))
    str(net.blame(X[:1], Y[:1]))
    net.to_dot()
    net._repr_html_()
    net.per_sample_gradient(X, Y)
    net.input_gradient(X, Y)
    net.score(X, Y)
    pytest.importorskip("safetensors")
    net.save(tmp_path / "net")
    assert pynn.Network.load(tmp_path / "net").parameters.tobytes() == net.parameters.tobytes()


@dtypes
@pytest.mark.parametrize("exponent", [0.4, 0.6, 0.9])
@pytest.mark.parametrize("longest", [1e-3, 1.0, 1e20])
def test_max_norm_holds_for_weights_whose_squares_overflow(exponent, longest, dtype):
    large = float(np.finfo(dtype).max) ** exponent
    net = network(dtype)
    net.weights[0][:, 0] = [large, -large / 2, large / 4]
    direction = np.array([1, -0.5, 0.25]) / np.linalg.norm([1, -0.5, 0.25])
    net.fit(X, Y, max_norm=longest, optimizer=pynn.SGD(1e-30))
    expected = longest * direction if large > longest else large * np.array([1, -0.5, 0.25])
    np.testing.assert_allclose(net.weights[0][:, 0], expected, 1e-6)
    assert (np.linalg.norm(net.weights[0][:, 1:], axis=0) <= longest * (1 + 1e-6)).all()


# Inputs


@dtypes
@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_subnormal_inputs_are_not_taken_for_0(dtype, n_threads):
    """Nothing but the slots of the update rules is flushed to 0."""
    least = np.finfo(dtype).smallest_subnormal
    x = (least * np.arange(1000, 1060).reshape(20, 3)).astype(dtype)
    net = pynn.Network([3, 2], bias=False, dtype=dtype, n_threads=n_threads, random_state=0)
    net.weights[0][:] = 1
    np.testing.assert_array_equal(net.predict(x)[:, 0], x.sum(axis=1))
    gradient = net.gradient(x, -np.ones((20, 2))).reshape(3, 2)
    np.testing.assert_allclose(gradient[:, 0] / least, x.mean(axis=0) / least, atol=20)


@dtypes
def test_the_largest_inputs_have_the_outputs_of_numpy(dtype):
    largest = np.finfo(dtype).max
    x = np.array([[largest, -largest, 1], [largest, largest, largest], [-largest, 0, 0]], dtype)
    net = network(dtype)
    with np.errstate(all="ignore"):
        expected = oracle_of(net).predict(net.parameters, x)
    np.testing.assert_allclose(net.predict(x), expected, 1e-4)
    with pytest.raises(ValueError, match="X must be finite, but holds NaN, infinity or a value"):
        network("float32").predict(np.full((1, 3), 1e39))


# Weights of rows


@dtypes
@pytest.mark.parametrize("weight", [5e-324, 1e-310, 1e-300, 1e-30, 1e30, 1e300, 8e306])
@pytest.mark.parametrize("batch_size", [1, 7, 20])
def test_row_weights_count_by_their_shares_alone(weight, batch_size, dtype):
    weights = np.full(20, weight)
    net, twin = network(dtype), network(dtype)
    assert net.cost(X, Y, weights) == pytest.approx(net.cost(X, Y), rel=1e-6)
    assert net.score(X, Y, weights) == pytest.approx(net.score(X, Y), rel=1e-6)
    net.fit(X, Y, batch_size=batch_size, sample_weight=weights, optimizer="sgd")
    twin.fit(X, Y, batch_size=batch_size, optimizer="sgd")
    np.testing.assert_allclose(net.parameters, twin.parameters, 1e-5, 1e-7)


@dtypes
def test_a_row_that_outweighs_all_others_is_alone(dtype):
    weights = np.full(20, 1e-300)
    weights[3] = 1e300
    net = network(dtype)
    assert net.cost(X, Y, weights) == pytest.approx(net.cost(X[3:4], Y[3:4]))
    expected = net.gradient(X[3:4], Y[3:4])
    np.testing.assert_allclose(net.gradient(X, Y, weights), expected, 1e-5, 1e-7)


@pytest.mark.parametrize("weight", [1e307, 1e308, 1.7e308])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_row_weights_whose_sum_overflows_are_refused(weight, solver):
    weights = np.full(20, weight)
    for call in (network().fit, network().cost, network().gradient):
        with pytest.raises(
            ValueError, match=r"sample_weight must .* have a finite sum, got sum inf"
        ):
            call(X, Y, sample_weight=weights)
    for Estimator, y in ((pynn.MLPClassifier, X[:, 0] > 0), (pynn.MLPRegressor, Y)):
        model = Estimator(hidden_layer_sizes=(4,), solver=solver)
        with pytest.raises(ValueError, match="finite sum, got sum inf"):
            model.fit(X, y, sample_weight=weights)
        assert vars(model) == vars(Estimator(hidden_layer_sizes=(4,), solver=solver))


@dtypes
@pytest.mark.parametrize("weight", [5e-324, 1e-310, 1e-300, 1e-200, 1e-100, 1.0, 1e100, 8e306])
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("alpha", [0.0, 1e-4])
def test_an_estimator_s_loss_is_finite_or_its_fit_fails_or_warns(weight, solver, alpha, dtype):
    """Its penalty is divided by the sum of the row weights, as scikit-learn's, and may overflow."""
    settings = {"hidden_layer_sizes": (4,), "alpha": alpha, "solver": solver, "dtype": dtype}
    for Estimator, y in ((pynn.MLPClassifier, X[:, 0] > 0), (pynn.MLPRegressor, Y)):
        model = Estimator(max_iter=3, random_state=0, **settings)
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ConvergenceWarning)
            try:
                model.fit(X, y, sample_weight=np.full(20, weight))
            except ValueError as error:
                assert alpha
                assert weight < 1e-90
                assert "non-finite" in str(error)  # noqa: PT017
                continue
        # L-BFGS goes nowhere from a loss that is no number, and says so, as scikit-learn's.
        stayed = any("failed to converge after 0 iteration" in str(one.message) for one in told)
        assert stayed or np.isfinite(model.loss_)
        assert np.isfinite(model.network_.parameters).all()
