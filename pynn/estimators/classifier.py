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
    """Multi-layer perceptron classifier (binary, multiclass, multilabel).

    It minimises the cross-entropy. Parameters, attributes and numbers are those of
    `sklearn.neural_network.MLPClassifier`.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Units of each hidden layer.
    activation : str, LeakyReLU, Parametric, or sequence of these, default="relu"
        Activation of the hidden layers, or one for each: "identity", "logistic" (or "sigmoid"),
        "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus"; see
        `pynn.Network`.
    solver : {"adam", "sgd", "lbfgs", "adamw", "rmsprop", "rprop"}, default="adam"
        "lbfgs", a quasi-Newton method, and "rprop" use all samples in each step and suit small
        data. The others use mini-batches.
    alpha : float or sequence of float, default=0.0001
        Strength of the L2 penalty
        ``alpha / 2 * (sum of squared weights) / (samples of the batch)``, one number or one for
        each layer of weights. With `sample_weight`, the divisor is the sum of the weights in the
        batch.
    batch_size : int or "auto", default="auto"
        Samples in each mini-batch. "auto" is 200, or all samples if there are fewer or the solver
        is "rprop". Not for "lbfgs".
    learning_rate : {"constant", "invscaling", "adaptive"} or Schedule, default="constant"
        The names are for "sgd". "constant" uses ``learning_rate_init`` throughout. "invscaling"
        divides it by ``(samples seen + 1) ** power_t`` after each epoch. "adaptive" divides it by
        5, down to 1e-6, whenever training would otherwise stop for lack of improvement. A
        `Schedule`, such as `OneCycle`, multiplies ``learning_rate_init`` and works with all solvers
        but "lbfgs" and "rprop".
    learning_rate_init : float, default=0.001
        Initial learning rate. Not for "lbfgs".
    power_t : float, default=0.5
        Exponent of "invscaling".
    max_iter : int, default=200
        Maximum number of epochs, or of iterations of "lbfgs".
    shuffle : bool, default=True
        Whether to shuffle the samples in each epoch. Not for "lbfgs".
    random_state : int, RandomState or None, default=None
        Source of the initial weights, of the samples set aside by `early_stopping` and of the order
        of samples. Pass an int for reproducible results; None uses NumPy's global generator.
    tol : float, default=1e-4
        Minimum improvement of the loss or of the validation score. "lbfgs" stops when the largest
        component of the gradient is at most `tol`.
    verbose : bool or int, default=False
        Whether to print a table with a line for each epoch. 2 shows a live bar instead, if the
        package rich is installed.
    warm_start : bool, default=False
        Whether `fit` continues from the weights of the previous fit.
    momentum : float, default=0.9
        Momentum of "sgd", from 0 to 1.
    nesterovs_momentum : bool, default=True
        Whether "sgd" uses Nesterov's momentum.
    early_stopping : bool, default=False
        Whether to stop when the validation score no longer improves, and to keep the weights with
        the best score. The score is computed on the `eval_set` of `fit`, or on samples set aside
        from the training data. Not for "lbfgs".
    validation_fraction : float, default=0.1
        Fraction of the samples to set aside, from 0 to 1.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay rates of the two running means of "adam" and "adamw", each from 0 up to but not
        including 1.
    epsilon : float, default=1e-8
        Keeps the quotient of "adam", "adamw" and "rmsprop" finite.
    n_iter_no_change : int or inf, default=10
        Epochs without improvement before stopping.
    max_fun : int, default=15000
        Maximum number of evaluations of the loss by "lbfgs".
    scoring : str, scorer or None, default=None
        Validation score: "loss", the negative loss without penalty, or a scorer that
        `sklearn.metrics.get_scorer` accepts. None is accuracy, as in scikit-learn. scikit-learn
        does not have this parameter and the following ones.
    callbacks : list of functions, default=None
        Functions called after each epoch with the fit's `pynn.training.state.State`, through which
        they can stop the fit. `pynn.callbacks` provides common ones.
    dropout : float or sequence of float, default=0.0
        Probability of dropping a hidden activation in an update, one number or one for each hidden
        layer, from 0 up to but not including 1 (Srivastava et al. 2014). Not for "lbfgs".
    l1 : float or sequence of float, default=0.0
        Strength of the L1 penalty ``l1 * (sum of absolute weights) / (samples of the batch)``, one
        number or one for each layer of weights. "lbfgs" can set weights exactly to 0.
    max_norm : float or None, default=None
        Maximum Euclidean norm of a unit's incoming weights. Not for "lbfgs".
    clip_norm : float or None, default=None
        Maximum norm of the gradient; larger gradients are scaled down. Not for "lbfgs".
    weight_decay : float, default=0.01
        Weight decay of "adamw": each update multiplies the weights by
        ``1 - learning rate * weight_decay``.
    rho : float, default=0.9
        Decay rate of the mean square of "rmsprop", from 0 up to but not including 1.
    dtype : {"auto", "float32", "float64"}, default="auto"
        Precision of all computations; "auto" follows X.
    keep_optimizer : bool or None, default=None
        Whether pickles hold the optimizer's state. None: only after `partial_fit`, so that it
        continues exactly.
    n_threads : int or None, default=None
        Number of threads. None chooses it by the work per step, or uses all available processors
        if `n_members` > 1. Results are the same for any number.
    n_members : int, default=1
        Number of networks. If it is above 1, `fit` trains the networks in parallel threads, and
        predictions are averaged over them. See Notes.
    class_weight : dict, "balanced", list of dict or None, default=None
        Weights of the classes in training, multiplied with `sample_weight`. "balanced" is
        ``n_samples / (n_classes * samples of the class)``. A list has a dict for each of several
        labels.
    label_smoothing : float, default=0.0
        Fraction of each target that is spread evenly over all classes, from 0 up to but not
        including 1 (Szegedy et al. 2016).

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes in the order of the outputs.
    estimators_ : list of estimators
        The fitted members, if `n_members` > 1. They have the attributes below from `network_` to
        `t_`, which the ensemble lacks except for `n_iter_`.
    network_ : Network
        The trained network, which holds all learned parameters.
    coefs_, intercepts_ : lists of ndarray
        Weights (n_in, n_out) and biases (n_out,) of each layer, as views of the parameters of
        `network_`. Writing to the arrays, or assigning arrays, changes the estimator.
    loss_ : float
        Loss of the last epoch: the mean over its samples, before each update, with penalty.
    loss_curve_ : list of float
        Loss of each epoch; not for "lbfgs".
    best_loss_ : float or None
        Minimum of `loss_curve_`; None with `early_stopping`.
    validation_scores_ : list of float or None
        With `early_stopping`, the validation score after each epoch, by default the accuracy.
    best_validation_score_ : float or None
        Maximum of `validation_scores_`.
    best_epoch_ : int or None
        With `early_stopping`, the epoch, counted from 1, whose weights were restored.
    history_ : dict of list of float
        Figures of each epoch, in this order: "loss"; "penalty", the part of the loss due to
        penalties; "val_loss", without penalty, and "val_score" with a validation set;
        "learning_rate" at the start of the epoch; and figures that callbacks record.
    stopped_early_ : bool
        Whether training ended before `max_iter`, for lack of improvement or by a callback.
    n_iter_ : int
        Epochs of the last fit, or iterations of "lbfgs"; the maximum over the members.
    t_ : int
        Number of training samples seen, counted again in each epoch.
    n_features_in_ : int
        Number of features of X.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, if X has names.
    n_layers_ : int
        Number of layers, including input and output.
    n_outputs_ : int
        Number of output units; 1 for two classes.
    out_activation_ : {"logistic", "softmax"}
        Activation of the output. Setting it takes effect at once: with "identity", `predict_proba`
        of several classes returns logits.

    See Also
    --------
    MLPRegressor : Multi-layer perceptron regressor.
    pynn.Network : The network without scikit-learn's conventions.

    Notes
    -----
    Computations with float32 input use float32, all others float64, unless `dtype` says otherwise.
    Sparse input is never made dense; formats other than CSR are converted to CSR.

    With `n_members` > 1, the estimator is an ensemble whose members differ in their seeds: member k
    has the ``random_state`` of this estimator plus k, and the same bits as a single estimator with
    that seed. If `random_state` is None or a RandomState, member 0 draws from it, and the seeds of
    the others are drawn from a copy of it. Each member sets its own samples aside for
    `early_stopping`. Callbacks run in several threads, with a separate state for each member;
    `Checkpoint` and scikit-learn's callbacks are not supported. `verbose` prints the number of
    trained members. If a member diverges, `fit` raises the same error as a single estimator, with a
    note that names the member. If Ctrl-C ends the fit, `estimators_` holds the members that had
    begun.

    A pickle holds the state of the optimizer only after `partial_fit`, which then continues with
    it. Each epoch adds 9 bytes to a pickle for `loss_curve_` and for each list of `history_`.

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
        """Predict the class of each sample.

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
        """Predict the probability of each class.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Columns are in the order of `classes_`. Rows sum to 1, except for several labels, whose
            probabilities are independent.

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
        """Compute the logarithm of `predict_proba`, minus infinity for a probability of 0.

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
        """Train for one epoch on these samples, from the current weights.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`.
        classes : array-like of shape (n_classes,), default=None
            All classes that can occur in y in any call; required in the first call.
        eval_set : tuple (X, y) or (X, y, sample_weight), default=None
            See `fit`. With `early_stopping`, ``stopped_early_`` becomes True when the score has not
            improved for ``n_iter_no_change`` calls, and the best weights are restored.

        Returns
        -------
        self : MLPClassifier

        Raises
        ------
        ValueError, TypeError
            As for `fit`; the estimator is unchanged.
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
