"""The formulas of activations and costs as text; csrc/ computes their values.

Formulas use the letters a (activation), y (target), u (1 − y), p (parameter of the activation or
the cost) and q (1 − p). `filled` puts numbers in their place.
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
    "leaky_relu": ActivationWords("z above 0, else p·z", "1 above 0, else p"),
    "elu": ActivationWords("z above 0, else e^z − 1", "1 above 0, else a + 1"),
    "selu": ActivationWords(
        "1.0507·z above 0, else 1.7581·(e^z − 1)", "1.0507 above 0, else a + 1.7581"
    ),
    "gelu": ActivationWords("z·Φ(z)", "Φ(z) + z·φ(z)"),
    "silu": ActivationWords("z·s with s = 1 / (1 + e^−z)", "s + a·(1 − s)"),
    "mish": ActivationWords(
        "z·t with t = tanh(ln(1 + e^z))", "t + z·(1 − t²)·s with s = 1 / (1 + e^−z)"
    ),
    "softplus": ActivationWords("ln(1 + e^z)", "1 / (1 + e^−z)"),
    "exp": ActivationWords("e^z", "a", "a"),
    "softmax": ActivationWords("e^z / (sum of e^z over the layer)", ""),
}

# Rules of the cost of one output and of its slope ∂C/∂a.
COSTS = {
    "squared_error": ("½·(a − y)²", "a − y"),
    "absolute_error": ("|a − y|", "the sign of a − y"),
    "huber": ("½·(a − y)², but linear where |a − y| is above p", "a − y, but within ±p"),
    "quantile": (
        "p·(y − a), or (1 − p)·(a − y) where a is above y",
        "−p, or 1 − p where a is above y",
    ),
    "poisson": ("y·ln(y / a) − y + a", "1 − y / a"),
    "binary_cross_entropy": ("−y·ln a − (1 − y)·ln(1 − a)", "(1 − y) / (1 − a) − y / a"),
    "cross_entropy": ("−y·ln a", "−y / a"),
}


def _huber(a: float, y: float, p: float) -> tuple[str, str]:
    return ("½·(a − y)²", "a − y") if abs(a - y) <= p else ("p·(|a − y| − ½·p)", "")


def _binary(a: float, y: float, p: float) -> tuple[str, str]:
    if y in (0, 1):
        return ("−ln a", "−y / a") if y else ("−ln(1 − a)", "u / (1 − a)")
    return "−y·ln a − u·ln(1 − a)", "u / (1 − a) − y / a"


# Formulas of both that apply to given a, y and p; "" if the number alone is shown.
FORMULAS: dict[str, Callable[[float, float, float], tuple[str, str]]] = {
    "squared_error": lambda a, y, p: ("½·(a − y)²", "a − y"),
    "absolute_error": lambda a, y, p: ("|a − y|", ""),
    "huber": _huber,
    "quantile": lambda a, y, p: ("q·(a − y)" if a > y else "p·(y − a)", ""),
    "poisson": lambda a, y, p: ("y·ln(y / a) − y + a", "1 − y / a") if y else ("a", ""),
    "binary_cross_entropy": _binary,
    "cross_entropy": lambda a, y, p: (
        ("−ln a" if y == 1 else "−y·ln a", "−y / a") if y else ("", "")
    ),
}


def _capped(minus_log: Array, p: float) -> Array:
    """Return −ln a for activations that keep the distance p from 0 and 1."""
    return minus_log.clip(-np.log1p(-p), -np.log(p))


def _softplus(z: Array, p: float) -> Array:
    return _capped(np.logaddexp(0, z), p)


# Costs of all outputs of a row; computed from z where a may be rounded to 0 or 1. The p of both
# cross-entropies is the distance that a keeps from 0 and 1.
VALUES: dict[str, Callable[[Array, Array, Array, float], Array]] = {
    "squared_error": lambda z, a, y, p: (a - y) ** 2 / 2,
    "absolute_error": lambda z, a, y, p: np.abs(a - y),
    "huber": lambda z, a, y, p: np.where(
        abs(a - y) <= p, (a - y) ** 2 / 2, p * (abs(a - y) - p / 2)
    ),
    "quantile": lambda z, a, y, p: np.where(a > y, (1 - p) * (a - y), p * (y - a)),
    "poisson": lambda z, a, y, p: y * (np.log(np.where(y, y, 1)) - z) - y + a,
    "binary_cross_entropy": lambda z, a, y, p: y * _softplus(-z, p) + (1 - y) * _softplus(z, p),
    "cross_entropy": lambda z, a, y, p: y * _capped(np.logaddexp.reduce(z) - z, p),
}
