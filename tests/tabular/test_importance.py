"""Permutation importance of the features of a table."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.feature_selection import SelectFromModel

import pynn
from pynn.tabular import importance

FEW = {"epochs": 15}


def table(rng, n_rows=600):
    """A number, a category of five, a constant, noise; the target needs the first two."""
    number, noise = rng.normal(size=(2, n_rows))
    category = rng.integers(5, size=n_rows)
    X = np.empty((n_rows, 4), dtype=object)
    X[:, 0], X[:, 1], X[:, 2], X[:, 3] = number, np.array(list("abcde"))[category], 1.0, noise
    return X, 2 * number + 2 * (category % 2 == 0)


@pytest.fixture(scope="module")
def fitted():
    X, y = table(np.random.default_rng(0))
    model = pynn.TabularRegressor(random_state=0, n_members=3, n_folds=3, expert=FEW)
    return model.fit(X, y), y


def test_the_rise_of_the_squared_error_is_twice_the_variance_due_to_a_feature(fitted):
    model, y = fitted
    found = model.feature_importances_
    assert found.shape == (4,)
    share = 4 / np.var(y)
    assert found[0] == pytest.approx(2 * share, rel=0.25)
    assert found[1] == pytest.approx(2 * (1 - share), rel=0.4)


def test_noise_has_next_to_none_and_a_constant_none_at_all(fitted):
    found = fitted[0].feature_importances_
    assert abs(found[3]) < 0.02
    assert found[2] == 0


def test_it_is_computed_once_and_a_copy_is_returned(fitted, monkeypatch):
    model, _ = fitted
    expected = model.feature_importances_
    monkeypatch.setattr(importance, "permutation_importances", None)  # it would fail
    model.feature_importances_[:] = 9
    np.testing.assert_array_equal(model.feature_importances_, expected)


def test_a_pickle_keeps_a_small_sample_and_computes_the_same(rng):
    X, y = rng.normal(size=(2_000, 3)), rng.integers(2, size=2_000)
    model = pynn.TabularClassifier(random_state=0, n_members=2, n_folds=2, expert={"epochs": 1})
    copied = pickle.loads(pickle.dumps(model.fit(X, y)))
    assert len(copied._sample.X) == importance.MOST_ROWS
    np.testing.assert_array_equal(copied.feature_importances_, model.feature_importances_)


def test_the_seed_decides_for_any_number_of_threads():
    X, y = load_iris(return_X_y=True)
    one, other, two = (
        pynn.TabularClassifier(
            random_state=seed, n_threads=n, n_members=2, n_folds=2, expert={"epochs": 5}
        )
        .fit(X, y)
        .feature_importances_
        for seed, n in [(0, 1), (1, 1), (0, 2)]
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_another_fit_has_importances_of_its_own():
    X, y = load_iris(return_X_y=True)
    model = pynn.TabularClassifier(random_state=0, n_members=2, n_folds=2, expert={"epochs": 5})
    before = model.fit(X, y).feature_importances_
    after = model.fit(X[:, ::-1], y).feature_importances_
    assert before.argmax() in (2, 3)
    assert after.argmax() in (0, 1)


def test_it_selects_features_in_scikit_learn():
    X, y = load_iris(return_X_y=True)
    noise = np.random.default_rng(0).normal(size=(len(X), 4))
    model = pynn.TabularClassifier(random_state=0, n_members=3, n_folds=3, expert={"epochs": 20})
    chosen = SelectFromModel(model, max_features=2, threshold=-np.inf)
    chosen.fit(np.hstack([noise, X]), y)
    assert chosen.get_support(indices=True).tolist() == [6, 7]


def test_rows_of_weight_0_are_not_in_the_sample(rng):
    X, y = rng.normal(size=(100, 2)), rng.normal(size=100)
    model = pynn.TabularRegressor(random_state=0, n_members=2, n_folds=2, expert={"epochs": 1})
    model.fit(X, y, sample_weight=np.repeat([0.0, 1.0], 50))
    assert len(model._sample.X) == 50
    assert np.isfinite(model.feature_importances_).all()


def test_rows_are_predicted_by_networks_that_did_not_train_on_them(fitted):
    sample = fitted[0]._sample
    assert sample.is_aside.shape == (3, 600)
    np.testing.assert_array_equal(sample.is_aside.sum(axis=0), 1)


def test_thousands_of_features_use_fewer_rows(rng, monkeypatch):
    X = rng.integers(2, size=(300, 400))
    model = pynn.TabularRegressor(random_state=0, n_members=2, n_folds=2, expert=FEW)
    model.fit(X, X[:, 7])
    monkeypatch.setattr(importance, "WORK", 1e7)  # as if there were many more
    predicted = []
    outputs = importance._outputs
    monkeypatch.setattr(
        importance, "_outputs", lambda *args: predicted.append(len(args[2])) or outputs(*args)
    )
    found = model.feature_importances_
    assert sum(predicted) == 300 + 400 * importance.FEWEST_ROWS
    assert found.shape == (400,)
    assert found.argmax() == 7


def test_one_network_predicts_each_row_if_several_take_too_long(rng, monkeypatch):
    X = rng.normal(size=(200, 3))
    model = pynn.TabularRegressor(random_state=0, n_members=3, n_folds=1, expert=FEW)
    model.fit(X, X[:, 1])
    assert model._sample.is_aside.all()
    monkeypatch.setattr(importance, "WORK", 1)
    together = model.feature_importances_
    model.networks_ = model.networks_[:1]
    model._sample = replace(model._sample, is_aside=model._sample.is_aside[:1])
    model._importances = None
    np.testing.assert_array_equal(model.feature_importances_, together)


def test_it_cannot_be_asked_for_before_a_fit():
    assert not hasattr(pynn.TabularClassifier(), "feature_importances_")
