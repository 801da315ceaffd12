"""State: a fit in progress, as callbacks see it and end it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.data.samples import Samples
from pynn.model.model import Model
from pynn.training.descent import Descent
from pynn.training.history import History, in_words


class State:
    """A fit in progress.

    Callbacks are called with it after each epoch, or after each iteration of "lbfgs". If a callback
    has a method ``begin``, that method is called with it before the first epoch, and the object
    that ``begin`` returns is called in place of the callback.

    Attributes
    ----------
    estimator : Network, MLPClassifier or MLPRegressor
        The model being fitted. It can predict, and its parameters can be read and changed. It
        cannot be fitted meanwhile.
    network : Network
        The model itself, or the network of the estimator.
    epoch : int
        Number of finished epochs of this fit.
    max_epochs : int
        Maximum number of epochs.
    n_samples : int
        Number of training samples in the last epoch.
    seconds : float
        Duration of the last epoch, validation included.
    figures : dict of float
        Figures of the last epoch, such as "loss" and "val_loss" of an estimator or "cost" and
        "val_cost" of a Network. `history` has the lists of all epochs.
    train, validation : Samples or None
        ``X``, ``labels`` and ``sample_weight`` of the training and the validation set; None if not
        in memory.
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
        estimator: Any,
        network: Model,
        history: History,
        max_epochs: int,
        callbacks: list[Any],
        *,
        train: Samples | None,
        validation: Samples | None,
        descent: Descent | None = None,
        incremental: bool = False,
    ) -> None:
        self.estimator, self.network, self._history = estimator, network, history
        self.max_epochs, self._callbacks = max_epochs, callbacks
        self.train, self.validation, self.incremental = train, validation, incremental
        self.descent = descent
        self.word = "cost" if estimator is network else "loss"
        self.epoch = self.n_samples = 0
        self.seconds = 0.0
        self._figures: dict[str, float] = {}
        self.is_stopped = False
        self.plateau = ""  # of this epoch: "slower" or "stop", where patience was exhausted
        self.kept: dict[str, NDArray[Any]] = {}  # by callbacks, and in checkpoints
        self.snapshot: Callable[[], tuple[dict[str, Any], dict[str, Any]]] | None = None
        self.resumed_from = ""  # a checkpoint
        self.observers: list[Callable[[State], Any]] = []
        self._since = perf_counter()

    def __enter__(self) -> State:
        with ExitStack() as ends:  # whatever others raise, those that have begun are ended
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
    def figures(self) -> dict[str, float]:
        """Figures of the last epoch, by their names in `history`."""
        return {in_words(name, self.word): value for name, value in self._figures.items()}

    @property
    def history(self) -> dict[str, list[float]]:
        """Figures of all epochs: ``history`` of a Network, ``history_`` of an estimator."""
        return {in_words(name, self.word): v for name, v in self._history.figures.items()}

    @property
    def learning_rate(self) -> float | None:
        """Learning rate of the next epoch's first update; None for "lbfgs". It can be set."""
        return None if self.descent is None else self.descent.rate_now

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        if self.descent is None:
            raise AttributeError('solver="lbfgs" has no learning rate')
        if self.descent.is_scheduled:
            raise AttributeError("the schedule of this fit sets the learning rate")
        self.descent.set_rate(float(rate))

    def record(self, name: str, value: float) -> None:
        """Attach a figure to the last epoch, in `figures` and in `history`.

        Parameters
        ----------
        name : str
            Name of the figure.
        value : float
            The figure.
        """
        canonical = in_words(name, "cost")
        self._figures[canonical] = value
        self._history.record(canonical, value)

    def stop(self) -> None:
        """End the fit after this epoch, and keep its weights."""
        self.is_stopped = True

    def restore(self, parameters: NDArray[Any], epoch: int) -> None:
        """Restore the parameters of an epoch of this fit.

        Parameters
        ----------
        parameters : ndarray of shape (n_parameters,)
        epoch : int
            Counted from 1.
        """
        self.network.parameters[:] = parameters
        self._history.best_epoch = len(self._history) - self.epoch + epoch

    def values_of(self, name: str) -> list[float]:
        """Return a figure of each epoch of this fit.

        Parameters
        ----------
        name : str
            Name of the figure.

        Returns
        -------
        list of float

        Raises
        ------
        ValueError
            If the figure does not exist.
        """
        history, name = self.history, in_words(name, self.word)
        if name not in history:
            attribute = "history" if self.word == "cost" else "history_"
            found = ", ".join(history) + f", from {self.resumed_from!r}" * bool(self.resumed_from)
            raise ValueError(f"no figure {name!r} in {attribute}: there are {found}")
        return history[name][-self.epoch :] if self.epoch else []

    def round_ended(self, number: int, n_rounds: int, rate: float, core_share: float) -> None:
        """Tell observers that have a method `round_ended` of a part of the epoch.

        Parameters
        ----------
        number, n_rounds : int
            Of the round in its epoch, counted from 1.
        rate : float
            Rows a second in this epoch so far.
        core_share : float
            Share of the time in the compiled core.
        """
        for observer in self.observers:
            told = getattr(observer, "round_ended", None)
            if told is not None:
                told(self, number, n_rounds, rate, core_share)

    def epoch_ended(self, n_samples: int, figures: dict[str, float]) -> None:
        """Call the callbacks after an epoch; one that returns True ends the fit."""
        self.epoch += 1
        self.n_samples = n_samples
        self._figures = figures
        self.seconds = perf_counter() - self._since
        for observer in self.observers:
            verdict = observer(self)
            if verdict is not None and isinstance(verdict, bool | np.bool_) and verdict:
                self.stop()
        self._since = perf_counter()


def in_order(callbacks: object) -> list[Any]:
    """Return callbacks that were checked, those that write checkpoints last."""
    given = list(callbacks or ())  # type: ignore[call-overload]
    if not all(callable(one) and not isinstance(one, type) for one in given):
        raise TypeError(
            "callbacks must be functions of the state of the fit, such as objects (no classes) "
            f"of pynn.callbacks; got {given}"
        )
    return sorted(given, key=lambda callback: hasattr(callback, "latest"))
