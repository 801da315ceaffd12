"""The table for a training: its target, the columns in use, the rows set aside."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pynn.commands import sources
from pynn.commands.arguments import tell
from pynn.commands.kinds import Convention
from pynn.commands.targets import Target, rows_of, set_aside, target_of
from pynn.tabular.columns import Column
from pynn.tabular.reading import Table

__all__ = ["Data", "Wishes", "read"]

_FEWEST = 20  # rows from which a column of distinct values is an identifier
_OTHER_DATE = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{2,4}(\s|$)")
_MOSTLY = 0.9  # share of the texts that are distinct in such a column


@dataclass(frozen=True)
class Wishes:
    """The user's options for a table.

    Parameters
    ----------
    target : str
    task : {"auto", "classification", "regression"}
    categorical, dropped : list of str
        Columns.
    share : float
        Share of the rows to set aside.
    seed : int
    convention : Convention
    """

    target: str
    task: str
    categorical: list[str]
    dropped: list[str]
    share: float
    seed: int
    convention: Convention


@dataclass(frozen=True)
class Data:
    """A table for a training.

    Parameters
    ----------
    train, test : Table
        The test table is None if no rows are set aside.
    y_train, y_test : ndarray of shape (n_rows,)
        Their targets.
    target : Target
    categorical : list of str
        Columns in use that hold codes.
    left_out : list of str
        Columns that are not in use.
    """

    train: Table
    test: Table | None
    y_train: NDArray[np.generic]
    y_test: NDArray[np.generic]
    target: Target
    categorical: list[str]
    left_out: list[str]


def read(source: sources.Source, wishes: Wishes) -> Data:
    """Read a table for a training.

    Raises
    ------
    ValueError
        If it is not as it must be, or lacks columns.
    """
    sources.check_names(source, [wishes.target], "to predict")
    sources.check_names(source, wishes.categorical, "for --categorical")
    sources.check_names(source, wishes.dropped, "for --drop")
    if wishes.target in wishes.dropped:
        raise ValueError(f"the column {wishes.target!r} cannot be both target and dropped")
    is_class = wishes.task == "classification" or wishes.target in wishes.categorical
    categorical = {*wishes.categorical, *([wishes.target] if is_class else [])}
    columns = source.columns(wishes.convention, categorical, wishes.dropped)
    if not len(columns[0].values):
        raise ValueError(f"{source.name} has names of columns, but no rows")
    where = f"{source.name}: column {wishes.target!r}"
    (of_target,) = (column for column in columns if column.name == wishes.target)
    task = "classification" if is_class and wishes.task == "auto" else wishes.task
    target = target_of(of_target, where, task)
    if n_without := len(of_target.values) - len(target.rows):
        tell(f"{n_without:,} rows without {wishes.target!r} are left out")
    used = [column for column in columns if column.name != wishes.target]
    ids = _identifiers(used, categorical)
    used = [column for column in used if column.name not in ids]
    if not used:
        raise ValueError(f"{source.name} has no columns to predict {wishes.target!r} from")
    names = [column.name for column in used]
    table = sources.table_of(names, used)
    train, test = set_aside(target, wishes.share, wishes.seed)
    return Data(
        rows_of(table, target.rows[train]),
        rows_of(table, target.rows[test]) if len(test) else None,
        target.y[train],
        target.y[test],
        target,
        [name for name in wishes.categorical if name in names],
        [*wishes.dropped, *ids],
    )


def _identifiers(columns: Sequence[Column], categorical: Collection[str]) -> list[str]:
    """Return text columns that differ in nearly every row; note them, row numbers and dates."""
    found = []
    for column in columns:
        if column.name in categorical or len(column.values) < _FEWEST:
            continue
        name = column.name
        if column.labels and _OTHER_DATE.match(str(column.labels[0])):
            tell(
                f"column {name!r} holds text such as {column.labels[0]!r}; dates are recognised "
                "only if they are written as 2026-01-31"
            )
        if column.labels is not None:
            n = int((column.values >= 0).sum())
            n_distinct = len(np.unique(column.values[column.values >= 0]))
            if n >= _FEWEST and n_distinct >= _MOSTLY * n:
                found.append(name)
                tell(
                    f"column {name!r} is left out: {n_distinct:,} different texts in {n:,} rows "
                    f"say nothing about new rows (--categorical {name!r} keeps it)"
                )
        elif column.values.dtype.kind in "iuf" and _counts(column.values):
            tell(f"column {name!r} numbers the rows: leave it out with --drop {name!r}")
    return found


def _counts(values: NDArray[np.generic]) -> bool:
    """Whether each number is one more than the number before."""
    return bool((values[1:] == values[:-1] + 1).all())
