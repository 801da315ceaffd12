"""Perceptron: what `MLPClassifier` and `MLPRegressor` have learned, and what they predict by it."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import pairwise
from numbers import Integral
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn import get_config
from sklearn.utils._set_output import _wrap_data_with_container
from sklearn.utils.validation import (
    _check_feature_names_in,
    check_is_fitted,
    validate_data,
)

from pynn import checks
from pynn.estimators.settings import Settings
from pynn.inspection.inspected import Inspected
from pynn.model.architecture import ALIASES
from pynn.model.costs import Cost
from pynn.model.initializers import initial_layer
from pynn.network import Network

__all__ = ["Perceptron"]

# Output activation, as scikit-learn calls it: a cost that goes with it, where none is asked for
_COSTS = {
    "identity": "squared_error",
    "exp": "poisson",
    "logistic": "binary_cross_entropy",
    "softmax": "cross_entropy",
}
_NOT_DRAWN_FROM = np.random.RandomState(0)  # a network gets its own when it is fitted


class Perceptron(Inspected, Settings):
    """Network and forward pass; `pynn.estimators.training.Trained` adds how it learns.

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

    def _cost(self) -> str | Cost:
        """Return what training minimises."""
        return _COSTS[self.out_activation_]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "coefs_")

    def _forward(self, X: ArrayLike, layer: int | None = None) -> NDArray[Any]:
        """Activations of the output layer, or of another, (n_samples, n_units)."""
        if not self.__sklearn_is_fitted__():
            check_is_fitted(self)  # which says so
        network = self._synchronised()
        depth = None if layer is None else self._depth(layer)
        validate = partial(
            validate_data,
            self,
            X,
            accept_sparse=("csr", "csc"),
            dtype=network.dtype,
            reset=False,
        )
        if not self._is_plain(X, network.dtype):
            return network._predict(validate(), True, depth)
        try:
            return network._predict(X, get_config()["assume_finite"], depth)
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

    def _synchronised(self, cost: str | Cost | None = None) -> Network:
        """Return the network of which coefs_ and intercepts_ are views, after making them so."""
        network: Network | None = getattr(self, "_network", None)
        given = [*self.coefs_, *self.intercepts_]
        if (
            network is not None
            and (cost is None or cost == network.cost_function)
            and network.activations[:-1] == self._hidden_activations(len(self.coefs_) - 1)
        ):
            views = [*network.weights, *network.biases]
            if len(given) == len(views) and all(map(operator.is_, given, views)):
                if network.n_threads != self.n_threads:
                    network.n_threads = self.n_threads
                return network
        coefs, intercepts = (
            [np.asarray(a) for a in kind] for kind in (self.coefs_, self.intercepts_)
        )
        single = all(array.dtype == np.float32 for array in [*coefs, *intercepts])
        dtype = np.float32 if single else np.float64
        network = self._new_network(_sizes(coefs, intercepts), dtype, cost)
        for view, array in zip(
            [*network.weights, *network.biases], [*coefs, *intercepts], strict=True
        ):
            view[:] = array
        self._show(network)
        return network

    def _return_to(self, network: Network, keep: bool = True) -> None:
        """Let coefs_ be views of a network in training again, if a callback has put others there.

        The network takes over their numbers, unless they are not to be kept.
        """
        current = self._synchronised(network.cost_function)
        if current is network:
            return
        if current.layer_sizes != network.layer_sizes:
            raise ValueError(
                f"a callback has put arrays of other shapes into coefs_: layers of "
                f"{current.layer_sizes} units instead of {network.layer_sizes}"
            )
        if keep:
            network.parameters[:] = current.parameters
        self._show(network)

    def _hidden_activations(self, n_layers: int) -> tuple[str, ...]:
        names: Any = self.activation
        if isinstance(names, str):
            return (ALIASES.get(names, names),) * n_layers
        return tuple(ALIASES.get(name, name) for name in names)

    def _begin(self, n_in: int, n_out: int, dtype: DTypeLike, random: Any) -> None:
        """Make a network of random parameters; nothing is known of its training yet."""
        self.out_activation_ = self._output_activation()
        network = self._new_network([n_in, *self._hidden_sizes(), n_out], dtype, self._cost())
        # scikit-learn's bound goes by the hidden activation, in the output layer too.
        hidden = self._hidden_activations(1)[-1:] or ("identity",)
        names = [*network.activations[:-1], *hidden]
        for W, b, name in zip(network.weights, network.biases, names, strict=True):
            W[:], b[:] = initial_layer("glorot_uniform", random, len(W), len(b), name, True)
        self._show(network)
        self.n_layers_, self.n_outputs_ = len(network.layer_sizes), n_out
        self.n_iter_ = self.t_ = 0
        self._forget("loss_", "loss_curve_", "history_", "validation_scores_", "stopped_early_")
        self._forget("best_loss_", "best_validation_score_", "_best_parameters", "_optimizer")
        self._forget("_split_before")

    def _hidden_sizes(self) -> list[int]:
        sizes: Any = self.hidden_layer_sizes
        is_one = not isinstance(sizes, Iterable) or getattr(sizes, "ndim", 1) == 0
        hidden = [sizes] if is_one else list(sizes)
        if not all(isinstance(n, Integral) and not isinstance(n, bool) for n in hidden):
            raise TypeError(f"hidden_layer_sizes must be integers, got {hidden}")
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return hidden

    def _new_network(
        self, sizes: Sequence[int], dtype: DTypeLike, cost: str | Cost | None = None
    ) -> Network:
        network = Network(
            sizes,
            activation=self.activation,
            output_activation=self.out_activation_,
            cost=cost or _COSTS[self.out_activation_],
            initializer="zeros",
            dtype=dtype,
            n_threads=self.n_threads,
            random_state=_NOT_DRAWN_FROM,
        )
        network._cap_cost()  # losses are scikit-learn's, of probabilities that it cuts off
        return network

    def _show(self, network: Network) -> None:
        self._network = network
        self.coefs_, self.intercepts_ = list(network.weights), list(network.biases)

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name in ("_network", "_fit_under_way"):
            state.pop(name, None)
        optimizer = state.get("_optimizer")
        keeps = optimizer is not None and optimizer.is_kept
        if not (keeps if self.keep_optimizer is None else self.keep_optimizer):
            state.pop("_optimizer", None)
        return state

    # ---- Hidden activations ----------------------------------------------------------------------

    def transform(self, X: ArrayLike, layer: int = -2) -> Any:
        """Activations of a layer, by default the last hidden one: features that were learned.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        layer : int, default=-2
            Which layer, the input being 0, the output -1 or ``n_layers_ - 1``.

        Returns
        -------
        ndarray of shape (n_samples, n_units)
            Or what `set_output` asks for.

        Raises
        ------
        TypeError, ValueError
            If X does not hold finite numbers of this shape, or there is no such layer behind the
            input.
        """
        out = self._forward(X, layer)
        names = partial(self.get_feature_names_out, layer=layer)
        config = getattr(self, "_sklearn_output_config", {})
        keys = self._sklearn_auto_wrap_output_keys
        as_transformer = SimpleNamespace(
            get_feature_names_out=names,
            _sklearn_output_config=config,
            _sklearn_auto_wrap_output_keys=keys,
        )
        return _wrap_data_with_container("transform", out, X, as_transformer)

    def get_feature_names_out(
        self, input_features: ArrayLike | None = None, layer: int = -2
    ) -> NDArray[Any]:
        """Names of the columns that `transform` makes: the class's name and a number.

        Parameters
        ----------
        input_features : array-like of str, optional
            Only checked.
        layer : int, default=-2
            As for `transform`.

        Returns
        -------
        ndarray of str objects, shape (n_units,)

        Raises
        ------
        ValueError
            If there is no such layer, or input_features are not those of `fit`.
        """
        check_is_fitted(self)
        _check_feature_names_in(self, input_features, generate_names=False)
        n_units = len(self.intercepts_[self._depth(layer) - 1])
        return np.array([f"{type(self).__name__.lower()}{i}" for i in range(n_units)], dtype=object)

    def _depth(self, layer: object) -> int:
        """Count the layers of weights up to this layer."""
        return checks.layer(layer, len(self.coefs_))


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
