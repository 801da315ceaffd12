"""Places: which worker has which shard, and a fair share for each worker."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import dask

from pynn.dask import reading

_FAIR = Fraction(11, 10)  # of the mean load; shards move only from workers that have more


@dataclass
class Places:
    """The workers that have the shards.

    Parameters
    ----------
    client : distributed.Client
    token : str
        Suffix of the keys of all tasks.
    futures : list of Future
        The shards; one that moves is replaced.
    sizes : list of int
        Rows of each.

    Attributes
    ----------
    threads : dict
        Threads of each worker.
    """

    client: Any
    token: str
    futures: list[Any]
    sizes: list[int]
    threads: dict[str, int] = field(default_factory=dict)
    _n_moves: int = 0

    def __post_init__(self) -> None:
        self._of_shards: list[str | None] = [None] * len(self.futures)  # None: being read again

    def balance(self) -> None:
        """If the workers have changed, move shards from those with most to those with least.

        The scheduler gives partitions to whichever worker is free, and later tasks follow them.
        """
        threads: dict[str, int] = self.client.nthreads()
        if threads == self.threads and None not in self._of_shards:
            return
        own, self.threads = self._look(threads), threads
        fair = Fraction(sum(self.sizes), max(1, sum(threads.values())))

        def load(worker: str) -> Fraction:
            # Exact: by rounded quotients, a shard could move between two workers without end.
            return Fraction(sum(self.sizes[i] for i in own[worker]), threads[worker])

        while own:
            most, least = max(own, key=load), min(own, key=load)
            if load(most) <= _FAIR * fair:
                return
            i = min(own[most], key=self.sizes.__getitem__)
            if load(least) + Fraction(self.sizes[i], threads[least]) >= load(most):
                return
            own[most].remove(i)
            own[least].append(i)
            self._move(i, least)

    def _look(self, threads: dict[str, int]) -> dict[str, list[int]]:
        """Find out where the shards are; return those of each worker."""
        holders = self.client.who_has(self.futures)
        own: dict[str, list[int]] = {worker: [] for worker in threads}
        self._of_shards = [None] * len(self.futures)
        for i, future in enumerate(self.futures):
            for worker in [w for w in holders.get(future.key, ()) if w in threads][:1]:
                self._of_shards[i] = worker
                own[worker].append(i)
        return own

    def _move(self, i: int, worker: str) -> None:
        """Copy a shard to a worker, and release the old copy."""
        self._n_moves, self._of_shards[i] = self._n_moves + 1, worker
        key = f"pynn-shard-{i}-move-{self._n_moves}-{self.token}"
        self.futures[i] = self.client.submit(
            reading.same, self.futures[i], key=key, **_preferring(worker)
        )

    def preferred(self, i: int) -> AbstractContextManager[Any]:
        """Return a context in which tasks prefer the worker that has a shard."""
        worker = self._of_shards[i]
        if worker is None:
            return nullcontext()
        prefers: AbstractContextManager[Any] = dask.annotate(**_preferring(worker))
        return prefers


def _preferring(worker: str) -> dict[str, Any]:
    return {"workers": [worker], "allow_other_workers": True}
