"""Intervals: quantiles of a number, from residuals of rows that a network was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from pynn.callbacks import EarlyStopping
from pynn.estimators import messages
from pynn.estimators.predictor import mean
from pynn.model.embeddings import Embedding
from pynn.network import Network
from pynn.tabular.targets import scaled_weights
from pynn.training.optimizers import AdamW
from pynn.training.workers import run_all

Array = NDArray[Any]

N_FOLDS = 3  # of the networks that predict spreads
FEWEST_ROWS = 200  # from which spreads are predicted
MOST_SCORES = 10_000  # kept for each output
_POWERS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of spreads; 0 makes all widths the same
_JUDGED = (0.05, 0.25, 0.75, 0.95)  # the quantiles that choose one of them


@dataclass(frozen=True)
class Intervals:
    """Quantiles of numbers around the predictions of an ensemble, learned by `learn`.

    The quantile at level q is ``prediction + spread * score(q)``. A *score* is the residual of a
    training row, by the networks that did not train on it, over its spread. *Spreads* are powers of
    predicted absolute residuals in units of their mean; they are 1 where widths are constant.

    Parameters
    ----------
    networks : list of Network
        Each predicts absolute residuals from inputs and predictions; their outputs are averaged.
        Empty if all widths are constant.
    limits : ndarray of shape (2, n_outputs)
        The smallest and the largest absolute residual that is predicted.
    powers : ndarray of shape (n_outputs,)
        From 0 for constant widths to 1.
    levels, scores : ndarray of shape (n_scores, n_outputs)
        The scores, ascending, and the level of each.
    """

    networks: list[Network]
    limits: Array
    powers: Array
    levels: Array
    scores: Array

    def check(self, n_inputs: int, embeddings: Mapping[int, Embedding]) -> None:
        """Raise a ValueError if the intervals do not fit rows with `n_inputs` inputs.

        Parameters
        ----------
        n_inputs : int
        embeddings : dict of int to Embedding
            By input.
        """
        for one in (self.levels, self.scores):
            if not (len(one) and np.isfinite(one).all() and (np.diff(one, axis=0) >= 0).all()):
                raise ValueError("scores and their levels must be finite and ascend")
        n_outputs = len(self.powers)
        for network in self.networks:
            sizes = [network.layer_sizes[0], network.layer_sizes[-1]]
            if sizes != [n_inputs + n_outputs, n_outputs] or (
                dict(network._architecture.embeddings) != embeddings
            ):
                raise ValueError(
                    f"a network for spreads has {sizes[0]} inputs and {sizes[1]} outputs, or other "
                    "embeddings than the preparation"
                )

    def spreads(self, X: Array, predictions: Array) -> Array:
        """Return the spreads of rows, (n_rows, n_outputs).

        Parameters
        ----------
        X : ndarray of float32, shape (n_rows, n_inputs)
        predictions : ndarray of shape (n_rows, n_outputs)
        """
        if not self.networks:
            return np.ones_like(predictions)
        inputs = _inputs(X, predictions)
        sizes = mean(network.predict(inputs).astype(np.float64) for network in self.networks)
        return np.asarray(np.clip(sizes, *self.limits) ** self.powers)

    def quantiles(self, X: Array, predictions: Array, levels: Array) -> Array:
        """Return the quantiles of rows, (n_rows, n_outputs, n_levels).

        Parameters
        ----------
        X, predictions
            See `spreads`.
        levels : ndarray of float
            Between 0 and 1. One beyond the levels of all scores has an infinite quantile.
        """
        found = [
            np.interp(levels, *pair, left=-np.inf, right=np.inf)
            for pair in zip(self.levels.T, self.scores.T, strict=True)
        ]
        spreads = self.spreads(X, predictions)
        return np.asarray(predictions[..., None] + spreads[..., None] * np.array(found))


def learn(
    X: Array,
    predictions: Array,
    y: Array,
    weights: Array | None,
    *,
    shrinkage: Array | float = 1.0,
    embeddings: Mapping[int, Embedding] | None = None,
    seed: int = 0,
    n_threads: int | None = None,
    is_constant: bool = False,
) -> Intervals:
    """Learn intervals from rows and their predictions by networks that did not train on them.

    Spreads are predicted by small networks, each trained without one fold of the rows, whose scores
    use its spreads. The power of these with the least pinball loss is chosen for each output.

    Parameters
    ----------
    X : ndarray of float32, shape (n_rows, n_inputs)
    predictions, y : ndarray of shape (n_rows, n_outputs)
    weights : ndarray of shape (n_rows,) or None
        Positive.
    shrinkage : ndarray of shape (n_outputs,) or float, default=1.0
        Factor of all residuals; see `gain_of_averaging`.
    embeddings : dict of int to Embedding, optional
        By column of X.
    seed : int, default=0
    n_threads : int or None, default=None
    is_constant : bool, default=False
        Whether to give all rows the same width and train no networks.

    Returns
    -------
    Intervals

    Warns
    -----
    UserWarning
        If widths are constant because these networks diverged, or Ctrl-C ended their training.

    References
    ----------
    Barber, Candès, Ramdas & Tibshirani, Predictive Inference with the Jackknife+, Annals of
    Statistics 2021; Papadopoulos, Gammerman & Vovk, Normalized Nonconformity Measures for
    Regression Conformal Prediction, 2008; Lei, G'Sell, Rinaldo, Tibshirani & Wasserman,
    Distribution-Free Predictive Inference for Regression, JASA 2018.
    """
    w = np.ones(len(X)) if weights is None else scaled_weights(weights)
    residuals = (np.asarray(y, dtype=np.float64) - predictions) * shrinkage
    n_outputs = residuals.shape[1]
    networks: list[Network] = []
    spreads, limits, powers = np.ones_like(residuals), np.ones((2, n_outputs)), np.zeros(n_outputs)
    if not is_constant and len(X) >= FEWEST_ROWS and np.abs(residuals).any(axis=0).all():
        try:
            networks, sizes = _sizes(X, predictions, residuals, w, embeddings, seed, n_threads)
        except (FloatingPointError, KeyboardInterrupt) as error:  # the model itself is trained
            reason = "diverged" if isinstance(error, FloatingPointError) else "were interrupted"
            messages.warn(f"all intervals have the same width: the networks for it {reason}")
            sizes = spreads
        limits = np.quantile(sizes, [0.01, 0.99], axis=0)
        sizes = np.clip(sizes, *limits)
        losses = [_losses(residuals, sizes**power, w) for power in _POWERS]
        powers = np.array(_POWERS)[np.argmin(losses, axis=0)]
        spreads = sizes**powers
        networks = networks if powers.any() else []
    levels, scores = _ranked(residuals / spreads, w)
    kept = np.linspace(0, len(scores) - 1, min(len(scores), MOST_SCORES)).round().astype(int)
    return Intervals(networks, limits, powers, levels[kept], scores[kept])


def gain_of_averaging(outputs: Array, residuals: Array, n_averaged: Array) -> Array:
    """Return the root mean squared error of all networks' mean over that of fewer, for each output.

    The mean of m networks has the mean squared error a + V / m, where V is the variance between
    networks (Krogh & Vedelsby 1995). Residuals of the one network that did not train on a row are
    larger than those of the ensemble for new rows; without this factor, intervals are too wide.
    Both means leave out the largest tenth, as a few huge errors would hide how much the others
    shrink. For normal residuals, the factor is therefore slightly too small.

    Parameters
    ----------
    outputs : ndarray of shape (n_networks, n_rows, n_outputs)
        Of each network, for a sample of rows.
    residuals : ndarray of shape (n_rows, n_outputs)
        Of the networks that did not train on a row.
    n_averaged : ndarray of shape (n_rows,)
        Number of these networks for each row.

    Returns
    -------
    ndarray of shape (n_outputs,)
        From 0.5 to 1.
    """
    fewer = 1 / len(outputs) - np.mean(1 / n_averaged)
    if fewer >= 0:  # each row was predicted by all networks, perhaps by a single one
        return np.ones(residuals.shape[1])
    variance = _trimmed_mean(outputs.astype(np.float64).var(axis=0, ddof=1))
    error = np.maximum(_trimmed_mean(residuals**2), np.finfo(np.float64).tiny)
    return np.asarray(np.sqrt(np.maximum(1 + fewer * variance / error, 0.25)))


def _trimmed_mean(squares: Array) -> Array:
    """Return the mean of each column without its largest tenth."""
    return np.asarray(np.sort(squares, axis=0)[: max(1, round(0.9 * len(squares)))].mean(axis=0))


def _inputs(X: Array, predictions: Array) -> Array:
    """Return the inputs of networks for spreads."""
    return np.hstack([X, predictions.astype(np.float32)])


def _sizes(
    X: Array,
    predictions: Array,
    residuals: Array,
    weights: Array,
    embeddings: Mapping[int, Embedding] | None,
    seed: int,
    n_threads: int | None,
) -> tuple[list[Network], Array]:
    """Return networks, and the absolute residual that each row's left-out network predicts."""
    inputs, targets = _inputs(X, predictions), np.abs(residuals)
    targets = (targets / np.average(targets, axis=0, weights=weights)).astype(np.float32)
    layer_sizes = [inputs.shape[1], 64, targets.shape[1]]
    rate = min(0.002, 1 / inputs.shape[1])  # a step moves all inputs: with many, outputs explode
    folds = [*KFold(N_FOLDS, shuffle=True, random_state=seed).split(inputs)]

    def fit(k: int) -> Network:
        network = Network(
            layer_sizes, activation="silu", cost="poisson", embeddings=embeddings or None,
            n_threads=n_threads, random_state=seed + k,
        )  # fmt: skip
        rest, aside = ((inputs[some], targets[some], weights[some]) for some in folds[k])
        stopping = EarlyStopping("val_cost", patience=4, tol=0.0)
        network.fit(
            *rest[:2], sample_weight=rest[2], validation_data=aside, epochs=25,
            batch_size=min(128, len(rest[0])), dropout=0.1,
            optimizer=AdamW(rate, weight_decay=0.01), callbacks=[stopping],
        )  # fmt: skip
        network._descent = None  # the optimizer's state takes more memory than the parameters
        return network

    networks, failures = run_all([partial(fit, k) for k in range(N_FOLDS)], n_threads)
    if failures:
        raise failures[0][1]
    sizes = np.empty(targets.shape)
    for network, (_, aside) in zip(networks, folds, strict=True):
        sizes[aside] = network.predict(inputs[aside])
    return networks, sizes


def _losses(residuals: Array, spreads: Array, weights: Array) -> Array:
    """Return the pinball loss of the quantiles that these spreads give, for each output."""
    levels, scores = _ranked(residuals / spreads, weights)
    total = np.zeros(residuals.shape[1])
    for j in range(len(total)):
        for q in _JUDGED:
            errors = residuals[:, j] - spreads[:, j] * np.interp(q, levels[:, j], scores[:, j])
            total[j] += np.average(np.maximum(q * errors, (q - 1) * errors), weights=weights)
    return total


def _ranked(scores: Array, weights: Array) -> tuple[Array, Array]:
    """Return the levels of sorted scores, and the scores.

    The k-th of n scores has the level k / (n + 1): a new row, which has any rank among these and
    itself with the same probability, is below it with this probability. Weights w generalise k to
    their cumulative sum up to the middle of w, and 1 to their mean by weight (after Tibshirani,
    Barber, Candès & Ramdas 2019).
    """
    order = np.argsort(scores, axis=0, kind="stable")
    w = weights[order]
    new = weights @ weights / weights.sum()
    levels = (w.cumsum(axis=0) - w / 2 + new / 2) / (weights.sum() + new)
    return levels, np.take_along_axis(scores, order, axis=0)
