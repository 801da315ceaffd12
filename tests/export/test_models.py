"""What the functions of pynn.export have in common: which models they take."""

import numpy as np
import pytest
from exported import of_kind
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import pynn
from pynn import export

GENERAL = [export.to_c, export.to_numpy]
PLAIN = [export.to_sklearn, export.to_torch, export.to_keras]
ALL = [*GENERAL, *PLAIN, export.to_json]


@pytest.mark.parametrize("write", ALL)
def test_other_models_are_refused_by_name(write):
    with pytest.raises(TypeError, match=f"{write.__name__} takes a Network.*LinearRegression"):
        write(LinearRegression())
    with pytest.raises(TypeError, match=r"its networks are model\[0\]"):
        write(pynn.Population([pynn.Network([2, 1])]))


@pytest.mark.parametrize("write", ALL)
def test_an_estimator_that_is_not_fitted_is_refused(write):
    with pytest.raises(NotFittedError):
        write(pynn.MLPRegressor())


@pytest.mark.parametrize("write", GENERAL)
def test_other_steps_of_pipelines_are_refused(write):
    model = make_pipeline(
        PolynomialFeatures(), pynn.MLPRegressor(hidden_layer_sizes=2, solver="lbfgs")
    )
    model.fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
    with pytest.raises(TypeError, match="got the step PolynomialFeatures; skl2onnx"):
        write(model)


@pytest.mark.parametrize("write", [*PLAIN, export.to_json])
def test_plain_formats_have_no_place_for_a_scaler(write):
    model = make_pipeline(StandardScaler().fit([[0.0]]), pynn.Network([1, 1]))
    with pytest.raises(TypeError, match=r"or an MLPRegressor, got Pipeline; its last step alone"):
        write(model)


@pytest.mark.parametrize("write", GENERAL)
def test_parameters_that_are_not_finite_are_refused(write):
    net = pynn.Network([2, 1])
    net.weights[0][0] = np.nan
    with pytest.raises(ValueError, match="infinite or NaN"):
        write(net)


@pytest.mark.parametrize("write", GENERAL)
def test_a_classifier_of_one_class_is_refused(write):
    mlp = pynn.MLPClassifier((2,), solver="lbfgs").fit([[0.0], [1.0]], ["a", "a"])
    with pytest.raises(ValueError, match="knows only the class 'a'"):
        write(mlp)


@pytest.mark.parametrize("write", PLAIN)
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("members", "an ensemble or members \\(3\\)"),
        ("embeddings", "embeddings"),
        ("layer norm", "layer normalisation"),
        ("parametric", "Parametric activations"),
        ("residual", "residual layers"),
    ],
)
def test_plain_formats_name_what_they_cannot_write(write, kind, message, rng):
    net, _ = of_kind(rng, kind)
    with pytest.raises(ValueError, match=f"{write.__name__} cannot write {message}.*to_onnx, to_c"):
        write(net)


@pytest.mark.parametrize("write", ALL)
def test_the_model_is_unchanged(write, rng):
    net, X = of_kind(rng, "batch norm")
    before, out = net.parameters.copy(), net.predict(X)
    write(net)
    assert (net.parameters == before).all()
    assert (net.predict(X) == out).all()
