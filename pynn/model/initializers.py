"""Initial weights and biases.

Each function takes a source of random numbers, one layer's sizes and activation, and the shape of
its biases; it returns weights (n_in, n_out) and biases.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pynn import checks

Random: TypeAlias = np.random.RandomState | np.random.Generator
Floats: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = tuple[int, ...]
_Initializer: TypeAlias = Callable[[Random, int, int, str, Shape], tuple[Floats, Floats]]

# Activations that let about half of a symmetric input through, which is what He's bound is for.
RELU_FAMILY = frozenset({"relu", "leaky_relu", "elu", "gelu", "silu", "mish", "softplus"})


def glorot_uniform(
    random: Random, n_in: int, n_out: int, activation: str, biases: Shape
) -> tuple[Floats, Floats]:
    """Glorot & Bengio 2010, with scikit-learn's two habits: biases are drawn too, sigmoid has 2."""
    bound = math.sqrt((2 if activation == "sigmoid" else 6) / (n_in + n_out))
    weights = random.uniform(-bound, bound, (n_in, n_out))
    return weights, random.uniform(-bound, bound, biases)


def he_uniform(
    random: Random, n_in: int, n_out: int, activation: str, biases: Shape
) -> tuple[Floats, Floats]:
    """He et al. 2015: uniform with variance 2 / n_in; biases 0."""
    bound = math.sqrt(6 / n_in)
    return random.uniform(-bound, bound, (n_in, n_out)), np.zeros(biases)


def he_normal(
    random: Random, n_in: int, n_out: int, activation: str, biases: Shape
) -> tuple[Floats, Floats]:
    """He et al. 2015: normal with variance 2 / n_in; biases 0."""
    return random.standard_normal((n_in, n_out)) * math.sqrt(2 / n_in), np.zeros(biases)


def lecun_normal(
    random: Random, n_in: int, n_out: int, activation: str, biases: Shape
) -> tuple[Floats, Floats]:
    """LeCun et al. 1998: normal with variance 1 / n_in; biases 0. Klambauer et al. 2017 use it."""
    return random.standard_normal((n_in, n_out)) / math.sqrt(n_in), np.zeros(biases)


def normal(
    random: Random, n_in: int, n_out: int, activation: str, biases: Shape
) -> tuple[Floats, Floats]:
    """Nielsen 2015, chapter 3: weights normal / sqrt(n_in), biases normal."""
    weights = random.standard_normal((n_in, n_out)) / math.sqrt(n_in)
    return weights, random.standard_normal(biases)


def zeros(
    random: Random, n_in: int, n_out: int, activation: str, biases: Shape
) -> tuple[Floats, Floats]:
    """Weights and biases 0: enough without a hidden layer, never with one."""
    return np.zeros((n_in, n_out)), np.zeros(biases)


INITIALIZERS: dict[str, _Initializer] = {
    "glorot_uniform": glorot_uniform,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "lecun_normal": lecun_normal,
    "normal": normal,
    "zeros": zeros,
}


def initial_layer(
    name: str, random: Random, n_in: int, n_out: int, activation: str, biases: Shape
) -> tuple[Floats, Floats]:
    """Weights and biases of one layer; "auto" chooses by the activation: see `pynn.Network`.

    biases : (n_out,), (members, n_out) for biases of each member, or (0,) for none
    """
    if name == "auto":
        name = "he_uniform" if activation in RELU_FAMILY else "glorot_uniform"
        name = "lecun_normal" if activation == "selu" else name
    return INITIALIZERS[name](random, n_in, n_out, activation, biases)


def random_source(given: object) -> Random:
    """Return the source of random numbers that `random_state` stands for."""
    if given is np.random:
        return np.random.mtrand._rand
    if given is None:
        return np.random.RandomState()
    if isinstance(given, np.random.RandomState | np.random.Generator):
        return given
    try:
        return np.random.RandomState(checks.seed(given))
    except (TypeError, ValueError) as error:
        raise ValueError(
            "random_state must be None, an int from 0 to 2**32 - 1, a RandomState or a Generator; "
            f"got {given!r}"
        ) from error
