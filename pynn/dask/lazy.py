"""Predictions and scores of collections, computed when they are asked for."""

from __future__ import annotations

import copy
import uuid
from typing import Any

import dask.array as da
import numpy as np
from dask.delayed import delayed
from numpy.typing import NDArray
from sklearn.base import is_classifier

from pynn.dask import evaluation, reading
from pynn.dask.parts import parts_of

Array = NDArray[Any]


def applied(model: Any, method: str, X: Any, **options: Any) -> da.Array:
    """Return what a method of a model makes of each partition, as a lazy array.

    Parameters
    ----------
    model : pynn.MLPClassifier or pynn.MLPRegressor
        Fitted; the array keeps it as it is now.
    method : str
        Its argument is X, and it returns an array with a row for each of X.
    X : collection
    options
        More arguments of the method.
    """
    plain, token = copy.copy(model), uuid.uuid4().hex[:12]
    vars(plain).pop("feature_names_in_", None)
    example = getattr(plain, method)(np.zeros((1, model.n_features_in_)), **options)[:0]
    shared = delayed(model, name=f"pynn-model-{token}", traverse=False)
    task = delayed(_applied, pure=False)
    arrays = []
    for i, part in enumerate(parts_of(X)):
        key = f"pynn-{method}-{i}-{token}"
        value = task(shared, method, part.X, options, example, dask_key_name=key)
        shape = (part.n_rows if np.isnan(part.n_rows) else int(part.n_rows), *example.shape[1:])
        arrays.append(da.from_delayed(value, shape, meta=example))
    return da.concatenate(arrays)


def _applied(model: Any, method: str, X: Any, options: dict[str, Any], example: Array) -> Array:
    """Apply the method to a partition, which may be empty."""
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    found: Array = getattr(model, method)(X, **options) if n_rows else example
    return found


def score(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
    """Return a Delayed that computes accuracy or R²."""
    token, classifies = uuid.uuid4().hex[:12], is_classifier(estimator)
    shell = delayed(reading.shell_of(estimator), name=f"pynn-shell-{token}", traverse=False)
    network = copy.copy(estimator).network_
    model = delayed(network, name=f"pynn-model-{token}", traverse=False)
    read, task = delayed(reading.read, pure=False), delayed(_sums, pure=False)
    each = []
    for i, (part, labels, weights, _) in enumerate(parts_of(X, y, sample_weight)):
        key = f"pynn-read-{i}-{token}"
        rows = read(shell, i, part, labels, weights, False, dask_key_name=key)
        each.append(task(shell, model, rows, classifies, dask_key_name=f"pynn-score-{i}-{token}"))
    return delayed(_score)(each, classifies, dask_key_name=f"pynn-score-{token}")


def _sums(shell: Any, model: Any, rows: reading.Rows | None, classifies: bool) -> Any:
    if rows is None:
        return None
    plain = copy.copy(shell)
    plain.class_weight = None
    shard = reading.assemble(plain, [rows], [None], model.dtype, model.layer_sizes[-1])
    return evaluation.sums(model.parameters, shard, model._architecture, 1, classifies)


def _score(each: list[Any], classifies: bool) -> float:
    found = [one for one in each if one is not None]
    if not found:
        raise ValueError("X has no rows: all partitions are empty")
    return evaluation.score_of(evaluation.total(found), classifies)
