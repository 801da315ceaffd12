"""Resume: the content of a checkpoint of a fit, and continuing from it."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.model.initializers import Random
from pynn.training import checkpoint
from pynn.training.descent import Descent
from pynn.training.entries import Entries
from pynn.training.learners import bit_generator
from pynn.training.loop import Loop

_CHUNK = 1 << 24  # bytes


class Resumption:
    """Writes the checkpoints of a fit, and continues one that was interrupted.

    A resumed fit begins like the interrupted one, from the same state of its random source, so it
    draws the same weights, validation rows and seeds. Then it restores everything that has changed
    since.

    Parameters
    ----------
    description : dict of str
        Everything that must be the same for a fit to continue.
    random : RandomState or Generator
        Random source of the fit.
    kept : Entries or None
        The checkpoint to continue from.

    Raises
    ------
    ValueError
        Here and by all methods: if an entry of the checkpoint is invalid.
    """

    def __init__(
        self,
        description: dict[str, str],
        random: Random,
        kept: Entries | None,
    ) -> None:
        self.kept, self.bits = kept, bit_generator(random)
        if kept is not None:
            self._set_random("random_at_start", kept)
        self.facts = {"fit": description, "random_at_start": _plain(self.bits.state)}

    @classmethod
    def wanted(
        cls,
        callbacks: Iterable[Any],
        describe: Callable[[], dict[str, str]],
        random: Random,
        is_global: bool = False,
    ) -> tuple[Resumption | None, Random]:
        """Return one if a callback is a `Checkpoint`, and the random source to use.

        is_global : whether the source is NumPy's global one, which is never set back.

        Raises
        ------
        ValueError
            If a checkpoint to continue from is damaged or belongs to another fit.
        """
        wishes = [callback for callback in callbacks if hasattr(callback, "latest")]
        if not wishes:
            return None, random
        kept, description = None, describe()
        for path in (wish.latest() for wish in wishes if wish.resume):
            if path is not None:
                kept = Entries(path, *checkpoint.read(path))
                _compare(path, kept.fact("fit", dict), description)
        if is_global and kept is not None:
            random = np.random.RandomState()
        return cls(description, random, kept), random

    def prepare(self, descent: Descent, parameters: NDArray[Any]) -> None:
        """Let a new descent on these parameters continue from the kept one."""
        if self.kept is not None:
            kept = self.kept
            n_slots = kept.count("n_slots")
            if n_slots not in (0, descent.n_slots):
                raise kept.refusal("n_slots", f"is {n_slots} instead of {descent.n_slots}")
            slots = [kept.like(f"slot.{i}", parameters) for i in range(n_slots)]
            descent.remember(slots, kept.count("n_updates"))
            descent.learning_rate = kept.figure("learning_rate")
            descent.monitored = kept.vector("monitored")

    def attach(self, loop: Loop) -> None:
        """Restore the kept state, and let callbacks write checkpoints."""
        state, history = loop.state, loop.history
        state.snapshot = lambda: self._snapshot(loop)
        if self.kept is None:
            return
        state.resumed_from = str(self.kept.path)
        kept, parameters, order = self.kept, state.network.parameters, loop.learner.order
        parameters[:] = kept.like("parameters", parameters)
        averaging = loop.learner.plan.averaging
        if averaging is not None:
            averaging.trained[:] = kept.like("trained", parameters)
            averaging.since = kept.count("averaged_since")
        if order is not None:
            order[:] = kept.order(len(order))
        history.best_parameters = kept.like("best", parameters) if kept.has("best") else None
        history.n_samples, state.epoch = kept.count("n_samples"), kept.count("epoch")
        history.figures = {name: kept.vector(f"history.{name}") for name in kept.names("figures")}
        if "cost" not in history.figures:
            raise kept.refusal("figures", "does not name the cost")
        for name, values in history.figures.items():
            if len(values) != len(history) or len(values) < state.epoch:
                raise kept.refusal(f"history.{name}", f"has {len(values)} figures")
        if loop.patience is not None:
            loop.patience.best, loop.patience.n_stalled = kept.patience()
        state.is_stopped = kept.fact("is_stopped", bool)
        state.kept = {name: kept.like(f"kept.{name}", parameters) for name in kept.names("kept")}
        self._set_random("random", kept)

    def _set_random(self, name: str, kept: Entries) -> None:
        self.bits.state = kept.random_state(name, self.bits.state)

    def _snapshot(self, loop: Loop) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
        state, history, patience = loop.state, loop.history, loop.patience
        slots, n_updates = loop.descent.memory or ([], 0)
        averaging = loop.learner.plan.averaging
        facts = self.facts | ({"averaged_since": averaging.since} if averaging else {})
        arrays = {
            "parameters": state.network.parameters,
            "trained": averaging.trained if averaging else None,
            "order": loop.learner.order,
            "best": history.best_parameters,
            "monitored": np.array(loop.descent.monitored, np.float64),
            **{f"slot.{i}": slot for i, slot in enumerate(slots)},
            **{f"history.{name}": np.array(values) for name, values in history.figures.items()},
            **{f"kept.{name}": array for name, array in state.kept.items()},
        }
        return {name: array for name, array in arrays.items() if array is not None}, facts | {
            "epoch": state.epoch,
            "is_stopped": state.is_stopped,
            "n_slots": len(slots),
            "n_updates": n_updates,
            "n_samples": history.n_samples,
            "learning_rate": loop.descent.learning_rate,
            "patience": patience and [patience.best, patience.n_stalled],
            "random": _plain(self.bits.state),
            "figures": list(history.figures),
            "kept": list(state.kept),
        }


def described(settings: dict[str, object], **data: Any) -> dict[str, str]:
    """Describe settings by their text, and arrays by a checksum."""
    told = {name: _text(value) for name, value in settings.items()}
    return told | {name: _checksum(array) for name, array in data.items()}


def _text(value: object) -> str:
    """Return a text that represents a parameter in another process, too."""
    plain = value.item() if isinstance(value, np.generic) else value
    return re.sub(" at 0x[0-9a-f]+", "", repr(plain))


def _checksum(array: Any) -> str:
    """Return dtype, shape and a checksum of an array or a CSR matrix."""
    if array is None:
        return "None"
    is_sparse = checks.is_sparse(array)
    parts = (array.data, array.indices, array.indptr) if is_sparse else (array,)
    checksum = 0
    for part in parts:
        n = max(1, _CHUNK // (part[:1].nbytes or 1))
        for start in range(0, len(part), n):  # by rows: a part that is not contiguous is copied
            checksum = zlib.crc32(np.ascontiguousarray(part[start : start + n]).data, checksum)
    return f"{array.dtype} {array.shape} of checksum {checksum:08x}"


def _compare(path: Any, then: dict[str, Any], now: dict[str, str]) -> None:
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            raise ValueError(
                f"{str(path)!r} is from a fit with {name} {then.get(name)}, not "
                f"{now.get(name)}; use resume=False to start a new fit"
            )


def _plain(state: Any) -> Any:
    """Return the state of a bit generator as JSON takes it."""
    if isinstance(state, dict):
        return {name: _plain(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray | np.generic) else state
