"""Schedules: how the learning rate, and other numbers, change while a network is trained.

Each is a frozen dataclass that depends only on the time and on the losses so far. Schedules have no
state to save, so a resumed fit continues exactly.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pynn import checks

Factors = NDArray[np.float64]


@dataclass(frozen=True)
class Schedule(checks.Checked, ABC):
    """Base class of schedules; subclasses define `factors`.

    A schedule multiplies the learning rate of a fit, or the number in a `pynn.Scheduled`.
    """

    @abstractmethod
    def factors(self, epochs: Factors, losses: Sequence[float]) -> Factors:
        """Return the factor of the learning rate, or of another number, for each update.

        Parameters
        ----------
        epochs : ndarray of float64, shape (n_updates,)
            Start of each update in epochs, such as 3.25 after three and a quarter epochs. No update
            starts before the end of the epochs in `losses`.
        losses : sequence of float
            Monitored figure of each finished epoch, from the first on; lower is better. NaN is no
            improvement.

        Returns
        -------
        ndarray of float64, shape (n_updates,)
            Finite and not negative.
        """


@dataclass(frozen=True)
class Scheduled:
    """A number that follows a schedule during a fit, for each update ``value`` times its factor.

    ``alpha``, ``l1`` and ``dropout`` of `pynn.Network.fit` take one in place of a number, for all
    layers or in a list, and so does ``weight_decay`` of `pynn.AdamW`. Times are counted in epochs
    from the start of the fit. `ReduceOnPlateau` reads "val_cost" or, without validation data,
    "cost".

    Parameters
    ----------
    value : float
        Number before it is multiplied; at least 0.
    schedule : Schedule
        Such as `WarmUp`, which raises the number from 0, or `StepDecay`, which lowers it.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Examples
    --------
    Dropout that rises from 0 to 0.5 in the first ten epochs:

    >>> import pynn
    >>> pynn.Scheduled(0.5, pynn.WarmUp(10))
    Scheduled(value=0.5, schedule=WarmUp(epochs=10, then=None, start=0.0))
    """

    value: float
    schedule: Schedule

    def __post_init__(self) -> None:
        """Check both."""
        checks.non_negative("Scheduled: value", self.value)
        if not isinstance(self.schedule, Schedule):
            raise TypeError(f"Scheduled: schedule must be a Schedule, got {self.schedule!r}")


def initial(number: Any) -> Any:
    """Return the value of a number that follows a schedule; anything else as it is."""
    return number.value if isinstance(number, Scheduled) else number


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Step decay of the learning rate: ``factor ** floor(t / every)`` at time t, in epochs.

    Parameters
    ----------
    every : float, default=10
        Number of epochs between steps; positive.
    factor : float, default=0.1
        Factor of the learning rate at each step; above 0 and at most 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Examples
    --------
    >>> import numpy as np, pynn
    >>> pynn.StepDecay(every=10, factor=0.5).factors(np.array([0, 9.9, 10, 25]), [])
    array([1.  , 1.  , 0.5 , 0.25])
    """

    every: float = 10
    factor: float = 0.1

    _accepted: ClassVar[dict[str, str]] = {
        "every": "(0, inf)",
        "factor": "(0, 1]",
    }

    def factors(self, epochs: Factors, losses: Sequence[float]) -> Factors:
        """See `Schedule.factors`."""
        return np.power(float(self.factor), epochs // float(self.every))


@dataclass(frozen=True)
class CosineRestarts(Schedule):
    """Cosine annealing with warm restarts (SGDR, Loshchilov & Hutter 2017, equation 5).

    Cycle i is ``T_i = period * growth ** i`` epochs long. At ``T_cur`` epochs from its start the
    factor is ``lowest + (1 - lowest) * (1 + cos(pi * T_cur / T_i)) / 2``, computed for every
    update. It falls from 1 to `lowest`; the next cycle starts from 1 again.

    Parameters
    ----------
    period : float, default=10.0
        Length of the first cycle in epochs; positive.
    growth : float, default=2.0
        Ratio of the lengths of successive cycles; at least 1.
    lowest : float, default=0.0
        Factor at the end of each cycle; at least 0 and below 1.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Examples
    --------
    Cycles of 10 and 20 epochs:

    >>> import numpy as np, pynn
    >>> pynn.CosineRestarts().factors(np.array([0, 5, 9.9, 10, 20, 29.9, 30]), []).round(3)
    array([1. , 0.5, 0. , 1. , 0.5, 0. , 1. ])
    """

    period: float = 10.0
    growth: float = 2.0
    lowest: float = 0.0

    _accepted: ClassVar[dict[str, str]] = {
        "period": "(0, inf)",
        "growth": "[1, inf)",
        "lowest": "[0, 1)",
    }

    def factors(self, epochs: Factors, losses: Sequence[float]) -> Factors:
        """See `Schedule.factors`."""
        lowest = float(self.lowest)
        half_waves: Factors = (1 + np.cos(np.pi * self._phases(epochs))) / 2
        return lowest + (1 - lowest) * half_waves

    def _phases(self, epochs: Factors) -> Factors:
        """Return ``T_cur / T_i`` at these times."""
        period, growth = float(self.period), float(self.growth)
        if growth == 1:
            return epochs % period / period

        def start(cycle: Factors) -> Factors:  # the sum of a geometric series
            return period * (growth**cycle - 1) / (growth - 1)

        cycle = np.floor(np.log1p(epochs * (growth - 1) / period) / np.log(growth))
        cycle += epochs >= start(cycle + 1)  # logarithms are rounded: a restart is on time
        cycle -= epochs < start(cycle)
        phases: Factors = np.clip((epochs - start(cycle)) / (period * growth**cycle), 0, 1)
        return phases


@dataclass(frozen=True)
class OneCycle(Schedule):
    """The 1cycle policy: one rise and one long fall (Smith & Topin 2019).

    The given learning rate is the peak; factors are relative to it. The factor rises from `start`
    to 1 in the first ``rise * epochs`` epochs, then falls to `end` and stays there. The rise and
    the fall are half cosine waves, ``(1 - cos(pi * p)) / 2`` for ``p`` from 0 to 1, as is common
    today. The paper uses straight lines and also varies the momentum.

    Parameters
    ----------
    epochs : float
        End of the fall, usually the number of epochs of the fit; positive.
    rise : float, default=0.3
        Share of the epochs before the peak; above 0 and below 1.
    start, end : float, default=0.04, 1e-4
        Factors at the start and at the end, from 0 to 1, both included.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Examples
    --------
    >>> import numpy as np, pynn
    >>> pynn.OneCycle(epochs=10).factors(np.array([0, 1.5, 3, 6.5, 10, 11]), []).round(2)
    array([0.04, 0.52, 1.  , 0.5 , 0.  , 0.  ])
    """

    epochs: float
    rise: float = 0.3
    start: float = 0.04
    end: float = 1e-4

    _accepted: ClassVar[dict[str, str]] = {
        "epochs": "(0, inf)",
        "rise": "(0, 1)",
        "start": "[0, 1]",
        "end": "[0, 1]",
    }

    def factors(self, epochs: Factors, losses: Sequence[float]) -> Factors:
        """See `Schedule.factors`."""
        peak, stop = float(self.rise) * float(self.epochs), float(self.epochs)
        progress = np.interp(epochs, [0, peak, stop], [0, 1, 2])
        foot = np.where(progress < 1, float(self.start), float(self.end))
        waves: Factors = (1 - np.cos(np.pi * progress)) / 2
        return foot + (1 - foot) * waves


@dataclass(frozen=True)
class WarmUp(Schedule):
    """Linear warm-up of the learning rate, followed by another schedule.

    The factor at time t is ``start + (1 - start) * t / epochs``. After `epochs`, the schedule
    `then` takes over: its time is ``t - epochs``, and its losses are those of the epochs that began
    since (gradual warm-up: Goyal et al. 2017, section 2.2).

    Parameters
    ----------
    epochs : float, default=5.0
        Length of the warm-up; positive.
    then : Schedule or None, default=None
        Schedule after the warm-up. None: the factor stays 1.
    start : float, default=0.0
        Factor of the first update, from 0 to 1, both included. With 0, the first update changes no
        weight.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Examples
    --------
    >>> import numpy as np, pynn
    >>> warm_up = pynn.WarmUp(epochs=4, then=pynn.StepDecay(every=10))
    >>> warm_up.factors(np.array([0, 1, 2.5, 4, 13.9, 14]), [])
    array([0.   , 0.25 , 0.625, 1.   , 1.   , 0.1  ])
    """

    epochs: float = 5.0
    then: Schedule | None = None
    start: float = 0.0

    _accepted: ClassVar[dict[str, str]] = {
        "epochs": "(0, inf)",
        "start": "[0, 1]",
    }

    def __post_init__(self) -> None:
        """Check every parameter."""
        super().__post_init__()
        if not isinstance(self.then, Schedule | None):
            raise TypeError(f"WarmUp: then must be a schedule or None, got {self.then!r}")

    def factors(self, epochs: Factors, losses: Sequence[float]) -> Factors:
        """See `Schedule.factors`."""
        start, length = float(self.start), float(self.epochs)
        factors = start + (1 - start) * np.minimum(epochs / length, 1)
        after = epochs >= length
        if self.then is not None and after.any():
            since = losses[math.ceil(length) :]
            factors[after] = self.then.factors(epochs[after] - length, since)
        return factors


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """Reduce the learning rate when the loss stops improving.

    An epoch is an improvement if its loss is below ``best - tol * abs(best)``, where ``best`` is
    the loss of the last improvement (PyTorch's relative threshold; with ``abs``, so that losses may
    be negative too). After more than `patience` epochs in a row without improvement, the learning
    rate is multiplied by `factor`. The next `cooldown` epochs do not count, and the count restarts.

    Parameters
    ----------
    factor : float, default=0.1
        Factor of each reduction; above 0 and at most 1.
    patience : int, default=10
        Number of epochs without improvement to wait for; at least 0.
    tol : float, default=1e-4
        Required relative improvement over the best loss; at least 0 and below 1.
    cooldown : int, default=0
        Number of epochs after a reduction that do not count; at least 0.
    lowest : float, default=0.0
        Lower limit of the factor; from 0 to 1, both included.

    Raises
    ------
    TypeError, ValueError
        If a parameter has the wrong type or is out of range.

    Examples
    --------
    Two epochs without an improvement are one more than it waits for:

    >>> import numpy as np, pynn
    >>> schedule = pynn.ReduceOnPlateau(factor=0.5, patience=1)
    >>> losses = [3.0, 2.0, 2.5, 2.0, 1.9]
    >>> [float(schedule.factors(np.array([t]), losses[:t])[0]) for t in range(6)]
    [1.0, 1.0, 1.0, 1.0, 0.5, 0.5]
    """

    factor: float = 0.1
    patience: int = 10
    tol: float = 1e-4
    cooldown: int = 0
    lowest: float = 0.0

    _accepted: ClassVar[dict[str, str]] = {
        "factor": "(0, 1]",
        "patience": "integer [0, inf)",
        "tol": "[0, 1)",
        "cooldown": "integer [0, inf)",
        "lowest": "[0, 1]",
    }

    def factors(self, epochs: Factors, losses: Sequence[float]) -> Factors:
        """See `Schedule.factors`."""
        now, best, n_stalled, n_resting = 1.0, math.inf, 0, 0
        for loss in losses:
            below = best - self.tol * abs(best) if math.isfinite(best) else best
            if loss < below:
                best, n_stalled = loss, 0
            else:
                n_stalled += 1
            if n_resting > 0:
                n_resting, n_stalled = n_resting - 1, 0
            if n_stalled > self.patience:
                now = max(now * self.factor, self.lowest)
                n_resting, n_stalled = self.cooldown, 0
        return np.full(len(epochs), now)
