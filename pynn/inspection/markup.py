"""A network for who looks at it outside matplotlib: SVG, HTML for notebooks, and Graphviz's DOT."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from pynn.inspection.colours import NEGATIVE, POSITIVE
from pynn.inspection.diagram import Column, Diagram, Line, counted, names_of, shown

if TYPE_CHECKING:
    from pynn.model.model import Model

__all__ = ["dot", "html", "svg"]


# ---- SVG -----------------------------------------------------------------------------------------

_STEP_X, _STEP_Y, _RADIUS = 130, 28, 9  # pixels
_MARGIN = 62  # half of the longest text under a column


def svg(diagram: Diagram, title: str) -> str:
    """Draw a diagram as SVG, on whatever background and with its text's colour.

    Parameters
    ----------
    diagram : Diagram
    title : str
        Read out to who does not see it.

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
    ]
    for column in diagram.columns:
        parts += _svg_column(column, middle)
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
    x = _x(column.x)
    for place, y in enumerate(column.y):
        circle = f'<circle cx="{x:g}" cy="{middle + y * _STEP_Y:g}" r="{_RADIUS}"'
        yield f"{circle}><title>{escape(column.circle_text(place))}</title></circle>"
    if column.gap is not None:
        y = middle + column.gap * _STEP_Y
        yield _svg_text(x, y - 2, "⋮", 'font-size="18"')
        yield _svg_text(x, y + 14, f"+{column.n_left_out}")
    bottom = 2 * middle
    yield _svg_text(x, bottom, column.name)
    yield _svg_text(x, bottom + 15, f"{column.size} {column.activation}".strip())


def _svg_text(x: float, y: float, text: str, look: str = "") -> str:
    place = f'x="{x:g}" y="{y:g}"'
    return f'<text {place} fill="currentColor" stroke="none" {look}>{escape(text)}</text>'


def _x(place: float) -> float:
    return _MARGIN + place * _STEP_X


def _description(diagram: Diagram) -> str:
    layers = ", ".join(
        f"{column.name} with {counted(column.size, 'unit')}"
        + (f" ({column.activation})" if column.activation else "")
        for column in diagram.columns
    )
    left_out = counted(diagram.n_layers_left_out, "layer")
    return (
        f"From left to right: {layers}. "
        + (f"{left_out} in the middle left out. " if diagram.n_layers_left_out else "")
        + "Circles are units, lines weights: green above 0, red below, wider the larger."
    )


# ---- HTML for notebooks --------------------------------------------------------------------------


def html(net: Model) -> str:
    """Return a figure with caption for notebooks.

    Parameters
    ----------
    net : Network

    Returns
    -------
    str
    """
    diagram = Diagram.of(net)
    name = f"Network {_elided([str(size) for size in net.layer_sizes], '-')}"
    caption = [
        name,
        _elided(_runs(net.activations), ", "),
        str(net.cost_function),
        f"{counted(net.n_parameters, 'parameter')} ({net.dtype})",
        *([] if net.bias else ["no biases"]),
    ]
    return (
        f'<figure style="margin:0">{svg(diagram, name)}\n'
        f"<figcaption>{escape(' · '.join(caption))}<br/>"
        f"<small>{_legend(diagram)}</small></figcaption></figure>"
    )


def _legend(diagram: Diagram) -> str:
    signs = ((POSITIVE, "above"), (NEGATIVE, "below"))
    squares = [f'<span style="color:{colour}">■</span> {side} 0' for colour, side in signs]
    size = f"widest line ±{diagram.scale:.3g}" if diagram.scale else "all that are drawn are 0"
    dashed = [] if all(line.is_finite for line in diagram.lines()) else ["dashed: not finite"]
    return f"weights: {', '.join([*squares, size, *dashed])}"


def _runs(names: Sequence[str]) -> list[str]:
    """Write names that repeat once, with their number."""
    counts = [(name, len(list(run))) for name, run in groupby(names)]
    return [name if n == 1 else f"{name} ×{n}" for name, n in counts]


def _elided(words: Sequence[str], between: str, most: int = 12) -> str:
    kept = [words[i] for i in shown(len(words), most)]
    if len(kept) == len(words):
        return between.join(kept)
    return f"{between.join(kept[: most // 2])} … {between.join(kept[most // 2 :])}"


# ---- Graphviz ------------------------------------------------------------------------------------

GREY = "#808080"  # seen on white and on black


def dot(
    net: Model,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
    max_units: int,
    max_layers: int,
) -> str:
    """Return a graph in Graphviz's language; see `pynn.Network.to_dot`."""
    diagram = Diagram.of(net, max_units, max_layers)
    names = {
        0: names_of("input_names", input_names, net.layer_sizes[0]),
        len(net.layer_sizes) - 1: names_of("output_names", output_names, net.layer_sizes[-1]),
    }
    grey = f'color="{GREY}", fontcolor="{GREY}"'
    parts = [
        "digraph network {",
        'graph [rankdir=LR, splines=line, nodesep=0.1, ranksep=1.5, bgcolor="transparent"]',
        f'node [shape=circle, width=0.3, fontsize=10, label="", {grey}]',
        f"edge [arrowsize=0.4, {grey}]",
    ]
    for column in diagram.columns:
        parts += _dot_column(column, names.get(column.layer))
    if diagram.n_layers_left_out:
        text = f"⋯\n{counted(diagram.n_layers_left_out, 'layer')}"
        parts.append(f"more_layers [shape=plain, label={_quoted(text)}]")
        left, right = (_dot_id(diagram.columns[i], 0) for i in _around_the_gap(diagram))
        parts.append(f"{left} -> more_layers -> {right} [style=invis]")
    parts += [_dot_line(line) for line in diagram.lines()]
    return "\n".join([*parts, "}", ""])


def _around_the_gap(diagram: Diagram) -> tuple[int, int]:
    layers = [column.layer for column in diagram.columns]
    left = next(i for i, layer in enumerate(layers) if layers[i + 1] != layer + 1)
    return left, left + 1


def _dot_column(column: Column, names: list[str] | None) -> Iterator[str]:
    stack = [_dot_id(column, place) for place in range(len(column.units))]
    for place, unit in enumerate(column.units):
        look = f"label={_quoted(names[unit])}, shape=box, style=rounded, " if names else ""
        yield f"{stack[place]} [{look}tooltip={_quoted(column.circle_text(place))}]"
    if column.gap is not None:
        text = _quoted(f"⋮\n+{column.n_left_out}")
        yield f"more_{column.layer} [shape=plain, label={text}]"
        stack.insert(column.before_gap, f"more_{column.layer}")
    text = _quoted(f"{column.name}\n{column.size} {column.activation}".strip())
    yield f"name_{column.layer} [shape=plain, label={text}]"
    # Invisible arrows keep units of a rank in their order.
    order = " -> ".join([*stack, f"name_{column.layer}"])
    yield f"{{ rank=same; {order} [style=invis] }}"


def _dot_line(line: Line) -> str:
    ends = f"{_dot_id(line.links.source, line.i)} -> {_dot_id(line.links.target, line.j)}"
    tooltip = f"tooltip={_quoted(line.text)}"
    if not line.is_finite:
        return f"{ends} [style=dashed, {tooltip}]"
    colour = f"{line.colour or GREY}{round(255 * line.opacity):02x}"
    return f'{ends} [color="{colour}", penwidth={line.width:.2f}, {tooltip}]'


def _dot_id(column: Column, place: int) -> str:
    return f"unit_{column.layer}_{column.units[place]}"


def _quoted(text: str) -> str:
    """Write a string of Graphviz's, where these characters have a meaning."""
    return f'"{text.translate(_MEANT)}"'


_MEANT = {ord("\\"): "\\\\", ord('"'): '\\"', ord("&"): "&amp;", ord("\n"): "\\n", 0: " "}
