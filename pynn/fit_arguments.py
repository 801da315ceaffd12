"""Check the arguments of `Network.fit`, for a single network or a member of a population."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import ArrayLike

from pynn import checks
from pynn.callbacks import EarlyStopping, scorings
from pynn.model.regularisation import Regularisation
from pynn.training import fitting, optimizers
from pynn.training.progress import Report
from pynn.training.rate_factors import RateFactors
from pynn.training.schedules import Schedule
from pynn.training.strengths import split


def prepared(
    network: Any,
    X: Any,
    y: ArrayLike | None,
    *,
    sample_weight: Any,
    validation_data: Any,
    validation_split: float,
    early_stopping: bool,
    optimizer: Any,
    learning_rate_factors: Any,
    metrics: Any,
    callbacks: Any,
    verbose: bool | int,
    epochs: int,
    batch_size: int,
    schedule: Schedule | None,
    shuffle: bool,
    average: Any,
    **regularisation: Any,
) -> Callable[[], KeyboardInterrupt | FloatingPointError | None]:
    """Check the arguments of a fit; return a function that trains.

    The function returns the exception that ended training early, or None. The parameters are those
    of `Network.fit`, without defaults.
    """
    early_stopping = checks.flag("early_stopping", early_stopping)
    if early_stopping and validation_data is None and not validation_split and y is not None:
        validation_split = 0.1
    has_validation = validation_data is not None or bool(validation_split)
    if early_stopping and not has_validation:
        raise ValueError("with early_stopping=True, a source of blocks needs validation_data")
    regularisation, schedules = split(regularisation, len(network.weights))
    settings = fitting.Settings(
        epochs,
        batch_size,
        None if optimizer is None else optimizers.chosen(optimizer),
        schedule,
        Regularisation.checked(len(network.weights), **regularisation),
        shuffle,
        validation_split,
        [
            *scorings(metrics, y is not None, has_validation),
            *([EarlyStopping(patience=10)] if early_stopping else []),
            *callbacks,
            *([Report(int(verbose))] if checks.flag("verbose", verbose) else []),
        ],
        RateFactors.checked(learning_rate_factors, network._architecture),
        average,
        schedules,
    )
    return fitting.prepared(network, X, y, sample_weight, validation_data, settings)
