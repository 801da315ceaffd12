"""Predictions: outputs of fitted estimators for tables, their importances and summary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_consistent_length, check_is_fitted, validate_data

from pynn.estimators.predictor import mean
from pynn.inspection.tables import Table, number
from pynn.network import Network
from pynn.tabular import importance, parts, reading
from pynn.tabular.preparation import Preparation
from pynn.tabular.recipe import Recipe

Array = NDArray[Any]

BLOCK = 50_000  # rows that predictions prepare at once


class Predicts:
    """An estimator that predicts from tables, once it is fitted."""

    n_features_in_: int
    feature_names_in_: Array
    preparation_: Preparation
    recipe_: Recipe
    metric_: str
    networks_: list[Network]
    best_epochs_: list[int]
    validation_scores_: list[float]
    validation_score_: float
    _sample: importance.Sample
    _importances: Array | None  # a cache

    # ---- Defined by subclasses -------------------------------------------------------------------

    def _losses(self, outputs: Array, y: Array) -> Array:
        """Return the loss of each row whose networks have these mean outputs."""
        raise NotImplementedError

    def _calibrated(self, outputs: Array) -> Array:
        """Return outputs as they are after calibration."""
        return outputs

    def _now(self, attributes: dict[str, Any] | None = None) -> Self:
        """Return the estimator with its present attributes, which a fit will replace as a whole."""
        now = object.__new__(type(self))
        now.__dict__ = self.__dict__ if attributes is None else attributes
        return now

    # ---- Outputs of networks ---------------------------------------------------------------------

    def _check_table(self, X: Any, is_first: bool, *others: Any) -> None:
        """Check number and names of the columns, and that others have as many rows."""
        try:
            if isinstance(X, reading.Table):  # whose names scikit-learn would not see
                self._check_plain(X, is_first)
            else:
                validate_data(self, X, reset=is_first, skip_check_array=True)
            check_consistent_length(X, *others)
        except (TypeError, ValueError, LookupError):
            reading.read(X)  # raises a clearer error if X is no table
            raise

    def _check_plain(self, table: reading.Table, is_first: bool) -> None:
        """Take number and names of the columns from the first table, and check later ones."""
        if not is_first:
            self.preparation_.check_names(table)
            return
        self.n_features_in_ = table.shape[1]
        vars(self).pop("feature_names_in_", None)
        if table.names is not None:
            self.feature_names_in_ = np.array(table.names, dtype=object)

    def _blocks(self, X: Any) -> Iterator[Array]:
        """Check a table, and yield the inputs of networks, block by block of rows."""
        check_is_fitted(self)
        self._check_table(X, False)
        for block in parts.in_blocks(X, BLOCK):
            yield self.preparation_.apply(block)

    def _outputs(self, X: Any) -> Array:
        """Return the mean of the networks' outputs, calibrated, (n_rows, n_outputs)."""
        means = [self._mean_outputs(inputs) for inputs in self._blocks(X)]
        return self._calibrated(np.concatenate(means))

    def _mean_outputs(self, inputs: Array) -> Array:
        return mean(network.predict(inputs).astype(np.float64) for network in self.networks_)

    def _outputs_of_each(self, prepared: Array) -> tuple[Array, Array]:
        """Return a sample of these rows, and outputs (n_networks, n_sample, n_outputs) for it."""
        n_rows = len(prepared)
        some = np.linspace(0, n_rows - 1, min(n_rows, 2_000)).astype(int)
        return some, np.array([network.predict(prepared[some]) for network in self.networks_])

    # ---- Importances, summary --------------------------------------------------------------------

    @property
    def feature_importances_(self) -> Array:
        """Permutation importance of each feature, ndarray of shape (n_features,).

        How much the loss rises if the values of a feature are permuted among rows: the log-loss of
        a classifier, the squared error of a regressor in units of the target's variance. Networks
        predict only rows that they were not trained on. The first access computes it from at most
        1,000 of these rows, which the estimator keeps. With thousands of features it takes fewer
        rows and is rough: from some 8,000 columns of numbers on, each is permuted in two rows only.
        It can be slightly negative for a useless feature, and is 0 for one that is left out. Of two
        features with the same information, both may get a small number.

        References
        ----------
        Breiman, Random Forests, Machine Learning 2001; Fisher, Rudin & Dominici, All Models are
        Wrong, but Many are Useful, JMLR 2019.

        Examples
        --------
        >>> import pynn
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = pynn.TabularClassifier(random_state=0, expert={"epochs": 20}).fit(X, y)
        >>> sorted(model.feature_names_in_[model.feature_importances_.argsort()[-2:]])
        ['petal length (cm)', 'petal width (cm)']
        """
        check_is_fitted(self)
        now = self._now()
        found = getattr(now, "_importances", None)  # files do not hold them
        if found is None:
            inputs = [now.preparation_.inputs_of(j) for j in range(now.n_features_in_)]
            found = importance.permutation_importances(
                now.networks_, now._sample, inputs, now._losses
            )
            now._importances = found
        return np.array(found)

    def summary(self) -> str:
        """Return tables of the columns, of the settings and of the networks.

        Returns
        -------
        str

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        """
        check_is_fitted(self)
        settings = [[name, str(value)] for name, value in vars(self.recipe_).items()]
        networks = [["network", "best epoch", self.metric_]]
        figures = zip(self.best_epochs_, self.validation_scores_, strict=True)
        for k, (epoch, score) in enumerate(figures, start=1):
            networks.append([str(k), str(epoch), number(score)])
        title = "Networks, each on its own validation rows"
        tables = [
            Table("Settings", [["setting", "value"], *settings], left=(0, 1)),
            Table(title, networks, left=(), notes=self._notes()),
        ]
        return "\n\n".join([self.preparation_.summary(), *map(str, tables)])

    def _notes(self) -> list[str]:
        """Return lines for the end of the summary."""
        return [f"Together: {self.metric_} {number(self.validation_score_)} on all validation rows"]
