"""What a fit asks of rows that are in other processes, such as the shards of `pynn.dask`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from pynn.model.model import Model
from pynn.training.descent import Descent
from pynn.training.learners import Learner, Plan
from pynn.training.loop import Measure
from pynn.training.state import State


@runtime_checkable
class Elsewhere(Protocol):
    """Training rows."""

    spread: float  # see `pynn.estimators.advice.spread_of_scales`

    def learner(self, model: Model, descent: Descent, plan: Plan) -> Learner:
        """Return what trains the model for an epoch."""

    def description(self) -> dict[str, str]:
        """Describe all rows for checkpoints."""

    def __call__(self, state: State) -> None:
        """Record more figures of an epoch: a callback, called before those of the user."""


@runtime_checkable
class HeldOutElsewhere(Protocol):
    """A validation set."""

    def description(self) -> dict[str, str]:
        """Describe all rows for checkpoints."""

    def measure(self, estimator: Any, model: Model) -> Callable[[], tuple[float, float | None]]:
        """Return a function that computes cost, without penalty, and score.

        A score of None stands for the negative loss.
        """


def measured_elsewhere(
    held_out: HeldOutElsewhere, estimator: Any, model: Model, divisor: float, prefix: str
) -> Measure:
    """Return a function that computes loss and score of a validation set."""
    measure = held_out.measure(estimator, model)

    def figures() -> dict[str, float]:
        cost, score = measure()
        loss = cost / divisor
        return {f"{prefix}cost": loss, f"{prefix}score": -loss if score is None else score}

    return figures
