"""Epochs: the rounds of an epoch as a graph of tasks, submitted in groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from time import perf_counter
from typing import Any, NamedTuple

import dask
import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray

from pynn.dask import rounds
from pynn.dask.rounds import Part, Recipe, Source, Trained
from pynn.dask.shards import Shards

_FAN_IN = 8  # parts that one task adds up
_TASKS_OF_GROUP = 128
_MOST_BYTES = 1 << 23  # of results that the client adds up; of more, a task does


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
    n_bytes : int
        Of the parameters and the state of the update rule.
    """

    shards: Shards
    recipe: Recipe
    sources: list[Source]
    n_updates: list[int]
    dtype: Any
    n_bytes: int

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
        self._mean_of_last: Any = None  # round, where the client does not add it up itself

    def submit(self, n_rounds: int) -> None:
        """Submit so many more rounds, or all that are left."""
        first = len(self.ends)
        last = min(first + n_rounds, self.n_rounds)
        now, found = self.ends[-1] if self.ends else self.start, list[Parts]()
        for r in range(first, last):
            now = self._round(now, r)
            found.append(now)
        tasks = [task for parts in found for task in parts.tasks]
        is_apart = last == self.n_rounds and self._is_large(now)
        if is_apart:
            with dask.annotate(priority=1):  # the client waits for it: before the next epoch
                tasks.append(self._mean(now, last - 1))
        futures = iter(self.job.shards.client.compute(tasks, optimize_graph=False))
        for parts in found:
            self.ends.append(Parts(list(islice(futures, len(parts.tasks))), parts.shares))
        self._mean_of_last = next(futures) if is_apart else None

    def result(self, r: int, timeout: float | None = None) -> Trained:
        """Receive the results of a round, and average them.

        Raises
        ------
        Exception
            The error of a task; or `TimeoutError` after so many seconds.
        """
        parts, client = self.ends[r], self.job.shards.client
        if self._is_large(parts):
            mean = self._mean_of_last if r == self.n_rounds - 1 else None
            parts = Parts([mean or client.compute(self._mean(parts, r))], [1.0])
        each: list[Trained]
        if timeout is None:
            each = client.gather(parts.tasks)
        else:
            end = perf_counter() + timeout
            each = [task.result(timeout=max(0.0, end - perf_counter())) for task in parts.tasks]
        if len(each) == 1:
            return each[0]
        return rounds.average(*each, shares=parts.shares, dtype=self.job.dtype)

    def _is_large(self, parts: Parts) -> bool:
        """Return whether a task is to add up these parts for the client."""
        n = len(parts.tasks)
        return n > 1 and n * self.job.n_bytes > _MOST_BYTES

    def cancel(self) -> None:
        """Cancel the tasks, and forget them."""
        client = self.job.shards.client
        futures = [task for end in self.ends if end is not None for task in end.tasks]
        if client.status == "running":
            client.cancel(futures)
        self.ends.clear()
        self.start, self._mean_of_last = Parts([], []), None

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
            return parts  # the receivers average them, which spares a step
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
