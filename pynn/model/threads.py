"""How many threads a call takes. The result has the same bits for any number of them."""

from __future__ import annotations

import os

import threadpoolctl

from pynn import _core, checks

__all__ = ["checked", "chosen", "usable"]

# Multiply-adds of a step in float32 for each thread, from which one more thread gains: some 70 us.
# Two threads gain 1.2 times at 2.4e6 in all (784-100-10, batch 10), 1.4 times at 48e6 (batch 200).
WORK_PER_THREAD = 4e6

# Updating one parameter takes as long as so many multiply-adds (Adam 34, in float32).
WORK_OF_UPDATE = 16


def checked(n_threads: object) -> int | None:
    """Return n_threads as the user gave it, if it is None or an integer of at least 1."""
    return None if n_threads is None else checks.positive_integer("n_threads", n_threads)


def usable() -> int:
    """Threads that a call may take by itself.

    The least of: processors that this process may run on; ``OMP_NUM_THREADS``, which joblib sets in
    its workers; and what threadpoolctl limits pynn to.
    """
    limits = [len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()]
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    limits += [int(given)] if given.isdecimal() else []
    limits += [_core.thread_limit()]
    return max(1, min(n for n in limits if n))


def chosen(work: float) -> int:
    """Return what suits a step of so many multiply-adds in float32."""
    worth = int(work / WORK_PER_THREAD)
    return 1 if worth < 2 else min(usable(), worth)


class _Controller(threadpoolctl.LibController):  # type: ignore[misc]
    """Lets ``threadpoolctl.threadpool_limits`` reach pynn."""

    user_api = "pynn"
    internal_api = "pynn"
    filename_prefixes = ("_core",)
    check_symbols = ("pynn_get_thread_limit", "pynn_set_thread_limit")

    def get_num_threads(self) -> int:
        return usable()

    def set_num_threads(self, num_threads: int) -> None:
        self.dynlib.pynn_set_thread_limit(num_threads)

    def get_version(self) -> str:
        return _core.VERSION


threadpoolctl.register(_Controller)
