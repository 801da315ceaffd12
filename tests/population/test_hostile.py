"""Misuse and failures of a population: each ends with a clear error, and nothing hangs."""

import gc
import threading
import weakref
from contextlib import suppress
from functools import partial

import numpy as np
import pytest
from failures import failing
from together import assert_workers_end

import pynn
from pynn import _core
from pynn.training.workers import run_all

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)


def population(n=2):
    return pynn.Population.of(n, [3, 4, 2], random_state=0)


def test_iterators_among_the_arguments_reach_all_members():
    seen = []
    members = population(3)
    own = ({"callbacks": iter([lambda state: seen.append(state.network)])} for _ in members)
    members.fit(X, X[:, :2], metrics=iter(["r2"]), members=own)
    members.fit(X, X[:, :2], callbacks=iter([lambda state: seen.append(state.network)]))
    assert all(sum(one is member for one in seen) == 2 for member in members)
    assert all(np.isfinite(member.history["r2"][0]) for member in members)


def test_a_floating_point_error_raised_by_a_callback_is_not_a_divergence():
    def fails(state):
        raise FloatingPointError("mine")

    members = population()
    with pytest.raises(FloatingPointError, match="mine"):
        members.fit(X, X[:, :2], callbacks=[fails])
    assert members.errors == {}


@pytest.mark.parametrize("members", [[None, {}], ["ab", {}], {"epochs": 1}, [[("epochs", 2)], {}]])
def test_members_must_be_a_sequence_of_dictionaries(members):
    with pytest.raises(TypeError, match="members must be a sequence of dictionaries, got"):
        population().fit(X, X[:, :2], members=members)


def test_random_sources_that_share_a_bit_generator_are_refused():
    bits = np.random.MT19937(0)
    sources = [np.random.RandomState(bits) for _ in range(2)]
    with pytest.raises(ValueError, match="share a random source"):
        pynn.Population([pynn.Network([3, 2], random_state=source) for source in sources])


@pytest.mark.parametrize("outer", [lambda members: members[0], lambda members: members])
def test_a_callback_cannot_fit_a_population_that_contains_its_network(outer):
    members = population()
    with pytest.raises(RuntimeError, match=r"callback of member [01] cannot fit its population"):
        outer(members).fit(X, X[:, :2], callbacks=[lambda state: members.fit(X, X[:, :2])])
    members.fit(X, X[:, :2])  # no member is still in training


def test_a_callback_may_fit_another_population():
    inner = population()

    def fit_inner(state):
        inner.fit(X, X[:, :2])

    population().fit(X, X[:, :2], epochs=3, members=[{}, {"callbacks": [fit_inner]}])
    twins = population()
    for _ in range(3):
        twins.fit(X, X[:, :2])
    for member, twin in zip(inner, twins, strict=True):
        np.testing.assert_array_equal(member.parameters, twin.parameters)


def test_errors_of_diverged_members_have_no_traceback():
    members = population()
    with pytest.warns(RuntimeWarning, match="2 of 2"):
        members.fit(X, X[:, :2], epochs=30, optimizer=pynn.SGD(1e9))
    assert all(e.__traceback__ is e.__context__ is None for e in members.errors.values())


def test_setting_a_stop_also_sets_stops_created_within_its_block():
    outer, inner = _core.Stop(), []

    def task():
        with outer:
            inner.append(_core.Stop())
            outer.set()
            inner.append(_core.Stop())

    run_all([task], 1)
    assert [one.is_set for one in inner] == [True, True]


# ---- Failures ----


def raise_lookup_error(state):
    raise LookupError


def is_freed_after(fit):
    """Whether a fit that fails frees its rows without the garbage collector."""
    rows = X.copy()
    reference = weakref.ref(rows)
    gc.disable()
    try:
        with suppress(FloatingPointError, LookupError, MemoryError):
            fit(rows, X[:, :2])
        del rows
        return reference() is None
    finally:
        gc.enable()


@pytest.mark.filterwarnings("ignore:2 of 2 members diverged")
@pytest.mark.parametrize("model", [lambda: population()[0], population], ids=["one", "two"])
def test_a_failed_fit_frees_its_data(model):
    assert is_freed_after(partial(model().fit, epochs=30, optimizer=pynn.SGD(1e9)))
    assert is_freed_after(partial(model().fit, callbacks=[raise_lookup_error]))
    for n in range(1, 6):
        _core.fail_allocation(n)
        try:
            assert is_freed_after(model().fit)
        finally:
            _core.fail_allocation(0)


def test_an_error_of_one_member_also_frees_the_data_of_interrupted_members():
    begun = threading.Event()

    def fail(state):
        begun.wait(10)
        raise LookupError

    two = pynn.Population.of(2, [3, 4, 2], random_state=0, n_threads=2)
    endless = {"epochs": 10**9, "callbacks": [lambda state: begun.set()]}
    assert is_freed_after(partial(two.fit, members=[endless, {"callbacks": [fail]}]))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_member_without_memory_is_named_and_all_members_stay_usable(n_threads):
    blocks, failed = _core.blocks_in_use(), set()
    for n in range(1, 100):
        members = pynn.Population.of(3, [3, 4, 2], random_state=0, n_threads=n_threads)
        before = [member.parameters.copy() for member in members]
        _core.fail_allocation(n)
        try:
            members.fit(X, X[:, :2])
            break  # fewer than n allocations
        except MemoryError as error:
            (k,) = [k for k in range(3) if f"for member {k} of 3" in error.__notes__]
        finally:
            _core.fail_allocation(0)
        failed.add(k)
        np.testing.assert_array_equal(members[k].parameters, before[k])
        assert members[k].history == {"cost": []}
        assert_workers_end()
        assert _core.blocks_in_use() == blocks
        members.fit(X, X[:, :2])
    assert failed == {0, 1, 2}
    assert n < 99


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_thread_that_cannot_start_ends_the_fit(n, monkeypatch):
    members = pynn.Population.of(3, [3, 4, 2], random_state=0, n_threads=3)
    error = RuntimeError("can't start new thread")
    with (
        failing(monkeypatch, threading.Thread, "start", n, error),
        pytest.raises(RuntimeError, match="start new thread"),
    ):
        members.fit(X, X[:, :2], epochs=10**9)
    assert_workers_end()
    members.fit(X, X[:, :2])
