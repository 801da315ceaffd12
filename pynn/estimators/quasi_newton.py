"""L-BFGS: all rows at once, through SciPy, on the core's cost and gradient."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray
from sklearn.utils.optimize import _check_optimize_result

from pynn.estimators.outcomes import INTERRUPTED, NOT_FINITE, Outcome, warn
from pynn.estimators.record import add_epoch, cut_to_whole_epochs
from pynn.estimators.samples import Samples
from pynn.estimators.state import State
from pynn.estimators.supervised import Supervised
from pynn.estimators.validation import Validation
from pynn.model.regularisation import Regularisation
from pynn.network import Network

__all__ = ["minimise"]

Array = NDArray[Any]

_ENDED = (1, 99)  # SciPy's status: all iterations or calls are used up; a callback ended it
_FTOL = 1e7 * float(np.finfo(np.float64).eps)  # SciPy's own for this method: too little to go on


def minimise(
    estimator: Supervised,
    network: Network,
    samples: Samples,
    held_out: Samples | None,
    callbacks: list[Any],
) -> Outcome:
    """Minimise the loss over the samples; return what warns of the outcome.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    network : Network
        Where it starts, and ends.
    samples : Samples
    held_out : Samples or None
        Whose figures go into ``history_`` after each iteration.
    callbacks : list of functions
    """
    state = State(estimator, estimator.max_iter, callbacks, train=samples, validation=held_out)
    objective = _Objective(estimator, network, samples)
    validation = None if held_out is None else Validation(estimator, network, held_out)
    estimator.n_iter_, estimator.history_, estimator.stopped_early_ = 0, {}, False

    def iterated(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        estimator.loss_ = float(intermediate_result.fun)
        network.parameters[:] = objective.parameters(intermediate_result.x)
        figures = {"loss": estimator.loss_, **(validation.figures() if validation else {})}
        add_epoch(estimator.history_, figures)
        estimator.n_iter_ += 1
        state.epoch_ended(len(samples), figures)
        estimator._return_to(network, keep=False)
        if state.is_stopped:
            raise StopIteration

    try:
        with state:
            result = _descend(objective, estimator, iterated)
    except KeyboardInterrupt:
        cut_to_whole_epochs([(values, 0) for values in estimator.history_.values()])
        return partial(warn, INTERRUPTED)
    estimator.n_iter_ = min(result.nit, estimator.max_iter)
    estimator.loss_ = float(result.fun)
    estimator.stopped_early_ = state.is_stopped
    network.parameters[:] = objective.parameters(result.x)
    if not np.isfinite(network.parameters).all():
        raise ValueError(NOT_FINITE)
    if state.is_stopped:
        return None
    return partial(_check_optimize_result, "lbfgs", result, estimator.max_iter)


def _descend(
    objective: _Objective, estimator: Supervised, iterated: Callable[..., None]
) -> scipy.optimize.OptimizeResult:
    """Minimise by SciPy's L-BFGS-B, from objective.start.

    Bounds may cut its steps so short that it takes them for the end: of 300 random starts of one
    logistic regression with an l1 penalty 108 ended far from the minimum. So with bounds it begins
    again from where it has come to, without a memory, until that is of no more use.
    """
    options: dict[str, Any] = {"gtol": estimator.tol}
    if objective.bounds is not None:
        options["ftol"] = 0.0
    x, before, n_iterations, n_calls = objective.start, np.inf, 0, 0
    while True:
        options["maxiter"] = estimator.max_iter - n_iterations
        options["maxfun"] = estimator.max_fun - n_calls
        result = scipy.optimize.minimize(
            objective,
            x,
            method="L-BFGS-B",
            jac=True,
            bounds=objective.bounds,
            callback=iterated,
            options=options,
        )
        n_iterations, n_calls = n_iterations + result.nit, n_calls + result.nfev
        result.nit = n_iterations
        if objective.bounds is None or result.status in _ENDED:
            return result
        if not before - result.fun > _FTOL * max(abs(result.fun), 1):
            if np.isfinite(result.fun):
                result.status = 0
            return result
        x, before = objective.halves(objective.parameters(result.x)), result.fun


class _Objective:
    """The loss and its gradient as SciPy wants them.

    An l1 penalty has a kink, which L-BFGS cannot see. So each parameter p is then two that are not
    negative, p = u - v, and the penalty is l1 * (u + v): smooth, with bounds. The least loss is
    where one of the two is 0 (Andrew & Gao 2007 say so, and go another way from there).
    """

    def __init__(self, estimator: Supervised, network: Network, samples: Samples) -> None:
        # A line search compares losses to more digits than float32 has.
        self.network = estimator._new_network(
            network.layer_sizes, np.float64, network.cost_function
        )
        self.loss = estimator._loss
        self.data = estimator._data(self.network, samples, samples.weights)
        given = estimator._regularisation(network)
        self.regularisation = Regularisation(given.alpha, (0.0,) * len(given.l1), by_row=True)
        self.n = network.n_parameters
        self.start = network.parameters.astype(np.float64)
        self.l1: Array | None = None
        self.bounds: list[tuple[float | None, float | None]] | None = None
        if any(given.l1):
            self._split(given.l1, samples)

    def _split(self, l1: tuple[float, ...], samples: Samples) -> None:
        """Make two parameters of each: see above. Biases have no penalty, and one half stays 0."""
        total = len(samples) if samples.weights is None else samples.weights.sum()
        self.l1 = np.zeros(self.n)
        is_weight = np.zeros(self.n, bool)
        for weights, mask, strength in zip(
            self.network.views(self.l1)[0], self.network.views(is_weight)[0], l1, strict=True
        ):
            weights[:], mask[:] = strength / total, True
        self.is_weight = is_weight
        self.start = self.halves(self.start)
        self.bounds = [(0, None) if w else (None, None) for w in is_weight]
        self.bounds += [(0, None) if w else (0, 0) for w in is_weight]

    def halves(self, p: Array) -> Array:
        """Return u and v of parameters, one of the two 0."""
        above, below = np.maximum(p, 0), np.maximum(-p, 0)
        u, v = np.where(self.is_weight, above, p), np.where(self.is_weight, below, 0)
        return np.concatenate((u, v))

    def parameters(self, x: Array) -> Array:
        """Return the parameters that SciPy's variables stand for."""
        return x if self.l1 is None else x[: self.n] - x[self.n :]

    def __call__(self, x: Array) -> tuple[float, Array]:
        network = self.network
        network.parameters[:] = self.parameters(x)
        gradient = np.empty(self.n)
        loss = self.loss(*network._cost(self.data, self.regularisation, gradient))
        if self.l1 is None:
            return loss, gradient
        loss += float(self.l1 @ (x[: self.n] + x[self.n :]))
        return loss, np.concatenate((gradient + self.l1, self.l1 - gradient))
