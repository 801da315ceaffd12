"""pynn.search: the results of scikit-learn's searches, from fits in threads; Ctrl-C ends all."""

import gc
import linecache
import os
import pickle
import re
import signal
import threading
import time
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from long import IS_LONG
from sklearn import config_context
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    KFold,
    ParameterSampler,
    RandomizedSearchCV,
    StratifiedKFold,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pynn

quiet = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ROWS = np.random.default_rng(0).permutation(150)[:60]
X, y = (part[ROWS] for part in load_iris(return_X_y=True))
NUMBERS = tuple(part[ROWS] for part in load_diabetes(return_X_y=True))
GROUPS = np.arange(60) // 4
GRID = {"hidden_layer_sizes": [(3,), (4, 2)], "alpha": [1e-3, 1.0]}


def classifier(**options):
    return pynn.MLPClassifier(**{"max_iter": 4, "random_state": 0, **options})


def prefixed(grid, name):
    return {f"{name}__{key}": values for key, values in grid.items()}


def assert_same(found, expected):
    """All results are the same to the bit but for times."""
    assert type(found) is type(expected)
    assert list(found.cv_results_) == list(expected.cv_results_)
    for name, values in expected.cv_results_.items():
        if not name.endswith("_time"):
            np.testing.assert_array_equal(found.cv_results_[name], values, name)
            assert np.asarray(found.cv_results_[name]).dtype == np.asarray(values).dtype
    for name in ("best_index_", "best_score_", "best_params_", "n_splits_", "multimetric_"):
        assert hasattr(found, name) == hasattr(expected, name)
        np.testing.assert_equal(getattr(found, name, None), getattr(expected, name, None))


# ---- The same results as without threads ----

SEARCHES = st.fixed_dictionaries(
    {
        "return_train_score": st.booleans(),
        "cv": st.sampled_from(
            [None, 2, KFold(3, shuffle=True, random_state=1), [(range(30), range(30, 60))]]
        ),
        "error_score": st.sampled_from([np.nan, -1.0]),
    }
)
SCORING = {
    "class": [None, "accuracy", ["accuracy", "neg_log_loss"], {"f": "f1_macro", "a": "accuracy"}],
    "number": [None, "neg_mean_absolute_error", ["r2", "max_error"]],
}
MODEL = st.fixed_dictionaries(
    {
        "solver": st.sampled_from(["adam", "sgd", "rmsprop"]),
        "early_stopping": st.booleans(),
        "dropout": st.sampled_from([0.0, 0.3]),
        "dtype": st.sampled_from(["auto", "float32"]),
        "n_threads": st.sampled_from([None, 2]),
        "random_state": st.sampled_from([3, np.random.RandomState(5)]),
    }
)
VALUES = {
    "hidden_layer_sizes": st.lists(st.sampled_from([(2,), (5,), (3, 3)]), min_size=1, max_size=2),
    "alpha": st.lists(st.sampled_from([0.0, 0.1]), min_size=1, max_size=2, unique=True),
    "learning_rate_init": st.sampled_from([[0.01], [-1.0], [1e30], [0.1, -1.0]]),
}
GRIDS = st.fixed_dictionaries({}, optional=VALUES)


@quiet
@pytest.mark.filterwarnings("ignore:Scoring failed", "ignore:The scoring")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.UndefinedMetricWarning")
@pytest.mark.filterwarnings("ignore:.*non-finite", "ignore:the rows that early_stopping")
@given(data=st.data())
@settings(max_examples=400 if IS_LONG else 10)
def test_results_are_those_of_grid_search(data):
    kind = data.draw(st.sampled_from(["class", "number"]))
    rows, targets = (X, y) if kind == "class" else NUMBERS
    model = pynn.MLPClassifier if kind == "class" else pynn.MLPRegressor
    model = model(max_iter=3, **data.draw(MODEL))
    grid = data.draw(st.one_of(GRIDS, st.lists(GRIDS, min_size=1, max_size=2)))
    if data.draw(st.booleans()):
        model = make_pipeline(StandardScaler(), model)
        name = model.steps[-1][0]
        grid = (
            prefixed(grid, name)
            if isinstance(grid, dict)
            else [prefixed(one, name) for one in grid]
        )
    scoring = data.draw(st.sampled_from(SCORING[kind]))
    metrics = [next(iter(scoring))] if isinstance(scoring, list | dict) else []
    options = data.draw(SEARCHES) | {"scoring": scoring}
    options["refit"] = data.draw(st.sampled_from([*metrics, False]))
    weights = {"sample_weight": np.arange(60) % 3} if not hasattr(model, "steps") else {}
    fit_params = data.draw(st.sampled_from([{}, weights]))
    n_threads = data.draw(st.integers(1, 3))
    both = [
        outcome(lambda: GridSearchCV(model, grid, **options).fit(rows, targets, **fit_params)),
        outcome(
            lambda: pynn.search(
                model, grid, rows, targets, n_threads=n_threads, **options, **fit_params
            )
        ),
    ]
    if any(isinstance(one, str) for one in both):
        assert both[0] == both[1]
    else:
        assert_same(both[1], both[0])


def outcome(call):
    """Return the result of a call, or the beginning of its error: in full it has a traceback."""
    try:
        return call()
    except ValueError as error:
        return f"{type(error)}: {error}"[:60]


@quiet
def test_the_best_setting_is_fitted_and_predicts():
    found = pynn.search(classifier(), GRID, X, y)
    expected = GridSearchCV(classifier(), GRID).fit(X, y)
    assert_same(found, expected)
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))
    assert found.best_estimator_.alpha == found.best_params_["alpha"]
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.predict(X), expected.predict(X))
    assert_same(clone(found).fit(X, y), expected)  # which starts no threads of ours


@quiet
def test_the_arguments_are_unchanged():
    model, rows, targets = classifier(), X.copy(), y.copy()
    before = model.get_params()
    pynn.search(model, GRID, rows, targets)
    assert model.get_params() == before
    assert not hasattr(model, "classes_")
    np.testing.assert_array_equal(rows, X)
    np.testing.assert_array_equal(targets, y)


@quiet
@pytest.mark.parametrize(
    "rows",
    [
        scipy.sparse.csr_array(X),
        pd.DataFrame(X, columns=list("abcd")),
        X.tolist(),
        np.asfortranarray(X, dtype=np.float32),
    ],
    ids=["sparse", "DataFrame", "list", "F"],
)
def test_rows_may_be_of_any_kind(rows):
    found = pynn.search(classifier(), GRID, rows, y, cv=2)
    expected = GridSearchCV(classifier(), GRID, cv=2).fit(rows, y)
    assert_same(found, expected)
    assert getattr(found, "feature_names_in_", None) is None or list("abcd") == [
        *found.feature_names_in_
    ]


@quiet
def test_groups_choose_the_folds():
    found = pynn.search(classifier(), GRID, X, y, cv=GroupKFold(3), groups=GROUPS)
    assert_same(found, GridSearchCV(classifier(), GRID, cv=GroupKFold(3)).fit(X, y, groups=GROUPS))


@quiet
def test_refit_may_choose_the_setting():
    def first(results):
        return len(results["params"]) - 1

    found = pynn.search(classifier(), GRID, X, y, refit=first, scoring=["accuracy", "f1_macro"])
    assert found.best_index_ == 3
    assert found.best_estimator_.alpha == 1.0
    assert not hasattr(pynn.search(classifier(), GRID, X, y, refit=False), "best_estimator_")


@quiet
def test_settings_of_a_sampler_are_those_of_a_randomized_search():
    draws = {"alpha": scipy.stats.loguniform(1e-4, 1), "hidden_layer_sizes": [(2,), (3,)]}
    sampler = ParameterSampler(draws, 5, random_state=3)
    expected = RandomizedSearchCV(classifier(), draws, n_iter=5, random_state=3).fit(X, y)
    found = pynn.search(classifier(), sampler, X, y)
    assert found.cv_results_["params"] == expected.cv_results_["params"]
    for name in ("mean_test_score", "rank_test_score", "split3_test_score"):
        np.testing.assert_array_equal(found.cv_results_[name], expected.cv_results_[name])


@quiet
def test_an_estimator_may_contain_the_perceptron():
    mlp = make_pipeline(StandardScaler(), pynn.MLPRegressor(max_iter=4, random_state=0))
    model = TransformedTargetRegressor(mlp, transformer=StandardScaler())
    grid = prefixed({"alpha": [0.1, 1], "solver": ["adam", "lbfgs"]}, "regressor__mlpregressor")
    assert_same(pynn.search(model, grid, *NUMBERS), GridSearchCV(model, grid).fit(*NUMBERS))


class Parallel(TransformerMixin, BaseEstimator):
    """Calls joblib, and fails in the refit, which has the most samples."""

    def __init__(self, n_samples=np.inf):
        self.n_samples = n_samples

    def fit(self, X, y=None):
        assert joblib.Parallel()(joblib.delayed(len)(part) for part in (X, y)) == [len(X)] * 2
        if len(X) > self.n_samples:
            raise OSError("too many samples")
        return self

    def transform(self, X):
        return X


@quiet
def test_the_refit_may_call_joblib():
    columns = ColumnTransformer([("a", StandardScaler(), [0, 1]), ("b", Parallel(), [2, 3])])
    model = make_pipeline(Parallel(), columns, classifier())
    found, expected = pynn.search(model, {}, X, y), GridSearchCV(model, {}).fit(X, y)
    np.testing.assert_array_equal(found.predict_proba(X), expected.predict_proba(X))


@quiet
def test_an_error_in_the_refit_is_raised_as_it_is():
    columns = ColumnTransformer([("a", Parallel(50), [0, 1]), ("b", Parallel(50), [2, 3])])
    with pytest.raises(OSError, match="too many samples"):
        pynn.search(make_pipeline(columns, classifier()), {}, X, y)


class Names(TransformerMixin, BaseEstimator):
    """Fails unless the step before returned a DataFrame."""

    def fit(self, X, y=None):
        X.columns  # noqa: B018
        return self

    def transform(self, X):
        return X


@quiet
def test_fits_see_the_caller_s_configuration_and_numpy_s_errors():
    class Divide(Names):
        def fit(self, X, y=None):
            1 / np.zeros(3)  # a warning, and so an error here
            return super().fit(X)

    model = make_pipeline(StandardScaler(), Divide(), classifier())
    with config_context(transform_output="pandas"), np.errstate(divide="ignore"):
        found = pynn.search(model, {}, X, y, error_score="raise", refit=False)
    assert found.best_score_ > 0


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("halving", "same"),
    [
        (True, {}),
        ({"factor": 2, "min_resources": 20}, {}),
        ({"resource": "max_iter", "max_resources": 9}, {}),
        ({"aggressive_elimination": True, "max_resources": 40}, {"cv": 3}),
    ],
    ids=["default", "factor", "max_iter", "aggressive"],
)
def test_halving_is_scikit_learn_s(halving, same):
    grid = {"hidden_layer_sizes": [(2,), (3,), (4,)], "alpha": [1e-3, 0.1, 1.0]}
    same = {"random_state": 0, "cv": StratifiedKFold(2), **same}
    options = {} if halving is True else halving
    expected = HalvingGridSearchCV(
        classifier(), grid, return_train_score=False, **same, **options
    ).fit(X, y)
    found = pynn.search(classifier(), grid, X, y, halving=halving, **same)
    assert_same(found, expected)
    assert found.n_resources_ == expected.n_resources_
    np.testing.assert_array_equal(found.predict(X), expected.predict(X))


# ---- Errors and warnings ----


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"random_state": 0}, ValueError, "random_state chooses the samples of halving"),
        ({"halving": "yes"}, TypeError, "halving must be True or False"),
        ({"halving": {"cv": 3}}, ValueError, "an option of halving must be one of"),
        ({"n_threads": 0}, ValueError, "n_threads must be from 1"),
        ({"scoring": "goodness"}, ValueError, "scoring"),
        ({"grid": {"beta": [1]}}, ValueError, "beta"),
        ({"grid": 5}, TypeError, "grid"),
        ({"grid": "alpha"}, TypeError, "grid"),
        ({"grid": iter([5])}, TypeError, "grid"),
        ({"grid": []}, ValueError, "No fits were performed"),
        ({"grid": {"alpha": []}}, ValueError, "alpha"),
        ({"cv": 1000}, ValueError, "n_splits=1000"),
        ({"weights": 1}, TypeError, "weights"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value),
)
def test_wrong_arguments_are_refused(options, error, message):
    arguments = {"grid": {"alpha": [1]}, "error_score": "raise", **options}
    with pytest.raises(error, match=message):
        pynn.search(classifier(), X=X, y=y, **arguments)


@quiet
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
def test_a_setting_that_fails_scores_nan_and_the_others_count():
    grid = {"alpha": [0.1, -1, 0.01]}
    with pytest.warns(FitFailedWarning, match="5 fits failed out of a total of 15"):
        found = pynn.search(classifier(), grid, X, y)
    np.testing.assert_array_equal(np.isnan(found.cv_results_["mean_test_score"]), [0, 1, 0])
    assert found.best_index_ != 1
    with pytest.warns(FitFailedWarning):
        expected = GridSearchCV(classifier(), grid).fit(X, y)
    assert_same(found, expected)


@quiet
def test_an_error_names_its_setting_and_ends_the_search():
    with pytest.raises(ValueError, match="alpha") as caught:
        pynn.search(classifier(max_iter=10**9), {"alpha": [-1]}, X, y, error_score="raise")
    (note,) = caught.value.__notes__
    assert re.fullmatch(r"for the setting {'alpha': -1}, fold [1-5] of 5", note)
    grid = {"alpha": [0.1, -1], "n_iter_no_change": [np.inf], "max_iter": [10**9]}
    with pytest.raises(ValueError, match="alpha") as caught:  # endless fits end, too
        pynn.search(classifier(), grid, X, y, cv=[(ROWS % 2 == 0, ROWS % 2 == 1)], n_threads=2,
                    error_score="raise")  # fmt: skip
    assert workers() == []


def test_a_warning_is_given_once_and_points_to_the_caller():
    for _ in range(2):  # the second search warns, too
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            pynn.search(classifier(), GRID, X, y, n_threads=2, refit=False)
        (one,) = caught
        assert one.category is ConvergenceWarning
        assert one.filename == __file__
        assert "pynn.search(" in linecache.getline(__file__, one.lineno)


def test_filters_of_warnings_hold_in_all_threads_and_are_kept():
    class Mixes(StandardScaler):
        """Is in a block of catch_warnings while the other thread enters or leaves one."""

        def fit(self, X, y=None):
            with warnings.catch_warnings():
                warnings.resetwarnings()
                time.sleep(0.001)
            return super().fit(X)

    warnings.simplefilter("ignore", ConvergenceWarning)
    before = warnings.filters
    content = list(before)
    model = make_pipeline(Mixes(), classifier())
    grid = prefixed({"alpha": [0.1] * 10}, "mlpclassifier")
    with warnings.catch_warnings(record=True):
        pynn.search(model, grid, X, y, n_threads=3, refit=False)
    assert warnings.filters is before
    assert warnings.filters == content
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ValueError, match="All the 20 fits failed"):
            pynn.search(classifier(), GRID, X, y, n_threads=2)


# ---- Threads, Ctrl-C ----


def workers():
    return [one for one in threading.enumerate() if one.name == "pynn worker"]


class Recorder:
    """A callback that notes the threads in which fits run at once."""

    threads = None

    def __call__(self, state):
        self.threads.add(threading.get_ident())
        time.sleep(0.002)


@quiet
@pytest.mark.parametrize("n_threads", [1, 3])
def test_fits_run_in_so_many_threads(n_threads):
    Recorder.threads = set()
    model = classifier(callbacks=[Recorder()])
    pynn.search(model, GRID, X, y, n_threads=n_threads, refit=False)
    assert len(Recorder.threads) == n_threads
    assert threading.get_ident() not in Recorder.threads
    assert workers() == []


@quiet
def test_fits_without_a_random_state_do_not_share_the_global_one():
    found = []

    class Source:
        def __call__(self, state):
            found.append(state.network._random)

    model = classifier(random_state=None, max_iter=1, callbacks=[Source()])
    pynn.search(model, GRID, X, y, cv=2, n_threads=2, refit=False)
    assert len({id(source) for source in found}) == 8
    assert all(source is not np.random.mtrand._rand for source in found)


def interrupted(call):
    """Send Ctrl-C while two fits run; return the seconds until all is over."""
    sent = []

    def send():
        while len(workers()) < 2:
            time.sleep(0.01)
        time.sleep(0.5)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    gc.disable()  # in a callback of the garbage collector, Ctrl-C is lost
    sender.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            call()
        return time.perf_counter() - sent[0]
    finally:
        gc.enable()
        sender.join()


@pytest.mark.usefixtures("ctrl_c_raises")
@pytest.mark.parametrize(
    ("solver", "options"),
    [("adam", {}), ("lbfgs", {}), ("adam", {"halving": {"min_resources": 40}})],
    ids=["adam", "lbfgs", "halving"],
)
def test_ctrl_c_ends_all_fits(solver, options):
    endless = {"max_iter": 10**9, "tol": 0.0, "n_iter_no_change": 10**9, "max_fun": 10**9}
    model = make_pipeline(StandardScaler(), classifier(solver=solver, **endless))
    grid = prefixed(GRID, "mlpclassifier")
    if solver == "lbfgs":
        grid["mlpclassifier__callbacks"] = [[Slow()]]
    interrupted(lambda: pynn.search(model, grid, X, y, n_threads=2, **options))
    assert workers() == []
    assert not hasattr(model, "classes_")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        pynn.search(classifier(), GRID, X, y, n_threads=2)


class Slow:
    """A callback that takes so long that L-BFGS does not converge before Ctrl-C."""

    def __call__(self, state):
        time.sleep(0.05)


@quiet
def test_a_search_runs_in_a_worker_thread_and_in_several():
    expected, found = GridSearchCV(classifier(), GRID).fit(X, y), []
    threads = [
        threading.Thread(target=lambda: found.append(pynn.search(classifier(), GRID, X, y)))
        for _ in range(2)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(found) == 2
    for one in found:
        assert_same(one, expected)


@quiet
def test_a_search_may_contain_a_search():
    model = GridSearchCV(classifier(), {"alpha": [0.1, 1.0]}, cv=2)
    grid = {"estimator__hidden_layer_sizes": [(2,), (3,)]}
    assert_same(pynn.search(model, grid, X, y, cv=2), GridSearchCV(model, grid, cv=2).fit(X, y))
