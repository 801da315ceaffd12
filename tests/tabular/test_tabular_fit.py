"""Fits of the estimators for tables: their parameters, metrics, folds and weights."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from sklearn.metrics import log_loss, mean_absolute_error, roc_auc_score, root_mean_squared_error
from tabular_cases import (
    BOTH,
    DATA,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    Y_IRIS,
    assert_same_bits,
    brief,
    predicted,
)

import pynn
from pynn.tabular import metrics
from pynn.tabular.training import Rows, folds

Classifier, Regressor = pynn.TabularClassifier, pynn.TabularRegressor


# ---- Parameters ----------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("n_members", 0, r"an int in the range \[1, inf\) or None. Got 0"),
        ("n_folds", 2.0, r"an int in the range \[1, inf\) or None. Got 2.0"),
        ("preset", "quick", r"a str among {'default', 'fast'}. Got 'quick'"),
        ("metric", 3, "an instance of 'str' or None. Got 3"),
        ("metric", "accuracy", "one of .* or None. Got 'accuracy' instead"),
        ("time_limit", 0, r"a float in the range \(0.0, inf\) or None. Got 0"),
        ("categorical_features", 3, "a str among {'auto'} or an array-like. Got 3"),
        ("validation_fraction", 1.0, r"a float in the range \(0.0, 1.0\) or None. Got 1.0"),
        ("expert", ["epochs"], "an instance of 'dict' or None"),
        ("random_state", "a", ".*, an instance of 'numpy.random.mtrand.RandomState' or None. Got"),
        ("n_threads", 0, r"an int in the range \[1, inf\) or None. Got 0"),
        ("verbose", "yes", ".* or an instance of 'numpy.bool'. Got 'yes'"),
    ],
)
def test_parameters_are_checked_in_scikit_learn_s_words(Estimator, name, value, message):
    model = brief(Estimator).set_params(**{name: value})
    message = f"The {name!r} parameter of {Estimator.__name__} must be {message}"
    with pytest.raises(ValueError, match=message):
        model.fit(*DATA[Estimator])


def test_the_metric_of_the_other_task_is_told_apart():
    with pytest.raises(ValueError, match=r"'log_loss', 'error', 'auc' .*a metric of TabularRegre"):
        brief(metric="rmse").fit(X_IRIS, Y_IRIS)
    with pytest.raises(ValueError, match=r"'rmse', 'mae' or None.*a metric of TabularClassifier"):
        brief(Regressor, metric="auc").fit(X_IRIS, Y_IRIS)


def test_a_validation_fraction_is_for_one_fold():
    with pytest.raises(ValueError, match=r"validation_fraction=0.1 is for n_folds=1, but .* is 2"):
        brief(validation_fraction=0.1).fit(X_IRIS, Y_IRIS)


def test_settings_of_experts_are_listed_where_one_is_unknown():
    with pytest.raises(ValueError, match=r"one of .*epochs.*; got 'n_epochs'"):
        brief(expert={"n_epochs": 3}).fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize("name", ["n_members", "n_folds", "min_batch_size", "epochs", "dropout"])
def test_numbers_are_checked_in_expert_too(name):
    model = brief(n_members=None, n_folds=None, expert={name: -1})
    with pytest.raises(ValueError, match=rf"{name} must be in \["):
        model.fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("hidden_layer_sizes", 5, "hidden_layer_sizes must be a sequence of integers, got 5"),
        ("hidden_layer_sizes", "64", "hidden_layer_sizes must be a sequence of integers, got '64'"),
        ("hidden_layer_sizes", iter([64]), "must be a sequence of integers, got <list_iterator"),
        ("waves", None, "waves must be True or False, got None"),
    ],
)
def test_settings_of_experts_that_are_no_numbers_are_checked(name, value, message):
    with pytest.raises(TypeError, match=message):
        brief(expert={name: value}).fit(X_IRIS, Y_IRIS)


def test_parameters_win_over_settings_of_experts():
    assert len(brief(expert={"n_members": 5}).fit(X_IRIS, Y_IRIS).networks_) == 2


def test_the_settings_of_the_fit_are_kept():
    recipe = brief(expert={"batch_size": 20}).fit(X_IRIS, Y_IRIS).recipe_
    assert (recipe.n_members, recipe.n_folds, recipe.epochs, recipe.batch_size) == (2, 2, 5, 20)


# ---- Random numbers ------------------------------------------------------------------------------


@BOTH
def test_results_are_the_same_for_any_number_of_threads(Estimator):
    X, y = DATA[Estimator]
    one = brief(Estimator, n_members=3).fit(X, y)
    for n_threads in (2, 3, None):
        assert_same_bits(one, brief(Estimator, n_members=3, n_threads=n_threads).fit(X, y), X)


def test_an_int_gives_the_same_bits_and_a_random_state_goes_on():
    one = brief().fit(X_IRIS, Y_IRIS)
    assert_same_bits(one, brief().fit(X_IRIS, Y_IRIS), X_IRIS)
    random = np.random.RandomState(0)
    two = brief(random_state=random)
    assert_same_bits(one, two.fit(X_IRIS, Y_IRIS), X_IRIS)
    first = predicted(two, X_IRIS)
    assert (predicted(two.fit(X_IRIS, Y_IRIS), X_IRIS) != first).any()


def test_none_gives_other_bits_each_time():
    one, two = (brief(random_state=None).fit(X_IRIS, Y_IRIS) for _ in range(2))
    assert (predicted(one, X_IRIS) != predicted(two, X_IRIS)).any()


def test_an_earlier_fit_leaves_no_trace():
    model = brief().fit(X_IRIS[:100, :2], Y_IRIS[:100])
    assert_same_bits(brief().fit(X_IRIS, Y_IRIS), model.fit(X_IRIS, Y_IRIS), X_IRIS)


# ---- Metrics -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    ("metric", "figure", "best"),
    [("log_loss", "val_cost", min), ("error", "val_score", max), ("auc", "val_auc", max)],
)
def test_the_metric_of_a_classifier_chooses_the_epoch(metric, figure, best, n_classes):
    some = np.isin(Y_IRIS, range(n_classes))
    model = brief(metric=metric, expert={"epochs": 12}).fit(X_IRIS[some], Y_IRIS[some])
    for network, epoch, score in zip(
        model.networks_, model.best_epochs_, model.validation_scores_, strict=True
    ):
        figures = network.history[figure]
        assert epoch == network.best_epoch == figures.index(best(figures)) + 1
        expected = 1 - best(figures) if metric == "error" else best(figures)
        assert score == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_log_loss_is_the_default_and_networks_minimise_it_whatever_the_metric():
    assert_same_bits(
        brief().fit(X_IRIS, Y_IRIS), brief(metric="log_loss").fit(X_IRIS, Y_IRIS), X_IRIS
    )
    costs = [
        brief(metric=metric).fit(X_IRIS, Y_IRIS).networks_[0].history["cost"]
        for metric in ("log_loss", "error", "auc")
    ]
    assert costs[0] == costs[1] == costs[2]


def test_a_regressor_predicts_means_or_medians():
    y = np.repeat([0.0, 0.0, 0.0, 10.0], 50)
    X, expert = np.zeros((200, 1)), {"epochs": 60, "patience": 60}
    mean, median = (
        brief(Regressor, metric=metric, expert=expert).fit(X, y).predict(X[:1])[0]
        for metric in ("rmse", "mae")
    )
    assert mean == pytest.approx(2.5, abs=0.7)
    assert median == pytest.approx(0, abs=0.7)


def test_the_validation_score_is_that_of_rows_left_out():
    model = brief(Regressor).fit(X_DIABETES, Y_DIABETES)
    errors = np.square(model.validation_scores_)
    sizes = [73, 74] if len(Y_DIABETES) % 2 else [74, 74]
    assert model.validation_score_**2 == pytest.approx(np.average(errors, weights=sizes), rel=0.02)
    doubled = brief(Regressor).fit(X_DIABETES, 2 * Y_DIABETES)
    assert doubled.validation_score_ == pytest.approx(2 * model.validation_score_)


def test_metrics_of_classes_are_scikit_learn_s(rng):
    for n_classes in (2, 3):
        y, w = rng.integers(n_classes, size=50), rng.uniform(0.5, 2, 50)
        p = rng.dirichlet(np.ones(n_classes), 50)
        expected = log_loss(y, p, sample_weight=w)
        assert metrics.log_loss(y, p, w) == pytest.approx(expected)
        one = p[:, 1] if n_classes == 2 else p
        expected = roc_auc_score(y, one, multi_class="ovr", sample_weight=w)
        assert metrics.auc(y, p, w) == pytest.approx(expected)
        expected = np.average(p.argmax(axis=1) != y, weights=w)
        assert metrics.error(y, p, w) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "function"), [("rmse", root_mean_squared_error), ("mae", mean_absolute_error)]
)
def test_metrics_of_numbers_are_scikit_learn_s(metric, function):
    y = np.column_stack((Y_DIABETES, 3 + Y_DIABETES**2))
    model = brief(Regressor, metric=metric, n_folds=1).fit(X_DIABETES, y)
    aside = folds(Rows(X_DIABETES, y, None, None), 1, 1, 0.2, np.random.RandomState(0))[0]
    expected = function(y[aside], model.predict(X_DIABETES[aside]))
    assert model.validation_score_ == pytest.approx(expected, rel=1e-5)


def test_the_auc_counts_equal_scores_half_and_takes_weights_of_any_size(rng):
    y, p = rng.integers(2, size=200), rng.dirichlet(np.ones(2), 200).round(1)
    w = rng.uniform(0.5, 2, 200)
    expected = roc_auc_score(y, p[:, 1], sample_weight=w)
    for factor in (1, 2.0**1000, 2.0**-1000):
        assert metrics.auc(y, p, factor * w) == pytest.approx(expected)


def test_the_auc_of_a_class_without_rows_does_not_count():
    p = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.5, 0.4, 0.1]])
    assert metrics.auc(np.array([0, 1, 0]), p) == 1
    assert np.isnan(metrics.auc(np.array([1, 1, 1]), p))


def test_where_the_auc_is_undefined_the_cost_chooses_the_epoch():
    model = brief(metric="auc", n_members=20, n_folds=20).fit(X_IRIS[45:65], Y_IRIS[45:65])
    for network in model.networks_:
        costs = network.history["val_cost"]
        assert network.best_epoch == costs.index(min(costs)) + 1


# ---- Folds ---------------------------------------------------------------------------------------


def rows_of(n, labels=None):
    return Rows(np.zeros((n, 1), np.float32), np.zeros(n), None, labels)


def test_each_partition_leaves_each_row_out_once():
    found = folds(rows_of(10), 6, 3, 0.2, np.random.RandomState(0))
    for partition in (found[:3], found[3:]):
        np.testing.assert_array_equal(np.sort(np.concatenate(partition)), np.arange(10))
    assert not all(np.array_equal(a, b) for a, b in zip(found[:3], found[3:], strict=True))
    assert all((np.diff(aside) > 0).all() for aside in found)


def test_classes_are_spread_evenly_over_folds_and_rare_ones_too():
    labels = np.repeat([0, 1, 2, 3], [60, 30, 3, 1])
    for aside in folds(rows_of(94, labels), 8, 8, 0.2, np.random.RandomState(0)):
        n = np.bincount(labels[aside], minlength=4)
        assert abs(n - np.array([60, 30, 3, 1]) / 8).max() < 1
        assert 11 <= len(aside) <= 12


def test_with_one_fold_all_networks_leave_the_same_fraction_out():
    labels = np.repeat([0, 1], [80, 20])
    first, second = folds(rows_of(100, labels), 2, 1, 0.1, np.random.RandomState(0))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(np.bincount(labels[first]), [8, 2])
    model = brief(n_folds=1, validation_fraction=0.1).fit(X_IRIS, Y_IRIS)
    assert model._sample.is_aside.shape == (2, 15)
    assert model._sample.is_aside.all()
    for fraction, n in ((1e-9, 1), (1 - 1e-9, 2)):
        (aside,) = folds(rows_of(3), 1, 1, fraction, np.random.RandomState(0))
        assert len(aside) == n


@BOTH
@pytest.mark.parametrize("n_rows", [2, 3, 10])
@pytest.mark.filterwarnings("ignore:The number of unique classes is greater than 50%")
def test_tiny_tables_have_fewer_folds(Estimator, n_rows):
    X, y = (part[:: len(part) // n_rows][:n_rows] for part in DATA[Estimator])
    model = brief(Estimator, n_members=8, n_folds=8).fit(X, y)
    assert len(model.networks_) == 8
    assert np.isfinite(predicted(model, X)).all()
    assert np.isfinite(model.validation_score_)


@BOTH
def test_one_row_is_refused(Estimator):
    with pytest.raises(ValueError, match="n_samples=1 row, but networks need at least two"):
        brief(Estimator).fit(X_IRIS[:1], Y_IRIS[:1])


def test_classes_with_a_single_row_neither_break_nor_warn():
    y = np.r_[Y_IRIS, 3]
    model = brief(n_members=4, n_folds=4).fit(X_IRIS[[*range(150), 0]], y)
    assert model.predict_proba(X_IRIS).shape == (150, 4)


# ---- Weights -------------------------------------------------------------------------------------


@BOTH
def test_a_weight_of_0_is_like_a_row_less(Estimator, rng):
    X, y = DATA[Estimator]
    weights = rng.integers(0, 3, len(y)).astype(float)
    some = weights > 0
    expected = brief(Estimator).fit(X[some], y[some], weights[some])
    for table in (X, X.tolist(), sparse.csc_array(X)):
        model = brief(Estimator).fit(table, y, weights)
        assert_same_bits(expected, model, X)
        assert model.validation_score_ == expected.validation_score_


def test_a_class_whose_rows_have_no_weight_is_no_class():
    model = brief().fit(X_IRIS, Y_IRIS, (Y_IRIS > 0).astype(float))
    assert model.classes_.tolist() == [1, 2]
    with pytest.raises(ValueError, match="y has only one class, 2; a classifier needs at least"):
        brief().fit(X_IRIS, Y_IRIS, (Y_IRIS > 1).astype(float))


@BOTH
def test_rows_without_weight_in_data_frames(Estimator):
    pandas = pytest.importorskip("pandas")
    X, y = DATA[Estimator]
    frame = pandas.DataFrame(X).rename(columns=str)
    weights = np.arange(len(y)) % 2
    model = brief(Estimator).fit(frame, pandas.Series(y), weights)
    expected = brief(Estimator).fit(X[1::2], y[1::2], weights[1::2])
    np.testing.assert_array_equal(predicted(model, frame), predicted(expected, X))


@BOTH
@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(150), "at least one non-zero"),
        (-np.ones(150), "Negative values"),
        (np.ones(3), "inconsistent numbers of samples"),
        (np.full(150, np.nan), "sample_weight contains NaN"),
        (np.eye(150)[0], "n_samples=1 row of positive weight"),
    ],
)
def test_weights_are_checked(Estimator, weights, message):
    with pytest.raises(ValueError, match=message):
        brief(Estimator).fit(X_IRIS, Y_IRIS, weights)


def test_class_weights_multiply_sample_weights():
    weights = np.linspace(1, 2, 150)
    factors = np.array([1.0, 3.0, 1.0])[Y_IRIS]
    assert_same_bits(
        brief(class_weight={1: 3}).fit(X_IRIS, Y_IRIS, weights),
        brief().fit(X_IRIS, Y_IRIS, weights * factors),
        X_IRIS,
    )
    some = np.r_[:50, 50:75, 100:110]
    factors = (85 / 3 / np.array([50, 25, 10]))[Y_IRIS[some]]
    balanced = brief(class_weight="balanced").fit(X_IRIS[some], Y_IRIS[some])
    weighted = brief().fit(X_IRIS[some], Y_IRIS[some], factors)
    np.testing.assert_allclose(balanced.predict_proba(X_IRIS), weighted.predict_proba(X_IRIS))


@pytest.mark.parametrize("weight", [0, -1, np.nan, np.inf, "2", None])
def test_class_weights_must_be_positive(weight):
    with pytest.raises(ValueError, match="class_weight must hold positive numbers"):
        brief(class_weight={1: weight}).fit(X_IRIS, Y_IRIS)


def test_a_class_weight_of_no_class_is_refused_if_a_class_has_none():
    with pytest.raises(
        ValueError, match=r"of 3, 'b', no class of y, but none of the classes 0, 2$"
    ):
        brief(class_weight={1: 2, 3: 2, "b": 1}).fit(X_IRIS, Y_IRIS)
    some = Y_IRIS < 2  # as in a part of the rows without a class
    weights = {0: 1, 1: 2, 2: 3}
    assert brief(class_weight=weights).fit(X_IRIS[some], Y_IRIS[some]).classes_.tolist() == [0, 1]


@BOTH
@pytest.mark.parametrize("factor", [2.0**1000, 2.0**1023, 2.0**-990])
def test_only_ratios_of_weights_count_however_large_or_small_they_are(Estimator, factor):
    X, y = DATA[Estimator]
    weights = np.linspace(0.5, 1.5, len(y))
    model = brief(Estimator).fit(X, y, weights * factor)
    expected = brief(Estimator).fit(X, y, weights)
    assert_same_bits(expected, model, X)
    assert model.validation_score_ == expected.validation_score_
    if Estimator is Regressor:
        quantiles = (each.predict_quantiles(X) for each in (model, expected))
        np.testing.assert_array_equal(*quantiles)


@BOTH
def test_weights_may_differ_by_more_than_float64_holds(Estimator):
    X, y = DATA[Estimator]
    weights = 10.0 ** np.linspace(-300, 300, len(y))
    weights[::2] = 1e300
    model = brief(Estimator).fit(X, y, weights)
    assert np.isfinite(predicted(model, X)).all()
    assert np.isfinite(model.validation_score_)


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        brief(n_members=3, metric="auc").fit(X_IRIS, Y_IRIS, np.linspace(0.1, 1, 150))
