"""Translation: the parameters of an estimator, as `pynn.training` takes them."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from pynn import checks
from pynn.model.model import Model
from pynn.model.regularisation import Regularisation
from pynn.training import workers
from pynn.training.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop, Rprop
from pynn.training.schedules import Schedule


def check_solver_takes_all(estimator: Any) -> None:
    """Refuse parameters beyond scikit-learn's that the solver cannot use."""
    if estimator.solver == "lbfgs":
        for name, rest in {"dropout": 0, "max_norm": None, "clip_norm": None}.items():
            value = getattr(estimator, name)
            if np.any(value) if rest == 0 else value is not None:
                raise ValueError(f'{name} must be {rest} with solver="lbfgs", got {value!r}')
    if estimator.solver in ("lbfgs", "rprop") and isinstance(estimator.learning_rate, Schedule):
        raise ValueError(
            f"solver {estimator.solver!r} chooses its own steps: learning_rate must be a name, "
            f"got {estimator.learning_rate!r}"
        )


def source(estimator: Any) -> Any:
    """Return the source of random numbers of a fit.

    In a worker it is never NumPy's global one: a fit holds the lock of its source, so fits with one
    source would wait for each other.
    """
    random = check_random_state(estimator.random_state)
    if estimator.random_state is None and workers.caller():
        random = np.random.RandomState(random.randint(2**31))
    return random


def rule(estimator: Any) -> Optimizer:
    """Return the update rule of a solver that learns in mini-batches."""
    rate = checks.as_float(estimator.learning_rate_init)
    epsilon = checks.as_float(estimator.epsilon)
    adam = (rate, float(estimator.beta_1), float(estimator.beta_2), epsilon)
    rules: dict[str, Callable[[], Optimizer]] = {
        "adam": lambda: Adam(*adam),
        "adamw": lambda: AdamW(*adam, checks.as_float(estimator.weight_decay)),
        "rmsprop": lambda: RMSprop(rate, float(estimator.rho), epsilon),
        "rprop": lambda: Rprop(rate),
        "sgd": lambda: SGD(rate, float(estimator.momentum), bool(estimator.nesterovs_momentum)),
    }
    return rules[estimator.solver]()


def regularisation(estimator: Any, network: Model) -> Regularisation:
    """Return penalties, dropout and limits; scikit-learn divides penalties by a batch's rows."""

    def number(value: Any) -> Any:  # scikit-learn takes True for 1
        return checks.as_float(value) if isinstance(value, Real) else value

    return Regularisation.checked(
        len(network.weights),
        alpha=number(estimator.alpha),
        l1=number(estimator.l1),
        dropout=number(estimator.dropout),
        max_norm=estimator.max_norm,
        clip_norm=estimator.clip_norm,
        by_row=True,
    )
