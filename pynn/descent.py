"""Descent: an update rule at work, with a learning rate that may fall on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.network import Network
from pynn.optimizers import Optimizer

__all__ = ["Descent"]

# Below this an "adaptive" learning rate falls no more, and training ends: scikit-learn's number.
_LOWEST_RATE = 1e-6


class Descent:
    """What `pynn.MLPClassifier` and `pynn.MLPRegressor` go down with, in one fit or several.

    Parameters
    ----------
    optimizer : SGD or Adam
        Update rule, with the learning rate of the start.
    schedule : {"constant", "invscaling", "adaptive"}, default="constant"
        How the learning rate falls: never; as ``1 / (rows seen + 1) ** power_t``, after each
        epoch; to a fifth, where `slow_down` is called.
    power_t : float, default=0.5
        Exponent of "invscaling".

    Attributes
    ----------
    learning_rate : float
        The one in force.
    is_kept : bool
        Whether an estimator's pickles hold it, so that training goes on as it was.
    """

    def __init__(
        self, optimizer: Optimizer, schedule: str = "constant", power_t: float = 0.5
    ) -> None:
        self.optimizer, self.schedule, self.power_t = optimizer, schedule, power_t
        self.learning_rate = optimizer.learning_rate
        self.is_kept = False
        self._memory: tuple[list[NDArray[Any]], int] | None = None  # slots, updates made
        self._state: Any = None

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
            self._set_rate(self.learning_rate)
        return self._state

    def epoch_ended(self, n_rows_seen: int) -> None:
        """Let the learning rate fall if it does so by the number of rows seen in all epochs."""
        if self.schedule == "invscaling":
            self._set_rate(self.optimizer.learning_rate / (n_rows_seen + 1) ** self.power_t)

    def slow_down(self) -> bool:
        """Learn at a fifth of the rate; False, and nothing done, where that is not to be."""
        if self.schedule != "adaptive" or self.learning_rate <= _LOWEST_RATE:
            return False
        self._set_rate(self.learning_rate / 5)
        return True

    def _set_rate(self, rate: float) -> None:
        self.learning_rate = rate
        self._state.set_coefficients(**self.optimizer._coefficients() | {"learning_rate": rate})

    def __getstate__(self) -> dict[str, Any]:
        state = vars(self).copy()
        if self._state is not None:
            state |= {"_state": None, "_memory": (self._state.slots, self._state.n_updates)}
        return state


def _fits(slots: list[NDArray[Any]], network: Network) -> bool:
    like = network.parameters
    return all(slot.shape == like.shape and slot.dtype == like.dtype for slot in slots)
