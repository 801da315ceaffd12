"""Ready callbacks for ``callbacks=[...]`` of `pynn.MLPClassifier` and `pynn.MLPRegressor`.

A callback is a function of a fit's `pynn.estimators.state.State`, called after each epoch; it ends
the fit by ``state.stop()`` or by returning True. Those here say what to do, and keep nothing:
``begin`` makes what is called, so one of them serves any number of fits. What they go by is
``history_``, so a fit that goes on from a checkpoint meets the same decisions as one that was never
stopped.
"""

from __future__ import annotations

import glob
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import get_scorer

from pynn import checks
from pynn.estimators.samples import Samples
from pynn.estimators.state import State
from pynn.estimators.validation import score
from pynn.training import checkpoint
from pynn.training.progress import EpochBar, EpochTable
from pynn.training.schedules import Schedule

__all__ = [
    "Checkpoint",
    "EarlyStopping",
    "EpochScoring",
    "GradientNorms",
    "LRScheduler",
    "ParameterPath",
    "PrintLog",
    "ProgressBar",
]


@dataclass(frozen=True, eq=False)
class _Callback:
    def __call__(self, state: State) -> None:
        """Do nothing: what `begin` returns is called."""


@dataclass(frozen=True)
class EarlyStopping(_Callback):
    """Stop when a figure has not improved for some epochs.

    To keep the best weights as well, use the estimator's ``early_stopping``.

    Parameters
    ----------
    monitor : str, default="loss"
        A figure of ``history_``, such as "val_loss" or "val_score".
    patience : int, default=5
        Epochs without improvement after which training ends.
    tol : float, default=1e-4
        What counts as an improvement is more than this.
    lower_is_better : bool, optional
        By default true of a name that ends with "loss".

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; in a fit, if there is no such figure.

    Examples
    --------
    >>> import pynn
    >>> from pynn.callbacks import EarlyStopping
    >>> from sklearn.datasets import load_iris
    >>> mlp = pynn.MLPClassifier(callbacks=[EarlyStopping(patience=3, tol=0.01)], random_state=0)
    >>> mlp.fit(*load_iris(return_X_y=True)).stopped_early_
    True
    """

    monitor: str = "loss"
    patience: int = 5
    tol: float = 1e-4
    lower_is_better: bool | None = None

    def __post_init__(self) -> None:
        """Check all of it."""
        checks.positive_integer("patience", self.patience)
        checks.non_negative("tol", self.tol)

    def begin(self, state: State) -> Callable[[State], bool]:
        """Return what is called after each epoch."""
        return self._stops

    def _stops(self, state: State) -> bool:
        values = _figures(state, self.monitor)
        lower = self.lower_is_better
        sign = 1 if (self.monitor.endswith("loss") if lower is None else lower) else -1
        best, since = math.inf, 0
        for value in values:
            since = 0 if sign * value < best - self.tol else since + 1
            best = min(best, sign * value)
        return since >= self.patience


@dataclass(frozen=True)
class LRScheduler(_Callback):
    """Let the learning rate follow a schedule that is set once an epoch.

    The parameter ``learning_rate`` takes a schedule as well, and follows it update by update.

    Parameters
    ----------
    policy : function or Schedule
        What the initial learning rate is multiplied by, by the number of epochs finished: 0, 1...

    Raises
    ------
    TypeError
        If policy is neither.

    Examples
    --------
    >>> import pynn
    >>> from pynn.callbacks import LRScheduler
    >>> from sklearn.datasets import load_iris
    >>> halves = LRScheduler(lambda epoch: 0.5**epoch)
    >>> mlp = pynn.MLPClassifier(callbacks=[halves], max_iter=3, random_state=0)
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     mlp.fit(*load_iris(return_X_y=True)).history_["learning_rate"]
    [0.001, 0.0005, 0.00025]
    """

    policy: Callable[[int], float] | Schedule

    def __post_init__(self) -> None:
        """Check the policy."""
        if not callable(self.policy) and not isinstance(self.policy, Schedule):
            raise TypeError(f"policy must be a function or a Schedule, got {self.policy!r}")

    def begin(self, state: State) -> Callable[[State], None]:
        """Set the first epoch's rate, and return what sets the others'."""
        if state.learning_rate is None:
            raise ValueError('LRScheduler has nothing to do with solver="lbfgs"')
        self._set(state)
        return self._set

    def _set(self, state: State) -> None:
        if isinstance(self.policy, Schedule):
            losses = _figures(state, "loss") if state.epoch else []
            factor = self.policy.factors(np.array([float(state.epoch)]), losses)[0]
        else:
            factor = self.policy(state.epoch)
        state.learning_rate = float(state.estimator.learning_rate_init) * float(factor)


@dataclass(frozen=True)
class EpochScoring(_Callback):
    """Score the estimator after each epoch, and put the figure into ``history_``.

    Parameters
    ----------
    scoring : str or scorer
        As `sklearn.metrics.get_scorer` takes it.
    name : str, optional
        Name of the figure; by default that of the scoring.
    on : {"validation", "train"}, default="validation"
        Which samples: those held out or of the eval_set, or those learned from.

    Raises
    ------
    ValueError
        If there is no such scoring; in a fit, if there are no such samples.

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
        """Check all of it."""
        get_scorer(self.scoring)
        checks.choice("on", self.on, ("validation", "train"))

    def begin(self, state: State) -> Callable[[State], None]:
        """Return what is called after each epoch."""
        samples: Samples | None = getattr(state, self.on)
        if samples is None:
            raise ValueError(
                f"EpochScoring: there are no {self.on} samples in memory; validation samples are "
                "those of early_stopping or eval_set"
            )
        return partial(self._score, samples)

    def _score(self, samples: Samples, state: State) -> None:
        scoring = self.scoring
        said = scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")
        state.record(self.name or said, score(get_scorer(self.scoring), state.estimator, samples))


@dataclass(frozen=True)
class GradientNorms(_Callback):
    """Put into ``history_`` how long the gradient is in each layer after each epoch.

    "grad_norm_1" is of the weights behind the input, and so on: the Euclidean norm of what
    `pynn.Network.gradient` gives for the weights of that layer over all samples learned from, with
    their weights, without penalty and dropout. That is one more pass over the data in each epoch.
    `pynn.displays.GradientFlowDisplay` draws it.

    Raises
    ------
    ValueError
        In a fit, if its samples are not in memory.

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
        """Return what is called after each epoch."""
        if state.train is None:
            raise ValueError("GradientNorms: there are no train samples in memory")
        network = state.estimator._synchronised(state.estimator._cost())
        data = state.estimator._data(network, state.train, state.train.weights)
        return partial(self._record, data)

    def _record(self, data: Any, state: State) -> None:
        network = state.estimator._synchronised(state.estimator._cost())
        for layer, norm in enumerate(network._gradient_norms(data), start=1):
            state.record(f"grad_norm_{layer}", norm)


@dataclass(frozen=True, eq=False)  # two lists are two paths, and arrays have no truth to compare
class ParameterPath(_Callback):
    """Append all weights and biases to a list, where a fit begins and after each epoch.

    Each is a vector that is laid out as ``pynn.Network.parameters``; such a list is what
    `pynn.displays.CostLandscapeDisplay` draws as a path. A clone of the estimator has its own list.

    Parameters
    ----------
    path : list
        What it is appended to; where a fit begins is left out if that is the last in it.

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
        """Check it."""
        if not isinstance(self.path, list):
            raise TypeError(f"path must be a list, got {type(self.path).__name__}")

    def begin(self, state: State) -> Callable[[State], None]:
        """Append where it begins, and return what is called after each epoch."""
        start = state.estimator._synchronised().parameters
        if not (self.path and np.array_equal(self.path[-1], start)):
            self.path.append(start.copy())
        return self._append

    def _append(self, state: State) -> None:
        self.path.append(state.estimator._synchronised().parameters.copy())


@dataclass(frozen=True)
class PrintLog(_Callback):
    """Print a table with a line for each epoch, which is what ``verbose=1`` does.

    Examples
    --------
    >>> import pynn
    >>> pynn.MLPRegressor(callbacks=[pynn.callbacks.PrintLog()]).callbacks
    [PrintLog()]
    """

    def begin(self, state: State) -> Callable[[State], None]:
        """Return what is called after each epoch."""
        return partial(self._print, EpochTable(state.max_epochs, title="Iteration"))

    def _print(self, table: EpochTable, state: State) -> None:
        is_first = not state.incremental or len(state.history["loss"]) == 1
        table.add(state.epoch, state.figures, state.seconds, state.n_samples, heading=is_first)


@dataclass(frozen=True)
class ProgressBar(_Callback):
    """Show a live bar with loss, time left and samples per second, as ``verbose=2`` does.

    Raises
    ------
    ImportError
        In a fit, if the package rich is missing: it comes with ``pynn-learn[rich]``.

    Examples
    --------
    >>> import pynn
    >>> pynn.MLPRegressor(callbacks=[pynn.callbacks.ProgressBar()]).callbacks
    [ProgressBar()]
    """

    def begin(self, state: State) -> _Bar:
        """Return what is called after each epoch."""
        return _Bar(EpochBar(state.max_epochs))


@dataclass(frozen=True)
class _Bar:
    bar: EpochBar

    def __call__(self, state: State) -> None:
        self.bar.add(state.epoch, state.figures, state.seconds, state.n_samples)

    def end(self, state: State) -> None:
        self.bar.close()


@dataclass(frozen=True)
class Checkpoint(_Callback):
    """Keep all of a fit in a file, from which it can go on as if it had never been stopped.

    The file holds weights, the optimizer's state, the random source's, the order of the rows and
    every figure; nothing in it is executed. It is written aside and put in place at once, so that
    there is a whole one at any time.

    Parameters
    ----------
    path : str or path-like
        With ``{epoch}`` in it, each is kept, else the last one.
    every : int, default=1
        Epochs from one to the next.
    resume : bool, default=False
        Go on from the file where there is one, the last one of several; else start. Data and
        parameters must be the same, but for those that tell only how long and how: max_iter,
        verbose, callbacks, n_threads. Of data in blocks, the first is compared.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described; in a fit, if the file is of another one.

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
        """Check all of it."""
        os.fspath(self.path)
        checks.positive_integer("every", self.every)

    def file(self, epoch: int) -> Path:
        """Return where the checkpoint after an epoch goes.

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
        """Return the checkpoint to go on from, that of the last epoch.

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
        """Return what is called after each epoch."""
        if state.snapshot is None:
            raise ValueError('SciPy\'s L-BFGS cannot be gone on with: no Checkpoint for "lbfgs"')
        return self._keep

    def _keep(self, state: State) -> None:
        if state.epoch % self.every == 0 and state.snapshot is not None:
            checkpoint.write(self.file(state.epoch), *state.snapshot())


def _figures(state: State, name: str) -> list[float]:
    """Figures of this name in this fit."""
    if name not in state.history:
        raise ValueError(f"no figure {name!r} in history_: there are {', '.join(state.history)}")
    return state.history[name][-state.epoch :]
