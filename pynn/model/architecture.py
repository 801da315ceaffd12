"""The fixed part of a network: sizes, activations, cost, precision, classes."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from pynn import _core, checks
from pynn.model import embeddings as inputs
from pynn.model.activations import (
    HIDDEN_ACTIVATIONS,
    Activation,
    Parametric,
    checked_activation,
    name_of,
    parameter_of,
)
from pynn.model.costs import PARAMETRISED, Cost
from pynn.model.layer_options import checked_members, checked_norms, checked_residual

COST_ALIASES = {
    "mse": "squared_error",
    "mae": "absolute_error",
    "bce": "binary_cross_entropy",
    "ce": "cross_entropy",
}

GROUPS = ("weights", "biases", "gains", "alphas", "r", "s", "means", "variances")  # of a layer
STATISTICS = ("means.", "variances.")  # groups that are not trained by gradients
_CROSS_ENTROPIES = ("cross_entropy", "binary_cross_entropy")

Views = tuple[tuple[NDArray[Any], ...], tuple[NDArray[Any], ...]]
Group = tuple[NDArray[Any] | None, ...]


@dataclass(frozen=True)
class Architecture:
    """The fixed part of a `pynn.Network`; `checked` makes one from a user's arguments.

    Parameters
    ----------
    layer_sizes : tuple of int
        Units of the input, of each hidden layer and of the output.
    activations : tuple of str or Activation
        One for each layer but the input, the output's last.
    cost : str or Cost
    bias : bool
    dtype : numpy.dtype, float32 or float64
    classes : tuple, default=None
        Label of each output, or of 0 and 1 for a single output.
    capped : bool, default=False
        Whether both cross-entropies keep probabilities by the dtype's eps from 0 and 1, as
        scikit-learn's do; their gradients do not.
    input_scale : bool, default=False
        Whether the first layer reads x * s, with a factor s for each input among the parameters.
    residual : tuple of bool, default=()
        For each layer whether it adds its input to its activations. Empty if none does.
    norms : tuple of str or None, default=()
        For each layer "layer" or "batch" if its weighted sums are normalised. Empty if none is.
    members : int, default=None
        Number of members that share the weights of hidden layers.
    embeddings : tuple of (int, Embedding), default=()
        Columns that an embedding replaces, ascending.
    """

    layer_sizes: tuple[int, ...]
    activations: tuple[str | Activation, ...]
    cost: str | Cost
    bias: bool
    dtype: np.dtype[Any]
    classes: tuple[Any, ...] | None = None
    capped: bool = False
    input_scale: bool = False
    residual: tuple[bool, ...] = ()
    norms: tuple[str | None, ...] = ()
    members: int | None = None
    embeddings: inputs.Embeddings = ()

    @classmethod
    def checked(
        cls,
        layer_sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation],
        output_activation: str | Activation | None,
        cost: str | Cost | None,
        bias: bool,
        dtype: DTypeLike,
        classes: ArrayLike | None = None,
        input_scale: bool = False,
        residual: bool | Sequence[bool] = False,
        norm: str | Sequence[str | None] | None = None,
        members: int | None = None,
        embeddings: Mapping[int, inputs.Embedding] | None = None,
    ) -> Architecture:
        """Check arguments as `pynn.Network` takes them; raise TypeError or ValueError."""
        sizes = _layer_sizes(layer_sizes)
        output, cost = paired(output_activation, cost)
        activations = hidden_activations(activation, len(sizes) - 2)
        for name, flag in (("bias", bias), ("input_scale", input_scale)):
            if not isinstance(flag, bool):
                raise TypeError(f"{name} must be True or False, got {flag!r}")
        labels = None if classes is None else _classes(classes, sizes[-1])
        new = cls(
            sizes,
            (*activations, output),
            cost,
            bias,
            _dtype(dtype),
            labels,
            input_scale=input_scale,
            residual=checked_residual(residual, sizes),
            norms=checked_norms(norm, len(sizes) - 2),
            members=checked_members(members, norm, activations, sizes),
            embeddings=inputs.checked(embeddings, sizes[0], _dtype(dtype)),
        )
        checks.positive_integer("the size of embedded rows", new.widths[0])
        if new.n_parameters > sys.maxsize // new.dtype.itemsize:
            raise ValueError(f"{new.n_parameters} parameters are more than any memory can hold")
        return new

    @property
    def widths(self) -> tuple[int, ...]:
        """Numbers that each layer reads, and outputs: `layer_sizes` without embeddings."""
        added = sum(embedding._n_out - 1 for _, embedding in self.embeddings)
        return self.layer_sizes[0] + added, *self.layer_sizes[1:]

    @property
    def n_parameters(self) -> int:
        """Number of parameters in all groups."""
        return sum(math.prod(shape) for _, shape in self.groups())

    @property
    def products_of_row(self) -> int:
        """Number of multiply-adds for the outputs of a row, about."""
        return (self.members or 1) * sum(n_in * n_out for n_in, n_out in pairwise(self.widths))

    @property
    def activation_names(self) -> tuple[str, ...]:
        """Names of the activations in the compiled core."""
        return tuple(map(name_of, self.activations))

    @property
    def cost_name(self) -> str:
        """Name of the cost in the compiled core."""
        return self.cost._name() if isinstance(self.cost, Cost) else self.cost

    @property
    def is_tied(self) -> bool:
        """Whether the cost goes with this output activation alone, whose derivative cancels."""
        return _core.COSTS[self.cost_name] is not None

    @property
    def tells_classes(self) -> bool:
        """Whether the outputs are probabilities of classes."""
        return self.classes is not None or self.cost_name in _CROSS_ENTROPIES

    def is_residual(self, layer: int) -> bool:
        """Whether this layer, from 0, adds its input to its activations."""
        return bool(self.residual) and self.residual[layer]

    def is_parametric(self, layer: int) -> bool:
        """Whether the activation of this layer, from 0, has a trained parameter."""
        return isinstance(self.activations[layer], Parametric)

    def norm_of(self, layer: int) -> str | None:
        """Name the normalisation of this layer, from 0: "layer", "batch" or None."""
        return self.norms[layer] if self.norms else None

    @property
    def layer_activations(self) -> list[str]:
        """Name of each layer's activation, with marks for normalised and residual layers."""
        return [
            (f"{norm} norm " if (norm := self.norm_of(layer)) else "")
            + str(activation)
            + " + input" * self.is_residual(layer)
            for layer, activation in enumerate(self.activations)
        ]

    def core(self) -> _core.Core:
        """Make the compiled counterpart."""
        parameter = self.cost._parameter() if isinstance(self.cost, Cost) else 0.0
        if self.capped and self.cost in _CROSS_ENTROPIES:
            parameter = float(np.finfo(self.dtype).eps)
        return _core.Core(
            self.layer_sizes,
            self.activation_names,
            tuple(map(parameter_of, self.activations)),
            self.bias,
            self.input_scale,
            self.residual,
            self.norms,
            self.cost_name,
            parameter,
            self.dtype.name,
            self.members or 0,
            tuple(
                (one.kind, column, one._n_out, *one._in_core()) for column, one in self.embeddings
            ),
            tuple(map(self.is_parametric, range(len(self.activations)))),
        )

    def encoded(self, y: ArrayLike, name: str = "y") -> ArrayLike:
        """Return labels as the numbers of their classes; anything but a vector of labels as it is.

        Raises
        ------
        ValueError
            If y holds a label that is not among the classes.
        """
        given = y if self.classes is None else np.asarray(y)
        if self.classes is None or given.ndim != 1:  # type: ignore[union-attr]
            return y
        numbers = {label: i for i, label in enumerate(self.classes)}
        labels = given.tolist()  # type: ignore[union-attr]
        try:
            return np.array([numbers[label] for label in labels], np.int64)
        except KeyError as error:
            known = checks.listed(self.classes)
            raise ValueError(f"{name} holds {error.args[0]!r}; the classes are {known}") from None

    def first(self, n_layers: int) -> Architecture:
        """Return the network of the first layers of weights; it has the first parameters."""
        sizes, activations = self.layer_sizes[: n_layers + 1], self.activations[:n_layers]
        return Architecture(
            sizes,
            activations,
            "squared_error",
            self.bias,
            self.dtype,
            input_scale=self.input_scale,
            residual=self.residual[:n_layers],
            norms=self.norms[:n_layers],
            embeddings=self.embeddings,
        )

    def groups(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield name and shape of each group of parameters, in the order of the vector."""
        yield from inputs.groups(self.embeddings)
        if self.input_scale:
            yield "scale", self.widths[:1]
        own = () if self.members is None else (self.members,)  # what each member has for itself
        for layer, (n_in, n_out) in enumerate(pairwise(self.widths)):
            is_output = layer == len(self.activations) - 1
            yield f"weights.{layer}", (*(own if is_output else ()), n_in, n_out)
            if self.bias:
                yield f"biases.{layer}", (*own, n_out)
            if norm := self.norm_of(layer):
                yield f"gains.{layer}", (n_out,)
            if self.is_parametric(layer):
                yield f"alphas.{layer}", (n_out,)
            if own and not is_output:
                yield f"r.{layer}", (*own, n_in)
                yield f"s.{layer}", (*own, n_out)
            if norm == "batch":
                yield f"means.{layer}", (n_out,)
                yield f"variances.{layer}", (n_out,)

    def split(self, vector: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the view of each group, by name, in a vector (n_parameters,)."""
        views, start = {}, 0
        for name, shape in self.groups():
            end = start + math.prod(shape)
            views[name] = vector[start:end].reshape(shape)
            start = end
        return views

    def views(self, vector: NDArray[Any]) -> Views:
        """Split a vector (n_parameters,) into views: weights, biases of each layer."""
        views = self.split(vector)
        layers = range(len(self.activations))
        biases = tuple(views[f"biases.{layer}"] for layer in layers if self.bias)
        return tuple(views[f"weights.{layer}"] for layer in layers), biases

    def group_of(self, name: str, vector: NDArray[Any]) -> Group:
        """Return the views of a group such as "gains" by layer, None where there are none."""
        views = self.split(vector)
        return tuple(views.get(f"{name}.{layer}") for layer in range(len(self.activations)))

    def embeddings_of(self, vector: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return the views of embeddings' parameters in a vector (n_parameters,), by name."""
        views = self.split(vector)
        return {name: views[name] for name, _ in inputs.groups(self.embeddings)}

    def scale_of(self, vector: NDArray[Any]) -> NDArray[Any] | None:
        """Return the view of the input scale in a vector (n_parameters,), if there is one."""
        return self.split(vector).get("scale")


def _layer_sizes(given: object) -> tuple[int, ...]:
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise TypeError(f"layer_sizes must be a sequence of integers, got {given!r}")
    sizes = tuple(checks.positive_integer("each of layer_sizes", size) for size in given)
    if len(sizes) < 2:
        raise ValueError(f"layer_sizes must have at least an input and an output, got {sizes}")
    return sizes


def hidden_activations(given: object, n_hidden: int) -> tuple[str | Activation, ...]:
    """Return the activation of each hidden layer, from one or as many as there are."""
    names = [given] * max(n_hidden, 1)
    if isinstance(given, Iterable) and not isinstance(given, str):
        names = list(given)
        if len(names) != n_hidden:
            raise ValueError(
                f"activation must be one name or {n_hidden}, one for each hidden layer; got "
                f"{len(names)}: {checks.listed(names)}"
            )
    chosen = [checked_activation("activation", name, HIDDEN_ACTIVATIONS) for name in names]
    return tuple(chosen[:n_hidden])


def paired(output: object, cost: object) -> tuple[str | Activation, str | Cost]:
    """Return output activation and cost; None is the only partner of the other, if it has one."""
    chosen = None
    if output is not None:
        chosen = checked_activation("output_activation", output, _core.ACTIVATIONS)
    if isinstance(chosen, Parametric):
        raise ValueError(f"only hidden layers can be parametric, got output_activation={chosen!r}")
    if cost is None:
        tied = [name for name, needed in _core.COSTS.items() if chosen and needed == chosen]
        cost = tied[0] if tied else "squared_error"
    if not isinstance(cost, Cost):
        accepted = [*_core.COSTS, *COST_ALIASES]
        name = COST_ALIASES.get(cost, cost) if isinstance(cost, str) else cost
        cost = checks.choice("cost", name, accepted)
        cost = PARAMETRISED[cost]() if cost in PARAMETRISED else cost
    needed = _core.COSTS[cost._name() if isinstance(cost, Cost) else cost]
    if chosen is None:
        chosen = needed or "identity"
    if needed not in (None, chosen):
        raise ValueError(f"cost {cost!r} needs output_activation={needed!r}, got {chosen!r}")
    return chosen, cost


def _classes(given: ArrayLike, n_out: int) -> tuple[Any, ...]:
    labels = tuple(np.asarray(given).tolist())
    n_classes = max(n_out, 2)
    if len(set(labels)) != len(labels) or len(labels) != n_classes:
        raise ValueError(
            f"classes must be {n_classes} different labels for {n_out} "
            f"{'output' if n_out == 1 else 'outputs'}, got {checks.listed(labels)}"
        )
    return labels


def _dtype(given: DTypeLike) -> np.dtype[Any]:
    try:
        dtype = None if given is None else np.dtype(given)  # NumPy takes None for float64
    except TypeError:
        dtype = None
    if dtype is None or dtype not in (np.dtype("float32"), np.dtype("float64")):
        raise ValueError(f"dtype must be float32 or float64, got {given!r}")
    return dtype
