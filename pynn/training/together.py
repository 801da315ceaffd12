"""Together: fits of several networks in one thread, whose calls of the core are made together."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Sequence
from contextlib import ExitStack
from typing import Any

from pynn import _core
from pynn.training.workers import acquire

Fit = Generator[_core.Training, Any, None]


def divided(alike: Sequence[Hashable], most: Sequence[int], n_workers: int) -> list[list[int]]:
    """Divide fits among tasks, as far as possible in their order.

    Parameters
    ----------
    alike : sequence
        For each fit a key; those with the same key may share a task.
    most : sequence of int
        How many fits with the same key as this one a task has at most.
    n_workers : int
        The number of tasks for a key is a multiple of it.

    Returns
    -------
    list of lists of int
    """
    groups: dict[Hashable, list[int]] = {}
    for k, key in enumerate(alike):
        groups.setdefault(key, []).append(k)
    tasks = []
    for some in groups.values():
        n = -(-len(some) // most[some[0]])
        n = min(-(-n // n_workers) * n_workers, len(some))
        tasks += [some[len(some) * i // n : len(some) * (i + 1) // n] for i in range(n)]
    return sorted(tasks)


def fit_together(locks: Sequence[Any], fits: Sequence[Callable[[], Fit]]) -> None:
    """Run fits to their ends. None of them may call functions of users.

    Parameters
    ----------
    locks : sequence of locks
        One for each fit, held while it runs. Only the first is waited for while no other is held;
        where another thread holds one, that fit comes later. So threads never wait for each other.
    fits : sequence of functions
        Each returns a generator, see `Learning`.

    Raises
    ------
    BaseException
        The first error of a fit. The others, as far as they have begun, end as on Ctrl-C.
    """
    waiting = list(zip(locks, fits, strict=True))
    while waiting:
        with ExitStack() as held:
            begun: list[Fit] = []
            later = []
            for lock, fit in waiting:
                if not begun:
                    acquire(lock)
                elif not lock.acquire(blocking=False):
                    later.append((lock, fit))
                    continue
                held.callback(lock.release)
                begun.append(fit())
            _run(begun)
        waiting = later


def _run(fits: list[Fit]) -> None:
    answers: list[Any] = [None] * len(fits)
    errors: list[BaseException] = []
    while fits:
        going, trainings = [], []
        for fit, answer in zip(fits, answers, strict=True):
            try:
                trainings.append(fit.send(answer))
                going.append(fit)
            except StopIteration:
                pass
            except BaseException as error:
                errors.append(_core.as_raised(error))
        fits = going
        try:
            if not errors:
                answers = _core.train_together(trainings) if trainings else []
                continue
        except BaseException as error:
            errors.append(error)
        for fit in fits:
            try:
                fit.throw(KeyboardInterrupt)
            except BaseException as error:
                errors.append(error)
        for other in errors[1:]:
            other.__traceback__ = None  # it would keep data alive
        del errors[1:], answers, answer
        raise errors.pop()  # this frame is in its traceback: other references would keep data
