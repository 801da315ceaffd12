"""Advice: warnings about data that look wrong in the first epochs of a fit."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from pynn.data.samples import Samples
from pynn.estimators.messages import warn
from pynn.model.model import Model
from pynn.model.regularisation import Regularisation
from pynn.training.state import State

SCALES = (
    "the columns of X differ in scale by a factor of {:.0e}; scale them, for example with "
    "sklearn.preprocessing.StandardScaler"
)
FAR_OFF = (
    "after the first epoch the validation loss, {:.3g}, is far from the training loss, {:.3g}: the "
    "validation data may not have been transformed like X. Meta-estimators and "
    "pipelines do not transform an eval_set; give X_val and y_val to fit of a pipeline with "
    'transform_input=["X_val"], and y in the units that the estimator learns'
)


class Advice:
    """A callback that warns about validation data in other units and unscaled columns.

    Parameters
    ----------
    spread : float
        Ratio of the scales of the columns of X: see `spread_of_scales`.
    is_given : bool
        Whether the user gave the validation set.
    divisor : float
        Divisor of the cost in the loss.
    """

    def __init__(self, spread: float, is_given: bool, divisor: float) -> None:
        self.spread, self.is_given, self.divisor = spread, is_given, divisor

    def __call__(self, state: State) -> None:
        """Warn after the first and the third epoch."""
        if state.epoch == 1 and self.is_given:
            self._look_at_validation(state)
        if state.epoch == 3 and self.spread > 1e3 and state.train is not None:
            first, *_, last = state.values_of("loss")
            nothing = np.zeros_like(state.network.parameters)
            is_lost = last > min(first, 1.2 * self._loss_of(state.network, state.train, nothing))
            is_stuck = _share_of_stuck(state.network, state.train.X[:200]) > 0.5
            if last > 0.95 * first and (is_lost or is_stuck):
                warn(f"training stalls: {SCALES.format(self.spread)}")

    def _look_at_validation(self, state: State) -> None:
        figures, train = state.figures, state.train
        val_loss, score = figures["val_loss"], figures["val_score"]
        loss = figures["loss"] if train is None else self._loss_of(state.network, train)
        if is_classifier(state.estimator):  # the loss of a class is 36 at most
            is_absurd = val_loss > 10 * loss
        else:
            is_absurd = val_loss > 10 if state.estimator.scoring is not None else score < 0.5
            is_absurd = is_absurd and val_loss > 100 * max(loss, figures["loss"])
        if is_absurd and val_loss > 5:
            warn(FAR_OFF.format(val_loss, loss))

    def _loss_of(self, network: Model, samples: Samples, parameters: Any = None) -> float:
        """Return the loss of a few rows, without penalty, for these or the current parameters."""
        few = samples._rows(np.arange(min(200, len(samples))))
        data = network._data(few.X, few.y, known_finite=True)
        no_penalty = Regularisation.checked(len(network.weights))
        return network._cost(data, no_penalty, None, parameters)[0] / self.divisor


def _share_of_stuck(network: Model, X: Any) -> float:
    """Return the share of activations in the first hidden layer that no small step changes."""
    if len(network.weights) == 1 or X.shape[0] < 20:
        return 0.0
    a = network._predict(X, known_finite=True, n_layers=1)
    stuck = np.ptp(a, axis=0) <= 1e-3 * np.abs(a).max(initial=1e-9)
    middle = {"tanh": 0.0, "sigmoid": 0.5}.get(network._architecture.activation_names[0])
    if middle is not None:
        stuck = stuck | (np.abs(a - middle) > 0.99 * (1 - middle))
    return float(stuck.mean())


def about_scales(spread: float) -> str:
    """Return a hint if the scales of the columns differ, otherwise ""."""
    return f" ({SCALES.format(spread)})" if spread > 1e3 else ""


def spread_of_scales(X: object) -> float:
    """Return the ratio of the largest to the smallest scale of the columns."""
    if not isinstance(X, np.ndarray) or X.shape[1] < 2:
        return 1.0
    with np.errstate(all="ignore"):
        scales = np.abs(X[:1000]).max(axis=0)
        scales = scales[scales > 0]
        return float(scales.max() / scales.min()) if len(scales) > 1 else 1.0
