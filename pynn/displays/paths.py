"""Paths through parameter space: vectors of parameters, and rows to compute with at each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.displays.base import network_of
from pynn.network import Network

__all__ = ["network_and_data", "points_of"]


def network_and_data(
    estimator: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Network, Any]:
    """Return the network inside an estimator, and rows with targets as its core takes them.

    Raises
    ------
    TypeError, ValueError, NotFittedError
        If one of them is not as `pynn.Network.cost` or the estimator's `fit` take it.
    """
    network_of(estimator)  # says so where it is something else
    network, rows, targets = estimator._inside(X, y)
    return network, network._data(rows, targets, sample_weight)


def points_of(name: str, given: Any, network: Network) -> NDArray[np.float64]:
    """Return parameter vectors as float64 (n_points, n_parameters).

    Raises
    ------
    TypeError, ValueError
        If they are not finite, or not of this shape.
    """
    points = checks.real_array(name, given, np.dtype(np.float64))
    if points.ndim != 2 or points.shape[1] != network.n_parameters or not len(points):
        raise ValueError(
            f"{name} must be of shape (n_points, {network.n_parameters}), vectors as the network's "
            f"parameters are; got {points.shape}"
        )
    return checks.finite(name, points)
