"""Views: scikit-learn's names for the parts of one network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import NotFittedError

from pynn.estimators.settings import Settings
from pynn.model.activations import ALIASES, Activation
from pynn.model.architecture import hidden_activations, paired
from pynn.model.costs import Cost
from pynn.network import Network
from pynn.training.history import in_words

Array = NDArray[Any]

# Names of activations
_SCIKIT_LEARN_S: dict[Any, str] = {name: alias for alias, name in ALIASES.items()}


class InvalidSettingError(ValueError, AttributeError):
    """A parameter does not fit the fitted network.

    It is an AttributeError as well, like scikit-learn's NotFittedError, so that `hasattr` and `dir`
    do not raise.
    """


class Views(Settings):
    """One network, `network_`, behind scikit-learn's names.

    That network holds everything that is learned. ``coefs_`` and ``intercepts_`` are views of its
    parameters, ``out_activation_`` and ``activation`` are its activations; setting one of them
    changes the network.
    """

    estimators_: list[Any]
    _network: Network
    _given: dict[str, Any]  # coefs_, intercepts_, out_activation_ that were set before a network

    def _output(self) -> tuple[str | Activation, str | Cost]:
        """Return output activation and cost of a new network."""
        raise NotImplementedError

    def _labels_of_outputs(self, n_outputs: int) -> tuple[Any, ...] | None:
        """Return the classes of the network, if its outputs have some."""
        return None

    def __sklearn_is_fitted__(self) -> bool:
        found = self.__dict__
        return bool({"_network", "estimators_"} & found.keys()) or "coefs_" in found.get(
            "_given", ()
        )

    def _networks(self) -> list[Network]:
        """Return the network, or those of all members."""
        members: list[Any] | None = self.__dict__.get("estimators_")
        if members is None:
            return [self.network_]
        if not members:
            raise ValueError("estimators_ is empty: an ensemble needs at least one member")
        for member in members:  # these parameters take effect without a fit
            member.activation, member.n_threads = self.activation, self.n_threads
        return [member.network_ for member in members]

    def _refuse_of_members(self, name: str) -> None:
        """Refuse an attribute of one network if there are several."""
        members = self.__dict__.get("estimators_")
        if members is not None:
            raise AttributeError(
                f"this {type(self).__name__} has {len(members)} members and no {name} of its own; "
                f"use estimators_[0].{name} and so on"
            )

    if not TYPE_CHECKING:  # which would accept any name

        def __getattr__(self, name: str) -> Any:
            members = self.__dict__.get("estimators_")
            if members and hasattr(members[0], name):
                self._refuse_of_members(name)
            return super().__getattribute__(name)  # raises its error once more

    @property
    def network_(self) -> Network:
        """The trained network; `coefs_` and `intercepts_` are views of its parameters."""
        if "_given" in self.__dict__:
            self._take_given()
        network: Network | None = self.__dict__.get("_network")
        if network is None:
            raise NotFittedError(
                f"This {type(self).__name__} instance is not fitted yet. Call 'fit' with "
                "appropriate arguments before using this estimator."
            )
        if self._hidden_activations(network) != network.activations[:-1]:
            try:
                hidden = hidden_activations(self.activation, len(network.activations) - 1)
            except (TypeError, ValueError) as error:
                raise InvalidSettingError(*error.args) from None
            activations = (*hidden, network.activations[-1])
            changed = replace(network._architecture, activations=activations)
            if list(changed.groups()) != list(network._architecture.groups()):
                raise InvalidSettingError(
                    f"activation={self.activation!r} has other trained parameters than the fitted "
                    f"network, with {list(network.activations[:-1])}; fit again"
                )
            network._become(changed)
        if network.n_threads != self.n_threads:
            network.n_threads = self.n_threads
        return network

    def _hidden_activations(self, network: Network) -> tuple[Any, ...]:
        """Return the wanted activations, unchecked: this runs at each prediction."""
        given: Any = self.activation
        if isinstance(given, str | Activation) or not isinstance(given, Iterable):
            return (ALIASES.get(given, given),) * (len(network.activations) - 1)
        return tuple(ALIASES.get(name, name) for name in given)

    @property
    def coefs_(self) -> list[Array]:
        """Weights (n_in, n_out) of each layer, as views of the parameters."""
        return self._views("coefs_")

    @coefs_.setter
    def coefs_(self, arrays: Iterable[ArrayLike]) -> None:
        self._set_views("coefs_", arrays)

    @property
    def intercepts_(self) -> list[Array]:
        """Biases (n_out,) of each layer, as views of the parameters."""
        return self._views("intercepts_")

    @intercepts_.setter
    def intercepts_(self, arrays: Iterable[ArrayLike]) -> None:
        self._set_views("intercepts_", arrays)

    def _views(self, name: str) -> list[Array]:
        given = self.__dict__.get("_given", {})
        if name in given:
            return given[name]  # type: ignore[no-any-return]
        network = self.__dict__.get("_network") or self.network_
        return _Views(name, network.weights if name == "coefs_" else network.biases)

    def _set_views(self, name: str, arrays: Iterable[ArrayLike]) -> None:
        """Write arrays into the parameters, or keep them until they make a network."""
        self._refuse_of_members(name)
        new = list(arrays)
        network = self.__dict__.get("_network")
        if network is not None and "_given" not in self.__dict__:
            views = network.weights if name == "coefs_" else network.biases
            if [view.shape for view in views] == [np.shape(array) for array in new]:
                for view, array in zip(views, new, strict=True):
                    view[:] = array
                return
            if self.__dict__.get("_fit_under_way"):
                raise ValueError(
                    f"a callback assigned arrays of other shapes to {name}: the network in "
                    f"training has layers of {network.layer_sizes} units"
                )
        self.__dict__.setdefault("_given", {})[name] = new

    def _take_given(self) -> None:
        """Make a network of the arrays that were set, once their shapes fit each other."""
        given, old = self._given, self.__dict__.get("_network")
        if old is None and not {"coefs_", "intercepts_"} <= given.keys():
            return
        coefs, intercepts = (
            [np.asarray(array) for array in given.get(name) or self._views(name)]
            for name in ("coefs_", "intercepts_")
        )
        sizes = _sizes(coefs, intercepts)
        single = all(array.dtype == np.float32 for array in [*coefs, *intercepts])
        out = given.get("out_activation_") or (old.activations[-1] if old else self._output()[0])
        network = self._new_network(sizes, paired(out, None), "float32" if single else "float64")
        for view, array in zip(
            [*network.weights, *network.biases], [*coefs, *intercepts], strict=True
        ):
            view[:] = array
        self._network = network
        del self._given

    @property
    def out_activation_(self) -> str | Activation:
        """Activation of the output; "logistic" is the sigmoid. It can be set."""
        given = self.__dict__.get("_given", {})
        name = given.get("out_activation_") or self.network_.activations[-1]
        return _SCIKIT_LEARN_S.get(name, name)

    @out_activation_.setter
    def out_activation_(self, name: str | Activation) -> None:
        self._refuse_of_members("out_activation_")
        output, partner = paired(name, None)
        network = self.__dict__.get("_network")
        if network is None or "_given" in self.__dict__:
            self.__dict__.setdefault("_given", {})["out_activation_"] = output
            return
        tied = not isinstance(network.cost_function, Cost) and (
            paired(None, network.cost_function)[0] not in ("identity", output)
        )
        cost = partner if tied else network.cost_function
        activations = (*network.activations[:-1], output)
        network._become(replace(network._architecture, activations=activations, cost=cost))

    def _new_network(
        self, sizes: Iterable[int], output: tuple[str | Activation, str | Cost], dtype: Any
    ) -> Network:
        network = Network(
            list(sizes),
            activation=self.activation,
            output_activation=output[0],
            cost=output[1],
            initializer="zeros",
            dtype=dtype,
            n_threads=self.n_threads,
            random_state=_NOT_DRAWN_FROM,
        )
        classes = self._labels_of_outputs(network.layer_sizes[-1])
        network._become(replace(network._architecture, classes=classes, capped=True))
        return network

    @property
    def _optimizer(self) -> Any:
        """The update rule at work, by scikit-learn's private name, which programs read."""
        return self.network_._descent

    @property
    def history_(self) -> dict[str, list[float]]:
        """Figures of each epoch: see the class."""
        figures = self.network_.history
        return {in_words(name, "loss"): values for name, values in figures.items()}


_NOT_DRAWN_FROM = np.random.RandomState(0)  # a fit brings its own source


class _Views(list[Array]):
    """A list of views; an array that is put in place of one is written into it."""

    def __init__(self, name: str, views: Iterable[Array]) -> None:
        super().__init__(views)
        self.name = name

    def __setitem__(self, index: Any, value: Any) -> None:
        view, array = self[index], np.asarray(value)
        if not isinstance(view, np.ndarray) or array.shape != view.shape:
            raise ValueError(
                f"an array in {self.name} can only be replaced by an array of the same shape, "
                f"{np.shape(view)}; got {array.shape}. To change the layers, assign a new list to "
                f"{self.name}"
            )
        view[:] = array

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"{self.name} has one array per layer; assign a new list to change layers")

    append = extend = insert = pop = remove = clear = __delitem__ = __iadd__ = _refuse

    def __reduce__(self) -> Any:
        return list, (list(self),)


def _sizes(coefs: list[Array], intercepts: list[Array]) -> list[int]:
    """Return the layer sizes, input first, that match the shapes of these arrays."""
    shapes = [W.shape for W in coefs], [b.shape for b in intercepts]
    sizes = [n for W in coefs[:1] for n in W.shape[:1]] + [b.size for b in intercepts]
    if not coefs or shapes != (list(pairwise(sizes)), [(n,) for n in sizes[1:]]):
        raise ValueError(
            "coefs_ must hold an array of shape (n_in, n_out) for each layer, n_in being n_out of "
            f"the previous layer, and intercepts_ one of shape (n_out,); got shapes {shapes[0]} "
            f"and {shapes[1]}"
        )
    return sizes
