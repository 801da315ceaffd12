"""Planes through parameter space: the directions that span them, and coordinates on them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pynn import checks
from pynn.displays.base import Array
from pynn.displays.learning import points_of
from pynn.network import Network


def span(given: Any, points: Array, network: Network, seed: object) -> tuple[Array, list[str]]:
    """Return the two directions that a user asked for, and the labels of steps along them.

    Parameters
    ----------
    given : {"path", "random"} or two array-like of shape (n_parameters,)
    points : ndarray of shape (n_points, n_parameters)
        The path. The plane goes through its last point.
    network : Network
    seed : int
        For random directions.

    Returns
    -------
    directions : ndarray of shape (2, n_parameters)
    names : list of two str
    """
    if not isinstance(given, str):
        directions = points_of("directions", given, network)
        if np.linalg.matrix_rank(directions) != 2 or len(directions) != 2:
            raise ValueError("directions must be two linearly independent vectors")
        return directions, ["steps along direction 1", "steps along direction 2"]
    if checks.choice("directions", given, ("path", "random")) == "path":
        directions, shares = principal_directions(points)
        parts = [f"direction ({share:.1%} of variance)" for share in shares]
        return directions, [f"distance along 1st {parts[0]}", f"distance along 2nd {parts[1]}"]
    seed = checks.seed(seed)
    names = [f"steps along random direction {i} (seed {seed})" for i in (1, 2)]
    return random_directions(network, points[-1], seed), names


def principal_directions(points: Array) -> tuple[Array, Array]:
    """Return the first two principal components of a path.

    Parameters
    ----------
    points : ndarray of shape (n_points, n_parameters)

    Returns
    -------
    directions : ndarray of shape (2, n_parameters)
        Orthonormal, with signs such that no coordinate of the path's end is below its start's.
    shares : ndarray of shape (2,)
        The share of the path's variance along each direction.

    Raises
    ------
    ValueError
        If the points lie on a line.
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
    """Return two random directions, scaled to the weights of each unit.

    The norm of each unit's incoming weights is that of the unit's own at the origin, so that a step
    means the same for large and for small weights; biases, gains and the input scale are 0. This is
    the filter normalisation of Li, Xu, Taylor, Studer and Goldstein, "Visualizing the Loss
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
        for W, own in zip(network.views(direction)[0], network.views(origin)[0], strict=True):
            drawn = random.standard_normal(W.shape)
            W[:] = drawn * (
                np.linalg.norm(own, axis=-2, keepdims=True)
                / np.linalg.norm(drawn, axis=-2, keepdims=True)
            )
    return directions


def coordinates(points: Array, origin: Array, directions: Array) -> Array:
    """Return the coordinates, (n_points, 2), of the projections of points on a plane."""
    return np.asarray((points - origin) @ np.linalg.pinv(directions))


def share_held(points: Array, directions: Array) -> float | None:
    """Return the share of the points' variance in a plane, or None if all points are equal."""
    mean = points.mean(axis=0)
    total = ((points - mean) ** 2).sum()
    held = coordinates(points, mean, directions) @ directions
    return float((held**2).sum() / total) if total > 0 else None
