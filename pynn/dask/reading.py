"""Reading: tasks that check a partition, and make a shard of one or several of them."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.utils.multiclass import type_of_target

from pynn import checks
from pynn.dask.rounds import Shard
from pynn.estimators import rows
from pynn.estimators.advice import spread_of_scales

Array = NDArray[Any]

# What an estimator has learned of targets and columns.
_LEARNED = ("_label_binarizer", "classes_", "n_features_in_", "feature_names_in_")


class Rows(NamedTuple):
    """Checked rows of a partition."""

    X: Any
    labels: Array
    weights: Array | None
    names: tuple[str, ...] | None  # of the columns


class Facts(NamedTuple):
    """What the client knows of a partition."""

    n_rows: int
    n_features: int = 0
    names: tuple[str, ...] | None = None
    dtype: Any = None
    n_targets: int = 0  # columns of y, 0 for a vector
    kind: str = ""  # of y, as scikit-learn names it
    classes: Array | None = None
    counts: Array | None = None  # rows of each class
    spread: float = 1.0  # of the scales of the columns
    checksum: int = 0


def shell_of(estimator: Any, **changes: Any) -> Any:
    """Return the parameters of an estimator, and what it has learned of targets and columns."""
    shell, given = object.__new__(type(estimator)), vars(estimator)
    vars(shell).update(estimator.get_params(deep=False))
    vars(shell).update({name: given[name] for name in _LEARNED if name in given})
    vars(shell).update({"callbacks": None, "scoring": None, "random_state": None} | changes)
    return shell


def read(shell: Any, i: int, X: Any, y: Any, weights: Any, first: bool) -> Rows | None:
    """Check the rows of partition i; return None if there are none.

    first : whether classes and columns are still to be learned
    """
    columns = [name for name in (y, weights) if isinstance(name, str)]
    y = X[y] if isinstance(y, str) else y
    weights = X[weights] if isinstance(weights, str) else weights
    X = X.drop(columns=columns) if columns else X
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    for name, beside in (("y", y), ("sample_weight", weights)):
        n_beside = n if beside is None else np.shape(beside)[0]
        if n_beside != n:
            raise ValueError(f"partition {i}: {name} has {n_beside} rows, but X has {n}")
    if n == 0:
        return None
    learner = copy.copy(shell)
    # All weights of a partition may be 0, if not those of all partitions.
    weighs_nothing = weights is not None and not np.asarray(weights).any()
    given = None if weighs_nothing else weights
    try:
        samples = rows.samples(
            learner, X, y, given, first=first, incremental=not first, trains=False
        )
        if checks.is_sparse(samples.labels):
            raise TypeError("y must be dense")
        if samples.sample_weight is not None:
            checks.row_weights(samples.sample_weight, n)
    except (ValueError, TypeError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"partition {i}: {error}") from error
    x = samples.X if checks.is_sparse(samples.X) else np.ascontiguousarray(samples.X)
    names = getattr(learner, "feature_names_in_", None)
    found = np.zeros(n) if weighs_nothing else samples.sample_weight
    return Rows(x, samples.labels, found, None if names is None else tuple(names))


def facts_of(found: Rows | None, shell: Any) -> Facts:
    """Describe a partition."""
    if found is None:
        return Facts(0)
    X, labels, _, names = found
    classes = counts = None
    if is_classifier(shell) and labels.ndim == 1:
        classes, counts = np.unique(labels, return_counts=True)
    return Facts(
        n_rows=len(labels),
        n_features=X.shape[1],
        names=names,
        dtype=X.dtype,
        n_targets=0 if labels.ndim == 1 else labels.shape[1],
        kind=type_of_target(labels) if is_classifier(shell) else "numbers",
        classes=classes,
        counts=counts,
        spread=spread_of_scales(X),
        checksum=_checksum(found),
    )


def _checksum(found: Rows) -> int:
    X, labels, weights, _ = found
    parts = [X.data, X.indices, X.indptr] if checks.is_sparse(X) else [X]
    if labels.dtype.kind in "OU":
        labels = np.frombuffer("\0".join(map(str, labels.ravel())).encode(), np.uint8)
    checksum = 0
    for part in [*parts, labels, np.empty(0) if weights is None else weights]:
        checksum = zlib.crc32(np.ascontiguousarray(part).view(np.uint8).data, checksum)
    return checksum


def assemble(
    shell: Any,
    found: Sequence[Rows],
    slices: Sequence[tuple[int, int] | None],
    dtype: Any,
    n_outputs: int,
) -> Shard:
    """Return a shard of some rows of partitions, with encoded targets.

    A slice of None is a whole partition. Alone, aligned and of this dtype, it is not copied.
    """
    X = _joined([one.X for one in found], slices).astype(dtype, copy=False)
    labels = _joined([one.labels for one in found], slices)
    class_weights = shell._class_weights(labels, incremental=True)
    given = [one.weights for one in found]
    weights: Any = class_weights
    if given[0] is not None:
        weights = _joined(given, slices) * (1.0 if class_weights is None else class_weights)
    _, cost = shell._output()
    name = cost if isinstance(cost, str) else cost._name()
    y = checks.targets(shell._encode(labels), len(labels), n_outputs, name, np.dtype(dtype))
    if weights is not None:
        weights = np.ascontiguousarray(weights, np.float64)
    return Shard(X, np.ascontiguousarray(y), weights).aligned()


def total_of(shard: Shard) -> float:
    """Return the sum of the weights of all rows."""
    return float(len(shard.y) if shard.weights is None else shard.weights.sum())


def same(shard: Shard) -> Shard:
    """Return the shard: a task that another worker runs holds it there."""
    return shard


def _joined(arrays: Sequence[Any], slices: Sequence[tuple[int, int] | None]) -> Any:
    parts = [
        array if rows is None else array[slice(*rows)]
        for array, rows in zip(arrays, slices, strict=True)
    ]
    if len(parts) == 1:  # a view of a part would keep the whole in memory
        return parts[0] if slices[0] is None else parts[0].copy()
    if checks.is_sparse(parts[0]):
        return scipy.sparse.vstack(parts, format="csr")
    return np.concatenate(parts)
