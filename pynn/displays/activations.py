"""ActivationsDisplay: the activations of each layer for one sample."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from textwrap import fill
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pynn import checks
from pynn.displays import units
from pynn.displays.base import Array, axes, float_array, network_of, signed_colours, text_colour
from pynn.inspection.colours import largest
from pynn.inspection.diagram import counted, names_of, shown, strongest

_FAINTEST = 0.4  # opacity of a bar of 0; a bar's length says more than its colour

# Inches: the size of a layer's panel in a new figure, and the space around it.
_WIDTH, _HEIGHT = 1.7, 2.3
_TOP, _TITLE, _BOTTOM, _RIGHT, _LEFT, _LETTER = 0.55, 0.25, 0.6, 0.15, 0.6, 0.085
_LABEL = 0.16  # minimum distance of labels
# In narrow axes text is small, and names are written on the bars.
_NARROW, _NARROW_LEFT, _PER_LAYER = 1.0, 0.3, 0.85


class ActivationsDisplay:
    """Activations of each layer for one sample, as bars or, for many units, as a grid.

    Outputs are always bars with the names of their classes. If there are many, only the outputs
    with the largest activations are shown. Hidden layers are all bars, or all grids if one of them
    has many units. Grids show the units row by row from the top left.

    Positive activations are blue, negative ones orange (see `use_colors`). Stronger colours are
    closer to the layer's largest activation.

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
            raise ValueError(f"activations must have an input and an output at least, got {n}")
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
            By default the names of the features, as transformed by a pipeline's other steps, and of
            the classes, if the estimator has them. The single output of a binary classifier has the
            name of the second class. Outputs of a Network with softmax are named 0, 1, ...
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
            Maximum number of bars of a layer. A larger input is a grid, and all hidden layers are
            grids if one of them is larger. A larger output shows the bars of its largest absolute
            activations.
        max_layers : int, default=8
            At least 3. The middle layers of deeper networks are omitted; the title says how many.
            Narrow axes show fewer layers: one for each 0.85 inches, but at least 3.
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
        if ax is not None:
            ax.set_axis_off()
            width = units.axes_inches(ax)[0]
            max_layers = min(max_layers, max(3, int(width / _PER_LAYER)))
        self.layers_ = shown(len(sizes), max_layers)
        last = len(sizes) - 1
        bars = {last: strongest(np.abs(self.activations[-1]), max_bars)}
        if shape is None and sizes[0] <= max_bars:
            bars[0] = tuple(range(sizes[0]))
        if max(sizes[1:-1], default=0) <= max_bars:
            bars |= {i: tuple(range(sizes[i])) for i in self.layers_[1:-1]}
        shapes = {0: None if shape is None else units.grid_of(sizes[0], shape)}
        n_omitted = len(sizes) - len(self.layers_)
        omitted = f"{counted(n_omitted, 'layer')} in the middle not drawn" if n_omitted else ""
        title = "; ".join(filter(None, [self.title, omitted]))
        top = _TOP + _TITLE * bool(title)
        names = {0: self.input_names, last: self.output_names}
        letters = {i: max(map(len, names.get(i) or [""])) for i in bars}
        lefts = [max(_LEFT, 0.3 + _LETTER * letters.get(i, 0)) for i in self.layers_]
        tall = max(_HEIGHT, *(_LABEL * len(bars[i]) for i in bars if names.get(i)), 0)
        size = sum(lefts) + len(lefts) * (_WIDTH + _RIGHT), tall + top + _BOTTOM
        self.figure_, self.ax_ = axes(ax, figsize=size)
        is_narrow = False
        if ax is None:
            self.ax_.set_position([0, 0, 1, 1])
            self.ax_.set_axis_off()
        elif (width - sum(lefts)) / len(lefts) - _RIGHT < _NARROW:
            is_narrow, lefts = True, _narrow_lefts(width, len(lefts), letters.get(0, 0))
            top -= 0.1
        bottom, label = (0.45, 0.13) if is_narrow else (_BOTTOM, _LABEL)
        if title:
            look = {"fontsize": "medium" if is_narrow else "large", "ha": "center", "va": "top"}
            title = fill(title, int(_inches(self.ax_)[0] / _LETTER))
            top += _LABEL * title.count("\n")
            y = 1 - 0.05 / _inches(self.ax_)[1]
            self.ax_.text(0.5, y, title, **look)
        self.axes_ = _panels(self.ax_, lefts, top, bottom)
        self.artists_ = []
        for panel, i in zip(self.axes_, self.layers_, strict=True):
            values = self.activations[i]
            if i in bars:
                kind = "neuron" if i else "input"
                self.artists_.append(_draw_bars(panel, values, bars[i], names.get(i), kind, label))
            else:
                grid = shapes.get(i) or units.grid_of(sizes[i])
                self.artists_.append(_draw_grid(panel, values, grid))
            text = f"{self.layer_names[i]}\n{counted(sizes[i], 'unit')}"
            if len(bars.get(i, values)) < sizes[i]:
                text += f", {len(bars[i])} largest"
            panel.set_title(text, fontsize="medium")
            if is_narrow:
                _narrow(panel)
        return self


def _draw_bars(
    ax: Any, values: Array, shown: Sequence[int], names: list[str] | None, kind: str, label: float
) -> Any:
    places = np.arange(1, len(shown) + 1)
    colours = signed_colours(values[list(shown)], largest(values), _FAINTEST)
    bars = ax.barh(places, values[list(shown)], color=colours)
    ax.axvline(0, color=text_colour(), linewidth=0.8)
    room = max(1, int(_inches(ax)[1] / label))
    every = ceil(max(len(shown), 4) / (room if names else min(room, 10)))
    labels = [names[i] if names else str(i + 1) for i in shown]
    ax.set_yticks(places[::every], labels[::every])
    ax.set(ylim=(max(len(shown), 4) + 0.6, 0.4), xlabel="activation")
    ax.set_ylabel("" if names else kind)
    ax.locator_params(axis="x", nbins=_n_ticks(ax))
    if not values.any():
        ax.set_xlim(0, 1)
    return bars


def _draw_grid(ax: Any, values: Array, shape: tuple[int, int]) -> Any:
    image = units.draw_grid(ax, values, shape, largest(values))
    ax.set(xticks=[], yticks=[], anchor="N")
    ax.spines[:].set_visible(False)
    below = ax.inset_axes([0, -0.1, 1, 0.05])
    ax.figure.colorbar(image, cax=below, orientation="horizontal", label="activation")
    if values.any():
        below.set_xlim(min(0, values.min()), max(0, values.max()))
    below.locator_params(nbins=_n_ticks(ax))
    return image


def _narrow_lefts(width: float, n: int, n_letters: int) -> list[float]:
    """Return the space in inches to the left of n narrow panels, the first with names on it."""
    lefts = [_NARROW_LEFT] * n
    overhang = 0.8 * _LETTER * n_letters - (width / n - _NARROW_LEFT - _RIGHT)
    lefts[1] += max(0, min(overhang * n / (n - 1), 0.3 * width))  # wider lefts narrow all panels
    return lefts


def _narrow(ax: Any) -> None:
    """Make text of a panel small, and write long labels on its bars."""
    ax.set_title(ax.get_title().replace(", ", "\n", 1), fontsize="small")
    ax.set_ylabel("")
    for part in (ax, *ax.child_axes):
        part.tick_params(labelsize="small")
        part.xaxis.label.set_fontsize("small")
        low, high = part.get_xlim()
        ticks = [tick for tick in part.get_xticks() if low <= tick <= high]
        if ticks:
            last = max(ticks, key=abs)
            has_room = abs(last) / (high - low) * _inches(part)[0] > 0.4
            part.set_xticks(sorted({0.0, last}) if has_room else [last])
    labels = ax.get_yticklabels()
    if max((len(label.get_text()) for label in labels), default=0) > 3:
        ax.tick_params(axis="y", length=0, pad=-4)
        for label in labels:
            label.set_ha("left")


def _inches(ax: Any) -> Any:
    """Return the present width and height of axes."""
    return ax.bbox.size / ax.figure.dpi


def _n_ticks(ax: Any) -> int:
    """Return how many tick labels of 5 digits fit below axes."""
    return min(3, max(1, int(_inches(ax)[0] / 0.6)))


def _panels(ax: Any, lefts: Sequence[float], top: float, bottom: float) -> list[Any]:
    """Return axes side by side within others, with this space in inches to the left of each."""
    width, height = _inches(ax)
    each = max((width - sum(lefts)) / len(lefts) - _RIGHT, 0.2) / width
    tall = max(height - top - bottom, 0.2) / height
    places = np.cumsum(lefts) / width + np.arange(len(lefts)) * (each + _RIGHT / width)
    return [ax.inset_axes([x, bottom / height, each, tall]) for x in places]
