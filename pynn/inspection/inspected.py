"""Inspected: what networks and estimators let people see of what they compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import checks
from pynn.inspection import markup, summary
from pynn.inspection.gradient_check import GradientCheck, gradient_check
from pynn.inspection.neurons import Blame, NeuronInputs
from pynn.inspection.tracing import Trace, kept
from pynn.model.model import Model

__all__ = ["Blame", "GradientCheck", "Inspected", "NeuronInputs", "Trace", "gradient_check"]


class Inspected:
    """Every number on the way: for `pynn.Network` and for fitted estimators.

    Layers are counted with the input as 0, so that the first hidden one is 1 and the output -1.
    """

    def _inside(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None
    ) -> tuple[Model, Any, Any]:
        """Return the network that computes, and these rows and targets as that takes them."""
        raise NotImplementedError

    # ---- What it is ------------------------------------------------------------------------------

    def _optimizer_at_work(self) -> tuple[str, int] | None:
        """Return its name, and how many numbers it keeps for each parameter; None without one."""
        raise NotImplementedError

    def summary(self) -> None:
        """Print a table of layers: shapes, activations, parameters, memory.

        Below it stands what the optimizer keeps besides, while it trains.

        Raises
        ------
        NotFittedError
            If an estimator has learned nothing yet.

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
        network, _, _ = self._inside()
        print(summary.summary(network, self._optimizer_at_work()))

    def to_dot(
        self,
        *,
        input_names: Sequence[str] | None = None,
        output_names: Sequence[str] | None = None,
        max_units: int = 10,
        max_layers: int = 8,
    ) -> str:
        """Describe the network in DOT, the language of Graphviz.

        Arrows are weights: green above 0, red below, the wider the larger. The middle of a wide
        layer and of a deep network is left out, and how much is told.

        Parameters
        ----------
        input_names, output_names : sequence of str, optional
            Written beside the units of the input and of the output.
        max_units : int, default=10
            At least 3; a layer of more units shows one less than this.
        max_layers : int, default=8
            At least 3; a network of more layers, input and output counted, shows one less.

        Returns
        -------
        str
            ``dot -Tsvg`` draws it.

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described.

        See Also
        --------
        pynn.displays.NetworkDisplay : The same by matplotlib.

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
        network, _, _ = self._inside()
        return markup.dot(network, input_names, output_names, max_units, max_layers)

    # ---- What it computes ------------------------------------------------------------------------

    def trace(self, X: ArrayLike, y: ArrayLike) -> Trace:
        """Everything that the network computes of these rows, forward and back, by layer.

        Weighted sums, activations, the cost of each row, its sensitivities ∂C/∂a and deltas ∂C/∂z,
        and the gradient of the mean cost. There is no penalty in it, and no dropout.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
            As `predict` takes it.
        y : array-like of shape (n_rows, n_outputs) or (n_rows,)
            Targets, as `fit` takes them.

        Returns
        -------
        Trace
            It prints as a table of the arrays that it holds, each with its shape.

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
        """Gradient of each row's own cost: the nudges that each example asks for, reversed.

        Their mean is the gradient of the mean cost, and each is what `pynn.Network.gradient` makes
        of that row alone, to the bit. There is no penalty in it.

        Parameters
        ----------
        X, y
            As for `trace`.

        Returns
        -------
        ndarray of shape (n_rows, n_parameters), of the network's dtype
            `pynn.Network.views` gives a row of it the shapes of weights and biases.

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
        n_rows = network._data(rows, targets).n_rows  # all are checked before the first is computed
        rows, targets = kept(rows, network.dtype), np.asarray(targets)
        gradients = np.empty((n_rows, network.n_parameters), network.dtype)
        for i, gradient in enumerate(gradients):
            gradient[:] = network.gradient(rows[i : i + 1], targets[i : i + 1])
        return gradients

    def input_gradient(self, X: ArrayLike, y: ArrayLike) -> NDArray[Any]:
        """How fast each row's own cost rises with each of its inputs: ∂C/∂x.

        Parameters
        ----------
        X, y
            As for `trace`.

        Returns
        -------
        ndarray of shape (n_rows, n_inputs), of the network's dtype
            Dense, whether X is or not.

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

    @np.errstate(all="ignore")  # what is not finite is returned as that
    def neuron_inputs(self, layer: int, unit: int, X: ArrayLike | None = None) -> NeuronInputs:
        """Show what one neuron sums up: its weights and bias and, for given rows, the products.

        Parameters
        ----------
        layer : int
            From 1, the first hidden layer, or from -1, the output, backwards.
        unit : int
            The neuron's number in the layer, from 0; -1 is the last.
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs), optional
            As `predict` takes it.

        Returns
        -------
        NeuronInputs
            It prints as a table.

        Raises
        ------
        TypeError, ValueError
            If there is no such layer or unit, or X is not as described.

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
        layer = checks.layer(layer, len(network.weights))
        W = network.weights[layer - 1]
        unit = checks.index("unit", unit, W.shape[1])
        weights, bias = W[:, unit].copy(), 0.0
        if network.bias:
            bias = float(network.biases[layer - 1][unit])
        found = NeuronInputs(layer, unit, network.activations[layer - 1], weights, bias)
        if X is None:
            return found
        a = network._predict(X, n_layers=layer)[:, unit].copy()  # X is checked here
        inputs: Any = kept(X, network.dtype)
        if layer > 1:
            inputs = network._predict(X, n_layers=layer - 1)
        is_sparse = checks.is_sparse(inputs)
        products = inputs.multiply(weights).tocsr() if is_sparse else inputs * weights
        z = np.asarray(products.sum(axis=1)).ravel() + network.dtype.type(bias)
        return replace(found, activations=inputs, products=products, z=z, a=a)

    def blame(self, X: ArrayLike, y: ArrayLike, layer: int = -1) -> Blame:
        """Whose fault is the error of one example: the share of each weight of a layer in it.

        The share is the size of ∂C/∂w, how fast the cost changes with the weight, among the sizes
        for all weights of the layer. A weight whose input is 0 bears none of the blame.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (1, n_inputs)
            The example.
        y : array-like of shape (1, n_outputs) or (1,)
            Its target, as `fit` takes them.
        layer : int, default=-1
            That the weights lead to: from 1, the first hidden layer, or from -1, the output,
            backwards.

        Returns
        -------
        Blame
            The largest shares first. It prints as a table.

        Raises
        ------
        TypeError, ValueError
            If there is no such layer, or X and y are not one example.

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
        trace = Trace._of(network, X, y)
        i = layer - 1
        return Blame._of(layer, float(trace.costs[0]), trace.weights[i], trace.d_weights[i])
