"""Descent: an update rule at work, with a learning rate that may change on the way."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.network import Network
from pynn.training.optimizers import Optimizer
from pynn.training.schedules import Schedule

__all__ = ["Descent"]

# Below this an "adaptive" learning rate falls no more, and training ends: scikit-learn's number.
_LOWEST_RATE = 1e-6


class Descent:
    """What `pynn.MLPClassifier` and `pynn.MLPRegressor` go down with, in one fit or several.

    Parameters
    ----------
    optimizer : Optimizer
        Update rule, with the learning rate of the start.
    schedule : {"constant", "invscaling", "adaptive"} or Schedule, default="constant"
        How the learning rate changes: never; as ``1 / (rows seen + 1) ** power_t``, after each
        epoch; to a fifth, where `slow_down` is called; or as the schedule says.
    power_t : float, default=0.5
        Exponent of "invscaling".

    Attributes
    ----------
    learning_rate : float
        The one in force, before a schedule's factor.
    monitored : list of float
        What a `Schedule` goes by: a figure for each epoch so far, the lower the better.
    is_kept : bool
        Whether an estimator's pickles hold it, so that training goes on as it was.
    """

    def __init__(
        self, optimizer: Optimizer, schedule: str | Schedule = "constant", power_t: float = 0.5
    ) -> None:
        self.optimizer, self.schedule, self.power_t = optimizer, schedule, power_t
        self.learning_rate = optimizer.learning_rate
        self.monitored: list[float] = []
        self.is_kept = False
        self._memory: tuple[list[NDArray[Any]], int] | None = None  # slots, updates made
        self._state: Any = None

    def going_on_as(self, other: Descent) -> Descent:
        """Return what goes on from here as another says; this one where that says the same.

        A learning rate that has changed on the way stays, unless it is given anew.
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

    def state_on(self, network: Network) -> Any:
        """Return what the core trains this network with, going on from where the rule was."""
        if self._state is None or not _fits(self._state.slots, network):
            slots, n_updates = self._memory or (None, 0)
            if slots is None or not _fits(slots, network):
                self._state = network._new_state(self.optimizer)
            else:  # joblib's memory maps are read-only
                own = [np.array(slot) for slot in slots]
                self._state = network._new_state(self.optimizer, own, n_updates)
            self._memory = None
            self.set_rate(self.learning_rate)
        return self._state

    def rates(self, n_updates: int) -> NDArray[np.float64] | None:
        """Learning rate of each of an epoch's updates, where a schedule says it; else None."""
        if isinstance(self.schedule, str):
            return None
        times = len(self.monitored) + np.arange(n_updates) / n_updates
        return self.learning_rate * self.schedule.factors(times, self.monitored)

    @property
    def rate_now(self) -> float:
        """Learning rate of the next update."""
        rates = None if isinstance(self.schedule, str) else self.rates(1)
        return self.learning_rate if rates is None else float(rates[0])

    def epoch_ended(self, n_rows_seen: int, monitored: float) -> None:
        """Take note of an epoch, and of all the rows seen until then."""
        if not isinstance(self.schedule, str):
            self.monitored.append(monitored)
        elif self.schedule == "invscaling":
            self.set_rate(self.optimizer.learning_rate / (n_rows_seen + 1) ** self.power_t)

    def slow_down(self) -> bool:
        """Learn at a fifth of the rate; False, and nothing done, where that is not to be."""
        if self.schedule != "adaptive" or self.learning_rate <= _LOWEST_RATE:
            return False
        self.set_rate(self.learning_rate / 5)
        return True

    def set_rate(self, rate: float) -> None:
        """Go on at this learning rate."""
        self.learning_rate = rate
        if self._state is not None:
            coefficients = self.optimizer._coefficients() | {"learning_rate": rate}
            self._state.set_coefficients(**coefficients)

    @property
    def memory(self) -> tuple[list[NDArray[Any]], int] | None:
        """What the rule remembers: its slots, each (n_parameters,), and the updates made."""
        if self._state is None:
            return self._memory
        return self._state.slots, self._state.n_updates

    def remember(self, slots: list[NDArray[Any]], n_updates: int) -> None:
        """Go on from what the rule remembered at another time."""
        self._state, self._memory = None, (slots, n_updates)

    def copy(self) -> Descent:
        """Return one that goes its own way from here."""
        twin = copy.copy(self)
        if self.memory is not None:
            slots, n_updates = self.memory
            twin._memory = [slot.copy() for slot in slots], n_updates
        twin.monitored = list(self.monitored)
        return twin

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_state": None, "_memory": self.memory}


def _fits(slots: list[NDArray[Any]], network: Network) -> bool:
    like = network.parameters
    return all(slot.shape == like.shape and slot.dtype == like.dtype for slot in slots)
