"""A network as circles and lines: which units and weights are drawn, and where.

The middle layers of deep networks are omitted, and the middle units or the weakest of wide layers.
By default only the weights that are drawn are read, so a diagram of a large network is as small as
any other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.inspection.colours import largest, palette, strengths
from pynn.model.model import Model

GAP = 1.6  # space for omitted units, in circles
THINNEST, WIDEST = 0.6, 3.0  # width of a line of weight 0 and of the largest, in pixels or points
FAINTEST = 0.2  # opacity of a line of weight 0


@dataclass(frozen=True)
class Column:
    """The circles of one layer.

    Parameters
    ----------
    layer : int
        Index of the layer; the input is 0.
    size : int
        Number of units.
    name : str
        Name of the layer.
    activation : str
        Empty for the input, or "scaled" with an input scale.
    x : float
        Horizontal place: 0 for the input, 1 for the next column.
    units : tuple of int
        Indices of the units that are drawn.
    y : tuple of float
        Vertical places of the circles, 1 apart and increasing downwards, with 0 in the middle.
    gap : float or None
        Vertical place of the mark for omitted units.
    biases : tuple of float
        Biases of the units that are drawn. Empty for the input and without biases.
    """

    layer: int
    size: int
    name: str
    activation: str
    x: float
    units: tuple[int, ...]
    y: tuple[float, ...]
    gap: float | None
    biases: tuple[float, ...]

    @property
    def n_left_out(self) -> int:
        """Number of units that are not drawn."""
        return self.size - len(self.units)

    def unit_name(self, place: int) -> str:
        """Return the name of the unit of a circle; units count from 1."""
        unit = self.units[place] + 1
        return f"neuron {unit} of {self.name}" if self.layer else f"input {unit}"

    def numbers(self) -> list[str]:
        """Return the numbers of the units, counted from 1; empty if all units are drawn."""
        return [f"#{unit + 1}" if self.n_left_out else "" for unit in self.units]

    def circle_text(self, place: int) -> str:
        """Return the tooltip of a circle: name, activation function and bias of the unit."""
        bias = f"bias {self.biases[place]:.4g}" if self.biases else ""
        return ", ".join(filter(None, [self.unit_name(place), self.activation, bias]))


@dataclass(frozen=True)
class Links:
    """The lines between two adjacent columns.

    Parameters
    ----------
    source, target : Column
    weights : ndarray of shape (circles of source, circles of target), float64
    """

    source: Column
    target: Column
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """The line of one weight, from circle i of the source to circle j of the target."""

    links: Links
    i: int
    j: int
    weight: float
    strength: float  # 0 to 1, or not finite

    @property
    def is_finite(self) -> bool:
        """Whether the weight is finite; other lines are dashed."""
        return math.isfinite(self.weight)

    @property
    def width(self) -> float:
        """Width in pixels or points."""
        return THINNEST + (WIDEST - THINNEST) * self.strength

    @property
    def opacity(self) -> float:
        """Opacity from FAINTEST to 1."""
        return FAINTEST + (1 - FAINTEST) * self.strength

    @property
    def colour(self) -> str | None:
        """Colour of the weight's sign; None if the weight is 0 or not finite."""
        if not self.is_finite or self.weight == 0:
            return None
        return palette().positive if self.weight > 0 else palette().negative

    @property
    def text(self) -> str:
        """Tooltip of the line."""
        source, target = self.links.source.unit_name(self.i), self.links.target.unit_name(self.j)
        return f"{source} to {target}: {self.weight:.4g}"


@dataclass(frozen=True)
class Diagram:
    """The columns and lines that are drawn of a network; `of` chooses them.

    Parameters
    ----------
    columns : tuple of Column
        From the input to the output.
    links : tuple of Links
    gap : float or None
        Horizontal place of the mark for omitted layers.
    n_layers_left_out : int
    """

    columns: tuple[Column, ...]
    links: tuple[Links, ...]
    gap: float | None
    n_layers_left_out: int

    @classmethod
    def of(
        cls,
        net: Model,
        max_units: int = 10,
        max_layers: int = 8,
        strength: Callable[[int], NDArray[np.float64]] | None = None,
    ) -> Diagram:
        """Choose the columns and lines of a network.

        Parameters
        ----------
        net : Network
        max_units : int, default=10
            At least 3. A layer with more units shows ``max_units - 1`` of them.
        max_layers : int, default=8
            At least 3. A network with more layers, including input and output, shows
            ``max_layers - 1`` of them.
        strength : callable, optional
            Function of a layer's index that returns the strength of each unit, an ndarray of shape
            (n_units,). Layers with too many units show the strongest; of equal ones, the first.
            Units with a strength of NaN count as strongest. By default layers show the first and
            the last units.

        Returns
        -------
        Diagram

        Raises
        ------
        TypeError, ValueError
            If a number is not an integer of at least 3.
        """
        for name, number in (("max_units", max_units), ("max_layers", max_layers)):
            if checks.positive_integer(name, number) < 3:
                raise ValueError(f"{name} must be at least 3, got {number}")
        n_layers = len(net.layer_sizes)
        layers = shown(n_layers, max_layers)
        places, gap = _places(layers, gap_size=1.0, origin=0.0)
        columns = [
            _column(net, *at, max_units, strength) for at in zip(layers, places, strict=True)
        ]
        links = [
            Links(
                left, right, net.weights[left.layer][np.ix_(left.units, right.units)].astype(float)
            )
            for left, right in pairwise(columns)
            if right.layer == left.layer + 1
        ]
        return cls(tuple(columns), tuple(links), gap, n_layers - len(layers))

    @property
    def scale(self) -> float:
        """Largest absolute value of the finite weights drawn; 0.0 if all are 0."""
        return largest(*(links.weights for links in self.links))

    @property
    def height(self) -> float:
        """Height of the highest column, in circles."""
        return 1 - 2 * min(column.y[0] for column in self.columns)

    def lines(self, by_layer: bool = False) -> Iterator[Line]:
        """Yield all lines; between two columns the weaker come first, and are drawn below.

        Their strengths are parts of the largest weight drawn, or with `by_layer` of the largest
        between the same two columns.
        """
        scale = self.scale
        for links in self.links:
            parts = strengths(links.weights, largest(links.weights) if by_layer else scale)
            for place in np.argsort(parts, axis=None, kind="stable"):
                i, j = divmod(int(place), parts.shape[1])
                yield Line(links, i, j, float(links.weights[i, j]), float(parts[i, j]))


def shown(n: int, most: int) -> tuple[int, ...]:
    """Return the indices of n items that are shown: all, or most - 1 without the middle."""
    if n <= most:
        return tuple(range(n))
    first = most // 2
    return (*range(first), *range(n - (most - 1 - first), n))


def _places(
    kept: Sequence[int], gap_size: float, origin: float
) -> tuple[tuple[float, ...], float | None]:
    """Return the places of the kept items, 1 apart, and the place of the gap, if any.

    origin: where 0 lies, as a fraction of the whole length.
    """
    index = np.arange(len(kept))
    is_behind_gap = index != kept
    length = index[-1] + gap_size * is_behind_gap[-1]
    places = index - origin * length + gap_size * is_behind_gap
    first = int(is_behind_gap.argmax())  # 0 without a gap
    gap = float(places[first - 1 : first + 1].mean()) if first else None
    return tuple(places.tolist()), gap


def strongest(sizes: NDArray[np.float64], n: int) -> tuple[int, ...]:
    """Return the indices of the n largest numbers in ascending order; NaN is the largest."""
    order = np.argsort(-np.where(np.isnan(sizes), np.inf, sizes), kind="stable")
    return tuple(sorted(order[:n].tolist()))


def _column(
    net: Model,
    layer: int,
    x: float,
    max_units: int,
    strength: Callable[[int], NDArray[np.float64]] | None,
) -> Column:
    size = net._architecture.widths[layer]
    units = shown(size, max_units)
    y, gap = _places(units, GAP, origin=0.5)
    if gap is not None and strength is not None:
        units = strongest(strength(layer), len(units))
        # The omitted units lie anywhere between the others, so their mark is below all circles.
        places = np.arange(len(units)) - (len(units) + 0.5) / 2
        y, gap = tuple(places.tolist()), float(places[-1] + 1.2)
    if layer == 0:
        words = ["embedded"] if net._architecture.embeddings else []
        words += [] if net.scale is None else ["scaled"]
        return Column(0, size, "input", ", ".join(words), x, units, y, gap, ())
    name = "output" if layer == len(net.weights) else f"layer {layer}"
    biases = net.biases[layer - 1][list(units)].tolist() if net.bias else ()
    activation = net._architecture.layer_activations[layer - 1]
    return Column(layer, size, name, activation, x, units, y, gap, tuple(biases))


def counted(n: int, what: str) -> str:
    """Write a number and a noun, in the plural if needed."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def names_of(what: str, given: Sequence[str] | None, n: int) -> list[str] | None:
    """Return n names of inputs or outputs as a list, or None if none are given."""
    if given is None:
        return None
    if isinstance(given, str):
        raise TypeError(f"{what} must be a sequence of {n} names, got {given!r}")
    names = [str(name) for name in given]
    if len(names) != n:
        raise ValueError(f"{what} must be {n} names, got {len(names)}")
    return names
