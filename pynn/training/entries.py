"""Entries of a checkpoint of a fit, each checked before use."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_ARRAYS = {"parameters", "trained", "order", "best", "monitored"}
_NUMBERED = ("slot.", "history.", "kept.")
_FACTS = {
    *("fit", "random_at_start", "random", "epoch", "is_stopped", "n_slots", "n_updates"),
    *("n_samples", "learning_rate", "patience", "figures", "kept"),
    "averaged_since",
}

# Of the integers of a bit generator's state: two of PCG64, a flag; others are below 2**32.
_ENDS = {"state": 2**128, "inc": 2**128, "has_uint32": 2}


class Entries:
    """Arrays and facts of a checkpoint, whoever wrote it.

    Parameters
    ----------
    path : path-like
        For messages.
    arrays : dict of ndarray
    facts : dict

    Raises
    ------
    ValueError
        Here and by all methods: if an entry is missing, unknown or invalid.
    """

    def __init__(
        self, path: str | os.PathLike[str], arrays: dict[str, Array], facts: dict[str, Any]
    ) -> None:
        self.path, self._arrays, self._facts = path, arrays, facts
        if not isinstance(facts.get("fit"), dict):
            raise ValueError(f"{str(path)!r} is not a checkpoint of a fit")
        unknown = facts.keys() - _FACTS
        unknown |= {a for a in arrays if a not in _ARRAYS and not a.startswith(_NUMBERED)}
        for name in sorted(unknown):
            raise self.refusal(name, "is unknown")

    def refusal(self, name: str, what: str) -> ValueError:
        """Return the error about an invalid entry."""
        return ValueError(f"{str(self.path)!r} holds an entry {name!r} that {what}")

    def fact(self, name: str, *kinds: type) -> Any:
        """Return a fact of one of these types."""
        value = self._facts.get(name)
        if type(value) not in kinds:
            what = " or ".join(kind.__name__ for kind in kinds)
            raise self.refusal(name, f"is missing or not of type {what}: {value!r}")
        return value

    def count(self, name: str) -> int:
        """Return a fact that counts something."""
        value: int = self.fact(name, int)
        if not 0 <= value <= np.iinfo(np.int64).max:
            raise self.refusal(name, f"is not a count: {value}")
        return value

    def names(self, name: str) -> list[str]:
        """Return a fact that lists names, none twice."""
        values: list[str] = self.fact(name, list)
        if not all(isinstance(value, str) for value in values) or len({*values}) < len(values):
            raise self.refusal(name, f"is not a list of different names: {values}")
        return values

    def figure(self, name: str) -> float:
        """Return a finite number that is not negative."""
        value = float(self.fact(name, float, int))
        if not 0 <= value < math.inf:
            raise self.refusal(name, f"is {value}")
        return value

    def patience(self) -> tuple[float, int]:
        """Return the best figure so far, and the epochs without improvement."""
        match self._facts.get("patience"):
            case [int() | float() as best, int() as n_stalled] if n_stalled >= 0:
                return float(best), n_stalled
            case other:
                raise self.refusal("patience", f"is missing or not a figure and a count: {other!r}")

    def has(self, name: str) -> bool:
        """Whether there is this array."""
        return name in self._arrays

    def vector(self, name: str) -> list[float]:
        """Return an array of figures, one for each epoch; any of them may be NaN."""
        array = self._array(name)
        if array.dtype != np.float64 or array.ndim != 1:
            raise self.refusal(name, f"is not a vector of float64: {array.dtype} {array.shape}")
        figures: list[float] = array.tolist()
        return figures

    def like(self, name: str, parameters: Array) -> Array:
        """Return an array of finite numbers with the layout of the parameters."""
        array = self._array(name)
        if (array.dtype, array.shape) != (parameters.dtype, parameters.shape):
            raise self.refusal(
                name,
                f"is {array.dtype} {array.shape} instead of {parameters.dtype} {parameters.shape}",
            )
        if not np.isfinite(array).all():
            raise self.refusal(name, "is not finite everywhere")
        return array

    def order(self, n_rows: int) -> NDArray[np.int64]:
        """Return the numbers of all rows in some order."""
        array = self._array("order")
        if array.dtype != np.int64 or array.shape != (n_rows,):
            raise self.refusal("order", f"is {array.dtype} {array.shape} instead of {n_rows} rows")
        if not np.array_equal(np.sort(array), np.arange(n_rows)):
            raise self.refusal("order", "is not a permutation of the rows")
        return array

    def _array(self, name: str) -> Array:
        if name not in self._arrays:
            raise self.refusal(name, "is missing")
        return self._arrays[name]

    def random_state(self, name: str, like: Any) -> Any:
        """Return the state of a bit generator, as the one that is given."""
        return self._state(name, self._facts.get(name), like)

    def _state(self, name: str, value: Any, like: Any) -> Any:
        if isinstance(like, dict):
            if not isinstance(value, dict) or value.keys() != like.keys():
                raise self.refusal(name, f"does not have the entries {', '.join(like)}")
            state = {key: self._state(f"{name}.{key}", value[key], like[key]) for key in like}
            for place, of in (("pos", "key"), ("buffer_pos", "buffer")):
                if place in state and not 0 <= state[place] <= len(state[of]):
                    raise self.refusal(f"{name}.{place}", f"is {state[place]}")
            return state
        if isinstance(like, str):
            if value != like:
                raise self.refusal(name, f"is {value!r} instead of {like!r}")
            return value
        numbers, end = [value], _ENDS.get(name.rpartition(".")[2], 2**32)
        if isinstance(like, np.ndarray):
            numbers, end = value, 2 ** (8 * like.itemsize)
            if not isinstance(value, list) or len(value) != len(like):
                raise self.refusal(name, f"does not have {len(like)} numbers")
        if not all(type(number) is int and 0 <= number < end for number in numbers):
            raise self.refusal(name, f"must hold integers from 0 to {end - 1}")
        return np.array(value, like.dtype) if isinstance(like, np.ndarray) else value
