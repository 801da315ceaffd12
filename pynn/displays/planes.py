"""Planes through parameter space: which directions span them, and what things cost there."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.model.regularisation import Regularisation
from pynn.network import Network

__all__ = ["coordinates", "costs_on", "principal_directions", "random_directions", "share_held"]

Array = NDArray[np.float64]


def principal_directions(points: Array) -> tuple[Array, Array]:
    """Return the two directions that a path takes most of its way in, and how much of it.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_parameters)

    Returns
    -------
    directions : ndarray of shape (2, n_parameters)
        The first two principal components, of length 1, turned so that the path comes from where
        both coordinates are the lower (or one of them is the same).
    shares : ndarray of shape (2,)
        The part of the path's variance that lies along each.

    Raises
    ------
    ValueError
        If the points lie on a line, or are one.
    """
    _, sizes, rows = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)
    rounding = np.linalg.norm(points) * max(points.shape) * np.finfo(float).eps
    if len(sizes) < 2 or sizes[1] <= rounding:
        raise ValueError(
            f"a path of {len(points)} points on a line spans no plane: give it more points, or "
            'directions="random"'
        )
    directions = rows[:2]
    ahead = directions @ (points[-1] - points[0]) >= 0
    return directions * np.where(ahead, 1.0, -1.0)[:, np.newaxis], sizes[:2] ** 2 / (sizes @ sizes)


def random_directions(network: Network, origin: Array, seed: int) -> Array:
    """Return two random directions whose weights into each unit are as long as the unit's own.

    So steps mean the same to units with large weights and to those with small ones; biases stay as
    they are: "filter normalisation" of Li, Xu, Taylor, Studer & Goldstein, "Visualizing the Loss
    Landscape of Neural Nets", NeurIPS 2018.

    Parameters
    ----------
    network : Network
    origin : ndarray of shape (n_parameters,)
    seed : int

    Returns
    -------
    ndarray of shape (2, n_parameters)
    """
    random = np.random.RandomState(seed)
    directions = np.zeros((2, len(origin)))
    for direction in directions:
        for given, own in zip(network.views(direction)[0], network.views(origin)[0], strict=True):
            drawn = random.standard_normal(given.shape)
            given[:] = drawn * (np.linalg.norm(own, axis=0) / np.linalg.norm(drawn, axis=0))
    return directions


def coordinates(points: Array, origin: Array, directions: Array) -> Array:
    """Return where points, (n_points, n_parameters), are in a plane: (n_points, 2), the nearest."""
    return np.asarray(
        np.linalg.lstsq(directions.T, (points - origin).T, rcond=None)[0].T, np.float64
    )


def share_held(points: Array, directions: Array) -> float | None:
    """Return the part of the points' variance that lies in a plane; None if they have none."""
    moved = points - points.mean(axis=0)
    total = (moved**2).sum()
    basis, _ = np.linalg.qr(directions.T)
    return float(((moved @ basis) ** 2).sum() / total) if total > 0 else None


def costs_on(
    network: Network,
    data: Any,
    penalty: Regularisation,
    origin: Array,
    directions: Array,
    first: Array,
    second: Array,
) -> Array:
    """Return the mean cost of rows, penalty included, all over a grid; the network is not changed.

    Parameters
    ----------
    network : Network
    data : rows with targets, as its core takes them
    penalty : Regularisation
    origin : ndarray of shape (n_parameters,)
    directions : ndarray of shape (2, n_parameters)
    first, second : ndarray of shape (n_first,), (n_second,)
        How many times each direction is added to the origin.

    Returns
    -------
    ndarray of shape (n_second, n_first)
    """
    costs = np.empty((len(second), len(first)))
    for i, v in enumerate(second):
        for j, u in enumerate(first):
            point = (origin + u * directions[0] + v * directions[1]).astype(network.dtype)
            costs[i, j] = sum(network._cost(data, penalty, parameters=point))
    return costs
