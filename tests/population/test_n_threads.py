"""The number of threads of a population is bounded by its members, its n_threads and all limits."""

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import pynn
from pynn.model import threads

X = np.random.default_rng(0).normal(size=(20, 3))


@pytest.fixture(autouse=True)
def sixteen_processors(monkeypatch):
    monkeypatch.setattr(threads, "processors", lambda: 16)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    with threadpool_limits(256, user_api="pynn"):  # whatever limit an earlier test left
        yield


@pytest.fixture
def started(monkeypatch):
    """Names of the threads that started, in a list that grows."""
    names, start = [], threading.Thread.start

    def count(thread):
        names.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", count)
    return names


def fit(n_members, n_threads=None, **settings):
    population = pynn.Population.of(n_members, [3, 2], random_state=0, n_threads=n_threads)
    population.fit(X, X[:, :2], **settings)
    population.predict(X)


@pytest.mark.parametrize(
    ("n_members", "n_threads", "expected"),
    [(8, None, 8), (20, None, 16), (8, 3, 3), (3, 8, 3), (20, 18, 18)],
)
def test_members_and_n_threads_bound_the_threads(n_members, n_threads, expected, started):
    fit(n_members, n_threads)
    assert started == ["pynn worker"] * 2 * expected


def test_omp_num_threads_bounds_the_threads(monkeypatch, started):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    fit(8)
    assert len(started) == 2 * 3


def test_threadpoolctl_bounds_the_threads(started):
    with threadpool_limits(2, user_api="pynn"):
        fit(8)
    assert len(started) == 2 * 2


@pytest.mark.parametrize(("n_threads", "inner"), [(2, 1), (7, 3)])
def test_a_population_in_a_callback_shares_the_threads_of_the_outer_one(n_threads, inner, started):
    def fit_inner(state):
        fit(5, 5)

    fit(2, n_threads, callbacks=[fit_inner])
    assert len(started) == 2 * 2 + 2 * 2 * inner
