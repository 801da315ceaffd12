"""Numbers and tables as people read them: what is inspected prints by these."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["aligned", "number", "percent"]


def number(x: float, digits: int = 4) -> str:
    """Write a number with so many significant digits and a minus sign as wide as a plus."""
    return f"{float(x) + 0.0:.{digits}g}".replace("-", "−").replace("inf", "∞")


def percent(share: float) -> str:
    """Write a share of 1 in percent."""
    return f"{100 * share:.1f} %"


def aligned(rows: Sequence[Sequence[str]], left: Sequence[int]) -> list[str]:
    """Return rows of as many cells each as lines of columns.

    left: numbers of the columns whose cells begin at one place; those of the others end there.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i in left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
