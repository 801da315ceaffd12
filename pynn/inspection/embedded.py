"""Embeddings of inputs in the walk through one example."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pynn.inspection.neurons import neuron
from pynn.inspection.tables import aligned, number
from pynn.inspection.writing import cut

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
    first, lines = 0, []
    embedded: list[float] = trace.first_inputs[row].tolist()
    for column, x in enumerate(trace.x[row]):
        one = of_columns.get(column)
        size = 1 if one is None else one._n_out
        numbers = [number(e, digits) for e in embedded[first : first + size]]
        written = ", ".join(numbers[:_MOST]) + ", …" * (size > _MOST)
        where = f"input {first + 1}" if size == 1 else f"inputs {first + 1} to {first + size}"
        how = "unchanged" if one is None else repr(one)
        lines.append(f"{number(x, digits)}, {how} → {where} of layer 1: {written}")
        first += size
    by_x = [f"∂C/∂x = {number(d, digits)}" for d in trace.input_sensitivities[row]]
    return "\n\n".join(
        [
            _part("Embeddings", lines, max_inputs),
            walk,
            _part("Back through the embeddings", by_x, max_inputs),
        ]
    )


_MOST = 4  # numbers of one embedding that are written


def _part(title: str, texts: list[str], limit: int) -> str:
    """Return a title with a line for each input; beyond the limit the middle is left out."""
    front, n_between, back = cut(range(len(texts)), limit)
    first, last = ([(f"  {neuron(0, j)}:", texts[j]) for j in part] for part in (front, back))
    gap = [("  …", f"{n_between} more")] if n_between else []
    return "\n".join([title, *aligned([*first, *gap, *last], left=[0, 1])])
