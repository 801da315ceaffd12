"""search: scikit-learn's grid search, whose fits run in threads of this process."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from joblib import parallel_config
from joblib.parallel import FallbackToBackend, ParallelBackendBase, SequentialBackend
from numpy.typing import ArrayLike
from sklearn.model_selection import GridSearchCV

from pynn import checks
from pynn.estimators._sklearn import without_filters
from pynn.model import threads
from pynn.training.workers import run_all

__all__ = ["search"]

_OF_HALVING = ("aggressive_elimination", "factor", "max_resources", "min_resources", "resource")


def search(
    estimator: Any,
    grid: Any,
    X: Any,
    y: ArrayLike | None = None,
    *,
    cv: Any = None,
    scoring: Any = None,
    refit: bool | str | Callable[[dict[str, Any]], int] = True,
    halving: bool | Mapping[str, Any] = False,
    random_state: Any = None,
    n_threads: int | None = None,
    verbose: int = 0,
    error_score: float | str = np.nan,
    return_train_score: bool = False,
    **fit_params: Any,
) -> Any:
    """Compare settings by cross-validation, with a fit in each thread.

    Return a fitted ``GridSearchCV`` of scikit-learn. If the estimator has a `random_state`, the
    scores are the same to the bit as those of ``GridSearchCV.fit``, for any number of threads. No
    processes are started, so small searches take no longer than their fits.

    Parameters
    ----------
    estimator : estimator object
        `MLPClassifier`, `MLPRegressor`, or an estimator of scikit-learn that contains one, such as
        a ``Pipeline``. It is cloned and stays unfitted.
    grid : dict, list of dict, or iterable of dict
        The values of each parameter, as for ``GridSearchCV``. A ``ParameterSampler``, or another
        iterator of dicts, gives one setting after the other.
    X : array-like, sparse matrix or DataFrame of shape (n_samples, n_features)
        Samples.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
        Classes or targets.
    cv : int, splitter or iterable, default=None
        The folds; None means five. See ``GridSearchCV``.
    scoring : str, callable, list, tuple or dict, default=None
        One metric or several; None means the estimator's ``score``. See ``GridSearchCV``.
    refit : bool, str or callable, default=True
        Whether to fit the best setting to all samples, or how to choose it. See ``GridSearchCV``.
    halving : bool or dict, default=False
        Successive halving: all settings start with few samples, and the better ones continue with
        more. The result is a ``HalvingGridSearchCV``. A dict holds its options ``resource``,
        ``min_resources``, ``max_resources``, ``factor`` and ``aggressive_elimination``, such as
        ``{"resource": "max_iter", "max_resources": 90}``.
    random_state : int, RandomState or None, default=None
        Chooses the samples of each round of halving.
    n_threads : int or None, default=None
        Number of threads, at most 256. None uses one for each processor that affinity and the
        container's quota allow; ``OMP_NUM_THREADS`` and threadpoolctl also limit it.
    verbose : int, default=0
        Print the number of fits (1), and also a line for each fit (2 or more).
    error_score : float or "raise", default=nan
        Score of a fit that fails, with a ``FitFailedWarning``; "raise" raises the error instead.
    return_train_score : bool, default=False
        Whether to score the training samples of each fit as well.
    **fit_params
        Arguments of the estimator's `fit`, such as ``sample_weight``, and ``groups`` for ``cv``.

    Returns
    -------
    GridSearchCV or HalvingGridSearchCV
        With ``cv_results_``, ``best_params_``, ``best_score_``, ``best_estimator_``, ``predict``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described.
    KeyboardInterrupt
        On Ctrl-C, after the fits in training have finished their current mini-batch. Fits of other
        estimators than pynn's run to their end. During the refit, Ctrl-C ends training with a
        warning, as in `fit`.

    Warns
    -----
    FitFailedWarning
        If fits fail.

    Examples
    --------
    >>> import pynn
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> mlp = pynn.MLPClassifier(max_iter=1000, tol=1e-3, random_state=0)
    >>> grid = {"hidden_layer_sizes": [(5,), (20,)], "alpha": [0.01, 1]}
    >>> found = pynn.search(mlp, grid, X, y, cv=3)
    >>> len(found.cv_results_["params"]), found.predict(X).shape
    (4, (150,))
    """
    options = {
        "cv": cv,
        "scoring": scoring,
        "refit": refit,
        "verbose": verbose,
        "error_score": error_score,
        "return_train_score": return_train_score,
    }
    kind = GridSearchCV
    if isinstance(halving, Mapping) or checks.flag("halving", halving):
        from sklearn.experimental import enable_halving_search_cv  # noqa: F401
        from sklearn.model_selection import HalvingGridSearchCV

        kind = HalvingGridSearchCV
        options |= {"cv": 5 if cv is None else cv, "random_state": random_state}
        for name, value in halving.items() if isinstance(halving, Mapping) else ():
            options[checks.choice("an option of halving", name, _OF_HALVING)] = value
    elif random_state is not None:
        raise ValueError(
            "random_state chooses the samples of halving; give the estimator and cv their own"
        )
    found = kind(estimator, _as_lists(grid), **options)
    n_workers = threads.checked(n_threads) or threads.usable()
    # Repairs the filters: threads that are in a block of catch_warnings at once may mix them up.
    with (
        warnings.catch_warnings(),
        threads.limited(n_workers),
        parallel_config(backend=_Workers(n_workers)),
    ):
        return found.fit(X, y, **fit_params)


def _as_lists(grid: Any) -> Any:
    """Return the settings of a sampler as grids of one setting each, which `GridSearchCV` takes."""
    if isinstance(grid, Mapping | Sequence) or not isinstance(grid, Iterable):
        return grid
    return [
        {name: [value] for name, value in one.items()} if isinstance(one, Mapping) else one
        for one in grid
    ]


class _Workers(ParallelBackendBase):  # type: ignore[misc]
    """Lets joblib run the fits of a search in our workers, which Ctrl-C ends.

    Ctrl-C does not reach joblib's own threads.
    """

    def __init__(self, n_workers: int) -> None:
        super().__init__(nesting_level=0)
        self._n_workers = n_workers
        self._of_search: Any = None
        self._waiting: list[_Task] = []

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        return max(2, self._n_workers)  # for 1, joblib does not call submit

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:
        self._of_search = self._of_search or parallel
        if parallel is not self._of_search:  # of the refit, whose calls may be any
            raise FallbackToBackend(SequentialBackend(nesting_level=0))
        parallel.pre_dispatch = "all"
        return self.effective_n_jobs(n_jobs)

    def get_nested_backend(self) -> tuple[ParallelBackendBase, None]:
        return SequentialBackend(nesting_level=1), None

    def submit(self, func: Any, callback: Callable[[Any], None]) -> _Task:
        """Keep a task until a result is asked for: then all of them have been submitted."""
        self._waiting.append(_Task(func, callback, self._run))
        return self._waiting[-1]

    apply_async = submit  # the name in joblib before 1.5

    def _run(self) -> None:
        """Run the tasks that wait, if any do."""
        tasks, self._waiting = self._waiting, []
        _, failures = run_all(tasks, self._n_workers)
        for _, error in failures[:1]:  # which ended the others
            raise error
        for task in tasks:
            task.callback(task)


class _Task:
    """One fit and its scores."""

    def __init__(self, batch: Any, callback: Callable[[Any], None], run: Callable[[], None]):
        self._batch, self.callback, self._run = batch, callback, run
        batch.items = [(without_filters(call), *given) for call, *given in batch.items]

    def __call__(self) -> None:
        batch = self._batch
        self._batch = None  # with the estimator, which grows by its network
        try:
            self._result = batch()
        except Exception as error:
            setting, fold = (batch.items[0][2][n] for n in ("parameters", "split_progress"))
            error.add_note(f"for the setting {setting}, fold {fold[0] + 1} of {fold[1]}")
            raise

    def get(self) -> Any:
        """Return the result; the first task to be asked runs them all."""
        self._run()
        return self._result
