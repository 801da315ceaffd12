"""Trained: how `MLPClassifier` and `MLPRegressor` learn.

In float64 the numbers are scikit-learn's: the same random numbers are drawn in the same order, the
same rules decide when to stop, and messages that programs may look for are worded as there.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.utils import check_random_state

from pynn.callbacks import Checkpoint, PrintLog, ProgressBar
from pynn.data import blocks
from pynn.estimators.descent import Descent
from pynn.estimators.epochs import Epochs
from pynn.estimators.hooks import hooks_of, with_callbacks
from pynn.estimators.learners import Blocks, Learner, Rows
from pynn.estimators.outcomes import CLIPPED, Outcome, warn
from pynn.estimators.quasi_newton import minimise
from pynn.estimators.resumption import Resumption
from pynn.estimators.samples import Samples
from pynn.estimators.state import State
from pynn.estimators.supervised import Supervised
from pynn.estimators.validation import Validation
from pynn.network import Network

__all__ = ["Trained"]

Array = NDArray[Any]

# Fitted attributes that a fit which goes on writes to, beside lists that it appends to.
_WRITTEN_TO = {"_optimizer", "_best_parameters", "history_"}
# What scikit-learn's callbacks need to be ended, whatever comes of the fit.
_OF_CALLBACKS = {"_callback_fit_ctx", "_skl_callbacks", "_skl_callbacks_to_teardown"}


class Trained(Supervised):
    """The common part of both estimators."""

    _optimizer: Descent
    _fit_under_way: weakref.ref[set[None]]

    # ---- Fitting ---------------------------------------------------------------------------------

    def _optimizer_at_work(self) -> tuple[str, int] | None:
        descent = getattr(self, "_optimizer", None)
        if descent is None or descent.memory is None:
            return None
        return type(descent.optimizer).__name__, len(descent.memory[0])

    @with_callbacks  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        eval_set: tuple[ArrayLike, ...] | None = None,
    ) -> Self:
        """Learn from all of the data, from the start, or with `warm_start` from the last weights.

        Ctrl-C ends it with a warning; the weights are then those of the last finished mini-batch,
        or with `early_stopping` the best until then.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is computed with as it is, everything else as float64, unless `dtype` says
            otherwise.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes, 0s and 1s of several labels, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts; not negative, and not all zero.
        eval_set : tuple (X, y) or (X, y, sample_weight), default=None
            Samples that are not learned from: loss and score on them after each epoch go into
            ``history_``. With `early_stopping` it is they that decide, and nothing is set aside.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError, TypeError
            If an argument or a parameter is not as described; the estimator is as it was.
        ValueError
            If a weight becomes infinite or NaN; the estimator is as it was. With `early_stopping`
            it is a warning, and the best weights remain.
        """
        with self._undone_on_error(self._goes_on(False)):
            outcome = self._fit(X, y, sample_weight, eval_set, incremental=False)
        return self._ended(outcome)

    @with_callbacks  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit_batches(
        self,
        source: Iterable[Any],
        *,
        classes: ArrayLike | None = None,
        eval_set: tuple[ArrayLike, ...] | None = None,
    ) -> Self:
        """Learn from data that come in blocks, such as files larger than memory.

        Each epoch goes through all blocks in their order, and through the rows of each in
        mini-batches, shuffled within the block. A `Schedule` sets the learning rate once an epoch.

        Parameters
        ----------
        source : re-iterable of tuples (X, y) or (X, y, sample_weight)
            Such as a list, `NpyBlocks` or `ParquetBlocks`; each block as `fit` takes it.
        classes : array-like of shape (n_classes,), default=None
            All classes in the blocks. Without it a classifier looks through the targets of all
            blocks first.
        eval_set : tuple (X, y) or (X, y, sample_weight), default=None
            See `fit`; `early_stopping` needs it here.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError, TypeError
            As for `fit`; if the source is empty or can be gone through only once; or if the solver
            is "lbfgs".
        """
        if self.solver == "lbfgs":
            raise ValueError('fit_batches needs a solver that learns in mini-batches, not "lbfgs"')
        if self.early_stopping and eval_set is None:
            raise ValueError("with early_stopping=True, fit_batches needs an eval_set")
        goes_on = self._goes_on(False)
        with self._undone_on_error(goes_on):
            if not goes_on:
                self._learn_classes(source, classes)
            first = next(blocks.blocks_of(source))
            samples = self._samples(*first, first=not goes_on, incremental=True).outline()
            del first  # it is read again in its turn, and not held until then
            held_out = self._eval_samples(eval_set)
            outcome = self._train(samples, held_out, goes_on, source=source)
        return self._ended(outcome)

    def _partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        eval_set: tuple[ArrayLike, ...] | None,
    ) -> Outcome:
        if self.early_stopping and eval_set is None:
            raise ValueError("partial_fit does not support early_stopping=True")
        return self._fit(X, y, sample_weight, eval_set, incremental=True)

    def _fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        eval_set: tuple[ArrayLike, ...] | None,
        incremental: bool,
    ) -> Outcome:
        goes_on = self._goes_on(incremental)
        samples = self._samples(X, y, sample_weight, first=not goes_on, incremental=incremental)
        held_out = self._eval_samples(eval_set)
        return self._train(samples, held_out, goes_on, incremental)

    def _train(
        self,
        samples: Samples,
        held_out: Samples | None,
        goes_on: bool,
        incremental: bool = False,
        source: Iterable[Any] | None = None,
    ) -> Outcome:
        """Train on these samples, or on the source whose first block they are."""
        self._check_solver_takes_all()
        random = check_random_state(self.random_state)
        resumption = None if incremental else Resumption.wanted(self, samples, held_out, random)
        random = resumption.random if resumption else random
        if not goes_on:
            self._begin(samples.X.shape[1], samples.y.shape[1], samples.X.dtype, random)
        network = self._synchronised(self._cost())
        self._check_layers(network)
        network._random = random
        with network._lock:
            if self.solver == "lbfgs":
                return minimise(self, network, samples, held_out, self._all_callbacks(False))
            return self._descend(
                network, random, samples, held_out, resumption, incremental, source
            )

    def _ended(self, outcome: Outcome) -> Self:
        if outcome:  # last, so that all is in place even where warnings are made errors
            outcome()
        return self

    def _descend(
        self,
        network: Network,
        random: np.random.RandomState,
        samples: Samples,
        held_out: Samples | None,
        resumption: Resumption | None,
        incremental: bool,
        source: Iterable[Any] | None,
    ) -> Outcome:
        """Train by mini-batches; return what warns of the outcome where there is need to."""
        if self.early_stopping and held_out is None:
            samples, held_out = self._split(samples, random)
        schedule = self.learning_rate
        if isinstance(schedule, str) and self.solver != "sgd":  # as scikit-learn has it
            schedule = "constant"
        descent = Descent(self._rule(), schedule, self.power_t)
        if incremental and hasattr(self, "_optimizer"):
            descent = self._optimizer.going_on_as(descent)
        self._optimizer = descent
        descent.is_kept = incremental
        if resumption:
            resumption.prepare(descent)
        seed = int(random.randint(2**31)) if np.any(self.dropout) else 0
        state = State(
            self,
            1 if incremental else self.max_iter,
            self._all_callbacks(incremental),
            train=samples if source is None else None,
            validation=held_out,
            descent=descent,
            incremental=incremental,
        )
        learner: Learner
        if source is None:
            if self.batch_size != "auto" and int(self.batch_size) > len(samples):
                warn(CLIPPED)
            learner = Rows(self, network, descent, samples, seed)
        else:
            learner = Blocks(self, network, descent, source, seed)
        validation = None if held_out is None else Validation(self, network, held_out)
        epochs = Epochs(self, network, descent, learner, validation, state, incremental)
        if resumption:
            resumption.attach(epochs)
        return epochs.run()

    def _check_layers(self, network: Network) -> None:
        """Refuse to go on with weights that are not of the layers that are asked for."""
        fitted = list(network.layer_sizes[1:-1])
        if self._hidden_sizes() != fitted:
            raise ValueError(
                f"hidden_layer_sizes is {self.hidden_layer_sizes}, but the weights to go on from "
                f"have hidden layers of {fitted} units"
            )

    def _goes_on(self, incremental: bool) -> bool:
        """Return whether fitting starts from the weights that there are."""
        return hasattr(self, "coefs_") and bool(self.warm_start or incremental)

    @contextmanager
    def _undone_on_error(self, goes_on: bool) -> Iterator[None]:
        if hasattr(self, "_fit_under_way") and self._fit_under_way() is not None:
            raise RuntimeError(
                f"this {type(self).__name__} is being fitted: meanwhile callbacks and other "
                "threads can fit no more than a clone of it"
            )
        under_way: set[None] = set()  # lives as long as this fit, come what may
        before = dict(vars(self))
        lists = self._growing_lists() if goes_on else []
        lengths = list(map(len, lists))
        random, parameters = self.random_state, None
        drawn_by = random.get_state(False) if isinstance(random, np.random.RandomState) else None
        if goes_on:  # these are written to; a fit from the start makes new ones
            parameters = self._synchronised().parameters.copy()
            before = dict(vars(self))
            for name in _WRITTEN_TO & before.keys():
                before[name] = before[name].copy()
        try:
            self._fit_under_way = weakref.ref(under_way)
            yield
        except BaseException:
            of_callbacks = {name: self.__dict__[name] for name in _OF_CALLBACKS & vars(self).keys()}
            self.__dict__.clear()
            self.__dict__.update(before | of_callbacks)
            for values, n in zip(lists, lengths, strict=True):
                del values[n:]
            if parameters is not None:
                self._synchronised().parameters[:] = parameters
            if isinstance(random, np.random.RandomState) and drawn_by:
                random.set_state(drawn_by)
            raise
        finally:
            self._forget("_fit_under_way")

    def _growing_lists(self) -> list[list[float]]:
        """Return the lists that get one more figure with each epoch."""
        found = (vars(self).get(name) for name in ("loss_curve_", "validation_scores_"))
        lists = [values for values in found if values is not None]
        return [*lists, *vars(self).get("history_", {}).values()]

    def _all_callbacks(self, incremental: bool) -> list[Any]:
        """Return all that is to be told of epochs."""
        shown = [ProgressBar()] if self.verbose == 2 and not incremental else [PrintLog()]
        own = list(self.callbacks or ())
        if not all(callable(one) and not isinstance(one, type) for one in own):
            raise TypeError(
                "callbacks must be functions of the state of the fit, such as objects (no classes) "
                f"of pynn.callbacks; got {own}"
            )
        hooks = [] if incremental else hooks_of(self)
        told = [*own, *(shown if self.verbose else []), *hooks]
        return sorted(told, key=lambda c: isinstance(c, Checkpoint))  # which are to miss nothing
