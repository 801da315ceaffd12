"""Fitted estimators for tables: predictions, networks, copies, summaries, clients."""

import copy
import gc
import pickle
import threading
import weakref

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import StackingClassifier, StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tabular_cases import (
    BOTH,
    DATA,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    Y_IRIS,
    assert_same_bits,
    brief,
    predicted,
)

import pynn
from pynn.tabular import parts, predictions
from pynn.tabular.recipe import Recipe

# ---- Predictions ---------------------------------------------------------------------------------


def test_probabilities_are_means_of_the_networks_calibrated():
    model = brief(n_members=3).fit(X_IRIS, Y_IRIS)
    inputs = model.preparation_.apply(X_IRIS)
    mean = np.mean([net.predict(inputs).astype(np.float64) for net in model.networks_], axis=0)
    logits = np.log(mean) / model.temperature_
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X_IRIS), expected, rtol=1e-12)
    np.testing.assert_array_equal(
        model.predict_log_proba(X_IRIS), np.log(model.predict_proba(X_IRIS))
    )


def test_predicted_numbers_are_means_of_the_networks_in_the_unit_of_y():
    model = brief(pynn.TabularRegressor).fit(X_DIABETES, Y_DIABETES)
    inputs = model.preparation_.apply(X_DIABETES)
    mean = np.mean([net.predict(inputs)[:, 0].astype(float) for net in model.networks_], axis=0)
    expected = Y_DIABETES.mean() + Y_DIABETES.std() * mean
    np.testing.assert_allclose(model.predict(X_DIABETES), expected)


def tables(X):
    pandas, polars, arrow = map(pytest.importorskip, ("pandas", "polars", "pyarrow"))
    frame = pandas.DataFrame(X).rename(columns=str)
    yield from (X, X.tolist(), frame, polars.from_pandas(frame), arrow.Table.from_pandas(frame))
    yield from (sparse.csr_array(X), sparse.csc_matrix(X), sparse.coo_array(X))


@BOTH
def test_large_tables_are_predicted_in_blocks_with_the_same_bits(Estimator, monkeypatch):
    X, y = DATA[Estimator]
    for table in tables(X):
        model = brief(Estimator).fit(table, y)
        expected = predicted(model, table)
        with monkeypatch.context() as patch:
            patch.setattr(predictions, "BLOCK", 40)
            np.testing.assert_array_equal(predicted(model, table), expected)


def test_blocks_are_rows_of_the_same_kind_of_table():
    for table in tables(X_IRIS):
        blocks = list(parts.in_blocks(table, 40))
        n_rows = [one.shape[0] if hasattr(one, "shape") else len(one) for one in blocks]
        assert n_rows == [40, 40, 40, 30]
        if not sparse.issparse(table):
            assert all(type(one) is type(table) for one in blocks)
        (whole,) = parts.in_blocks(table, 150)
        assert whole is table


@BOTH
def test_predictions_before_a_fit_are_refused(Estimator):
    for name in ("predict", "predict_proba", "predict_log_proba", "summary"):
        if hasattr(Estimator, name):
            with pytest.raises(NotFittedError):
                getattr(brief(Estimator), name)(*([] if name == "summary" else [X_IRIS]))


def test_columns_are_checked_in_scikit_learn_s_words():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X_IRIS, columns=["a", "b", "c", "d"])
    model = brief().fit(frame, Y_IRIS)
    assert model.n_features_in_ == 4
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="must be in the same order as they were in fit"):
        model.predict(frame[["b", "a", "c", "d"]])
    with pytest.raises(ValueError, match=r"unseen at fit time:\n- e"):
        model.predict(frame.rename(columns={"d": "e"}))
    with pytest.warns(UserWarning, match="X does not have valid feature names, but TabularClassif"):
        model.predict(X_IRIS)
    model = brief().fit(X_IRIS, Y_IRIS)
    with pytest.raises(ValueError, match="X has 3 features, but TabularClassifier is expecting 4"):
        model.predict(X_IRIS[:, :3])
    with pytest.raises(ValueError, match="Expected 2D array, got a scalar"):
        model.predict(3)
    with pytest.raises(ValueError, match="Reshape your data"):
        model.predict(X_IRIS[0])


def test_what_is_no_table_is_refused_in_a_fit():
    polars = pytest.importorskip("polars")
    with pytest.raises(TypeError, match=r"X must be a table, got a LazyFrame; use collect\(\)"):
        brief().fit(polars.LazyFrame({"a": [1, 2]}), [0, 1])
    with pytest.raises(ValueError, match="Reshape your data"):
        brief().fit(X_IRIS[:, 0], Y_IRIS)
    for table in ([], {"a": [1, 2]}, {}, [{"a": 1}], "ab", iter([[1]])):
        with pytest.raises(ValueError, match="Expected 2D array"):
            brief().fit(table, [0, 1])
    with pytest.raises(ValueError, match="column 0 must be finite"):
        brief().fit(np.where(X_IRIS > 7, np.inf, X_IRIS), Y_IRIS)


# ---- Networks ------------------------------------------------------------------------------------


def test_networks_are_ordinary_ones_that_show_every_number():
    model = brief().fit(X_IRIS, Y_IRIS)
    inputs = model.preparation_.apply(X_IRIS)
    for network in model.networks_:
        assert type(network) is pynn.Network
        trace = network.trace(inputs, Y_IRIS)
        np.testing.assert_array_equal(trace.a[-1], network.predict(inputs))
        network.fit(inputs, Y_IRIS)  # they can go on


# ---- Copies, pickles -----------------------------------------------------------------------------


@BOTH
def test_copies_and_pickles_predict_the_same_bits(Estimator, tmp_path):
    X, y = DATA[Estimator]
    model = brief(Estimator).fit(X, y)
    joblib.dump(model, tmp_path / "model")
    for other in (
        pickle.loads(pickle.dumps(model)),
        copy.deepcopy(model),
        copy.copy(model),
        joblib.load(tmp_path / "model"),
        joblib.load(tmp_path / "model", mmap_mode="r"),
    ):
        assert_same_bits(model, other, X)
        assert other.summary() == model.summary()
        assert_same_bits(model, other.fit(X, y), X)


@BOTH
def test_pickles_hold_the_parameters_and_little_else(Estimator, rng):
    X = rng.normal(size=(5_000, 3))
    model = brief(Estimator, expert={"epochs": 1}).fit(X, (X[:, 0] > 0).astype(int))
    n_bytes = sum(network.parameters.nbytes for network in model.networks_)
    kept = pickle.dumps((model._sample, vars(model).get("_intervals")))
    assert len(pickle.dumps(model)) < n_bytes + len(kept) + 15_000


@BOTH
def test_the_rows_are_let_go(Estimator):
    X, y = (part.copy() for part in DATA[Estimator])
    freed = weakref.ref(X)
    gc.disable()
    try:
        model = brief(Estimator).fit(X, y)
        del X
        assert freed() is None
    finally:
        gc.enable()
    assert model.networks_


@BOTH
def test_clones_and_parameters(Estimator):
    model = brief(Estimator, metric=[*Estimator._METRICS][1]).fit(*DATA[Estimator])
    other = clone(model)
    assert other.get_params() == model.get_params()
    assert not hasattr(other, "networks_")
    assert len(other.set_params(n_members=1).fit(*DATA[Estimator]).networks_) == 1


@BOTH
def test_the_signature_lists_the_parameters_and_the_repr_those_that_are_set(Estimator):
    expected = ["categorical_features", "checkpoint", "class_weight", "expert", "metric"]
    expected += ["n_folds", "n_members", "n_threads", "preset", "random_state", "time_limit"]
    expected += ["validation_fraction", "verbose"]
    if Estimator is pynn.TabularRegressor:
        expected.remove("class_weight")
    assert sorted(Estimator().get_params()) == expected
    with pytest.raises(TypeError, match="positional"):
        Estimator(3)
    assert repr(Estimator(n_members=3)) == f"{Estimator.__name__}(n_members=3)"


# ---- Summary -------------------------------------------------------------------------------------


def test_the_summary_tells_columns_settings_and_networks():
    text = brief().fit(X_IRIS, Y_IRIS).summary()
    assert text.startswith("Preparation of 4 features as 8 inputs\n")
    assert "\nSettings\n" in text
    lines = text.splitlines()
    assert [line.split() for line in lines if line.startswith("batch_size")] == [
        ["batch_size", str(Recipe().batch_size)]
    ]
    assert "network  best epoch  log_loss" in lines
    assert sum(line.startswith("Together: log_loss 0.") for line in lines) == 1
    assert lines[-1].startswith("Temperature: ")


def test_the_summary_of_a_regressor_is_in_the_unit_of_y():
    model = brief(pynn.TabularRegressor, metric="mae").fit(X_DIABETES, Y_DIABETES)
    line = model.summary().splitlines()[-1]
    assert line == f"Together: mae {model.validation_score_:.4g} on all validation rows"


# ---- scikit-learn's clients ----------------------------------------------------------------------


@BOTH
def test_pipelines_and_searches(Estimator):
    X, y = DATA[Estimator]
    search = GridSearchCV(brief(Estimator), {"n_members": [1, 2]}, cv=2).fit(X, y)
    assert search.best_params_["n_members"] in (1, 2)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    scores = cross_val_score(make_pipeline(StandardScaler(), brief(Estimator)), X, y, cv=2)
    assert np.isfinite(scores).all()
    search = pynn.search(brief(Estimator), {"n_members": [1, 2]}, X, y, cv=2)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_calibrated_classifiers():
    calibrated = CalibratedClassifierCV(brief(), cv=2).fit(X_IRIS, Y_IRIS)
    assert calibrated.predict_proba(X_IRIS).shape == (150, 3)


def test_stacks():
    last = LogisticRegression()
    stack = StackingClassifier([("table", brief())], last, cv=2).fit(X_IRIS, Y_IRIS)
    assert stack.score(X_IRIS, Y_IRIS) > 0.5
    numbers = StackingRegressor([("table", brief(pynn.TabularRegressor))], cv=2)
    assert np.isfinite(numbers.fit(X_DIABETES, Y_DIABETES).predict(X_DIABETES)).all()


def test_several_labels_of_each_row():
    labels = np.eye(3, dtype=int)[Y_IRIS]
    assert MultiOutputClassifier(brief()).fit(X_IRIS, labels).predict(X_IRIS).shape == (150, 3)


def test_importance_by_permutation_of_raw_columns():
    pandas = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    frame = pandas.DataFrame(
        {"noise": rng.normal(size=200), "colour": rng.choice(["red", "blue", None], size=200)}
    )
    y = frame["colour"] == "red"
    model = brief(expert={"epochs": 20}).fit(frame, y)
    found = permutation_importance(model, frame, y, n_repeats=2, random_state=0).importances_mean
    assert found[1] > 0.2 > abs(found[0])


@BOTH
def test_tags_say_what_tables_may_hold(Estimator):
    tags = Estimator().__sklearn_tags__()
    inputs = tags.input_tags
    assert (inputs.allow_nan, inputs.categorical, inputs.string, inputs.sparse) == (True,) * 4
    assert tags.target_tags.multi_output is (Estimator is pynn.TabularRegressor)
    assert tags.target_tags.required


def test_notebooks_show_scikit_learn_s_diagram():
    assert "TabularClassifier" in brief().fit(X_IRIS, Y_IRIS)._repr_html_()


def test_the_embedding_of_unseen_categories_stays_0_where_no_row_trains_it():
    X = [[name] for name in "abcd" * 10]
    model = brief().fit(X, np.arange(40) % 2)
    for network in model.networks_:
        table = network.embedding_parameters["table.0"]
        assert not table[-1].any()
        assert table[:-1].all()


def test_a_prediction_during_another_fit_is_that_of_the_old_model_or_of_the_new_one():
    X = np.random.default_rng(0).normal(size=(60, 3))
    old = pynn.TabularRegressor(n_members=2, random_state=0).fit(X, X[:, 0])
    new = clone(old).fit(X * 100 + 7, X[:, 1] * 1000)
    expected = [old.predict(X), new.predict(X)]
    ended, wrong, n_predictions = threading.Event(), [], []

    def predict():
        while not ended.is_set():
            found = old.predict(X)
            n_predictions.append(1)
            if not any(np.array_equal(found, one) for one in expected):
                wrong.append(found)

    thread = threading.Thread(target=predict)
    thread.start()
    old.fit(X * 100 + 7, X[:, 1] * 1000)
    ended.set()
    thread.join()
    assert n_predictions
    assert not wrong


def test_the_summary_names_the_metric_of_the_fit():
    X, y = np.arange(40.0).reshape(-1, 1), np.arange(40) % 2
    model = brief(metric="auc").fit(X, y)
    before = model.summary()
    assert "Together: auc" in before
    assert model.set_params(metric="nothing").summary() == before
    assert model.metric_ == "auc"
