"""MLPRegressor: scikit-learn's multi-layer perceptron for numbers, on pynn's core."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin, TransformerMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if

from pynn.estimators.hooks import CallbackSupportMixin
from pynn.estimators.training import Trained
from pynn.model.costs import Cost, Huber, Quantile

__all__ = ["MLPRegressor"]

Array = NDArray[Any]


@dataclass(eq=False, repr=False)
class _WithLoss:
    loss: str = "squared_error"


@dataclass(eq=False, repr=False)  # the fields of the last base come first, as in scikit-learn
class MLPRegressor(
    CallbackSupportMixin,  # type: ignore[misc]
    RegressorMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    Trained,
    _WithLoss,
):
    """A multi-layer perceptron that predicts numbers, one or several for each sample.

    Parameters, attributes and numbers are those of `sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    loss : {"squared_error", "poisson", "absolute_error", "huber", "quantile"}, \
default="squared_error"
        - "squared_error", half the squared error: what is predicted is a mean
        - "poisson", half the Poisson deviance, for counts and rates: y must then not be negative,
          and predictions are positive, as exp of what the last layer sums up
        - "absolute_error": a median, which outliers hardly move
        - "huber", in between: squared up to `delta`, absolute beyond
        - "quantile", the pinball loss: the `quantile`
    hidden_layer_sizes, activation
        See `MLPClassifier`.
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, \
random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, scoring, callbacks, \
dropout, l1, max_norm, clip_norm, weight_decay, rho, dtype, keep_optimizer, n_threads
        See `MLPClassifier`. A `scoring` of None is R².
    quantile : float, default=0.5
        Of the loss "quantile": between 0 and 1; 0.5 is the median.
    delta : float, default=1.0
        Of the loss "huber": the error from which it is linear, in the unit of y.

    Attributes
    ----------
    coefs_, intercepts_, loss_, loss_curve_, best_loss_, history_, stopped_early_, n_iter_, t_, \
n_features_in_, feature_names_in_, n_layers_
        See `MLPClassifier`. The loss of "squared_error" is the mean over the outputs, of all others
        their sum.
    validation_scores_ : list of float or None
        With `early_stopping`, R² after each epoch on what was set aside.
    best_validation_score_ : float or None
        Highest of them.
    n_outputs_ : int
        Columns of y.
    out_activation_ : {"identity", "exp"}
        Activation of the output.

    See Also
    --------
    MLPClassifier : The same for classes.
    pynn.Network : What computes.

    Notes
    -----
    As for `MLPClassifier`. Targets of several outputs weigh in by their own scales; bring them to
    the same one.

    Examples
    --------
    >>> import numpy as np, pynn
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> y = np.sin(3 * X.ravel())
    >>> mlp = pynn.MLPRegressor(hidden_layer_sizes=10, activation="tanh", solver="lbfgs",
    ...                         random_state=0).fit(X, y)
    >>> mlp.predict([[0.5]]).round(1)
    array([1.])
    """

    _: KW_ONLY
    quantile: float = 0.5
    delta: float = 1.0

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Trained._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson", "absolute_error", "huber", "quantile"})],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "delta": [Interval(Real, 0, None, closed="neither")],
    }

    def predict(self, X: ArrayLike) -> Array:
        """Predict numbers.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_outputs) with several outputs

        Raises
        ------
        ValueError, TypeError
            If X does not hold finite numbers of this shape.
        """
        out = self._forward(X)
        return out.ravel() if out.shape[1] == 1 else out

    @available_if(lambda self: self._check_solver())  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        eval_set: tuple[ArrayLike, ...] | None = None,
    ) -> Self:
        """Learn from these samples for one epoch, from the weights as they are.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.
        eval_set : tuple (X, y) or (X, y, sample_weight), default=None
            See `fit`. With `early_stopping`, ``stopped_early_`` says when the score has not
            improved for ``n_iter_no_change`` calls; the weights are then those of the best.

        Returns
        -------
        self : MLPRegressor

        Raises
        ------
        ValueError, TypeError
            As for `fit`; the estimator is as it was.
        """
        with self._undone_on_error(self._goes_on(True)):
            outcome = self._partial_fit(X, y, sample_weight, eval_set)
        return self._ended(outcome)

    # ---- Targets ---------------------------------------------------------------------------------

    def _columns(self, numbers: Array) -> Array:
        columns: Array = numbers.reshape(len(numbers), -1)
        return columns

    def _cost(self) -> str | Cost:
        if self.loss == "huber":
            return Huber(float(self.delta))
        return Quantile(float(self.quantile)) if self.loss == "quantile" else self.loss

    def _output_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _score(self, out: Array, columns: Array, sample_weight: Array | None) -> float:
        if not np.isfinite(out).all():
            return math.nan
        return float(r2_score(columns, out, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
