"""Inspected: the inspection methods that networks and estimators share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.inspection import markup, tables
from pynn.inspection.diagram import Diagram
from pynn.inspection.neurons import Blame, NeuronInputs
from pynn.inspection.tracing import Trace, kept
from pynn.model.model import Model


class Inspected:
    """Inspection of a `pynn.Network` or of a fitted estimator.

    The input is layer 0, the first hidden layer is 1, and the output is -1.
    """

    def _inside(self, X: Any = None, y: Any = None) -> tuple[Model, Any, Any]:
        """Return the network, with rows and targets in the form that it takes."""
        raise NotImplementedError

    # ---- Structure -------------------------------------------------------------------------------

    def _optimizer_at_work(self) -> tuple[str, int] | None:
        """Return the optimizer's name and its numbers per parameter, or None without optimizer."""
        raise NotImplementedError

    def summary(self) -> None:
        """Print a table of the layers: shapes, activations, parameters, memory.

        A line below gives the memory that the optimizer needs in training.

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.

        Examples
        --------
        >>> import pynn
        >>> pynn.Network([784, 16, 10], output_activation="softmax", cost="cross_entropy").summary()
        Network of float32, cost cross_entropy
        <BLANKLINE>
        layer    units  activation   weights  biases  parameters    memory
        input      784
        layer 1     16  relu        784 × 16      16      12,560  49.1 KiB
        output      10  softmax      16 × 10      10         170     680 B
        total                                             12,730  49.7 KiB
        <BLANKLINE>
        No optimizer at work; one keeps up to 2 numbers for each parameter: 99.5 KiB more.
        """
        print(tables.summary(self._inside()[0], self._optimizer_at_work()))

    def to_dot(
        self,
        *,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        max_units: int = 10,
        max_layers: int = 8,
    ) -> str:
        """Describe the network in DOT, the language of Graphviz.

        Arrows are weights: blue above 0, orange below, wider for larger weights. The middle units
        of wide layers and the middle layers of deep networks are omitted, and their number is
        shown.

        Parameters
        ----------
        input_names, output_names : sequence of str, optional
            Labels of the input and output units.
        max_units : int, default=10
            At least 3. A layer with more units shows ``max_units - 1`` of them.
        max_layers : int, default=8
            At least 3. A network with more layers, including input and output, shows
            ``max_layers - 1`` of them.

        Returns
        -------
        str
            Graph that ``dot -Tsvg`` draws.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.

        See Also
        --------
        pynn.displays.NetworkDisplay : Draws the network with matplotlib.

        Examples
        --------
        >>> import pynn
        >>> print(pynn.Network([2, 1], initializer="zeros").to_dot())  # doctest: +ELLIPSIS
        digraph network {
        ...
        unit_0_0 [tooltip="input 1"]
        unit_0_1 [tooltip="input 2"]
        ...
        """
        network = self._inside()[0]
        network._expect_plain("a diagram")
        diagram = Diagram.of(network, max_units, max_layers)
        return markup.dot(diagram, input_names, output_names)

    # ---- Values ----------------------------------------------------------------------------------

    def trace(self, X: ArrayLike, y: ArrayLike) -> Trace:
        """Return all values of a forward and backward pass of these rows, by layer.

        The trace holds weighted sums, activations, the cost of each row, its sensitivities ∂C/∂a
        and deltas ∂C/∂z, and the gradient of the mean cost. It excludes penalty and dropout.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
            Rows, as for `predict`.
        y : array-like of shape (n_rows, n_outputs) or (n_rows,)
            Targets, as for `fit`.

        Returns
        -------
        Trace
            It prints as a table of its arrays with their shapes.

        Raises
        ------
        TypeError, ValueError
            If X or y is not as described.

        Examples
        --------
        >>> import pynn
        >>> net = pynn.Network([2, 2, 1], activation="sigmoid", dtype="float64", random_state=0)
        >>> net.weights[0][:], net.biases[0][:] = [[0.15, 0.25], [0.20, 0.30]], 0.35
        >>> trace = net.trace([[0.05, 0.10]], [[0.01]])
        >>> trace.z[0]
        array([[0.3775, 0.3925]])
        >>> print(trace)
        <Trace of 1 row through a 2-2-1 network>
        <BLANKLINE>
        x                    (1, 2)  inputs
        z[0]                 (1, 2)  weighted sums of layer 1
        a[0]                 (1, 2)  activations of layer 1, sigmoid
        z[1]                 (1, 1)  weighted sums of layer 2
        a[1]                 (1, 1)  activations of layer 2, identity
        y                    (1, 1)  targets
        costs                (1,)    squared_error of each row
        sensitivities[1]     (1, 1)  ∂C/∂a of layer 2, of each row's cost
        deltas[1]            (1, 1)  ∂C/∂z of layer 2, of each row's cost
        d_weights[1]         (2, 1)  ∂C/∂w of layer 2, of the mean cost
        d_biases[1]          (1,)    ∂C/∂b of layer 2, of the mean cost
        sensitivities[0]     (1, 2)  ∂C/∂a of layer 1, of each row's cost
        deltas[0]            (1, 2)  ∂C/∂z of layer 1, of each row's cost
        d_weights[0]         (2, 2)  ∂C/∂w of layer 1, of the mean cost
        d_biases[0]          (2,)    ∂C/∂b of layer 1, of the mean cost
        input_sensitivities  (1, 2)  ∂C/∂x, of each row's cost
        gradient             (9,)    all of d_weights and d_biases in one vector
        """
        return Trace._of(*self._inside(X, y))

    def per_sample_gradient(self, X: ArrayLike, y: ArrayLike) -> NDArray[Any]:
        """Compute the gradient of each row's own cost, without penalty.

        The mean of these gradients is the gradient of the mean cost. Each equals
        `pynn.Network.gradient` of that row alone, to the bit.

        Parameters
        ----------
        X, y
            As for `trace`.

        Returns
        -------
        ndarray of shape (n_rows, n_parameters), of the network's dtype
            `pynn.Network.views` splits a row of it into weights and biases.

        Raises
        ------
        TypeError, ValueError
            As for `trace`.

        Examples
        --------
        >>> import pynn
        >>> net = pynn.Network([1, 1], initializer="zeros")
        >>> net.per_sample_gradient([[1.0], [2.0]], [3, 4])
        array([[-3., -3.],
               [-8., -4.]], dtype=float32)
        >>> net.gradient([[1.0], [2.0]], [3, 4])
        array([-5.5, -3.5], dtype=float32)
        """
        network, rows, targets = self._inside(X, y)
        n_rows = network._data(rows, targets).n_rows  # checks all rows first
        rows, targets = kept(rows, network.dtype), np.asarray(targets)
        gradients = np.empty((n_rows, network.n_parameters), network.dtype)
        for i, gradient in enumerate(gradients):
            gradient[:] = network.gradient(rows[i : i + 1], targets[i : i + 1])
        return gradients

    def input_gradient(self, X: ArrayLike, y: ArrayLike) -> NDArray[Any]:
        """Compute ∂C/∂x, the gradient of each row's own cost with respect to its inputs.

        Parameters
        ----------
        X, y
            As for `trace`.

        Returns
        -------
        ndarray of shape (n_rows, n_inputs), of the network's dtype
            Dense, also if X is sparse.

        Raises
        ------
        TypeError, ValueError
            As for `trace`.

        Examples
        --------
        >>> import pynn
        >>> net = pynn.Network([2, 1], initializer="zeros")
        >>> net.weights[0][:] = [[0.5], [-2.0]]
        >>> net.input_gradient([[1.0, 0.0]], [0.0])
        array([[ 0.25, -1.  ]], dtype=float32)
        """
        network, X, y = self._inside(X, y)
        gradient: NDArray[Any] = network._trace(network._data(X, y), ["dx"])["dx"]
        return gradient

    @np.errstate(all="ignore")  # infinities and NaN are returned
    def neuron_inputs(self, layer: int, unit: int, X: ArrayLike | None = None) -> NeuronInputs:
        """Return the weights and bias of one neuron and, for given rows, the products it sums up.

        Parameters
        ----------
        layer : int
            Layer of the neuron: 1 is the first hidden layer, -1 the output.
        unit : int
            Index of the neuron in the layer, from 0; -1 is the last.
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs), optional
            Rows, as for `predict`.

        Returns
        -------
        NeuronInputs
            It prints as a table.

        Raises
        ------
        TypeError, ValueError
            If the layer or unit does not exist, or X is not as described.

        Examples
        --------
        >>> import pynn
        >>> net = pynn.Network([2, 1], output_activation="sigmoid")
        >>> net.weights[0][:], net.biases[0][:] = [[7], [3]], -2
        >>> print(net.neuron_inputs(1, 0, [[1, 0]]))
        neuron 1 of layer 1: 2 products
        <BLANKLINE>
        from     activation  weight  product
        input 1           1       7        7
        input 2           0       3        0
        <BLANKLINE>
        products and bias −2 sum to 5, sigmoid → 0.9933
        """
        network, X, _ = self._inside(X)
        network._expect_plain("neuron_inputs")
        layer = checks.layer(layer, len(network.weights))
        unit = checks.index("unit", unit, network.layer_sizes[layer])
        weights = network.weights[layer - 1][:, unit].copy()
        bias = float(network.biases[layer - 1][unit]) if network.bias else 0.0
        activation = str(network.activations[layer - 1])
        gains = network.gains[layer - 1]
        gain = None if gains is None else float(gains[unit])
        of = network._architecture
        is_residual, norm = of.is_residual(layer - 1), of.norm_of(layer - 1)
        found = NeuronInputs(
            layer, unit, activation, weights, bias, gain=gain, is_residual=is_residual, norm=norm
        )
        if X is None:
            return found
        a = network._predict(X, n_layers=layer)[:, unit].copy()  # checks X
        inputs: Any = network._embedded(X) if network.embeddings else kept(X, network.dtype)
        if network.scale is not None:
            inputs *= network.scale
        if layer > 1:
            inputs = network._predict(X, n_layers=layer - 1)
        is_sparse = checks.is_sparse(inputs)
        products = inputs.multiply(weights).tocsr() if is_sparse else inputs * weights
        z = np.asarray(products.sum(axis=1)).ravel()
        z += network.dtype.type(bias if gain is None else 0)
        return replace(found, activations=inputs, products=products, z=z, a=a)

    def blame(self, X: ArrayLike, y: ArrayLike, layer: int = -1) -> Blame:
        """Return the share of each weight of a layer in the error of one example.

        The share is the absolute value of ∂C/∂w, divided by the sum over all weights of the layer.
        A weight whose input is 0 has no share.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (1, n_inputs)
            Example, as for `predict`.
        y : array-like of shape (1, n_outputs) or (1,)
            Target, as for `fit`.
        layer : int, default=-1
            Layer that the weights lead to: 1 is the first hidden layer, -1 the output.

        Returns
        -------
        Blame
            The largest shares come first. It prints as a table.

        Raises
        ------
        TypeError, ValueError
            If the layer does not exist, or X and y are not one example.

        Examples
        --------
        >>> import pynn
        >>> net = pynn.Network([3, 1], initializer="zeros")
        >>> print(net.blame([[0.1, 0.0, 0.3]], [1.0]))
        A cost of 0.5: whose fault among the 3 weights of layer 1?
        <BLANKLINE>
        from     to                   weight  ∂C/∂w   share
        input 3  neuron 1 of layer 1       0   −0.3  75.0 %
        input 1  neuron 1 of layer 1       0   −0.1  25.0 %
        input 2  neuron 1 of layer 1       0      0   0.0 %
        """
        network, X, y = self._inside(X, y)
        layer = checks.layer(layer, len(network.weights))
        data = network._data(X, y)
        if data.n_rows != 1:
            raise ValueError(f"blame is for one example, got {data.n_rows} rows; use X[i : i + 1]")
        (cost,) = network._trace(data, ["costs"])["costs"]
        d_weights, _ = network.views(network._gradient(data))
        return Blame._of(layer, float(cost), network.weights[layer - 1], d_weights[layer - 1])
