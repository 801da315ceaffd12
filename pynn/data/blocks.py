"""Data that come in blocks of rows, so that they need not fit the memory.

A source is anything that can be gone through again and again, once each epoch, and each time gives
blocks (X, y) or (X, y, sample_weight): a list, or an object with ``__iter__``. `NpyBlocks` and
`ParquetBlocks` are sources that read files.
"""

from __future__ import annotations

import itertools
import operator
import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from pynn.checks import positive_integer

__all__ = ["NpyBlocks", "ParquetBlocks", "blocks_of", "targets_of"]

Array = NDArray[Any]
Path = str | os.PathLike[str]
# Of a block, unless it is said: at most so many rows, and MB if each number were a float64. From
# Parquet it is copied twice, and pyarrow holds some 0.1 MB more for each column.
_ROWS, _MB_MAPPED, _MB_DECODED = 1 << 16, 128, 16
_BUFFER = 1 << 14  # bytes that are read ahead from each column of a Parquet file


def blocks_of(source: Iterable[Any]) -> Iterator[tuple[Any, Any, Any]]:
    """Go through a source once, and check its blocks.

    Parameters
    ----------
    source : iterable
        Of tuples or lists (X, y) or (X, y, sample_weight) of equally many rows, at least one.

    Yields
    ------
    X, y, sample_weight
        As they are in the block; without weights None.

    Raises
    ------
    TypeError
        If the source can be gone through only once or not at all, or a block is something else.
    ValueError
        If there is no block, or one has no rows, or not as many of each.

    Examples
    --------
    >>> from pynn.data.blocks import blocks_of
    >>> source = [([[1.0], [2.0]], [0, 1]), ([[3.0]], [1], [0.5])]
    >>> for X, y, sample_weight in blocks_of(source):
    ...     print(X, y, sample_weight)
    [[1.0], [2.0]] [0, 1] None
    [[3.0]] [1] [0.5]
    """
    try:
        blocks = iter(source)
    except TypeError:
        raise TypeError(
            "a source must be an iterable of blocks (X, y) or (X, y, sample_weight), "
            f"got {type(source).__name__}"
        ) from None
    if blocks is source:
        raise TypeError(
            f"a source must begin anew in each epoch, but this {type(source).__name__} can be gone "
            "through only once; use a list, or an object whose __iter__ opens it again"
        )
    return _checked(blocks)


def targets_of(source: Iterable[Any]) -> Iterator[Any]:
    """Go through y of each block of a source; of Parquet files no other columns are read.

    Parameters
    ----------
    source : iterable
        As `blocks_of` takes it.

    Yields
    ------
    y

    Raises
    ------
    TypeError, ValueError
        As for `blocks_of`.

    Examples
    --------
    >>> from pynn.data.blocks import targets_of
    >>> list(targets_of([([[1.0], [2.0]], [0, 1]), ([[3.0]], [1])]))
    [[0, 1], [1]]
    """
    if isinstance(source, ParquetBlocks):
        return source.targets()
    return map(operator.itemgetter(1), blocks_of(source))


def _checked(blocks: Iterator[Any]) -> Iterator[tuple[Any, Any, Any]]:
    numbers = itertools.count()
    # Neither these nor a source here hold a block that is worked on: what is done with is freed.
    yield from map(_checked_block, blocks, numbers)
    if next(numbers) == 0:
        raise ValueError("a source must give at least one block each time, but this one gave none")


def _checked_block(block: Any, number: int) -> tuple[Any, Any, Any]:
    if not isinstance(block, tuple | list) or len(block) not in (2, 3):
        size = f" of {len(block)}" if isinstance(block, tuple | list) else ""
        raise TypeError(
            f"block {number} must be a tuple (X, y) or (X, y, sample_weight), "
            f"got {type(block).__name__}{size}"
        )
    X, y, sample_weight = (*block, None)[:3]
    lengths = [_length(part) for part in (X, y, sample_weight) if part is not None]
    if None in lengths or len(set(lengths)) > 1 or not all(lengths):
        raise ValueError(
            f"X, y and sample_weight of block {number} must have the same number of rows, at "
            f"least one; got {', '.join(map(str, lengths))}"
        )
    return X, y, sample_weight


def _length(part: Any) -> int | None:
    """Return the number of rows, or None where there is none."""
    shape = getattr(part, "shape", None)
    if shape is not None:  # sparse matrices have no len
        return int(shape[0]) if len(shape) else None
    return len(part) if isinstance(part, Sized) else None


def _rows_of_a_block(wanted: int | None, n_columns: int, n_mb: int) -> int:
    """Return what is wanted, or a power of two, as sizes of mini-batches often are."""
    if wanted is not None:
        return positive_integer("rows", wanted)
    within = max(1, (n_mb << 20) // (8 * max(1, n_columns)))
    return min(_ROWS, 1 << (within.bit_length() - 1))


# ---- .npy files ----------------------------------------------------------------------------------


class NpyBlocks:
    """Blocks of rows of .npy files, which are mapped into the memory and never copied.

    Each block is mapped anew and only to read. When it is forgotten, its pages are given back, so
    with ``fit_batches`` a file of any size takes the memory of one block. Files in Fortran order
    are not copied either: a block of them takes as much memory, but as its rows lie scattered,
    going through them is slower.

    Parameters
    ----------
    X : path-like or ndarray of shape (n_rows, n_features)
        An .npy file. An array is sliced; if it is a memory map, its pages stay as long as it does.
    y : path-like or ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Likewise.
    sample_weight : path-like or ndarray of shape (n_rows,), default=None
        Likewise.
    rows : int, default=None
        Of a block; the last may have fewer. None: 65536, or a lower power of two, so that they are
        at most 128 MiB in float64: 16384 of 1000 features.

    Attributes
    ----------
    n_rows : int
        Of all blocks together. ``len()`` is the number of blocks.

    Raises
    ------
    OSError
        If a file cannot be read.
    TypeError, ValueError
        If an argument is not as described.
    ValueError
        While blocks are read: if a file has another shape or dtype than at first.

    Examples
    --------
    >>> import numpy as np, pynn
    >>> source = pynn.NpyBlocks(np.ones((5, 3)), np.arange(5), rows=2)
    >>> [y.tolist() for X, y in source]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        X: Path | Array,
        y: Path | Array,
        sample_weight: Path | Array | None = None,
        rows: int | None = None,
    ) -> None:
        self._parts = [_Rows("X", X, (2,)), _Rows("y", y, (1, 2))]
        if sample_weight is not None:
            self._parts.append(_Rows("sample_weight", sample_weight, (1,)))
        lengths = [part.shape[0] for part in self._parts]
        if len(set(lengths)) > 1 or not all(lengths):
            raise ValueError(
                "X, y and sample_weight must have the same number of rows, at least one; got "
                + ", ".join(map(str, lengths))
            )
        self.n_rows: int = lengths[0]
        n_columns = sum(size for part in self._parts for size in (*part.shape[1:], 1)[:1])
        self.rows = _rows_of_a_block(rows, n_columns, _MB_MAPPED)

    def __len__(self) -> int:
        return -(-self.n_rows // self.rows)

    def __iter__(self) -> Iterator[tuple[Array, ...]]:
        for start in range(0, self.n_rows, self.rows):
            yield tuple(part.read(start, start + self.rows) for part in self._parts)

    def __repr__(self) -> str:
        return f"NpyBlocks({', '.join(map(repr, self._parts))}, rows={self.rows})"


class _Rows:
    """Rows of an array, or of a file that is mapped whenever some of them are wanted."""

    def __init__(self, name: str, given: Path | Array, accepted: tuple[int, ...]) -> None:
        self.name, self.given = name, given
        if not isinstance(given, str | os.PathLike | np.ndarray):
            raise TypeError(f"{name} must be a path or an array, got {type(given).__name__}")
        if isinstance(given, np.ma.MaskedArray):
            raise TypeError(f"{name} must not be a masked array: its mask would be lost")
        array = self._open()
        if array.ndim not in accepted:
            dimensions = " or ".join(map(str, accepted))
            raise ValueError(f"{name} must have {dimensions} dimensions, got shape {array.shape}")
        self.shape, self.dtype = array.shape, array.dtype

    def _open(self) -> Array:
        if isinstance(self.given, np.ndarray):
            return self.given
        path = os.fspath(self.given)
        try:
            return open_memmap(path, mode="r")
        except ValueError as error:
            raise ValueError(f"{path!r} is no .npy file that can be mapped: {error}") from error

    def read(self, start: int, stop: int) -> Array:
        array = self._open()
        if array.shape != self.shape or array.dtype != self.dtype:
            raise ValueError(
                f"{self!r} has changed: from {self.dtype} {self.shape} to {array.dtype} "
                f"{array.shape}"
            )
        return np.asarray(array[start:stop])

    def __repr__(self) -> str:
        if isinstance(self.given, np.ndarray):
            return f"{self.name}=<{self.dtype} array {self.shape}>"
        return f"{self.name}={os.fspath(self.given)!r}"


# ---- Parquet files -------------------------------------------------------------------------------


class ParquetBlocks:
    """Blocks of rows of Parquet files, read through pyarrow (``pynn-learn[parquet]``).

    X of a block is a `pyarrow.Table`, from which scikit-learn takes the names of the features, and
    which ``np.asarray`` makes an array of: float32 where all features are, while scikit-learn makes
    it float64. Of each file no more is held than what a block is decoded from: a page of each
    column and its dictionary. Of many columns, fewer ``rows`` and an estimator's
    ``dtype="float32"`` take less memory.

    Parameters
    ----------
    path : path-like or list of them
        Read one after the other. The columns in use must have the same types in all.
    target : str or list of str
        Name of the column that y is: numbers, booleans or text, also as a dictionary. y is a vector
        (n_rows,), of text one of NumPy's str. A list makes columns of it, (n_rows, n_outputs), and
        then they must be numbers or booleans.
    features : list of str, default=None
        Names of the columns of X, of numbers or booleans. None: all but those of the other
        arguments, in the first file's order.
    sample_weight : str, default=None
        Name of the column of the rows' weights: numbers.
    rows : int, default=None
        Of a block, at the most: where a group of rows ends in a file, there may be fewer. None:
        65536, or a lower power of two, so that they are at most 16 MiB in float64: 2048 of 1000
        columns, 16384 of 100.

    Attributes
    ----------
    n_rows : int
        Of all files together.
    feature_names : list of str
        The columns of X.

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
            raise TypeError(f"path must be path-like, or a list of what is, got {path!r}")
        if not paths:
            raise ValueError("path must be one or several, got none")
        self.paths = [os.fspath(one) for one in paths]
        self.target = target if isinstance(target, str) else _names("target", target)
        self._targets: list[str] = [self.target] if isinstance(self.target, str) else self.target
        self._weights = [] if sample_weight is None else _names("sample_weight", [sample_weight])
        schemas = []
        self.n_rows = 0
        for one in self.paths:
            with _parquet_file(one) as file:
                schemas.append(file.schema_arrow)
                self.n_rows += file.metadata.num_rows
        if self.n_rows == 0:
            raise ValueError(f"there must be at least one row, but there is none in {self.paths}")
        others = {*self._targets, *self._weights}
        all_others = [name for name in schemas[0].names if name not in others]
        self.feature_names = _names("features", all_others if features is None else features)
        self._columns = _names("columns", [*self.feature_names, *self._targets, *self._weights])
        self.rows = _rows_of_a_block(rows, len(self._columns), _MB_DECODED)
        for one, schema in zip(self.paths, schemas, strict=True):
            self._check(one, schema, schemas[0])

    def _check(self, path: str, schema: Any, first: Any) -> None:
        """Refuse a file whose columns are missing or of other types."""
        for name in self._columns:
            if len(schema.get_all_field_indices(name)) != 1:
                raise ValueError(
                    f"{path!r} must have one column {name!r}; it has {', '.join(schema.names)}"
                )
            kind = schema.field(name).type
            may_be_text = [name] == self._targets and isinstance(self.target, str)
            if not (_is_number(kind) or (may_be_text and _is_text(kind))):
                accepted = "numbers, booleans or text" if may_be_text else "numbers or booleans"
                raise TypeError(f"column {name!r} of {path!r} must hold {accepted}, got {kind}")
            if kind != first.field(name).type:
                raise ValueError(
                    f"column {name!r} of {path!r} holds {kind}, but {first.field(name).type} in "
                    f"{self.paths[0]!r}"
                )

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._read(self._columns, self._block)

    def targets(self) -> Iterator[Array]:
        """Go through y of each block; no other columns are read.

        Returns
        -------
        iterator of ndarray of shape (n_rows,) or (n_rows, n_outputs)

        Raises
        ------
        ValueError
            If a column of targets holds nulls.
        """
        return self._read(self._targets, self._y)

    def _read(self, names: list[str], take: Callable[[dict[str, Any]], Any]) -> Iterator[Any]:
        for path in self.paths:
            with _parquet_file(path) as file:
                batches = file.iter_batches(self.rows, columns=names, use_threads=False)
                filled = filter(operator.attrgetter("num_rows"), batches)
                yield from map(take, map(partial(_columns_of, path, names), filled))

    def _block(self, columns: dict[str, Any]) -> tuple[Any, ...]:
        import pyarrow

        X = pyarrow.table({name: columns[name] for name in self.feature_names})
        return X, self._y(columns), *(_array(columns[name]) for name in self._weights)

    def _y(self, columns: dict[str, Any]) -> Array:
        targets = [_array(columns[name]) for name in self._targets]
        return targets[0] if isinstance(self.target, str) else np.column_stack(targets)

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
        raise ImportError(
            "ParquetBlocks needs pyarrow: pip install 'pynn-learn[parquet]'"
        ) from error
    try:
        # By its defaults pyarrow reads all groups of rows ahead, and keeps them to the end.
        return pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
    except ValueError as error:
        raise ValueError(f"{path!r} is no Parquet file, or damaged: {error}") from error


def _columns_of(path: str, names: list[str], batch: Any) -> dict[str, Any]:
    columns = {name: _dense(batch.column(name)) for name in names}
    for name, column in columns.items():
        if column.null_count:
            raise ValueError(
                f"column {name!r} of {path!r} must not hold nulls, got {column.null_count} of "
                f"them among {len(column)} rows"
            )
    return columns


def _names(what: str, names: Iterable[str]) -> list[str]:
    """Return names of columns as a list, none of them twice."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"{what} must be a list of names of columns, got {names!r}")
    names = list(names)
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{what} must be names of columns, got {name!r}")
        if name in seen:
            raise ValueError(f"{what}: column {name!r} must not be named twice")
        seen.add(name)
    if not names:
        raise ValueError(f"{what} must name at least one column")
    return names


def _is_number(kind: Any) -> bool:
    from pyarrow import types

    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind))


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_text(kind.value_type) or _is_number(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _dense(column: Any) -> Any:
    """Return a column without its dictionary, if it has one."""
    return column.dictionary_decode() if hasattr(column, "dictionary_decode") else column


def _array(column: Any) -> Array:
    """Return a column as numbers, or as NumPy's str."""
    array: Array = column.to_numpy(zero_copy_only=False)
    return array.astype(str) if array.dtype == object else array
