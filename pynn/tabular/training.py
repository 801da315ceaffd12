"""Training: networks that each leave one fold of the rows out, in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from pynn.callbacks import EarlyStopping
from pynn.network import Network
from pynn.tabular.recipe import Recipe
from pynn.training.state import State
from pynn.training.workers import run_all

Array = NDArray[Any]


@dataclass(frozen=True)
class Rows:
    """Training rows, as the networks read them.

    Parameters
    ----------
    X : ndarray of float32, shape (n_rows, n_inputs)
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Numbers of classes, or standardised numbers.
    weights : ndarray of shape (n_rows,) or None
    labels : ndarray of shape (n_rows,) or None
        What the folds are stratified by.
    """

    X: Array
    y: Array
    weights: Array | None
    labels: Array | None

    def __getitem__(self, some: Array) -> tuple[Array, ...]:
        """Return X, y and the weights of some rows, as `Network.fit` takes them."""
        data = self.X[some], self.y[some]
        return data if self.weights is None else (*data, self.weights[some])


@dataclass
class Member:
    """A trained network, and the rows that it was validated on."""

    network: Network
    validation: Array


def folds(rows: Rows, n_members: int, n_folds: int, fraction: float, random: Any) -> list[Array]:
    """Return the validation rows of each member, ascending.

    Parameters
    ----------
    rows : Rows
    n_members : int
    n_folds : int
        Folds of one partition; after that many members, the rows are partitioned anew. 1: all
        members are validated on the same rows.
    fraction : float
        Share of these rows, if `n_folds` is 1.
    random : RandomState

    Returns
    -------
    list of ndarray of int
    """
    n_rows, found = len(rows.X), []
    if n_folds == 1:
        chosen = partial(train_test_split, np.arange(n_rows), test_size=fraction)
        _, aside = chosen(stratify=rows.labels, random_state=random)
        return [np.sort(aside)] * n_members
    kind = KFold if rows.labels is None else StratifiedKFold
    while len(found) < n_members:
        splits = kind(n_folds, shuffle=True, random_state=random)
        found += [aside for _, aside in splits.split(np.empty(n_rows), rows.labels)]
    return found[:n_members]


def train(
    rows: Rows,
    validation: Sequence[Array],
    new_network: Callable[[int], Network],
    recipe: Recipe,
    monitor: str,
    deadline: float,
    n_threads: int | None,
    told: Callable[[State], None] | None = None,
) -> list[Member]:
    """Train a network for each validation set; return the members that trained an epoch or more.

    Parameters
    ----------
    rows : Rows
    validation : sequence of ndarray of int
        Validation rows of each member; it learns from the others.
    new_network : function
        Returns the network of a member.
    recipe : Recipe
    monitor : str
        Figure that chooses the best epoch.
    deadline : float
        Time of `time.monotonic` after which training ends; members may then be missing.
    n_threads : int or None
    told : function, optional
        Callback for progress.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C before any member has trained an epoch.
    """
    members: dict[int, Member] = {}

    def at_end(state: State) -> bool:
        return monotonic() > deadline

    def fit_one(k: int) -> None:
        if members and monotonic() > deadline:
            return
        aside = validation[k]
        rest = np.delete(np.arange(len(rows.X)), aside)
        X, y, *weights = rows[rest]
        network = new_network(k)
        members[k] = Member(network, aside)
        stopping = EarlyStopping(monitor, recipe.patience, tol=0.0)
        network.fit(
            X,
            y,
            sample_weight=weights[0] if weights else None,
            validation_data=rows[aside],
            callbacks=[stopping, at_end, *([told] if told else [])],
            **recipe.fit_arguments(len(rest)),
        )

    try:
        _, failures = run_all([partial(fit_one, k) for k in range(len(validation))], n_threads)
        if failures:
            raise failures.pop(0)[1]
    except KeyboardInterrupt:
        begun = [k for k in sorted(members) if members[k].network.history["cost"]]
        if not begun:
            raise
        return [members[k] for k in begun]
    return [members[k] for k in sorted(members)]
