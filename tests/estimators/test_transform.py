"""transform: hidden activations as features that were learned."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from mlp_cases import BOTH, DATA, X_IRIS, Y_IRIS, small
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import StandardScaler

import pynn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def by_hand(model, X, layers):
    functions = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "identity": lambda z: z}
    names = [model.activation] * 2 if isinstance(model.activation, str) else model.activation
    for W, b, name in list(zip(model.coefs_, model.intercepts_, names, strict=False))[:layers]:
        X = functions[name](X @ W + b)
    return X


@BOTH
@pytest.mark.parametrize("activation", ["relu", ("tanh", "identity")])
def test_each_layer(Estimator, activation):
    X, y = DATA[Estimator]
    model = small(Estimator, hidden_layer_sizes=(7, 5), activation=activation).fit(X, y)
    for layer, depth in ((-2, 2), (2, 2), (-3, 1), (1, 1)):
        np.testing.assert_allclose(model.transform(X, layer=layer), by_hand(model, X, depth))
    assert np.array_equal(model.transform(X), model.transform(X, layer=-2))
    assert np.array_equal(model.transform(X, layer=-1), model.transform(X, layer=3))


def test_the_last_layer_is_what_is_predicted():
    model = small(pynn.MLPClassifier).fit(X_IRIS, Y_IRIS)
    assert np.array_equal(model.transform(X_IRIS, layer=-1), model.predict_proba(X_IRIS))


@BOTH
def test_sparse_and_single_precision(Estimator):
    X, y = DATA[Estimator]
    model = small(Estimator, dtype="float32").fit(X, y)
    features = model.transform(X)
    assert features.dtype == np.float32
    np.testing.assert_allclose(model.transform(sparse.csr_array(X)), features, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.transform(sparse.csc_array(X)), features, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("layer", "error"), [(0, ValueError), (3, ValueError), (-3, ValueError), (1.0, TypeError)]
)
def test_a_layer_that_there_is_not(layer, error):
    model = small(pynn.MLPClassifier).fit(X_IRIS, Y_IRIS)
    with pytest.raises(error, match=r"layer must be (from 1 to 2, or from -2 to -1|an integer)"):
        model.transform(X_IRIS, layer=layer)


def test_before_fit():
    with pytest.raises(NotFittedError):
        small(pynn.MLPClassifier).transform(X_IRIS)
    with pytest.raises(NotFittedError):
        small(pynn.MLPClassifier).get_feature_names_out()


@pytest.mark.parametrize(
    ("container", "frame"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame)]
)
def test_tables(container, frame):
    model = small(pynn.MLPClassifier).fit(X_IRIS, Y_IRIS).set_output(transform=container)
    table = model.transform(X_IRIS)
    assert isinstance(table, frame)
    assert list(table.columns) == list(model.get_feature_names_out())
    assert table.columns[6] == "mlpclassifier6"
    other = model.transform(X_IRIS, layer=-1)
    assert list(other.columns) == list(model.get_feature_names_out(layer=-1))
    assert other.shape == (150, 3)
    assert isinstance(model.fit_transform(X_IRIS, Y_IRIS), frame)


def test_names_of_features_go_in_and_out():
    X = pd.DataFrame(X_IRIS, columns=list("abcd"))
    model = small(pynn.MLPClassifier).fit(X, Y_IRIS)
    assert len(model.get_feature_names_out(list("abcd"))) == 7
    with pytest.raises(ValueError, match="input_features is not equal to feature_names_in_"):
        model.get_feature_names_out(list("abce"))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.transform(X_IRIS)


def test_in_pipelines():
    features = small(pynn.MLPClassifier, max_iter=60, learning_rate_init=0.02)
    model = make_pipeline(StandardScaler(), features, LogisticRegression())
    assert model.fit(X_IRIS, Y_IRIS).score(X_IRIS, Y_IRIS) > 0.9
    union = FeatureUnion([("mlp", features), ("plain", StandardScaler())])
    assert union.fit(X_IRIS, Y_IRIS).transform(X_IRIS).shape == (150, 11)
    assert union.get_feature_names_out()[0] == "mlp__mlpclassifier0"
