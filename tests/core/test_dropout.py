"""Dropout: hidden activations left out of an update, by a hash of their place."""

import copy

import cases
import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

import pynn
from pynn import _core

NAMES = ("sigmoid", "identity", "squared_error")


def problem(rng, dtype="float64", n_rows=9, sizes=(4, 70, 5, 3), hidden=NAMES[0]):
    return cases.problem(rng, sizes, hidden, *NAMES[1:], dtype, n_rows=n_rows, weighted=True)


def network(n_threads=None, dtype="float32", sizes=(20, 150, 33, 4)):
    return pynn.Network(sizes, activation="tanh", dtype=dtype, n_threads=n_threads, random_state=0)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("hidden", cases.HIDDEN)
def test_updates_are_the_oracle_s(hidden, isa, dtype, rng):
    """The derivative is that of the activation before it is dropped."""
    p = problem(rng, dtype, hidden=hidden)
    cases.check_training(p, pynn.SGD(0.01), 4, dropout=[0.5, 0.2])


@given(
    st.lists(st.integers(1, 70), min_size=3, max_size=5),
    st.sampled_from([0.0, 0.1, 0.5, 0.75]),
    st.sampled_from(cases.RULES),
    st.sampled_from(cases.DTYPES),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(_core.available_isas()),
)
def test_any_shape(sizes, rate, rule, dtype, n_rows, batch_size, isa):
    with cases.instruction_set(isa):
        p = problem(np.random.default_rng(0), dtype, n_rows, sizes)
        cases.check_training(p, rule, batch_size, dropout=rate, alpha=0.01)


def test_rows_are_counted_on_through_the_chunks_of_a_batch(rng):
    cases.check_training(problem(rng, n_rows=2500), pynn.SGD(0.01), 2300, dropout=0.5)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(("n_rows", "batch_size"), [(60, 7), (2500, 2300)])
def test_one_to_five_threads_give_the_same_bits(isa, dtype, n_rows, batch_size, rng):
    X, y = rng.normal(size=(n_rows, 20)), rng.normal(size=(n_rows, 4))
    results = []
    for n_threads in range(1, 6):
        net = network(n_threads, dtype).fit(X, y, batch_size=batch_size, dropout=[0.5, 0.1])
        results.append((net.parameters.tobytes(), net.history))
    assert results == results[:1] * 5


def test_epochs_in_one_call_of_the_core_and_in_many_drop_the_same(rng, capsys):
    X, y = rng.normal(size=(50, 20)), rng.normal(size=(50, 4))
    options = {"epochs": 4, "batch_size": 8, "dropout": 0.5}
    nets = [network().fit(X, y, **options), network().fit(X, y, verbose=True, **options)]
    np.testing.assert_array_equal(nets[0].parameters, nets[1].parameters)
    assert nets[0].history == nets[1].history
    capsys.readouterr()


def test_the_random_source_is_asked_only_where_something_is_dropped(rng):
    X, y = rng.normal(size=(50, 20)), rng.normal(size=(50, 4))
    rates = (0, [0.0, 0.0], [0.0, 0.1])
    net, zero, some = (network().fit(X, y, shuffle=False, dropout=rate) for rate in rates)
    np.testing.assert_array_equal(net.parameters, zero.parameters)
    draws = [n._random.randint(2**31) for n in (net, zero, some)]
    assert draws[0] == draws[1] != draws[2]
    again = network().fit(X, y, shuffle=False, dropout=[0, 0.1])
    np.testing.assert_array_equal(some.parameters, again.parameters)
    generator = pynn.Network([20, 8, 4], random_state=np.random.default_rng(0))
    assert np.isfinite(generator.fit(X, y, dropout=0.5).parameters).all()


def test_nothing_is_dropped_where_nothing_is_learned(rng):
    p = problem(rng)
    p.net.fit(p.X, p.y, dropout=0.5)
    cases.check_one_pass(p)


def test_the_mean_of_what_is_handed_on_is_the_activation(rng):
    """The cost of targets below all outputs is the output itself, seen here over many masks."""
    net = pynn.Network([3, 40, 1], activation="tanh", cost="absolute_error", dtype="float64",
                       random_state=0)  # fmt: skip
    X = rng.normal(size=(1, 3))
    expected = net.predict(X).item() + 100
    net.fit(X, [-100.0], epochs=20_000, dropout=0.5, optimizer=pynn.SGD(1e-30))
    costs = np.array(net.history["cost"])
    assert costs.std() > 0.1
    assert abs(costs.mean() - expected) < 4 * costs.std() / np.sqrt(len(costs))


# The hash, as tests/helpers/reference.py has it, which is what the core does


def masks(rate, **place):
    place = {"seed": 1, "update": 5, "layer": 0} | place
    return reference.dropout_factors(*place.values(), 400, 300, rate) > 0


@pytest.mark.parametrize("rate", [0.01, 0.2, 0.5, 0.9])
def test_the_share_that_is_kept(rate):
    """In all of a layer, in each row and in each column, within what chance explains."""
    kept = masks(rate)
    for axis, most in ((None, 4), (0, 5), (1, 5)):
        n = kept.size / np.size(kept.mean(axis=axis))
        deviations = kept.mean(axis=axis) - (1 - rate)
        assert np.abs(deviations).max() < most * np.sqrt(rate * (1 - rate) / n)
    variance = kept.mean(axis=1).var() / (rate * (1 - rate) / 300)
    assert 0.7 < variance < 1.3


NEIGHBOURS = {
    "the next column": (np.s_[:, 1:], np.s_[:, :-1], {}),
    "the second next column": (np.s_[:, 2:], np.s_[:, :-2], {}),
    "the next row": (np.s_[1:], np.s_[:-1], {}),
    "the next in both": (np.s_[1:, 1:], np.s_[:-1, :-1], {}),
    "the next update": (np.s_[:], np.s_[:], {"update": 6}),
    "the next row of the next update": (np.s_[1:], np.s_[:-1], {"update": 6}),
    "the next layer": (np.s_[:], np.s_[:], {"layer": 1}),
    "the next fit": (np.s_[:], np.s_[:], {"seed": 2}),
}


@pytest.mark.parametrize(("one", "other", "place"), NEIGHBOURS.values(), ids=NEIGHBOURS)
@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_neighbours_are_independent(one, other, place, rate):
    a, b = masks(rate)[one], masks(rate, **place)[other]
    correlation = np.corrcoef(a.ravel(), b.ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(a.size)


def test_the_next_draws_go_through_all_their_bits():
    """Not the highest bit alone, which decides at a rate of one half."""
    draws = reference.lowbias32(np.arange(2**16, dtype=np.uint64))
    bits = draws[:, np.newaxis] >> np.arange(32, dtype=np.uint64) & np.uint64(1)
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 5 * 0.5 / 2**8
    assert len(np.unique(draws)) == 2**16


BAD = [
    (1.0, ["1.0", "less than 1"]),
    (-0.1, ["-0.1", "at least 0"]),
    (float("nan"), ["nan"]),
    ([0.5], ["2", "each hidden layer"]),
    ([0.5, 0.5, 0.5], ["2", "3"]),
    ([0.5, 1.5], ["1.5", "less than 1"]),
    ("0.5", ["'0.5'", "real number"]),
    (None, ["None", "real number"]),
    ([0.5, True], ["True", "real number"]),
]


@pytest.mark.parametrize(("bad", "words"), BAD)
def test_bad_rates(bad, words, rng):
    net = network()
    before = copy.deepcopy(net)
    with pytest.raises((TypeError, ValueError)) as info:
        net.fit(np.ones((3, 20)), np.ones((3, 4)), dropout=bad)
    for word in ("dropout", *words):
        assert word in str(info.value)
    np.testing.assert_array_equal(net.parameters, before.parameters)
    assert net._random.randint(2**31) == before._random.randint(2**31)


def test_a_network_without_hidden_layers_has_nothing_to_drop():
    X, y = np.ones((3, 4)), np.ones((3, 2))
    one, other = (pynn.Network([4, 2], random_state=0).fit(X, y, dropout=r) for r in (0.5, ()))
    np.testing.assert_array_equal(one.parameters, other.parameters)
