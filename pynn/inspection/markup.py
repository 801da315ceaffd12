"""Drawings of a network as SVG, as HTML for notebooks, and in Graphviz's DOT."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from itertools import chain, groupby

import numpy as np

from pynn.inspection import tables
from pynn.inspection.colours import palette
from pynn.inspection.diagram import Column, Diagram, Line, counted, names_of
from pynn.model.model import Model

Names = Sequence[str] | None
# ---- SVG -----------------------------------------------------------------------------------------

_STEP_X, _STEP_Y, _RADIUS = 130, 28, 9  # pixels
_MARGIN = 62  # half of the longest text under a column


def svg(diagram: Diagram, title: str) -> str:
    """Draw a diagram as SVG, transparent and in the text colour of the page.

    Parameters
    ----------
    diagram : Diagram
    title : str
        Text for screen readers.

    Returns
    -------
    str
    """
    middle = _MARGIN / 3 + diagram.height * _STEP_Y / 2
    width = round(diagram.columns[-1].x * _STEP_X + 2 * _MARGIN)
    height = round(2 * middle + 24)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" style="max-width:100%;height:auto" '
        'font-family="sans-serif" font-size="11" text-anchor="middle" fill="none" '
        'stroke="currentColor" stroke-linecap="round">',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(_description(diagram))}</desc>",
        *(_svg_line(line, middle) for line in diagram.lines()),
        *chain.from_iterable(_svg_column(column, middle) for column in diagram.columns),
    ]
    if diagram.gap is not None:
        x = _x(diagram.gap)
        parts.append(_svg_text(x, middle, "⋯", 'font-size="20"'))
        parts.append(_svg_text(x, middle + 16, counted(diagram.n_layers_left_out, "layer")))
    return "\n".join([*parts, "</svg>"])


def _svg_line(line: Line, middle: float) -> str:
    source, target = line.links.source, line.links.target
    x1, y1 = _x(source.x) + _RADIUS, middle + source.y[line.i] * _STEP_Y
    x2, y2 = _x(target.x) - _RADIUS, middle + target.y[line.j] * _STEP_Y
    look = 'stroke-dasharray="2 4"'
    if line.is_finite:
        look = f'stroke-width="{line.width:.2f}" stroke-opacity="{line.opacity:.2f}"'
    if line.colour:
        look += f' stroke="{line.colour}"'
    path = f'd="M{x1:g} {y1:g}L{x2:g} {y2:g}"'
    return f"<path {path} {look}><title>{escape(line.text)}</title></path>"


def _svg_column(column: Column, middle: float) -> Iterator[str]:
    x, bottom = _x(column.x), 2 * middle
    for place, y in enumerate(column.y):
        circle = f'<circle cx="{x:g}" cy="{middle + y * _STEP_Y:g}" r="{_RADIUS}"'
        yield f"{circle}><title>{escape(column.circle_text(place))}</title></circle>"
    if column.gap is not None:
        y = middle + column.gap * _STEP_Y
        yield _svg_text(x, y - 2, "⋮", 'font-size="18"')
        yield _svg_text(x, y + 14, f"+{column.n_left_out}")
    yield _svg_text(x, bottom, column.name)
    yield _svg_text(x, bottom + 15, f"{column.size} {column.activation}".strip())


def _svg_text(x: float, y: float, text: str, look: str = "") -> str:
    place = f'x="{x:g}" y="{y:g}"'
    return f'<text {place} fill="currentColor" stroke="none" {look}>{escape(text)}</text>'


def _x(place: float) -> float:
    return _MARGIN + place * _STEP_X


def _description(diagram: Diagram) -> str:
    layers = [f"{c.name} with {counted(c.size, 'unit')} ({c.activation})" for c in diagram.columns]
    layers[0] = layers[0].removesuffix(" ()")  # the input has no activation
    text = f"From left to right: {', '.join(layers)}. "
    if diagram.n_layers_left_out:
        text += f"{counted(diagram.n_layers_left_out, 'layer')} in the middle left out. "
    return f"{text}Circles are units, lines weights: {palette().words}, wider the larger."


# ---- HTML for notebooks --------------------------------------------------------------------------


def html(
    net: Model,
    layers: tables.Table,
    figures: Mapping[str, Sequence[float]],
    best_epoch: int | None,
    word: str = "cost",
    step: str = "epoch",
) -> str:
    """Return a figure for notebooks: circles and lines, the cost by epoch, a table of the layers.

    Parameters
    ----------
    net : Network
    layers : Table
        Its summary, which is shown at a click.
    figures : dict of lists of float
        Its history.
    best_epoch : int or None
        The epoch, counted from 1, whose parameters early stopping restored.
    word : {"cost", "loss"}, default="cost"
        Name of the cost in the figure.
    step : {"epoch", "iteration"}, default="epoch"
        Name of an epoch in the figure.

    Returns
    -------
    str
    """
    name = f"Network {_elided(list(map(str, net.layer_sizes)), '-')}"
    runs = [(name, len(list(run))) for name, run in groupby(net._architecture.layer_activations)]
    caption = [
        name,
        _elided([name if n == 1 else f"{name} ×{n}" for name, n in runs], ", "),
        str(net.cost_function),
        f"{counted(net.n_parameters, 'parameter')} ({net.dtype})",
        *([] if net.bias else ["no biases"]),
        *([counted(len(net.embeddings), "embedding")] if net.embeddings else []),
        *([] if net.scale is None else ["input scale"]),
        *([] if net.members is None else [counted(net.members, "member")]),
    ]
    diagram = None if net.members is not None else Diagram.of(net)
    drawing = "" if diagram is None else svg(diagram, name)
    legend = "" if diagram is None else f"<br/><small>weights: {_legend(diagram)}</small>"
    return (
        f'<figure style="margin:0">{drawing}\n'
        f"<figcaption>{escape(' · '.join(caption))}{legend}</figcaption>\n"
        f"{_curves(figures, best_epoch, word, step)}"
        f"<details><summary>layers</summary>{layers.html(limit=20)}</details></figure>"
    )


def _legend(diagram: Diagram) -> str:
    signs = ((palette().positive, "above"), (palette().negative, "below"))
    parts = [f'<span style="color:{colour}">■</span> {side} 0' for colour, side in signs]
    scale = diagram.scale
    parts.append(f"widest line ±{scale:.3g}" if scale else "all that are drawn are 0")
    if not all(line.is_finite for line in diagram.lines()):
        parts.append("dashed: not finite")
    return ", ".join(parts)


def _elided(words: Sequence[str], between: str) -> str:
    """Join up to 12 words, or the first 6 and the last 5."""
    if len(words) <= 12:
        return between.join(words)
    return f"{between.join(words[:6])} … {between.join(words[-5:])}"


_PLOT = (64, 12, 240, 60)  # left, top, width and height of the curves, in pixels
_MOST_POINTS = 200  # of a curve


def _curves(
    figures: Mapping[str, Sequence[float]], best_epoch: int | None, word: str, step: str
) -> str:
    """Draw the cost by epoch, with a caption; return "" if no epoch has a finite cost."""
    lines = [np.array(figures.get(name, []), np.float64) for name in ("cost", "val_cost")]
    finite = np.concatenate([values[np.isfinite(values)] for values in lines])
    if not len(finite):
        return ""
    n, low, high = len(lines[0]), float(finite.min()), float(finite.max())
    left, top, width, height = _PLOT

    def place(i: int, value: float) -> tuple[float, float]:
        down = (high - value) / (high - low) if high > low else 0.5
        return round(left + width * i / max(n - 1, 1), 1), round(top + height * down, 1)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{left + width + 16}" '
        f'height="{top + height + 24}" style="max-width:100%" font-family="sans-serif" '
        'font-size="11" text-anchor="end" fill="none" stroke="currentColor" stroke-width="1.5" '
        f'stroke-linecap="round"><title>{word} by {step}</title>',
        *(
            _svg_text(left - 8, place(0, y)[1] + 4, tables.number(y, 3))
            for y in sorted({low, high})
        ),
        _svg_text(left + width, top + height + 20, f"{step} {n}"),
    ]
    looks = ("training", ""), ("validation", 'stroke-dasharray="3 4"')
    for (name, look), values in zip(looks, lines, strict=True):
        path, pen_is_down = "", False
        for i in np.unique(np.linspace(0, n - 1, _MOST_POINTS).astype(int))[: len(values)].tolist():
            if is_finite := math.isfinite(values[i]):
                x, y = place(i, values[i])
                path += f"L{x} {y}" if pen_is_down else f"M{x} {y}h0"  # a dot, if it stays alone
            pen_is_down = is_finite
        if path:
            parts.append(f'<path d="{path}" {look}><title>{name}</title></path>')
    said = [f"{word} {tables.number(lines[0][-1])} in {step} {n}"]
    if len(lines[1]):
        said.append(f"validation {tables.number(lines[1][-1])} (dashed)")
    if best_epoch is not None and len(lines[1]) and math.isfinite(lines[1][best_epoch - 1]):
        x, y = place(best_epoch - 1, lines[1][best_epoch - 1])
        parts.append(f'<circle cx="{x}" cy="{y}" r="5"/>')
        said.append(f"parameters of {step} {best_epoch} (ring)")
    return "".join([*parts, f"</svg><div><small>{' · '.join(said)}</small></div>\n"])


# ---- Graphviz ------------------------------------------------------------------------------------

GREY = "#808080"  # visible on white and on black


def dot(diagram: Diagram, input_names: Names = None, output_names: Names = None) -> str:
    """Return a graph in Graphviz's language; see `pynn.Network.to_dot`."""
    columns = diagram.columns
    names = {
        0: names_of("input_names", input_names, columns[0].size),
        columns[-1].layer: names_of("output_names", output_names, columns[-1].size),
    }
    grey = f'color="{GREY}", fontcolor="{GREY}"'
    parts = [
        "digraph network {",
        'graph [rankdir=LR, splines=line, nodesep=0.1, ranksep=1.5, bgcolor="transparent"]',
        f'node [shape=circle, width=0.3, fontsize=10, label="", {grey}]',
        f"edge [arrowsize=0.4, {grey}]",
        *chain.from_iterable(_dot_column(column, names.get(column.layer)) for column in columns),
    ]
    if diagram.gap is not None:
        parts.append(_dot_text("more_layers", f"⋯\n{counted(diagram.n_layers_left_out, 'layer')}"))
        right = bisect([column.x for column in columns], diagram.gap)
        ends = _dot_id(columns[right - 1], 0), _dot_id(columns[right], 0)
        parts.append(f"{' -> more_layers -> '.join(ends)} [style=invis]")
    return "\n".join([*parts, *map(_dot_line, diagram.lines()), "}", ""])


def _dot_column(column: Column, names: list[str] | None) -> Iterator[str]:
    stack = [_dot_id(column, place) for place in range(len(column.units))]
    for place, unit in enumerate(column.units):
        look = f"label={_quoted(names[unit])}, shape=box, style=rounded, " if names else ""
        yield f"{stack[place]} [{look}tooltip={_quoted(column.circle_text(place))}]"
    if column.gap is not None:
        more = f"more_{column.layer}"
        yield _dot_text(more, f"⋮\n+{column.n_left_out}")
        stack.insert(bisect(column.y, column.gap), more)
    stack.append(f"name_{column.layer}")
    yield _dot_text(stack[-1], f"{column.name}\n{column.size} {column.activation}".strip())
    # Invisible arrows keep the units of a rank in order.
    yield f"{{ rank=same; {' -> '.join(stack)} [style=invis] }}"


def _dot_line(line: Line) -> str:
    ends = f"{_dot_id(line.links.source, line.i)} -> {_dot_id(line.links.target, line.j)}"
    look = "style=dashed"
    if line.is_finite:
        colour = f"{line.colour or GREY}{round(255 * line.opacity):02x}"
        look = f'color="{colour}", penwidth={line.width:.2f}'
    return f"{ends} [{look}, tooltip={_quoted(line.text)}]"


def _dot_text(name: str, text: str) -> str:
    return f"{name} [shape=plain, label={_quoted(text)}]"


def _dot_id(column: Column, place: int) -> str:
    return f"unit_{column.layer}_{column.units[place]}"


def _quoted(text: str) -> str:
    """Return a quoted string of Graphviz, with its special characters escaped."""
    return f'"{text.translate(_ESCAPES)}"'


_ESCAPES = {ord("\\"): "\\\\", ord('"'): '\\"', ord("&"): "&amp;", ord("\n"): "\\n", 0: " "}
