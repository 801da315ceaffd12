"""The formulas of activations and costs as text; csrc/ computes their values.

Formulas use the letters a (activation), y (target), u (1 − y), p (parameter of the cost) and
q (1 − p). `filled` puts numbers in their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def filled(formula: str, numbers: Mapping[str, str]) -> str:
    """Replace the letters of a formula by numbers."""
    letter = rf"(?<![a-z])[{''.join(numbers)}](?![a-z])"
    return re.sub(letter, lambda found: numbers[found[0]], formula)


class ActivationWords(NamedTuple):
    """An activation a = f(z), its slope f′(z), and the slope as a factor if a alone gives it."""

    value: str
    slope: str
    factor: str = ""


ACTIVATIONS = {
    "identity": ActivationWords("z", "1"),
    "sigmoid": ActivationWords("1 / (1 + e^−z)", "a·(1 − a)", "a·(1 − a)"),
    "tanh": ActivationWords("tanh z", "1 − a²", "(1 − a²)"),
    "relu": ActivationWords("z above 0, else 0", "1 above 0, else 0"),
    "leaky_relu": ActivationWords("z above 0, else 0.01·z", "1 above 0, else 0.01"),
    "elu": ActivationWords("z above 0, else e^z − 1", "1 above 0, else a + 1"),
    "gelu": ActivationWords("z·Φ(z)", "Φ(z) + z·φ(z)"),
    "silu": ActivationWords("z·s with s = 1 / (1 + e^−z)", "s + a·(1 − s)"),
    "softplus": ActivationWords("ln(1 + e^z)", "1 / (1 + e^−z)"),
    "exp": ActivationWords("e^z", "a", "a"),
    "softmax": ActivationWords("e^z / (sum of e^z over the layer)", ""),
}


class CostWords(NamedTuple):
    """The cost of one output and its slope ∂C/∂a.

    `value_at` and `slope_at` take a, y and p and return the formula that applies there, or "" if
    the number alone is shown. `computed` takes z, a, y and p of all outputs of a row; it uses z
    where a may be rounded to 0 or 1. The p of both cross-entropies is the distance that a keeps
    from 0 and 1.
    """

    value: str
    slope: str
    computed: Callable[[Array, Array, Array, float], Array]
    value_at: Callable[[float, float, float], str]
    slope_at: Callable[[float, float, float], str]


def _huber(z: Array, a: Array, y: Array, delta: float) -> Array:
    error = np.abs(a - y)
    inner = np.minimum(error, delta)
    costs: Array = inner * (error - inner / 2)
    return costs


def _capped(minus_log: Array, least: float) -> Array:
    """Return −ln a for activations that keep the distance `least` from 0 and 1."""
    capped: Array = np.clip(minus_log, -np.log1p(-least), -np.log(least) if least else np.inf)
    return capped


def _binary_cross_entropy(z: Array, a: Array, y: Array, least: float) -> Array:
    one, zero = (_capped(np.logaddexp(0, logit), least) for logit in (-z, z))
    costs: Array = y * one + (1 - y) * zero
    return costs


COSTS = {
    "squared_error": CostWords(
        "½·(a − y)²",
        "a − y",
        lambda z, a, y, p: (a - y) ** 2 / 2,
        lambda a, y, p: "½·(a − y)²",
        lambda a, y, p: "a − y",
    ),
    "absolute_error": CostWords(
        "|a − y|",
        "the sign of a − y",
        lambda z, a, y, p: np.abs(a - y),
        lambda a, y, p: "|a − y|",
        lambda a, y, p: "",
    ),
    "huber": CostWords(
        "½·(a − y)², but linear where |a − y| is above p",
        "a − y, but within ±p",
        _huber,
        lambda a, y, p: "½·(a − y)²" if abs(a - y) <= p else "p·(|a − y| − ½·p)",
        lambda a, y, p: "a − y" if abs(a - y) <= p else "",
    ),
    "quantile": CostWords(
        "p·(y − a), or (1 − p)·(a − y) where a is above y",
        "−p, or 1 − p where a is above y",
        lambda z, a, y, p: np.where(a > y, (1 - p) * (a - y), p * (y - a)),
        lambda a, y, p: "q·(a − y)" if a > y else "p·(y − a)",
        lambda a, y, p: "",
    ),
    "poisson": CostWords(
        "y·ln(y / a) − y + a",
        "1 − y / a",
        lambda z, a, y, p: y * (np.log(np.where(y, y, 1)) - z) - y + a,
        lambda a, y, p: "y·ln(y / a) − y + a" if y else "a",
        lambda a, y, p: "1 − y / a" if y else "",
    ),
    "binary_cross_entropy": CostWords(
        "−y·ln a − (1 − y)·ln(1 − a)",
        "(1 − y) / (1 − a) − y / a",
        _binary_cross_entropy,
        lambda a, y, p: {0.0: "−ln(1 − a)", 1.0: "−ln a"}.get(y, "−y·ln a − u·ln(1 − a)"),
        lambda a, y, p: {0.0: "u / (1 − a)", 1.0: "−y / a"}.get(y, "u / (1 − a) − y / a"),
    ),
    "cross_entropy": CostWords(
        "−y·ln a",
        "−y / a",
        lambda z, a, y, p: y * _capped(np.logaddexp.reduce(z) - z, p),
        lambda a, y, p: {0.0: "", 1.0: "−ln a"}.get(y, "−y·ln a"),
        lambda a, y, p: "−y / a" if y else "",
    ),
}
