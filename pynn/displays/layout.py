"""Places of circles and text for displays of diagrams, in axes of any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from textwrap import wrap
from typing import Any

import numpy as np

from pynn.displays.base import Array, text_colour
from pynn.displays.units import draw_grid
from pynn.inspection.diagram import Column, Diagram, counted

_POINTS = 8.0  # minimum of text, unless circles are closer
_LETTER, _LINE = 0.58, 1.25  # width of a letter and height of a line, as parts of the font size
_NARROWEST, _WIDEST = 0.6, 2.0  # distance of columns in given axes, as parts of the usual one
_NOTE = 56  # letters in a line of the note


class Layout:
    """Places of the circles of a diagram, of names beside them and of text below them.

    `fit` shrinks circles and distances to the size of axes. Text is never smaller than 8 points; so
    it then takes more of the space, and the text below neighbouring columns may need several rows.

    Parameters
    ----------
    diagram : Diagram
    step : tuple (x, y)
        Distance between columns, and between circles.
    radius : float
        Radius of the circles.
    text : float
        Font size.
    inches : float
        Unit of length in a new figure.
    names : sequence of sequence of str
        Names to the left of inputs and to the right of outputs.
    below : sequence of tuple (place, lines)
        Text below columns and between them. Places are in columns, as in the diagram.
    note : str
        Text at the bottom.
    has_bar : bool
        Whether there is a scale of shades above the note.
    """

    def __init__(
        self,
        diagram: Diagram,
        *,
        step: tuple[float, float],
        radius: float,
        text: float,
        inches: float,
        names: Sequence[Sequence[str]],
        below: Sequence[tuple[float, list[str]]],
        note: str,
        has_bar: bool,
    ) -> None:
        self.diagram, self.step, self.radius = diagram, step, radius
        self.text, self.inches, self.has_bar = text, inches, has_bar
        self._step_x, self._step_inches, self._names = step[0], step[0] * inches, names
        self._below, self._note = sorted(below), note
        self._letters = _NOTE

    def em(self, part: float = 1.0) -> float:
        """Return the font size of text, or a part of it, as a length."""
        return max(part * self.text, _POINTS / 72 / self.inches)

    def name_em(self) -> float:
        """Return the font size of names, which must not be larger than the step between circles."""
        return min(self.em(), 0.95 * self.step[1])

    def note_em(self) -> float:
        """Return the font size of the note."""
        return self.em(0.9)

    def points(self, em: float) -> float:
        """Return a font size in points."""
        return 72 * self.inches * em

    def fits(self, texts: Sequence[str], part: float = 1.0) -> bool:
        """Whether texts of a font size fit into circles."""
        return max(map(len, texts)) * _LETTER * self.em(part) <= 2.5 * self.radius

    @property
    def right(self) -> float:
        """Horizontal place of the last column; the first is at 0."""
        return self.diagram.columns[-1].x * self.step[0]

    @property
    def middle(self) -> float:
        """Horizontal place of the scale of shades and of the note."""
        left, right = self._sides()
        return (self.right + right - left) / 2

    def centres(self, column: Column) -> Array:
        """Return the centres of a column's circles, of shape (n_circles, 2)."""
        return np.array([(column.x * self.step[0], -y * self.step[1]) for y in column.y])

    def note(self) -> list[str]:
        """Return the lines of the note."""
        return wrap(self._note, self._letters)

    def _sides(self) -> tuple[float, float]:
        """Return the space of text to the left of the first column and right of the last."""
        sides = []
        for names, (_, lines) in zip(self._names, (self._below[0], self._below[-1]), strict=True):
            beside = 1.5 * self.radius + max(map(len, names)) * _LETTER * self.name_em()
            sides.append(max(beside, max(map(len, lines)) * _LETTER * self.em() / 2))
        return sides[0], sides[1]

    def limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return the limits of x and y."""
        left, right = self._sides()
        note = self.note()
        half = max(map(len, note)) * _LETTER * self.note_em() / 2
        x = min(-left, self.middle - half), max(self.right + right, self.middle + half)
        low = self.note_y - len(note) * _LINE * self.em()
        return x, (low, self.step[1] * self.diagram.height / 2 + 0.2 * self.em())

    def fit(self, inches: Sequence[float]) -> None:
        """Fit all places to axes of this width and height in inches."""
        self._letters = int(np.clip(inches[0] / (_LETTER * _POINTS / 72), 16, _NOTE))
        low, high = 0.01, 10.0
        for _ in range(24):
            self.inches = (low * high) ** 0.5
            if self._spread(inches):
                low = self.inches
            else:
                high = self.inches
        self.inches = low
        self._spread(inches)

    def _spread(self, inches: Sequence[float]) -> bool:
        """Spread the columns over the width, and return whether everything is within the axes."""
        width, height = (length / self.inches for length in inches)
        step = (width - sum(self._sides())) / self.diagram.columns[-1].x
        widest = _WIDEST * max(self._step_x, self._step_inches / self.inches)
        self.step = float(np.clip(step, _NARROWEST * self._step_x, widest)), self.step[1]
        x, y = self.limits()
        return bool(np.ptp(x) <= 1.001 * width and np.ptp(y) <= height)

    # ---- Below the circles -----------------------------------------------------------------------

    @property
    def _bottom(self) -> float:
        """Upper edge of the text, below the circles and the marks of omitted units."""
        low = -self.diagram.height / 2 * self.step[1]
        return low - 0.5 * self.text - max(0, 0.6 * self.em() - 0.7 * self.step[1])

    def _n_rows(self) -> int:
        """Return the number of rows below the columns so that texts do not overlap."""
        widths = [(max(map(len, lines)) + 1) * _LETTER * self.em() for _, lines in self._below]
        places = [x * self.step[0] for x, _ in self._below]
        for n in range(1, len(places)):
            pairs = range(len(places) - n)
            if all(places[i + n] - places[i] > (widths[i] + widths[i + n]) / 2 for i in pairs):
                return n
        return len(places)

    def _row_height(self) -> float:
        return _LINE * self.em() * (0.2 + max(len(lines) for _, lines in self._below))

    def _texts_below(self) -> Iterator[tuple[float, float, str]]:
        """Yield x, the upper edge, and each text below the columns."""
        for i, (x, lines) in enumerate(self._below):
            top = self._bottom - i % self._n_rows() * self._row_height()
            yield x * self.step[0], top, "\n".join(lines)

    def write(
        self, write: Callable[..., None], names: Callable[[Column], list[str]], beside: float
    ) -> None:
        """Write names beside the circles, the omitted layers, and the text below the columns.

        Parameters
        ----------
        write : function
            Writes a text at x and y, as `matplotlib.axes.Axes.text` does.
        names : function
            Returns the names of the first or the last column.
        beside : float
            Distance of a name from the centre of its circle.
        """
        columns, points = self.diagram.columns, self.points(self.name_em())
        for column, aside, ha in ((columns[0], -beside, "right"), (columns[-1], beside, "left")):
            for (x, y), name in zip(self.centres(column), names(column), strict=True):
                write(x + aside, y, name, ha=ha, fontsize=points)
        if self.diagram.gap is not None:
            omitted = counted(self.diagram.n_layers_left_out, "layer")
            write(self.diagram.gap * self.step[0], 0, f"⋯\n{omitted}")
        for x, top, text in self._texts_below():
            write(x, top, text, va="top")

    @property
    def bar_y(self) -> float:
        """Vertical place of the scale of shades."""
        return self._bottom - self._n_rows() * self._row_height() - 0.9 * _LINE * self.em()

    @property
    def note_y(self) -> float:
        """Upper edge of the note."""
        return self.bar_y + (-0.9 if self.has_bar else 0.5) * _LINE * self.em()

    def draw_bar(self, ax: Any, has_negative: bool, largest: float) -> Any:
        """Draw the scale of shades on axes.

        Parameters
        ----------
        ax : matplotlib Axes
        has_negative : bool
            Whether the scale begins at -max, else at 0.
        largest : float
            Opacity of the strongest shade.

        Returns
        -------
        image : matplotlib AxesImage
        texts : list of matplotlib Text
        """
        em, y, middle = self.em(), self.bar_y, self.middle
        left, right = middle - 4 * em, middle + 4 * em
        shades = np.linspace(-1 if has_negative else 0, 1, 128)
        extent = (left, right, y - em / 2.5, y + em / 2.5)
        image = draw_grid(ax, shades, (1, 128), 1 / largest, extent=extent, aspect="equal")
        look = {"va": "center", "fontsize": self.points(em), "color": text_colour()}
        low = "−max" if has_negative else "0"
        texts = [
            ax.text(left - em / 2, y, f"shades: {low}", ha="right", **look),
            ax.text(right + em / 2, y, "max", ha="left", **look),
        ]
        return image, texts
