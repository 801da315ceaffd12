"""Permutation importance of features, from rows that a network was not trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.network import Network
from pynn.tabular.training import Member, Rows

Array = NDArray[Any]

MOST_ROWS = 1_000  # in a sample
MOST_NUMBERS = 2_000_000  # in its inputs: 8 MB
FEWEST_ROWS = 2  # that are predicted with other values of a feature
N_REPEATS = 5
WORK = 2e11  # multiply-adds for all features, some ten seconds; FEWEST_ROWS may take more
_BLOCK = 10_000_000  # numbers in the inputs that are predicted at once


@dataclass(frozen=True)
class Sample:
    """Validation rows that an estimator keeps for the importance of its features.

    Parameters
    ----------
    X : ndarray of float32, shape (n_rows, n_inputs)
        Prepared rows: at most 1,000, and at most 8 MB if that is 20 rows or more.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
    weights : ndarray of shape (n_rows,)
    is_aside : ndarray of bool, shape (n_networks, n_rows)
        Whether a network was trained without a row.
    seed : int
        Of the permutations.
    """

    X: Array
    y: Array
    weights: Array
    is_aside: Array
    seed: int


def sample(members: Sequence[Member], rows: Rows, seed: int) -> Sample:
    """Draw a sample of the rows that a network was validated on.

    Parameters
    ----------
    members : sequence of Member
    rows : Rows
    seed : int
    """
    is_aside = np.zeros((len(members), len(rows.X)), dtype=bool)
    for of_member, member in zip(is_aside, members, strict=True):
        of_member[member.validation] = True
    weights = np.ones(len(rows.X)) if rows.weights is None else rows.weights
    some = np.flatnonzero(is_aside.any(axis=0))
    most = min(MOST_ROWS, max(20, MOST_NUMBERS // rows.X.shape[1]))
    some = np.sort(np.random.RandomState(seed).permutation(some)[:most])
    return Sample(rows.X[some], rows.y[some], weights[some], is_aside[:, some], seed)


def permutation_importances(
    networks: Sequence[Network],
    sample: Sample,
    inputs: Sequence[slice],
    losses: Callable[[Array, Array], Array],
) -> Array:
    """Return how much the loss rises if the values of a feature are permuted among rows.

    Each row is predicted by the networks that did not train on it. The rows of the sample are used
    five times, fewer times or in part if the work for all features exceeds `WORK`, but each feature
    is permuted in 2 rows at least, which a single network predicts if several take too long. So the
    importances of thousands of columns of numbers are rough: with 3,000 columns they rest on some
    20 rows. From 8,000 on they rest on 2 rows, and are wrong by about their own size.

    Parameters
    ----------
    networks : sequence of Network
    sample : Sample
    inputs : sequence of slice
        The inputs that each feature becomes.
    losses : function
        Returns the loss of each row, given mean outputs and targets.

    Returns
    -------
    ndarray of shape (n_features,)

    References
    ----------
    Breiman, Random Forests, Machine Learning 2001; Fisher, Rudin & Dominici, All Models are Wrong,
    but Many are Useful, JMLR 2019.
    """
    random = np.random.RandomState(sample.seed)
    n_rows, n_inputs = sample.X.shape
    sample, n_drawn = _bounded(networks, sample, len(inputs))
    everything = np.arange(n_rows)
    before = losses(_outputs(networks, sample, sample.X, everything), sample.y)
    found = np.zeros(len(inputs))
    used = [j for j, columns in enumerate(inputs) if columns.stop > columns.start]
    n_together = max(1, _BLOCK // (n_drawn * n_inputs))
    for start in range(0, len(used), n_together):
        features = used[start : start + n_together]
        rows = np.concatenate([_permuted(n_rows, n_drawn, random) for _ in features])
        X = sample.X[rows]
        for j, of_feature in zip(features, np.split(X, len(features)), strict=True):
            others = _permuted(n_rows, n_drawn, random)
            of_feature[:, inputs[j]] = sample.X[others, inputs[j]]
        rises = losses(_outputs(networks, sample, X, rows), sample.y[rows]) - before[rows]
        weights = sample.weights[rows].reshape(len(features), -1)
        total = (rises.reshape(weights.shape) * weights).sum(axis=1)
        found[features] = total / weights.sum(axis=1)
    return found


def _bounded(networks: Sequence[Network], sample: Sample, n_features: int) -> tuple[Sample, int]:
    """Return a sample, and how many rows are predicted with other values of each feature."""
    work = n_features * sum(weights.size for weights in networks[0].weights)
    n_averaged = sample.is_aside.sum(axis=0).mean()
    if n_averaged * work * FEWEST_ROWS > WORK:  # only the first network for each row
        n_averaged, is_first = 1, sample.is_aside.cumsum(axis=0) == 1
        sample = replace(sample, is_aside=sample.is_aside & is_first)
    most = N_REPEATS * len(sample.X)
    return sample, int(min(most, max(FEWEST_ROWS, WORK // (n_averaged * work))))


def _permuted(n_rows: int, n_drawn: int, random: np.random.RandomState) -> Array:
    """Return n_drawn numbers of rows: one permutation after the other."""
    n_repeats = -(-n_drawn // n_rows)
    return np.concatenate([random.permutation(n_rows) for _ in range(n_repeats)])[:n_drawn]


def _outputs(networks: Sequence[Network], sample: Sample, X: Array, rows: Array) -> Array:
    """Return mean outputs for X: rows of the sample with some inputs replaced."""
    total = np.zeros((len(X), networks[0].layer_sizes[-1]))
    for network, is_aside in zip(networks, sample.is_aside, strict=True):
        some = is_aside[rows]
        if some.any():
            total[some] += network.predict(X[some])
    return np.asarray(total / sample.is_aside[:, rows].sum(axis=0)[:, None])
