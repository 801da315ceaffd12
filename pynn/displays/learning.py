"""Helpers shared by displays of training: recorded curves, their labels, parameter paths."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import is_classifier
from sklearn.utils.validation import check_is_fitted

from pynn.displays.base import Array, float_array, last_step, network_of
from pynn.network import Network

# Names of each curve in the history of a Network, in that of an estimator, and in the attributes
# of scikit-learn's MLPClassifier and MLPRegressor.
_CURVES = {
    "train": ("cost", "loss", "loss_curve_"),
    "validation": ("val_cost", "val_loss"),
    "score": ("val_score", "validation_scores_"),
}


def curves_of(model: Any) -> dict[str, Array]:
    """Return the curves "train", "validation" and "score" that a model has recorded.

    Raises
    ------
    TypeError, ValueError, NotFittedError
        If it is not a model with such curves, or has not been trained yet.
    """
    is_network = isinstance(model, Network)
    if not is_network and hasattr(model, "fit"):
        check_is_fitted(model)
    history = getattr(model, "history" if is_network else "history_", None)
    theirs = ("loss_curve_", "validation_scores_")
    recorded = history or {name: getattr(model, name, None) for name in theirs}
    curves = {
        kind: np.array(recorded[name], np.float64)
        for kind, names in _CURVES.items()
        for name in names
        if recorded.get(name)
    }
    if "train" in curves:
        return curves
    if history is not None:
        raise ValueError(f"{model!r} has recorded no epoch yet: train it first")
    raise TypeError(
        "estimator must be a trained Network, a perceptron with a loss_curve_ (of an ensemble, one "
        "of its estimators_), a pipeline that ends in one, or a dict of them; got "
        f"{type(model).__name__}"
    )


def best_epoch(model: Any, curves: dict[str, Array]) -> int | None:
    """Return the epoch, from 1, whose weights early stopping has kept, or None."""
    if not getattr(model, "early_stopping", False):
        return None
    if (best := getattr(model, "best_epoch_", None)) is not None:
        return int(best)
    scores = curves.get("score", np.empty(0))
    found = np.flatnonzero(scores == getattr(model, "best_validation_score_", None))
    return int(found[0]) + 1 if len(found) else None


def loss_name(model: Any) -> str:
    """Return the axis label of a model's loss."""
    is_network = isinstance(model, Network)
    name = str(model.cost_function if is_network else model.loss)
    name = name.replace("log_loss", "cross-entropy").replace("cross_entropy", "cross-entropy")
    return f"{'cost' if is_network else 'loss'} ({name.replace('_', ' ')})"


def score_name(model: Any) -> str:
    """Return the axis label of a model's validation score."""
    scoring = getattr(model, "scoring", None)
    if scoring is None:
        scoring = "accuracy" if isinstance(model, Network) or is_classifier(model) else "R²"
    elif scoring == "loss":
        scoring = "−loss"
    elif not isinstance(scoring, str):
        scoring = "score"
    return f"validation {scoring.replace('_', ' ')}"


def step_name(model: Any) -> str:
    """Return "epoch", or "iteration" for L-BFGS."""
    return "iteration" if getattr(model, "solver", None) == "lbfgs" else "epoch"


def network_and_data(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Network, Any]:
    """Return the network of an estimator, and samples with targets for its core.

    Raises
    ------
    TypeError, ValueError, NotFittedError
        If an argument is not accepted by `pynn.Network.cost` or the estimator's `fit`.
    """
    network_of(estimator)
    estimator, X = last_step(estimator, X)
    network, checked, targets = estimator._inside(X, y)
    return network, network._data(checked, targets, sample_weight)


def points_of(name: str, given: Any, network: Network) -> Array:
    """Check an argument with one parameter vector per row and return it as float64."""
    return float_array(name, given, "n_points", network.n_parameters, finite=True)


def draw_line(ax: Any, epochs: Array, values: Array, **look: Any) -> Any:
    """Draw a curve in which NaN is a gap, and a value between two gaps a dot.

    Parameters
    ----------
    ax : matplotlib Axes
    epochs, values : ndarray of shape (n_epochs,)
    **look
        Passed to `matplotlib.axes.Axes.plot`.

    Returns
    -------
    matplotlib Line2D
    """
    finite = np.pad(np.isfinite(values), 1)
    alone = np.flatnonzero(finite[1:-1] & ~finite[:-2] & ~finite[2:]).tolist()
    if alone:
        look = {"marker": ".", "markevery": alone} | look
    return ax.plot(epochs, values, **look)[0]


def format_axes(ax: Any, step_name: str, log: bool) -> None:
    """Label the epochs, with ticks at integers only, and set the scale of the values."""
    if log:
        ax.set_yscale("log")
    ax.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    ax.set_xlabel(step_name)


def positive(values: Array, log: bool) -> Array:
    """Return values with gaps where a logarithmic scale cannot show them."""
    return np.where(values > 0, values, np.nan) if log else values
