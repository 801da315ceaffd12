"""Network: a model that learns, and can be kept."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.utils import check_random_state

from pynn import _core, checks
from pynn.inspection import markup
from pynn.inspection.inspected import Inspected
from pynn.model import files
from pynn.model.architecture import Architecture
from pynn.model.costs import Cost
from pynn.model.initializers import INITIALIZERS, Random, initial_layer
from pynn.model.model import Model, zeros
from pynn.model.regularisation import Regularisation
from pynn.training.optimizers import Adam, Optimizer
from pynn.training.progress import EpochTable

__all__ = ["Network"]

EPOCHS_PER_CALL = 65536  # of the core at most: 1 MB of costs


class Network(Inspected, Model):
    """A fully-connected neural network.

    Layer ``l`` computes ``a = f(x @ weights[l] + biases[l])`` from the activations ``x`` of the
    layer before it. All parameters lie in one flat vector; weights and biases are views of it.

    Parameters
    ----------
    layer_sizes : sequence of int
        Units of the input, of each hidden layer and of the output; at least two numbers.
    activation : str or sequence of str, default="relu"
        Activation of the hidden layers, or one for each of them: "identity", "sigmoid" (or
        "logistic"), "tanh", "relu", "leaky_relu" (slope 0.01), "elu", "gelu" (with erf), "silu",
        "softplus".
    output_activation : str, default="identity"
        One of the above, "softmax" or "exp".
    cost : str, Huber or Quantile, default="squared_error"
        What is minimised, as the mean over the rows; sums are over the outputs:

        - "squared_error", ½ Σ (a − y)²
        - "absolute_error", Σ abs(a − y)
        - "huber" or `Huber`, in between
        - "quantile" or `Quantile`, Σ q (y − a) above the output, Σ (1 − q) (a − y) below
        - "cross_entropy", −Σ y log a, with the output "softmax"
        - "binary_cross_entropy", −Σ (y log a + (1 − y) log(1 − a)), with the output "sigmoid"
        - "poisson", Σ (y log(y / a) − y + a), half the Poisson deviance, with the output "exp"
    bias : bool, default=True
        Whether weighted sums have a bias.
    initializer : str, default="auto"
        Where weights and biases start; bounds and variances are for ``n_in`` inputs and ``n_out``
        outputs of a layer:

        - "glorot_uniform", both uniform within √(6 / (n_in + n_out)), or √(2 / …) before a
          sigmoid, as scikit-learn does
        - "he_uniform", "he_normal", weights of variance 2 / n_in, biases 0
        - "normal", weights normal / √n_in, biases normal
        - "zeros"
        - "auto", "he_uniform" for relu, leaky_relu, elu, gelu, silu and softplus,
          "glorot_uniform" for the others
    dtype : "float32" or "float64", default="float32"
        Precision of parameters and of all that is computed.
    n_threads : int or None, default=None
        Threads that compute. None takes as many as a step is worth, of the processors that this
        process may use; ``OMP_NUM_THREADS`` and threadpoolctl limit them. The numbers are the same
        for any of them.
    random_state : int, RandomState, Generator or None, default=None
        Source of the initial parameters and of the order of rows. The same int gives the same bits
        on the same machine; None gives others each time.

    Attributes
    ----------
    parameters : ndarray of shape (n_parameters,)
        All weights and biases: W0, b0, W1, b1, … Writing to it changes the network.
    weights, biases : tuples of ndarray
        Views of parameters, of shapes (n_in, n_out) and (n_out,).
    history : dict of lists
        Figures of each epoch trained so far; see `fit`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, or an output and a cost do not go together.

    Examples
    --------
    >>> import numpy as np, pynn
    >>> X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    >>> y = np.array([[0], [1], [1], [0]])
    >>> net = pynn.Network([2, 8, 1], activation="tanh", output_activation="sigmoid",
    ...                    cost="binary_cross_entropy", random_state=0)
    >>> net.fit(X, y, epochs=200, batch_size=4, optimizer=pynn.Adam(0.05)).predict(X).round()
    array([[0.],
           [1.],
           [1.],
           [0.]], dtype=float32)
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        *,
        activation: str | Sequence[str] = "relu",
        output_activation: str = "identity",
        cost: str | Cost = "squared_error",
        bias: bool = True,
        initializer: str = "auto",
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
        random_state: int | Random | None = None,
    ) -> None:
        architecture = Architecture.checked(
            layer_sizes, activation, output_activation, cost, bias, dtype
        )
        initializer = checks.choice("initializer", initializer, ["auto", *INITIALIZERS])
        super().__init__(architecture, n_threads)
        self._random = _random(random_state)
        self._optimizer: Optimizer | None = None
        self._state: _core.State | None = None
        self.history: dict[str, list[float]] = {"cost": []}
        sizes = pairwise(self.layer_sizes)
        for layer, ((n_in, n_out), name) in enumerate(zip(sizes, self.activations, strict=True)):
            W, b = initial_layer(initializer, self._random, n_in, n_out, name, bias)
            self.weights[layer][:] = W
            if bias:
                self.biases[layer][:] = b

    # ---- How it learns ---------------------------------------------------------------------------

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        optimizer: Optimizer | None = None,
        alpha: float | Sequence[float] = 0.0,
        l1: float | Sequence[float] = 0.0,
        dropout: float | Sequence[float] = 0.0,
        max_norm: float | None = None,
        clip_norm: float | None = None,
        sample_weight: ArrayLike | None = None,
        shuffle: bool = True,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        verbose: bool = False,
    ) -> Network:
        """Train by mini-batches, from the parameters as they are.

        `history` grows by one figure per epoch in each of its lists: "cost", the mean over the
        epoch's rows of what each mini-batch cost before its update, penalty included; and where
        `validation_data` is given "val_cost" and, for integer classes, "val_accuracy" after the
        epoch. An epoch that has no such figure is NaN there.

        Parameters
        ----------
        X, y, sample_weight, alpha, l1
            See `cost`. X of the network's dtype, dense or in the format CSR, is read where it lies.
        epochs : int, default=1
            Passes over all rows.
        batch_size : int, default=32
            Rows for each update; the last mini-batch of an epoch has what is left.
        optimizer : SGD, Adam, AdamW, RMSprop or Rprop, optional
            Update rule, with fresh state. None goes on with the rule of the last fit and its
            state; at first it is ``Adam()``.
        dropout : float or sequence of float, default=0.0
            Probability with which an activation is left out of an update, for all hidden layers or
            one for each, from 0 up to but not including 1; the others are divided by 1 − dropout
            (Srivastava et al. 2014). Nothing is left out where the network predicts.
        max_norm : float, optional
            Positive; the Euclidean norm to which the incoming weights of a unit, biases free, are
            scaled back after each update if they are longer (ibid.).
        clip_norm : float, optional
            Positive; the Euclidean norm to which the gradient over all parameters, the penalty's
            included, is scaled back before each update if it is longer (Pascanu, Mikolov & Bengio
            2013).
        shuffle : bool, default=True
            Go through the rows in another order in each epoch.
        validation_data : tuple (X, y), optional
            Rows that are not learned from.
        verbose : bool, default=False
            Print a line for each epoch.

        Returns
        -------
        Network
            self

        Raises
        ------
        TypeError, ValueError
            If an argument is not as described; the network is as it was.
        FloatingPointError
            If the cost or a parameter becomes infinite or NaN; the network is as it was.
        MemoryError
            If there is no memory for a mini-batch; the network is as it was.
        KeyboardInterrupt
            On Ctrl-C; the network is as after its last finished mini-batch.
        """
        data = self._data(X, y, sample_weight)
        regularisation = Regularisation.checked(
            len(self.weights),
            alpha=alpha,
            l1=l1,
            dropout=dropout,
            max_norm=max_norm,
            clip_norm=clip_norm,
        )
        epochs = checks.positive_integer("epochs", epochs)
        batch_size = checks.positive_integer("batch_size", batch_size)
        for name, flag in (("shuffle", shuffle), ("verbose", verbose)):
            if not isinstance(flag, bool | int | np.bool_):
                raise TypeError(f"{name} must be True or False, got {flag!r}")
        if optimizer is not None and not isinstance(optimizer, Optimizer):
            accepted = "SGD, Adam, AdamW, RMSprop or Rprop"
            raise TypeError(f"optimizer must be {accepted}, got {optimizer!r}")
        validation = self._validation(validation_data)
        table = EpochTable(epochs) if verbose else None
        with self._lock, self._training(optimizer) as state:
            order = np.arange(data.n_rows, dtype=np.int64)
            # Drawn only where it is used: other fits go on as if there were none.
            seed = _bit_generator(self._random).random_raw() if regularisation.dropout else 0
            # Python looks in after every epoch only where it has something to do there.
            block = 1 if validation or table else EPOCHS_PER_CALL
            for done in range(0, epochs, block):
                n_epochs = min(block, epochs - done)
                start = perf_counter()
                costs, error = self._train(
                    data,
                    state,
                    order,
                    shuffle,
                    n_epochs=n_epochs,
                    batch_size=batch_size,
                    regularisation=regularisation,
                    dropout_seed=seed,
                )
                seconds = perf_counter() - start
                self._record(costs, validation() if validation and len(costs) else {})
                if error:
                    raise error
                if table:
                    figures = {name: values[-1] for name, values in self.history.items()}
                    table.add(done + 1, figures, seconds, data.n_rows)
        return self

    def _validation(self, given: object) -> Any:
        """Return a function that measures the network on the validation data, or None."""
        if given is None:
            return None
        if not isinstance(given, tuple | list) or len(given) != 2:
            raise TypeError(f"validation_data must be a tuple (X, y), got {type(given).__name__}")
        X, y = given
        data = self._data(X, y, of="validation ")
        classes = np.asarray(y) if data.has_labels else None

        no_penalty = Regularisation.checked(len(self.weights))

        def measure() -> dict[str, float]:
            figures = {"val_cost": sum(self._cost(data, no_penalty))}
            if classes is not None:
                out = np.empty((data.n_rows, self.layer_sizes[-1]), self.dtype)
                n_threads = self._threads_for(data)
                self._core.predict(out, self._parameters, data, n_threads)
                figures["val_accuracy"] = float((out.argmax(axis=1) == classes).mean())
            return figures

        return measure

    def _record(self, costs: NDArray[np.float64], figures: dict[str, float]) -> None:
        """Add epochs to the history, whose lists stay of one length, and figures to the last."""
        n = len(self.history["cost"])
        self.history["cost"] += costs.sum(axis=1).tolist()
        for name in figures:
            if name not in self.history:
                self.history[name] = [math.nan] * n
        for name, values in self.history.items():
            values += [math.nan] * (n + len(costs) - len(values))
            if name in figures:
                values[-1] = figures[name]

    @contextmanager
    def _training(self, optimizer: Optimizer | None) -> Iterator[_core.State]:
        """Give the state to train with; undo everything on an error, but not on Ctrl-C."""
        fresh = optimizer is not None or self._state is None
        chosen = optimizer or self._optimizer or Adam()
        state = self._new_state(chosen) if fresh else self._state
        assert state is not None
        bits = _bit_generator(self._random)
        random_before, before = bits.state, self._parameters.copy()
        slots = [] if fresh else [slot.copy() for slot in state.slots]
        n_updates = state.n_updates
        n_epochs = len(self.history["cost"])
        names = list(self.history)
        try:
            yield state
        except Exception as error:
            epoch = len(self.history["cost"]) - n_epochs + 1
            self._parameters[:] = before
            bits.state = random_before
            self.history = {name: self.history[name][:n_epochs] for name in names}
            if not fresh:
                for slot, old in zip(state.slots, slots, strict=True):
                    slot[:] = old
                self._state = _core.State(
                    state.rule, state.slots, n_updates, **chosen._coefficients()
                )
            if isinstance(error, FloatingPointError):
                raise FloatingPointError(
                    f"the cost or a parameter became infinite or NaN in epoch {epoch}; the network "
                    f"is as it was before. A smaller learning rate than {chosen} or inputs of a "
                    "smaller scale may help"
                ) from None
            raise
        except BaseException:  # Ctrl-C: what was learned is kept
            self._optimizer, self._state = chosen, state
            raise
        self._optimizer, self._state = chosen, state

    def _new_state(
        self,
        optimizer: Optimizer,
        slots: list[NDArray[Any]] | None = None,
        n_updates: int = 0,
    ) -> _core.State:
        rule = optimizer._rule()
        if slots is None:
            slots = [zeros(self.n_parameters, self.dtype) for _ in range(_core.RULES[rule])]
        return _core.State(rule, slots, n_updates, **optimizer._coefficients())

    def _train(
        self,
        data: _core.Data,
        state: _core.State,
        order: NDArray[np.int64],
        shuffle: bool,
        *,
        n_epochs: int,
        batch_size: int,
        regularisation: Regularisation,
        rates: NDArray[np.float64] | None = None,
        dropout_seed: int = 0,
    ) -> tuple[NDArray[np.float64], BaseException | None]:
        """Train for some epochs; return (cost, penalty) of those finished, and what ended them.

        rates (n_epochs * updates of an epoch,) replaces the learning rate, update by update. What
        is dropped depends on dropout_seed, from 0 to 2**64 - 1, and on the number of updates that
        the state has seen: many calls of one epoch drop what one call of many does.
        """
        costs = np.empty((n_epochs, 2))
        bits = _bit_generator(self._random)
        with bits.lock:
            n_done, error = self._core.train(
                self._parameters,
                state,
                costs,
                data,
                order,
                bits if shuffle else None,
                n_epochs=n_epochs,
                batch_size=batch_size,
                regularisation=regularisation.core,
                rates=rates,
                dropout_seed=dropout_seed,
                n_threads=self._threads_for(data, min(batch_size, data.n_rows)),
            )
        return costs[:n_done], error

    # ---- How it is shown -------------------------------------------------------------------------

    def _repr_html_(self) -> str:
        """Circles and lines with a caption, for notebooks."""
        return markup.html(self)

    def _inside(
        self, X: ArrayLike | None = None, y: ArrayLike | None = None
    ) -> tuple[Model, Any, Any]:
        return self, X, y

    def _optimizer_at_work(self) -> tuple[str, int] | None:
        if self._state is None:
            return None
        return type(self._optimizer).__name__, len(self._state.slots)

    # ---- How it is kept --------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file in the safetensors format.

        Tensors are named weights.0, biases.0, weights.1, … from the input on; what else makes the
        network is JSON in the file's metadata. State of the optimizer and history are not kept.

        Parameters
        ----------
        path : str or path-like
            Where it goes; a file that is there is replaced.

        Raises
        ------
        ImportError
            If the package safetensors is missing: it comes with ``pynn-learn[safetensors]``.
        """
        files.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """Read a network that `save` wrote. Nothing in the file is executed.

        Parameters
        ----------
        path : str or path-like
            What `save` wrote.

        Returns
        -------
        Network

        Raises
        ------
        ValueError
            If the file is damaged, or not a network's.
        OSError
            If it cannot be read.
        ImportError
            If the package safetensors is missing: it comes with ``pynn-learn[safetensors]``.
        """
        return files.load(cls, path)

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_lock", "_core", "_state", "_parameters", "_weights", "_biases")
        state = {name: value for name, value in vars(self).items() if name not in left_out}
        state["_random"] = copy.deepcopy(self._random)
        state["history"] = copy.deepcopy(self.history)
        rule = self._state and (self._state.rule, self._state.slots, self._state.n_updates)
        return state | {"parameters": self._parameters, "rule": rule}

    def __setstate__(self, state: dict[str, Any]) -> None:
        rule, parameters = state.pop("rule"), state.pop("parameters")
        vars(self).update(state)
        self._set_parameters(zeros(len(parameters), self.dtype))
        self._parameters[:] = parameters  # a copy: joblib's memory maps are read-only
        self._state = None
        if rule and self._optimizer:
            name, slots, n_updates = rule
            self._state = _core.State(
                name, [np.array(s) for s in slots], n_updates, **self._optimizer._coefficients()
            )


def _random(given: object) -> Random:
    if isinstance(given, np.random.Generator):
        return given
    try:
        return np.random.RandomState() if given is None else check_random_state(given)
    except ValueError as error:
        raise ValueError(
            "random_state must be None, an int from 0 to 2**32 - 1, a RandomState or a Generator; "
            f"got {given!r}"
        ) from error


def _bit_generator(random: Random) -> np.random.BitGenerator:
    if isinstance(random, np.random.Generator):
        return random.bit_generator
    return random._bit_generator  # RandomState has no public name for it
