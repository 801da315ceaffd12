"""TabularClassifier: classes of the rows of a table."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from pynn.estimators.settings import among, parameter
from pynn.network import Network
from pynn.tabular import calibration
from pynn.tabular.base import Tabular
from pynn.tabular.training import Rows

Array = NDArray[Any]


@dataclass(eq=False, repr=False)
class TabularClassifier(ClassifierMixin, Tabular):  # type: ignore[misc]
    """Classifier for tables as they are: numbers, categories, missing values, dates."""

    _: KW_ONLY
    class_weight: str | dict[Any, float] | None = parameter(None, dict, among("balanced"), None)

    _METRICS = {"log_loss": "val_cost", "error": "val_score", "auc": "val_roc_auc_ovr"}

    def _learn_targets(
        self, y: Any, weights: Array | None
    ) -> tuple[Array, Array | None, Array | None]:
        labels = column_or_1d(y, warn=True)
        check_classification_targets(labels)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has only one class, {self.classes_[0]!r}; a classifier needs at least two"
            )
        if self.class_weight is not None:
            of_classes = compute_sample_weight(self.class_weight, labels)
            weights = of_classes if weights is None else weights * of_classes
        return numbers, numbers, weights

    def _new_network(self, n_inputs: int, hidden: Any, **options: Any) -> Network:
        n_classes = len(self.classes_)
        return Network([n_inputs, *hidden, n_classes], output_activation="softmax", **options)

    def _calibrate(self, outputs: Array, rows: Rows) -> None:
        self.temperature_ = calibration.temperature(outputs, rows.y, rows.weights)

    def predict_proba(self, X: Any) -> Array:
        """Predict calibrated probabilities of the classes."""
        return calibration.tempered(self._outputs(X), self.temperature_)

    def predict(self, X: Any) -> Array:
        """Predict the class of each row."""
        return np.asarray(self.classes_[self._outputs(X).argmax(axis=1)])
