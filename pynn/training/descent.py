"""Descent: an update rule at work, with its state and its learning rate."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import _core
from pynn.model.model import Model
from pynn.model.parameters import zeros
from pynn.training.optimizers import Optimizer
from pynn.training.schedules import Schedule

# An "adaptive" learning rate falls no further than this: scikit-learn's number.
_LOWEST_RATE = 1e-6

Slots = list[NDArray[Any]]


class Descent:
    """An update rule, its state and its learning rate, over one fit or several.

    Parameters
    ----------
    optimizer : Optimizer
        Update rule, with the initial learning rate.
    schedule : {"constant", "invscaling", "adaptive"} or Schedule, default="constant"
        How the learning rate changes: never; as ``1 / (rows seen + 1) ** power_t``, after each
        epoch; to a fifth at each call of `slow_down`; or as the schedule says.
    power_t : float, default=0.5
        Exponent of "invscaling".

    Attributes
    ----------
    learning_rate : float
        The current one, before the factor of a `Schedule`.
    monitored : list of float
        The figure of each epoch that a `Schedule` reads; lower is better.
    is_kept : bool
        Whether pickles of an estimator include it, so that training continues from its state.
    """

    def __init__(
        self, optimizer: Optimizer, schedule: str | Schedule = "constant", power_t: float = 0.5
    ) -> None:
        self.optimizer, self.schedule, self.power_t = optimizer, schedule, power_t
        self.learning_rate = optimizer.learning_rate
        self.monitored: list[float] = []
        self.is_kept = False
        self._memory: tuple[Slots, int] | None = None  # slots, updates made
        self._state: _core.State | None = None

    def continued_as(self, other: Descent) -> Descent:
        """Return a descent with the settings of `other` and the state of this one.

        A learning rate that has changed on the way stays, unless `other` has another one.
        """
        now, then = other.optimizer, self.optimizer
        if (now, other.schedule, other.power_t) == (then, self.schedule, self.power_t):
            return self
        if self.memory is not None and now._rule() == then._rule():
            other.remember(*self.memory)
        if now.learning_rate == then.learning_rate and other.schedule == self.schedule:
            other.learning_rate = self.learning_rate
        other.monitored = self.monitored
        return other

    def state_on(self, model: Model) -> _core.State:
        """Return the core's state for this model, continued where it fits the parameters."""
        if self._state is None or not _fits(self._state.slots, model):
            slots, n_updates = self._memory or ([], 0)
            n_slots = self.n_slots
            if len(slots) == n_slots and _fits(slots, model):
                slots = [np.array(slot) for slot in slots]  # joblib's memory maps are read-only
            else:
                slots = [zeros(model.n_parameters, model.dtype) for _ in range(n_slots)]
                n_updates = 0
            self.update_in_place(slots, n_updates)
        assert self._state is not None
        return self._state

    @property
    def n_slots(self) -> int:
        """Number of values that the rule stores for each parameter."""
        return _core.RULES[self.optimizer._rule()]

    @property
    def is_scheduled(self) -> bool:
        """Whether a `Schedule` sets the learning rate of each update."""
        return not isinstance(self.schedule, str)

    def rates(self, n_updates: int) -> NDArray[np.float64] | None:
        """Return the learning rate of each update of an epoch; None without a `Schedule`."""
        if isinstance(self.schedule, str):
            return None
        times = len(self.monitored) + np.arange(n_updates) / n_updates
        return self.learning_rate * self.schedule.factors(times, self.monitored)

    @property
    def rate_now(self) -> float:
        """Learning rate of the next update."""
        rates = self.rates(1) if self.is_scheduled else None
        return self.learning_rate if rates is None else float(rates[0])

    def epoch_ended(self, n_rows_seen: int, monitored: float) -> None:
        """Take the figure of an epoch, and the number of rows seen so far."""
        if self.is_scheduled:
            self.monitored.append(monitored)
        elif self.schedule == "invscaling":
            self.set_rate(self.optimizer.learning_rate / (n_rows_seen + 1) ** self.power_t)

    def slow_down(self) -> bool:
        """Divide an "adaptive" learning rate by 5; return False where that is not possible."""
        if self.schedule != "adaptive" or self.learning_rate <= _LOWEST_RATE:
            return False
        self.set_rate(self.learning_rate / 5)
        return True

    def set_rate(self, rate: float) -> None:
        """Continue at this learning rate."""
        self.learning_rate = rate
        if self._state is not None:
            coefficients = self.optimizer._coefficients() | {"learning_rate": rate}
            self._state.set_coefficients(**coefficients)

    @property
    def memory(self) -> tuple[Slots, int] | None:
        """State of the rule: its slots, each (n_parameters,), and the number of updates."""
        if self._state is None:
            return self._memory
        return self._state.slots, self._state.n_updates

    @property
    def n_updates(self) -> int:
        """Number of updates so far."""
        return 0 if self.memory is None else self.memory[1]

    def remember(self, slots: Slots, n_updates: int) -> None:
        """Continue from this state of the rule."""
        self._state, self._memory = None, (slots, n_updates)

    def update_in_place(self, slots: Slots, n_updates: int) -> None:
        """Continue from this state of the rule, and update these slots."""
        coefficients = self.optimizer._coefficients()
        self._state = _core.State(self.optimizer._rule(), slots, n_updates, **coefficients)
        self._memory = None
        self.set_rate(self.learning_rate)

    def copy(self) -> Descent:
        """Return an independent copy."""
        twin = object.__new__(Descent)
        vars(twin).update(vars(self))
        if self.memory is not None:
            slots, n_updates = self.memory
            twin.remember([slot.copy() for slot in slots], n_updates)
        twin.monitored = list(self.monitored)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_state": None, "_memory": self.memory}


def _fits(slots: Slots, model: Model) -> bool:
    like = model.parameters
    return all(slot.shape == like.shape and slot.dtype == like.dtype for slot in slots)
