"""Epochs: a fit by mini-batches, from its first epoch to its last."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from pynn.estimators.descent import Descent
from pynn.estimators.learners import Learner
from pynn.estimators.outcomes import INTERRUPTED, NOT_CONVERGED, NOT_FINITE, Outcome, warn
from pynn.estimators.record import Record
from pynn.estimators.state import State
from pynn.estimators.supervised import Supervised
from pynn.estimators.validation import Validation
from pynn.network import Network

__all__ = ["Epochs"]

Array = NDArray[Any]

_BEST_KEPT = " The weights of the best validation score are kept."


class Epochs:
    """A fit by mini-batches.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    network : Network
    descent : Descent
    learner : Learner
    validation : Validation or None
    state : State
        What callbacks see.
    incremental : bool
        Whether this is one epoch of many that the user calls one by one.
    """

    def __init__(
        self,
        estimator: Supervised,
        network: Network,
        descent: Descent,
        learner: Learner,
        validation: Validation | None,
        state: State,
        incremental: bool,
    ) -> None:
        self.estimator, self.network, self.descent = estimator, network, descent
        self.learner, self.validation, self.state = learner, validation, state
        self.incremental = incremental
        self.best: Array | None = None
        by_score = bool(estimator.early_stopping and validation)
        self.record = Record(estimator, by_score)
        if by_score and validation is not None:
            self._start_from_the_best(validation)

    def _start_from_the_best(self, validation: Validation) -> None:
        """Begin with the weights that there are as the best, with their score if they have one."""
        estimator = self.estimator
        if self.incremental and hasattr(estimator, "_best_parameters"):
            self.best = estimator._best_parameters
            return
        estimator._forget("_best_parameters")  # of other calls
        self.best = self.network.parameters.copy()
        score = validation.figures()["val_score"] if estimator.loss_curve_ else -math.inf
        if score != estimator.best_validation_score_:  # that was of other rows
            estimator.best_validation_score_ = score
            self.record.be_patient()

    # ---- From epoch to epoch ---------------------------------------------------------------------

    def run(self) -> Outcome:
        """Train; return what warns of the outcome where there is need to."""
        estimator, state = self.estimator, self.state
        outcome: Outcome = None
        try:
            with state:
                outcome = self._go_on_until_stopped()
            if not (state.is_stopped or self.incremental):
                outcome = partial(warn, NOT_CONVERGED.format(state.max_epochs), ConvergenceWarning)
        except KeyboardInterrupt:
            self.record.interrupted()
            outcome = partial(warn, INTERRUPTED)
        estimator.stopped_early_ = state.is_stopped
        if self.best is not None:
            if self.incremental and not state.is_stopped:
                estimator._best_parameters = self.best
            else:
                self.network.parameters[:] = self.best
        return outcome

    def _go_on_until_stopped(self) -> Outcome:
        state = self.state
        while state.epoch < state.max_epochs and not state.is_stopped:
            rate = self.descent.rate_now
            try:
                loss, n_rows = self.learner.learn()
            except FloatingPointError:
                return self._diverged()
            figures = {"loss": loss}
            if self.validation is not None:
                figures |= self.validation.figures()
            figures["learning_rate"] = rate
            if self.record.add(n_rows, figures) and self.best is not None:
                self.best[:] = self.network.parameters
            self.descent.epoch_ended(self.estimator.t_, self._monitored(figures))
            verdict = self._slow_down() if self.record.stalls else ""
            state.epoch_ended(n_rows, figures)  # last, so that a checkpoint misses nothing
            if state.observers:
                self.estimator._return_to(self.network)
            if verdict and self.estimator.verbose:
                print(verdict)
        return None

    def _diverged(self) -> Outcome:
        """End with the best weights where there are any."""
        if self.best is None:
            raise ValueError(NOT_FINITE) from None
        self.state.stop()
        self.record.add(0, dict.fromkeys(("loss", "val_loss", "val_score"), math.nan))
        return partial(warn, NOT_FINITE + _BEST_KEPT, ConvergenceWarning)

    def _monitored(self, figures: dict[str, float]) -> float:
        """Return what a schedule goes by, the lower the better."""
        if self.record.by_score:
            return -figures["val_score"]
        return figures["val_loss" if self.validation else "loss"]

    def _slow_down(self) -> str:
        """After too many epochs without progress: go on at a lower rate, if at all. Say so."""
        descent, estimator = self.descent, self.estimator
        if descent.slow_down():
            self.record.be_patient()
            then = f"Setting learning rate to {descent.learning_rate:f}"
        else:
            self.state.stop()
            low = descent.schedule == "adaptive"
            then = "Learning rate too small. Stopping." if low else "Stopping."
        what = "Validation score" if self.record.by_score else "Training loss"
        return (
            f"{what} did not improve more than tol={estimator.tol:f} for "
            f"{estimator.n_iter_no_change} consecutive epochs. {then}"
        )
