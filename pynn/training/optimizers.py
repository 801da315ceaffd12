"""Update rules: how a gradient changes the parameters.

Each is a frozen dataclass that says what the user chose. The formulas are carried out by the
compiled core, in ``csrc/optimizers.h``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pynn import checks


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

    _accepted: ClassVar[dict[str, str]] = {
        "learning_rate": "(0, inf)",
        "beta_1": "[0, 1)",
        "beta_2": "[0, 1)",
        "epsilon": "(0, inf)",
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

    _accepted: ClassVar[dict[str, str]] = {**Adam._accepted, "weight_decay": "[0, inf)"}


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
    """Return an update rule that is given as itself or by its name in any case."""
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
