"""WeightsDisplay: the incoming weights of each unit of a layer, as images or as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isqrt, sqrt
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pynn import checks
from pynn.displays.base import axes, float_array, network_of
from pynn.displays.units import axes_inches, draw_grid, grid_of, input_names, output_names
from pynn.inspection.colours import largest
from pynn.inspection.diagram import counted, names_of

_INCHES = 1.05  # side of a square with the area of one grid, in a new figure
_GAP, _ABOVE = 0.1, 0.28  # as parts of that side: between grids, and for the name above each

_SMALLEST_IMAGE = 64  # fewer inputs without a shape are a table
# Inches of a heat map in a new figure
_WIDTH, _HEIGHT = (2.4, 0.3, 11.0), (1.2, 0.25, 9.0)  # minimum, of each cell, and maximum
_LETTER = 0.075
_LABEL = 0.15  # minimum distance of labels


class WeightsDisplay:
    """Incoming weights of each unit of a layer: a heat map, or one image per unit.

    Positive weights are blue, negative ones orange (see `use_colors`); stronger colours are larger
    weights. A colour bar shows the scale, which is the same for all units. The heat map has a row
    for each unit and a column for each input. In a network that reads images, the images of the
    first layer show the pattern that activates each unit.

    Parameters
    ----------
    weights : array-like of shape (n_units, n_in)
        Finite weights, one row per unit.
    shape : tuple (height, width), optional
        Shape of the images. By default square images are drawn if n_in is a square number of at
        least 64 and `in_names` is None; otherwise a heat map.
    unit_names : sequence of str, optional
        Names of the units, by default "neuron 1", "neuron 2", ... Small images show the numbers
        alone.
    in_names : sequence of str, optional
        Names of the columns of the heat map, by default "input 1", "input 2", ... Large heat maps
        show as many names as fit.
    title : str, default=""
        Title of the axes.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    images_ : list of matplotlib AxesImage
        The image of each unit, or the heat map alone.
    texts_ : list of matplotlib Text
        The names of units that are written.
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
    >>> display = WeightsDisplay.from_estimator(net, layer=-1)
    >>> len(display.images_), display.images_[0].get_array().shape
    (1, (10, 16))
    """

    def __init__(
        self,
        weights: ArrayLike,
        *,
        shape: tuple[int, int] | None = None,
        unit_names: Sequence[str] | None = None,
        in_names: Sequence[str] | None = None,
        title: str = "",
    ) -> None:
        self.weights = float_array("weights", weights, "n_units", "n_in", finite=True)
        n_units, n_in = self.weights.shape
        side = isqrt(n_in)
        if shape is None and in_names is None and side**2 == n_in >= _SMALLEST_IMAGE:
            shape = side, side
        self.shape = None if shape is None else grid_of(n_in, shape)
        names = names_of("unit_names", unit_names, n_units)
        self.unit_names = names or [f"neuron {i + 1}" for i in range(n_units)]
        names = names_of("in_names", in_names, n_in)
        self.in_names = names or [f"input {i + 1}" for i in range(n_in)]
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
        in_names: Sequence[str] | None = None,
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
        in_names : sequence of str, optional
            By default the names of the features, as transformed by a pipeline's other steps, if the
            estimator has them. Inputs of other layers are "neuron 1", "neuron 2", ...
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
        network._expect_plain("a picture of weights")
        n_layers = len(network.weights)
        depth = checks.layer(layer, n_layers)
        n_units = network.layer_sizes[depth]
        if units is None:
            chosen = list(range(min(n_units, checks.positive_integer("max_units", max_units))))
        else:
            chosen = [checks.index("each of units", unit, n_units) for unit in units]
        names = output_names(estimator) if depth == n_layers else None
        if in_names is None:
            n_in = len(network.weights[depth - 1])
            hidden = [f"neuron {i + 1}" for i in range(n_in)]
            in_names = input_names(estimator) if depth == 1 else hidden
        name = "the output" if depth == n_layers else f"layer {depth}"
        part = f"{len(chosen):,} of " if len(chosen) < n_units else ""
        display = cls(
            network.weights[depth - 1][:, chosen].T,
            shape=shape,
            unit_names=[names[i] if names else f"neuron {i + 1}" for i in chosen],
            in_names=in_names,
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
            Number of images in each row. By default the whole is as close to a square as possible.

        Returns
        -------
        WeightsDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError, ValueError
            If n_columns is not a positive integer, or is given for a heat map.
        """
        if self.shape is None:
            if n_columns is not None:
                raise ValueError("n_columns arranges images, but a heat map is drawn without shape")
            self._draw_heat_map(ax)
        else:
            self._draw_images(ax, self.shape, n_columns)
        self.ax_.set_title(self.title, fontsize="medium")
        self.colorbar_ = self.figure_.colorbar(
            self.images_[0], ax=self.ax_, label="weight", aspect=30
        )
        if self.shape is None:  # labels, title and colour bar have taken space
            self._draw_labels(axes_inches(self.ax_))
        return self

    def _draw_heat_map(self, ax: Any) -> None:
        n_units, n_in = self.weights.shape
        names = [max(map(len, texts)) * _LETTER for texts in (self.unit_names, self.in_names)]
        cells = [
            float(np.clip(n * each, least, most))
            for n, (least, each, most) in ((n_in, _WIDTH), (n_units, _HEIGHT))
        ]
        size = cells[0] + names[0] + 1.0, cells[1] + 0.75 * names[1] + 0.5
        self.figure_, self.ax_ = axes(ax, figsize=size, layout="constrained")
        image = draw_grid(
            self.ax_, self.weights.ravel(), (n_units, n_in), largest(self.weights), aspect="auto"
        )
        self.ax_.spines[:].set_visible(False)
        self.images_ = [image]
        self._draw_labels(cells)

    def _draw_labels(self, inches: Any) -> None:
        """Name as many rows and columns of a heat map of this size as there is room for."""
        columns, rows = (
            range(0, n, ceil(_LABEL * n / length))
            for n, length in zip(self.weights.T.shape, inches, strict=True)
        )
        look = {"rotation": 45, "ha": "right", "rotation_mode": "anchor", "fontsize": "small"}
        self.ax_.set_xticks(columns, [self.in_names[i] for i in columns], **look)
        self.ax_.set_yticks(rows, [self.unit_names[i] for i in rows], fontsize="small")
        self.texts_ = self.ax_.get_yticklabels()

    def _draw_images(self, ax: Any, shape: tuple[int, int], n_columns: int | None) -> None:
        n = len(self.weights)
        high = sqrt(shape[0] / shape[1])
        wide = 1 / high
        step_x, above = max(wide, 0.6) + _GAP, _ABOVE
        inches = np.array([1.0, 1.0]) if ax is None else axes_inches(ax)
        if n_columns is None:
            full = n * (high + above) / step_x * inches[0] / inches[1]
            n_columns = min(n, max(1, round(sqrt(full))))
        n_columns = checks.positive_integer("n_columns", n_columns)
        columns, rows, unit = min(n, n_columns), ceil(n / n_columns), _INCHES
        names = self.unit_names
        if ax is not None:
            unit = min(inches / (columns * step_x, rows * (high + above)))
            above = max(_ABOVE, _LABEL / unit)
            unit = min(inches / (columns * step_x, rows * (high + above)))
        if max(map(len, names)) * _LETTER > step_x * unit:
            names = [name.removeprefix("neuron ") for name in names]
        step_y = high + above
        width, height = columns * step_x - _GAP, rows * step_y
        size = (max(width * _INCHES, 3.0) + 1.1, height * _INCHES + 0.4)
        self.figure_, self.ax_ = axes(ax, figsize=size, layout="constrained")
        self.images_, self.texts_ = [], []
        scale = largest(self.weights)
        for i, (weights, name) in enumerate(zip(self.weights, names, strict=True)):
            left, top = i % n_columns * step_x, -(i // n_columns) * step_y - above
            extent = (left, left + wide, top - high, top)
            image = draw_grid(self.ax_, weights, shape, scale, extent=extent)
            middle = left + wide / 2
            text = self.ax_.text(middle, top + 0.04, name, ha="center", fontsize="small")
            self.images_.append(image)
            self.texts_.append(text)
        self.ax_.set(xlim=(-0.02, width + 0.02), ylim=(-height - 0.02, 0), aspect="equal")
        self.ax_.set_axis_off()
