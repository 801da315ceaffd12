"""Fitting: `Network.fit`, from its checked arguments to the loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pynn import _core, checks
from pynn.data import blocks
from pynn.data.samples import Samples
from pynn.model import judging
from pynn.model.regularisation import Regularisation
from pynn.training import averages, rate_factors
from pynn.training.averages import Average, Averaging
from pynn.training.descent import Descent
from pynn.training.forks import claim
from pynn.training.learners import Blocks, Learner, Learning, Plan, Rows, bit_generator
from pynn.training.loop import DivergenceError, Loop, Measure
from pynn.training.optimizers import Adam, Optimizer, Rprop
from pynn.training.rate_factors import RateFactors
from pynn.training.resume import Resumption, described
from pynn.training.schedules import Schedule
from pynn.training.state import State, in_order
from pynn.training.strengths import Schedules, Strengths
from pynn.training.undo import undone_on_error

Ending = KeyboardInterrupt | FloatingPointError | None  # what ended a fit early


@dataclass(frozen=True)
class Settings:
    """How a network is fitted: checked arguments of `Network.fit`."""

    epochs: int
    batch_size: int
    optimizer: Optimizer | None
    schedule: Schedule | None
    regularisation: Regularisation
    shuffle: bool
    validation_split: float
    callbacks: Sequence[Any]
    rate_factors: RateFactors = rate_factors.NONE
    average: Average | None = None
    schedules: Schedules = ()

    def __post_init__(self) -> None:
        """Check what does not depend on the data."""
        checks.positive_integer("epochs", self.epochs)
        checks.positive_integer("batch_size", self.batch_size)
        checks.flag("shuffle", self.shuffle)
        checks.number("validation_split", self.validation_split, "[0, 1)")
        if not isinstance(self.schedule, Schedule | None):
            raise TypeError(f"schedule must be a Schedule or None, got {self.schedule!r}")
        averages.checked(self.average, self.epochs)
        object.__setattr__(self, "callbacks", in_order(self.callbacks))


def prepared(
    network: Any,
    X: Any,
    y: ArrayLike | None,
    sample_weight: ArrayLike | None,
    validation_data: Any,
    settings: Settings,
) -> Callable[[], Learning[Ending]]:
    """Check the data; return a function that trains, for `answered`.

    The result is the exception of an interruption or divergence, or None. The error of a
    divergence has no traceback, so it does not keep the data alive.

    Parameters
    ----------
    network : Network
    X : {array-like, sparse matrix} of shape (n_rows, n_inputs), or source of blocks
    y : array-like, or None with a source
    sample_weight : array-like of shape (n_rows,), optional
    validation_data : tuple (X, y) or (X, y, sample_weight), optional
    settings : Settings
    """
    if validation_data is not None and settings.validation_split:
        raise ValueError("validation_data and validation_split cannot both be given")
    if y is None:
        samples = samples_of(network, *_first_block(X, sample_weight, settings))
    else:
        samples = samples_of(network, X, y, sample_weight)
    validation = None if validation_data is None else _validation(network, validation_data)
    return partial(_fit, network, samples, validation, X if y is None else None, settings)


def _fit(
    network: Any, samples: Samples, validation: Samples | None, source: Any, settings: Settings
) -> Learning[Ending]:
    try:
        with network._lock, undone_on_error(network, network._random):
            _claim = claim(network, network._random)
            resumption, _ = Resumption.wanted(
                settings.callbacks,
                lambda: _description(network, samples, validation, settings),
                network._random,
            )
            if settings.validation_split:
                samples, validation = samples.split(settings.validation_split, network._random)
            if source is not None:
                samples = samples.outline()  # the block is read again in its turn
            loop = _loop(network, samples, validation, source, settings, resumption)
            yield from loop.run()
    except DivergenceError as error:
        return FloatingPointError(
            f"training diverged in epoch {loop.state.epoch + 1}: {error}; the network is "
            f"unchanged. A smaller learning rate than {loop.descent.optimizer} or inputs of a "
            "smaller scale may help"
        )
    return loop.take_interruption()


def _loop(
    network: Any,
    train: Samples,
    validation: Samples | None,
    source: Any,
    settings: Settings,
    resumption: Resumption | None,
) -> Loop:
    """Return the loop over these samples, or over the blocks of a source."""
    descent = network._descent = _descent(network._descent, settings)
    if resumption:
        resumption.prepare(descent, network.parameters)
    # The seed is drawn only if it is used: other fits then have the same random numbers.
    has_dropout = bool(settings.regularisation.dropout)
    seed = bit_generator(network._random).random_raw() if has_dropout else 0
    averaging = None
    if settings.average is not None:
        n_updates = descent.state_on(network).n_updates
        averaging = Averaging(settings.average, network._parameters, n_updates)
    state = State(
        network,
        network,
        network._history,
        settings.epochs,
        list(settings.callbacks),
        train=train if source is None else None,
        validation=validation,
        descent=descent,
    )
    strengths = Strengths(settings.regularisation, settings.schedules, descent.optimizer, state)
    plan = Plan(
        settings.batch_size,
        settings.shuffle,
        settings.regularisation,
        network._random,
        seed,
        settings.rate_factors,
        averaging,
        strengths if strengths.change else None,
    )
    learner: Learner
    if source is None:
        learner = Rows(network, _data(network, train), descent, plan)
    else:
        learner = Blocks(network, source, partial(_data_of_block, network), descent, plan)
    measures = [] if validation is None else [_measure(network, validation)]
    loop = Loop(state, network._history, learner, descent, measures)
    if resumption:
        resumption.attach(loop)
    return loop


def _descent(before: Descent | None, settings: Settings) -> Descent:
    """Return a new descent, or the last one if no optimizer is given."""
    rule = settings.optimizer or (before.optimizer if before else Adam())
    if settings.schedule is not None and isinstance(rule, Rprop):
        raise ValueError(
            "Rprop chooses its own steps: schedule must be None, got "
            f"{type(settings.schedule).__name__}"
        )
    settings.rate_factors.check_with(rule)
    descent = Descent(rule, settings.schedule or "constant")
    return before.continued_as(descent) if before and settings.optimizer is None else descent


def _first_block(source: Any, weights: Any, settings: Settings) -> tuple[Any, Any, Any]:
    if hasattr(source, "shape"):
        raise TypeError("y is missing: it is optional only if X is a source of blocks (X, y)")
    if weights is not None:
        raise TypeError("sample_weight must be in the blocks (X, y, sample_weight) of a source")
    if settings.validation_split:
        raise ValueError("a source of blocks cannot be split: use validation_data")
    return next(blocks.blocks_of(source))


def samples_of(network: Any, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> Samples:
    """Return rows with encoded targets, in place where the core reads them so."""
    encoded = checks.as_array("y", network._architecture.encoded(y))
    if checks.is_sparse(X):
        network._rows(X)  # SciPy trusts damaged ones
        rows = X.tocsr()
    else:
        rows = checks.real_array("X", X, network.dtype)
        if network.embeddings:  # codes are checked before they are rounded
            network._rows(X)
    weights = sample_weight
    if weights is not None:
        weights = checks.real_array("sample_weight", weights, np.dtype(np.float64))
    return Samples(rows, encoded, np.asarray(y), weights)


def _data(network: Any, samples: Samples) -> _core.Data:
    data: _core.Data = network._data(samples.X, samples.y, samples.weights)
    return data


def _data_of_block(network: Any, X: Any, y: Any, sample_weight: Any) -> _core.Data:
    return _data(network, samples_of(network, X, y, sample_weight))


def _validation(network: Any, given: Any) -> Samples:
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise TypeError(
            "validation_data must be a tuple (X, y) or (X, y, sample_weight), got "
            f"{type(given).__name__}"
            + (f" of {len(given)}" if isinstance(given, tuple | list) else "")
        )
    X, y, weights = (*given, None)[:3]
    encoded = network._architecture.encoded(y, "validation y")
    network._data(X, encoded, weights, of="validation ")  # before anything is learned
    return samples_of(network, X, y, weights)


def _measure(network: Any, samples: Samples) -> Measure:
    """Return a function that computes cost and score of validation samples."""
    data = network._data(samples.X, samples.y, samples.weights, known_finite=True)
    no_penalty = Regularisation.checked(len(network.weights))

    def figures() -> dict[str, float]:
        cost, _ = network._cost(data, no_penalty)
        out = network._predict(samples.X, known_finite=True)
        score = judging.score(network._architecture, out, samples.y, samples.weights)
        return {"val_cost": cost, "val_score": score}

    return figures


def _description(
    network: Any, samples: Samples, validation: Samples | None, settings: Settings
) -> dict[str, str]:
    """Describe everything that must be the same when a checkpoint is resumed."""
    names = ("batch_size", "optimizer", "schedule", "regularisation", "shuffle", "validation_split")
    told: dict[str, object] = {name: getattr(settings, name) for name in names}
    if settings.rate_factors != rate_factors.NONE:  # checkpoints of older versions do not name them
        told["learning_rate_factors"] = settings.rate_factors
    if settings.average is not None:
        told["average"] = settings.average
    if settings.schedules:
        told["schedules"] = settings.schedules
    arrays = {"X": samples.X, "y": samples.y, "weights": samples.weights}
    for name in ("X", "y", "sample_weight") if validation else ():
        arrays[f"validation data with {name}"] = getattr(validation, name)
    return described(told | {"network": network}, **arrays)
