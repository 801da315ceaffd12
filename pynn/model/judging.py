"""Judging: the classes that outputs stand for, and how well outputs match their targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.model.architecture import Architecture

Array = NDArray[Any]


def classes_of(architecture: Architecture, out: Array) -> Array:
    """Return the class of each row of outputs: see `Model.predict_classes`."""
    n_out, classes = out.shape[1], architecture.classes
    if n_out == 1 and classes is None and architecture.activations[-1] != "sigmoid":
        raise ValueError(
            "predict_classes needs classes, several outputs or a sigmoid output; the only output "
            f"is {architecture.activations[-1]}"
        )
    if n_out > 1 and classes is None and architecture.cost_name == "binary_cross_entropy":
        return (out > 0.5).astype(np.int64)
    numbers = out.argmax(axis=1) if n_out > 1 else (out[:, 0] > 0.5).astype(np.int64)
    return numbers if classes is None else np.array(classes)[numbers]


def score(architecture: Architecture, out: Array, y: Array, weights: Array | None) -> float:
    """Return the accuracy of classes or the R² of numbers, from encoded targets."""
    if y.ndim == 1 and out.shape[1] > 1:
        right = out.argmax(axis=1) == y
    elif not architecture.tells_classes:
        return _r2(y.reshape(out.shape), out, weights)
    elif architecture.cost_name == "binary_cross_entropy" or out.shape[1] == 1:
        right = ((out > 0.5) == (y.reshape(out.shape) > 0.5)).all(axis=1)
    else:
        right = out.argmax(axis=1) == y.argmax(axis=1)
    return float(np.average(right, weights=weights))


def _r2(y: Array, out: Array, weights: Array | None) -> float:
    """Mean over the outputs of 1 − Σ w (y − a)² / Σ w (y − ȳ)²; as scikit-learn's r2_score.

    Where the targets are all the same it is 1 if they are met, else 0.
    """
    y, w = y.astype(np.float64), np.ones(len(y)) if weights is None else weights
    w = np.ldexp(w, -np.frexp(w.max())[1])  # sums of the largest weights would overflow
    with np.errstate(all="ignore"):  # outputs that explode have a score of -inf or NaN
        residual = w @ (y - out) ** 2
        total = w @ (y - np.average(y, axis=0, weights=w)) ** 2
        shares = np.where(total > 0, residual / total, residual > 0)
    return float((1 - shares).mean())
