"""Rounds: the learner that runs an epoch as rounds of tasks on a cluster."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple

import dask
import numpy as np
from numpy.typing import NDArray

from pynn.dask import rounds, workers
from pynn.dask.rounds import Part, Recipe, Report, Source
from pynn.dask.shards import Shards
from pynn.model.initializers import Random
from pynn.model.model import Model
from pynn.training.descent import Descent
from pynn.training.history import Patience
from pynn.training.learners import Costs, Learning, Plan, Session, bit_generator
from pynn.training.optimizers import SGD, AdamW, Optimizer

Array = NDArray[Any]

_FAN_IN = 8  # parts that one task averages
_IN_FLIGHT = 3  # rounds: enough for workers never to wait for the client
_LEAST_BATCH = 8  # rows of a mini-batch where batch_size is "auto"
_EVERY = 0.5  # of an epoch, where sync_every is None


@dataclass(frozen=True)
class Synchrony:
    """When the shards are averaged.

    Parameters
    ----------
    sync_every : int, float or None
        See `pynn.dask.MLPClassifier`.
    warm_up : int
    """

    sync_every: float | None
    warm_up: int

    def bounds(self, n_updates: int, n_before: int, n_shards: int) -> list[int]:
        """Return the updates of an epoch after which a round ends, with 0 before them.

        Parameters
        ----------
        n_updates : int
            Of an epoch of the largest shard.
        n_before : int
            Of the fit, before this epoch.
        n_shards : int
        """
        n_single = min(n_updates, max(0, self.warm_up - n_before)) if n_shards > 1 else 0
        rest, every = n_updates - n_single, self.sync_every
        if every is None:
            every = 1.0 if n_shards == 1 else _EVERY
        if isinstance(every, float):
            every = max(1, round(every * n_updates))
        n_rounds = -(-rest // int(every))
        ends = [n_single + rest * (r + 1) // n_rounds for r in range(n_rounds)]
        return [*range(n_single + 1), *ends]


class _Round(NamedTuple):
    """A round that has been submitted."""

    n_updates: int  # of the fit, when it ends
    trained: Any  # futures
    reports: Any


class Rounds:
    """The learner of a fit on a cluster.

    Parameters
    ----------
    model : Model
    shards : Shards
    descent : Descent
    plan : Plan
    synchrony : Synchrony
    n_threads : int
        Of each task.
    is_auto : bool
        Whether the batch size is to be chosen by the number of shards.
    """

    order: NDArray[np.int64] | None = None

    def __init__(
        self,
        model: Model,
        shards: Shards,
        descent: Descent,
        plan: Plan,
        synchrony: Synchrony,
        n_threads: int,
        is_auto: bool,
    ) -> None:
        self.model, self.shards, self.descent = model, shards, descent
        self.plan, self.session = plan, Session()
        self.synchrony, self.n_rows = synchrony, sum(shards.sizes)
        n_shards, size = len(shards.sizes), plan.batch_size
        optimizer, self._rate_factor = descent.optimizer, 1.0
        if is_auto and size is not None and n_shards > 1:
            small = max(_LEAST_BATCH, size // n_shards)
            optimizer, self._rate_factor = _for_batches(optimizer, size / small)
            size = small
        self.batch_size = min(size or self.n_rows, max(shards.sizes))
        self.n_updates = [-(-n // self.batch_size) for n in shards.sizes]
        self.longest = max(self.n_updates)
        self.recipe = Recipe(
            shards.token,
            workers.check(shards.client),
            model._architecture,
            optimizer,
            replace(plan.regularisation),  # without its compiled counterpart
            self.batch_size,
            plan.shuffle,
            n_threads,
        )
        self.sources = _sources(plan, n_shards)
        self._rounds: list[_Round] = []  # of this epoch
        self._seen = {self.recipe.build}
        self.core_share = 0.0  # of the last epoch
        descent.state_on(model)  # slots of 0s, or continued

    def learn(
        self, n_epochs: int = 1, patience: Patience | None = None, divisor: float = 1.0
    ) -> Learning[tuple[Costs, BaseException | None]]:
        """Train for one epoch; return its costs, or the error that ended it."""
        yield from ()  # the core has nothing to do here
        try:
            with workers.connected(self.shards.client):
                return self._epoch()[np.newaxis], None
        except FloatingPointError as error:
            return np.empty((0, 2)), error
        except workers.DisconnectedError:
            raise
        except KeyboardInterrupt:
            self._take_last_whole_round()
            raise
        finally:
            self._rounds = []

    def _epoch(self) -> NDArray[np.float64]:
        slots, n_before = self.descent.memory or ([], 0)
        epoch, begun = n_before // self.longest, perf_counter()
        values = np.stack([self.model.parameters, *slots])
        key = f"pynn-start-{epoch}-{self.recipe.token}"
        limit = {"distributed.admin.large-graph-warning-threshold": "1 TiB"}
        with dask.config.set(limit):  # large on purpose; a task survives a crash of its worker
            start = self.shards.client.submit(rounds.begin, values, key=key)
        rates = self.descent.rates(self.longest)
        rates = None if rates is None else rates * self._rate_factor
        bounds = self.synchrony.bounds(self.longest, n_before, len(self.shards.sizes))
        n_rounds, costs, found = len(bounds) - 1, np.zeros(2), []
        for r in range(n_rounds):
            ends = bounds[r], bounds[r + 1]
            start = self._submit(start, epoch, r, ends, n_before, rates)
            if r >= _IN_FLIGHT - 1:
                found += self._reports(r - _IN_FLIGHT + 1)
        for r in range(max(0, n_rounds - _IN_FLIGHT + 1), n_rounds):
            found += self._reports(r)
        self._take(self._rounds[-1])
        for report in found:
            costs += report.n_rows / self.n_rows * np.array([report.cost, report.penalty])
        if len(self.sources) == 1:
            self.plan.bits.state = found[-1].state
        self._look_at(found, perf_counter() - begun)
        return costs

    @property
    def _rate(self) -> float:
        return self.descent.learning_rate * self._rate_factor

    def _submit(
        self,
        start: Any,
        epoch: int,
        r: int,
        ends: tuple[int, int],
        n_before: int,
        rates: NDArray[np.float64] | None,
    ) -> Any:
        """Submit a round from these parameters; return the future of its average."""
        shards, submit = self.shards, self.shards.client.submit
        name, trained, rows = f"pynn-round-{epoch}-{r}", [], []
        for i, n_updates in enumerate(self.n_updates):
            first, last = (n_updates * end // self.longest for end in ends)
            if first == last or shards.totals[i] == 0:
                continue
            each = rates
            if rates is not None:
                each = rates[np.arange(first, last) * self.longest // n_updates]
            part = Part(epoch, first, last, n_before + ends[0], self._rate, each)
            key = f"{name}-shard-{i}-{self.recipe.token}"
            arguments = (shards.futures[i], self.recipe, self.sources[i], part)
            trained.append(submit(rounds.train, start, *arguments, key=key))
            n_rows = min(last * self.batch_size, shards.sizes[i]) - first * self.batch_size
            rows.append(n_rows * shards.totals[i] / shards.sizes[i])
        if trained:
            start = self._average(trained, rows, name)
        key = f"pynn-report-{epoch}-{r}-{self.recipe.token}"
        report = submit(rounds.reports, start, key=key) if trained else None
        self._rounds.append(_Round(n_before + ends[1], start, report))
        return start

    def _average(self, trained: list[Any], rows: Sequence[float], name: str) -> Any:
        """Submit a fixed tree of sums; return the future of the weighted mean."""
        shares = (np.array(rows) / sum(rows)).tolist()
        level = 0
        while len(trained) > 1 or level == 0:
            groups = range(0, len(trained), _FAN_IN)
            dtype = self.model.dtype if len(groups) == 1 else np.float64
            trained = [
                self.shards.client.submit(
                    rounds.average,
                    shares[k : k + _FAN_IN],
                    trained[k : k + _FAN_IN],
                    dtype,
                    key=f"{name}-mean-{level}-{k // _FAN_IN}-{self.recipe.token}",
                )
                for k in groups
            ]
            shares, level = [1.0] * len(trained), level + 1
        return trained[0]

    def _reports(self, r: int) -> list[Report]:
        """Wait for the end of a round; return the figures of its shards."""
        reports = self._rounds[r].reports
        found: list[Report] = [] if reports is None else reports.result()
        return found

    def _take(self, last: _Round) -> None:
        """Take parameters and slots of a round."""
        values = last.trained.result().values
        self.model.parameters[:] = values[0]
        self.descent.remember([slot.copy() for slot in values[1:]], last.n_updates)

    def _take_last_whole_round(self) -> None:
        """After Ctrl-C, take the last round that has ended."""
        ended = [one for one in self._rounds if one.trained.status == "finished"]
        if ended:
            self._take(ended[-1])
        self.shards.client.cancel([one.trained for one in self._rounds])

    def _look_at(self, found: list[Report], seconds: float) -> None:
        """Record the share of time in the core; warn once about a worker that joined."""
        n_tasks = min(len(self.n_updates), sum(self.shards.client.nthreads().values()) or 1)
        in_core = sum(report.seconds for report in found)
        self.core_share = in_core / (n_tasks * max(seconds, 1e-9))
        new = {report.build for report in found} - self._seen
        if new:
            self._seen |= new
            workers.tell_of_others(self._seen)


def _for_batches(optimizer: Optimizer, factor: float) -> tuple[Optimizer, float]:
    """Return an update rule for mini-batches with fewer rows by a factor, and that of its rate.

    Adam and its like divide steps by the root mean square of the gradients. With fewer rows it
    grows with their noise, by the square root of the factor, and so must the rate (Malladi et al.
    2022). Weight decay, which is not divided, stays as it was.
    """
    if isinstance(optimizer, SGD):
        return optimizer, 1.0
    scale = math.sqrt(factor)
    if isinstance(optimizer, AdamW):
        assert isinstance(optimizer.weight_decay, float)
        optimizer = replace(optimizer, weight_decay=optimizer.weight_decay / scale)
    return optimizer, scale


def _sources(plan: Plan, n_shards: int) -> list[Source]:
    """Return the random sources of the shards: that of the fit for one, else drawn from it."""
    if n_shards == 1:
        return [Source(0, plan.bits.state, plan.dropout_seed, is_of_fit=True)]
    random: Random = plan.random
    assert isinstance(random, np.random.RandomState)
    seeds = random.randint(2**31, size=(n_shards, 2)).tolist()
    return [
        Source(i, bit_generator(np.random.RandomState(seed)).state, dropout_seed)
        for i, (seed, dropout_seed) in enumerate(seeds)
    ]
