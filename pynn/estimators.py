"""MLPClassifier and MLPRegressor: scikit-learn's multi-layer perceptrons, on pynn's core."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    type_of_target,
    unique_labels,
)

from pynn.training import Trained

__all__ = ["MLPClassifier", "MLPRegressor"]

Array = NDArray[Any]


class MLPClassifier(ClassifierMixin, Trained):  # type: ignore[misc]
    """A multi-layer perceptron that tells classes, or several labels at once, apart.

    It minimises the cross-entropy. Parameters, attributes and numbers are those of
    `sklearn.neural_network.MLPClassifier`.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer.
    activation : {"identity", "logistic", "tanh", "relu"}, default="relu"
        Activation of the hidden layers.
    solver : {"adam", "sgd", "lbfgs"}, default="adam"
        "adam" and "sgd" learn from mini-batches; "lbfgs", a quasi-Newton method, from all rows at
        once, which suits small data.
    alpha : float, default=0.0001
        Strength of the penalty ``alpha / 2 * (sum of squared weights) / (samples of the batch)``;
        with weighted samples, by the sum of their weights.
    batch_size : int or "auto", default="auto"
        Samples for each update; "auto" is 200, or all if there are fewer. Not for "lbfgs".
    learning_rate : {"constant", "invscaling", "adaptive"}, default="constant"
        Schedule of "sgd": ``learning_rate_init`` throughout; divided by
        ``(samples seen + 1) ** power_t`` after each epoch; or divided by 5 wherever training would
        otherwise stop for lack of progress, down to 1e-6.
    learning_rate_init : float, default=0.001
        Learning rate at the start. Not for "lbfgs".
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Most epochs, or iterations of "lbfgs".
    shuffle : bool, default=True
        Go through the samples in another order in each epoch. Not for "lbfgs".
    random_state : int, RandomState or None, default=None
        Source of the first weights, of the samples set aside by `early_stopping` and of the order
        of samples. An int gives the same result each time; None draws from NumPy's global one.
    tol : float, default=1e-4
        Loss must fall, or validation score rise, by this to count as progress. For "lbfgs" it is
        the largest component of the gradient at which to stop.
    verbose : bool or int, default=False
        Print loss and score of each epoch.
    warm_start : bool, default=False
        Let `fit` go on from the weights of the last one.
    momentum : float, default=0.9
        From 0 to 1, for "sgd".
    nesterovs_momentum : bool, default=True
        Use Nesterov's momentum with "sgd".
    early_stopping : bool, default=False
        Set aside a part of the samples, stop by the score of these, and keep the weights that had
        the best. Not for "lbfgs".
    validation_fraction : float, default=0.1
        The part set aside, from 0 to 1.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of the two means of "adam", each from 0 up to but not including 1.
    epsilon : float, default=1e-8
        Keeps the quotient of "adam" finite.
    n_iter_no_change : int or inf, default=10
        Epochs without progress that are borne with.
    max_fun : int, default=15000
        Most evaluations of the loss by "lbfgs".
    n_threads : int or None, default=None
        Threads that compute; None takes as many as a step is worth. The numbers are the same for
        any of them. It is no parameter of scikit-learn's.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes in the order of the outputs.
    coefs_, intercepts_ : lists of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer. What is written to the arrays, or
        put into the lists, changes the estimator.
    loss_ : float
        Loss of the last epoch: the mean over its samples, before each update, with penalty.
    loss_curve_ : list of float
        Loss of each epoch; not for "lbfgs".
    best_loss_ : float or None
        Least of them; None with `early_stopping`.
    validation_scores_ : list of float or None
        With `early_stopping`, the accuracy after each epoch on what was set aside.
    best_validation_score_ : float or None
        Highest of them.
    n_iter_ : int
        Epochs of the last fit, or iterations of "lbfgs".
    t_ : int
        Samples learned from, each as often as it was.
    n_features_in_ : int
        Features of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names.
    n_layers_ : int
        Layers, input and output counted.
    n_outputs_ : int
        Units of the output: 1 for two classes.
    out_activation_ : {"logistic", "softmax"}
        Activation of the output.

    See Also
    --------
    MLPRegressor : The same for numbers.
    pynn.Network : What computes.

    Notes
    -----
    float32 input is learned and predicted in float32, everything else in float64. Sparse input in
    the format CSR is never made dense; other formats are converted to it.

    A pickle holds the state of the optimizer only after `partial_fit`, which then goes on with it.

    Examples
    --------
    >>> import pynn
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = pynn.MLPClassifier((20,), learning_rate_init=0.01, max_iter=500, random_state=0)
    >>> model = make_pipeline(StandardScaler(), mlp).fit(X, y)
    >>> model.predict(X[[0, 50, 100]])
    array([0, 1, 2])
    >>> model.score(X, y) > 0.95
    True
    """

    loss = "log_loss"  # scikit-learn's name for it

    def predict(self, X: ArrayLike) -> Array:
        """Class of each sample.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_classes) of 0s and 1s for several labels

        Raises
        ------
        ValueError, TypeError
            If X does not hold finite numbers of this shape.
        """
        return self._labels(self._forward(X))

    def predict_proba(self, X: ArrayLike) -> Array:
        """Probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; rows sum to 1, but for several labels, each on its own.

        Raises
        ------
        ValueError, TypeError
            As for `predict`.
        """
        out = self._forward(X)
        return np.concatenate((1 - out, out), axis=1) if out.shape[1] == 1 else out

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Logarithm of `predict_proba`, minus infinity where that is 0.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)

        Raises
        ------
        ValueError, TypeError
            As for `predict`.
        """
        probabilities = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(probabilities, out=probabilities)

    @available_if(lambda self: self._check_solver())  # type: ignore[untyped-decorator]
    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
    ) -> Self:
        """Learn from these samples for one epoch, from the weights as they are.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever be in y; needed in the first call.

        Returns
        -------
        self : MLPClassifier

        Raises
        ------
        ValueError, TypeError
            As for `fit`; the weights are as before.
        """
        if _check_partial_fit_first_call(self, classes):
            several = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if several else classes)
        return self._fit(X, y, sample_weight, incremental=True)

    def _validated(self, X: ArrayLike, y: ArrayLike, incremental: bool) -> tuple[Array, Array]:
        rows, labels = self._checked(X, y, incremental, y_numeric=False)
        if incremental or self._goes_on(incremental):
            self._check_classes(unique_labels(labels), incremental)
        else:
            self._label_binarizer = LabelBinarizer().fit(labels)
            self.classes_ = self._label_binarizer.classes_
        return rows, self._columns(labels)

    def _columns(self, labels: Array) -> Array:
        """Return what the label binarizer makes of labels that it knows; it checks them again."""
        kind, classes = self._label_binarizer.y_type_, self._label_binarizer.classes_
        columns: Array
        if labels.ndim == 1 and labels.dtype == classes.dtype and len(classes) > 1:
            columns = labels[:, np.newaxis] == (classes if kind == "multiclass" else classes[1:])
        else:
            columns = self._label_binarizer.transform(labels).astype(bool)
        return columns

    def _check_classes(self, found: Array, incremental: bool) -> None:
        """Refuse classes that the output has no units for."""
        if not incremental and set(found) != set(self.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {found}"
            )
        if not set(found) <= set(self.classes_):
            raise ValueError(
                "`y` has classes not in `self.classes_`. "
                f"`self.classes_` has {self.classes_}. 'y' has {found}."
            )

    def _labels(self, out: Array) -> Array:
        """Return what the label binarizer makes of outputs; its checks cost more than a row."""
        binarizer, n_outputs = self._label_binarizer, out.shape[1]
        kind, classes, sparse = binarizer.y_type_, binarizer.classes_, binarizer.sparse_input_
        labels: Array
        if kind == "multiclass" and n_outputs == len(classes):
            labels = classes[out.argmax(axis=1)]
        elif kind == "binary" and n_outputs == 1 and len(classes) == 2:
            labels = classes[(out[:, 0] > 0.5).astype(np.intp)]
        elif kind == "multilabel-indicator" and n_outputs == len(classes) and not sparse:
            labels = (out > 0.5).astype(np.int64)
        else:
            labels = binarizer.inverse_transform(out.ravel() if n_outputs == 1 else out)
        return labels

    def _output_activation(self) -> str:
        return "softmax" if self._label_binarizer.y_type_ == "multiclass" else "logistic"

    def _targets(self, y: Array) -> Array:
        return y.argmax(axis=1) if self.out_activation_ == "softmax" else y

    def _score(self, out: Array, y: Array, sample_weight: Array | None) -> float:
        if self.out_activation_ == "softmax":
            right = out.argmax(axis=1) == y.argmax(axis=1)
        elif len(self.classes_) == 1:  # what `predict` then says whatever the output is
            right = np.ones(len(y), bool)
        else:
            right = ((out > 0.5) == y).all(axis=1)
        return float(np.average(right, weights=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


@dataclass(eq=False, repr=False)
class _WithLoss:
    loss: str = "squared_error"


@dataclass(eq=False, repr=False)  # the fields of the last base come first, as in scikit-learn
class MLPRegressor(RegressorMixin, Trained, _WithLoss):  # type: ignore[misc]
    """A multi-layer perceptron that predicts numbers, one or several for each sample.

    Parameters, attributes and numbers are those of `sklearn.neural_network.MLPRegressor`.

    Parameters
    ----------
    loss : {"squared_error", "poisson"}, default="squared_error"
        Half the squared error; or half the Poisson deviance, for counts and rates: y must then not
        be negative, and predictions are positive, as exp of what the last layer sums up.
    hidden_layer_sizes, activation
        See `MLPClassifier`.
    solver, alpha, batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, \
random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, early_stopping, \
validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, n_threads
        See `MLPClassifier`.

    Attributes
    ----------
    coefs_, intercepts_, loss_, loss_curve_, best_loss_, n_iter_, t_, n_features_in_, \
feature_names_in_, n_layers_
        See `MLPClassifier`. The loss of "squared_error" is the mean over the outputs.
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

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Trained._parameter_constraints,
        "loss": [StrOptions({"squared_error", "poisson"})],
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
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn from these samples for one epoch, from the weights as they are.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.

        Returns
        -------
        self : MLPRegressor

        Raises
        ------
        ValueError, TypeError
            As for `fit`; the weights are as before.
        """
        return self._fit(X, y, sample_weight, incremental=True)

    def _validated(self, X: ArrayLike, y: ArrayLike, incremental: bool) -> tuple[Array, Array]:
        rows, numbers = self._checked(X, y, incremental, y_numeric=True)
        return rows, numbers.reshape(len(numbers), -1)

    def _output_activation(self) -> str:
        return "exp" if self.loss == "poisson" else "identity"

    def _score(self, out: Array, y: Array, sample_weight: Array | None) -> float:
        if not np.isfinite(out).all():
            return math.nan
        return float(r2_score(y, out, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
