"""Files that change at once: at any time there is the old content or the new one, whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

__all__ = ["replacing"]


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a new file, which takes the place of the one at `path` when the block ends.

    It is written to the same folder and to the disk before. After an exception it is gone; only a
    process that is killed leaves it behind, as ``.pynn-....tmp``. A symbolic link stays one: what
    it leads to is replaced. The permissions are those of any new file, by the umask.

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
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)  # the new name is on the disk too
    finally:
        os.close(descriptor)
