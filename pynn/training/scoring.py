"""Scoring: lets scikit-learn's scorers score a model during its training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer
from sklearn.utils.metaestimators import available_if

from pynn.data.samples import Samples
from pynn.model.model import Model


class _Seen(BaseEstimator):  # type: ignore[misc]
    """A model as scikit-learn sees estimators."""

    def __init__(self, network: Any) -> None:
        self.network = network

    def fit(self, X: ArrayLike, y: ArrayLike) -> Any:
        """Train the network."""
        self.network.fit(X, y)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True


class _Numbers(RegressorMixin, _Seen):  # type: ignore[misc]
    """A network whose outputs are numbers."""

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the numbers of each row, (n_rows,) or (n_rows, n_outputs)."""
        return np.asarray(self.network.predict(X, squeeze=True))


class _Classes(ClassifierMixin, _Seen):  # type: ignore[misc]
    """A network whose outputs are classes."""

    @property
    def classes_(self) -> NDArray[Any]:
        """Labels of the classes, or their numbers."""
        classes = self.network.classes
        return np.arange(max(2, self.network.layer_sizes[-1])) if classes is None else classes

    def _gives_probabilities(self) -> bool:
        return bool(self.network.layer_sizes[-1] == 1 or self.network.activations[-1] == "softmax")

    @available_if(_gives_probabilities)  # type: ignore[untyped-decorator]
    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the probability of each class, (n_rows, n_classes)."""
        out = self.network.predict(X)
        return np.concatenate((1 - out, out), axis=1) if out.shape[1] == 1 else out

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Predict the class of each row, (n_rows,)."""
        return np.asarray(self.network.predict_classes(X))


def as_estimator(network: Model, classifies: bool) -> Any:
    """Return a network as a fitted classifier or regressor of scikit-learn's kind."""
    return _Classes(network) if classifies else _Numbers(network)


def scorer_of(scoring: Any) -> Callable[..., float]:
    """Return a scorer, from its name, itself, or a metric such as those of sklearn.metrics.

    A plain function ``metric(y, prediction)`` is given predicted classes or numbers.
    """
    return get_scorer(scoring) if isinstance(scoring, str) else scoring  # type: ignore[no-any-return]


def name_of(scoring: Any) -> str:
    """Return the name of a scorer's figure."""
    return scoring if isinstance(scoring, str) else getattr(scoring, "__name__", "score")


def score(scorer: Callable[..., float], estimator: Any, samples: Samples) -> float:
    """Score a model of scikit-learn's kind, with sample weights where the scorer takes them."""
    weights = {}
    if samples.sample_weight is not None and hasattr(scorer, "_score_func"):
        weights["sample_weight"] = samples.sample_weight
    return float(scorer(estimator, samples.X, samples.labels, **weights))


def judge(network: Model, scoring: Any, samples: Samples) -> float:
    """Score a network by a scorer, which it meets as a classifier or regressor."""
    architecture, labels = network._architecture, samples.labels
    has_classes = samples.y.ndim == 1 and network.layer_sizes[-1] > 1
    classifies = has_classes or architecture.tells_classes
    if classifies and labels.ndim == 2 and architecture.cost_name != "binary_cross_entropy":
        numbers = labels.argmax(axis=1)
        labels = numbers if network.classes is None else network.classes[numbers]
    judged = as_estimator(network, classifies)
    return score(scorer_of(scoring), judged, replace(samples, labels=labels))
