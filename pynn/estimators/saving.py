"""Saving: fitted estimators in safetensors files, which are files of their networks too."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from numbers import Integral
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
    networks, notes = estimator._networks(), notes_of(estimator)
    written = {_key(type(estimator)): json.dumps(notes)}
    if "members" in notes:
        files.save_all(networks, path, written)
    else:
        files.save(networks[0], path, written)


def notes_of(estimator: Any) -> dict[str, Any]:
    """Return what a file holds of a fitted estimator beside its networks, as types of JSON."""
    names = getattr(estimator, "feature_names_in_", None)
    notes = {
        "parameters": parameters_for_file(estimator),
        "attributes": _attributes(estimator),
        "feature_names": None if names is None else names.tolist(),
        "targets": estimator._targets_to_file(),
    }
    if (members := vars(estimator).get("estimators_")) is not None:
        notes["members"] = [
            {"random_state": _seed(one), "attributes": _attributes(one)} for one in members
        ]
    return notes


def parameters_for_file(estimator: Any, *not_held: str) -> dict[str, Any]:
    """Return parameters of an estimator as types of JSON.

    Parameters that are objects, and those named `not_held` unless None, are left out with a
    warning.
    """
    settings, left_out = {}, []
    for name, value in estimator.get_params(deep=False).items():
        try:
            if name in not_held and value is not None:
                raise TypeError
            settings[name] = _as_json(value)
        except TypeError:
            left_out.append(name)
    if left_out:
        warn(
            f"{', '.join(left_out)}: a file cannot hold these parameters; the loaded estimator has "
            "their defaults"
        )
    return settings


def _attributes(estimator: Any) -> dict[str, Any]:
    return {name: vars(estimator)[name] for name in _LEARNED if name in vars(estimator)}


def _seed(member: Any) -> int | None:
    """Return the seed of a member; a file cannot hold a random source."""
    return int(member.random_state) if isinstance(member.random_state, Integral) else None


def load(kind: type[Any], path: str | os.PathLike[str]) -> Any:
    """Read an estimator of this class: see `Perceptron.load`."""
    found, metadata = files.load_either(Network, path)
    kinds = [name for name in metadata if name.startswith("pynn.") and name != _key(Network)]
    if kinds and _key(kind) not in kinds:
        raise ValueError(f"{os.fspath(path)!r} holds no {kind.__name__}, but a {kinds[0]}")
    networks = found if isinstance(found, list) else [found]
    try:
        notes = json.loads(bounded(metadata.get(_key(kind), "{}")))
        estimator = restored(kind, networks, notes, is_ensemble=isinstance(found, list))
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)!r} holds no {kind.__name__}: {error}") from error
    if lost := _lost(estimator, networks[0]):
        warn(
            f"{os.fspath(path)!r} holds a network made with {', '.join(lost)}, for which "
            f"{kind.__name__} has no parameters: fit would start a plain network; partial_fit and "
            "warm_start=True train this one"
        )
    return estimator


def restored(
    kind: type[Any], networks: list[Network], notes: dict[str, Any], *, is_ensemble: bool
) -> Any:
    """Make a fitted estimator of this class from its networks and from what `notes_of` returned.

    Raises
    ------
    TypeError, ValueError, KeyError, AttributeError, RecursionError
        If the notes are anything else, or do not fit the networks.
    """
    for network in networks:
        network._become(replace(network._architecture, capped=True))
    network = networks[0]
    hidden = network.activations[:-1]
    settings = {
        "hidden_layer_sizes": network.layer_sizes[1:-1],
        "activation": hidden[0] if len({*hidden}) == 1 else list(hidden),
        "dtype": network.dtype.name,
        "n_members": len(networks),
    }
    settings |= {name: _from_json(value) for name, value in notes.get("parameters", {}).items()}
    estimator = _with_data(kind(**settings), network, notes)
    if is_ensemble:
        estimator.estimators_ = _members(kind, networks, settings, notes)
    else:
        _give_network(estimator, network)
    return estimator


def _lost(estimator: Any, network: Network) -> list[str]:
    """Name the arguments of `Network` that a new network of the estimator would not have."""
    output = network.activations[-1], network.cost_function  # estimators have parameters for both
    new = estimator._new_network(network.layer_sizes, output, network.dtype)
    loaded, fresh = map(files.arguments, (network, new))
    del loaded["classes"]  # estimators have their own
    return [name for name, value in loaded.items() if value != fresh.get(name)]


def _with_data(estimator: Any, network: Network, notes: dict[str, Any]) -> Any:
    """Set the attributes that do not depend on the parameters of the network."""
    estimator._validate_params()
    vars(estimator).update(_learned(notes.get("attributes", {})))
    estimator.n_features_in_ = network.layer_sizes[0]
    if notes.get("feature_names") is not None:
        estimator.feature_names_in_ = _feature_names(notes["feature_names"], network)
    estimator._targets_from_file(network, notes.get("targets"))
    estimator.n_layers_, estimator.n_outputs_ = len(network.layer_sizes), network.layer_sizes[-1]
    return estimator


def _give_network(estimator: Any, network: Network) -> None:
    estimator._network = network
    estimator.network_  # noqa: B018 (takes over the parameters that it depends on)


def _members(
    kind: type[Any], networks: list[Network], settings: dict[str, Any], notes: dict[str, Any]
) -> list[Any]:
    """Return the members of an ensemble."""
    if any(one._architecture != networks[0]._architecture for one in networks):
        raise ValueError("its networks have different architectures")
    told = notes.get("members", [{}] * len(networks))
    if type(told) is not list or len(told) != len(networks):
        raise ValueError(f"its notes must be of {len(networks)} members")
    members = []
    for network, own in zip(networks, told, strict=True):
        of_one = {"n_members": 1, "verbose": False, "random_state": own.get("random_state")}
        attributes = {"attributes": own.get("attributes", {})}
        member = _with_data(kind(**settings | of_one), network, notes | attributes)
        _give_network(member, network)
        members.append(member)
    return members


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
        return {"activation": [value._name(), _as_json(value._parameter())]}
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
