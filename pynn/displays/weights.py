"""WeightsDisplay: the incoming weights of each unit of a layer, as images."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt
from typing import Any, Self

from numpy.typing import ArrayLike

from pynn import checks
from pynn.displays.base import axes, float_array, mpl, network_of, text_colour
from pynn.displays.units import draw_grid, grid_of, output_names
from pynn.inspection.colours import largest
from pynn.inspection.diagram import counted, names_of

_INCHES = 1.05  # side of a square with the area of one grid, in a new figure
_GAP, _ABOVE = 0.1, 0.28  # as parts of that side: between grids, and for the name above each


class WeightsDisplay:
    """Incoming weights of each unit of a layer, one grid per unit.

    Positive weights are blue, negative ones orange (see `use_colors`); stronger colours are larger
    weights. All grids have the same scale. In a network that reads images, the grids of the first
    layer show the pattern that activates each unit.

    Parameters
    ----------
    weights : array-like of shape (n_units, n_in)
        Finite weights, one row per unit.
    shape : tuple (height, width), optional
        Shape of each grid, such as an image's. By default the grids are as close to a square as
        possible; their last row may not be full.
    unit_names : sequence of str, optional
        Titles of the grids, by default "neuron 1", "neuron 2", ...
    title : str, default=""
        Title of the axes.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    images_ : list of matplotlib AxesImage
        The grid of each unit.
    texts_ : list of matplotlib Text
        The name of each unit.
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
        self.weights = float_array("weights", weights, "n_units", "n_in", finite=True)
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
        """Draw the incoming weights of a layer's units.

        Parameters
        ----------
        estimator : Network, fitted MLPClassifier or MLPRegressor, or a pipeline that ends in one
        layer : int, default=1
            Number of the layer, as for ``transform``: 1 is the first hidden layer, -1 the output.
        units : sequence of int, optional
            Units to draw, counted from 0; -1 is the last. By default the first `max_units`.
        max_units : int, default=36
            Maximum number of units if `units` is None. The title says how many are drawn.
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
        names = output_names(estimator) if depth == n_layers else None
        name = "the output" if depth == n_layers else f"layer {depth}"
        part = f"{len(chosen):,} of " if len(chosen) < n_units else ""
        display = cls(
            network.weights[depth - 1][:, chosen].T,
            shape=shape,
            unit_names=[names[i] if names else f"neuron {i + 1}" for i in chosen],
            title=f"weights of {name}: {part}{counted(n_units, 'neuron')}",
        )
        return display.plot(ax, n_columns=n_columns)

    def plot(self, ax: Any = None, *, n_columns: int | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; by default those of a new figure.
        n_columns : int, optional
            Number of grids in each row. By default the whole is as close to a square as possible.

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
        n = len(self.weights)
        high = sqrt(self.shape[0] / self.shape[1])
        wide = 1 / high
        step_x, step_y = max(wide, 0.6) + _GAP, high + _ABOVE
        if n_columns is None:
            n_columns = min(n, max(1, round(sqrt(n * step_y / step_x))))
        n_columns = checks.positive_integer("n_columns", n_columns)
        width, height = min(n, n_columns) * step_x - _GAP, ceil(n / n_columns) * step_y
        size = (max(width * _INCHES, 3.0) + 1.1, height * _INCHES + 0.4)
        self.figure_, self.ax_ = axes(ax, figsize=size, layout="constrained")
        self.images_, self.texts_ = [], []
        scale = largest(self.weights)
        for i, (weights, name) in enumerate(zip(self.weights, self.unit_names, strict=True)):
            left, top = i % n_columns * step_x, -(i // n_columns) * step_y - _ABOVE
            extent = (left, left + wide, top - high, top)
            image = draw_grid(self.ax_, weights, self.shape, scale, extent=extent)
            # Without a frame the end of a grid would be invisible, as 0 is transparent.
            look = {"fill": False, "edgecolor": text_colour(), "linewidth": 0.5, "clip_on": False}
            frame = mpl().patches.Rectangle((left, top - high), wide, high, **look)
            self.ax_.add_patch(frame)
            middle = left + wide / 2
            text = self.ax_.text(middle, top + 0.04, name, ha="center", fontsize="small")
            self.images_.append(image)
            self.texts_.append(text)
        self.ax_.set(xlim=(-0.02, width + 0.02), ylim=(-height - 0.02, 0), aspect="equal")
        self.ax_.set_title(self.title, fontsize="medium")
        self.ax_.set_axis_off()
        self.colorbar_ = self.figure_.colorbar(
            self.images_[0], ax=self.ax_, label="weight", aspect=30
        )
        return self
