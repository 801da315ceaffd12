"""TraceDisplay: the numbers of one forward or backward pass on a network's units and links."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from pynn import checks
from pynn.displays import units
from pynn.displays.base import Array, axes, last_step, network_of, signed_colours
from pynn.inspection.colours import largest
from pynn.inspection.diagram import Column, Diagram, Line, counted
from pynn.inspection.neurons import dense_row
from pynn.inspection.tables import number
from pynn.inspection.tracing import Trace

_DIRECTIONS = ("forward", "backward")
_MOST_LINES = 24  # numbers on more links would overlap
_POINTS = 9.0  # font size

# Lengths in inches in a new figure: between columns, between circles, radius.
_WITH_NUMBERS = 2.4, 1.3, 0.4
_WITHOUT = 1.6, 0.45, 0.17


class TraceDisplay:
    """One example on its way through a network, forward or backward.

    ``direction="forward"`` draws the weights as links. Each circle holds the activation a of a
    unit, with the weighted sum z above it and the bias b below it; targets y stand beside the
    outputs. ``direction="backward"`` draws the gradient ∂C/∂w of each weight as a link. Each circle
    holds the delta ∂C/∂z of a unit, which is also the gradient of its bias, with the sensitivity
    ∂C/∂a above it; inputs show ∂C/∂x.

    Colours show the sign. Wider links have larger numbers, and stronger circles are larger in
    their layer. The middle of wide layers and of deep networks is omitted.

    Parameters
    ----------
    trace : pynn.inspection.Trace
        The passes to draw; all numbers are of the cost of one row.
    row : int, default=0
        Row of the trace; -1 is the last.
    direction : {"forward", "backward"}, default="forward"
    max_units : int, default=10
        At least 3. A larger layer shows ``max_units - 1`` units.
    max_layers : int, default=8
        At least 3, input and output included. A deeper network shows ``max_layers - 1`` layers.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : matplotlib LineCollection
        The links drawn, in ascending order of size between each two layers.
    nodes_ : list of matplotlib PatchCollection
        The circles of each layer drawn.
    texts_ : list of matplotlib Text

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    NetworkDisplay : A network with its activations.
    pynn.inspection.Trace.text : The same numbers with their formulas.

    Examples
    --------
    >>> import pynn
    >>> from pynn.displays import TraceDisplay
    >>> net = pynn.Network([2, 2, 1], activation="sigmoid", random_state=0)
    >>> trace = net.trace([[0.0, 1.0]], [[1.0]])
    >>> display = TraceDisplay(trace, direction="backward").plot()
    >>> len(display.lines_.get_segments())
    6
    """

    def __init__(
        self,
        trace: Trace,
        *,
        row: int = 0,
        direction: str = "forward",
        max_units: int = 10,
        max_layers: int = 8,
    ) -> None:
        if not isinstance(trace, Trace):
            raise TypeError(f"trace must be a Trace, got {type(trace).__name__}")
        self.trace = trace
        self.direction = checks.choice("direction", direction, _DIRECTIONS)
        self.row = checks.index("row", row, len(trace.costs))
        inputs = dense_row(trace.x, self.row)
        deltas = [layer[self.row] for layer in trace.deltas]
        links: Any = trace.weights
        if direction == "forward":
            layers = [inputs, *(layer[self.row] for layer in trace.a)]
        else:
            layers = [trace.input_sensitivities[self.row], *deltas]
            first = inputs if trace.scale is None else inputs * trace.scale
            sources = [first, *(layer[self.row] for layer in trace.a[:-1])]
            links = [np.outer(a, delta) for a, delta in zip(sources, deltas, strict=True)]
        self.values = [np.asarray(layer, np.float64) for layer in layers]
        net = trace.architecture
        # All that a diagram reads of a network, with the numbers to draw as its weights
        drawn: Any = SimpleNamespace(
            layer_sizes=net.layer_sizes,
            activations=net.activations,
            weights=links,
            biases=trace.biases,
            bias=net.bias,
            scale=trace.scale,
        )
        self.diagram = Diagram.of(drawn, max_units, max_layers)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        row: int = 0,
        direction: str = "forward",
        max_units: int = 10,
        max_layers: int = 8,
        ax: Any = None,
        values: bool | None = None,
    ) -> Self:
        """Trace one row and draw it.

        Parameters
        ----------
        estimator : Network, fitted MLPClassifier or MLPRegressor, or a pipeline that ends in one
        X : {array-like, sparse matrix} of shape (n_samples, n_inputs)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        row, direction, max_units, max_layers
            See `TraceDisplay`.
        ax, values
            See `plot`.

        Returns
        -------
        TraceDisplay

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        """
        network_of(estimator)
        model, X = last_step(estimator, X)
        limits = {"max_units": max_units, "max_layers": max_layers}
        display = cls(model.trace(X, y), row=row, direction=direction, **limits)
        return display.plot(ax, values=values)

    def plot(self, ax: Any = None, *, values: bool | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; by default those of a new figure.
        values : bool, optional
            Whether to write numbers. By default they are written if there are at most 24 links.

        Returns
        -------
        TraceDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        """
        lines = list(self.diagram.lines())
        self._written = len(lines) <= _MOST_LINES if values is None else values
        self._step_x, self._step_y, self._radius = _WITH_NUMBERS if self._written else _WITHOUT
        self._low = -self.diagram.height / 2 * self._step_y
        right = self.diagram.columns[-1].x * self._step_x
        x, y = (-1.0, right + 1.2), (self._low - 0.95, 0.1 - self._low)
        self.figure_, self.ax_ = axes(
            ax, figsize=(x[1] - x[0], y[1] - y[0] + 0.35), layout="constrained"
        )
        cost = number(self.trace.costs[self.row])
        self.ax_.set(xlim=x, ylim=y, aspect="equal", title=f"{self.direction}: cost C = {cost}")
        self.ax_.set_axis_off()
        self.texts_: list[Any] = []
        self._draw_lines(lines)
        self.nodes_ = [self._draw_column(column) for column in self.diagram.columns]
        if self.diagram.gap is not None:
            omitted = counted(self.diagram.n_layers_left_out, "layer")
            self._write(self.diagram.gap * self._step_x, 0, f"⋯\n{omitted}")
        self._write(right / 2, self._low - 0.75, self._legend())
        return self

    def _legend(self) -> str:
        if self.direction == "forward":
            return "links: weights w; circles: activations a"
        return "links: gradient ∂C/∂w; circles: delta ∂C/∂z, of inputs ∂C/∂x"

    def _write(self, x: float, y: float, text: str, **look: Any) -> None:
        look = {"ha": "center", "va": "center", "fontsize": _POINTS, "zorder": 3} | look
        self.texts_.append(self.ax_.text(x, y, text, **look))

    def _centres(self, column: Column) -> Array:
        return np.array([(column.x * self._step_x, -y * self._step_y) for y in column.y])

    def _draw_lines(self, lines: list[Line]) -> None:
        centres = {column.layer: self._centres(column) for column in self.diagram.columns}
        self.lines_, starts, ends = units.draw_links(self.ax_, lines, centres, self._radius)
        box = {"facecolor": self.ax_.get_facecolor(), "edgecolor": "none", "pad": 0.5}
        for line, (x, y) in zip(lines, starts + 0.27 * (ends - starts), strict=True):
            if self._written:
                self._write(x, y, number(line.weight, 3), bbox=box)

    def _draw_column(self, column: Column) -> Any:
        centres, values = self._centres(column), self.values[column.layer]
        shown = values[list(column.units)]
        if self._written:
            for place, (x, y) in enumerate(centres):
                self._write(x, y, number(shown[place], 3))
                self._write_around(column, place, x, y)
        x = centres[0, 0]
        if column.gap is not None:
            self._write(x, -column.gap * self._step_y, f"⋮ +{column.n_left_out}")
        title = f"{column.name}\n{column.activation}".strip()
        self._write(x, self._low - 0.3, title)
        # Half as strong as lines, so that numbers stay readable on them
        faces = signed_colours(np.nan_to_num(shown, posinf=0, neginf=0), 2 * largest(values))
        return units.draw_circles(self.ax_, centres, self._radius, faces)

    def _write_around(self, column: Column, place: int, x: float, y: float) -> None:
        """Write z, b and y around a circle, or the sensitivity above it."""
        unit, layer = column.units[place], column.layer - 1
        aside = self._radius + 0.12
        if layer < 0:
            return
        if self.direction == "backward":
            sensitivity = number(self.trace.sensitivities[layer][self.row, unit], 3)
            self._write(x, y + aside, f"∂C/∂a = {sensitivity}")
            return
        self._write(x, y + aside, f"z = {number(self.trace.z[layer][self.row, unit], 3)}")
        if column.biases:
            self._write(x, y - aside, f"b = {number(column.biases[place], 3)}")
        if layer == len(self.trace.z) - 1:
            target = number(self.trace.y[self.row, unit], 3)
            self._write(x + aside, y, f"y = {target}", ha="left")
