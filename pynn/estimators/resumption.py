"""Resumption: what a checkpoint holds of a fit, and how a fit goes on from there."""

from __future__ import annotations

import re
import zlib
from numbers import Integral
from typing import Any

import numpy as np

from pynn import checks
from pynn.callbacks import Checkpoint
from pynn.estimators.descent import Descent
from pynn.estimators.epochs import Epochs
from pynn.estimators.samples import Samples
from pynn.estimators.supervised import Supervised
from pynn.training import checkpoint

__all__ = ["Resumption"]

# Fitted attributes that grow with each epoch or are counted in it.
_FITTED = (
    "n_iter_",
    "t_",
    "loss_",
    "loss_curve_",
    "history_",
    "best_loss_",
    "validation_scores_",
    "best_validation_score_",
    "_no_improvement_count",
)
# Parameters that may be others when a fit goes on.
_FREE = {"max_iter", "verbose", "callbacks", "n_threads", "keep_optimizer", "random_state"}
_CHUNK = 1 << 24  # bytes


class Resumption:
    """Keeps a fit that has `Checkpoint` among its callbacks, and goes on with one that was kept.

    A fit that goes on is begun as it was, from the same state of the random source: so weights,
    samples set aside and seeds are drawn once more. Then all that changed since is put in place.

    Parameters
    ----------
    description : dict of str
        What must be the same where a fit goes on.
    random : RandomState
        Its random source, which is set back to where the kept fit began.
    kept : tuple of dict or None
        Arrays and facts of the checkpoint to go on from.
    """

    def __init__(
        self,
        description: dict[str, str],
        random: np.random.RandomState,
        kept: tuple[dict[str, Any], dict[str, Any]] | None,
    ) -> None:
        self.facts: dict[str, Any] = {"fit": description}
        self.kept, self.random = kept, random
        if kept is not None:
            random.set_state(kept[1]["random_at_start"])
        self.facts["random_at_start"] = random.get_state(legacy=False)

    @classmethod
    def wanted(
        cls,
        estimator: Supervised,
        samples: Samples,
        held_out: Samples | None,
        random: np.random.RandomState,
    ) -> Resumption | None:
        """Return one if there is a `Checkpoint` among the estimator's callbacks.

        Raises
        ------
        ValueError
            If a checkpoint to go on from is damaged or of another fit.
        """
        wishes = [c for c in estimator.callbacks or () if isinstance(c, Checkpoint)]
        if not wishes:
            return None
        kept = None
        description = _description(estimator, samples, held_out)
        for path in (wish.latest() for wish in wishes if wish.resume):
            if path is not None:
                kept = checkpoint.read(path)
                _compare(path, kept[1], description)
        if estimator.random_state is None and kept is not None:
            random = np.random.RandomState()  # NumPy's global one is not to be set back
        return cls(description, random, kept)

    def prepare(self, descent: Descent) -> None:
        """Let a new descent go on from where the kept one was."""
        if self.kept is None:
            return
        arrays, facts = self.kept
        slots = [arrays[f"slot.{i}"] for i in range(facts["n_slots"])]
        descent.remember(slots, facts["n_updates"])
        descent.learning_rate, descent.monitored = facts["learning_rate"], facts["monitored"]

    def attach(self, epochs: Epochs) -> None:
        """Put all in place as it was kept, and let callbacks keep what comes."""
        epochs.state.snapshot = lambda: self._snapshot(epochs)
        if self.kept is None:
            return
        arrays, facts = self.kept
        epochs.network.parameters[:] = arrays["parameters"]
        if epochs.best is not None:
            epochs.best[:] = arrays["best"]
        if epochs.learner.order is not None:
            epochs.learner.order[:] = arrays["order"]
        for name, value in facts["fitted"].items():
            setattr(epochs.estimator, name, value)
        epochs.state.epoch, epochs.state.is_stopped = facts["epoch"], facts["is_stopped"]
        self.random.set_state(facts["random"])

    def _snapshot(self, epochs: Epochs) -> tuple[dict[str, Any], dict[str, Any]]:
        memory = epochs.descent.memory
        slots, n_updates = memory if memory is not None else ([], 0)
        arrays = {"parameters": epochs.network.parameters}
        arrays |= {f"slot.{i}": slot for i, slot in enumerate(slots)}
        for name, array in (("order", epochs.learner.order), ("best", epochs.best)):
            if array is not None:
                arrays[name] = array
        estimator = epochs.estimator
        return arrays, self.facts | {
            "epoch": epochs.state.epoch,
            "is_stopped": epochs.state.is_stopped,
            "n_slots": len(slots),
            "n_updates": n_updates,
            "learning_rate": epochs.descent.learning_rate,
            "monitored": epochs.descent.monitored,
            "random": self.random.get_state(legacy=False),
            "fitted": {name: getattr(estimator, name) for name in _FITTED},
        }


def _description(
    estimator: Supervised, samples: Samples, held_out: Samples | None
) -> dict[str, str]:
    """Tell what must be the same where a fit goes on; of data from blocks, the first block."""
    settings = estimator.get_params(deep=False)
    told = {name: _text(value) for name, value in settings.items() if name not in _FREE}
    if isinstance(estimator.random_state, Integral):
        told["random_state"] = _text(estimator.random_state)
    told |= {"X": _sum_of(samples.X), "y": _sum_of(samples.y), "weights": _sum_of(samples.weights)}
    if held_out is not None:
        for name in ("X", "y", "sample_weight"):
            told[f"an eval_set with {name}"] = _sum_of(getattr(held_out, name))
    return told


def _text(value: object) -> str:
    """Return what represents a parameter in another process, too."""
    plain = value.item() if isinstance(value, np.generic) else value
    return re.sub(" at 0x[0-9a-f]+", "", repr(plain))


def _sum_of(array: Any) -> str:
    """Return dtype, shape and a checksum of what may be a matrix in the format CSR."""
    if array is None:
        return "None"
    parts = (array.data, array.indices, array.indptr) if checks.is_sparse(array) else (array,)
    checksum = 0
    for part in parts:
        n = max(1, _CHUNK // (part[:1].nbytes or 1))
        for start in range(0, len(part), n):  # by rows: what is not contiguous is copied
            checksum = zlib.crc32(np.ascontiguousarray(part[start : start + n]).data, checksum)
    return f"{array.dtype} {array.shape} of checksum {checksum:08x}"


def _compare(path: Any, facts: dict[str, Any], now: dict[str, str]) -> None:
    then = facts.get("fit")
    if not isinstance(then, dict):
        raise ValueError(f"{str(path)!r} is not a checkpoint of a fit")
    for name in sorted(then.keys() | now.keys()):
        if then.get(name) != now.get(name):
            raise ValueError(
                f"{str(path)!r} was kept of a fit with {name} {then.get(name)}, not "
                f"{now.get(name)}; without resume=True a new one is started"
            )
