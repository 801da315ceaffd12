"""Targets: what `y` may be, checked and converted to arrays."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from pynn.estimators.rows import refuse_lossy

Array = NDArray[Any]

LARGEST = 1e300  # of targets: the sum of any number of them is finite


def classes(y: Any) -> Array:
    """Return labels of classes as an array.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, 1)
        Integers, bools or strings, also as a Series of pandas or polars or an array of Arrow.

    Returns
    -------
    ndarray of shape (n_rows,)

    Raises
    ------
    TypeError, ValueError
        If a label is missing, or y holds anything else.
    """
    refuse_lossy(y, "y")
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] > 1:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {array.shape} instead: for several "
            "labels of each row, fit one classifier for each label, as "
            "sklearn.multioutput.MultiOutputClassifier does"
        )
    labels: Array = column_or_1d(array, warn=True)
    if labels.dtype.kind == "O":
        labels = _of_objects(labels)
    if labels.dtype.kind == "f":
        assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    return labels


def _of_objects(labels: Array) -> Array:
    """Return labels of one type, bools and integers as such arrays."""
    missing = [i for i, label in enumerate(labels) if label is None or label != label]
    if missing:
        raise ValueError(
            f"Input y contains NaN: {len(missing)} of {len(labels)} labels are missing, the first "
            f"one in row {missing[0]}; leave these rows out"
        )
    kinds = {*map(type, labels.tolist())}
    if kinds <= {bool, np.bool_}:
        return labels.astype(bool)
    if all(issubclass(kind, Integral) for kind in kinds):
        return labels.astype(np.int64)
    if all(issubclass(kind, Integral | float | np.floating) for kind in kinds):
        return labels.astype(np.float64)
    if len(kinds) > 1:
        names = sorted(kind.__name__ for kind in kinds)
        raise TypeError(
            f"y holds labels of several types, {', '.join(names)}; convert them to one, such as "
            "by y.astype(str)"
        )
    return labels


def numbers(y: Any) -> Array:
    """Return numbers as an array.

    Parameters
    ----------
    y : array-like of shape (n_rows,) or (n_rows, n_outputs)

    Returns
    -------
    ndarray of float64, of the same shape; (n_rows,) if there is one column

    Raises
    ------
    TypeError, ValueError
        If it does not hold finite numbers within ±1e300.
    """
    refuse_lossy(y, "y")
    array: Array = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    if array.ndim == 2 and array.shape[1] == 1:
        array = column_or_1d(array, warn=True)
    if np.abs(array).max() > LARGEST:
        raise ValueError(f"y must hold numbers within ±{LARGEST:g}, got {np.abs(array).max():g}")
    return array


def moments(columns: Array, weights: Array | None) -> tuple[Array, Array]:
    """Return mean and standard deviation of each column; that of constant columns is 0.

    Parameters
    ----------
    columns : ndarray of shape (n_rows, n_outputs)
    weights : ndarray of shape (n_rows,) or None

    Returns
    -------
    tuple of ndarray of shape (n_outputs,)
    """
    is_constant = (columns == columns[0]).all(axis=0)
    mean = np.where(is_constant, columns[0], np.average(columns, axis=0, weights=weights))
    unit = np.where(is_constant, 1.0, np.abs(columns - mean).max(axis=0))  # squares may overflow
    squares = ((columns - mean) / unit) ** 2
    return mean, unit * np.sqrt(np.average(squares, axis=0, weights=weights))
