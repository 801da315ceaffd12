"""Trained: how `MLPClassifier` and `MLPRegressor` learn.

In float64 the numbers are scikit-learn's: the same random numbers are drawn in the same order, the
same rules decide when to stop, and messages that programs may look for are worded as there.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Self

import numpy as np
import scipy.optimize
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.optimize import _check_optimize_result
from sklearn.utils.validation import _check_sample_weight, column_or_1d, validate_data

from pynn.descent import Descent
from pynn.network import Network
from pynn.optimizers import SGD, Adam
from pynn.perceptron import Perceptron
from pynn.regularisation import Regularisation

__all__ = ["Trained"]

Array = NDArray[Any]
_Warn = Callable[[], Any] | None

_AUTO_BATCH = 200  # rows of a mini-batch where batch_size is "auto": scikit-learn's number

# Programs filter and match these: they are scikit-learn's words.
_CLIPPED = "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped"
_INTERRUPTED = "Training interrupted by user."
_NOT_CONVERGED = (
    "Stochastic Optimizer: Maximum iterations ({}) reached and the optimization hasn't converged "
    "yet."
)
_NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)
_BEST_KEPT = " The weights of the best validation score are kept."


class Trained(Perceptron):
    """The common part of both estimators.

    A subclass says what its targets are; y in its methods is an array of one column per output.
    """

    n_iter_: int
    t_: int
    loss_: float
    loss_curve_: list[float]
    best_loss_: float | None
    validation_scores_: list[float] | None
    best_validation_score_: float | None
    _optimizer: Descent | None

    # ---- What a subclass says --------------------------------------------------------------------

    def _validated(self, X: ArrayLike, y: ArrayLike, incremental: bool) -> tuple[Array, Array]:
        """Return X and the columns of y, checked, also against what was fitted if that goes on."""
        raise NotImplementedError

    def _targets(self, y: Array) -> Array:
        """Return what `Network` takes in place of these columns."""
        return y

    def _score(self, out: Array, y: Array, sample_weight: Array | None) -> float:
        """Return how well these outputs answer to y: the higher, the better."""
        raise NotImplementedError

    def _checked(
        self, X: ArrayLike, y: ArrayLike, incremental: bool, y_numeric: bool
    ) -> tuple[Array, Array]:
        """Return X (n_samples, n_features) and y, a vector where it is one column."""
        rows, targets = validate_data(
            self,
            X,
            y,
            accept_sparse=("csr", "csc"),
            dtype=(np.float64, np.float32),
            multi_output=True,
            y_numeric=y_numeric,
            reset=not self._goes_on(incremental),
        )
        if targets.ndim == 2 and targets.shape[1] == 1:
            targets = column_or_1d(targets, warn=True)
        return rows, targets

    # ---- Fitting ---------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from all of the data, from the start, or with `warm_start` from the last weights.

        Ctrl-C ends it with a warning; the weights are then those of the last finished mini-batch,
        or with `early_stopping` the best until then.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            float32 is computed with as it is, everything else as float64. Sparse in the format CSR;
            other formats are converted to it.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Classes, 0s and 1s of several labels, or numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each sample counts; not negative, and not all zero.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError, TypeError
            If an argument or a parameter is not as described.
        ValueError
            If a weight becomes infinite or NaN. With `warm_start` the weights are as before, and
            without it the estimator is not fitted. With `early_stopping` it is a warning, and the
            best weights remain.
        """
        return self._fit(X, y, sample_weight)

    def _fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        incremental: bool = False,
    ) -> Self:
        if incremental and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        goes_on = self._goes_on(incremental)
        rows = [*self._validated(X, y, incremental)]
        if sample_weight is not None:
            rows.append(_check_sample_weight(sample_weight, rows[0]))
        random = check_random_state(self.random_state)
        if not goes_on:
            self._begin(rows[0].shape[1], rows[1].shape[1], rows[0].dtype, random)
        network = self._synchronised()
        network._random = random
        before = None
        if goes_on:
            optimizer = getattr(self, "_optimizer", None)
            before = network.parameters.copy(), copy.deepcopy(optimizer)
        try:
            with network._lock:
                if self.solver == "lbfgs":
                    warn = self._fit_lbfgs(network, rows)
                else:
                    warn = self._fit_stochastic(network, rows, incremental)
        except BaseException:
            if before is None:  # what has learned nothing is not to be taken for fitted
                self._forget("coefs_", "intercepts_", "_network", "_optimizer")
            else:
                network.parameters[:], self._optimizer = before
            raise
        if warn:  # last, so that all is in place even where warnings are made errors
            warn()
        return self

    def _goes_on(self, incremental: bool) -> bool:
        """Return whether fitting starts from the weights that there are."""
        return hasattr(self, "coefs_") and bool(self.warm_start or incremental)

    def _data(
        self, network: Network, X: Array, y: Array, sample_weight: Array | None = None
    ) -> Any:
        return network._data(X, self._targets(y), sample_weight, known_finite=True)

    # ---- Mini-batches: adam and sgd --------------------------------------------------------------

    def _check_solver(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
            )
        return True

    def _fit_stochastic(self, network: Network, rows: list[Array], incremental: bool) -> _Warn:
        """Train by mini-batches; return what warns of the outcome where there is need to."""
        held_out: list[Array] = []
        if self.early_stopping:
            rows, held_out = self._split(rows, network)
        n_rows = len(rows[1])
        descent = getattr(self, "_optimizer", None) if incremental else None
        self._optimizer = descent = descent or self._new_descent()
        descent.is_kept = incremental
        epoch = self._epoch(network, rows, descent)
        best = network.parameters.copy() if held_out else None
        self._begin_record()
        warn: _Warn = None
        try:
            for _ in range(1 if incremental else self.max_iter):
                self._record_loss(epoch(), n_rows)
                if best is not None and self._record_score(self._validate(network, *held_out)):
                    best[:] = network.parameters
                descent.epoch_ended(self.t_)
                stalls = self._no_improvement_count > self.n_iter_no_change
                if stalls and not self._slow_down(descent):
                    break
            else:
                if not incremental:
                    warn = partial(_warn, _NOT_CONVERGED.format(self.max_iter), ConvergenceWarning)
        except KeyboardInterrupt:
            warn = partial(_warn, _INTERRUPTED)
        except FloatingPointError:
            if best is None:
                raise ValueError(_NOT_FINITE) from None
            self._record_loss(math.nan, n_rows)
            self._record_score(math.nan)
            warn = partial(_warn, _NOT_FINITE + _BEST_KEPT, ConvergenceWarning)
        if best is not None:
            network.parameters[:] = best
        return warn

    def _epoch(self, network: Network, rows: list[Array], descent: Descent) -> Callable[[], float]:
        """Return a function that trains for one epoch and returns its loss."""
        data = self._data(network, *rows)
        train = partial(
            network._train,
            data,
            descent.state_on(network),
            np.arange(data.n_rows, dtype=np.int64),
            self.shuffle,
            n_epochs=1,
            batch_size=self._batch_rows(data.n_rows),
            regularisation=self._regularisation(network),
        )

        def epoch() -> float:
            costs, error = train()
            if error is not None:
                raise error
            return self._loss(*costs[0].tolist())

        return epoch

    def _regularisation(self, network: Network) -> Regularisation:
        return Regularisation.checked(len(network.weights), alpha=self.alpha, by_row=True)

    def _split(self, rows: list[Array], network: Network) -> tuple[list[Array], list[Array]]:
        """Set rows aside for early stopping: those to learn from, those to judge by."""
        self._data(network, *rows)  # a damaged sparse X is not to be split, but refused
        two_classes = self.out_activation_ == "logistic" and network.layer_sizes[-1] == 1
        parts = train_test_split(
            *rows,
            random_state=network._random,
            test_size=self.validation_fraction,
            stratify=rows[1] if two_classes else None,
        )
        if len(parts[3]) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or the size of "
                f"your dataset. It has {len(parts[3])} of {len(rows[1])} samples."
            )
        return parts[::2], parts[1::2]

    def _new_descent(self) -> Descent:
        rate = float(self.learning_rate_init)
        if self.solver == "adam":
            return Descent(Adam(rate, self.beta_1, self.beta_2, self.epsilon))
        rule = SGD(rate, float(self.momentum), bool(self.nesterovs_momentum))
        return Descent(rule, self.learning_rate, self.power_t)

    def _batch_rows(self, n_rows: int) -> int:
        wanted = _AUTO_BATCH if self.batch_size == "auto" else int(self.batch_size)
        if wanted > n_rows and self.batch_size != "auto":
            _warn(_CLIPPED)
        return min(wanted, n_rows)

    def _loss(self, cost: float, penalty: float) -> float:
        """Return the loss as scikit-learn has it: squared errors' mean over the outputs."""
        if self.out_activation_ == "identity":
            cost /= self.n_outputs_
        return cost + penalty

    # ---- Progress, and when there is no more -----------------------------------------------------

    def _begin_record(self) -> None:
        self.n_iter_ = 0
        if not hasattr(self, "loss_curve_"):
            self.loss_curve_ = []
            self.best_loss_ = self.best_validation_score_ = None
        if self.early_stopping and self.best_validation_score_ is None:
            self.validation_scores_, self.best_validation_score_ = [], -math.inf
            self.best_loss_, self._no_improvement_count = None, 0
        elif not self.early_stopping and self.best_loss_ is None:
            self.validation_scores_ = self.best_validation_score_ = None
            self.best_loss_, self._no_improvement_count = math.inf, 0

    def _record_loss(self, loss: float, n_rows: int) -> None:
        self.n_iter_ += 1
        self.t_ += n_rows
        self.loss_ = loss
        self.loss_curve_.append(loss)
        if self.verbose:
            print(f"Iteration {self.n_iter_}, loss = {loss:.8f}")
        if self.best_loss_ is not None:  # else the validation score is what counts
            self._count_if(loss > self.best_loss_ - self.tol)
            self.best_loss_ = min(self.best_loss_, loss)

    def _validate(
        self, network: Network, X: Array, y: Array, weights: Array | None = None
    ) -> float:
        return self._score(network._predict(X, known_finite=True), y, weights)

    def _record_score(self, score: float) -> bool:
        """Return whether it is the best until now."""
        assert self.validation_scores_ is not None
        assert self.best_validation_score_ is not None
        self.validation_scores_.append(score)
        if self.verbose:
            print(f"Validation score: {score:f}")
        # NaN is no progress; scikit-learn takes it for some.
        self._count_if(not score >= self.best_validation_score_ + self.tol)
        if not score > self.best_validation_score_:
            return False
        self.best_validation_score_ = score
        return True

    def _count_if(self, stalled: bool) -> None:
        self._no_improvement_count = self._no_improvement_count + 1 if stalled else 0

    def _slow_down(self, descent: Descent) -> bool:
        """After too many iterations without progress: go on at a lower rate, if at all."""
        goes_on = descent.slow_down()
        if goes_on:
            self._no_improvement_count = 0
        if self.verbose:
            what = "Validation score" if self.early_stopping else "Training loss"
            then = "Stopping."
            if goes_on:
                then = f"Setting learning rate to {descent.learning_rate:f}"
            elif descent.schedule == "adaptive":
                then = "Learning rate too small. Stopping."
            print(
                f"{what} did not improve more than tol={self.tol:f} for {self.n_iter_no_change} "
                f"consecutive epochs. {then}"
            )
        return goes_on

    # ---- All rows at once: lbfgs -----------------------------------------------------------------

    def _fit_lbfgs(self, network: Network, rows: list[Array]) -> _Warn:
        """Minimise by SciPy; return what warns of the outcome where there is need to."""
        # A line search compares costs to more digits than float32 has.
        wide = network
        if network.dtype != np.float64:
            wide = self._new_network(network.layer_sizes, np.float64)
        data = self._data(wide, *rows)
        regularisation = self._regularisation(wide)

        def loss_and_gradient(parameters: Array) -> tuple[float, Array]:
            gradient = np.empty_like(parameters)
            costs = wide._cost(data, regularisation, gradient, parameters)
            return self._loss(*costs), gradient

        def record(intermediate_result: scipy.optimize.OptimizeResult) -> None:
            self.n_iter_ += 1
            self.loss_ = float(intermediate_result.fun)
            network.parameters[:] = intermediate_result.x
            if self.verbose:
                print(f"Iteration {self.n_iter_}, loss = {self.loss_:.8f}")

        self.n_iter_ = 0
        try:
            result = scipy.optimize.minimize(
                loss_and_gradient,
                network.parameters.astype(np.float64),
                method="L-BFGS-B",
                jac=True,
                callback=record,
                options={"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": self.tol},
            )
        except KeyboardInterrupt:
            return partial(_warn, _INTERRUPTED)
        self.n_iter_ = min(result.nit, self.max_iter)
        self.loss_ = float(result.fun)
        network.parameters[:] = result.x
        if not np.isfinite(network.parameters).all():
            raise ValueError(_NOT_FINITE)
        return partial(_check_optimize_result, "lbfgs", result, self.max_iter)


def _warn(message: str, category: type[Warning] = UserWarning) -> None:
    # 5: who called fit or partial_fit, which scikit-learn wraps
    warnings.warn(message, category, stacklevel=5)
