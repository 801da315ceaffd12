"""Numbers, formulas and sums as text, with a given number of digits and of terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.inspection.formulas import filled
from pynn.inspection.tables import number

Array = NDArray[Any]


class Writer:
    """Writes numbers with `digits` significant digits and sums with at most `max_terms` terms."""

    def __init__(self, digits: int, max_terms: int) -> None:
        self.digits, self.max_terms = digits, max_terms

    def _number(self, x: float) -> str:
        return number(x, self.digits)

    def _factor(self, x: float) -> str:
        """Write a number, in brackets if it is negative."""
        written = self._number(x)
        return f"({written})" if written.startswith("−") else written

    def _filled(self, formula: str, **numbers: float) -> str:
        """Put numbers into a formula, with "=" behind it; "" remains ""."""
        written = {letter: self._factor(x) for letter, x in numbers.items()}
        for difference, other in (("1 − a", 1.0), ("1 − a", -1.0), ("a − y", numbers.get("y"))):
            if difference in formula and other is not None:
                written["a"] = self._told_apart(numbers["a"], other) or written["a"]
        text = filled(formula, written)
        return f"{text} = " if text else ""

    def _told_apart(self, a: float, other: float) -> str:
        """Write a with enough digits if it would look like another number; otherwise return ""."""
        distance = abs(float(a) - other)
        if not 0 < distance < np.inf or self._number(a) != self._number(other):
            return ""
        more = int(np.floor(np.log10(abs(other)))) - int(np.floor(np.log10(distance)))
        text = number(a, min(self.digits + more, 17))
        return f"({text})" if text.startswith("−") else text

    def _sum(self, x: Array, weights: Array, bias: float | None = None) -> str:
        """Write a sum of products, and of a bias if there is one."""

        def term(i: int) -> str:
            return f"{self._factor(x[i])}·{self._factor(weights[i])}"

        front, n_between, back = cut(telling(x * weights, self.max_terms), self.max_terms)
        gap = [f"… {n_between} more …"] if n_between else []
        total = " + ".join([*map(term, front), *gap, *map(term, back)])
        if bias is None:
            return total or "0"
        sign = "−" if bias < 0 else "+"
        return f"{total} {sign} {self._number(abs(bias))}" if total else self._number(bias)


def telling(x: Array, limit: int) -> Sequence[int]:
    """Return the indices of all numbers, or of those that are not 0 if there are many."""
    return range(len(x)) if len(x) <= limit else np.flatnonzero(x).tolist()


def cut(chosen: Sequence[int], limit: int) -> tuple[Sequence[int], int, Sequence[int]]:
    """Return the first and last items up to the limit, with the number of those left out."""
    if len(chosen) <= limit:
        return chosen, 0, []
    n_back = limit // 2
    return chosen[: limit - n_back], len(chosen) - limit, chosen[len(chosen) - n_back :]


def listed(names: Sequence[str]) -> str:
    """Write "a", "a and b", or "a, b and c"."""
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
