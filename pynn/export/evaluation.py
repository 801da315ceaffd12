"""Evaluates a chain in NumPy, for what writers say about the accuracy of their files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.export import formulas
from pynn.export.chain import Chain, Embedded, Layer, Net
from pynn.export.table import finished
from pynn.model.embeddings import Categories, Periodic, PiecewiseLinear

Array = NDArray[Any]

_SCALED = {
    "subtract": lambda x, by: x - by,
    "divide": lambda x, by: x / by,
    "multiply": lambda x, by: x * by,
    "add": lambda x, by: x + by,
    "clip": lambda x, by: x.clip(*by),
}


def outputs(chain: Chain, X: Array) -> Array:
    """Return the outputs (n_rows, n_outputs) for inputs (n_rows, n_inputs)."""
    x = np.asarray(X, chain.dtype)
    for step in chain.scalings:
        x = _SCALED[step.operation](x, step.values)
    mean: Array = np.mean([_outputs_of(net, x) for net in chain.nets], axis=0)
    return mean if chain.table is None else finished(chain.table, mean)


def _outputs_of(net: Net, x: Array) -> Array:
    embedded = {one.column: one for one in net.embedded}
    parts = [
        _embedded(embedded[j], x[:, j]) if j in embedded else x[:, j : j + 1]
        for j in range(x.shape[1])
    ]
    a = np.concatenate(parts, axis=1) if embedded else x
    for layer in net.layers:
        a = _activated(layer, a)
    return a


def _embedded(one: Embedded, x: Array) -> Any:
    p = one.parameters
    match one.embedding:
        case Categories():
            return formulas.categories(x, p["table"])
        case Periodic():
            return formulas.periodic(
                x, p["frequencies"], p["phases"], p["embedding_weights"], p["embedding_biases"]
            )
        case PiecewiseLinear(edges=edges):
            encoded = formulas.bins(x, np.array(edges))
            return encoded @ p["embedding_weights"] + p["embedding_biases"] if p else encoded
    raise TypeError(f"no formula of {one.embedding!r}")


def _activated(layer: Layer, x: Array) -> Array:
    u = x @ layer.weights
    z = (u if layer.gains is None else formulas.layer_norm(u) * layer.gains) + layer.biases
    f = getattr(formulas, layer.activation)
    a: Array = f(z, layer.parameter) if layer.activation == "leaky_relu" else f(z)
    if layer.alphas is not None:
        a = (1 - layer.alphas) * z + layer.alphas * a
    return a + x if layer.is_residual else a
