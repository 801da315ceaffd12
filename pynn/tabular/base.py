"""Tabular: the common part of `TabularClassifier` and `TabularRegressor`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral, Real
from time import monotonic
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from pynn.estimators import messages
from pynn.estimators._sklearn import (
    Interval,
    InvalidParameterError,
    _check_sample_weight,
    _fit_context,
)
from pynn.estimators.settings import _constraints, among, parameter
from pynn.network import Network
from pynn.tabular import importance, parts, training
from pynn.tabular import recipe as recipes
from pynn.tabular.batches import FitsBatches
from pynn.tabular.checkpoints import Checkpoints
from pynn.tabular.metrics import Metric
from pynn.tabular.predictions import Predicts
from pynn.tabular.preparation import Preparation
from pynn.tabular.progress import Progress
from pynn.tabular.recipe import Recipe
from pynn.tabular.saving import Learned, Saved
from pynn.tabular.targets import scaled_weights
from pynn.tabular.training import Member, Rows, Source, Trained, best_epoch
from pynn.training.forks import alone
from pynn.training.undo import Undo

Array = NDArray[Any]

_COUNT = Interval(Integral, 1, None, closed="left")
_FRACTION = 0.2  # of the rows for validation, with one fold


@dataclass(eq=False, repr=False)
class Tabular(FitsBatches, Predicts, Saved, BaseEstimator):  # type: ignore[misc]
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
    checkpoint: str | os.PathLike[str] | None = parameter(None, str, os.PathLike, None)
    verbose: bool = parameter(False, "verbose")

    # The metrics of the estimator, the default first, and where others belong.
    _METRICS: ClassVar[dict[str, Metric]]
    _OTHER_METRICS: ClassVar[dict[str, str]]

    # All that a fit learns beside `preparation_` and `networks_`, for files.
    _LEARNED: ClassVar[dict[str, Learned]] = {
        "n_features_in_": Learned(int),
        "feature_names_in_": Learned(np.ndarray, ("n_features",), "O", always=False),
        "recipe_": Learned(Recipe),
        "metric_": Learned(str),
        "best_epochs_": Learned(list),
        "validation_scores_": Learned(list),
        "validation_score_": Learned(float),
        "_seed": Learned(int),
        "_sample": Learned(
            importance.Sample,
            fields={
                "X": Learned(np.ndarray, ("n_sample", "n_inputs")),
                "y": Learned(np.ndarray),
                "weights": Learned(np.ndarray, ("n_sample",)),
                "is_aside": Learned(np.ndarray, ("n_networks", "n_sample"), "b"),
                "seed": Learned(int),
            },
        ),
    }

    @property
    def _parameter_constraints(self) -> dict[str, list[Any]]:
        return _constraints(type(self))  # type: ignore[arg-type]  # classes have a hash

    # ---- Defined by subclasses -------------------------------------------------------------------

    def _targets(self, y: Any) -> Array:
        """Return y as an array, checked."""
        raise NotImplementedError

    def _learn_targets(
        self, blocks: Iterable[tuple[Array, Array | None]], classes: ArrayLike | None = None
    ) -> None:
        """Learn from y and the weights of each block of rows."""
        raise NotImplementedError

    def _encoded(self, y: Array, weights: Array | None) -> tuple[Array, Array | None, Array | None]:
        """Return the targets of networks, labels to stratify by, and the weights of rows."""
        raise NotImplementedError

    def _new_network(self, n_inputs: int, hidden: Sequence[int], **options: Any) -> Network:
        """Return a network for these targets."""
        raise NotImplementedError

    def _calibrate(self, outputs: Array, rows: Rows, n_averaged: Array, is_late: bool) -> Array:
        """Learn from mean outputs of the networks that left a row out; return them calibrated.

        If `is_late`, train no networks for it.
        """
        raise NotImplementedError

    def _score(self, outputs: Array, y: Array, weights: Array | None) -> float:
        """Return the metric of outputs."""
        raise NotImplementedError

    # ---- Fitting ---------------------------------------------------------------------------------

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the model.

        Ctrl-C ends the fit with a warning; the model then consists of the networks that had trained
        an epoch, each as of its best epoch.

        Parameters
        ----------
        X : table of shape (n_rows, n_features)
            A DataFrame of pandas or polars, a table of Arrow, an array, a list of rows, or a sparse
            matrix of SciPy's; at least two rows. Missing values are fine.
        y : array-like of shape (n_rows,), or for numbers also (n_rows, n_outputs)
            Classes or numbers, none of them missing.
        sample_weight : array-like of shape (n_rows,), default=None
            Weight of each row; not negative. Rows of weight 0 are left out.

        Returns
        -------
        self : estimator

        Raises
        ------
        TypeError, ValueError
            If an argument or a parameter is not as described, or if all networks diverge; the
            estimator is unchanged.
        RuntimeError
            If another thread is fitting this estimator.
        KeyboardInterrupt
            On Ctrl-C before a network has trained an epoch; the estimator is unchanged.

        Warns
        -----
        UserWarning
            If a network diverged and is left out, or `time_limit` or Ctrl-C ended training.
        """
        return self._fitted(lambda new, _: (new._rows(X, y, sample_weight), None))

    def _fitted(
        self,
        learn: Callable[[Any, np.random.RandomState], tuple[Rows, Source | None]],
        **given: int,
    ) -> Self:
        """Fit to the rows that `learn` returns: all, or validation rows and a source of others.

        A copy is fitted, and its attributes replace those of this estimator in one step. So the
        estimator is unchanged if the fit fails, and other threads never predict with half a fit.
        """
        begun = monotonic()
        with alone(self), self._random_state_undone_on_error():
            new = self._now(dict(self.__dict__))
            new.recipe_, new.metric_ = new._recipe(**given), new._metric()
            random = check_random_state(self.random_state)
            rows, source = learn(new, random)
            deadline = begun + (self.time_limit or np.inf)
            trained = new._train(rows, deadline, random, source)
            new._finish(trained, rows)
            self.__dict__ = new.__dict__
        if self.verbose:
            n, score = len(self.networks_), f"{self.metric_} {self.validation_score_:.4g}"
            networks = f"{n} network{'s' * (n > 1)}"
            print(f"{networks} in {monotonic() - begun:.1f} s: {score} on all validation rows")
        self._warn_of_missing(trained)
        return self

    def _recipe(self, **given: int) -> Recipe:
        """Return the settings of the fit."""
        own = {"n_members": self.n_members, "n_folds": self.n_folds}
        recipe = recipes.chosen(self.preset, self.expert, own | given)
        if self.validation_fraction is not None and recipe.n_folds > 1:
            raise ValueError(
                f"validation_fraction={self.validation_fraction} is for n_folds=1, but n_folds is "
                f"{recipe.n_folds}: each network is validated on one of these folds"
            )
        return recipe

    def _metric(self) -> str:
        """Return the name of the metric."""
        name, accepted = self.metric, [*self._METRICS]
        if name is None:
            return accepted[0]
        if name in accepted:
            return name
        other = self._OTHER_METRICS.get(name)
        raise InvalidParameterError(
            f"The 'metric' parameter of {type(self).__name__} must be one of "
            f"{', '.join(map(repr, accepted))} or None. Got {name!r} instead"
            + (f", which is a metric of {other}." if other else ".")
        )

    def _rows(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> Rows:
        """Learn the preparation and the targets, and return the rows for networks."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        targets = self._targets(y)
        self._check_table(X, True, targets, sample_weight)
        weights = None
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, targets, ensure_non_negative=True)
            weights = scaled_weights(weights)
            some = np.flatnonzero(weights)
            if len(some) < len(weights):
                X, targets, weights = parts.take(X, some), targets[some], weights[some]
        self.preparation_ = Preparation.learn(X, self.categorical_features, self.recipe_)
        if len(targets) < 2:
            raise ValueError(
                f"X and y have n_samples=1 row{' of positive weight' * (weights is not None)}, but "
                "networks need at least two: some to learn from, others for validation"
            )
        self._learn_targets([(targets, weights)])
        targets, labels, weights = self._encoded(targets, weights)
        return Rows(self.preparation_.apply(X), targets, weights, labels)

    def _train(
        self,
        rows: Rows,
        deadline: float,
        random: np.random.RandomState,
        source: Source | None,
    ) -> Trained:
        recipe = self.recipe_
        if source is None:
            fraction = self._fraction()
            aside = training.folds(rows, recipe.n_members, recipe.n_folds, fraction, random)
        else:
            aside = [np.arange(len(rows.X))] * recipe.n_members
        seeds = random.randint(2**31 - 1, size=recipe.n_members)
        self._seed = int(random.randint(2**31 - 1))  # for intervals and importances

        def new_network(k: int) -> Network:
            return self._network(int(seeds[k]))

        def score(member: Member) -> float:
            return self._score_of(member, rows)

        store = Checkpoints.wanted(self, rows, source)
        report = None
        if self.verbose:
            report = Progress(recipe.n_members, score, self.metric_, deadline, self.n_threads)
        metric = self._METRICS[self.metric_]
        return training.train(
            rows, aside, new_network, recipe, metric, deadline, self.n_threads,
            report, source, store,
        )  # fmt: skip

    def _fraction(self) -> float:
        """Return the share of validation rows, where all networks have the same ones."""
        return self.validation_fraction or _FRACTION

    def _network(self, seed: int) -> Network:
        recipe, embeddings = self.recipe_, self.preparation_.embeddings
        network = self._new_network(
            self.preparation_.n_inputs, recipe.hidden_layer_sizes, activation=recipe.activation,
            embeddings=embeddings or None, input_scale=recipe.input_scale, n_threads=self.n_threads,
            random_state=seed,
        )  # fmt: skip
        for name, table in network.embedding_parameters.items():
            if name.startswith("table"):
                table[-1] = 0  # "other", which stays neutral if no training row has it
        return network

    def _score_of(self, member: Member, rows: Rows) -> float:
        aside = member.validation
        weights = None if rows.weights is None else rows.weights[aside]
        return self._score(member.outputs, rows.y[aside], weights)

    def _finish(self, trained: Trained, rows: Rows) -> None:
        """Set the attributes of the fit."""
        if not trained.members:
            error = next(iter(trained.errors.values()))
            raise ValueError(
                f"all {len(trained.errors)} networks diverged; try a smaller "
                'expert={"learning_rate": ...}'
            ) from error
        members = [*trained.members.values()]
        some, outputs = training.out_of_fold(members, len(rows.X))
        seen = rows if len(some) == len(rows.X) else rows.only(some)
        n_averaged = np.bincount(np.concatenate([member.validation for member in members]))[some]
        self.networks_ = [member.network for member in members]
        calibrated = self._calibrate(outputs, seen, n_averaged, trained.is_late)
        self.best_epochs_ = [best_epoch(member.network) for member in members]
        self.validation_scores_ = [self._score_of(member, rows) for member in members]
        self.validation_score_ = self._score(calibrated, seen.y, seen.weights)
        self._sample = importance.sample(members, rows, self._seed)
        self._importances = None

    def _warn_of_missing(self, trained: Trained) -> None:
        """Warn where networks are missing."""
        n, n_trained, n_diverged = self.recipe_.n_members, len(trained.members), len(trained.errors)
        if n_diverged:
            error = next(iter(trained.errors.values()))
            messages.warn(
                f"{n_diverged} of {n} networks diverged and are left out; the first one: {error}"
            )
        left = f" {n_trained} of {n} networks are trained; the others are left out."
        left *= n_trained < n
        if trained.is_interrupted:
            messages.tell_of_interruption(left)
        elif trained.is_late:
            messages.warn(f"time_limit={self.time_limit} ended training early.{left}")

    def _random_state_undone_on_error(self) -> Undo:
        """Restore the random source if a fit fails."""
        random = self.random_state
        state = random.get_state(legacy=False) if isinstance(random, np.random.RandomState) else {}

        def undo() -> None:
            if isinstance(random, np.random.RandomState):
                random.set_state(state)

        return Undo(undo)

    # ---- scikit-learn's tags, pickles -----------------------------------------------------------

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        state.pop("_fit_under_way", None)
        return state
