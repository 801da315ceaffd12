"""Validation: how an estimator does, amid its fit, on rows that it does not learn from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sklearn.metrics import get_scorer
from sklearn.metrics._scorer import _BaseScorer

from pynn.estimators.samples import Samples
from pynn.estimators.supervised import Supervised
from pynn.model.regularisation import Regularisation
from pynn.network import Network

__all__ = ["Validation", "score"]


class Validation:
    """Rows that are not learned from, and how an estimator does on them.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
        Its `scoring` says what counts.
    network : Network
        What it computes with.
    samples : Samples
    """

    def __init__(self, estimator: Supervised, network: Network, samples: Samples) -> None:
        self.estimator, self.network, self.samples = estimator, network, samples
        scoring = estimator.scoring
        self._scorer = None if scoring in (None, "loss") else get_scorer(scoring)
        try:
            data = estimator._data(network, samples, samples.sample_weight)
        except ValueError as error:
            raise ValueError(f"samples to validate on: {error}") from error
        self._cost = partial(network._cost, data, Regularisation.checked(len(network.activations)))

    def figures(self) -> dict[str, float]:
        """Loss, without penalty, and score, the higher the better."""
        loss = self.estimator._loss(*self._cost())
        if self.estimator.scoring == "loss":
            return {"val_loss": loss, "val_score": -loss}
        return {"val_loss": loss, "val_score": self._score()}

    def _score(self) -> float:
        if self._scorer is not None:
            return score(self._scorer, self.estimator, self.samples)
        out = self.network._predict(self.samples.X, known_finite=True)
        return self.estimator._score(out, self.samples.y, self.samples.sample_weight)


def score(scorer: Callable[..., float], estimator: Supervised, samples: Samples) -> float:
    """Return what a scorer says of an estimator in the midst of its fit."""
    judged = object.__new__(type(estimator))
    judged.__dict__.update(estimator.__dict__)
    judged.__dict__.pop("feature_names_in_", None)  # validated rows have none, and are in order
    weights = {}
    if isinstance(scorer, _BaseScorer) and samples.sample_weight is not None:
        weights["sample_weight"] = samples.sample_weight
    return float(scorer(judged, samples.X, samples.labels, **weights))
