"""ONNX files, as ONNX Runtime computes them."""

import numpy as np
import pytest
from exported import KINDS, OUTPUTS, SCALERS, briefly, error, network, of_kind
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import pynn
from pynn.export import register_skl2onnx, to_onnx

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

TOLERANCE = {"float32": 1e-6, "float64": 1e-12}
DTYPES = pytest.mark.parametrize("dtype", TOLERANCE)
SINGLE = {"gelu"}  # activations that ONNX Runtime computes in float32 alone


def run(proto, X, name="X"):
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(
        proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {name: X}), strict=True))


@DTYPES
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer_is_the_same(kind, dtype, rng):
    net, X = of_kind(rng, kind, dtype)
    tolerance = 1e-6 if net.embeddings else TOLERANCE[dtype]
    assert error(run(to_onnx(net), X)["variable"], net.predict(X)) < tolerance


@DTYPES
@pytest.mark.parametrize(("output", "cost"), OUTPUTS)
def test_every_activation_is_the_same(output, cost, dtype, rng):
    hidden = output if cost == "squared_error" else "relu"
    net, X = network(rng, dtype, hidden=hidden, output=output, cost=cost)
    found = run(to_onnx(net), X)
    found = found.get("variable", found.get("output_probability"))
    tolerance = 1e-6 if hidden in SINGLE else TOLERANCE[dtype]
    assert found.dtype == dtype
    assert error(found, net.predict(X)) < tolerance


@DTYPES
@pytest.mark.parametrize("activation", ["elu", "selu", "softplus", "mish", "sigmoid", "softmax"])
def test_activations_of_large_numbers_do_not_overflow(activation, dtype):
    net = pynn.Network([2, 2], output_activation=activation, bias=False, dtype=dtype)
    net.weights[0][:] = np.eye(2)
    X = np.array([[1e4, -1e4], [-1e-3, 1e-3], [-30, 30]], dtype)
    (found,) = list(run(to_onnx(net), X).values())[-1:]
    assert error(found, net.predict(X)) < TOLERANCE[dtype]


@pytest.mark.parametrize("labels", [["no", "yes"], ["a", "b", "c"], [-1, 0, 7], [False, True]],
                         ids=str)  # fmt: skip
def test_classifiers_have_labels_and_probabilities(labels, rng):
    X = rng.normal(size=(60, 3)).astype("f")
    y = np.array(labels)[rng.integers(0, len(labels), 60)]
    mlp = briefly(pynn.MLPClassifier((4,), max_iter=2, n_members=2), X, y)
    found = run(to_onnx(make_pipeline(SCALERS[0].fit(X), mlp)), X)
    expected = make_pipeline(SCALERS[0], mlp)
    assert list(found) == ["output_label", "output_probability"]
    assert error(found["output_probability"], expected.predict_proba(X)) < 1e-6
    assert (found["output_label"] == expected.predict(X)).all()


def test_several_labels_are_0_and_1(rng):
    X = rng.normal(size=(60, 3)).astype("f")
    mlp = briefly(pynn.MLPClassifier((4,), max_iter=2), X, (X > 0).astype(int))
    found = run(to_onnx(mlp), X)
    assert (found["output_label"] == mlp.predict(X)).all()
    assert error(found["output_probability"], mlp.predict_proba(X)) < 1e-6


def test_it_writes_the_file_with_a_stated_opset(rng, tmp_path):
    net, _ = network(rng)
    proto = to_onnx(net, tmp_path / "net.onnx")
    assert onnx.load(tmp_path / "net.onnx") == proto
    assert [(one.domain, one.version) for one in proto.opset_import] == [("", 17)]


def test_labels_of_other_types_are_refused():
    net = pynn.Network([2, 3, 2], output_activation="softmax", classes=np.array(["a", 1], object))
    with pytest.raises(ValueError, match="labels that are numbers or texts, got \\['a', 1\\]"):
        to_onnx(net)


# ---- skl2onnx ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def skl2onnx():
    found = pytest.importorskip("skl2onnx")
    register_skl2onnx()
    return found


@DTYPES
def test_skl2onnx_converts_pipelines_with_a_classifier(dtype, skl2onnx, rng):
    X = np.column_stack([rng.normal(size=(60, 3)), rng.integers(0, 3, 60)]).astype(dtype)
    y = np.array(["x", "y", "z"])[rng.integers(0, 3, 60)]
    columns = ColumnTransformer([("codes", OneHotEncoder(), [3]), ("rest", SCALERS[0], [0, 1, 2])])
    model = make_pipeline(columns, pynn.MLPClassifier((5,), activation="gelu", max_iter=2))
    briefly(model, X, y)
    proto = skl2onnx.to_onnx(model, X[:1], options={"zipmap": False}, target_opset=17)
    found = run(proto, X)
    assert list(found) == ["label", "probabilities"]
    assert (found["label"] == model.predict(X)).all()
    assert error(found["probabilities"], model.predict_proba(X)) < 2e-6


def test_skl2onnx_s_zipmap_names_the_classes(skl2onnx, rng):
    X = rng.normal(size=(30, 2)).astype("f")
    mlp = briefly(pynn.MLPClassifier((3,), max_iter=2), X, X[:, 0] > 0)
    found = run(skl2onnx.to_onnx(mlp, X[:1]), X)
    assert found["output_probability"][0].keys() == {0, 1}
    assert (found["output_label"] == mlp.predict(X)).all()


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_skl2onnx_converts_regressors(n_outputs, skl2onnx, rng):
    X = rng.normal(size=(30, 3)).astype("f")
    y = X[:, :n_outputs].squeeze()
    mlp = pynn.MLPRegressor(hidden_layer_sizes=3, max_iter=2)
    model = briefly(make_pipeline(SCALERS[0], mlp), X, y)
    found = run(skl2onnx.to_onnx(model, X[:1]), X)["variable"]
    assert error(found, model.predict(X).reshape(30, n_outputs)) < 1e-6
