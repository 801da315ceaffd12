"""Ctrl-C during the fit of a population: all threads end, members after a whole mini-batch."""

import gc
import os
import signal
import threading
import time

import numpy as np
import pytest
import sklearn.model_selection  # noqa: F401 - a fit imports it, which takes seconds
from failures import Stop, stopped_at
from together import assert_workers_end

import pynn
from pynn import _core
from pynn.training import workers
from pynn.training.workers import run_all

pytestmark = pytest.mark.usefixtures("ctrl_c_raises")

FOREVER = 10**9  # epochs: only the interrupt ends such a fit
X = np.random.default_rng(0).normal(size=(300, 20)).astype(np.float32)


def fit_until_interrupted(population, *data, **options):
    """Send Ctrl-C while two members are in training; return which members changed."""
    before = [member.parameters.copy() for member in population]

    def send():
        while sum(one.name == "pynn worker" for one in threading.enumerate()) < 2:
            time.sleep(0.01)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    gc.disable()  # an exception in a callback of the collector is lost
    sender.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            population.fit(*data, epochs=FOREVER, **options)
    finally:
        gc.enable()
    sender.join()
    return [
        not np.array_equal(member.parameters, old)
        for member, old in zip(population, before, strict=True)
    ]


@pytest.mark.parametrize("sizes", [[20, 2], [20, 200, 200, 2]], ids=["small", "large"])
@pytest.mark.parametrize(
    "options",
    [{}, {"validation_split": 0.2}, {"schedule": pynn.StepDecay(3)}, {"batch_size": 300}],
    ids=lambda options: next(iter(options), "plain"),
)
def test_all_threads_end(sizes, options):
    population = pynn.Population.of(5, sizes, random_state=0, n_threads=2)
    changed = fit_until_interrupted(population, X, X[:, :2], **options)
    together = population[0]._core.n_together > 1 and options in ({}, {"batch_size": 300})
    assert changed == ([True] * 5 if together else [True, True, False, False, False])
    assert_workers_end()
    finished = [len(member.history["cost"]) for member in population]
    population.fit(X, X[:, :2])  # no member is still in training
    assert [len(member.history["cost"]) for member in population] == [n + 1 for n in finished]


@pytest.mark.parametrize("n_members", [2, 32], ids=["alone", "together"])
def test_members_have_the_parameters_after_a_whole_mini_batch(n_members):
    """With one mini-batch per epoch, the history counts the mini-batches."""
    population = pynn.Population.of(n_members, [20, 30, 2], random_state=0, n_threads=2)
    rule = pynn.Adam(1e-4)
    fit_until_interrupted(population, X, X[:, :2], batch_size=300, optimizer=rule)
    for k, member in enumerate(population):
        twin = pynn.Network([20, 30, 2], random_state=k)
        n_epochs = len(member.history["cost"])
        twin.fit(X, X[:, :2], epochs=n_epochs, batch_size=300, optimizer=rule)
        if not np.array_equal(twin.parameters, member.parameters):
            # The interrupt came after a mini-batch, but before its epoch was counted.
            twin.fit(X, X[:, :2], batch_size=300)
        np.testing.assert_array_equal(twin.parameters, member.parameters)


def test_an_exception_anywhere_in_the_main_thread_ends_all_threads():
    """Also on return from a function of threading, where Event.wait may have acquired a lock."""
    population = pynn.Population.of(3, [20, 2], random_state=0, n_threads=2)
    for n in range(1, 1000):
        try:
            with stopped_at(n, workers, threading, events=("line", "return")):
                population.fit(X, X[:, :2])
            break  # fewer than n events
        except Stop:
            pass
        assert_workers_end()
    assert 20 < n < 999
    population.fit(X, X[:, :2])


def test_ctrl_c_ends_the_wait_for_a_member_that_another_thread_fits():
    population = pynn.Population.of(2, [20, 2], random_state=0, n_threads=2)
    begun, done, end = threading.Event(), threading.Event(), time.monotonic() + 30

    def look(state):
        begun.set()
        return done.is_set() or time.monotonic() > end

    settings = {"epochs": FOREVER, "callbacks": [look]}
    other = threading.Thread(target=population[0].fit, args=[X, X[:, :2]], kwargs=settings)
    other.start()
    begun.wait()
    fit_until_interrupted(population, X, X[:, :2])
    assert other.is_alive()
    done.set()
    other.join()
    population.fit(X, X[:, :2])


def test_a_stop_ends_fits_in_threads_that_entered_it():
    stop, results = _core.Stop(), []
    begun = threading.Event()

    def fit():
        with stop:
            begun.set()
            try:
                pynn.Network([20, 2], random_state=0).fit(X, X[:, :2], epochs=FOREVER)
            except KeyboardInterrupt as error:
                results.append(error)

    thread = threading.Thread(target=fit)
    thread.start()
    begun.wait()
    stop.set()
    thread.join(30)
    assert len(results) == 1
    assert stop.is_set
    pynn.Network([20, 2]).fit(X, X[:, :2])  # fits in other threads go on


def test_results_are_in_the_order_of_the_tasks():
    results, failures = run_all([lambda k=k: k for k in range(50)], 4)
    assert results == list(range(50))
    assert not failures


def test_after_a_failure_no_further_task_begins():
    begun = []

    def task(k):
        begun.append(k)
        if k == 2:
            raise LookupError
        return k

    results, ((index, error),) = run_all([lambda k=k: task(k) for k in range(9)], 1)
    assert begun == [0, 1, 2]
    assert results == [0, 1] + [None] * 7
    assert index == 2
    assert isinstance(error, LookupError)
