"""What an estimator does with rows that it does not learn from: eval_set, early_stopping, scoring.

history_ holds the figures of each epoch; early stopping goes by any of scikit-learn's scorers or by
the loss, and keeps the weights that were best.
"""

import numpy as np
import pandas as pd
import pytest
from mlp_cases import X_DIABETES, X_IRIS, Y_DIABETES, Y_IRIS, few_epochs_are_meant  # noqa: F401
from sklearn.metrics import get_scorer, log_loss, make_scorer, mean_squared_error
from sklearn.model_selection import train_test_split

import pynn

IRIS = train_test_split(X_IRIS, Y_IRIS, random_state=0, stratify=Y_IRIS)
DIABETES = train_test_split(X_DIABETES, Y_DIABETES / 100, random_state=0)
PARTS = {pynn.MLPClassifier: IRIS, pynn.MLPRegressor: DIABETES}
BOTH = pytest.mark.parametrize("Estimator", PARTS)


def small(Estimator, **parameters):
    settings = {"hidden_layer_sizes": (8,), "random_state": 0, "max_iter": 12}
    return Estimator(**settings | parameters)


# An eval_set only looks on, unless early_stopping is set


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_an_eval_set_changes_no_number_of_the_fit(Estimator, solver):
    X, X_val, y, y_val = PARTS[Estimator]
    alone = small(Estimator, solver=solver).fit(X, y)
    watched = small(Estimator, solver=solver).fit(X, y, eval_set=(X_val, y_val))
    assert all(map(np.array_equal, alone.coefs_, watched.coefs_))
    assert alone.history_["loss"] == watched.history_["loss"]
    assert len(watched.history_["val_loss"]) == len(watched.history_["val_score"]) == 12


def test_validation_figures_are_loss_without_penalty_and_score():
    X, X_val, y, y_val = IRIS
    model = small(pynn.MLPClassifier, alpha=10.0).fit(X, y, eval_set=(X_val, y_val))
    last = {name: values[-1] for name, values in model.history_.items()}
    assert last["val_loss"] == pytest.approx(log_loss(y_val, model.predict_proba(X_val)))
    assert last["val_score"] == model.score(X_val, y_val)
    assert last["loss"] == model.loss_
    assert last["learning_rate"] == 0.001


def test_validation_figures_of_a_regressor():
    X, X_val, y, y_val = DIABETES
    model = small(pynn.MLPRegressor).fit(X, y, eval_set=(X_val, y_val))
    squared = mean_squared_error(y_val, model.predict(X_val)) / 2
    assert model.history_["val_loss"][-1] == pytest.approx(squared)
    assert model.history_["val_score"][-1] == pytest.approx(model.score(X_val, y_val))


@BOTH
def test_validation_rows_may_be_weighted(Estimator):
    X, X_val, y, y_val = PARTS[Estimator]
    weights = np.arange(len(y_val)) % 3.0
    twice = np.arange(len(y_val)).repeat(weights.astype(int))
    weighted = small(Estimator).fit(X, y, eval_set=(X_val, y_val, weights))
    repeated = small(Estimator).fit(X, y, eval_set=(X_val[twice], y_val[twice]))
    for name in ("val_loss", "val_score"):
        np.testing.assert_allclose(weighted.history_[name], repeated.history_[name])


@pytest.mark.parametrize(
    ("eval_set", "error", "words"),
    [
        (IRIS[1], TypeError, "eval_set must be"),
        ((IRIS[1],), TypeError, "eval_set must be"),
        ((IRIS[1][:, :2], IRIS[3]), ValueError, "eval_set: X has 2 features"),
        ((IRIS[1], IRIS[3] + 1), ValueError, "eval_set: `y` has classes not in"),
        ((IRIS[1], IRIS[3][1:]), ValueError, "eval_set: .*inconsistent numbers"),
        ((IRIS[1] * np.nan, IRIS[3]), ValueError, "eval_set: Input X contains NaN"),
        ((*IRIS[1::2], np.full(38, -1.0)), ValueError, "to validate on: sample_weight must not"),
    ],
)
def test_a_bad_eval_set_is_refused_and_the_estimator_is_as_it_was(eval_set, error, words):
    model = small(pynn.MLPClassifier)
    with pytest.raises(error, match=words):
        model.fit(IRIS[0], IRIS[2], eval_set=eval_set)
    assert vars(model) == vars(small(pynn.MLPClassifier))


# Early stopping by any score


@pytest.mark.parametrize(
    "scoring", [None, "loss", "balanced_accuracy", "neg_log_loss", "roc_auc_ovr"]
)
@pytest.mark.parametrize("with_eval_set", [True, False])
def test_the_best_weights_by_any_score_are_kept(scoring, with_eval_set):
    X, X_val, y, y_val = IRIS
    eval_set = (X_val, y_val) if with_eval_set else None
    model = small(
        pynn.MLPClassifier,
        early_stopping=True,
        scoring=scoring,
        learning_rate_init=0.1,
        max_iter=60,
        n_iter_no_change=3,
        validation_fraction=0.3,
    ).fit(X, y, eval_set=eval_set)
    scores = model.validation_scores_
    assert scores == model.history_["val_score"]
    assert model.best_validation_score_ == max(scores)
    assert model.stopped_early_
    if not with_eval_set:
        return
    if scoring == "loss":
        assert max(scores) == pytest.approx(-log_loss(y_val, model.predict_proba(X_val)))
    else:
        assert get_scorer(scoring or "accuracy")(model, X_val, y_val) == max(scores)


def test_a_scorer_of_ones_own():
    X, X_val, y, y_val = DIABETES
    scorer = make_scorer(mean_squared_error, greater_is_better=False)
    model = small(pynn.MLPRegressor, early_stopping=True, scoring=scorer)
    model.fit(X, y, eval_set=(X_val, y_val))
    assert model.best_validation_score_ == pytest.approx(scorer(model, X_val, y_val))
    plain = small(pynn.MLPRegressor, early_stopping=True, scoring=lambda model, X, y: -1.5)
    assert (
        plain.fit(X, y, eval_set=(X_val, y_val, np.ones(len(y_val)))).validation_scores_
        == [-1.5] * 12
    )


def test_a_scorer_that_there_is_not():
    with pytest.raises(ValueError, match="cleverness"):
        small(pynn.MLPClassifier, early_stopping=True, scoring="cleverness").fit(X_IRIS, Y_IRIS)


def test_scorers_get_the_classes_and_no_warning_about_feature_names():
    X = pd.DataFrame(X_IRIS, columns=list("abcd"))
    y = np.array(["setosa", "versicolor", "virginica"])[Y_IRIS]
    model = small(pynn.MLPClassifier, early_stopping=True, scoring="f1_macro", max_iter=40)
    model.set_params(learning_rate_init=0.05).fit(X, y)
    assert model.best_validation_score_ > 0.5
    assert list(model.feature_names_in_) == list("abcd")


def test_with_early_stopping_an_eval_set_leaves_all_rows_to_learn_from():
    X, X_val, y, y_val = IRIS
    model = small(pynn.MLPClassifier, early_stopping=True)
    assert model.fit(X, y, eval_set=(X_val, y_val)).t_ == 12 * len(X)
    assert model.fit(X, y).t_ < 12 * len(X)


@BOTH
def test_an_epoch_without_a_score_is_no_progress(Estimator):
    X, X_val, y, y_val = PARTS[Estimator]
    model = small(Estimator, early_stopping=True, n_iter_no_change=4, max_iter=50)
    model.set_params(scoring=lambda *_: np.nan).fit(X, y, eval_set=(X_val, y_val))
    assert (model.n_iter_, model.stopped_early_) == (5, True)


# Going on: the best weights of the last fit are not lost to worse ones, nor to old scores


@BOTH
def test_a_warm_fit_that_finds_nothing_better_keeps_what_there_is(Estimator):
    X, X_val, y, y_val = PARTS[Estimator]
    model = small(Estimator, early_stopping=True, warm_start=True, max_iter=50)
    model.set_params(learning_rate_init=0.01).fit(X, y, eval_set=(X_val, y_val))
    before, score = [W.copy() for W in model.coefs_], model.best_validation_score_
    model.set_params(learning_rate_init=50.0, max_iter=3).fit(X, y, eval_set=(X_val, y_val))
    assert all(map(np.array_equal, model.coefs_, before))
    assert model.best_validation_score_ == score


def test_a_warm_fit_on_other_rows_measures_itself_on_those():
    """scikit-learn holds new scores against the old ones, of other rows, and may return nothing."""
    X, X_val, y, y_val = IRIS
    model = small(pynn.MLPClassifier, early_stopping=True, warm_start=True, max_iter=200)
    model.set_params(learning_rate_init=0.05).fit(X, y, eval_set=(X_val, y_val))
    assert model.best_validation_score_ > 0.9
    before = [W.copy() for W in model.coefs_]
    shuffled = (Y_IRIS[::-1] + 1) % 3  # other truths: the old score cannot be reached at once
    model.set_params(max_iter=30).fit(X_IRIS, shuffled, eval_set=(X_IRIS, shuffled))
    assert not any(map(np.array_equal, model.coefs_, before))
    assert model.best_validation_score_ == model.score(X_IRIS, shuffled)


@pytest.mark.parametrize("random_state", [0, np.random.RandomState(0)])
def test_a_warm_fit_sets_the_same_rows_aside(random_state):
    """scikit-learn draws others, which the first fit has learned from."""
    judged = []
    model = small(pynn.MLPClassifier, early_stopping=True, warm_start=True, max_iter=2)
    model.set_params(scoring=lambda model, X, y: judged.append(X) or 0.0, random_state=random_state)
    for _ in range(3):
        model.fit(X_IRIS, Y_IRIS)
    assert all(np.array_equal(X, judged[0]) for X in judged)
    model.fit(X_IRIS[1:], Y_IRIS[1:])
    assert not np.array_equal(judged[-1], judged[0])


# partial_fit


@BOTH
def test_partial_fit_with_an_eval_set_says_when_to_stop_and_keeps_the_best(Estimator):
    X, X_val, y, y_val = PARTS[Estimator]
    model = small(Estimator, early_stopping=True, n_iter_no_change=3, learning_rate_init=0.05)
    first = {"classes": [0, 1, 2]} if Estimator is pynn.MLPClassifier else {}
    for _ in range(300):
        model.partial_fit(X, y, eval_set=(X_val, y_val), **first)
        if model.stopped_early_:
            break
    scores = model.validation_scores_
    assert 4 < len(scores) < 300
    assert model.score(X_val, y_val) == pytest.approx(max(scores))
    assert scores[-4:] != sorted(scores[-4:]) or len(set(scores[-4:])) == 1


def test_partial_fit_does_not_return_to_the_best_weights_of_before_a_fit():
    X, X_val, y, y_val = IRIS
    model = small(pynn.MLPClassifier, early_stopping=True, warm_start=True, n_iter_no_change=1)
    model.partial_fit(X, y, classes=[0, 1, 2], eval_set=(X_val, y_val))
    model.set_params(learning_rate_init=0.05).fit(X, y, eval_set=(X_val, y_val))
    best = model.score(X_val, y_val)
    for _ in range(5):
        model.partial_fit(X, y, eval_set=(X_val, y_val))
    assert model.stopped_early_
    assert model.score(X_val, y_val) >= best > 0.6


def test_partial_fit_without_early_stopping_only_takes_down_figures():
    X, X_val, y, y_val = DIABETES
    watched, alone = small(pynn.MLPRegressor), small(pynn.MLPRegressor)
    for _ in range(4):
        watched.partial_fit(X, y, eval_set=(X_val, y_val))
        alone.partial_fit(X, y)
    assert all(map(np.array_equal, watched.coefs_, alone.coefs_))
    assert len(watched.history_["val_loss"]) == 4


def test_partial_fit_with_early_stopping_needs_an_eval_set():
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        small(pynn.MLPRegressor, early_stopping=True).partial_fit(X_DIABETES, Y_DIABETES)


def test_figures_that_come_late_are_nan_before():
    X, X_val, y, y_val = DIABETES
    model = small(pynn.MLPRegressor, warm_start=True, max_iter=2).fit(X, y)
    model.fit(X, y, eval_set=(X_val, y_val))
    assert list(map(len, model.history_.values())) == [4] * 5
    assert list(model.history_) == ["loss", "penalty", "val_loss", "val_score", "learning_rate"]
    assert np.isnan(model.history_["val_loss"]).tolist() == [True, True, False, False]
