"""Samples: rows with targets and weights, for training or validation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.model.initializers import Random

Array = NDArray[Any]


@dataclass(frozen=True)
class Samples:
    """Rows that have been checked.

    Parameters
    ----------
    X : ndarray or CSR, shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs) or (n_samples,)
        Targets of the outputs, or numbers of classes.
    labels : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The same in the form for scorers: classes or numbers.
    sample_weight : ndarray of shape (n_samples,), optional
    class_weight : ndarray of shape (n_samples,), optional
        Weight of each sample for its class, in training only.
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
        """Weight of each sample in the cost; None if all weigh the same."""
        if self.class_weight is None:
            return self.sample_weight
        if self.sample_weight is None:
            return self.class_weight
        return self.class_weight * self.sample_weight

    @property
    def total(self) -> float:
        """Sum of the weights; infinite where it overflows."""
        if self.weights is None:
            return float(len(self))
        with np.errstate(over="ignore"):
            return float(self.weights.sum())

    def outline(self) -> Samples:
        """Return samples of the same shapes and dtypes, all 0, that take no memory."""
        return Samples(_outline(self.X), _outline(self.y), _outline(self.labels))

    def split(
        self, fraction: float, random: Random, strata: Array | None = None
    ) -> tuple[Samples, Samples]:
        """Split off a random validation set like scikit-learn; return training and validation set.

        Parameters
        ----------
        fraction : float
            Of the samples, for validation.
        random : RandomState or Generator
        strata : ndarray of shape (n_samples,), optional
            Both sets have the same share of each of its values.

        Raises
        ------
        ValueError
            If the validation set has fewer than two samples, or the strata are too small.
        """
        from sklearn.model_selection import train_test_split

        if isinstance(random, np.random.Generator):  # which scikit-learn does not take
            random = np.random.RandomState(random.integers(2**32))
        parts = train_test_split(
            np.arange(len(self)), random_state=random, test_size=fraction, stratify=strata
        )
        if len(parts[1]) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                f"your dataset. It has {len(parts[1])} of {len(self)} samples."
            )
        return self._rows(parts[0]), self._rows(parts[1])

    def _rows(self, indices: Array) -> Samples:
        taken: Any = {name: a if a is None else a[indices] for name, a in vars(self).items()}
        return Samples(**taken)


def _outline(array: Any) -> Any:
    if checks.is_sparse(array):
        return type(array)(array.shape, dtype=array.dtype)
    return np.broadcast_to(np.zeros((), array.dtype), array.shape)
