"""Rounds: the learner that runs an epoch as rounds of tasks on a cluster."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple

import distributed
import numpy as np
from numpy.typing import NDArray

from pynn.dask import rounds, workers
from pynn.dask.epochs import Epoch, Job, Parts
from pynn.dask.rounds import Figures, Recipe, Source
from pynn.dask.shards import Shards
from pynn.dask.synchrony import Synchrony, batches, updates_worth_a_round
from pynn.model.initializers import Random
from pynn.model.model import Model
from pynn.training.descent import Descent
from pynn.training.history import Patience
from pynn.training.learners import Costs, Learning, Plan, Session
from pynn.training.state import State

Array = NDArray[Any]

_RECEIVED_EVERY = 1.0  # seconds
_BALANCED_EVERY = 2.0  # seconds
_SENT_EVERY = 5.0  # seconds, between epochs; a lost worker costs at most the rounds since then
_WAITED_FOR = 5.0  # seconds after Ctrl-C
_AHEAD = 2  # rounds of the next epoch
_MOST_IN_VAIN = 3  # such epochs, because of a callback or an adaptive rate
_LONGEST_AHEAD = 2.0  # seconds of a round; longer ones gain nothing, and could be in vain


class _End(NamedTuple):
    """The end of a round, as the client has received it."""

    parts: Parts
    values: Array
    n_updates: int  # of the fit


@dataclass(frozen=True)
class Settings:
    """Settings of fits on a cluster.

    Parameters
    ----------
    sync_every, warm_up
        See `pynn.dask.MLPClassifier`.
    n_threads : int
        Of each task.
    is_auto : bool
        Whether the batch size is to be chosen by the number of shards.
    """

    sync_every: float | None
    warm_up: int
    n_threads: int
    is_auto: bool


class Rounds:
    """The learner of a fit on a cluster.

    Parameters
    ----------
    model : Model
    shards : Shards
    descent : Descent
    plan : Plan
    settings : Settings

    Attributes
    ----------
    core_share : float
        Share of the workers' time in the last epoch that they spent in the core.
    state : State or None
        Of the fit; told of the rounds that the client receives.
    """

    order: NDArray[np.int64] | None = None

    def __init__(
        self, model: Model, shards: Shards, descent: Descent, plan: Plan, settings: Settings
    ) -> None:
        self.model, self.shards, self.descent = model, shards, descent
        self.plan, self.session = plan, Session()
        self.n_rows, n_shards = sum(shards.sizes), len(shards.sizes)
        size, optimizer, self._rate_factor, penalty_factor = batches(
            plan.batch_size, settings.is_auto, shards.sizes, descent.optimizer
        )
        given = plan.regularisation
        alpha, l1 = (tuple(penalty_factor * x for x in xs) for xs in (given.alpha, given.l1))
        self.job = Job(
            shards,
            Recipe(
                shards.token,
                workers.build(),
                model._architecture,
                optimizer,
                replace(given, alpha=alpha, l1=l1),
                size,
                plan.shuffle,
                settings.n_threads,
            ),
            _sources(plan, n_shards),
            [-(-n // size) * (w > 0) for n, w in zip(shards.sizes, shards.totals, strict=True)],
            model.dtype,
            (1 + descent.n_slots) * model.parameters.nbytes,
        )
        worth = updates_worth_a_round(model.n_parameters, size)
        self._synchrony = Synchrony(settings.sync_every, settings.warm_up, worth)
        self.core_share = 0.0
        self.state: State | None = None
        self._seen = {self.job.recipe.build}
        self._n_in_vain = 0  # epochs that were submitted ahead
        self._epoch: Epoch | None = None
        self._ahead: Epoch | None = None  # the next one, if nothing changes before it begins
        self._looks_ahead = descent.schedule in ("constant", "adaptive")
        self._end: _End | None = None  # of the last round that the client has received
        self._figures = Figures()  # of the epoch, as far as received
        self._divergence: FloatingPointError | None = None  # of a task
        self._balanced_at, self._sent_at, self._received_at = perf_counter(), -math.inf, 0.0
        self._since, self._seconds_of_round = 0.0, math.inf  # since the last epoch ended
        descent.state_on(model)  # slots of 0s, or continued

    def learn(
        self, n_epochs: int = 1, patience: Patience | None = None, divisor: float = 1.0
    ) -> Learning[tuple[Costs, BaseException | None]]:
        """Train for one epoch; return its costs, or the error that ended it."""
        yield from ()  # the core has nothing to do here
        try:
            with workers.connected(self.shards.client):
                return self._learn()[np.newaxis], None
        except FloatingPointError as error:
            if error is not self._divergence:
                raise
            return np.empty((0, 2)), error
        except workers.DisconnectedError:
            self._take_last_received()
            raise
        except KeyboardInterrupt:
            self._take_last_whole_round()
            raise

    def _learn(self) -> NDArray[np.float64]:
        if perf_counter() - self._balanced_at > _BALANCED_EVERY:
            self.shards.places.balance()
            self._balanced_at = perf_counter()
        epoch = self._epoch = self._begun()
        for r in range(epoch.n_rounds):
            found = self._wait_for(epoch, r)
        assert self._end is not None
        self._take(self._end)
        self._epoch = None
        if len(self.job.sources) == 1:
            self.plan.bits.state = found.random
        return np.array([found.cost, found.penalty])

    def _begun(self) -> Epoch:
        """Return the epoch that begins, which was submitted ahead if nothing has changed since."""
        slots, n_before = self.descent.memory or ([], 0)
        rates, rate = self.descent.rates(self.job.longest), self.descent.learning_rate
        start = self._start([self.model.parameters, *slots], n_before)
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.start is start and ahead.rate == rate * self._rate_factor:
            return ahead
        token, self._since = self.job.recipe.token, perf_counter()
        if ahead is not None:
            ahead.cancel()
            self._n_in_vain += 1
            self._looks_ahead = self._n_in_vain < _MOST_IN_VAIN
            token = f"{token}-{self._n_in_vain}"  # keys are never used twice
        return self._new_epoch(start, n_before, rates, token)

    def _new_epoch(
        self, start: Parts, n_before: int, rates: NDArray[np.float64] | None, token: str
    ) -> Epoch:
        bounds = self._synchrony.bounds(self.job.longest, n_before, len(self.shards.sizes))
        rates = None if rates is None else rates * self._rate_factor
        rate = self.descent.learning_rate * self._rate_factor
        return Epoch(self.job, token, start, n_before, bounds, rate, rates)

    def _start(self, values: list[Array], n_updates: int) -> Parts:
        """Return parameters and slots as the workers have them, or send them."""
        end, now = self._end, perf_counter()
        is_due = self._ahead is None and now - self._sent_at > _SENT_EVERY
        if end is not None and end.n_updates == n_updates and not is_due:
            pairs = zip(values, end.values, strict=True)
            if all(np.array_equal(a.view(np.uint8), b.view(np.uint8)) for a, b in pairs):
                return end.parts
        self._sent_at = now
        key = f"pynn-start-{n_updates}-{self.job.recipe.token}"
        sent = workers.sent(self.shards.client, rounds.begin, np.stack(values), key)
        return Parts([sent], [1.0])

    def _wait_for(self, epoch: Epoch, r: int) -> Figures:
        """Wait for the end of a round; return the figures of the epoch, as far as received."""
        while len(epoch.ends) < min(r + 1 + epoch.group, epoch.n_rounds):
            epoch.submit(epoch.group)  # for workers to go on with
        if len(epoch.ends) == epoch.n_rounds and self._ahead is None:
            self._submit_ahead(epoch)
        is_last = r == epoch.n_rounds - 1
        distributed.wait(epoch.ends[r].tasks)
        if r > 0:
            epoch.ends[r - 1] = None
        now = perf_counter()
        self._seconds_of_round = (now - self._since) / (r + 1)
        if is_last or now - self._received_at > _RECEIVED_EVERY or not _is_over(epoch.ends[r]):
            self._receive(epoch, r, now - self._since)
        if is_last:
            self._since = now
        return self._figures

    def _receive(self, epoch: Epoch, r: int, seconds: float) -> None:
        """Receive what the epoch has led to after so many seconds, or raise its error."""
        try:
            trained = epoch.result(r)
        except FloatingPointError as error:
            self._divergence = error
            raise
        self._end = _End(epoch.ends[r], trained.values, epoch.n_updates_after(r))
        self._figures, self._received_at = trained.of_epoch(), perf_counter()
        self._look_at(self._figures, seconds)
        if self.state is not None and r < epoch.n_rounds - 1:
            rate = self._figures.n_rows / seconds
            self.state.round_ended(r + 1, epoch.n_rounds, rate, self.core_share)

    def _submit_ahead(self, epoch: Epoch) -> None:
        """Submit the beginning of the next epoch, for workers not to wait for callbacks."""
        is_last = self.state is None or self.state.epoch + 1 >= self.state.max_epochs
        is_due = perf_counter() - self._sent_at > _SENT_EVERY
        is_long = self._seconds_of_round > _LONGEST_AHEAD
        if is_last or is_due or is_long or not self._looks_ahead:
            return
        n_before = epoch.n_updates_after(epoch.n_rounds - 1)
        self._ahead = self._new_epoch(epoch.ends[-1], n_before, None, self.job.recipe.token)
        self._ahead.submit(_AHEAD)

    def _take(self, end: _End) -> None:
        """Take parameters and slots."""
        self.model.parameters[:] = end.values[0]
        self.descent.remember([slot.copy() for slot in end.values[1:]], end.n_updates)

    def _take_last_whole_round(self) -> None:
        """After Ctrl-C, take the last round that has ended."""
        epoch = self._epoch
        if epoch is None:
            return
        over = [r for r, end in enumerate(epoch.ends) if end is not None and _is_over(end)]
        try:  # in a terminal, Ctrl-C also ends the workers of a LocalCluster
            trained = [epoch.result(r, _WAITED_FOR) for r in over[-1:]]
        except Exception:
            trained = []
        if trained:
            r = over[-1]
            self._end = _End(epoch.ends[r], trained[0].values, epoch.n_updates_after(r))
        self._take_last_received()

    def close(self) -> None:
        """End all tasks, and forget what the workers hold for the fit."""
        for epoch in (self._epoch, self._ahead):
            if epoch is not None:
                epoch.cancel()
        self._epoch = self._ahead = self._end = self.state = None

    def _take_last_received(self) -> None:
        if self._end is not None and self._end.n_updates > self.descent.n_updates:
            self._take(self._end)

    def _look_at(self, found: Figures, seconds: float) -> None:
        """Compute the share of time in the core; warn once about a worker that joined."""
        n_tasks = min(len(self.job.sources), sum(self.shards.places.threads.values()) or 1)
        self.core_share = min(1.0, found.seconds / (n_tasks * max(seconds, 1e-9)))
        if not found.builds <= self._seen:
            self._seen |= found.builds
            workers.tell_of_others(self._seen)


def _is_over(parts: Parts) -> bool:
    return all(task.status == "finished" for task in parts.tasks)


def _sources(plan: Plan, n_shards: int) -> list[Source]:
    """Return the random source of each shard; a single shard takes the source of the fit."""
    if n_shards == 1:
        return [Source(0, plan.bits.state, plan.dropout_seed)]
    random: Random = plan.random
    assert isinstance(random, np.random.RandomState)
    seeds = random.randint(2**31, size=(n_shards, 2)).tolist()
    return [Source(i, seed, dropout_seed) for i, (seed, dropout_seed) in enumerate(seeds)]
