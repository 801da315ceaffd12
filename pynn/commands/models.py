"""Model files: safetensors, with notes of the commands about the table. Loading executes nothing.

`TabularClassifier.load` and `TabularRegressor.load` read files of ``pynn train``, and the commands
read files of any `save`, with the defaults of `Notes`.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from typing import Any, Self

from pynn.commands.kinds import MISSING, Convention
from pynn.model.bounds import bounded
from pynn.model.files import read_metadata
from pynn.tabular.saving import save_with_notes

__all__ = ["Notes", "check_place", "load", "save"]

VERSION = 1  # of the notes; files with a higher one are refused
_KEY = "pynn.command"
_CLASSES = {
    "pynn.TabularClassifier": "pynn.tabular.classifier",
    "pynn.TabularRegressor": "pynn.tabular.regressor",
    "pynn.MLPClassifier": "pynn.estimators.classifier",
    "pynn.MLPRegressor": "pynn.estimators.regressor",
    "pynn.Network": "pynn.network",
    "0.pynn.Network": "pynn.population",
}


@dataclass(frozen=True)
class Notes:
    """Facts about the table that a model was trained on.

    Parameters
    ----------
    target : str, default="prediction"
        Name of the column that the model predicts.
    left_out : list of str, optional
        Columns of the table that the model does not use.
    missing : list of str, optional
        Texts of missing values.
    decimal : {".", ","}, default="."
        Decimal mark of numbers.
    report : str, default=""
        What ``pynn train`` printed.

    Raises
    ------
    TypeError, ValueError
        If one is not as described.
    """

    target: str = "prediction"
    left_out: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=lambda: [*MISSING])
    decimal: str = "."
    report: str = ""

    def __post_init__(self) -> None:
        """Check each, as they may come from a damaged file."""
        texts = [self.target, self.report, *_items(self.left_out), *_items(self.missing)]
        if not all(isinstance(text, str) for text in texts) or self.decimal not in (".", ","):
            raise TypeError("the notes about the table hold values of other types")

    @property
    def convention(self) -> Convention:
        """How files write values."""
        return Convention(frozenset(self.missing), self.decimal)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read notes; raise a ValueError if they are of a newer version, or something else."""
        given = json.loads(bounded(text))
        version = given.pop("version", None) if isinstance(given, dict) else None
        if not isinstance(version, int) or version < 1:
            raise ValueError("its notes about the table have no version")
        if version > VERSION:
            raise ValueError(
                f"a newer pynn wrote it (format {version}; this one reads up to {VERSION}): "
                "update pynn"
            )
        if given.keys() != {one.name for one in fields(cls)}:
            raise ValueError("its notes about the table are incomplete")
        return cls(**given)


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [None]


def save(model: Any, path: str, notes: Notes) -> None:
    """Write a fitted estimator for tables to a file, in place of an existing one.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    save_with_notes(model, path, {_KEY: json.dumps({"version": VERSION, **asdict(notes)})})


def load(path: str) -> tuple[Any, Notes]:
    """Read a model of any kind that pynn saves.

    Returns
    -------
    model : estimator, Network or Population
    notes : Notes

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no model, is damaged, or a newer pynn wrote it.
    ImportError
        If the package safetensors is missing.
    """
    metadata = read_metadata(path)
    kind = next((name for name in _CLASSES if name in metadata), None)
    if kind is None:
        raise ValueError(f"{path!r} is a safetensors file, but not a model saved by pynn")
    try:
        notes = Notes.from_json(metadata[_KEY]) if _KEY in metadata else Notes()
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise ValueError(f"{path!r}: {error}") from error
    name = "Population" if kind.startswith("0.") else kind.removeprefix("pynn.")
    return getattr(import_module(_CLASSES[kind]), name).load(path), notes


def check_place(path: str, *inputs: str) -> None:
    """Raise an error, before long work, if its result could not be written to a path.

    Parameters
    ----------
    path : str
    *inputs : str
        Files that the command reads, and must not replace.

    Raises
    ------
    OSError
        If there is no such folder, or it cannot be written to.
    ValueError
        If the path names no regular file, or an input.
    """
    if path == "-":
        raise ValueError("-o - is not accepted: give the name of a file")
    for one in inputs:
        if os.path.exists(one) and os.path.exists(path) and os.path.samefile(one, path):
            raise ValueError(f"-o {path} would replace a file that is read: give another name")
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise ValueError(f"-o {path} is a device or the like, which a file would replace")
    folder = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "No such folder", folder)
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
