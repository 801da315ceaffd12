"""Models as JSON text: readable, exact, and nothing in it is executed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

import pynn
from pynn import checks
from pynn.estimators import saving
from pynn.estimators.base import Perceptron
from pynn.estimators.classifier import MLPClassifier
from pynn.estimators.regressor import MLPRegressor
from pynn.export.chain import refusal
from pynn.export.text import delivered, shortest
from pynn.model import files
from pynn.model.bounds import bounded
from pynn.network import Network
from pynn.tabular import saving as tabular_saving
from pynn.tabular.classifier import TabularClassifier
from pynn.tabular.regressor import TabularRegressor

VERSION = 1
_TABULAR: tuple[type[Any], ...] = (TabularClassifier, TabularRegressor)
_KINDS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (Network, MLPClassifier, MLPRegressor, *_TABULAR)
}
_KEYS = ("pynn", "version", "kind", "networks", "notes", "arrays")
_DTYPES = ["bool", "float16", "float32", "float64"]
_DTYPES += [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]


def to_json(model: Any, path: str | os.PathLike[str] | None = None) -> str:
    """Write a model as readable JSON, from which `from_json` makes the same model.

    The text has the keys "pynn" (the package's version), "version" (of this format, 1), "kind" (the
    class), "networks" (the arguments of `Network` and all its parameters by name, one for each
    member of an ensemble), and for estimators "notes": parameters, classes, names of features. For
    estimators for tables, "notes" also hold what was learned from each column, and "arrays" the
    arrays that the notes name: "dtype", "shape" and "values" of each.

    Parameters
    ----------
    model : Network, MLPClassifier, MLPRegressor, TabularClassifier or TabularRegressor
        As `save`, the text holds neither the optimizer's state nor the history. Parameters of
        estimators that are objects (callbacks, schedules, scorers, random sources) are left out
        with a warning.
    path : str or path-like, optional
        File to write; an existing one is replaced.

    Returns
    -------
    str
        The text, with the fewest digits that give the same bits.

    Raises
    ------
    TypeError
        If the model is anything else, or has labels that JSON cannot hold.
    ValueError
        If a parameter is infinite or NaN, or the text would be longer than `from_json` accepts:
        about a million parameters.
    sklearn.exceptions.NotFittedError
        If it is not fitted.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import pynn, pynn.export
    >>> net = pynn.Network([2, 1], random_state=0)
    >>> text = pynn.export.to_json(net)
    >>> bool((pynn.export.from_json(text).parameters == net.parameters).all())
    True
    """
    if type(model) not in _KINDS.values():
        raise TypeError(refusal(model, "to_json", takes_pipelines=False))
    content: dict[str, Any] = {
        "pynn": pynn.__version__,
        "version": VERSION,
        "kind": type(model).__name__,
    }
    networks = [model]
    if isinstance(model, _TABULAR):
        check_is_fitted(model)
        model = model._now()
        networks = model.networks_
    elif isinstance(model, Perceptron):
        networks = model._networks()
    content["networks"] = [
        {
            "arguments": files.arguments(network),
            "parameters": {
                name: shortest(checks.finite(name, array)).tolist()
                for name, array in network._architecture.split(network.parameters).items()
            },
        }
        for network in networks
    ]
    if isinstance(model, Perceptron):
        content["notes"] = saving.notes_of(model)
    elif isinstance(model, _TABULAR):
        content["notes"], arrays = tabular_saving.notes_of(model)
        content["arrays"] = {name: _noted(name, array) for name, array in arrays.items()}
    return delivered(bounded(_spread(content)) + "\n", path)


def _noted(name: str, array: NDArray[Any]) -> dict[str, Any]:
    """Return an array of numbers as types of JSON."""
    checks.choice(f"the dtype of {name}", array.dtype.name, _DTYPES)
    values = array
    if array.dtype.kind == "f":
        values = shortest(checks.finite(name, array))
    return {
        "dtype": array.dtype.name,
        "shape": list(array.shape),
        "values": values.ravel().tolist(),
    }


def _spread(value: Any, indent: str = "") -> str:
    """Return JSON with one entry in a line, and a row of numbers in one line."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        items = [f"{json.dumps(name)}: {_spread(of, inner)}" for name, of in value.items()]
    elif isinstance(value, list | tuple) and any(isinstance(one, list | dict) for one in value):
        items = [_spread(one, inner) for one in value]
    else:
        return json.dumps(value)
    opened, closed = "{}" if isinstance(value, dict) else "[]"
    return f"{opened}\n{inner}" + f",\n{inner}".join(items) + f"\n{indent}{closed}"


def from_json(source: str | os.PathLike[str]) -> Any:
    """Make a model of the JSON that `to_json` wrote; nothing in it is executed.

    Parameters
    ----------
    source : str or path-like
        The text, which begins with "{", or the path of a file.

    Returns
    -------
    Network, MLPClassifier, MLPRegressor, TabularClassifier or TabularRegressor

    Raises
    ------
    ValueError
        If the text is anything else, or of a newer version of the format.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import pynn, pynn.export
    >>> text = pynn.export.to_json(pynn.Network([2, 3, 1], random_state=0))
    >>> pynn.export.from_json(text)
    <Network 2-3-1, relu identity, squared_error, 13 parameters float32>
    """
    if isinstance(source, str) and source.lstrip().startswith("{"):
        text, where = source, "the text"
    else:
        where = repr(os.fspath(source))
        with open(source, "rb") as file:
            content = file.read()
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{where} is not a model in pynn's JSON: {error}") from error
    try:
        return _model(json.loads(bounded(text)))
    except (
        TypeError,
        ValueError,
        KeyError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
        raise ValueError(f"{where} is not a model in pynn's JSON: {reason}") from error


def _model(content: Any) -> Any:
    if not isinstance(content, dict):
        raise ValueError("it is not a JSON object")
    version = content.get("version")
    if type(version) is int and version > VERSION:
        raise ValueError(
            f"its format has version {version}; this pynn {pynn.__version__} reads versions up to "
            f"{VERSION}"
        )
    if version != VERSION or type(version) is not int:
        raise ValueError(f"its version must be {VERSION}, got {version!r}")
    if unknown := content.keys() - {*_KEYS}:
        raise ValueError(f"it has unknown keys: {', '.join(sorted(unknown))}")
    kind = _KINDS[checks.choice("kind", content["kind"], _KINDS)]
    given = content["networks"]
    if not isinstance(given, list) or not given:
        raise ValueError("networks must be a list with at least one network")
    networks = [_network(one) for one in given]
    if kind is Network:
        if len(networks) > 1 or content.keys() & {"notes", "arrays"}:
            raise ValueError("a Network is one network without notes and arrays")
        return networks[0]
    notes = content["notes"]
    if kind in _TABULAR:
        arrays = {name: _array(name, given) for name, given in content["arrays"].items()}
        return tabular_saving.restored(kind, networks, notes, arrays)
    if "arrays" in content:
        raise ValueError(f"a {kind.__name__} has no arrays")
    is_ensemble = "members" in notes
    if len(networks) > 1 and not is_ensemble:
        raise ValueError("its notes must be of members")
    return saving.restored(kind, networks, notes, is_ensemble=is_ensemble)


def _network(given: Any) -> Network:
    if not isinstance(given, dict) or given.keys() != {"arguments", "parameters"}:
        raise ValueError("a network must have arguments and parameters, and nothing else")
    arguments, parameters = given["arguments"], given["parameters"]
    if not isinstance(arguments, dict) or not isinstance(parameters, Mapping):
        raise ValueError("arguments and parameters must be JSON objects")
    dtype = np.dtype(checks.choice("dtype", arguments.get("dtype"), ["float32", "float64"]))
    tensors = {name: _tensor(name, numbers, dtype) for name, numbers in parameters.items()}
    shapes = {name: tensor.shape for name, tensor in tensors.items()}
    network: Network = files.network_of(Network, arguments, shapes, tensors.__getitem__, "")
    if unknown := tensors.keys() - network._architecture.split(network.parameters).keys():
        raise ValueError(f"the network has no parameters {', '.join(sorted(unknown))}")
    return network


def _array(name: str, given: Any) -> NDArray[Any]:
    """Invert `_noted`."""
    if not isinstance(given, dict) or given.keys() != {"dtype", "shape", "values"}:
        raise ValueError(f"{name} must have dtype, shape and values, and nothing else")
    dtype = np.dtype(checks.choice(f"the dtype of {name}", given["dtype"], _DTYPES))
    values, shape = given["values"], given["shape"]
    accepted: dict[str, set[type]] = {"b": {bool}, "f": {int, float}}
    if not isinstance(values, list) or not {*map(type, values)} <= accepted.get(dtype.kind, {int}):
        raise ValueError(f"the values of {name} must be a list of numbers of {dtype}")
    if not isinstance(shape, list) or not {*map(type, shape)} <= {int} or min(shape, default=0) < 0:
        raise ValueError(f"the shape of {name} must be a list of sizes, got {shape!r}")
    if dtype.kind == "f":
        return _tensor(name, values, dtype).reshape(shape)
    return np.array(values, dtype=dtype).reshape(shape)  # an OverflowError for other integers


def _tensor(name: str, numbers: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array of nested lists of numbers; JSON's true, text and null are none."""
    rows = numbers if isinstance(numbers, list) else [numbers]
    while rows and isinstance(rows[0], list):
        rows = [one for row in rows for one in (row if isinstance(row, list) else [row])]
    if not isinstance(numbers, list) or not {*map(type, rows)} <= {int, float}:
        raise ValueError(f"{name} must be nested lists of numbers")
    with np.errstate(over="ignore"):  # checked next
        return checks.finite(name, np.array(numbers, np.float64).astype(dtype))
