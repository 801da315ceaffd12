"""Messages: scikit-learn's words, which programs filter and match, and hints of our own."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from pynn.model.model import Model
from pynn.training.state import State

# Warns about the outcome of a fit once the estimator is complete; None: no need to.
Outcome = Callable[[], None] | None

CLIPPED = "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"
INTERRUPTED = "Training interrupted by user."
NOT_CONVERGED = (
    "Stochastic Optimizer: Maximum iterations ({}) reached and the optimization hasn't converged "
    "yet."
)
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)
BEST_KEPT = " The weights of the best validation score are kept."
SCALES = (
    "the columns of X differ in scale by a factor of {:.0e}; training works better on columns of "
    "one scale, such as sklearn.preprocessing.StandardScaler makes"
)
FAR_OFF = (
    "after the first epoch the validation loss, {:.3g}, is far from the training loss, {:.3g}: the "
    "validation data may not have gone through the same transformers. Meta-estimators and "
    "pipelines do not transform an eval_set; give X_val and y_val to fit of a pipeline with "
    'transform_input=["X_val"], and y in the units that the estimator learns'
)
STRATIFIED = (
    "the rows that early_stopping sets aside are stratified here: drawn at random they would leave "
    "a class without training rows, or hold one class only"
)

_OURS = {"pynn", "sklearn", "contextlib", "scipy", "joblib"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called pynn.

    A `ConvergenceWarning` counts as one of scikit-learn's modules, so that filters for
    ``module="sklearn"`` hold for it, too.
    """
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _OURS:
        frame = frame.f_back
    of_sklearn = issubclass(category, ConvergenceWarning)
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        "sklearn.neural_network" if of_sklearn else frame.f_globals.get("__name__", "<unknown>"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


def spread_of_scales(X: object) -> float:
    """Return how many times as large as the smallest the largest scale of a column is."""
    if not isinstance(X, np.ndarray) or X.shape[1] < 2:
        return 1.0
    with np.errstate(all="ignore"):
        scales = np.abs(X[:1000]).max(axis=0)
        scales = scales[scales > 0]
        return float(scales.max() / scales.min()) if len(scales) > 1 else 1.0


def tell_of_plateau(state: State) -> None:
    """Print scikit-learn's words where patience is exhausted: the callback of `verbose`."""
    if not state.plateau or state.descent is None:
        return
    estimator = state.estimator
    what = "Validation score" if estimator.best_loss_ is None else "Training loss"
    if state.plateau == "slower":
        then = f"Setting learning rate to {state.descent.learning_rate:f}"
    elif state.descent.schedule == "adaptive":
        then = "Learning rate too small. Stopping."
    else:
        then = "Stopping."
    print(
        f"{what} did not improve more than tol={estimator.tol:f} for "
        f"{estimator.n_iter_no_change} consecutive epochs. {then}"
    )


class DataWarnings:
    """A callback that warns of data that look wrong in the first epochs of a fit.

    Parameters
    ----------
    spread : float
        Ratio of the scales of the columns of X: see `spread_of_scales`.
    is_given : bool
        Whether the user gave the validation set.
    """

    def __init__(self, spread: float, is_given: bool) -> None:
        self.spread, self.is_given = spread, is_given

    def __call__(self, state: State) -> None:
        """Warn of validation data in other units, and of unscaled columns where training stalls."""
        figures = state.figures
        if state.epoch == 1 and self.is_given:
            loss, val_loss, score = figures["loss"], figures["val_loss"], figures["val_score"]
            is_absurd = val_loss > 10 if state.estimator.scoring is not None else score < 0.5
            if val_loss > 100 * loss and val_loss > 5 and is_absurd:
                warn(FAR_OFF.format(val_loss, loss))
        if state.epoch == 3 and self.spread > 1e3 and state.train is not None:
            losses = state.values_of("loss")
            if _is_saturated(state.network, state.train.X[:200]) or losses[-1] > losses[0]:
                warn(f"training stalls: {SCALES.format(self.spread)}")


def _is_saturated(network: Model, X: Any) -> bool:
    """Whether half of the units of the first hidden layer say the same for all of these rows."""
    if len(network.weights) == 1 or X.shape[0] < 20:
        return False
    a = network._predict(X, known_finite=True, n_layers=1)
    return bool((np.ptp(a, axis=0) <= 1e-3 * np.abs(a).max(initial=1e-9)).mean() > 0.5)


def about_scales(spread: float) -> str:
    """Return a hint at columns of different scales, where there are some."""
    return f" ({SCALES.format(spread)})" if spread > 1e3 else ""
