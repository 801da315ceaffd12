"""Targets: `y` of any kind, checked and converted to arrays."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_array, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from pynn import checks
from pynn.estimators.rows import refuse_lossy

Array = NDArray[Any]

LARGEST = 1e300  # of targets and of weights in blocks: the sum of 100 million of them is finite


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
        low, high = min(labels), max(labels)
        if low < -(2**63) or high >= 2**63:
            raise ValueError(
                f"y must hold integers that fit int64, got some from {low} to {high}; convert "
                "them to strings"
            )
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


def counted(blocks: Iterable[Array], known: Array | None = None) -> tuple[Array, Array]:
    """Return the classes of all blocks, ascending, and the number of rows of each.

    Parameters
    ----------
    blocks : iterable of ndarray
        Labels, as `classes` returns them.
    known : ndarray, optional
        All classes that may occur.

    Raises
    ------
    ValueError
        If a block has unknown labels, or labels of another type than the blocks before it.
    """
    found, counts = known, np.zeros(0 if known is None else len(known), dtype=np.int64)
    for k, labels in enumerate(blocks):
        here, n = np.unique(labels, return_counts=True)
        before = here if found is None else found
        if (here.dtype.kind in "UO") != (before.dtype.kind in "UO"):
            raise ValueError(
                f"block {k}: y holds {here.dtype}, but the labels before it are {before.dtype}"
            )
        together = np.union1d(before, here)
        if known is not None and len(together) > len(known):
            unknown = np.setdiff1d(here, known).tolist()
            raise ValueError(f"block {k}: y holds {checks.listed(unknown)}, not in classes")
        if len(together) > len(counts):
            places = np.searchsorted(together, before[: len(counts)])
            counts, smaller = np.zeros(len(together), dtype=np.int64), counts
            counts[places] = smaller
        counts[np.searchsorted(together, here)] += n
        found = known if known is not None else together
    return np.asarray(found), counts


def class_weights(given: Any, classes: Array, counts: Array) -> Array | None:
    """Return the weight of each class.

    Parameters
    ----------
    given : dict, "balanced" or None
        "balanced" is ``n_rows / (n_classes * counts)``; a class that the dict lacks has the
        weight 1.
    classes, counts : ndarray of shape (n_classes,)

    Raises
    ------
    ValueError
        If a weight is not a positive number, or if a key is no class while a class has no key.
    """
    if given is None:
        return None
    if isinstance(given, str):
        return np.asarray(counts.sum() / (len(counts) * np.maximum(counts, 1)))
    labels = classes.tolist()
    unknown = [label for label in given if label not in labels]
    without = [label for label in labels if label not in given]
    if unknown and without:  # perhaps misspelt; but a part of the rows may lack a class
        raise ValueError(
            f"class_weight has weights of {checks.listed(unknown)}, no class of y, but none of the "
            f"classes {checks.listed(without)}"
        )
    weights = [given.get(label, 1.0) for label in labels]
    if not all(isinstance(weight, Real) and 0 < float(weight) < np.inf for weight in weights):
        raise ValueError(
            f"class_weight must hold positive numbers, got {given}; to ignore a class, leave its "
            "rows out or give them the sample_weight 0"
        )
    return np.array(weights, dtype=np.float64)


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
    given = np.asarray(y)
    if given.dtype.kind in "OSU":
        strings = [one for one in given.ravel().tolist() if isinstance(one, str | bytes)]
        if strings:
            raise ValueError(f"y must hold numbers, got strings such as {strings[0]!r}")
    try:
        array: Array = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    except OverflowError as error:  # an integer beyond float64
        raise ValueError(f"y must hold numbers within ±{LARGEST:g}: {error}") from error
    if array.ndim == 2 and array.shape[1] == 1:
        array = column_or_1d(array, warn=True)
    if np.abs(array).max() > LARGEST:
        raise ValueError(f"y must hold numbers within ±{LARGEST:g}, got {np.abs(array).max():g}")
    return array


def scaled_weights(weights: Array) -> Array:
    """Return weights over a power of two, the largest from 0.5 to 1: the bits of ratios stay.

    So sums and squares of huge weights are finite. Weights smaller than the largest by more than
    float64's range become 0.
    """
    with np.errstate(under="ignore"):
        return np.asarray(np.ldexp(weights, -np.frexp(weights.max())[1]))


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


def moments_of_all(
    blocks: Iterable[tuple[Array, Array | None]],
) -> tuple[bool, Array, Array]:
    """Return whether y has one dimension, and the moments of all blocks of rows together.

    Parameters
    ----------
    blocks : iterable of tuples (y, weights)
        As `numbers` returns y.

    Returns
    -------
    is_one : bool
    mean, scale : ndarray of shape (n_outputs,)

    Raises
    ------
    ValueError
        If y has another shape in one of the blocks.

    References
    ----------
    Chan, Golub & LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances, 1979.
    """
    total, shape = 0.0, ()
    mean = scale = np.zeros(0)
    for k, (y, weights) in enumerate(blocks):
        here = float(len(y) if weights is None else weights.sum())
        if k and y.shape[1:] != shape:
            raise ValueError(f"block {k}: y has shape {y.shape}, unlike the blocks before it")
        if here > 0:
            shape = y.shape[1:]
            m, s = moments(
                y.reshape(len(y), -1), None if weights is None else scaled_weights(weights)
            )
            if not total:
                mean, scale = m, s
            else:
                p, distance = here / (total + here), m - mean
                unit = np.maximum(np.maximum(scale, s), np.abs(distance))
                unit = np.where(unit > 0, unit, 1.0)  # squares may overflow
                squares = (1 - p) * (scale / unit) ** 2 + p * (s / unit) ** 2
                squares += p * (1 - p) * (distance / unit) ** 2
                mean, scale = mean + p * distance, unit * np.sqrt(squares)
            total += here
    if not total:
        raise ValueError("all rows have the weight 0")
    return not shape, mean, scale
