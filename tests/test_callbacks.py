"""Callbacks: functions called after each epoch, the ready ones, and scikit-learn's own protocol."""

import io
import math
import pickle
import re
import warnings
from contextlib import redirect_stdout

import numpy as np
import pytest
import sklearn.callback
from mlp_cases import BOTH, DATA, SOLVERS, X_IRIS, Y_IRIS, few_epochs_are_meant, flat  # noqa: F401
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pynn
from pynn.callbacks import EarlyStopping, EpochScoring


def small(Estimator=pynn.MLPClassifier, **parameters):
    return Estimator(**{"hidden_layer_sizes": (7,), "max_iter": 6, "random_state": 0} | parameters)


# Plain functions


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_sees_each_epoch_and_a_fitted_estimator(Estimator, solver):
    X, y = DATA[Estimator]
    seen = []

    def look(state):
        assert state.history == state.estimator.history_
        assert {n: v[-1] for n, v in state.history.items()} == state.figures
        assert state.seconds > 0
        assert np.isfinite(state.estimator.predict(X)).all()
        seen.append((state.epoch, state.max_epochs, state.n_samples, state.figures["loss"]))

    model = small(Estimator, solver=solver, callbacks=[look]).fit(X, y)
    assert [s[:3] for s in seen] == [(i, 6, len(X)) for i in range(1, 7)]
    assert seen[-1][3] == model.loss_
    assert np.array_equal(flat(model), flat(small(Estimator, solver=solver).fit(X, y)))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("how", [lambda state: state.stop(), lambda state: True])
def test_a_callback_can_stop_the_fit(solver, how):
    model = small(solver=solver, callbacks=[lambda state: state.epoch == 3 and how(state)])
    with warnings.catch_warnings(action="error"):  # whoever stops a fit needs no warning
        model.fit(X_IRIS, Y_IRIS)
    assert (model.n_iter_, model.stopped_early_) == (3, True)
    assert model.score(X_IRIS, Y_IRIS) > 0


def test_what_a_callback_returns_else_means_nothing():
    assert small(callbacks=[lambda state: 1.5, lambda state: [1]]).fit(X_IRIS, Y_IRIS).n_iter_ == 6


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_an_error_in_a_callback_ends_the_fit_and_undoes_it(Estimator, solver):
    def fail(state):
        if state.epoch == 2:
            raise RuntimeError("enough")

    X, y = DATA[Estimator]
    model = small(Estimator, solver=solver, warm_start=True).fit(X, y)
    before, weights = pickle.dumps(model), flat(model)
    with pytest.raises(RuntimeError, match="enough"):
        model.set_params(callbacks=[fail]).fit(X, y)
    assert pickle.dumps(model.set_params(callbacks=None)) == before
    assert np.array_equal(flat(model), weights)


@pytest.mark.parametrize("wrong", ["print", EarlyStopping])
def test_what_is_no_callback_is_refused(wrong):
    with pytest.raises(TypeError, match="callbacks must be functions"):
        small(callbacks=[wrong]).fit(X_IRIS, Y_IRIS)


def test_an_error_of_a_callback_s_is_not_taken_for_divergence():
    def fail(state):
        raise FloatingPointError("of mine")

    for early_stopping in (False, True):
        with pytest.raises(FloatingPointError, match="of mine"):
            small(callbacks=[fail], early_stopping=early_stopping).fit(X_IRIS, Y_IRIS)


def test_what_has_begun_is_ended_where_another_cannot_begin():
    told = []

    class Begins:
        def begin(self, state):
            return self

        def __call__(self, state):
            told.append("epoch")

        def end(self, state):
            told.append("end")

    class Fails(Begins):
        def begin(self, state):
            raise RuntimeError("no start")

    with pytest.raises(RuntimeError, match="no start"):
        small(callbacks=[Begins(), Fails()]).fit(X_IRIS, Y_IRIS)
    assert told == ["end"]


def replace(estimator):
    estimator.coefs_[0] = np.ones((4, 7))


def replace_and_predict(estimator):
    replace(estimator)
    estimator.predict(X_IRIS)


def write(estimator):
    estimator.coefs_[0][:] = 1.0


@pytest.mark.parametrize("change", [replace, replace_and_predict, write])
def test_a_fit_goes_on_from_weights_that_a_callback_puts_there(change):
    kept = []

    def change_at_4(state):
        if state.epoch == 4:
            change(state.estimator)
        kept.append(flat(state.estimator))

    model = small(callbacks=[change_at_4]).fit(X_IRIS, Y_IRIS)
    assert (kept[3][:28] == 1).all()
    assert 0 < abs(kept[4][:28] - 1).max() < 0.002  # adam's step is about the learning rate
    assert np.array_equal(flat(model), kept[5])
    assert all(map(np.shares_memory, model.coefs_, model.network_.weights))


def test_lbfgs_goes_its_own_way():
    watched = small(solver="lbfgs", callbacks=[lambda state: replace(state.estimator)])
    expected = flat(small(solver="lbfgs").fit(X_IRIS, Y_IRIS))
    assert np.array_equal(flat(watched.fit(X_IRIS, Y_IRIS)), expected)


def test_weights_of_other_layers_are_refused():
    def shrink(state):
        state.estimator.coefs_ = [np.ones((4, 3))]
        state.estimator.intercepts_ = [np.ones(3)]

    with pytest.raises(ValueError, match="a callback assigned arrays of other shapes"):
        small(callbacks=[shrink]).fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_callback_cannot_fit_what_is_being_fitted(solver):
    def fit(state):
        state.estimator.fit(X_IRIS, Y_IRIS)

    def fit_a_clone(state):
        clone(state.estimator).set_params(callbacks=None).fit(X_IRIS, Y_IRIS)

    with pytest.raises(RuntimeError, match="is being fitted"):
        small(solver=solver, callbacks=[fit]).fit(X_IRIS, Y_IRIS)
    model = small(solver=solver, callbacks=[fit_a_clone]).fit(X_IRIS, Y_IRIS)
    assert np.array_equal(flat(model), flat(small(solver=solver).fit(X_IRIS, Y_IRIS)))
    model.set_params(callbacks=None).fit(X_IRIS, Y_IRIS)


def test_a_callback_can_set_the_learning_rate():
    def halve(state):
        state.learning_rate /= 2

    model = small(callbacks=[halve]).fit(X_IRIS, Y_IRIS)
    assert model.history_["learning_rate"] == [0.001 / 2**i for i in range(6)]


def test_a_learning_rate_that_is_not_there_to_be_set():
    def set_rate(state):
        state.learning_rate = 0.1

    with pytest.raises(AttributeError, match="no learning rate"):
        small(solver="lbfgs", callbacks=[set_rate]).fit(X_IRIS, Y_IRIS)
    with pytest.raises(AttributeError, match="schedule of this fit sets"):
        small(learning_rate=pynn.StepDecay(), callbacks=[set_rate]).fit(X_IRIS, Y_IRIS)


def test_partial_fit_calls_them_too():
    seen = []
    model = small(callbacks=[lambda state: seen.append((state.epoch, state.incremental))])
    for _ in range(3):
        model.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    assert seen == [(1, True)] * 3


# Ready ones


def test_ready_ones_keep_nothing_and_are_parameters_like_others():
    own = [EarlyStopping("loss", patience=2, tol=0.5), EpochScoring("accuracy", on="train")]
    model = small(callbacks=own)
    first = flat(model.fit(X_IRIS, Y_IRIS))
    assert np.array_equal(flat(model.fit(X_IRIS, Y_IRIS)), first)
    assert clone(model).callbacks == own
    assert pickle.loads(pickle.dumps(model)).callbacks == own


def test_early_stopping_waits_for_an_improvement():
    losses = iter([5.0, 4.0, 4.0, 3.95, 3.8, 3.8, 3.8, 3.8, 0.0])
    told = [
        lambda state: state.record("figure", next(losses)),
        EarlyStopping("figure", patience=3, tol=0.1, lower_is_better=True),
    ]
    assert small(callbacks=told, max_iter=9).fit(X_IRIS, Y_IRIS).n_iter_ == 8
    rising = iter([1.0, 2.0, 3.0, 3.0, math.nan, 9.0])
    told = [lambda state: state.record("figure", next(rising)), EarlyStopping("figure", 2)]
    assert small(callbacks=told).fit(X_IRIS, Y_IRIS).n_iter_ == 5


def test_scores_of_epochs():
    told = [EpochScoring("f1_macro", on="train"), EpochScoring("accuracy", name="acc")]
    model = small(callbacks=told).fit(X_IRIS, Y_IRIS, eval_set=(X_IRIS[::2], Y_IRIS[::2]))
    assert model.history_["acc"] == model.history_["val_score"]
    assert len(model.history_["f1_macro"]) == 6


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: EarlyStopping(patience=0), ValueError, "patience must be from 1"),
        (lambda: EarlyStopping(tol=-1), ValueError, "tol must be at least 0"),
        (lambda: EpochScoring("cleverness"), ValueError, "cleverness"),
        (lambda: EpochScoring("accuracy", on="moon"), ValueError, "on must be one of"),
    ],
)
def test_bad_arguments(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"callbacks": [EarlyStopping("val_loss")]}, "no figure 'val_loss' in history_: there are"),
        ({"callbacks": [EpochScoring("accuracy")]}, "no validation samples in memory"),
    ],
)
def test_what_a_fit_cannot_give(parameters, words):
    with pytest.raises(ValueError, match=words):
        small(**parameters).fit(X_IRIS, Y_IRIS)


# What people see


def test_a_table_with_a_line_for_each_epoch(capsys):
    small(verbose=1).fit(X_IRIS, Y_IRIS, eval_set=(X_IRIS, Y_IRIS))
    heading, *lines = capsys.readouterr().out.splitlines()
    titles = ["Iteration", "loss", "penalty", "val. loss", "val. score", "learning rate", "seconds"]
    titles.append("rows/s")
    assert "  ".join(heading.split()) == "  ".join(" ".join(titles).split())
    assert len(lines) == 6
    assert {len(line) for line in lines} == {len(heading)}


def test_partial_fit_prints_the_heading_once(capsys):
    model = small(verbose=True)
    for _ in range(3):
        model.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "Iteration",
        "1/1",
        "1/1",
        "1/1",
    ]


def test_a_live_bar_with_loss_and_time_left():
    out = io.StringIO()
    with redirect_stdout(out):
        model = small(verbose=2).fit(X_IRIS, Y_IRIS)
    assert f"loss {model.loss_:.3g}" in out.getvalue()
    assert "6/6" in out.getvalue()
    assert "left" in out.getvalue()


def test_a_live_bar_fits_eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    out = io.StringIO()
    with redirect_stdout(out):
        small(verbose=2, max_iter=1200, n_iter_no_change=1200).fit(
            X_IRIS, Y_IRIS, eval_set=(X_IRIS, Y_IRIS)
        )
    assert re.search(r"1200/1200 ━+ +loss \S+  val\. \S+  score \S+ \S+ left", out.getvalue())


def test_without_rich_a_table_stands_in_for_the_bar_and_names_the_package(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "rich", None)
    small(verbose=2).fit(X_IRIS, Y_IRIS)
    said, heading, *lines = capsys.readouterr().out.splitlines()
    assert "pip install rich" in said
    assert heading.split()[:2] == ["Iteration", "loss"]
    assert len(lines) == 6


# scikit-learn's protocol


class Log:
    """A callback as scikit-learn wants them, which stops the fit after a number of epochs."""

    def __init__(self, last=99):
        self.last, self.told = last, []

    def setup(self, estimator, context):
        self.told.append("setup")

    def teardown(self, estimator, context):
        self.told.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X, y):
        self.told.append(f"begin {context.task_name} {context.task_id}")

    def on_fit_task_end(self, estimator, context, *, fitted_estimator):
        self.told.append(f"end {context.task_name} {context.task_id}")
        return context.task_name == "epoch" and context.task_id + 1 == self.last


@pytest.mark.parametrize("solver", SOLVERS)
def test_scikit_learn_s_callbacks_are_told_of_fit_and_epochs(solver):
    log = Log()
    small(solver=solver, max_iter=2).set_callbacks(log).fit(X_IRIS, Y_IRIS)
    epochs = [f"{what} epoch {i}" for i in range(2) for what in ("begin", "end")]
    assert log.told == ["setup", "begin fit 0", *epochs, "end fit 0", "teardown"]


def test_a_callback_of_scikit_learn_s_can_stop_the_fit():
    assert small().set_callbacks(Log(last=3)).fit(X_IRIS, Y_IRIS).n_iter_ == 3


def test_a_fit_that_fails_tells_them_of_its_end():
    log, model = Log(), small(callbacks=[lambda state: 1 / 0])
    with pytest.raises(ZeroDivisionError):
        model.set_callbacks(log).fit(X_IRIS, Y_IRIS)
    assert log.told[-2:] == ["end fit 0", "teardown"]


def test_what_they_get_is_an_estimator_as_of_that_epoch():
    class Keep(Log):
        def on_fit_task_end(self, estimator, context, *, fitted_estimator):
            self.told.append(fitted_estimator)

    log = Keep()
    model = small().set_callbacks(log).fit(X_IRIS, Y_IRIS)
    epochs = log.told[3:-2:2]
    assert len(epochs) == 6
    one = small(max_iter=1).fit(X_IRIS, Y_IRIS)
    assert np.array_equal(epochs[0].predict_proba(X_IRIS), one.predict_proba(X_IRIS))
    assert np.array_equal(epochs[-1].predict_proba(X_IRIS), model.predict_proba(X_IRIS))


def test_scikit_learn_s_own_monitor_and_bar():
    monitor = sklearn.callback.ScoringMonitor(scoring="accuracy")
    with redirect_stdout(io.StringIO()):
        small().set_callbacks(monitor, sklearn.callback.ProgressBar()).fit(X_IRIS, Y_IRIS)
    scores = [row["accuracy"] for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(scores) == 6
    assert scores[-1] == small().fit(X_IRIS, Y_IRIS).score(X_IRIS, Y_IRIS)


def test_in_a_pipeline_and_a_grid_search_they_reach_the_estimator():
    pipeline = make_pipeline(StandardScaler(), small())
    with redirect_stdout(io.StringIO()) as out:
        pipeline.set_callbacks(sklearn.callback.ProgressBar(max_propagation_depth=None))
        pipeline.fit(X_IRIS, Y_IRIS)
    assert "MLPClassifier" in out.getvalue()
    search = GridSearchCV(small(callbacks=[EarlyStopping()]), {"alpha": [0.1, 1.0]}, cv=2)
    assert search.fit(X_IRIS, Y_IRIS).best_estimator_.n_iter_ == 6
    assert isinstance(LogisticRegression(), sklearn.callback.CallbackSupportMixin)
