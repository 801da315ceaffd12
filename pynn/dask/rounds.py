"""The tasks of a round: pure functions, so that a task that runs again has the same result.

Nothing depends on the worker that runs a task, nor on the number of workers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pynn.dask.workers import Build, build
from pynn.model.architecture import Architecture
from pynn.model.model import Model
from pynn.model.regularisation import Regularisation
from pynn.training.descent import Descent
from pynn.training.epoch_part import learn_part
from pynn.training.learners import Plan
from pynn.training.optimizers import Optimizer

Array = NDArray[Any]

_MOST_ORDERS = 128  # kept by a process


class Shard(NamedTuple):
    """Rows that one task trains on, as `pynn.training.epoch_part.learn_part` takes them."""

    X: Any
    y: Array
    weights: Array | None


@dataclass(frozen=True)
class Recipe:
    """What all rounds of a fit share.

    Parameters
    ----------
    token : str
        Of the fit.
    build : Build
        Of the process that called fit; workers of another version are refused.
    batch_size : int or None
        Rows of a mini-batch in each shard.
    """

    token: str
    build: Build
    architecture: Architecture
    optimizer: Optimizer
    regularisation: Regularisation
    batch_size: int | None
    shuffle: bool
    n_threads: int


@dataclass(frozen=True)
class Source:
    """A shard's sources of random numbers.

    Parameters
    ----------
    number : int
        Of the shard.
    state : dict
        State of NumPy's MT19937 before the first epoch.
    dropout_seed : int
    is_of_fit : bool, default=False
        Whether it is the source of the whole fit, which reports bring up to date.
    """

    number: int
    state: Any
    dropout_seed: int
    is_of_fit: bool = False


@dataclass(frozen=True)
class Part:
    """What a shard trains in a round.

    Parameters
    ----------
    epoch : int
        Counted from 0.
    first, last : int
        Updates of the shard's epoch; `last` is not among them.
    n_updates : int
        Updates of the fit before this part.
    rate : float
    rates : ndarray of shape (last - first,), optional
        Learning rate of each update.
    """

    epoch: int
    first: int
    last: int
    n_updates: int
    rate: float
    rates: NDArray[np.float64] | None = None


class Report(NamedTuple):
    """Figures of a shard in a round."""

    n_rows: int
    cost: float
    penalty: float
    seconds: float  # in the core
    build: Build
    state: Any  # of the fit's random source, after the shuffle of this epoch, or None


class Trained(NamedTuple):
    """Parameters in row 0, slots of the optimizer's state in the others; and what led to them."""

    values: Array
    reports: list[Report]


def begin(values: Array) -> Trained:
    """Return the parameters that an epoch begins with."""
    return Trained(values, [])


def train(start: Trained, shard: Shard, recipe: Recipe, source: Source, part: Part) -> Trained:
    """Train a copy of the parameters on a part of a shard's epoch."""
    recipe.build.expect(build())
    model, descent = Model(recipe.architecture, recipe.n_threads), Descent(recipe.optimizer)
    model.parameters[:] = start.values[0]
    descent.remember([slot.copy() for slot in start.values[1:]], part.n_updates)
    descent.learning_rate = part.rate
    n_rows = len(shard.y)
    order, random = _order(recipe, source, n_rows, part.epoch)
    size = recipe.batch_size or n_rows
    rows = order[part.first * size : part.last * size]
    plan = Plan(size, False, recipe.regularisation, np.random.RandomState(), source.dropout_seed)
    begun = perf_counter()
    cost, penalty = learn_part(model, shard, rows, descent, plan, part.rates).tolist()
    seconds = perf_counter() - begun
    slots, _ = descent.memory or ([], 0)
    state = random if source.is_of_fit else None
    report = Report(len(rows), cost, penalty, seconds, build(), state)
    return Trained(np.stack([model.parameters, *slots]), [report])


def average(shares: Sequence[float], parts: Sequence[Trained], dtype: Any) -> Trained:
    """Return the sum of the parts times their shares, by pairs in float64, in this dtype."""
    terms = [
        np.multiply(part.values, share, dtype=np.float64)
        for share, part in zip(shares, parts, strict=True)
    ]
    while len(terms) > 1:
        for first, second in zip(terms[::2], terms[1::2], strict=False):
            first += second
        terms = terms[::2]
    found = [report for part in parts for report in part.reports]
    return Trained(terms[0].astype(dtype, copy=False), found)


def reports(trained: Trained) -> list[Report]:
    """Return the figures alone, which are small."""
    return trained.reports


# ---- The order of the rows -----------------------------------------------------------------------

_Kept = tuple[int, NDArray[np.int64], np.random.RandomState]  # after this many shuffles
_orders: OrderedDict[tuple[str, int], _Kept] = OrderedDict()  # spares shuffles, changes no result


def _order(
    recipe: Recipe, source: Source, n_rows: int, epoch: int
) -> tuple[NDArray[np.int64], Any]:
    """Return the order of the rows in an epoch, and the state of the random source after it.

    Each epoch shuffles the order of the one before, as the core does.
    """
    if not recipe.shuffle:
        return np.arange(n_rows, dtype=np.int64), source.state
    key = recipe.token, source.number
    n_shuffles, order, random = _orders.pop(key, (epoch + 2, np.empty(0, np.int64), None))
    if n_shuffles > epoch + 1 or random is None:
        bits = np.random.MT19937()
        bits.state = source.state
        n_shuffles, random = 0, np.random.RandomState(bits)
        order = np.arange(n_rows, dtype=np.int64)
    for _ in range(n_shuffles, epoch + 1):
        random.shuffle(order)
    _orders[key] = epoch + 1, order, random
    while len(_orders) > _MOST_ORDERS:
        _orders.popitem(last=False)
    return order, random._bit_generator.state
