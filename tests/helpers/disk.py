"""The disk below the atomic writer: it records each operation, lets the n-th fail, and says what a
power loss may leave."""

import io
import itertools
import os
from contextlib import contextmanager

from pynn.model import atomic

FAILING = {"open", "fsync", "replace", "stat", "fstat", "fchmod"}  # and each write
WAYS = ("done", "lost", "zero", "torn", "first lost", "last lost")
N_WAYS = len(WAYS)
BUFFER = 256  # bytes; so small that a model takes several writes


class Disk:
    """Stand in for `os` and `open` in `pynn.model.atomic`.

    `operations` lists what was done to files and folders: ("create", path), ("write", path, start,
    bytes), ("sync", path), ("replace", path, target), ("unlink", path).
    """

    def __init__(self, n=0, error=None, files=()):
        self.n, self.error, self.n_calls, self.operations = n, error, 0, []
        self.paths = dict(files)  # of descriptors

    def count(self, name):
        self.n_calls += 1
        if self.n_calls == self.n:
            self.failed = name
            raise self.error

    def __getattr__(self, name):
        real = getattr(os, name)
        if name not in {*FAILING, "unlink"}:
            return real

        def call(*args):
            if name in FAILING:
                self.count(name)
            result = real(*args)
            if name == "open":
                self.paths[result] = os.path.realpath(args[0])
            elif name == "fsync":
                self.operations.append(("sync", self.paths[args[0]]))
            elif name in ("replace", "unlink"):
                self.operations.append((name, *args))
            return result

        return call

    def open_file(self, path, mode):
        disk = self
        disk.count("open")

        class Raw(io.FileIO):
            def write(self, content):
                disk.count("write")
                start = self.tell()
                n = super().write(content[:BUFFER])  # a short write, as a disk may do
                disk.operations.append(("write", path, start, bytes(content[:n])))
                return n

        raw = Raw(path, mode.replace("b", ""))
        disk.paths[raw.fileno()] = path
        disk.operations.append(("create", path))
        return io.BufferedWriter(raw, BUFFER)


@contextmanager
def disk(monkeypatch, n=0, error=None):
    """Let the n-th call of the writer fail; yield the record of all."""
    stand_in = Disk(n, error)
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "os", stand_in)
        patch.setattr(atomic, "open", stand_in.open_file, raising=False)
        yield stand_in


def after_power_loss(operations, old):
    """Yield what files (path: bytes) a power loss may leave amid or after these operations.

    What was written since a file was last synced may be there, torn, zero or lost, each write by
    itself. A new name may be there or not until its folder is synced, whatever is in the file.
    """
    for n in range(len(operations) + 1):
        for names in _names(operations[:n]):
            yield from _contents(operations[:n], names, old)


def _names(operations):
    """Yield which of the renames have come to the disk: those that were synced, and then some."""
    renames = [i for i, operation in enumerate(operations) if operation[0] == "replace"]
    certain = [
        i
        for i in renames
        if any(o == ("sync", os.path.dirname(operations[i][2])) for o in operations[i:])
    ]
    open_ = [i for i in renames if i not in certain]
    for size in range(len(open_) + 1):
        for some in itertools.combinations(open_, size):
            yield [operations[i] for i in sorted([*certain, *some])]


def _contents(operations, names, old):
    """Yield the files under these names, with each way in which unsynced writes end."""
    for way in WAYS:
        files = dict(old)
        for _, path, target in names:
            files[target] = _content(operations, path, way)
        yield files


def _content(operations, path, way):
    synced = max((i for i, o in enumerate(operations) if o == ("sync", path)), default=-1)
    writes = [(i, o) for i, o in enumerate(operations) if o[:2] == ("write", path)]
    open_ = [i for i, _ in writes if i > synced]
    content = bytearray()
    for i, (_, _, start, new) in writes:
        if i > synced:
            ends = (("first lost", open_[0]), ("last lost", open_[-1]))
            if way == "lost" or (way, i) in ends:
                continue
            if way == "zero":
                new = bytes(len(new))
            elif way == "torn":
                new = new[: len(new) // 2]
        content[len(content) : start] = bytes(max(0, start - len(content)))
        content[start : start + len(new)] = new
    return bytes(content)
