"""Synchrony: how often the shards are averaged, and the mini-batches in between."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from pynn.training.optimizers import SGD, AdamW, Optimizer

_LEAST_BATCH = 8  # rows of a mini-batch where batch_size is "auto"
_WORK = 5e9  # multiply-adds, forward, of a round by default: a quarter of a second
_LEAST_ROWS, _MOST_ROWS = 10_000, 500_000  # of a shard in such a round


@dataclass(frozen=True)
class Synchrony:
    """When the shards are averaged.

    Parameters
    ----------
    sync_every : int, float or None
        See `pynn.dask.MLPClassifier`.
    warm_up : int
    worth : int
        Updates of a round that is worth its overhead, for where sync_every is None.
    """

    sync_every: float | None
    warm_up: int
    worth: int

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
            n_rounds = 1 if n_shards == 1 else max(1, round(n_updates / self.worth))
            every = -(-n_updates // n_rounds)
        if every < 1:
            every = max(1, round(float(every) * n_updates))
        n_rounds = -(-rest // int(every))
        ends = [n_single + rest * (r + 1) // n_rounds for r in range(n_rounds)]
        return [*range(n_single + 1), *ends]


def updates_worth_a_round(n_parameters: int, batch_size: int) -> int:
    """Return the updates that take a quarter of a second, so that averaging costs little more."""
    n_rows = min(max(_WORK / n_parameters, _LEAST_ROWS), _MOST_ROWS)
    return max(1, round(n_rows / batch_size))


class Batches(NamedTuple):
    """Mini-batches of each shard.

    Parameters
    ----------
    size : int
        Rows of one.
    optimizer : Optimizer
        Update rule for them.
    rate_factor : float, default=1.0
        Of its learning rate.
    penalty_factor : float, default=1.0
        Of penalties that are divided by the rows of a mini-batch.
    """

    size: int
    optimizer: Optimizer
    rate_factor: float = 1.0
    penalty_factor: float = 1.0


def batches(size: int | None, is_auto: bool, sizes: Sequence[int], optimizer: Optimizer) -> Batches:
    """Return the mini-batches of shards of these sizes.

    Adam, AdamW and RMSprop divide steps by the root mean square of the gradients, which the noise
    of smaller mini-batches increases. So their rate is multiplied by the square root of the ratio
    of the rows (Malladi et al. 2022). A step of AdamW shrinks weights by its rate times
    weight_decay, which is therefore divided by the same factor.

    Parameters
    ----------
    size : int or None
        Rows of a mini-batch on one machine; None for all rows.
    is_auto : bool
        Whether the shards share the rows of a mini-batch.
    sizes : sequence of int
    optimizer : Optimizer
    """
    largest = max(sizes)
    if size is None:
        return Batches(largest, optimizer)
    if not is_auto or len(sizes) == 1:
        return Batches(min(size, largest), optimizer)
    size = min(size, sum(sizes))
    small = min(max(_LEAST_BATCH, size // len(sizes)), largest)
    if isinstance(optimizer, SGD):
        return Batches(small, optimizer, penalty_factor=small / size)
    factor = math.sqrt(size / small)
    if isinstance(optimizer, AdamW):
        assert isinstance(optimizer.weight_decay, float)
        optimizer = replace(optimizer, weight_decay=optimizer.weight_decay / factor)
    return Batches(small, optimizer, factor, small / size)
