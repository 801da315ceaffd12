"""Numbers and tables as text, and the table that summarises a network."""

from __future__ import annotations

from collections.abc import Sequence

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


def summary(net: Model, at_work: tuple[str, int] | None) -> str:
    """Return a table of the layers, and a line about the memory of the optimizer.

    Parameters
    ----------
    net : Network
    at_work : tuple (str, int) or None
        Name of the optimizer, and how many numbers it stores per parameter.

    Returns
    -------
    str
    """
    rows = [_HEADING, ["input", f"{net.layer_sizes[0]:,}", *[""] * 5]]
    if net.scale is not None:
        n = len(net.scale)
        cells = ["scale", f"{n:,}", "", f"{n}", "0", f"{n:,}"]
        rows.append([*cells, in_bytes(net.scale.nbytes)])
    for layer, (W, activation) in enumerate(zip(net.weights, net.activations, strict=True), 1):
        n_in, n_out = W.shape
        n_biases = n_out if net.bias else 0
        n = W.size + n_biases
        name = "output" if layer == len(net.weights) else f"layer {layer}"
        cells = [
            name,
            f"{n_out:,}",
            str(activation),
            f"{n_in} × {n_out}",
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
    heading = f"Network of {net.dtype}, cost {net.cost_function}"
    return "\n".join([heading, "", *aligned(rows, left=[0, 2]), "", last])
