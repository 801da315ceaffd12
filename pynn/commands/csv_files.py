"""CSV files: names of columns, and blocks of rows as text.

Delimiters are recognised from the first lines. Rows must have as many fields as the header, and
each message names the line.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO

import numpy as np

from pynn.checks import listed
from pynn.commands.kinds import Texts, is_number
from pynn.commands.lines import lines_of

__all__ = ["CsvFile", "check_different"]

DELIMITERS = ",;\t|"
_N_SNIFFED = 50  # lines
_SAID = re.compile(r"\s*sep=(.)\s*", re.IGNORECASE)


class CsvFile:
    """A CSV file whose rows are read once.

    Parameters
    ----------
    file : buffered binary file
        Not compressed.
    name : str
        Name of the file in messages.
    encoding : str, optional
        By default UTF-8, or what a byte order mark says.

    Attributes
    ----------
    names : list of str
        Names of the columns. Nameless ones are called "column 3", by their place.
    delimiter : str

    Raises
    ------
    ValueError
        If the header or, while rows are read, a row is not as described.
    """

    def __init__(self, file: IO[bytes], name: str, encoding: str | None = None) -> None:
        self.name = name
        lines = lines_of(file, name, encoding)
        first = list(itertools.islice(lines, _N_SNIFFED))
        self.delimiter = _delimiter(first)
        self._n_before = 0  # lines before the header
        if first and (said := _SAID.fullmatch(first[0])):  # a line that Excel writes and reads
            self.delimiter, self._n_before = said[1], 1
            del first[0]
        self._reader = csv.reader(
            itertools.chain(first, lines),
            delimiter=self.delimiter,
            skipinitialspace=True,
            strict=True,
        )
        header = next(self._records(), None)
        if header is None:
            raise ValueError(f"{name} is empty")
        self.names = self._header(header[1])

    def blocks(self, n_rows: int | None = None) -> Iterator[list[Texts]]:
        """Yield blocks of at most `n_rows` rows, or all rows as one: the texts of each column.

        A file without rows has one block without rows.
        """
        records, n = self._rows(), len(self.names)
        for number in itertools.count():
            places: list[dict[str, int]] = [{} for _ in range(n)]
            codes: list[list[int]] = [[] for _ in range(n)]
            lines = []
            for line, row in itertools.islice(records, n_rows):
                lines.append(line)
                for place, code, text in zip(places, codes, row, strict=True):
                    code.append(place.setdefault(text, len(place)))
            if number and not lines:
                return
            where = np.array(lines, dtype=np.intp)
            yield [
                Texts(self.name, name, [*place], np.array(code, dtype=np.intp), where)
                for name, place, code in zip(self.names, places, codes, strict=True)
            ]

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line and the fields of each row."""
        n = len(self.names)
        for line, row in self._records():
            if len(row) != n:
                fields = "1 field" if len(row) == 1 else f"{len(row)} fields"
                raise ValueError(
                    f"{self.name}, line {line}: {fields}, but the header has {n} "
                    f"(delimiter {self.delimiter!r}); put quotes around texts that contain it"
                )
            yield line, row

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the first line and the fields of each record that is not blank."""
        while True:
            line = self._n_before + self._reader.line_num + 1
            try:
                row = next(self._reader, None)
            except csv.Error as error:
                raise ValueError(f"{self.name}, line {line}: {_explained(error)}") from error
            if row is None:
                return
            if not row and len(getattr(self, "names", ())) == 1:
                row = [""]  # in a file of one column, a missing value
            if row:
                yield line, row

    def _header(self, row: list[str]) -> list[str]:
        if all(is_number(text) for text in row):
            raise ValueError(
                f"{self.name}, line 1 holds numbers, such as {row[0]!r}, instead of names of "
                "columns: put a line with names in front"
            )
        names = [text.strip() or f"column {j}" for j, text in enumerate(row, start=1)]
        check_different(self.name, names)
        return names


def check_different(file: str, names: Sequence[str]) -> None:
    """Raise a ValueError if columns of a file have the same name."""
    if repeated := [name for name, n in Counter(names).items() if n > 1]:
        raise ValueError(f"{file}: columns must have different names; repeated: {listed(repeated)}")


def _delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that divides these lines into the same number of fields each."""
    found = {}
    for delimiter in DELIMITERS:
        rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        try:
            lengths = [len(row) for row in rows if row]
        except csv.Error:
            continue
        lengths = lengths[:-1] if len(lengths) > 2 else lengths  # a cut record may be the last
        if lengths:
            is_even = lengths[0] > 1 and len({*lengths}) == 1
            found[delimiter] = is_even, lengths[0]
    return max(found, key=found.__getitem__, default=DELIMITERS[0])


def _explained(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return "a quote that opens in this row is never closed"
    if "field larger than field limit" in text:
        limit = f"{csv.field_size_limit():,}"
        return f"a field has more than {limit} characters; is a quote never closed?"
    return f"{text}; quotes inside a quoted text must be doubled"
