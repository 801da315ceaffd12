"""Charts of plain text: a confusion matrix, a histogram of residuals."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.inspection.tables import aligned

__all__ = ["confusion", "histogram"]

_MOST_BINS = 15
_MOST_SHOWN = 20  # classes; each is a line


def confusion(
    y: NDArray[np.intp], predicted: NDArray[np.intp], names: Sequence[str], width: int
) -> list[str]:
    """Return lines with the number of rows of each true class, by predicted class.

    Parameters
    ----------
    y, predicted : ndarray of int, shape (n_rows,)
        Numbers of classes.
    names : sequence of str
        Names of the classes.
    width : int
        Width of the lines. If not all classes fit, the most frequent ones are shown, and the
        others together.
    """
    labels = [_cut(name, 16) for name in names]
    n_shown = len(labels)
    while True:
        shown = np.sort(np.argsort(-np.bincount(y, minlength=len(labels)), kind="stable")[:n_shown])
        lines = _matrix(y, predicted, labels, shown)
        if n_shown <= 2 or (len(lines[0]) <= width and n_shown <= _MOST_SHOWN):
            return lines
        n_shown = min(n_shown - 1, _MOST_SHOWN)


def _matrix(
    y: NDArray[np.intp], predicted: NDArray[np.intp], labels: Sequence[str], shown: NDArray[np.intp]
) -> list[str]:
    n, is_cut = len(shown), len(shown) < len(labels)
    places = np.full(len(labels), n)
    places[shown] = np.arange(n)
    counts = np.zeros((n + is_cut, n + is_cut), dtype=int)
    np.add.at(counts, (places[y], places[predicted]), 1)
    heads = [labels[k] for k in shown] + ([f"{len(labels) - n} others"] if is_cut else [])
    rows = [
        ["true \\ predicted", *heads],
        *(
            [head, *(f"{c:,}" if c else "." for c in row)]
            for head, row in zip(heads, counts, strict=True)
        ),
    ]
    longest = max(len(line) for line in aligned(rows, left=(0,)))
    return [line.ljust(longest) if i == 0 else line for i, line in enumerate(aligned(rows, (0,)))]


def histogram(values: NDArray[Any], width: int, block: str) -> list[str]:
    """Return lines with a bar for each bin of numbers.

    The outermost bins also hold what lies beyond them: at most a hundredth of the numbers on each
    side.

    Parameters
    ----------
    values : ndarray of shape (n,)
    width : int
        Width of the lines.
    block : str
        Character of the bars.
    """
    low, high = np.quantile(values, [0.01, 0.99])
    if not low < high:
        low, high = values.min(), values.max()
    if not low < high:
        return [f"all {low:.4g}"]
    edges = np.linspace(low, high, min(_MOST_BINS, max(5, round(len(values) ** 0.5))) + 1)
    counts, _ = np.histogram(np.clip(values, low, high), edges)
    layout = _layout(edges[1] - edges[0])
    heads = [f"{a:{layout}} to {b:{layout}}" for a, b in pairwise(edges)]
    head, most = max(map(len, heads)), max(len(f"{n:,}") for n in counts)
    room = max(1, width - head - most - 4)
    lengths = np.ceil(counts / counts.max() * room).astype(int)
    return [
        f"{text:>{head}}  {n:>{most},}  {block * length}".rstrip()
        for text, n, length in zip(heads, counts, lengths, strict=True)
    ]


def _layout(step: float) -> str:
    """Return a format that tells numbers apart which differ by this step."""
    if not 1e-4 < step < 1e9:
        return ".4g"
    return f",.{int(max(0, np.ceil(1 - np.log10(step))))}f"


def _cut(text: str, n: int) -> str:
    """Return the first characters of a text in one line."""
    text = " ".join(text.split())
    return text if len(text) <= n else f"{text[: n - 2]}.."
