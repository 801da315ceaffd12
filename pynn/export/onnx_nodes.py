"""A chain as nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pynn.export.chain import VARIANCE_OFFSET, Chain, Embedded, Layer, Net
from pynn.model.embeddings import Categories, Periodic, PiecewiseLinear

Array = NDArray[Any]

_SCALINGS = {"subtract": "Sub", "divide": "Div", "multiply": "Mul", "add": "Add"}
FLOAT, INT64, DOUBLE = 1, 7, 11  # of onnx.TensorProto


class Graph(Protocol):
    """A graph that takes nodes and constants."""

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add a node; return the name of its output."""

    def constant(self, array: Array) -> str:
        """Add a constant; return its name."""


class Nodes:
    """The nodes of a chain.

    Parameters
    ----------
    graph : Graph
    chain : Chain
    """

    def __init__(self, graph: Graph, chain: Chain) -> None:
        self.graph, self.chain = graph, chain
        self.add, self.dtype = graph.add, chain.dtype

    def number(self, value: float) -> str:
        """Return a constant of the chain's dtype."""
        return self.graph.constant(np.array(value, self.dtype))

    def outputs(self, x: str) -> str:
        """Add the nodes from rows (n_rows, n_inputs) to outputs (n_rows, n_outputs)."""
        for step in self.chain.scalings:
            if step.operation == "clip":
                low, high = map(self.number, step.values)
                x = self.add("Min", self.add("Max", x, low), high)
            else:
                x = self.add(_SCALINGS[step.operation], x, self.graph.constant(step.values))
        total, *others = (self._net(net, x) for net in self.chain.nets)
        for other in others:
            total = self.add("Add", total, other)
        return self.add("Div", total, self.number(len(self.chain.nets))) if others else total

    def results(self, out: str, label: str, probability: str) -> None:
        """Add the nodes from outputs to labels and probabilities, which get these names."""
        chain = self.chain
        if chain.n_outputs == 1:
            rest = self.add("Sub", self.number(1), out)
            out = self.add("Concat", rest, out, axis=1, output=probability)
        else:
            out = self.add("Identity", out, output=probability)
        if chain.has_several_labels:
            above = self.add("Greater", out, self.number(0.5))
            self.add("Cast", above, to=INT64, output=label)
        else:
            largest = self.add("ArgMax", out, axis=1, keepdims=0)
            labels = self.graph.constant(labels_of(chain))
            self.add("Gather", labels, largest, axis=0, output=label)

    # ---- Layers ----------------------------------------------------------------------------------

    def _net(self, net: Net, x: str) -> str:
        if net.embedded:
            x = self._embedding(net, x)
        for layer in net.layers:
            x = self._layer(layer, x)
        return x

    def _layer(self, layer: Layer, x: str) -> str:
        constant, add = self.graph.constant, self.add
        z = add("MatMul", x, constant(layer.weights))
        if layer.gains is not None:
            z = add("Mul", self._normalised(z, len(layer.gains)), constant(layer.gains))
        z = add("Add", z, constant(layer.biases))
        a = self._activation(layer, z)
        if layer.alphas is not None:
            rest = add("Mul", z, constant(1 - layer.alphas))
            a = add("Add", rest, add("Mul", a, constant(layer.alphas)))
        return add("Add", a, x) if layer.is_residual else a

    def _normalised(self, u: str, n: int) -> str:
        """Normalise rows; a product with a vector is a mean in every opset."""
        mean = self.graph.constant(np.full((n, 1), 1 / n, self.dtype))
        centred = self.add("Sub", u, self.add("MatMul", u, mean))
        variance = self.add("MatMul", self.add("Mul", centred, centred), mean)
        spread = self.add("Sqrt", self.add("Add", variance, self.number(VARIANCE_OFFSET)))
        return self.add("Div", centred, spread)

    def _activation(self, layer: Layer, z: str) -> str:
        """Add an activation, of operators that ONNX Runtime also has for float64."""
        name, simple = layer.activation, {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu"}
        simple |= {"exp": "Exp", "softmax": "Softmax"}  # of the last axis, by default
        if name == "identity":
            return z
        if name in simple:
            return self.add(simple[name], z)
        by_name: dict[str, Callable[[str], str]] = {
            "leaky_relu": lambda z: self._by_sign(
                z, self.add("Mul", z, self.number(layer.parameter))
            ),
            "elu": lambda z: self._by_sign(z, self._expm1(z)),
            "selu": self._selu,
            "gelu": self._gelu,
            "silu": lambda z: self.add("Mul", z, self.add("Sigmoid", z)),
            "softplus": self._softplus,
            "mish": lambda z: self.add("Mul", z, self.add("Tanh", self._softplus(z))),
        }
        return by_name[name](z)

    def _by_sign(self, z: str, below: str) -> str:
        """Choose z where it is positive, and another tensor below 0."""
        return self.add("Where", self.add("Less", z, self.number(0)), below, z)

    def _expm1(self, z: str) -> str:
        """Return exp(z) - 1 of z below 0 as 2 t / (1 - t), t = tanh(z / 2): small z is exact."""
        t = self.add("Tanh", self.add("Mul", self.add("Min", z, self.number(0)), self.number(0.5)))
        return self.add("Div", self.add("Add", t, t), self.add("Sub", self.number(1), t))

    def _selu(self, z: str) -> str:
        below = self.add("Mul", self._expm1(z), self.number(1.75809934084737685994))
        above = self.add("Mul", z, self.number(1.05070098735548049342))
        return self.add("Where", self.add("Less", z, self.number(0)), below, above)

    def _softplus(self, z: str) -> str:
        """Return max(z, 0) + log(1 + exp(-|z|))."""
        e = self.add("Exp", self.add("Neg", self.add("Abs", z)))
        log = self.add("Log", self.add("Add", e, self.number(1)))
        return self.add("Add", self.add("Max", z, self.number(0)), log)

    def _gelu(self, z: str) -> str:
        """Return z (1 + erf(z / sqrt 2)) / 2; ONNX Runtime has erf for float32 alone."""
        erf = self.add("Mul", z, self.number(2**-0.5))
        if self.dtype == np.float64:
            erf = self.add("Cast", self.add("Erf", self.add("Cast", erf, to=FLOAT)), to=DOUBLE)
        else:
            erf = self.add("Erf", erf)
        half = self.add("Mul", z, self.number(0.5))
        return self.add("Mul", half, self.add("Add", erf, self.number(1)))

    # ---- Embeddings ------------------------------------------------------------------------------

    def _embedding(self, net: Net, x: str) -> str:
        parts, start = [], 0
        for one in net.embedded:
            parts += self._columns(x, start, one.column)
            (column,) = self._columns(x, one.column, one.column + 1)
            parts.append(self._embedded(one, column))
            start = one.column + 1
        parts += self._columns(x, start, self.chain.n_inputs)
        return self.add("Concat", *parts, axis=1) if len(parts) > 1 else parts[0]

    def _columns(self, x: str, start: int, end: int) -> list[str]:
        if start == end:
            return []
        return [self.add("Gather", x, self.graph.constant(np.arange(start, end)), axis=1)]

    def _embedded(self, one: Embedded, x: str) -> str:
        """Return the embedding of a column (n_rows, 1)."""
        p = {name: self.graph.constant(array) for name, array in one.parameters.items()}
        match one.embedding:
            case Categories():
                row = self.add("Cast", x, to=INT64)
                row = self.add("Reshape", row, self.graph.constant(np.array([-1])))
                return self.add("Gather", p["table"], row, axis=0)
            case Periodic():
                turns = self.add("Add", self.add("Mul", x, p["frequencies"]), p["phases"])
                waves = self._cos_of_turns(turns)
                linear = self.add("MatMul", waves, p["embedding_weights"])
                return self.add("Concat", x, self.add("Add", linear, p["embedding_biases"]), axis=1)
            case PiecewiseLinear(edges=edges):
                bins = self._bins(x, np.array(edges))
                if not p:
                    return bins
                linear = self.add("MatMul", bins, p["embedding_weights"])
                return self.add("Add", linear, p["embedding_biases"])
        raise TypeError(f"no formula of {one.embedding!r}")

    def _cos_of_turns(self, turns: str) -> str:
        """Return cos(2 pi turns), in float32, for which alone ONNX Runtime has it."""
        part = self.add("Sub", turns, self.add("Floor", turns))
        tau = self.add("Mul", part, self.number(2 * np.pi))
        if self.dtype == np.float32:
            return self.add("Cos", tau)
        return self.add("Cast", self.add("Cos", self.add("Cast", tau, to=FLOAT)), to=DOUBLE)

    def _bins(self, x: str, edges: Array) -> str:
        """Return the shares of bins below x, in float64, in which edges may be closer."""
        lowest, highest = np.zeros(len(edges) - 1), np.ones(len(edges) - 1)
        lowest[0], highest[-1] = -np.inf, np.inf
        left, widths = map(self.graph.constant, (edges[:-1], np.diff(edges)))
        shares = self.add("Div", self.add("Sub", self.add("Cast", x, to=DOUBLE), left), widths)
        shares = self.add("Max", shares, self.graph.constant(lowest))
        shares = self.add("Min", shares, self.graph.constant(highest))
        return self.add("Cast", shares, to=FLOAT if self.dtype == np.float32 else DOUBLE)


def labels_of(chain: Chain) -> Array:
    """Return the labels as an array of a type that ONNX has: int64, float or text.

    Raises
    ------
    ValueError
        If labels have another type.
    """
    labels = np.array(chain.labels)
    if labels.dtype.kind in "biu":
        return labels.astype(np.int64)
    if labels.dtype.kind == "f":
        return labels.astype(np.float32)
    if all(isinstance(label, str) for label in chain.labels or ()):
        return np.array(chain.labels, dtype=object)
    raise ValueError(f"ONNX has labels that are numbers or texts, got {chain.labels!r}")
