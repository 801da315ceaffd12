"""Activations with a parameter: accepted wherever a name is, and never mistaken for another one."""

import pickle

import cases
import numpy as np
import pytest
import reference
from cases import check_one_pass, check_training
from mlp_cases import few_epochs_are_meant, small  # noqa: F401 (a fixture)
from sklearn.base import clone
from sklearn.datasets import load_iris

import pynn
from pynn.inspection import gradient_check

SLOPES = [0, 0.2, 0.99]


def leaky(rng, slope, dtype="float64", output="identity"):
    """A problem whose hidden layers have this slope, and maybe its output."""
    problem = cases.problem(rng, [3, 5, 4, 2], "tanh", "identity", "squared_error", dtype)
    hidden = [pynn.LeakyReLU(slope), "tanh"]
    net = pynn.Network([3, 5, 4, 2], activation=hidden, output_activation=output, dtype=dtype)
    net.parameters[:] = problem.net.parameters
    problem.net, f = net, reference.leaky_relu(slope)
    problem.oracle.activations = [f, "tanh", "identity" if output == "identity" else f]
    return problem


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("slope", SLOPES)
def test_the_core_agrees_with_the_oracle(slope, dtype, rng, isa):
    check_one_pass(leaky(rng, slope, dtype))
    check_one_pass(leaky(rng, slope, dtype, output=pynn.LeakyReLU(slope)))
    check_training(leaky(rng, slope, dtype), pynn.SGD(0.1), batch_size=2)


@pytest.mark.parametrize("slope", SLOPES)
def test_its_gradient_agrees_with_finite_differences(slope, rng):
    problem = leaky(rng, slope)
    assert gradient_check(problem.net, problem.X, problem.y).passed


def test_a_step_across_its_kink_is_left_out():
    net = pynn.Network([1, 1], output_activation=pynn.LeakyReLU(0.5), initializer="zeros")
    check = gradient_check(net, [[1.0]], [1.0])
    assert check.n_left_out.tolist() == [2]


def test_the_name_stands_for_the_default_slope(rng):
    X = rng.normal(size=(5, 3))
    by_name, by_class = (
        pynn.Network([3, 4, 1], activation=activation, random_state=0).predict(X)
        for activation in ("leaky_relu", pynn.LeakyReLU())
    )
    np.testing.assert_array_equal(by_name, by_class)
    assert pynn.Network([3, 4, 1], activation="leaky_relu").activations[0] == "leaky_relu"


def test_every_description_shows_its_slope(capsys):
    net = pynn.Network([1, 1, 1], activation=pynn.LeakyReLU(0.25), initializer="zeros")
    net.summary()
    trace = net.trace([[1.0]], [0.0])
    described = [
        repr(net),
        capsys.readouterr().out,
        net.to_dot(),
        net._repr_html_(),
        str(net.neuron_inputs(1, 0, [[1.0]])),
        str(trace),
    ]
    assert [text for text in described if "LeakyReLU(slope=0.25)" not in text] == []
    assert "a = z above 0, else 0.25·z" in trace.text()
    assert "leaky_relu′ = 1 above 0, else 0.25" in trace.text()


def test_pickles_keep_it(rng):
    problem = leaky(rng, 0.3)
    again = pickle.loads(pickle.dumps(problem.net))
    assert again.activations == (pynn.LeakyReLU(0.3), "tanh", "identity")
    np.testing.assert_array_equal(again.predict(problem.X), problem.net.predict(problem.X))


def test_a_checkpoint_of_another_slope_is_refused(tmp_path):
    def fit(slope):
        net = pynn.Network([1, 2, 1], activation=pynn.LeakyReLU(slope), random_state=0)
        checkpoint = pynn.callbacks.Checkpoint(tmp_path / "fit.npz", resume=True)
        return net.fit([[0.0], [1.0]], [0.0, 1.0], epochs=2, callbacks=[checkpoint])

    np.testing.assert_array_equal(fit(0.1).parameters, fit(0.1).parameters)
    with pytest.raises(ValueError, match=r"slope=0\.1"):
        fit(0.2)


@pytest.mark.parametrize("kind", [pynn.MLPClassifier, pynn.MLPRegressor])
def test_estimators_take_it(kind, tmp_path):
    X, y = load_iris(return_X_y=True)
    model = small(kind, hidden_layer_sizes=(6, 5), activation=[pynn.LeakyReLU(0.2), "tanh"])
    model = clone(model).fit(X, y)
    assert model.network_.activations[:2] == (pynn.LeakyReLU(0.2), "tanh")
    model.set_params(activation=pynn.LeakyReLU(0.1))
    assert model.network_.activations[:2] == (pynn.LeakyReLU(0.1),) * 2
    pytest.importorskip("safetensors")
    model.save(tmp_path / "model.safetensors")
    loaded = kind.load(tmp_path / "model.safetensors")
    assert loaded.activation == pynn.LeakyReLU(0.1)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def test_a_regressor_predicts_through_it():
    X = np.linspace(-1, 1, 20)[:, np.newaxis]
    model = small(pynn.MLPRegressor, output_activation=pynn.LeakyReLU(0.5)).fit(X, X[:, 0])
    assert model.out_activation_ == pynn.LeakyReLU(0.5)


def test_selu_keeps_mean_and_variance_through_many_layers(rng):
    """With weights normal / √n_in: Klambauer et al. 2017, theorem 1."""
    net = pynn.Network([200] * 31, activation="selu", output_activation="selu", random_state=0)
    a = net.predict(rng.normal(size=(500, 200)))
    assert abs(a.mean()) < 0.1
    assert a.var() == pytest.approx(1, abs=0.2)
