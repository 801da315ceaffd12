"""Evaluation: cost and score of rows on the workers, from sums over shards."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from pynn.dask import workers
from pynn.dask.rounds import Shard
from pynn.dask.shards import Shards
from pynn.model import judging
from pynn.model.architecture import Architecture
from pynn.model.model import Model
from pynn.model.regularisation import Regularisation

Array = NDArray[Any]


class Sums(NamedTuple):
    """Figures of some rows.

    Parameters
    ----------
    weight : float
        Of all rows.
    cost : float
        Weighted sum.
    hits : float
        Weight of the rows whose classes are right.
    mean, spread, error : ndarray of shape (n_outputs,)
        Weighted mean of the targets, sum of their squared distances to it, and of the squared
        errors.
    """

    weight: float
    cost: float
    hits: float
    mean: Array
    spread: Array
    error: Array

    def plus(self, other: Sums) -> Sums:
        """Return the figures of both together (Chan, Golub & LeVeque 1983)."""
        weight = self.weight + other.weight
        if weight == 0:
            return self
        step = (other.mean - self.mean) * (other.weight / weight)
        return Sums(
            weight,
            self.cost + other.cost,
            self.hits + other.hits,
            self.mean + step,
            self.spread + other.spread + (other.mean - self.mean) * step * self.weight,
            self.error + other.error,
        )


def sums(
    parameters: Array, shard: Shard, architecture: Architecture, n_threads: int, classifies: bool
) -> Sums:
    """Compute the figures of a shard: a task."""
    model, nothing = Model(architecture, n_threads), np.zeros(architecture.layer_sizes[-1])
    model.parameters[:] = parameters
    X, y, given = shard
    weights = np.ones(len(y)) if given is None else given
    weight = float(weights.sum())
    if weight == 0:
        return Sums(0.0, 0.0, 0.0, nothing, nothing, nothing)
    data = model._data(X, y, given, known_finite=True)
    cost, _ = model._cost(data, Regularisation.checked(len(model.weights)))
    out = model._predict(X, known_finite=True)
    if classifies:
        hits = judging.score(architecture, out, y, given) * weight
        return Sums(weight, cost * weight, hits, nothing, nothing, nothing)
    targets = y.astype(np.float64)
    mean = weights @ targets / weight
    spread, error = weights @ (targets - mean) ** 2, weights @ (targets - out) ** 2
    return Sums(weight, cost * weight, 0.0, mean, spread, error)


def total(each: Sequence[Sums]) -> Sums:
    """Add up the figures of shards, in their order."""
    found = each[0]
    for one in each[1:]:
        found = found.plus(one)
    return found


def score_of(found: Sums, classifies: bool) -> float:
    """Return the accuracy, or R² as `sklearn.metrics.r2_score` defines it."""
    if classifies:
        return found.hits / found.weight
    if not np.isfinite(found.error).all():
        return math.nan
    constant = found.spread == 0
    share = found.error / np.where(constant, 1, found.spread)
    return float(np.where(constant, np.where(found.error == 0, 1.0, 0.0), 1 - share).mean())


@dataclass
class HeldOut:
    """A validation set on the workers.

    Parameters
    ----------
    shards : Shards
    name : str
        For messages and keys.
    n_threads : int
        Of each task.
    """

    shards: Shards
    name: str
    n_threads: int

    def description(self) -> dict[str, str]:
        """Describe all rows for checkpoints."""
        return self.shards.description(self.name)

    def measure(self, estimator: Any, model: Model) -> Callable[[], tuple[float, float | None]]:
        """Return a function that computes cost, without penalty, and score.

        A score of None stands for the negative loss.
        """
        classifies, shards = is_classifier(estimator), self.shards
        by_loss = estimator.scoring == "loss"
        is_right = classifies and len(estimator.classes_) == 1
        count = itertools.count()

        def measured() -> tuple[float, float | None]:
            n, submit = next(count), shards.client.submit
            ends = f"{n}-{shards.token}"
            now = workers.sent(shards.client, np.array, model.parameters, f"pynn-parameters-{ends}")
            futures = [
                submit(
                    sums,
                    now,
                    shard,
                    model._architecture,
                    self.n_threads,
                    classifies,
                    key=f"pynn-evaluation-{n}-shard-{i}-{shards.token}",
                )
                for i, shard in enumerate(shards.futures)
            ]
            with workers.connected(shards.client):
                found = total(shards.client.gather(futures))
            cost = found.cost / found.weight
            if by_loss or not (classifies or found.spread.all()):
                return cost, None
            return cost, 1.0 if is_right else score_of(found, classifies)

        return measured
