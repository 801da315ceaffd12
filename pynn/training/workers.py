"""Workers: threads that run tasks side by side; Ctrl-C ends the tasks, then the call."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from pynn import _core
from pynn.model import threads

Outcome = tuple[Any, BaseException | None]  # what a task returned, or raised


def run_all(
    tasks: Sequence[Callable[[], Any]],
    n_workers: int,
    is_fatal: Callable[[BaseException], bool],
) -> list[Outcome]:
    """Run each task in one of the workers; return their outcomes in order.

    The core's calls in a task use one thread, or more if there are more workers than tasks.

    Parameters
    ----------
    tasks : sequence of functions
    n_workers : int
    is_fatal : function
        Whether an exception of a task ends the others. Those that did not begin have the outcome
        (None, KeyboardInterrupt), as have the ones that were ended.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, once the tasks that had begun have ended.
    """
    outcomes: list[Outcome] = [(None, KeyboardInterrupt())] * len(tasks)
    waiting, stop = deque(range(len(tasks))), _core.Stop()
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
            outcomes[index] = tasks[index](), None
        except BaseException as error:
            outcomes[index] = None, error
            if is_fatal(error):
                stop.set()

    events = [threading.Event() for _ in range(min(n_workers, len(tasks)))]
    workers = [threading.Thread(target=work, args=(one,), name="pynn worker") for one in events]

    def end() -> None:
        stop.set()
        for worker, ended in zip(workers, events, strict=True):
            while not ended.wait(0.1) and worker.ident is not None:  # else it was never started
                pass

    with _core.Undo(end):
        for worker in workers:
            worker.start()
        for ended in events:  # a join that Ctrl-C ends takes a thread for dead in Python 3.11
            ended.wait()
    for worker in workers:
        worker.join()
    return outcomes
