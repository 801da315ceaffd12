"""Trace: all values of a forward and backward pass of some rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.inspection import embedded as of_embeddings
from pynn.inspection.tables import Table, aligned, number
from pynn.inspection.walkthrough import Walkthrough
from pynn.inspection.writing import listed
from pynn.model.architecture import Architecture, Group
from pynn.model.model import Model

Layers = tuple[NDArray[Any], ...]


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """All values that a network computes for some rows, as `trace` returns them.

    Tuples hold one array per layer of weights: index 0 is the first hidden layer (or the output, if
    there is no hidden layer) and -1 is the output. All arrays but `costs` have the network's dtype.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_in), or CSR of this shape if X was sparse
        Inputs.
    y : ndarray of shape (n_rows, n_out)
        Targets; classes are one-hot encoded.
    z, a : tuple of ndarray of shape (n_rows, n_units)
        Weighted sums and activations of each layer. With `norm`, z is
        ``gains * normalised + biases``. The activations of a residual layer have its input added.
    sensitivities : tuple of ndarray of shape (n_rows, n_units)
        ∂C/∂a, the derivative of each row's own cost with respect to the activations. It is infinite
        at an output of 0 that cross_entropy, binary_cross_entropy or poisson does not allow.
    deltas : tuple of ndarray of shape (n_rows, n_units)
        ∂C/∂z, the derivative with respect to the weighted sums. With `norm`, the weighted sums u
        are those before it, and `z_sensitivities` holds ∂C/∂z.
    input_sensitivities : ndarray of shape (n_rows, n_in)
        ∂C/∂x, the derivative with respect to the inputs; 0 for `Categories`.
    costs : ndarray of shape (n_rows,), float64
        Cost of each row, without penalty.
    gradient : ndarray of shape (n_parameters,)
        Gradient of the mean of these costs, as `pynn.Network.gradient` returns it.
    parameters : ndarray of shape (n_parameters,)
        Copy of the network's parameters.
    architecture : Architecture
        Sizes, activations and cost.
    cost_parameter : float
        The delta of huber or the quantile of quantile. For the cross-entropy of an estimator, the
        distance that its value keeps outputs from 0 and 1, as in scikit-learn. Otherwise 0.
    normalised : tuple of ndarray of shape (n_rows, n_units)
        Weighted sums u of each layer with `norm`, as ``(u - mean) / sqrt(variance + 1e-5)``; None
        for the other layers. Mean and variance are those of the row with layer normalisation, and
        the running ones of the unit with batch normalisation.
    z_sensitivities : tuple of ndarray of shape (n_rows, n_units)
        ∂C/∂z of each layer with `norm`; None for the other layers.
    embedded : ndarray of shape (n_rows, n_embedded) or None
        Inputs of the first layer, before the input scale, if the network has embeddings.

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
    normalised: tuple[NDArray[Any] | None, ...]
    z_sensitivities: tuple[NDArray[Any] | None, ...]
    embedded: NDArray[Any] | None = None

    @classmethod
    def _of(cls, network: Model, X: Any, y: Any) -> Trace:
        data = network._data(X, y)
        architecture, layers = network._architecture, range(len(network.weights))
        more = ["normed", "dz"] if architecture.norms else []
        more += ["embedded"] if architecture.embeddings else []
        found = network._trace(data, ("z", "a", "da", "delta", "dx", "costs", *more))
        normalised, by_z = (
            tuple(found[name][i] if architecture.norm_of(i) else None for i in layers)
            for name in ("normed", "dz")
        )
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
            normalised=normalised,
            z_sensitivities=by_z,
            embedded=found.get("embedded"),
        )

    @property
    def first_inputs(self) -> Any:
        """Inputs of the first layer, before the input scale: `embedded`, or x if it is None."""
        return self.x if self.embedded is None else self.embedded

    @property
    def first_sensitivities(self) -> NDArray[Any]:
        """∂C/∂ of `first_inputs`; `input_sensitivities` without embeddings."""
        if self.embedded is None:
            return self.input_sensitivities
        found = self.deltas[0] @ self.weights[0].T
        return found if self.scale is None else found * self.scale

    @property
    def embedding_parameters(self) -> dict[str, NDArray[Any]]:
        """Parameters of embeddings, by name and column: views of `parameters`."""
        return self.architecture.embeddings_of(self.parameters)

    @property
    def d_embedding_parameters(self) -> dict[str, NDArray[Any]]:
        """Derivatives of the mean cost by parameters of embeddings: views of `gradient`."""
        return self.architecture.embeddings_of(self.gradient)

    @property
    def weights(self) -> Layers:
        """Weights of each layer, (n_in, n_out): views of `parameters`."""
        return self.architecture.views(self.parameters)[0]

    @property
    def biases(self) -> Layers:
        """Biases of each layer, (n_out,): views of `parameters`. Empty without biases."""
        return self.architecture.views(self.parameters)[1]

    @property
    def d_weights(self) -> Layers:
        """∂C/∂w of the mean cost for each layer, (n_in, n_out): views of `gradient`."""
        return self.architecture.views(self.gradient)[0]

    @property
    def d_biases(self) -> Layers:
        """∂C/∂b of the mean cost for each layer, (n_out,): views of `gradient`."""
        return self.architecture.views(self.gradient)[1]

    @property
    def gains(self) -> Group:
        """Gains of each layer, (n_out,): views of `parameters`. None for layers without `norm`."""
        return self.architecture.group_of("gains", self.parameters)

    @property
    def d_gains(self) -> Group:
        """∂C/∂g of the mean cost for each layer, (n_out,): views of `gradient`, or None."""
        return self.architecture.group_of("gains", self.gradient)

    @property
    def alphas(self) -> Group:
        """Alphas of each layer, (n_out,), likewise; None for layers that are not `Parametric`."""
        return self.architecture.group_of("alphas", self.parameters)

    @property
    def d_alphas(self) -> Group:
        """Derivatives of the mean cost with respect to `alphas`: views of `gradient`, or None."""
        return self.architecture.group_of("alphas", self.gradient)

    @property
    def scale(self) -> NDArray[Any] | None:
        """Input scale, (n_in,): a view of `parameters`. None without `input_scale`."""
        return self.architecture.scale_of(self.parameters)

    @property
    def d_scale(self) -> NDArray[Any] | None:
        """∂C/∂s of the mean cost, (n_in,): a view of `gradient`. None without `input_scale`."""
        return self.architecture.scale_of(self.gradient)

    def text(
        self,
        row: int = 0,
        *,
        digits: int = 4,
        max_neurons: int = 2,
        max_terms: int = 4,
        learning_rate: float | None = None,
    ) -> str:
        """Write out the computation of one row with all its numbers, as a textbook would.

        The text goes forward to the cost, back through the layers, and to the gradient of this
        row's own cost. Each number is printed with the sum or product that gives it. Neurons and
        layers count from 1.

        Parameters
        ----------
        row : int, default=0
            Index of the row, from 0; -1 is the last.
        digits : int, default=4
            Significant digits of each number. An activation has more digits in ``1 − a`` or
            ``a − y`` if the difference would otherwise look like 0.
        max_neurons : int, default=2
            Maximum number of neurons of a layer, or of inputs. The middle of longer lists is
            omitted; of the inputs, zeros are omitted first.
        max_terms : int, default=4
            Maximum number of terms of a sum, and of weights that lead to one neuron.
        learning_rate : float, optional
            Non-negative learning rate. If given, the text shows each weight and bias after a step
            of gradient descent.

        Returns
        -------
        str

        Raises
        ------
        TypeError, ValueError
            If the row does not exist, or an argument is not as described.

        Examples
        --------
        >>> import pynn
        >>> net = pynn.Network([2, 1], output_activation="sigmoid", cost="squared_error")
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
        digits = checks.positive_integer("digits", digits)
        max_neurons = checks.positive_integer("max_neurons", max_neurons)
        max_terms = checks.positive_integer("max_terms", max_terms)
        if learning_rate is not None:
            learning_rate = checks.non_negative("learning_rate", learning_rate)
        walk = Walkthrough(self, row, digits, (max_neurons, max_terms), learning_rate).text()
        if self.embedded is None:
            return walk
        return of_embeddings.around(walk, self, row, digits, max_neurons)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.architecture.layer_sizes))
        rows = "1 row" if len(self.costs) == 1 else f"{len(self.costs)} rows"
        return f"<Trace of {rows} through a {sizes} network>"

    def __str__(self) -> str:
        cells = [(name, str(array.shape), text) for name, array, text in self._arrays()]
        return "\n".join([repr(self), "", *aligned(cells, left=[0, 1, 2])])

    def _repr_html_(self) -> str:
        """Return the table as HTML for notebooks, with the range of each array."""
        rows = [["array", "shape", "smallest", "largest", "meaning"]]
        for name, array, text in self._arrays():
            ends = number(array.min()), number(array.max())
            rows.append([name, str(array.shape), *ends, text])
        cost = f"mean cost {number(self.costs.mean())}"
        return Table(f"{repr(self)[1:-1]}, {cost}", rows, left=[0, 1, 4]).html(limit=40)

    def _arrays(self) -> list[tuple[str, Any, str]]:
        """Return the name, the array and the meaning of each in the order of computation."""
        net, n_layers = self.architecture, len(self.z)
        rows: list[tuple[str, Any, str]] = [("x", self.x, "inputs")]
        if self.embedded is not None:
            rows.append(("embedded", self.embedded, "inputs of layer 1, by embeddings"))
        for i in range(n_layers):
            of = f"of layer {i + 1}"
            sums = f"weighted sums {of}"
            if self.normalised[i] is not None:
                rows.append((f"normalised[{i}]", self.normalised[i], f"{sums}, normalised"))
                sums = f"gains of layer {i + 1} times normalised[{i}]"
                sums += ", plus biases" if net.bias else ""
            rows.append((f"z[{i}]", self.z[i], sums))
            added = f" plus a[{i - 1}]" if net.is_residual(i) else ""
            text = f"activations {of}, {net.activations[i]}{added}"
            rows.append((f"a[{i}]", self.a[i], text))
        rows.append(("y", self.y, "targets"))
        rows.append(("costs", self.costs, f"{net.cost} of each row"))
        for i in reversed(range(n_layers)):
            of = f"of layer {i + 1}, of"
            rows.append(
                (f"sensitivities[{i}]", self.sensitivities[i], f"∂C/∂a {of} each row's cost")
            )
            by, by_z = "∂C/∂z", self.z_sensitivities[i]
            d_gains, d_alphas = self.d_gains[i], self.d_alphas[i]
            if by_z is not None:
                rows.append((f"z_sensitivities[{i}]", by_z, f"∂C/∂z {of} each row's cost"))
                by = "∂C/∂u of the weighted sums"
            rows.append((f"deltas[{i}]", self.deltas[i], f"{by} {of} each row's cost"))
            rows.append((f"d_weights[{i}]", self.d_weights[i], f"∂C/∂w {of} the mean cost"))
            if net.bias:
                rows.append((f"d_biases[{i}]", self.d_biases[i], f"∂C/∂b {of} the mean cost"))
            if d_gains is not None:
                rows.append((f"d_gains[{i}]", d_gains, f"∂C/∂g {of} the mean cost"))
            if d_alphas is not None:
                rows.append((f"d_alphas[{i}]", d_alphas, f"∂C/∂α {of} the mean cost"))
        parts = ["d_weights", *(["d_biases"] if net.bias else [])]
        parts += ["d_gains"] if net.norms else []
        parts += ["d_alphas"] if any(map(net.is_parametric, range(n_layers))) else []
        parts += ["0 for means and variances"] if "batch" in net.norms else []
        if self.d_scale is not None:
            rows.append(("d_scale", self.d_scale, "∂C/∂s of the input scale, of the mean cost"))
            parts.insert(0, "d_scale")
        for name, array in self.d_embedding_parameters.items():
            rows.append((f'd_embedding_parameters["{name}"]', array, "gradient of the mean cost"))
        parts = [*(["d_embedding_parameters"] if self.d_embedding_parameters else []), *parts]
        rows.append(("input_sensitivities", self.input_sensitivities, "∂C/∂x, of each row's cost"))
        rows.append(("gradient", self.gradient, f"all of {listed(parts)} in one vector"))
        return rows


def kept(X: Any, dtype: np.dtype[Any]) -> Any:
    """Return a copy of checked inputs, as an array or in CSR format."""
    if checks.is_sparse(X):
        from scipy.sparse import csr_array

        return csr_array(X, dtype=dtype, copy=True)
    return np.array(X, dtype, order="C")


def _columns(y: ArrayLike, network: Model) -> NDArray[Any]:
    """Return a copy of checked targets as columns, with classes one-hot encoded."""
    n_out = network.layer_sizes[-1]
    columns = np.asarray(y)
    if n_out > 1 and columns.ndim == 1:
        numbers, columns = columns, np.zeros((len(columns), n_out))
        columns[np.arange(len(numbers)), numbers] = 1
    return np.array(columns, network.dtype, order="C").reshape(-1, n_out)
