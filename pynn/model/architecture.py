"""What a network computes: sizes, activations, cost, precision; checked once and fixed for good."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pynn import _core, checks
from pynn.model.costs import PARAMETRISED, Cost

__all__ = ["ALIASES", "HIDDEN_ACTIVATIONS", "Architecture", "Views"]

ALIASES = {"logistic": "sigmoid"}
HIDDEN_ACTIVATIONS = [name for name, output_only in _core.ACTIVATIONS.items() if not output_only]

_CAPPED = ("cross_entropy", "binary_cross_entropy")

Views = tuple[tuple[NDArray[Any], ...], tuple[NDArray[Any], ...]]


@dataclass(frozen=True)
class Architecture:
    """The fixed part of a `pynn.Network`; `checked` makes one from a user's arguments.

    Parameters
    ----------
    layer_sizes : tuple of int
        Units of the input, of each hidden layer and of the output.
    activations : tuple of str
        One for each layer but the input, the output's last.
    cost : str or Cost
    bias : bool
    dtype : numpy.dtype, float32 or float64
    """

    layer_sizes: tuple[int, ...]
    activations: tuple[str, ...]
    cost: str | Cost
    bias: bool
    dtype: np.dtype[Any]

    @classmethod
    def checked(
        cls,
        layer_sizes: Sequence[int],
        activation: str | Sequence[str],
        output_activation: str,
        cost: str | Cost,
        bias: bool,
        dtype: DTypeLike,
    ) -> Architecture:
        """Check arguments as `pynn.Network` takes them; raise TypeError or ValueError."""
        sizes = _layer_sizes(layer_sizes)
        activations = _activations(activation, output_activation, len(sizes) - 2)
        if not isinstance(bias, bool):
            raise TypeError(f"bias must be True or False, got {bias!r}")
        new = cls(sizes, activations, _cost(cost, activations[-1]), bias, _dtype(dtype))
        if new.n_parameters > sys.maxsize // new.dtype.itemsize:
            raise ValueError(f"{new.n_parameters} parameters are more than any memory can hold")
        return new

    @property
    def n_parameters(self) -> int:
        """How many weights and biases there are."""
        return sum((n_in + self.bias) * n_out for n_in, n_out in pairwise(self.layer_sizes))

    @property
    def cost_name(self) -> str:
        """Name of the cost in the compiled core."""
        return self.cost._name() if isinstance(self.cost, Cost) else self.cost

    @property
    def is_tied(self) -> bool:
        """Whether the cost goes with this output activation alone, whose derivative cancels."""
        return _core.COSTS[self.cost_name] is not None

    def core(self, capped: bool = False) -> _core.Core:
        """Make the compiled counterpart.

        capped: the values of both cross-entropies keep probabilities by the dtype's eps from 0 and
        1, as scikit-learn's do; their gradients do not.
        """
        parameter = self.cost._parameter() if isinstance(self.cost, Cost) else 0.0
        if capped and self.cost in _CAPPED:
            parameter = float(np.finfo(self.dtype).eps)
        return _core.Core(
            self.layer_sizes,
            self.activations,
            self.bias,
            self.cost_name,
            parameter,
            self.dtype.name,
        )

    def first(self, n_layers: int) -> Architecture:
        """Return what the first layers of weights compute; their parameters are the first too."""
        sizes, activations = self.layer_sizes[: n_layers + 1], self.activations[:n_layers]
        return Architecture(sizes, activations, "squared_error", self.bias, self.dtype)

    def views(self, vector: NDArray[Any]) -> Views:
        """Split a vector (n_parameters,) into views: weights, biases of each layer."""
        weights, biases, start = [], [], 0
        for n_in, n_out in pairwise(self.layer_sizes):
            weights.append(vector[start : start + n_in * n_out].reshape(n_in, n_out))
            start += n_in * n_out
            if self.bias:
                biases.append(vector[start : start + n_out])
                start += n_out
        return tuple(weights), tuple(biases)


def _layer_sizes(given: object) -> tuple[int, ...]:
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise TypeError(f"layer_sizes must be a sequence of integers, got {given!r}")
    sizes = tuple(checks.positive_integer("each of layer_sizes", size) for size in given)
    if len(sizes) < 2:
        raise ValueError(f"layer_sizes must have an input and an output at least, got {sizes}")
    return sizes


def _activations(given: object, output: object, n_hidden: int) -> tuple[str, ...]:
    names = [given] * n_hidden
    if isinstance(given, Iterable) and not isinstance(given, str):
        names = list(given)
        if len(names) != n_hidden:
            raise ValueError(
                f"activation must be one name or {n_hidden}, one for each hidden layer; got {given}"
            )
    elif n_hidden == 0:
        names = []
        checks.choice("activation", _alias(given), [*HIDDEN_ACTIVATIONS, *ALIASES])
    chosen = [
        checks.choice("activation", _alias(name), [*HIDDEN_ACTIVATIONS, *ALIASES]) for name in names
    ]
    everywhere = [*_core.ACTIVATIONS, *ALIASES]
    return (*chosen, checks.choice("output_activation", _alias(output), everywhere))


def _alias(name: object) -> object:
    return ALIASES.get(name, name) if isinstance(name, str) else name


def _cost(given: object, output: str) -> str | Cost:
    if not isinstance(given, Cost):
        given = checks.choice("cost", given, _core.COSTS)
        given = PARAMETRISED[given]() if given in PARAMETRISED else given
    name = given._name() if isinstance(given, Cost) else given
    needed = _core.COSTS[name]
    if needed is not None and needed != output:
        raise ValueError(f"cost {name!r} needs output_activation={needed!r}, got {output!r}")
    return given


def _dtype(given: DTypeLike) -> np.dtype[Any]:
    try:
        dtype = None if given is None else np.dtype(given)  # NumPy takes None for float64
    except TypeError:
        dtype = None
    if dtype is None or dtype not in (np.dtype("float32"), np.dtype("float64")):
        raise ValueError(f"dtype must be float32 or float64, got {given!r}")
    return dtype
