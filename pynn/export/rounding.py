"""Weights of layers as int8, and the resulting differences of the outputs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.export import evaluation
from pynn.export.chain import Chain, Layer
from pynn.model.embeddings import Categories

Array = NDArray[Any]

_MOST_LEVELS = 127  # of int8, on either side of 0
_N_RANDOM_ROWS = 1000


@dataclass(frozen=True)
class Rounding:
    """The largest difference that int8 weights make to the outputs of some rows."""

    difference: float
    n_rows: int
    is_of_data: bool

    @classmethod
    def of(cls, chain: Chain, X: ArrayLike | None) -> Rounding:
        """Measure it on rows X, (n_rows, n_inputs) or a table, or on random ones."""
        rows = _rows(chain, X)
        nets = tuple(replace(net, layers=tuple(map(_rounded, net.layers))) for net in chain.nets)
        rounded = evaluation.outputs(replace(chain, nets=nets), rows)
        difference = float(np.abs(rounded - evaluation.outputs(chain, rows)).max())
        return cls(difference, len(rows), X is not None)

    def text(self) -> str:
        """Return it as half a sentence."""
        rows = "rows of data" if self.is_of_data else "random rows"
        return (
            f"on {self.n_rows} {rows}, outputs differ by up to {self.difference:.3g} from those of "
            "the exact weights."
        )


def _rows(chain: Chain, X: ArrayLike | None) -> Array:
    """Return the rows for the difference that int8 makes."""
    if X is not None and chain.table is not None:
        return chain.table.preparation.apply(X)
    if X is not None:
        rows = checks.rows(X, chain.n_inputs, chain.dtype)
        if not isinstance(rows, np.ndarray) or not len(rows):
            raise ValueError(f"X must be dense, with at least one row; got {X!r}")
        return checks.finite("X", rows)
    random = np.random.default_rng(0)
    rows = random.standard_normal((_N_RANDOM_ROWS, chain.n_inputs))
    for step in reversed(chain.scalings):
        rows = _UNSCALED[step.operation](rows, step.values)
    for one in chain.nets[0].embedded:
        if isinstance(one.embedding, Categories):
            rows[:, one.column] = random.integers(0, one.embedding.n, _N_RANDOM_ROWS)
    return rows.astype(chain.dtype)


_UNSCALED = {
    "subtract": lambda x, by: x + by,
    "divide": lambda x, by: x * by,
    "multiply": lambda x, by: x / by,
    "add": lambda x, by: x - by,
    "clip": lambda x, by: x.clip(*by),
}


def quantised(W: Array) -> tuple[Array, Array]:
    """Return int8 weights and the scale of each output: W is about the product of both."""
    largest = np.abs(W).max(axis=0)
    scales = np.where(largest > 0, largest / W.dtype.type(_MOST_LEVELS), 1).astype(W.dtype)
    return np.rint(W / scales).astype(np.int8), scales


def _rounded(layer: Layer) -> Layer:
    """Return a layer with the values of its int8 weights."""
    W, scales = quantised(layer.weights)
    return replace(layer, weights=W.astype(scales.dtype) * scales)
