"""ActivationsDisplay: what one row makes of each layer."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, isqrt
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.displays.base import (
    axes,
    network_of,
    signed_colormap,
    signed_colours,
    signed_norm,
    text_colour,
)
from pynn.displays.one_row import input_names as inputs_of
from pynn.displays.one_row import output_names as outputs_of
from pynn.displays.one_row import pass_of
from pynn.inspection.colours import largest
from pynn.inspection.diagram import counted, names_of, shown

__all__ = ["ActivationsDisplay", "grid_of"]

_FAINTEST = 0.4  # a bar is there for its length

# Inches: of what is drawn of a layer in a figure of its own, and of the room around it.
_WIDTH, _HEIGHT = 1.7, 2.3
_TOP, _TITLE, _BOTTOM, _RIGHT, _LEFT, _LETTER = 0.55, 0.25, 0.6, 0.15, 0.6, 0.085


class ActivationsDisplay:
    """Activations of one row, layer by layer: bars, or a grid where there are many units.

    Green is above 0, red below, and the stronger the larger, as part of the largest of its layer.

    Parameters
    ----------
    activations : sequence of array-like of shape (n_units,)
        Of each layer, the input first; finite.
    layer_names : sequence of str, optional
        Written above each layer; by default "input", "layer 1", ..., "output".
    input_names, output_names : sequence of str, optional
        Written beside the bars of the input and of the output.
    title : str, default=""
        Written above all; `from_estimator` says there what is predicted.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
        The axes have the place of all layers, and are not drawn themselves.
    axes_ : list of matplotlib Axes
        Of each layer that is drawn.
    layers_ : tuple of int
        Layers that are drawn, the input being 0.
    artists_ : list of matplotlib BarContainer or AxesImage
        The bars or the grid of each of them.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    NetworkDisplay : With the weights between them.

    Examples
    --------
    >>> import pynn
    >>> from pynn.displays import ActivationsDisplay
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> mlp = pynn.MLPClassifier((8,), random_state=0, max_iter=1000, tol=1e-3).fit(X, y)
    >>> display = ActivationsDisplay.from_estimator(mlp, X, row=-1)
    >>> [len(bars) for bars in display.artists_]
    [4, 8, 3]
    """

    def __init__(
        self,
        activations: Sequence[ArrayLike],
        *,
        layer_names: Sequence[str] | None = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        title: str = "",
    ) -> None:
        self.activations = [_checked(i, layer) for i, layer in enumerate(activations)]
        n = len(self.activations)
        if n < 2:
            raise ValueError(f"activations must be of an input and an output at least, got {n}")
        names = names_of("layer_names", layer_names, n)
        self.layer_names = names or ["input", *(f"layer {i}" for i in range(1, n - 1)), "output"]
        self.input_names = names_of("input_names", input_names, len(self.activations[0]))
        self.output_names = names_of("output_names", output_names, len(self.activations[-1]))
        self.title = title

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        *,
        row: int = 0,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        ax: Any = None,
        max_bars: int = 20,
        max_layers: int = 8,
        shape: tuple[int, int] | None = None,
    ) -> Self:
        """Send a row through a network, and draw what it makes of each layer.

        Parameters
        ----------
        estimator : Network, or fitted MLPClassifier or MLPRegressor
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
        row : int, default=0
            The row of X that goes through; -1 is the last.
        input_names, output_names : sequence of str, optional
            By default ``feature_names_in_`` and ``classes_``, where the estimator has them; of two
            classes the second, for whose probability the one output stands; of a Network with
            softmax 0, 1, ...
        ax, max_bars, max_layers, shape
            See `plot`.

        Returns
        -------
        ActivationsDisplay

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        """
        network = network_of(estimator)
        activations, title = pass_of(estimator, X, row)
        n = len(activations)
        names = ["input", *(f"layer {i}, {network.activations[i - 1]}" for i in range(1, n - 1))]
        display = cls(
            activations,
            layer_names=[*names, f"output, {network.activations[-1]}"],
            input_names=inputs_of(estimator) if input_names is None else input_names,
            output_names=outputs_of(estimator) if output_names is None else output_names,
            title=title,
        )
        return display.plot(ax, max_bars=max_bars, max_layers=max_layers, shape=shape)

    def plot(
        self,
        ax: Any = None,
        *,
        max_bars: int = 20,
        max_layers: int = 8,
        shape: tuple[int, int] | None = None,
    ) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Whose place is shared out among the layers; by default a figure of its own.
        max_bars : int, default=20
            A layer of more units is drawn as a grid, row by row from the top left.
        max_layers : int, default=8
            At least 3; of more layers the middle is left out, which is told.
        shape : tuple (height, width), optional
            Of the input's grid, such as an image's; by default as near to a square as there is.

        Returns
        -------
        ActivationsDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError, ValueError
            If an argument is not as described.
        """
        checks.positive_integer("max_bars", max_bars)
        if checks.positive_integer("max_layers", max_layers) < 3:
            raise ValueError(f"max_layers must be at least 3, got {max_layers}")
        self.layers_ = shown(len(self.activations), max_layers)
        grids = {i: grid_of(len(self.activations[i])) for i in self.layers_}
        grids = {i: grid for i, grid in grids.items() if len(self.activations[i]) > max_bars}
        if shape is not None:
            grids[0] = grid_of(len(self.activations[0]), shape)
        n_left_out = len(self.activations) - len(self.layers_)
        told = f"{counted(n_left_out, 'layer')} in the middle not drawn" if n_left_out else ""
        title = "; ".join(filter(None, [self.title, told]))
        top = _TOP + _TITLE * bool(title)
        rooms = [_LEFT if i in grids else self._room_of_names(i) for i in self.layers_]
        width = sum(rooms) + len(rooms) * (_WIDTH + _RIGHT)
        self.figure_, self.ax_ = axes(ax, figsize=(width, _HEIGHT + top + _BOTTOM))
        if ax is None:
            self.ax_.set_position([0, 0, 1, 1])
        self.ax_.set_axis_off()
        if title:
            self.ax_.text(
                0.5,
                1 - 0.15 / _inches(self.ax_)[1],
                title,
                ha="center",
                va="center",
                fontsize="large",
            )
        self.axes_ = _panels(self.ax_, rooms, top)
        self.artists_ = [
            self._draw_grid(axis, i, grids[i]) if i in grids else self._draw_bars(axis, i)
            for axis, i in zip(self.axes_, self.layers_, strict=True)
        ]
        return self

    def _names(self, layer: int) -> list[str] | None:
        last = len(self.activations) - 1
        return self.input_names if layer == 0 else self.output_names if layer == last else None

    def _room_of_names(self, layer: int) -> float:
        """Inches to the left of bars."""
        return max(_LEFT, 0.3 + _LETTER * max(map(len, self._names(layer) or [""])))

    def _draw_bars(self, ax: Any, layer: int) -> Any:
        values, names = self.activations[layer], self._names(layer)
        places = np.arange(1, len(values) + 1)
        bars = ax.barh(places, values, color=signed_colours(values, largest(values), _FAINTEST))
        ax.axvline(0, color=text_colour(), linewidth=0.8)
        step = 1 if names else ceil(len(values) / 10)
        ax.set_yticks(places[::step], names)
        ax.set_ylim(max(len(values), 4) + 0.6, 0.4)
        ax.set_xlabel("activation")
        ax.locator_params(axis="x", nbins=_n_ticks(ax))
        if not values.any():
            ax.set_xlim(0, 1)
        if not names:
            ax.set_ylabel("input" if layer == 0 else "neuron")
        ax.set_title(self._title(layer), fontsize="medium")
        return bars

    def _draw_grid(self, ax: Any, layer: int, shape: tuple[int, int]) -> Any:
        values = self.activations[layer]
        cells = np.full(shape[0] * shape[1], np.nan)
        cells[: len(values)] = values
        image = ax.imshow(
            cells.reshape(shape), cmap=signed_colormap(), norm=signed_norm(largest(values))
        )
        ax.set(xticks=[], yticks=[], anchor="N")
        ax.set_title(self._title(layer), fontsize="medium")
        below = ax.inset_axes([0, -0.1, 1, 0.05])
        bar = self.figure_.colorbar(image, cax=below, orientation="horizontal", label="activation")
        if values.any():
            bar.ax.set_xlim(min(0, values.min()), max(0, values.max()))
        bar.ax.locator_params(nbins=_n_ticks(ax))
        return image

    def _title(self, layer: int) -> str:
        return f"{self.layer_names[layer]}\n{counted(len(self.activations[layer]), 'unit')}"


def grid_of(n: int, shape: tuple[int, int] | None = None) -> tuple[int, int]:
    """Return how high and wide a grid of n cells is: as given, or as near to a square as it can be.

    Where n is no product of two such numbers its last row is not full.
    """
    if shape is None:
        root = isqrt(n)
        for height in range(root, 0, -1):
            if 2 * height * height < n:  # it would be more than twice as wide as high
                break
            if n % height == 0:
                return height, n // height
        width = root + (root * root < n)
        return ceil(n / width), width
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise TypeError(f"shape must be (height, width), got {shape!r}")
    height, width = (checks.positive_integer("each of shape", part) for part in shape)
    if height * width != n:
        raise ValueError(f"shape must be of {n} cells, got {height} × {width}")
    return height, width


def _checked(layer: int, given: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(given, np.float64)
    if values.ndim != 1 or len(values) == 0:
        raise ValueError(f"activations of layer {layer} must be a vector, got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError(f"activations of layer {layer} must be finite")
    return values


def _inches(ax: Any) -> tuple[float, float]:
    """Width and height of axes as they are now."""
    box = ax.get_window_extent()
    return box.width / ax.figure.dpi, box.height / ax.figure.dpi


def _n_ticks(ax: Any) -> int:
    """How many numbers of 5 digits have room below."""
    return min(3, max(1, int(_inches(ax)[0] / 0.6)))


def _panels(ax: Any, rooms: Sequence[float], top: float) -> list[Any]:
    """Return axes side by side within others, with so many inches to the left of each."""
    width, height = _inches(ax)
    each = max((width - sum(rooms)) / len(rooms) - _RIGHT, 0.2) / width
    tall = max(height - top - _BOTTOM, 0.2) / height
    places = np.cumsum(np.array([*rooms]) / width) + np.arange(len(rooms)) * (each + _RIGHT / width)
    return [ax.inset_axes([x, _BOTTOM / height, each, tall]) for x in places]
