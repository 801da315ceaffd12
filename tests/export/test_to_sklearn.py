"""Perceptrons to scikit-learn's and back: the same predictions, and training that continues."""

import pickle
import warnings

import numpy as np
import pytest
from exported import briefly, error
from sklearn import neural_network
from sklearn.linear_model import LogisticRegression

import pynn
from pynn.export import from_sklearn, to_sklearn

X = np.random.default_rng(0).normal(size=(60, 4))
TARGETS = {
    "binary": np.where(X[:, 0] > 0, "yes", "no"),
    "multiclass": (X[:, 0] * 2).round().clip(-1, 1).astype(int),
    "multilabel": (X[:, :3] > 0).astype(int),
    "numbers": X[:, 0] - X[:, 1],
    "several numbers": X[:, :2],
    "counts": np.exp(X[:, 0]).round(),
}
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]


def made(package, target, activation="tanh", **settings):
    settings |= {"hidden_layer_sizes": (6, 5), "activation": activation, "random_state": 0}
    settings |= {"loss": "poisson"} if target == "counts" else {}
    kind = "MLPRegressor" if target in ("numbers", "several numbers", "counts") else "MLPClassifier"
    return briefly(getattr(package, kind)(**{"max_iter": 5} | settings), X, TARGETS[target])


def assert_the_same(ours, theirs):
    assert (ours.predict(X) == theirs.predict(X)).all() or error(
        ours.predict(X), theirs.predict(X)
    ) < 1e-12
    if hasattr(ours, "predict_proba"):
        assert error(ours.predict_proba(X), theirs.predict_proba(X)) < 1e-12
    assert ours.score(X, ours.predict(X)) == pytest.approx(theirs.score(X, theirs.predict(X)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_predictions_are_the_same_there(target, activation):
    ours = made(pynn, target, activation)
    theirs = to_sklearn(ours)
    assert type(theirs).__module__.startswith("sklearn.")
    assert_the_same(ours, theirs)
    assert_the_same(ours, pickle.loads(pickle.dumps(theirs)))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_predictions_are_the_same_here(target, activation):
    theirs = made(neural_network, target, activation)
    ours = from_sklearn(theirs)
    assert type(ours).__module__.startswith("pynn.")
    assert_the_same(ours, theirs)
    assert_the_same(to_sklearn(ours), theirs)
    assert not np.shares_memory(ours.coefs_[0], theirs.coefs_[0])


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("target", TARGETS)
def test_both_continue_with_partial_fit_to_the_same_numbers(target, solver):
    ours = made(pynn, target, solver=solver, batch_size=20, shuffle=False)
    theirs = to_sklearn(ours)
    again = from_sklearn(theirs)
    for model in (theirs, again):
        model.partial_fit(X, TARGETS[target])
    assert_the_same(again, theirs)
    assert again.loss_ == pytest.approx(theirs.loss_, rel=1e-12)


def test_settings_and_what_was_learned_come_along():
    ours = made(pynn, "multiclass", alpha=0.02, solver="sgd", momentum=0.5, early_stopping=True)
    theirs = to_sklearn(ours)
    assert (theirs.alpha, theirs.solver, theirs.momentum) == (0.02, "sgd", 0.5)
    assert (theirs.n_iter_, theirs.t_, theirs.loss_) == (ours.n_iter_, ours.t_, ours.loss_)
    assert theirs.loss_curve_ == ours.loss_curve_
    assert theirs.validation_scores_ == ours.validation_scores_
    again = from_sklearn(theirs)
    shared = theirs.get_params()
    assert {name: again.get_params()[name] for name in shared} == shared


def test_float32_stays_float32():
    ours = briefly(pynn.MLPClassifier((3,), max_iter=2), X.astype("f"), TARGETS["binary"])
    theirs = to_sklearn(ours)
    assert theirs.coefs_[0].dtype == np.float32
    assert from_sklearn(theirs).network_.dtype == np.float32


def test_settings_that_scikit_learn_lacks_are_named():
    ours = made(pynn, "numbers", solver="adamw", dropout=0.1, alpha=[0.1, 0.2, 0.3])
    with pytest.warns(UserWarning, match="^alpha, dropout, solver: scikit-learn's MLPRegressor"):
        theirs = to_sklearn(ours)
    assert theirs.solver == "adam"


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"output_activation": "softmax"}, "MLPClassifier"),
        ({"output_activation": "softmax", "classes": list("abc")}, "MLPClassifier"),
        ({"output_activation": "sigmoid"}, "MLPClassifier"),
        ({"input_scale": True, "norm": "batch"}, "MLPRegressor"),
    ],
)
def test_a_network_becomes_what_its_outputs_are(options, kind):
    net = pynn.Network([4, 5, 3], dtype="float64", random_state=0, **options)
    theirs = to_sklearn(net)
    assert type(theirs).__name__ == kind
    if kind == "MLPClassifier":
        assert error(theirs.predict_proba(X), net.predict(X)) < 1e-12
        assert (theirs.predict(X) == net.predict_classes(X)).all()
    else:
        assert error(theirs.predict(X), net.predict(X)) < 1e-12


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "gelu"}, "the activation 'gelu'"),
        ({"activation": ["relu", "tanh"]}, "one activation for all hidden layers"),
        ({"activation": "relu", "classes": ["b", "a"]}, "classes are in ascending order"),
    ],
)
def test_networks_that_scikit_learn_lacks_are_refused(options, message):
    output = {"output_activation": "sigmoid"} if "classes" in options else {}
    with pytest.raises(ValueError, match=message):
        to_sklearn(pynn.Network([4, 5, 5, 1], **options, **output))


def test_ensembles_are_refused():
    with pytest.raises(ValueError, match=r"an ensemble or members \(2\)"):
        to_sklearn(made(pynn, "binary", n_members=2))


def test_other_models_are_refused_by_from_sklearn():
    with pytest.raises(TypeError, match=r"got sklearn\.linear_model.*LogisticRegression"):
        from_sklearn(LogisticRegression())
    with pytest.raises(TypeError, match="to_sklearn goes back"):
        from_sklearn(pynn.MLPClassifier())


def test_no_warning_for_defaults():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        to_sklearn(made(pynn, "binary"))
