"""Fit: one fit of an estimator.

It translates parameters and samples for the loop of `pynn.training`, and figures and outcomes into
scikit-learn's attributes and messages. In float64 the numbers are scikit-learn's: the same random
numbers are drawn in the same order, and the same rules decide when to stop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from pynn import checks
from pynn.data.samples import Samples
from pynn.estimators import messages, rows, translation
from pynn.estimators._sklearn import _check_optimize_result
from pynn.estimators.advice import Advice, about_scales, spread_of_scales
from pynn.estimators.elsewhere import Elsewhere, HeldOutElsewhere, measured_elsewhere
from pynn.estimators.hooks import Hooks
from pynn.estimators.messages import Outcome, warn
from pynn.model.activations import ALIASES, Activation, name_of
from pynn.model.architecture import paired
from pynn.model.initializers import initial_layer
from pynn.model.model import Model
from pynn.model.regularisation import Regularisation
from pynn.training import lbfgs
from pynn.training.descent import Descent
from pynn.training.forks import claim
from pynn.training.history import Patience
from pynn.training.learners import Blocks, Learner, Plan, Rows, answered
from pynn.training.loop import DivergenceError, Loop, Measure
from pynn.training.progress import Report
from pynn.training.resume import Resumption, described
from pynn.training.state import State, in_order

_AUTO_BATCH = 200  # rows of a mini-batch where batch_size is "auto": scikit-learn's number
# Parameters that may differ where a fit resumes; n_members is 1, and older files lack it.
_FREE = {
    *("max_iter", "verbose", "callbacks", "n_threads", "keep_optimizer", "random_state"),
    "n_members",
}


class Fit:
    """One fit of an estimator.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    samples : Samples
        The training samples, or the outline of the first block of a source.
    held_out : list of Samples or HeldOutElsewhere
        Validation sets.
    goes_on : bool
        Whether to start from the current weights.
    incremental : bool, default=False
        Whether this is the one epoch of a partial_fit.
    source : iterable of blocks or Elsewhere, optional
    """

    def __init__(
        self,
        estimator: Any,
        samples: Samples,
        held_out: list[Any],
        goes_on: bool,
        incremental: bool = False,
        source: Iterable[Any] | Elsewhere | None = None,
    ) -> None:
        self.estimator, self.samples, self.held_out = estimator, samples, held_out
        self.goes_on, self.incremental, self.source = goes_on, incremental, source
        given = source if isinstance(source, Elsewhere) else None
        spread = given.spread if given else spread_of_scales(samples.X)
        self.spread = 1.0 if goes_on or incremental else spread
        self.is_given = bool(held_out)  # and not set aside by early_stopping

    def run(self) -> Outcome:
        """Train; return a function that warns about the outcome, if necessary."""
        estimator = self.estimator
        translation.check_solver_takes_all(estimator)
        own = in_order(estimator.callbacks)
        random, resumption = translation.source(estimator), None
        if not self.incremental:
            is_global = estimator.random_state is None
            resumption, random = Resumption.wanted(own, self._description, random, is_global)
        if not self.goes_on:
            self._begin(random)
        self.network = network = estimator.network_
        with network._lock:
            _claim = claim(network, random)
            self._check_network()
            network._random = random
            by_lbfgs = estimator.solver == "lbfgs"
            outcome = self._minimise(own) if by_lbfgs else self._descend(own, random, resumption)
            self._publish()
            return outcome

    # ---- The network -----------------------------------------------------------------------------

    def _begin(self, random: Any) -> None:
        """Give the estimator a new network of random parameters."""
        estimator, X = self.estimator, self.samples.X
        n_outputs = estimator._n_outputs(self.samples)
        hidden_sizes = estimator._hidden_sizes()
        estimator.__dict__.pop("_given", None)
        network = estimator._new_network(
            [X.shape[1], *hidden_sizes, n_outputs], estimator._output(), X.dtype
        )
        # scikit-learn's bound depends on the hidden activation, in the output layer too.
        given: Any = estimator.activation
        last = given if isinstance(given, str | Activation) else next(iter(given[-1:]), "identity")
        names = map(name_of, [*network.activations[:-1], ALIASES.get(last, last)])
        for W, b, name in zip(network.weights, network.biases, names, strict=True):
            W[:], b[:] = initial_layer("glorot_uniform", random, len(W), len(b), name, b.shape)
        estimator._network = network
        estimator.n_layers_, estimator.n_outputs_ = len(network.layer_sizes), n_outputs
        estimator.n_iter_ = estimator.t_ = 0

    def _check_network(self) -> None:
        """Refuse to continue with a network that does not match the parameters."""
        estimator, network = self.estimator, self.network
        fitted = list(network.layer_sizes[1:-1])
        if estimator._hidden_sizes() != fitted:
            raise ValueError(
                f"hidden_layer_sizes is {estimator.hidden_layer_sizes}, but the weights to "
                f"continue from have hidden layers of {fitted} units"
            )
        output, cost = estimator._output()
        if cost == network.cost_function and output == network.activations[-1]:
            return
        try:
            paired(network.activations[-1], cost)
        except ValueError as error:
            raise ValueError(
                f"{error}, which is the output of the weights to continue from: set "
                "out_activation_, or start a new fit without warm_start or partial_fit"
            ) from None
        network._become(replace(network._architecture, cost=cost))

    def _data(self, network: Model, samples: Samples, weights: Any) -> Any:
        return network._data(samples.X, samples.y, weights, known_finite=True)

    @property
    def _divisor(self) -> float:
        """scikit-learn's squared error is the mean over the outputs."""
        squared = self.network.cost_function == "squared_error"
        return float(self.network.layer_sizes[-1]) if squared else 1.0

    # ---- Solvers ---------------------------------------------------------------------------------

    def _minimise(self, own: list[Any]) -> Outcome:
        estimator, samples = self.estimator, self.samples
        state = self._state(own, samples, self.held_out, estimator.max_iter)
        estimator.stopped_early_ = False
        result = lbfgs.minimise(
            state,
            self.network._history,
            lambda network: self._data(network, samples, samples.weights),
            translation.regularisation(estimator, self.network),
            self._measures(self.held_out),
            tol=checks.as_float(estimator.tol),
            max_fun=estimator.max_fun,
            divisor=self._divisor,
            total=samples.total,
        )
        estimator.best_epoch_ = None
        if result is None:
            return messages.tell_of_interruption
        estimator.n_iter_, estimator.loss_ = self.network._history.n_epochs, float(result.fun)
        estimator.stopped_early_ = state.is_stopped
        is_sound = np.isfinite(self.network.parameters).all()
        if not is_sound or (result.success and not math.isfinite(estimator.loss_)):
            raise ValueError(messages.NOT_FINITE + about_scales(self.spread))
        if state.is_stopped:
            return None
        return partial(_check_optimize_result, "lbfgs", result, estimator.max_iter)

    def _descend(self, own: list[Any], random: Any, resumption: Resumption | None) -> Outcome:
        estimator, network, history = self.estimator, self.network, self.network._history
        train, held_out = self.samples, self.held_out
        if estimator.early_stopping and not held_out:
            train, aside = self._split(random)
            held_out = [aside]
        descent = self._descent()
        if resumption:
            resumption.prepare(descent, network.parameters)
        seed = int(random.randint(2**31)) if np.any(estimator.dropout) else 0
        plan = Plan(
            self._batch_size(),
            estimator.shuffle,
            translation.regularisation(estimator, network),
            random,
            seed,
        )
        measures = self._measures(held_out)
        learner: Learner
        if self.source is None:
            if estimator.batch_size != "auto" and int(estimator.batch_size) > len(train):
                warn(messages.CLIPPED)
            learner = Rows(network, self._data(network, train, train.weights), descent, plan)
        elif isinstance(self.source, Elsewhere):
            learner = self.source.learner(network, descent, plan)
        else:
            learner = Blocks(network, self.source, self._data_of_block, descent, plan)
        if history.patience is None:  # after L-BFGS, whose iterations are no epochs
            history.figures = {"cost": []}
        n_epochs = 1 if self.incremental else estimator.max_iter
        state = self._state(own, train, held_out, n_epochs, descent)
        by_score = bool(estimator.early_stopping and held_out)
        patience = self._patience(by_score, measures)
        estimator.loss_curve_ = history.figures["cost"]
        loop = Loop(state, history, learner, descent, measures, patience, by_score, self._divisor)
        if resumption:
            resumption.attach(loop)
        try:
            ending = answered(loop.run())
        except DivergenceError:
            raise ValueError(messages.NOT_FINITE + about_scales(self.spread)) from None
        return self._outcome(ending, state, str(loop.take_interruption() or ""))

    def _outcome(self, ending: str, state: State, reason: str) -> Outcome:
        estimator = self.estimator
        estimator.stopped_early_ = state.is_stopped
        if ending == "interrupted":
            return partial(warn, reason) if reason else messages.tell_of_interruption
        if ending == "diverged":
            text = messages.NOT_FINITE + messages.BEST_KEPT + about_scales(self.spread)
            return partial(warn, text, ConvergenceWarning)
        one_by_one = self.goes_on and estimator.warm_start and estimator.max_iter == 1
        if ending == "stopped" or self.incremental or one_by_one:
            return None
        return partial(warn, messages.NOT_CONVERGED.format(state.max_epochs), ConvergenceWarning)

    def _descent(self) -> Descent:
        estimator, network = self.estimator, self.network
        schedule = estimator.learning_rate
        if isinstance(schedule, str) and estimator.solver != "sgd":  # as scikit-learn has it
            schedule = "constant"
        descent = Descent(translation.rule(estimator), schedule, estimator.power_t)
        if self.incremental and network._descent is not None:
            descent = network._descent.continued_as(descent)
        network._descent = descent
        descent.is_kept = self.incremental
        return descent

    def _patience(self, by_score: bool, measures: list[Measure]) -> Patience:
        """Return the last fit's patience if it watches the same figure, with new limits."""
        estimator, history = self.estimator, self.network._history
        monitor = "val_score" if by_score else "cost"
        patience: Patience | None = history.patience
        if patience is None or patience.monitor != monitor:
            patience = Patience(monitor, math.inf, 0.0, lower_is_better=not by_score)
            estimator._scores_from = len(history)
        patience.limit = checks.as_float(estimator.n_iter_no_change)
        patience.tol = checks.as_float(estimator.tol)
        history.patience = patience
        if by_score and not (self.incremental and history.best_parameters is not None):
            history.best_parameters = self.network.parameters.copy()
            score = measures[0]()["val_score"] if len(history) else -math.inf
            if score != patience.best_value:  # that was of other rows
                patience.best, patience.n_stalled = -score, 0
        if not by_score:
            history.best_parameters = None
        return patience

    def _batch_size(self) -> int | None:
        if self.estimator.batch_size != "auto":
            return int(self.estimator.batch_size)
        return None if self.estimator.solver == "rprop" else _AUTO_BATCH

    def _data_of_block(self, *block: Any) -> Any:
        samples = rows.samples(self.estimator, *block, first=False, incremental=True)
        return self._data(self.network, samples, samples.weights)

    # ---- Validation ------------------------------------------------------------------------------

    def _measures(self, held_out: list[Any]) -> list[Measure]:
        return [self._measure(samples, i) for i, samples in enumerate(held_out, 1)]

    def _measure(self, samples: Samples | HeldOutElsewhere, number: int) -> Measure:
        """Return a function that computes loss, without penalty, and score of a validation set."""
        estimator, network, divisor = self.estimator, self.network, self._divisor
        prefix = "val_" if number == 1 else f"val_{number}_"
        if isinstance(samples, HeldOutElsewhere):
            return measured_elsewhere(samples, estimator, network, divisor, prefix)
        try:
            data = self._data(network, samples, samples.sample_weight)
        except ValueError as error:
            raise ValueError(f"samples to validate on: {error}") from error
        no_penalty = Regularisation.checked(len(network.weights))
        scoring = estimator.scoring
        if scoring is None and estimator._is_constant(samples):
            scoring = "loss"
        if isinstance(scoring, str) and scoring != "loss":
            from sklearn.metrics import get_scorer

            scoring = get_scorer(scoring)

        def figures() -> dict[str, float]:
            cost, _ = network._cost(data, no_penalty)
            cost /= divisor
            if scoring == "loss":
                score = -cost
            elif scoring is None:
                out = network._predict(samples.X, known_finite=True)
                score = estimator._score_of(out, samples.y, samples.sample_weight)
            else:
                score = estimator._judged_by(scoring, samples)
            return {f"{prefix}cost": cost, f"{prefix}score": score}

        return figures

    def _split(self, random: np.random.RandomState) -> tuple[Samples, Samples]:
        """Set samples aside; a warm fit of as many samples sets the same ones aside."""
        estimator, samples = self.estimator, self.samples
        n_rows, drawn_by = getattr(estimator, "_split_before", (0, {}))
        if n_rows == len(samples):
            random = np.random.RandomState()
            random.set_state(drawn_by)
        estimator._split_before = len(samples), random.get_state(legacy=False)
        parts: tuple[Samples, Samples] = estimator._split(samples, random)
        return parts

    # ---- Callbacks, attributes -------------------------------------------------------------------

    def _state(
        self,
        own: list[Any],
        train: Samples,
        held_out: list[Any],
        max_epochs: int,
        descent: Descent | None = None,
    ) -> State:
        estimator = self.estimator
        hooks = [Hooks()] if getattr(estimator, "_skl_callbacks", None) else []
        # The core has other epochs to itself, where nobody looks in.
        if isinstance(self.source, Elsewhere):
            own = [self.source, *own]
        is_watched = bool(own or hooks or estimator.verbose or estimator.solver == "lbfgs")
        told: list[Callable[[State], Any]] = [self._publish, *own] if is_watched else []
        if estimator.verbose:
            told += [Report(int(estimator.verbose)), messages.tell_of_plateau]
        if not self.goes_on and not self.incremental and (self.is_given or self.spread > 1e3):
            told.append(Advice(self.spread, self.is_given, self._divisor))
        return State(
            estimator,
            self.network,
            self.network._history,
            max_epochs,
            in_order([*told, *([] if self.incremental else hooks)]),
            train=train if self.source is None else None,
            validation=next((s for s in held_out[:1] if isinstance(s, Samples)), None),
            descent=descent,
            incremental=self.incremental,
        )

    def _publish(self, _: State | None = None) -> None:
        """Set the attributes of the estimator for the epochs so far."""
        estimator, history = self.estimator, self.network._history
        estimator.n_iter_, costs = history.n_epochs, history.figures["cost"]
        if costs:
            estimator.loss_ = costs[-1]
        if estimator.solver == "lbfgs":
            return
        patience = history.patience
        assert patience is not None
        by_score = not patience.lower_is_better
        estimator.t_, estimator.loss_curve_ = history.n_samples, costs
        estimator._no_improvement_count = patience.n_stalled
        estimator.best_loss_ = None if by_score else patience.best
        estimator.best_validation_score_ = patience.best_value if by_score else None
        if _ is None:
            scores = history.figures.get("val_score", [])  # there are none after Ctrl-C at once
            scores = scores[estimator._scores_from :] if by_score else None
            estimator.validation_scores_, estimator.best_epoch_ = scores, history.best_epoch

    def _description(self) -> dict[str, str]:
        """Describe everything that must be the same when a checkpoint is resumed."""
        estimator, samples = self.estimator, self.samples
        settings = {n: v for n, v in estimator.get_params(deep=False).items() if n not in _FREE}
        if isinstance(estimator.random_state, Integral):
            settings["random_state"] = estimator.random_state
        arrays = {"X": samples.X, "y": samples.y, "weights": samples.weights}
        if isinstance(self.source, Elsewhere):
            arrays = {}
            settings |= self.source.description()
        for aside in self.held_out:
            if isinstance(aside, HeldOutElsewhere):
                settings |= aside.description()
                continue
            for name in ("X", "y", "sample_weight"):
                arrays[f"an eval_set with {name}"] = getattr(aside, name)
        return described(settings, **arrays)
