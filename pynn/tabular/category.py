"""Features that are categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.model.embeddings import Categories, Embedding
from pynn.tabular import columns
from pynn.tabular.columns import Column, Label
from pynn.tabular.features import Feature, Settings

_MOST_CODES = 2**24  # float32 holds all integers up to it


@dataclass(frozen=True)
class Category(Feature):
    """A category, one-hot or under an embedding.

    Missing values are a category of their own if they occur in training. All other categories that
    are not among the labels count as "other".

    At most `Settings.one_hot` categories become a column each, which is 1 where a row has this
    category; "other" is 0 in all of them. If there are just two, they share a column with −1 for
    the first, 1 for the second and 0 for "other". More categories become one column of codes under
    `pynn.Categories`, whose last code is "other".

    Parameters
    ----------
    missing : float
        Share of the values that are missing.
    labels : tuple of str or number
        The categories, ascending, numbers first; a missing value comes last.
    other : float
        Share of the values that belong to rarer categories.
    size : int
        Size of the embedding; 0 for one-hot columns.
    """

    labels: tuple[Label, ...]
    other: float
    size: int

    kind: ClassVar[str] = "category"

    @classmethod
    def learn(cls, column: Column, settings: Settings) -> Category:
        """Learn from a column with at least one value that is not missing.

        Raises
        ------
        ValueError
            If a value cannot be a category, or there are too many categories.
        """
        codes, labels = columns.categories(column)
        n_missing, *counts = np.bincount(codes + 1, minlength=len(labels) + 1).tolist()
        kept = {
            label: n for label, n in zip(labels, counts, strict=True) if n >= settings.min_count
        }
        n = len(kept) + (n_missing > 0)
        if n >= _MOST_CODES:
            raise ValueError(f"{column.name} has {n} categories; at most {_MOST_CODES - 1} fit")
        other = 1 - (n_missing + sum(kept.values())) / len(codes)
        size = 0 if n <= max(1, settings.one_hot) else settings.category_size
        return cls(n_missing / len(codes), tuple(sorted(kept, key=_order)), other, size)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.labels, tuple) or list(self.labels) != sorted(
            {*self.labels}, key=_order
        ):
            raise ValueError("labels must be a list that ascends")
        for label in self.labels:
            if not isinstance(label, str):
                checks.number("a label", label, "(-inf, inf)")
        checks.number("other", self.other, "[0, 1]")
        checks.number("size", self.size, "integer [0, 65536]")

    @property
    def n_categories(self) -> int:
        """Number of categories, a missing value included, "other" not."""
        return len(self.labels) + (self.missing > 0)

    @property
    def n_inputs(self) -> int:
        """Number of inputs, 0 if the column is left out."""
        if self.size or self._is_pair:
            return 1
        return 0 if self._is_constant else self.n_categories

    @property
    def _is_pair(self) -> bool:
        return self.n_categories == 2 and not self.other and not self.size

    @property
    def _is_constant(self) -> bool:
        return self.n_categories == 0 or (self.n_categories == 1 and not self.other)

    def embeddings(self) -> dict[int, Embedding]:
        """Return the embeddings of its inputs."""
        return {0: Categories(self.n_categories + 1, self.size)} if self.size else {}

    def write(self, column: Column, inputs: NDArray[np.float32], settings: Settings) -> None:
        """Write the inputs of each row."""
        self.write_codes(self._codes(column), inputs)

    def write_codes(self, codes: NDArray[np.intp], inputs: NDArray[np.float32]) -> None:
        """Write the inputs of codes: places of labels, then a missing value, then "other"."""
        if self.size:
            inputs[:, 0] = codes
        elif self._is_pair:
            inputs[:, 0] = np.array([-1, 1, 0], dtype=np.float32)[codes]
        else:
            for k in range(self.n_inputs):
                inputs[:, k] = codes == k

    def _codes(self, column: Column) -> NDArray[np.intp]:
        """Return the number of each value's category; the last number is "other"."""
        codes, labels = columns.categories(column)
        places = {label: k for k, label in enumerate(self.labels)}
        found = [places.get(label, self.n_categories) for label in labels]
        strings = {isinstance(label, str) for label in self.labels}
        for k, label in enumerate(labels):
            if len(strings) == 1 and isinstance(label, str) not in strings:
                held, row = "strings" if True in strings else "numbers", (codes == k).argmax()
                raise ValueError(
                    f"{column.name} held {held} as categories in training, but row {row} holds "
                    f"{label!r} of type {type(label).__name__}"
                )
        missing = len(self.labels)  # "other" if no value was missing in training
        return np.array([*found, missing], dtype=np.intp)[codes]

    def as_text(self) -> tuple[str, str]:
        """Return use and number for the summary."""
        if self._is_constant:
            return "left out: constant", ""
        return f"embedding of {self.size}" if self.size else "one-hot", str(self.n_categories)


def _order(label: Label) -> tuple[bool, Label]:
    return isinstance(label, str), label
