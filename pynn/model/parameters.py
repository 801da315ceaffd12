"""Parameters: one flat vector, its views by layer, and the architecture that gives it meaning."""

from __future__ import annotations

import copy
import json
import threading
import zlib
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pynn import _core, checks
from pynn.model import embeddings, threads
from pynn.model.activations import Activation
from pynn.model.architecture import GROUPS, Architecture, Group, Views
from pynn.model.costs import Cost
from pynn.model.embeddings import Embedding


def zeros(n: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Make a vector that begins at a cache line, as the core reads and writes it the fastest."""
    line = 64 // dtype.itemsize
    memory = np.zeros(n + line, dtype)
    start = -(memory.ctypes.data // dtype.itemsize) % line
    return memory[start : start + n]


_START_AT_1 = ("scale", "gains.", "alphas.", "r.", "s.", "variances.")


class Parameters:
    """An architecture and its parameters.

    Parameters
    ----------
    architecture : Architecture
    n_threads : int or None
    """

    _parameters: NDArray[Any]
    _weights: tuple[NDArray[Any], ...]
    _biases: tuple[NDArray[Any], ...]
    _most_slots = max(_core.RULES.values())  # numbers that an optimizer keeps for each parameter

    def __init__(self, architecture: Architecture, n_threads: int | None) -> None:
        self._architecture = architecture
        self._n_threads = threads.checked(n_threads)
        self._set_parameters(zeros(architecture.n_parameters, architecture.dtype))
        for name, group in architecture.split(self._parameters).items():
            if name.startswith(_START_AT_1):
                group[:] = 1

    def _set_parameters(self, parameters: NDArray[Any]) -> None:
        # Held by what changes the network; a signal handler may do that in the midst of a fit.
        self._lock = threading.RLock()
        self._core = self._architecture.core()
        # Forward, deltas and gradient.
        self._products_of_row = 3 * self._architecture.products_of_row
        self._take(parameters)

    def _take(self, parameters: NDArray[Any]) -> None:
        """Compute from these parameters from now on; in one step, whatever a signal interrupts."""
        weights, biases = self._architecture.views(parameters)
        vars(self).update(_parameters=parameters, _weights=weights, _biases=biases)

    def _own_parameters(self) -> None:
        """Copy the parameters to memory of their own, which a fit can write to."""
        parameters = zeros(self.n_parameters, self.dtype)
        parameters[:] = self._parameters
        self._take(parameters)

    @property
    def layer_sizes(self) -> tuple[int, ...]:
        """Units of the input, of each hidden layer and of the output."""
        return self._architecture.layer_sizes

    @property
    def activations(self) -> tuple[str | Activation, ...]:
        """Activation of each layer, the output's last: a name, `LeakyReLU` or `Parametric`."""
        return self._architecture.activations

    @property
    def cost_function(self) -> str | Cost:
        """The cost: a name, `Huber` or `Quantile`."""
        return self._architecture.cost

    @property
    def classes(self) -> NDArray[Any] | None:
        """Label of each output, or of 0 and 1 for a single output; None without labels."""
        labels = self._architecture.classes
        return None if labels is None else np.array(labels)

    @property
    def bias(self) -> bool:
        """Whether weighted sums have a bias."""
        return self._architecture.bias

    @property
    def dtype(self) -> np.dtype[Any]:
        """Precision of the parameters and of all computations."""
        return self._architecture.dtype

    @property
    def n_parameters(self) -> int:
        """Length of `parameters`."""
        return self._architecture.n_parameters

    @property
    def parameters(self) -> NDArray[Any]:
        """All parameters, (n_parameters,); writing to them changes the network."""
        return self._parameters

    @property
    def weights(self) -> tuple[NDArray[Any], ...]:
        """Views of the parameters, (n_in, n_out) for each layer.

        With `members`, the output layer has those of each, (members, n_in, n_out).
        """
        return self._weights

    @property
    def biases(self) -> tuple[NDArray[Any], ...]:
        """Views of the parameters, (n_out,) for each layer; none without biases.

        With `members`, (members, n_out).
        """
        return self._biases

    @property
    def gains(self) -> Group:
        """Views of the parameters, (n_out,) for each layer; None for layers without `norm`."""
        return self._architecture.group_of("gains", self._parameters)

    @property
    def alphas(self) -> Group:
        """Parameters of `Parametric` activations, likewise; None for layers without one."""
        return self._architecture.group_of("alphas", self._parameters)

    @property
    def means(self) -> Group:
        """Running means of batch normalisation, likewise; None for layers without it."""
        return self._architecture.group_of("means", self._parameters)

    @property
    def variances(self) -> Group:
        """Running variances of batch normalisation, likewise; None for layers without it."""
        return self._architecture.group_of("variances", self._parameters)

    @property
    def members(self) -> int | None:
        """Number of members that share the weights of hidden layers; None in a plain network."""
        return self._architecture.members

    @property
    def r(self) -> tuple[NDArray[Any], ...]:
        """Views of the parameters, (members, n_in) for each hidden layer; none without members."""
        return self._of_hidden_layers("r")

    @property
    def s(self) -> tuple[NDArray[Any], ...]:
        """Views of the parameters, (members, n_out) for each hidden layer; none without members."""
        return self._of_hidden_layers("s")

    def _of_hidden_layers(self, name: str) -> tuple[NDArray[Any], ...]:
        views = self._architecture.group_of(name, self._parameters)
        return tuple(view for view in views if view is not None)

    @property
    def scale(self) -> NDArray[Any] | None:
        """View of the parameters, (n_inputs,): the input scale; None without `input_scale`."""
        return self._architecture.scale_of(self._parameters)

    @property
    def embeddings(self) -> dict[int, Embedding]:
        """Embedding of each column that has one."""
        return dict(self._architecture.embeddings)

    @property
    def embedding_parameters(self) -> dict[str, NDArray[Any]]:
        """Views of the parameters of embeddings, by name and column, such as "table.5"."""
        return self._architecture.embeddings_of(self._parameters)

    @property
    def n_threads(self) -> int | None:
        """Number of threads; None chooses it by the work per step. It can be set."""
        return self._n_threads

    @n_threads.setter
    def n_threads(self, n_threads: int | None) -> None:
        self._n_threads = threads.checked(n_threads)

    def _threads_for(self, data: _core.Data, batch_rows: int | None = None) -> int:
        """Threads for all rows of the data, or for a step that learns from so many of them."""
        limit = threads.limit_here()
        if self._n_threads is not None:
            return min(self._n_threads, limit)
        work: float = self._products_of_row * (batch_rows or data.n_rows)
        n_missing = data.n_missing
        if n_missing:  # rows are sparse
            work *= 1 - n_missing / data.n_rows * self.layer_sizes[1] / self.n_parameters
            # Else the update takes a small part of the time.
            work += threads.WORK_OF_UPDATE * self.n_parameters if batch_rows else 0
        return min(threads.chosen(work * self._architecture.dtype.itemsize / 4), limit)

    def views(self, vector: NDArray[Any]) -> Views:
        """Split a vector with the layout of `parameters`, such as a gradient, into views by layer.

        Parameters
        ----------
        vector : ndarray of shape (n_parameters,)
            W0, b0, W1, b1, … as `parameters` has them, with the parameters of embeddings and the
            input scale before them; `group_of` returns gains and all else that a layer has.

        Returns
        -------
        weights : tuple of ndarray of shape (n_in, n_out), one for each layer
        biases : tuple of ndarray of shape (n_out,), one for each layer; empty without biases

        Raises
        ------
        TypeError, ValueError
            If vector is not an array, or not of this shape.
        """
        return self._architecture.views(self._checked(vector))

    def group_of(self, name: str, vector: NDArray[Any]) -> Group:
        """Return the views of one group in a vector with the layout of `parameters`.

        Parameters
        ----------
        name : str
            "weights", "biases", "gains", "alphas", "r", "s", "means" or "variances".
        vector : ndarray of shape (n_parameters,)
            See `views`.

        Returns
        -------
        tuple of ndarray, one for each layer; None for layers without this group

        Raises
        ------
        TypeError, ValueError
            If there is no group of this name, or vector is not an array of this shape.
        """
        name = checks.choice("name", name, GROUPS)
        return self._architecture.group_of(name, self._checked(vector))

    def _checked(self, vector: NDArray[Any]) -> NDArray[Any]:
        if not isinstance(vector, np.ndarray):
            raise TypeError(f"vector must be an ndarray, got {type(vector).__name__}")
        if vector.shape != (self.n_parameters,):
            raise ValueError(f"vector must be of shape ({self.n_parameters},), got {vector.shape}")
        return vector

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layer_sizes))
        inputs = self._architecture.embeddings
        checksum = zlib.crc32(json.dumps(embeddings.as_json(inputs)).encode())
        return (  # checkpoints compare it, so it names everything that changes the results
            f"<Network {sizes}, {' '.join(self._architecture.layer_activations)}, "
            f"{self.cost_function}, "
            f"{f'{len(inputs)} embeddings ({checksum:08x}), ' if inputs else ''}"
            f"{'input scale, ' if self._architecture.input_scale else ''}"
            f"{f'{self.members} members, ' if self.members else ''}"
            f"{self.n_parameters} parameters {self.dtype}>"
        )

    def _expect_plain(self, what: str) -> None:
        """Refuse what is for networks without members."""
        if self.members is not None:
            raise ValueError(
                f"{what} is for networks without members: use net.member(k), the network that "
                f"computes the same as member k, from 0 to {self.members - 1}"
            )

    def _become(self, architecture: Architecture) -> None:
        """Compute something else from the same parameters from now on."""
        vars(self).update(_core=architecture.core(), _architecture=architecture)

    def _of_encoded_targets(self) -> Self:
        """Return a model of the same parameters that takes numbers of classes, not their labels."""
        if self._architecture.classes is None:
            return self
        twin = object.__new__(type(self))
        vars(twin).update(vars(self), _architecture=replace(self._architecture, classes=None))
        return twin

    def _in_double(self) -> Self:
        """Return a copy in float64."""
        twin = copy.copy(self)
        twin._architecture = replace(self._architecture, dtype=np.dtype(np.float64))
        twin._set_parameters(self._parameters.astype(np.float64))
        return twin
