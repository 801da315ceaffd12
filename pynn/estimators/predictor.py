"""Predictor: the forward pass of an estimator, and its hidden activations as features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn import get_config
from sklearn.utils.validation import check_is_fitted, validate_data

from pynn import checks
from pynn.estimators import _sklearn, rows
from pynn.estimators.views import Views

Array = NDArray[Any]


class Predictor(Views):
    """An estimator that computes activations."""

    def _forward(self, X: ArrayLike) -> Array:
        """Return the outputs, (n_samples, n_outputs), or the mean of all members' outputs."""
        return mean(self._each_forward(X))

    def _each_forward(self, X: ArrayLike, layer: int | None = None) -> Iterator[Array]:
        """Yield the activations of each network in the output layer, or in another."""
        network, *others = self._networks()
        depth = None if layer is None else self._depth(layer)
        rows, refused = self._plain(X, network.dtype), None
        if rows is not None:
            try:
                out = network._predict(rows, n_layers=depth)
            except ValueError as error:
                rows, refused = None, error
        if rows is None:
            rows = self._validated(X, network.dtype)  # says so in scikit-learn's words
            if refused is not None and not get_config()["assume_finite"]:
                raise refused  # by a signal handler
            out = network._predict(rows, True, depth)
        yield out
        for network in others:
            yield network._predict(rows, True, depth)

    def _validated(self, X: Any, dtype: Any) -> Any:
        rows.refuse_lossy(X, "X")
        X, formats = checks.sound("X", X), ("csr", "csc")
        return validate_data(self, X, accept_sparse=formats, dtype=dtype, reset=False)

    def _plain(self, X: Any, dtype: np.dtype[Any]) -> Array | None:
        """Return what validate_data makes of plain numbers if they are finite; else None.

        For a single row that function takes ten times as long as the network does.
        """
        kind = type(X)
        if kind not in checks.PLAIN or "feature_names_in_" in self.__dict__:
            return None
        try:
            array = X if kind is np.ndarray else np.array(X)
        except ValueError:  # rows of several lengths
            return None
        if array.ndim != 2 or array.shape[1] != self.__dict__.get("n_features_in_"):
            return None
        if array.dtype == dtype:
            return array
        return checks.real_array("X", array, dtype) if array.dtype.kind in "fiub" else None

    def transform(self, X: ArrayLike, layer: int = -2) -> Any:
        """Compute the activations of a layer as features, by default of the last hidden layer.

        The columns of an ensemble are those of its members, one member after the other.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        layer : int, default=-2
            The input is layer 0, the output -1 or ``n_layers_ - 1``.

        Returns
        -------
        ndarray of shape (n_samples, n_units)
            Or the container that `set_output` selects.

        Raises
        ------
        TypeError, ValueError
            If X does not hold finite numbers of this shape, or the layer does not exist or is the
            input.
        """
        each = list(self._each_forward(X, layer))
        out = np.concatenate(each, axis=1) if len(each) > 1 else each[0]
        as_transformer = SimpleNamespace(
            get_feature_names_out=partial(self.get_feature_names_out, layer=layer),
            _sklearn_output_config=getattr(self, "_sklearn_output_config", {}),
            _sklearn_auto_wrap_output_keys=self._sklearn_auto_wrap_output_keys,
        )
        return _sklearn._wrap_data_with_container("transform", out, X, as_transformer)

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None, layer: int = -2
    ) -> Array:
        """Return the names of the columns of `transform`: the name of the class and a number.

        Parameters
        ----------
        input_features : array-like of str, optional
            Only validated.
        layer : int, default=-2
            As for `transform`.

        Returns
        -------
        ndarray of str objects, shape (n_units,)

        Raises
        ------
        ValueError
            If the layer does not exist, or input_features are not those of `fit`.
        """
        check_is_fitted(self)
        _sklearn._check_feature_names_in(self, input_features, generate_names=False)
        depth = self._depth(layer)
        n_units = sum(network.layer_sizes[depth] for network in self._networks())
        return np.array([f"{type(self).__name__.lower()}{i}" for i in range(n_units)], dtype=object)

    def _depth(self, layer: object) -> int:
        """Count the layers of weights up to this layer."""
        return checks.layer(layer, len(self._networks()[0].weights))


def mean(each: Iterable[Array]) -> Array:
    """Return the mean of arrays, which is written into the first one."""
    arrays = iter(each)
    out, n = next(arrays), 1
    for other in arrays:  # one after the other: a row has the same bits in any batch
        out += other
        n += 1
    return out / out.dtype.type(n) if n > 1 else out
