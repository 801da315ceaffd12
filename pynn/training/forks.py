"""Forks: in a child that another thread forks amid a fit, nobody goes on with that fit."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

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


def _in_child() -> None:
    for reference in list(_claims):
        one = reference()
        if one is not None and one.thread != threading.get_ident():
            _claims.discard(reference)
            one.release()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
