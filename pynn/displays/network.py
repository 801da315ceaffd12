"""NetworkDisplay: a network as circles and lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pynn.displays import units
from pynn.displays.base import axes, float_array, network_of, signed_colours
from pynn.inspection.colours import largest, palette
from pynn.inspection.diagram import Column, Diagram, counted, names_of

# Lengths are in distances between the centres of neighbouring circles.
_STEP_X = 3.4  # between columns
_RADIUS = 0.42
_TEXT, _SMALL = 0.3, 0.27  # letters
_STRETCH = 1.7  # factor in both directions if numbers are written on lines
_INCHES = 0.42  # the unit of length in a new figure: small letters have 8 points
_LETTER = 0.075  # inches of a letter of a name, in a new figure

_UP_TO_ONE = ("sigmoid", "softmax", "tanh")  # their activations are shaded as parts of 1


class NetworkDisplay:
    """A network as circles and lines, optionally with the activations for one sample.

    Lines are weights: blue if positive, orange if negative (see `use_colors`); larger weights are
    wider and stronger. Circles are units, shaded in the same way by their activations, as parts of
    the largest of their layer. The middle of wide layers and of deep networks is omitted; the
    display says how many units or layers are missing.

    Parameters
    ----------
    diagram : pynn.inspection.diagram.Diagram
        The network to draw.
    activations : sequence of array-like of shape (n_units,), optional
        Activations of all units of each layer, the input first.
    input_names, output_names : sequence of str, optional
        Labels of the input's and the output's units.
    title : str, default=""
        Title of the axes.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : matplotlib LineCollection
        The weights drawn, in ascending order of size between each two layers.
    nodes_ : list of matplotlib PatchCollection
        The circles of each layer drawn.
    texts_ : list of matplotlib Text

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    ActivationsDisplay : All activations for one sample.
    WeightsDisplay : All weights of one layer.
    pynn.Network.to_dot : The same diagram for Graphviz.

    Examples
    --------
    >>> import pynn
    >>> from pynn.displays import NetworkDisplay
    >>> net = pynn.Network([2, 3, 1], random_state=0)
    >>> display = NetworkDisplay.from_estimator(net, [[0.5, -1.0]])
    >>> len(display.lines_.get_segments())
    9
    """

    def __init__(
        self,
        diagram: Diagram,
        *,
        activations: Sequence[ArrayLike] | None = None,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        title: str = "",
    ) -> None:
        if not isinstance(diagram, Diagram):
            raise TypeError(f"diagram must be a Diagram, got {type(diagram).__name__}")
        self.diagram, self.title = diagram, title
        first, last = diagram.columns[0], diagram.columns[-1]
        self.activations = None if activations is None else _checked(activations, diagram)
        self.input_names = names_of("input_names", input_names, first.size)
        self.output_names = names_of("output_names", output_names, last.size)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any = None,
        *,
        row: int = 0,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        max_units: int = 10,
        max_layers: int = 8,
        ax: Any = None,
        values: bool | None = None,
    ) -> Self:
        """Draw a network, optionally with its activations for one sample.

        Parameters
        ----------
        estimator : Network, fitted MLPClassifier or MLPRegressor, or a pipeline that ends in one
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs), optional
            By default circles are not shaded.
        row : int, default=0
            Row of X with the sample; -1 is the last.
        input_names, output_names : sequence of str, optional
            By default the names of the features, after a pipeline's other steps, and of the
            classes, if the estimator has them. The
            single output of a binary classifier has the name of the second class. Outputs of a
            Network with softmax are named 0, 1, ...
        max_units : int, default=10
            At least 3. A larger layer shows ``max_units - 1`` units.
        max_layers : int, default=8
            At least 3, input and output included. A deeper network shows ``max_layers - 1`` layers.
        ax, values
            See `plot`.

        Returns
        -------
        NetworkDisplay

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        """
        diagram = Diagram.of(network_of(estimator), max_units, max_layers)
        activations, title = (None, "") if X is None else units.pass_of(estimator, X, row)
        display = cls(
            diagram,
            activations=activations,
            input_names=units.input_names(estimator) if input_names is None else input_names,
            output_names=units.output_names(estimator) if output_names is None else output_names,
            title=title,
        )
        return display.plot(ax, values=values)

    def plot(self, ax: Any = None, *, values: bool | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; by default those of a new figure.
        values : bool, optional
            Whether to write activations into circles, weights on lines and biases below circles.
            By default activations are written if no layer shows more than 8 units, weights and
            biases if there are at most 12 lines.

        Returns
        -------
        NetworkDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        diagram = self.diagram
        n_lines = sum(links.weights.size for links in diagram.links)
        on_lines = n_lines <= 12 if values is None else values
        stretch = _STRETCH if on_lines else 1.0
        self._step = _STEP_X * stretch, -stretch
        low, right = -diagram.height / 2 * stretch, diagram.columns[-1].x * self._step[0]
        x, y = (min(-1.5, right / 2 - 4), max(right + 1.5, right / 2 + 4)), (low - 2.4, 0.2 - low)
        extent = np.ptp([x, y], axis=1)
        names = [max(map(len, names or [""])) for names in (self.input_names, self.output_names)]
        size = extent * _INCHES + [sum(names) * _LETTER, 0.4 * bool(self.title)]
        self.figure_, self.ax_ = axes(ax, figsize=size, layout="constrained")
        self.ax_.set(xlim=x, ylim=y, aspect="equal", title=self.title)
        self.ax_.set_axis_off()
        # Points per unit of length; in given axes before titles and names take space from them
        given = 72 / self.figure_.dpi * (self.ax_.bbox.size / extent).min()
        self._points = 72 * _INCHES if ax is None else float(given)
        self.texts_: list[Any] = []
        self._draw_lines(on_lines)
        small = max(len(column.units) for column in diagram.columns) <= 8
        in_circles = self.activations is not None and (small if values is None else values)
        self.nodes_ = [self._draw_column(column, low, in_circles) for column in diagram.columns]
        self._draw_names(diagram.columns[0], self.input_names, -1.5 * _RADIUS, "right")
        self._draw_names(diagram.columns[-1], self.output_names, 1.5 * _RADIUS, "left")
        self._draw_notes(right / 2, low)
        return self

    def _write(self, x: float, y: float, text: str, size: float = _TEXT, **look: Any) -> None:
        look = {"ha": "center", "va": "center", "fontsize": self._points * size} | look
        self.texts_.append(self.ax_.text(x, y, text, **look))

    def _centres(self, column: Column) -> list[tuple[float, float]]:
        return [(column.x * self._step[0], y * self._step[1]) for y in column.y]

    def _draw_lines(self, with_values: bool) -> None:
        lines = list(self.diagram.lines())
        centres = {column.layer: self._centres(column) for column in self.diagram.columns}
        scale = self._points / (72 * _INCHES)
        self.lines_, starts, ends = units.draw_links(self.ax_, lines, centres, _RADIUS, scale)
        if with_values:
            for column in self.diagram.columns:
                for (x, y), bias in zip(centres[column.layer], column.biases, strict=False):
                    self._write(x, y - _RADIUS - 0.2, f"bias {bias:.3g}", _SMALL)
            box = {"facecolor": self.figure_.get_facecolor(), "edgecolor": "none", "pad": 0.5}
            for line, (x, y) in zip(lines, starts + 0.25 * (ends - starts), strict=True):
                self._write(x, y, f"{line.weight:.3g}", _SMALL, bbox=box)

    def _draw_column(self, column: Column, low: float, with_values: bool) -> Any:
        centres = self._centres(column)
        x = centres[0][0]
        faces: Any = "none"
        if self.activations is not None:
            activations = self.activations[column.layer]
            drawn = activations[list(column.units)]
            scale = max(largest(activations), 1.0 if column.activation in _UP_TO_ONE else 0.0)
            faces = signed_colours(drawn, scale)
            for centre, value in zip(centres, drawn if with_values else (), strict=False):
                self._write(*centre, _short(value), _SMALL)
        if column.gap is not None:
            y = column.gap * self._step[1]
            self._write(x, y + 0.25, "⋮", 0.5)
            self._write(x, y - 0.4, f"+{column.n_left_out}")
        self._write(x, low - 0.7, f"{column.name}\n{column.size} {column.activation}".strip())
        return units.draw_circles(self.ax_, centres, _RADIUS, faces, self._points / 36)

    def _draw_names(self, column: Column, names: list[str] | None, aside: float, ha: str) -> None:
        if names is not None:
            for (x, y), unit in zip(self._centres(column), column.units, strict=True):
                self._write(x + aside, y, names[unit], ha=ha)

    def _draw_notes(self, middle: float, low: float) -> None:
        diagram = self.diagram
        if diagram.gap is not None:
            x = diagram.gap * self._step[0]
            self._write(x, 0.3, "⋯", 0.6)
            self._write(x, -0.4, counted(diagram.n_layers_left_out, "layer"))
        widest = f"widest ±{diagram.scale:.3g}" if diagram.scale else "all drawn weights are 0"
        dotted = "" if all(line.is_finite for line in diagram.lines()) else ", dotted: not finite"
        note = f"weights: {palette().words}, {widest}{dotted}"
        self._write(middle, low - 1.9, note, _SMALL)


def _short(value: float) -> str:
    """Write a number in the 5 letters that fit into a circle, with up to 3 digits."""
    texts = [f"{value:.{digits}g}" for digits in (3, 2, 1)]
    return next((text for text in texts if len(text) <= 5), texts[-1])


def _checked(activations: Sequence[ArrayLike], diagram: Diagram) -> list[Any]:
    """Return the activations of each layer, as arrays for the layers drawn."""
    n_layers = diagram.columns[-1].layer + 1
    if len(activations) != n_layers:
        raise ValueError(f"activations must be of {n_layers} layers, got {len(activations)}")
    checked: list[Any] = list(activations)
    for column in diagram.columns:
        name, given = f"activations of {column.name}", checked[column.layer]
        checked[column.layer] = float_array(name, given, column.size, finite=True)
    return checked
