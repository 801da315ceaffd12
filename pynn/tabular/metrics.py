"""Metrics: the figures that choose the best epoch of each network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.training.state import State

Array = NDArray[Any]


@dataclass(frozen=True)
class Metric:
    """A metric, and its figure in the history of a network.

    Parameters
    ----------
    figure : str
        Name of the figure; both are best in the same epoch.
    lower_is_better : bool, default=True
        Whether lower figures are better.
    """

    figure: str
    lower_is_better: bool = True

    @property
    def callbacks(self) -> list[Callable[[State], None]]:
        """Callbacks that record the figure if networks do not."""
        return [_record_auc] if self.figure == "val_auc" else []

    def on(self, y: Array) -> Metric:
        """Return the metric for these validation targets: the cost, if the AUC is undefined."""
        is_defined = self.figure != "val_auc" or len(np.unique(y)) > 1
        return self if is_defined else Metric("val_cost")


def _record_auc(state: State) -> None:
    rows: Any = state.validation
    state.record("val_auc", auc(rows.y, state.network.predict(rows.X), rows.sample_weight))


def auc(y: Array, probabilities: Array, weights: Array | None = None) -> float:
    """Compute the area under the ROC curve.

    Parameters
    ----------
    y : ndarray of int, shape (n_rows,)
        Numbers of the classes.
    probabilities : ndarray of shape (n_rows, n_classes)
    weights : ndarray of shape (n_rows,), optional

    Returns
    -------
    float
        Of the second of two classes; of more classes the mean over each of them against the rest.
        Classes without rows do not count. NaN if all rows have the same class.
    """
    n_classes = probabilities.shape[1]
    classes = [1] if n_classes == 2 else range(n_classes)
    n_rows = np.bincount(y, minlength=n_classes)
    w = np.ones(len(y)) if weights is None else weights
    areas = [
        _area(probabilities[:, k], (y == k) * w, (y != k) * w)
        for k in classes
        if 0 < n_rows[k] < len(y)
    ]
    return float(np.mean(areas)) if areas else np.nan


def _area(scores: Array, positive: Array, negative: Array) -> float:
    """Return the probability that a positive row has a higher score than a negative one.

    Rows count by these weights; equal scores count half (Hanley & McNeil 1982). The function of
    scikit-learn takes many times as long, too long for hundreds of classes after each epoch.
    """
    order = np.argsort(scores)
    starts = np.flatnonzero(np.append(True, np.diff(scores[order]) > 0))  # of equal scores
    ups, downs = (np.add.reduceat(w[order], starts) for w in (positive, negative))
    shares = (downs.cumsum() - downs / 2) / downs.sum()
    return float((ups / ups.sum()) @ shares)


def log_loss(y: Array, probabilities: Array, weights: Array | None = None) -> float:
    """Compute the mean of -log(probability of the right class).

    Probabilities are clipped to float64's epsilon, as in scikit-learn. See `auc` for the
    parameters.
    """
    right = np.maximum(probabilities[np.arange(len(y)), y], np.finfo(np.float64).eps)
    return float(np.average(-np.log(right), weights=weights))


def error(y: Array, probabilities: Array, weights: Array | None = None) -> float:
    """Compute the share of rows with a wrong class. See `auc` for the parameters."""
    return float(np.average(probabilities.argmax(axis=1) != y, weights=weights))
