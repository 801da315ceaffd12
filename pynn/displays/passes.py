"""TraceDisplay: the numbers of one forward or backward pass on a network's units and links."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Self

import numpy as np

from pynn import checks
from pynn.displays import units
from pynn.displays.base import axes, last_step, network_of, signed_colours
from pynn.displays.layout import Layout
from pynn.inspection.colours import largest
from pynn.inspection.diagram import Column, Diagram, Line
from pynn.inspection.neurons import dense_row
from pynn.inspection.tables import number
from pynn.inspection.tracing import Trace

_DIRECTIONS = ("forward", "backward")
_MOST_LINES = 24  # numbers on more links would overlap
_TEXT = 0.125  # letters

# Lengths in inches in a new figure: between columns, between circles, radius.
_WITH_NUMBERS = 2.4, 1.3, 0.4
_WITHOUT = 1.6, 0.45, 0.17


class TraceDisplay:
    """One example on its way through a network, forward or backward.

    ``direction="forward"`` draws the weights as links. Each circle holds the activation a of a
    unit, with the weighted sum z above it and the bias b below it. Targets y are written beside the
    outputs. ``direction="backward"`` draws the gradient ∂C/∂w of each weight as a link. Each circle
    holds the delta ∂C/∂z of a unit, which is also the gradient of its bias, with the sensitivity
    ∂C/∂a above it; inputs show ∂C/∂x. In a layer with normalisation, delta is the derivative with
    respect to the weighted sum before it. Embeddings appear as the inputs of layer 1.

    Colours show the sign. Wider links have larger numbers, and stronger circles have larger numbers
    within their layer. If numbers are not written, a bar shows the scale of the shades, and the
    largest number of each layer is written below it. Wide layers show their strongest units, with
    their numbers, such as #12; units count from 1. The middle layers of deep networks are omitted.

    Parameters
    ----------
    trace : pynn.inspection.Trace
        The passes to draw. All gradients are those of the cost of one row.
    row : int, default=0
        Row of the trace; -1 is the last.
    direction : {"forward", "backward"}, default="forward"
    max_units : int, default=10
        At least 3. A larger layer shows ``max_units - 1`` units.
    max_layers : int, default=8
        At least 3, input and output included. A deeper network shows ``max_layers - 1`` layers.
    omit : {"weakest", "middle"}, default="weakest"
        Units to omit from larger layers: the weakest, or those between the first and the last.
        Forward passes use the strength that `NetworkDisplay` uses with activations. Backward
        passes use the absolute delta of a unit, or the absolute ∂C/∂x of an input.

    Attributes
    ----------
    ax_, figure_ : matplotlib Axes, Figure
    lines_ : matplotlib LineCollection
        The links drawn, in ascending order of size between each two layers.
    nodes_ : list of matplotlib PatchCollection
        The circles of each layer drawn.
    shades_ : matplotlib AxesImage or None
        The bar with the scale of the circles' shades; None if numbers are written.
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
        omit: str = "weakest",
    ) -> None:
        if not isinstance(trace, Trace):
            raise TypeError(f"trace must be a Trace, got {type(trace).__name__}")
        self.trace = trace
        self.direction = checks.choice("direction", direction, _DIRECTIONS)
        self.row = checks.index("row", row, len(trace.costs))
        inputs = dense_row(trace.first_inputs, self.row)
        deltas = [layer[self.row] for layer in trace.deltas]
        links: Any = trace.weights
        if direction == "forward":
            layers = [inputs, *(layer[self.row] for layer in trace.a)]
        else:
            layers = [trace.first_sensitivities[self.row], *deltas]
            first = inputs if trace.scale is None else inputs * trace.scale
            sources = [first, *(layer[self.row] for layer in trace.a[:-1])]
            links = [np.outer(a, delta) for a, delta in zip(sources, deltas, strict=True)]
        self.values = [np.asarray(layer, np.float64) for layer in layers]
        net = trace.architecture
        # All that a diagram reads of a network, with the numbers to draw as its weights
        drawn: Any = SimpleNamespace(
            layer_sizes=net.layer_sizes,
            _architecture=net,
            weights=links,
            biases=trace.biases,
            bias=net.bias,
            scale=trace.scale,
        )
        strength = units.strength_rule(omit, drawn, self.values)
        if strength is not None and direction == "backward":
            strength = lambda layer: np.abs(self.values[layer])  # noqa: E731
        self.diagram = Diagram.of(drawn, max_units, max_layers, strength)

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
        omit: str = "weakest",
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
        row, direction, max_units, max_layers, omit
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
        limits: Any = {"max_units": max_units, "max_layers": max_layers, "omit": omit}
        display = cls(model.trace(X, y), row=row, direction=direction, **limits)
        return display.plot(ax, values=values)

    def plot(self, ax: Any = None, *, values: bool | None = None) -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; by default those of a new figure.
        values : bool, optional
            Whether to write numbers. By default they are written if there are at most 24 links and
            the axes are large enough.

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
        title = f"{self.direction}: cost C = {number(self.trace.costs[self.row])}"
        inches = None if ax is None else units.inches_below_title(ax, title)
        self._written = len(lines) <= _MOST_LINES if values is None else values
        self._layout = self._laid_out(inches)
        if values is None and self._written and self._layout.em() > 1.3 * _TEXT:
            self._written = False  # the numbers would overlap
            self._layout = self._laid_out(inches)
        x, y = self._layout.limits()
        size = x[1] - x[0], y[1] - y[0] + 0.35
        self.figure_, self.ax_ = axes(ax, figsize=size, layout="constrained")
        self.ax_.set(xlim=x, ylim=y, aspect="equal", title=title)
        self.ax_.set_axis_off()
        self.texts_: list[Any] = []
        self._draw_lines(lines)
        self.nodes_ = [self._draw_column(column) for column in self.diagram.columns]
        self._draw_text()
        return self

    def _laid_out(self, inches: Any) -> Layout:
        """Return the layout of a new figure, or of axes of this size."""
        *step, radius = _WITH_NUMBERS if self._written else _WITHOUT
        layout = Layout(
            self.diagram,
            step=(step[0], step[1]),
            radius=radius,
            text=_TEXT,
            inches=1.0,
            names=[self._names(self.diagram.columns[end]) for end in (0, -1)],
            below=[(column.x, self._text(column)) for column in self.diagram.columns],
            note=self._note(),
            has_bar=not self._written,
        )
        if inches is not None:
            layout.fit(inches)
        return layout

    def _text(self, column: Column) -> list[str]:
        """Return the lines of text below a layer."""
        texts = [column.name, *filter(None, [column.activation])]
        largest_value = number(largest(self.values[column.layer]), 3)
        return texts if self._written else [*texts, f"max {largest_value}"]

    def _names(self, column: Column) -> list[str]:
        """Return the text beside inputs and outputs: numbers of units, and targets."""
        if column.layer == 0 or not self._written or self.direction == "backward":
            return column.numbers()
        return [f"y = {number(self.trace.y[self.row, unit], 3)}" for unit in column.units]

    def _note(self) -> str:
        widest = f"widest ±{number(self.diagram.scale, 3)}"
        if self.direction == "forward":
            return f"links: weights w, {widest}; circles: activations a"
        return f"links: gradient ∂C/∂w, {widest}; circles: delta ∂C/∂z, of inputs ∂C/∂x"

    def _write(self, x: float, y: float, text: str, **look: Any) -> None:
        points = self._layout.points(self._layout.em())
        look = {"ha": "center", "va": "center", "fontsize": points, "zorder": 3} | look
        if text:
            self.texts_.append(self.ax_.text(x, y, text, **look))

    def _draw_lines(self, lines: list[Line]) -> None:
        layout = self._layout
        centres = {column.layer: layout.centres(column) for column in self.diagram.columns}
        # Thinner in small axes, but not thicker in large ones
        self.lines_, starts, ends = units.draw_links(
            self.ax_, lines, centres, layout.radius, min(1.0, layout.inches)
        )
        box = {"facecolor": self.ax_.get_facecolor(), "edgecolor": "none", "pad": 0.5}
        for line, (x, y) in zip(lines, starts + 0.27 * (ends - starts), strict=True):
            if self._written:
                self._write(x, y, number(line.weight, 3), bbox=box)

    def _draw_column(self, column: Column) -> Any:
        layout, values = self._layout, self.values[column.layer]
        centres, shown = layout.centres(column), values[list(column.units)]
        is_hidden = 0 < column.layer < self.diagram.columns[-1].layer
        for place, (x, y) in enumerate(centres):
            if self._written:
                self._write(x, y, number(shown[place], 3))
                self._write_around(column, place, x, y)
            elif is_hidden and layout.fits(column.numbers()):
                self._write(x, y, column.numbers()[place])
        if column.gap is not None:
            y = -column.gap * layout.step[1]
            self._write(centres[0, 0], y, f"⋮ +{column.n_left_out}")
        # Half as strong as lines, so that numbers stay readable on them
        faces = signed_colours(np.nan_to_num(shown, posinf=0, neginf=0), 2 * largest(values))
        return units.draw_circles(self.ax_, centres, layout.radius, faces)

    def _write_around(self, column: Column, place: int, x: float, y: float) -> None:
        """Write z and b around a circle, or the sensitivity above it."""
        unit, layer = column.units[place], column.layer - 1
        aside = self._layout.radius + 0.12
        if layer < 0:
            return
        prefix = f"{column.numbers()[place]}  ".lstrip()
        if self.direction == "backward":
            sensitivity = number(self.trace.sensitivities[layer][self.row, unit], 3)
            self._write(x, y + aside, f"{prefix}∂C/∂a = {sensitivity}")
            return
        self._write(x, y + aside, f"{prefix}z = {number(self.trace.z[layer][self.row, unit], 3)}")
        if column.biases:
            self._write(x, y - aside, f"b = {number(column.biases[place], 3)}")

    def _draw_text(self) -> None:
        """Write text beside and below the circles, and draw the scale of shades."""
        layout = self._layout
        layout.write(self._write, self._names, layout.radius + 0.12)
        self.shades_ = None
        if not self._written:
            has_negative = any(np.nanmin(layer) < 0 for layer in self.values)
            self.shades_, texts = layout.draw_bar(self.ax_, has_negative, 0.5)
            self.texts_ += texts
        note, points = "\n".join(layout.note()), layout.points(layout.note_em())
        self._write(layout.middle, layout.note_y, note, va="top", fontsize=points)
