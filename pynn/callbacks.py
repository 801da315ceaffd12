"""Callbacks for ``callbacks=[...]`` of `pynn.Network.fit` and of the estimators.

A callback is a function of a fit's `pynn.training.state.State`, called after each epoch. It ends
the fit by calling ``state.stop()`` or returning True. The callbacks here are stateless: ``begin``
creates an observer for each fit, so one callback serves any number of fits. They read the history,
so a fit that resumes from a checkpoint makes the same decisions as one that was never interrupted.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.data.samples import Samples
from pynn.training import checkpoint
from pynn.training.history import Patience
from pynn.training.state import State

__all__ = ["Checkpoint", "EarlyStopping", "EpochScoring", "GradientNorms", "ParameterPath"]


@dataclass(frozen=True, eq=False)
class _Callback:
    def __call__(self, state: State) -> None:
        """Do nothing; the observer that `begin` returns is called."""


@dataclass(frozen=True)
class EarlyStopping(_Callback):
    """Stop when a figure has not improved for some epochs, and restore the best weights.

    Parameters
    ----------
    monitor : str, optional
        A figure of the history, such as "val_loss" of an estimator, "val_cost" of a Network, or
        "val_score". By default the validation cost, or without a validation set the cost.
    patience : int, default=5
        Epochs without improvement before stopping.
    tol : float, default=1e-4
        A change must exceed this to count as an improvement.
    lower_is_better : bool, optional
        By default, True if the name ends with "loss" or "cost".
    restore_best : bool, default=True
        Whether the weights of the best epoch are restored when the fit ends.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described or, during a fit, the figure does not exist.

    Examples
    --------
    >>> import pynn
    >>> from pynn.callbacks import EarlyStopping
    >>> from sklearn.datasets import load_iris
    >>> mlp = pynn.MLPClassifier(callbacks=[EarlyStopping(patience=3, tol=0.01)], random_state=0)
    >>> mlp.fit(*load_iris(return_X_y=True)).stopped_early_
    True
    """

    monitor: str | None = None
    patience: int = 5
    tol: float = 1e-4
    lower_is_better: bool | None = None
    restore_best: bool = True

    def __post_init__(self) -> None:
        """Check the arguments."""
        checks.positive_integer("patience", self.patience)
        checks.non_negative("tol", self.tol)

    def begin(self, state: State) -> _Watch:
        """Return the observer of one fit."""
        return _Watch(self, state)


class _Watch:
    """Watches a figure in one fit; a resumed fit counts the epochs of the interrupted one."""

    def __init__(self, settings: EarlyStopping, state: State) -> None:
        has_validation = state.validation is not None
        self.monitor = settings.monitor or ("val_cost" if has_validation else "cost")
        lower = settings.lower_is_better
        if lower is None:
            lower = self.monitor.endswith(("loss", "cost"))
        self.patience = Patience(
            self.monitor, settings.patience - 1, settings.tol, lower, strict=True
        )
        self.restores = settings.restore_best
        self.best_epoch = 0  # of this fit
        for epoch, value in enumerate(state.values_of(self.monitor) if state.epoch else [], 1):
            self.best_epoch = epoch if self.patience.judge(value) else self.best_epoch

    def __call__(self, state: State) -> bool:
        if self.patience.judge(state.values_of(self.monitor)[-1]):
            self.best_epoch = state.epoch
            if self.restores:
                state.kept[self.monitor] = state.network.parameters.copy()
        return self.patience.is_exhausted

    def end(self, state: State) -> None:
        if self.restores and self.monitor in state.kept:
            state.restore(state.kept[self.monitor], self.best_epoch)


@dataclass(frozen=True)
class EpochScoring(_Callback):
    """Score the estimator after each epoch and record the score in ``history_``.

    Parameters
    ----------
    scoring : str or scorer
        Scorer that `sklearn.metrics.get_scorer` accepts.
    name : str, optional
        Name of the figure; by default the name of the scorer.
    on : {"validation", "train"}, default="validation"
        Whether to score the validation samples or the training samples.

    Raises
    ------
    ValueError
        If the scorer does not exist or, during a fit, the samples do not exist.

    Examples
    --------
    >>> import pynn
    >>> from pynn.callbacks import EpochScoring
    >>> from sklearn.datasets import load_iris
    >>> balanced = EpochScoring("balanced_accuracy", on="train")
    >>> mlp = pynn.MLPClassifier(callbacks=[balanced], learning_rate_init=0.01, random_state=0)
    >>> mlp.fit(*load_iris(return_X_y=True)).history_["balanced_accuracy"][-1] > 0.9
    True
    """

    scoring: str | Callable[..., float]
    name: str | None = None
    on: str = "validation"

    def __post_init__(self) -> None:
        """Check the arguments."""
        from sklearn.metrics import get_scorer

        get_scorer(self.scoring)
        checks.choice("on", self.on, ("validation", "train"))

    def begin(self, state: State) -> Callable[[State], None]:
        """Return the observer of one fit."""
        samples: Samples | None = getattr(state, self.on)
        if samples is None:
            raise ValueError(
                f"EpochScoring: there are no {self.on} samples in memory; validation samples are "
                "set by early_stopping, eval_set or validation_data"
            )
        return partial(self._score, samples)

    def _score(self, samples: Samples, state: State) -> None:
        from pynn.training import scoring

        value = state.estimator._judged_by(self.scoring, samples)
        state.record(self.name or scoring.name_of(self.scoring), value)


@dataclass(frozen=True)
class GradientNorms(_Callback):
    """Record the norm of each layer's gradient in ``history_`` after each epoch.

    "grad_norm_1" belongs to the first layer of weights, and so on. It is the Euclidean norm of
    `pynn.Network.gradient` for the weights of that layer over all training samples, with their
    sample weights, without penalty and dropout. This takes one more pass over the data in each
    epoch. `pynn.displays.GradientFlowDisplay` draws the norms.

    Raises
    ------
    ValueError
        During a fit, if the training samples are not in memory.

    Examples
    --------
    >>> import pynn
    >>> from pynn.callbacks import GradientNorms
    >>> from sklearn.datasets import load_iris
    >>> mlp = pynn.MLPClassifier((10, 10), callbacks=[GradientNorms()], tol=0.05, random_state=0)
    >>> history = mlp.fit(*load_iris(return_X_y=True)).history_
    >>> [name for name in history if name.startswith("grad")]
    ['grad_norm_1', 'grad_norm_2', 'grad_norm_3']
    """

    def begin(self, state: State) -> Callable[[State], None]:
        """Return the observer of one fit."""
        if state.train is None:
            raise ValueError("GradientNorms: there are no train samples in memory")
        train = state.train
        return partial(self._record, state.network._data(train.X, train.y, train.weights))

    def _record(self, data: Any, state: State) -> None:
        for layer, norm in enumerate(state.network._gradient_norms(data), start=1):
            state.record(f"grad_norm_{layer}", norm)


@dataclass(frozen=True, eq=False)  # two lists are two paths, and arrays have no truth to compare
class ParameterPath(_Callback):
    """Append all parameters to a list when a fit begins and after each epoch.

    Each entry is a vector with the layout of ``pynn.Network.parameters``.
    `pynn.displays.CostLandscapeDisplay` draws the list as a path. A clone of the estimator has its
    own list.

    Parameters
    ----------
    path : list
        List to append to. The start of a fit is omitted if it equals the last entry.

    Raises
    ------
    TypeError
        If path is not a list.

    Examples
    --------
    >>> import pynn
    >>> from pynn.callbacks import ParameterPath
    >>> from sklearn.datasets import load_iris
    >>> path = []
    >>> mlp = pynn.MLPClassifier((5,), callbacks=[ParameterPath(path)], tol=0.05, random_state=0)
    >>> n_epochs = mlp.fit(*load_iris(return_X_y=True)).n_iter_
    >>> len(path) == n_epochs + 1, path[-1].shape
    (True, (43,))
    """

    path: list[NDArray[Any]] = field(repr=False)

    def __post_init__(self) -> None:
        """Check the path."""
        if not isinstance(self.path, list):
            raise TypeError(f"path must be a list, got {type(self.path).__name__}")

    def begin(self, state: State) -> Callable[[State], None]:
        """Append the start, and return the observer of one fit."""
        start = state.network.parameters
        if not (self.path and np.array_equal(self.path[-1], start)):
            self.path.append(start.copy())
        return self._append

    def _append(self, state: State) -> None:
        self.path.append(state.network.parameters.copy())


@dataclass(frozen=True)
class Checkpoint(_Callback):
    """Save the whole state of a fit to a file, from which it can resume exactly.

    The file holds the weights, the states of the optimizer and of the random number generator, the
    order of the rows and all figures. Loading it executes nothing. It is replaced atomically, so a
    complete file exists at any time.

    Parameters
    ----------
    path : str or path-like
        If it contains ``{epoch}``, every checkpoint is kept, otherwise the last one.
    every : int, default=1
        Number of epochs between checkpoints.
    resume : bool, default=False
        Resume from the file if it exists, from the last of several; otherwise start a new fit. Data
        and parameters must be the same; only max_iter, verbose, callbacks and n_threads may
        differ. For data in blocks, only the first block is compared.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described or, during a fit, the file belongs to another fit.

    Examples
    --------
    >>> import pynn, tempfile, warnings
    >>> from pynn.callbacks import Checkpoint
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> warnings.simplefilter("ignore")  # 5 iterations are few
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     keep = Checkpoint(f"{folder}/iris.npz", resume=True)
    ...     half = pynn.MLPClassifier(random_state=0, max_iter=5, callbacks=[keep]).fit(X, y)
    ...     whole = pynn.MLPClassifier(random_state=0, max_iter=10, callbacks=[keep]).fit(X, y)
    >>> straight = pynn.MLPClassifier(random_state=0, max_iter=10).fit(X, y)
    >>> whole.loss_curve_ == straight.loss_curve_
    True
    """

    path: str | os.PathLike[str]
    every: int = 1
    resume: bool = False

    def __post_init__(self) -> None:
        """Check the arguments."""
        os.fspath(self.path)
        checks.positive_integer("every", self.every)

    def file(self, epoch: int) -> Path:
        """Return the path of the checkpoint after an epoch.

        Parameters
        ----------
        epoch : int
            Counted from 1.

        Returns
        -------
        pathlib.Path
        """
        return Path(self._path.replace("{epoch}", str(epoch)))

    def latest(self) -> Path | None:
        """Return the path of the checkpoint with the highest epoch.

        Returns
        -------
        pathlib.Path or None
            None if there is none.
        """
        number = re.escape(self._path).replace(re.escape("{epoch}"), "([0-9]+)", 1)
        pattern = re.compile(number.replace(re.escape("{epoch}"), r"\1"))
        found = glob.glob(glob.escape(self._path).replace("{epoch}", "*"), include_hidden=True)
        matches = [match for match in map(pattern.fullmatch, found) if match]
        last = max(matches, key=lambda match: int(match[1]) if match.re.groups else 0, default=None)
        return None if last is None else Path(last[0])

    @property
    def _path(self) -> str:
        return os.fspath(self.path)

    def begin(self, state: State) -> Callable[[State], None]:
        """Return the observer of one fit."""
        if state.snapshot is None:
            raise ValueError('Checkpoint is not for solver="lbfgs": SciPy\'s L-BFGS cannot resume')
        return self._keep

    def _keep(self, state: State) -> None:
        if state.epoch % self.every == 0 and state.snapshot is not None:
            checkpoint.write(self.file(state.epoch), *state.snapshot())


def scorings(metrics: Any, on_train: bool, on_validation: bool) -> list[EpochScoring]:
    """Return callbacks that record metrics, after their names and "val_" and their names."""
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        raise TypeError(f"metrics must be a sequence of names or functions, got {metrics!r}")
    found = []
    for metric in metrics:
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", "score")
        if callable(metric) and not hasattr(metric, "_score_func"):
            from sklearn.metrics import make_scorer

            metric = make_scorer(metric)
        if on_train:
            found.append(EpochScoring(metric, name, on="train"))
        if on_validation:
            found.append(EpochScoring(metric, f"val_{name}"))
    return found
