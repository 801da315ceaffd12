"""Tables in files: CSV, also compressed by gzip, Parquet and Feather.

A file is recognised by its first bytes, not by its name. ``-`` is the standard input.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import IO, Any, Protocol

import numpy as np

from pynn.checks import listed
from pynn.commands import kinds
from pynn.commands.csv_files import CsvFile
from pynn.commands.kinds import Convention
from pynn.commands.lines import start_of, uncompressed
from pynn.tabular.columns import Column
from pynn.tabular.features import Feature
from pynn.tabular.reading import Table

__all__ = ["Source", "check_names", "is_missing", "opened", "table_of"]

_OTHERS = {
    b"PK\x03\x04": "a zip archive or an Excel file: save the table as CSV",
    b"\xd0\xcf\x11\xe0": "an Excel file: save the table as CSV",
    b"SQLite f": "a database: export the table as CSV",
    b"\x89HDF": "an HDF5 file: export the table as CSV or Parquet",
    b"\x93NUMPY": "a NumPy array: write it as CSV, with names of columns",
    b"BZh": "compressed by bzip2: decompress it, or use gzip",
    b"\xfd7zXZ": "compressed by xz: decompress it, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed by zstd: decompress it, or use gzip",
    b"FEA1": "a Feather file of version 1: write it again as version 2",
    b"%PDF": "a PDF: export the table as CSV",
    b"<!DOCTYP": "a web page: export the table as CSV",
    b"<html": "a web page: export the table as CSV",
    b'{"': "JSON: write the table as CSV or Parquet",
    b'[{"': "JSON: write the table as CSV or Parquet",
}

# Columns for the model, and the values of columns that are copied.
Block = tuple[Table, dict[str, list[Any]]]


class Source(Protocol):
    """A table in a file."""

    name: str
    names: list[str]

    def columns(
        self, convention: Convention, categorical: Collection[str], dropped: Collection[str]
    ) -> list[Column]:
        """Read all rows of the columns that are not dropped, for training."""

    def blocks(
        self,
        features: Mapping[str, Feature],
        copied: Sequence[str],
        convention: Convention,
        n_rows: int,
    ) -> Iterator[Block]:
        """Yield blocks of rows, for a model that has learned these features."""


@contextmanager
def opened(path: str, encoding: str | None = None) -> Iterator[Source]:
    """Open a table, and close it after the block.

    Parameters
    ----------
    path : str
        Path of a file, or ``-`` for the standard input.
    encoding : str, optional
        Encoding of CSV.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no table, or its header is not as it must be.
    ImportError
        If it needs pyarrow, which is missing.
    """
    if path == "-":
        if sys.stdin is None:
            raise ValueError("the standard input is closed")
        yield _source(sys.stdin.buffer, path, encoding)
        return
    with open(path, "rb") as file:
        yield _source(file, path, encoding)


def _source(file: IO[bytes], path: str, encoding: str | None) -> Source:
    name = "standard input" if path == "-" else path
    start = start_of(file)
    if start[:4] == b"PAR1" or start[:6] == b"ARROW1":
        if path == "-":
            raise ValueError("the standard input must be CSV; give Parquet and Feather by name")
        from pynn.commands import arrow_files

        return arrow_files.opened(path, is_parquet=start[:4] == b"PAR1")
    for magic, what in _OTHERS.items():
        if start.startswith(magic):
            raise ValueError(f"{name} is {what}")
    return CsvSource(CsvFile(uncompressed(file), name, encoding))


class CsvSource:
    """A table in a CSV file."""

    def __init__(self, file: CsvFile) -> None:
        self._file, self.name, self.names = file, file.name, file.names

    def columns(
        self, convention: Convention, categorical: Collection[str], dropped: Collection[str]
    ) -> list[Column]:
        """Read all rows, for training."""
        (block,) = self._file.blocks()
        return [
            kinds.recognised(texts, convention, texts.name in categorical)
            for texts in block
            if texts.name not in dropped
        ]

    def blocks(
        self,
        features: Mapping[str, Feature],
        copied: Sequence[str],
        convention: Convention,
        n_rows: int,
    ) -> Iterator[Block]:
        """Yield blocks of rows, for a model that has learned these features."""
        for block in self._file.blocks(n_rows):
            texts = {one.name: one for one in block}
            found = [
                kinds.as_learned(texts[name], convention, feature)
                for name, feature in features.items()
            ]
            copies = {name: [texts[name].labels[k] for k in texts[name].codes] for name in copied}
            yield table_of([*features], found), copies


def table_of(names: Sequence[str], columns: Sequence[Column]) -> Table:
    """Return columns as a table for the estimators."""

    def unpack(j: int) -> tuple[Any, ...]:
        return columns[j].values, columns[j].missing, columns[j].labels

    return Table([*names], (len(columns[0].values), len(columns)), unpack)


def check_names(source: Source, wanted: Collection[str], use: str) -> None:
    """Raise a ValueError if a table lacks columns; name the closest one that it has."""
    for name in wanted:
        if name not in source.names:
            lower = {one.lower(): one for one in source.names}
            close = get_close_matches(name.lower(), [*lower], n=1)
            hint = f"did you mean {lower[close[0]]!r}? It" if close else "it"
            raise ValueError(
                f"{source.name} has no column {name!r} {use}; {hint} has {listed(source.names)}"
            )


def is_missing(column: Column) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return whether each value is missing."""
    values = column.values
    if column.labels is not None:
        missing = values < 0
    elif values.dtype.kind in "fmM":
        missing = np.isnan(values)
    elif values.dtype.kind == "O":
        missing = np.array([value is None or value != value for value in values], dtype=bool)
    else:
        missing = np.zeros(len(values), dtype=bool)
    return missing if column.missing is None else missing | column.missing
