"""Batches: tables in blocks of rows, which need not fit in memory together.

A first pass learns from the targets of all rows and counts the rows. A second one collects the rows
that the preparation is learned from, and those for validation. Then each epoch of each network
reads, prepares and forgets one block after the other.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.random import sample_without_replacement

from pynn.data.blocks import blocks_of
from pynn.estimators._sklearn import _check_sample_weight, _fit_context
from pynn.tabular import joining, reading
from pynn.tabular.joining import Gathered
from pynn.tabular.preparation import Preparation
from pynn.tabular.reading import Table
from pynn.tabular.targets import LARGEST
from pynn.tabular.training import Rows

Array = NDArray[Any]

SAMPLE = 200_000  # rows that the preparation is learned from; quantiles need no more
MOST_VALIDATION = 20_000  # rows; the standard error of their mean cost is 0.7% of its deviation


class FitsBatches:
    """An estimator that fits blocks of rows."""

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit_batches(self, source: Iterable[Any], *, classes: ArrayLike | None = None) -> Self:
        """Fit the model to a table in blocks of rows, such as files larger than memory.

        The preparation is learned from 200,000 rows, drawn from all blocks; categories that none
        of these has count as "other". All networks are validated on the same rows, drawn from all
        blocks, at most 20,000; `n_folds` has no effect. They are trained one after another, and
        each epoch reads and prepares the blocks in order. The rows of each block are shuffled, so
        blocks should resemble each other: do not sort the rows. In memory are the rows that are
        drawn, and one block, as it is and prepared. With `checkpoint`, a later fit compares the
        targets of all rows, but X of the drawn rows only.

        Parameters
        ----------
        source : re-iterable of tuples (X, y) or (X, y, sample_weight)
            A list, `pynn.NpyBlocks` or `pynn.ParquetBlocks`, for example. Each block is as for
            `fit`, with the same columns, and may have any number of rows from 1. Without weights,
            its rows have the weight 1, if other blocks have weights.
        classes : array-like of shape (n_classes,), default=None
            Of a classifier: all classes that may occur, in any order. None uses the classes in the
            blocks.

        Returns
        -------
        self : estimator

        Raises
        ------
        TypeError, ValueError
            As for `fit`; or if the source is empty, can be iterated only once, or changes from one
            iteration to the next; or if a block has other columns or classes. The message names
            the block.
        RuntimeError
            If another thread is fitting this estimator.
        KeyboardInterrupt
            On Ctrl-C before a network has trained an epoch.

        Warns
        -----
        UserWarning
            As for `fit`.

        Examples
        --------
        >>> import numpy as np, pynn
        >>> x = np.linspace(-1, 1, 300)
        >>> blocks = [(x[k::3, None], x[k::3] ** 2) for k in range(3)]
        >>> model = pynn.TabularRegressor(preset="fast", random_state=0).fit_batches(blocks)
        >>> bool(model.score(x[:, None], x**2) > 0.9)
        True
        """

        def learn(new: Any, random: np.random.RandomState) -> tuple[Rows, Batches]:
            batches = Batches(new, source)
            new._learn_targets(batches.survey(), classes)
            sample, validation, rows = batches.gather(new._fraction(), random)
            new.preparation_ = Preparation.learn(sample, new.categorical_features, new.recipe_)
            return replace(rows, X=new.preparation_.apply(validation)), batches

        estimator: Any = self
        fitted: Self = estimator._fitted(learn, n_folds=1)
        return fitted


class Batches:
    """A source of blocks, as the passes over it see them.

    Parameters
    ----------
    estimator : TabularClassifier or TabularRegressor
        It learns the features, targets and preparation.
    source : re-iterable of tuples (X, y) or (X, y, sample_weight)

    Attributes
    ----------
    lengths : list of int
        Rows of each block, after `survey`.
    aside : ndarray of int
        Numbers of the validation rows among all rows, ascending, after `gather`.
    """

    lengths: list[int]
    aside: Array

    def __init__(self, estimator: Any, source: Iterable[Any]) -> None:
        self.estimator, self.source = estimator, source
        self._names: list[str] | None = None
        self._shape = (0, 0)  # of the first block

    @property
    def n_rows(self) -> int:
        """Number of rows of all blocks."""
        return sum(self.lengths)

    @property
    def n_training_rows(self) -> int:
        """Number of rows that are not set aside."""
        return self.n_rows - len(self.aside)

    @property
    def description(self) -> str:
        """Number of rows and blocks, and a checksum of all targets and weights."""
        n = len(self.lengths)
        return f"{self.n_rows} rows in {n} blocks, with targets of checksum {self._checksum:08x}"

    # ---- First pass ------------------------------------------------------------------------------

    def survey(self) -> Iterator[tuple[Array, Array | None]]:
        """Yield targets and weights of each block, and take note of its length and columns."""
        self.lengths = []
        return map(self._looked_at, self._blocks())

    def _looked_at(self, block: tuple[int, Any, Any, Any]) -> tuple[Array, Array | None]:
        k, X, y, weights = block
        with in_block(k):
            table = reading.read(X)
            if k == 0:
                self.estimator._check_table(X, True)
                self._names, self._shape = table.names, table.shape
            self._check_columns(table)
            self.lengths.append(table.shape[0])
            return self.estimator._targets(y), weights

    def _check_columns(self, table: Table) -> None:
        if table.shape[1] != self._shape[1]:
            raise ValueError(
                f"X has {table.shape[1]} columns, but {self._shape[1]} in the first block"
            )
        for j, (here, first) in enumerate(zip(table.names or (), self._names or (), strict=False)):
            if here != first:
                raise ValueError(f"column {j} of X is {here!r}, but {first!r} in the first block")
        if (table.names is None) != (self._names is None):
            raise ValueError("X must have names of columns in all blocks or in none")

    # ---- Second pass -----------------------------------------------------------------------------

    def gather(self, fraction: float, random: np.random.RandomState) -> tuple[Table, Table, Rows]:
        """Draw rows; return a sample, the validation rows, and their targets without inputs.

        Parameters
        ----------
        fraction : float
            Share of the rows for validation; at most `MOST_VALIDATION` rows are.
        random : RandomState
        """
        n = self.n_rows
        if n < 2:
            raise ValueError("the source has 1 row, but networks need at least two")
        n_aside = max(1, min(round(fraction * n), MOST_VALIDATION, n - 1))
        self.aside = _drawn(n, n_aside, random)
        chosen = _drawn(n, min(n, SAMPLE), random)
        sample, validation = Gathered(), Gathered()
        of_targets: list[list[Any]] = []
        self._checksum = n_counted = 0
        for k, X, y, weights in self._blocks():
            with in_block(k):
                table = self._known(k, reading.read(X))
                counts = np.ones(len(y), bool) if weights is None else weights > 0
                n_counted += int(counts.sum())
                some = self._within(chosen, k)
                sample.add(table, some[counts[some]])
                targets = self._encoded(y, weights, counts)
                for array in (targets[0], () if weights is None else weights):
                    self._checksum = zlib.crc32(np.ascontiguousarray(array).data, self._checksum)
                some = self._within(self.aside, k)
                some = some[counts[some]]
                if len(some):
                    validation.add(table, some)
                    places = counts.cumsum()[some] - 1
                    of_targets.append([None if a is None else a[places] for a in targets])
            del X, y, weights, table  # before the next block comes
        if not of_targets:
            raise ValueError("all rows that were drawn for validation have the weight 0")
        y, labels, weights = zip(*of_targets, strict=True)
        if n_counted == sum(map(len, y)):
            raise ValueError("all rows that were drawn for training have the weight 0")
        rows = Rows(
            np.empty((0, 0), np.float32),
            np.concatenate(y),
            joining.joined_weights(weights, [*map(len, y)]),
            None if labels[0] is None else np.concatenate(labels),
        )
        return sample.table(), validation.table(), rows

    def _within(self, numbers: Array, k: int) -> Array:
        """Return the given rows that are in block k, counted from its first row."""
        start = sum(self.lengths[:k])
        first, last = np.searchsorted(numbers, [start, start + self.lengths[k]])
        return numbers[first:last] - start

    def _known(self, k: int, table: Table) -> Table:
        """Check that the table of a block is as in the first pass, and return it."""
        known = self.lengths[k] if k < len(self.lengths) else 0
        if table.shape[0] != known:
            raise ValueError(f"X has {table.shape[0]} rows, but had {known} in the first pass")
        self._check_columns(table)
        return table

    # ---- Epochs ----------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[tuple[Array, ...]]:
        # No reference is kept to a block, so it can be freed before the next.
        yield from filter(len, map(self._prepared, self._blocks()))

    def _prepared(self, block: tuple[int, Any, Any, Any]) -> tuple[Array, ...]:
        """Return inputs, targets and weights of the training rows of a block; () without rows."""
        k, X, y, weights = block
        with in_block(k):
            table = self._known(k, reading.read(X))
            kept = np.delete(np.arange(table.shape[0]), self._within(self.aside, k))
            kept = kept if weights is None else kept[weights[kept] > 0]
            if not len(kept):
                return ()
            inputs = self.estimator.preparation_.apply(table)
            targets, _, weights = self._encoded(y, weights, kept)
            data = inputs[kept], targets
        return data if weights is None else (*data, weights)

    def _encoded(self, y: Any, weights: Array | None, some: Array) -> Any:
        """Return targets, labels and weights of some rows of a block."""
        weights = None if weights is None else weights[some]
        return self.estimator._encoded(self.estimator._targets(y)[some], weights)

    def _blocks(self) -> Iterator[tuple[int, Any, Any, Any]]:
        numbers = itertools.count()
        yield from map(_with_weights, numbers, blocks_of(self.source))
        n_blocks = next(numbers) - 1
        if n_blocks != len(self.lengths):
            raise ValueError(
                f"the source yielded {n_blocks} blocks, but {len(self.lengths)} in the first pass"
            )


def _with_weights(k: int, block: tuple[Any, Any, Any]) -> tuple[int, Any, Any, Any]:
    """Return number, X, y and checked weights of a block."""
    X, y, weights = block
    if weights is not None:
        with in_block(k):
            if np.ndim(weights) != 1:
                raise ValueError(f"sample_weight must have 1 dimension, got {np.ndim(weights)}")
            # All weights of one block may be 0, so a weight that is not is appended.
            given = np.append(weights, 1.0)
            weights = _check_sample_weight(given, given, ensure_non_negative=True)[:-1]
            if weights.max(initial=0) > LARGEST:
                raise ValueError(
                    f"sample_weight must be at most {LARGEST:g}, got {weights.max():g}; only "
                    "ratios count, so divide the weights of all blocks by the same number"
                )
    return k, X, y, weights


def _drawn(n_rows: int, n: int, random: np.random.RandomState) -> Array:
    """Return the numbers of n rows, drawn without replacement, ascending."""
    found: Array = sample_without_replacement(n_rows, n, random_state=random)
    return np.sort(found)


@contextmanager
def in_block(k: int) -> Iterator[None]:
    """Let errors name the block."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"block {k}: {error}") from error
