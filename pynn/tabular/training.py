"""Training: networks that each leave one fold of the rows out, in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pynn.callbacks import EarlyStopping
from pynn.network import Network
from pynn.tabular.metrics import Metric
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
        Labels that the folds are stratified by.
    """

    X: Array
    y: Array
    weights: Array | None
    labels: Array | None

    def __getitem__(self, some: Array) -> tuple[Array, ...]:
        """Return X, y and the weights of some rows, as `Network.fit` takes them."""
        data = self.X[some], self.y[some]
        return data if self.weights is None else (*data, self.weights[some])

    def only(self, some: Array) -> Rows:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[some]
        labels = None if self.labels is None else self.labels[some]
        return Rows(self.X[some], self.y[some], weights, labels)


class Source(Protocol):
    """Blocks (X, y) or (X, y, weights) of prepared training rows, which each epoch reads again."""

    def __iter__(self) -> Iterator[tuple[Array, ...]]: ...

    @property
    def n_training_rows(self) -> int:
        """Number of rows of all blocks."""

    @property
    def description(self) -> str:
        """Text that differs between sources with different rows."""


class Store(Protocol):
    """Where trained networks are kept."""

    def restore(self, k: int, network: Network) -> bool:
        """Load parameters and history of network k; return whether the store has them."""

    def write(self, k: int, network: Network) -> None:
        """Keep network k."""


@dataclass
class Member:
    """A trained network.

    Parameters
    ----------
    network : Network
    validation : ndarray of int
        The rows that it was validated on.
    outputs : ndarray of shape (n_validation_rows, n_outputs)
        Its outputs for these rows.
    """

    network: Network
    validation: Array
    outputs: Array


@dataclass
class Trained:
    """How training ended.

    Parameters
    ----------
    members : dict of {int: Member}
        Members that trained at least one epoch, by number.
    errors : dict of {int: FloatingPointError}
        Errors of the members that diverged, by number.
    is_interrupted, is_late : bool
        Whether Ctrl-C or the deadline ended it.
    """

    members: dict[int, Member] = field(default_factory=dict)
    errors: dict[int, FloatingPointError] = field(default_factory=dict)
    is_interrupted: bool = False
    is_late: bool = False


def folds(rows: Rows, n_members: int, n_folds: int, fraction: float, random: Any) -> list[Array]:
    """Return the validation rows of each member, ascending.

    Rows are drawn stratified: the rows of each label are spread evenly.

    Parameters
    ----------
    rows : Rows
        At least two.
    n_members : int
    n_folds : int
        Number of folds of a partition, limited to the number of rows; after `n_folds` members,
        another partition is drawn. With 1, all members are validated on the same rows.
    fraction : float
        Share of these rows, if `n_folds` is 1; at least one row.
    random : RandomState

    Returns
    -------
    list of ndarray of int
    """
    n_rows = len(rows.X)
    if n_folds == 1:
        n_aside = min(max(1, round(fraction * n_rows)), n_rows - 1)
        evenly = (np.arange(n_aside) * n_rows + n_rows // 2) // n_aside
        return [np.sort(_shuffled(rows, random)[evenly])] * n_members
    n_folds = min(n_folds, n_rows)
    found: list[Array] = []
    while len(found) < n_members:
        order = _shuffled(rows, random)
        found += [np.sort(order[k::n_folds]) for k in range(n_folds)]
    return found[:n_members]


def _shuffled(rows: Rows, random: Any) -> Array:
    """Return the numbers of the rows in random order within their labels."""
    order: Array = random.permutation(len(rows.X))
    return order if rows.labels is None else order[np.argsort(rows.labels[order], kind="stable")]


def train(
    rows: Rows,
    validation: Sequence[Array],
    new_network: Callable[[int], Network],
    recipe: Recipe,
    metric: Metric,
    deadline: float,
    n_threads: int | None,
    report: Callable[[int, Member], None] | None,
    source: Source | None,
    store: Store | None,
) -> Trained:
    """Train a network for each validation set.

    Parameters
    ----------
    rows : Rows
    validation : sequence of ndarray of int
        Validation rows of each member; it learns from the others.
    new_network : function
        Returns the network of a member.
    recipe : Recipe
    metric : Metric
        Metric that chooses the best epoch.
    deadline : float
        Time of `time.monotonic` after which training ends; members may then be missing, but the
        first ones train for an epoch.
    n_threads : int or None
    report : function or None
        Called with the number and the member once a member is trained, in any thread.
    source : Source or None
        Blocks of other rows, which all members learn from instead, one after another.
    store : Store or None
        Networks in the store are not trained again. Networks that are trained to their end are
        added to it.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C before any member has trained an epoch.
    """
    trained, begun = Trained(), dict[int, Network]()

    def is_late(_: State | None = None) -> bool:
        trained.is_late |= monotonic() > deadline
        return trained.is_late

    def fit_one(k: int) -> None:
        if trained.members and is_late():
            return
        begun[k] = network = new_network(k)
        try:
            if store is None or not store.restore(k, network):
                _fit(network, rows, validation[k], recipe, metric, is_late, source)
                if store is not None and monotonic() <= deadline:
                    store.write(k, network)
        except FloatingPointError as error:
            trained.errors[k] = error.with_traceback(None)  # its frames would keep the rows
            return
        trained.members[k] = member = _member(network, rows, validation[k])
        if report is not None:
            report(k, member)

    failures: list[tuple[int, BaseException]] = []
    try:
        tasks = [partial(fit_one, k) for k in range(len(validation))]
        for some in [tasks] if source is None else [[task] for task in tasks]:
            _, failures = run_all(some, n_threads)
            if failures:
                break
    except KeyboardInterrupt:
        trained.is_interrupted = True
    for _, failure in failures:  # the first one ended the rest
        if not isinstance(failure, KeyboardInterrupt):
            raise failure
        trained.is_interrupted = True
    for k in begun.keys() - trained.members.keys() - trained.errors.keys():
        if begun[k].history["cost"]:
            trained.members[k] = _member(begun[k], rows, validation[k])
    if trained.is_interrupted and not trained.members:
        raise KeyboardInterrupt
    trained.members = dict(sorted(trained.members.items()))
    return trained


def _fit(
    network: Network,
    rows: Rows,
    aside: Array,
    recipe: Recipe,
    metric: Metric,
    is_late: Callable[[State], bool],
    source: Source | None,
) -> None:
    """Train a network; it has the parameters of the best epoch then."""
    data: tuple[Any, ...]
    if source is None:
        rest = np.delete(np.arange(len(rows.X)), aside)
        data, n_rows = rows[rest], len(rest)
    else:
        data, n_rows = (source, None), source.n_training_rows
    X, y, *weights = data
    metric = metric.on(rows.y[aside])
    stopping = EarlyStopping(
        metric.figure, recipe.patience, tol=0.0, lower_is_better=metric.lower_is_better
    )
    network.fit(
        X,
        y,
        sample_weight=weights[0] if weights else None,
        validation_data=rows[aside],
        callbacks=[*metric.callbacks, stopping, is_late],
        **recipe.fit_arguments(n_rows),
    )


def _member(network: Network, rows: Rows, aside: Array) -> Member:
    network._descent = None  # the optimizer's state takes more memory than the parameters
    return Member(network, aside, network.predict(rows.X[aside]))


def best_epoch(network: Network) -> int:
    """Return the epoch, counted from 1, that a network has; the last one if none was best."""
    return network.best_epoch or len(network.history["cost"])


def out_of_fold(members: Sequence[Member], n_rows: int) -> tuple[Array, Array]:
    """Return the rows that members were validated on, and the mean of their outputs for each.

    Parameters
    ----------
    members : sequence of Member
    n_rows : int

    Returns
    -------
    seen : ndarray of int
        Numbers of the rows, ascending.
    outputs : ndarray of float64, shape (n_seen, n_outputs)
    """
    n_times = np.zeros(n_rows, dtype=int)
    total = np.zeros((n_rows, members[0].outputs.shape[1]))
    for member in members:
        total[member.validation] += member.outputs
        n_times[member.validation] += 1
    seen = np.flatnonzero(n_times)
    return seen, total[seen] / n_times[seen, None]
