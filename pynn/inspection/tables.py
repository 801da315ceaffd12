"""Numbers and tables as text and as HTML, and the table that summarises a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from pynn.inspection.colours import palette
from pynn.model.architecture import GROUPS
from pynn.model.model import Model

_HEADING = ["layer", "units", "activation", "weights", "biases", "parameters", "memory"]


def number(x: float, digits: int = 4) -> str:
    """Write a number with the given significant digits and a true minus sign."""
    return f"{float(x) + 0.0:.{digits}g}".replace("-", "−").replace("inf", "∞")


def percent(share: float) -> str:
    """Write a fraction as a percentage."""
    return f"{100 * share:.1f} %"


def in_bytes(n: int) -> str:
    """Write a number of bytes in the largest unit, up to GiB, that does not exceed it."""
    power = min(3, max(0, n.bit_length() - 1) // 10)
    return f"{n / 1024**power:,.1f} {' KMG'[power]}iB" if power else f"{n} B"


def aligned(rows: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Return the rows as lines of aligned columns.

    left: indices of the left-aligned columns; the others are right-aligned.
    """
    layout = "  ".join(
        f"{{:{'<' if i in left else '>'}{max(map(len, column))}}}"
        for i, column in enumerate(zip(*rows, strict=True))
    )
    return [layout.format(*row).rstrip() for row in rows]


@dataclass(frozen=True)
class Table:
    """A table with a title, as text and as HTML for notebooks.

    Parameters
    ----------
    title : str
    rows : sequence of sequences of str
        The first one is the heading.
    left : sequence of int
        Indices of the left-aligned columns; the others are right-aligned.
    notes : sequence of str, default=()
        Lines below the table.
    bars : sequence of float, default=()
        Length, from 0 to 1, of a bar that HTML draws beside each row but the heading.
    passed : sequence of bool, default=()
        Whether each row but the heading is right, which HTML shows as the colour of its last cell.
    """

    title: str
    rows: Sequence[Sequence[str]]
    left: Sequence[int]
    notes: Sequence[str] = ()
    bars: Sequence[float] = ()
    passed: Sequence[bool] = ()

    def __str__(self) -> str:
        below = ["", *self.notes] if self.notes else []
        return "\n".join([self.title, "", *aligned(self.rows, self.left), *below])

    def html(self, limit: int | None = None) -> str:
        """Return the table as HTML, in the colours of the page.

        limit: maximum number of rows; the middle of a longer table is omitted.
        """
        n, heading = len(self.rows) - 1, [*self.rows[0], *([""] if len(self.bars) else [])]
        start = stop = n
        if limit is not None and n > limit:
            start, stop = limit // 2, n - (limit - 1) // 2
        lines = [self._html_row(i) for i in (*range(start), *range(stop, n))]
        if start < stop:
            text = f"⋮ {stop - start} more"
            lines.insert(start, f'<tr><td colspan="{len(heading)}">{text}</td></tr>')
        head = "".join(f"<th {self._look(j)}>{escape(cell)}</th>" for j, cell in enumerate(heading))
        return "\n".join(
            [
                '<div style="overflow-x:auto">',
                '<table style="border-collapse:collapse;color:inherit;background:transparent">',
                f'<caption style="text-align:left;color:inherit">{escape(self.title)}</caption>',
                f'<thead style="border-bottom:1px solid currentColor"><tr>{head}</tr></thead>',
                "<tbody>",
                *lines,
                "</tbody></table>",
                *(f"<div>{escape(note)}</div>" for note in self.notes),
                "</div>",
            ]
        )

    def _html_row(self, i: int) -> str:
        cells = [escape(cell) for cell in self.rows[i + 1]]
        if self.passed:
            colour = palette().positive if self.passed[i] else palette().negative
            cells[-1] = f'<b style="color:{colour}">{cells[-1]}</b>'
        if len(self.bars):
            width = 8 * self.bars[i] if math.isfinite(self.bars[i]) else 0
            look = "display:inline-block;height:0.7em;background:currentColor;opacity:0.5"
            cells.append(f'<span style="{look};width:{width:.2f}em"></span>')
        row = "".join(f"<td {self._look(j)}>{cell}</td>" for j, cell in enumerate(cells))
        return f'<tr style="background:transparent">{row}</tr>'

    def _look(self, column: int) -> str:
        is_left = column in self.left or column == len(self.rows[0])  # where the bars are
        return f'style="text-align:{"left" if is_left else "right"}"'


def summary(net: Model, at_work: tuple[str, int] | None) -> Table:
    """Return a table of the layers, and a line about the memory of the optimizer.

    Parameters
    ----------
    net : Network
    at_work : tuple (str, int) or None
        Name of the optimizer, and how many numbers it stores per parameter.

    Returns
    -------
    Table
    """
    rows = [_HEADING, ["input", f"{net.layer_sizes[0]:,}", *[""] * 5]]
    if net.embeddings:
        parameters = net.embedding_parameters.values()
        n, n_bytes = sum(view.size for view in parameters), sum(view.nbytes for view in parameters)
        what = f"{len(net.embeddings)} of {net.layer_sizes[0]} inputs"
        cells = ["embedded", f"{net._architecture.widths[0]:,}", what, "", "", f"{n:,}"]
        rows.append([*cells, in_bytes(n_bytes)])
    if net.scale is not None:
        n = len(net.scale)
        cells = ["scale", f"{n:,}", "", f"{n}", "0", f"{n:,}"]
        rows.append([*cells, in_bytes(net.scale.nbytes)])
    names, groups = net._architecture.layer_activations, net._architecture.split(net.parameters)
    for layer, (W, activation) in enumerate(zip(net.weights, names, strict=True), 1):
        own = (groups.get(f"{name}.{layer - 1}") for name in GROUPS)
        n = sum(group.size for group in own if group is not None)
        n_biases = net.biases[layer - 1].size if net.bias else 0
        name = "output" if layer == len(net.weights) else f"layer {layer}"
        cells = [
            name,
            f"{W.shape[-1]:,}",
            activation,
            " × ".join(map(str, W.shape)),
            f"{n_biases:,}",
            f"{n:,}",
        ]
        rows.append([*cells, in_bytes(n * net.dtype.itemsize)])
    rows.append(["total", *[""] * 4, f"{net.n_parameters:,}", in_bytes(net.parameters.nbytes)])
    name, n = at_work or ("", net._most_slots)
    last = f"In training {name} keeps" if at_work else "No optimizer at work; one keeps up to"
    if n == 0:
        last += " nothing."
    else:
        numbers = "1 number" if n == 1 else f"{n} numbers"
        last += f" {numbers} for each parameter: {in_bytes(n * net.parameters.nbytes)} more."
    members = "" if net.members is None else f"{net.members} members, "
    heading = f"Network of {members}{net.dtype}, cost {net.cost_function}"
    return Table(heading, rows, left=[0, 2], notes=[last])
