"""Forks: in a child that another thread forks amid a fit, nobody goes on with that fit."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

from pynn._core import Undo
from pynn.model.initializers import Random
from pynn.training.learners import bit_generator

# No WeakSet: its callbacks are Python, in which an exception of a signal handler is lost.
_claims: set[weakref.ref[Claim]] = set()


class Claim:
    """Held by a fit in a local variable, as long as it lasts.

    Parameters
    ----------
    release : function
        Called in each child that another thread forks meanwhile.
    """

    def __init__(self, release: Callable[[], object]) -> None:
        self.thread, self.release = threading.get_ident(), release
        for gone in [one for one in list(_claims) if one() is None]:
            _claims.discard(gone)
        _claims.add(weakref.ref(self))


def claim(network: Any, random: Random) -> Claim:
    """Claim a network, which the caller has locked, and the random source that it draws from."""

    def release() -> None:
        network._lock = threading.RLock()
        bit_generator(random).lock._at_fork_reinit()  # type: ignore[attr-defined]

    return Claim(release)


def alone(estimator: Any) -> Undo:
    """Refuse other fits of an estimator until the block that follows ends.

    Raises
    ------
    RuntimeError
        If it is being fitted.
    """

    def release(_: Claim | None = None) -> None:
        estimator.__dict__.pop("_fit_under_way", None)

    held = Claim(release)
    end = Undo(partial(release, held), always=True)  # which holds the claim until then
    mine = weakref.ref(held)
    # One step, which no other thread can divide.
    other = estimator.__dict__.setdefault("_fit_under_way", mine)
    if other is not mine and other() is not None:
        raise RuntimeError(
            f"this {type(estimator).__name__} is being fitted; callbacks and other threads can "
            "only fit a clone of it"
        )
    # In place of what a copy amid a fit has taken along. Last: no signal is heard from here on.
    estimator._fit_under_way = mine
    return end


def _in_child() -> None:
    for reference in list(_claims):
        one = reference()
        if one is not None and one.thread != threading.get_ident():
            _claims.discard(reference)
            one.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
