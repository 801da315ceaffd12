"""Ctrl-C during fit: a KeyboardInterrupt, and a network as after its last finished batch."""

import ctypes
import faulthandler
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest

import pynn

pytestmark = pytest.mark.usefixtures("ctrl_c_raises")

FOREVER = 10**9  # epochs: only the interrupt ends such a fit
N_ROWS, BATCH_SIZE = 2000, 100


def network():
    return pynn.Network([300, 200, 10], activation="tanh", random_state=0)


@pytest.fixture
def data(rng):
    return (rng.normal(size=(N_ROWS, n)).astype(np.float32) for n in (300, 10))


def kill():
    os.kill(os.getpid(), signal.SIGINT)


def raise_signal():
    signal.raise_signal(signal.SIGINT)


def fit_until_interrupted(net, X, y, send=kill, after=0.3, **options):
    timer, backup = threading.Timer(after, send), threading.Timer(30, kill)
    gc.disable()  # in a callback of the garbage collector, such as Hypothesis', Ctrl-C is lost
    backup.start()
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            net.fit(X, y, epochs=FOREVER, batch_size=BATCH_SIZE, **options)
        assert backup.is_alive()
    finally:
        gc.enable()
        backup.cancel()
    timer.join()


def test_an_average_is_that_of_the_whole_batches(data):
    X, y = (rows[:BATCH_SIZE] for rows in data)
    options = {"shuffle": False, "average": pynn.EMA(0.99), "optimizer": pynn.SGD(0.001)}
    net = network()
    fit_until_interrupted(net, X, y, **options)
    n_updates = net._descent.n_updates
    assert n_updates > 0
    straight = network().fit(X, y, epochs=n_updates, batch_size=BATCH_SIZE, **options)
    np.testing.assert_array_equal(net.parameters, straight.parameters)


@pytest.mark.parametrize("send", [kill, raise_signal])
@pytest.mark.parametrize("optimizer", [pynn.SGD(0.01, momentum=0.9), pynn.Adam()], ids=str)
def test_the_network_is_as_after_a_whole_batch(send, optimizer, data):
    """Follow it batch by batch with a twin until the parameters are the same bits."""
    X, y = data
    net, twin = network(), network()
    fit_until_interrupted(net, X, y, send, optimizer=optimizer, shuffle=False)
    batches = [slice(start, start + BATCH_SIZE) for start in range(0, N_ROWS, BATCH_SIZE)]
    step = {"batch_size": BATCH_SIZE, "shuffle": False}
    n_batches = 0  # that many may be finished where other processes take the time
    while not np.array_equal(net.parameters, twin.parameters):
        rows = batches[n_batches % len(batches)]
        twin.fit(X[rows], y[rows], optimizer=None if n_batches else optimizer, **step)
        n_batches += 1
        assert n_batches < 100_000, "after no number of whole batches are the parameters these"
    # The optimizer's state is of the same batch: both go on alike.
    for either in (net, twin):
        either.fit(X, y, **step)
    np.testing.assert_array_equal(net.parameters, twin.parameters)


@pytest.mark.parametrize("sizes", [[2, 3, 1], [300, 200, 10]], ids=["short", "long"])
@pytest.mark.parametrize("validated", [False, True], ids=["alone", "validated"])
def test_any_fit_can_be_interrupted_and_gone_on_with(sizes, validated, rng):
    X, y = rng.normal(size=(N_ROWS, sizes[0])), rng.normal(size=(N_ROWS, sizes[-1]))
    net = pynn.Network(sizes, activation="tanh", random_state=0)
    fit_until_interrupted(net, X, y, validation_data=(X, y) if validated else None)
    assert np.isfinite(net.parameters).all()
    assert len({len(values) for values in net.history.values()}) == 1
    n_epochs = len(net.history["cost"])
    net.fit(X, y, epochs=5)
    assert len(net.history["cost"]) == n_epochs + 5
    assert np.isfinite(net.predict(X)).all()


def test_a_handler_that_raises_nothing_lets_fit_go_on(data):
    X, y = data
    calls = []
    signal.signal(signal.SIGINT, lambda *_: calls.append(1))
    timer = threading.Timer(0.1, kill)
    timer.start()
    net, twin = network(), network()
    net.fit(X, y, epochs=20)
    timer.join()
    twin.fit(X, y, epochs=20)
    assert calls == [1]
    np.testing.assert_array_equal(net.parameters, twin.parameters)


# ---- Signals of a long call: the core puts a handler of its own before SIGINT's ------------------

SOON = 0.5  # seconds; a promise of 0.1 on a loaded machine, and less than the second between looks


def action():
    """Return the address of the handler of SIGINT, the first field of a struct sigaction."""
    buffer = ctypes.create_string_buffer(512)
    assert ctypes.CDLL(None).sigaction(signal.SIGINT, None, buffer) == 0
    return ctypes.c_void_p.from_buffer(buffer).value


@contextmanager
def on_alarm(handler, after=0.3):
    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, after)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def busy_thread():
    """Hold Python's lock as much as a thread can."""
    done = False

    def count():
        n = 0
        while not done:
            n += 1

    thread = threading.Thread(target=count)
    thread.start()
    try:
        yield
    finally:
        done = True
        thread.join()


def test_ctrl_c_is_heard_soon_beside_a_busy_thread(data):
    sent = []
    with busy_thread():
        fit_until_interrupted(
            network(), *data, send=lambda: (sent.append(time.perf_counter()), kill())
        )
        assert time.perf_counter() - sent[0] < SOON


def test_ctrl_c_just_after_the_start_is_heard(data):
    """Before the core has put its handler in place."""
    sent = []
    fit_until_interrupted(
        network(), *data, send=lambda: (sent.append(time.perf_counter()), kill()), after=0.005
    )
    assert time.perf_counter() - sent[0] < SOON


def test_other_signals_are_heard_within_a_second(data):
    def stop(*_):
        raise TimeoutError

    before = time.perf_counter()
    with on_alarm(stop), pytest.raises(TimeoutError):
        network().fit(*data, epochs=FOREVER)
    assert time.perf_counter() - before < 0.3 + 1 + SOON


def test_sigint_s_handler_is_put_back(data):
    before, during = action(), []

    def send():
        end = time.monotonic() + 5
        while action() == before and time.monotonic() < end:
            time.sleep(0.01)
        during.append(action())
        kill()

    fit_until_interrupted(network(), *data, send=send, after=0.1)
    assert during[0] != before == action()


def test_a_short_call_leaves_the_handler_alone(data):
    X, y = data
    before = action()
    network().fit(X[:10], y[:10])
    assert action() == before


def test_an_ignored_ctrl_c_is_ignored(data):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    before, during = action(), []
    timer = threading.Timer(0.1, lambda: (during.append(action()), kill()))
    timer.start()
    with on_alarm(signal.default_int_handler), pytest.raises(KeyboardInterrupt):
        network().fit(*data, epochs=FOREVER)
    timer.join()
    assert during == [before] == [action()]


@pytest.mark.parametrize("within", [False, True], ids=["after", "within"])
def test_a_handler_may_fit_a_network_itself(within, data):
    """Ctrl-C then ends what is under way: the outer fit, or the inner one and the outer one."""
    X, y = data
    before, inner = action(), network()

    def fit(*_):
        if within:
            threading.Timer(0.3, kill).start()
        inner.fit(X[:200], y[:200], epochs=FOREVER if within else 20)

    with on_alarm(fit, after=0.1):
        fit_until_interrupted(network(), X, y, send=bool if within else kill, after=2)
    assert inner.history["cost"]
    assert action() == before


def test_a_handler_that_is_set_during_a_fit_is_called_and_stays(data):
    calls = []

    def hear(*_):
        calls.append(time.perf_counter())

    def exchange(*_):
        signal.signal(signal.SIGINT, hear)
        kill()

    with on_alarm(exchange, after=0.1):
        network().fit(*data, epochs=40)
    assert len(calls) == 1
    assert signal.getsignal(signal.SIGINT) is hear
    kill()
    assert len(calls) == 2


def test_a_handler_in_c_is_called_too_and_put_back(data, tmp_path):
    X, y = data
    with (tmp_path / "traceback.txt").open("w+") as file:
        # of all threads it would read those that end meanwhile, and crash
        faulthandler.register(signal.SIGINT, file, all_threads=False, chain=True)
        try:
            before = action()
            for _ in range(2):
                fit_until_interrupted(network(), X, y)
            assert action() == before
        finally:
            faulthandler.unregister(signal.SIGINT)
        file.seek(0)
        assert file.read().count("fit_until_interrupted") >= 2
    test_sigint_s_handler_is_put_back((X, y))  # Python's again


REPLACED = """
import faulthandler, signal, threading
import numpy as np
import pynn

def fit_until_interrupted():
    threading.Timer(0.3, signal.raise_signal, [signal.SIGINT]).start()
    try:
        pynn.Network([300, 200, 10]).fit(np.ones((2000, 300)), np.ones((2000, 10)), epochs=10**9)
    except KeyboardInterrupt:
        print("interrupted")

def register(*_):
    faulthandler.register(signal.SIGINT, all_threads=False, chain=True)

signal.signal(signal.SIGALRM, register)
signal.setitimer(signal.ITIMER_REAL, 0.2)
for _ in range(3):  # the handler that replaced ours chains to it: neither may call the other twice
    fit_until_interrupted()
"""


def test_a_handler_in_c_may_replace_ours_during_a_fit():
    run = subprocess.run([sys.executable, "-P", "-c", REPLACED], capture_output=True, text=True)
    assert (run.returncode, run.stdout.split()) == (0, ["interrupted"] * 3), run.stderr
