"""The formulas of a chain in NumPy.

`to_numpy` copies the functions that a model needs into the file that it writes, so each of them
stands alone but for NumPy, `math` and the functions of this module.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def identity(z: Array) -> Any:
    """Return the weighted sums."""
    return z


def sigmoid(z: Array) -> Any:
    """Return 1 / (1 + exp(-z)); exp of a positive number might overflow."""
    e = np.exp(-np.abs(z))
    return np.where(z < 0, e, z.dtype.type(1)) / (1 + e)


def tanh(z: Array) -> Any:
    """Return the hyperbolic tangent."""
    return np.tanh(z)


def relu(z: Array) -> Any:
    """Return z above 0, else 0."""
    return np.maximum(z, 0)


def leaky_relu(z: Array, slope: float) -> Any:
    """Return z above 0, else slope * z."""
    return np.where(z < 0, z.dtype.type(slope) * z, z)


def elu(z: Array) -> Any:
    """Return z above 0, else exp(z) - 1."""
    return np.where(z < 0, np.expm1(np.minimum(z, 0)), z)


def selu(z: Array) -> Any:
    """Return a scaled elu (Klambauer et al. 2017)."""
    below = 1.75809934084737685994 * np.expm1(np.minimum(z, 0))
    return np.where(z < 0, below, 1.05070098735548049342 * z)


def gelu(z: Array) -> Any:
    """Return z times the probability that a standard normal number is below z."""
    erfc = np.vectorize(math.erfc, otypes=[z.dtype])
    return z * (erfc(-z / math.sqrt(2)) / 2)


def silu(z: Array) -> Any:
    """Return z * sigmoid(z)."""
    return z * sigmoid(z)


def softplus(z: Array) -> Any:
    """Return log(1 + exp(z))."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def mish(z: Array) -> Any:
    """Return z * tanh(softplus(z))."""
    return z * np.tanh(softplus(z))


def exp(z: Array) -> Any:
    """Return the exponential."""
    return np.exp(z)


def softmax(z: Array) -> Any:
    """Return exp(z) as shares of its sum over the row."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def layer_norm(u: Array) -> Any:
    """Return sums that are normalised to mean 0 and variance 1 over each row."""
    centred = u - u.mean(axis=1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + u.dtype.type(1e-5))


def categories(x: Array, table: Array) -> Any:
    """Return the rows of a table for codes of categories."""
    return table[x.astype(int)]


def periodic(x: Array, frequencies: Array, phases: Array, weights: Array, biases: Array) -> Any:
    """Return x and a linear map of its waves."""
    waves = np.cos(2 * math.pi * (x[:, None] * frequencies + phases))
    return np.column_stack([x, waves @ weights + biases])


def bins(x: Array, edges: Array) -> Any:
    """Return 1 for bins below x, 0 for bins above it, and the part of its own bin below x."""
    left, right = edges[:-1], edges[1:]
    lowest, highest = np.zeros(len(left)), np.ones(len(left))
    lowest[0], highest[-1] = -np.inf, np.inf
    shares = (x[:, None].astype(float) - left) / (right - left)
    return shares.clip(lowest, highest).astype(x.dtype)
