"""A user's network and rows as JSON for the page of the playground, which checks its limits.

``{"columns": [{"name", "values"}], "target": {"name", "values", "classes"}, "network": {"sizes",
"activations", "cost", "parameters"}}``: values are numbers, strings or null. If there are classes,
which are words, the target's values are their places. Parameters are float32 in base64.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn import checks
from pynn.inspection.inspected import Inspected
from pynn.model.activations import Activation, LeakyReLU
from pynn.network import Network
from pynn.tabular import columns, reading

# Limits of the page; in playground/page/plane/, state.mjs and table.mjs have the same.
MOST_ROWS, MOST_INPUTS, MOST_LAYERS, MOST_UNITS, MOST_CLASSES = 20_000, 32, 8, 16, 8

# The output activations of the page, and the costs that each goes with.
_OUTPUTS = {
    "sigmoid": ("binary_cross_entropy", "squared_error"),
    "softmax": ("cross_entropy", "squared_error"),
    "identity": ("squared_error",),
}


def described(net: Any, X: Any, y: Any) -> str | None:
    """Return the arguments of `pynn.playground` as JSON without ``<``, or None if none is given."""
    if (X is None) != (y is None):
        raise ValueError("X and y belong together: give both or neither")
    network = None if net is None else _network_of(net)
    given: dict[str, Any] = {}
    if network is not None:
        given["network"] = _described(network)
    if X is not None:
        given["columns"] = _columns(X, network)
        given["target"] = _target(y, len(given["columns"][0]["values"]), network)
    elif network is not None and (network.layer_sizes[0] != 2 or network.layer_sizes[-1] > 3):
        raise ValueError(
            "without X and y, the page uses points in a plane: 2 inputs, at most 3 classes; "
            f"the network has {network.layer_sizes[0]} inputs and {network.layer_sizes[-1]} outputs"
        )
    if not given:
        return None
    return json.dumps(given, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


# ---- The network ---------------------------------------------------------------------------------


def _network_of(net: Any) -> Network:
    """Return the network of an estimator, with the estimator's classes."""
    if isinstance(net, Inspected):
        net._inside()  # raises NotFittedError
        network = getattr(net, "network_", net)
        if isinstance(network, Network):
            return network
    raise TypeError(
        "net must be a Network, or a fitted MLPClassifier or MLPRegressor, got "
        f"{type(net).__name__}; from a pipeline, pass the last step and the transformed X"
    )


def _described(network: Network) -> dict[str, Any]:
    architecture = network._architecture
    _refuse_options(network)
    sizes, activations = architecture.layer_sizes, architecture.activation_names
    _limit(sizes[0], MOST_INPUTS, "inputs")
    _limit(len(sizes) - 2, MOST_LAYERS, "hidden layers")
    for size in sizes[1:-1]:
        _limit(size, MOST_UNITS, "units in a hidden layer")
    _limit(sizes[-1], MOST_CLASSES if activations[-1] == "softmax" else 1, "outputs")
    with np.errstate(over="ignore"):  # checked below
        parameters = checks.finite("the parameters", network.parameters.astype("<f4"))
    return {
        "sizes": sizes,
        "activations": activations,
        "cost": architecture.cost_name,
        "parameters": base64.b64encode(parameters.tobytes()).decode(),
    }


def _refuse_options(network: Network) -> None:
    """Refuse options that the page's networks lack."""
    architecture = network._architecture
    options = {
        "input_scale": architecture.input_scale,
        "residual": any(architecture.residual),
        "norm": any(architecture.norms),
        "members": architecture.members,
        "embeddings": architecture.embeddings,
        "layers without biases": not architecture.bias,
    }
    if found := [name for name, is_used in options.items() if is_used]:
        raise ValueError(f"the networks of the page have no {', '.join(found)}")
    for activation in architecture.activations[:-1]:
        if isinstance(activation, Activation) and activation != LeakyReLU():
            raise ValueError(f"the networks of the page have no {activation}")
    output, cost = architecture.activation_names[-1], architecture.cost_name
    if output == "softmax" and architecture.layer_sizes[-1] < 3:
        raise ValueError(
            "the page takes softmax with at least 3 outputs; use one sigmoid for 2 classes"
        )
    if cost not in _OUTPUTS.get(output, ()):
        accepted = "; ".join(f"{name} with {' or '.join(of)}" for name, of in _OUTPUTS.items())
        raise ValueError(f"the outputs of the page are {accepted}; got {output} with {cost}")


def _limit(n: int, most: int, what: str) -> None:
    if n > most:
        raise ValueError(f"the page takes at most {most:,} {what}, got {n:,}")


# ---- The rows ------------------------------------------------------------------------------------


def _columns(X: Any, network: Network | None) -> list[dict[str, Any]]:
    table = reading.read(X)
    n_rows, n_columns = table.shape
    if n_rows < 2:
        raise ValueError(f"the page takes at least 2 rows, got {n_rows}")
    _limit(n_rows, MOST_ROWS, "rows")
    _limit(n_columns, MOST_INPUTS, "inputs")
    if network is not None and n_columns != network.layer_sizes[0]:
        raise ValueError(f"the network has {network.layer_sizes[0]} inputs, X {n_columns} columns")
    names = table.names or [f"x{j + 1}" for j in range(n_columns)]
    found = [
        {"name": name, "values": _values(table.column(j), network is not None)}
        for j, name in enumerate(names)
    ]
    for one in found:
        if one["values"].count(None) == n_rows:
            raise ValueError(f"column {one['name']!r} has no values")
    kinds = [len({v for v in one["values"] if isinstance(v, str)}) or 1 for one in found]
    _limit(sum(kinds), MOST_INPUTS, "inputs, with one for each category")
    return found


def _values(column: columns.Column, must_be_numbers: bool) -> list[float | str | None]:
    kind = columns.kind(column)
    if kind == "dates" or (must_be_numbers and kind != "numbers"):
        accepted = "numbers" if must_be_numbers else "numbers or categories"
        raise ValueError(f"{column.name} must hold {accepted}, got {kind}")
    if kind == "categories":
        codes, labels = columns.categories(column)
        return [None if code < 0 else str(labels[code]) for code in codes.tolist()]
    numbers = columns.numbers(column)
    if must_be_numbers and np.isnan(numbers).any():
        raise ValueError(f"{column.name} has missing values, which the network does not take")
    return _rounded(column.name, numbers)


def _rounded(name: str, numbers: NDArray[np.float64]) -> list[float | str | None]:
    """Return numbers as float32, in few digits, and None for NaN."""
    with np.errstate(over="ignore"):
        short = numbers.astype(np.float32)
    if np.isinf(short).any():
        raise ValueError(f"{name} must hold numbers that are finite as float32")
    return [None if number == "nan" else float(number) for number in map(str, short)]


def _target(y: Any, n_rows: int, network: Network | None) -> dict[str, Any]:
    name = getattr(y, "name", None)
    labels = checks.as_array("y", y)
    if labels.shape == (n_rows, 1):
        labels = labels[:, 0]
    if labels.shape != (n_rows,):
        raise ValueError(f"y must be of shape ({n_rows},), got {labels.shape}")
    found: dict[str, Any] = {"name": name if isinstance(name, str) else "y", "classes": None}
    if _is_regression(labels, network):
        numbers = checks.finite("y", checks.real_array("y", labels, np.dtype(np.float64)))
        if numbers.min() == numbers.max():
            raise ValueError(f"y must not be the same in all rows, got {numbers[0]}")
        return found | {"values": _rounded("y", numbers)}
    classes = _classes(labels, network)
    codes = {label: code for code, label in enumerate(classes)}
    if unknown := [label for label in set(labels.tolist()) if label not in codes]:
        raise ValueError(f"y has labels that are not classes of the network: {unknown[:3]}")
    words = [_word(label) for label in classes]
    return found | {"classes": words, "values": [codes[label] for label in labels.tolist()]}


def _is_regression(labels: NDArray[Any], network: Network | None) -> bool:
    """Whether targets are numbers: by the network's output, or by fractions or many values."""
    if network is not None:
        return network._architecture.activation_names[-1] == "identity"
    has_fractions = labels.dtype.kind == "f" and not (labels == np.floor(labels)).all()
    return has_fractions or (labels.dtype.kind in "iuf" and len(np.unique(labels)) > MOST_CLASSES)


def _classes(labels: NDArray[Any], network: Network | None) -> Sequence[Any]:
    if network is not None:
        return network._architecture.classes or range(max(network.layer_sizes[-1], 2))
    try:
        classes = np.unique(labels).tolist()
    except TypeError as error:  # they have no order
        kinds = " and ".join(sorted({type(label).__name__ for label in labels.tolist()}))
        raise ValueError(
            f"y must hold labels of one type, and none may be missing; got {kinds}"
        ) from error
    _limit(len(classes), MOST_CLASSES, "classes")
    if len(classes) < 2:
        raise ValueError(f"y must have at least 2 classes, got {len(classes)}")
    return classes  # type: ignore[no-any-return]


def _word(label: Any) -> str:
    return str(int(label)) if isinstance(label, float) and label.is_integer() else str(label)
