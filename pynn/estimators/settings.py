"""Settings: the parameters of both estimators, and the values that each accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field, fields
from functools import cache
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from pynn import checks
from pynn.estimators._sklearn import Interval, Options, StrOptions
from pynn.model.activations import ALIASES, HIDDEN_ACTIVATIONS, Activation
from pynn.training.schedules import Schedule

_NOT_NEGATIVE = Interval(Real, 0, None, closed="left")
_POSITIVE = Interval(Real, 0, None, closed="neither")
_DECAY = Interval(Real, 0, 1, closed="left")
_COUNT = Interval(Integral, 1, None, closed="left")


def parameter(default: Any, *accepts: Any) -> Any:
    """Return the field of a parameter: its default, and the values that scikit-learn accepts."""
    return field(default=default, metadata={"accepts": [*accepts]})


def among(*names: str) -> StrOptions:
    """Return the constraint to these names; messages list them in this order, as no set would."""
    return StrOptions(dict.fromkeys(names).keys())


@cache
def _constraints(kind: Any) -> dict[str, list[Any]]:
    return {field.name: field.metadata["accepts"] for field in fields(kind)}


@dataclass(eq=False, repr=False)
class Settings(BaseEstimator):  # type: ignore[misc]
    """The parameters of both estimators, which `MLPClassifier` describes.

    From these lines the dataclass makes the `__init__` whose signature scikit-learn reads.
    """

    hidden_layer_sizes: ArrayLike = parameter((100,), "array-like", _COUNT)
    activation: str | Activation | Sequence[str | Activation] = parameter(
        "relu", among(*HIDDEN_ACTIVATIONS, *ALIASES), Activation, "array-like"
    )
    _: KW_ONLY
    solver: str = parameter("adam", among("lbfgs", "sgd", "adam", "adamw", "rmsprop", "rprop"))
    alpha: float | Sequence[float] = parameter(0.0001, _NOT_NEGATIVE, "array-like")
    batch_size: int | str = parameter("auto", among("auto"), _COUNT)
    learning_rate: str | Schedule = parameter(
        "constant", among("constant", "invscaling", "adaptive"), Schedule
    )
    learning_rate_init: float = parameter(0.001, _POSITIVE)
    power_t: float = parameter(0.5, _NOT_NEGATIVE)
    max_iter: int = parameter(200, _COUNT)
    shuffle: bool = parameter(True, "boolean")
    random_state: int | np.random.RandomState | None = parameter(None, "random_state")
    tol: float = parameter(1e-4, _NOT_NEGATIVE)
    verbose: bool | int = parameter(False, "verbose")
    warm_start: bool = parameter(False, "boolean")
    momentum: float = parameter(0.9, Interval(Real, 0, 1, closed="both"))
    nesterovs_momentum: bool = parameter(True, "boolean")
    early_stopping: bool = parameter(False, "boolean")
    validation_fraction: float = parameter(0.1, _DECAY)
    beta_1: float = parameter(0.9, _DECAY)
    beta_2: float = parameter(0.999, _DECAY)
    epsilon: float = parameter(1e-8, _POSITIVE)
    n_iter_no_change: float = parameter(10, _COUNT, Options(Real, {np.inf}))
    max_fun: int = parameter(15000, _COUNT)
    # From here on, parameters beyond scikit-learn's.
    scoring: str | Callable[..., float] | None = parameter(None, str, callable, None)
    callbacks: Sequence[Callable[[Any], Any]] | None = parameter(None, list, tuple, None)
    dropout: float | Sequence[float] = parameter(0.0, _DECAY, "array-like")
    l1: float | Sequence[float] = parameter(0.0, _NOT_NEGATIVE, "array-like")
    max_norm: float | None = parameter(None, _POSITIVE, None)
    clip_norm: float | None = parameter(None, _POSITIVE, None)
    weight_decay: float = parameter(0.01, _NOT_NEGATIVE)
    rho: float = parameter(0.9, _DECAY)
    dtype: str = parameter("auto", among("auto", "float32", "float64"))
    keep_optimizer: bool | None = parameter(None, "boolean", None)
    n_threads: int | None = parameter(None, _COUNT, None)
    n_members: int = parameter(1, _COUNT)

    @property
    def _parameter_constraints(self) -> dict[str, list[Any]]:
        """The values that each parameter accepts, as scikit-learn reads them."""
        return _constraints(type(self))  # type: ignore[arg-type]  # classes have a hash

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Return the names of all parameters; scikit-learn would read the signature each time."""
        names: list[str] = super()._get_param_names()
        return names

    def _hidden_sizes(self) -> list[int]:
        """Return the units of each hidden layer."""
        sizes: Any = self.hidden_layer_sizes
        is_one = not isinstance(sizes, Iterable) or getattr(sizes, "ndim", 1) == 0
        hidden = [sizes] if is_one else list(sizes)
        if not all(isinstance(n, Integral) and not isinstance(n, bool) for n in hidden):
            raise TypeError(f"hidden_layer_sizes must be integers, got {hidden}")
        if any(size <= 0 for size in hidden):
            raise ValueError(f"hidden_layer_sizes must be > 0, got {hidden}.")
        return [checks.positive_integer("each of hidden_layer_sizes", n) for n in hidden]

    def _check_solver(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
            )
        return True
