"""Workers: threads that run tasks side by side; Ctrl-C ends the tasks, then the call."""

from __future__ import annotations

import _thread
import contextvars
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from types import FrameType
from typing import Any, TypeVar

from pynn import _core
from pynn.model import threads

T = TypeVar("T")
Failure = tuple[int, BaseException]  # the index of a task, and its exception


class Caller:
    """The call that workers run for: its frame, and the warnings of its tasks so far."""

    def __init__(self, frame: FrameType) -> None:
        self.frame, self.lock = frame, threading.Lock()
        self.warnings: set[Hashable] = set()


_caller = contextvars.ContextVar[Caller | None]("_caller", default=None)


def n_workers_of(n_threads: int | None) -> int:
    """Return how many threads `run_all` has at most."""
    return min(n_threads or threads.usable(), threads.limit_here())


def run_all(
    tasks: Sequence[Callable[[], Any]], n_threads: int | None
) -> tuple[list[Any], list[Failure]]:
    """Run tasks in worker threads; return the results in order, and the failures, earliest first.

    The first failure interrupts the tasks that are running, which then fail too, and no other task
    begins. The result of a task that failed or never began is None. If there are more threads than
    tasks, the core's calls in each task use several. Each worker has a copy of the caller's
    context.

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
    n_workers = n_workers_of(n_threads)
    each = max(1, n_workers // max(1, len(tasks)))

    outermost = _caller.get() or Caller(sys._getframe(1))

    def work() -> None:
        _caller.set(outermost)  # in the worker's own context
        with stop, threads.limited(each):
            while waiting and not stop.is_set:
                run_one()

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

    workers = [
        threading.Thread(target=contextvars.copy_context().run, args=(work,), name="pynn worker")
        for _ in tasks[:n_workers]
    ]
    begun: list[bool] = []
    ended: list[BaseException | None] = []
    at_end = threading.Lock()
    at_end.acquire()

    def lead() -> None:
        begun.append(True)
        failure = None
        try:
            for worker in workers:
                worker.start()
        except BaseException as error:
            failure = error
            stop.set()
        for worker in workers:
            if worker.ident is not None:  # it was started
                worker.join()
        ended.append(failure)
        at_end.release()

    def end() -> None:
        stop.set()
        while not ended and os.getpid() == process:
            at_end.acquire(timeout=0.1)
            if not begun:  # the thread of lead was never started
                break

    # Signal handlers run only in the main thread, where their exception could leave a lock of
    # Thread.start or Event.wait locked. So another thread starts and joins the workers, and this
    # one waits by a bare lock. The timeout is for signals that the system gives to other threads.
    with _core.Undo(end):
        _thread.start_new_thread(lead, ())
        while not ended:
            at_end.acquire(timeout=0.5)
            if os.getpid() != process:
                raise RuntimeError(
                    "a signal handler forked this process amid the work of several threads; "
                    "the child cannot finish it"
                )
    if ended[0] is not None:
        raise ended.pop()  # type: ignore[misc]
    return results, failures


def check() -> None:
    """Raise KeyboardInterrupt in a worker that is to end."""
    _core.Stop.check()


def caller() -> Caller | None:
    """Return the outermost call that a worker runs for; None if this thread is not a worker."""
    return _caller.get()


def acquire(lock: Any) -> None:
    """Acquire a lock. Ctrl-C also ends the wait for it."""
    while not lock.acquire(timeout=0.1):
        check()


def locked(lock: Any, train: Callable[[], T]) -> T:
    """Acquire a lock, train and release it. Ctrl-C also ends the wait for the lock."""
    acquire(lock)
    try:
        return train()
    finally:
        lock.release()
