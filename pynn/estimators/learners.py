"""Learners: what an epoch of a fit goes over: rows in memory, or blocks of rows that come in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pynn.data import blocks
from pynn.estimators.descent import Descent
from pynn.estimators.samples import Samples
from pynn.estimators.supervised import Supervised
from pynn.network import Network

__all__ = ["Blocks", "Learner", "Rows"]

_AUTO_BATCH = 200  # rows of a mini-batch where batch_size is "auto": scikit-learn's number


class Learner(Protocol):
    """What an epoch learns from."""

    @property
    def order(self) -> NDArray[np.int64] | None:
        """Of the rows, which the next epoch shuffles; None where there is none to be kept."""

    def learn(self) -> tuple[float, int]:
        """Train for one epoch; return its loss and the rows that it went over."""


class Rows:
    """Rows in memory to learn from.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    network : Network
    descent : Descent
    samples : Samples
    dropout_seed : int
    """

    def __init__(
        self,
        estimator: Supervised,
        network: Network,
        descent: Descent,
        samples: Samples,
        dropout_seed: int,
    ) -> None:
        batch_size = batch_rows(estimator, len(samples))
        self.order: NDArray[np.int64] | None = np.arange(len(samples), dtype=np.int64)
        self.estimator, self.n_rows, self.descent = estimator, len(samples), descent
        self.n_updates = -(-self.n_rows // batch_size)
        self._train = partial(
            network._train,
            estimator._data(network, samples, samples.weights),
            descent.state_on(network),
            self.order,
            estimator.shuffle,
            n_epochs=1,
            batch_size=batch_size,
            regularisation=estimator._regularisation(network),
            dropout_seed=dropout_seed,
        )

    def learn(self) -> tuple[float, int]:
        """Train for one epoch; return its loss and the rows that it went over."""
        return self.learn_at(self.descent.rates(self.n_updates))

    def learn_at(self, rates: NDArray[np.float64] | None) -> tuple[float, int]:
        """Do so at the learning rate that there is for each update; None: the descent's."""
        costs, error = self._train(rates=rates)
        if error is not None:
            raise error
        return self.estimator._loss(*costs[0].tolist()), self.n_rows


class Blocks:
    """Blocks of rows that a source makes anew for each epoch.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    network : Network
    descent : Descent
    source : iterable of (X, y) or (X, y, sample_weight)
    dropout_seed : int
    """

    order: NDArray[np.int64] | None = None

    def __init__(
        self,
        estimator: Supervised,
        network: Network,
        descent: Descent,
        source: Iterable[Any],
        dropout_seed: int,
    ) -> None:
        self.estimator, self.network, self.descent = estimator, network, descent
        self.source, self.dropout_seed = source, dropout_seed

    def learn(self) -> tuple[float, int]:
        """Train for one epoch; return its loss and the rows that it went over."""
        rate, total, n_rows = self.descent.rates(1), 0.0, 0
        for block in blocks.blocks_of(self.source):
            samples = self.estimator._samples(*block, first=False, incremental=True)
            rows = Rows(self.estimator, self.network, self.descent, samples, self.dropout_seed)
            del (
                block,
                samples,
            )  # where it was converted, only what came of it is in memory from here on
            rates = None if rate is None else rate.repeat(rows.n_updates)
            loss, n = rows.learn_at(rates)
            total, n_rows = total + n * loss, n_rows + n
            del rows  # before the next block comes
        return total / n_rows, n_rows


def batch_rows(estimator: Supervised, n_rows: int) -> int:
    """Rows of a mini-batch, of so many or, at the end, of fewer."""
    if estimator.batch_size != "auto":
        return min(int(estimator.batch_size), n_rows)
    return n_rows if estimator.solver == "rprop" else min(_AUTO_BATCH, n_rows)
