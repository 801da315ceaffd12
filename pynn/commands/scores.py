"""Scores of predictions on rows set aside, with confidence intervals.

Every score is a function of means over rows, so a bootstrap resamples these rows for all models
together, and differences between models are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

__all__ = ["Estimate", "Score", "bootstrap", "of_classes", "of_numbers", "wilson"]

Array = NDArray[np.float64]

_SMALLEST = np.finfo(np.float64).eps  # least probability in a log-loss, as scikit-learn clips


@dataclass(frozen=True)
class Score:
    """A score of predictions.

    Parameters
    ----------
    name : str
    columns : ndarray of shape (n_rows, n_columns)
        Figures of each row.
    of_means : function
        Returns the score from means of the columns, shape (..., n_columns).
    layout : str, default=".4g"
        Format of the score.
    higher_is_better : bool, default=False
    """

    name: str
    columns: Array
    of_means: Callable[[Array], Array]
    layout: str = ".4g"
    higher_is_better: bool = False


@dataclass(frozen=True)
class Estimate:
    """A number with the limits of its 95% interval."""

    value: float
    low: float
    high: float


def of_classes(y: NDArray[np.intp], p: Array) -> list[Score]:
    """Return accuracy and log-loss.

    Parameters
    ----------
    y : ndarray of int, shape (n_rows,)
        Number of each row's class.
    p : ndarray of shape (n_rows, n_classes)
        Probabilities.
    """
    right = (p.argmax(axis=1) == y).astype(np.float64)
    losses = -np.log(np.maximum(p[np.arange(len(y)), y], _SMALLEST))
    return [
        Score("accuracy", right[:, None], _mean, ".1%", higher_is_better=True),
        Score("log-loss", losses[:, None], _mean, ".3f"),
    ]


def of_numbers(y: Array, predicted: Array) -> list[Score]:
    """Return the root mean squared error, the mean absolute error and R².

    Parameters
    ----------
    y, predicted : ndarray of shape (n_rows,)
    """
    errors, deviations = predicted - y, y - y.mean()
    unit = np.abs(deviations).max() or 1.0  # squares of numbers such as 1e200 would overflow
    of_units = deviations / unit
    squares = np.column_stack([(errors / unit) ** 2, of_units, of_units**2])
    return [
        Score("RMSE", squares[:, :1], lambda means: unit * np.sqrt(_mean(means))),
        Score("MAE", np.abs(errors)[:, None], _mean),
        Score("R2", squares, _r2, ".3f", higher_is_better=True),
    ]


def _mean(means: Array) -> Array:
    return np.asarray(means[..., 0])


def _r2(means: Array) -> Array:
    variance = means[..., 2] - means[..., 1] ** 2
    with np.errstate(divide="ignore", invalid="ignore"):  # of a resample with one distinct number
        return np.asarray(1 - means[..., 0] / variance)


def wilson(share: float, n: int) -> Estimate:
    """Return the 95% interval of a share of n rows (Wilson, JASA 1927).

    Examples
    --------
    >>> from pynn.commands.scores import wilson
    >>> wilson(1.0, 100)  # doctest: +ELLIPSIS
    Estimate(value=1.0, low=0.963..., high=1.0)
    """
    found = binomtest(round(share * n), n).proportion_ci(0.95, method="wilson")
    return Estimate(share, float(found.low), float(found.high))


def n_resamples(n_rows: int) -> int:
    """Return the number of resamples, lower for large tables, whose intervals are narrow."""
    return int(np.clip(2e7 // n_rows, 100, 1000))


def bootstrap(scores: Sequence[Score], seed: int) -> tuple[list[Estimate], list[Estimate]]:
    """Return percentile intervals of one score for several models (Efron & Tibshirani 1993).

    Parameters
    ----------
    scores : sequence of Score
        The same score for each model, on the same rows.
    seed : int

    Returns
    -------
    each : list of Estimate
        The score of each model.
    lead : list of Estimate
        How much better the first model is than each of the others, from the same resamples.
    """
    columns = np.hstack([score.columns for score in scores])
    ends = np.cumsum([score.columns.shape[1] for score in scores])[:-1]
    n = len(columns)
    rng = np.random.default_rng(seed)
    means = np.array([columns[rng.integers(n, size=n)].mean(axis=0) for _ in range(n_resamples(n))])
    resampled = _scored(scores, means, ends)
    found = _scored(scores, columns.mean(axis=0), ends)
    sign = 1.0 if scores[0].higher_is_better else -1.0
    each = [_estimate(value, some) for value, some in zip(found, resampled, strict=True)]
    lead = [
        _estimate(sign * (found[0] - value), sign * (resampled[0] - some))
        for value, some in zip(found[1:], resampled[1:], strict=True)
    ]
    return each, lead


def _scored(scores: Sequence[Score], means: Array, ends: NDArray[np.intp]) -> list[Array]:
    parts = np.split(means, ends, axis=-1)
    return [score.of_means(part) for score, part in zip(scores, parts, strict=True)]


def _estimate(value: Array, resampled: Array) -> Estimate:
    usable = resampled[np.isfinite(resampled)]
    if not len(usable):
        return Estimate(float(value), np.nan, np.nan)
    low, high = np.quantile(usable, [0.025, 0.975])
    return Estimate(float(value), float(low), float(high))
