"""NetworkDisplay: a network as circles and lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from pynn import checks
from pynn.displays import units
from pynn.displays.base import axes, float_array, network_of, signed_colours
from pynn.displays.layout import Layout
from pynn.inspection.colours import largest, palette
from pynn.inspection.diagram import Column, Diagram, Line, names_of

# Lengths are in distances between the centres of neighbouring circles.
_STEP_X = 3.4  # between columns
_RADIUS = 0.42
_TEXT, _SMALL = 0.3, 0.9  # letters; small ones, as parts of others
_STRETCH = 1.7  # factor in both directions if numbers are written on lines
_INCHES = 0.42  # the unit of length in a new figure: small letters have 8 points

_UP_TO_ONE = ("sigmoid", "softmax", "tanh")  # their activations are shaded as parts of 1


class NetworkDisplay:
    """A network as circles and lines, optionally with the activations for one sample.

    Lines are weights: blue if positive, orange if negative (see `use_colors`); larger weights are
    wider and stronger. Circles are units, shaded in the same way by their activations relative to
    the largest in their layer, or to 1 if that is the limit of the activation function. A bar shows
    the scale of the shades. The largest number of each layer is written below it.

    Wide layers show their strongest units, with their numbers, such as #12; units count from 1. The
    middle layers of deep networks are omitted. The display shows how many units or layers are
    omitted. In small axes, numbers that do not fit into the circles are not written.

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
    shades_ : matplotlib AxesImage or None
        The bar with the scale of the circles' shades; None without activations.
    texts_ : list of matplotlib Text

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.

    See Also
    --------
    ActivationsDisplay : All activations for one sample.
    WeightsDisplay : All weights of one layer.
    pynn.Network.to_dot : A similar diagram for Graphviz.

    Notes
    -----
    ``display.figure_.savefig("network.svg")`` saves the picture as SVG. In a notebook, a `Network`
    shows itself as SVG with a tooltip for each unit and weight.

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
        omit: str = "weakest",
        ax: Any = None,
        values: bool | None = None,
        scale: str = "network",
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
            By default the names of the features, as transformed by a pipeline's other steps, and of
            the classes, if the estimator has them. The single output of a binary classifier has the
            name of the second class. Outputs of a Network with softmax are named 0, 1, ...
        max_units : int, default=10
            At least 3. A larger layer shows ``max_units - 1`` units.
        max_layers : int, default=8
            At least 3, input and output included. A deeper network shows ``max_layers - 1`` layers.
        omit : {"weakest", "middle"}, default="weakest"
            Units to omit from larger layers: the weakest, or those between the first and the last.
            The strength of an input or a hidden unit is the Euclidean norm of its outgoing weights,
            times its absolute activation if X is given. The strength of an output is its absolute
            activation, or without X the norm of its incoming weights. Among equally strong units,
            the first are drawn.
        ax, values, scale
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
        network = network_of(estimator)
        network._expect_plain("a diagram")
        activations, title = (None, "") if X is None else units.pass_of(estimator, X, row)
        strength = units.strength_rule(omit, network, activations)
        diagram = Diagram.of(network, max_units, max_layers, strength)
        display = cls(
            diagram,
            activations=activations,
            input_names=units.input_names(estimator) if input_names is None else input_names,
            output_names=units.output_names(estimator) if output_names is None else output_names,
            title=title,
        )
        return display.plot(ax, values=values, scale=scale)

    def plot(self, ax: Any = None, *, values: bool | None = None, scale: str = "network") -> Self:
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Axes to draw on; by default those of a new figure.
        values : bool, optional
            Whether to write activations into circles, weights on lines and biases below circles.
            By default activations are written if no layer shows more than 8 units, weights and
            biases if there are at most 12 lines. Hidden layers with omitted units show the units'
            numbers in place of activations.
        scale : {"network", "layer"}, default="network"
            Weight of the widest lines: the largest drawn in the whole network, or between the same
            two layers. With "layer" it is written between the layers.

        Returns
        -------
        NetworkDisplay
            self

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError, ValueError
            If scale is not one of these.
        """
        by_layer = checks.choice("scale", scale, ("network", "layer")) == "layer"
        lines = list(self.diagram.lines(by_layer))
        inches = None if ax is None else units.inches_below_title(ax, self.title)
        on_lines = len(lines) <= 12 if values is None else values
        self._layout = self._laid_out(by_layer, on_lines, inches)
        if values is None and on_lines and self._layout.em(_SMALL) > 1.3 * _SMALL * _TEXT:
            on_lines = False  # the numbers would overlap
            self._layout = self._laid_out(by_layer, on_lines, inches)
        small = max(len(column.units) for column in self.diagram.columns) <= 8
        in_circles = self.activations is not None and (small if values is None else values)
        x, y = self._layout.limits()
        size = np.ptp([x, y], axis=1) * _INCHES + [0, 0.4 * bool(self.title)]
        self.figure_, self.ax_ = axes(ax, figsize=size, layout="constrained")
        self.ax_.set(xlim=x, ylim=y, aspect="equal", title=self.title)
        self.ax_.set_axis_off()
        self.texts_: list[Any] = []
        self._draw_lines(lines, on_lines)
        self.nodes_ = [
            self._draw_column(column, in_circles, bool(values)) for column in self.diagram.columns
        ]
        self._draw_text()
        return self

    def _laid_out(self, by_layer: bool, on_lines: bool, inches: Any) -> Layout:
        """Return the layout of a new figure, or of axes of this size."""
        below = [(column.x, self._text(column)) for column in self.diagram.columns]
        if by_layer:
            below += [
                (
                    (links.source.x + links.target.x) / 2,
                    ["widest", f"±{largest(links.weights):.3g}"],
                )
                for links in self.diagram.links
            ]
        stretch = _STRETCH if on_lines else 1.0
        layout = Layout(
            self.diagram,
            step=(_STEP_X * stretch, stretch),
            radius=_RADIUS,
            text=_TEXT,
            inches=_INCHES,
            names=[self._names(self.diagram.columns[end]) for end in (0, -1)],
            below=below,
            note=self._note(by_layer),
            has_bar=self.activations is not None,
        )
        if inches is not None:
            layout.fit(inches)
        return layout

    def _text(self, column: Column) -> list[str]:
        """Return the lines of text below a layer."""
        texts = [column.name, f"{column.size} {column.activation}".strip()]
        return texts if self.activations is None else [*texts, f"max {self._scale_of(column):.3g}"]

    def _scale_of(self, column: Column) -> float:
        """Return the activation with the strongest shade."""
        limit = 1.0 if column.activation in _UP_TO_ONE else 0.0
        return max(largest(self.activations[column.layer]), limit) if self.activations else 0.0

    def _names(self, column: Column) -> list[str]:
        """Return the names of drawn inputs or outputs; numbers if units are omitted."""
        names = self.output_names if column.layer else self.input_names
        if names is not None:
            return [names[unit] for unit in column.units]
        return column.numbers()

    def _note(self, by_layer: bool) -> str:
        widest = f"widest ±{self.diagram.scale:.3g}"
        if not self.diagram.scale:
            widest = "all drawn weights are 0"
        elif by_layer:
            widest = "widest by layer"
        is_finite = all(np.isfinite(links.weights).all() for links in self.diagram.links)
        dotted = "" if is_finite else ", dotted: not finite"
        return f"weights: {palette().words}, {widest}{dotted}"

    def _write(self, x: float, y: float, text: str, part: float = 1.0, **look: Any) -> None:
        points = self._layout.points(self._layout.em(part))
        look = {"ha": "center", "va": "center", "fontsize": points} | look
        if text:
            self.texts_.append(self.ax_.text(x, y, text, **look))

    def _draw_lines(self, lines: list[Line], with_values: bool) -> None:
        centres = {column.layer: self._layout.centres(column) for column in self.diagram.columns}
        factor = self._layout.inches / _INCHES
        self.lines_, starts, ends = units.draw_links(self.ax_, lines, centres, _RADIUS, factor)
        if with_values:
            for column in self.diagram.columns:
                for (x, y), bias in zip(centres[column.layer], column.biases, strict=False):
                    self._write(x, y - _RADIUS - 0.2, f"bias {bias:.3g}", _SMALL)
            box = {"facecolor": self.figure_.get_facecolor(), "edgecolor": "none", "pad": 0.5}
            for line, (x, y) in zip(lines, starts + 0.25 * (ends - starts), strict=True):
                self._write(x, y, f"{line.weight:.3g}", _SMALL, bbox=box)

    def _draw_column(self, column: Column, with_values: bool, always: bool) -> Any:
        centres = self._layout.centres(column)
        faces: Any = "none"
        texts = [""] * len(centres)
        if self.activations is not None:
            drawn = self.activations[column.layer][list(column.units)]
            faces = signed_colours(drawn, self._scale_of(column))
            texts = [_short(value) for value in drawn] if with_values else texts
        if column.n_left_out and 0 < column.layer < self.diagram.columns[-1].layer:
            texts = column.numbers()
        if always or self._layout.fits(texts, _SMALL):
            for (x, y), text in zip(centres, texts, strict=True):
                self._write(x, y, text, _SMALL)
        if column.gap is not None:
            y = -column.gap * self._layout.step[1]
            self._write(centres[0][0], y, f"⋮ +{column.n_left_out}")
        width = 2 * self._layout.inches / _INCHES
        return units.draw_circles(self.ax_, centres, _RADIUS, faces, width)

    def _draw_text(self) -> None:
        """Write names beside the circles, text below them, and draw the scale of shades."""
        layout = self._layout
        layout.write(self._write, self._names, 1.5 * _RADIUS)
        self.shades_ = None
        if self.activations is not None:
            has_negative = any(np.min(layer) < 0 for layer in self.activations)
            self.shades_, texts = layout.draw_bar(self.ax_, has_negative, 1.0)
            self.texts_ += texts
        note, points = "\n".join(layout.note()), layout.points(layout.note_em())
        self._write(layout.middle, layout.note_y, note, va="top", fontsize=points)


def _short(value: float) -> str:
    """Write a number in the 5 letters that fit into a circle, with up to 3 digits."""
    texts = [f"{value:.{digits}g}" for digits in (3, 2, 1)]
    short = f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return next((text for text in texts if len(text) <= 5), short)


def _checked(activations: Sequence[ArrayLike], diagram: Diagram) -> list[Any]:
    """Return the activations of each layer, as arrays for the layers drawn."""
    n_layers = diagram.columns[-1].layer + 1
    if len(activations) != n_layers:
        raise ValueError(f"activations must have {n_layers} layers, got {len(activations)}")
    checked: list[Any] = list(activations)
    for column in diagram.columns:
        name, given = f"activations of {column.name}", checked[column.layer]
        checked[column.layer] = float_array(name, given, column.size, finite=True)
    return checked
