"""What models have recorded of their training, in the words of pictures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from pynn.network import Network

__all__ = ["best_epoch", "common", "curves_of", "loss_name", "score_name", "step_name"]

# What histories of Network, of the estimators, and lists of scikit-learn's call it
_NAMES = {
    "train": ("cost", "loss", "loss_curve_"),
    "validation": ("val_cost", "val_loss"),
    "score": ("val_accuracy", "val_score", "validation_scores_"),
}


def curves_of(model: Any) -> dict[str, NDArray[np.float64]]:
    """Return the curves "train", "validation" and "score", of those that a model has.

    Raises
    ------
    TypeError, ValueError, NotFittedError
        If it is no model that learns in epochs, or has recorded none yet.
    """
    figures = _figures(model)
    curves = {
        kind: np.array(figures[name], np.float64)
        for kind, names in _NAMES.items()
        for name in names
        if figures.get(name)
    }
    if "train" not in curves:
        raise ValueError(f"{model!r} has recorded no epoch yet: it is to be trained first")
    return curves


def _figures(model: Any) -> dict[str, Any]:
    if isinstance(model, Network):
        return model.history
    if hasattr(model, "fit"):
        check_is_fitted(model)
    figures: dict[str, Any] = getattr(model, "history_", None) or {
        name: getattr(model, name)
        for name in ("loss_curve_", "validation_scores_")
        if hasattr(model, name)
    }
    if not figures:
        raise TypeError(
            "estimator must be a trained Network or a perceptron that keeps a loss_curve_ (of a "
            f"pipeline its last step), or a dict of them; got {type(model).__name__}"
        )
    return figures


def best_epoch(model: Any, curves: dict[str, NDArray[np.float64]]) -> int | None:
    """Return the epoch, from 1, whose weights early stopping has kept; None if there is none."""
    best = getattr(model, "best_validation_score_", None)
    if not getattr(model, "early_stopping", False) or best is None or "score" not in curves:
        return None
    found = np.flatnonzero(curves["score"] == best)
    return int(found[0]) + 1 if len(found) else None


def loss_name(model: Any) -> str:
    """Say which loss it is."""
    cost = getattr(model, "cost_function", None) if isinstance(model, Network) else model.loss
    name = {"log_loss": "cross-entropy"}.get(str(cost), str(cost))
    said = name.replace("cross_entropy", "cross-entropy").replace("_", " ")
    return f"{'cost' if isinstance(model, Network) else 'loss'} ({said})"


def score_name(model: Any) -> str:
    """Say which score it is that validation has."""
    scoring = getattr(model, "scoring", None)
    if scoring is None:
        scoring = "accuracy" if isinstance(model, Network) or is_classifier(model) else "R²"
    elif scoring == "loss":
        scoring = "−loss"
    elif not isinstance(scoring, str):
        scoring = "score"
    return f"validation {scoring.replace('_', ' ')}"


def step_name(model: Any) -> str:
    """Say what the figures are of."""
    return "iteration" if getattr(model, "solver", None) == "lbfgs" else "epoch"


def common(names: Iterable[str], otherwise: str) -> str:
    """Return the name that all have in common."""
    different = set(names)
    return different.pop() if len(different) == 1 else otherwise
