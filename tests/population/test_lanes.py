"""Members trained together, each in its own lane of the vectors: the bits of a fit of their own."""

from functools import partial

import cases
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pynn
from pynn import _core

PAIRS = [  # of output and cost
    ("softmax", "cross_entropy"),
    ("sigmoid", "binary_cross_entropy"),
    ("identity", "squared_error"),
    ("tanh", "huber"),
    ("exp", "poisson"),
]
X = np.random.default_rng(0).normal(size=(45, 3))


@st.composite
def populations(draw):
    """Return a function that makes the members, targets, and arguments of each member's fit."""
    output, cost = draw(st.sampled_from(PAIRS))
    n_out = draw(st.sampled_from([1, 2, 3, 17]))
    sizes = [3, *draw(st.lists(st.integers(1, 25), max_size=2)), n_out]
    options = {
        "activation": draw(st.sampled_from(["relu", *cases.HIDDEN])),
        "output_activation": output,
        "cost": cost,
        "dtype": draw(st.sampled_from(cases.DTYPES)),
        "bias": draw(st.booleans()),
    }
    n = draw(st.sampled_from([4, 8, 9, 16, 17, 33]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = rng.integers(n_out, size=45) if output == "softmax" else rng.random((45, n_out))
    shared = {
        "epochs": draw(st.integers(1, 3)),
        "batch_size": draw(st.sampled_from([1, 4, 32, 45])),
        "optimizer": draw(st.sampled_from(cases.EVERY_RULE)),
        "alpha": draw(st.sampled_from([0.0, 0.1])),
        "l1": draw(st.sampled_from([0.0, 0.05])),
        "shuffle": draw(st.booleans()),
    }
    own = [{} for _ in range(n)]
    for k in range(0, n, draw(st.sampled_from([1, 2, 5]))):
        own[k]["sample_weight"] = rng.random(45) * rng.integers(2, size=45)
    own[n - 1] = draw(st.sampled_from([{}, {"optimizer": "sgd"}, {"max_norm": 1.0}]))
    factor = draw(st.sampled_from([1, 1e5, 1e30]))  # with large parameters a member diverges

    def make():
        nets = [pynn.Network(sizes, random_state=k, **options) for k in range(n)]
        nets[n // 2].parameters[:] *= factor
        return nets

    return make, y, shared, own


@cases.examples(100)
@given(populations(), st.sampled_from(_core.available_isas()[-2:]), st.integers(1, 2))
@pytest.mark.filterwarnings("ignore:.*members? diverged")
def test_members_have_the_bits_of_their_own_fits(problem, isa, n_threads):
    make, y, shared, own = problem
    with cases.instruction_set(isa):
        population, twins = pynn.Population(make(), n_threads=n_threads), make()
        for _ in range(2):  # the second fit continues from the state of the rules
            population.fit(X, y, members=own, **shared)
            for k, (twin, options) in enumerate(zip(twins, own, strict=True)):
                error = None
                try:
                    twin.fit(X, y, **shared | options)
                except FloatingPointError as raised:
                    error = str(raised)
                assert str(population.errors.get(k)) == str(error)
                assert_same(population[k], twin)


def assert_same(net, twin):
    np.testing.assert_array_equal(net.parameters, twin.parameters)
    assert net.history == twin.history
    assert (net._descent is None) == (twin._descent is None)
    memories = [one._descent.memory for one in (net, twin) if one._descent and one._descent.memory]
    for mine, its in zip(*(slots for slots, _ in memories), strict=True):
        np.testing.assert_array_equal(mine, its)


SETTINGS = {"epochs": 3, "batch_size": 8, "optimizer": pynn.Adam(0.01)}
Y = X[:, :1].round()


def test_without_memory_for_the_lanes_members_train_alone_or_are_unchanged():
    make = partial(pynn.Population.of, 16, [3, 8, 1], random_state=0, n_threads=1)
    if make()[0]._core.n_together == 1:
        pytest.skip("this instruction set has no lanes")
    blocks, outcomes = _core.blocks_in_use(), set()
    parameters_if = {
        True: [net.fit(X, Y, **SETTINGS).parameters for net in make()],
        False: [net.parameters for net in make()],
    }
    for n in range(1, 40):  # two for the session of each member, then one for all lanes
        population = make()
        _core.fail_allocation(n)
        try:
            population.fit(X, Y, **SETTINGS)
            outcomes.add(trains := True)
        except MemoryError:
            outcomes.add(trains := False)
        finally:
            _core.fail_allocation(0)
        assert _core.blocks_in_use() == blocks
        for member, parameters in zip(population, parameters_if[trains], strict=True):
            np.testing.assert_array_equal(member.parameters, parameters)
    assert outcomes == {True, False}
