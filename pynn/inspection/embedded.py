"""Embeddings of inputs in the walk through one example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynn.inspection.neurons import neuron
from pynn.inspection.tables import aligned, number

if TYPE_CHECKING:
    from pynn.inspection.tracing import Trace


def around(walk: str, trace: Trace, row: int, digits: int, max_inputs: int) -> str:
    """Return the text of a walk with the embeddings of its row before it, and back behind it.

    Parameters
    ----------
    walk : str
        Text of the other parts, in which the inputs are those of the first layer.
    trace : Trace
        Of a network with embeddings.
    row, digits, max_inputs : int
        See `pynn.inspection.Trace.text`.

    Returns
    -------
    str
    """
    of_columns = dict(trace.architecture.embeddings)
    first, embedded = 0, []
    for column, x in enumerate(trace.x[row]):
        one = of_columns.get(column)
        size = 1 if one is None else one._n_out
        numbers = ", ".join(number(e, digits) for e in _cut(trace, row, first, size))
        where = f"input {first + 1}" if size == 1 else f"inputs {first + 1} to {first + size}"
        how = "unchanged" if one is None else repr(one)
        embedded.append(f"{number(x, digits)}, {how} → {where} of layer 1: {numbers}")
        first += size
    by_x = [f"∂C/∂x = {number(d, digits)}" for d in trace.input_sensitivities[row]]
    return "\n\n".join(
        [
            _part("Embeddings", embedded, max_inputs),
            walk,
            _part("Back through the embeddings", by_x, max_inputs),
        ]
    )


_MOST = 4  # numbers of one embedding that are written


def _cut(trace: Trace, row: int, first: int, size: int) -> list[float]:
    assert trace.embedded is not None
    found: list[float] = trace.embedded[row, first : first + min(size, _MOST)].tolist()
    return found


def _part(title: str, texts: list[str], limit: int) -> str:
    """Return a title with a line for each input, up to the limit."""
    lines = [(f"  {neuron(0, j)}:", text) for j, text in enumerate(texts[:limit])]
    lines += [("  …", f"{len(texts) - limit} more")] if len(texts) > limit else []
    return "\n".join([title, *aligned(lines, left=[0, 1])])
