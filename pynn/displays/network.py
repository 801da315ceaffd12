"""NetworkDisplay: circles and arrows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn.displays.base import axes, network_of, signed_colours, text_colour
from pynn.displays.one_row import input_names as inputs_of
from pynn.displays.one_row import output_names as outputs_of
from pynn.displays.one_row import pass_of
from pynn.inspection.colours import largest
from pynn.inspection.diagram import FAINTEST, Column, Diagram, counted, names_of

__all__ = ["NetworkDisplay"]

_STEP_X = 3.4  # between columns, where 1 is between circles
_RADIUS = 0.4
_UP_TO_ONE = ("sigmoid", "softmax", "tanh")  # activations whose shade says how far they are up
_STRETCH = 1.7  # in both directions, where numbers are written on lines
_INCHES = 0.42  # from circle to circle, in a figure of its own


class NetworkDisplay:
    """A network as circles and lines, with the activations of one row if wanted.

    Lines are weights: green above 0, red below, the larger the wider and the stronger. Circles are
    units, shaded likewise by their activations, as parts of the largest of their layer. The middle
    of a wide layer and of a deep network is left out, and how much is told.

    Parameters
    ----------
    diagram : pynn.inspection.diagram.Diagram
        What is drawn.
    activations : sequence of array-like of shape (n_units,), optional
        Of each layer, the input first, with all units that it has.
    input_names, output_names : sequence of str, optional
        Written beside the units of the input and of the output.
    title : str, default=""
        Written above.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : matplotlib LineCollection
        The weights that are drawn, the weaker first.
    nodes_ : list of matplotlib PatchCollection
        The circles of each layer that is drawn.
    texts_ : list of matplotlib Text

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    ActivationsDisplay : All activations of one row.
    WeightsDisplay : All weights of one layer.
    pynn.Network.to_dot : The same for Graphviz.

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
        first, last = diagram.columns[0], diagram.columns[-1]
        self.diagram, self.title = diagram, title
        self.activations = None if activations is None else _activations(activations, diagram)
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
        """Draw a network, and what it makes of one row.

        Parameters
        ----------
        estimator : Network, or fitted MLPClassifier or MLPRegressor
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs), optional
            Without it circles have no shade.
        row : int, default=0
            The row of X that goes through; -1 is the last.
        input_names, output_names : sequence of str, optional
            By default ``feature_names_in_`` and ``classes_``, where the estimator has them; of two
            classes the second, for whose probability the one output stands; of a Network with
            softmax 0, 1, ...
        max_units : int, default=10
            At least 3; a layer of more units shows one less than this.
        max_layers : int, default=8
            At least 3; a network of more layers, input and output counted, shows one less.
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
        activations, title = (None, "") if X is None else pass_of(estimator, X, row)
        display = cls(
            diagram,
            activations=activations,
            input_names=inputs_of(estimator) if input_names is None else input_names,
            output_names=outputs_of(estimator) if output_names is None else output_names,
            title=title,
        )
        return display.plot(ax, values=values)

    def plot(self, ax: Any = None, *, values: bool | None = None) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            By default a figure of its own.
        values : bool, optional
            Write activations into circles, weights on lines and biases below circles; by default
            activations where no layer shows more than 8 units, the others where there are no more
            than 12 lines.

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
        low = diagram.height / 2 * stretch
        right = diagram.columns[-1].x * self._step[0]
        x, y = (min(-1.5, right / 2 - 4), max(right + 1.5, right / 2 + 4)), (-low - 2.4, low + 0.2)
        width, height = x[1] - x[0], y[1] - y[0]
        size = (width * _INCHES, height * _INCHES)
        self.figure_, self.ax_ = axes(ax, figsize=size, layout="constrained")
        self.ax_.set(xlim=x, ylim=y, aspect="equal", title=self.title)
        self.ax_.set_axis_off()
        self.texts_: list[Any] = []
        self._points = self._points_of_a_step(width, height)
        self._draw_lines(on_lines)
        small = max(len(column.units) for column in diagram.columns) <= 8
        in_circles = self.activations is not None and (small if values is None else values)
        self.nodes_ = [self._draw_column(column, -low, in_circles) for column in diagram.columns]
        self._draw_names()
        self._draw_notes(right / 2, -low)
        return self

    def _points_of_a_step(self, width: float, height: float) -> float:
        """From circle to circle, where the axes are as they will be but for titles and names."""
        box = self.ax_.get_window_extent()
        return float(72 / self.figure_.dpi * min(box.width / width, box.height / height))

    def _write(self, x: float, y: float, text: str, part: float = 0.3, **look: Any) -> None:
        look = {"ha": "center", "va": "center", "fontsize": self._points * part} | look
        self.texts_.append(self.ax_.text(x, y, text, **look))

    def _at(self, column: Column, place: int) -> tuple[float, float]:
        """Where a circle is."""
        return column.x * self._step[0], column.y[place] * self._step[1]

    def _draw_lines(self, with_values: bool) -> None:
        from matplotlib.collections import LineCollection

        lines = list(self.diagram.lines())
        starts = np.array([self._at(line.links.source, line.i) for line in lines])
        ends = np.array([self._at(line.links.target, line.j) for line in lines])
        starts[:, 0] += _RADIUS
        ends[:, 0] -= _RADIUS
        weights = np.array([line.weight for line in lines])
        finite = np.isfinite(weights)
        colours = signed_colours(np.where(finite, weights, 0), self.diagram.scale, FAINTEST)
        colours[~finite | (weights == 0), :3] = text_colour()
        colours[~finite, 3] = 1
        scale = self._points / (72 * _INCHES)
        widths = [line.width * scale if line.is_finite else scale for line in lines]
        styles = ["-" if line.is_finite else ":" for line in lines]
        ends_of_lines: Any = np.stack([starts, ends], axis=1)
        self.lines_ = self.ax_.add_collection(
            LineCollection(
                ends_of_lines, linewidths=widths, colors=colours, linestyles=styles, zorder=1
            )
        )
        if with_values:
            self._write_biases()
            box = {"facecolor": self.figure_.get_facecolor(), "edgecolor": "none", "pad": 0.5}
            for line, (x, y) in zip(lines, starts + 0.25 * (ends - starts), strict=True):
                self._write(x, y, f"{line.weight:.3g}", 0.22, bbox=box)

    def _write_biases(self) -> None:
        for column in self.diagram.columns:
            for place, bias in enumerate(column.biases):
                x, y = self._at(column, place)
                self._write(x, y - _RADIUS - 0.2, f"bias {bias:.3g}", 0.22)

    def _draw_column(self, column: Column, low: float, with_values: bool) -> Any:
        from matplotlib.collections import PatchCollection
        from matplotlib.patches import Circle

        places = [self._at(column, place) for place in range(len(column.units))]
        x = places[0][0]
        faces: Any = "none"
        if self.activations is not None:
            of_layer = self.activations[column.layer]
            drawn = of_layer[list(column.units)]
            most = 1.0 if column.activation in _UP_TO_ONE else 0.0
            faces = signed_colours(drawn, max(largest(of_layer), most))
            for i, value in enumerate(drawn if with_values else ()):
                text = f"{value:.3g}"
                self._write(*places[i], text, 0.22 * min(1, 6 / len(text)))  # room for 6 letters
        if column.gap is not None:
            y = column.gap * self._step[1]
            self._write(x, y + 0.25, "⋮", 0.5)
            self._write(x, y - 0.4, f"+{column.n_left_out}")
        self._write(x, low - 0.7, f"{column.name}\n{column.size} {column.activation}".strip())
        circles = [Circle(place, _RADIUS) for place in places]
        return self.ax_.add_collection(
            PatchCollection(
                circles,
                facecolors=faces,
                edgecolors=text_colour(),
                linewidths=self._points / 36,
                zorder=2,
            )
        )

    def _draw_names(self) -> None:
        sides = (
            (self.diagram.columns[0], self.input_names, -1, "right"),
            (self.diagram.columns[-1], self.output_names, 1, "left"),
        )
        for column, names, side, ha in sides:
            if names is None:
                continue
            for place, unit in enumerate(column.units):
                x, y = self._at(column, place)
                self._write(x + side * 1.5 * _RADIUS, y, names[unit], ha=ha)

    def _draw_notes(self, middle: float, low: float) -> None:
        diagram = self.diagram
        if diagram.gap is not None:
            x = diagram.gap * self._step[0]
            self._write(x, 0.3, "⋯", 0.6)
            self._write(x, -0.4, counted(diagram.n_layers_left_out, "layer"))
        widest = f"widest ±{diagram.scale:.3g}" if diagram.scale else "all that are drawn are 0"
        dotted = "" if all(line.is_finite for line in diagram.lines()) else ", dotted: not finite"
        note = f"weights: green above 0, red below, {widest}{dotted}"
        self._write(middle, low - 1.9, note, 0.26)


def _activations(given: Sequence[ArrayLike], diagram: Diagram) -> list[NDArray[np.float64]]:
    """Return those of each layer as arrays, or raise unless they are of the diagram's sizes."""
    found = [np.asarray(layer, np.float64) for layer in given]
    n_layers = diagram.columns[-1].layer + 1
    if len(found) != n_layers:
        raise ValueError(f"activations must be of {n_layers} layers, got {len(found)}")
    for column in diagram.columns:
        if found[column.layer].shape != (column.size,):
            raise ValueError(
                f"activations of {column.name} must be of shape ({column.size},), "
                f"got {found[column.layer].shape}"
            )
        if not np.isfinite(found[column.layer]).all():
            raise ValueError(f"activations of {column.name} must be finite")
    return found
