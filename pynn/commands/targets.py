"""The column that a model predicts: classes or numbers; and rows set aside to test it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.commands.sources import is_missing
from pynn.tabular import columns
from pynn.tabular.columns import Column
from pynn.tabular.joining import Gathered
from pynn.tabular.reading import Table

__all__ = ["Target", "rows_of", "set_aside", "target_of"]

MOST_CLASSES_OF_NUMBERS = 10  # more distinct integers are probably numbers
_MOST_CLASSES = 0.5  # of the rows; more texts are no classes


@dataclass(frozen=True)
class Target:
    """What a model learns to predict.

    Parameters
    ----------
    name : str
    is_classes : bool
        Whether these are classes, not numbers.
    y : ndarray of shape (n_rows,)
        The rows that have a target.
    rows : ndarray of int
        Their numbers in the table.
    """

    name: str
    is_classes: bool
    y: NDArray[Any]
    rows: NDArray[np.intp]


def target_of(column: Column, where: str, task: str) -> Target:
    """Return the target in a column.

    Parameters
    ----------
    column : Column
    where : str
        What messages call the column.
    task : {"auto", "classification", "regression"}
        "auto" takes text, booleans and up to ten distinct integers as classes.

    Raises
    ------
    ValueError
        If the column cannot be such a target.
    """
    name = column.name
    present = np.flatnonzero(~is_missing(column))
    if not len(present):
        raise ValueError(f"{where} has no values to learn from")
    kind = columns.kind(column)
    if kind == "dates":
        raise ValueError(f"{where} holds dates; a target must be classes or numbers")
    if kind == "categories" and task == "regression":
        raise ValueError(f"{where} holds text, such as {_example(column, present)!r}, not numbers")
    is_classes = task == "classification" or kind == "categories"
    if kind == "categories":
        codes, labels = columns.categories(column)
        y = np.array([str(label) for label in labels])[codes[present]]
    else:
        y = columns.numbers(column)[present]
        distinct = np.unique(y[: 10 * MOST_CLASSES_OF_NUMBERS])
        if len(distinct) <= MOST_CLASSES_OF_NUMBERS:
            distinct = np.unique(y)
        is_whole = bool((y == np.round(y)).all() and np.abs(y).max() < 2**53)
        if task == "auto":
            is_classes = is_whole and len(distinct) <= MOST_CLASSES_OF_NUMBERS
        if is_classes:
            y = y.astype(_type_of_labels(column, is_whole))
        elif len(distinct) == 1:
            raise ValueError(f"{where} has only one value, {y[0]:g}: there is nothing to learn")
    if is_classes:
        n_classes = len(np.unique(y))
        if n_classes < 2:
            raise ValueError(
                f"{where} has only one class, {y[0].item()!r}: there is nothing to learn"
            )
        if n_classes > max(10, _MOST_CLASSES * len(y)):
            raise ValueError(
                f"{where} has {n_classes:,} different values in {len(y):,} rows: these are no "
                "classes"
            )
    return Target(name, is_classes, y, present)


def _type_of_labels(column: Column, is_whole: bool) -> type:
    """Return the type of classes that are booleans or numbers: text for numbers such as 0.5."""
    if column.labels is None and column.values.dtype == bool:
        return bool
    return np.int64 if is_whole else str


def _example(column: Column, present: NDArray[np.intp]) -> str:
    codes, labels = columns.categories(column)
    return str(labels[codes[present[0]]])


def set_aside(target: Target, share: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw test rows; of each class, about the same share.

    Parameters
    ----------
    target : Target
    share : float
        Share of the rows to set aside; 0 for none.
    seed : int

    Returns
    -------
    train, test : ndarray of int
        Places in ``target.y``, ascending. Each class has training rows.

    Raises
    ------
    ValueError
        If there are too few rows.
    """
    n = len(target.y)
    shuffled = np.random.default_rng(seed).permutation(n)
    classes = target.y[shuffled] if target.is_classes else np.zeros(n)
    by_class = np.argsort(classes, kind="stable")
    # The i-th row, class by class, is a test row if i times the share passes a whole number there:
    # so classes of few rows, too, have about their share of the test rows.
    passed = np.floor(np.arange(n + 1) * share + 1e-9)
    is_test = passed[1:] > passed[:-1]
    _, first = np.unique(classes[by_class], return_index=True)
    is_test[first[np.logical_and.reduceat(is_test, first)]] = False
    test = np.sort(shuffled[by_class[is_test]])
    train = np.sort(shuffled[by_class[~is_test]])
    if len(train) < 2 or (share and not len(test)):
        raise ValueError(
            f"{n} rows are too few to set {share:.0%} of them aside"
            + (", as each class needs a training row" if target.is_classes else "")
            + "; --test-size 0 trains on all rows without a test"
        )
    return train, test


def rows_of(table: Table, some: NDArray[np.intp]) -> Table:
    """Return some rows of a table."""
    gathered = Gathered()
    gathered.add(table, some)
    return gathered.table()
