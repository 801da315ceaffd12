"""Trace: every number on the way of some rows through a network, forward and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.architecture import Architecture

__all__ = ["Trace"]

Layers = tuple[NDArray[Any], ...]


@dataclass(frozen=True, eq=False, repr=False)
class Trace:
    """What `trace` returns: all that a network computes of some rows, as it was then.

    Tuples hold one array for each layer behind the input: index 0 is the first hidden layer, or
    the output where there is none; -1 is the output. All but `costs` are of the network's dtype.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_in), or CSR of this shape where X was sparse
        The inputs.
    y : ndarray of shape (n_rows, n_out)
        What the outputs are compared with; a class is 1 at its output, 0 elsewhere.
    z, a : tuple of ndarray of shape (n_rows, n_units)
        Weighted sums of each layer, and their activations.
    sensitivities : tuple of ndarray of shape (n_rows, n_units)
        ∂C/∂a: how fast each row's own cost rises with an activation. Infinite at an output that is
        0 and, by cross_entropy, binary_cross_entropy or poisson, must not be.
    deltas : tuple of ndarray of shape (n_rows, n_units)
        ∂C/∂z: how fast it rises with a weighted sum.
    input_sensitivities : ndarray of shape (n_rows, n_in)
        ∂C/∂x: how fast it rises with an input.
    costs : ndarray of shape (n_rows,), float64
        Cost of each row, without penalty.
    gradient : ndarray of shape (n_parameters,)
        Of the mean of these costs, as `pynn.Network.gradient` gives it.
    parameters : ndarray of shape (n_parameters,)
        Weights and biases that computed all this: a copy.
    architecture : Architecture
        Sizes, activations and cost.
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

    @property
    def weights(self) -> Layers:
        """Views of `parameters`, (n_in, n_out) for each layer."""
        return self.architecture.views(self.parameters)[0]

    @property
    def biases(self) -> Layers:
        """Views of `parameters`, (n_out,) for each layer; none without biases."""
        return self.architecture.views(self.parameters)[1]

    @property
    def d_weights(self) -> Layers:
        """Views of `gradient`, (n_in, n_out) for each layer: ∂C/∂w of the mean cost."""
        return self.architecture.views(self.gradient)[0]

    @property
    def d_biases(self) -> Layers:
        """Views of `gradient`, (n_out,) for each layer, ∂C/∂b; none without biases."""
        return self.architecture.views(self.gradient)[1]

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.architecture.layer_sizes))
        rows = "1 row" if len(self.costs) == 1 else f"{len(self.costs)} rows"
        return f"<Trace of {rows} through a {sizes} network>"

    def __str__(self) -> str:
        return "\n".join([f"{self!r}", "", *self._table()])

    def _table(self) -> list[str]:
        """Name each array, with its shape and what it holds."""
        lines = [("x", self.x, "inputs")]
        for i, activation in enumerate(self.architecture.activations):
            of = f"of layer {i + 1}"
            lines += [
                (f"z[{i}]", self.z[i], f"weighted sums {of}"),
                (f"a[{i}]", self.a[i], f"activations {of}, {activation}"),
            ]
        lines += [
            ("y", self.y, "targets"),
            ("costs", self.costs, f"{self.architecture.cost} of each row"),
        ]
        for i in reversed(range(len(self.z))):
            of = f"of layer {i + 1}"
            lines += [
                (f"sensitivities[{i}]", self.sensitivities[i], f"∂C/∂a {of}, of each row's cost"),
                (f"deltas[{i}]", self.deltas[i], f"∂C/∂z {of}, of each row's cost"),
                (f"d_weights[{i}]", self.d_weights[i], f"∂C/∂w {of}, of the mean cost"),
            ]
            if self.architecture.bias:
                lines += [(f"d_biases[{i}]", self.d_biases[i], f"∂C/∂b {of}, of the mean cost")]
        parts = "all of d_weights and d_biases" if self.architecture.bias else "all of d_weights"
        lines += [
            ("input_sensitivities", self.input_sensitivities, "∂C/∂x, of each row's cost"),
            ("gradient", self.gradient, f"{parts} in one vector"),
        ]
        shapes = [str(array.shape) for _, array, _ in lines]
        width, shape_width = max(len(line[0]) for line in lines), max(map(len, shapes))
        return [
            f"{name:{width}}  {shape:{shape_width}}  {text}"
            for (name, _, text), shape in zip(lines, shapes, strict=True)
        ]
