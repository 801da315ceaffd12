"""Model: predictions, cost and gradient, as the compiled core computes them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pynn import _core, checks
from pynn.model import embeddings, files, judging, members
from pynn.model.parameters import Parameters
from pynn.model.regularisation import Regularisation


class Model(Parameters):
    """Predictions, cost and gradient of a network; `pynn.Network` adds training."""

    def predict(self, X: ArrayLike, *, squeeze: bool = False) -> NDArray[Any]:
        """Compute the activations of the output layer, with `members` the mean of theirs.

        A network with one output returns a column. A vector of targets has another shape, and
        NumPy broadcasts the difference of the two to a matrix (n_rows, n_rows): write
        ``net.predict(X, squeeze=True) - y`` for the errors.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
            Sparse X must be in SciPy's format CSR, or CSC, which is converted to CSR. It is never
            made dense.
        squeeze : bool, default=False
            Return the column of a single output as a vector.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs), of the network's dtype
            Or (n_rows,) with `squeeze` and a single output.

        Raises
        ------
        TypeError, ValueError
            If X does not hold finite real numbers of this shape.
        """
        out = self._predict(X)
        return out[:, 0] if squeeze and out.shape[1] == 1 else out

    def predict_members(self, X: ArrayLike) -> NDArray[Any]:
        """Compute the outputs of each member; `predict` returns their mean.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_inputs)
            See `predict`.

        Returns
        -------
        ndarray of shape (members, n_rows, n_outputs), of the network's dtype

        Raises
        ------
        TypeError, ValueError
            As for `predict`, or if the network has no `members`.
        """
        if self.members is None:
            raise ValueError("predict_members is for networks with members, got a plain network")
        data = _core.Data(self._rows(X))
        out = np.empty((self.members * data.n_rows, self.layer_sizes[-1]), self.dtype)
        self._core.predict(out, self._parameters, data, self._threads_for(data))
        return out.reshape(self.members, data.n_rows, -1)

    def predict_classes(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class of each row.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
            See `predict`.

        Returns
        -------
        ndarray of shape (n_rows,)
            The class of the largest output; for a single output, class 1 above 0.5, else class 0.
            With `classes` these are labels, otherwise numbers. With the cost
            "binary_cross_entropy", several outputs and no `classes`, each output is a separate
            label: 0s and 1s of shape (n_rows, n_outputs).

        Raises
        ------
        TypeError, ValueError
            As for `predict`, or if a single output is not a probability.
        """
        return judging.classes_of(self._architecture, self._predict(X))

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Score the predictions: accuracy of classes, R² of numbers.

        Parameters
        ----------
        X, y, sample_weight
            See `cost`. A vector of classes is scored by accuracy, and so are all targets of the
            costs "cross_entropy" and "binary_cross_entropy" and of a network with `classes`; with
            several labels, a row is correct if all of its labels are.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            As for `cost`.
        """
        encoded = self._architecture.encoded(y)
        self._data(X, encoded, sample_weight)  # which checks them
        weights = None if sample_weight is None else np.asarray(sample_weight, np.float64)
        return judging.score(self._architecture, self._predict(X), np.asarray(encoded), weights)

    def member(self, k: int) -> Self:
        """Make a plain network that computes the same as one of the members.

        Parameters
        ----------
        k : int
            The member, from 0; -1 is the last.

        Returns
        -------
        Network
            Its weights are ``r[k][:, None] * W * s[k]``; it shares no memory with this network.

        Raises
        ------
        TypeError, ValueError
            If the network has no `members`, or no member k.

        Examples
        --------
        >>> import numpy as np, pynn
        >>> net = pynn.Network([2, 3, 1], members=4, random_state=0)
        >>> X = [[1.0, 2.0]]
        >>> net.predict_members(X).shape, net.predict(X).shape
        ((4, 1, 1), (1, 1))
        >>> bool(np.allclose(net.member(3).predict(X), net.predict_members(X)[3], atol=1e-6))
        True
        """
        plain: Self = members.member(self, k)
        return plain

    def _predict(
        self, X: ArrayLike, known_finite: bool = False, n_layers: int | None = None
    ) -> NDArray[Any]:
        """Activations of the output layer, or of the last of the first n_layers."""
        architecture, core, parameters = self._architecture, self._core, self._parameters
        if n_layers is not None:
            self._expect_plain("a single layer")
            architecture = architecture.first(n_layers)
            core = architecture.core()
            parameters = parameters[: core.n_parameters]
        sizes, dtype = architecture.layer_sizes, architecture.dtype
        rows = self._rows(X)
        data = _core.Data(rows, None, None, known_finite)
        out = np.empty((data.n_rows, sizes[-1]), dtype)
        core.predict(out, parameters, data, self._threads_for(data))
        return out

    def cost(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        alpha: float | Sequence[float] = 0.0,
        l1: float | Sequence[float] = 0.0,
    ) -> float:
        """Compute the mean cost of these rows, penalty included.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_rows, n_inputs)
            See `predict`.
        y : array-like of shape (n_rows, n_outputs), or (n_rows,)
            Targets. For one output, they may be a vector. For several outputs, a vector of integers
            holds the class of each row and is one-hot encoded. With `classes`, a vector holds
            labels.
        sample_weight : array-like of shape (n_rows,), optional
            The mean is then weighted: Σ wᵢ Cᵢ / Σ wᵢ.
        alpha : float or sequence of float, default=0.0
            Strength of the L2 penalty ``alpha / 2 * (sum of squared weights)``, one number or one
            for each layer of weights. Biases have no penalty.
        l1 : float or sequence of float, default=0.0
            Strength of the L1 penalty ``l1 * (sum of absolute weights)``, likewise. Its derivative
            is taken as 0 where a weight is 0.

        Returns
        -------
        float

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described, or targets are out of the cost's range.
        """
        return sum(self._cost_and_penalty(X, y, sample_weight, alpha, l1))

    def gradient(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        alpha: float | Sequence[float] = 0.0,
        l1: float | Sequence[float] = 0.0,
    ) -> NDArray[Any]:
        """Compute the gradient of `cost` with respect to all parameters.

        The negative gradient is the direction in which the cost falls fastest. `views` splits the
        gradient into arrays with the shapes of weights and biases. Running means and variances of
        batch normalisation, which `cost` uses as constants, have the gradient 0.

        Parameters
        ----------
        X, y, sample_weight, alpha, l1
            See `cost`.

        Returns
        -------
        ndarray of shape (n_parameters,), of the network's dtype

        Raises
        ------
        TypeError, ValueError
            As for `cost`.
        """
        gradient = np.empty(self.n_parameters, self.dtype)
        self._cost_and_penalty(X, y, sample_weight, alpha, l1, gradient)
        return gradient

    def _cost_and_penalty(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        alpha: float | Sequence[float],
        l1: float | Sequence[float],
        gradient: NDArray[Any] | None = None,
    ) -> tuple[float, float]:
        data = self._data(X, self._architecture.encoded(y), sample_weight)
        regularisation = Regularisation.checked(len(self.weights), alpha=alpha, l1=l1)
        return self._cost(data, regularisation, gradient)

    def _cost(
        self,
        data: _core.Data,
        regularisation: Regularisation,
        gradient: NDArray[Any] | None = None,
        parameters: NDArray[Any] | None = None,
    ) -> tuple[float, float]:
        """Return the mean cost of all rows and the penalty; fill gradient unless it is None.

        parameters stands for other parameters than the network's own.
        """
        parameters = self._parameters if parameters is None else parameters
        n_threads = self._threads_for(data)
        return self._core.cost(parameters, data, regularisation.core, gradient, n_threads)

    def _trace(self, data: _core.Data, names: Iterable[str]) -> dict[str, Any]:
        """Return the passes of each row for its own cost, by the names of `_core.Core.trace`.

        All but "dx", "embedded" and "costs" are tuples of arrays (n_rows, n_out), by layer.
        """
        self._expect_plain("a trace")
        n_rows, (n_in, *units), dtype = data.n_rows, self.layer_sizes, self.dtype
        ends = np.cumsum(units[:-1]) * n_rows
        of_rows = {"dx": n_in, "embedded": self._architecture.widths[0]}
        vectors = {
            name: np.empty(n_rows)
            if name == "costs"
            else np.empty(n_rows * of_rows.get(name, sum(units)), dtype)
            for name in names
        }
        self._core.trace(self._parameters, data, n_threads=self._threads_for(data), **vectors)
        return {
            name: vector
            if name == "costs"
            else vector.reshape(n_rows, -1)
            if name in of_rows
            else tuple(layer.reshape(n_rows, -1) for layer in np.split(vector, ends))
            for name, vector in vectors.items()
        }

    def _embedded(self, X: ArrayLike) -> NDArray[Any]:
        """Return the embedded rows that the first layer reads, before the input scale."""
        rows = self._rows(X)
        data = _core.Data(rows, np.zeros((len(rows), self.layer_sizes[-1]), self.dtype))
        found: NDArray[Any] = self._trace(data, ["embedded"])["embedded"]
        return found

    def _gradient(self, data: _core.Data, parameters: NDArray[Any] | None = None) -> NDArray[Any]:
        """Return the gradient of the mean cost of rows that have been checked, no penalty."""
        gradient = np.empty(self.n_parameters, self.dtype)
        self._cost(data, Regularisation.checked(len(self.weights)), gradient, parameters)
        return gradient

    def _gradient_norms(
        self, data: _core.Data, parameters: NDArray[Any] | None = None
    ) -> list[float]:
        """Return the Euclidean norm of the gradient in the weights of each layer, no penalty."""
        gradient = self._gradient(data, parameters)
        weights, _ = self.views(gradient.astype(np.float64))  # float32's squares overflow soon
        return [float(np.linalg.norm(W)) for W in weights]

    def _rows(self, X: ArrayLike, name: str = "X") -> checks.Rows:
        """Return checked rows."""
        architecture = self._architecture
        reads_dense = {
            "input_scale=True": architecture.input_scale,
            "members": architecture.members,
            "embeddings": architecture.embeddings,
        }
        needs = [option for option, is_used in reads_dense.items() if is_used]
        if needs and checks.is_sparse(X):
            raise ValueError(
                f"{name} must be dense for a network with {needs[0]}, got a {type(X).__name__}; "
                "use toarray()"
            )
        if not architecture.embeddings:
            return checks.rows(X, architecture.layer_sizes[0], architecture.dtype, name)
        given = checks.as_array(name, X)  # codes are checked before they are rounded
        rows = checks.rows(given, architecture.layer_sizes[0], architecture.dtype, name)
        embeddings.check_codes(architecture.embeddings, given, name)
        return rows

    def _data(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        of: str = "",
        known_finite: bool = False,
    ) -> _core.Data:
        """Check rows and encoded targets; `of` is put before their names in messages."""
        x = self._rows(X, f"{of}X")
        cost = self._architecture.cost_name
        t = checks.targets(y, len(x), self.layer_sizes[-1], cost, self.dtype, f"{of}y")
        w = None if sample_weight is None else checks.row_weights(sample_weight, len(x))
        if of:  # these are read when the network has learned: too late to refuse them
            checks.finite(f"{of}X", x.values if isinstance(x, _core.SparseRows) else x)
        return _core.Data(x, t, w, bool(of) or known_finite)

    # ---- Saving and loading ----------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the network to a safetensors file.

        Tensors are named weights.0, biases.0, weights.1, … from the input on, likewise gains,
        alphas, r, s, means and variances in layers that have them, scale if there is an input
        scale, and embeddings' as `embedding_parameters` has them; the architecture is JSON in the
        file's metadata. The file holds neither the optimizer's state nor the history.

        Parameters
        ----------
        path : str or path-like
            An existing file is replaced.

        Raises
        ------
        ImportError
            If the package safetensors is missing (``pip install safetensors``).
        """
        files.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Load a network from a file. Loading executes nothing.

        Parameters
        ----------
        path : str or path-like
            File written by the method `save` of a network or an estimator.

        Returns
        -------
        Network

        Raises
        ------
        ValueError
            If the file is damaged or does not hold a network.
        OSError
            If the file cannot be read.
        ImportError
            If the package safetensors is missing (``pip install safetensors``).
        """
        network: Self = files.load(cls, path)[0]
        return network
