"""A network as a table: layers, shapes, activations, parameters, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pynn.model import Model

__all__ = ["of_any_optimizer", "of_optimizer", "summary"]

_HEADING = ("layer", "units", "activation", "weights", "biases", "parameters", "memory")
_TO_THE_LEFT = ("layer", "activation")


def summary(net: Model, training: str) -> str:
    """Return the table, and below it what training needs besides.

    Parameters
    ----------
    net : Network
    training : str
        The last line.

    Returns
    -------
    str
    """
    sizes, last = net.layer_sizes, len(net.layer_sizes) - 1
    rows: list[tuple[str, ...]] = [_HEADING, ("input", f"{sizes[0]:,}", "", "", "", "", "")]
    for layer, (W, activation) in enumerate(zip(net.weights, net.activations, strict=True), 1):
        n_in, n_out = W.shape
        n_biases = n_out if net.bias else 0
        n = W.size + n_biases
        name = "output" if layer == last else f"layer {layer}"
        rows.append(
            (
                name,
                f"{n_out:,}",
                activation,
                f"{n_in} × {n_out}",
                f"{n_biases:,}",
                f"{n:,}",
                in_bytes(n * net.dtype.itemsize),
            )
        )
    total = f"{net.n_parameters:,}", in_bytes(net.parameters.nbytes)
    rows.append(("total", "", "", "", "", *total))
    heading = f"Network of {net.dtype}, cost {net.cost_function}"
    return "\n".join([heading, "", *_aligned(rows), "", training])


def _aligned(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if name in _TO_THE_LEFT else cell.rjust(width)
            for cell, width, name in zip(row, widths, _HEADING, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def in_bytes(n: int) -> str:
    """Write a number of bytes with its unit, the largest of which there is one at least."""
    size = float(n)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{n} B" if unit == "B" else f"{size:,.1f} {unit}"


def of_optimizer(net: Model, name: str, n_slots: int) -> str:
    """Say what an optimizer that is at work keeps, for `summary`."""
    return f"In training {name} keeps {_slots(net, n_slots)}."


def of_any_optimizer(net: Model, most_slots: int) -> str:
    """Say what an optimizer would keep, for `summary`."""
    return f"No optimizer yet; one keeps up to {_slots(net, most_slots)}."


def _slots(net: Model, n_slots: int) -> str:
    if n_slots == 0:
        return "nothing"
    numbers = "1 number" if n_slots == 1 else f"{n_slots} numbers"
    return f"{numbers} for each parameter: {in_bytes(n_slots * net.parameters.nbytes)} more"
