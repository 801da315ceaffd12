"""State: what callbacks see of a fit under way, and how they end it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter
from typing import Any

from pynn.estimators.descent import Descent
from pynn.estimators.samples import Samples
from pynn.estimators.supervised import Supervised

__all__ = ["State"]


class State:
    """A fit under way.

    Callbacks get it after each epoch, or each iteration of "lbfgs"; a ready one of `pynn.callbacks`
    also before the first and after the last.

    Attributes
    ----------
    estimator : MLPClassifier or MLPRegressor
        Fitted as far as the fit has come: it predicts, and ``coefs_`` can be read, and written to
        or replaced, which a fit by "lbfgs" takes no notice of. It cannot be fitted meanwhile.
    epoch : int
        Epochs finished in this fit.
    max_epochs : int
        The most there will be.
    n_samples : int
        Samples that the last epoch learned from.
    seconds : float
        What the last epoch took, validation included.
    figures : dict of float
        What came of the last epoch, which `history` has last in its lists.
    train, validation : Samples or None
        ``X``, ``labels`` and ``sample_weight`` that are learned from, or judged by; None where
        there are none in memory.
    incremental : bool
        Whether this is the one epoch of a ``partial_fit``.

    Examples
    --------
    >>> import pynn
    >>> from sklearn.datasets import load_iris
    >>> def good_enough(state):
    ...     if state.figures["loss"] < 0.2:
    ...         state.stop()
    >>> mlp = pynn.MLPClassifier(learning_rate_init=0.01, callbacks=[good_enough], random_state=0)
    >>> mlp.fit(*load_iris(return_X_y=True)).loss_ < 0.2
    True
    """

    def __init__(
        self,
        estimator: Supervised,
        max_epochs: int,
        callbacks: list[Any],
        *,
        train: Samples | None,
        validation: Samples | None,
        descent: Descent | None = None,
        incremental: bool = False,
    ) -> None:
        self.estimator, self.max_epochs = estimator, max_epochs
        self.train, self.validation, self.incremental = train, validation, incremental
        self.epoch = self.n_samples = 0
        self.seconds = 0.0
        self.figures: dict[str, float] = {}
        self.is_stopped = False
        self.descent = descent
        self.snapshot: Callable[[], tuple[dict[str, Any], dict[str, Any]]] | None = None
        self._callbacks = callbacks
        self.observers: list[Callable[[State], Any]] = []
        self._since = perf_counter()

    def __enter__(self) -> State:
        with ExitStack() as ends:  # those that have begun are ended, whatever the others raise
            for callback in self._callbacks:
                begin = getattr(callback, "begin", None)
                observer = begin(self) if begin else callback
                self.observers.append(observer)
                if hasattr(observer, "end"):
                    ends.callback(observer.end, self)
            self._ends = ends.pop_all()
        self._since = perf_counter()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ends.close()

    @property
    def history(self) -> dict[str, list[float]]:
        """Figures of all epochs: the estimator's ``history_``."""
        return self.estimator.history_

    @property
    def learning_rate(self) -> float | None:
        """Learning rate of the next epoch's first update; None for "lbfgs". It may be set."""
        return None if self.descent is None else self.descent.rate_now

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        if self.descent is None:
            raise AttributeError('solver="lbfgs" has no learning rate')
        if not isinstance(self.descent.schedule, str):
            raise AttributeError("the learning rate is the schedule's, which the fit was given")
        self.descent.set_rate(float(rate))

    def record(self, name: str, value: float) -> None:
        """Give the last epoch one more figure, in `figures` and in `history`.

        Parameters
        ----------
        name : str
            What the figure is called there.
        value : float
            The figure.
        """
        self.figures[name] = value
        history = self.history
        if name not in history:
            history[name] = [float("nan")] * len(history["loss"])
        history[name][-1] = value

    def stop(self) -> None:
        """End the fit after this epoch, whose weights it keeps."""
        self.is_stopped = True

    def epoch_ended(self, n_samples: int, figures: dict[str, float]) -> None:
        """Tell callbacks of an epoch; one that returns True ends the fit."""
        self.epoch += 1
        self.n_samples, self.figures = n_samples, figures
        self.seconds = perf_counter() - self._since
        for observer in self.observers:
            if observer(self) is True:
                self.stop()
        self._since = perf_counter()
