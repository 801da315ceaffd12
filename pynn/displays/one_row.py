"""One row on its way through a network: its activations by layer, and what is predicted of it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples

from pynn import checks
from pynn.displays.base import network_of, plain
from pynn.network import Network

__all__ = ["input_names", "output_names", "pass_of"]

Array = NDArray[Any]


def pass_of(estimator: Any, X: Any, row: int) -> tuple[tuple[Array, ...], str]:
    """Return what a row makes of each layer, and in words what is predicted.

    Parameters
    ----------
    estimator : Network, or fitted MLPClassifier or MLPRegressor
    X : {array-like, sparse matrix, DataFrame} of shape (n_rows, n_inputs)
    row : int
        From -n_rows to n_rows - 1.

    Returns
    -------
    activations : tuple of ndarray of shape (n_units,), the input first
    prediction : str
        Empty where several outputs are no classes.
    """
    network = network_of(estimator)
    one = _safe_indexing(X, [checks.index("row", row, _num_samples(X))])
    depths = range(1, len(network.layer_sizes))
    if isinstance(estimator, Network):
        layers = [estimator._predict(one, n_layers=depth) for depth in depths]
    else:
        layers = [estimator._forward(one, depth) for depth in depths]
    inputs = np.asarray(one.toarray() if checks.is_sparse(one) else one, network.dtype)
    activations = tuple(layer[0] for layer in [inputs, *layers])
    return activations, _prediction(estimator, network, one, activations[-1])


def _prediction(estimator: Any, network: Network, one: Any, output: Array) -> str:
    if hasattr(estimator, "classes_"):
        found = estimator.predict(one)[0]
        if np.ndim(found):  # several labels
            labels = estimator.classes_[np.asarray(found, bool)]
            return f"predicted: {', '.join(map(plain, labels)) or 'none of the labels'}"
        share = output.max() if len(output) > 1 else max(output[0], 1 - output[0])
        return f"predicted: {plain(found)} ({share:.1%})"
    if network.activations[-1] == "softmax":
        return f"predicted: class {output.argmax()} ({output.max():.1%})"
    return f"predicted: {output[0]:.4g}" if len(output) == 1 else ""


def input_names(estimator: Any) -> list[str] | None:
    """Return the names of the inputs, where they were learned with their names."""
    names = getattr(estimator, "feature_names_in_", None)
    return None if names is None else [plain(name) for name in names]


def output_names(estimator: Any) -> list[str] | None:
    """Return the classes that outputs stand for, where they do.

    Of two classes that share an output it is the second; those of a Network are 0, 1, ...
    """
    network = network_of(estimator)
    n_out = network.layer_sizes[-1]
    if isinstance(estimator, Network):
        return [str(i) for i in range(n_out)] if network.activations[-1] == "softmax" else None
    if not hasattr(estimator, "classes_"):
        return None
    return [plain(name) for name in estimator.classes_[-n_out:]]
