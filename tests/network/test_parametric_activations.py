"""Parametric: activations with a trained alpha for each unit, in numbers and as text."""

import json
import re

import numpy as np
import pytest
from mlp_cases import few_epochs_are_meant, small  # noqa: F401 (a fixture)
from sklearn.base import clone
from sklearn.datasets import load_iris

import pynn


@pytest.fixture
def net():
    """z = 2, −2 and relu, so that activations are 2 and −2 times 1 − alpha: −0.5."""
    net = pynn.Network([1, 2, 1], activation=pynn.Parametric("relu"), initializer="zeros",
                       dtype="float64")  # fmt: skip
    net.weights[0][...], net.alphas[0][...] = [[2, -2]], [0.5, 0.75]
    net.weights[1][...] = 1
    return net


def test_its_numbers(net):
    trace = net.trace([[1.0]], [[0.0]])
    assert trace.z[0].tolist() == [[2, -2]]
    assert trace.a[0].tolist() == [[2, -0.5]]
    assert trace.deltas[0].tolist() == [[1.5, 1.5 * 0.25]]
    assert trace.d_alphas[0].tolist() == [0, 1.5 * 2]
    assert trace.alphas[0].tolist() == [0.5, 0.75]
    assert trace.alphas[1] is trace.d_alphas[1] is None


def test_training_moves_alphas_and_penalties_do_not(net):
    X, y = [[1.0]], [[0.0]]
    difference = net.gradient(X, y, alpha=1.0, l1=1.0) - net.gradient(X, y)
    assert net.group_of("alphas", difference)[0].tolist() == [0, 0]
    net.fit(X, y, optimizer=pynn.SGD(0.1))
    np.testing.assert_allclose(net.alphas[0], [0.5, 0.75 - 0.1 * 3])


def test_a_trace_writes_it(net):
    text = net.trace([[1.0]], [[0.0]]).text(learning_rate=0.1)
    assert "Layer 1, parametric relu" in text
    assert "a = (1 − α)·z + α·f, α the alpha, f = z above 0, else 0" in text
    assert "1·(−2) + 0 = −2, relu → 0; 0.25·(−2) + 0.75·0 = −0.5" in text
    assert "∂C/∂z = ∂C/∂a·(1 − α + α·relu′), relu′ = 1 above 0, else 0" in text
    assert "∂C/∂z = 1.5·0.25 = 0.375" in text
    assert "∂C/∂α = ∂C/∂a·(f − z)" in text
    assert "∂C/∂α = 1.5·(0 − (−2)) = 3; new α = 0.75 − 0.1·3 = 0.45" in text
    assert "likewise b and α" in text
    listed = str(net.trace([[1.0]], [[0.0]]))
    assert "a[0]                 (1, 2)  activations of layer 1, parametric relu" in listed
    assert "all of d_weights, d_biases and d_alphas in one vector" in listed


def test_a_trace_computes_other_activations_for_its_text():
    net = pynn.Network([1, 2, 1], activation=pynn.Parametric("sigmoid"), random_state=0)
    net.weights[0][...], net.biases[0][...], net.alphas[0][...] = [[0, 2]], 0, [0, 1]
    text = net.trace([[1.0]], [[0.0]]).text()
    assert "sigmoid → 0.5; 1·0 + 0·0.5 = 0" in text
    assert "sigmoid → 0.8808; 0·2 + 1·0.8808 = 0.8808" in text
    assert "sigmoid′ = f·(1 − f)" in text


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (pynn.Parametric("relu"), TypeError, "takes an activation that is not parametric"),
        (pynn.Parametric, TypeError, r"must be an object: Parametric\('relu'\), not the class"),
        (pynn.LeakyReLU, TypeError, r"must be an object: LeakyReLU\(\), not the class"),
        ("softmax", ValueError, "Parametric: activation must be one of identity, .* got 'softmax'"),
        (0.5, TypeError, "Parametric: activation must be one of"),
    ],
    ids=repr,
)
def test_only_activations_of_hidden_layers_have_alphas(given, error, message):
    with pytest.raises(error, match=message):
        pynn.Parametric(given)


def test_an_output_has_no_alphas():
    with pytest.raises(ValueError, match="only hidden layers can be parametric"):
        pynn.Network([1, 1], output_activation=pynn.Parametric("relu"))


def test_aliases_are_the_names_they_stand_for():
    assert pynn.Parametric("logistic") == pynn.Parametric("sigmoid")
    assert str(pynn.Parametric(pynn.LeakyReLU(0.5))) == "parametric LeakyReLU(slope=0.5)"


@pytest.mark.parametrize(
    "forged", [{"parametric": {"parametric": "relu"}}, {"parametric": "exp"}, {"parametric": {}}]
)
def test_files_with_anything_else_are_refused(forged, tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "net.safetensors"
    net = pynn.Network([1, 2, 1], activation=pynn.Parametric("relu"))
    arguments = {"layer_sizes": [1, 2, 1], "activation": [forged], "dtype": "float32"}
    tensors = net._architecture.split(net.parameters)
    numpy.save_file(tensors, path, {"pynn.Network": json.dumps(arguments)})
    with pytest.raises(ValueError, match="is not a network saved by pynn"):
        pynn.Network.load(path)


@pytest.mark.parametrize("kind", [pynn.MLPClassifier, pynn.MLPRegressor])
def test_estimators_take_it(kind, tmp_path):
    X, y = load_iris(return_X_y=True)
    chosen = [pynn.Parametric("relu"), "tanh"]
    model = clone(small(kind, hidden_layer_sizes=(5, 5), activation=chosen)).fit(X, y)
    assert (model.network_.alphas[0] != 1).any()
    for others in ("relu", ["tanh", pynn.Parametric("relu")]):
        model.set_params(activation=others)
        message = re.escape(f"activation={others!r} has other trained parameters")
        with pytest.raises(ValueError, match=message):
            model.predict(X)
    model.set_params(activation=chosen)
    pytest.importorskip("safetensors")
    model.save(tmp_path / "model.safetensors")
    loaded = kind.load(tmp_path / "model.safetensors")
    assert loaded.activation == chosen
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
