"""How fits of tables end: in time, by Ctrl-C, by divergence, by errors; what they print."""

import copy
import os
import re
import signal
import threading
import time
import warnings

import numpy as np
import pytest
from contents import differences, of
from tabular_cases import BOTH, DATA, X_IRIS, Y_IRIS, brief, predicted

import pynn
from pynn.tabular import training
from pynn.tabular.preparation import Preparation
from pynn.training import workers

FOREVER = {"epochs": 10**7, "patience": 10**7}


# ---- Ctrl-C --------------------------------------------------------------------------------------


def interrupted(model, X, y, n_workers):
    """Fit until Ctrl-C, which comes while networks are trained; return the warnings."""

    def send():
        while sum(one.name == "pynn worker" for one in threading.enumerate()) < n_workers:
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    with warnings.catch_warnings(record=True, action="always") as caught:
        model.fit(X, y)
    sender.join()
    return [str(one.message) for one in caught]


@BOTH
@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.usefixtures("ctrl_c_raises")
def test_ctrl_c_keeps_the_networks_that_trained_an_epoch(Estimator, n_threads):
    X, y = DATA[Estimator]
    model = brief(Estimator, n_members=4, n_threads=n_threads, expert=FOREVER)
    assert interrupted(model, X, y, n_threads) == [
        f"Training interrupted by user. {n_threads} of 4 networks are trained; the others are left "
        "out."
    ]
    assert len(model.networks_) == n_threads
    for network in model.networks_:
        costs = network.history["val_cost"]
        assert network.best_epoch == costs.index(min(costs)) + 1
    assert np.isfinite(predicted(model, X)).all()


@BOTH
def test_ctrl_c_before_the_first_epoch_leaves_the_estimator_unchanged(Estimator, monkeypatch):
    X, y = DATA[Estimator]
    model = brief(Estimator, random_state=np.random.RandomState(0)).fit(X, y)
    before = copy.deepcopy(of(model))

    def stopped(*_):
        raise KeyboardInterrupt

    for owner, name in ((training, "_fit"), (Preparation, "learn"), (training, "out_of_fold")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, stopped)
            with pytest.raises(KeyboardInterrupt):
                model.fit(X[::2], y[::2])
        assert not differences(before, of(model))


# ---- Time limit ----------------------------------------------------------------------------------


def test_a_time_limit_ends_training_with_the_networks_so_far():
    model = brief(n_members=3, time_limit=0.3, expert={"epochs": 10000, "patience": 10000})
    begun = time.monotonic()
    left = (
        r"time_limit=0.3 ended training early. 1 of 3 networks are trained; the others are left out"
    )
    with pytest.warns(UserWarning, match=left):
        model.fit(X_IRIS, Y_IRIS)
    assert time.monotonic() - begun < 5
    assert len(model.networks_) == 1
    assert model.score(X_IRIS, Y_IRIS) > 0.6


@BOTH
def test_at_least_one_network_trains_at_least_one_epoch(Estimator):
    X, y = DATA[Estimator]
    with pytest.warns(UserWarning, match="1 of 2 networks are trained"):
        model = brief(Estimator, time_limit=1e-9).fit(X, y)
    assert model.best_epochs_ == [1]
    assert np.isfinite(predicted(model, X)).all()


def test_networks_with_fewer_epochs_are_warned_of_even_if_none_is_missing():
    with pytest.warns(UserWarning, match=r"time_limit=1e-09 ended training early\.$"):
        brief(n_members=1, time_limit=1e-9).fit(X_IRIS, Y_IRIS)


def test_a_time_limit_that_is_not_reached_changes_nothing():
    model = brief(time_limit=1000).fit(X_IRIS, Y_IRIS)
    expected = brief().fit(X_IRIS, Y_IRIS)
    np.testing.assert_array_equal(predicted(model, X_IRIS), predicted(expected, X_IRIS))


# ---- Divergence ----------------------------------------------------------------------------------


@BOTH
def test_a_network_that_diverges_is_left_out_with_a_warning(Estimator, monkeypatch):
    X, y = DATA[Estimator]
    all_three = brief(Estimator, n_members=3, n_folds=3).fit(X, y)
    fit, n_fits = pynn.Network.fit, []

    def diverging(network, *args, **kwargs):
        n_fits.append(1)
        if len(n_fits) == 2:
            raise FloatingPointError("training diverged in epoch 1")
        return fit(network, *args, **kwargs)

    monkeypatch.setattr(pynn.Network, "fit", diverging)
    with pytest.warns(UserWarning, match="1 of 3 networks diverged and are left out; .* epoch 1"):
        model = brief(Estimator, n_members=3, n_folds=3).fit(X, y)
    for kept, k in zip(model.networks_, (0, 2), strict=True):
        np.testing.assert_array_equal(kept.parameters, all_three.networks_[k].parameters)


@BOTH
def test_if_all_networks_diverge_the_error_says_what_to_do(Estimator):
    X, y = DATA[Estimator]
    model = brief(Estimator).fit(X, y)
    before = copy.deepcopy(of(model))
    settings = {"epochs": 5, "learning_rate": 1e30}
    model.set_params(expert=settings)
    with pytest.raises(ValueError, match=r'all 2 networks diverged; try .*"learning_rate"') as e:
        model.fit(X, y)
    assert isinstance(e.value.__cause__, FloatingPointError)
    assert not differences(before, of(model.set_params(expert={"epochs": 5})))


# ---- Errors, threads -----------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "change",
    [
        {"metric": "x"},
        {"expert": {"epochs": 0}},
        {"expert": {"activation": "x"}},
        {"categorical_features": ["x"]},
        {"n_threads": 1000},
    ],
)
def test_an_error_leaves_an_earlier_fit_unchanged(Estimator, change):
    X, y = DATA[Estimator]
    model = brief(Estimator, random_state=np.random.RandomState(0)).fit(X, y)
    before = copy.deepcopy(of(model.set_params(**change)))
    with pytest.raises((ValueError, TypeError)):
        model.fit(X[:, :2], y)
    assert not differences(before, of(model))


def test_a_failed_first_fit_leaves_an_estimator_that_is_not_fitted():
    model = brief(expert={"epochs": 0})
    with pytest.raises(ValueError, match="epochs"):
        model.fit(X_IRIS, Y_IRIS)
    assert vars(model) == vars(brief(expert={"epochs": 0}))


def test_one_fit_at_a_time(monkeypatch):
    model, errors, fit = brief(), [], training._fit

    def fit_again(*args):
        try:
            model.fit(X_IRIS, Y_IRIS)
        except RuntimeError as error:
            errors.append(str(error))
        return fit(*args)

    monkeypatch.setattr(training, "_fit", fit_again)
    model.fit(X_IRIS, Y_IRIS)
    assert len(errors) == 2
    assert all("this TabularClassifier is being fitted" in text for text in errors)


def test_errors_of_workers_arrive_and_end_the_others(monkeypatch):
    def failing(*_):
        raise MemoryError("of a worker")

    monkeypatch.setattr(training, "_fit", failing)
    with pytest.raises(MemoryError, match="of a worker"):
        brief().fit(X_IRIS, Y_IRIS)


def test_ctrl_c_ends_an_outer_call_too():
    """A fit in a worker of a search, for example."""
    fitted = []

    def fit_one():
        fitted.append(brief(expert=FOREVER))
        fitted[-1].fit(X_IRIS, Y_IRIS)

    def fail():
        time.sleep(0.3)
        raise ZeroDivisionError

    _, failures = workers.run_all([fit_one, fail, fit_one], 2)
    assert [type(error) for _, error in failures] == [ZeroDivisionError, KeyboardInterrupt]
    assert len(fitted) == 1


# ---- What is printed -----------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2])
def test_verbose_prints_a_line_for_each_network_and_the_score(n_threads, capsys):
    model = brief(n_members=3, n_threads=n_threads, verbose=True).fit(X_IRIS, Y_IRIS)
    *lines, last = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for line in lines:
        k = int(re.match(r"network (\d) of 3: ", line)[1]) - 1
        score = f"{model.validation_scores_[k]:.4g}"
        assert f": best epoch {model.best_epochs_[k]} of 5, log_loss {score}" in line
    assert all(re.search(r", \d+ s left$", line) for line in lines[:2])
    assert "left" not in lines[2]
    score = f"{model.validation_score_:.4g}"
    assert re.fullmatch(rf"3 networks in \d+\.\d s: log_loss {score} on all validation rows", last)


def test_nothing_is_printed_by_default(capsys):
    brief().fit(X_IRIS, Y_IRIS)
    assert capsys.readouterr() == ("", "")
