"""Undo: restores everything after a failed fit, even if a second signal arrives."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from pynn._core import Undo
from pynn.model.initializers import Random
from pynn.training.learners import bit_generator

__all__ = ["Undo", "undo_of", "undone_on_error"]


def undone_on_error(network: Any, random: Random | None = None) -> Undo:
    """Leave a network, and a random source, as they are now if the block that follows fails."""
    return Undo(undo_of(network, random))


def undo_of(network: Any, random: Random | None = None) -> Callable[[], None]:
    """Return a function that brings a network, and a random source, back to their present state.

    Ctrl-C that reaches `Loop.run` is no failure: the network is then as after the last update.
    """
    if not network._parameters.flags.writeable:
        network._own_parameters()
    bits, history = None if random is None else bit_generator(random), network._history
    state, parameters = None if bits is None else bits.state, network._parameters.copy()
    descent = network._descent and network._descent.copy()
    before = {"_random": network._random, "_descent": descent}
    architecture = network._architecture
    counts, n_epochs = vars(history) | {"patience": copy.copy(history.patience)}, len(history)

    def undo() -> None:
        vars(network).update(before)
        network._become(architecture)
        network._parameters[:] = parameters
        vars(history).update(counts)
        history.cut(n_epochs)
        if bits is not None and state is not None:
            bits.state = state

    return undo
