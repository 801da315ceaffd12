"""Saving: fitted estimators of tables in safetensors files, which are files of their networks too.

The metadata hold JSON: the parameters, the preparation, and the attributes that the class lists in
`_LEARNED`. Numeric arrays among these are further tensors of the file, and so are the parameters of
networks that do not belong to the ensemble.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from types import UnionType
from typing import Any, Self, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from pynn.estimators.saving import _from_json, parameters_for_file
from pynn.model import files
from pynn.model.bounds import bounded
from pynn.network import Network
from pynn.tabular.preparation import Preparation

Array = NDArray[Any]

_NUMBERS = "biuf"
_NOT_HELD = "checkpoint"  # a parameter; a file from elsewhere must not say where a fit writes


@dataclass(frozen=True)
class Learned:
    """What a learned attribute may be.

    Parameters
    ----------
    kind : type
        Accepted types, such as ``float | None``, or a dataclass. Lists, tuples and dicts, and the
        fields of a dataclass, may hold numbers, strings, None, arrays, networks, and more of these
        containers.
    shape : tuple of int, str or None, optional
        Shape of an array. Strings are sizes: "n_features", "n_inputs", "n_outputs", "n_networks",
        or any other word for a size that several attributes share; None accepts any size.
    dtype : str, default="f"
        Kinds of dtypes that an array may have, as in ``dtype.kind``; among b, i, u, f, U and O.
    always : bool, default=True
        Whether every fitted estimator has the attribute.
    fields : dict of {str: Learned}, optional
        Fields of a dataclass that does not check them itself.
    """

    kind: type | UnionType
    shape: tuple[int | str | None, ...] | None = None
    dtype: str = "f"
    always: bool = True
    fields: dict[str, Learned] = field(default_factory=dict)

    def check(self, name: str, value: Any, sizes: dict[str, int]) -> None:
        """Raise a ValueError if an attribute is anything else; add new words to `sizes`."""
        kind = np.ndarray if isinstance(value, np.ndarray) else type(value)
        if kind not in (get_args(self.kind) or (self.kind,)):  # a bool is no int
            accepted_kind = getattr(self.kind, "__name__", self.kind)
            raise ValueError(f"{name} must be of type {accepted_kind}, got {kind.__name__}")
        for part, accepted in self.fields.items():
            accepted.check(f"{name}.{part}", getattr(value, part), sizes)
        if not isinstance(value, np.ndarray) or self.shape is None:
            return
        found = value.shape
        expected = tuple(
            n if size is None else sizes.setdefault(size, n) if isinstance(size, str) else size
            for size, n in zip(self.shape, found, strict=False)
        )
        if len(found) != len(self.shape) or found != expected or value.dtype.kind not in self.dtype:
            raise ValueError(
                f"{name} must have a dtype of the kinds {self.dtype} and the shape {self.shape}, "
                f"got {value.dtype} of shape {found}"
            )


class Saved:
    """An estimator with files."""

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the fitted estimator to a safetensors file; loading it executes nothing.

        The file holds the networks, the preparation of tables, everything learned from the targets
        and the parameters of the estimator. Parameters that are objects, such as random sources,
        are left out with a warning. `pynn.Population.load` reads the same file as a population.

        Parameters
        ----------
        path : str or path-like
            An existing file is replaced.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        TypeError
            If the labels of the classes are neither numbers nor strings.
        ImportError
            If the package safetensors is missing (``pip install safetensors``).

        Warns
        -----
        UserWarning
            If the file cannot hold a parameter.

        Examples
        --------
        >>> import numpy as np, pathlib, pynn, tempfile
        >>> X = [[20.0, "red"], [30.0, "green"], [40.0, None], [50.0, "red"]] * 10
        >>> model = pynn.TabularRegressor(preset="fast", random_state=0).fit(X, np.arange(40))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "model.safetensors")
        ...     model.save(path)
        ...     loaded = pynn.TabularRegressor.load(path)
        >>> np.array_equal(loaded.predict(X), model.predict(X))
        True
        """
        save_with_notes(self, path, {})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Load a fitted estimator from a file of `save`. Nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like

        Returns
        -------
        estimator
            Fitted estimator with the predictions of the saved one.

        Raises
        ------
        ValueError
            If the file is damaged, or holds something else.
        OSError
            If the file cannot be read.
        ImportError
            If the package safetensors is missing (``pip install safetensors``).
        """
        estimator: Self = _load(cls, path)
        return estimator

    def _check_learned(self) -> None:
        """Raise a ValueError if attributes from a file do not fit together."""
        estimator: Any = self
        sample = estimator._sample
        if estimator.n_features_in_ != estimator.preparation_.n_features:
            raise ValueError("n_features_in_ is not the number of features of the preparation")
        if len(sample.y) != len(sample.X) or not sample.is_aside.any(axis=0).all():
            raise ValueError("its sample is not one of rows that networks left out")


def save_with_notes(
    estimator: Any, path: str | os.PathLike[str], others: Mapping[str, str]
) -> None:
    """Save an estimator as `Saved.save` does, with notes of others in the metadata, by name."""
    check_is_fitted(estimator)
    estimator = estimator._now()
    notes, arrays = notes_of(estimator)
    key = _key(type(estimator))
    files.save_all(estimator.networks_, path, {**others, key: json.dumps(notes)}, arrays)


def notes_of(estimator: Any) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return all that a fitted estimator has beside its networks.

    Returns
    -------
    notes : dict
        Parameters, preparation and learned attributes, as types of JSON.
    arrays : dict of {str: ndarray}
        Arrays of numbers that the notes name.
    """
    settings = parameters_for_file(estimator, _NOT_HELD)
    arrays: dict[str, Array] = {}
    sizes, learned = _sizes(estimator), {}
    for name, accepted in estimator._LEARNED.items():
        if name in vars(estimator) or accepted.always:
            value = vars(estimator)[name]
            value = value.item() if isinstance(value, np.generic) else value
            accepted.check(name, value, sizes)
            value = vars(value) if is_dataclass(accepted.kind) else value
            learned[name] = _encoded(name, value, arrays)
    notes = {
        "parameters": settings,
        "preparation": estimator.preparation_.to_json(),
        "learned": learned,
    }
    return notes, arrays


def _load(kind: type[Any], path: str | os.PathLike[str]) -> Any:
    networks, metadata, arrays = files.load_noted(Network, path)
    try:
        if _key(kind) not in metadata:
            others = [name for name in metadata if not name.endswith(_key(Network))]
            raise ValueError(f"it holds {', '.join(others) or 'only networks'}")
        return restored(kind, networks, json.loads(bounded(metadata[_key(kind)])), arrays)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)!r} holds no {kind.__name__}: {error}") from error


def restored(kind: type[Any], networks: list[Network], notes: Any, arrays: dict[str, Array]) -> Any:
    """Make an estimator of its networks and of what `notes_of` returned.

    Raises
    ------
    TypeError, ValueError, KeyError, AttributeError, RecursionError
        If they are anything else.
    """
    if not isinstance(notes, dict) or len(notes) != 3:
        raise ValueError("its notes must have parameters, preparation and learned")
    settings = {name: _from_json(value) for name, value in notes["parameters"].items()}
    if settings.get(_NOT_HELD) is not None:
        raise ValueError(f"its parameters have {_NOT_HELD}")
    estimator = kind(**settings)
    estimator._validate_params()
    estimator.preparation_ = Preparation.from_json(notes["preparation"])
    estimator.networks_ = _matching(networks, estimator.preparation_)
    vars(estimator).update(_learned(estimator, notes["learned"], arrays))
    estimator._check_learned()
    return estimator


def _key(kind: type[Any]) -> str:
    return f"pynn.{kind.__name__}"


def _sizes(estimator: Any) -> dict[str, int]:
    network = estimator.networks_[0]
    return {
        "n_features": estimator.preparation_.n_features,
        "n_inputs": estimator.preparation_.n_inputs,
        "n_outputs": network.layer_sizes[-1],
        "n_networks": len(estimator.networks_),
    }


def _matching(networks: list[Network], preparation: Preparation) -> list[Network]:
    """Return the networks after checking that they take the inputs of the preparation."""
    for k, network in enumerate(networks):
        n_inputs, n_outputs = network.layer_sizes[0], network.layer_sizes[-1]
        if n_inputs != preparation.n_inputs or n_outputs != networks[0].layer_sizes[-1]:
            raise ValueError(f"network {k} has {n_inputs} inputs and {n_outputs} outputs")
        if dict(network._architecture.embeddings) != preparation.embeddings:
            raise ValueError(f"network {k} has other embeddings than the preparation")
    return networks


def _learned(estimator: Any, given: Any, arrays: dict[str, Array]) -> dict[str, Any]:
    """Return the learned attributes after checking each."""
    accepted, sizes, unused = estimator._LEARNED, _sizes(estimator), dict(arrays)
    found = {name: _decoded(value, unused) for name, value in given.items()}
    if unknown := sorted(found.keys() - accepted.keys()):
        raise ValueError(f"it has unknown attributes {', '.join(unknown)}")
    for name, one in accepted.items():
        if name in found:
            kind: Any = one.kind
            if is_dataclass(one.kind):
                found[name] = kind(**found[name])
            one.check(name, found[name], sizes)
        elif one.always:
            raise ValueError(f"it lacks the attribute {name}")
    if unused:
        raise ValueError(f"it has unknown arrays {', '.join(sorted(unused))}")
    return found


# ---- Values in JSON ------------------------------------------------------------------------------


def _encoded(name: str, value: Any, arrays: dict[str, Array]) -> Any:
    """Return a value for JSON; arrays of numbers and text go into `arrays`, under this name.

    So do the parameters of networks.
    """
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "O":
            return {"objects": [_encoded(f"{name}.{i}", one, arrays) for i, one in _items(value)]}
        if value.dtype.kind == "U" and value.dtype.itemsize:
            width = value.dtype.itemsize // 4
            codes = np.ascontiguousarray(value.astype(value.dtype.newbyteorder("=")))
            arrays[name] = codes.reshape(-1, 1).view(np.uint32).reshape(*value.shape, width)
            return {"text": name}
        if value.dtype.kind not in _NUMBERS:
            raise TypeError(f"{name}: a file cannot hold an array of dtype {value.dtype}")
        arrays[name] = value.astype(value.dtype.newbyteorder("="), copy=False)
        return {"array": name}
    if isinstance(value, Network):
        tensors = value._architecture.split(value.parameters.copy())
        arrays |= {f"{name}.{part}": tensor for part, tensor in tensors.items()}
        return {"network": [f"{name}.", files.arguments(value)]}
    if isinstance(value, np.generic):
        return _encoded(name, value.item(), arrays)
    if isinstance(value, dict):
        items = enumerate(value.items())
        return {"dict": [[key, _encoded(f"{name}.{i}", one, arrays)] for i, (key, one) in items]}
    if isinstance(value, list | tuple):
        found = [_encoded(f"{name}.{i}", one, arrays) for i, one in enumerate(value)]
        return found if isinstance(value, list) else {"tuple": found}
    if not isinstance(value, str | int | float | None):
        raise TypeError(f"{name}: a file cannot hold {value!r}")
    return value


def _items(value: Array) -> enumerate[Any]:
    if value.ndim != 1:
        raise TypeError(f"a file cannot hold an array of objects of shape {value.shape}")
    return enumerate(value.tolist())


def _decoded(value: Any, arrays: dict[str, Array]) -> Any:
    """Invert `_encoded`; take each array out of `arrays`."""
    if isinstance(value, list):
        return [_decoded(one, arrays) for one in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    match kind:
        case "array":
            return arrays.pop(held)
        case "text":
            return _text(arrays.pop(held))
        case "objects":
            items = _decoded(held, arrays)
            return np.fromiter(items, dtype=object, count=len(items))
        case "network":
            prefix, arguments = held
            shapes = {name: array.shape for name, array in arrays.items()}
            return files.network_of(Network, arguments, shapes, arrays.pop, prefix)
        case "tuple":
            return tuple(_decoded(held, arrays))
        case "dict":
            return {key: _decoded(one, arrays) for key, one in held}
    raise ValueError(f"{kind!r} is not a known marker")


def _text(codes: Array) -> Array:
    """Return strings from the numbers of their characters."""
    if codes.dtype != np.uint32 or codes.ndim < 1 or not codes.shape[-1]:
        raise ValueError(f"text must be of uint32, got {codes.dtype} of shape {codes.shape}")
    found = np.ascontiguousarray(codes).view(f"U{codes.shape[-1]}")[..., 0]
    found.tolist()  # raises a ValueError for a number that is no character
    return found
