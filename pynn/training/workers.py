"""Workers: threads that run tasks side by side; Ctrl-C ends the tasks, then the call."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pynn import _core
from pynn.model import threads

T = TypeVar("T")
Failure = tuple[int, BaseException]  # the index of a task, and its exception


def run_all(tasks: Sequence[Callable[[], Any]], n_workers: int) -> tuple[list[Any], list[Failure]]:
    """Run each task in one of the workers; return the results in order, and the failures.

    The first failure interrupts the other tasks, which then fail too. The result of a failed or
    skipped task is None. The core's calls in a task use one thread, or more if there are more
    workers than tasks.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, once the tasks that had begun have ended.
    RuntimeError
        In a child that a signal handler forks meanwhile: it has no workers.
    """
    results: list[Any] = [None] * len(tasks)
    failures: list[Failure] = []
    waiting, stop, process = deque(range(len(tasks))), _core.Stop(), os.getpid()
    n_workers = min(n_workers, threads.limit_here())
    each = max(1, n_workers // max(1, len(tasks)))

    def work(ended: threading.Event) -> None:
        try:
            with stop, threads.limited(each):
                while waiting and not stop.is_set:
                    run_one()
        finally:
            ended.set()

    def run_one() -> None:
        try:
            index = waiting.popleft()
        except IndexError:  # another worker was faster
            return
        try:
            results[index] = tasks[index]()
        except BaseException as error:
            failures.append((index, error))
            stop.set()

    events = [threading.Event() for _ in range(min(n_workers, len(tasks)))]
    workers = [threading.Thread(target=work, args=(one,), name="pynn worker") for one in events]

    def end() -> None:
        stop.set()
        for worker, ended in zip(workers, events, strict=True):
            while os.getpid() == process and not ended.wait(0.1) and worker.ident is not None:
                pass  # one without a number was never started

    with _core.Undo(end):
        for worker in workers:
            worker.start()
        for ended in events:  # a join that Ctrl-C ends takes a thread for dead in Python 3.11
            while not ended.wait(0.5):
                if os.getpid() != process:
                    raise RuntimeError(
                        "a signal handler forked this process amid the work of several threads; "
                        "the child cannot finish it"
                    )
    for worker in workers:
        worker.join()
    return results, failures


def locked(lock: Any, train: Callable[[], T]) -> T:
    """Train with a lock held. Ctrl-C ends the wait for it too."""
    while not lock.acquire(timeout=0.1):
        _core.Stop.check()
    try:
        return train()
    finally:
        lock.release()
