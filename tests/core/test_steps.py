"""Steps of SGD and its relatives give the same bits however they are made: many in one call or one
in each, in place or beside the old weights."""

import os
import signal
import threading

import numpy as np
import pytest
from cases import RULES
from reference import Network as Reference

import pynn

N_BATCHES, BATCH_SIZE = 12, 10


def twins(layer_sizes, **options):
    return [
        pynn.Network(layer_sizes, activation="tanh", random_state=0, **options) for _ in range(2)
    ]


@pytest.mark.parametrize("sizes", [(50, 30, 10), (40, 100, 3), (33, 1), (7, 17, 9, 2)], ids=str)
@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_steps_in_one_call_are_many_calls_of_one_step(sizes, rule, dtype, rng):
    """From eight steps on parameters are padded while they are trained."""
    X = rng.normal(size=(N_BATCHES * BATCH_SIZE, sizes[0])).astype(dtype)
    X[:, rng.random(sizes[0]) < 0.4] = 0
    y = rng.normal(size=(len(X), sizes[-1]))
    options = {"batch_size": BATCH_SIZE, "shuffle": False, "alpha": 0.01}
    for bias in (True, False):
        together, apart = twins(sizes, dtype=dtype, bias=bias)
        together.fit(X, y, optimizer=rule, **options)
        for start in range(0, len(X), BATCH_SIZE):
            rows = slice(start, start + BATCH_SIZE)
            apart.fit(X[rows], y[rows], optimizer=None if start else rule, **options)
        np.testing.assert_array_equal(together.parameters, apart.parameters)
        for slots in zip(together._descent.memory[0], apart._descent.memory[0], strict=True):
            np.testing.assert_array_equal(*slots)


# Steps so long that weights are not updated in place: 1024 rows, 3.2 million parameters.
LONG = (512, 2048, 1024, 10)


@pytest.fixture(scope="module")
def long_data():
    rng = np.random.default_rng(7)
    X = rng.normal(size=(3072, LONG[0])).astype(np.float32)
    return X, rng.normal(size=(3072, LONG[-1])).astype(np.float32)


@pytest.mark.slow
def test_long_steps_of_sgd_are_those_of_plain_numpy(long_data):
    """After one, two and three of them in one call."""
    reference = Reference(LONG, ["tanh", "tanh", "identity"], "squared_error")
    rule, alpha, expected_costs = pynn.SGD(0.01), 0.001, []
    options = {"batch_size": 1024, "shuffle": False, "optimizer": rule, "alpha": alpha}
    before = expected = twins(LONG)[0].parameters.astype(float)
    for n_steps in (1, 2, 3):
        X, y = (array[1024 * (n_steps - 1) : 1024 * n_steps] for array in long_data)
        expected, costs = reference.train(expected, X, y, [np.arange(1024)], 1024, rule, alpha)
        expected_costs += costs
        X, y = (array[: 1024 * n_steps] for array in long_data)
        net, twin = twins(LONG)
        twin.n_threads = 3
        for either in (net, twin):
            either.fit(X, y, **options)
        moved = np.abs(expected - before).max()
        assert np.abs(net.parameters - expected).max() < 1e-4 * moved
        np.testing.assert_allclose(net.history["cost"], [np.mean(expected_costs)], rtol=1e-5)
        np.testing.assert_array_equal(net.parameters, twin.parameters)


@pytest.mark.slow
def test_long_steps_are_averaged(long_data):
    """Where updated weights go into the place of others in turns."""
    X, y = long_data
    options = {"batch_size": 1024, "shuffle": False, "optimizer": pynn.SGD(0.01)}
    one, two = twins(LONG)
    one.fit(X[:1024], y[:1024], **options)
    two.fit(X[:2048], y[:2048], **options)
    net, twin = twins(LONG)
    twin.n_threads = 3
    for either in (net, twin):
        either.fit(X[:2048], y[:2048], average=pynn.EMA(0.75), **options)
    expected = (0.75 * one.parameters.astype(float) + two.parameters) / 1.75
    np.testing.assert_allclose(net.parameters, expected, rtol=0, atol=1e-7)
    np.testing.assert_array_equal(net.parameters, twin.parameters)


@pytest.mark.slow
def test_a_long_step_that_is_interrupted_leaves_the_last_finished_one(long_data, ctrl_c_raises):
    X, y = long_data
    for seconds in (0.5, 2, 8, 32):  # steps are long where other processes take the time
        net, twin = twins(LONG)
        timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            net.fit(X, y, epochs=10**6, batch_size=1024, shuffle=False, optimizer=pynn.SGD(1e-3))
        timer.join()
        if net._descent.memory[1]:
            break
    n_updates = net._descent.memory[1]
    assert n_updates > 0
    for step in range(n_updates):
        rows = slice(step % 3 * 1024, step % 3 * 1024 + 1024)
        twin.fit(
            X[rows],
            y[rows],
            batch_size=1024,
            shuffle=False,
            optimizer=None if step else pynn.SGD(1e-3),
        )
    np.testing.assert_array_equal(net.parameters, twin.parameters)


@pytest.mark.slow
def test_a_crowded_team_gives_the_bits_of_one_thread(rng):
    """More threads than processors lose them to each other: teams shrink and grow meanwhile."""
    X = rng.normal(size=(4000, 40)).astype(np.float32)
    y = rng.normal(size=(len(X), 5)).astype(np.float32)
    options = {"epochs": 40, "batch_size": 20, "optimizer": pynn.SGD(0.01)}
    alone = twins((40, 100, 5), n_threads=1)[0].fit(X, y, **options)
    crowd = [twins((40, 100, 5), n_threads=5)[0] for _ in range(3)]
    threads = [threading.Thread(target=net.fit, args=(X, y), kwargs=options) for net in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for net in crowd:
        np.testing.assert_array_equal(net.parameters, alone.parameters)
        assert net.history == alone.history
