"""Learners: one epoch over rows in memory, or over blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pynn import _core
from pynn.data import blocks
from pynn.model.initializers import Random
from pynn.model.model import Model
from pynn.model.regularisation import Regularisation
from pynn.training import rate_factors
from pynn.training.averages import Averaging
from pynn.training.descent import Descent
from pynn.training.history import Patience
from pynn.training.rate_factors import RateFactors
from pynn.training.strengths import Strengths

T = TypeVar("T")
Learning = Generator[_core.Training, tuple[int, BaseException | None], T]
"""Yields what the core is to do, and is sent its results: by `answered`, or by `together`."""
answered, as_raised = _core.answered, _core.as_raised
Session = _core.Session

Costs = NDArray[np.float64]  # (n_epochs, 2): mean cost, and penalty


@dataclass
class Plan:
    """How an epoch goes through the rows.

    Parameters
    ----------
    batch_size : int or None
        None for all rows at once.
    shuffle : bool
    regularisation : Regularisation
    random : RandomState or Generator
        Source of the shuffles.
    dropout_seed : int, default=0
        Dropped units depend on it and on the number of updates alone.
    rate_factors : RateFactors, default=NONE
    averaging : Averaging, optional
        The average that the network has instead of the parameters that are trained.
    strengths : Strengths, optional
        Penalties, dropout and weight decay, if any of them follows a schedule.
    """

    batch_size: int | None
    shuffle: bool
    regularisation: Regularisation
    random: Random
    dropout_seed: int = 0
    rate_factors: RateFactors = rate_factors.NONE
    averaging: Averaging | None = None
    strengths: Strengths | None = None

    @property
    def bits(self) -> np.random.BitGenerator:
        """The bit generator."""
        return bit_generator(self.random)


def bit_generator(random: Random) -> np.random.BitGenerator:
    """Return the bit generator of a random source."""
    if isinstance(random, np.random.Generator):
        return random.bit_generator
    return random._bit_generator  # RandomState has no public name for it


class Learner(Protocol):
    """The rows of an epoch."""

    n_rows: int  # of the last epoch
    plan: Plan
    session: _core.Session  # what its calls of the core share

    @property
    def order(self) -> NDArray[np.int64] | None:
        """Order of the rows, which each epoch shuffles further; None for blocks."""

    def learn(
        self, n_epochs: int, patience: Patience | None = None, divisor: float = 1.0
    ) -> Learning[tuple[Costs, BaseException | None]]:
        """Train; return the costs of the finished epochs, and the error that ended them.

        Patience ends it early by cost / divisor + penalty, and counts the epochs.
        """


class Rows:
    """Rows in memory.

    Parameters
    ----------
    model : Model
    data : _core.Data
    descent : Descent
    plan : Plan
    session : _core.Session, optional
        One of its own by default.
    order : ndarray of int64, shape (n,), optional
        Rows of an epoch, in their order; shuffled in place. All rows by default.
    """

    def __init__(
        self,
        model: Model,
        data: _core.Data,
        descent: Descent,
        plan: Plan,
        session: _core.Session | None = None,
        order: NDArray[np.int64] | None = None,
    ) -> None:
        self.session = session or _core.Session()
        if order is None:
            order = np.arange(data.n_rows, dtype=np.int64)
        self.order = order
        self.n_rows = len(self.order)
        self.model, self.data, self.descent, self.plan = model, data, descent, plan
        self.state, self.bits = descent.state_on(model), plan.bits
        self.batch_size = min(plan.batch_size or self.n_rows, self.n_rows)
        self.n_updates = -(-self.n_rows // self.batch_size)
        self.costs: Costs = np.empty((0, 2))  # of the last call, as far as the core has come

    def learn(
        self, n_epochs: int = 1, patience: Patience | None = None, divisor: float = 1.0
    ) -> Learning[tuple[Costs, BaseException | None]]:
        """Train; return the costs of the finished epochs, and the error that ended them."""
        n, strengths = self.n_updates, self.plan.strengths
        each = None if strengths is None else strengths.of_updates(n)
        return self.learn_at(self.descent.rates(n), n_epochs, patience, divisor, each)

    def learn_at(
        self,
        rates: NDArray[np.float64] | None,
        n_epochs: int = 1,
        patience: Patience | None = None,
        divisor: float = 1.0,
        strengths: NDArray[np.float64] | None = None,
    ) -> Learning[tuple[Costs, BaseException | None]]:
        """Do so at these rates and strengths of each update; None for those of the fit."""
        model, plan, averaging = self.model, self.plan, self.plan.averaging
        self.costs = costs = np.empty((n_epochs, 2))
        n_done, error = yield _core.Training(
            model._core,
            averaging.trained if averaging else model._parameters,
            self.state,
            costs,
            self.data,
            self.order,
            self.bits if plan.shuffle else None,
            n_epochs=n_epochs,
            batch_size=self.batch_size,
            regularisation=plan.regularisation.core,
            rates=rates,
            rate_factors=plan.rate_factors.by_layer,
            scale_rate_factor=plan.rate_factors.scale,
            embedding_rate_factor=plan.rate_factors.embeddings,
            dropout_seed=plan.dropout_seed,
            strengths=strengths,
            n_threads=model._threads_for(self.data, self.batch_size),
            patience=patience,
            divisor=divisor,
            session=self.session,
            lock=self.bits.lock,
            **(averaging.in_core if averaging else {}),
        )
        return costs[:n_done], error


class Blocks:
    """Blocks of rows from a source that is iterated again in each epoch.

    Parameters
    ----------
    model : Model
    source : iterable of (X, y) or (X, y, sample_weight)
    data_of : function
        Makes the core's data of X, y and sample_weight.
    descent : Descent
    plan : Plan
    """

    order: NDArray[np.int64] | None = None
    n_rows = 0

    def __init__(
        self,
        model: Model,
        source: Iterable[Any],
        data_of: Callable[..., _core.Data],
        descent: Descent,
        plan: Plan,
    ) -> None:
        self.model, self.source, self.data_of = model, source, data_of
        self.descent, self.plan, self.session = descent, plan, _core.Session()

    def learn(
        self, n_epochs: int = 1, patience: Patience | None = None, divisor: float = 1.0
    ) -> Learning[tuple[Costs, BaseException | None]]:
        """Train for one epoch; return its costs, or the error that ended it."""
        rate, total, n_rows = self.descent.rates(1), np.zeros(2), 0
        for block in blocks.blocks_of(self.source):
            data = self.data_of(*block)
            rows = Rows(self.model, data, self.descent, self.plan, self.session)
            del block, data  # if it was converted, only the converted rows stay in memory
            n, strengths = rows.n_updates, self.plan.strengths
            rates = None if rate is None else rate.repeat(n)
            each = None if strengths is None else strengths.of_updates(1, n)
            costs, error = yield from rows.learn_at(rates, strengths=each)
            if error is not None:
                return np.empty((0, 2)), error
            total, n_rows = total + rows.n_rows * costs[0], n_rows + rows.n_rows
            del rows  # before the next block comes
        self.n_rows = n_rows
        return (total / n_rows)[np.newaxis], None
