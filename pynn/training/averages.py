"""Averages of the parameters over a fit: exponential moving, and stochastic weight averaging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from pynn import checks
from pynn.model.parameters import zeros

Array = NDArray[Any]


@dataclass(frozen=True)
class Average(checks.Checked):
    """Base class of averages of the parameters."""


@dataclass(frozen=True)
class EMA(Average):
    """Exponential moving average of the parameters, taken after every update.

    ``average = decay * average + (1 - decay) * parameters``, starting from 0 and divided by
    ``1 - decay**t`` after update ``t`` (Kingma & Ba 2015, section 7.2). With this bias correction,
    the first average equals the parameters after the first update, and the initial parameters have
    no share in it. Running means and variances of batch normalisation are averaged likewise.

    Parameters
    ----------
    decay : float, default=0.999
        From 0 up to but not including 1. The average covers about the last ``1 / (1 - decay)``
        updates.

    Raises
    ------
    TypeError, ValueError
        If decay has the wrong type or is out of range.

    Examples
    --------
    >>> import pynn
    >>> pynn.EMA(0.99)
    EMA(decay=0.99)
    """

    decay: float = 0.999

    _accepted: ClassVar[dict[str, str]] = {"decay": "[0, 1)"}


@dataclass(frozen=True)
class SWA(Average):
    """Stochastic weight averaging: the mean of the parameters at the ends of epochs.

    All epochs from `start` on have equal weight (Izmailov et al. 2018, one model per epoch). The
    paper starts after about three quarters of the epochs and trains on with a high constant or
    cyclical learning rate. With batch normalisation, it recomputes means and variances by another
    pass over the data; here they are averaged like the weights.

    Parameters
    ----------
    start : int
        First epoch whose parameters are averaged, counted from 1 in each fit.

    Raises
    ------
    TypeError, ValueError
        If start has the wrong type or is out of range.

    Examples
    --------
    >>> import pynn
    >>> pynn.SWA(start=15)
    SWA(start=15)
    """

    start: int

    _accepted: ClassVar[dict[str, str]] = {"start": "integer [1, inf)"}


class Averaging:
    """The average of a fit in progress.

    The network has the average at all times, for validation and callbacks. The core trains another
    vector.

    Parameters
    ----------
    average : Average
    parameters : ndarray of shape (n_parameters,)
        Of the network.
    n_updates : int
        Updates that the optimizer's state has seen so far.

    Attributes
    ----------
    trained : ndarray of shape (n_parameters,)
        The parameters that are trained.
    since : int
        The number of updates at which the average began.
    """

    def __init__(self, average: Average, parameters: Array, n_updates: int) -> None:
        self.average, self.mean, self.since = average, parameters, n_updates
        self.trained = zeros(len(parameters), parameters.dtype)
        self.trained[:] = parameters

    @property
    def is_by_epoch(self) -> bool:
        """Whether the average changes after epochs, not after updates."""
        return isinstance(self.average, SWA)

    @property
    def in_core(self) -> dict[str, Any]:
        """The core's arguments for an average after each update."""
        if not isinstance(self.average, EMA):
            return {}
        decay = float(self.average.decay)
        return {"average": self.mean, "decay": decay, "averaged_since": self.since}

    def epoch_ended(self, epoch: int) -> None:
        """Average by epoch; until the start, the network has the parameters that are trained."""
        if isinstance(self.average, SWA):
            n = epoch - self.average.start + 1
            if n <= 1:
                self.mean[:] = self.trained
            else:
                self.mean += (self.trained - self.mean) / self.mean.dtype.type(n)


def checked(average: object, epochs: int) -> Average | None:
    """Check the argument of `pynn.Network.fit`; raise TypeError or ValueError."""
    if not isinstance(average, Average | None):
        hint = f"; use an object: {average.__name__}(...)" if isinstance(average, type) else ""
        raise TypeError(f"average must be EMA, SWA or None, got {average!r}{hint}")
    if isinstance(average, SWA) and average.start > epochs:
        raise ValueError(
            f"SWA: start must be one of the {epochs} epochs of this fit, got {average.start}"
        )
    return average
