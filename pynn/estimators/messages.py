"""Messages: scikit-learn's words, which programs filter and match, and hints of our own."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.exceptions import ConvergenceWarning

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
