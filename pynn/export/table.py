"""Tables: the columns in front of the networks, and the last step behind them.

Writers read these descriptions. Inputs of networks are numbered as in `Preparation.apply`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.tabular import numeric
from pynn.tabular.calibration import tempered
from pynn.tabular.category import Category
from pynn.tabular.classifier import TabularClassifier
from pynn.tabular.numeric import Date
from pynn.tabular.preparation import Preparation

Array = NDArray[Any]


@dataclass(frozen=True)
class Number:
    """A column of numbers or dates.

    With z = (x - median) / scale, or 0 if x is NaN, its inputs are z / sqrt(1 + (z / clip)²),
    whether x is NaN, z within the ends, and sine and cosine of each cycle of a date. Columns need
    not have all of them.

    Parameters
    ----------
    index : int
        Number of the column in the table.
    name : str
    place : int
        Number of its first input.
    median, scale, clip : float
        With a scale of 0, z is no input.
    has_flag : bool
        Whether an input is 1 for missing numbers.
    ends : tuple of float, or None
        Limits of z under an encoding.
    is_date : bool
        Whether x are days since 1970-01-01.
    n_cycles : int
        Of year, week and day: 0, 2 or 3.
    """

    index: int
    name: str
    place: int
    median: float
    scale: float
    clip: float
    has_flag: bool
    ends: tuple[float, float] | None
    is_date: bool = False
    n_cycles: int = 0

    def about(self) -> str:
        """Return the kind of its values."""
        return "days since 1970-01-01" if self.is_date else "number"


@dataclass(frozen=True)
class Words:
    """A column of categories.

    Parameters
    ----------
    index : int
        Number of the column in the table.
    name : str
    place : int
        Number of its first input.
    labels : tuple of str or number
        The known categories.
    inputs : ndarray of float32, shape (len(labels) + 2, n_inputs)
        Inputs for each label, for a missing value, and for any other one.
    """

    index: int
    name: str
    place: int
    labels: tuple[Any, ...]
    inputs: Array

    @property
    def are_texts(self) -> bool:
        """Whether categories are texts."""
        return not self.labels or isinstance(self.labels[0], str)

    def about(self) -> str:
        """Return the kind of its values."""
        return "category" if self.are_texts else "category, a number"


Column = Number | Words


@dataclass(frozen=True)
class Table:
    """The preparation of a table, and the last step from the networks' mean to predictions.

    Parameters
    ----------
    n_columns : int
        Number of columns of the table.
    columns : tuple of Number or Words
        Those that the networks read, one at least.
    temperature : float or None
        Divides the logarithms of probabilities; None for numbers.
    scale, mean : ndarray of shape (n_outputs,)
        Numbers are ``out * scale + mean``; empty for classes.
    preparation : Preparation
    """

    n_columns: int
    columns: tuple[Column, ...]
    temperature: float | None
    scale: Array
    mean: Array
    preparation: Preparation

    def expect_doubles(self, writer: str) -> None:
        """Raise a ValueError if categories are not all texts, or numbers that float64 holds."""
        for column in self.columns:
            if not isinstance(column, Words):
                continue
            are_texts = {isinstance(label, str) for label in column.labels}
            if len(are_texts) > 1:
                problem = "numbers and texts"
            elif column.labels and not column.are_texts and max(map(_lost, column.labels)):
                problem = "integers beyond ±2**53"
            else:
                continue
            raise ValueError(
                f"{writer} cannot write the column {column.name!r}, whose categories are {problem}"
                "; train on texts, or use to_numpy or to_json"
            )


def _lost(label: Any) -> bool:
    return bool(float(label) != label)


def table_of(model: Any, writer: str) -> Table:
    """Return the table of a fitted TabularClassifier or TabularRegressor.

    Raises
    ------
    ValueError
        If it reads no column.
    """
    preparation = model.preparation_
    columns: list[Column] = []
    for j, feature in enumerate(preparation.features):
        place, clip = preparation.inputs_of(j).start, preparation.settings.clip
        names = preparation.feature_names
        name = f"x{j}" if names is None else names[j]
        match feature:
            case _ if not feature.n_inputs:
                continue
            case numeric.Number():
                columns.append(_number(j, name, place, feature, clip))
            case Date(days=days):
                cycles = (2 + feature.has_time) * (days.scale > 0)
                columns.append(
                    _number(j, name, place, days, clip, is_date=True, n_cycles=int(cycles))
                )
            case Category(labels=labels):
                n = len(labels)
                codes = np.array([*range(n + 1), feature.n_categories])
                inputs = np.zeros((n + 2, feature.n_inputs), dtype=np.float32)
                feature.write_codes(codes, inputs)
                columns.append(Words(j, name, place, labels, inputs))
    if not columns:
        raise ValueError(
            f"{writer}: the model reads no column, as all are constant; it predicts the same for "
            "every row"
        )
    if isinstance(model, TabularClassifier):
        temperature, scale, mean = model.temperature_, np.zeros(0), np.zeros(0)
    else:
        temperature, scale, mean = None, model._scale, model._mean
    return Table(preparation.n_features, tuple(columns), temperature, scale, mean, preparation)


def _number(j: int, name: str, place: int, of: numeric.Number, clip: float, **date: Any) -> Number:
    ends = (of.edges[0], of.edges[-1]) if of.edges else None
    return Number(j, name, place, of.median, of.scale, clip, of.missing > 0, ends, **date)


def finished(table: Table, mean: Array) -> Array:
    """Return predictions (n_rows, n_outputs) of float64 from means of the networks' outputs."""
    if table.temperature is None:
        return np.asarray(mean * table.scale + table.mean)
    return tempered(mean, table.temperature)
