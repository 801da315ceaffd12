"""A network as a table: layers, shapes, activations, parameters, memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynn.inspection.tables import aligned

if TYPE_CHECKING:
    from pynn.model.model import Model

__all__ = ["in_bytes", "summary"]

_HEADING = ("layer", "units", "activation", "weights", "biases", "parameters", "memory")
_TO_THE_LEFT = [_HEADING.index(name) for name in ("layer", "activation")]


def summary(net: Model, at_work: tuple[str, int] | None) -> str:
    """Return the table, and below it what training needs besides.

    Parameters
    ----------
    net : Network
    at_work : tuple (str, int) or None
        Name of the optimizer, and how many numbers it keeps for each parameter.

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
    return "\n".join(
        [heading, "", *aligned(rows, _TO_THE_LEFT), "", _kept_in_training(net, at_work)]
    )


def in_bytes(n: int) -> str:
    """Write a number of bytes with its unit, the largest of which there is one at least."""
    size = float(n)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            break
        size /= 1024
    return f"{n} B" if unit == "B" else f"{size:,.1f} {unit}"


def _kept_in_training(net: Model, at_work: tuple[str, int] | None) -> str:
    name, n = at_work or ("", net._most_slots)
    if n == 0:
        return f"In training {name} keeps nothing."
    numbers = "1 number" if n == 1 else f"{n} numbers"
    who = f"In training {name} keeps" if at_work else "No optimizer at work; one keeps up to"
    return f"{who} {numbers} for each parameter: {in_bytes(n * net.parameters.nbytes)} more."
