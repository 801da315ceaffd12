"""A child that is forked while another thread fits can use, fit and pickle the same model."""

import os
import pickle
import signal
import sys
import threading
import time
import traceback

import numpy as np
import pytest

import pynn

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
]

X = np.random.default_rng(0).normal(size=(200, 20))
Y = (X[:, 0] > 0).astype(int)


def network(n_threads):
    net = pynn.Network([20, 30, 2], output_activation="softmax", random_state=0)
    net.n_threads = n_threads
    return net, {"epochs": 10**9}, {"epochs": 2}


def classifier(n_threads):
    mlp = pynn.MLPClassifier((30,), max_iter=10**9, tol=0, n_iter_no_change=10**9)
    mlp.set_params(n_threads=n_threads, random_state=np.random.RandomState(0))
    return mlp, {}, {}


def in_child(work):
    """Fork, do the work in the child within 20 s, and return whether all went well."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status == 0
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


STOP = threading.Event()


def end(state):
    if STOP.is_set():
        state.stop()


def fits_for_ever(model, **settings):
    """Fit in a thread until STOP is set."""
    if isinstance(model, pynn.Network):
        settings["callbacks"] = [end]
    else:
        model.set_params(callbacks=[end])
    thread = threading.Thread(target=model.fit, args=(X, Y), kwargs=settings)
    thread.start()
    return thread


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("kind", [network, classifier])
def test_whatever_the_other_thread_is_at(kind, n_threads):
    STOP.clear()
    model, for_ever, briefly = kind(n_threads)
    thread = fits_for_ever(model, **for_ever)

    def work():
        pickle.dumps(model)
        if not isinstance(model, pynn.Network):
            model.set_params(max_iter=2, callbacks=None)
        model.fit(X, Y, **briefly)
        assert np.isfinite(model.predict(X)).all()
        pickle.dumps(model)

    try:
        for _ in range(5):
            time.sleep(0.02)
            assert in_child(work)
    finally:
        STOP.set()
        thread.join()


def test_a_child_that_is_forked_by_the_fit_itself_keeps_others_out():
    net, _, briefly = network(1)
    found = []

    def fork(state):
        def work():
            other = threading.Thread(target=net.fit, args=(X, Y), daemon=True)
            other.start()
            other.join(0.3)
            assert other.is_alive()  # it waits for this fit

        found.append(in_child(work))

    net.fit(X, Y, callbacks=[fork], **briefly)
    assert found == [True, True]


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_a_signal_handler_may_fork(n_threads):
    """A child of a fit with several threads cannot finish it, does not hang, and may fit again."""
    net, _, briefly = network(n_threads)
    rows = np.repeat(X, 50, axis=0), np.repeat(Y, 50)
    children = []

    def fork(*_):
        children.append(os.fork())

    before = signal.signal(signal.SIGALRM, fork)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    lost = False
    try:
        net.fit(*rows, epochs=10**9, callbacks=[lambda _: bool(children)])
    except RuntimeError as error:
        lost = "forked" in str(error)
    finally:
        signal.signal(signal.SIGALRM, before)
    if children == [0]:
        status = 2
        try:
            net.fit(X, Y, **briefly)
            status = int(lost and n_threads == 1)  # beside others a team may be of one thread, too
        finally:
            os._exit(status)
    assert not lost
    assert len(children) == 1
    assert os.waitpid(children[0], 0)[1] == 0


def test_a_fit_runs_no_callbacks_of_weak_references():
    """What a signal handler raises amid them would be lost."""
    net, _, briefly = network(1)
    files = set()
    before = sys.getprofile()
    sys.setprofile(lambda frame, *_: files.add(os.path.basename(frame.f_code.co_filename)))
    try:
        net.fit(X, Y, **briefly)
    finally:
        sys.setprofile(before)
    assert "forks.py" in files
    assert not files & {"_weakrefset.py", "weakref.py"}
