"""CostLandscapeDisplay: the cost on a plane through parameter space, and the path of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pynn import checks
from pynn.displays import learning, planes
from pynn.displays.base import Array, axes, float_array, mpl, pale, text_colour
from pynn.inspection.colours import palette
from pynn.model.regularisation import Regularisation

_MARGIN = 0.25  # on each side of the path, as part of its extent
_LOG_FROM = 50  # ratio of the largest to the smallest cost from which the scale is logarithmic
_MOST_STRETCHED = 4  # ratio of the axes up to which their scales are equal
_MOST_MARKED = 60  # points of a path with a marker each


class CostLandscapeDisplay:
    """Cost along two directions through parameter space, with the path of the training.

    Parameters
    ----------
    first, second : array-like of shape (n_first,), (n_second,)
        Steps along the two directions, in ascending order.
    costs : array-like of shape (n_second, n_first)
        The cost after these steps. NaN and infinity are gaps.
    path : array-like of shape (n_points, 2), optional
        Steps along both directions at each point of the path.
    share_held : float, optional
        The share of the path's variance in the plane, from 0 to 1.
    axis_names : tuple of two str, default=("step along direction 1", "step along direction 2")
        Labels of the axes.
    cost_name : str, default="cost"
        Title of the axes.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    surface_ : matplotlib QuadContourSet
        Filled contours.
    lines_ : matplotlib QuadContourSet or None
        Labelled contour lines; None if all costs are equal.
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
        self.costs = float_array("costs", costs, len(self.second), len(self.first))
        if not np.isfinite(self.costs).any():
            raise ValueError("costs must be finite somewhere")
        self.path = None if path is None else float_array("path", path, "n_points", 2)
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
        """Compute the cost on a plane and draw it. The estimator does not change.

        Parameters
        ----------
        estimator : Network, fitted MLPClassifier or MLPRegressor, or a pipeline that ends in one
        X, y, sample_weight
            Samples and targets, as the estimator's `fit` takes them. For large data a subset is
            enough.
        path : sequence of array-like of shape (n_parameters,), optional
            Parameters after each epoch, such as copies of ``net.parameters`` or the list of
            `pynn.callbacks.ParameterPath`. The plane goes through the last of them; the other
            points are projected on it. By default the plane goes through the estimator's own
            parameters.
        directions : {"path", "random"} or two array-like of shape (n_parameters,), optional
            "path", the default if there is one, are the first two principal components of the path,
            of norm 1. "random" are two random directions in which the weights of each unit have the
            norm of the unit's own weights and biases are 0 (Li et al. 2018).
        extent : (float, float, float, float), optional
            Smallest and largest step along the first direction, then along the second. By default
            the range of the path with a margin, and at least from -1 to 1 unless the directions are
            those of the path.
        resolution : int, default=31
            Number of steps along each direction, at least 2. The cost is computed
            ``resolution**2`` times.
        random_state : int, default=0
            Seed of random directions. The labels of the axes contain it.
        alpha, l1 : float or sequence of float, default=0.0
            Strengths of the penalties, as for `pynn.Network.cost`. An estimator's own penalties are
            not included.
        ax : matplotlib Axes, optional
            Axes to draw on; by default those of a new figure.
        **fill
            Passed to `matplotlib.axes.Axes.contourf`, such as ``levels`` or ``cmap``.

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
        Neural Nets", NeurIPS 2018, describe random directions and those of a path.

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
        network, data = learning.network_and_data(estimator, X, y, sample_weight)
        penalty = Regularisation.checked(len(network.weights), alpha=alpha, l1=l1)
        if checks.positive_integer("resolution", resolution) < 2:
            raise ValueError(f"resolution must be at least 2, got {resolution}")
        if directions is None:
            directions = "random" if path is None else "path"
        along_path = isinstance(directions, str) and directions == "path"
        if path is not None:
            points = learning.points_of("path", path, network)
        elif along_path:
            raise ValueError('directions="path" needs a path, got None')
        else:
            points = learning.points_of("parameters", [network.parameters], network)
        origin = points[-1]
        spanning, names = planes.span(directions, points, network, random_state)
        steps = planes.coordinates(points, origin, spanning)
        low, high = _extent(extent, steps, 0.0 if along_path else 1.0)
        first, second = np.linspace(low, high, resolution).T
        costs = np.empty((resolution, resolution))
        for i, j in np.ndindex(costs.shape):
            point = origin + first[j] * spanning[0] + second[i] * spanning[1]
            costs[i, j] = sum(network._cost(data, penalty, None, point.astype(network.dtype)))
        display = cls(
            first,
            second,
            costs,
            path=None if path is None else steps,
            share_held=planes.share_held(points, spanning),
            axis_names=names,
            cost_name=learning.loss_name(network),
        )
        return display.plot(ax, **fill)

    def plot(self, ax: Any = None, **fill: Any) -> Self:
        """Draw contours of the cost, and the path over them.

        Both axes have the same scale, unless one is more than 4 times as long as the other. The
        label of the shorter axis then says how much it is stretched.

        The levels are 1, 2, 5, 10, ... if the largest cost is more than 50 times the smallest.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; by default those of a new figure.
        **fill
            Passed to `matplotlib.axes.Axes.contourf`, such as ``levels`` or ``cmap``.

        Returns
        -------
        CostLandscapeDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        self.figure_, self.ax_ = axes(ax, layout="constrained")
        costs = np.ma.masked_invalid(self.costs)
        is_log = bool(0 < _LOG_FROM * costs.min() < costs.max())
        viridis = mpl().colormaps["viridis"](np.linspace(0, 1, 256))[:, :3]
        shades = pale(viridis, self.ax_.get_facecolor(), 0.5)
        look = {
            "levels": _levels(costs.min(), costs.max(), is_log),
            "cmap": mpl().colors.ListedColormap(shades),
            "norm": mpl().colors.LogNorm() if is_log else None,
            "extend": "both",
        }
        self.surface_ = self.ax_.contourf(self.first, self.second, costs, **look | fill)
        levels = self.surface_.levels
        within = levels[(levels > costs.min()) & (levels < costs.max())]
        self.lines_ = None
        if len(within):
            thin = {"colors": [text_colour()], "linewidths": 0.6}
            self.lines_ = self.ax_.contour(self.first, self.second, costs, within, **thin)
            self.ax_.clabel(self.lines_, fmt="%.6g", fontsize="small")
        self.path_ = None if self.path is None else self._draw_path(self.path)
        self.ax_.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        stretch = float(np.ptp(self.first) / np.ptp(self.second))
        if 1 / _MOST_STRETCHED <= stretch <= _MOST_STRETCHED:
            self.ax_.set_aspect("equal")
        else:  # a square, in which the shorter axis is stretched
            self.ax_.set_box_aspect(1)
            axis, factor = ("y", stretch) if stretch > 1 else ("x", 1 / stretch)
            label = self.axis_names[axis == "y"]
            self.ax_.set(**{f"{axis}label": f"{label}\n(stretched {factor:.3g}-fold)"})
        share = self.share_held
        more = "" if share is None else f"\nthe plane holds {share:.1%} of the path's variance"
        self.ax_.set_title(self.cost_name + more)
        return self

    def _draw_path(self, path: Array) -> Any:
        marker = "." if len(path) <= _MOST_MARKED else ""
        colour = palette().negative
        (line,) = self.ax_.plot(*path.T, color=colour, marker=marker, linewidth=1.5)
        look = {"color": colour, "markeredgecolor": text_colour(), "linestyle": "none"}
        self.ax_.plot(*path[0], marker="o", markersize=8, label="start", **look)
        self.ax_.plot(*path[-1], marker="*", markersize=13, label="end", **look)
        self.ax_.legend()
        return line


def _steps(name: str, given: ArrayLike) -> Array:
    steps = float_array(name, given, "n_steps", finite=True)
    if len(steps) < 2 or not (np.diff(steps) > 0).all():
        raise ValueError(f"{name} must be two or more ascending steps; got shape {steps.shape}")
    return steps


def _extent(given: Sequence[float] | None, steps: Array, at_least: float) -> tuple[Array, Array]:
    """Return the smallest and the largest step along both directions.

    By default the path has a margin, and steps on each side of the origin are at least this large.
    """
    if given is not None:
        low, high = float_array("extent", given, 4, finite=True).reshape(2, 2).T
        if not (low < high).all():
            raise ValueError(
                "extent must be the smallest and the largest step along the first direction, then "
                f"along the second; got {given}"
            )
        return low, high
    low, high = steps.min(axis=0), steps.max(axis=0)
    margin = _MARGIN * (high - low)
    return np.minimum(low - margin, -at_least), np.maximum(high + margin, at_least)


def _levels(lowest: float, highest: float, is_log: bool) -> Any:
    """Return the costs of contours in ascending order."""
    if not is_log:
        return mpl().ticker.MaxNLocator(10, min_n_ticks=1).tick_values(lowest, highest)
    decades = np.arange(np.floor(np.log10(lowest)), np.ceil(np.log10(highest)) + 1)
    digits = [1, 2, 5] if len(decades) <= 7 else [1]
    levels = np.outer(10.0**decades, digits).ravel()
    return levels[(levels > lowest / 5) & (levels < highest * 5)]
