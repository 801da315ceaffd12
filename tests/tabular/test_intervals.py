"""Intervals and quantiles of numbers."""

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

import pynn
from pynn.tabular import intervals

FEW = {"epochs": 12}


def noisy(seed, n_rows):
    """Rows whose second number says how large the noise is."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n_rows, 3))
    return X, 100 + 20 * X[:, 0] + 10 * (0.1 + np.abs(X[:, 1])) * rng.normal(size=n_rows)


@pytest.fixture(scope="module")
def model():
    return pynn.TabularRegressor(random_state=0, n_members=4, n_folds=4, expert=FEW).fit(
        *noisy(0, 1_500)
    )


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_intervals_contain_as_many_new_rows_as_was_asked_for(model, coverage):
    X, y = noisy(1, 4_000)
    lower, upper = model.predict_interval(X, coverage=coverage)
    assert np.mean((lower <= y) & (y <= upper)) == pytest.approx(coverage, abs=0.03)
    assert np.mean(y < lower) == pytest.approx((1 - coverage) / 2, abs=0.03)


def test_widths_follow_the_noise_of_a_row(model):
    X, y = noisy(2, 4_000)
    lower, upper = model.predict_interval(X)
    noise = np.abs(X[:, 1])
    width = upper - lower
    assert width[noise > 0.9].mean() > 3 * width[noise < 0.1].mean()
    middle = np.quantile(y - model.predict(X), [0.05, 0.95])
    constant = model.predict(X) + middle[1]  # even with the best constant for these rows
    assert mean_pinball_loss(y, upper, alpha=0.95) < 0.9 * mean_pinball_loss(
        y, constant, alpha=0.95
    )


def test_quantiles_do_not_cross_and_the_default_ones_include_the_median(model):
    X, y = noisy(3, 500)
    levels = np.linspace(0.01, 0.99, 33)
    found = model.predict_quantiles(X, levels)
    assert found.shape == (500, 33)
    assert (np.diff(found, axis=1) >= 0).all()
    middle = model.predict_quantiles(X)[:, 1]
    np.testing.assert_array_equal(middle, model.predict_quantiles(X, [0.5])[:, 0])
    assert np.mean(y < middle) == pytest.approx(0.5, abs=0.06)


def test_an_interval_reaches_from_one_quantile_to_another(model):
    X, _ = noisy(4, 20)
    found = np.column_stack(model.predict_interval(X, coverage=0.8))
    np.testing.assert_allclose(found, model.predict_quantiles(X, [0.1, 0.9]))


def test_the_seed_decides_for_any_number_of_threads():
    X, y = noisy(5, 400)
    settings = {"n_members": 2, "n_folds": 2, "expert": {"epochs": 3}}
    one, other, two = (
        pynn.TabularRegressor(random_state=seed, n_threads=n, **settings)
        .fit(X, y)
        .predict_quantiles(X)
        for seed, n in [(0, 1), (1, 1), (0, 2)]
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_each_output_has_widths_of_its_own():
    X, y = noisy(6, 600)
    Y = np.column_stack([y, 1000 * X[:, 0] + np.random.default_rng(0).exponential(100, len(X))])
    model = pynn.TabularRegressor(random_state=0, n_members=2, n_folds=2, expert=FEW).fit(X, Y)
    assert model.predict_quantiles(X, [0.2, 0.7]).shape == (600, 2, 2)
    lower, upper = model.predict_interval(X)
    assert lower.shape == upper.shape == (600, 2)
    covered = np.mean((lower <= Y) & (upper >= Y), axis=0)
    np.testing.assert_allclose(covered, 0.9, atol=0.06)
    above, below = (upper - model.predict(X))[:, 1], (model.predict(X) - lower)[:, 1]
    assert above.mean() > 1.3 * below.mean()  # as the second one's residuals are


@pytest.mark.parametrize("coverage", [0, 1, 1.5, -0.1, float("nan")])
def test_a_coverage_that_is_no_probability_is_refused(model, coverage):
    with pytest.raises(ValueError, match=r"coverage must be in \(0, 1\), got"):
        model.predict_interval(noisy(7, 5)[0], coverage=coverage)


@pytest.mark.parametrize("coverage", [1e-300, 1 - 1e-16])
def test_a_coverage_next_to_a_bound_is_one(model, coverage):
    lower, upper = model.predict_interval(noisy(7, 5)[0], coverage=coverage)
    assert np.isfinite(lower).all() == np.isfinite(upper).all() == (coverage < 0.5)


@pytest.mark.parametrize("levels", [0.5, [], [0.1, 1.0], [0], [float("nan")], [[0.1, 0.9]]])
def test_levels_that_are_no_probabilities_are_refused(model, levels):
    with pytest.raises(ValueError, match="quantiles must be a sequence of numbers between 0 and 1"):
        model.predict_quantiles(noisy(7, 5)[0], levels)


def test_an_interval_cannot_be_predicted_before_a_fit():
    with pytest.raises(AttributeError, match="not fitted"):
        pynn.TabularRegressor().predict_interval([[1.0]])


def test_intervals_of_a_constant_target_have_no_width():
    X, _ = noisy(8, 60)
    model = pynn.TabularRegressor(random_state=0, n_members=2, n_folds=2, expert={"epochs": 1})
    found = model.fit(X, np.full(60, 7.0)).predict_quantiles(X, [0.001, 0.05, 0.95])
    assert (found == [-np.inf, 7, 7]).all()


@pytest.mark.parametrize(
    ("error", "reason"), [(KeyboardInterrupt, "interrupted"), (FloatingPointError, "diverged")]
)
def test_widths_are_constant_if_training_their_networks_fails(monkeypatch, error, reason):
    def fail(*args):
        raise error

    monkeypatch.setattr(intervals, "_sizes", fail)
    model = pynn.TabularRegressor(random_state=0, n_members=2, n_folds=2, expert={"epochs": 1})
    X, y = noisy(9, 300)
    with pytest.warns(UserWarning, match=f"all intervals have the same width: .* {reason}"):
        lower, upper = model.fit(X, y).predict_interval(X)
    np.testing.assert_allclose(upper - lower, upper[0] - lower[0])


def test_widths_are_constant_if_the_time_limit_has_passed(monkeypatch):
    monkeypatch.setattr(intervals, "_sizes", None)  # it would fail
    model = pynn.TabularRegressor(random_state=0, n_members=2, n_folds=2, time_limit=1e-9)
    X, y = noisy(9, 300)
    with pytest.warns(UserWarning, match="time_limit=1e-09 ended training early"):
        lower, upper = model.fit(X, y).predict_interval(X)
    np.testing.assert_allclose(upper - lower, upper[0] - lower[0])


# ---- What is learned from rows and their predictions ---------------------------------------------


def learned(residuals, weights=None, X=None, **more):
    y = np.asarray(residuals, dtype=float).reshape(len(residuals), -1)
    X = np.zeros((len(y), 1), dtype=np.float32) if X is None else X
    return intervals.learn(X, np.zeros_like(y), y, weights, **more)


def quantiles(found, *levels):
    X = np.zeros((1, 1), dtype=np.float32)
    return found.quantiles(X, np.zeros((1, found.scores.shape[1])), np.array(levels))[0, 0]


def test_the_kth_of_n_residuals_is_the_quantile_at_k_over_n_plus_1():
    found = learned([3, 1, 2, 9, 7, 5, 4, 8, 6])
    np.testing.assert_allclose(quantiles(found, 0.1, 0.45, 0.5, 0.9), [1, 4.5, 5, 9])


def test_levels_that_the_rows_do_not_tell_are_infinite():
    found = learned(np.arange(1, 10))
    assert quantiles(found, 0.05, 0.95).tolist() == [-np.inf, np.inf]


def test_equal_weights_do_not_count():
    expected = quantiles(learned([1, 2, 3, 4]), 0.3, 0.5)
    np.testing.assert_allclose(quantiles(learned([1, 2, 3, 4], np.full(4, 7)), 0.3, 0.5), expected)


def test_a_row_that_weighs_more_draws_quantiles_towards_it():
    heavy = learned(np.arange(100.0), np.where(np.arange(100) < 50, 1, 9))
    assert quantiles(heavy, 0.5)[0] == pytest.approx(49.5 + 50 * 4 / 9, abs=1)


def test_few_scores_of_many_rows_are_kept(rng, monkeypatch):
    monkeypatch.setattr(intervals, "FEWEST_ROWS", 10**9)
    residuals = rng.normal(size=40_000)
    found = learned(residuals)
    assert len(found.scores) == intervals.MOST_SCORES
    np.testing.assert_allclose(
        quantiles(found, 0.01, 0.5, 0.99),
        np.quantile(residuals, [0.01, 0.5, 0.99], method="weibull"),
        atol=1e-3,
    )


def test_widths_are_constant_if_few_rows_or_nothing_tells_the_noise(rng):
    X = rng.normal(size=(1_000, 2)).astype(np.float32)
    assert not learned(rng.normal(size=100), X=X[:100]).networks
    found = learned(np.column_stack([rng.normal(size=1_000), X[:, 0] * rng.normal(size=1_000)]),
                    X=X)  # fmt: skip
    widths = found.spreads(X, np.zeros((1_000, 2))).std(axis=0)
    assert widths[0] < 0.15
    assert widths[1] > 0.3


@pytest.mark.parametrize("n_averaged", [1, 2])
def test_the_mean_of_networks_errs_less_than_one_of_them(rng, n_averaged):
    networks = 0.3 * rng.normal(size=(8, 20_000, 1))
    y = rng.normal(size=(20_000, 1))
    residuals = y - networks[:n_averaged].mean(axis=0)
    found = intervals.gain_of_averaging(networks, residuals, np.full(20_000, n_averaged))
    expected = np.std(y - networks.mean(axis=0)) / np.std(residuals)
    assert found == pytest.approx(expected, abs=0.03)
    assert intervals.gain_of_averaging(networks, residuals, np.full(20_000, 8)) == 1
