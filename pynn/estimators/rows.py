"""Rows: checks the data passed to fit and predict, and makes samples of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import is_regressor
from sklearn.utils.validation import column_or_1d, validate_data

from pynn import checks
from pynn.data.samples import Samples
from pynn.estimators._sklearn import _check_sample_weight

Array = NDArray[Any]


def dtypes(estimator: Any) -> Any:
    """Return the dtypes that X may have, the first for all else."""
    auto = estimator.dtype == "auto"
    return (np.float64, np.float32) if auto else np.dtype(estimator.dtype)


def refuse_lossy(array: Any, name: str) -> None:
    """Refuse data whose conversion to numbers would lose or invent something.

    Raises
    ------
    TypeError
        If it is a masked array, or holds dates or times.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be a masked array: its mask would be lost; use filled()")
    if type(array) is np.ndarray and array.dtype.kind not in "mM":
        return
    kinds = getattr(array, "dtypes", None)
    kinds = getattr(array, "dtype", None) if kinds is None else kinds
    for kind in np.ravel(np.asarray(kinds, dtype=object)):
        times = str(kind).startswith(("datetime", "timedelta", "Datetime", "Date", "Duration"))
        if times or getattr(kind, "kind", "") in ("m", "M"):
            raise TypeError(
                f"{name} must hold numbers, got {kind}: make numbers of dates and times first, "
                "such as days since a date"
            )


def labels_of(y: Any) -> Any:
    """Return y, with Python's booleans in an array of objects as an array of booleans."""
    array = np.asarray(y) if hasattr(y, "dtype") else None
    if (
        array is not None
        and array.dtype.kind == "O"
        and {*map(type, array.ravel().tolist())} <= {bool, np.bool_}
    ):
        return array.astype(bool)
    return y


def samples(
    estimator: Any,
    X: ArrayLike,
    y: ArrayLike,
    sample_weight: ArrayLike | None = None,
    *,
    first: bool,
    incremental: bool,
    trains: bool = True,
) -> Samples:
    """Return checked rows and targets; after a first fit, they must match it."""
    for array, name in ((X, "X"), (y, "y"), (sample_weight, "sample_weight")):
        refuse_lossy(array, name)
    rows, labels = validate_data(
        estimator,
        checks.sound("X", X),
        labels_of(y),
        accept_sparse=("csr", "csc"),
        dtype=dtypes(estimator),
        multi_output=True,
        y_numeric=is_regressor(estimator),
        reset=first,
    )
    if checks.is_sparse(rows):
        rows = rows.tocsr()
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = column_or_1d(labels, warn=True)
    if first and not incremental:
        estimator._learn_targets(labels)
    else:
        estimator._check_targets(labels, incremental)
    weights = None if sample_weight is None else _check_sample_weight(sample_weight, rows)
    class_weight = estimator._class_weights(labels, incremental) if trains else None
    return Samples(rows, estimator._encode(labels), labels, weights, class_weight)


def validation_sets(
    eval_set: Any,
    X_val: Any = None,
    y_val: Any = None,
    sample_weight_val: Any = None,
) -> list[tuple[Any, ...]]:
    """Return the validation sets, each a tuple (X, y) or (X, y, sample_weight)."""
    if X_val is not None or y_val is not None:
        if X_val is None or y_val is None:
            raise ValueError("X_val and y_val must be given together")
        if eval_set is not None:
            raise ValueError("give a validation set as eval_set or as X_val and y_val, not as both")
        return [(X_val, y_val, sample_weight_val)]
    if sample_weight_val is not None:
        raise ValueError("sample_weight_val needs X_val and y_val")
    if eval_set is None:
        return []
    several = isinstance(eval_set, list) and all(isinstance(one, tuple) for one in eval_set)
    sets = eval_set if several and eval_set else [eval_set]
    for one in sets:
        if not isinstance(one, tuple | list) or len(one) not in (2, 3):
            given = f"{type(one).__name__}" + (f" of {len(one)}" if isinstance(one, tuple) else "")
            raise TypeError(
                f"eval_set must be (X, y) or (X, y, sample_weight), or a list of these, got {given}"
            )
    return [tuple(one) for one in sets]


def held_out(estimator: Any, sets: list[tuple[Any, ...]]) -> list[Samples]:
    """Return validation sets as checked samples."""
    found = []
    for number, one in enumerate(sets):
        name = "eval_set" if len(sets) == 1 else f"eval_set[{number}]"
        try:
            found.append(samples(estimator, *one, first=False, incremental=True, trains=False))
        except (ValueError, TypeError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{name}: {error}") from error
    return found
