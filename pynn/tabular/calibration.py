"""Calibration: probabilities and intervals by rows that a network was not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

Array = NDArray[Any]


def tempered(probabilities: Array, temperature: float) -> Array:
    """Return probabilities whose logarithms are divided by a temperature; rows sum to 1."""
    logits = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def temperature(probabilities: Array, y: Array, weights: Array | None = None) -> float:
    """Return the temperature with the least log-loss (Guo et al. 2017)."""
    rows = np.arange(len(y))

    def loss(log_temperature: float) -> float:
        p = tempered(probabilities, np.exp(log_temperature))[rows, y]
        return float(np.average(-np.log(np.maximum(p, 1e-12)), weights=weights))

    return float(np.exp(minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded").x))
