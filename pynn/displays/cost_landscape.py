"""CostLandscapeDisplay: what a network costs all over a plane of parameters, and the way down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.displays.base import axes, pale, pyplot
from pynn.displays.paths import network_and_data, points_of
from pynn.displays.planes import (
    coordinates,
    costs_on,
    principal_directions,
    random_directions,
    share_held,
)
from pynn.displays.records import loss_name
from pynn.inspection.colours import NEGATIVE
from pynn.model.regularisation import Regularisation
from pynn.network import Network

__all__ = ["CostLandscapeDisplay"]

Array = NDArray[np.float64]

_MARGIN = 0.25  # of the path's extent, on each side of it
_LOGARITHMIC_FROM = 50  # times the least cost
_MARKED = 60  # points of a path at most that are seen one by one


class CostLandscapeDisplay:
    """A slice of the cost along two directions through parameter space, with a path of descent.

    Parameters
    ----------
    first, second : array-like of shape (n_first,), (n_second,)
        Steps along the two directions, ascending.
    costs : array-like of shape (n_second, n_first)
        The cost after these steps. What is not finite is a gap.
    path : array-like of shape (n_points, 2), optional
        Steps along both at each point of the path.
    share_held : float, optional
        The part of the path's variance that lies in the plane, from 0 to 1.
    axis_names : tuple of two str, default=("step along direction 1", "step along direction 2")
        What the axes say.
    cost_name : str, default="cost"
        What the title says.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    surface_, lines_ : matplotlib QuadContourSet
        Filled, and as lines with labels, None where all costs are the same.
    path_ : matplotlib Line2D or None

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> from pynn.displays import CostLandscapeDisplay
    >>> steps = np.linspace(-1, 1, 21)
    >>> bowl = steps**2 + 3 * steps[:, np.newaxis] ** 2
    >>> way = [(0.9, 0.8), (0.7, 0.3), (0.4, 0.1), (0, 0)]
    >>> CostLandscapeDisplay(steps, steps, bowl, path=way).plot().ax_.get_title()
    'cost'
    """

    def __init__(
        self,
        first: ArrayLike,
        second: ArrayLike,
        costs: ArrayLike,
        *,
        path: ArrayLike | None = None,
        share_held: float | None = None,
        axis_names: Sequence[str] = ("step along direction 1", "step along direction 2"),
        cost_name: str = "cost",
    ) -> None:
        self.first, self.second = _steps("first", first), _steps("second", second)
        self.costs = checks.real_array("costs", costs, np.dtype(np.float64))
        if self.costs.shape != (len(self.second), len(self.first)):
            expected = f"(n_second, n_first) = ({len(self.second)}, {len(self.first)})"
            raise ValueError(f"costs must be of shape {expected}, got {self.costs.shape}")
        if not np.isfinite(self.costs).any():
            raise ValueError("costs must be finite somewhere")
        self.path: Array | None = None
        if path is not None:
            self.path = checks.real_array("path", path, np.dtype(np.float64))
            if self.path.ndim != 2 or self.path.shape[1] != 2 or not len(self.path):
                raise ValueError(f"path must be of shape (n_points, 2), got {self.path.shape}")
        self.share_held, self.cost_name = share_held, cost_name
        self.axis_names = tuple(axis_names)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        path: Sequence[ArrayLike] | None = None,
        directions: str | Sequence[ArrayLike] | None = None,
        extent: Sequence[float] | None = None,
        resolution: int = 31,
        random_state: int = 0,
        sample_weight: ArrayLike | None = None,
        alpha: float | Sequence[float] = 0.0,
        l1: float | Sequence[float] = 0.0,
        ax: Any = None,
        **fill: Any,
    ) -> Self:
        """Compute the cost all over a plane, and draw it. The estimator stays as it was.

        Parameters
        ----------
        estimator : Network, or fitted MLPClassifier or MLPRegressor
        X, y, sample_weight
            Rows and targets as the estimator's `fit` takes them, of which the cost is computed: for
            large data a part of them will do.
        path : sequence of array-like of shape (n_parameters,), optional
            Parameters from epoch to epoch, as ``net.parameters.copy()`` gives them, or
            `pynn.callbacks.ParameterPath`. The plane goes through the last of them, by default
            through the estimator's own; others are seen at the nearest point of the plane.
        directions : {"path", "random"} or two array-like of shape (n_parameters,), optional
            "path", the default where there is one: its first two principal components, of length 1.
            "random": two that are drawn, in which the weights into each unit are as long as the
            unit's own and biases are 0 (Li et al. 2018).
        extent : (float, float, float, float), optional
            Least and largest step along the first direction, and along the second; by default what
            the path needs with a margin, and unless directions are its own at least from -1 to 1.
        resolution : int, default=31
            Steps along each direction, 2 at least; the cost is computed ``resolution**2`` times.
        random_state : int, default=0
            Seed of random directions; the axes say it.
        alpha, l1 : float or sequence of float, default=0.0
            Strengths of penalties, as `pynn.Network.cost` takes them; an estimator's own are not
            included.
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **fill
            For `matplotlib.axes.Axes.contourf`, such as ``levels`` or ``cmap``.

        Returns
        -------
        CostLandscapeDisplay

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described, or directions span no plane.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.

        References
        ----------
        H. Li, Z. Xu, G. Taylor, C. Studer and T. Goldstein, "Visualizing the Loss Landscape of
        Neural Nets", NeurIPS 2018: principal directions of paths, and random ones.

        Examples
        --------
        >>> import pynn
        >>> from pynn.displays import CostLandscapeDisplay
        >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
        >>> net = pynn.Network([2, 4, 1], activation="tanh", output_activation="sigmoid",
        ...                    cost="binary_cross_entropy", random_state=0)
        >>> path = [net.parameters.copy()]
        >>> for epoch in range(60):
        ...     path.append(net.fit(X, y, batch_size=4).parameters.copy())
        >>> display = CostLandscapeDisplay.from_estimator(net, X, y, path=path)
        >>> display.share_held > 0.9
        True
        """
        network, data = network_and_data(estimator, X, y, sample_weight)
        penalty = Regularisation.checked(len(network.weights), alpha=alpha, l1=l1)
        points = None if path is None else points_of("path", path, network)
        n_steps = checks.positive_integer("resolution", resolution)
        if n_steps < 2:
            raise ValueError(f"resolution must be at least 2, got {resolution}")
        origin = network.parameters.astype(np.float64) if points is None else points[-1]
        given = directions if directions is not None else "random" if path is None else "path"
        spanning, names = _spanning(given, points, network, origin, random_state)
        ways = None if points is None else coordinates(points, origin, spanning)
        is_own = isinstance(given, str) and given == "path"
        lowest_1, highest_1, lowest_2, highest_2 = _extent(extent, ways, 0.0 if is_own else 1.0)
        first = np.linspace(lowest_1, highest_1, n_steps)
        second = np.linspace(lowest_2, highest_2, n_steps)
        display = cls(
            first,
            second,
            costs_on(network, data, penalty, origin, spanning, first, second),
            path=ways,
            share_held=None if points is None else share_held(points, spanning),
            axis_names=names,
            cost_name=loss_name(network),
        )
        return display.plot(ax, **fill)

    def plot(self, ax: Any = None, **fill: Any) -> Self:
        """Draw lines of equal cost, and the path over them.

        Their levels are 1, 2, 5, 10 ... where the largest cost is more than 50 times the least.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure by default.
        **fill
            For `matplotlib.axes.Axes.contourf`, such as ``levels`` or ``cmap``.

        Returns
        -------
        CostLandscapeDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        from matplotlib.colors import ListedColormap, LogNorm

        self.figure_, self.ax_ = axes(ax, layout="constrained")
        costs = np.ma.masked_invalid(self.costs)
        levels, is_logarithmic = _levels(float(costs.min()), float(costs.max()))
        shades = pyplot().colormaps["viridis"](np.linspace(0, 1, 256))[:, :3]
        look = {
            "levels": levels,
            "cmap": ListedColormap(pale(shades, self.ax_.get_facecolor(), 0.5)),
            "norm": LogNorm() if is_logarithmic else None,
            "extend": "both",
        }
        self.surface_ = self.ax_.contourf(self.first, self.second, costs, **look | fill)
        self.lines_ = self._draw_lines(costs)
        self.path_ = None if self.path is None else self._draw_path(self.path)
        self.ax_.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        held = self.share_held
        more = "" if held is None else f"\nthe plane holds {held:.1%} of the path's variance"
        self.ax_.set_title(self.cost_name + more)
        return self

    def _draw_lines(self, costs: Any) -> Any:
        levels = self.surface_.levels
        within = levels[(levels > costs.min()) & (levels < costs.max())]
        if not len(within):
            return None
        look = {"colors": [pyplot().rcParams["text.color"]], "linewidths": 0.6}
        lines = self.ax_.contour(self.first, self.second, costs, within, **look)
        self.ax_.clabel(lines, fmt="%.6g", fontsize="small")
        return lines

    def _draw_path(self, path: Array) -> Any:
        marker = "." if len(path) <= _MARKED else ""
        (line,) = self.ax_.plot(*path.T, color=NEGATIVE, marker=marker, linewidth=1.5)
        edge = {"color": NEGATIVE, "markeredgecolor": pyplot().rcParams["text.color"]}
        for (x, y), mark, name in ((path[0], "o", "start"), (path[-1], "*", "end")):
            size = 8 if mark == "o" else 13
            self.ax_.plot(x, y, mark, markersize=size, linestyle="none", label=name, **edge)
        self.ax_.legend()
        return line


def _steps(name: str, given: ArrayLike) -> Array:
    steps = checks.finite(name, checks.real_array(name, given, np.dtype(np.float64)))
    if steps.ndim != 1 or len(steps) < 2 or not (np.diff(steps) > 0).all():
        raise ValueError(f"{name} must be two steps or more, ascending; got shape {steps.shape}")
    return steps


def _spanning(
    given: Any, points: Array | None, network: Network, origin: Array, seed: int
) -> tuple[Array, tuple[str, str]]:
    """Return two directions (2, n_parameters), and what to call steps along them."""
    if not isinstance(given, str):
        directions = points_of("directions", given, network)
        if np.linalg.matrix_rank(directions) != 2 or len(directions) != 2:
            raise ValueError("directions must be two, of which none is a multiple of the other")
        return directions, ("steps along direction 1", "steps along direction 2")
    if checks.choice("directions", given, ("path", "random")) == "path":
        if points is None:
            raise ValueError('directions="path" are those of a path, which is None')
        directions, shares = principal_directions(points)
        first, second = (
            f"distance along {which} direction ({share:.1%} of variance)"
            for which, share in zip(("1st", "2nd"), shares, strict=True)
        )
        return directions, (first, second)
    seed = checks.seed(seed)
    first, second = (f"steps along random direction {i} (seed {seed})" for i in (1, 2))
    return random_directions(network, origin, seed), (first, second)


def _extent(given: Sequence[float] | None, ways: Array | None, at_least: float) -> list[float]:
    """Return least and largest step along the first direction, and along the second.

    All of a path, with a margin, and of what is to be seen on either side of the origin.
    """
    if given is not None:
        extent = checks.finite("extent", checks.real_array("extent", given, np.dtype(np.float64)))
        if extent.shape != (4,) or extent[0] >= extent[1] or extent[2] >= extent[3]:
            raise ValueError(
                "extent must be least and largest step along the first direction, and along the "
                f"second; got {given}"
            )
        return [float(step) for step in extent]
    ways = np.zeros((1, 2)) if ways is None else ways
    lowest, highest = ways.min(axis=0), ways.max(axis=0)
    margin = _MARGIN * (highest - lowest)
    lowest, highest = np.minimum(lowest - margin, -at_least), np.maximum(highest + margin, at_least)
    return [float(step) for step in (lowest[0], highest[0], lowest[1], highest[1])]


def _levels(lowest: float, highest: float) -> tuple[Any, bool]:
    """Return the costs of lines, ascending, and whether they are on a logarithmic scale."""
    from matplotlib.ticker import MaxNLocator

    if not 0 < _LOGARITHMIC_FROM * lowest < highest:
        return MaxNLocator(10, min_n_ticks=1).tick_values(lowest, highest), False
    decades = np.arange(np.floor(np.log10(lowest)), np.ceil(np.log10(highest)) + 1)
    digits = [1, 2, 5] if len(decades) <= 7 else [1]
    levels = np.concatenate([10.0**decade * np.array(digits) for decade in decades])
    return levels[(levels > lowest / 5) & (levels < highest * 5)], True
