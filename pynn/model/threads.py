"""The number of threads of a call. The result has the same bits for any number of them."""

from __future__ import annotations

import functools
import math
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import threadpoolctl

from pynn import _core, checks

__all__ = ["checked", "chosen", "processors", "quota", "usable"]

MOST = _core.MOST_THREADS

# Multiply-adds of a step in float32 for each thread, from which one more thread gains: some 70 us.
# Two threads gain 1.2 times at 2.4e6 in all (784-100-10, batch 10), 1.4 times at 48e6 (batch 200).
WORK_PER_THREAD = 4e6

# Updating one parameter takes as long as so many multiply-adds (Adam 34, in float32).
WORK_OF_UPDATE = 16

_here = threading.local()

_NUMBER = re.compile("[0-9]{1,18}")  # of a system's file or variable, which may hold anything


def checked(n_threads: object) -> int | None:
    """Return n_threads as the user gave it, if it is None or an integer from 1 to ``MOST``."""
    if n_threads is None:
        return None
    return checks.positive_integer("n_threads", n_threads, MOST)


def processors() -> int:
    """Return the number of processors that this process may use: by affinity, and by quota."""
    affinity = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    allowed = len(affinity) if affinity else os.cpu_count() or 1
    return max(1, min(allowed, quota() or allowed))


@functools.cache
def quota(root: Path = Path("/")) -> int | None:
    """Return the processors that the cgroups allow, rounded up; None: they set no limit.

    A container runtime limits processors by the time that a group of processes gets in each period,
    which neither affinity nor ``os.cpu_count`` shows. The groups above count too.
    """
    limits = [quota / period for quota, period in _quotas(root) if quota > 0 and period > 0]
    return max(1, math.ceil(min(limits))) if limits else None


def _quotas(root: Path) -> Iterator[tuple[int, int]]:
    """Yield quota and period, in microseconds, of each group that limits this process."""
    mounted = root / "sys/fs/cgroup"
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if not path.startswith("/"):  # not as the kernel writes it
            continue
        if not controllers:  # version 2
            folder, files = mounted, ["cpu.max"]
        elif "cpu" in controllers.split(","):  # version 1
            folder, files = mounted / "cpu", ["cpu.cfs_quota_us", "cpu.cfs_period_us"]
        else:
            continue
        # In a container, the group that the path names is often mounted as the root.
        group = Path(path)
        for place in [group, *group.parents]:
            texts = [_text(folder / place.relative_to("/") / file) for file in files]
            words = " ".join(texts).split()
            if len(words) == 2 and all(_NUMBER.fullmatch(word) for word in words):
                yield int(words[0]), int(words[1])


def _text(file: Path) -> str:
    """Return the text of a file, or "" if it cannot be read or is not text."""
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError):
        return ""


def usable() -> int:
    """Return the largest number of threads that a call may choose.

    The least of: processors that this process may use; ``OMP_NUM_THREADS``, which joblib sets in
    its workers; and the limit set by threadpoolctl.
    """
    limits = [processors()]
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    limits += [int(given)] if _NUMBER.fullmatch(given) else []
    limits += [_core.thread_limit()]
    return max(1, min([MOST, *(n for n in limits if n)]))


class limited:  # noqa: N801 (a context manager)
    """Limit the calls that this thread makes in a block to so many threads, whatever is asked for.

    Parameters
    ----------
    n_threads : int
    """

    def __init__(self, n_threads: int) -> None:
        self._n_threads = n_threads

    def __enter__(self) -> None:
        self._before = limit_here()
        _here.limit = min(self._n_threads, self._before)

    def __exit__(self, *_: object) -> None:
        _here.limit = self._before


def limit_here() -> int:
    """Return the limit of this thread's calls."""
    return getattr(_here, "limit", MOST)


def chosen(work: float) -> int:
    """Return the number of threads for a step with this many multiply-adds in float32."""
    worth = int(work / WORK_PER_THREAD)
    return 1 if worth < 2 else min(usable(), worth)


_core.set_processors(processors())


class _Controller(threadpoolctl.LibController):  # type: ignore[misc]
    """Lets ``threadpoolctl.threadpool_limits`` reach pynn."""

    user_api = "pynn"
    internal_api = "pynn"
    filename_prefixes = ("_core",)
    check_symbols = ("pynn_get_thread_limit", "pynn_set_thread_limit")

    def get_num_threads(self) -> int:
        return usable()

    def set_num_threads(self, num_threads: int) -> None:
        # ctypes would cut off the bits beyond an int.
        self.dynlib.pynn_set_thread_limit(max(0, min(num_threads, MOST)))

    def get_version(self) -> str:
        return _core.VERSION


threadpoolctl.register(_Controller)
