"""Files that change at once: at any time there is the old content or the new one, whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import IO

from pynn._core import Undo

__all__ = ["replace"]


def replace(path: str | os.PathLike[str], write: Callable[[IO[bytes]], object]) -> None:
    """Write a new file, which takes the place of the one at `path` once it is complete.

    It is written to the same folder and to the disk before. After an exception it is gone; only a
    process that is killed leaves it behind, as ``.pynn-....tmp``. A symbolic link stays one: what
    it leads to is replaced. The permissions are those of any new file, by the umask.

    Parameters
    ----------
    path : path-like
    write : function
        Called with the new file. No context manager: a generator that a signal keeps from its end
        would leave the file behind for as long as the exception lives.

    Raises
    ------
    ValueError
        If `path` is a device or the like.
    OSError
        If the file cannot be written.
    """
    target = os.path.realpath(os.fspath(path))
    if os.path.exists(target) and not (os.path.isfile(target) or os.path.isdir(target)):
        raise ValueError(f"{target!r} is a device or the like: a file would replace it")
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".pynn-{secrets.token_hex(8)}.tmp")

    def remove() -> None:
        with suppress(FileNotFoundError):
            os.unlink(temporary)

    with Undo(remove):
        with open(temporary, "xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)  # the new name is on the disk too
    finally:
        os.close(descriptor)
