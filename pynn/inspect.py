"""Inspected: what networks and estimators let people see of what they compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from numpy.typing import ArrayLike, NDArray

from pynn.trace import Trace

if TYPE_CHECKING:
    from pynn.model import Model

__all__ = ["Inspected"]


class Inspected:
    """Every number on the way: for `pynn.Network` and for fitted estimators.

    Layers are counted with the input as 0, so that the first hidden one is 1 and the output -1.
    """

    def _inside(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None
    ) -> tuple[Model, Any, Any]:
        """Return the network that computes, and these rows and targets as that takes them."""
        raise NotImplementedError

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
        network, X, y = self._inside(X, y)
        data = network._data(X, y)
        found = network._trace(data, ("z", "a", "da", "delta", "dx", "costs"))
        return Trace(
            x=_kept(X, network.dtype),
            y=_columns(y, network),
            z=found["z"],
            a=found["a"],
            sensitivities=found["da"],
            deltas=found["delta"],
            input_sensitivities=found["dx"],
            costs=found["costs"],
            gradient=network.gradient(X, y),
            parameters=network.parameters.copy(),
            architecture=network._architecture,
        )


def _kept(X: Any, dtype: np.dtype[Any]) -> Any:
    """Return a copy of inputs that were found right."""
    if scipy.sparse.issparse(X):
        return scipy.sparse.csr_array(X, dtype=dtype, copy=True)
    return np.array(X, dtype, order="C")


def _columns(y: ArrayLike, network: Model) -> NDArray[Any]:
    """Return targets that were found right, as the outputs are compared with them."""
    n_out = network.layer_sizes[-1]
    given = np.asarray(y)
    if n_out > 1 and given.ndim == 1:
        given = given[:, np.newaxis] == np.arange(n_out)
    columns: NDArray[Any] = np.array(given, network.dtype, order="C").reshape(-1, n_out)
    return columns
