"""What feeds one neuron, and whose fault an error is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.inspection.tables import aligned, number, percent

__all__ = ["Blame", "NeuronInputs", "neuron"]


def neuron(layer: int, unit: int) -> str:
    """Name a neuron as textbooks do: counted from 1, the input being layer 0."""
    return f"neuron {unit + 1} of layer {layer}" if layer else f"input {unit + 1}"


@dataclass(frozen=True, eq=False, repr=False)
class NeuronInputs:
    """What `neuron_inputs` returns: all that one neuron sums up. It prints as a table.

    Parameters
    ----------
    layer : int
        Of the neuron, the first hidden layer being 1.
    unit : int
        Its number in the layer, from 0.
    activation : str
        Its function, such as "sigmoid".
    weights : ndarray of shape (n_in,)
        From each neuron of the layer before, or from each input.
    bias : float
        0 where the network has none.
    activations : ndarray of shape (n_rows, n_in), CSR of this shape, or None
        What these neurons say for each row that was given; sparse where the rows are, and the
        inputs feed the neuron.
    products : like activations, or None
        Activations times weights.
    z : ndarray of shape (n_rows,), or None
        The weighted sum: products and bias added up.
    a : ndarray of shape (n_rows,), or None
        The neuron's own activation.

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

    def __repr__(self) -> str:
        n = len(self.weights)
        return f"<NeuronInputs of {neuron(self.layer, self.unit)}, {n} weights>"

    def __str__(self) -> str:
        return self.table()

    def table(self, row: int = 0, limit: int = 10, digits: int = 4) -> str:
        """Write the largest weights, or for a row the largest products, as a table.

        Parameters
        ----------
        row : int, default=0
            Of those that were given, from 0; -1 is the last.
        limit : int, default=10
            Lines at most.
        digits : int, default=4
            Significant digits.

        Returns
        -------
        str
            Neurons and inputs count from 1.

        Raises
        ------
        TypeError, ValueError
            If there is no such row, or a number is no integer of at least 1.
        """
        row = checks.index("row", row, 1 if self.z is None else len(self.z))
        limit, digits = _checked(limit, digits)
        n = len(self.weights)
        columns, heading = [self.weights], ["from", "weight"]
        if self.activations is not None:
            columns = [_row(self.activations, row), self.weights, _row(self.products, row)]
            heading = ["from", "activation", "weight", "product"]
        order = np.argsort(-np.abs(columns[-1]), kind="stable")[:limit]
        rows = [heading]
        for i in order:
            source = neuron(self.layer - 1, int(i))
            rows.append([source, *(number(column[i], digits) for column in columns)])
        what = "weights" if self.z is None else "products"
        shown = f"the largest {len(order)} of {n} {what}" if len(order) < n else f"{n} {what}"
        end = f"bias {number(self.bias, digits)}"
        if self.z is not None and self.a is not None:
            z, a = number(self.z[row], digits), number(self.a[row], digits)
            end = f"products and {end} sum to {z}, {self.activation} → {a}"
        title = f"{neuron(self.layer, self.unit)}: {shown}"
        return "\n".join([title, "", *aligned(rows, left=[0]), "", end])


def _checked(limit: int, digits: int) -> tuple[int, int]:
    return checks.positive_integer("limit", limit), checks.positive_integer("digits", digits)


def _row(array: Any, row: int) -> NDArray[Any]:
    dense: NDArray[Any] = array[[row]].toarray()[0] if checks.is_sparse(array) else array[row]
    return dense


@dataclass(frozen=True, eq=False, repr=False)
class Blame:
    """What `blame` returns: the weights of one layer, those that the cost depends on most first.

    It prints as a table.

    Parameters
    ----------
    layer : int
        That the weights lead to, the first hidden one being 1.
    cost : float
        Of the example.
    sources, targets : ndarray of int, shape (n_weights,)
        Where each weight comes from and leads to: units of the layer before, or inputs, and units
        of the layer, from 0.
    weights : ndarray of shape (n_weights,)
        Their values.
    gradients : ndarray of shape (n_weights,)
        ∂C/∂w of each.
    shares : ndarray of shape (n_weights,), float64
        The size of its ∂C/∂w among that of all weights of the layer: they sum to 1, or are all 0
        where the cost does not depend on any of them.

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
    @np.errstate(all="ignore")  # who looks for where NaN comes from is not to be told of it twice
    def _of(cls, layer: int, cost: float, weights: NDArray[Any], d_weights: NDArray[Any]) -> Blame:
        """Share a cost out among the weights (n_in, n_out) of a layer, by their gradient."""
        sizes = np.abs(d_weights).astype(np.float64)
        largest = sizes.max()  # divided by it first, sizes neither overflow nor vanish in the sum
        shares = sizes / largest / (sizes / largest).sum() if largest else sizes
        order = np.argsort(-sizes, axis=None, kind="stable")
        sources, targets = np.unravel_index(order, weights.shape)
        return cls(
            layer,
            cost,
            sources,
            targets,
            weights.ravel()[order],
            d_weights.ravel()[order],
            shares.ravel()[order],
        )

    def __repr__(self) -> str:
        return f"<Blame among the {len(self.weights)} weights of layer {self.layer}>"

    def __str__(self) -> str:
        return self.table()

    def table(self, limit: int = 10, digits: int = 4) -> str:
        """Write the weights with the largest shares as a table.

        Parameters
        ----------
        limit : int, default=10
            Weights at most.
        digits : int, default=4
            Significant digits.

        Returns
        -------
        str
            Neurons and inputs count from 1.

        Raises
        ------
        TypeError, ValueError
            If a number is no integer of at least 1.
        """
        limit, digits = _checked(limit, digits)
        n = len(self.weights)
        rows = [["from", "to", "weight", "∂C/∂w", "share"]]
        for i in range(min(n, limit)):
            rows.append(
                [
                    neuron(self.layer - 1, int(self.sources[i])),
                    neuron(self.layer, int(self.targets[i])),
                    number(self.weights[i], digits),
                    number(self.gradients[i], digits),
                    percent(self.shares[i]),
                ]
            )
        title = f"A cost of {number(self.cost, digits)}: whose fault among the {n} weights of layer"
        lines = [f"{title} {self.layer}?", "", *aligned(rows, left=[0, 1])]
        if limit < n:
            rest = percent(self.shares[limit:].sum())
            lines += ["", f"The other {n - limit} weights: {rest} together."]
        return "\n".join(lines)
