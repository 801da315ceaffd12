"""MLPClassifier: scikit-learn's multi-layer perceptron for classes, on pynn's core."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import KW_ONLY, dataclass
from functools import partial
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin, TransformerMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import type_of_target

from pynn.estimators import rows
from pynn.estimators._sklearn import (
    CallbackSupportMixin,
    Interval,
    _check_partial_fit_first_call,
    _fit_context,
)
from pynn.estimators.labels import ClassTargets
from pynn.estimators.settings import among, parameter

Array = NDArray[Any]


@dataclass(eq=False, repr=False)
class MLPClassifier(
    CallbackSupportMixin,  # type: ignore[misc]
    ClassifierMixin,  # type: ignore[misc]
    TransformerMixin,  # type: ignore[misc]
    ClassTargets,
):
    """A multi-layer perceptron that tells classes, or several labels at once, apart.

    It minimises the cross-entropy. Parameters, attributes and numbers are those of
    `sklearn.neural_network.MLPClassifier`.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer.
    activation : str, LeakyReLU, or sequence of these, default="relu"
        Activation of the hidden layers, or one for each: "identity", "logistic" (or "sigmoid"),
        "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus"; see
        `pynn.Network`.
    solver : {"adam", "sgd", "lbfgs", "adamw", "rmsprop", "rprop"}, default="adam"
        "lbfgs", a quasi-Newton method, and "rprop" learn from all rows at once, which suits small
        data; the others from mini-batches.
    alpha : float or sequence of float, default=0.0001
        Strength of the penalty ``alpha / 2 * (sum of squared weights) / (samples of the batch)``;
        with weighted samples, by the sum of their weights. Or one for each layer of weights.
    batch_size : int or "auto", default="auto"
        Samples for each update; "auto" is 200, or all if there are fewer, or if the solver is
        "rprop". Not for "lbfgs".
    learning_rate : {"constant", "invscaling", "adaptive"} or Schedule, default="constant"
        The names are of "sgd": ``learning_rate_init`` throughout; divided by
        ``(samples seen + 1) ** power_t`` after each epoch; or divided by 5 wherever training would
        otherwise stop for lack of progress, down to 1e-6. A `Schedule`, such as `OneCycle`, is
        multiplied by ``learning_rate_init``, and is for all solvers that have a learning rate:
        not for "lbfgs" and "rprop".
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
        Print a table with a line for each epoch; 2 shows a live bar, which needs the package rich;
        without it, the table.
    warm_start : bool, default=False
        Let `fit` go on from the weights of the last one.
    momentum : float, default=0.9
        From 0 to 1, for "sgd".
    nesterovs_momentum : bool, default=True
        Use Nesterov's momentum with "sgd".
    early_stopping : bool, default=False
        Set aside a part of the samples, or take the `eval_set` of `fit`, stop by the score of
        these, and keep the weights that had the best. Not for "lbfgs".
    validation_fraction : float, default=0.1
        The part set aside, from 0 to 1.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of the two means of "adam" and "adamw", each from 0 up to but not including 1.
    epsilon : float, default=1e-8
        Keeps the quotient of "adam", "adamw" and "rmsprop" finite.
    n_iter_no_change : int or inf, default=10
        Epochs without improvement before stopping.
    max_fun : int, default=15000
        Most evaluations of the loss by "lbfgs".
    scoring : str, scorer or None, default=None
        Validation score: "loss", which is minus the loss without penalty; or as
        `sklearn.metrics.get_scorer` takes it. None is accuracy, as in scikit-learn. This and all
        that follows are no parameters of scikit-learn's.
    callbacks : list of functions, default=None
        Called after each epoch with the fit's `pynn.training.state.State`; they can stop the fit
        through it; `pynn.callbacks` has ready ones.
    dropout : float or sequence of float, default=0.0
        Share of a hidden layer's activations that are 0 in each step of training, or one for each
        hidden layer; from 0 up to but not including 1 (Srivastava et al. 2014). Not for "lbfgs".
    l1 : float or sequence of float, default=0.0
        Strength of the penalty ``l1 * (sum of absolute weights) / (samples of the batch)``, or one
        for each layer of weights. With "lbfgs" it makes weights exactly 0.
    max_norm : float or None, default=None
        Maximum Euclidean norm of a unit's incoming weights. Not for "lbfgs".
    clip_norm : float or None, default=None
        Maximum norm of the gradient; larger gradients are scaled down. Not for "lbfgs".
    weight_decay : float, default=0.01
        Of "adamw": each update shrinks weights by this times the learning rate.
    rho : float, default=0.9
        Of "rmsprop": decay of the mean square, from 0 up to but not including 1.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Precision of all computations; "auto" follows X.
    keep_optimizer : bool or None, default=None
        Whether pickles hold the optimizer's state; None: after `partial_fit`, which then goes on
        as it was.
    n_threads : int or None, default=None
        Threads that compute; None takes as many as a step is worth. The numbers are the same for
        any of them.
    class_weight : dict, "balanced", list of dict or None, default=None
        What samples of a class count in training, beside `sample_weight`;
        "balanced" is ``n_samples / (n_classes * samples of the class)``. A list for several labels.
    label_smoothing : float, default=0.0
        Targets are ``1 - label_smoothing`` for the right class, and the rest is shared by all,
        from 0 up to but not including 1 (Szegedy et al. 2016).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes in the order of the outputs.
    network_ : Network
        The network that computes. All that is learned lies in it.
    coefs_, intercepts_ : lists of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer, as views of the parameters of
        `network_`. Writing to the arrays, or assigning arrays, changes the estimator.
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
    best_epoch_ : int or None
        With `early_stopping`, the epoch, counted from 1, whose weights were restored.
    history_ : dict of list of float
        Figures of each epoch, in this order: "loss"; "penalty", its part that is the penalty;
        "val_loss", without penalty, and "val_score" with a validation set; "learning_rate" at the
        start of the epoch; and figures that callbacks record.
    stopped_early_ : bool
        Whether training ended before `max_iter` for lack of progress or by a callback.
    n_iter_ : int
        Epochs of the last fit, or iterations of "lbfgs".
    t_ : int
        Samples learned from, each as often as it was.
    n_features_in_ : int
        Features of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Their names, where X has names.
    n_layers_ : int
        Layers, input and output counted.
    n_outputs_ : int
        Units of the output: 1 for two classes.
    out_activation_ : {"logistic", "softmax"}
        Activation of the output. Setting it to another one takes effect at once: "identity"
        makes `predict_proba` of several classes return logits.

    See Also
    --------
    MLPRegressor : The same for numbers.
    pynn.Network : What computes.

    Notes
    -----
    float32 input is learned and predicted in float32, everything else in float64, unless `dtype`
    says otherwise. Sparse input in the format CSR is never made dense; other formats are converted
    to it.

    A pickle holds the state of the optimizer only after `partial_fit`, which then goes on with it.
    Each epoch makes a pickle longer by 9 bytes for `loss_curve_` and for each list of `history_`.

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

    _: KW_ONLY
    class_weight: str | dict[Any, float] | list[dict[Any, float]] | None = parameter(
        None, dict, list, among("balanced"), None
    )
    label_smoothing: float = parameter(0.0, Interval(Real, 0, 1, closed="left"))

    loss: ClassVar[str] = "log_loss"  # scikit-learn's name for it

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
        if out.shape[1] > 1:
            return out
        if len(self.classes_) == 1:
            return np.ones_like(out)
        return np.concatenate((1 - out, out), axis=1)

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
        eval_set: Any = None,
    ) -> Self:
        """Learn from these samples for one epoch, from the weights as they are.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever be in y; needed in the first call.
        eval_set : tuple (X, y) or (X, y, sample_weight), default=None
            See `fit`. With `early_stopping`, ``stopped_early_`` says when the score has not
            improved for ``n_iter_no_change`` calls; the weights are then those of the best.

        Returns
        -------
        self : MLPClassifier

        Raises
        ------
        ValueError, TypeError
            As for `fit`; the estimator is as it was.
        """
        first = not self.__sklearn_is_fitted__()
        if (
            first
            and classes is None
            and sample_weight is not None
            and _is_shorter(sample_weight, y)
        ):
            raise ValueError(
                "sample_weight has another length than y: classes is the fourth parameter of "
                f"partial_fit; did you mean classes={sample_weight}?"
            )
        validation = rows.validation_sets(eval_set)
        begin = partial(self._learn_first_classes, y, classes)
        return self._fitted(X, y, sample_weight, validation, incremental=True, begin=begin)

    def _learn_first_classes(self, y: ArrayLike, classes: ArrayLike | None) -> None:
        """Take note of the classes of the first partial_fit."""
        if _check_partial_fit_first_call(self, classes):
            several = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if several else rows.labels_of(classes))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags


def _is_shorter(sample_weight: Any, y: Any) -> bool:
    """Whether both have a length, and weights the smaller one."""
    sized = isinstance(sample_weight, Sized) and isinstance(y, Sized)
    return sized and len(sample_weight) < len(y)
