"""Data in blocks of rows, which need not fit in memory, and blocks of .npy files.

A source is an iterable that can be iterated repeatedly, once per epoch, such as a list or an object
with ``__iter__``. It yields blocks (X, y) or (X, y, sample_weight). A source may also have a method
``targets()`` that yields y of each block without reading the rest. `NpyBlocks` and
`pynn.data.parquet.ParquetBlocks` are sources that read files.
"""

from __future__ import annotations

import itertools
import math
import operator
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from pynn.checks import positive_integer
from pynn.model.atomic import naming

Array = NDArray[Any]
Path = str | os.PathLike[str]


def blocks_of(source: Iterable[Any]) -> Iterator[tuple[Any, Any, Any]]:
    """Iterate over a source once, and check its blocks.

    Parameters
    ----------
    source : iterable
        Tuples or lists (X, y) or (X, y, sample_weight) with the same number of rows, at least one.

    Yields
    ------
    X, y, sample_weight
        Parts of the block, unchanged. Without weights, sample_weight is None.

    Raises
    ------
    TypeError
        If the source cannot be iterated repeatedly, or a block is not as described.
    ValueError
        If there are no blocks, or the parts of a block are empty or differ in length.

    Examples
    --------
    >>> from pynn.data.blocks import blocks_of
    >>> source = [([[1.0], [2.0]], [0, 1]), ([[3.0]], [1], [0.5])]
    >>> for X, y, sample_weight in blocks_of(source):
    ...     print(X, y, sample_weight)
    [[1.0], [2.0]] [0, 1] None
    [[3.0]] [1] [0.5]
    """
    if not isinstance(source, Iterable):
        accepted = "an iterable of blocks (X, y) or (X, y, sample_weight)"
        raise TypeError(f"a source must be {accepted}, got {type(source).__name__}")
    blocks = iter(source)
    if blocks is source:
        raise TypeError(
            f"each epoch iterates over the source again, but this {type(source).__name__} can be "
            "iterated only once; use a list, or an object whose __iter__ opens it again"
        )
    return _checked(blocks)


def targets_of(source: Iterable[Any]) -> Iterator[Any]:
    """Iterate over y of each block of a source.

    Parameters
    ----------
    source : iterable
        Source as for `blocks_of`. If it has a method ``targets()``, only that is called.

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
    targets = getattr(source, "targets", None)
    return targets() if callable(targets) else map(operator.itemgetter(1), blocks_of(source))


def _checked(blocks: Iterator[Any]) -> Iterator[tuple[Any, Any, Any]]:
    numbers = itertools.count()
    # No reference is kept to a yielded block, so it can be freed before the next.
    yield from map(_checked_block, blocks, numbers)
    if next(numbers) == 0:
        raise ValueError("a source must yield at least one block each time, but yielded none")


def _checked_block(block: Any, number: int) -> tuple[Any, Any, Any]:
    is_sequence = isinstance(block, tuple | list)
    if not is_sequence or len(block) not in (2, 3):
        size = f" of {len(block)}" if is_sequence else ""
        raise TypeError(
            f"block {number} must be a tuple (X, y) or (X, y, sample_weight), "
            f"got {type(block).__name__}{size}"
        )
    X, y, sample_weight = (*block, None)[:3]
    parts = (X, y) if sample_weight is None else (X, y, sample_weight)
    _check_lengths(map(_length, parts), f" of block {number}")
    return X, y, sample_weight


def _length(part: Any) -> int | None:
    """Return the number of rows, or None if there are no rows."""
    try:
        # Sparse matrices have no len.
        return int(part.shape[0]) if hasattr(part, "shape") else len(part)
    except (TypeError, IndexError):
        return None


def _check_lengths(lengths: Iterable[int | None], of: str = "") -> int:
    """Return the common number of rows, or raise ValueError."""
    lengths = list(lengths)
    if not lengths[0] or len(set(lengths)) > 1:
        raise ValueError(
            f"X, y and sample_weight{of} must have the same number of rows, at least one; got "
            + ", ".join(map(str, lengths))
        )
    return lengths[0]


def rows_per_block(rows: int | None, n_columns: int, n_mb: int) -> int:
    """Return the given number, or the largest power of two up to 65536 rows and n_mb in float64."""
    if rows is not None:
        return positive_integer("rows", rows)
    most = max(1, (n_mb << 20) // (8 * max(1, n_columns)))
    return min(1 << 16, 1 << (most.bit_length() - 1))


class NpyBlocks:
    """Blocks of rows of .npy files, mapped into memory without copies.

    Each block is a new read-only memory map, whose pages are freed with the block. So
    ``fit_batches`` needs the memory of one block for files of any size. Files in Fortran order are
    not copied either, but reading their scattered rows is slower.

    Parameters
    ----------
    X : path-like or ndarray of shape (n_rows, n_features)
        An .npy file, or an array to slice. The pages of a given memory map stay in memory as long
        as the map exists.
    y : path-like or ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Targets, likewise.
    sample_weight : path-like or ndarray of shape (n_rows,), default=None
        Weights of the rows, likewise.
    rows : int, default=None
        Number of rows per block; the last block may have fewer. None: 65536, or a lower power of
        two that keeps a block within 128 MiB in float64, such as 16384 for 1000 features.

    Attributes
    ----------
    n_rows : int
        Number of rows in all blocks. ``len()`` is the number of blocks.

    Raises
    ------
    OSError
        If a file cannot be read.
    TypeError, ValueError
        If an argument is not as described.
    ValueError
        While blocks are read: if the shape or dtype of a file has changed.

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
        self.n_rows = _check_lengths(part.shape[0] for part in self._parts)
        n_columns = sum(math.prod(part.shape[1:]) for part in self._parts)
        self.rows = rows_per_block(rows, n_columns, n_mb=128)

    def __len__(self) -> int:
        return -(-self.n_rows // self.rows)

    def __iter__(self) -> Iterator[tuple[Array, ...]]:
        for start in range(0, self.n_rows, self.rows):
            yield tuple(part.read(start, start + self.rows) for part in self._parts)

    def __repr__(self) -> str:
        return f"NpyBlocks({', '.join(map(repr, self._parts))}, rows={self.rows})"


class _Rows:
    """Rows of an array, or of a file that is mapped again for each read."""

    def __init__(self, name: str, given: Path | Array, accepted: tuple[int, ...]) -> None:
        if not isinstance(given, str | os.PathLike | np.ndarray):
            raise TypeError(f"{name} must be a path or an array, got {type(given).__name__}")
        if isinstance(given, np.ma.MaskedArray):
            raise TypeError(f"{name} must not be a masked array: its mask would be lost")
        self.name, self.given = name, given
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
            with naming(path):
                return open_memmap(path, mode="r")
        except ValueError as error:
            raise ValueError(f"{path!r} is not an .npy file that can be mapped: {error}") from error

    def read(self, start: int, stop: int) -> Array:
        array = self._open()
        if (array.dtype, array.shape) != (self.dtype, self.shape):
            now = f"{array.dtype} {array.shape}"
            raise ValueError(f"{self!r} has changed: from {self.dtype} {self.shape} to {now}")
        return np.asarray(array[start:stop])

    def __repr__(self) -> str:
        if isinstance(self.given, np.ndarray):
            return f"{self.name}=<{self.dtype} array {self.shape}>"
        return f"{self.name}={os.fspath(self.given)!r}"
