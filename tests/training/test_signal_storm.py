"""Signals whose handlers raise leave a model as it was, or as after its last whole mini-batch.

For more of the same: python tests/helpers/storm.py 10000
"""

import os

import numpy as np
import pytest
import storm
from failures import FirstError, Stop, failing, raise_twice, stopped_at
from long import IS_LONG

import pynn
from pynn.model import parameters
from pynn.training import checkpoint
from pynn.training.learners import Rows

pytest.importorskip("safetensors")
X = np.random.default_rng(0).normal(size=(60, 5))
Y = (X[:, 0] > 0).astype(int)


@pytest.mark.slow
def test_signals_at_random_moments_of_all_entry_points():
    found = storm.rage(1500 if IS_LONG else 70)
    wrong = [one for one in found if one.is_wrong]
    assert not wrong, "\n".join(f"{one.name}, {one.kind}, {one.seed}: {one.what}" for one in wrong)
    assert sum(one.hit for one in found) > 30
    assert {one.name for one in found} == set(storm.CALLS)


def network():
    return pynn.Network([5, 8, 2], output_activation="softmax", random_state=0)


@pytest.mark.parametrize("n_calls", [1, 2])
@pytest.mark.filterwarnings("ignore:Training interrupted by user")
def test_epochs_that_the_core_has_finished_are_in_the_history(n_calls, monkeypatch):
    """Even if Ctrl-C comes in the Python that follows the core's call."""
    learn = Rows.learn

    def interrupted(*arguments):
        yield from learn(*arguments)
        raise KeyboardInterrupt

    straight = network()
    for _ in range(n_calls):
        straight.fit(X, Y, epochs=3)
    net = network()
    if n_calls == 2:
        net.fit(X, Y, epochs=3)
    mlp = pynn.MLPClassifier((8,), max_iter=3, random_state=0)
    monkeypatch.setattr(Rows, "learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, Y, epochs=3)
    mlp.fit(X, Y)
    assert np.array_equal(net.parameters, straight.parameters)
    assert net.history == straight.history
    assert (mlp.n_iter_, len(mlp.loss_curve_), mlp.t_) == (3, 3, 180)


@pytest.mark.filterwarnings("ignore:Training interrupted by user")
def test_ctrl_c_before_the_first_score_of_early_stopping(monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(Rows, "learn", interrupted)
    mlp = pynn.MLPClassifier((8,), early_stopping=True, random_state=0).fit(X, Y)
    assert (mlp.n_iter_, mlp.validation_scores_) == (0, [])
    assert mlp.predict(X).shape == (60,)


class HandlerError(Exception):
    pass


@pytest.mark.parametrize("name", ["read", "close"])
def test_what_a_handler_raises_is_not_taken_for_a_damaged_checkpoint(name, tmp_path, monkeypatch):
    checkpoint.write(tmp_path / "fit.npz", {"a": np.ones(3)}, {})
    kind = checkpoint.zipfile.ZipExtFile
    with failing(monkeypatch, kind, name, 1, HandlerError()), pytest.raises(HandlerError):
        checkpoint.read(tmp_path / "fit.npz")


# A file between its opening and the line that would close it is the garbage collector's.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("gap", [1, 2, 3])
def test_two_exceptions_leave_no_temporary_file(gap, tmp_path):
    """The second one comes while the file is being removed."""
    path = tmp_path / "fit.npz"
    for first in range(1, 10_000):
        if not raise_twice(lambda: checkpoint.write(path, {"a": np.ones(3)}, {}), first, gap):
            break
        assert set(os.listdir(tmp_path)) <= {path.name}
    assert first > 10


def test_a_network_of_a_joblib_worker_gets_memory_of_its_own_at_once_or_not_at_all():
    n_stopped = 0
    for n in range(1, 1000):
        net = network()
        before = net.parameters.copy()
        net.parameters.flags.writeable = False
        try:
            with stopped_at(n, parameters):
                net._own_parameters()
        except Stop:
            n_stopped += 1
        assert np.array_equal(net.parameters, before)
        assert all(np.shares_memory(W, net.parameters) for W in net.weights)
        if net.parameters.flags.writeable and n_stopped < n:
            break
    assert n_stopped > 2


def test_an_estimator_is_free_even_while_the_exception_of_its_fit_lives():
    mlp = pynn.MLPClassifier((8,), max_iter=3, random_state=0)
    with pytest.raises(FirstError), mlp._alone():
        raise FirstError
    with mlp._alone(), pytest.raises(RuntimeError, match="is being fitted"), mlp._alone():
        pass
    assert "_fit_under_way" not in vars(mlp)
