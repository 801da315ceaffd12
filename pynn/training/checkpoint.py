"""Checkpoints: files from which training resumes to the last bit.

A checkpoint is an ordinary .npz archive, which `numpy.load` opens without pickles: an entry for
each array, and one called "facts", JSON in UTF-8, for everything else. JSON as Python writes it
keeps floats (NaN and infinity too) and integers of any size to the last bit. Reading executes
nothing.
"""

from __future__ import annotations

import errno
import json
import os
import struct
import tokenize
import zipfile
from math import prod
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from pynn.model.atomic import naming, replace
from pynn.model.bounds import bounded

__all__ = ["read", "write"]

_FACTS = "facts"
_VERSION = "pynn.checkpoint"  # the key in the JSON that tells our archives from others
_CHUNK = 1 << 20  # bytes
_HEADER = 2000  # bytes at most: 64 dimensions fit in; NumPy takes 10 s to refuse some of 10,000

# Of zipfile, numpy and json; not Exception, which a signal handler may raise for its own ends.
_OF_DAMAGED_FILES = (
    zipfile.BadZipFile,
    struct.error,
    tokenize.TokenError,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)

Array = NDArray[Any]


def write(path: str | os.PathLike[str], arrays: dict[str, Array], facts: dict[str, Any]) -> None:
    """Write a checkpoint, replacing an existing file atomically.

    At any time, `path` holds either the complete old content or the complete new content.

    Parameters
    ----------
    path : path-like
        A symbolic link is kept, and the file that it points to is replaced. The new file has the
        permissions of the old one, or those that the umask gives to any new file.
    arrays : dict of str to ndarray
        Arrays of numbers, booleans, text, bytes or times, of any shape, layout and byte order.
    facts : dict
        May contain dicts with str keys, lists, int, float, str, bool and None.

    Raises
    ------
    TypeError
        If an entry is of another type, or an array of another kind. Nothing is written.
    ValueError
        If the name of an array is empty, has a NUL in it, or is "facts"; or if `path` is a device
        or the like.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import numpy as np, pathlib, tempfile
    >>> from pynn.training import checkpoint
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "training.npz")
    ...     checkpoint.write(path, {"weights": np.ones(2)}, {"epoch": 3, "rates": [0.5, np.nan]})
    ...     checkpoint.read(path)
    ({'weights': array([1., 1.])}, {'epoch': 3, 'rates': [0.5, nan]})
    """
    entries = {name: _checked(name, array) for name, array in arrays.items()}
    for name in entries:
        if not isinstance(name, str):
            raise TypeError(f"names of arrays must be str, got {name!r}")
        if not name or "\0" in name or name == _FACTS:
            raise ValueError(f"{name!r} is not a valid array name: empty, reserved or with a NUL")
    if not isinstance(facts, dict):
        raise TypeError(f"facts must be a dict, got {facts!r}")
    _check_facts("facts", facts)
    text = bounded(json.dumps({_VERSION: 2, "facts": facts}))
    entries[_FACTS] = np.frombuffer(text.encode(), np.uint8)
    replace(path, lambda file: _write_archive(file, entries))


def _write_archive(file: IO[bytes], entries: dict[str, Array]) -> None:
    archive = zipfile.ZipFile(file, "w")
    try:
        for name, array in entries.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                npy.write_array(entry, array, version=(1, 0), allow_pickle=False)
        archive.close()
    except BaseException:
        archive.fp = None  # else it would be closed, which fails where an entry is half open
        raise


def read(path: str | os.PathLike[str]) -> tuple[dict[str, Array], dict[str, Any]]:
    """Read a checkpoint.

    Parameters
    ----------
    path : path-like
        File that `write` has written.

    Returns
    -------
    arrays : dict of str to ndarray
        New and writable, with the dtype, layout and bytes that were written.
    facts : dict
        With the types and bits that were written.

    Raises
    ------
    ValueError
        If the file is damaged or not a checkpoint.
    OSError
        If the file cannot be read.

    See Also
    --------
    write : Write a checkpoint; with an example of both.
    """
    path = os.fspath(path)
    with naming(path), open(path, "rb") as file:
        try:
            return _read_archive(file)
        except MemoryError:
            raise
        except _OF_DAMAGED_FILES as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:  # a seek to nowhere
                raise
            raise ValueError(f"{path!r} is not a checkpoint, or damaged: {error}") from error


def _read_archive(file: IO[bytes]) -> tuple[dict[str, Array], dict[str, Any]]:
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        # What the entries claim lies in the file, so it fits the memory.
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise ValueError("it is compressed")
        if sum(entry.file_size for entry in entries) > os.fstat(file.fileno()).st_size:
            raise ValueError("it is shorter than its entries")
        arrays = {entry.filename.removesuffix(".npy"): _read(archive, entry) for entry in entries}
    content = json.loads(bounded(str(arrays.pop(_FACTS).data, "utf-8")))
    if content[_VERSION] != 2:
        raise ValueError(f"it has version {content[_VERSION]!r} of the format instead of 2")
    facts = content["facts"]
    if not isinstance(facts, dict):
        raise ValueError("its facts are not a dict")
    return arrays, facts


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """Read one array, after checking its length against its shape."""
    with archive.open(info) as entry:
        if npy.read_magic(entry) != (1, 0):
            raise ValueError(f"{info.filename} is in another version of the .npy format than 1.0")
        shape, by_columns, dtype = npy.read_array_header_1_0(entry, max_header_size=_HEADER)
        n_bytes = prod(shape) * dtype.itemsize
        if dtype.kind not in _KINDS or entry.tell() + n_bytes != info.file_size:
            raise ValueError(f"{info.filename} does not hold {dtype} of shape {shape}")
        content = bytearray(n_bytes)
        for start in range(0, n_bytes, _CHUNK):
            stop = min(start + _CHUNK, n_bytes)
            content[start:stop] = entry.read(stop - start)  # the last also checks the sum
        entry.read()
    return np.ndarray(shape, dtype, content, order="F" if by_columns else "C")


# ---- What is in an entry -------------------------------------------------------------------------

_KINDS = "biufcSUmM"  # numbers, text and times: a file holds them byte by byte, in full


def _check_facts(where: str, value: object) -> None:
    """Refuse values that JSON would change."""
    kind: type = type(value)
    if isinstance(value, dict) and kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise TypeError(f"key {key!r} of {where} must be a str")
            _check_facts(f"{where}[{key!r}]", item)
    elif isinstance(value, list) and kind is list:
        for i, item in enumerate(value):
            _check_facts(f"{where}[{i}]", item)
    elif value is not None and kind not in (int, float, str, bool):
        raise TypeError(
            f"{where} must be a dict, list, int, float, str, bool or None; got {value!r} of type "
            f"{kind.__name__}"
        )


def _checked(name: str, array: object) -> Array:
    """Return an array that a file can hold in full."""
    if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"arrays[{name!r}] must be an ndarray, got {type(array).__name__}")
    if array.dtype.kind not in _KINDS:
        raise TypeError(
            f"arrays[{name!r}] must hold numbers, booleans, text, bytes or times; got dtype "
            f"{array.dtype}"
        )
    return array
