"""MLPClassifier and MLPRegressor whose rows are on the workers of a Dask cluster."""

from __future__ import annotations

import copy
from dataclasses import KW_ONLY, dataclass, fields
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import distributed
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from pynn.dask import lazy, shards, workers
from pynn.dask.evaluation import HeldOut
from pynn.dask.learner import Rounds, Settings
from pynn.dask.parts import is_collection
from pynn.dask.shards import Shards
from pynn.estimators import _sklearn, classifier, ensemble, regressor, rows
from pynn.estimators._sklearn import Interval
from pynn.estimators.base import Perceptron
from pynn.estimators.settings import _COUNT, among, parameter
from pynn.model.model import Model
from pynn.training.descent import Descent
from pynn.training.learners import Learner, Plan
from pynn.training.state import State

Array = NDArray[Any]


class Training:
    """The training rows of a fit, as `pynn.estimators.elsewhere.Elsewhere` has them.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    rows : Shards
    """

    def __init__(self, estimator: Any, rows: Shards) -> None:
        self.estimator, self.rows, self.spread = estimator, rows, rows.spread
        self._rounds: Rounds | None = None

    def learner(self, model: Model, descent: Descent, plan: Plan) -> Learner:
        """Return what trains the model for an epoch."""
        given = self.estimator
        settings = Settings(
            given.sync_every,
            given.warm_up,
            _threads(given),
            is_auto=given.batch_size == "auto",
        )
        self._rounds = Rounds(model, self.rows, descent, plan, settings)
        return self._rounds

    def description(self) -> dict[str, str]:
        """Describe all rows for checkpoints."""
        return self.rows.description("rows")

    def begin(self, state: State) -> Self:
        """Let the rounds tell the state of their progress."""
        assert self._rounds is not None
        self._rounds.state = state
        return self

    def close(self) -> None:
        """End all tasks, and forget what the workers hold."""
        if self._rounds is not None:
            self._rounds.close()
        self.rows.release()

    def __call__(self, state: State) -> None:
        """Record the share of time that the workers spend in the core."""
        assert self._rounds is not None
        state.record("core_share", self._rounds.core_share)


def _threads(estimator: Any) -> int:
    """Return the threads of each task: one, unless the user says otherwise."""
    return int(estimator.n_threads or 1)


def _client() -> Any:
    """Return the current client.

    Raises
    ------
    ValueError
        If there is none.
    """
    try:
        return distributed.get_client()
    except ValueError as error:
        raise ValueError(
            "there is no client of a cluster; make one first: client = dask.distributed.Client()"
        ) from error


@dataclass(eq=False, repr=False)
class OnCluster(Perceptron):
    """The common part of both estimators."""

    _local: ClassVar[type[Perceptron]]  # the ordinary estimator

    _: KW_ONLY
    n_shards: int | None = parameter(None, _COUNT, None)
    sync_every: float | None = parameter(None, _COUNT, Interval(Real, 0, 1, closed="neither"), None)
    average: str = parameter("parameters", among("parameters"))
    warm_up: int = parameter(0, Interval(Integral, 0, None, closed="left"))

    @_sklearn.with_callbacks  # type: ignore[untyped-decorator]
    @_sklearn._fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:
        """Fit the model to rows that stay on the workers of the current client.

        Ctrl-C ends the fit with a warning. The model then has the weights after the last whole
        round, or with `early_stopping` the best weights so far.

        Parameters
        ----------
        X : dask.dataframe, dask.array, list of Delayed, or path
            Samples. Arrays are chunked by rows, and may have chunks of unknown size. Each Delayed
            is a table, array or CSR matrix of some rows. A path, as str, names Parquet files.
            Empty partitions are left out.
        y : str or collection
            Name of the target column of a table, which is then not a feature; or a collection of
            targets, partitioned like X.
        sample_weight : str or collection, default=None
            Weight of each sample, as a column name or a collection.
        eval_set : tuple (X, y) or (X, y, sample_weight), or list of such tuples, default=None
            Validation sets of collections, which tasks evaluate on the workers, or of arrays.
            `early_stopping` needs one.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError, TypeError
            If an argument or a parameter is not as described; the estimator is unchanged.
        ValueError
            If there is no client; or if a weight becomes infinite or NaN.
        RuntimeError
            If a worker has another version of pynn.
        """
        self._refuse()
        sets = rows.validation_sets(eval_set)
        if self.early_stopping and not sets:
            raise ValueError("on a cluster, early_stopping=True needs an eval_set")
        client = _client()
        with self._alone(), self._undone_on_error(False):
            goes_on = self._goes_on(False)
            ensemble.check(self, goes_on)
            workers.check(client)
            found = shards.shards_of(
                self, client, X, y, sample_weight, first=not goes_on, n_shards=self.n_shards
            )
            held_out = [self._held_out(client, *one, i=i) for i, one in enumerate(sets, 1)]
            training = Training(self, found)
            try:
                outcome = ensemble.run(self, found.outline, held_out, goes_on, source=training)
            finally:
                training.close()
                for one in held_out:
                    if isinstance(one, HeldOut):
                        one.shards.release()
        return self._ended(outcome)

    def _refuse(self) -> None:
        """Refuse parameters that need all rows in one place."""
        if self.solver in ("lbfgs", "rprop"):
            raise ValueError(
                f"solver {self.solver!r} computes with all rows at once; on a cluster use "
                '"adam", "adamw", "rmsprop" or "sgd"'
            )
        if self.n_members > 1:
            raise ValueError(
                f"n_members must be 1 on a cluster, got {self.n_members}: fit several estimators"
            )

    def _held_out(
        self, client: Any, X: Any, y: Any, sample_weight: Any = None, *, i: int = 1
    ) -> Any:
        """Return a validation set, checked."""
        if not is_collection(X):
            return rows.held_out(self, [(X, y, sample_weight)])[0]
        if self.scoring not in (None, "loss"):
            raise ValueError(
                "the score of an eval_set of collections is computed in parts, so scoring "
                f'must be None or "loss", got {self.scoring!r}; for other scorers, give arrays'
            )
        given = X, y, sample_weight
        found = shards.shards_of(self, client, *given, first=False, name=f"eval_set {i}")
        return HeldOut(found, f"eval_set {i}", _threads(self))

    def partial_fit(self, X: Any, *arguments: Any, **named: Any) -> Self:
        """See `pynn.MLPClassifier.partial_fit`; it takes rows in memory alone.

        Raises
        ------
        TypeError
            If X is a collection.
        """
        if is_collection(X):
            raise TypeError("partial_fit takes rows in memory; use fit with warm_start=True")
        fitted: Self = super().partial_fit(X, *arguments, **named)
        return fitted

    def transform(self, X: Any, layer: int = -2) -> Any:
        """See `pynn.MLPClassifier.transform`; a collection gives a lazy dask.array."""
        if is_collection(X):
            return lazy.applied(self.to_local(), "transform", X, layer=layer)
        return super().transform(X, layer)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """See `pynn.MLPClassifier`: accuracy, or R²; collections give a Delayed."""
        if is_collection(X):
            return lazy.score(self, X, y, sample_weight)
        return super().score(X, y, sample_weight)

    def to_local(self) -> Any:
        """Return the fitted model as an ordinary estimator.

        Returns
        -------
        pynn.MLPClassifier or pynn.MLPRegressor
            Its own copy of the network; it needs no cluster.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            If the model is not fitted.
        """
        check_is_fitted(self)
        twin, own = object.__new__(self._local), {one.name for one in fields(OnCluster)}
        own -= {one.name for one in fields(self._local)}
        given: dict[str, Any] = copy.copy(self).__dict__
        twin.__dict__.update({name: value for name, value in given.items() if name not in own})
        return twin


@dataclass(eq=False, repr=False)
class MLPClassifier(OnCluster, classifier.MLPClassifier):
    """Multi-layer perceptron classifier, trained on the workers of a Dask cluster.

    The rows are cut into shards. In a round, a task for each shard trains a copy of the
    parameters. The next round begins with the weighted mean of all copies and of their optimizers'
    states (local SGD: Stich 2019; Lin et al. 2020). The result has the same bits on any
    number of workers, also if some of them are lost and their tasks run again. With one shard it
    is that of `pynn.MLPClassifier`.

    Parameters
    ----------
    hidden_layer_sizes, activation, solver, alpha, learning_rate, learning_rate_init, power_t, \
max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, \
early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, scoring, \
callbacks, dropout, l1, max_norm, clip_norm, weight_decay, rho, dtype, keep_optimizer, n_members, \
class_weight, label_smoothing
        See `pynn.MLPClassifier`. `solver` must be "adam", "adamw", "rmsprop" or "sgd", and
        `n_members` 1. `early_stopping` needs an `eval_set`.
    batch_size : int or "auto", default="auto"
        Rows of a mini-batch in each shard. "auto" is 200 divided by the number of shards, so that
        an epoch has as many updates as on one machine, but at least 8. The learning rate of
        "adam", "adamw" and "rmsprop" is then multiplied by the square root of 200 divided by these
        rows (Malladi et al. 2022), because the noise of smaller mini-batches shortens their steps.
        `alpha` and `l1` are as strong as with 200 rows.
    n_threads : int or None, default=None
        Threads of each task; None is 1.
    n_shards : int or None, default=None
        Number of shards, of equal size; None makes a shard of each partition. The result depends
        on it, but not on the number of workers.
    sync_every : int, float or None, default=None
        Length of a round: updates of the largest shard, or a fraction of its epoch, below 1. None
        is about a quarter of a second in the core (5 billion multiply-adds of the forward pass,
        but 10,000 to 500,000 rows), and at most an epoch.
    average : "parameters", default="parameters"
        What the shards average at the end of a round: the parameters, and with them the state of
        the update rule. This is the only choice. With "sgd", ``sync_every=1`` and neither
        `clip_norm` nor `max_norm`, it amounts to averaging gradients.
    warm_up : int, default=0
        Number of updates at the beginning of the fit that are each followed by averaging
        (post-local SGD, Lin et al. 2020).

    Attributes
    ----------
    classes_, network_, coefs_, intercepts_, loss_, loss_curve_, best_loss_, validation_scores_, \
best_validation_score_, best_epoch_, history_, stopped_early_, n_iter_, t_, n_features_in_, \
feature_names_in_, n_layers_, n_outputs_, out_activation_
        See `pynn.MLPClassifier`. ``history_["core_share"]`` is the share of the workers' time
        that they spent in the compiled core.

    See Also
    --------
    pynn.MLPClassifier : The same on one machine.

    References
    ----------
    Stich, S. (2019). Local SGD converges fast and communicates little. ICLR.

    Malladi, S., Lyu, K., Panigrahi, A. & Arora, S. (2022). On the SDEs and scaling rules for
    adaptive gradient algorithms. NeurIPS.

    Lin, T., Stich, S., Patel, K. & Jaggi, M. (2020). Don't use large mini-batches, use local SGD.
    ICLR.

    Examples
    --------
    >>> import dask.array as da, dask.distributed
    >>> from pynn.dask import MLPClassifier
    >>> client = dask.distributed.Client(processes=False, host="tcp://127.0.0.1")
    >>> X = da.random.default_rng(0).normal(size=(600, 4), chunks=(200, -1))
    >>> y = (X[:, 0] > X[:, 1]).astype(int)
    >>> mlp = MLPClassifier((10,), learning_rate_init=0.05, max_iter=30, tol=0, random_state=0,
    ...                     n_iter_no_change=30, callbacks=[lambda state: state.epoch == 29])
    >>> bool(mlp.fit(X, y).score(X, y).compute() > 0.9)
    True
    >>> mlp.predict(X)
    dask.array<concatenate, shape=(600,), dtype=int64, chunksize=(200,), chunktype=numpy.ndarray>
    >>> mlp.to_local()
    MLPClassifier(...)
    >>> client.close()
    """

    _local = classifier.MLPClassifier

    def predict(self, X: Any) -> Any:
        """See `pynn.MLPClassifier.predict`; a collection gives a lazy dask.array."""
        if is_collection(X):
            return lazy.applied(self.to_local(), "predict", X)
        return super().predict(X)

    def predict_proba(self, X: Any) -> Any:
        """See `pynn.MLPClassifier.predict_proba`; a collection gives a lazy dask.array."""
        if is_collection(X):
            return lazy.applied(self.to_local(), "predict_proba", X)
        return super().predict_proba(X)

    def predict_log_proba(self, X: Any) -> Any:
        """See `pynn.MLPClassifier.predict_log_proba`; a collection gives a lazy dask.array."""
        if is_collection(X):
            return lazy.applied(self.to_local(), "predict_log_proba", X)
        return super().predict_log_proba(X)


@dataclass(eq=False, repr=False)
class MLPRegressor(OnCluster, regressor.MLPRegressor):
    """Multi-layer perceptron regressor, trained on the workers of a Dask cluster.

    Parameters
    ----------
    loss, quantile, delta, output_activation
        See `pynn.MLPRegressor`.
    hidden_layer_sizes, activation, solver, alpha, batch_size, learning_rate, learning_rate_init, \
power_t, max_iter, shuffle, random_state, tol, verbose, warm_start, momentum, nesterovs_momentum, \
early_stopping, validation_fraction, beta_1, beta_2, epsilon, n_iter_no_change, max_fun, scoring, \
callbacks, dropout, l1, max_norm, clip_norm, weight_decay, rho, dtype, keep_optimizer, n_threads, \
n_members, n_shards, sync_every, average, warm_up
        See `MLPClassifier`.

    Attributes
    ----------
    network_, coefs_, intercepts_, loss_, loss_curve_, best_loss_, best_epoch_, history_, \
stopped_early_, n_iter_, t_, n_features_in_, feature_names_in_, n_layers_, n_outputs_, \
validation_scores_, best_validation_score_, out_activation_
        See `pynn.MLPRegressor`.

    See Also
    --------
    MLPClassifier : Multi-layer perceptron classifier for a cluster.
    pynn.MLPRegressor : The same on one machine.
    """

    _local = regressor.MLPRegressor

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """See `pynn.MLPRegressor.predict`; a collection gives a lazy dask.array."""
        if is_collection(X):
            if return_std:
                raise ValueError("return_std=True is for ensembles, which train in one process")
            return lazy.applied(self.to_local(), "predict", X)
        return super().predict(X, return_std)  # type: ignore[call-overload]
