"""Costs that have a parameter. The others go by their names; ``csrc/costs.h`` has all formulas."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

__all__ = ["Cost", "Huber"]


@dataclass(frozen=True)
class Huber:
    """Huber's cost: quadratic for small errors, linear for large ones (Huber 1964).

    Each output with error ``r`` costs ``r**2 / 2`` where ``abs(r) <= delta`` and
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

    def __post_init__(self) -> None:
        """Check delta."""
        if not isinstance(self.delta, Real) or isinstance(self.delta, bool):
            raise TypeError(f"Huber: delta must be a real number, got {self.delta!r}")
        if not 0 < self.delta < math.inf:
            raise ValueError(f"Huber: delta must be positive and finite, got {self.delta!r}")


Cost = Huber  # those that have a parameter
