"""Costs with a parameter. The others are chosen by name; ``csrc/costs.h`` has all formulas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from pynn import checks


@dataclass(frozen=True)
class Cost(checks.Checked):
    """A cost with one parameter, and its name in the compiled core."""

    def _name(self) -> str:
        return type(self).__name__.lower()

    def _parameter(self) -> float:
        (value,) = vars(self).values()
        return float(value)


@dataclass(frozen=True)
class Huber(Cost):
    """Huber's cost: quadratic for small errors, linear for large ones (Huber 1964).

    The cost of an output with error ``r`` is ``r**2 / 2`` where ``abs(r) <= delta`` and
    ``delta * (abs(r) - delta / 2)`` elsewhere.

    Parameters
    ----------
    delta : float, default=1.0
        Positive, in the unit of the targets.

    Raises
    ------
    TypeError, ValueError
        If delta is not a real number, or not positive and finite.

    Examples
    --------
    >>> import pynn
    >>> pynn.Network([2, 1], cost=pynn.Huber(delta=1.35), random_state=0).cost_function
    Huber(delta=1.35)
    """

    delta: float = 1.0

    _accepted: ClassVar[dict[str, str]] = {"delta": "(0, inf)"}


@dataclass(frozen=True)
class Quantile(Cost):
    """The pinball loss, which a quantile of the targets minimises (Koenker & Bassett 1978).

    The cost of an output with error ``r = y - a`` is ``quantile * r`` where ``r >= 0`` and
    ``(quantile - 1) * r`` elsewhere; its derivative is taken as 0 where ``r`` is 0.

    Parameters
    ----------
    quantile : float, default=0.5
        Between 0 and 1, both excluded. 0.5 is half the absolute error and predicts medians.

    Raises
    ------
    TypeError, ValueError
        If quantile is not a real number, or not between 0 and 1.

    Examples
    --------
    >>> import pynn
    >>> net = pynn.Network([2, 1], cost=pynn.Quantile(0.9), initializer="zeros")
    >>> round(net.cost([[1, 2], [3, 4]], [10, -10]), 3)
    5.0
    """

    quantile: float = 0.5

    _accepted: ClassVar[dict[str, str]] = {"quantile": "(0, 1)"}


# By their names in the core
PARAMETRISED: dict[str, Callable[..., Cost]] = {"huber": Huber, "quantile": Quantile}
