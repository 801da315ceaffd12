"""Epochs: the rounds of an epoch as a graph of tasks, submitted in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from pynn.dask import rounds
from pynn.dask.rounds import Part, Recipe, Source, Trained
from pynn.dask.shards import Shards

_FAN_IN = 8  # parts that one task adds up
_TASKS_OF_GROUP = 128


@dataclass(frozen=True)
class Job:
    """What all epochs of a fit share.

    Parameters
    ----------
    shards : Shards
    recipe : Recipe
    sources : list of Source
        One for each shard.
    n_updates : list of int
        Of each shard in an epoch; 0 for a shard whose rows all have weight 0.
    dtype : dtype
        Of the parameters.
    """

    shards: Shards
    recipe: Recipe
    sources: list[Source]
    n_updates: list[int]
    dtype: Any

    @property
    def longest(self) -> int:
        """Updates of an epoch of the largest shard."""
        return max(self.n_updates)


class Parts(NamedTuple):
    """Results of tasks; their sum, each times its share, is what a round has led to.

    Parameters
    ----------
    tasks : list of Future or Delayed
    shares : list of float
    """

    tasks: list[Any]
    shares: list[float]


class Epoch:
    """One epoch.

    Parameters
    ----------
    job : Job
    token : str
        Suffix of the keys of the tasks.
    start : Parts
        Of the parameters and slots before the epoch.
    n_before : int
        Updates of the fit before it.
    bounds : sequence of int
        Updates after which a round ends, with 0 before them.
    rate : float
        Learning rate.
    rates : ndarray of shape (updates,), optional
        That of each update.

    Attributes
    ----------
    ends : list of Parts
        Of the rounds that have been submitted; None for those that are no longer needed.
    """

    def __init__(
        self,
        job: Job,
        token: str,
        start: Parts,
        n_before: int,
        bounds: Sequence[int],
        rate: float,
        rates: NDArray[np.float64] | None,
    ) -> None:
        self.job, self.token, self.start, self.n_before = job, token, start, n_before
        self.bounds, self.rate, self.rates = bounds, rate, rates
        self.number, self.n_rounds = n_before // job.longest, len(bounds) - 1
        self.group = max(1, _TASKS_OF_GROUP // len(job.n_updates))
        self.ends: list[Any] = []

    def submit(self, n_rounds: int) -> None:
        """Submit so many more rounds, or all that are left."""
        first = len(self.ends)
        now, found = self.ends[-1] if self.ends else self.start, list[Parts]()
        for r in range(first, min(first + n_rounds, self.n_rounds)):
            now = self._round(now, r)
            found.append(now)
        tasks = [task for parts in found for task in parts.tasks]
        futures = iter(self.job.shards.client.compute(tasks, optimize_graph=False))
        for parts in found:
            self.ends.append(Parts(list(islice(futures, len(parts.tasks))), parts.shares))

    def result(self, r: int, timeout: float | None = None) -> Trained:
        """Receive what a round has led to; raise the error of a task, or after the timeout."""
        tasks, shares = self.ends[r]
        if timeout is None:
            each = self.job.shards.client.gather(tasks)
        else:
            each = [task.result(timeout=timeout) for task in tasks]
        if len(tasks) == 1:
            return each[0]  # type: ignore[no-any-return]
        return rounds.average(*each, shares=shares, dtype=self.job.dtype)

    def cancel(self) -> None:
        """Cancel the tasks, and forget them."""
        client = self.job.shards.client
        futures = [task for end in self.ends if end is not None for task in end.tasks]
        if client.status == "running":
            client.cancel(futures)
        self.ends.clear()
        self.start = Parts([], [])

    def n_updates_after(self, r: int) -> int:
        """Return the updates of the fit after a round."""
        return self.n_before + self.bounds[r + 1]

    def _round(self, start: Parts, r: int) -> Parts:
        """Return the tasks of a round."""
        job, size = self.job, self.job.recipe.batch_size
        sizes, totals, longest = job.shards.sizes, job.shards.totals, job.longest
        (begin, end), total = self.bounds[r : r + 2], sum(totals)
        trained, weights, rates = [], [], None
        for i, n_updates in enumerate(job.n_updates):
            first, last = n_updates * begin // longest, n_updates * end // longest
            if first == last:
                continue
            if self.rates is not None:
                rates = self.rates[np.arange(first, last) * longest // n_updates]
            n_rows = min(last * size, sizes[i]) - first * size
            share = n_rows / sizes[i] * (totals[i] / total)
            now = self.n_before + begin
            part = Part(self.number, r, first, last, now, share, self.rate, rates)
            given: dict[str, Any] = {"recipe": job.recipe, "source": job.sources[i], "part": part}
            train = partial(rounds.train, shares=start.shares, **given)
            with job.shards.places.preferred(i):
                key = self._key("train", r, f"shard-{i}")
                trained.append(_task(train, key, job.shards.futures[i], *start.tasks))
            weights.append(share)
        parts = Parts(trained, (np.array(weights) / sum(weights)).tolist())
        if len(trained) <= _FAN_IN:
            return parts  # who needs their mean adds them up, which spares a step
        return Parts([self._mean(parts, r)], [1.0])

    def _mean(self, parts: Parts, r: int) -> Any:
        """Return the task of a weighted mean, which is a fixed tree of sums."""
        (tasks, shares), level = parts, 0
        while True:
            groups = range(0, len(tasks), _FAN_IN)
            dtype = self.job.dtype if len(groups) == 1 else np.float64
            tasks = [
                _task(
                    partial(rounds.average, shares=shares[k : k + _FAN_IN], dtype=dtype),
                    self._key("mean", r, f"{level}-{k // _FAN_IN}"),
                    *tasks[k : k + _FAN_IN],
                )
                for k in groups
            ]
            shares, level = [1.0] * len(tasks), level + 1
            if len(tasks) == 1:
                return tasks[0]

    def _key(self, task: str, r: int, part: str) -> str:
        """Return a key that begins with the kind of task, as the scheduler estimates by kind."""
        return f"pynn-{task}-{self.number}-{r}-{part}-{self.token}"


def _task(function: Any, key: str, *arguments: Any) -> Any:
    return delayed(function, pure=False)(*arguments, dask_key_name=key)
