"""Temperatures and calibration errors of probabilities."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.utils import shuffle

import pynn
from pynn.tabular.calibration import (
    calibration_error,
    log_losses,
    temperature,
    temperature_of_mean,
    tempered,
)


def drawn(rng, probabilities):
    """A class for each row, with these probabilities."""
    return (rng.random((len(probabilities), 1)) > probabilities.cumsum(axis=1)).sum(axis=1)


def softmax(z):
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_of_labels_that_were_drawn_with_it_is_found(rng, true):
    given = softmax(3 * rng.normal(size=(20_000, 4)))
    y = drawn(rng, tempered(given, true))
    assert temperature(given, y) == pytest.approx(true, rel=0.05)


def test_few_rows_change_the_temperature_less_than_many():
    sure = np.array([[0.99, 0.01]] * 10)
    y = np.array([0] * 7 + [1] * 3)
    few, many = temperature(sure, y), temperature(np.tile(sure, (100, 1)), np.tile(y, 100))
    assert 1 < few < many


def test_the_temperature_stays_1_if_no_other_one_lowers_the_loss():
    assert temperature(np.full((30, 3), 1 / 3), np.arange(30) % 3) == 1.0


def test_right_rows_alone_do_not_lead_to_certainty():
    assert 0.1 < temperature(np.array([[0.9, 0.1]] * 20), np.zeros(20, dtype=int)) < 1


def test_probabilities_of_0_have_a_finite_loss():
    given = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], dtype=np.float32)
    y = np.array([0, 1, 1])
    assert np.isfinite(log_losses(given, y)).all()
    assert 1 < temperature(given, y) < 8
    after = tempered(given, 8.0)
    assert after.dtype == np.float64
    np.testing.assert_allclose(after.sum(axis=1), 1)


def test_a_class_without_rows_is_no_obstacle(rng):
    given = softmax(rng.normal(size=(200, 5)))
    assert np.isfinite(temperature(given, drawn(rng, given) % 4))


def test_rows_of_weight_0_are_as_if_absent(rng):
    given, y = softmax(2 * rng.normal(size=(100, 3))), rng.integers(3, size=100)
    w = np.repeat([0.0, 2.0], 50)
    assert temperature(given, y, w) == pytest.approx(temperature(given[50:], y[50:]), rel=1e-4)
    assert calibration_error(given, y, w, n_bins=1) == pytest.approx(
        calibration_error(given[50:], y[50:], n_bins=1)
    )


def test_the_temperature_of_a_mean_of_networks_needs_none_of_their_labels(rng):
    true = 2 * rng.normal(size=(5_000, 3))
    networks = softmax(true + rng.normal(size=(8, 5_000, 3)))
    y = drawn(rng, softmax(true))
    alone = temperature(networks[0], y)
    found = temperature_of_mean(networks, alone)
    assert found == pytest.approx(temperature(networks.mean(axis=0), y), rel=0.05)
    assert found < 0.9 * alone
    pairs = temperature(networks[:2].mean(axis=0), y)
    assert temperature_of_mean(networks, pairs, n_averaged=2) == pytest.approx(found, rel=0.05)


def test_the_temperature_of_as_many_or_of_equal_networks_stays(rng):
    networks = softmax(rng.normal(size=(4, 50, 3)))
    assert temperature_of_mean(networks, 1.3, n_averaged=4) == 1.3
    assert temperature_of_mean(networks[:1], 1.3) == 1.3
    assert temperature_of_mean(networks[[0, 0]], 1.3) == pytest.approx(1.3)


def test_the_temperature_of_a_mean_is_near_1_for_few_rows(rng):
    networks = softmax(2 * rng.normal(size=(8, 200, 3)))
    whole = temperature_of_mean(networks, 1.0)
    logs = [np.log(temperature_of_mean(networks, 1.0, n=n)) for n in (10, 1_000, 1e9)]
    np.testing.assert_allclose(logs, np.log(whole) * np.array([1 / 101, 1 / 2, 1]), rtol=1e-4)


def test_the_calibration_error_is_small_for_true_probabilities_only(rng):
    given = softmax(2 * rng.normal(size=(20_000, 3)))
    y = drawn(rng, given)
    assert calibration_error(given, y) < 0.02
    assert calibration_error(tempered(given, 0.5), y) > 0.08
    assert calibration_error(tempered(given, 2.0), y) > 0.08


def test_the_calibration_error_of_a_bin_is_confidence_minus_accuracy():
    given = np.array([[0.9, 0.1]] * 4 + [[0.4, 0.6]] * 4)
    y = np.array([0, 0, 0, 1, 1, 1, 0, 0])
    assert calibration_error(given, y, n_bins=2) == pytest.approx((0.15 + 0.1) / 2)


def test_an_ensemble_is_calibrated_for_new_rows():
    X, y = shuffle(*load_digits(return_X_y=True), random_state=0)  # rows are sorted by writer
    model = pynn.TabularClassifier(random_state=0, n_members=4, n_folds=4, expert={"epochs": 8})
    model.fit(X[:900], y[:900])
    inputs = model.preparation_.apply(X[900:])
    raw = np.mean([network.predict(inputs) for network in model.networks_], axis=0)
    best = tempered(raw, temperature(raw, y[900:]))
    found = model.predict_proba(X[900:])
    assert log_losses(found, y[900:]).mean() < 1.1 * log_losses(best, y[900:]).mean()
