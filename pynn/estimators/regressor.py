"""MLPRegressor: scikit-learn's multi-layer perceptron for numbers, on pynn's core."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any, Literal, Self, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin, TransformerMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from pynn import checks
from pynn.data.samples import Samples
from pynn.estimators import rows
from pynn.estimators._sklearn import (
    CallbackSupportMixin,
    Interval,
    InvalidParameterError,
    _fit_context,
)
from pynn.estimators.base import Perceptron
from pynn.estimators.predictor import mean
from pynn.estimators.settings import among, parameter
from pynn.model.activations import HIDDEN_ACTIVATIONS, Activation
from pynn.model.architecture import paired
from pynn.model.costs import Cost, Huber, Quantile

Array = NDArray[Any]


@dataclass(eq=False, repr=False)
class _WithLoss:
    loss: str = parameter(
        "squared_error",
        among("squared_error", "poisson", "absolute_error", "huber", "quantile"),
    )


@dataclass(eq=False, repr=False)  # the fields of the last base come first, as in scikit-learn
class MLPRegressor(
    CallbackSupportMixin,  # type: ignore[misc]
    RegressorMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    Perceptron,
    _WithLoss,
):
    """Multi-layer perceptron regressor, for one or several outputs.

    Parameters, attributes and numbers are those of `sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    loss : {"squared_error", "poisson", "absolute_error", "huber", "quantile"}, \
default="squared_error"
        - "squared_error": half the squared error; predicts the mean
        - "poisson": half the Poisson deviance, for counts and rates; y must not be negative, and
          the output activation exp makes predictions positive
        - "absolute_error": predicts the median, which is robust to outliers
        - "huber": squared error up to `delta`, absolute error beyond
        - "quantile": the pinball loss; predicts the `quantile`
    hidden_layer_sizes, activation
        See `MLPClassifier`.
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, \
random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, scoring, callbacks, \
dropout, l1, max_norm, clip_norm, weight_decay, rho, dtype, keep_optimizer, n_threads, n_members
        See `MLPClassifier`. A `scoring` of None is R².
    quantile : float, default=0.5
        Quantile that the loss "quantile" predicts, between 0 and 1; 0.5 is the median.
    delta : float, default=1.0
        Error beyond which the loss "huber" is linear, in the unit of y.
    output_activation : str or LeakyReLU, default="auto"
        Activation of the output, for bounded or positive predictions: "logistic" (or "sigmoid")
        for numbers from 0 to 1, "tanh" from -1 to 1, "softplus" or "exp" for positive numbers, or
        another activation of the hidden layers. "auto" is "exp" for the loss "poisson", else
        "identity".

    Attributes
    ----------
    estimators_, network_, coefs_, intercepts_, loss_, loss_curve_, best_loss_, best_epoch_, \
history_, stopped_early_, n_iter_, t_, n_features_in_, feature_names_in_, n_layers_
        See `MLPClassifier`. "squared_error" is averaged over the outputs, all other losses are
        summed.
    validation_scores_ : list of float or None
        With `early_stopping`, R² on the validation set after each epoch; the negative loss if all
        validation targets are equal, because R² is then undefined.
    best_validation_score_ : float or None
        Maximum of `validation_scores_`.
    n_outputs_ : int
        Columns of y.
    out_activation_ : str or LeakyReLU
        Activation of the output. It can be set.

    See Also
    --------
    MLPClassifier : Multi-layer perceptron classifier.
    pynn.Network : The network without scikit-learn's conventions.

    Notes
    -----
    See `MLPClassifier`. With several outputs, targets with larger scales dominate the loss; bring
    all targets to the same scale.

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
    quantile: float = parameter(0.5, Interval(Real, 0, 1, closed="neither"))
    delta: float = parameter(1.0, Interval(Real, 0, None, closed="neither"))
    output_activation: str | Activation = parameter(
        "auto", among("auto", "logistic", "exp", *HIDDEN_ACTIVATIONS), Activation
    )

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[False] = False) -> Array: ...

    @overload
    def predict(self, X: ArrayLike, return_std: Literal[True]) -> tuple[Array, Array]: ...

    def predict(self, X: ArrayLike, return_std: bool = False) -> Array | tuple[Array, Array]:
        """Predict the targets of each sample: the mean of the members' predictions.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
        return_std : bool, default=False
            Whether to return the standard deviation of the members' predictions, too. It indicates
            samples unlike the training samples, but not the noise of y.

        Returns
        -------
        y : ndarray of shape (n_samples,), or (n_samples, n_outputs) with several outputs
        std : ndarray of the same shape
            Only with ``return_std=True``.

        Raises
        ------
        ValueError, TypeError
            If X does not hold finite numbers of this shape, or the standard deviation of a single
            member is wanted.
        """
        if not checks.flag("return_std", return_std):
            return _squeezed(self._forward(X))
        each = list(self._each_forward(X))
        if len(each) < 2:
            raise ValueError("return_std=True needs several members: fit with n_members=5")
        std = np.std(each, axis=0)
        return _squeezed(mean(each)), _squeezed(std)

    @available_if(lambda self: self._check_solver())  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        eval_set: Any = None,
    ) -> Self:
        """Train for one epoch on these samples, from the current weights.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.
        eval_set : tuple (X, y) or (X, y, sample_weight), default=None
            See `fit`. With `early_stopping`, ``stopped_early_`` becomes True when the score has not
            improved for ``n_iter_no_change`` calls, and the best weights are restored.

        Returns
        -------
        self : MLPRegressor

        Raises
        ------
        ValueError, TypeError
            As for `fit`; the estimator is unchanged.
        """
        validation = rows.validation_sets(eval_set)
        return self._fitted(X, y, sample_weight, validation, incremental=True)

    # ---- Targets ---------------------------------------------------------------------------------

    def _validate_params(self) -> None:
        try:
            super()._validate_params()
        except InvalidParameterError as error:
            sizes: Any = self.loss
            if isinstance(sizes, tuple | list | int):
                hint = f" Did you mean hidden_layer_sizes={sizes}? It is the second parameter."
                raise InvalidParameterError(f"{error}{hint}") from None
            raise

    def _encode(self, labels: Array) -> Array:
        columns: Array = labels.reshape(len(labels), -1)
        return columns

    def _n_outputs(self, samples: Samples) -> int:
        return int(samples.y.shape[1])

    def _split(self, samples: Samples, random: np.random.RandomState) -> tuple[Samples, Samples]:
        return samples.split(self.validation_fraction, random)

    def _output(self) -> tuple[str | Activation, str | Cost]:
        """Return output activation and cost of a new network."""
        costs: dict[str, str | Cost] = {
            "huber": Huber(checks.as_float(self.delta)),
            "quantile": Quantile(float(self.quantile)),
        }
        output = None if self.output_activation == "auto" else self.output_activation
        return paired(output, costs.get(self.loss, self.loss))

    def _is_constant(self, samples: Samples) -> bool:
        return bool((samples.y == samples.y[:1]).all()) and len(samples) > 1

    def _score_of(self, out: Array, y: Array, sample_weight: Array | None) -> float:
        if not np.isfinite(out).all():
            return math.nan
        return float(r2_score(y, out, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


def _squeezed(out: Array) -> Array:
    """Return a single column as a vector."""
    return out.ravel() if out.shape[1] == 1 else out
