"""Perceptron: what `MLPClassifier` and `MLPRegressor` are set to, and what they have learned."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from pynn.architecture import ALIASES
from pynn.initializers import initial_layer
from pynn.network import Network

__all__ = ["Perceptron"]

# Output activation, as scikit-learn calls it: the cost that goes with it
_COSTS = {
    "identity": "squared_error",
    "exp": "poisson",
    "logistic": "binary_cross_entropy",
    "softmax": "cross_entropy",
}


@dataclass(eq=False, repr=False)
class Settings(BaseEstimator):  # type: ignore[misc]
    """The parameters of both estimators, which `MLPClassifier` describes, and what each may be.

    From these lines the dataclass makes the `__init__` whose signature scikit-learn reads.
    """

    hidden_layer_sizes: ArrayLike = (100,)
    activation: str = "relu"
    _: KW_ONLY
    solver: str = "adam"
    alpha: float = 0.0001
    batch_size: int | str = "auto"
    learning_rate: str = "constant"
    learning_rate_init: float = 0.001
    power_t: float = 0.5
    max_iter: int = 200
    shuffle: bool = True
    random_state: int | np.random.RandomState | None = None
    tol: float = 1e-4
    verbose: bool | int = False
    warm_start: bool = False
    momentum: float = 0.9
    nesterovs_momentum: bool = True
    early_stopping: bool = False
    validation_fraction: float = 0.1
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    n_iter_no_change: float = 10
    max_fun: int = 15000
    n_threads: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [StrOptions({"identity", "logistic", "tanh", "relu"})],
        "solver": [StrOptions({"lbfgs", "sgd", "adam"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "batch_size": [StrOptions({"auto"}), Interval(Integral, 1, None, closed="left")],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"})],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "power_t": [Interval(Real, 0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="left")],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [Interval(Real, 0, None, closed="neither")],
        "n_iter_no_change": [
            Interval(Integral, 1, None, closed="left"),
            Options(Real, {np.inf}),
        ],
        "max_fun": [Interval(Integral, 1, None, closed="left")],
        "n_threads": [Interval(Integral, 1, None, closed="left"), None],
    }


class Perceptron(Settings):
    """Network and forward pass; `pynn.training.Trained` adds how it learns.

    All that was learned is in the lists `coefs_` and `intercepts_`. The network that computes is
    made from them wherever they are not views of it, so an array that a user puts there takes
    effect, and a pickle holds plain arrays.
    """

    n_layers_: int
    n_outputs_: int
    out_activation_: str
    coefs_: list[NDArray[Any]]
    intercepts_: list[NDArray[Any]]

    # ---- The network that computes ---------------------------------------------------------------

    def _output_activation(self) -> str:
        raise NotImplementedError

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def _forward(self, X: ArrayLike) -> NDArray[Any]:
        """Activations of the output layer, (n_samples, n_outputs)."""
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)  # which says so
        network = self._synchronised()
        validate = partial(
            validate_data,
            self,
            X,
            accept_sparse=("csr", "csc"),
            dtype=network.dtype,
            reset=False,
        )
        if not self._is_plain(X, network.dtype):
            return network._predict(validate(), known_finite=True)
        try:
            return network._predict(X, known_finite=get_config()["assume_finite"])
        except ValueError as error:
            refused = error
        validate()  # where X holds NaN it is this that says so, in scikit-learn's words
        raise refused

    def _is_plain(self, X: ArrayLike, dtype: np.dtype[Any]) -> bool:
        """Whether X is what validate_data returns as it is, but for a look for NaN.

        For a single row that function takes ten times as long as the network does.
        """
        return (
            type(X) is np.ndarray
            and X.dtype == dtype
            and X.ndim == 2
            and X.shape[1] == getattr(self, "n_features_in_", None)
            and not hasattr(self, "feature_names_in_")
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _synchronised(self) -> Network:
        """Return the network of which coefs_ and intercepts_ are views, after making them so."""
        network: Network | None = getattr(self, "_network", None)
        given = [*self.coefs_, *self.intercepts_]
        if network is not None and network.activations[:-1] == self._hidden_activations():
            views = [*network.weights, *network.biases]
            if len(given) == len(views) and all(map(operator.is_, given, views)):
                if network.n_threads != self.n_threads:
                    network.n_threads = self.n_threads
                return network
        coefs, intercepts = (
            [np.asarray(a) for a in kind] for kind in (self.coefs_, self.intercepts_)
        )
        single = all(array.dtype == np.float32 for array in [*coefs, *intercepts])
        network = self._new_network(_sizes(coefs, intercepts), np.float32 if single else np.float64)
        for view, array in zip(
            [*network.weights, *network.biases], [*coefs, *intercepts], strict=True
        ):
            view[:] = array
        self._show(network)
        return network

    def _hidden_activations(self) -> tuple[str, ...]:
        return (ALIASES.get(self.activation, self.activation),) * (len(self.coefs_) - 1)

    def _begin(self, n_in: int, n_out: int, dtype: DTypeLike, random: Any) -> None:
        """Make a network of random parameters; nothing is known of its training yet."""
        sizes: Any = self.hidden_layer_sizes
        hidden = list(sizes) if isinstance(sizes, Iterable) else [sizes]
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        self.out_activation_ = self._output_activation()
        network = self._new_network([n_in, *hidden, n_out], dtype, random)
        # scikit-learn's bound goes by the hidden activation, in the output layer too.
        activation = ALIASES.get(self.activation, self.activation)
        for W, b in zip(network.weights, network.biases, strict=True):
            W[:], b[:] = initial_layer("glorot_uniform", random, len(W), len(b), activation, True)
        self._show(network)
        self.n_layers_, self.n_outputs_ = len(hidden) + 2, n_out
        self.n_iter_ = self.t_ = 0
        self._forget("loss_", "loss_curve_", "validation_scores_", "_optimizer")
        self._forget("best_loss_", "best_validation_score_")

    def _new_network(self, sizes: Sequence[int], dtype: DTypeLike, random: Any = 0) -> Network:
        return Network(
            sizes,
            activation=self.activation,
            output_activation=self.out_activation_,
            cost=_COSTS[self.out_activation_],
            initializer="zeros",
            dtype=dtype,
            n_threads=self.n_threads,
            random_state=random,
        )

    def _show(self, network: Network) -> None:
        self._network = network
        self.coefs_, self.intercepts_ = list(network.weights), list(network.biases)

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_network", None)
        if not getattr(state.get("_optimizer"), "is_kept", False):
            state.pop("_optimizer", None)
        return state


def _sizes(coefs: list[NDArray[Any]], intercepts: list[NDArray[Any]]) -> list[int]:
    """Return the units of each layer, the input's first, that arrays of these shapes are for."""
    shapes = [W.shape for W in coefs], [b.shape for b in intercepts]
    sizes = [n for W in coefs[:1] for n in W.shape[:1]] + [b.size for b in intercepts]
    if not coefs or shapes != (list(pairwise(sizes)), [(n,) for n in sizes[1:]]):
        raise ValueError(
            "coefs_ must hold an array of shape (n_in, n_out) for each layer, n_in being n_out of "
            f"the layer before it, and intercepts_ one of shape (n_out,); got shapes {shapes[0]} "
            f"and {shapes[1]}"
        )
    return sizes
