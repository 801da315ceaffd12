"""Fitted perceptrons of scikit-learn as ours, and the other way round."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
from sklearn import neural_network
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.validation import check_is_fitted

from pynn import checks
from pynn.estimators._sklearn import InvalidParameterError
from pynn.estimators.base import Perceptron
from pynn.estimators.classifier import MLPClassifier
from pynn.estimators.regressor import MLPRegressor
from pynn.export.chain import Chain, Layer, chain_of
from pynn.network import Network

_NAMES = {"identity": "identity", "sigmoid": "logistic", "tanh": "tanh", "relu": "relu"}
_OUTPUTS = _NAMES | {"softmax": "softmax", "exp": "exp"}

# What a fit leaves behind beside the weights; loss_curve_ and history_ belong to the network.
_LEARNED = (
    *("n_features_in_", "feature_names_in_", "n_iter_", "t_", "loss_", "best_loss_"),
    *("validation_scores_", "best_validation_score_", "classes_", "_label_binarizer"),
)


def to_sklearn(model: Any) -> Any:
    """Make a fitted perceptron of scikit-learn with the same predictions.

    Parameters
    ----------
    model : MLPClassifier, MLPRegressor or Network
        With one of "identity", "logistic", "tanh" and "relu" as the activation of all hidden
        layers, and without embeddings, residual layers, layer normalisation, `Parametric`
        activations, members or an ensemble. An input scale and batch normalisation become part of
        the weights.

    Returns
    -------
    sklearn.neural_network.MLPClassifier or MLPRegressor
        It predicts, pickles and continues with `partial_fit`; the optimizer starts afresh. A
        network becomes a classifier if its outputs are probabilities of classes.

    Raises
    ------
    TypeError, ValueError
        If the model is anything else.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Warns
    -----
    UserWarning
        If parameters for training have no counterpart in scikit-learn, which then has its defaults.

    Examples
    --------
    >>> import pynn, pynn.export
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = pynn.MLPClassifier((5,), solver="lbfgs", random_state=0).fit(X / 10, y)
    >>> theirs = pynn.export.to_sklearn(mlp)
    >>> bool(abs(theirs.predict_proba(X) - mlp.predict_proba(X)).max() < 1e-12)
    True
    """
    chain = chain_of(model, "to_sklearn", takes_pipelines=False)
    layers = chain.expect_plain("to_sklearn", _OUTPUTS)
    hidden = {layer.activation for layer in layers[:-1]}
    if len(hidden) > 1 or not hidden <= _NAMES.keys():
        raise ValueError(
            "to_sklearn needs one activation for all hidden layers, of "
            f"{', '.join(_NAMES.values())}; got {', '.join(sorted(hidden))}"
        )
    kind = neural_network.MLPRegressor if chain.labels is None else neural_network.MLPClassifier
    settings = {
        "hidden_layer_sizes": tuple(len(layer.biases) for layer in layers[:-1]),
        "activation": _NAMES[hidden.pop()] if hidden else "relu",
    }
    if chain.labels is None and layers[-1].activation == "exp":
        settings["loss"] = "poisson"
    given = model.get_params() if isinstance(model, Perceptron) else {}
    theirs = kind(**_accepted(kind, given, settings))
    _learn(theirs, model, chain, layers)
    return theirs


def _accepted(kind: type[Any], given: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return parameters of ours that scikit-learn accepts; warn if others are not our defaults."""
    ours = MLPClassifier if kind is neural_network.MLPClassifier else MLPRegressor
    defaults, names = ours().get_params(), kind().get_params().keys()
    # Not of training: precision, memory and speed.
    lost = [
        name
        for name in given.keys() - names - {"dtype", "n_threads", "keep_optimizer", "n_members"}
        if given[name] is not defaults[name] and given[name] != defaults[name]
    ]
    accepted = dict(settings)
    for name in given.keys() & names - settings.keys():
        try:
            kind(**{name: given[name]})._validate_params()
            accepted[name] = given[name]
        except InvalidParameterError:
            lost.append(name)
    if lost:
        warnings.warn(
            f"{', '.join(sorted(lost))}: scikit-learn's {kind.__name__} has no such setting; its "
            "training would use the default",
            stacklevel=3,
        )
    return accepted


def _learn(theirs: Any, model: Any, chain: Chain, layers: tuple[Layer, ...]) -> None:
    """Set the attributes of a fit."""
    theirs.coefs_ = [layer.weights for layer in layers]
    theirs.intercepts_ = [layer.biases for layer in layers]
    theirs.n_layers_, theirs.n_outputs_ = len(layers) + 1, chain.n_outputs
    theirs.n_features_in_ = chain.n_inputs
    theirs.out_activation_ = _OUTPUTS[layers[-1].activation]
    theirs.n_iter_ = theirs.t_ = theirs._no_improvement_count = 0
    theirs.loss_, theirs.best_loss_, theirs.loss_curve_ = np.inf, np.inf, []
    theirs.validation_scores_ = theirs.best_validation_score_ = None
    if isinstance(model, Perceptron):
        found = {name: getattr(model, name) for name in _LEARNED if hasattr(model, name)}
        vars(theirs).update(copy.deepcopy(found))
        theirs.loss_curve_ = list(getattr(model, "loss_curve_", []))
        theirs.best_loss_ = np.inf if theirs.best_loss_ is None else theirs.best_loss_
    elif chain.labels is not None:
        labels = np.eye(chain.n_outputs, dtype=int) if chain.has_several_labels else chain.labels
        theirs._label_binarizer = LabelBinarizer().fit(labels)
        theirs.classes_ = theirs._label_binarizer.classes_
        if not chain.has_several_labels and theirs.classes_.tolist() != chain.labels:
            raise ValueError(
                "scikit-learn's classes are in ascending order; those of the network are "
                f"{checks.listed(chain.labels)}"
            )


def from_sklearn(model: Any) -> Any:
    """Make one of our estimators with the parameters and predictions of scikit-learn's.

    Parameters
    ----------
    model : sklearn.neural_network.MLPClassifier or MLPRegressor
        Fitted.

    Returns
    -------
    MLPClassifier or MLPRegressor
        It computes in the precision of the given weights. `partial_fit` and ``warm_start=True``
        continue from them; the optimizer starts afresh.

    Raises
    ------
    TypeError
        If the model is not a perceptron of scikit-learn.
    sklearn.exceptions.NotFittedError
        If it is not fitted.

    Examples
    --------
    >>> import pynn.export
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> theirs = MLPClassifier((5,), solver="lbfgs", random_state=0).fit(X / 10, y)
    >>> ours = pynn.export.from_sklearn(theirs)
    >>> bool(abs(theirs.predict_proba(X) - ours.predict_proba(X)).max() < 1e-12)
    True
    """
    kinds = {
        neural_network.MLPClassifier: MLPClassifier,
        neural_network.MLPRegressor: MLPRegressor,
    }
    kind = next((ours for theirs, ours in kinds.items() if isinstance(model, theirs)), None)
    if kind is None:
        hint = "" if not isinstance(model, Perceptron | Network) else "; to_sklearn goes back"
        raise TypeError(
            "from_sklearn takes an MLPClassifier or MLPRegressor of scikit-learn, got "
            f"{type(model).__module__}.{type(model).__name__}{hint}"
        )
    check_is_fitted(model)
    ours: Any = kind(**model.get_params())
    found = {name: getattr(model, name) for name in _LEARNED if hasattr(model, name)}
    vars(ours).update(copy.deepcopy(found))
    ours.n_layers_, ours.n_outputs_ = model.n_layers_, model.n_outputs_
    if hasattr(model, "loss_curve_"):
        ours.loss_curve_ = list(model.loss_curve_)
    ours.out_activation_ = model.out_activation_
    ours.coefs_, ours.intercepts_ = model.coefs_, model.intercepts_
    ours.network_  # noqa: B018 (makes the network of these arrays)
    return ours
