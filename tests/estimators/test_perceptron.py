"""MLPClassifier and MLPRegressor as people use them, alone and inside scikit-learn.

What they compute is held against scikit-learn in test_same_numbers.py.
"""

import copy
import inspect
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn.neural_network
from mlp_cases import (
    BOTH,
    DATA,
    SOLVERS,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    Y_IRIS,
    flat,
    one_thread,  # noqa: F401 (a fixture)
    small,
)
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pynn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# What scikit-learn's users find


@BOTH
def test_signatures_are_scikit_learn_s(Estimator):
    theirs = getattr(sklearn.neural_network, Estimator.__name__)
    methods = ["__init__", "fit", "partial_fit", "predict", "score"]
    if Estimator is pynn.MLPClassifier:
        methods += ["predict_proba", "predict_log_proba"]
    for method in methods:
        ours, other = (
            [*inspect.signature(getattr(E, method)).parameters.values()]
            for E in (Estimator, theirs)
        )
        # What is ours alone comes last, and nobody needs to give it.
        assert all(parameter.default is not parameter.empty for parameter in ours[len(other) :])
        for mine, its in zip(ours, other, strict=False):
            assert (mine.name, mine.kind, mine.default) == (its.name, its.kind, its.default)
    assert repr(Estimator(tol=0.1)) == f"{Estimator.__name__}(tol=0.1)"


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_fitted_attributes_are_scikit_learn_s(Estimator, solver):
    X, y = DATA[Estimator]
    theirs = getattr(sklearn.neural_network, Estimator.__name__)
    ours, other = (small(E, solver=solver).fit(X, y) for E in (Estimator, theirs))
    public = [name for name in vars(other) if name.endswith("_")]
    assert {"coefs_", "loss_", "n_iter_", "n_features_in_"} <= set(public)
    for name in public:
        mine, its = getattr(ours, name), getattr(other, name)
        assert isinstance(its, type(mine)) or isinstance(mine, type(its)), name


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_they_learn(solver, activation):
    options = dict(solver=solver, activation=activation, learning_rate_init=0.05, random_state=1)
    assert pynn.MLPClassifier((20,), **options).fit(X_IRIS, Y_IRIS).score(X_IRIS, Y_IRIS) > 0.95
    model = pynn.MLPRegressor(hidden_layer_sizes=(20,), **options)
    assert model.fit(X_DIABETES, Y_DIABETES).score(X_DIABETES, Y_DIABETES) > 0.5


@pytest.mark.parametrize("names", [[0, 1, 2], ["a", "b", "c"], [-3.0, 0.0, 7.0], [False, True]])
def test_classes_are_what_they_were_called(names):
    names = np.array(names)
    y = names[np.minimum(Y_IRIS, len(names) - 1)]
    model = pynn.MLPClassifier(solver="lbfgs", random_state=0).fit(X_IRIS, y)
    np.testing.assert_array_equal(model.classes_, names)
    predicted, probability = model.predict(X_IRIS), model.predict_proba(X_IRIS)
    assert predicted.dtype == y.dtype
    assert (predicted == y).mean() > 0.95
    assert probability.shape == (len(y), len(names))
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    np.testing.assert_array_equal(names[probability.argmax(axis=1)], predicted)
    with np.errstate(divide="ignore"):
        np.testing.assert_array_equal(model.predict_log_proba(X_IRIS), np.log(probability))


def test_the_logarithm_of_no_chance_is_minus_infinity():
    model = pynn.MLPClassifier((), solver="lbfgs", max_iter=2).fit([[0.0], [1.0]], [0, 1])
    model.coefs_[0][:] = 1e6
    assert model.predict_log_proba([[1.0]]).tolist() == [[-np.inf, 0]]


@pytest.mark.parametrize("as_y", [np.asarray, sparse.csr_array])
def test_several_labels(as_y):
    X, y = make_multilabel_classification(60, random_state=0)
    model = pynn.MLPClassifier((30,), solver="lbfgs", random_state=0).fit(X, as_y(y))
    predicted = model.predict(X)
    if sparse.issparse(predicted):
        predicted = predicted.toarray()
    np.testing.assert_array_equal(predicted, y)
    np.testing.assert_array_equal(model.predict_proba(X) > 0.5, y)
    assert model.out_activation_ == "logistic"
    early = small(pynn.MLPClassifier, early_stopping=True).fit(X, as_y(y))
    assert len(early.validation_scores_) == 5


def test_several_numbers():
    y = np.column_stack([Y_DIABETES, -Y_DIABETES])
    model = pynn.MLPRegressor(solver="lbfgs", random_state=0).fit(X_DIABETES, y)
    assert model.predict(X_DIABETES).shape == y.shape
    assert model.n_outputs_ == 2
    assert model.score(X_DIABETES, y) > 0.5
    assert small(pynn.MLPRegressor).fit(X_DIABETES, y[:, 0]).predict(X_DIABETES[:3]).shape == (3,)


def test_counts():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (300, 1))
    rate = np.exp(1 + X[:, 0])
    model = pynn.MLPRegressor("poisson", (10,), "tanh", solver="lbfgs", random_state=0)
    predicted = model.fit(X, rng.poisson(rate)).predict(X)
    assert model.out_activation_ == "exp"
    np.testing.assert_allclose(predicted, rate, rtol=0.25)


@BOTH
def test_no_hidden_layer(Estimator):
    X, y = DATA[Estimator]
    model = Estimator(hidden_layer_sizes=(), solver="lbfgs", random_state=0).fit(X, y)
    assert [W.shape for W in model.coefs_] == [(X.shape[1], model.n_outputs_)]
    assert model.n_layers_ == 2


# Inside scikit-learn


def test_pipeline_grid_search_and_cross_validation():
    raw, y = load_iris(return_X_y=True)
    mlp = pynn.MLPClassifier((10,), solver="lbfgs", alpha=0.1, random_state=0)
    model = make_pipeline(StandardScaler(), mlp)
    assert cross_val_score(model, raw, y, cv=3).min() > 0.9
    grid = {"mlpclassifier__alpha": [0.1, 1e3], "mlpclassifier__activation": ["tanh", "relu"]}
    search = GridSearchCV(model, grid, cv=3).fit(raw, y)
    assert search.best_params_["mlpclassifier__alpha"] == 0.1
    assert search.score(raw, y) > 0.95


def test_fits_in_threads_of_joblib():
    models = [small(pynn.MLPClassifier, random_state=seed) for seed in range(4)]
    alone = [flat(clone(model).fit(X_IRIS, Y_IRIS)) for model in models]
    fits = (joblib.delayed(model.fit)(X_IRIS, Y_IRIS) for model in models)
    together = joblib.Parallel(n_jobs=2, prefer="threads")(fits)
    for model, expected in zip(together, alone, strict=True):
        np.testing.assert_array_equal(flat(model), expected)


@BOTH
def test_clone_has_the_parameters_and_nothing_learned(Estimator):
    X, y = DATA[Estimator]
    model = small(Estimator, alpha=0.5).fit(X, y)
    copied = clone(model)
    assert copied.get_params() == model.get_params()
    assert not hasattr(copied, "coefs_")
    with pytest.raises(NotFittedError):
        copied.predict(X)


@BOTH
def test_a_table_s_columns_have_names(Estimator):
    X, y = DATA[Estimator]
    table = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    model = small(Estimator, early_stopping=True).fit(table, pd.Series(y))
    np.testing.assert_array_equal(model.feature_names_in_, table.columns)
    np.testing.assert_array_equal(
        model.predict(table), small(Estimator, early_stopping=True).fit(X, y).predict(X)
    )
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table.rename(columns={"c0": "another"}))


# Numbers and weights


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("given", "expected"), [("float32", "float32"), ("float64", "float64"), ("int64", "float64")]
)
def test_precision_is_that_of_the_data(Estimator, solver, given, expected):
    X, y = DATA[Estimator]
    X = (X * 10).astype(given)
    model = small(Estimator, solver=solver).fit(X, y)
    assert {array.dtype.name for array in [*model.coefs_, *model.intercepts_]} == {expected}
    out = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
    assert out.dtype == expected


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_layout_of_the_data_does_not_matter(Estimator, solver, tmp_path):
    X, y = DATA[Estimator]
    expected = flat(small(Estimator, solver=solver).fit(X, y))
    joblib.dump((X, y), tmp_path / "data")
    layouts = {
        "Fortran": (np.asfortranarray(X), y),
        "strided": (np.repeat(X, 2, axis=1)[:, ::2], np.repeat(y, 2)[::2]),
        "mapped, read-only": joblib.load(tmp_path / "data", mmap_mode="r"),
        "lists": (X.tolist(), y.tolist()),
    }
    for name, (rows, targets) in layouts.items():
        fitted = flat(small(Estimator, solver=solver).fit(rows, targets))
        np.testing.assert_allclose(fitted, expected, rtol=1e-9, atol=1e-12, err_msg=name)


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_weight_is_a_number_of_copies(Estimator, solver):
    X, y = DATA[Estimator]
    X, y, copies = X[::5], y[::5], np.arange(len(X[::5])) % 3
    options = dict(solver=solver, batch_size=10**3, shuffle=False)
    weighted = small(Estimator, **options)
    repeated = small(Estimator, **options)
    if solver != "lbfgs":
        for model in (weighted, repeated):
            model.set_params(batch_size="auto")
    weighted.fit(X, y, sample_weight=copies)
    repeated.fit(np.repeat(X, copies, axis=0), np.repeat(y, copies))
    np.testing.assert_allclose(flat(weighted), flat(repeated), rtol=1e-6, atol=1e-9)


@BOTH
def test_weights_and_biases_are_views_of_the_network(Estimator):
    X, y = DATA[Estimator]
    model = small(Estimator).fit(X, y)
    assert model.coefs_[0].base is not None
    assert model.coefs_[0].base is model.intercepts_[1].base


@BOTH
def test_what_is_written_to_weights_and_biases_takes_effect(Estimator):
    X, y = DATA[Estimator]
    ways = {
        "in place": lambda m: [array.fill(0) for array in [*m.coefs_, *m.intercepts_]],
        "by layer": lambda m: [
            kind.__setitem__(i, 0 * kind[i]) for kind in (m.coefs_, m.intercepts_) for i in (0, 1)
        ],
        "as a whole": lambda m: [
            setattr(m, name, [0 * array for array in getattr(m, name)])
            for name in ("coefs_", "intercepts_")
        ],
    }
    for name, change in ways.items():
        model = small(Estimator, warm_start=True, max_iter=1, learning_rate_init=1e-3).fit(X, y)
        model.predict(X)
        change(model)
        out = model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)
        np.testing.assert_allclose(
            out, 1 / 3 if Estimator is pynn.MLPClassifier else 0, err_msg=name
        )
        model.fit(X, y)  # from there on
        assert np.abs(flat(model)).max() < 0.02, name
        assert not flat(model)[: model.coefs_[0].size].any(), "nothing flows back through zeros"


def test_another_shape_of_weights_is_another_network():
    model = small(pynn.MLPRegressor).fit(X_DIABETES, Y_DIABETES)
    model.coefs_ = [np.ones((10, 2)), np.ones((2, 3)), np.full((3, 1), 0.5)]
    model.intercepts_ = [np.zeros(2), np.zeros(3), np.ones(1)]
    expected = 1 + 3 * np.maximum(X_DIABETES.sum(axis=1), 0)
    np.testing.assert_allclose(model.predict(X_DIABETES), expected)
    with pytest.raises(ValueError, match=r"hidden_layer_sizes is \(7,\).* of \[2, 3\] units"):
        model.partial_fit(X_DIABETES, Y_DIABETES)
    model.set_params(hidden_layer_sizes=(2, 3)).partial_fit(X_DIABETES, Y_DIABETES)
    with pytest.raises(ValueError, match=r"intercepts_ .* the same shape, \(2,\); got \(5,\)"):
        model.intercepts_[0] = np.zeros(5)
    with pytest.raises(TypeError, match="coefs_ has one array per layer"):
        model.coefs_.append(np.zeros((1, 1)))
    model.coefs_ = [np.ones((10, 5)), np.ones((2, 3)), np.ones((3, 1))]
    with pytest.raises(ValueError, match=r"coefs_ .* \(n_in, n_out\).*\(10, 5\).*\(2,\)"):
        model.predict(X_DIABETES)


# Going on


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fits_add_up_to_a_fit(Estimator, solver):
    X, y = DATA[Estimator]
    whole = small(Estimator, solver=solver, shuffle=False).fit(X, y)
    parts = small(Estimator, solver=solver, shuffle=False)
    first = {"classes": np.unique(y)} if Estimator is pynn.MLPClassifier else {}
    parts.partial_fit(X, y, **first)
    for _ in range(4):
        parts.partial_fit(X, y)
    np.testing.assert_array_equal(flat(parts), flat(whole))
    assert parts.loss_curve_ == whole.loss_curve_
    assert (parts.n_iter_, parts.t_) == (1, 5 * len(X))


def test_partial_fit_asks_for_the_classes_first():
    model = small(pynn.MLPClassifier)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        model.partial_fit(X_IRIS, Y_IRIS)
    model.partial_fit(X_IRIS[:60], Y_IRIS[:60], classes=[0, 1, 2]).partial_fit(X_IRIS, Y_IRIS)
    before = flat(model)
    with pytest.raises(ValueError, match=r"classes not in `self.classes_`.*\[0 1 2\].*\[7\]"):
        model.partial_fit(X_IRIS, Y_IRIS * 0 + 7)
    with pytest.raises(ValueError, match=r"classes=.* is not the same as on last call"):
        model.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1])
    np.testing.assert_array_equal(flat(model), before)


@BOTH
def test_what_partial_fit_is_not_for(Estimator):
    X, y = DATA[Estimator]
    assert not hasattr(Estimator(solver="lbfgs"), "partial_fit")
    with pytest.raises(ValueError, match="partial_fit does not support early_stopping=True"):
        small(Estimator, early_stopping=True).fit(X, y).partial_fit(X, y)


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_warm_start_goes_on_where_the_last_fit_ended(Estimator, solver):
    X, y = DATA[Estimator]
    model = small(Estimator, solver=solver, warm_start=True).fit(X, y)
    first = model.loss_
    model.fit(X, y)
    assert model.loss_ < first
    assert model.n_iter_ == 5
    if solver != "lbfgs":
        assert len(model.loss_curve_) == 10
        assert model.t_ == 10 * len(X)
    cold = small(Estimator, solver=solver).fit(X, y).fit(X, y)
    assert cold.loss_ == first


def test_warm_start_keeps_its_classes():
    model = small(pynn.MLPClassifier, warm_start=True).fit(X_IRIS, Y_IRIS)
    with pytest.raises(
        ValueError, match=r"same classes as in the previous call.*\[0 1 2\].*\[0 1\]"
    ):
        model.fit(X_IRIS, np.minimum(Y_IRIS, 1))


@BOTH
def test_warm_start_from_one_solver_to_another(Estimator):
    X, y = DATA[Estimator]
    model = small(Estimator, solver="lbfgs", warm_start=True, max_iter=20).fit(X, y)
    reached = model.loss_
    model.set_params(solver="adam", early_stopping=True).fit(X, y)
    model.set_params(early_stopping=False).fit(X, y)
    assert model.loss_curve_[0] < 2 * reached
    assert model.best_loss_ == min(model.loss_curve_[-model.n_iter_ :])
    assert model.validation_scores_ is None


@BOTH
def test_early_stopping_keeps_the_best(Estimator):
    X, y = DATA[Estimator]
    options = dict(early_stopping=True, n_iter_no_change=4, learning_rate_init=0.02)
    model = small(Estimator, max_iter=500, **options).fit(X, y)
    scores = model.validation_scores_
    assert model.n_iter_ == len(scores) < 500
    assert model.best_validation_score_ == max(scores)
    best = int(np.argmax(scores)) + 1
    assert best < len(scores)
    until_then = small(Estimator, max_iter=best, **options).fit(X, y)
    np.testing.assert_array_equal(flat(model), flat(until_then))
    warm = copy.deepcopy(model).set_params(warm_start=True, max_iter=3, learning_rate_init=10.0)
    warm.fit(X, y)  # at such a rate nothing gets better
    np.testing.assert_array_equal(flat(warm), flat(model))


@BOTH
def test_a_warning_where_training_does_not_come_to_an_end(Estimator):
    X, y = DATA[Estimator]
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(5\) reached") as caught:
        small(Estimator).fit(X, y)
    assert caught[0].filename == __file__
    with pytest.warns(ConvergenceWarning, match="lbfgs failed to converge after 5 iteration"):
        small(Estimator, solver="lbfgs").fit(X, y)


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_a_warning_made_an_error_loses_nothing(Estimator, solver):
    X, y = DATA[Estimator]
    model = small(Estimator, solver=solver)
    with warnings.catch_warnings(action="error"), pytest.raises(ConvergenceWarning):
        model.fit(X, y)
    assert model.n_iter_ == 5
    assert model.score(X, y) > -1
