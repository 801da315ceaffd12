"""Ctrl-C during fit: a KeyboardInterrupt, and a network as after its last finished batch."""

import os
import signal
import threading

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
    timer = threading.Timer(after, send)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        net.fit(X, y, epochs=FOREVER, batch_size=BATCH_SIZE, **options)
    timer.join()


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
