"""decision_boundary: scikit-learn's display, of networks as of estimators."""

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba_array
from mlp_cases import X_IRIS, Y_IRIS, few_epochs_are_meant, small  # noqa: F401 (a fixture)
from sklearn.exceptions import NotFittedError
from sklearn.inspection import DecisionBoundaryDisplay
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pynn
from pynn.displays import decision_boundary

X, Y = X_IRIS[:, 2:], Y_IRIS
NAMES = np.array(["setosa", "versicolor", "virginica"])
COARSE = {"grid_resolution": 7}


def grid(display):
    return np.column_stack((display.xx0.ravel(), display.xx1.ravel()))


def network(n_out, output_activation, **more):
    return pynn.Network(
        [2, 3, n_out], output_activation=output_activation, dtype="float64", random_state=0, **more
    )


def points(display):
    return [np.asarray(scatter.get_offsets()) for scatter in display.ax_.collections[-3:]]


@pytest.mark.parametrize("response_method", ["auto", "predict_proba", "predict"])
@pytest.mark.parametrize("plot_method", ["contourf", "contour", "pcolormesh"])
@pytest.mark.parametrize("y", [Y, NAMES[Y], Y == 1, NAMES[Y // 2]], ids=["3", "names", "2", "two"])
def test_scikit_learn_s_own_takes_pynn_s_classifiers(y, plot_method, response_method):
    given = {"plot_method": plot_method, "response_method": response_method} | COARSE
    model = small(pynn.MLPClassifier).fit(X, y)
    display = DecisionBoundaryDisplay.from_estimator(model, X, **given)
    answers = {"predict": model.predict}.get(response_method, model.predict_proba)(grid(display))
    if response_method == "predict":
        answers = np.searchsorted(model.classes_, answers)
    elif len(model.classes_) == 2:
        answers = answers[:, 1]
    np.testing.assert_array_equal(display.response.ravel(), answers.ravel())
    ours = decision_boundary(model, X, y, **given)
    np.testing.assert_array_equal(ours.response, display.response)


@pytest.mark.parametrize("n_out", [2, 3])
def test_a_softmax_gives_the_probabilities_of_classes(n_out):
    net = network(n_out, "softmax", cost="cross_entropy")
    display = decision_boundary(net, X, **COARSE)
    assert isinstance(display, DecisionBoundaryDisplay)
    out = net.predict(grid(display))
    np.testing.assert_array_equal(
        display.response.ravel(), out[:, 1] if n_out == 2 else out.ravel()
    )


def test_one_sigmoid_gives_the_probability_of_class_1():
    net = network(1, "sigmoid")
    display = decision_boundary(net, X, Y == 2, **COARSE)
    np.testing.assert_array_equal(display.response.ravel(), net.predict(grid(display))[:, 0])
    display = decision_boundary(net, X, response_method="predict", **COARSE)
    np.testing.assert_array_equal(display.response.ravel(), net.predict(grid(display))[:, 0] > 0.5)


def test_several_sigmoids_give_the_largest():
    net = network(3, "sigmoid", cost="squared_error")
    display = decision_boundary(net, X, np.eye(3)[Y], **COARSE)
    classes = net.predict(grid(display)).argmax(axis=1)
    np.testing.assert_array_equal(display.response.ravel(), classes)
    with pytest.raises(AttributeError, match="predict_proba"):
        decision_boundary(net, X, response_method="predict_proba")


def test_any_other_output_is_a_number():
    net = network(1, "identity")
    display = decision_boundary(net, X, X[:, 0], **COARSE)
    np.testing.assert_array_equal(display.response.ravel(), net.predict(grid(display))[:, 0])
    assert display.figure_.axes[1].get_ylabel() == "output"  # of the colour bar
    model = small(pynn.MLPRegressor).fit(X, X[:, 0])
    display = decision_boundary(model, X, X[:, 0], **COARSE)
    np.testing.assert_array_equal(display.response.ravel(), model.predict(grid(display)))


def test_the_line_is_where_two_classes_are_equally_probable():
    net = network(1, "sigmoid")
    ax = decision_boundary(net, X, grid_resolution=200).ax_
    (line,) = (found for found in ax.collections if list(found.levels) == [0.5])
    at = np.concatenate([path.vertices for path in line.get_paths()])
    assert len(at) > 50
    np.testing.assert_allclose(net.predict(at), 0.5, atol=0.002)


@pytest.mark.parametrize("plot_method", ["contourf", "contour", "pcolormesh"])
@pytest.mark.parametrize(("n_out", "output"), [(1, "sigmoid"), (2, "softmax"), (3, "softmax")])
def test_a_model_may_have_one_answer_to_all(n_out, output, plot_method):
    net = pynn.Network([2, n_out], output_activation=output, initializer="zeros")
    net.biases[0][0] = 1
    display = decision_boundary(net, X, Y * 0, plot_method=plot_method, **COARSE)
    display.figure_.canvas.draw()
    assert [0.5] not in [list(getattr(drawn, "levels", ())) for drawn in display.ax_.collections]


def test_rows_are_points_by_class():
    display = decision_boundary(network(3, "softmax"), X.tolist(), Y, eps=0.5, **COARSE)
    for i, offsets in enumerate(points(display)):
        np.testing.assert_array_equal(offsets, X[i == Y])
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["0", "1", "2"]
    assert display.xx0.min() == X[:, 0].min() - 0.5
    column = decision_boundary(network(3, "softmax"), X, Y[:, None], **COARSE)
    np.testing.assert_array_equal(points(column)[2], X[Y == 2])


def test_probabilities_of_many_classes_have_no_bands():
    display = decision_boundary(network(3, "softmax"), X, Y, **COARSE)
    assert {type(surface).__name__ for surface in display.surface_} == {"QuadMesh"}
    banded = decision_boundary(network(3, "softmax"), X, Y, plot_method="contourf", **COARSE)
    assert {type(surface).__name__ for surface in banded.surface_} == {"QuadContourSet"}


@pytest.mark.parametrize("in_own_figure", [True, False])
def test_the_legend_covers_no_part_of_the_plane(in_own_figure):
    ax = None if in_own_figure else plt.subplots(layout="constrained")[1]
    display = decision_boundary(network(3, "softmax"), X, Y, ax=ax, **COARSE)
    display.figure_.canvas.draw()
    legend = display.ax_.get_legend().get_window_extent()
    assert not legend.overlaps(display.ax_.bbox)
    assert display.figure_.bbox.padded(1).containsx(legend.x1)


def test_classes_are_named_as_they_are():
    """Neither as formulas, nor hidden as matplotlib hides what begins with an underscore."""
    names = np.array([r"$a\frac$", "_b", "c"])
    display = decision_boundary(small(pynn.MLPClassifier).fit(X, names[Y]), X, names[Y], **COARSE)
    display.figure_.draw_without_rendering()
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == [r"\$a\frac\$", "_b", "c"]


def test_axes_are_labelled():
    frame = pd.DataFrame(X, columns=["length (cm)", "width (cm)"])
    model = small(pynn.MLPClassifier).fit(frame, NAMES[Y])
    given, ax = plt.subplots()
    display = decision_boundary(model, frame, NAMES[Y], ax=ax, **COARSE)
    assert (display.figure_, display.ax_) == (given, ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("length (cm)", "width (cm)")
    ax = decision_boundary(network(2, "softmax"), X, ylabel="of my own", **COARSE).ax_
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("input 1", "of my own")


def test_others_can_be_compared_with():
    for model in (LogisticRegression(), make_pipeline(StandardScaler(), small(pynn.MLPClassifier))):
        display = decision_boundary(model.fit(X, Y == 2), X, Y == 2, **COARSE)
        expected = model.predict_proba(grid(display))[:, 1]
        np.testing.assert_array_equal(display.response.ravel(), expected)


def test_what_it_refuses():
    net = network(3, "softmax")
    with pytest.raises(ValueError, match=r"y must be of shape \(150,\).*got \(149,\)"):
        decision_boundary(net, X, Y[1:])
    with pytest.raises(ValueError, match=r"y must hold classes of the model, \[0 1 2\]; got \{3\}"):
        decision_boundary(net, X, np.where(Y == 2, 3, Y))
    with pytest.raises(ValueError, match="n_features must be equal to 2"):
        decision_boundary(net, X_IRIS)
    with pytest.raises(NotFittedError):
        decision_boundary(pynn.MLPClassifier(), X)
    several = small(pynn.MLPClassifier).fit(X, np.column_stack((Y == 0, Y == 1)))
    with pytest.raises(ValueError, match="multilabel"):
        decision_boundary(several, X)
    assert plt.get_fignums() == []


def test_rows_have_the_colours_that_are_asked_for():
    colours = ["red", "gold", "navy"]
    display = decision_boundary(
        network(3, "softmax"), X, Y, multiclass_colors=colours, grid_resolution=7
    )
    of_two = decision_boundary(
        network(2, "softmax"), X, Y == 0, multiclass_colors=colours, grid_resolution=7
    )
    assert not hasattr(of_two, "multiclass_colors_")  # which are for three classes or more
    faces = [scatter.get_facecolor()[0] for scatter in display.ax_.collections[-3:]]
    np.testing.assert_array_equal(faces, to_rgba_array(colours))
