"""Known defects of scikit-learn's perceptrons, and what pynn does: docs/scikit_learn.md's table.

Each test says what scikit-learn does too, so that we hear of it when that changes.
"""

import os
import pickle
import signal
import threading
from unittest.mock import patch

import numpy as np
import pytest
import sklearn.neural_network
from mlp_cases import BOTH, X_IRIS, Y_IRIS, flat, one_thread  # noqa: F401 (a fixture)
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import train_test_split
from sklearn.neural_network import _multilayer_perceptron as module

import pynn

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::RuntimeWarning"
)
X, Y = X_IRIS, Y_IRIS


def pair(name, **parameters):
    """The same estimator twice: pynn's and scikit-learn's."""
    parameters = {"hidden_layer_sizes": (5,), "max_iter": 5, "random_state": 0} | parameters
    return tuple(getattr(m, name)(**parameters) for m in (pynn, sklearn.neural_network))


def test_the_gradient_of_several_outputs_is_not_that_of_their_loss():
    """Copied: else no number of a plain fit would be the same."""
    rate, targets = 1e-4, np.column_stack([Y, Y**2, -Y])
    for model in pair(
        "MLPRegressor",
        hidden_layer_sizes=(),
        solver="sgd",
        alpha=0,
        momentum=0,
        learning_rate_init=rate,
        max_iter=1,
        warm_start=True,
    ):
        before, loss = flat(model.fit(X, targets)), model.fit(X, targets).loss_
        squared_gradient = ((flat(model) - before) ** 2).sum() / rate**2
        fall = (loss - model.fit(X, targets).loss_) / rate
        np.testing.assert_allclose(fall, squared_gradient / 3, rtol=0.01)


def test_a_warm_start_that_finds_nothing_better_keeps_the_best_weights():
    ours, theirs = pair(
        "MLPClassifier",
        solver="sgd",
        learning_rate_init=0.1,
        max_iter=50,
        warm_start=True,
        early_stopping=True,
    )
    kept = []
    for model in (ours, theirs):
        best, n_scores = flat(model.fit(X, Y)), len(model.validation_scores_)
        model.set_params(learning_rate_init=5.0, max_iter=5).fit(X, Y)
        assert max(model.validation_scores_[n_scores:]) < model.best_validation_score_
        kept.append(np.array_equal(flat(model), best))
    assert kept == [True, False]


def test_a_warm_start_sets_the_same_rows_aside():
    ours, theirs = pair("MLPClassifier", warm_start=True, early_stopping=True)
    held_out = {"ours": [], "theirs": []}

    def split(*arrays, **parameters):
        parts = train_test_split(*arrays, **parameters)
        held_out["theirs"].append(parts[1])
        return parts

    ours.set_params(scoring=lambda model, X, y: held_out["ours"].append(X) or 0.5)
    with patch.object(module, "train_test_split", split):
        for model in (ours, theirs):
            model.fit(X, Y).fit(X, Y)
    assert all(np.array_equal(rows, held_out["ours"][0]) for rows in held_out["ours"])
    assert not np.array_equal(*held_out["theirs"])


def diverging(name="MLPRegressor", **parameters):
    return pair(
        name,
        activation="identity",
        solver="sgd",
        learning_rate_init=1,
        max_iter=40,
        hidden_layer_sizes=(100,),
        **parameters,
    )


def test_scores_that_are_not_numbers_are_no_progress():
    ours, theirs = diverging(early_stopping=True)
    assert theirs.fit(X, Y).n_iter_ == 40
    assert np.isnan(theirs.validation_scores_[-10:]).all()
    with pytest.warns(ConvergenceWarning, match="non-finite .* The weights of the best"):
        ours.fit(X, Y)
    assert ours.n_iter_ < 10
    np.testing.assert_allclose(flat(ours), flat(theirs))


def test_a_fit_that_diverges_is_no_fit():
    ours, theirs = diverging()
    for model in (ours, theirs):
        with pytest.raises(ValueError, match="non-finite"):
            model.fit(X, Y)
    assert np.isnan(theirs.predict(X)).all()
    with pytest.raises(NotFittedError):
        ours.predict(X)


def test_a_partial_fit_that_diverges_leaves_the_weights():
    kept = []
    for model in pair("MLPRegressor"):
        before = flat(model.fit(X, Y))
        with pytest.raises(ValueError, match="non-finite"):
            model.partial_fit(X * 1e300, Y)
        kept.append(np.array_equal(flat(model), before))
    assert kept == [True, False]


@BOTH
def test_lbfgs_keeps_float32(Estimator):
    single = X.astype(np.float32)
    ours, theirs = (m.fit(single, Y) for m in pair(Estimator.__name__, solver="lbfgs"))
    assert (ours.coefs_[0].dtype, theirs.coefs_[0].dtype) == (np.float32, np.float64)


def test_partial_fit_of_the_lbfgs_regressor():
    ours, theirs = pair("MLPRegressor", solver="lbfgs")
    assert not hasattr(ours, "partial_fit")
    assert theirs.partial_fit(X, Y).n_iter_ == 5  # a whole fit


def test_partial_fit_with_warm_start_takes_a_part_of_the_classes():
    ours, theirs = (m.fit(X, Y) for m in pair("MLPClassifier", warm_start=True))
    ours.partial_fit(X[:50], Y[:50])
    with pytest.raises(ValueError, match="warm_start can only be used where"):
        theirs.partial_fit(X[:50], Y[:50])


@pytest.mark.parametrize("first", [False, True])
def test_early_stopping_can_be_switched_between_warm_starts(first):
    ours, theirs = (
        m.fit(X, Y).set_params(early_stopping=not first)
        for m in pair("MLPClassifier", warm_start=True, early_stopping=first)
    )
    ours.fit(X, Y)
    with pytest.raises((AttributeError, TypeError)):
        theirs.fit(X, Y)


def test_a_warm_start_goes_on_from_lbfgs_with_adam():
    ours, theirs = (
        m.fit(X, Y).set_params(solver="adam")
        for m in pair("MLPClassifier", warm_start=True, solver="lbfgs")
    )
    assert len(ours.fit(X, Y).loss_curve_) == 5
    with pytest.raises(AttributeError, match="loss_curve_"):
        theirs.fit(X, Y)


def test_a_batch_whose_samples_all_weigh_nothing():
    ours, theirs = pair("MLPRegressor", batch_size=50, shuffle=False)
    weights = np.repeat([0, 1, 1], 50)
    assert np.isfinite(ours.fit(X, Y, weights).loss_)
    with pytest.raises(ZeroDivisionError):
        theirs.fit(X, Y, weights)


def test_the_loss_of_what_was_all_but_excluded():
    """Of classes copied, but a Network's cost is exact; of counts from the weighted sum."""
    tiny = {"hidden_layer_sizes": (), "solver": "sgd", "learning_rate_init": 1e-9, "max_iter": 1}
    tiny |= {"warm_start": True, "alpha": 0}
    X, y, losses = np.zeros((2, 1)), [0, 1], []
    for model in pair("MLPClassifier", **tiny):
        model.fit(X, y).intercepts_[0][:] = 800
        losses.append(model.fit(X, y).loss_)
    assert losses == pytest.approx([-np.log(np.finfo(float).eps) / 2] * 2)
    net = pynn.Network([1, 1], output_activation="sigmoid", cost="binary_cross_entropy")
    net.biases[0][:] = 800
    assert net.cost(X, y) == 400
    losses = []
    for model in pair("MLPRegressor", loss="poisson", **tiny):
        model.fit([[0.0]], [0]).intercepts_[0][:] = -800
        losses.append(model.fit([[0.0]], [0]).loss_)
    assert losses == pytest.approx([0, np.nan], nan_ok=True)


def test_pickles_hold_what_was_learned():
    """And the state of the optimizer where partial_fit is to go on."""
    fitted = [m.fit(X, Y) for m in pair("MLPClassifier", hidden_layer_sizes=(100, 100))]
    sizes = [len(pickle.dumps(m)) / flat(m).nbytes for m in fitted]
    assert sizes[0] < 1.1
    assert sizes[1] > 4
    fitted[0].partial_fit(X, Y)
    assert len(pickle.dumps(fitted[0])) < 3.2 * flat(fitted[0]).nbytes


@pytest.fixture
def ctrl_c(ctrl_c_raises):
    """Ctrl-C half a second from now."""
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    yield
    timer.join()


@pytest.mark.slow
@pytest.mark.parametrize("which", [0, 1], ids=["pynn", "sklearn"])
def test_ctrl_c_in_lbfgs(which, ctrl_c):
    data = np.random.default_rng(0).normal(size=(3000, 31))
    model = pair(
        "MLPRegressor",
        hidden_layer_sizes=(100,),
        solver="lbfgs",
        max_iter=10**6,
        max_fun=10**6,
        tol=0,
    )[which]
    with (
        pytest.warns(UserWarning, match="interrupted")
        if which == 0
        else pytest.raises(KeyboardInterrupt)
    ):
        model.fit(data[:, 1:], data[:, 0])
    assert hasattr(model, "n_iter_")


@pytest.mark.parametrize("wrong", ["classes", "features"])
def test_a_refused_fit_leaves_a_fitted_model(wrong):
    model, _ = pair("MLPClassifier")
    before = model.fit(X, Y).predict(X)
    with pytest.raises(ValueError, match="sample_weight"):
        model.fit(X[:, :2] if wrong == "features" else X, Y + (wrong == "classes"), [1.0])
    np.testing.assert_array_equal(model.predict(X), before)


def test_a_warm_start_with_other_layers_is_refused():
    model = pair("MLPClassifier", warm_start=True)[0].fit(X, Y)
    with pytest.raises(ValueError, match="hidden_layer_sizes"):
        model.set_params(hidden_layer_sizes=(7,)).fit(X, Y)
