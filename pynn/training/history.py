"""History: the figures of each epoch, patience, and the best epoch.

The rules for improvement are scikit-learn's.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@cache
def in_words(name: str, word: str) -> str:
    """Translate the name of a figure: `Network` says "cost", the estimators say "loss".

    No other place translates. The figures of an epoch are, in this order: "cost", the mean over
    the samples before each update; "penalty", the part of it that is the penalty; "val_cost",
    after the epoch and without penalty, so that it compares with cost minus penalty; "val_score"
    and other metrics; "learning_rate", at the start of the epoch. Those of a second validation set
    begin with "val_2_", and so on.
    """
    return re.sub(r"^(val_(?:\d+_)?)?(?:cost|loss)$", rf"\g<1>{word}", name)


@dataclass
class Patience:
    """Counts epochs without improvement of a figure.

    Parameters
    ----------
    monitor : str
        Name of the figure.
    limit : float
        Epochs without improvement before stopping.
    tol : float
        Minimum change that counts as an improvement.
    lower_is_better : bool
    strict : bool, default=False
        Whether the change must exceed tol; scikit-learn also counts a change of exactly tol.
    """

    monitor: str
    limit: float
    tol: float
    lower_is_better: bool
    strict: bool = False
    best: float = math.inf  # of the figure, or of its negative: lower is better
    n_stalled: int = 0

    def judge(self, value: float) -> bool:
        """Count an epoch; return whether its figure is the best so far. NaN is no improvement."""
        signed = value if self.lower_is_better else -value
        bound = self.best - self.tol
        improved = signed < bound or (signed == bound and not self.strict)
        self.n_stalled = 0 if improved else self.n_stalled + 1
        is_best = signed < self.best
        self.best = min(self.best, signed) if is_best else self.best
        return is_best

    @property
    def is_exhausted(self) -> bool:
        """Whether more epochs than the limit have passed without improvement."""
        return self.n_stalled > self.limit

    @property
    def best_value(self) -> float:
        """The best figure itself."""
        return self.best if self.lower_is_better else -self.best


class History:
    """Figures of each epoch of all fits, and counts of the last fit.

    Attributes
    ----------
    figures : dict of lists of float
        One list per figure, all of the same length; NaN where an epoch has no such figure.
    n_epochs : int
        Epochs of the last fit.
    n_samples : int
        Number of training samples seen, counted again in each epoch.
    best_epoch : int or None
        The epoch, counted from 1, whose parameters the last fit restored.
    is_stopped : bool
        Whether the last fit ended before its last epoch.
    patience : Patience or None
        Kept for fits that continue, such as calls of partial_fit.
    best_parameters : ndarray or None
        Parameters of the best epoch, kept for such fits.
    """

    def __init__(self) -> None:
        self.figures: dict[str, list[float]] = {"cost": []}
        self.n_epochs = self.n_samples = 0
        self.best_epoch: int | None = None
        self.is_stopped = False
        self.patience: Patience | None = None
        self.best_parameters: Array | None = None

    def __len__(self) -> int:
        return max(map(len, self.figures.values()))

    def add(self, figures: dict[str, float]) -> None:
        """Append an epoch."""
        if self.figures.keys() != figures.keys():
            self._make_room(figures)
            figures = dict.fromkeys(self.figures, math.nan) | figures
        for name, value in figures.items():
            self.figures[name].append(value)

    def extend(self, columns: dict[str, list[float]]) -> None:
        """Append several epochs."""
        n_epochs = len(next(iter(columns.values())))
        self._make_room(columns)
        for name, values in self.figures.items():
            values += columns.get(name, [math.nan] * n_epochs)

    def record(self, name: str, value: float) -> None:
        """Attach a figure to the last epoch."""
        self._make_room([name], first=False)
        self.figures[name][-1] = value

    def _make_room(self, names: Iterable[str], first: bool = True) -> None:
        """Add the figures that are new, in the order that they have in an epoch."""
        if all(name in self.figures for name in names):
            return
        n, order = len(self), [*names, *self.figures] if first else [*self.figures, *names]
        self.figures = {name: self.figures.get(name, [math.nan] * n) for name in order}

    def cut(self, n_epochs: int) -> None:
        """Remove all epochs after the first ones."""
        for values in self.figures.values():
            del values[n_epochs:]
