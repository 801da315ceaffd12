"""Columns of text as numbers, dates or categories.

In a table for training, the texts decide: a column is one of numbers if all its values are numbers,
of dates if all are dates in ISO format, and of categories otherwise. Columns of later tables must
hold the same kind of values as in training.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.tabular.category import Category
from pynn.tabular.columns import Column
from pynn.tabular.features import Feature, Nothing
from pynn.tabular.numeric import Date

__all__ = ["MISSING", "Convention", "Texts", "as_learned", "is_number", "recognised"]

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None")
# Texts next to numbers are probably mistakes or missing values if nearly all values are numbers, or
# most of them are, and so many different ones that they are no codes.
_NEARLY_ALL, _MOST, _MOST_CODES = 0.9, 0.5, 50

# Numbers that start with a 0, such as 00501, are codes.
_NUMBER = re.compile(r"\s*[+-]?(?!0\d+\s*$)(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)?)?", re.ASCII
)


@dataclass(frozen=True)
class Convention:
    """How a file writes values.

    Parameters
    ----------
    missing : collection of str
        Texts of missing values.
    decimal : {".", ","}, default="."
        Decimal mark of numbers.
    """

    missing: Collection[str] = MISSING
    decimal: str = "."


@dataclass(frozen=True)
class Texts:
    """A column of text.

    Parameters
    ----------
    file : str
        Name of the file in messages.
    name : str
        Name of the column.
    labels : list of str
        Each text once.
    codes : ndarray of int, shape (n_rows,)
        Place of each row's text in `labels`.
    lines : ndarray of int, shape (n_rows,)
        Line of each row.
    """

    file: str
    name: str
    labels: list[str]
    codes: NDArray[np.intp]
    lines: NDArray[np.intp]

    @property
    def where(self) -> str:
        """Name of the column in messages."""
        return f"{self.file}: column {self.name!r}"

    def line(self, label: int) -> int:
        """Return the first line with a label."""
        return int(self.lines[(self.codes == label).argmax()])

    def array(self, values: list[Any], dtype: str) -> NDArray[Any]:
        """Return an array of rows from a value for each label."""
        return np.array(values, dtype=dtype)[self.codes] if values else np.zeros(0, dtype)

    def present(self, convention: Convention) -> list[int]:
        """Return the places of the labels that are not missing values."""
        return [k for k, label in enumerate(self.labels) if label not in convention.missing]


def is_number(text: str, decimal: str = ".") -> bool:
    """Whether a text is a number: digits with a decimal mark and an exponent, no codes as 007."""
    if decimal != ".":
        text = text.replace(".", "?").replace(decimal, ".")
    return _NUMBER.fullmatch(text) is not None


def recognised(texts: Texts, convention: Convention, is_category: bool = False) -> Column:
    """Return a column of a table for training.

    Parameters
    ----------
    texts : Texts
    convention : Convention
    is_category : bool, default=False
        Whether the user says that these are categories: then numbers next to texts are fine.

    Raises
    ------
    ValueError
        If other texts next to numbers are probably mistakes.
    """
    present = texts.present(convention)
    others = [k for k in present if not is_number(texts.labels[k], convention.decimal)]
    if not others:
        return _numbers(texts, present, convention)
    if all(_DATE.fullmatch(texts.labels[k]) for k in present):
        return _dates(texts, present)
    if not is_category:
        _check_mixture(texts, present, others, convention)
    return _categories(texts, present)


def as_learned(texts: Texts, convention: Convention, feature: Feature) -> Column:
    """Return a column for a model that has learned a feature from a column of the same name.

    Raises
    ------
    ValueError
        If a value is of another kind.
    """
    present = texts.present(convention)
    if isinstance(feature, Nothing):
        return _numbers(texts, [], convention)
    if isinstance(feature, Date):
        _check_each(texts, present, lambda text: bool(_DATE.fullmatch(text)), "dates (2026-01-31)")
        return _dates(texts, present)
    if isinstance(feature, Category) and any(isinstance(label, str) for label in feature.labels):
        return _categories(texts, present)
    _check_each(texts, present, lambda text: is_number(text, convention.decimal), "numbers")
    return _numbers(texts, present, convention)


def _numbers(texts: Texts, present: list[int], convention: Convention) -> Column:
    values = [np.nan] * len(texts.labels)
    for k in present:
        values[k] = float(texts.labels[k].replace(convention.decimal, "."))
        if np.isinf(values[k]):
            raise ValueError(f"{texts.where}, line {texts.line(k)}: {texts.labels[k]} is too large")
    return Column(texts.name, texts.array(values, "f8"))


def _dates(texts: Texts, present: list[int]) -> Column:
    values: list[Any] = [None] * len(texts.labels)
    for k in present:
        try:
            value = datetime.fromisoformat(texts.labels[k])
            values[k] = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        except (ValueError, OverflowError) as error:
            line = texts.line(k)
            raise ValueError(f"{texts.where}, line {line}: {texts.labels[k]!r}: {error}") from error
    return Column(texts.name, texts.array(values, "M8[us]"))


def _categories(texts: Texts, present: list[int]) -> Column:
    places = [-1] * len(texts.labels)
    for place, k in enumerate(present):
        places[k] = place
    return Column(texts.name, texts.array(places, "i8"), None, [texts.labels[k] for k in present])


def _check_mixture(
    texts: Texts, present: list[int], others: list[int], convention: Convention
) -> None:
    """Raise a ValueError if other texts are probably mistakes or missing values."""
    counts = np.bincount(texts.codes, minlength=len(texts.labels))
    n, n_others = int(counts[present].sum()), int(counts[others].sum())
    share, n_distinct = 1 - n_others / n, len(present) - len(others)
    if share >= _NEARLY_ALL or (share >= _MOST and n_distinct > _MOST_CODES):
        k = others[0]
        raise ValueError(
            f"{texts.where} holds {n - n_others:,} numbers, but line {texts.line(k)} holds "
            f"{_short(texts.labels[k])}: correct it, or use --missing {_short(texts.labels[k])} "
            f"or --categorical {texts.name!r}"
        )
    if convention.decimal == "." and all(is_number(texts.labels[k], ",") for k in others):
        raise ValueError(
            f"{texts.where} holds numbers such as {texts.labels[others[0]]!r}: if the comma is "
            "their decimal mark, use --decimal , but if it separates thousands, remove it (or use "
            f"--categorical {texts.name!r})"
        )


def _check_each(
    texts: Texts, present: list[int], is_fine: Callable[[str], bool], accepted: str
) -> None:
    for k in present:
        if not is_fine(texts.labels[k]):
            raise ValueError(
                f"{texts.where} must hold {accepted}, as in training, but line {texts.line(k)} "
                f"holds {_short(texts.labels[k])}"
            )


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
