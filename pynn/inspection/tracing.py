"""Trace: every number on the way of some rows through a network, forward and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.inspection.tables import aligned
from pynn.inspection.walkthrough import Walkthrough
from pynn.model.architecture import Architecture
from pynn.model.model import Model

__all__ = ["Layers", "Trace", "kept"]

Layers = tuple[NDArray[Any], ...]


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """What `trace` returns: all that a network computes of some rows, as it was then.

    Tuples hold one array for each layer behind the input: index 0 is the first hidden layer, or
    the output where there is none; -1 is the output. All but `costs` are of the network's dtype.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_in), or CSR of this shape where X was sparse
        The inputs.
    y : ndarray of shape (n_rows, n_out)
        What the outputs are compared with; a class is 1 at its output, 0 elsewhere.
    z, a : tuple of ndarray of shape (n_rows, n_units)
        Weighted sums of each layer, and their activations.
    sensitivities : tuple of ndarray of shape (n_rows, n_units)
        ∂C/∂a: how fast each row's own cost rises with an activation. Infinite at an output that is
        0 and, by cross_entropy, binary_cross_entropy or poisson, must not be.
    deltas : tuple of ndarray of shape (n_rows, n_units)
        ∂C/∂z: how fast it rises with a weighted sum.
    input_sensitivities : ndarray of shape (n_rows, n_in)
        ∂C/∂x: how fast it rises with an input.
    costs : ndarray of shape (n_rows,), float64
        Cost of each row, without penalty.
    gradient : ndarray of shape (n_parameters,)
        Of the mean of these costs, as `pynn.Network.gradient` gives it.
    parameters : ndarray of shape (n_parameters,)
        Weights and biases that computed all this: a copy.
    architecture : Architecture
        Sizes, activations and cost.
    cost_parameter : float
        Of huber its delta, of quantile the quantile; of an estimator's cross-entropy how far its
        value keeps outputs from 0 and 1, as scikit-learn's does. Else 0.

    See Also
    --------
    pynn.Network.trace : Computes it.

    Examples
    --------
    >>> import pynn
    >>> net = pynn.Network([2, 1], initializer="zeros")
    >>> net.weights[0][:] = [[0.5], [-2.0]]
    >>> trace = net.trace([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0])
    >>> trace.a[-1].ravel(), trace.costs
    (array([ 0.5, -2. ], dtype=float32), array([0.125, 0.5  ]))
    >>> trace.deltas[-1].ravel()
    array([-0.5, -1. ], dtype=float32)
    >>> trace.d_weights[0].ravel()  # of the mean cost
    array([-0.25, -0.5 ], dtype=float32)
    """

    x: Any
    y: NDArray[Any]
    z: Layers
    a: Layers
    sensitivities: Layers
    deltas: Layers
    input_sensitivities: NDArray[Any]
    costs: NDArray[np.float64]
    gradient: NDArray[Any]
    parameters: NDArray[Any]
    architecture: Architecture
    cost_parameter: float

    @classmethod
    def _of(cls, network: Model, X: Any, y: Any) -> Trace:
        """Trace rows with targets through a network."""
        data = network._data(X, y)
        found = network._trace(data, ("z", "a", "da", "delta", "dx", "costs"))
        return cls(
            x=kept(X, network.dtype),
            y=_columns(y, network),
            z=found["z"],
            a=found["a"],
            sensitivities=found["da"],
            deltas=found["delta"],
            input_sensitivities=found["dx"],
            costs=found["costs"],
            gradient=network._gradient(data),
            parameters=network.parameters.copy(),
            architecture=network._architecture,
            cost_parameter=network._core.cost_parameter,
        )

    @property
    def weights(self) -> Layers:
        """Views of `parameters`, (n_in, n_out) for each layer."""
        return self.architecture.views(self.parameters)[0]

    @property
    def biases(self) -> Layers:
        """Views of `parameters`, (n_out,) for each layer; none without biases."""
        return self.architecture.views(self.parameters)[1]

    @property
    def d_weights(self) -> Layers:
        """Views of `gradient`, (n_in, n_out) for each layer: ∂C/∂w of the mean cost."""
        return self.architecture.views(self.gradient)[0]

    @property
    def d_biases(self) -> Layers:
        """Views of `gradient`, (n_out,) for each layer, ∂C/∂b; none without biases."""
        return self.architecture.views(self.gradient)[1]

    def text(
        self,
        row: int = 0,
        *,
        digits: int = 4,
        max_neurons: int = 10,
        max_terms: int = 4,
        learning_rate: float | None = None,
    ) -> str:
        """Walk through one example with all its numbers, as a textbook would.

        Forward, the cost, back through the layers, then the gradient of this row's own cost: each
        number with the sum or product that it comes of. Neurons and layers count from 1.

        Parameters
        ----------
        row : int, default=0
            Which of the rows, from 0; -1 is the last.
        digits : int, default=4
            Significant digits of each number.
        max_neurons : int, default=10
            Neurons of a layer, or inputs, that are written out; the middle of more is left out.
            Of more inputs, those that are 0 are left out first.
        max_terms : int, default=4
            Likewise of the terms of a sum, and of the weights that lead to one neuron.
        learning_rate : float, optional
            Not negative; if given, each weight and bias is also shown after the step of gradient
            descent at this rate.

        Returns
        -------
        str

        Raises
        ------
        TypeError, ValueError
            If there is no such row, or an argument is not as described.

        Examples
        --------
        >>> import pynn
        >>> net = pynn.Network([2, 1], output_activation="sigmoid")
        >>> net.weights[0][:], net.biases[0][:] = [[7], [3]], -2
        >>> print(net.trace([[1, 0]], [1]).text())
        Inputs
          input 1: 1
          input 2: 0
        <BLANKLINE>
        Layer 1, the output, sigmoid
          z = sum of inputs times weights, plus bias
          a = 1 / (1 + e^−z)
          neuron 1 of layer 1: 1·7 + 0·3 − 2 = 5, sigmoid → 0.9933
        <BLANKLINE>
        Cost, squared_error
          C = sum of ½·(a − y)²
          neuron 1 of layer 1: a = 0.9933, y = 1: ½·(0.9933 − 1)² = 2.24e−05
          in all:              C = 2.24e−05
        <BLANKLINE>
        Back to layer 1, the output, sigmoid
          ∂C/∂a = a − y
          ∂C/∂z = ∂C/∂a·sigmoid′, sigmoid′ = a·(1 − a)
          neuron 1 of layer 1: ∂C/∂a = 0.9933 − 1 = −0.006693
                               ∂C/∂z = (−0.006693)·0.9933·(1 − 0.9933) = −4.449e−05
        <BLANKLINE>
        Back to the inputs
          ∂C/∂x = sum of ∂C/∂z of layer 1 times weights
          input 1: ∂C/∂x = (−4.449e−05)·7 = −0.0003115
          input 2: ∂C/∂x = (−4.449e−05)·3 = −0.0001335
        <BLANKLINE>
        Gradient of layer 1, the output, sigmoid
          ∂C/∂w = input of the weight times ∂C/∂z
          ∂C/∂b = ∂C/∂z
          input 1 to neuron 1 of layer 1: ∂C/∂w = 1·(−4.449e−05) = −4.449e−05
          input 2 to neuron 1 of layer 1: ∂C/∂w = 0·(−4.449e−05) = 0
          bias of neuron 1 of layer 1:    ∂C/∂b = −4.449e−05
        """
        row = checks.index("row", row, len(self.costs))
        limits = {"digits": digits, "max_neurons": max_neurons, "max_terms": max_terms}
        limits = {name: checks.positive_integer(name, value) for name, value in limits.items()}
        if learning_rate is not None:
            learning_rate = checks.non_negative("learning_rate", learning_rate)
        return Walkthrough(self, row, **limits, learning_rate=learning_rate).text()

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.architecture.layer_sizes))
        rows = "1 row" if len(self.costs) == 1 else f"{len(self.costs)} rows"
        return f"<Trace of {rows} through a {sizes} network>"

    def __str__(self) -> str:
        return "\n".join([f"{self!r}", "", *self._table()])

    def _table(self) -> list[str]:
        """Name each array, with its shape and what it holds."""
        lines = [("x", self.x, "inputs")]
        for i, activation in enumerate(self.architecture.activations):
            of = f"of layer {i + 1}"
            lines += [
                (f"z[{i}]", self.z[i], f"weighted sums {of}"),
                (f"a[{i}]", self.a[i], f"activations {of}, {activation}"),
            ]
        lines += [
            ("y", self.y, "targets"),
            ("costs", self.costs, f"{self.architecture.cost} of each row"),
        ]
        for i in reversed(range(len(self.z))):
            of = f"of layer {i + 1}"
            lines += [
                (f"sensitivities[{i}]", self.sensitivities[i], f"∂C/∂a {of}, of each row's cost"),
                (f"deltas[{i}]", self.deltas[i], f"∂C/∂z {of}, of each row's cost"),
                (f"d_weights[{i}]", self.d_weights[i], f"∂C/∂w {of}, of the mean cost"),
            ]
            if self.architecture.bias:
                lines += [(f"d_biases[{i}]", self.d_biases[i], f"∂C/∂b {of}, of the mean cost")]
        parts = "all of d_weights and d_biases" if self.architecture.bias else "all of d_weights"
        lines += [
            ("input_sensitivities", self.input_sensitivities, "∂C/∂x, of each row's cost"),
            ("gradient", self.gradient, f"{parts} in one vector"),
        ]
        rows = [(name, str(array.shape), text) for name, array, text in lines]
        return aligned(rows, left=[0, 1, 2])


def kept(X: Any, dtype: np.dtype[Any]) -> Any:
    """Return a copy of inputs that were found right."""
    if checks.is_sparse(X):
        from scipy.sparse import csr_array

        return csr_array(X, dtype=dtype, copy=True)
    return np.array(X, dtype, order="C")


def _columns(y: ArrayLike, network: Model) -> NDArray[Any]:
    """Return targets that were found right, as the outputs are compared with them."""
    n_out = network.layer_sizes[-1]
    given = np.asarray(y)
    if n_out > 1 and given.ndim == 1:
        given = given[:, np.newaxis] == np.arange(n_out)
    columns: NDArray[Any] = np.array(given, network.dtype, order="C").reshape(-1, n_out)
    return columns
