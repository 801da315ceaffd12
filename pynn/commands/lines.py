"""Lines of text files: encodings, compression, and errors that name the line."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import IO

__all__ = ["lines_of", "start_of", "uncompressed"]

LONGEST = 2**24  # characters of a line; a file without line ends must not fill the memory
_GZIP = b"\x1f\x8b"
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ESCAPED = re.compile(r"[\udc80-\udcff]")  # bytes that the encoding does not have


def start_of(file: IO[bytes]) -> bytes:
    """Return the first bytes of a buffered file without consuming them."""
    return file.peek(8)[:8]  # type: ignore[attr-defined,no-any-return]


def uncompressed(file: IO[bytes]) -> IO[bytes]:
    """Return a file that is decompressed as it is read if it is a gzip file, else itself."""
    if start_of(file)[:2] != _GZIP:
        return file
    return io.BufferedReader(gzip.GzipFile(fileobj=file))


def lines_of(file: IO[bytes], name: str, encoding: str | None = None) -> Iterator[str]:
    """Yield the lines of a file as text, with their line ends.

    Parameters
    ----------
    file : buffered binary file
    name : str
        Name of the file in messages.
    encoding : str, optional
        By default UTF-8, or what a byte order mark says.

    Raises
    ------
    ValueError
        If the file has another encoding, is damaged or not text, or a line is too long.
    """
    number, text = 0, None
    try:
        if encoding is None:
            start = start_of(file)
            encoding = next((e for bom, e in _BOMS.items() if start.startswith(bom)), "utf-8")
        text = io.TextIOWrapper(file, encoding, errors="surrogateescape", newline="")
        while line := text.readline(LONGEST):
            number += 1
            _check(line, f"{name}, line {number}", encoding)
            yield line
    except UnicodeError as error:
        raise ValueError(f"{name}, line {number + 1} is not {encoding}: {error}") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{name} is damaged after line {number}: {error}") from error
    finally:
        if text is not None:
            with suppress(ValueError):  # the file may be closed
                text.detach()  # whoever opened the file closes it


def _check(line: str, where: str, encoding: str) -> None:
    """Raise a ValueError if a line is not text in this encoding."""
    if "\0" in line:
        raise ValueError(
            f"{where} holds a NUL byte: the file is damaged, is not text, or needs "
            "--encoding utf-16-le"
        )
    if not line.isascii() and (found := _ESCAPED.search(line)):
        byte = ord(found[0]) - 0xDC00
        raise ValueError(
            f"{where}: byte 0x{byte:02x} is not {encoding}; name the encoding, such as "
            "--encoding latin-1 or cp1252"
        )
    if len(line) == LONGEST and line[-1] not in "\r\n":
        raise ValueError(f"{where} has more than {LONGEST:,} characters: is it a CSV file?")
