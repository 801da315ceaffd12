"""Update rules: how a gradient changes the parameters.

Each is a frozen dataclass with the settings of a rule. The compiled core computes the formulas, in
``csrc/optimizers.h``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pynn import checks
from pynn.training.schedules import Scheduled, initial


@dataclass(frozen=True)
class Optimizer(checks.Checked):
    """An update rule: a learning rate and further coefficients.

    Parameters
    ----------
    learning_rate : float
        Positive and finite.
    """

    learning_rate: float

    def _rule(self) -> str:
        """Name of the rule in the compiled core."""
        return type(self).__name__.lower()

    def _coefficients(self) -> dict[str, Any]:
        """Coefficients by the names that the compiled core has for them."""
        return vars(self).copy()


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum.

    Without momentum ``w -= learning_rate * g``. With momentum, a velocity accumulates earlier
    updates: ``v = momentum * v - learning_rate * g`` and ``w += v``, or with ``nesterov``
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
        If a coefficient has the wrong type or is out of range.

    Examples
    --------
    >>> import pynn
    >>> pynn.SGD(3.0)
    SGD(learning_rate=3.0, momentum=0.0, nesterov=False)
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    _accepted: ClassVar[dict[str, str]] = {"learning_rate": "(0, inf)", "momentum": "[0, 1]"}

    def __post_init__(self) -> None:
        """Check every coefficient."""
        super().__post_init__()
        if not isinstance(self.nesterov, bool):
            raise TypeError(f"SGD: nesterov must be True or False, got {self.nesterov!r}")

    def _rule(self) -> str:
        if self.momentum == 0:
            return "sgd"
        return "nesterov" if self.nesterov else "momentum"

    def _coefficients(self) -> dict[str, Any]:
        return {"learning_rate": self.learning_rate, "momentum": self.momentum}


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam (Kingma & Ba 2015).

    ``m`` and ``v`` are running means of the gradient and of its square, and ``w -= learning_rate *
    sqrt(1 - beta_2**t) / (1 - beta_1**t) * m / (sqrt(v) + epsilon)`` in update ``t``. This form is
    given at the end of section 2 of the paper; scikit-learn uses it too.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Positive.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the two running means, each from 0 up to but not including 1.
    epsilon : float, default=1e-8
        Positive; keeps the quotient finite.

    Raises
    ------
    TypeError, ValueError
        If a coefficient has the wrong type or is out of range.

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

    _accepted: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "beta_1": "[0, 1)",
        "beta_2": "[0, 1)",
        "epsilon": "(0, inf)",
    }


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019).

    Like `Adam`, but each update also multiplies the weights, not the biases, by
    ``1 - learning_rate * weight_decay``.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon
        See `Adam`.
    weight_decay : float or Scheduled, default=0.01
        Not negative.

    Raises
    ------
    TypeError, ValueError
        If a coefficient has the wrong type or is out of range.

    Examples
    --------
    >>> import pynn
    >>> pynn.AdamW(weight_decay=0.1).weight_decay
    0.1
    """

    weight_decay: float | Scheduled = 0.01

    def __post_init__(self) -> None:
        """Check every coefficient."""
        super().__post_init__()
        checks.number("AdamW: weight_decay", initial(self.weight_decay), "[0, inf)")

    def _coefficients(self) -> dict[str, Any]:
        return super()._coefficients() | {"weight_decay": initial(self.weight_decay)}


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop (Tieleman & Hinton 2012, lecture 6.5).

    ``v = rho * v + (1 - rho) * g**2`` and ``w -= learning_rate * g / (sqrt(v) + epsilon)``.

    Parameters
    ----------
    learning_rate : float, default=0.001
        Positive.
    rho : float, default=0.9
        Decay rate of the mean square, from 0 up to but not including 1.
    epsilon : float, default=1e-8
        Positive; keeps the quotient finite.

    Raises
    ------
    TypeError, ValueError
        If a coefficient has the wrong type or is out of range.

    Examples
    --------
    >>> import pynn
    >>> pynn.RMSprop(0.01)
    RMSprop(learning_rate=0.01, rho=0.9, epsilon=1e-08)
    """

    learning_rate: float = 0.001
    rho: float = 0.9
    epsilon: float = 1e-8

    _accepted: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "rho": "[0, 1)",
        "epsilon": "(0, inf)",
    }

    def _coefficients(self) -> dict[str, Any]:
        return {
            "learning_rate": self.learning_rate,
            "beta_2": self.rho,
            "epsilon": self.epsilon,
        }


@dataclass(frozen=True)
class Rprop(Optimizer):
    """Rprop, which uses only the signs of the gradient (Riedmiller & Braun 1993).

    Each parameter has its own step. The step grows while the sign of the gradient ``g`` stays the
    same and shrinks when the sign changes: ``step = min(grow * step, largest)`` or
    ``step = max(shrink * step, smallest)``. Then ``w -= step * sign(g)``, unless the sign has
    changed: ``w`` then stays, and the next update does not compare signs (iRprop⁻, Igel & Hüsken
    2003).

    Use full batches (`batch_size` as large as the data). The signs of a mini-batch's gradient
    change by chance, which shrinks the steps needlessly.

    Parameters
    ----------
    learning_rate : float, default=0.01
        Initial step, from `smallest` to `largest`.
    grow : float, default=1.2
        Factor of a growing step; at least 1.
    shrink : float, default=0.5
        Factor of a shrinking step; positive, at most 1.
    smallest, largest : float, default=1e-6, 50.0
        Limits of the steps; positive.

    Raises
    ------
    TypeError, ValueError
        If a coefficient has the wrong type or is out of range.

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

    _accepted: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "grow": "[1, inf)",
        "shrink": "(0, 1]",
        "smallest": "(0, inf)",
        "largest": "(0, inf)",
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


# By name, for `Network.fit(optimizer="adam")`
OPTIMIZERS: dict[str, type[Optimizer]] = {
    kind.__name__.lower(): kind for kind in (SGD, Adam, AdamW, RMSprop, Rprop)
}


def chosen(given: object) -> Optimizer:
    """Return an update rule, given as an object or by its case-insensitive name."""
    if isinstance(given, Optimizer):
        return given
    if isinstance(given, str) and given.lower() in OPTIMIZERS:
        return OPTIMIZERS[given.lower()]()  # type: ignore[call-arg]
    hint = ""
    if isinstance(given, type) and issubclass(given, Optimizer):
        hint = f"; use an object: {given.__name__}()"
    accepted = "SGD, Adam, AdamW, RMSprop or Rprop"
    error = ValueError if isinstance(given, str) else TypeError
    raise error(f"optimizer must be {accepted}, or one of these names, got {given!r}{hint}")
