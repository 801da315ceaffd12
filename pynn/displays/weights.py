"""WeightsDisplay: the weights into each unit of a layer, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pynn import checks
from pynn.displays.activations import grid_of
from pynn.displays.base import axes, network_of, signed_colormap, signed_norm, text_colour
from pynn.displays.one_row import output_names as outputs_of
from pynn.inspection.colours import largest
from pynn.inspection.diagram import counted, names_of

__all__ = ["WeightsDisplay"]

_INCHES = 1.05  # side of a square as large as a unit's grid, in a figure of its own
_BETWEEN, _ABOVE = 0.1, 0.28  # of this: between grids, and for the name above each


class WeightsDisplay:
    """The weights into each unit of a layer, as a grid of its own.

    Green is above 0, red below, and the stronger the larger; all grids have one scale. A network
    that reads images has them as the image of what a unit looks for.

    Parameters
    ----------
    weights : array-like of shape (n_units, n_in)
        A unit's weights in each row; finite.
    shape : tuple (height, width), optional
        Of each grid, such as an image's; by default as near to a square as there is. A last row
        may not be full.
    unit_names : sequence of str, optional
        Written above each unit; by default "neuron 1", "neuron 2", ...
    title : str, default=""
        Written above all.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    images_ : list of matplotlib AxesImage
        One for each unit.
    texts_ : list of matplotlib Text
        The names of the units.
    colorbar_ : matplotlib Colorbar

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    Examples
    --------
    >>> import pynn
    >>> from pynn.displays import WeightsDisplay
    >>> net = pynn.Network([784, 16, 10], random_state=0)
    >>> display = WeightsDisplay.from_estimator(net)
    >>> len(display.images_), display.images_[0].get_array().shape
    (16, (28, 28))
    """

    def __init__(
        self,
        weights: ArrayLike,
        *,
        shape: tuple[int, int] | None = None,
        unit_names: Sequence[str] | None = None,
        title: str = "",
    ) -> None:
        self.weights = np.array(weights, np.float64)
        if self.weights.ndim != 2 or self.weights.size == 0:
            raise ValueError(
                f"weights must be of shape (n_units, n_in), got shape {self.weights.shape}"
            )
        infinite = ~np.isfinite(self.weights).all(axis=1)
        if infinite.any():
            raise ValueError(f"weights must be finite; those in row {infinite.argmax()} are not")
        n_units, n_in = self.weights.shape
        self.shape = grid_of(n_in, shape)
        names = names_of("unit_names", unit_names, n_units)
        self.unit_names = names or [f"neuron {i + 1}" for i in range(n_units)]
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        layer: int = 1,
        units: Sequence[int] | None = None,
        max_units: int = 36,
        shape: tuple[int, int] | None = None,
        ax: Any = None,
        n_columns: int | None = None,
    ) -> Self:
        """Draw the weights into units of a layer.

        Parameters
        ----------
        estimator : Network, or fitted MLPClassifier or MLPRegressor
        layer : int, default=1
            Layers are counted as in ``transform``: 1 is the first behind the input, -1 the output.
        units : sequence of int, optional
            Units to draw, counted from 0; -1 is the last. By default all, or the first `max_units`;
            the title says of how many.
        max_units : int, default=36
            Most units that are drawn where `units` does not say which.
        shape : tuple (height, width), optional
            See `WeightsDisplay`.
        ax, n_columns
            See `plot`.

        Returns
        -------
        WeightsDisplay

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described, or weights are not finite.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        """
        network = network_of(estimator)
        n_layers = len(network.weights)
        depth = checks.layer(layer, n_layers)
        n_units = network.layer_sizes[depth]
        if units is None:
            chosen = list(range(min(n_units, checks.positive_integer("max_units", max_units))))
        else:
            chosen = [checks.index("each of units", unit, n_units) for unit in units]
        names = outputs_of(estimator) if depth == n_layers else None
        name = "the output" if depth == n_layers else f"layer {depth}"
        told = counted(n_units, "neuron")
        if len(chosen) < n_units:
            told = f"{len(chosen):,} of {told}"
        display = cls(
            network.weights[depth - 1][:, chosen].T,
            shape=shape,
            unit_names=[names[i] if names else f"neuron {i + 1}" for i in chosen],
            title=f"weights of {name}: {told}",
        )
        return display.plot(ax, n_columns=n_columns)

    def plot(self, ax: Any = None, *, n_columns: int | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            By default a figure of its own.
        n_columns : int, optional
            Grids side by side; by default as many as make the whole near to a square.

        Returns
        -------
        WeightsDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError, ValueError
            If n_columns is not a positive integer.
        """
        from matplotlib.cm import ScalarMappable

        n = len(self.weights)
        high = sqrt(self.shape[0] / self.shape[1])
        step_x, step_y = max(1 / high, 0.6) + _BETWEEN, high + _ABOVE
        if n_columns is None:
            n_columns = min(n, max(1, round(sqrt(n * step_y / step_x))))
        n_columns = checks.positive_integer("n_columns", n_columns)
        n_rows = ceil(n / n_columns)
        width, height = min(n, n_columns) * step_x - _BETWEEN, n_rows * step_y
        size = (max(width * _INCHES, 3.0) + 1.1, height * _INCHES + 0.4)
        self.figure_, self.ax_ = axes(ax, figsize=size, layout="constrained")
        mapping = ScalarMappable(signed_norm(largest(self.weights)), signed_colormap())
        self.images_: list[Any] = []
        self.texts_: list[Any] = []
        for i, name in enumerate(self.unit_names):
            row, column = divmod(i, n_columns)
            self._draw_unit(i, name, column * step_x, -row * step_y - _ABOVE, high, mapping)
        self.ax_.set(xlim=(-0.02, width + 0.02), ylim=(-height - 0.02, 0), aspect="equal")
        self.ax_.set_title(self.title, fontsize="medium")
        self.ax_.set_axis_off()
        self.colorbar_ = self.figure_.colorbar(mapping, ax=self.ax_, label="weight", aspect=30)
        return self

    def _draw_unit(
        self, i: int, name: str, left: float, top: float, high: float, mapping: Any
    ) -> None:
        height, width = self.shape
        cells = np.full(height * width, np.nan)
        cells[: self.weights.shape[1]] = self.weights[i]
        right, bottom = left + 1 / high, top - high
        extent = (left, right, bottom, top)
        image = self.ax_.imshow(
            cells.reshape(self.shape), cmap=mapping.cmap, norm=mapping.norm, extent=extent
        )
        self.images_.append(image)
        # 0 is what lies behind: without a frame nobody sees where a grid ends.
        self.ax_.plot(
            [left, right, right, left, left],
            [top, top, bottom, bottom, top],
            color=text_colour(),
            linewidth=0.5,
            clip_on=False,
        )
        middle = (left + right) / 2
        text = self.ax_.text(middle, top + 0.04, name, ha="center", fontsize="x-small")
        self.texts_.append(text)
