"""Where the core gets no memory: MemoryError, nothing leaked, the network as it was."""

import numpy as np
import pytest
from scipy import sparse

import pynn
from pynn import _core

MORE_THAN_THERE_ARE = 20


@pytest.fixture
def net():
    return pynn.Network([3, 4, 2], activation="gelu", random_state=0)


@pytest.fixture
def xy(rng):
    return rng.normal(size=(7, 3)), rng.normal(size=(7, 2))


CALLS = {
    "fit": lambda net, X, y: net.fit(X, y, epochs=2, batch_size=3),
    "fit with validation": lambda net, X, y: net.fit(X, y, validation_data=(X, y)),
    "regularised fit": lambda net, X, y: net.fit(X, y, dropout=0.5, max_norm=1, clip_norm=1, l1=1),
    "predict": lambda net, X, y: net.predict(X),
    "cost": lambda net, X, y: net.cost(X, y),
    "gradient": lambda net, X, y: net.gradient(X, y),
    "trace": lambda net, X, y: net.trace(X, y),
    "trace of sparse rows": lambda net, X, y: net.trace(sparse.csr_array(X), y),
    "fit sparse rows": lambda net, X, y: net.fit(sparse.csr_array(X), y, batch_size=3),
}


@pytest.mark.parametrize("call", CALLS)
def test_every_allocation_that_fails_is_a_memory_error_and_changes_nothing(net, xy, call):
    blocks, parameters = _core.blocks_in_use(), net.parameters.copy()
    failures = 0
    for n in range(1, MORE_THAN_THERE_ARE):
        _core.fail_allocation(n)
        try:
            CALLS[call](net, *xy)
        except MemoryError:
            failures += 1
        else:
            break  # the n-th allocation was never asked for
        finally:
            _core.fail_allocation(0)
            assert _core.blocks_in_use() == blocks
        np.testing.assert_array_equal(net.parameters, parameters)
        assert net.history == {"cost": []}
    assert 2 <= failures < MORE_THAN_THERE_ARE - 1


def test_a_network_that_got_no_memory_learns_afterwards_as_if_nothing_had_been(net, xy):
    twin = pynn.Network([3, 4, 2], activation="gelu", random_state=0)
    _core.fail_allocation(2)
    with pytest.raises(MemoryError, match="mini-batch"):
        net.fit(*xy, shuffle=False)
    _core.fail_allocation(0)
    net.fit(*xy, shuffle=False)
    np.testing.assert_array_equal(net.parameters, twin.fit(*xy, shuffle=False).parameters)
