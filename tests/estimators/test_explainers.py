"""Programs that explain, bound or translate scikit-learn's models take pynn's, where installed."""

import numpy as np
import pytest
from mlp_cases import X_IRIS, Y_IRIS

import pynn
from pynn.export import to_sklearn

pytestmark = pytest.mark.filterwarnings("ignore")  # of these packages

X = X_IRIS.astype(float)


@pytest.fixture(scope="module")
def classifier():
    return pynn.MLPClassifier((6,), solver="lbfgs", max_iter=50, random_state=0).fit(X, Y_IRIS)


@pytest.fixture(scope="module")
def regressor():
    mlp = pynn.MLPRegressor(hidden_layer_sizes=6, solver="lbfgs", max_iter=50, random_state=0)
    return mlp.fit(X[:, :3], X[:, 3])


@pytest.mark.slow
def test_shap_values_add_up_to_the_prediction(classifier):
    shap = pytest.importorskip("shap")
    explainer = shap.KernelExplainer(classifier.predict_proba, X[::15])
    values = explainer.shap_values(X[:2], silent=True)
    expected = classifier.predict_proba(X[:2]) - explainer.expected_value
    np.testing.assert_allclose(values.sum(axis=1), expected, atol=1e-9)


def test_lime_explains_a_row(classifier):
    lime = pytest.importorskip("lime.lime_tabular")
    explainer = lime.LimeTabularExplainer(X, mode="classification", random_state=0)
    found = explainer.explain_instance(X[0], classifier.predict_proba, num_features=2)
    assert len(found.as_list()) == 2


def test_mapie_bounds_numbers_and_classes(classifier, regressor):
    regression = pytest.importorskip("mapie.regression")
    from mapie.classification import SplitConformalClassifier

    inputs, y = X[:, :3], X[:, 3]
    split = regression.SplitConformalRegressor(regressor, confidence_level=0.8, prefit=True)
    _, bounds = split.conformalize(inputs, y).predict_interval(inputs)
    inside = (bounds[:, 0, 0] <= y) & (y <= bounds[:, 1, 0])
    assert inside.mean() >= 0.8
    classes = SplitConformalClassifier(classifier, confidence_level=0.9, prefit=True)
    _, sets = classes.conformalize(X, Y_IRIS).predict_set(X)
    assert sets[np.arange(len(X)), Y_IRIS, 0].mean() >= 0.9


@pytest.mark.slow
@pytest.mark.parametrize("is_converted", [False, True])
def test_emlearn_takes_our_estimator_and_scikit_learn_s(
    is_converted, classifier, tmp_path, monkeypatch
):
    emlearn = pytest.importorskip("emlearn")
    monkeypatch.chdir(tmp_path)  # it compiles in a folder tmp of its own
    model = to_sklearn(classifier) if is_converted else classifier
    assert (emlearn.convert(model, method="inline").predict(X) == model.predict(X)).all()
