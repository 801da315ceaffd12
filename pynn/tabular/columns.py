"""Columns of tables as numbers, dates or categories.

Numbers and dates become float64, missing values NaN. Categories become codes of labels, with -1
for missing values.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pynn import checks

Array = NDArray[Any]
Label = str | int | float

ACCEPTED = "numbers, strings, categories, dates, durations or missing values"
_TYPES = {  # the types of objects, by kind of column; the first that fits is the one
    "durations": (timedelta, np.timedelta64),
    "dates": (date, np.datetime64),
    "categories": (str,),
    "numbers": (Real, Decimal, np.bool_),
}
_DAY = np.timedelta64(1, "D")
_PER_DAY = {"ps": 8.64e16, "fs": 8.64e19, "as": 8.64e22}  # units that NumPy converts to no days
_CAN_BE_NAN = (float, np.floating, Decimal, *_TYPES["durations"], *_TYPES["dates"])


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    name : str
        How messages call it, such as "column 'age'".
    values : ndarray of shape (n_rows,)
        Numbers, dates, durations or objects; with labels, codes of these, -1 where missing.
    missing : ndarray of bool, shape (n_rows,), optional
        Whether each value is missing; NaN, NaT and None always are.
    labels : list, optional
    """

    name: str
    values: Array
    missing: Array | None = None
    labels: list[Any] | None = None


def kind(column: Column) -> str:
    """Return "numbers", "dates" or "categories", as the values suggest.

    Raises
    ------
    ValueError
        If values are none of these, or dates are next to other values.
    """
    if column.labels is not None:
        return "categories"
    if column.values.dtype.kind != "O":
        return "dates" if column.values.dtype.kind == "M" else "numbers"
    values = [value for value in column.values.tolist() if not _is_missing(value)]
    kinds = {_kind_of(one) for one in {*map(type, values)}}
    if None in kinds:
        _converted(column, _label, ACCEPTED)  # which raises the error
    if kinds <= {"numbers", "categories"}:
        return "categories" if "categories" in kinds else "numbers"
    if len(kinds) > 1:
        raise ValueError(f"{column.name} must not mix {' and '.join(sorted(map(str, kinds)))}")
    return "dates" if kinds == {"dates"} else "numbers"


def numbers(column: Column) -> NDArray[np.float64]:
    """Return numbers, durations as days, missing values as NaN; a copy.

    Strings such as "2.5" count as numbers.

    Raises
    ------
    ValueError
        If a value is not a number, or infinite.
    """
    dtype = column.values.dtype
    if column.labels is None and dtype.kind in "biufm":
        found = days(column.values) if dtype.kind == "m" else column.values.astype(np.float64)
        if column.missing is not None:
            found[column.missing] = np.nan
    else:
        if dtype.kind == "M" and not np.isnat(column.values).all():
            row = int((~np.isnat(column.values)).argmax())
            raise ValueError(f"{column.name} must hold numbers, but row {row} holds a date")
        plain = _plain_floats(column)
        found = plain if plain is not None else _by_label(column, _number, "numbers", np.float64)
    infinite = np.isinf(found)
    if infinite.any():
        row = int(infinite.argmax())
        raise ValueError(
            f"{column.name} must be finite, but row {row} holds {found[row]}; use NaN for missing "
            "values"
        )
    return found


def dates(column: Column) -> NDArray[np.float64]:
    """Return dates as days since 1970-01-01, times in UTC, missing values as NaN; a copy.

    Raises
    ------
    ValueError
        If a value is not a date.
    """
    if column.labels is None and column.values.dtype.kind == "M":
        return days(column.values)
    return days(_by_label(column, _naive, "dates", np.dtype("M8[us]")))


def categories(column: Column) -> tuple[NDArray[np.intp], list[Label]]:
    """Return codes and labels; -1 is the code of missing values.

    Labels are strings or numbers: 1, 1.0 and True are one label, "1" is another one. Dates become
    days since 1970-01-01, intervals of pandas strings.

    Raises
    ------
    ValueError
        If a value is none of these.
    """
    codes, given = _coded(column)
    places: dict[Label, int] = {}
    labels = _converted(replace(column, values=codes, labels=given), _label, ACCEPTED)
    merged = [-1 if one is None else places.setdefault(one, len(places)) for one in labels]
    return np.array([*merged, -1], dtype=np.intp)[codes], list(places)


def days(values: Array) -> NDArray[np.float64]:
    """Return dates or durations as days; the same number whatever their unit is."""
    unit, step = np.datetime_data(values.dtype)
    if unit in _PER_DAY:
        found = values.astype(np.int64) * (step / _PER_DAY[unit])
        return np.where(np.isnat(values), np.nan, found)
    whole = values.astype(f"{values.dtype.kind}8[D]")
    rest = (values - whole) / _DAY
    since = whole - np.datetime64(0, "D") if values.dtype.kind == "M" else whole
    return np.asarray(since / _DAY + rest, dtype=np.float64)


def _plain_floats(column: Column) -> NDArray[np.float64] | None:
    """Return objects that NumPy converts at once, None for others."""
    if column.labels is not None or column.values.dtype.kind != "O":
        return None
    if not {*map(type, column.values.tolist())} <= {float, int, bool, type(None)}:
        return None
    try:
        return column.values.astype(np.float64)
    except OverflowError:  # an integer beyond float64, found again and named
        return None


def _by_label(
    column: Column, convert: Callable[[Any], Any], accepted: str, dtype: DTypeLike
) -> Array:
    """Convert each label once, and return the converted value of each row."""
    codes, labels = _coded(column)
    found = _converted(replace(column, values=codes, labels=labels), convert, accepted)
    return np.array([*found, None], dtype=dtype)[codes]  # the code -1 is the last one


def _coded(column: Column) -> tuple[NDArray[np.intp], list[Any]]:
    """Return codes and labels as they are, without labels that no value has."""
    values, labels = column.values, column.labels
    if labels is None and values.dtype.kind == "O":
        numbering = _Numbering()
        try:
            found = map(numbering.__getitem__, values.tolist())
            return np.fromiter(found, dtype=np.intp, count=len(values)), list(numbering)
        except TypeError:  # a value without a hash, such as a list
            _converted(column, _label, ACCEPTED)
            raise
    if labels is None:
        values = days(values) if values.dtype.kind in "mM" else values
        missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), bool)
        if column.missing is not None:
            missing |= column.missing
        unique, inverse = np.unique(values[~missing], return_inverse=True)
        codes = np.full(len(values), -1, dtype=np.intp)
        codes[~missing] = inverse
        return codes, unique.tolist()
    codes = values.astype(np.intp)
    if column.missing is not None:
        codes[column.missing] = -1
    used = np.flatnonzero(np.bincount(codes + 1, minlength=len(labels) + 1)[1:])
    places = np.full(len(labels) + 1, -1, dtype=np.intp)
    places[used] = np.arange(len(used))
    return places[codes], [labels[k] for k in used]


class _Numbering(dict[Any, int]):
    """Numbers of keys, in the order of their first use."""

    def __missing__(self, key: Any) -> int:
        self[key] = n = len(self)
        return n


def _converted(column: Column, convert: Callable[[Any], Any], accepted: str) -> list[Any]:
    """Convert each value, or each label, and missing ones to None."""
    coded = column.labels is not None
    found = []
    for place, value in enumerate(
        column.values.tolist() if column.labels is None else column.labels
    ):
        try:
            found.append(None if _is_missing(value) else convert(value))
        except (TypeError, ValueError, OverflowError) as error:
            row = int((column.values == place).argmax()) if coded else place
            raise ValueError(
                f"{column.name} must hold {accepted}, but row {row} holds {reprlib.repr(value)} "
                f"of type {type(value).__name__}"
            ) from error
    return found


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ == "NAType":  # of pandas
        return True
    return isinstance(value, _CAN_BE_NAN) and bool(value != value)


def _kind_of(one: type) -> str | None:
    if one.__name__ == "Interval":  # of pandas.cut
        return "categories"
    return next((kind for kind, types in _TYPES.items() if issubclass(one, types)), None)


def _number(value: Any) -> float:
    kind = _kind_of(type(value))
    if kind == "durations":
        return float(days(np.array([value], dtype="m8[us]"))[0])
    if kind not in ("numbers", "categories"):
        raise TypeError
    return checks.as_float(value)


def _naive(value: Any) -> Any:
    """Return a date without a time zone."""
    if _kind_of(type(value)) != "dates":
        raise TypeError
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _label(value: Any) -> Label:
    kind = _kind_of(type(value))
    if kind == "categories":
        return str(value)
    if kind == "dates":
        return float(days(np.array([_naive(value)], dtype="M8[us]"))[0])
    if kind is None:
        raise TypeError
    number = _number(value)
    if math.isinf(number):
        raise ValueError
    if isinstance(value, Integral | np.bool_) and kind == "numbers":
        return int(value)
    return int(number) if number.is_integer() else number
