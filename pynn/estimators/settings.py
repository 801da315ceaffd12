"""Settings: the parameters of both estimators, and the values that each accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from pynn.estimators._sklearn import Interval, Options, StrOptions
from pynn.model.architecture import ALIASES, HIDDEN_ACTIVATIONS
from pynn.training.schedules import Schedule

_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_DECAY = Interval(Real, 0, 1, closed="left")
_COUNT = Interval(Integral, 1, None, closed="left")


@dataclass(eq=False, repr=False)
class Settings(BaseEstimator):  # type: ignore[misc]
    """The parameters of both estimators, which `MLPClassifier` describes.

    From these lines the dataclass makes the `__init__` whose signature scikit-learn reads.
    """

    hidden_layer_sizes: ArrayLike = (100,)
    activation: str | Sequence[str] = "relu"
    _: KW_ONLY
    solver: str = "adam"
    alpha: float | Sequence[float] = 0.0001
    batch_size: int | str = "auto"
    learning_rate: str | Schedule = "constant"
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
    # From here on, parameters beyond scikit-learn's.
    scoring: str | Callable[..., float] | None = None
    callbacks: Sequence[Callable[[Any], Any]] | None = None
    dropout: float | Sequence[float] = 0.0
    l1: float | Sequence[float] = 0.0
    max_norm: float | None = None
    clip_norm: float | None = None
    weight_decay: float = 0.01
    rho: float = 0.9
    dtype: str = "auto"
    keep_optimizer: bool | None = None
    n_threads: int | None = None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": ["array-like", _COUNT],
        "activation": [StrOptions({*HIDDEN_ACTIVATIONS, *ALIASES}), "array-like"],
        "solver": [StrOptions({"lbfgs", "sgd", "adam", "adamw", "rmsprop", "rprop"})],
        "alpha": [_NOT_NEGATIVE, "array-like"],
        "batch_size": [StrOptions({"auto"}), _COUNT],
        "learning_rate": [StrOptions({"constant", "invscaling", "adaptive"}), Schedule],
        "learning_rate_init": [_POSITIVE],
        "power_t": [_NOT_NEGATIVE],
        "max_iter": [_COUNT],
        "shuffle": ["boolean"],
        "random_state": ["random_state"],
        "tol": [_NOT_NEGATIVE],
        "verbose": ["verbose"],
        "warm_start": ["boolean"],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "early_stopping": ["boolean"],
        "validation_fraction": [_DECAY],
        "beta_1": [_DECAY],
        "beta_2": [_DECAY],
        "epsilon": [_POSITIVE],
        "n_iter_no_change": [_COUNT, Options(Real, {np.inf})],
        "max_fun": [_COUNT],
        "scoring": [str, callable, None],
        "callbacks": [list, tuple, None],
        "dropout": [_DECAY, "array-like"],
        "l1": [_NOT_NEGATIVE, "array-like"],
        "max_norm": [_POSITIVE, None],
        "clip_norm": [_POSITIVE, None],
        "weight_decay": [_NOT_NEGATIVE],
        "rho": [_DECAY],
        "dtype": [StrOptions({"auto", "float32", "float64"})],
        "keep_optimizer": ["boolean", None],
        "n_threads": [_COUNT, None],
    }

    def _hidden_sizes(self) -> list[int]:
        """Return the units of each hidden layer."""
        sizes: Any = self.hidden_layer_sizes
        is_one = not isinstance(sizes, Iterable) or getattr(sizes, "ndim", 1) == 0
        hidden = [sizes] if is_one else list(sizes)
        if not all(isinstance(n, Integral) and not isinstance(n, bool) for n in hidden):
            raise TypeError(f"hidden_layer_sizes must be integers, got {hidden}")
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return hidden

    def _check_solver(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
            )
        return True
