"""L-BFGS: all rows at once, through SciPy, on the core's cost and gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.optimize
from numpy.typing import NDArray

from pynn import _core
from pynn.model.model import Model
from pynn.model.regularisation import Regularisation
from pynn.training.history import History
from pynn.training.loop import Measure
from pynn.training.state import State

Array = NDArray[Any]

_ENDED = (1, 99)  # SciPy's status: all iterations or calls are used up; a callback ended it
_FTOL = 1e7 * float(np.finfo(np.float64).eps)  # SciPy's own for this method: too little to go on


def minimise(
    state: State,
    history: History,
    data_of: Callable[[Model], _core.Data],
    regularisation: Regularisation,
    measures: Sequence[Measure],
    *,
    tol: float,
    max_fun: int,
    divisor: float,
    total: float,
) -> scipy.optimize.OptimizeResult | None:
    """Minimise the cost of all rows, from the parameters as they are.

    Parameters
    ----------
    state : State
        State passed to callbacks; its network is trained.
    history : History
        Starts empty: a minimisation has no earlier epochs.
    data_of : function
        Makes the core's data for a model of float64.
    regularisation : Regularisation
    measures : sequence of functions
        Each returns figures of a validation set.
    tol : float
        Largest component of the gradient at which to stop.
    max_fun : int
        Maximum number of evaluations.
    divisor : float
        Of the cost, in the objective and in the figures.
    total : float
        Sum of the weights of all rows, or their number.

    Returns
    -------
    scipy.optimize.OptimizeResult or None
        None after Ctrl-C; the parameters are then those of the last iteration.
    """
    network = state.network
    objective = _Objective(network, data_of, regularisation, divisor, total)
    history.figures, history.n_epochs, history.best_epoch = {"cost": []}, 0, None

    def iterated(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        network.parameters[:] = objective.parameters(intermediate_result.x)
        figures = {"cost": float(intermediate_result.fun)}
        for measure in measures:
            figures |= measure()
        history.add(figures)
        history.n_epochs += 1
        state.epoch_ended(objective.data.n_rows, figures)
        if state.is_stopped:
            raise StopIteration

    try:
        with state:
            result = _descend(objective, iterated, state.max_epochs, max_fun, tol)
    except KeyboardInterrupt:
        history.cut(state.epoch)
        history.n_epochs = state.epoch
        return None
    network.parameters[:] = objective.parameters(result.x)
    history.n_epochs, history.is_stopped = min(result.nit, state.max_epochs), state.is_stopped
    return result


def _descend(
    objective: _Objective,
    iterated: Callable[..., None],
    max_iter: int,
    max_fun: int,
    tol: float,
) -> scipy.optimize.OptimizeResult:
    """Minimise by SciPy's L-BFGS-B, from objective.start.

    Bounds can cut its steps so short that it takes them for the end: of 300 random starts of one
    logistic regression with an l1 penalty, 108 ended far from the minimum. With bounds it therefore
    starts again from the point reached, without its memory, until that no longer helps.
    """
    options: dict[str, Any] = {"gtol": tol}
    if objective.bounds is not None:
        options["ftol"] = 0.0
    x, before, n_iterations, n_calls = objective.start, np.inf, 0, 0
    while True:
        options["maxiter"], options["maxfun"] = max_iter - n_iterations, max_fun - n_calls
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
    """The cost and its gradient as SciPy takes them.

    An l1 penalty has a kink, which L-BFGS cannot see. Each parameter p is then split into two that
    are not negative, p = u - v, and the penalty is l1 * (u + v): smooth, with bounds. At the
    minimum one of the two is 0 (Andrew & Gao 2007, who take another approach from there).
    """

    def __init__(
        self,
        network: Model,
        data_of: Callable[[Model], _core.Data],
        given: Regularisation,
        divisor: float,
        total: float,
    ) -> None:
        self.network = network._in_double()  # a line search compares more digits than float32 has
        self.data, self.divisor = data_of(self.network), divisor
        self.regularisation = replace(given, l1=(0.0,) * len(given.l1))
        self.n = network.n_parameters
        self.start = network.parameters.astype(np.float64)
        self.l1: Array | None = None
        self.bounds: list[tuple[float | None, float | None]] | None = None
        if any(given.l1):
            self._split(given.l1, total if given.by_row else 1.0)

    def _split(self, l1: tuple[float, ...], total: float) -> None:
        """Make two parameters of each: see above. Biases have no penalty, and one half stays 0."""
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
        cost, penalty = network._cost(self.data, self.regularisation, gradient)
        cost = cost / self.divisor + penalty
        if self.l1 is None:
            return cost, gradient
        cost += float(self.l1 @ (x[: self.n] + x[self.n :]))
        return cost, np.concatenate((gradient + self.l1, self.l1 - gradient))
