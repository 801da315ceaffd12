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


def run_all(
    tasks: Sequence[Callable[[], Any]], n_threads: int | None
) -> tuple[list[Any], list[Failure]]:
    """Run tasks in worker threads; return the results in order, and the failures, earliest first.

    The first failure interrupts the tasks that are running, which then fail too, and no other task
    begins. The result of a task that failed or never began is None. If there are more threads than
    tasks, the core's calls in each task use several.

    Parameters
    ----------
    tasks : sequence of functions
    n_threads : int or None
        None uses as many as `threads.usable` allows.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after all running tasks have ended.
    RuntimeError
        In a child process that a signal handler forked meanwhile, as it has no workers.
    """
    results: list[Any] = [None] * len(tasks)
    failures: list[Failure] = []
    waiting, stop, process = deque(range(len(tasks))), _core.Stop(), os.getpid()
    n_workers = min(n_threads or threads.usable(), threads.limit_here())
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
            if stop.is_set:  # a task that was interrupted; its traceback would keep data alive
                error.__traceback__ = None
            failures.append((index, error))
            stop.set()

    events = [threading.Event() for _ in range(min(n_workers, len(tasks)))]
    workers = [threading.Thread(target=work, args=(one,), name="pynn worker") for one in events]

    def end() -> None:
        stop.set()
        for worker, ended in zip(workers, events, strict=True):
            while os.getpid() == process and not ended.wait(0.1) and worker.ident is not None:
                pass  # a worker without ident was never started

    with _core.Undo(end):
        for worker in workers:
            worker.start()
        for ended in events:  # in Python 3.11, Ctrl-C during a join marks a live thread as dead
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
    """Acquire a lock, train and release it. Ctrl-C also ends the wait for the lock."""
    while not lock.acquire(timeout=0.1):
        _core.Stop.check()
    try:
        return train()
    finally:
        lock.release()
