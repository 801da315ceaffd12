"""Activations and costs as a textbook writes them; what is computed stands in csrc/."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, xlogy

__all__ = ["ACTIVATIONS", "COSTS", "ActivationWords", "CostWords"]

Array = NDArray[Any]
Write = Callable[[float], str]  # a number as a factor: in brackets where it is negative


@dataclass(frozen=True)
class ActivationWords:
    """f(z) and f′(z), and the latter as factors with numbers in place of a, if it has such."""

    value: str
    slope: str
    factors: Callable[[str], str] | None = None


ACTIVATIONS = {
    "identity": ActivationWords("z", "1", lambda a: ""),
    "sigmoid": ActivationWords("1 / (1 + e^−z)", "a·(1 − a)", lambda a: f"·{a}·(1 − {a})"),
    "tanh": ActivationWords("tanh z", "1 − a²", lambda a: f"·(1 − {a}²)"),
    "relu": ActivationWords("z above 0, else 0", "1 above 0, else 0"),
    "leaky_relu": ActivationWords("z above 0, else 0.01·z", "1 above 0, else 0.01"),
    "elu": ActivationWords("z above 0, else e^z − 1", "1 above 0, else a + 1"),
    "gelu": ActivationWords("z·Φ(z)", "Φ(z) + z·φ(z)"),
    "silu": ActivationWords("z·s with s = 1 / (1 + e^−z)", "s + a·(1 − s)"),
    "softplus": ActivationWords("ln(1 + e^z)", "1 / (1 + e^−z)"),
    "exp": ActivationWords("e^z", "a", lambda a: f"·{a}"),
    "softmax": ActivationWords("e^z / (sum of e^z over the layer)", ""),
}


@dataclass(frozen=True)
class CostWords:
    """What one output adds to the cost, and ∂C/∂a; each also with numbers a, y and parameter.

    The value is of all outputs of a row at once, from z, a, y and the parameter; where a may be
    rounded to 0 or 1, from z. Of the cross-entropies the parameter is how far a is kept from both.
    """

    value: str
    slope: str
    value_of: Callable[[float, float, float, Write], str]
    slope_of: Callable[[float, float, float, Write], str]
    computed: Callable[[Array, Array, Array, float], Array]


def _huber_of(a: float, y: float, delta: float, n: Write) -> str:
    if abs(a - y) <= delta:
        return f"½·({n(a)} − {n(y)})²"
    return f"{n(delta)}·(|{n(a)} − {n(y)}| − ½·{n(delta)})"


def _huber(z: Array, a: Array, y: Array, delta: float) -> Array:
    inner: Array = np.minimum(np.abs(a - y), delta)
    costs: Array = inner * (np.abs(a - y) - inner / 2)
    return costs


def _quantile_of(a: float, y: float, q: float, n: Write) -> str:
    return f"{n(1 - q)}·({n(a)} − {n(y)})" if a > y else f"{n(q)}·({n(y)} − {n(a)})"


def _two_logarithms_of(a: float, y: float, _: float, n: Write) -> str:
    terms = ["" if y == 0 else f"−{_times(y, n)}ln {n(a)}"]
    terms += ["" if y == 1 else f"−{_times(1 - y, n)}ln(1 − {n(a)})"]
    return " ".join(filter(None, terms)).replace(" −", " − ")


def _two_slopes_of(a: float, y: float, _: float, n: Write) -> str:
    terms = ["" if y == 1 else f"{n(1 - y)} / (1 − {n(a)})", "" if y == 0 else f"−{n(y)} / {n(a)}"]
    return " ".join(filter(None, terms)).replace(" −", " − ")


def _capped(minus_log: Array, least: float) -> Array:
    """Return −ln of a where that is kept by `least` from 0 and 1."""
    capped: Array = np.clip(minus_log, -np.log1p(-least), -np.log(least) if least else np.inf)
    return capped


def _binary_cross_entropy(z: Array, a: Array, y: Array, least: float) -> Array:
    right, wrong = _capped(np.logaddexp(0, -z), least), _capped(np.logaddexp(0, z), least)
    costs: Array = y * right + (1 - y) * wrong
    return costs


def _times(y: float, n: Write) -> str:
    return "" if y == 1 else f"{n(y)}·"


COSTS = {
    "squared_error": CostWords(
        "½·(a − y)²",
        "a − y",
        lambda a, y, _, n: f"½·({n(a)} − {n(y)})²",
        lambda a, y, _, n: f"{n(a)} − {n(y)}",
        lambda z, a, y, _: (a - y) ** 2 / 2,
    ),
    "absolute_error": CostWords(
        "|a − y|",
        "the sign of a − y",
        lambda a, y, _, n: f"|{n(a)} − {n(y)}|",
        lambda a, y, _, n: "",
        lambda z, a, y, _: np.abs(a - y),
    ),
    "huber": CostWords(
        "½·(a − y)², but linear where |a − y| is above {}",
        "a − y, but within ±{}",
        _huber_of,
        lambda a, y, delta, n: f"{n(a)} − {n(y)}" if abs(a - y) <= delta else "",
        _huber,
    ),
    "quantile": CostWords(
        "{0}·(y − a), or (1 − {0})·(a − y) where a is above y",
        "−{0}, or 1 − {0} where a is above y",
        _quantile_of,
        lambda a, y, _, n: "",
        lambda z, a, y, q: np.where(a > y, (1 - q) * (a - y), q * (y - a)),
    ),
    "poisson": CostWords(
        "y·ln(y / a) − y + a",
        "1 − y / a",
        lambda a, y, _, n: f"{n(y)}·ln({n(y)} / {n(a)}) − {n(y)} + {n(a)}" if y else n(a),
        lambda a, y, _, n: f"1 − {n(y)} / {n(a)}" if y else "",
        lambda z, a, y, _: xlogy(y, y) - y * z - y + a,
    ),
    "binary_cross_entropy": CostWords(
        "−y·ln a − (1 − y)·ln(1 − a)",
        "(1 − y) / (1 − a) − y / a",
        _two_logarithms_of,
        _two_slopes_of,
        _binary_cross_entropy,
    ),
    "cross_entropy": CostWords(
        "−y·ln a",
        "−y / a",
        lambda a, y, _, n: f"−{_times(y, n)}ln {n(a)}" if y else "",
        lambda a, y, _, n: f"−{n(y)} / {n(a)}" if y else "",
        lambda z, a, y, least: y * _capped(-log_softmax(z), least),
    ),
}
