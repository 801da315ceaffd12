"""Activations with a parameter. The others are chosen by name; see ``csrc/activations.h``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from pynn import checks


@dataclass(frozen=True)
class Activation(checks.Checked):
    """An activation with one parameter, and its name in the compiled core."""

    def _name(self) -> str:
        raise NotImplementedError

    def _parameter(self) -> float:
        (value,) = vars(self).values()
        return float(value)


@dataclass(frozen=True)
class LeakyReLU(Activation):
    """The leaky rectifier: z, or ``slope * z`` where z is below 0 (Maas, Hannun & Ng 2013).

    The name "leaky_relu" stands for the default slope.

    Parameters
    ----------
    slope : float, default=0.01
        From 0, which is relu, up to but not including 1, which would be the identity.

    Raises
    ------
    TypeError, ValueError
        If slope is not a real number, or out of its range.

    Examples
    --------
    >>> import pynn
    >>> net = pynn.Network([2, 3, 1], activation=pynn.LeakyReLU(slope=0.2), random_state=0)
    >>> net.activations
    (LeakyReLU(slope=0.2), 'identity')
    """

    slope: float = 0.01

    _accepted: ClassVar[dict[str, str]] = {"slope": "[0, 1)"}

    def _name(self) -> str:
        return "leaky_relu"


# By their names in the core; a name alone stands for the default of the parameter.
PARAMETRISED: dict[str, Callable[..., Activation]] = {"leaky_relu": LeakyReLU}


def name_of(activation: str | Activation) -> str:
    """Return the name of an activation in the compiled core."""
    return activation if isinstance(activation, str) else activation._name()


def parameter_of(activation: str | Activation) -> float:
    """Return the parameter of an activation; 0 if it has none."""
    if isinstance(activation, str):
        if activation not in PARAMETRISED:
            return 0.0
        activation = PARAMETRISED[activation]()
    return activation._parameter()
