"""Misuse of a population: it is refused with a reason, and nothing hangs."""

import numpy as np
import pytest

import pynn
from pynn import _core
from pynn.training.workers import run_all

X = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)


def population(n=2):
    return pynn.Population.of(n, [3, 4, 2], random_state=0)


def test_an_iterator_of_callbacks_reaches_all_members():
    seen = set()
    members = population(3)
    members.fit(X, X[:, :2], callbacks=iter([lambda state: seen.add(id(state.network))]))
    assert seen == {id(member) for member in members}


def test_a_floating_point_error_of_a_callback_is_no_divergence():
    def fails(state):
        raise FloatingPointError("mine")

    members = population()
    with pytest.raises(FloatingPointError, match="mine"):
        members.fit(X, X[:, :2], callbacks=[fails])
    assert members.errors == {}


@pytest.mark.parametrize("members", [[None, {}], ["ab", {}], {"epochs": 1}, [[("epochs", 2)], {}]])
def test_entries_that_are_no_dictionaries_are_refused(members):
    with pytest.raises(TypeError, match="members must be a sequence of dictionaries, got"):
        population().fit(X, X[:, :2], members=members)


def test_sources_that_share_a_bit_generator_are_refused():
    bits = np.random.MT19937(0)
    sources = [np.random.RandomState(bits) for _ in range(2)]
    with pytest.raises(ValueError, match="share a source of random numbers"):
        pynn.Population([pynn.Network([3, 2], random_state=source) for source in sources])


def test_a_population_does_not_wait_for_the_fit_that_it_is_called_in():
    members = population()
    with pytest.raises(RuntimeError, match="member 0 is in training in this thread"):
        members[0].fit(X, X[:, :2], callbacks=[lambda state: members.fit(X, X[:, :2])])


def test_errors_keep_no_frames():
    members = population()
    with pytest.warns(RuntimeWarning, match="2 of 2"):
        members.fit(X, X[:, :2], epochs=30, optimizer=pynn.SGD(1e9))
    assert all(e.__traceback__ is e.__context__ is None for e in members.errors.values())


def test_a_stop_that_is_made_in_the_block_of_another_is_set_with_it():
    outer, inner = _core.Stop(), []

    def task():
        with outer:
            inner.append(_core.Stop())
            outer.set()
            inner.append(_core.Stop())

    run_all([task], 1)
    assert [one.is_set for one in inner] == [True, True]
