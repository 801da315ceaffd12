"""Features: parameters learned from a column of a table, which turn it into inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.model.embeddings import Embedding
from pynn.tabular.columns import Column


@dataclass(frozen=True)
class Settings(checks.Checked):
    """Expert settings of the preparation of a table.

    Parameters
    ----------
    n_bins : int, default=12
        Number of bins of the piecewise-linear encoding of numbers; 0 for no encoding.
    one_hot : int, default=3
        Largest number of categories of a column that becomes one-hot columns. Columns with more
        categories get trained embeddings.
    category_size : int, default=8
        Size of these embeddings.
    min_count : int, default=1
        Categories that occur less often in training count as "other", as unseen ones do.
    clip : float, default=3.0
        Limit that standardised numbers approach: z becomes z / √(1 + (z / clip)²).

    Raises
    ------
    TypeError, ValueError
        If a setting is not as described.
    """

    n_bins: int = 12
    one_hot: int = 3
    category_size: int = 8
    min_count: int = 1
    clip: float = 3.0

    _accepted: ClassVar[dict[str, str]] = {
        "n_bins": "integer [0, 65536]",
        "one_hot": "integer [0, inf)",
        "category_size": "integer [1, 65536]",
        "min_count": "integer [1, inf)",
        "clip": "(0, inf)",
    }


@dataclass(frozen=True)
class Feature:
    """Parameters learned from a column of a table.

    Parameters
    ----------
    missing : float
        Share of the values that are missing.
    """

    missing: float

    kind: ClassVar[str]  # in files and summaries

    def __post_init__(self) -> None:
        """Check each number, as they may come from a damaged file."""
        checks.number("missing", self.missing, "[0, 1]")

    @property
    def n_inputs(self) -> int:
        """Number of inputs, 0 if the column is left out."""
        raise NotImplementedError

    def embeddings(self) -> dict[int, Embedding]:
        """Return the embeddings of its inputs, which count from 0."""
        return {}

    def write(self, column: Column, inputs: NDArray[np.float32], settings: Settings) -> None:
        """Write the inputs of each row, shape (n_rows, n_inputs)."""
        raise NotImplementedError

    def as_text(self) -> tuple[str, str]:
        """Return how it is used, and its number of bins or categories, for the summary."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Return the kind and all numbers as types of JSON."""
        fields = {name: list(x) if isinstance(x, tuple) else x for name, x in vars(self).items()}
        return {"kind": self.kind, **fields}


@dataclass(frozen=True)
class Nothing(Feature):
    """A column without any value in training; it is left out, whatever it holds later."""

    kind: ClassVar[str] = "empty"

    @property
    def n_inputs(self) -> int:
        """Number of inputs, 0 if the column is left out."""
        return 0

    def write(self, column: Column, inputs: NDArray[np.float32], settings: Settings) -> None:
        """Write nothing."""

    def as_text(self) -> tuple[str, str]:
        """Return use and number for the summary."""
        return "left out: no value", ""
