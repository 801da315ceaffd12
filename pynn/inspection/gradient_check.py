"""gradient_check: whether what back propagation computes is the slope of the cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.inspection.tables import aligned, number
from pynn.inspection.tracing import Layers, Trace
from pynn.model.costs import Huber, Quantile
from pynn.model.model import Model

if TYPE_CHECKING:
    from pynn.inspection.inspected import Inspected

__all__ = ["GradientCheck", "gradient_check"]

_EPS = float(np.finfo(np.float64).eps)
# What a computed cost may be wrong by, in roundings of the numbers that it is made of.
_ROUNDINGS = 2
# Where these bend, at z = 0, there is no slope, or none of the slope, to compare with.
_BENT = ("relu", "leaky_relu", "elu")


@dataclass(frozen=True, eq=False, repr=False)
class GradientCheck:
    """What `gradient_check` returns. It prints as a table with a verdict.

    Parameters
    ----------
    errors : ndarray of shape (n_layers,)
        Relative error of each layer's gradient, weights and biases: see `gradient_check`. NaN where
        nothing could be compared.
    roundings : ndarray of shape (n_layers,)
        How large the rounding of costs alone may make these errors.
    n_compared : ndarray of int, shape (n_layers,)
        Parameters of each layer that were compared.
    n_left_out : ndarray of int, shape (n_layers,)
        Parameters that were to be compared, but whose step leads over a kink.
    norms : ndarray of shape (n_layers,)
        Euclidean length of what was compared of the gradient.
    tolerance : float
        Largest relative error that passes, on top of what rounding makes.
    n_parameters : ndarray of int, shape (n_layers,)
        How many there are.
    random_state : int
        With which those to be compared were drawn.
    dtype : numpy.dtype
        Of the network; all was computed in float64.

    Examples
    --------
    >>> import pynn
    >>> from pynn.inspection import gradient_check
    >>> net = pynn.Network([2, 3, 1], activation="tanh", random_state=0)
    >>> check = gradient_check(net, [[0.05, 0.1], [0.3, 0.2]], [0.5, 1.0])
    >>> check.errors < check.tolerance
    array([ True,  True])
    >>> check.n_compared, check.n_left_out
    (array([9, 4]), array([0, 0]))
    """

    errors: NDArray[np.float64]
    roundings: NDArray[np.float64]
    n_compared: NDArray[np.intp]
    n_left_out: NDArray[np.intp]
    norms: NDArray[np.float64]
    tolerance: float
    n_parameters: NDArray[np.intp]
    random_state: int
    dtype: np.dtype[Any]

    @property
    def passed(self) -> bool:
        """Whether something was compared in each layer, and no error is above the tolerance."""
        return bool(self._is_right.all())

    @property
    def _is_right(self) -> NDArray[np.bool_]:
        right: NDArray[np.bool_] = self.errors <= self.tolerance + self.roundings
        return right

    def __repr__(self) -> str:
        return f"<GradientCheck {'passed' if self.passed else 'failed'}>"

    def __str__(self) -> str:
        rows = [
            ["layer", "compared", "at a kink", "|gradient|", "relative error", "of rounding", ""]
        ]
        for i, error in enumerate(self.errors):
            verdict = "ok" if self._is_right[i] else "WRONG"
            rows.append(
                [
                    f"{i + 1}",
                    f"{self.n_compared[i]} of {self.n_parameters[i]}",
                    f"{self.n_left_out[i]}",
                    number(self.norms[i]),
                    number(error, 2),
                    number(self.roundings[i], 2),
                    "NOTHING TO COMPARE" if np.isnan(error) else verdict,
                ]
            )
        lines = ["Back propagation against central differences", "", *aligned(rows, left=[6]), ""]
        if self.dtype != np.float64:
            lines.append(f"Computed in float64, as a copy of the {self.dtype} network.")
        if (self.n_compared + self.n_left_out < self.n_parameters).any():
            lines.append(f"Parameters were drawn with random_state={self.random_state}.")
        end = "is" if self.passed else "is NOT"
        lines.append(
            f"The gradient {end} the slope of the cost, to {number(self.tolerance)} of its length."
        )
        return "\n".join(lines)


@np.errstate(all="ignore")  # what is not finite is seen in the table
def gradient_check(
    net: Inspected,
    X: ArrayLike,
    y: ArrayLike,
    *,
    tolerance: float = 1e-7,
    max_parameters: int | None = 200,
    random_state: int = 0,
) -> GradientCheck:
    """Compare the gradient that back propagation computes with slopes of the cost, by layer.

    The slope by each parameter p is the central difference (C(p + h) − C(p − h)) / 2h of the mean
    cost C of these rows, without penalty, where h moves weighted sums by about ∛ε. Errors of the
    difference, by h² and by ε/h, are then about equal [1]_. Where a layer does not pass, it is
    compared once more with Richardson's extrapolation from h and h / 2, whose error is by h⁴: the
    cost of a deep network with large weights may bend within a step. All is computed in float64: a
    network of float32 is copied.

    The relative error of a layer is ‖difference − gradient‖ / max(‖difference‖, ‖gradient‖). It may
    be the tolerance and, on top of that, what the rounding of C alone can make of it: all of it,
    where a network has learned so well that hardly any gradient is left.

    A step that leads over a kink, such as that of relu at 0, has a difference on either side of
    which the slope is another. Such parameters are left out, and counted.

    Parameters
    ----------
    net : Network, or fitted MLPClassifier or MLPRegressor
        It is not changed.
    X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
        A few rows will do; time grows with rows times parameters compared times all parameters.
    y : array-like
        Targets, as `fit` takes them.
    tolerance : float, default=1e-7
        Largest relative error that passes; the default is below what [2]_ calls a good one.
    max_parameters : int or None, default=200
        Parameters of each layer that are compared, at most, drawn at random; None: all.
    random_state : int, default=0
        With which they are drawn, from 0 to 2**32 - 1.

    Returns
    -------
    GradientCheck
        ``passed``, the errors of each layer; it prints as a table with a verdict.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    NotFittedError
        If an estimator has learned nothing yet.

    References
    ----------
    .. [1] Press, Teukolsky, Vetterling & Flannery, Numerical Recipes, 3rd ed. 2007, section 5.7.
    .. [2] Stanford CS231n, Neural Networks Part 3, "Gradient checks": 1e-7 and less is good, more
       than 1e-2 usually wrong.

    Examples
    --------
    >>> import pynn
    >>> from pynn.inspection import gradient_check
    >>> net = pynn.Network([2, 3, 1], activation="tanh", random_state=0)
    >>> result = gradient_check(net, [[0.05, 0.1], [0.3, 0.2]], [0.5, 1.0])
    >>> result.passed
    True
    """
    if isinstance(net, type) or not hasattr(net, "_inside"):
        accepted = "a Network, or a fitted MLPClassifier or MLPRegressor"
        raise TypeError(f"net must be {accepted}; got {type(net).__name__}")
    tolerance = checks.non_negative("tolerance", tolerance)
    if max_parameters is not None:
        max_parameters = checks.positive_integer("max_parameters", max_parameters)
    random_state = checks.seed(random_state)
    network, X, y = net._inside(X, y)
    slopes = _Slopes(network, X, y)
    draw = np.random.default_rng(random_state)
    gradient = slopes.network.gradient(X, y)
    layers, n_chosen = [], []
    for start, end in slopes.layers:
        chosen = np.arange(start, end)
        if max_parameters is not None and max_parameters < len(chosen):
            chosen = np.sort(draw.choice(chosen, max_parameters, replace=False))
        error, rounding, *rest = _compared(gradient, chosen, slopes.at)
        if error > tolerance + rounding:
            error, rounding, *rest = _compared(gradient, chosen, slopes.extrapolated)
        layers.append((error, rounding, *rest))
        n_chosen.append(len(chosen))
    errors, roundings, norms, n_compared = map(np.array, zip(*layers, strict=True))
    return GradientCheck(
        errors,
        roundings,
        n_compared,
        np.array(n_chosen) - n_compared,
        norms,
        tolerance,
        np.array([end - start for start, end in slopes.layers]),
        random_state,
        network.dtype,
    )


def _compared(
    gradient: NDArray[Any], chosen: NDArray[Any], slope_at: Callable[[int], tuple[float, float]]
) -> tuple[float, float, float, int]:
    """Return a layer's error, what rounding may make of it, and the norm and number compared."""
    found = np.array([slope_at(i) for i in chosen])  # (n, 2): slope and noise
    known = ~np.isnan(found[:, 0])
    got, (want, noise) = gradient[chosen[known]], found[known].T
    return *_relative(got, want, noise), float(np.linalg.norm(got)), int(known.sum())


def _relative(got: NDArray[Any], want: NDArray[Any], noise: NDArray[Any]) -> tuple[float, float]:
    """Return the error, and what rounding may make of it, by the length of the longer gradient."""
    if not len(got):
        return np.nan, np.nan
    error, rounding = float(np.linalg.norm(got - want)), float(np.linalg.norm(noise))
    length = float(max(np.linalg.norm(got), np.linalg.norm(want)))
    return (error / length, rounding / length) if length else (0.0, 0.0)


class _Slopes:
    """Central differences of the mean cost of some rows, by single parameters."""

    def __init__(self, network: Model, X: Any, y: Any) -> None:
        self.network = network._in_double()
        self._data = self.network._data(X, y)
        self._p = self.network.parameters
        base = Trace._of(self.network, X, y)
        self._y = base.y
        self._sides = self._sides_of_kinks(base.z, base.a)
        # What a weight is multiplied by moves the weighted sum as much as the step does.
        x = abs(base.x).max(axis=0)
        inputs = [
            x.toarray().ravel() if checks.is_sparse(x) else x,
            *(abs(a).max(axis=0) for a in base.a),
        ]
        reach = np.ones(len(self._p))
        for W, largest in zip(self.network.views(reach)[0], inputs[:-1], strict=True):
            W *= np.maximum(1, largest)[:, np.newaxis]
        self._steps = np.cbrt(_EPS) * np.maximum(1, np.abs(self._p)) / reach
        sizes = [W.size + W.shape[1] * self.network.bias for W in self.network.weights]
        self.layers = list(pairwise(np.cumsum([0, *sizes]).tolist()))

    def extrapolated(self, i: int) -> tuple[float, float]:
        """Return the same to the fourth order: the error by h² is a quarter where h is half."""
        (whole, noise), (half, more_noise) = self.at(i), self.at(i, 0.5)
        return (4 * half - whole) / 3, (4 * more_noise + noise) / 3

    def at(self, i: int, part: float = 1.0) -> tuple[float, float]:
        """Return the slope by parameter i, NaN at a kink, and what rounding may make of it.

        part: of its step.
        """
        p, h = self._p[i], part * self._steps[i]
        try:
            self._p[i] = above = p + h
            cost_above, rounding_above = self._cost_at_its_side()
            self._p[i] = below = p - h
            cost_below, rounding_below = self._cost_at_its_side()
        finally:
            self._p[i] = p
        rounding = max(rounding_above, rounding_below) / h
        return (cost_above - cost_below) / (above - below), rounding

    def _cost_at_its_side(self) -> tuple[float, float]:
        """Return the mean cost, NaN beyond a kink, and what it may be wrong by."""
        found = self.network._trace(self._data, ("z", "a", "delta", "costs"))
        sides = self._sides_of_kinks(found["z"], found["a"])
        if any((a != b).any() for a, b in zip(sides, self._sides, strict=True)):
            return np.nan, 0.0
        layers = zip(found["z"], found["delta"], strict=True)
        sizes = np.abs(found["costs"]) + sum(np.abs(z * d).sum(axis=1) for z, d in layers)
        return float(found["costs"].mean()), _ROUNDINGS * _EPS * float(sizes.mean())

    def _sides_of_kinks(self, z: Layers, a: Layers) -> list[NDArray[Any]]:
        layers = zip(z, self.network.activations, strict=True)
        sides = [np.sign(z_l) for z_l, name in layers if name in _BENT]
        error, cost = a[-1] - self._y, self.network.cost_function
        if isinstance(cost, Huber):
            sides.append(np.abs(error) < cost.delta)
        elif isinstance(cost, Quantile) or cost == "absolute_error":
            sides.append(np.sign(error))
        return sides
