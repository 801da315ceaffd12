"""Python files that need NumPy alone."""

import ast
import re

import numpy as np
import pytest
from exported import KINDS, OUTPUTS, SCALERS, briefly, error, network, of_kind
from sklearn.pipeline import make_pipeline

import pynn
from pynn.export import to_numpy

TOLERANCE = {"float32": 1e-6, "float64": 1e-13}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)


def run(text):
    names = {}
    exec(text, names)
    return names


@DTYPES
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer_is_the_same(kind, dtype, rng):
    net, X = of_kind(rng, kind, dtype)
    assert error(run(to_numpy(net))["predict"](X), net.predict(X)) < TOLERANCE[dtype]


@DTYPES
@pytest.mark.parametrize(("output", "cost"), OUTPUTS)
def test_every_activation_is_the_same(output, cost, dtype, rng):
    hidden = output if cost == "squared_error" else "relu"
    net, X = network(rng, dtype, hidden=hidden, output=output, cost=cost)
    found = run(to_numpy(net))["predict"](X)
    assert found.dtype == dtype
    assert error(found, net.predict(X)) < TOLERANCE[dtype]


@pytest.mark.parametrize("labels", [["no", "yes"], [1, 2, 3]], ids=str)
def test_classifiers_have_labels_and_probabilities(labels, rng):
    X = rng.normal(size=(60, 3))
    y = np.array(labels)[rng.integers(0, len(labels), 60)]
    model = make_pipeline(SCALERS[0], pynn.MLPClassifier((4,), max_iter=2, n_members=2))
    briefly(model, X, y)
    names = run(to_numpy(model))
    assert error(names["predict_proba"](X), model.predict_proba(X)) < 1e-13
    assert (names["predict"](X) == model.predict(X)).all()


def test_several_labels_are_0_and_1(rng):
    X = rng.normal(size=(60, 3))
    mlp = briefly(pynn.MLPClassifier((4,), max_iter=2), X, (X > 0).astype(int))
    assert (run(to_numpy(mlp))["predict"](X) == mlp.predict(X)).all()


def test_networks_of_classes_have_predict_classes(rng):
    net = pynn.Network([3, 4, 1], output_activation="sigmoid", classes=["no", "yes"])
    X = rng.normal(size=(9, 3))
    assert (run(to_numpy(net))["predict_classes"](X) == net.predict_classes(X)).all()


@pytest.mark.parametrize("scaler", SCALERS, ids=str)
def test_scalers_in_front_are_part_of_it(scaler, rng):
    X = rng.normal(100, 3, size=(60, 4))
    mlp = pynn.MLPRegressor(hidden_layer_sizes=6, max_iter=2)
    model = briefly(make_pipeline(scaler, mlp), X, X[:, 0])
    found = run(to_numpy(model))["predict"](X + 4)
    assert found.shape == (60,)
    assert error(found, model.predict(X + 4)) < 1e-13


def test_the_file_is_short_and_imports_numpy_alone(rng, tmp_path):
    net = pynn.Network([3, 4, 2], output_activation="softmax", random_state=0)
    text = to_numpy(net, tmp_path / "net.py")
    assert (tmp_path / "net.py").read_text() == text
    assert re.findall(r"^import (.*)$", text, re.M) == ["numpy as np"]
    tree = ast.parse(text)
    functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert functions == ["relu", "softmax", "predict", "predict_classes"]
    assert len(text.splitlines()) < 60
    assert max(map(len, text.splitlines())) <= 104
