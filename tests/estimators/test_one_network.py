"""One network behind each estimator: what is set takes effect at once, and pickles keep it."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import sklearn
from mlp_cases import (
    BOTH,
    DATA,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    few_epochs_are_meant,  # noqa: F401
    small,
)
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

import pynn
from pynn.callbacks import EpochScoring

CLASSIFIER, REGRESSOR = pynn.MLPClassifier, pynn.MLPRegressor
COPIES = {
    "itself": lambda model: model,
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}


def fitted(Estimator, **parameters):
    return small(Estimator, **parameters).fit(*DATA[Estimator])


def outputs(model, X, hidden=lambda z: np.maximum(z, 0)):
    """Weighted sums of the output layer."""
    (W0, W1), (b0, b1) = model.coefs_, model.intercepts_
    return hidden(X @ W0 + b0) @ W1 + b1


# network_


@BOTH
def test_the_network_is_the_same_object_from_fit_on(Estimator):
    seen = []
    model = fitted(Estimator, callbacks=[lambda state: seen.append(state.network)])
    X, y = DATA[Estimator]
    network = model.network_
    assert all(one is network for one in seen)
    for call in (lambda: model.predict(X), lambda: model.score(X, y), lambda: model.transform(X)):
        call()
        assert model.network_ is network
    model.partial_fit(X, y)
    model.set_params(warm_start=True).fit(X, y)
    assert model.network_ is network
    assert model.set_params(warm_start=False).fit(X, y).network_ is not network


@BOTH
def test_the_network_predicts_what_the_estimator_does_and_so_does_its_file(Estimator, tmp_path):
    X, _ = DATA[Estimator]
    model = fitted(Estimator)
    direct = model.predict_proba(X) if Estimator is CLASSIFIER else model.predict(X)
    assert np.array_equal(model.network_.predict(X, squeeze=True), direct)
    if Estimator is CLASSIFIER:
        assert np.array_equal(model.network_.predict_classes(X), model.predict(X))
    model.network_.save(tmp_path / "network")
    loaded = pynn.Network.load(tmp_path / "network")
    assert np.array_equal(loaded.predict(X, squeeze=True), direct)
    assert loaded.classes is None or loaded.classes.tolist() == model.classes_.tolist()


@BOTH
def test_before_a_fit_there_is_no_network(Estimator):
    model = small(Estimator)
    for name in ("network_", "coefs_", "intercepts_", "out_activation_", "history_"):
        with pytest.raises(NotFittedError):
            getattr(model, name)
        assert not hasattr(model, name)


@pytest.mark.parametrize("copied", COPIES)
def test_an_output_activation_that_is_set_takes_effect_at_once(copied):
    model = fitted(REGRESSOR)
    z = outputs(model, X_DIABETES).ravel()
    np.testing.assert_allclose(model.predict(X_DIABETES), z)
    for name, f in {
        "logistic": expit,
        "tanh": np.tanh,
        "exp": np.exp,
        "identity": lambda z: z,
    }.items():
        model.out_activation_ = name
        model = COPIES[copied](model)
        assert model.out_activation_ == name
        np.testing.assert_allclose(model.predict(X_DIABETES), f(z))
        np.testing.assert_allclose(model.network_.predict(X_DIABETES)[:, 0], f(z))


@pytest.mark.parametrize("copied", COPIES)
def test_the_output_activation_of_a_classifier_too(copied):
    model = fitted(CLASSIFIER)
    model.out_activation_ = "logistic"
    model = COPIES[copied](model)
    np.testing.assert_allclose(model.predict_proba(X_IRIS), expit(outputs(model, X_IRIS)))


@BOTH
def test_an_output_activation_that_there_is_not_is_refused(Estimator):
    X, _ = DATA[Estimator]
    model = fitted(Estimator)
    before, name = model.predict(X), model.out_activation_
    with pytest.raises(ValueError, match="output_activation must be one of"):
        model.out_activation_ = "cleverness"
    assert model.out_activation_ == name
    assert np.array_equal(model.predict(X), before)


@BOTH
def test_a_clone_has_no_network(Estimator):
    model = fitted(Estimator)
    model.out_activation_ = "tanh"
    twin = clone(model)
    assert not hasattr(twin, "network_")
    usual = "softmax" if Estimator is CLASSIFIER else "identity"
    assert twin.fit(*DATA[Estimator]).out_activation_ == usual


@pytest.mark.parametrize("copied", COPIES)
def test_an_activation_that_is_set_after_a_fit_takes_effect_at_once(copied):
    model = COPIES[copied](fitted(REGRESSOR))
    network = model.network_
    model.set_params(activation="tanh")
    model = COPIES[copied](model)
    np.testing.assert_allclose(
        model.predict(X_DIABETES), outputs(model, X_DIABETES, np.tanh).ravel()
    )
    assert model.network_.activations == ("tanh", "identity")
    assert network.layer_sizes == model.network_.layer_sizes


@BOTH
@pytest.mark.parametrize("wrong", ["invalid", 3, None, ["relu", "tanh"]], ids=str)
def test_a_wrong_activation_after_a_fit_is_refused_and_dir_still_works(Estimator, wrong):
    model = fitted(Estimator).set_params(activation=wrong)
    assert "network_" not in dir(model)
    with pytest.raises(ValueError, match="activation must be one"):
        model.predict(DATA[Estimator][0])
    model.set_params(activation="relu")
    assert "network_" in dir(model)


@BOTH
def test_coefs_and_intercepts_are_views_of_one_vector(Estimator):
    model = fitted(Estimator)
    parts = [part for pair in zip(model.coefs_, model.intercepts_, strict=True) for part in pair]
    assert np.array_equal(
        np.concatenate([part.ravel() for part in parts]), model.network_.parameters
    )
    assert all(np.shares_memory(part, model.network_.parameters) for part in parts)
    model.network_.parameters[:] = 0.25
    assert all((part == 0.25).all() for part in parts)
    with pytest.raises(ValueError, match="can only be replaced by an array of the same shape"):
        model.coefs_[0] = np.zeros((2, 2))
    with pytest.raises(TypeError, match="one array per layer"):
        model.coefs_.append(np.zeros((2, 2)))


# The best epoch


@BOTH
@pytest.mark.parametrize("scoring", [None, "loss"])
def test_the_parameters_of_the_best_epoch_are_kept_bit_for_bit(Estimator, scoring):
    kept = []
    X, y = DATA[Estimator]
    model = small(
        Estimator,
        max_iter=40,
        learning_rate_init=0.1,
        early_stopping=True,
        scoring=scoring,
        n_iter_no_change=4,
        callbacks=[lambda state: kept.append(state.network.parameters.copy())],
    ).fit(X, y)
    assert model.best_epoch_ == 1 + int(np.argmax(model.validation_scores_))
    assert model.best_epoch_ < model.n_iter_ == len(kept)
    assert model.network_.parameters.tobytes() == kept[model.best_epoch_ - 1].tobytes()
    assert model.network_.best_epoch == model.best_epoch_


@BOTH
def test_without_early_stopping_there_is_no_best_epoch(Estimator):
    assert fitted(Estimator).best_epoch_ is None
    assert fitted(Estimator, solver="lbfgs").best_epoch_ is None


# Validation sets


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
def test_X_val_and_y_val_are_an_eval_set(Estimator, early_stopping):  # noqa: N802
    X, X_val, y, y_val = train_test_split(*DATA[Estimator], random_state=0)
    w = np.linspace(0.5, 2, len(y_val))
    one = small(Estimator, early_stopping=early_stopping, max_iter=15)
    other = clone(one)
    one.fit(X, y, eval_set=(X_val, y_val, w))
    other.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=w)
    assert one.history_ == other.history_
    assert one.network_.parameters.tobytes() == other.network_.parameters.tobytes()
    unweighted = clone(one).fit(X, y, X_val=X_val, y_val=y_val)
    assert unweighted.history_["val_loss"] != one.history_["val_loss"]


@BOTH
def test_a_pipeline_transforms_x_val(Estimator):
    X, y = DATA[Estimator]
    X, X_val, y, y_val = train_test_split(X * 1000 + 300, y, random_state=0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = small(Estimator).set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
        steps = [("scale", StandardScaler()), ("mlp", model)]
        pipeline = Pipeline(steps, transform_input=["X_val"])
        pipeline.fit(X, y, X_val=X_val, y_val=y_val, sample_weight_val=np.ones(len(y_val)))
    scaler = StandardScaler().fit(X)
    by_hand = small(Estimator).fit(
        scaler.transform(X), y, X_val=scaler.transform(X_val), y_val=y_val
    )
    assert pipeline[-1].history_ == by_hand.history_


@BOTH
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_several_evaluation_sets_have_figures_of_their_own(Estimator, solver):
    X, y = DATA[Estimator]
    sets = [(X[i::3], y[i::3]) for i in range(3)]
    model = small(Estimator, solver=solver).fit(X, y, eval_set=sets)
    names = [f"val_{i}{what}" for i in ("", "2_", "3_") for what in ("loss", "score")]
    assert [name for name in model.history_ if name.startswith("val")] == names
    for number, one in zip(("", "2_", "3_"), sets, strict=True):
        alone = small(Estimator, solver=solver).fit(X, y, eval_set=one)
        assert model.history_[f"val_{number}loss"] == alone.history_["val_loss"]
        assert model.history_[f"val_{number}score"] == alone.history_["val_score"]
        assert model.history_[f"val_{number}score"][-1] == pytest.approx(model.score(*one))


@BOTH
def test_with_early_stopping_the_first_of_several_sets_decides(Estimator):
    X, y = DATA[Estimator]
    first, second = (X[::2], y[::2]), (X[1::2], y[1::2][::-1])
    options = {"early_stopping": True, "max_iter": 30, "learning_rate_init": 0.05}
    both = small(Estimator, **options).fit(X, y, eval_set=[first, second])
    alone = small(Estimator, **options).fit(X, y, eval_set=first)
    assert both.network_.parameters.tobytes() == alone.network_.parameters.tobytes()
    assert both.validation_scores_ == both.history_["val_score"] == alone.validation_scores_


# History


@BOTH
@pytest.mark.parametrize("penalty", [{"alpha": 0.5}, {"l1": 0.3, "alpha": 0.0}])
def test_loss_without_penalty_is_the_validation_loss_of_the_same_rows(Estimator, penalty):
    """One batch of all rows, and steps too small to change the loss."""
    X, y = DATA[Estimator]
    model = small(Estimator, batch_size=len(X), learning_rate_init=1e-14, tol=0.0, **penalty)
    history = model.fit(X, y, eval_set=(X, y)).history_
    without = np.subtract(history["loss"], history["penalty"])
    np.testing.assert_allclose(without, history["val_loss"], rtol=1e-12)
    assert min(history["penalty"]) > 1e-6
    n, (kind, strength) = len(X), next(item for item in penalty.items() if item[1])
    of_weights = {"alpha": lambda W: (W**2).sum() / 2, "l1": lambda W: abs(W).sum()}[kind]
    expected = strength * sum(map(of_weights, model.coefs_)) / n
    np.testing.assert_allclose(history["penalty"], expected, rtol=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 0.01])
@BOTH
def test_a_network_has_the_same_figures_but_for_their_names(Estimator, alpha):
    """The estimator's penalty is divided by the rows of a batch."""
    X, y = DATA[Estimator]
    X, X_val, y, y_val = train_test_split(X, y, random_state=0)
    X, y, n = X[:100], y[:100], 50
    model = small(Estimator, batch_size=n, alpha=alpha * n, shuffle=False, learning_rate_init=0.01)
    model.fit(X, y, eval_set=(X_val, y_val))
    n_outputs = 3 if Estimator is CLASSIFIER else 1
    net = pynn.Network([X.shape[1], 7, n_outputs], dtype="float64",
                       output_activation="softmax" if n_outputs == 3 else None)  # fmt: skip
    start = small(Estimator, max_iter=1, learning_rate_init=1e-300, batch_size=n).fit(X, y)
    net.parameters[:] = start.network_.parameters
    net.fit(X, y, epochs=5, batch_size=n, optimizer=pynn.Adam(0.01), alpha=alpha, shuffle=False,
            validation_data=(X_val, y_val))  # fmt: skip
    words = {"loss": "cost", "val_loss": "val_cost"}
    translated = {words.get(name, name): values for name, values in model.history_.items()}
    assert list(translated) == list(net.history)
    assert ("penalty" in translated) == bool(alpha)
    for name, values in translated.items():
        np.testing.assert_allclose(values, net.history[name], rtol=1e-9, err_msg=name)
    np.testing.assert_allclose(net.parameters, model.network_.parameters, rtol=1e-9, atol=1e-12)


def test_the_order_of_figures():
    """That it does not depend on hashes is tested in test_hash_seeds.py."""
    X = np.arange(60.0).reshape(20, 3) / 60
    y = np.arange(20) % 2
    told = [EpochScoring(name, on="train") for name in ("accuracy", "f1", "recall")]
    model = pynn.MLPClassifier((3,), max_iter=1, warm_start=True, random_state=0)
    model.fit(X, y)
    model.set_params(callbacks=told).fit(X, y, eval_set=[(X, y), (X[::2], y[::2])])
    assert list(model.history_) == [
        *("loss", "penalty", "val_loss", "val_score", "val_2_loss", "val_2_score"),
        *("learning_rate", "accuracy", "f1", "recall"),
    ]
    net = pynn.Network([3, 1], output_activation="sigmoid", random_state=0)
    net.fit(X, y).fit(X, y, alpha=1.0, validation_data=(X, y), metrics=["recall", "f1"])
    assert list(net.history) == [
        *("cost", "penalty", "val_cost", "val_score", "learning_rate"),
        *("recall", "val_recall", "f1", "val_f1"),
    ]


# Bounded and positive outputs


@pytest.mark.parametrize(
    ("name", "f", "lowest", "highest"),
    [
        ("logistic", expit, 0, 1),
        ("sigmoid", expit, 0, 1),
        ("tanh", np.tanh, -1, 1),
        ("softplus", lambda z: np.logaddexp(z, 0), 0, np.inf),
        ("exp", np.exp, 0, np.inf),
        ("relu", lambda z: np.maximum(z, 0), 0, np.inf),
    ],
)
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_output_of_a_regressor_may_be_bounded(solver, name, f, lowest, highest):
    y = np.clip(0.5 + Y_DIABETES / 10, 0.05, 0.95)
    model = small(REGRESSOR, output_activation=name, solver=solver, max_iter=40).fit(X_DIABETES, y)
    predicted = model.predict(100 * X_DIABETES)
    assert lowest <= predicted.min() < predicted.max() <= highest
    np.testing.assert_allclose(model.predict(X_DIABETES), f(outputs(model, X_DIABETES)).ravel())
    assert model.loss_ == pytest.approx(((model.predict(X_DIABETES) - y) ** 2).mean() / 2, rel=0.5)
    twin = clone(model)
    assert twin.output_activation == name
    assert model.out_activation_ == {"sigmoid": "logistic"}.get(name, name)


def test_an_output_that_the_loss_cannot_have_is_refused():
    with pytest.raises(ValueError, match="'poisson' needs output_activation='exp', got 'tanh'"):
        small(REGRESSOR, loss="poisson", output_activation="tanh").fit(X_DIABETES, Y_DIABETES**2)
    with pytest.raises(ValueError, match="'output_activation' parameter"):
        small(REGRESSOR, output_activation="softmax").fit(X_DIABETES, Y_DIABETES)


def test_set_back_outputs_go_on_training():
    """A warm fit takes the activation that was set, not the one it began with."""
    y = expit(Y_DIABETES)
    model = small(REGRESSOR, warm_start=True).fit(X_DIABETES, y)
    model.out_activation_ = "logistic"
    before = ((model.predict(X_DIABETES) - y) ** 2).mean()
    model.set_params(max_iter=30, learning_rate_init=0.01)
    with warnings.catch_warnings(action="error"):
        warnings.filterwarnings("ignore", "Stochastic Optimizer: Maximum iterations")
        model.fit(X_DIABETES, y)
    assert model.out_activation_ == "logistic"
    assert ((model.predict(X_DIABETES) - y) ** 2).mean() < before
