"""What people get wrong with the estimators: each is told so, in words that name what to do."""

import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from mlp_cases import X_DIABETES, X_IRIS, Y_DIABETES, Y_IRIS
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

import pynn
from pynn.estimators import predictor

CLASSIFIER, REGRESSOR = pynn.MLPClassifier, pynn.MLPRegressor
BOTH = pytest.mark.parametrize("Estimator", [CLASSIFIER, REGRESSOR])
SOLVERS = ["adam", "sgd", "lbfgs", "adamw", "rmsprop", "rprop"]


def small(Estimator, **parameters):
    return Estimator(**{"hidden_layer_sizes": (7,), "max_iter": 4, "random_state": 0} | parameters)


def data_of(Estimator):
    return (X_IRIS, Y_IRIS) if Estimator is CLASSIFIER else (X_DIABETES, Y_DIABETES)


@pytest.fixture(autouse=True)
def few_epochs_are_meant():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Stochastic Optimizer: Maximum iterations")
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        yield


# Validation data in other units


def test_an_eval_set_with_targets_in_other_units_is_noticed():
    X, y = load_diabetes(return_X_y=True)
    X, X_val, y, y_val = train_test_split(scale(X), y, random_state=0)
    model = TransformedTargetRegressor(small(REGRESSOR), transformer=StandardScaler())
    with pytest.warns(UserWarning, match=r"validation loss.*X_val.*y in the units"):
        model.fit(X, y, eval_set=(X_val, y_val))


@pytest.mark.parametrize("scoring", [None, "neg_mean_absolute_error"])
def test_an_eval_set_that_did_not_go_through_the_pipeline_is_noticed(scoring):
    X, X_val, y, y_val = train_test_split(1e4 * X_DIABETES + 1e5, Y_DIABETES, random_state=0)
    pipeline = make_pipeline(StandardScaler(), small(REGRESSOR, scoring=scoring))
    with pytest.warns(UserWarning, match=r'transform_input=\["X_val"\]'):
        pipeline.fit(X, y, mlpregressor__eval_set=(X_val, y_val))


def test_classes_of_an_eval_set_that_is_not_scaled_are_noticed():
    X, X_val, y, y_val = train_test_split(1e5 * X_IRIS + 3e6, Y_IRIS, random_state=1)
    pipeline = make_pipeline(StandardScaler(), small(CLASSIFIER))
    with pytest.warns(UserWarning, match="far from the training loss.*X_val"):
        pipeline.fit(X, y, mlpclassifier__eval_set=(X_val, y_val))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("load", [load_iris, load_digits, load_diabetes, load_breast_cancer])
def test_normal_fits_say_nothing_of_their_data(load, solver):
    """The filter of this suite makes an error of any warning."""
    X, y = load(return_X_y=True)
    Estimator = REGRESSOR if load is load_diabetes else CLASSIFIER
    X, y = scale(X)[:600], scale(y)[:600] if Estimator is REGRESSOR else y[:600]
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    model = small(Estimator, solver=solver).fit(X, y, eval_set=(X_val, y_val))
    assert len(model.history_["val_loss"]) == 4


# Columns of several scales


def unscaled(n_rows=300):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(n_rows, 20))
    y = (Z[:, :4].sum(axis=1) > 0).astype(int)
    return (Z + 1) * np.logspace(-3, 6, 20), Z, y


@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic", "gelu"])
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_columns_of_several_scales_are_named_where_training_stalls(solver, activation):
    X, Z, y = unscaled()
    model = small(CLASSIFIER, solver=solver, activation=activation, max_iter=6)
    with pytest.warns(UserWarning, match=r"differ in scale by a factor of .*StandardScaler"):
        model.fit(X, y)
    model.fit(Z, y)  # which warns of nothing


def test_columns_of_several_scales_are_named_where_training_diverges():
    X, _, y = unscaled()
    model = small(REGRESSOR, solver="sgd", learning_rate_init=0.1)
    with pytest.raises(ValueError, match=r"non-finite.*differ in scale.*StandardScaler"):
        model.fit(X, y)


def test_columns_of_several_scales_are_no_matter_where_the_network_learns():
    _, Z, y = unscaled()
    X = Z * np.where(np.arange(20) < 4, 1, 1e-4)
    model = small(CLASSIFIER, max_iter=60, learning_rate_init=0.01).fit(X, y)
    assert model.score(X, y) > 0.9


# Messages where scikit-learn's hooks are overridden


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("_init_coef", "coefs_"),
        ("_forward_pass", r"network_\.predict"),
        ("_backprop", r"network_\.gradient"),
    ],
)
@BOTH
def test_a_subclass_that_overrides_a_hook_is_told_that_it_is_not_called(Estimator, name, instead):
    with pytest.warns(UserWarning, match=f"Mine.{name} overrides a private.*{instead}") as told:
        type("Mine", (Estimator,), {name: lambda self: None})
    assert told[0].filename == __file__
    type("Mine", (Estimator,), {"own": lambda self: None})  # which warns of nothing


# Filters


@pytest.mark.parametrize("call", ["fit", "pipeline"])
def test_a_filter_for_scikit_learn_s_convergence_warnings_is_one_for_ours(call):
    model = small(CLASSIFIER)
    model = make_pipeline(model) if call == "pipeline" else model
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        model.fit(X_IRIS, Y_IRIS)
        warnings.filterwarnings("ignore", category=ConvergenceWarning, module="sklearn")
        model.fit(X_IRIS, Y_IRIS)
    assert [warning.category for warning in heard] == [ConvergenceWarning]


def test_a_convergence_warning_names_the_line_of_the_caller():
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        make_pipeline(small(CLASSIFIER)).fit(X_IRIS, Y_IRIS)
    assert [warning.filename for warning in heard] == [__file__]


@BOTH
def test_warm_loops_of_one_epoch_warn_once(Estimator):
    model = small(Estimator, max_iter=1, warm_start=True)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for _ in range(5):
            model.fit(*data_of(Estimator))
    assert [warning.category for warning in heard] == [ConvergenceWarning]
    assert len(model.loss_curve_) == 5


# Data whose conversion would lose something


def masked(array):
    return np.ma.masked_array(array, mask=array == array.flat[0])


@pytest.mark.parametrize("which", ["X", "y", "sample_weight"])
@BOTH
def test_masked_arrays_are_refused_in_fits(Estimator, which):
    X, y = data_of(Estimator)
    data = {"X": X, "y": y, "sample_weight": np.ones(len(y))}
    data[which] = masked(data[which])
    model = small(Estimator)
    for call in ("fit", "partial_fit"):
        first = {"classes": [0, 1, 2]} if (call, Estimator) == ("partial_fit", CLASSIFIER) else {}
        with pytest.raises(TypeError, match=f"{which} must not be a masked array.*filled"):
            getattr(model, call)(**data, **first)
    assert not hasattr(model, "coefs_")


@BOTH
def test_masked_arrays_are_refused_elsewhere(Estimator):
    X, y = data_of(Estimator)
    model = small(Estimator).fit(X, y)
    calls = [model.predict, model.transform]
    calls += [model.predict_proba] if Estimator is CLASSIFIER else []
    for call in calls:
        with pytest.raises(TypeError, match="X must not be a masked array"):
            call(masked(X))
    for sets in [(masked(X), y), (X, masked(y)), (X, y, masked(np.ones(len(y))))]:
        with pytest.raises(TypeError, match=r"eval_set: .*masked array"):
            model.fit(X, y, eval_set=sets)
    with pytest.raises(TypeError, match="masked array"):
        model.fit_batches([(masked(X), y)])


DAYS = np.arange(150).astype("datetime64[D]")
TABLES = {
    "numpy": np.column_stack([DAYS, DAYS]),
    "pandas": pd.DataFrame({"a": X_IRIS[:, 0], "day": DAYS.astype("datetime64[ns]")}),
    "pandas with a zone": pd.DataFrame({"day": pd.date_range("2020", periods=150, tz="UTC")}),
    "durations": pd.DataFrame({"a": X_IRIS[:, 0], "gap": pd.to_timedelta(np.arange(150), "D")}),
    "polars": pl.DataFrame({"a": X_IRIS[:, 0], "day": DAYS}),
}


@pytest.mark.parametrize("table", TABLES)
def test_columns_of_dates_are_refused(table):
    with pytest.raises(TypeError, match=r"X must hold numbers, got .*days since a date"):
        small(CLASSIFIER).fit(TABLES[table], Y_IRIS)


def test_dates_are_refused_as_targets_and_to_predict():
    model = small(CLASSIFIER).fit(X_IRIS, Y_IRIS)
    with pytest.raises(TypeError, match="y must hold numbers"):
        small(REGRESSOR).fit(X_IRIS, DAYS)
    with pytest.raises(TypeError, match="X must hold numbers"):
        model.predict(np.column_stack([DAYS] * 4))


def test_booleans_in_an_array_of_objects_are_classes():
    y = Y_IRIS > 0
    for objects in (y.astype(object), pd.Series(y.tolist(), dtype=object)):
        model = small(CLASSIFIER).fit(X_IRIS, objects)
        assert model.classes_.tolist() == [False, True]
        plain = small(CLASSIFIER).fit(X_IRIS, y)
        assert np.array_equal(model.predict_proba(X_IRIS), plain.predict_proba(X_IRIS))
        model.partial_fit(X_IRIS, objects)
        assert model.fit(X_IRIS, y, eval_set=(X_IRIS, objects)).history_["val_score"][-1] > 0


# Arguments in the wrong place


@pytest.mark.parametrize(
    "eval_set",
    [
        X_IRIS,
        (X_IRIS, Y_IRIS, None, None),
        (),
        [],
        "val",
        [(X_IRIS, Y_IRIS), (X_IRIS,)],
        [(X_IRIS, Y_IRIS), (X_IRIS, Y_IRIS, None, 3)],
        {"X": X_IRIS, "y": Y_IRIS},
    ],
)
def test_an_eval_set_of_any_other_form_is_refused(eval_set):
    model = small(CLASSIFIER)
    with pytest.raises(TypeError, match="eval_set must be"):
        model.fit(X_IRIS, Y_IRIS, eval_set=eval_set)
    assert vars(model) == vars(small(CLASSIFIER))


@pytest.mark.parametrize(
    "form",
    [
        lambda *one: one,
        lambda *one: [*one],
        lambda *one: [one],
        lambda X, y: (X, y, None),
        lambda X, y: (X, y, np.ones(len(y))),
    ],
)
def test_forms_of_one_eval_set(form):
    model = small(CLASSIFIER).fit(X_IRIS, Y_IRIS, eval_set=form(X_IRIS[::2], Y_IRIS[::2]))
    usual = small(CLASSIFIER).fit(X_IRIS, Y_IRIS, eval_set=(X_IRIS[::2], Y_IRIS[::2]))
    assert model.history_ == usual.history_


def test_which_of_several_eval_sets_is_wrong_is_said():
    sets = [(X_IRIS, Y_IRIS), (X_IRIS[:, :2], Y_IRIS)]
    with pytest.raises(ValueError, match=r"eval_set\[1\]: X has 2 features"):
        small(CLASSIFIER).fit(X_IRIS, Y_IRIS, eval_set=sets)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"X_val": X_IRIS}, "X_val and y_val must be given together"),
        ({"y_val": Y_IRIS}, "X_val and y_val must be given together"),
        ({"sample_weight_val": np.ones(150)}, "sample_weight_val needs X_val and y_val"),
        ({"X_val": X_IRIS, "y_val": Y_IRIS, "eval_set": (X_IRIS, Y_IRIS)}, "not as both"),
    ],
)
def test_half_a_validation_set_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        small(CLASSIFIER).fit(X_IRIS, Y_IRIS, **given)


def test_classes_in_the_place_of_weights_are_recognised():
    model = small(CLASSIFIER)
    with pytest.raises(ValueError, match=r"did you mean classes=\[0, 1\]"):
        model.partial_fit(X_IRIS, Y_IRIS % 2, [0, 1])
    assert vars(model) == vars(small(CLASSIFIER))


@pytest.mark.parametrize("sizes", [(20,), [20, 10], 20])
def test_hidden_layers_in_the_place_of_the_loss_are_recognised(sizes):
    with pytest.raises(ValueError, match="Did you mean hidden_layer_sizes="):
        REGRESSOR(sizes).fit(X_IRIS, Y_IRIS)


def test_another_wrong_loss_gets_no_such_hint():
    with pytest.raises(ValueError, match="'loss' parameter") as refused:
        REGRESSOR("cleverness").fit(X_IRIS, Y_IRIS)
    assert "hidden_layer_sizes" not in str(refused.value)


def test_a_warm_fit_with_a_loss_of_another_output_says_what_to_set():
    y = np.abs(Y_DIABETES)
    model = small(REGRESSOR, warm_start=True).fit(X_DIABETES, y)
    before = model.predict(X_DIABETES)
    with pytest.raises(ValueError, match=r"'poisson' needs .*'exp'.*'identity'.*out_activation_"):
        model.set_params(loss="poisson").fit(X_DIABETES, y)
    assert np.array_equal(model.predict(X_DIABETES), before)
    model.out_activation_ = "exp"
    model.fit(X_DIABETES, y)
    assert (model.network_.cost_function, model.predict(X_DIABETES).min() > 0) == ("poisson", True)


# Few samples of a class


def test_a_rare_class_is_named_where_rows_are_set_aside():
    y = np.where(np.arange(150) == 7, "rare", "usual")
    with pytest.raises(ValueError, match="'rare'"):
        small(CLASSIFIER, early_stopping=True).fit(X_IRIS, y)


def rare_in(n_classes, n_rare, seed):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes - 1).repeat(20), [n_classes - 1] * n_rare])
    return rng.normal(size=(len(y), 3)), y


def scikit_learn_s_draw(X, y, seed, fraction=0.1):
    """The rows that scikit-learn sets aside: after the first weights, from the same source."""
    from sklearn.neural_network import MLPClassifier

    kept = {}

    class Spy(MLPClassifier):
        def _update_no_improvement_count(self, early_stopping, X_val, y_val, *rest):
            kept["X"], kept["y"] = X_val, y_val
            return super()._update_no_improvement_count(early_stopping, X_val, y_val, *rest)

    Spy((7,), max_iter=1, random_state=seed, early_stopping=True, validation_fraction=fraction).fit(
        X, y
    )
    return kept["X"]


def test_rows_set_aside_are_scikit_learn_s_unless_a_class_would_be_lost():
    n_warned = n_same = 0
    for seed in range(12):
        X, y = rare_in(3, 2, seed)
        theirs, seen = scikit_learn_s_draw(X, y, seed, 0.3), []
        model = small(CLASSIFIER, early_stopping=True, validation_fraction=0.3, max_iter=1)
        model.set_params(
            random_state=seed, callbacks=[lambda s, seen=seen: seen.append((s.train, s.validation))]
        )
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            warnings.filterwarnings("ignore", category=ConvergenceWarning)
            model.fit(X, y)
        train, aside = seen[0]
        assert set(train.labels) == {0, 1, 2}
        assert len(train) + len(aside) == len(y)
        rare_rows = {tuple(row) for row in X[y == 2]}
        loses = rare_rows <= {tuple(row) for row in theirs}
        assert bool(heard) == loses
        if loses:
            n_warned += 1
            assert "are stratified here" in str(heard[0].message)
        else:
            n_same += 1
            assert np.array_equal(aside.X, theirs)
    assert n_warned > 0
    assert n_same > 0


def test_one_class_has_one_probability():
    for Y in (np.zeros(150, int), np.full(150, "only")):
        model = small(CLASSIFIER).fit(X_IRIS, Y)
        assert model.predict_proba(X_IRIS).tolist() == [[1.0]] * 150
        assert (model.predict(X_IRIS) == Y[0]).all()
        assert model.score(X_IRIS, Y) == 1.0


# Figures that would end a fit for no reason


@BOTH
def test_a_callback_may_return_numpy_s_true(Estimator):
    model = small(Estimator, callbacks=[lambda state: np.bool_(state.epoch == 2)])
    model.fit(*data_of(Estimator))
    assert (model.n_iter_, model.stopped_early_) == (2, True)


def test_a_constant_validation_target_is_judged_by_the_loss():
    X_val, y_val = X_DIABETES[:20], np.full(20, 0.25)
    model = small(REGRESSOR, early_stopping=True, max_iter=30, learning_rate_init=1e-3)
    model.fit(X_DIABETES, 0 * Y_DIABETES + 0.25, eval_set=(X_val, y_val))
    assert model.n_iter_ == 30
    assert model.history_["val_score"] == [-loss for loss in model.history_["val_loss"]]
    assert model.best_validation_score_ == max(model.validation_scores_)


# One row takes the short way


@pytest.mark.parametrize(
    "row",
    [
        [[5.1, 3.5, 1.4, 0.2]],
        [[5, 3, 1, 0]],
        [[True, False, True, False]],
        np.array([[5, 3, 1, 0]]),
        np.array([[5, 3, 1, 0]], np.uint8),
        np.array([[5.1, 3.5, 1.4, 0.2]], np.float32),
        np.array([[True, False, True, False]]),
    ],
    ids=repr,
)
@BOTH
def test_a_row_of_plain_numbers_goes_the_short_way(Estimator, row, monkeypatch):
    model = small(Estimator).fit(*(data_of(Estimator)[0][:, :4], data_of(Estimator)[1]))
    expected = model.predict(np.asarray(row, dtype=np.float64))

    def refuse(*_, **__):
        raise AssertionError("validate_data was called")

    monkeypatch.setattr(predictor, "validate_data", refuse)
    assert np.array_equal(model.predict(row), expected)
    with pytest.raises(AssertionError, match="validate_data was called"):
        model.predict([["5", "3", "1", "0"]])


# Without rich


def test_a_live_bar_without_rich_is_a_table_in_a_fresh_process():
    code = textwrap.dedent("""
        import sys
        sys.modules["rich"] = None
        import pynn
        from sklearn.datasets import load_iris
        X, y = load_iris(return_X_y=True)
        pynn.MLPClassifier((3,), max_iter=3, verbose=2, tol=9.0, n_iter_no_change=1).fit(X, y)
        pynn.Network([4, 3]).fit(X, y, epochs=2, verbose=2)
    """)
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("pip install rich") == 2
    assert "Iteration" in done.stdout
    assert "epoch" in done.stdout
