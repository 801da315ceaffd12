"""Files: networks in the safetensors format, which holds numbers and text and executes nothing."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import numpy as np

from pynn.model import activations, costs, embeddings
from pynn.model.activations import Activation
from pynn.model.atomic import replace
from pynn.model.bounds import bounded
from pynn.model.costs import Cost
from pynn.model.parameters import Parameters

# Key of the metadata for the arguments of Network, as JSON.
_KEY = "pynn.Network"

# Key of the metadata for a checksum of everything else. Files of older versions have none.
_CHECKSUM = "pynn.checksum"

# Prefix of the tensors that are no parameters of networks, but belong to the notes.
_NOTED = "notes."

# Arguments that the JSON may have; nothing else in a file determines how a network is made.
_ARGUMENTS = {
    *("layer_sizes", "activation", "output_activation", "cost", "bias", "dtype", "classes"),
    *("input_scale", "residual", "norm", "members", "embeddings"),
}


def require_safetensors() -> Any:
    """Return the package; raise an ImportError that says how to install it if it is missing."""
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError("saving and loading need safetensors: pip install safetensors") from error
    return safetensors


def _checksum(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> str:
    """Return a CRC-32 of all tensors and notes, by name."""
    checksum = 0
    for name, note in sorted(metadata.items()):
        checksum = zlib.crc32(f"{name}={note}\n".encode(), checksum)
    for _, tensor in sorted(tensors.items()):
        checksum = zlib.crc32(np.ascontiguousarray(tensor).data, checksum)
    return f"{checksum:08x}"


def save(
    network: Parameters, path: str | os.PathLike[str], notes: dict[str, str] | None = None
) -> None:
    """Write a network to a file, with notes by name in its metadata."""
    _write({"": network}, path, notes or {})


def save_all(
    networks: Sequence[Parameters],
    path: str | os.PathLike[str],
    notes: dict[str, str] | None = None,
    arrays: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write networks to one file, in which all names of network k have the prefix ``k.``.

    Arrays of numbers that belong to the notes have the prefix ``notes.``.
    """
    numbered = {f"{k}.": network for k, network in enumerate(networks)}
    _write(numbered, path, notes or {}, arrays or {})


def _write(
    networks: Mapping[str, Parameters],
    path: str | os.PathLike[str],
    notes: Mapping[str, str],
    arrays: Mapping[str, np.ndarray] = MappingProxyType({}),
) -> None:
    """Write networks, given by the prefix of their names in the file."""
    safetensors = require_safetensors()
    metadata = {
        f"{prefix}{_KEY}": json.dumps(arguments(network)) for prefix, network in networks.items()
    } | dict(notes)
    for note in metadata.values():
        bounded(note)
    tensors = {
        f"{prefix}{name}": tensor
        for prefix, network in networks.items()
        # A copy, as another thread may train the network between the checksum and the writing.
        for name, tensor in network._architecture.split(network.parameters.copy()).items()
    }
    tensors |= {f"{_NOTED}{name}": np.asarray(array, order="C") for name, array in arrays.items()}
    metadata[_CHECKSUM] = _checksum(tensors, metadata)
    content = safetensors.numpy.save(tensors, metadata)
    end = _end_of_head(content)
    parts = _head_in_order(content[:end]), memoryview(content)[end:]
    replace(path, lambda file: file.writelines(parts))


def arguments(network: Parameters) -> dict[str, Any]:
    """Return the arguments of `Network` that create this network, in types of JSON."""
    arguments: dict[str, Any] = {
        "layer_sizes": network.layer_sizes,
        "activation": [_as_json(activation) for activation in network.activations[:-1]],
        "output_activation": _as_json(network.activations[-1]),
        "cost": _as_json(network.cost_function),
        "bias": network.bias,
        "dtype": network.dtype.name,
        "classes": network._architecture.classes,
    }
    if network.scale is not None:  # older versions can load all other files
        arguments["input_scale"] = True
    if network._architecture.residual:
        arguments["residual"] = network._architecture.residual[:-1]
    if norms := network._architecture.norms:
        arguments["norm"] = norms[:-1]
    if network.members is not None:
        arguments["members"] = network.members
    if network._architecture.embeddings:
        arguments["embeddings"] = embeddings.as_json(network._architecture.embeddings)
    return arguments


def _end_of_head(content: bytes) -> int:
    return 8 + int.from_bytes(content[:8], "little")


def _head_in_order(content: bytes) -> bytes:
    """Return the header of a safetensors file with sorted metadata; theirs has a random order."""
    head = json.loads(content[8 : _end_of_head(content)])
    head["__metadata__"] = dict(sorted(head["__metadata__"].items()))
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _as_json(choice: Any) -> Any:
    """Return a name, or the name with its parameter, a number or an activation; or a number."""
    if isinstance(choice, Activation | Cost):
        return {choice._name(): _as_json(choice._parameter())}
    return choice


def _from_json(given: Any, parametrised: Mapping[str, Callable[..., Any]]) -> Any:
    """Invert `_as_json`, for one choice or a list of choices."""
    if isinstance(given, list):
        return [_from_json(one, parametrised) for one in given]
    if not isinstance(given, dict):
        return given
    ((name, parameter),) = given.items()
    return parametrised[name](_from_json(parameter, parametrised))


def load(kind: type[Any], path: str | os.PathLike[str]) -> tuple[Any, dict[str, str]]:
    """Read a network of this class from a file; return it and the notes in its metadata."""
    networks, metadata, _ = _read(kind, path, lambda metadata: [""])
    return networks[0], metadata


def load_all(kind: type[Any], path: str | os.PathLike[str]) -> list[Any]:
    """Read networks from a file written by `save_all`, as objects of this class."""
    return _read(kind, path, _numbers)[0]


def load_either(kind: type[Any], path: str | os.PathLike[str]) -> tuple[Any, dict[str, str]]:
    """Read a network that `save` wrote, or a list of them that `save_all` wrote, and the notes."""
    several = f"0.{_KEY}"
    networks, metadata, _ = _read(
        kind, path, lambda found: _numbers(found) if several in found else [""]
    )
    return networks if several in metadata else networks[0], metadata


def load_noted(
    kind: type[Any], path: str | os.PathLike[str]
) -> tuple[list[Any], dict[str, str], dict[str, np.ndarray]]:
    """Read networks that `save_all` wrote, the notes in the metadata, and the notes' arrays."""
    return _read(kind, path, _numbers)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read the notes in the metadata of a file, without its networks; nothing is checked."""
    safetensors = require_safetensors()
    path = os.fspath(path)
    with open(path, "rb"):  # a missing file is an OSError, not a damaged one
        pass
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            return file.metadata() or {}
    except safetensors.SafetensorError as error:
        raise ValueError(f"{path!r} is not a network saved by pynn: {error}") from error


def _numbers(metadata: Mapping[str, str]) -> list[str]:
    n_networks = sum(name.endswith(f".{_KEY}") for name in metadata)
    return [f"{k}." for k in range(max(1, n_networks))]


def _read(
    kind: type[Any],
    path: str | os.PathLike[str],
    prefixes_in: Callable[[Mapping[str, str]], list[str]],
) -> tuple[list[Any], dict[str, str], dict[str, np.ndarray]]:
    """Read the networks with these prefixes; return them, the metadata and the notes' arrays."""
    safetensors = require_safetensors()
    path = os.fspath(path)
    with open(path, "rb"):  # a missing file is an OSError, not a damaged one
        pass
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            checksum = metadata.pop(_CHECKSUM, None)
            names = set(file.keys())
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
            networks: list[Any] = []
            tensors: dict[str, np.ndarray] = {}
            for prefix in prefixes_in(metadata):
                given = _given(metadata, prefix)
                network = network_of(kind, given, shapes, file.get_tensor, prefix)
                own = network._architecture.split(network.parameters)
                networks.append(network)
                tensors |= {f"{prefix}{name}": tensor for name, tensor in own.items()}
            arrays = {name: file.get_tensor(name) for name in names if name.startswith(_NOTED)}
        tensors |= arrays
        if names != tensors.keys():
            raise ValueError(f"it has tensors {sorted(names)} instead of {sorted(tensors)}")
        if checksum not in (None, _checksum(tensors, metadata)):
            raise ValueError("its content does not match its checksum")
        noted = {name.removeprefix(_NOTED): array for name, array in arrays.items()}
        return networks, metadata, noted
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"{path!r} is not a network saved by pynn: {error}") from error


def _given(metadata: Mapping[str, str], prefix: str) -> Any:
    """Return the entry of a network."""
    key = f"{prefix}{_KEY}"
    if key not in metadata:
        other_key, other = (_KEY, "Network") if prefix else (f"0.{_KEY}", "Population")
        hint = f"; load it with pynn.{other}.load" if other_key in metadata else ""
        raise ValueError(f"its metadata have no entry {key!r}{hint}")
    return json.loads(bounded(metadata[key]))


def network_of(
    kind: type[Any],
    arguments: Any,
    shapes: Mapping[str, tuple[int, ...]],
    tensor_of: Callable[[str], np.ndarray],
    prefix: str,
) -> Any:
    """Create a network of this class, given what `arguments` returned and its tensors.

    Parameters
    ----------
    kind : type
    arguments : object
        From JSON.
    shapes : mapping
        Shapes of all tensors, by name.
    tensor_of : function
        Returns a tensor, given its name. Arguments and shapes are checked before it is called.
    prefix : str
        Of the names of this network.

    Raises
    ------
    TypeError, ValueError, KeyError
        If these are no arguments of a network, or do not fit the tensors.
    """
    key = f"{prefix}{_KEY}"
    if not isinstance(arguments, dict):
        raise ValueError(f"its entry {key!r} is not a JSON object")
    if unknown := sorted(arguments.keys() - _ARGUMENTS):
        raise ValueError(f"its entry {key!r} has the unknown arguments {', '.join(unknown)}")
    arguments = dict(arguments)
    for name in ("activation", "output_activation", "cost"):
        parametrised = costs.PARAMETRISED if name == "cost" else activations.PARAMETRISED
        arguments[name] = _from_json(arguments.get(name), parametrised)
    arguments["embeddings"] = embeddings.from_json(arguments.get("embeddings", []))
    # The tensors' bytes are in the file, so a network that fits them fits the memory too.
    _check_sizes(arguments, shapes, prefix)
    network = kind(**arguments, initializer="zeros")
    for name, view in network._architecture.split(network.parameters).items():
        tensor = tensor_of(f"{prefix}{name}")
        if tensor.dtype != view.dtype or tensor.shape != view.shape:
            raise ValueError(
                f"{prefix}{name} is {tensor.dtype} {tensor.shape} instead of {view.dtype} "
                f"{view.shape}"
            )
        view[:] = tensor
    return network


def _check_sizes(
    arguments: dict[str, Any], shapes: Mapping[str, tuple[int, ...]], prefix: str
) -> None:
    """Refuse sizes that do not match the tensors, before allocating memory."""
    n_in, *sizes = arguments["layer_sizes"]
    of_inputs = list(arguments["embeddings"].items())
    n_in += sum(embedding._n_out - 1 for _, embedding in of_inputs)
    pairs: list[tuple[Any, ...]] = list(pairwise([n_in, *sizes]))
    layers = [(f"weights.{i}", shape) for i, shape in enumerate(pairs)]
    if (members := arguments.get("members")) is not None:
        *hidden, (name, shape) = layers
        layers[-1] = (name, (members, *shape))
        for i, (_, (n_in, n_out)) in enumerate(hidden):
            layers += [(f"r.{i}", (members, n_in)), (f"s.{i}", (members, n_out))]
    for name, shape in [*embeddings.groups(of_inputs), *layers]:
        name = f"{prefix}{name}"
        if shapes.get(name) != shape:
            raise ValueError(f"{name} of shape {shape} is missing")
