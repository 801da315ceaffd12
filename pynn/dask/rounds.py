"""The tasks of a round: pure functions, so that a task that runs again has the same result.

Nothing depends on the worker that runs a task, nor on the number of workers.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.dask.workers import Build, build
from pynn.model.architecture import Architecture
from pynn.model.model import Model
from pynn.model.regularisation import Regularisation
from pynn.training.descent import Descent
from pynn.training.learners import Plan, Rows, answered
from pynn.training.optimizers import Optimizer

Array = NDArray[Any]

_MOST_BYTES = 1 << 28  # of orders that a process keeps
_BLOCK = 1 << 14  # numbers that are averaged at a time, in the second-level cache


class Shard(NamedTuple):
    """Rows that one task trains on: checked, finite, and with encoded targets."""

    X: Any
    y: Array
    weights: Array | None

    def __reduce__(self) -> Any:
        return _received, tuple(self)

    def aligned(self) -> Shard:
        """Return it as the core reads it, copying only arrays that are not aligned."""
        X = self.X
        if checks.is_sparse(X):
            parts = [np.require(part, requirements="A") for part in (X.data, X.indices, X.indptr)]
            X = type(X)(tuple(parts), shape=X.shape, copy=False)
        else:
            X = np.require(X, requirements="A")
        weights = None if self.weights is None else np.require(self.weights, requirements="A")
        return Shard(X, np.require(self.y, requirements="A"), weights)


def _received(*arrays: Any) -> Shard:
    """Return a shard that came over the network or from disk, with arrays that begin anywhere."""
    return Shard(*arrays).aligned()


@dataclass(frozen=True)
class Recipe:
    """What all rounds of a fit share.

    Parameters
    ----------
    token : str
        Of the fit.
    build : Build
        Of the process that called fit; workers of another version are refused.
    batch_size : int
        Rows of a mini-batch in each shard.
    """

    token: str
    build: Build
    architecture: Architecture
    optimizer: Optimizer
    regularisation: Regularisation
    batch_size: int
    shuffle: bool
    n_threads: int


@dataclass(frozen=True)
class Source:
    """A shard's sources of random numbers.

    Parameters
    ----------
    number : int
        Of the shard.
    origin : int or dict
        Seed of NumPy's MT19937 in each epoch, with the number of the epoch. Or its state before
        the first epoch: it is then the source of the whole fit, which `Figures` bring up to date.
    dropout_seed : int
    """

    number: int
    origin: int | Mapping[str, Any]
    dropout_seed: int


@dataclass(frozen=True)
class Part:
    """What a shard trains in a round.

    Parameters
    ----------
    epoch, number : int
        Of the epoch, and of the round in it; both counted from 0.
    first, last : int
        Updates of the shard's epoch; `last` is not among them.
    n_updates : int
        Updates of the fit before this part.
    share : float
        Of this part in the mean cost of an epoch.
    rate : float
    rates : ndarray of shape (last - first,), optional
        Learning rate of each update.
    """

    epoch: int
    number: int
    first: int
    last: int
    n_updates: int
    share: float
    rate: float
    rates: NDArray[np.float64] | None = None


class Figures(NamedTuple):
    """Figures of some training.

    Parameters
    ----------
    n_rows : int
        That were trained on.
    cost, penalty : float
        Shares of the means over all rows of an epoch.
    seconds : float
        In the core.
    builds : frozenset of Build
        Of the workers.
    random : dict, optional
        State of the fit's random source, after the shuffle of this epoch.
    """

    n_rows: int = 0
    cost: float = 0.0
    penalty: float = 0.0
    seconds: float = 0.0
    builds: frozenset[Build] = frozenset()
    random: Any = None

    def plus(self, other: Figures) -> Figures:
        """Return the figures of both; the other ones are later."""
        return Figures(
            self.n_rows + other.n_rows,
            self.cost + other.cost,
            self.penalty + other.penalty,
            self.seconds + other.seconds,
            self.builds | other.builds,
            other.random or self.random,
        )


class Trained(NamedTuple):
    """The result of a task.

    Parameters
    ----------
    values : ndarray of shape (1 + n_slots, n_parameters)
        Parameters, and slots of the optimizer's state.
    before, figures : Figures
        Of earlier rounds of the epoch, and of this round.
    """

    values: Array
    before: Figures = Figures()
    figures: Figures = Figures()

    def of_epoch(self) -> Figures:
        """Return the figures of the epoch so far."""
        return self.before.plus(self.figures)


def begin(values: Array) -> Trained:
    """Return the parameters that a fit begins with, or goes on with."""
    return Trained(values)


def train(
    shard: Shard,
    *before: Trained,
    shares: Sequence[float],
    recipe: Recipe,
    source: Source,
    part: Part,
) -> Trained:
    """Train on a part of a shard's epoch, from the weighted mean of what the last round led to.

    Raises
    ------
    RuntimeError
        If this worker has another version of pynn.
    FloatingPointError
        If a parameter becomes infinite or NaN.
    """
    recipe.build.expect(build())
    X, y, weights = shard
    model, descent = Model(recipe.architecture, recipe.n_threads), Descent(recipe.optimizer)
    start = average(*before, shares=shares, dtype=model.dtype)
    values = start.values  # trained in place
    model._take(values[0])
    descent.learning_rate = part.rate
    descent.update_in_place(list(values[1:]), part.n_updates)
    rows, random = _rows_of(recipe, source, len(y), part)
    unused = np.random.RandomState()
    plan = Plan(recipe.batch_size, False, recipe.regularisation, unused, source.dropout_seed)
    data = model._data(X, y, weights, known_finite=True)
    learner = Rows(model, data, descent, plan, order=rows)
    begun = perf_counter()
    with learner.session:
        costs, error = answered(learner.learn_at(part.rates))
    if error is not None:
        raise error
    seconds = perf_counter() - begun
    cost, penalty = (part.share * costs[0]).tolist()
    found = Figures(len(rows), cost, penalty, seconds, frozenset([build()]), random)
    return Trained(values, start.of_epoch() if part.number else Figures(), found)


def average(*parts: Trained, shares: Sequence[float], dtype: Any) -> Trained:
    """Return the sum of the parts times their shares, by pairs in float64, in this dtype.

    A part alone with a share of 1 is copied.
    """
    if len(parts) == 1 and shares[0] == 1:
        return parts[0]._replace(values=parts[0].values.astype(dtype))
    values, room = np.empty(parts[0].values.shape, dtype), np.empty((len(parts), _BLOCK))
    out, each = values.reshape(-1), [part.values.reshape(-1) for part in parts]
    for start in range(0, len(out), _BLOCK):
        here = slice(start, start + _BLOCK)
        terms = list(room[:, : len(out[here])])
        for term, share, part in zip(terms, shares, each, strict=True):
            np.multiply(part[here], share, out=term, dtype=np.float64)
        while len(terms) > 1:
            for first, second in zip(terms[::2], terms[1::2], strict=False):
                first += second
            terms = terms[::2]
        out[here] = terms[0]
    figures = reduce(Figures.plus, [part.figures for part in parts])
    return Trained(values, parts[0].before, figures)


# ---- The order of the rows -----------------------------------------------------------------------

_Kept = tuple[int, NDArray[np.int64], np.random.RandomState]  # after the shuffle of this epoch
_orders: OrderedDict[tuple[str, int], _Kept] = OrderedDict()  # spares shuffles, changes no result
_orders_lock = threading.Lock()


def _rows_of(
    recipe: Recipe, source: Source, n_rows: int, part: Part
) -> tuple[NDArray[np.int64], Any]:
    """Return the rows of a part in their order, and the state of the fit's source after a shuffle.

    The source of a fit shuffles the order of the epoch before, as the core does.
    """
    is_of_fit = not isinstance(source.origin, int)
    here = slice(part.first * recipe.batch_size, part.last * recipe.batch_size)
    if not recipe.shuffle:
        return np.arange(n_rows, dtype=np.int64)[here], source.origin if is_of_fit else None
    key = recipe.token, source.number
    with _orders_lock:
        kept = _orders.pop(key, None)
    epoch, order, random = _shuffled(source, n_rows, part.epoch, kept)
    rows, state = order[here].copy(), random._bit_generator.state if is_of_fit else None
    with _orders_lock:
        _orders[key] = epoch, order, random  # from now on, another thread may shuffle it
        while len(_orders) > 1 and sum(kept[1].nbytes for kept in _orders.values()) > _MOST_BYTES:
            _orders.popitem(last=False)
    return rows, state


def _shuffled(source: Source, n_rows: int, epoch: int, kept: _Kept | None) -> _Kept:
    """Return the order of an epoch, continued from the order that is kept, if it can be."""
    if kept is not None and kept[0] == epoch:
        return kept
    if isinstance(source.origin, int):
        order, random = np.arange(n_rows, dtype=np.int64), np.random.RandomState()
        random.seed([source.origin, epoch])
        random.shuffle(order)
        return epoch, order, random
    if kept is None or kept[0] > epoch:
        bits: np.random.BitGenerator = np.random.MT19937()
        bits.state = source.origin
        kept = -1, np.arange(n_rows, dtype=np.int64), np.random.RandomState(bits)
    done, order, random = kept
    for _ in range(done, epoch):
        random.shuffle(order)
    return epoch, order, random
