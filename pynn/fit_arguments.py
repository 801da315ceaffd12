"""Check the arguments of `Network.fit`, for a single network or a member of a population."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from numpy.typing import ArrayLike

from pynn import checks
from pynn.callbacks import EarlyStopping, scorings
from pynn.model.regularisation import Regularisation
from pynn.training import fitting, optimizers
from pynn.training.fitting import Ending
from pynn.training.learners import Learning
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
) -> Callable[[], Learning[Ending]]:
    """Check the arguments of a fit; return a function that trains, for `answered`.

    The result is the exception that ended training early, or None. The parameters are those
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


def dictionaries(members: Any) -> list[Mapping[str, Any]]:
    """Return a list of the members' arguments after a check of their type."""
    given = [] if isinstance(members, Mapping) else list(members)
    if not given or not all(isinstance(one, Mapping) for one in given):
        what = checks.listed(given) or type(members).__name__
        raise TypeError(f"members must be a sequence of dictionaries, got {what}")
    return given


def reusable(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Replace iterators by lists, as only one member could read an iterator, and only once."""
    return {k: list(v) if isinstance(v, Iterator) else v for k, v in arguments.items()}


# Members that are trained together agree in these, and may differ in these.
_COMMON = ("epochs", "batch_size", "optimizer", "alpha", "l1")
_FREE = ("sample_weight", "shuffle")


def common(network: Any, given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Any:
    """Return what members that are trained together have in common; None for one with extras."""
    extras = defaults.keys() - {*_COMMON, *_FREE}
    is_plain = all(given[name] is defaults[name] for name in extras)
    is_small = network._core.n_together > 1
    key = network._architecture, *(repr(given[name]) for name in _COMMON)
    return key if is_plain and is_small else None
