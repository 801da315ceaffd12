"""Hooks: scikit-learn's own callbacks, from 1.9 on, hear about the epochs of a fit."""

from __future__ import annotations

import copy
from typing import Any

from pynn.training.state import State


class Hooks:
    """Notifies scikit-learn's callbacks of a fit, as a task, and of each epoch, as a subtask.

    A callback stops the fit by returning True or calling `State.stop`.
    """

    _epoch: Any  # the subtask, or None between two of them

    def __call__(self, state: State) -> bool:
        """End an epoch; begin the next if there is one."""
        stops = self._epoch.call_on_fit_task_end(
            **self._data, reconstruction_attributes=self._fitted
        )
        self._epoch = None
        if not (stops or state.is_stopped) and state.epoch < state.max_epochs:
            self._begin_epoch()
        return bool(stops)

    def begin(self, state: State) -> Hooks:
        """Begin the fit and the first epoch."""
        self._estimator: Any = state.estimator
        self._data: dict[str, Any] = {"estimator": state.estimator}
        if state.train is not None:
            weights = state.train.sample_weight
            metadata = None if weights is None else {"sample_weight": weights}
            self._data |= {"X": state.train.X, "y": state.train.labels, "metadata": metadata}
        self._fit = self._estimator._init_callback_context(max_subtasks=state.max_epochs)
        self._fit.call_on_fit_task_begin(**self._data)
        self._begin_epoch()
        return self

    def _begin_epoch(self) -> None:
        self._epoch = self._fit.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._data, reconstruction_attributes=self._fitted)

    def end(self, state: State) -> None:
        """End the fit, and an epoch that was begun."""
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(**self._data)
        self._fit.call_on_fit_task_end(**self._data, reconstruction_attributes=self._fitted)

    def _fitted(self) -> dict[str, Any]:
        """Return the attributes that make a copy of the estimator one of this epoch."""
        return {"_network": copy.deepcopy(self._estimator._lean_network())}
