"""Shards: rows on the workers. The client has only their sizes and classes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
from dask.delayed import delayed
from sklearn.base import is_classifier

from pynn.dask import reading
from pynn.dask.parts import Part, parts_of
from pynn.dask.places import Places
from pynn.dask.reading import Facts
from pynn.data.samples import Samples


@dataclass
class Shards:
    """Rows on the workers.

    Parameters
    ----------
    client : distributed.Client
    token : str
        Suffix of the keys of all tasks.
    sizes, totals : list
        Rows of each, and the sum of their weights.
    facts : list of Facts
        Of the partitions.
    outline : Samples
        Shapes and dtypes.
    places : Places
        Of the shards.
    """

    client: Any
    token: str
    sizes: list[int]
    totals: list[float]
    facts: list[Facts]
    outline: Samples
    places: Places

    def release(self) -> None:
        """Let the workers forget the rows, though something may still refer to the shards."""
        self.places.futures.clear()

    @property
    def futures(self) -> list[Any]:
        """One for each shard; tasks that need it run where it is."""
        return self.places.futures

    @property
    def spread(self) -> float:
        """Largest ratio between the scales of columns, over all partitions."""
        return max(fact.spread for fact in self.facts)

    def description(self, name: str) -> dict[str, str]:
        """Describe the rows for checkpoints."""
        each = "".join(f"{fact.n_rows}:{fact.checksum:08x}," for fact in self.facts)
        return {name: f"rows and checksum of each partition: {each}"}


def shards_of(
    estimator: Any,
    client: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    first: bool,
    n_shards: int | None = None,
    name: str | None = None,
) -> Shards:
    """Turn collections into shards, where their partitions are.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        With `first`, it learns classes and columns.
    client : distributed.Client
    X, y, sample_weight
        See `pynn.dask.MLPClassifier.fit`.
    first : bool
    n_shards : int, optional
        None for a shard of each partition.
    name : str, optional
        Of a validation set, which has no class weights; None for the rows to train on.

    Raises
    ------
    TypeError, ValueError
        If the collections are not as described.
    """
    parts, token, trains = parts_of(X, y, sample_weight), uuid.uuid4().hex[:12], name is None
    shell = reading.shell_of(estimator, class_weight=None)
    found = _read(client, parts, shell, token, first)
    futures = [
        client.submit(reading.facts_of, one, shell, key=f"pynn-facts-{i}-{token}")
        for i, one in enumerate(found)
    ]
    facts: list[Facts] = client.gather(futures)
    filled = [i for i, fact in enumerate(facts) if fact.n_rows]
    known = [facts[i] for i in filled]
    _check_facts(known, filled)
    if first:
        _learn(estimator, known)
    elif is_classifier(estimator) and trains and known[0].classes is not None:
        estimator._check_targets(np.unique(np.concatenate([f.classes for f in known])), False)
    sizes = [fact.n_rows for fact in known]
    cuts = _cuts(sizes, n_shards)
    outline = _outline(estimator, known)
    shell = reading.shell_of(estimator, class_weight=_class_weight(estimator, known, trains))
    arguments = outline.X.dtype, estimator._n_outputs(outline)
    shards = [
        client.submit(
            reading.assemble,
            shell,
            [found[filled[i]] for i, _ in cut],
            [piece for _, piece in cut],
            *arguments,
            key=f"pynn-shard-{number}-{token}",
        )
        for number, cut in enumerate(cuts)
    ]
    n_rows = [sum(sizes[i] if p is None else p[1] - p[0] for i, p in cut) for cut in cuts]
    del found, futures  # for no partition to be held twice, as soon as its shard is there
    totals: list[float] = client.gather(
        [
            client.submit(reading.total_of, shard, key=f"pynn-total-{i}-{token}")
            for i, shard in enumerate(shards)
        ]
    )
    if sum(totals) == 0:
        weights = "sample_weight" if name is None else f"sample_weight of {name}"
        raise ValueError(f"{weights} must not be zero everywhere")
    places = Places(client, token, shards, n_rows)
    places.balance()
    return Shards(client, token, n_rows, totals, facts, outline, places)


def _read(client: Any, parts: list[Part], shell: Any, token: str, first: bool) -> list[Any]:
    """Start to read all partitions; return their futures."""
    task, shared = delayed(reading.read, pure=False), delayed(shell, name=f"pynn-shell-{token}")
    tasks = [
        task(shared, i, X, y, weights, first, dask_key_name=f"pynn-read-{i}-{token}")
        for i, (X, y, weights, _) in enumerate(parts)
    ]
    futures: list[Any] = client.compute(tasks)
    return futures


def _check_facts(known: Sequence[Facts], filled: Sequence[int]) -> None:
    """Refuse partitions that do not match."""
    if not known:
        raise ValueError("X has no rows: all partitions are empty")
    head = known[0]
    for i, fact in zip(filled, known, strict=True):
        for what in ("n_features", "names", "n_targets"):
            if getattr(fact, what) != getattr(head, what):
                raise ValueError(
                    f"partitions must be alike, but {what} is {getattr(head, what)} in partition "
                    f"{filled[0]} and {getattr(fact, what)} in partition {i}"
                )


def _learn(estimator: Any, known: Sequence[Facts]) -> None:
    """Let an estimator learn columns and classes, all that any partition has."""
    head = known[0]
    estimator.n_features_in_ = head.n_features
    vars(estimator).pop("feature_names_in_", None)
    if head.names is not None:
        estimator.feature_names_in_ = np.array(head.names, dtype=object)
    if not is_classifier(estimator):
        return
    if head.classes is None:
        estimator._learn_targets(np.eye(head.n_targets, dtype=int))
    else:
        estimator._learn_targets(np.unique(np.concatenate([f.classes for f in known])))


def _outline(estimator: Any, known: Sequence[Facts]) -> Samples:
    """Return a row of zeros like those of the shards."""
    head, dtype = known[0], estimator.dtype
    if dtype == "auto":
        dtype = reduce(np.promote_types, [fact.dtype for fact in known])
    X = np.zeros((1, head.n_features), dtype)
    if is_classifier(estimator) and head.classes is not None:
        labels = estimator.classes_[:1]
    else:
        labels = np.zeros((1, head.n_targets) if head.n_targets else 1, int)
    return Samples(X, estimator._encode(labels), labels)


def _class_weight(estimator: Any, known: Sequence[Facts], trains: bool) -> Any:
    """Return the parameter class_weight, "balanced" as the numbers that it stands for."""
    given = getattr(estimator, "class_weight", None) if trains else None
    if given != "balanced":
        return given
    if known[0].classes is None:
        raise ValueError('class_weight="balanced" is for classes, not for several labels')
    counts = dict.fromkeys(estimator.classes_.tolist(), 0)
    for fact in known:
        assert fact.classes is not None
        assert fact.counts is not None
        for name, count in zip(fact.classes.tolist(), fact.counts.tolist(), strict=True):
            counts[name] += count
    n = sum(counts.values())
    return {name: n / (len(counts) * count) for name, count in counts.items() if count}


Cut = list[tuple[int, tuple[int, int] | None]]  # partition, and its rows; None for all


def _cuts(sizes: Sequence[int], n_shards: int | None) -> list[Cut]:
    """Return the rows of each shard; of equal size, but for one row, with `n_shards`."""
    if n_shards is None:
        return [[(i, None)] for i in range(len(sizes))]
    starts = np.concatenate(([0], np.cumsum(sizes))).tolist()
    n = starts[-1]
    if n_shards > n:
        raise ValueError(f"n_shards must be at most the number of rows, {n}; got {n_shards}")
    bounds = [n * k // n_shards for k in range(n_shards + 1)]
    cuts: list[Cut] = []
    for lo, hi in pairwise(bounds):
        cut: Cut = []
        for i, size in enumerate(sizes):
            first, last = max(lo - starts[i], 0), min(hi - starts[i], size)
            if first < last:
                cut.append((i, None if (first, last) == (0, size) else (first, last)))
        cuts.append(cut)
    return cuts
