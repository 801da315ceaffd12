"""Joining: rows of several tables as one table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.tabular import columns
from pynn.tabular.columns import Column
from pynn.tabular.reading import Table

Array = NDArray[Any]

_OF_ONE_KIND = ("biuf", "M", "m")  # kinds of dtypes that NumPy joins without loss of meaning


class Gathered:
    """Rows that are collected from tables with the same columns."""

    def __init__(self) -> None:
        self._names: list[str] | None = None
        self._pieces: list[list[Column]] = []  # of each column

    def add(self, table: Table, some: NDArray[np.intp]) -> None:
        """Add copies of some rows of a table."""
        self._names = table.names
        self._pieces = self._pieces or [[] for _ in range(table.shape[1])]
        for j, pieces in enumerate(self._pieces):
            if len(some):
                pieces.append(_taken(table.column(j), some))

    def table(self) -> Table:
        """Return all rows as a table."""
        all_columns = [joined(pieces) for pieces in self._pieces]
        shape = len(all_columns[0].values), len(all_columns)

        def unpack(j: int) -> tuple[Any, ...]:
            return all_columns[j].values, all_columns[j].missing, all_columns[j].labels

        return Table(self._names, shape, unpack)


def joined(pieces: Sequence[Column]) -> Column:
    """Return one column with the values of several, at least one.

    Labels that several pieces have become one. If one piece has labels or objects and another one
    not, all become objects.
    """
    first, kinds = pieces[0], {piece.values.dtype.kind for piece in pieces}
    with_labels = sum(piece.labels is not None for piece in pieces)
    if with_labels == len(pieces):
        return _of_labels(pieces)
    if not with_labels and any(kinds <= {*some} for some in _OF_ONE_KIND):
        values = np.concatenate(_in_one_unit([piece.values for piece in pieces]))
        if all(piece.missing is None for piece in pieces):
            return Column(first.name, values)
        missing = [_missing(piece) for piece in pieces]
        return Column(first.name, values, np.concatenate(missing))
    return Column(first.name, np.concatenate([_objects(piece) for piece in pieces]))


def joined_weights(pieces: Sequence[Array | None], lengths: Sequence[int]) -> Array | None:
    """Return one array of weights, 1 for rows without them; None if no rows have weights."""
    if all(piece is None for piece in pieces):
        return None
    filled = zip(pieces, lengths, strict=True)
    return np.concatenate([np.ones(n) if piece is None else piece for piece, n in filled])


def _taken(column: Column, some: NDArray[np.intp]) -> Column:
    """Return some values, with the labels that these have."""
    values, labels = column.values[some], column.labels
    missing = None if column.missing is None else column.missing[some]
    if labels is not None:
        used, places = np.unique(values, return_inverse=True)
        n_missing = int((used < 0).sum())
        values = np.maximum(places - n_missing, -1)
        labels = [labels[code] for code in used[n_missing:]]
    return Column(column.name, values, missing, labels)


def _of_labels(pieces: Sequence[Column]) -> Column:
    places: dict[Any, int] = {}
    values = []
    for piece in pieces:
        codes = [places.setdefault(label, len(places)) for label in piece.labels or ()]
        codes_of_rows = np.array([*codes, -1], dtype=np.intp)[piece.values]
        codes_of_rows[_missing(piece)] = -1
        values.append(codes_of_rows)
    return Column(pieces[0].name, np.concatenate(values), None, [*places])


def _in_one_unit(pieces: Sequence[Array]) -> Sequence[Array]:
    """Return dates in microseconds and durations in days where their units differ.

    NumPy would join them in the finest unit, in which dates far from 1970 silently overflow.
    """
    kind = pieces[0].dtype.kind
    if kind not in "Mm" or len({values.dtype for values in pieces}) == 1:
        return pieces
    return [values.astype("M8[us]") if kind == "M" else columns.days(values) for values in pieces]


def _missing(piece: Column) -> Array:
    return np.zeros(len(piece.values), bool) if piece.missing is None else piece.missing


def _objects(piece: Column) -> Array:
    """Return values as objects, missing ones as None."""
    values = piece.values
    if piece.labels is not None:
        found = np.array([*piece.labels, None], dtype=object)[values]
    else:
        if values.dtype.kind in "Mm":  # finer units would become integers
            values = values.astype(f"{values.dtype.kind}8[us]")
        found = values.astype(object)
    found[_missing(piece)] = None
    return found
