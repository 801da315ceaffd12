"""Calibration of probabilities, by rows that a network was not trained on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar

Array = NDArray[Any]

# Networks compute probabilities in float32, so those below its smallest normal number may be 0.
SMALLEST = float(np.finfo(np.float32).tiny)
_LARGEST_LOG = 2.0  # absolute logarithm of a temperature: it is from 0.14 to 7.4
_PRIOR = 0.5  # standard deviation of the logarithm of temperatures
_DOUBTED = 1000  # rows for which the logarithm of a mean's temperature is halved


def tempered(probabilities: Array, temperature: float) -> Array:
    """Return probabilities whose logarithms are divided by a temperature.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Those below `SMALLEST` count as `SMALLEST`.
    temperature : float
        Positive; probabilities are less extreme above 1, more extreme below it.

    Returns
    -------
    ndarray of float64, shape (n_rows, n_classes)
        Each row adds up to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from pynn.tabular.calibration import tempered
    >>> tempered(np.array([[0.8, 0.2]]), 2.0).round(3)
    array([[0.667, 0.333]])
    """
    logits = np.log(np.maximum(probabilities, SMALLEST, dtype=np.float64)) / temperature
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def log_losses(probabilities: Array, y: Array) -> Array:
    """Return the log-loss of each row.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
        Those below `SMALLEST` count as `SMALLEST`.
    y : ndarray of int, shape (n_rows,)
        Numbers of classes.
    """
    return np.asarray(-np.log(np.maximum(probabilities[np.arange(len(y)), y], SMALLEST)))


def temperature(probabilities: Array, y: Array, weights: Array | None = None) -> float:
    """Return the temperature with the least log-loss.

    The logarithm of the temperature has a normal prior with mean 0 and standard deviation 0.5, so
    a temperature from few rows is close to 1. It is 1 if no other one lowers the log-loss.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
    y : ndarray of int, shape (n_rows,)
        Numbers of classes; a class may have no rows.
    weights : ndarray of shape (n_rows,), optional
        Only their ratios count.

    Returns
    -------
    float
        From 0.14 to 7.4.

    References
    ----------
    Guo, Pleiss, Sun & Weinberger, On Calibration of Modern Neural Networks, ICML 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from pynn.tabular.calibration import temperature
    >>> sure = np.array([[0.99, 0.01]] * 100)
    >>> round(temperature(sure, np.array([0] * 80 + [1] * 20)), 1)
    2.9
    """
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    w = w / w.sum()
    n_rows = 1 / (w @ w)  # effective number, for weights that differ (Kish 1965)

    def loss(log_temperature: float) -> float:
        return float(w @ log_losses(tempered(probabilities, np.exp(log_temperature)), y))

    def penalised(log_temperature: float) -> float:
        return loss(log_temperature) + float((log_temperature / _PRIOR) ** 2 / (2 * n_rows))

    bounds = (-_LARGEST_LOG, _LARGEST_LOG)
    found = float(minimize_scalar(penalised, bounds=bounds, method="bounded").x)
    return float(np.exp(found)) if loss(found) < loss(0.0) else 1.0


def temperature_of_mean(
    outputs: Array,
    temperature: float,
    n_averaged: int = 1,
    weights: Array | None = None,
    n: float = np.inf,
) -> float:
    """Return the temperature of a mean of networks, given that of fewer of them.

    A mean of probabilities is less extreme than these. So networks that are calibrated one by one
    are underconfident as an ensemble (Rahaman & Thiery 2021), and need a lower temperature. But no
    row is new to all of them, so no labels are left to learn it from. Instead, the temperature t of
    the mean is chosen such that the given temperature would be right for the networks, if classes
    were drawn with the tempered probabilities of the mean. As the derivative of the log-loss is
    then 0, t solves ``E Σ q(t) log p = E Σ s log p``, where p are probabilities of the networks, s
    the same after the given temperature, and q(t) the probabilities of the mean after t. The
    equation needs no labels, so it may use rows that the networks were trained on. With few rows,
    however, networks agree on errors that they have memorised, and t is too low: with n rows,
    ``t ** (n / (n + 1000))`` is returned. The constant 1000 was chosen by the log-loss on tables of
    400 to 14,000 rows.

    Parameters
    ----------
    outputs : ndarray of shape (n_networks, n_rows, n_classes)
        Probabilities of each network for a sample of rows.
    temperature : float
        Temperature of means of `n_averaged` networks, for rows that are new to them.
    n_averaged : int, default=1
    weights : ndarray of shape (n_rows,), optional
    n : float, default=inf
        Number of rows that the given temperature was learned on.

    Returns
    -------
    float
        From 0.14 to 7.4; the given temperature if it belongs to the mean of all networks, or if
        the equation has no solution in this range.

    References
    ----------
    Rahaman & Thiery, Uncertainty Quantification and Deep Ensembles, NeurIPS 2021.
    """
    n_networks = len(outputs)
    if n_averaged >= n_networks:
        return temperature
    mean = outputs.mean(axis=0, dtype=np.float64)
    of_some, mean_log = 0.0, np.zeros_like(mean)
    for k in range(n_networks):
        some = outputs[(k + np.arange(n_averaged)) % n_networks].mean(axis=0, dtype=np.float64)
        logs = np.log(np.maximum(some, SMALLEST))
        mean_log += logs / n_networks
        expected = (tempered(some, temperature) * logs).sum(axis=1)
        of_some += float(np.average(expected, weights=weights)) / n_networks

    def excess(log_temperature: float) -> float:
        expected = (tempered(mean, np.exp(log_temperature)) * mean_log).sum(axis=1)
        return float(np.average(expected, weights=weights)) - of_some

    if excess(-_LARGEST_LOG) * excess(_LARGEST_LOG) >= 0:
        return temperature
    found = brentq(excess, -_LARGEST_LOG, _LARGEST_LOG)
    return float(np.exp(found / (1 + _DOUBTED / n)))


def calibration_error(
    probabilities: Array, y: Array, weights: Array | None = None, n_bins: int = 15
) -> float:
    """Return the expected calibration error of the predicted classes.

    Rows are sorted by the probability of their most probable class and divided into bins of the
    same number of rows. The error of a bin is the absolute difference between its mean probability
    and its accuracy; their mean by weight is returned. 0 is perfect. Even for perfect
    probabilities it is above 0 with few rows, by some 0.4 √(n_bins / n_rows) at 80% accuracy.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_classes)
    y : ndarray of int, shape (n_rows,)
        Numbers of classes.
    weights : ndarray of shape (n_rows,), optional
    n_bins : int, default=15
        At most one for each row.

    Returns
    -------
    float
        From 0 to 1.

    References
    ----------
    Naeini, Cooper & Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning,
    AAAI 2015; with bins of equal mass, Nixon et al., Measuring Calibration in Deep Learning, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from pynn.tabular.calibration import calibration_error
    >>> sure = np.array([[0.9, 0.1]] * 10)
    >>> round(calibration_error(sure, np.array([0] * 7 + [1] * 3), n_bins=1), 2)
    0.2
    """
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities[np.arange(len(y)), predicted]
    excess = w * (confidence - (predicted == y))
    order = np.argsort(confidence, kind="stable")
    bins = np.array_split(order, min(n_bins, len(y)))
    return float(sum(abs(excess[one].sum()) for one in bins) / w.sum())
