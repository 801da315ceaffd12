"""The inputs of one neuron, and the share of each weight in an error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.inspection.colours import largest, strengths
from pynn.inspection.tables import Table, number, percent


def neuron(layer: int, unit: int) -> str:
    """Name a neuron as textbooks do: counted from 1, with the input as layer 0."""
    return f"neuron {unit + 1} of layer {layer}" if layer else f"input {unit + 1}"


def dense_row(array: Any, row: int) -> NDArray[Any]:
    """Return a row of a dense array or of a sparse matrix as a vector."""
    dense: NDArray[Any] = array[[row]].toarray()[0] if checks.is_sparse(array) else array[row]
    return dense


@dataclass(frozen=True, eq=False, repr=False)
class NeuronInputs:
    """Inputs of one neuron, as `neuron_inputs` returns them. It prints as a table.

    Parameters
    ----------
    layer : int
        Layer of the neuron; the first hidden layer is 1.
    unit : int
        Index of the neuron in its layer, from 0.
    activation : str
        Activation function, such as "sigmoid".
    weights : ndarray of shape (n_in,)
        Weights from each neuron of the previous layer, or from each input.
    bias : float
        0 if the network has no biases.
    activations : ndarray of shape (n_rows, n_in), CSR of this shape, or None
        Activations of the previous layer, or the inputs, for each given row; the inputs are sparse
        if the given rows are, and multiplied by the input scale if there is one. With embeddings,
        inputs are the numbers of embedded rows.
    products : like activations, or None
        Activations times weights.
    z : ndarray of shape (n_rows,), or None
        Weighted sum: the sum of the products, plus the bias. In a layer with `norm`, the sum of the
        products, which is normalised next.
    a : ndarray of shape (n_rows,), or None
        Activation of the neuron, with the input that a residual layer adds.
    gain : float or None
        Gain of the neuron if its layer has `norm`, otherwise None.
    is_residual : bool, default=False
        Whether the layer adds its input to its activations.
    norm : str or None, default=None
        "layer" or "batch" if the layer has this normalisation.

    See Also
    --------
    pynn.Network.neuron_inputs : Computes it.

    Examples
    --------
    >>> import pynn
    >>> net = pynn.Network([2, 1], output_activation="sigmoid")
    >>> net.weights[0][:], net.biases[0][:] = [[7], [3]], -2
    >>> inputs = net.neuron_inputs(1, 0, [[1, 0], [0, 1]])
    >>> inputs.products
    array([[7., 0.],
           [0., 3.]], dtype=float32)
    >>> inputs.z
    array([5., 1.], dtype=float32)
    """

    layer: int
    unit: int
    activation: str
    weights: NDArray[Any]
    bias: float
    activations: Any = None
    products: Any = None
    z: NDArray[Any] | None = None
    a: NDArray[Any] | None = None
    gain: float | None = None
    is_residual: bool = False
    norm: str | None = None

    def __repr__(self) -> str:
        n = len(self.weights)
        return f"<NeuronInputs of {neuron(self.layer, self.unit)}, {n} weights>"

    def table(self, row: int = 0, limit: int = 10, digits: int = 4) -> str:
        """Return a table of the largest weights, or of the largest products of a row.

        Neurons and inputs count from 1.

        Parameters
        ----------
        row : int, default=0
            Index of one of the given rows, from 0; -1 is the last.
        limit : int, default=10
            Maximum number of lines.
        digits : int, default=4
            Significant digits.

        Returns
        -------
        str

        Raises
        ------
        TypeError, ValueError
            If the row does not exist, or limit or digits is not a positive integer.
        """
        return str(self._table(row, limit, digits))

    __str__ = table

    def _repr_html_(self) -> str:
        """Return the table as HTML for notebooks, with a bar for each product or weight."""
        return self._table().html()

    def _table(self, row: int = 0, limit: int = 10, digits: int = 4) -> Table:
        row = checks.index("row", row, 1 if self.z is None else len(self.z))
        limit, digits = _checked(limit, digits)
        columns, what = {"weight": self.weights}, "weights"
        end = f"bias {number(self.bias, digits)}"
        if self.gain is not None:
            end = f"{self.norm} norm with gain {number(self.gain, digits)} and {end}"
        if self.z is not None and self.a is not None:
            columns = {"activation": dense_row(self.activations, row), **columns}
            columns["product"], what = dense_row(self.products, row), "products"
            z, a = number(self.z[row], digits), number(self.a[row], digits)
            added = f" plus {neuron(self.layer - 1, self.unit)}" if self.is_residual else ""
            sums = (
                f"products and {end} sum to {z}"
                if self.gain is None
                else f"products sum to {z}; {end}"
            )
            end = f"{sums}, {self.activation}{added} → {a}"
        *_, values = columns.values()
        rows = [["from", *columns]]
        chosen = np.argsort(-np.abs(values), kind="stable")[:limit]
        for i in chosen.tolist():
            cells = [number(column[i], digits) for column in columns.values()]
            rows.append([neuron(self.layer - 1, i), *cells])
        n = len(self.weights)
        shown = f"the largest {limit} of {n} {what}" if limit < n else f"{n} {what}"
        title = f"{neuron(self.layer, self.unit)}: {shown}"
        bars = strengths(values[chosen], largest(values)).tolist()
        return Table(title, rows, left=[0], notes=[end], bars=bars)


@dataclass(frozen=True, eq=False, repr=False)
class Blame:
    """The weights of one layer by their influence on the cost, as `blame` returns them.

    The weights with the largest shares come first. It prints as a table.

    Parameters
    ----------
    layer : int
        Layer that the weights lead to; the first hidden layer is 1.
    cost : float
        Cost of the example.
    sources, targets : ndarray of int, shape (n_weights,)
        Units that each weight connects: indices, from 0, in the previous layer (or the input) and
        in the layer.
    weights : ndarray of shape (n_weights,)
        Values of the weights.
    gradients : ndarray of shape (n_weights,)
        ∂C/∂w of each weight.
    shares : ndarray of shape (n_weights,), float64
        Absolute value of ∂C/∂w, divided by the sum over the layer. The shares sum to 1, or are all
        0 if the cost does not depend on these weights.

    See Also
    --------
    pynn.Network.blame : Computes it.

    Examples
    --------
    >>> import pynn
    >>> blame = pynn.Network([3, 1], initializer="zeros").blame([[0.1, 0.0, 0.3]], [1.0])
    >>> blame.sources, blame.shares.round(2)
    (array([2, 0, 1]), array([0.75, 0.25, 0.  ]))
    """

    layer: int
    cost: float
    sources: NDArray[np.intp]
    targets: NDArray[np.intp]
    weights: NDArray[Any]
    gradients: NDArray[Any]
    shares: NDArray[np.float64]

    @classmethod
    @np.errstate(all="ignore")  # infinities and NaN are shown in the table
    def _of(cls, layer: int, cost: float, weights: NDArray[Any], d_weights: NDArray[Any]) -> Blame:
        """Return the shares of the weights (n_in, n_out) of a layer, the largest first."""
        sizes = np.abs(d_weights).astype(np.float64)
        largest = sizes.max()  # dividing by it keeps the sum from overflow and underflow
        shares = sizes / largest / (sizes / largest).sum() if largest else sizes
        order = np.argsort(-sizes, axis=None, kind="stable")
        i, j = np.unravel_index(order, weights.shape)
        return cls(layer, cost, i, j, weights[i, j], d_weights[i, j], shares[i, j])

    def __repr__(self) -> str:
        return f"<Blame among the {len(self.weights)} weights of layer {self.layer}>"

    def table(self, limit: int = 10, digits: int = 4) -> str:
        """Return a table of the weights with the largest shares.

        Neurons and inputs count from 1.

        Parameters
        ----------
        limit : int, default=10
            Maximum number of weights.
        digits : int, default=4
            Significant digits.

        Returns
        -------
        str

        Raises
        ------
        TypeError, ValueError
            If limit or digits is not a positive integer.
        """
        return str(self._table(limit, digits))

    __str__ = table

    def _repr_html_(self) -> str:
        """Return the table as HTML for notebooks, with a bar for each share."""
        return self._table().html()

    def _table(self, limit: int = 10, digits: int = 4) -> Table:
        limit, digits = _checked(limit, digits)
        n = len(self.weights)
        rows = [["from", "to", "weight", "∂C/∂w", "share"]]
        for i in range(min(n, limit)):
            ends = neuron(self.layer - 1, self.sources[i]), neuron(self.layer, self.targets[i])
            numbers = number(self.weights[i], digits), number(self.gradients[i], digits)
            rows.append([*ends, *numbers, percent(self.shares[i])])
        title = f"A cost of {number(self.cost, digits)}: whose fault among the {n} weights of layer"
        rest = f"The other {n - limit} weights: {percent(self.shares[limit:].sum())} together."
        notes = [rest] if limit < n else []
        bars = strengths(self.shares[:limit], largest(self.shares)).tolist()
        return Table(f"{title} {self.layer}?", rows, left=[0, 1], notes=notes, bars=bars)


def _checked(limit: int, digits: int) -> tuple[int, int]:
    return checks.positive_integer("limit", limit), checks.positive_integer("digits", digits)
