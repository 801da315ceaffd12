"""ActivationsDisplay: the activations of each layer for one sample."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pynn import checks
from pynn.displays import units
from pynn.displays.base import Array, axes, float_array, network_of, signed_colours, text_colour
from pynn.inspection.colours import largest
from pynn.inspection.diagram import counted, names_of, shown

_FAINTEST = 0.4  # opacity of a bar of 0; a bar's length says more than its colour

# Inches: the size of a layer's panel in a new figure, and the space around it.
_WIDTH, _HEIGHT = 1.7, 2.3
_TOP, _TITLE, _BOTTOM, _RIGHT, _LEFT, _LETTER = 0.55, 0.25, 0.6, 0.15, 0.6, 0.085


class ActivationsDisplay:
    """Activations of each layer for one sample, as bars or, for many units, as a grid.

    Positive activations are blue, negative ones orange (see `use_colors`). Stronger colours are
    larger parts of the layer's largest activation.

    Parameters
    ----------
    activations : sequence of array-like of shape (n_units,)
        Finite activations of each layer, the input first.
    layer_names : sequence of str, optional
        Titles of the layers, by default "input", "layer 1", ..., "output".
    input_names, output_names : sequence of str, optional
        Labels of the input's and the output's bars.
    title : str, default=""
        Title of the figure. `from_estimator` shows the prediction in it.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
        The axes are invisible and contain the panels of all layers.
    axes_ : list of matplotlib Axes
        One panel for each layer shown.
    layers_ : tuple of int
        The layers shown; the input is 0.
    artists_ : list of matplotlib BarContainer or AxesImage
        The bars or the grid of each layer shown.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    NetworkDisplay : Activations together with the weights.

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
        self.activations = [
            float_array(f"activations of layer {i}", layer, "n_units", finite=True)
            for i, layer in enumerate(activations)
        ]
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
        """Send one sample through a network and draw the activations of each layer.

        Parameters
        ----------
        estimator : Network, fitted MLPClassifier or MLPRegressor, or a pipeline that ends in one
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
        row : int, default=0
            Row of X with the sample; -1 is the last.
        input_names, output_names : sequence of str, optional
            By default the names of the features, after a pipeline's other steps, and of the
            classes, if the estimator has them. The
            single output of a binary classifier has the name of the second class. Outputs of a
            Network with softmax are named 0, 1, ...
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
        *hidden, output = network_of(estimator).activations
        activations, title = units.pass_of(estimator, X, row)
        names = [f"layer {i}, {activation}" for i, activation in enumerate(hidden, 1)]
        display = cls(
            activations,
            layer_names=["input", *names, f"output, {output}"],
            input_names=units.input_names(estimator) if input_names is None else input_names,
            output_names=units.output_names(estimator) if output_names is None else output_names,
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
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes whose area the panels share; by default those of a new figure.
        max_bars : int, default=20
            Maximum number of bars. Larger layers are drawn as a grid, row by row from the top left.
        max_layers : int, default=8
            At least 3. Of a network with more layers the middle ones are omitted; the title says
            how many.
        shape : tuple (height, width), optional
            Shape of the input's grid, such as an image's. By default the grid is as close to a
            square as possible.

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
        sizes = [len(layer) for layer in self.activations]
        self.layers_ = shown(len(sizes), max_layers)
        grids = {i: units.grid_of(sizes[i]) for i in self.layers_ if sizes[i] > max_bars}
        if shape is not None:
            grids[0] = units.grid_of(sizes[0], shape)
        n_omitted = len(sizes) - len(self.layers_)
        omitted = f"{counted(n_omitted, 'layer')} in the middle not drawn" if n_omitted else ""
        title = "; ".join(filter(None, [self.title, omitted]))
        top = _TOP + _TITLE * bool(title)
        names = {0: self.input_names, len(sizes) - 1: self.output_names}
        letters = {i: max(map(len, names.get(i) or [""])) for i in self.layers_ if i not in grids}
        lefts = [max(_LEFT, 0.3 + _LETTER * letters.get(i, 0)) for i in self.layers_]
        size = sum(lefts) + len(lefts) * (_WIDTH + _RIGHT), _HEIGHT + top + _BOTTOM
        self.figure_, self.ax_ = axes(ax, figsize=size)
        if ax is None:
            self.ax_.set_position([0, 0, 1, 1])
        self.ax_.set_axis_off()
        if title:
            y = 1 - 0.15 / _inches(self.ax_)[1]
            self.ax_.text(0.5, y, title, ha="center", va="center", fontsize="large")
        self.axes_ = _panels(self.ax_, lefts, top)
        self.artists_ = []
        for panel, i in zip(self.axes_, self.layers_, strict=True):
            values, kind = self.activations[i], "neuron" if i else "input"
            if i in grids:
                self.artists_.append(_draw_grid(panel, values, grids[i]))
            else:
                self.artists_.append(_draw_bars(panel, values, names.get(i), kind))
            text = f"{self.layer_names[i]}\n{counted(sizes[i], 'unit')}"
            panel.set_title(text, fontsize="medium")
        return self


def _draw_bars(ax: Any, values: Array, names: list[str] | None, kind: str) -> Any:
    places = np.arange(1, len(values) + 1)
    bars = ax.barh(places, values, color=signed_colours(values, largest(values), _FAINTEST))
    ax.axvline(0, color=text_colour(), linewidth=0.8)
    ax.set_yticks(places[:: 1 if names else ceil(len(values) / 10)], names)
    ax.set(ylim=(max(len(values), 4) + 0.6, 0.4), xlabel="activation")
    ax.set_ylabel("" if names else kind)
    ax.locator_params(axis="x", nbins=_n_ticks(ax))
    if not values.any():
        ax.set_xlim(0, 1)
    return bars


def _draw_grid(ax: Any, values: Array, shape: tuple[int, int]) -> Any:
    image = units.draw_grid(ax, values, shape, largest(values))
    ax.set(xticks=[], yticks=[], anchor="N")
    below = ax.inset_axes([0, -0.1, 1, 0.05])
    ax.figure.colorbar(image, cax=below, orientation="horizontal", label="activation")
    if values.any():
        below.set_xlim(min(0, values.min()), max(0, values.max()))
    below.locator_params(nbins=_n_ticks(ax))
    return image


def _inches(ax: Any) -> Any:
    """Return the present width and height of axes."""
    return ax.bbox.size / ax.figure.dpi


def _n_ticks(ax: Any) -> int:
    """Return how many tick labels of 5 digits fit below axes."""
    return min(3, max(1, int(_inches(ax)[0] / 0.6)))


def _panels(ax: Any, lefts: Sequence[float], top: float) -> list[Any]:
    """Return axes side by side within others, with this space in inches to the left of each."""
    width, height = _inches(ax)
    each = max((width - sum(lefts)) / len(lefts) - _RIGHT, 0.2) / width
    tall = max(height - top - _BOTTOM, 0.2) / height
    places = np.cumsum(lefts) / width + np.arange(len(lefts)) * (each + _RIGHT / width)
    return [ax.inset_axes([x, _BOTTOM / height, each, tall]) for x in places]
