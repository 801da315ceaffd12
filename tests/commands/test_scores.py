"""Scores on rows set aside, their intervals, and charts in plain text."""

import numpy as np
import pytest
from sklearn import metrics

from pynn.commands import charts, scores


@pytest.fixture
def classes(rng):
    y = rng.integers(3, size=200)
    p = rng.dirichlet([1, 1, 1], 200)
    return y, p


@pytest.fixture
def numbers(rng):
    y = rng.normal(5, 2, 200)
    return y, y + rng.normal(size=200)


def values(found):
    return {score.name: float(score.of_means(score.columns.mean(axis=0))) for score in found}


def test_scores_are_those_of_scikit_learn(classes, numbers):
    y, p = classes
    found = values(scores.of_classes(y, p))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(y, p.argmax(axis=1)))
    assert found["log-loss"] == pytest.approx(metrics.log_loss(y, p))
    found = values(scores.of_numbers(*numbers))
    assert found["RMSE"] == pytest.approx(metrics.root_mean_squared_error(*numbers))
    assert found["MAE"] == pytest.approx(metrics.mean_absolute_error(*numbers))
    assert found["R2"] == pytest.approx(metrics.r2_score(*numbers))


def test_a_probability_of_0_for_the_true_class_has_a_finite_loss():
    found = values(scores.of_classes(np.array([0]), np.array([[0.0, 1.0]])))
    assert found["log-loss"] == pytest.approx(metrics.log_loss([0], [[0, 1]], labels=[0, 1]))


def test_wilson_s_interval_is_within_0_and_1():
    assert scores.wilson(0.9, 50).low == pytest.approx(0.786398, abs=1e-6)
    assert scores.wilson(1.0, 10).high == 1.0
    assert scores.wilson(0.0, 10).low == 0.0


def test_the_bootstrap_agrees_with_the_normal_distribution(rng):
    y = rng.normal(size=2000)
    score = scores.of_numbers(y, np.zeros(2000))[1]
    (found,), _ = scores.bootstrap([score], seed=0)
    error = 1.96 * np.abs(y).std() / np.sqrt(2000)
    assert (found.high - found.low) / 2 == pytest.approx(error, rel=0.1)


def test_the_lead_is_positive_where_the_first_model_is_better(classes, numbers):
    y, p = classes
    truth = np.eye(3)[y] * 0.9 + 0.1 / 3
    for good, bad in zip(scores.of_classes(y, truth), scores.of_classes(y, p), strict=True):
        _, (lead,) = scores.bootstrap([good, bad], seed=0)
        assert 0 < lead.low < lead.value < lead.high
    y, predicted = numbers
    pairs = zip(scores.of_numbers(y, predicted), scores.of_numbers(y, predicted + 3), strict=True)
    for good, bad in pairs:
        _, (lead,) = scores.bootstrap([good, bad], seed=0)
        assert lead.low > 0


def test_a_seed_gives_the_same_intervals(numbers):
    each = [scores.bootstrap(scores.of_numbers(*numbers)[:1], seed)[0] for seed in (0, 0, 1)]
    assert each[0] == each[1] != each[2]


def test_large_tables_have_fewer_resamples():
    assert [scores.n_resamples(n) for n in (10, 20_000, 100_000, 10**7)] == [1000, 1000, 200, 100]


# ---- Charts ----


def test_a_confusion_matrix_has_a_row_for_each_true_class():
    y, predicted = np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 1])
    lines = charts.confusion(y, predicted, ["no", "yes"], 80)
    assert [line.split() for line in lines] == [
        ["true", "\\", "predicted", "no", "yes"],
        ["no", "1", "1"],
        ["yes", ".", "3"],
    ]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_rare_classes_are_shown_together_if_not_all_fit(width):
    y = np.repeat(np.arange(100), np.arange(100, 0, -1))
    lines = charts.confusion(y, y, [f"kind {i}" for i in range(100)], width)
    assert max(map(len, lines)) <= width
    assert lines[-1].split()[1] == "others"
    assert [line.split()[1] for line in lines[1:-1]] == [str(i) for i in range(len(lines) - 2)]


def test_a_histogram_has_a_bar_for_each_bin_and_counts_all_rows(rng):
    lines = charts.histogram(rng.normal(size=1000), 60, "#")
    assert max(map(len, lines)) == 60
    assert len(lines) == 15
    assert sum(int(line.split()[3]) for line in lines) == 1000


@pytest.mark.parametrize("values", [[1.0, 1.0], [0.0] * 5])
def test_a_histogram_of_one_number_says_so(values):
    assert charts.histogram(np.array(values), 60, "#") == [f"all {values[0]:.4g}"]


@pytest.mark.parametrize("scale", [1e-12, 1e-3, 1.0, 1e5, 1e15, 1e300])
def test_edges_of_bins_differ_at_any_scale(scale, rng):
    lines = charts.histogram(scale * rng.normal(size=500), 80, "#")
    assert len({line.strip().split("  ")[0] for line in lines}) == len(lines)
