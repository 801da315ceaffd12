"""Patience in the core: many epochs in one call end where Python would have ended them."""

import numpy as np
import pytest

import pynn
from pynn.training.learners import Rows

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3))
CLASSES, NUMBERS = (X[:, 0] > 0).astype(int), X[:, :2] + 1


def look(state):
    """Do nothing; with a callback each epoch is a call of its own."""


def made(Estimator, callbacks=None, **settings):
    random = np.random.RandomState(1)
    settings = {"max_iter": 60, "learning_rate_init": 0.05, "batch_size": 16} | settings
    return Estimator(
        hidden_layer_sizes=(5,), random_state=random, callbacks=callbacks, **settings
    ), (CLASSES if Estimator is pynn.MLPClassifier else NUMBERS)


def reached(model):
    figures = [
        model.n_iter_, model.t_, model.loss_, model.loss_curve_, model.best_loss_,
        model._no_improvement_count, model.stopped_early_, model.history_,
    ]  # fmt: skip
    shuffles = model.random_state.get_state(legacy=False)["state"]
    return model.network_.parameters.tolist(), figures, shuffles["pos"], shuffles["key"].tolist()


SETTINGS = [
    {},
    {"tol": 0.0, "n_iter_no_change": 1},
    {"tol": 0.05, "n_iter_no_change": 2},
    {"tol": 10.0, "n_iter_no_change": 3},
    {"tol": 10.0, "n_iter_no_change": np.inf},
    {"tol": 10.0, "n_iter_no_change": 3, "shuffle": False},
    {"tol": 0.01, "n_iter_no_change": 2, "alpha": 0.5, "solver": "sgd"},
    {"max_iter": 4, "n_iter_no_change": 3, "tol": 10.0},
    {"max_iter": 5, "n_iter_no_change": 3, "tol": 10.0},
]


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("Estimator", [pynn.MLPClassifier, pynn.MLPRegressor])
def test_a_fit_that_nobody_watches_ends_as_one_epoch_by_epoch(Estimator, settings, n_threads):
    models = []
    for callbacks in (None, [look]):
        model, y = made(Estimator, callbacks, n_threads=n_threads, **settings)
        models.append(model.fit(X, y))
    assert reached(models[0]) == reached(models[1])


def test_patience_goes_on_through_warm_starts():
    models = []
    for callbacks in (None, [look]):
        model, y = made(
            pynn.MLPClassifier, callbacks, max_iter=2, n_iter_no_change=5, tol=10.0,
            warm_start=True,
        )  # fmt: skip
        for _ in range(4):
            model.fit(X, y)
        models.append(model)
    assert reached(models[0]) == reached(models[1])
    assert models[0].stopped_early_


@pytest.mark.parametrize("name", ["plain", "callbacks", "early_stopping", "adaptive"])
def test_the_core_is_asked_once_where_nobody_looks_in_between(name, monkeypatch):
    settings = {
        "plain": {},
        "callbacks": {"callbacks": [look]},
        "early_stopping": {"early_stopping": True},
        "adaptive": {"solver": "sgd", "learning_rate": "adaptive"},
    }[name]
    calls, learn = [], Rows.learn
    monkeypatch.setattr(Rows, "learn", lambda *given: calls.append(1) or learn(*given))
    model, y = made(pynn.MLPClassifier, n_iter_no_change=np.inf, **settings)
    model.fit(X, y)
    assert len(calls) == (1 if name == "plain" else model.n_iter_)
