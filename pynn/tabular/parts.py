"""Parts: some rows of a table, as a table of the same library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.tabular import reading
from pynn.tabular.joining import Gathered

__all__ = ["in_blocks", "take"]


def take(X: Any, some: slice | NDArray[np.intp]) -> Any:
    """Return some rows of a table.

    Parameters
    ----------
    X : table
        Of any kind that `reading.read` accepts.
    some : slice or ndarray of int
        With a step of 1, or the numbers of the rows.
    """
    if isinstance(X, reading.Table):
        gathered = Gathered()
        gathered.add(X, np.arange(X.shape[0])[some])
        return gathered.table()
    X, library = reading.recognised(X)
    if library == "pandas":
        return X.iloc[some]
    if library == "pyarrow" and not isinstance(some, slice):
        return X.take(some)
    if library == "pyarrow":
        start, stop, _ = some.indices(len(X))  # type: ignore[union-attr]
        return X.slice(start, stop - start)
    if library == "polars":
        return X[some]
    if checks.is_sparse(X):
        return checks.sound("X", X).tocsr()[some]
    if isinstance(X, list | tuple):
        return X[some] if isinstance(some, slice) else [X[i] for i in some]
    return np.asarray(X)[some]


def in_blocks(X: Any, n_rows: int) -> Iterator[Any]:
    """Yield a table in blocks of `n_rows` rows, the last one with the remaining rows.

    Small tables, and tables of unknown length, are yielded whole.
    """
    shape = getattr(X, "shape", None)
    n = shape[0] if shape else len(X) if isinstance(X, list | tuple) else 0
    if n <= n_rows:
        yield X
        return
    for start in range(0, n, n_rows):
        yield take(X, slice(start, start + n_rows))
