"""Tabular: the common part of `TabularClassifier` and `TabularRegressor`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from numbers import Integral, Real
from time import monotonic
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from pynn import checks
from pynn.estimators._sklearn import Interval, _check_sample_weight, _fit_context
from pynn.estimators.settings import _constraints, among, parameter
from pynn.network import Network
from pynn.tabular import recipe as recipes
from pynn.tabular.preparation import Preparation
from pynn.tabular.recipe import Recipe
from pynn.tabular.training import Member, Rows, folds, train

Array = NDArray[Any]
_COUNT = Interval(Integral, 1, None, closed="left")


@dataclass(eq=False, repr=False)
class Tabular(BaseEstimator):  # type: ignore[misc]
    """Base class of both estimators; a subclass defines its targets and metrics."""

    _: KW_ONLY
    n_members: int | None = parameter(None, _COUNT, None)
    n_folds: int | None = parameter(None, _COUNT, None)
    preset: str = parameter("default", among(*recipes.PRESETS))
    metric: str | None = parameter(None, str, None)
    time_limit: float | None = parameter(None, Interval(Real, 0, None, closed="neither"), None)
    categorical_features: str | ArrayLike = parameter("auto", among("auto"), "array-like")
    validation_fraction: float | None = parameter(
        None, Interval(Real, 0, 1, closed="neither"), None
    )
    expert: dict[str, Any] | None = parameter(None, dict, None)
    random_state: int | np.random.RandomState | None = parameter(None, "random_state")
    n_threads: int | None = parameter(None, _COUNT, None)
    verbose: bool = parameter(False, "verbose")

    _METRICS: ClassVar[dict[str, str]]  # figure of the history that chooses the best epoch

    @property
    def _parameter_constraints(self) -> dict[str, list[Any]]:
        return _constraints(type(self))

    def _metric(self) -> str:
        return checks.choice("metric", self.metric or next(iter(self._METRICS)), self._METRICS)

    # ---- What a subclass says --------------------------------------------------------------------

    def _learn_targets(
        self, y: Any, weights: Array | None
    ) -> tuple[Array, Array | None, Array | None]:
        """Return the targets of networks, labels to stratify by, and the weights of rows."""
        raise NotImplementedError

    def _new_network(self, n_inputs: int, **options: Any) -> Network:
        """Return a network for these targets."""
        raise NotImplementedError

    def _calibrate(self, outputs: Array, rows: Rows) -> None:
        """Learn from outputs of networks for rows that they were not trained on."""
        raise NotImplementedError

    # ---- Fitting ---------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model."""
        deadline = monotonic() + (self.time_limit or np.inf)
        with self._undone_on_error():
            given = {"n_members": self.n_members, "n_folds": self.n_folds}
            recipe = recipes.chosen(self.preset, self.expert, given)
            monitor = self._METRICS[self._metric()]
            validate_data(self, X, skip_check_array=True)
            self.preparation_ = Preparation.learn(X, self.categorical_features, recipe)
            rows = self._rows(X, y, sample_weight)
            random = check_random_state(self.random_state)
            validation = folds(
                rows, recipe.n_members, recipe.n_folds, self.validation_fraction or 0.2, random
            )
            seeds = random.randint(2**31 - 1, size=recipe.n_members)
            members = train(
                rows, validation, lambda k: self._network(recipe, int(seeds[k])), recipe, monitor,
                deadline, self.n_threads,
            )  # fmt: skip
            self.networks_ = [member.network for member in members]
            self._calibrate(*_out_of_fold(members, rows))
        return self

    def _rows(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None) -> Rows:
        prepared = self.preparation_.apply(X)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, prepared, ensure_non_negative=True)
        targets, labels, weights = self._learn_targets(y, weights)
        return Rows(prepared, targets, weights, labels)

    def _network(self, recipe: Recipe, seed: int) -> Network:
        n_inputs, embeddings = self.preparation_.n_inputs, self.preparation_.embeddings
        return self._new_network(
            n_inputs, recipe.hidden_layer_sizes, activation=recipe.activation,
            embeddings=embeddings or None, input_scale=recipe.input_scale, n_threads=self.n_threads,
            random_state=seed,
        )  # fmt: skip

    @contextmanager
    def _undone_on_error(self) -> Iterator[None]:
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise

    # ---- Predictions -----------------------------------------------------------------------------

    def _outputs(self, X: Any) -> Array:
        """Return the mean of the networks' outputs, (n_rows, n_outputs)."""
        check_is_fitted(self)
        validate_data(self, X, reset=False, skip_check_array=True)
        prepared = self.preparation_.apply(X)
        total = sum(network.predict(prepared).astype(np.float64) for network in self.networks_)
        return np.asarray(total / len(self.networks_))


def _out_of_fold(members: list[Member], rows: Rows) -> tuple[Array, Rows]:
    """Return mean outputs of members for the rows that they were validated on, and these rows."""
    n_times = np.zeros(len(rows.X), dtype=int)
    total: Any = 0.0
    for member in members:
        out = member.network.predict(rows.X[member.validation])
        total = np.zeros((len(rows.X), out.shape[1])) if np.isscalar(total) else total
        total[member.validation] += out
        n_times[member.validation] += 1
    seen = np.flatnonzero(n_times)
    weights = None if rows.weights is None else rows.weights[seen]
    labels = None if rows.labels is None else rows.labels[seen]
    return total[seen] / n_times[seen, None], Rows(rows.X[seen], rows.y[seen], weights, labels)
