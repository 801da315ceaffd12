"""Tables of any library, column by column.

pandas, polars and Arrow are recognised by the module of a table's class and never imported.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pynn import checks
from pynn.tabular.columns import ACCEPTED, Array, Column

Unpack = Callable[[int], tuple[Any, ...]]

_RESHAPE = (
    "Reshape your data either using array.reshape(-1, 1) if your data has a single feature or "
    "array.reshape(1, -1) if it contains a single sample."  # in scikit-learn's words
)


@dataclass(frozen=True)
class Table:
    """A table whose columns are read one by one.

    Parameters
    ----------
    names : list of str, optional
        Names of the columns, if they are strings.
    shape : tuple (n_rows, n_columns)
    unpack : function of a column's index
        Returns the fields of `Column` after its name.
    """

    names: list[str] | None
    shape: tuple[int, int]
    unpack: Unpack

    def name(self, j: int) -> str:
        """Return the name of column j in messages."""
        return f"column {j if self.names is None else repr(self.names[j])}"

    def column(self, j: int) -> Column:
        """Read column j.

        Raises
        ------
        ValueError
            If its dtype is not supported.
        """
        column = Column(self.name(j), *self.unpack(j))
        dtype = column.values.dtype
        if dtype.kind == "c":
            raise ValueError(f"Complex data not supported: {column.name} has dtype {dtype}")
        if dtype.kind not in "biufmMO" or column.values.ndim != 1:
            hint = "; decode bytes to strings first" if dtype.kind == "S" else ""
            raise ValueError(f"{column.name} must hold {ACCEPTED}, got dtype {dtype}{hint}")
        if dtype.kind == "m" and np.datetime_data(dtype)[0] in ("Y", "M"):
            raise ValueError(
                f"{column.name} must hold durations of a fixed length, got dtype {dtype}; make "
                "numbers of months and years first"
            )
        return column


def read(X: Any) -> Table:
    """Return a table with at least one row and one column.

    Parameters
    ----------
    X : table
        A DataFrame of pandas or polars, a table of Arrow, an array of shape (n_rows, n_columns), a
        list of rows, or a sparse matrix of SciPy's, whose columns are made dense one by one; or a
        `Table`, which is returned as it is.

    Raises
    ------
    TypeError, ValueError
        If it is anything else, empty, or has two columns of the same name.
    """
    if isinstance(X, Table):
        return X
    X, library = recognised(X)
    if library == "pandas" and hasattr(X, "columns"):
        return _checked(list(X.columns), X.shape, lambda j: _of_pandas(X.iloc[:, j]))
    if library == "polars" and hasattr(X, "to_series"):
        return _checked(X.columns, X.shape, lambda j: _of_polars(X.to_series(j)))
    if library == "pyarrow" and hasattr(X, "column_names"):
        return _checked(X.column_names, X.shape, lambda j: _of_arrow(X.column(j)))
    if library == "polars" and hasattr(X, "collect"):
        raise TypeError(f"X must be a table, got a {type(X).__name__}; use collect()")
    if checks.is_sparse(X):
        return _of_sparse(X)
    array = _as_array(X)
    return _checked(None, array.shape, lambda j: (_plain(array[:, j]),))


def recognised(X: Any) -> tuple[Any, str]:
    """Return X and the name of its library, or "" for other objects.

    A table of another library that exports Arrow's streams becomes a table of Arrow, if pyarrow is
    imported.
    """
    roots = {kind.__module__.partition(".")[0] for kind in type(X).__mro__}
    library = next(iter(roots & {"pandas", "polars", "pyarrow"}), "")
    pyarrow = sys.modules.get("pyarrow")
    if not library and pyarrow is not None and hasattr(X, "__arrow_c_stream__"):
        return pyarrow.table(X), "pyarrow"
    return X, library


def _checked(names: Sequence[Any] | None, shape: tuple[int, int], unpack: Unpack) -> Table:
    for n, what in zip(shape, ("sample(s)", "feature(s)"), strict=True):
        if n == 0:
            raise ValueError(
                f"Found array with 0 {what} (shape={shape}) while a minimum of 1 is required."
            )
    if names is None:
        return Table(None, shape, unpack)
    if len({*names}) < len(names):
        repeated = [name for name, n in Counter(names).items() if n > 1]
        raise ValueError(f"columns must have different names; repeated: {checks.listed(repeated)}")
    n_strings = sum(isinstance(name, str) for name in names)
    if n_strings not in (0, len(names)):
        raise TypeError(f"names of columns must be all strings or none, got {checks.listed(names)}")
    return Table([str(name) for name in names] if n_strings else None, shape, unpack)


def _as_array(X: Any) -> Array:
    """Return an array of two dimensions."""
    if isinstance(X, np.ma.MaskedArray):
        raise TypeError("X must not be a masked array: its mask would be lost; use filled()")
    try:
        array = np.asarray(X)
        if isinstance(X, list | tuple) and array.dtype.kind not in "biufc":
            array = np.array(X, dtype=object)  # NumPy made strings of numbers next to strings
    except ValueError as error:
        raise ValueError(f"X must be a table with rows of one length: {error}") from error
    if array.dtype.kind == "V":
        raise ValueError(
            f"X must be an array of shape (n_rows, n_columns), not a structured array {array.dtype}"
        )
    if array.ndim == 0:
        raise ValueError(
            f"Expected 2D array, got a scalar of type {type(X).__name__} instead. {_RESHAPE}"
        )
    if array.ndim != 2:
        raise ValueError(f"Expected 2D array, got {array.ndim}D array instead. {_RESHAPE}")
    return array


def _of_sparse(X: Any) -> Table:
    if len(X.shape) != 2:
        raise ValueError(f"Expected 2D array, got {len(X.shape)}D array instead. {_RESHAPE}")
    columns = checks.sound("X", X).tocsc(copy=True)
    columns.sum_duplicates()

    def unpack(j: int) -> tuple[Any, ...]:
        entries = slice(columns.indptr[j], columns.indptr[j + 1])
        values = np.zeros(X.shape[0], dtype=columns.dtype)
        values[columns.indices[entries]] = columns.data[entries]
        return (values,)

    return _checked(None, X.shape, unpack)


def _plain(values: Array) -> Array:
    return values.astype(object) if values.dtype.kind in "UT" else values


def _objects(values: Sequence[Any]) -> Array:
    return np.fromiter(values, dtype=object, count=len(values))


def _of_pandas(column: Any) -> tuple[Any, ...]:
    dtype = column.dtype
    if isinstance(dtype, np.dtype):
        return (_plain(column.to_numpy()),)
    if hasattr(column, "cat"):
        return column.cat.codes.to_numpy(), None, column.cat.categories.tolist()
    if hasattr(dtype, "pyarrow_dtype"):
        return _of_arrow(column.array.__arrow_array__())
    if hasattr(column, "sparse"):
        return (_plain(column.sparse.to_dense().to_numpy()),)
    if hasattr(dtype, "tz"):
        return (column.dt.tz_convert(None).to_numpy(),)  # in UTC
    if dtype.kind in "biuf":
        values = column.to_numpy(dtype=dtype.numpy_dtype, na_value=0)
        return values, column.isna().to_numpy()
    codes, labels = column.factorize()
    return codes, None, labels.tolist()


def _of_polars(column: Any) -> tuple[Any, ...]:
    polars, dtype = sys.modules["polars"], column.dtype
    if dtype.is_temporal():
        return (column.to_numpy(),)  # in UTC
    if dtype in (polars.Categorical, polars.Enum):
        # Codes are those of all columns that share the categories, and may be far apart.
        physical = column.to_physical().cast(polars.Int64).fill_null(-1)
        codes, first = physical.to_numpy() + 1, physical.arg_unique().to_numpy()
        places = np.zeros(int(codes.max()) + 1, dtype=np.intp)
        places[codes[first]] = np.arange(len(first))
        return places[codes], None, column.gather(first).to_list()
    is_boolean = dtype == polars.Boolean
    if is_boolean or dtype.is_float() or (dtype.is_integer() and "128" not in str(dtype)):
        if not column.null_count():
            return (column.to_numpy(),)
        zero = False if is_boolean else 0
        return column.fill_null(zero).to_numpy(), column.is_null().to_numpy()
    return (_objects(column.to_list()),)


def _of_arrow(column: Any) -> tuple[Any, ...]:
    types = sys.modules["pyarrow"].types
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    kind = column.type
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        column = column.dictionary_encode()
    if types.is_dictionary(column.type):
        codes = column.indices.fill_null(0).to_numpy(zero_copy_only=False)
        missing = column.indices.is_null().to_numpy(zero_copy_only=False)
        return codes, missing, column.dictionary.to_pylist()
    if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
        missing = column.is_null().to_numpy(zero_copy_only=False) if column.null_count else None
        if column.null_count:
            column = column.fill_null(False if types.is_boolean(kind) else 0)
        return column.to_numpy(zero_copy_only=False), missing
    if types.is_timestamp(kind) or types.is_date(kind) or types.is_duration(kind):
        return (column.to_numpy(zero_copy_only=False),)
    return (_objects(column.to_pylist()),)
