"""Failures at a chosen moment: the n-th call of a function, the n-th line of a file."""

import sys
from contextlib import contextmanager
from pathlib import Path

import pynn

FOLDER = str(Path(pynn.__file__).parent)


class Stop(BaseException):
    """As KeyboardInterrupt: no Exception."""


@contextmanager
def failing(monkeypatch, module, name, n, error):
    """Let the n-th call of a function fail; yield a list that grows with each call."""
    real, calls = getattr(module, name), []

    def fail(*args, **kwargs):
        calls.append(args)
        if len(calls) == n:
            raise error
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, fail)
        yield calls


@contextmanager
def stopped_at(n, *modules, events=("line",)):
    """Raise Stop at the n-th event in these modules, by default where a line is about to run."""
    files, lines = {module.__file__ for module in modules}, []

    def trace(frame, event, argument):
        if frame.f_code.co_filename not in files:
            return None
        if event in events:
            lines.append(frame.f_lineno)
            if len(lines) == n:
                raise Stop
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)


class FirstError(Exception):
    pass


class SecondError(Exception):
    pass


def raise_twice(call, first, gap):
    """Raise at a line of pynn's Python, and again so many lines later; return whether it came."""
    n_lines = 0

    def count(frame, event, argument):
        nonlocal n_lines
        if event == "line":
            n_lines += 1
            if n_lines == first:
                raise FirstError
            if n_lines == first + gap:
                sys.settrace(None)
                raise SecondError
        return count

    def enter(frame, event, argument):
        return count if frame.f_code.co_filename.startswith(FOLDER) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    except (FirstError, SecondError):
        return True
    finally:
        sys.settrace(before)
    return False
