"""A network as circles and lines: which of them are drawn, and where.

Of a wide layer and of a deep network the middle is left out, and how much is told; of the weights
only those that are drawn are read. So a picture of the largest network is as small as any other's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.inspection.colours import NEGATIVE, POSITIVE, largest, strengths

if TYPE_CHECKING:
    from pynn.model.model import Model

__all__ = ["Column", "Diagram", "Line", "Links", "counted", "names_of", "shown"]

GAP = 1.6  # height of what stands for units left out, in circles
THINNEST, WIDEST = 0.6, 3.0  # a line of weight 0, and of the largest; pixels or points
FAINTEST = 0.2  # opacity of a line of weight 0


@dataclass(frozen=True)
class Column:
    """The circles of one layer.

    Parameters
    ----------
    layer : int
        Which layer, the input being 0.
    size : int
        Units that it has.
    name : str
        What people call it.
    activation : str
        Empty for the input.
    x : float
        Its place; that of the input is 0, that of the column beside it 1.
    units : tuple of int
        Units that are drawn, counted from 0.
    y : tuple of float
        Place of each, 1 apart, downwards from 0 in the middle.
    gap : float or None
        Place of what stands for the units left out.
    biases : tuple of float
        Of each unit that is drawn; empty where there are none.
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
        """Units that are not drawn."""
        return self.size - len(self.units)

    @property
    def before_gap(self) -> int:
        """How many circles stand before the units left out; all if there are none."""
        return sum(place == unit for place, unit in enumerate(self.units))

    def unit_name(self, unit: int) -> str:
        """Return what people call a unit: they count from 1."""
        return f"input {unit + 1}" if self.layer == 0 else f"neuron {unit + 1} of {self.name}"

    def circle_text(self, place: int) -> str:
        """Return what people read about a circle."""
        name = self.unit_name(self.units[place])
        return f"{name}, bias {self.biases[place]:.4g}" if self.biases else name


@dataclass(frozen=True)
class Links:
    """The lines between two columns that stand side by side.

    Parameters
    ----------
    source, target : Column
    weights : ndarray of shape (circles of source, circles of target), float64
    """

    source: Column
    target: Column
    weights: NDArray[np.float64]


@dataclass(frozen=True)
class Diagram:
    """What is drawn of a network; `of` chooses it.

    Parameters
    ----------
    columns : tuple of Column
        From the input to the output.
    links : tuple of Links
    gap : float or None
        Place of what stands for the layers left out.
    n_layers_left_out : int
    """

    columns: tuple[Column, ...]
    links: tuple[Links, ...]
    gap: float | None
    n_layers_left_out: int

    @classmethod
    def of(cls, net: Model, max_units: int = 10, max_layers: int = 8) -> Diagram:
        """Choose what is drawn of a network.

        Parameters
        ----------
        net : Network
        max_units : int, default=10
            At least 3. A layer of more units shows one less than this, and how many it leaves out.
        max_layers : int, default=8
            Likewise of layers, input and output counted.

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
        layers = shown(len(net.layer_sizes), max_layers)
        n_left_out = len(net.layer_sizes) - len(layers)
        places, gap = _places(layers, len(net.layer_sizes), 1.0)
        columns = tuple(
            _column(net, layer, place - places[0], max_units)
            for layer, place in zip(layers, places, strict=True)
        )
        links = tuple(
            Links(left, right, _block(net.weights[left.layer], left.units, right.units))
            for left, right in pairwise(columns)
            if right.layer == left.layer + 1
        )
        return cls(columns, links, None if gap is None else gap - places[0], n_left_out)

    @property
    def scale(self) -> float:
        """Size of the largest weight drawn, if finite; 0.0 if all are 0."""
        return largest(*(links.weights for links in self.links))

    @property
    def height(self) -> float:
        """Height of the highest column, in circles."""
        return max(column.y[-1] - column.y[0] for column in self.columns) + 1

    def lines(self) -> Iterator[Line]:
        """Yield all lines, the weaker first: the stronger are drawn over them."""
        scale = self.scale
        for links in self.links:
            parts = strengths(links.weights, scale)
            for place in np.argsort(parts, axis=None, kind="stable"):
                i, j = divmod(int(place), parts.shape[1])
                yield Line(links, i, j, float(links.weights[i, j]), float(parts[i, j]))


def shown(n: int, most: int) -> tuple[int, ...]:
    """Return which of n things in a row are shown: all, or all but the middle ones.

    Where some are left out most - 1 are shown, and the gap has the place of one.
    """
    if n <= most:
        return tuple(range(n))
    first = most // 2
    return (*range(first), *range(n - (most - 1 - first), n))


def _places(kept: Sequence[int], n: int, gap_size: float) -> tuple[list[float], float | None]:
    """Return where those kept stand, 1 apart around 0, and where the gap between them is."""
    if len(kept) == n:
        return [i - (n - 1) / 2 for i in range(n)], None
    before = sum(i == unit for i, unit in enumerate(kept))
    half = (len(kept) + gap_size - 1) / 2
    places = [i - half + (gap_size if i >= before else 0) for i in range(len(kept))]
    return places, (places[before - 1] + places[before]) / 2


def _column(net: Model, layer: int, x: float, max_units: int) -> Column:
    size, last = net.layer_sizes[layer], len(net.layer_sizes) - 1
    units = shown(size, max_units)
    y, gap = _places(units, size, GAP)
    name = "input" if layer == 0 else "output" if layer == last else f"layer {layer}"
    activation = net.activations[layer - 1] if layer else ""
    biases = net.biases[layer - 1][list(units)].tolist() if layer and net.bias else ()
    return Column(layer, size, name, activation, x, units, tuple(y), gap, tuple(biases))


def _block(
    weights: NDArray[Any], rows: Sequence[int], columns: Sequence[int]
) -> NDArray[np.float64]:
    return weights[np.ix_(rows, columns)].astype(np.float64)


@dataclass(frozen=True)
class Line:
    """One line of a diagram: from a circle to a circle, each by its place in its column."""

    links: Links
    i: int
    j: int
    weight: float
    strength: float  # 0 to 1, or not finite

    @property
    def is_finite(self) -> bool:
        """Whether its weight is: others are drawn dashed."""
        return math.isfinite(self.weight)

    @property
    def width(self) -> float:
        """Pixels or points."""
        return THINNEST + (WIDEST - THINNEST) * self.strength

    @property
    def opacity(self) -> float:
        """From FAINTEST to 1."""
        return FAINTEST + (1 - FAINTEST) * self.strength

    @property
    def colour(self) -> str | None:
        """Of the weight's sign; None where that is 0 or not finite."""
        if not self.is_finite or self.weight == 0:
            return None
        return POSITIVE if self.weight > 0 else NEGATIVE

    @property
    def text(self) -> str:
        """What people read about it."""
        source = self.links.source.unit_name(self.links.source.units[self.i])
        target = self.links.target.unit_name(self.links.target.units[self.j])
        return f"{source} to {target}: {self.weight:.4g}"


def counted(n: int, what: str) -> str:
    """Write a number with what it counts."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def names_of(what: str, given: Sequence[str] | None, n: int) -> list[str] | None:
    """Return names of the inputs or outputs as given, one for each, or raise."""
    if given is None:
        return None
    if isinstance(given, str):
        raise TypeError(f"{what} must be a sequence of {n} names, got {given!r}")
    names = [str(name) for name in given]
    if len(names) != n:
        raise ValueError(f"{what} must be {n} names, got {len(names)}")
    return names
