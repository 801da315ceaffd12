"""Activations with parameters. The others are chosen by name; see ``csrc/activations.h``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pynn import _core, checks

ALIASES: dict[Any, str] = {"logistic": "sigmoid"}
HIDDEN_ACTIVATIONS = [name for name, output_only in _core.ACTIVATIONS.items() if not output_only]


@dataclass(frozen=True)
class Activation(checks.Checked):
    """An activation with one parameter, and its name in files."""

    def _name(self) -> str:
        raise NotImplementedError

    def _parameter(self) -> Any:
        (value,) = vars(self).values()
        return value


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

    def _parameter(self) -> float:
        return float(self.slope)


@dataclass(frozen=True)
class Parametric(Activation):
    """An activation with a trained parameter alpha for each unit: (1 − alpha) z + alpha f(z).

    With alpha = 1, its start, it is f; with alpha = 0, the unit is linear (Holzmüller, Grinsztajn &
    Steinwart 2024, "Better by Default"). For relu, it is PReLU with the slope 1 − alpha below 0 (He
    et al. 2015). Alphas have no penalty and no limit; `learning_rate_factors` of biases apply to
    them.

    Parameters
    ----------
    activation : str or LeakyReLU
        The activation f of a hidden layer, by its name or as an object.

    Raises
    ------
    TypeError, ValueError
        If activation is not one that hidden layers accept, or is parametric itself.

    Examples
    --------
    >>> import pynn
    >>> net = pynn.Network([2, 3, 1], activation=pynn.Parametric("silu"), random_state=0)
    >>> net.activations
    (Parametric(activation='silu'), 'identity')
    >>> net.alphas[0]
    array([1., 1., 1.], dtype=float32)
    """

    activation: str | Activation

    def __post_init__(self) -> None:
        """Check the activation."""
        given = self.activation
        if isinstance(given, Parametric):
            raise TypeError(f"Parametric takes an activation that is not parametric, got {given!r}")
        chosen = checked_activation("Parametric: activation", given, HIDDEN_ACTIVATIONS)
        object.__setattr__(self, "activation", chosen)

    def __str__(self) -> str:
        return f"parametric {self.activation}"

    def _name(self) -> str:
        return "parametric"


# By their names in files; in the core, a name alone stands for the default of the parameter.
PARAMETRISED: dict[str, Callable[..., Activation]] = {
    "leaky_relu": LeakyReLU,
    "parametric": Parametric,
}


def checked_activation(argument: str, given: object, names: Iterable[str]) -> str | Activation:
    """Return an activation that is given by its name or as an object."""
    if isinstance(given, Activation):
        return given
    if isinstance(given, type) and issubclass(given, Activation):
        example = "Parametric('relu')" if given is Parametric else f"{given.__name__}()"
        raise TypeError(f"{argument} must be an object: {example}, not the class")
    canonical = ALIASES.get(given, given) if isinstance(given, str) else given
    return checks.choice(argument, canonical, [*names, *ALIASES])


def name_of(activation: str | Activation) -> str:
    """Return the name of an activation in the compiled core."""
    if isinstance(activation, Parametric):
        return name_of(activation.activation)
    return activation if isinstance(activation, str) else activation._name()


def parameter_of(activation: str | Activation) -> float:
    """Return the fixed parameter of an activation; 0 if it has none."""
    if isinstance(activation, Parametric):
        return parameter_of(activation.activation)
    if isinstance(activation, str):
        if activation not in PARAMETRISED:
            return 0.0
        activation = PARAMETRISED[activation]()
    return float(activation._parameter())


def values(activation: str | Activation, z: NDArray[Any]) -> NDArray[np.float64]:
    """Compute f(z) of a vector in float64; of a `Parametric` activation, its f."""
    names, parameters = (name_of(activation),), (parameter_of(activation),)
    flags = False, False, (), ()  # no bias, no input scale, not residual, no norm
    core = _core.Core((1, 1), names, parameters, *flags, "squared_error", 0.0, "float64")
    out = np.empty((len(z), 1))
    core.predict(out, np.ones(1), _core.Data(np.array(z, float)[:, np.newaxis]))
    return out[:, 0]
