"""Update rules: how a gradient changes the parameters.

Each is a frozen dataclass that says what the user chose. The formulas are carried out by the
compiled core, in ``csrc/optimizers.h``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "Rprop"]


@dataclass(frozen=True)
class Optimizer:
    """What all update rules have in common: a learning rate, and coefficients that are checked.

    Parameters
    ----------
    learning_rate : float
        Positive and finite.
    """

    learning_rate: float

    # Coefficients other than the learning rate: (lowest value, end of the range, is the end in it)
    _ranges: ClassVar[dict[str, tuple[float, float, bool]]] = {}

    def __post_init__(self) -> None:
        """Check every coefficient.

        Raises
        ------
        TypeError
            If a coefficient is not a real number.
        ValueError
            If it is out of its range.
        """
        rule = type(self).__name__
        for name, value in vars(self).items():
            if name == "nesterov":
                if not isinstance(value, bool):
                    raise TypeError(f"{rule}: nesterov must be True or False, got {value!r}")
                continue
            if not isinstance(value, Real) or isinstance(value, bool):
                raise TypeError(f"{rule}: {name} must be a real number, got {value!r}")
            low, high, closed = self._ranges.get(name, (0.0, math.inf, False))
            positive = name in ("learning_rate", "epsilon", "shrink", "smallest", "largest")
            number = float(value)
            above = number > low if positive else number >= low
            below = number <= high if closed else number < high
            if not (above and below):
                bounds = f"{'(' if positive else '['}{low:g}, {high:g}{']' if closed else ')'}"
                raise ValueError(f"{rule}: {name} must be in {bounds}, got {value!r}")

    def _rule(self) -> str:
        """Name of the rule in the compiled core."""
        return type(self).__name__.lower()

    def _coefficients(self) -> dict[str, Any]:
        """Coefficients by the names that the compiled core has for them."""
        return vars(self).copy()


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

    Without momentum ``w -= learning_rate * g``. With momentum a velocity remembers earlier nudges:
    ``v = momentum * v - learning_rate * g`` and ``w += v``, or with ``nesterov``
    ``w += momentum * v - learning_rate * g`` (Sutskever et al. 2013), as in scikit-learn.

    Parameters
    ----------
    learning_rate : float, default=0.1
        Positive.
    momentum : float, default=0.0
        From 0 to 1, both included.
    nesterov : bool, default=False
        Use Nesterov's momentum. Without momentum it changes nothing.

    Raises
    ------
    TypeError, ValueError
        If a coefficient is not of its type or out of its range.

    Examples
    --------
    >>> import pynn
    >>> pynn.SGD(3.0)
    SGD(learning_rate=3.0, momentum=0.0, nesterov=False)
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    _ranges: ClassVar[dict[str, tuple[float, float, bool]]] = {"momentum": (0.0, 1.0, True)}

    def _rule(self) -> str:
        if self.momentum == 0:
            return "sgd"
        return "nesterov" if self.nesterov else "momentum"

    def _coefficients(self) -> dict[str, Any]:
        return {"learning_rate": self.learning_rate, "momentum": self.momentum}


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015).

    ``m`` and ``v`` are running means of the gradient and of its square, and
    ``w -= learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon)`` in
    update ``t``: the form of the end of the paper's section 2, which scikit-learn uses too.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Positive.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of the two means, each from 0 up to but not including 1.
    epsilon : float, default=1e-8
        Positive; keeps the quotient finite.

    Raises
    ------
    TypeError, ValueError
        If a coefficient is not of its type or out of its range.

    Examples
    --------
    >>> import pynn
    >>> pynn.Adam(beta_1=0.8)
    Adam(learning_rate=0.001, beta_1=0.8, beta_2=0.999, epsilon=1e-08)
    """

    learning_rate: float = 0.001
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8

    _ranges: ClassVar[dict[str, tuple[float, float, bool]]] = {
        "beta_1": (0.0, 1.0, False),
        "beta_2": (0.0, 1.0, False),
    }


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    As `Adam`; besides, each update shrinks the weights, not the biases, by
    ``learning_rate * weight_decay`` of themselves.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon
        See `Adam`.
    weight_decay : float, default=0.01
        Not negative.

    Raises
    ------
    TypeError, ValueError
        If a coefficient is not of its type or out of its range.

    Examples
    --------
    >>> import pynn
    >>> pynn.AdamW(weight_decay=0.1).weight_decay
    0.1
    """

    weight_decay: float = 0.01


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton 2012, lecture 6.5).

    ``v = rho * v + (1 - rho) * g**2`` and ``w -= learning_rate * g / (sqrt(v) + epsilon)``.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Positive.
    rho : float, default=0.9
        Decay of the mean square, from 0 up to but not including 1.
    epsilon : float, default=1e-8
        Positive; keeps the quotient finite.

    Raises
    ------
    TypeError, ValueError
        If a coefficient is not of its type or out of its range.

    Examples
    --------
    >>> import pynn
    >>> pynn.RMSprop(0.01)
    RMSprop(learning_rate=0.01, rho=0.9, epsilon=1e-08)
    """

    learning_rate: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-8

    _ranges: ClassVar[dict[str, tuple[float, float, bool]]] = {"rho": (0.0, 1.0, False)}

    def _coefficients(self) -> dict[str, Any]:
        return {
            "learning_rate": self.learning_rate,
            "beta_2": self.rho,
            "epsilon": self.epsilon,
        }


@dataclass(frozen=True)
class Rprop(Optimizer):
    """Rprop, which goes by the signs of the gradient alone (Riedmiller & Braun 1993).

    Each parameter has a step of its own, which grows while the sign of its gradient ``g`` stays
    and shrinks where it has changed since the last update: ``step = min(grow * step, largest)`` or
    ``step = max(shrink * step, smallest)``. Then ``w -= step * sign(g)``, but not where the sign
    has changed, and there the next update takes it as new: iRprop⁻ of Igel & Hüsken 2003.

    It is meant for whole batches (`batch_size` as large as the data): signs of a mini-batch's
    gradient change by chance, and steps shrink without need.

    Parameters
    ----------
    learning_rate : float, default=0.01
        First step; from smallest to largest.
    grow : float, default=1.2
        At least 1.
    shrink : float, default=0.5
        Positive, at most 1.
    smallest, largest : float, default=1e-6, 50.0
        Positive; limits of the steps.

    Raises
    ------
    TypeError, ValueError
        If a coefficient is not of its type or out of its range.

    Examples
    --------
    >>> import pynn
    >>> pynn.Rprop(0.1).grow
    1.2
    """

    learning_rate: float = 0.01
    grow: float = 1.2
    shrink: float = 0.5
    smallest: float = 1e-6
    largest: float = 50.0

    _ranges: ClassVar[dict[str, tuple[float, float, bool]]] = {
        "grow": (1.0, math.inf, False),
        "shrink": (0.0, 1.0, True),
    }

    def __post_init__(self) -> None:
        """Check every coefficient."""
        super().__post_init__()
        if not self.smallest <= self.learning_rate <= self.largest:
            raise ValueError(
                "Rprop: learning_rate must be from smallest to largest, got "
                f"smallest={self.smallest!r}, learning_rate={self.learning_rate!r}, "
                f"largest={self.largest!r}"
            )
