"""Parquet and Feather files, read by pyarrow."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from pynn.commands.csv_files import check_different
from pynn.commands.kinds import Convention
from pynn.tabular.columns import Column, dates, numbers
from pynn.tabular.columns import kind as kind_of
from pynn.tabular.features import Feature
from pynn.tabular.reading import Table, read

__all__ = ["ArrowSource", "opened"]

_ROWS = 65536  # of a batch, in training


def opened(path: str, is_parquet: bool) -> ArrowSource:
    """Open a Parquet or Feather file.

    Raises
    ------
    ImportError
        If pyarrow is missing.
    ValueError
        If the file is damaged, or columns have the same name.
    """
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(f"{path} needs pyarrow: pip install pyarrow") from error
    with _reading(path):
        if is_parquet:
            # By default pyarrow reads all row groups ahead and keeps them.
            file = pyarrow.parquet.ParquetFile(path, pre_buffer=False)
            names, batches = file.schema_arrow.names, file.iter_batches
        else:
            feather = pyarrow.ipc.open_file(pyarrow.memory_map(path))
            names, batches = feather.schema.names, partial(_feather_batches, feather)
    return ArrowSource(path, names, batches)


def _feather_batches(file: Any, n_rows: int, columns: Sequence[str] | None = None) -> Iterator[Any]:
    for k in range(file.num_record_batches):
        batch = file.get_batch(k)
        batch = batch if columns is None else batch.select(columns)
        for start in range(0, batch.num_rows, n_rows):
            yield batch.slice(start, n_rows)


class ArrowSource:
    """A table in a Parquet or Feather file.

    Parameters
    ----------
    name : str
        Path of the file.
    names : list of str
    batches : function
        Called with a number of rows and names of columns; yields batches.
    """

    def __init__(self, name: str, names: list[str], batches: Any) -> None:
        self.name, self.names, self._batches = name, names, batches
        check_different(name, self.names)

    def columns(
        self, convention: Convention, categorical: Collection[str], dropped: Collection[str]
    ) -> list[Column]:
        """Read all rows of the columns that are not dropped, for training."""
        import pyarrow

        wanted = [name for name in self.names if name not in dropped]
        with _reading(self.name):
            batches = list(self._batches(_ROWS, columns=wanted))
            if not any(batch.num_rows for batch in batches):
                return [Column(name, np.zeros(0)) for name in wanted]
            found = read(pyarrow.Table.from_batches(batches))
            columns = [found.column(j) for j in range(len(wanted))]
        for column in columns:
            _check(self.name, column)
        return [replace(column, name=name) for column, name in zip(columns, wanted, strict=True)]

    def blocks(
        self,
        features: Mapping[str, Feature],
        copied: Sequence[str],
        convention: Convention,
        n_rows: int,
    ) -> Iterator[tuple[Table, dict[str, list[Any]]]]:
        """Yield blocks of rows, for a model that has learned these features."""
        import pyarrow

        wanted = [*features, *(name for name in copied if name not in features)]
        batches = iter(self._batches(n_rows, columns=wanted))
        while True:
            with _reading(self.name):
                batch = next(batches, None)
            if batch is None:
                return
            if batch.num_rows:
                table = pyarrow.Table.from_batches([batch])
                copies = {name: table[name].to_pylist() for name in copied}
                yield read(table.select([*features])), copies


def _check(path: str, column: Column) -> None:
    """Raise a ValueError if values cannot be used; a later error would count other rows."""
    try:
        kind = kind_of(column)
        if kind != "categories":
            (dates if kind == "dates" else numbers)(column)
    except ValueError as error:
        raise ValueError(f"{path}: {error}; or leave the column out with --drop") from error


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Let what pyarrow raises name the file."""
    try:
        yield
    except (ValueError, NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise ValueError(f"{path} is damaged, or holds columns of other types: {error}") from error
