"""Parts: Dask collections as lists of delayed rows, targets and weights; nothing is computed."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import dask
import dask.array as da
import numpy as np
from dask.delayed import Delayed

_ACCEPTED = (
    "a dask.dataframe, a dask.array, a list of delayed parts, or a path of Parquet files as str"
)


class Part(NamedTuple):
    """Rows of one partition, not yet computed.

    Parameters
    ----------
    X : Delayed
    y : Delayed, str or None
        Targets, or the name of their column in X.
    weights : Delayed, str or None
    n_rows : float
        NaN if unknown.
    """

    X: Any
    y: Any
    weights: Any
    n_rows: float


def is_collection(X: object) -> bool:
    """Whether rows are on a cluster, or are to be read there."""
    is_list = isinstance(X, list | tuple) and len(X) > 0 and all(isinstance(x, Delayed) for x in X)
    return is_list or isinstance(X, str | os.PathLike) or dask.is_dask_collection(X)


def parts_of(X: Any, y: Any = None, sample_weight: Any = None) -> list[Part]:
    """Split X, y and weights into delayed parts.

    Raises
    ------
    TypeError
        If an argument is not a collection, or a column of X does not hold numbers.
    ValueError
        If the parts of X, y and weights do not match, or a column is missing.
    """
    X = _table_of(X)
    if _is_frame(X):
        _check_columns(X, [name for name in (y, sample_weight) if isinstance(name, str)])
    rows, sizes = _delayed("X", X)
    given = [_of_rows("y", y, X, sizes), _of_rows("sample_weight", sample_weight, X, sizes)]
    return [
        Part(x, labels, weights, size)
        for x, labels, weights, size in zip(rows, *given, sizes, strict=True)
    ]


def _table_of(X: Any) -> Any:
    if not isinstance(X, str | os.PathLike):
        return X
    import dask.dataframe as dd

    return dd.read_parquet(os.fspath(X))


def _is_frame(X: Any) -> bool:
    return hasattr(X, "to_delayed") and hasattr(X, "columns")


def _check_columns(X: Any, others: Sequence[str]) -> None:
    """Check the columns of a table by its metadata, before any work."""
    for name in others:
        if name not in X.columns:
            found = ", ".join(map(str, X.columns))
            raise ValueError(f"X has no column {name!r}; it has {found}")
    kinds = {name: kind for name, kind in X.dtypes.items() if name not in others}
    refused = [f"{name} ({kind})" for name, kind in kinds.items() if not _is_number(kind)]
    if refused:
        raise TypeError(
            f"X must hold numbers, but not these columns: {', '.join(refused)}. Encode categories "
            "first, for example with dask.dataframe.get_dummies after X.categorize(), and make "
            "numbers of dates and times"
        )


def _is_number(kind: Any) -> bool:
    return getattr(kind, "kind", "O") in "biuf"


def _delayed(name: str, given: Any) -> tuple[list[Any], list[float]]:
    """Return the parts of a collection, and their numbers of rows, NaN if unknown."""
    if isinstance(given, da.Array):
        if given.ndim not in (1, 2):
            raise ValueError(f"{name} must have one or two dimensions, got {given.ndim}")
        whole = given.rechunk({1: -1}) if given.ndim == 2 else given
        return whole.to_delayed().ravel().tolist(), [float(n) for n in whole.chunks[0]]
    if isinstance(given, list | tuple) and given and all(isinstance(x, Delayed) for x in given):
        return list(given), [math.nan] * len(given)
    if hasattr(given, "to_delayed") and hasattr(given, "npartitions"):
        parts = given.to_delayed()
        return list(np.ravel(np.array(parts, object))), [math.nan] * len(parts)
    raise TypeError(
        f"{name} must be {_ACCEPTED}; got {type(given).__name__}. For rows in memory use "
        "pynn.MLPClassifier or pynn.MLPRegressor, or make a collection with dask.array.from_array"
    )


def _of_rows(name: str, given: Any, X: Any, sizes: list[float]) -> list[Any]:
    """Return the parts of y or weights that belong to those of X."""
    if given is None:
        return [None] * len(sizes)
    if isinstance(given, str):
        if isinstance(X, da.Array):
            raise TypeError(f"{name} is the name of a column, {given!r}, but X is a dask.array")
        return [given] * len(sizes)
    both_arrays = isinstance(given, da.Array) and isinstance(X, da.Array)
    if both_arrays and not np.isnan([*given.shape[:1], *X.shape[:1]]).any():
        if given.shape[0] != X.shape[0]:
            raise ValueError(f"{name} has {given.shape[0]} rows, but X has {X.shape[0]}")
        given = given.rechunk({0: X.chunks[0]})
    parts, _ = _delayed(name, given)
    if len(parts) != len(sizes):
        raise ValueError(
            f"{name} has {len(parts)} partitions, but X has {len(sizes)}: they must match one by "
            "one; repartition both alike"
        )
    return parts
