"""LossCurveDisplay: it shows what was recorded, number by number."""

import numpy as np
import pytest
import sklearn.neural_network
from mlp_cases import BOTH, DATA, X_IRIS, Y_IRIS, few_epochs_are_meant, small  # noqa: F401
from sklearn.exceptions import NotFittedError

import pynn
from pynn.displays import LossCurveDisplay

LOSS = {"train": [3.0, 2.0, 1.0], "validation": [3.0, np.nan, 2.0]}


def network(**validation):
    net = pynn.Network([4, 5, 3], output_activation="softmax", cost="cross_entropy", random_state=0)
    return net.fit(X_IRIS, Y_IRIS, epochs=3, **validation)


def drawn(line):
    return dict(zip(*(axis.tolist() for axis in line.get_data()), strict=True))


def words(legend):
    return [text.get_text() for text in legend.get_texts()]


# What it reads


def test_a_network_shows_its_history():
    net = network()
    net.fit(X_IRIS, Y_IRIS, epochs=2, validation_data=(X_IRIS, Y_IRIS))
    display = LossCurveDisplay.from_estimator(net)
    (lines,) = display.lines_.values()
    assert drawn(lines["train"]) == dict(enumerate(net.history["cost"], 1))
    np.testing.assert_equal(lines["validation"].get_ydata(), net.history["val_cost"])
    assert np.isnan(lines["validation"].get_ydata()[:3]).all()
    assert display.ax_.get_ylabel() == "cost (cross-entropy)"
    assert words(display.legend_) == ["training", "validation"]
    scores = LossCurveDisplay.from_estimator(net, show="score")
    np.testing.assert_equal(scores.lines_[""]["score"].get_ydata(), net.history["val_score"])
    assert scores.ax_.get_ylabel() == "validation accuracy"


@BOTH
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_an_estimator_shows_its_history(Estimator, solver):
    X, y = DATA[Estimator]
    model = small(Estimator, solver=solver).fit(X, y, eval_set=(X, y))
    display = LossCurveDisplay.from_estimator(model)
    assert drawn(display.lines_[""]["train"]) == dict(enumerate(model.history_["loss"], 1))
    assert drawn(display.lines_[""]["validation"]) == dict(enumerate(model.history_["val_loss"], 1))
    assert "best" not in display.lines_[""]
    assert display.ax_.get_xlabel() == ("iteration" if solver == "lbfgs" else "epoch")
    said = "cross-entropy" if Estimator is pynn.MLPClassifier else "squared error"
    assert display.ax_.get_ylabel() == f"loss ({said})"
    scores = LossCurveDisplay.from_estimator(model, show="score")
    assert drawn(scores.lines_[""]["score"]) == dict(enumerate(model.history_["val_score"], 1))
    said = "accuracy" if Estimator is pynn.MLPClassifier else "R²"
    assert scores.ax_.get_ylabel() == f"validation {said}"


def test_scikit_learn_s_own_perceptrons_can_be_compared_with():
    theirs = sklearn.neural_network.MLPClassifier((7,), early_stopping=True, max_iter=5)
    theirs.fit(X_IRIS, Y_IRIS)
    ours = small(pynn.MLPClassifier).fit(X_IRIS, Y_IRIS)
    display = LossCurveDisplay.from_estimator({"theirs": theirs, "ours": ours})
    assert display.lines_["theirs"]["train"].get_ydata().tolist() == theirs.loss_curve_
    assert display.lines_["ours"]["train"].get_ydata().tolist() == ours.loss_curve_
    assert display.ax_.get_ylabel() == "loss (cross-entropy)"
    scores = LossCurveDisplay.from_estimator({"theirs": theirs, "ours": ours}, show="score")
    assert scores.lines_["theirs"]["score"].get_ydata().tolist() == theirs.validation_scores_
    assert scores.lines_["ours"] == {}
    assert words(scores.legend_) == ["theirs", "weights kept"]


@BOTH
@pytest.mark.parametrize("scoring", [None, "loss"])
def test_the_epoch_whose_weights_were_kept_is_marked(Estimator, scoring):
    X, y = DATA[Estimator]
    given = {"scoring": scoring, "learning_rate_init": 0.05, "n_iter_no_change": 30}
    model = small(Estimator, early_stopping=True, max_iter=60, **given)
    model.fit(X[20:], y[20:], eval_set=(X[:20], y[:20]))
    for show, figure in (("loss", "val_loss"), ("score", "val_score")):
        display = LossCurveDisplay.from_estimator(model, show=show)
        ((epoch, value),) = drawn(display.lines_[""]["best"]).items()
        assert model.history_["val_score"][epoch - 1] == model.best_validation_score_
        assert value == model.history_[figure][epoch - 1]
        assert words(display.legend_)[-1] == f"weights kept, epoch {epoch}"
    at_best = small(Estimator, max_iter=epoch, **given).fit(X[20:], y[20:])
    assert np.array_equal(at_best.coefs_[0], model.coefs_[0])


def test_several_models_with_different_losses_have_no_name_in_common():
    classifier, regressor = (small(one).fit(*DATA[one]) for one in DATA)
    lbfgs = small(pynn.MLPRegressor, solver="lbfgs").fit(*DATA[pynn.MLPRegressor])
    display = LossCurveDisplay.from_estimator({"a": classifier, "b": regressor, "c": lbfgs})
    assert display.ax_.get_ylabel() == "loss"
    assert display.ax_.get_xlabel() == "epoch or iteration"


# How it draws


def test_a_number_between_gaps_is_a_dot():
    display = LossCurveDisplay({"a": LOSS}).plot()
    lines = display.lines_["a"]
    assert lines["validation"].get_markevery() == [0, 2]
    assert lines["train"].get_marker() == "None"
    one = LossCurveDisplay({"a": {"train": [0.5]}}).plot().lines_["a"]["train"]
    assert (one.get_marker(), one.get_markevery()) == (".", [0])


@pytest.mark.parametrize("n_epochs", [1, 2, 5, 1000])
def test_epochs_are_whole_numbers(n_epochs):
    ax = LossCurveDisplay({"a": {"train": np.ones(n_epochs)}}).plot().ax_
    assert [tick for tick in ax.get_xticks() if tick != round(tick)] == []
    assert 1 in ax.get_xticks() or n_epochs > 2


def test_models_differ_by_colour_and_their_curves_by_style():
    names = [f"model {i}" for i in range(30)]
    display = LossCurveDisplay(dict.fromkeys(names, LOSS), best_epochs={"model 3": 2}).plot()
    colours = {str(display.lines_[name]["train"].get_color()) for name in names}
    assert len(colours) == 30
    for lines in display.lines_.values():
        assert lines["train"].get_color() is lines["validation"].get_color()
        assert lines["train"].get_linestyle() != lines["validation"].get_linestyle()
    assert words(display.legend_) == [*names, "training", "validation", "weights kept"]


def test_the_legend_of_several_models_covers_no_line():
    names = ["a name that is much longer than it should be, and then some more", "b"]
    display = LossCurveDisplay(dict.fromkeys(names, LOSS)).plot()
    display.figure_.canvas.draw()
    box = display.legend_.get_window_extent()
    assert not box.overlaps(display.ax_.get_tightbbox())
    assert box.x0 >= 0
    assert box.x1 <= display.figure_.bbox.x1
    other = LossCurveDisplay(dict.fromkeys(names, LOSS)).plot(display.ax_)
    assert other.ax_ is display.ax_
    assert other.legend_.axes is display.ax_  # where others draw too it stays in its place


def test_what_lines_look_like_can_be_said():
    lines = LossCurveDisplay({"a": LOSS}).plot(linewidth=3, color="red").lines_["a"]
    assert {(line.get_linewidth(), line.get_color()) for line in lines.values()} == {(3, "red")}


def test_a_logarithmic_scale_is_for_losses():
    display = LossCurveDisplay({"a": LOSS | {"score": [0.0, 0.5, 1.0]}})
    assert display.plot(log=True).ax_.get_yscale() == "log"
    with pytest.raises(ValueError, match="log=True is for losses"):
        display.plot(show="score", log=True)


def test_losses_of_nothing_are_gaps_on_a_logarithmic_scale():
    losses = [0.0, 0.5, -1.0, 0.0]
    display = LossCurveDisplay({"a": {"train": losses}}, best_epochs={"a": 4}).plot(log=True)
    display.figure_.draw_without_rendering()
    line = display.lines_["a"]["train"]
    np.testing.assert_array_equal(line.get_ydata(), [np.nan, 0.5, np.nan, np.nan])
    assert line.get_markevery() == [1]  # a number between gaps
    LossCurveDisplay({"a": {"train": [0.0, 0.0]}}).plot(log=True)
    np.testing.assert_array_equal(display.plot().lines_["a"]["train"].get_ydata(), losses)


def test_names_of_models_may_be_numbers():
    models = {5: network(), 50: network()}
    assert words(LossCurveDisplay.from_estimator(models).legend_)[:2] == ["5", "50"]
    assert list(LossCurveDisplay({1: LOSS}, best_epochs={1: 2}).best_epochs) == ["1"]


# What it refuses


@pytest.mark.parametrize(
    ("curves", "message"),
    [
        ({}, "at least one model"),
        ({"a": {}}, "curves of 'a' must contain at least one of train, validation, score"),
        ({"a": {"loss": [1]}}, "each of the curves of 'a' must be one of train.*; got 'loss'"),
        ({"a": {"train": []}}, r"train of 'a' must be of shape \(n_epochs,\), got \(0,\)"),
        ({"a": {"train": [[1]]}}, r"got \(1, 1\)"),
        ({"a": {"train": [1], "score": [1, 2]}}, "same length, got {'train': 1, 'score': 2}"),
    ],
)
def test_curves_that_are_none(curves, message):
    with pytest.raises(ValueError, match=message):
        LossCurveDisplay(curves)


def test_best_epochs_that_are_none():
    with pytest.raises(ValueError, match="best_epochs: 'a' has 3 epochs, got 4"):
        LossCurveDisplay({"a": LOSS}, best_epochs={"a": 4})
    with pytest.raises(ValueError, match="from 1 to"):
        LossCurveDisplay({"a": LOSS}, best_epochs={"a": 0})
    with pytest.raises(ValueError, match="each name in best_epochs must be one of a; got 'b'"):
        LossCurveDisplay({"a": LOSS}, best_epochs={"b": 1})


def test_models_that_have_recorded_nothing():
    with pytest.raises(ValueError, match="has recorded no epoch yet"):
        LossCurveDisplay.from_estimator(pynn.Network([2, 1]))
    with pytest.raises(NotFittedError):
        LossCurveDisplay.from_estimator(pynn.MLPClassifier())
    with pytest.raises(TypeError, match="got dict"):
        LossCurveDisplay.from_estimator({"a": {"train": [1]}})
    with pytest.raises(ValueError, match="no score was recorded, only train"):
        LossCurveDisplay.from_estimator(network(), show="score")
    with pytest.raises(ValueError, match="show must be one of loss, score; got 'all'"):
        LossCurveDisplay.from_estimator(network(), show="all")
