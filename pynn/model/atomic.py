"""Files that change at once: at any time there is the old content or the new one, whole."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

from pynn._core import Undo

__all__ = ["naming", "replace"]

Path = str | os.PathLike[str]


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let every OSError of the block name this file, not a temporary one or none."""
    try:
        yield
    except OSError as error:
        if error.errno is None or (error.filename == path and error.filename2 is None):
            raise
        raise OSError(error.errno, error.strerror, path) from error


def replace(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a new file, which takes the place of the one at `path` once it is complete.

    It is written to the same folder and to the disk before. After an exception it is gone; only a
    process that is killed leaves it behind, as ``.pynn-....tmp``. A symbolic link is kept, and the
    file that it points to is replaced. The new file has the permissions of the old one, or those
    that the umask gives to any new file.

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
    name = os.fspath(path)
    target = os.path.realpath(name)
    if os.path.exists(target) and not (os.path.isfile(target) or os.path.isdir(target)):
        raise ValueError(f"{target!r} is a device or the like: a file would replace it")
    folder = os.path.dirname(target)
    temporary = os.path.join(folder, f".pynn-{secrets.token_hex(8)}.tmp")

    def remove() -> None:
        with suppress(OSError):  # the first error says more
            os.unlink(temporary)

    with naming(name):
        # Opened first: a folder that cannot be opened fails before anything has changed.
        descriptor = _open_folder(folder)
        try:
            with Undo(remove):
                with open(temporary, "xb") as file:
                    _keep_permissions(target, file)
                    write(file)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, target)
            if descriptor is not None:
                _sync_folder(descriptor)
        finally:
            if descriptor is not None:
                os.close(descriptor)


def _open_folder(folder: str) -> int | None:
    """Return a descriptor of a folder, or None on Windows, whose folders have none."""
    if not hasattr(os, "O_DIRECTORY"):
        return None
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)


def _keep_permissions(target: str, file: IO[bytes]) -> None:
    """Give a new file the permissions of the one that it will replace."""
    with suppress(FileNotFoundError):
        old, new = os.stat(target).st_mode, os.fstat(file.fileno()).st_mode
        if stat.S_ISREG(old) and old != new and hasattr(os, "fchmod"):  # the folder's on Windows
            os.fchmod(file.fileno(), stat.S_IMODE(old))


def _sync_folder(descriptor: int) -> None:
    """Bring the new name to the disk too, where the file system can do it."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF):  # as PostgreSQL
            raise
