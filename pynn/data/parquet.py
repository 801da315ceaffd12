"""Blocks of rows of Parquet files, read through pyarrow."""

from __future__ import annotations

import operator
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from pynn.data.blocks import Array, Path, rows_per_block
from pynn.model.atomic import naming


class ParquetBlocks:
    """Blocks of rows of Parquet files, read through pyarrow (``pip install pyarrow``).

    X of a block is a `pyarrow.Table`. scikit-learn takes feature names from it and converts it to
    float64; ``np.asarray`` makes a float32 array of it if all features are float32. Apart from the
    block, only a page and the dictionary of each column are in memory. Smaller ``rows`` and an
    estimator's ``dtype="float32"`` reduce the memory for many columns.

    Parameters
    ----------
    path : path-like or list of path-like
        Files, read one after the other. The columns in use must have the same types in all files.
    target : str or list of str
        Name of the column of targets: numbers, booleans or text, also dictionary-encoded. y is a
        vector (n_rows,); text becomes NumPy's str. A list gives columns (n_rows, n_outputs) of
        numbers or booleans.
    features : list of str, default=None
        Names of the columns of X: numbers or booleans. None: all columns but those of the other
        arguments, in the order of the first file.
    sample_weight : str, default=None
        Name of the column of weights of the rows: numbers.
    rows : int, default=None
        Maximum number of rows per block; blocks may be shorter where a row group ends. None: 65536,
        or a lower power of two that keeps a block within 16 MiB in float64, such as 2048 for 1000
        columns or 16384 for 100.

    Attributes
    ----------
    n_rows : int
        Number of rows in all files.
    feature_names : list of str
        Names of the columns of X.

    Raises
    ------
    ImportError
        If pyarrow is not installed.
    OSError
        If a file cannot be read.
    TypeError, ValueError
        If an argument is not as described.
    ValueError
        While blocks are read: if a column in use holds nulls.

    Examples
    --------
    >>> import pathlib, pyarrow.parquet, pynn, tempfile
    >>> houses = pyarrow.table({"rooms": [3, 4], "age": [9.5, 2.0], "price": [120, 250]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "houses.parquet")
    ...     pyarrow.parquet.write_table(houses, path)
    ...     for X, y in pynn.ParquetBlocks(path, target="price"):
    ...         print(X.column_names, y)
    ['rooms', 'age'] [120 250]
    """

    def __init__(
        self,
        path: Path | list[Path] | tuple[Path, ...],
        target: str | Sequence[str],
        features: Sequence[str] | None = None,
        sample_weight: str | None = None,
        rows: int | None = None,
    ) -> None:
        paths = path if isinstance(path, list | tuple) else [path]
        if not all(isinstance(one, str | os.PathLike) for one in paths):
            raise TypeError(f"path must be path-like, or a list of path-like, got {path!r}")
        if not paths:
            raise ValueError("path must name at least one file, got none")
        self.paths = [os.fspath(one) for one in paths]
        self.target, self._is_vector = target, isinstance(target, str)
        self._targets = _names("target", [target] if isinstance(target, str) else target)
        self._weights = [] if sample_weight is None else _names("sample_weight", [sample_weight])
        others = [*self._targets, *self._weights]
        schemas, self.n_rows = [], 0
        for one in self.paths:
            with _parquet_file(one) as file:
                schemas.append(file.schema_arrow)
                self.n_rows += file.metadata.num_rows
        if self.n_rows == 0:
            raise ValueError(f"there must be at least one row, but {self.paths} have none")
        if features is None:
            features = [name for name in schemas[0].names if name not in others]
        self.feature_names = _names("features", features)
        self._columns = _names("columns", [*self.feature_names, *others])
        self.rows = rows_per_block(rows, len(self._columns), n_mb=16)
        for one, schema in zip(self.paths, schemas, strict=True):
            self._check(one, schema, schemas[0])

    def _check(self, path: str, schema: Any, first: Any) -> None:
        """Raise an error if columns of a file are missing or of other types."""
        for name in self._columns:
            if len(schema.get_all_field_indices(name)) != 1:
                found = ", ".join(schema.names)
                raise ValueError(f"{path!r} must have one column {name!r}; it has {found}")
            kind, expected = schema.field(name).type, first.field(name).type
            may_be_text = self._is_vector and name in self._targets
            if not _is_accepted(kind, may_be_text):
                accepted = "numbers, booleans or text" if may_be_text else "numbers or booleans"
                raise TypeError(f"column {name!r} of {path!r} must hold {accepted}, got {kind}")
            if kind != expected:
                found = f"{kind}, but {expected} in {self.paths[0]!r}"
                raise ValueError(f"column {name!r} of {path!r} holds {found}")

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return map(self._block, self._read(self._columns))

    def targets(self) -> Iterator[Array]:
        """Iterate over y of each block without reading other columns.

        Returns
        -------
        iterator of ndarray of shape (n_rows,) or (n_rows, n_outputs)

        Raises
        ------
        ValueError
            If a column of targets holds nulls.
        """
        return map(self._y, self._read(self._targets))

    def _read(self, names: list[str]) -> Iterator[dict[str, Any]]:
        for path in self.paths:
            with _parquet_file(path) as file:
                batches = file.iter_batches(self.rows, columns=names, use_threads=False)
                whole = iter(partial(_next, path, batches), None)
                filled = filter(operator.attrgetter("num_rows"), whole)
                # No reference is kept to yielded columns, so they can be freed before the next.
                yield from map(partial(_columns_of, path, names), filled)

    def _block(self, columns: dict[str, Any]) -> tuple[Any, ...]:
        import pyarrow

        X = pyarrow.table({name: columns[name] for name in self.feature_names})
        return X, self._y(columns), *(_array(columns[name]) for name in self._weights)

    def _y(self, columns: dict[str, Any]) -> Array:
        targets = [_array(columns[name]) for name in self._targets]
        return targets[0] if self._is_vector else np.column_stack(targets)

    def __repr__(self) -> str:
        weights = f", sample_weight={self._weights[0]!r}" if self._weights else ""
        return (
            f"ParquetBlocks({', '.join(map(repr, self.paths))}, target={self.target!r}, "
            f"features={self.feature_names!r}{weights}, rows={self.rows})"
        )


def _parquet_file(path: str) -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError("ParquetBlocks needs pyarrow: pip install pyarrow") from error
    with _reading(path):
        # By default pyarrow reads all row groups ahead and keeps them; the buffer is per column.
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 14)


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Let what pyarrow raises name the file: ValueError, or OSError if the system cannot read."""
    try:
        with naming(path):
            yield
    except (OSError, ValueError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{path!r} is damaged or not a Parquet file: {error}") from error


def _next(path: str, batches: Iterator[Any]) -> Any:
    """Return the next batch, None after the last."""
    with _reading(path):
        return next(batches, None)


def _columns_of(path: str, names: list[str], batch: Any) -> dict[str, Any]:
    """Return the columns of a batch without dictionaries; raise ValueError if they hold nulls."""
    columns = {}
    for name in names:
        column = batch.column(name)
        if hasattr(column, "dictionary_decode"):
            column = column.dictionary_decode()
        if column.null_count:
            found = f"{column.null_count} of them among {len(column)} rows"
            raise ValueError(f"column {name!r} of {path!r} must not hold nulls, got {found}")
        columns[name] = column
    return columns


def _names(what: str, names: Iterable[str]) -> list[str]:
    """Return unique names of columns as a list."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"{what} must be a list of names of columns, got {names!r}")
    names = list(names)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{what} must be names of columns, got {name!r}")
    if not names:
        raise ValueError(f"{what} must name at least one column")
    ((name, n),) = Counter(names).most_common(1)
    if n > 1:
        raise ValueError(f"{what}: column {name!r} must not be named twice")
    return names


def _is_accepted(kind: Any, may_be_text: bool) -> bool:
    """Whether columns of an Arrow type hold numbers, booleans or, if allowed, text."""
    from pyarrow import types

    accepted = [types.is_integer, types.is_floating, types.is_boolean]
    if may_be_text:
        accepted += [types.is_string, types.is_large_string, types.is_string_view]
        kind = kind.value_type if types.is_dictionary(kind) else kind
    return any(is_one(kind) for is_one in accepted)


def _array(column: Any) -> Array:
    """Return a column of numbers, or of text as NumPy's str."""
    array: Array = column.to_numpy(zero_copy_only=False)
    return array.astype(str) if array.dtype == object else array
