"""The one loop over epochs, for `Network.fit` and for every fit of an estimator."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from typing import Any

from pynn.training.descent import Descent
from pynn.training.history import History, Patience
from pynn.training.learners import Costs, Learner, Learning, Rows
from pynn.training.state import State

EPOCHS_PER_CALL = 65536  # of the core at most: 1 MB of costs

Measure = Callable[[], dict[str, float]]


class DivergenceError(FloatingPointError):
    """A cost or a parameter became infinite or NaN."""


class Loop:
    """A fit by mini-batches.

    Parameters
    ----------
    state : State
        What callbacks see.
    history : History
    learner : Learner
    descent : Descent
    measures : sequence of functions
        Each returns figures of a validation set.
    patience : Patience, optional
        Ends the fit, or slows it down, where a figure does not improve.
    keeps_best : bool, default=False
        Whether the parameters of the best epoch by patience are restored.
    divisor : float, default=1.0
        Of the cost in the figures.
    """

    def __init__(
        self,
        state: State,
        history: History,
        learner: Learner,
        descent: Descent,
        measures: Sequence[Measure] = (),
        patience: Patience | None = None,
        keeps_best: bool = False,
        divisor: float = 1.0,
    ) -> None:
        self.state, self.history, self.learner, self.descent = state, history, learner, descent
        self.measures, self.patience, self.divisor = measures, patience, divisor
        self.keeps_best = keeps_best
        self._interruption: KeyboardInterrupt | None = None
        self._before: Any = None  # counts at the start of the current epoch
        self._begun = 0, 0  # epochs and updates when the fit began
        self._call: tuple[float, Patience | None] = 0.0, None  # rate, and what the core judges by

    def take_interruption(self) -> KeyboardInterrupt | None:
        """Return the exception that interrupted the fit, and forget it.

        Its traceback has a frame with this loop, so together they would keep the data alive.
        """
        error, self._interruption = self._interruption, None
        return error

    def run(self) -> Learning[str]:
        """Train; return how it ended: "finished", "stopped", "diverged" or "interrupted".

        Raises
        ------
        DivergenceError
            If training diverges and there are no best parameters to return to.
        """
        state, history = self.state, self.history
        history.n_epochs, history.best_epoch, n_before = state.epoch, None, len(history)
        n_before -= state.epoch  # those of a resumed fit
        self._begun = state.epoch, self.descent.n_updates
        try:
            with state, self.learner.session:
                ending = yield from self._until_stopped(self._epochs_at_once())
        except KeyboardInterrupt as error:
            ending, self._interruption = "interrupted", error
            self._forget_half_an_epoch(n_before + state.epoch)
            self._keep_whole_epochs()
        history.is_stopped = state.is_stopped
        best = history.best_parameters
        if self.keeps_best and best is not None and (state.is_stopped or not state.incremental):
            state.network.parameters[:] = best
            history.best_epoch = self._best_epoch()
            history.best_parameters = None
        return ending

    def _forget_half_an_epoch(self, n_epochs: int) -> None:
        """Undo the figures of an epoch that was interrupted before callbacks heard of it."""
        history = self.history
        if history.n_epochs > self.state.epoch or len(history) > n_epochs:
            history.n_epochs = self.state.epoch
            history.n_samples, history.best_parameters, best, n_stalled = self._before
            if self.patience is not None:
                self.patience.best, self.patience.n_stalled = best, n_stalled
        history.cut(n_epochs)

    def _keep_whole_epochs(self) -> None:
        """Record the epochs that the core had finished when Ctrl-C came just after its call."""
        learner, (epoch, n_updates) = self.learner, self._begun
        if isinstance(learner, Rows) and self._epochs_at_once() > 1:
            n_done = (self.descent.n_updates - n_updates) // learner.n_updates
            n_missing = n_done - (self.state.epoch - epoch)
            if n_missing:
                self._record(learner.costs[:n_missing])
                self.state.epoch += n_missing

    def _best_epoch(self) -> int | None:
        assert self.patience is not None
        values, best = self.history.figures.get(self.patience.monitor, []), self.patience.best_value
        return values.index(best) + 1 if best in values else None

    def _until_stopped(self, most: int) -> Learning[str]:
        state, averaging = self.state, self.learner.plan.averaging
        while state.epoch < state.max_epochs and not state.is_stopped:
            n_epochs = min(most, state.max_epochs - state.epoch)
            rate = self.descent.rate_now
            judged = copy.copy(self.patience) if n_epochs > 1 else None
            self._call = rate, judged
            costs, error = yield from self.learner.learn(n_epochs, judged, self.divisor)
            if isinstance(error, FloatingPointError | MemoryError):
                error.__traceback__ = None  # its frames refer to it: the cycle would keep the data
            if isinstance(error, FloatingPointError) and self.keeps_best:
                self._diverged()
                return "diverged"
            if n_epochs > 1:
                self._take_down(costs)
            if isinstance(error, FloatingPointError):
                raise DivergenceError(str(error))
            if error is not None:
                try:
                    raise error
                finally:
                    del error  # this frame is in its traceback
            if n_epochs == 1:
                if averaging is not None:
                    averaging.epoch_ended(state.epoch + 1)
                self._epoch_ended(costs[0].tolist(), rate)
        return "stopped" if state.is_stopped else "finished"

    def _epochs_at_once(self) -> int:
        """Return 1 if Python has something to do after each epoch."""
        patience = self.patience
        in_core = patience is None or (patience.monitor == "cost" and not self.keeps_best)
        plan = self.learner.plan
        averages = plan.averaging is not None and plan.averaging.is_by_epoch
        looks_in = self.measures or self.state.observers or not in_core or averages
        is_constant = self.descent.schedule == "constant" and plan.strengths is None
        return 1 if looks_in or self.learner.order is None or not is_constant else EPOCHS_PER_CALL

    def _take_down(self, costs: Costs) -> None:
        """Record several epochs, and act on the outcome of patience in the core."""
        self._remember()
        self._record(costs)
        if self.patience is not None and self.patience.is_exhausted:
            self._slow_down_or_stop(self.patience)
        self.state.epoch += len(costs)

    def _record(self, costs: Costs) -> None:
        """Record several epochs of one call of the core."""
        rate, judged = self._call
        cost, penalty = costs.T
        columns = {"cost": (cost / self.divisor + penalty).tolist()}
        if penalty.any():
            columns["penalty"] = penalty.tolist()
        self.history.extend(columns | {"learning_rate": [rate] * len(costs)})
        self.history.n_epochs += len(costs)
        self.history.n_samples += len(costs) * self.learner.n_rows
        if self.patience is not None and judged is not None:
            self.patience.best, self.patience.n_stalled = judged.best, judged.n_stalled

    def _remember(self) -> None:
        """Keep the counts that Ctrl-C amid the figures of an epoch brings back."""
        history, patience = self.history, self.patience
        stalled = (patience.best, patience.n_stalled) if patience else (0.0, 0)
        self._before = history.n_samples, history.best_parameters, *stalled

    def _epoch_ended(self, costs: list[float], rate: float) -> None:
        state, history, n_rows = self.state, self.history, self.learner.n_rows
        patience = self.patience
        self._remember()
        cost, penalty = costs
        figures = {"cost": cost / self.divisor + penalty}
        if penalty:
            figures["penalty"] = penalty
        for measure in self.measures:
            figures |= measure()
        figures["learning_rate"] = rate
        history.add(figures)
        history.n_epochs += 1
        history.n_samples += n_rows
        state.plateau = ""
        if patience is not None and patience.judge(figures[patience.monitor]) and self.keeps_best:
            history.best_parameters = state.network.parameters.copy()
        self.descent.epoch_ended(history.n_samples, self._monitored(figures))
        if patience is not None and patience.is_exhausted:
            self._slow_down_or_stop(patience)
        state.epoch_ended(n_rows, figures)  # last, so that a checkpoint has all of it

    def _slow_down_or_stop(self, patience: Patience) -> None:
        if self.descent.slow_down():
            patience.n_stalled, self.state.plateau = 0, "slower"
        else:
            self.state.stop()
            self.state.plateau = "stop"

    def _monitored(self, figures: dict[str, float]) -> float:
        """Return the figure that a schedule reads; lower is better."""
        if self.patience is not None and not self.patience.lower_is_better:
            return -figures[self.patience.monitor]
        return figures["val_cost" if "val_cost" in figures else "cost"]

    def _diverged(self) -> None:
        self.state.stop()
        assert self.patience is not None
        self.history.add(dict.fromkeys(("cost", "val_cost", self.patience.monitor), math.nan))
        self.history.n_epochs += 1
