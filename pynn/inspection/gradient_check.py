"""gradient_check: compare the gradient of backpropagation with finite differences."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.inspection.inspected import Inspected
from pynn.inspection.tables import Table, number
from pynn.inspection.tracing import Layers, Trace
from pynn.model import members
from pynn.model.architecture import STATISTICS
from pynn.model.costs import Huber, Quantile
from pynn.model.model import Model

_EPS = float(np.finfo(np.float64).eps)
_ROUNDINGS = 2  # error of a computed cost, in roundings of the numbers that it is made of
_BENT = ("relu", "leaky_relu", "elu", "selu")  # the slope, or its own slope, jumps at z = 0


@dataclass(frozen=True, eq=False, repr=False)
class GradientCheck:
    """Result of `gradient_check`. It prints as a table with a verdict.

    Parameters
    ----------
    errors : ndarray of shape (n_layers,)
        Relative error of the gradient of each layer's weights and biases, as `gradient_check`
        defines it. NaN if nothing could be compared.
    roundings : ndarray of shape (n_layers,)
        Part of these errors that rounding of the costs alone may cause.
    n_compared : ndarray of int, shape (n_layers,)
        Number of parameters compared in each layer.
    n_left_out : ndarray of int, shape (n_layers,)
        Number of parameters left out because their step crosses a kink.
    norms : ndarray of shape (n_layers,)
        Euclidean norm of the compared part of the gradient.
    tolerance : float
        Largest relative error that passes, in addition to the rounding error.
    n_parameters : ndarray of int, shape (n_layers,)
        Number of parameters in each layer.
    random_state : int
        Seed of the choice of parameters.
    dtype : numpy.dtype
        Dtype of the network; everything is computed in float64.
    has_scale : bool, default=False
        Whether the network has an input scale. All arrays then begin with an entry for it.
    has_embeddings : bool, default=False
        Whether embeddings have parameters. All arrays then begin with an entry for them.

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
    has_scale: bool = False
    has_embeddings: bool = False

    @property
    def passed(self) -> bool:
        """Whether every layer was compared and no error exceeds the tolerance."""
        return bool((self.errors <= self.tolerance + self.roundings).all())

    def __repr__(self) -> str:
        return f"<GradientCheck {'passed' if self.passed else 'failed'}>"

    def __str__(self) -> str:
        return str(self._table())

    def _repr_html_(self) -> str:
        """Return the table as HTML for notebooks."""
        return self._table().html()

    def _table(self) -> Table:
        names = "layer", "compared", "at a kink", "|gradient|", "relative error", "of rounding"
        rows = [[*names, ""]]
        passed = (self.errors <= self.tolerance + self.roundings).tolist()
        layers = ["embeddings"] * self.has_embeddings + ["scale"] * self.has_scale
        n_before = len(layers)
        for i, error in enumerate(self.errors):
            compared = f"{self.n_compared[i]} of {self.n_parameters[i]}"
            numbers = number(self.norms[i]), number(error, 2), number(self.roundings[i], 2)
            verdict = "ok" if passed[i] else "WRONG"
            verdict = "NOTHING TO COMPARE" if np.isnan(error) else verdict
            name = layers[i] if i < n_before else f"{i + 1 - n_before}"
            rows.append([name, compared, f"{self.n_left_out[i]}", *numbers, verdict])
        notes = []
        if self.dtype != np.float64:
            notes.append(f"Computed in float64, as a copy of the {self.dtype} network.")
        if (self.n_compared + self.n_left_out < self.n_parameters).any():
            notes.append(f"Parameters were drawn with random_state={self.random_state}.")
        verdict = "is" if self.passed else "is NOT"
        end = f"to {number(self.tolerance)} of its length."
        notes.append(f"The gradient {verdict} the slope of the cost, {end}")
        title = "Back propagation against central differences"
        return Table(title, rows, left=[6], notes=notes, passed=passed)


@np.errstate(all="ignore")  # infinities and NaN appear in the table
def gradient_check(
    net: Inspected,
    X: ArrayLike,
    y: ArrayLike,
    *,
    tolerance: float = 1e-7,
    max_parameters: int | None = 200,
    random_state: int = 0,
) -> GradientCheck:
    """Compare the gradient of backpropagation with finite differences of the cost, by layer.

    For each parameter p, the gradient is compared with the central difference
    (C(p + h) − C(p − h)) / 2h of the mean cost C of the rows, without penalty. Running means and
    variances of batch normalisation, which have no gradient, are left alone. The step h moves
    weighted sums by about ∛ε, which balances the truncation error of order h² against the rounding
    error of order ε/h [1]_. A layer that does not pass is compared again with Richardson's
    extrapolation from h and h / 2, whose truncation error is of order h⁴: the cost of a deep
    network with large weights may bend within a step. Everything is computed in float64; a float32
    network is copied.

    The relative error of a layer is ‖difference − gradient‖ / max(‖difference‖, ‖gradient‖). A
    layer passes if its error is at most the tolerance plus the rounding error of C. The rounding
    error dominates in a network that has learned so well that hardly any gradient is left.

    Where a step crosses a kink, such as that of relu at 0, the difference mixes two slopes. Such
    parameters are left out and counted.

    Parameters
    ----------
    net : Network, or fitted MLPClassifier or MLPRegressor
        It is not changed.
    X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
        A few rows are enough; time is proportional to the number of rows, of parameters compared,
        and of all parameters.
    y : array-like
        Targets, as for `fit`.
    tolerance : float, default=1e-7
        Largest relative error that passes. [2]_ calls errors up to the default good.
    max_parameters : int or None, default=200
        Maximum number of parameters compared in each layer, drawn at random. None: all.
    random_state : int, default=0
        Seed of this choice, from 0 to 2**32 - 1.

    Returns
    -------
    GradientCheck
        Verdict `passed` and the errors of each layer. It prints as a table.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    NotFittedError
        If an estimator is not fitted.

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
    if not isinstance(net, Inspected):
        accepted = "a Network, or a fitted MLPClassifier or MLPRegressor"
        raise TypeError(f"net must be {accepted}; got {type(net).__name__}")
    tolerance = checks.non_negative("tolerance", tolerance)
    if max_parameters is not None:
        max_parameters = checks.positive_integer("max_parameters", max_parameters)
    random_state = checks.seed(random_state)
    network, X, y = net._inside(X, y)
    slopes = _Slopes(network._in_double(), X, y)
    draw = np.random.default_rng(random_state)
    gradient = slopes.network.gradient(X, y)
    results = []
    for layer in slopes.layers:
        chosen = layer
        if max_parameters is not None and max_parameters < len(layer):
            chosen = np.sort(draw.choice(layer, max_parameters, replace=False))
        n, norm, error, rounding = _compared(gradient, chosen, slopes.at)
        if error > tolerance + rounding:
            n, norm, error, rounding = _compared(gradient, chosen, slopes.extrapolated)
        results.append((error, rounding, n, len(chosen) - n, norm, len(layer)))
    errors, roundings, compared, left_out, norms, sizes = map(np.array, zip(*results, strict=True))
    return GradientCheck(
        errors,
        roundings,
        compared,
        left_out,
        norms,
        tolerance,
        sizes,
        random_state,
        network.dtype,
        network.scale is not None,
        bool(network.embedding_parameters),
    )


def _compared(
    gradient: NDArray[Any], chosen: NDArray[Any], slope_at: Callable[[int], tuple[float, float]]
) -> tuple[int, float, float, float]:
    """Return the number of parameters compared, their norm, the error, and the rounding error."""
    slopes, noise = np.array([slope_at(i) for i in chosen]).T
    known = ~np.isnan(slopes)
    want, got = slopes[known], gradient[chosen[known]]
    norm = float(np.linalg.norm(got))
    length = max(norm, float(np.linalg.norm(want)))
    if length == 0:  # both are 0, or nothing could be compared
        error = 0.0 if known.any() else np.nan
        return len(got), norm, error, error
    error, rounding = (float(np.linalg.norm(v)) / length for v in (got - want, noise[known]))
    return len(got), norm, error, rounding


class _Slopes:
    """Central differences of the mean cost of some rows with respect to single parameters."""

    def __init__(self, network: Model, X: Any, y: Any) -> None:
        self.network = network
        self._data = network._data(X, y)
        self._p = network.parameters
        # Networks without members whose mean cost is that of the network.
        self._plain = [network.member(k) for k in range(network.members or 0)] or [network]
        bases = [Trace._of(plain, X, y) for plain in self._plain]
        base = bases[0]
        self._y = np.concatenate([of_member.y for of_member in bases])
        self._sides = self._at_sides()[0]
        # A step of a weight moves the weighted sum by the step times the weight's input.
        x = abs(base.first_inputs).max(axis=0)
        inputs = [x.toarray().ravel() if checks.is_sparse(x) else x]
        inputs += [
            np.max([abs(b.a[i]).max(axis=0) for b in bases], 0) for i in range(len(base.a) - 1)
        ]
        reach = np.ones(len(self._p))
        self._reach_of_embeddings(reach, base)
        if network.scale is not None:
            of_scale = network._architecture.split(reach)["scale"]
            of_scale[:] = np.maximum(1, x * abs(network.weights[0]).max(axis=1))
            inputs[0] = x * abs(network.scale)
        for W, largest in zip(network.views(reach)[0], inputs, strict=True):
            W *= np.maximum(1, largest)[:, np.newaxis]
        if network._architecture.norms:
            self._widen(reach, base)
        self._steps = np.cbrt(_EPS) * np.maximum(1, np.abs(self._p)) / reach
        groups = network._architecture.split(np.arange(len(self._p)))
        of_inputs = network.embedding_parameters.keys()

        def layer_of(group: tuple[str, Any]) -> str:
            name, _ = group
            return "embeddings" if name in of_inputs else name.partition(".")[2]

        trained = [group for group in groups.items() if not group[0].startswith(STATISTICS)]
        self.layers = [
            np.concatenate([numbers.ravel() for _, numbers in layer])
            for _, layer in groupby(trained, layer_of)
        ]

    def _reach_of_embeddings(self, reach: NDArray[Any], base: Trace) -> None:
        """Set the reach of the parameters of embeddings; waves bend within 1 / 2π of a turn."""
        network = self.network
        largest = abs(network.weights[0]).max()
        largest *= 1 if network.scale is None else abs(network.scale).max()
        for name, view in network._architecture.embeddings_of(reach).items():
            kind, column = name.split(".")
            view[...] = max(1, largest)
            if kind in ("frequencies", "phases"):
                V = network.embedding_parameters[f"embedding_weights.{column}"]
                view *= 2 * np.pi * max(1, abs(V).max())
            if kind == "frequencies":
                view *= max(1, abs(base.x[:, int(column)]).max())

    def _widen(self, reach: NDArray[Any], base: Trace) -> None:
        """Multiply the reach of weights by how much normalisation enlarges their sums."""
        x = base.first_inputs
        x = x if self.network.scale is None else x * self.network.scale
        net, inputs = self.network, [x, *base.a[:-1]]
        for layer, (W, gains) in enumerate(zip(net.views(reach)[0], net.gains, strict=True)):
            if gains is None:
                continue
            variances = net.variances[layer]
            if variances is None:
                variances = (inputs[layer] @ net.weights[layer]).var(axis=1).min()
            W *= np.maximum(1, (abs(gains) / np.sqrt(variances + 1e-5)).max())

    def extrapolated(self, i: int) -> tuple[float, float]:
        """Return the same as `at`, to the fourth order in the step."""
        (whole, noise), (half, more_noise) = self.at(i), self.at(i, 0.5)
        return (4 * half - whole) / 3, (4 * more_noise + noise) / 3

    def at(self, i: int, part: float = 1.0) -> tuple[float, float]:
        """Return the slope by parameter i, NaN at a kink, and its rounding error.

        part: fraction of the step.
        """
        p, h = self._p[i], part * self._steps[i]
        self._p[i] = above = p + h
        cost_above, rounding_above = self._cost_at_its_side()
        self._p[i] = below = p - h
        cost_below, rounding_below = self._cost_at_its_side()
        self._p[i] = p
        rounding = max(rounding_above, rounding_below) / h
        return (cost_above - cost_below) / (above - below), rounding

    def _cost_at_its_side(self) -> tuple[float, float]:
        """Return the mean cost, NaN beyond a kink, and its rounding error."""
        sides, found = self._at_sides()
        if not np.array_equal(sides, self._sides):
            return np.nan, 0.0
        layers = zip(found["z"], found["dz"], strict=True)
        sizes = np.abs(found["costs"]) + sum(np.abs(z * d).sum(axis=1) for z, d in layers)
        return float(found["costs"].mean()), _ROUNDINGS * _EPS * float(sizes.mean())

    def _at_sides(self) -> tuple[NDArray[Any], dict[str, Any]]:
        """Return the sides of kinks, and the passes of all rows, of one member after the other."""
        names = ("z", "a", "dz", "costs")
        for k in range(self.network.members or 0):
            members.take(self._plain[k], self.network, k)
        traces = [plain._trace(self._data, names) for plain in self._plain]
        found: dict[str, Any] = {
            name: [
                np.concatenate(layers) for layers in zip(*(t[name] for t in traces), strict=True)
            ]
            for name in names[:-1]
        }
        found["costs"] = np.concatenate([trace["costs"] for trace in traces])
        return self._sides_of_kinks(found["z"], found["a"]), found

    def _sides_of_kinks(self, z: Layers, a: Layers) -> NDArray[Any]:
        """Return a vector that changes if a weighted sum or an error crosses a kink."""
        layers = zip(z, self.network._architecture.activation_names, strict=True)
        sides = [np.sign(z_l) for z_l, name in layers if name in _BENT]
        error, cost = a[-1] - self._y, self.network.cost_function
        if isinstance(cost, Huber):
            sides.append(np.abs(error) < cost.delta)
        elif isinstance(cost, Quantile) or cost == "absolute_error":
            sides.append(np.sign(error))
        return np.concatenate([[], *map(np.ravel, sides)])
