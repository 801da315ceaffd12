"""Hooks: scikit-learn's own callbacks, which it has from 1.9 on, told of a fit's epochs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pynn.estimators.state import State

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing: this scikit-learn has no callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return the method as it is: this scikit-learn has no callbacks."""
        return method


from pynn.estimators.supervised import Supervised

__all__ = ["CallbackSupportMixin", "Hooks", "hooks_of", "with_callbacks"]


def hooks_of(estimator: Supervised) -> list[Hooks]:
    """Return what tells the callbacks that ``set_callbacks`` gave to an estimator, if any."""
    return [Hooks()] if getattr(estimator, "_skl_callbacks", None) else []


class Hooks:
    """Tells scikit-learn's callbacks of a fit as of a task, and of each epoch as of a part of it.

    A callback that says so, or that `pynn.estimators.state.State` is asked by, ends the fit.
    """

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

    def __call__(self, state: State) -> bool:
        """End an epoch; begin the next if there is to be one."""
        stops = self._epoch.call_on_fit_task_end(
            **self._data, reconstruction_attributes=self._fitted
        )
        self._epoch = None
        if not (stops or state.is_stopped) and state.epoch < state.max_epochs:
            self._begin_epoch()
        return bool(stops)

    def end(self, state: State) -> None:
        """End the fit, and an epoch that was begun."""
        if self._epoch is not None:
            self._epoch.call_on_fit_task_end(**self._data)
        self._fit.call_on_fit_task_end(**self._data, reconstruction_attributes=self._fitted)

    def _fitted(self) -> dict[str, Any]:
        """Return what makes a copy of the estimator one that was fitted until now."""
        estimator = self._estimator
        return {
            name: [array.copy() for array in getattr(estimator, name)]
            for name in ("coefs_", "intercepts_")
        }
