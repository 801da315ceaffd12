"""Every display takes a pipeline, and draws its last step on the rows that reach it."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import pynn
from pynn.callbacks import GradientNorms
from pynn.displays import (
    ActivationsDisplay,
    CostLandscapeDisplay,
    GradientFlowDisplay,
    LossCurveDisplay,
    NetworkDisplay,
    TraceDisplay,
    WeightsDisplay,
)
from pynn.displays.units import input_names

X, y = load_iris(return_X_y=True, as_frame=True)
y = np.array(["setosa", "versicolor", "virginica"])[y]


def pipeline(*steps):
    mlp = pynn.MLPClassifier((5,), random_state=0, max_iter=20, tol=1, callbacks=[GradientNorms()])
    return make_pipeline(*steps, mlp).fit(X, y)


@pytest.fixture(scope="module")
def fitted():
    return pipeline(StandardScaler())


@pytest.mark.parametrize("Display", [NetworkDisplay, ActivationsDisplay])
def test_activations_are_of_the_rows_that_reach_the_network(fitted, Display):
    display = Display.from_estimator(fitted, X, row=70)
    expected = fitted[:-1].transform(X)[70]
    np.testing.assert_allclose(display.activations[0], expected, rtol=1e-5)
    assert display.input_names == list(X.columns)
    assert display.output_names == ["setosa", "versicolor", "virginica"]
    assert display.title.startswith(f"predicted: {fitted.predict(X)[70]} (")
    plt.close("all")


def test_displays_of_weights_and_training(fitted):
    mlp, Z = fitted[-1], fitted[:-1].transform(X)
    weights = WeightsDisplay.from_estimator(fitted, layer=-1)
    assert weights.unit_names == ["setosa", "versicolor", "virginica"]
    losses = LossCurveDisplay.from_estimator({"scaled": fitted})
    np.testing.assert_array_equal(losses.curves["scaled"]["train"], mlp.loss_curve_)
    flow = GradientFlowDisplay.from_estimator(fitted)
    np.testing.assert_array_equal(flow.norms[:, 0], mlp.history_["grad_norm_1"])
    inside, outside = (
        CostLandscapeDisplay.from_estimator(model, rows, y, resolution=3)
        for model, rows in [(fitted, X), (mlp, Z)]
    )
    np.testing.assert_array_equal(inside.costs, outside.costs)
    plt.close("all")


def test_a_trace_is_of_the_row_that_reaches_the_network(fitted):
    display = TraceDisplay.from_estimator(fitted, X, y, row=70)
    np.testing.assert_allclose(display.values[0], fitted[:-1].transform(X)[70], rtol=1e-5)
    plt.close("all")


def test_inputs_have_the_names_that_the_steps_before_give_them():
    assert input_names(pipeline(PCA(2))) == ["pca0", "pca1"]
    assert input_names(pipeline(FunctionTransformer(np.asarray))) is None  # it gives no names
    assert input_names(pipeline()) == list(X.columns)
