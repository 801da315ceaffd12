"""Samples: rows with targets and weights, to learn from or to be judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils import _safe_indexing

from pynn import checks

__all__ = ["Samples"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Samples:
    """Rows that were validated.

    Parameters
    ----------
    X : ndarray or CSR, shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
        What the outputs are compared with.
    labels : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The same as scorers take it: classes, or numbers.
    sample_weight : ndarray of shape (n_samples,), optional
    class_weight : ndarray of shape (n_samples,), optional
        What each sample counts for its class, in training only.
    """

    X: Any
    y: Array
    labels: Any
    sample_weight: Array | None = None
    class_weight: Array | None = None

    def __len__(self) -> int:
        return len(self.y)

    @property
    def weights(self) -> Array | None:
        """How much each sample counts in the cost; None: all the same."""
        if self.class_weight is None:
            return self.sample_weight
        if self.sample_weight is None:
            return self.class_weight
        return self.class_weight * self.sample_weight

    def outline(self) -> Samples:
        """Return samples of the same shapes and dtypes, all 0, which take no memory."""
        return Samples(_outline(self.X), _outline(self.y), _outline(self.labels))

    def split(
        self, fraction: float, random: np.random.RandomState, stratify: bool
    ) -> tuple[Samples, Samples]:
        """Set a fraction of the rows aside: those to learn from, those to judge by."""
        parts = train_test_split(
            np.arange(len(self)),
            random_state=random,
            test_size=fraction,
            stratify=self.y if stratify else None,
        )
        if len(parts[1]) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                f"your dataset. It has {len(parts[1])} of {len(self)} samples."
            )
        return self._rows(parts[0]), self._rows(parts[1])

    def _rows(self, indices: Array) -> Samples:
        def take(array: Any) -> Any:
            return None if array is None else _safe_indexing(array, indices)

        return Samples(**{name: take(array) for name, array in vars(self).items()})


def _outline(array: Any) -> Any:
    if checks.is_sparse(array):
        return type(array)(array.shape, dtype=array.dtype)
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)
