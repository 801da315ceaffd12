"""The calls of one fit share memory and threads, which are gone when the fit ends."""

import contextlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import pynn
from pynn import _core

SIZES = [[30, 20, 3], [5, 4, 2], [700, 300, 10], [30, 20, 3]]  # larger and smaller than before
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")


def n_threads_now():
    return len(os.listdir("/proc/self/task"))


@pytest.fixture
def n_blocks():
    return _core.blocks_in_use()


def network(sizes, n_threads):
    return pynn.Network(sizes, activation="tanh", random_state=0, n_threads=n_threads)


def rows_of(sizes, n_rows=40):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, sizes[0])), rng.normal(size=(n_rows, sizes[-1]))


def train(net, X, y, session):
    """One call of the core."""
    regularisation = _core.Regularisation([0.0] * 2, [0.0] * 2, False, (), np.inf, np.inf, ())
    _, error = net._core.train(
        net._parameters,
        _core.State("sgd", [], learning_rate=0.1),
        np.empty((2, 2)),
        net._data(X, y),
        np.arange(len(X)),
        None,
        n_epochs=2,
        batch_size=16,
        regularisation=regularisation,
        n_threads=net.n_threads,
        session=session,
    )
    if error is not None:
        raise error
    return net.parameters.tobytes()


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_calls_that_share_a_session_give_the_bits_of_calls_alone(n_threads):
    alone = [train(network(sizes, 1), *rows_of(sizes), None) for sizes in SIZES]
    with _core.Session() as session:
        for sizes, bits in zip(SIZES * 2, alone * 2, strict=True):
            assert train(network(sizes, n_threads), *rows_of(sizes), session) == bits


def test_memory_is_kept_between_calls_and_freed_at_the_end(n_blocks):
    with _core.Session() as session:
        held = []
        for _ in range(3):
            train(network(SIZES[0], 2), *rows_of(SIZES[0]), session)
            held.append(_core.blocks_in_use() - n_blocks)
        assert held == [held[0]] * 3
        assert held[0] > 0
    assert _core.blocks_in_use() == n_blocks


@linux
def test_threads_wait_between_calls_and_end_with_the_session():
    before = n_threads_now()
    with _core.Session() as session:
        for n_threads, n_more in [(3, 2), (2, 2), (1, 2), (5, 4)]:
            train(network(SIZES[0], n_threads), *rows_of(SIZES[0]), session)
            assert n_threads_now() == before + n_more
    assert n_threads_now() == before


def test_a_session_that_nobody_ended_is_freed_with_its_object(n_blocks):
    session = _core.Session()
    train(network(SIZES[0], 3), *rows_of(SIZES[0]), session)
    assert _core.blocks_in_use() > n_blocks
    del session
    assert _core.blocks_in_use() == n_blocks


def test_an_ended_session_may_begin_anew(n_blocks):
    session = _core.Session()
    for _ in range(2):
        with session:
            train(network(SIZES[0], 2), *rows_of(SIZES[0]), session)
        assert _core.blocks_in_use() == n_blocks


@pytest.mark.parametrize("ending", [KeyboardInterrupt, ZeroDivisionError, StopIteration])
def test_a_fit_that_ends_by_an_error_frees_it(n_blocks, ending):
    def stop(state):
        if state.epoch == 3:
            raise ending

    sizes = SIZES[0]
    before = n_threads_now() if sys.platform.startswith("linux") else 0
    with contextlib.suppress(ending):
        network(sizes, 3).fit(*rows_of(sizes), epochs=5, callbacks=[stop])
    assert _core.blocks_in_use() == n_blocks
    assert before == 0 or n_threads_now() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.parametrize("n_threads", [1, 3])
def test_a_process_forked_amid_a_fit_goes_on_with_threads_of_its_own(n_threads, tmp_path):
    sizes, children = SIZES[0], []

    def fork(state):
        if state.epoch == 2:
            children.append(os.fork())

    twin = network(sizes, 1).fit(*rows_of(sizes), epochs=6)
    net = network(sizes, n_threads)
    net.fit(*rows_of(sizes), epochs=6, callbacks=[fork])
    if children == [0]:
        Path(tmp_path, "child").write_bytes(net.parameters.tobytes())
        os._exit(_core.blocks_in_use())
    assert os.waitpid(children[0], 0)[1] == 0
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert Path(tmp_path, "child").read_bytes() == net.parameters.tobytes()


def test_no_memory_for_it_is_a_memory_error(n_blocks):
    net = network(SIZES[0], 2)
    for n in range(1, 5):  # session, team, layers, arena
        with _core.Session() as session:
            _core.fail_allocation(n)
            with pytest.raises(MemoryError, match="mini-batch"):
                train(net, *rows_of(SIZES[0]), session)
            _core.fail_allocation(0)
            train(net, *rows_of(SIZES[0]), session)
        assert _core.blocks_in_use() == n_blocks
