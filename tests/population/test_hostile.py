"""Misuse and failures of a population: each ends with a clear error, and nothing hangs."""

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
