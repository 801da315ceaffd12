"""GradientFlowDisplay, and the callbacks that record norms of gradients, and paths."""

import pickle

import numpy as np
import pytest
from matplotlib import pyplot as plt
from mlp_cases import BOTH, DATA, SOLVERS, X_IRIS, Y_IRIS, few_epochs_are_meant, flat, small  # noqa: F401
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import pynn
from pynn.callbacks import Checkpoint, GradientNorms, ParameterPath
from pynn.displays import GradientFlowDisplay

NORMS = np.array([[0.1, 1.0], [0.2, 2.0], [np.nan, 3.0]])


def norms_of(net, X, y, sample_weight=None):
    weights, _ = net.views(net.gradient(X, y, sample_weight))
    return [np.sqrt((W.astype(float) ** 2).sum()) for W in weights]


def drawn(display):
    return np.transpose([line.get_ydata() for line in display.lines_])


# What callbacks record


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_norms_are_those_of_the_gradient_after_each_epoch(Estimator, solver):
    X, y = DATA[Estimator]
    sample_weight = np.linspace(0.1, 2, len(X))
    expected = []

    def look(state):
        network, rows, targets = state.estimator._inside(X, y)
        expected.append(norms_of(network, rows, targets, sample_weight))

    model = small(Estimator, solver=solver, callbacks=[GradientNorms(), look], alpha=1.0)
    model.fit(X, y, sample_weight)
    recorded = np.transpose([model.history_[f"grad_norm_{layer}"] for layer in (1, 2)])
    np.testing.assert_allclose(recorded, expected, rtol=1e-12)
    plain = small(Estimator, solver=solver, alpha=1.0).fit(X, y, sample_weight)
    assert np.array_equal(flat(model), flat(plain))
    np.testing.assert_array_equal(drawn(GradientFlowDisplay.from_estimator(model)), recorded)


def test_norms_outlive_pickles_and_checkpoints(tmp_path):
    callbacks = [GradientNorms(), Checkpoint(tmp_path / "iris.npz", resume=True)]
    small(pynn.MLPClassifier, callbacks=callbacks, max_iter=3).fit(X_IRIS, Y_IRIS)
    model = small(pynn.MLPClassifier, callbacks=callbacks, max_iter=6).fit(X_IRIS, Y_IRIS)
    straight = small(pynn.MLPClassifier, callbacks=[GradientNorms()], max_iter=6).fit(
        X_IRIS, Y_IRIS
    )
    for one in (model, pickle.loads(pickle.dumps(model))):
        assert one.history_ == straight.history_


def test_norms_of_huge_gradients_are_finite():
    net = pynn.Network([1, 1], initializer="zeros")  # of float32, whose largest number is 3e38
    assert net._gradient_norms(net._data([[1e15]], [[1e15]])) == [pytest.approx(1e30, rel=1e-6)]


def test_norms_need_samples_in_memory():
    model = small(pynn.MLPClassifier, callbacks=[GradientNorms()])
    with pytest.raises(ValueError, match="no train samples in memory"):
        model.fit_batches([(X_IRIS, Y_IRIS)])


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_path_begins_at_the_start_and_ends_where_the_fit_does(Estimator, solver):
    X, y = DATA[Estimator]
    path = []
    model = small(Estimator, solver=solver, callbacks=[ParameterPath(path)]).fit(X, y)
    assert len(path) == model.n_iter_ + 1
    np.testing.assert_array_equal(path[-1], model._inside()[0].parameters)
    start = small(Estimator, solver=solver, max_iter=1, learning_rate_init=1e-12).fit(X, y)
    if solver != "lbfgs":
        np.testing.assert_allclose(path[0], start._inside()[0].parameters, atol=1e-9)
    assert len({point.tobytes() for point in path}) == len(path)


def test_a_path_is_itself_alone():
    path = ParameterPath([np.zeros(3)])
    other = clone(path, safe=False)
    assert path != other
    assert {path, other} == {other, path}
    assert path == path
    assert other.path is not path.path


def test_a_path_goes_on():
    path = []
    model = small(pynn.MLPClassifier, callbacks=[ParameterPath(path)], warm_start=True, max_iter=2)
    model.fit(X_IRIS, Y_IRIS).fit(X_IRIS, Y_IRIS)
    for _ in range(3):
        model.partial_fit(X_IRIS, Y_IRIS)
    assert len(path) == 1 + 2 + 2 + 3
    assert "callbacks=[ParameterPath()]" in repr(model)
    clone(model).fit(X_IRIS, Y_IRIS)
    assert len(path) == 8
    with pytest.raises(TypeError, match="path must be a list, got tuple"):
        ParameterPath(())


# What is drawn


@BOTH
def test_norms_along_a_path_are_those_that_were_recorded(Estimator):
    X, y = DATA[Estimator]
    path = []
    model = small(Estimator, callbacks=[GradientNorms(), ParameterPath(path)]).fit(X, y)
    after = drawn(GradientFlowDisplay.from_estimator(model, X, y, path=path))
    np.testing.assert_allclose(after[1:], drawn(GradientFlowDisplay.from_estimator(model)))


def test_a_network_s_norms_are_computed_along_a_path_and_it_stays_as_it_was():
    net = pynn.Network([4, 3, 3], output_activation="softmax", cost="cross_entropy")
    sample_weight = np.linspace(0, 1, 150)
    path, expected = [], []
    for _ in range(4):
        path.append(net.parameters.copy())
        expected.append(norms_of(net, X_IRIS, Y_IRIS, sample_weight))
        net.fit(X_IRIS, Y_IRIS)
    before = pickle.dumps(net)
    display = GradientFlowDisplay.from_estimator(
        net, X_IRIS, Y_IRIS, path=path, sample_weight=sample_weight
    )
    np.testing.assert_allclose(drawn(display), expected, rtol=1e-6)
    assert display.lines_[0].get_xdata().tolist() == [0, 1, 2, 3]
    given = {"path": path[::2], "epochs": [0, 2]}
    display = GradientFlowDisplay.from_estimator(net, X_IRIS, Y_IRIS, **given)
    assert display.lines_[0].get_xdata().tolist() == [0, 2]
    assert pickle.dumps(net) == before


def test_layers_are_named_from_the_input_to_the_output():
    display = GradientFlowDisplay(NORMS).plot()
    names = [text.get_text() for text in display.legend_.get_texts()]
    assert names == ["layer 2 (output)", "layer 1"]
    assert (display.ax_.get_xlabel(), display.ax_.get_yscale()) == ("epoch", "log")
    assert display.lines_[0].get_xdata().tolist() == [1, 2, 3]
    np.testing.assert_array_equal(drawn(display), NORMS)
    assert display.plot(display.ax_, log=False, linewidth=3).lines_[1].get_linewidth() == 3
    lbfgs = small(pynn.MLPClassifier, solver="lbfgs", callbacks=[GradientNorms()]).fit(
        X_IRIS, Y_IRIS
    )
    assert GradientFlowDisplay.from_estimator(lbfgs).ax_.get_xlabel() == "iteration"


@pytest.mark.parametrize("n_layers", [1, 4, 5, 10, 11, 12, 40])
@pytest.mark.parametrize(("in_own_figure", "room"), [(True, 10), (False, 4)])
def test_many_layers_are_counted_by_a_colour_bar(n_layers, in_own_figure, room):
    ax = None if in_own_figure else plt.subplots()[1]
    display = GradientFlowDisplay(np.ones((3, n_layers))).plot(ax)
    assert len({tuple(line.get_color()) for line in display.lines_}) == n_layers
    if n_layers <= room:
        assert len(display.legend_.get_texts()) == n_layers
    else:
        ticks = display.legend_.get_ticks()
        assert (ticks[0], ticks[-1]) == (1, n_layers)
        assert len(ticks) == n_layers or np.diff(ticks).min() >= 2


@pytest.mark.parametrize("n_layers", [2, 12])
def test_axes_side_by_side_need_one_legend(n_layers):
    figure, (left, right) = plt.subplots(1, 2)
    displays = [
        GradientFlowDisplay(np.ones((3, n_layers))).plot(ax, legend=ax is right)
        for ax in (left, right)
    ]
    assert [display.legend_ is None for display in displays] == [True, False]
    assert left.get_legend() is None
    assert len(figure.axes) == 2 + (n_layers == 12)


def test_zero_is_a_gap_on_a_logarithmic_scale():
    norms = [[1.0], [0.0], [1.0]]
    assert np.isnan(drawn(GradientFlowDisplay(norms).plot())[1, 0])
    assert drawn(GradientFlowDisplay(norms).plot(log=False))[1, 0] == 0


# What it refuses


@pytest.mark.parametrize(
    ("norms", "message"),
    [
        ([], r"\(n_epochs, n_layers\), got \(0,\)"),
        ([1.0], r"got \(1,\)"),
        ([[-1.0]], "norms must not be negative, got -1"),
    ],
)
def test_norms_that_are_none(norms, message):
    with pytest.raises(ValueError, match=message):
        GradientFlowDisplay(norms)


def test_what_it_cannot_draw():
    with pytest.raises(ValueError, match=r"epochs must be of shape \(3,\), got \(2,\)"):
        GradientFlowDisplay(NORMS, epochs=[1, 2])
    with pytest.raises(NotFittedError):
        GradientFlowDisplay.from_estimator(pynn.MLPClassifier())
    with pytest.raises(TypeError, match=r"estimator must be a Network.*; got NoneType"):
        GradientFlowDisplay.from_estimator(None)
    net = pynn.Network([4, 3], random_state=0)
    for nothing in (net, small(pynn.MLPClassifier).fit(X_IRIS, Y_IRIS)):
        with pytest.raises(ValueError, match="no norms of the gradient were recorded"):
            GradientFlowDisplay.from_estimator(nothing)
    with pytest.raises(ValueError, match="go with a path, which is None"):
        GradientFlowDisplay.from_estimator(net, X_IRIS, Y_IRIS)
    with pytest.raises(ValueError, match="give X and y"):
        GradientFlowDisplay.from_estimator(net, path=[net.parameters])
    with pytest.raises(ValueError, match=r"path must be of shape \(n_points, 15\).*got \(1, 2\)"):
        GradientFlowDisplay.from_estimator(net, X_IRIS, Y_IRIS, path=[[1, 2]])
    with pytest.raises(ValueError, match="path must be finite"):
        GradientFlowDisplay.from_estimator(net, X_IRIS, Y_IRIS, path=[np.full(15, np.nan)])
    with pytest.raises(TypeError, match="estimator must be a Network"):
        GradientFlowDisplay.from_estimator(1, X_IRIS, Y_IRIS, path=[[1]])
