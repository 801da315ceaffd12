"""Strengths: penalties, dropout and weight decay of each update, where these follow schedules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.model.regularisation import Regularisation
from pynn.training.optimizers import Optimizer
from pynn.training.schedules import Schedule, Scheduled, initial
from pynn.training.state import State

# (argument, number of the layer, schedule) of each number that follows one
Schedules = tuple[tuple[str, int, Schedule], ...]

_BY_LAYER = ("alpha", "l1", "dropout")  # in the order of the core


def split(arguments: Mapping[str, Any], n_layers: int) -> tuple[dict[str, Any], Schedules]:
    """Return arguments of `Regularisation.checked` at the start of a fit, and their schedules."""
    plain, found = dict(arguments), []
    for name in _BY_LAYER:
        given = arguments[name]
        if isinstance(given, Scheduled):
            given = [given] * (n_layers - 1 if name == "dropout" else n_layers)
        elif not isinstance(given, Iterable) or isinstance(given, str | bytes):
            continue
        values = list(given)
        found += [
            (name, layer, value.schedule)
            for layer, value in enumerate(values)
            if isinstance(value, Scheduled)
        ]
        plain[name] = [initial(value) for value in values]
    return plain, tuple(found)


class Strengths:
    """What the core takes for each update of a fit.

    Parameters
    ----------
    regularisation : Regularisation
        Numbers at the start of the fit.
    schedules : Schedules
    optimizer : Optimizer
        Its weight decay may follow a schedule, too.
    state : State
        Of the fit: the time, and the figures that schedules read.
    """

    def __init__(
        self,
        regularisation: Regularisation,
        schedules: Schedules,
        optimizer: Optimizer,
        state: State,
    ) -> None:
        decay = getattr(optimizer, "weight_decay", 0.0)
        n_layers = len(regularisation.alpha)
        dropout = regularisation.dropout or (0.0,) * (n_layers - 1)
        self._start = np.array(
            [*regularisation.alpha, *regularisation.l1, *dropout, initial(decay)]
        )
        self._columns = [
            (_BY_LAYER.index(name) * n_layers + layer, schedule)
            for name, layer, schedule in schedules
        ]
        if isinstance(decay, Scheduled):
            self._columns.append((-1, decay.schedule))
        self._below_1 = slice(2 * n_layers, -1)
        self._state = state

    @property
    def change(self) -> bool:
        """Whether any of them follows a schedule."""
        return bool(self._columns)

    def of_updates(self, n_updates: int, n_times: int = 1) -> NDArray[np.float64]:
        """Return the strengths of an epoch's updates, one after the other.

        n_times : how often each row of them is repeated

        Raises
        ------
        ValueError
            If a schedule gives a number that is out of range.
        """
        state = self._state
        times = state.epoch + np.arange(n_updates) / n_updates
        figure = "cost" if state.validation is None else "val_cost"
        losses = state.values_of(figure) if state.epoch else []
        rows = np.tile(self._start, (n_updates, 1))
        for column, schedule in self._columns:
            rows[:, column] *= schedule.factors(times, losses)
            limit = 1.0 if column in range(len(self._start))[self._below_1] else np.inf
            if not ((rows[:, column] >= 0) & (rows[:, column] < limit)).all():
                raise ValueError(
                    f"{schedule!r} gives factors in epoch {state.epoch + 1} with which dropout is "
                    "not below 1, or a number is negative or not finite"
                )
        return rows.repeat(n_times, axis=0).ravel()
