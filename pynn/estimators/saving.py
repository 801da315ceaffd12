"""Saving: fitted estimators in safetensors files, which are files of their networks too."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import numpy as np

from pynn.estimators.messages import warn
from pynn.model import files
from pynn.model.activations import PARAMETRISED, Activation
from pynn.model.bounds import bounded
from pynn.network import Network

# Attributes that a file holds, and the types that they may have.
_LEARNED: dict[str, tuple[type, ...]] = {
    "n_iter_": (int,),
    "t_": (int,),
    "loss_": (float,),
    "best_loss_": (float, type(None)),
    "best_validation_score_": (float, type(None)),
    "best_epoch_": (int, type(None)),
}


def save(estimator: Any, path: str | os.PathLike[str]) -> None:
    """Write an estimator: see `Perceptron.save`."""
    network = estimator.network_
    settings, left_out = {}, []
    for name, value in estimator.get_params(deep=False).items():
        try:
            settings[name] = _as_json(value)
        except TypeError:
            left_out.append(name)
    if left_out:
        warn(
            f"{', '.join(left_out)}: a file cannot hold these parameters; the loaded estimator has "
            "their defaults"
        )
    attributes = {name: estimator.__dict__[name] for name in _LEARNED if name in estimator.__dict__}
    names = getattr(estimator, "feature_names_in_", None)
    notes = {
        "parameters": settings,
        "attributes": attributes,
        "feature_names": None if names is None else names.tolist(),
        "targets": estimator._targets_to_file(),
    }
    files.save(network, path, {_key(type(estimator)): json.dumps(notes)})


def load(kind: type[Any], path: str | os.PathLike[str]) -> Any:
    """Read an estimator of this class: see `Perceptron.load`."""
    network, metadata = files.load(Network, path)
    kinds = [name for name in metadata if name.startswith("pynn.") and name != _key(Network)]
    if kinds and _key(kind) not in kinds:
        raise ValueError(f"{os.fspath(path)!r} holds no {kind.__name__}, but a {kinds[0]}")
    network._become(replace(network._architecture, capped=True))
    try:
        notes = json.loads(bounded(metadata.get(_key(kind), "{}")))
        hidden = network.activations[:-1]
        settings = {
            "hidden_layer_sizes": network.layer_sizes[1:-1],
            "activation": hidden[0] if len({*hidden}) == 1 else list(hidden),
            "dtype": network.dtype.name,
        }
        kept = {name: _from_json(value) for name, value in notes.get("parameters", {}).items()}
        estimator = kind(**settings | kept)
        estimator._validate_params()
        estimator.__dict__.update(_learned(notes.get("attributes", {})), _network=network)
        estimator.n_features_in_ = network.layer_sizes[0]
        if notes.get("feature_names") is not None:
            estimator.feature_names_in_ = _feature_names(notes["feature_names"], network)
        estimator._targets_from_file(network, notes.get("targets"))
        estimator.network_  # noqa: B018 (takes over the parameters that it depends on)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)!r} holds no {kind.__name__}: {error}") from error
    estimator.n_layers_, estimator.n_outputs_ = len(network.layer_sizes), network.layer_sizes[-1]
    return estimator


def _learned(given: dict[str, Any]) -> dict[str, Any]:
    """Return attributes after checking that each is a learned attribute."""
    for name, value in given.items():
        if type(value) not in _LEARNED.get(name, ()):
            raise ValueError(f"{name}={value!r} is not a learned attribute")
    return given


def _feature_names(given: Any, network: Network) -> Any:
    n_in = network.layer_sizes[0]
    if type(given) is not list or {*map(type, given)} != {str} or len(given) != n_in:
        raise ValueError(f"feature_names must be a list of {n_in} strings, one for each input")
    return np.array(given, dtype=object)


def _key(kind: type[Any]) -> str:
    return f"pynn.{kind.__name__}"


def _as_json(value: Any) -> Any:
    """Return a value for JSON; tuples, dicts (keys may be numbers) and activations are marked."""
    if isinstance(value, np.ndarray | np.generic):
        return _as_json(value.tolist())
    if isinstance(value, dict):
        return {"dict": [[_as_json(one) for one in item] for item in value.items()]}
    if isinstance(value, list | tuple):
        items = [_as_json(one) for one in value]
        return items if isinstance(value, list) else {"tuple": items}
    if isinstance(value, Activation):
        return {"activation": [value._name(), value._parameter()]}
    if not isinstance(value, str | int | float | None):
        raise TypeError(f"a file cannot hold {value!r}")
    return value


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_json(one) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, items),) = value.items()
    found = [_from_json(one) for one in items]
    match kind:
        case "activation":
            name, parameter = found
            return PARAMETRISED[name](parameter)
        case "dict":
            return dict(found)
        case "tuple":
            return tuple(found)
    raise ValueError(f"{kind!r} is not a known marker")
