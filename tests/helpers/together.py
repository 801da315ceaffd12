"""Calls in several threads at once."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


def at_once(functions):
    """Run the functions in a thread each, all starting together; return what they return."""
    barrier = threading.Barrier(len(functions))

    def run(function):
        barrier.wait()
        return function()

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(run, functions))


@contextmanager
def beside(function):
    """Call a function over and over in another thread, until the block ends; raise its error.

    Yields the future of these calls, which is done before the end only if one of them failed.
    """
    done = threading.Event()

    def repeat():
        while True:
            function()
            if done.is_set():
                return

    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(repeat)
        try:
            yield call
        finally:
            done.set()
        call.result()


@contextmanager
def hasty_threads():
    """Let Python's threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def assert_workers_end():
    """Wait for the threads of a population, which may still be on their way out."""
    workers = [one for one in threading.enumerate() if one.name == "pynn worker"]
    for one in workers:
        one.join(10)
    assert not any(one.is_alive() for one in workers), workers
