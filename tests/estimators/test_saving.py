"""Files of estimators: what is loaded predicts the same bits, with all names and parameters."""

import json
import struct

import numpy as np
import pandas as pd
import pytest
from mlp_cases import (
    BOTH,
    DATA,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    Y_IRIS,
    few_epochs_are_meant,  # noqa: F401
    small,
)
from sklearn.exceptions import NotFittedError

import pynn
from pynn.callbacks import EarlyStopping

CLASSIFIER, REGRESSOR = pynn.MLPClassifier, pynn.MLPRegressor


def round_trip(model, tmp_path):
    path = tmp_path / "model.safetensors"
    model.save(path)
    return type(model).load(path)


LABELS = {
    "strings": np.array(["setosa", "versicolor", "virginica"])[Y_IRIS],
    "integers": Y_IRIS * 5 - 3,
    "floats": Y_IRIS * 2.0,
    "two strings": np.array(["no", "yes"])[(Y_IRIS > 0).astype(int)],
    "booleans": Y_IRIS > 0,
    "one class": np.full(150, "only"),
    "several labels": np.eye(3, dtype=int)[Y_IRIS] | np.eye(3, dtype=int)[(Y_IRIS + 1) % 3],
}


@pytest.mark.parametrize("kind", LABELS)
def test_classifiers(kind, tmp_path):
    y = LABELS[kind]
    model = small(CLASSIFIER, alpha=0.5, activation=["tanh"]).fit(X_IRIS, y)
    loaded = round_trip(model, tmp_path)
    assert np.array_equal(loaded.predict_proba(X_IRIS), model.predict_proba(X_IRIS))
    assert np.array_equal(loaded.predict(X_IRIS), model.predict(X_IRIS))
    assert loaded.predict(X_IRIS).dtype == model.predict(X_IRIS).dtype
    assert loaded.classes_.tolist() == model.classes_.tolist()
    assert loaded.classes_.dtype == model.classes_.dtype
    assert loaded.score(X_IRIS, y) == model.score(X_IRIS, y)
    loaded.partial_fit(X_IRIS, y)
    model.partial_fit(X_IRIS, y)


@pytest.mark.parametrize(
    ("parameters", "y"),
    [
        ({}, Y_DIABETES),
        ({"loss": "poisson"}, np.exp(Y_DIABETES)),
        ({"loss": "huber", "delta": 0.3}, Y_DIABETES),
        ({"loss": "quantile", "quantile": 0.9}, Y_DIABETES),
        ({"output_activation": "softplus"}, Y_DIABETES**2),
        ({"dtype": "float32"}, np.stack([Y_DIABETES, -Y_DIABETES], axis=1)),
    ],
)
def test_regressors(parameters, y, tmp_path):
    model = small(REGRESSOR, **parameters).fit(X_DIABETES, y)
    loaded = round_trip(model, tmp_path)
    assert np.array_equal(loaded.predict(X_DIABETES), model.predict(X_DIABETES))
    assert loaded.predict(X_DIABETES).dtype == model.predict(X_DIABETES).dtype
    assert loaded.get_params() == model.get_params()
    assert loaded.network_.cost_function == model.network_.cost_function


@BOTH
def test_parameters_names_and_attributes(Estimator, tmp_path):
    X, y = DATA[Estimator]
    frame = pd.DataFrame(X, columns=[f"c{i}" for i in range(X.shape[1])])
    model = small(Estimator, solver="sgd", momentum=0.5, early_stopping=True).fit(frame, y)
    loaded = round_trip(model, tmp_path)
    assert loaded.get_params() == model.get_params()
    for name in ("feature_names_in_",):
        assert getattr(loaded, name).tolist() == getattr(model, name).tolist()
        assert getattr(loaded, name).dtype == getattr(model, name).dtype
    names = ["n_iter_", "t_", "loss_", "best_epoch_", "best_validation_score_", "n_features_in_"]
    for name in [*names, "n_layers_", "n_outputs_", "out_activation_"]:
        assert getattr(loaded, name) == getattr(model, name), name
    assert np.array_equal(loaded.predict(frame), model.predict(frame))
    with pytest.raises(ValueError, match="feature names"):
        loaded.predict(frame[frame.columns[::-1]])


@pytest.mark.parametrize(
    "parameters",
    [
        {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
        {"class_weight": "balanced", "hidden_layer_sizes": 6},
        {"hidden_layer_sizes": [5, 4], "activation": ("tanh", "relu"), "dropout": (0.1, 0.2)},
        {"hidden_layer_sizes": np.array([5, 4]), "alpha": np.float64(0.5)},
        {"n_iter_no_change": np.inf, "keep_optimizer": True},
    ],
)
def test_parameters_of_any_kind_that_a_file_can_hold(parameters, tmp_path):
    model = small(CLASSIFIER, **parameters).fit(X_IRIS, Y_IRIS)
    loaded = round_trip(model, tmp_path)
    before, now = model.get_params(), loaded.get_params()
    sizes = [params.pop("hidden_layer_sizes") for params in (before, now)]
    assert np.array_equal(*sizes)
    assert now == before
    again = loaded.fit(X_IRIS, Y_IRIS)
    assert again.network_.parameters.tobytes() == model.network_.parameters.tobytes()


@BOTH
def test_a_loaded_estimator_can_be_fitted_again(Estimator, tmp_path):
    X, y = DATA[Estimator]
    model = small(Estimator).fit(X, y)
    again = round_trip(model, tmp_path).fit(X, y)
    assert again.network_.parameters.tobytes() == model.network_.parameters.tobytes()
    assert again.history_ == model.history_


@BOTH
def test_the_file_is_one_of_its_network(Estimator, tmp_path):
    X, y = DATA[Estimator]
    model = small(Estimator).fit(X, y)
    model.save(tmp_path / "model")
    network = pynn.Network.load(tmp_path / "model")
    assert np.array_equal(network.predict(X), model.network_.predict(X))


@BOTH
def test_a_file_of_a_network_is_one_of_an_estimator_too(Estimator, tmp_path):
    X, y = DATA[Estimator]
    labels = ["a", "b", "c"]
    if Estimator is CLASSIFIER:
        y = np.array(labels)[y]
        net = pynn.Network([4, 6, 5, 3], output_activation="softmax", classes=labels)
    else:
        net = pynn.Network([10, 6, 5, 1])
    net.fit(X, y, epochs=3).save(tmp_path / "network")
    model = Estimator.load(tmp_path / "network")
    expected = net.predict_classes(X) if Estimator is CLASSIFIER else net.predict(X, squeeze=True)
    assert np.array_equal(model.predict(X), expected)
    assert tuple(model.hidden_layer_sizes) == (6, 5)
    assert (model.activation, model.dtype) == ("relu", "float32")
    assert model.score(X, y) == pytest.approx(net.score(X, y))


LOST = {
    "residual": {"residual": True},
    "input_scale, norm": {"norm": [None, "batch"], "input_scale": True},
    "embeddings": {"embeddings": {1: pynn.Periodic()}},
    "bias, members": {"members": 2, "bias": False},
}


@pytest.mark.parametrize("names", LOST)
@BOTH
def test_load_warns_of_a_kind_of_network_that_fit_would_not_keep(Estimator, names, tmp_path):
    n_in, n_out = (4, 3) if Estimator is CLASSIFIER else (10, 1)
    output = "softmax" if Estimator is CLASSIFIER else "tanh"
    net = pynn.Network([n_in, 5, 5, n_out], output_activation=output, **LOST[names])
    net.save(tmp_path / "network")
    with pytest.warns(UserWarning, match=f"made with {names}, for which {Estimator.__name__}"):
        model = Estimator.load(tmp_path / "network")
    X, y = DATA[Estimator]
    model.partial_fit(X, y)
    assert repr(model.network_) == repr(net)
    assert repr(model.fit(X, y).network_) != repr(net)


@BOTH
def test_parameters_that_a_file_cannot_hold_are_named(Estimator, tmp_path):
    X, y = DATA[Estimator]
    model = small(Estimator, callbacks=[EarlyStopping()], random_state=np.random.RandomState(0))
    model.set_params(learning_rate=pynn.StepDecay()).fit(X, y)
    with pytest.warns(UserWarning, match=r"(?s)callbacks.*defaults") as told:
        model.save(tmp_path / "model")
    assert {"callbacks", "learning_rate", "random_state"} == set(
        str(told[0].message).split(": a file")[0].split(", ")
    )
    assert told[0].filename == __file__
    loaded = Estimator.load(tmp_path / "model")
    assert (loaded.callbacks, loaded.learning_rate, loaded.random_state) == (None, "constant", None)
    assert np.array_equal(loaded.predict(X), model.predict(X))


@BOTH
def test_before_a_fit_there_is_nothing_to_save(Estimator, tmp_path):
    with pytest.raises(NotFittedError):
        small(Estimator).save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_damaged_and_foreign_files_are_refused(tmp_path):
    path = tmp_path / "model"
    small(CLASSIFIER).fit(X_IRIS, Y_IRIS).save(path)
    whole = path.read_bytes()
    for n in (0, 7, 60, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:n])
        with pytest.raises(ValueError, match="model"):
            CLASSIFIER.load(path)
    length = struct.unpack("<Q", whole[:8])[0]
    head = json.loads(whole[8 : 8 + length])
    notes = json.loads(head["__metadata__"]["pynn.MLPClassifier"])
    for change in (
        {"parameters": {"cleverness": 1}},
        {"targets": {"classes": 3}},
        {"parameters": 3},
        {"parameters": {"alpha": {"function": [1]}}},
        {"attributes": {"predict": "owned"}},
        {"attributes": {"n_iter_": "owned"}},
        {"attributes": {"loss_": True}},
        {"attributes": ["n_iter_"]},
        {"feature_names": 3},
        {"feature_names": ["a"] * 3},
        {"feature_names": [1, 2, 3, 4]},
        {"targets": {"classes": ["a", "b"]}},
        {"targets": {"classes": [0] * 10**5}},
        {"targets": 7},
    ):
        changed = dict(head["__metadata__"], **{"pynn.MLPClassifier": json.dumps(notes | change)})
        del changed["pynn.checksum"]
        text = json.dumps(head | {"__metadata__": changed}).encode()
        text += b" " * (-len(text) % 8)
        path.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + length :])
        with pytest.raises(ValueError, match="holds no MLPClassifier"):
            CLASSIFIER.load(path)
    path.write_bytes(whole)
    assert CLASSIFIER.load(path).predict(X_IRIS[:1]).shape == (1,)
    with pytest.raises(OSError, match="nowhere"):
        CLASSIFIER.load(tmp_path / "nowhere")


def test_a_file_of_another_kind_of_estimator_is_refused(tmp_path):
    small(CLASSIFIER).fit(X_IRIS, Y_IRIS).save(tmp_path / "classifier")
    small(REGRESSOR).fit(X_DIABETES, Y_DIABETES).save(tmp_path / "regressor")
    with pytest.raises(ValueError, match="regressor"):
        CLASSIFIER.load(tmp_path / "regressor")
    with pytest.raises(ValueError, match="classifier"):
        REGRESSOR.load(tmp_path / "classifier")
