"""When the shards are averaged, and how."""

import pickle

import numpy as np
import pytest

import pynn
from pynn.dask import reading
from pynn.dask.reading import assemble
from pynn.dask.rounds import Shard, Trained, average
from pynn.dask.synchrony import Synchrony, updates_worth_a_round


@pytest.mark.parametrize(
    ("sync_every", "bounds"),
    [
        (3, [0, 2, 5, 7, 10]),  # four rounds, for none to be longer than that
        (100, [0, 10]),
        (0.5, [0, 5, 10]),
        (np.float32(0.5), [0, 5, 10]),
        (0.01, list(range(11))),
        (None, [0, 5, 10]),  # 5 updates are worth a round
    ],
)
def test_rounds_are_of_updates_or_of_a_fraction_of_an_epoch(sync_every, bounds):
    assert Synchrony(sync_every, 0, 5).bounds(10, 0, 2) == bounds


def test_one_shard_needs_no_average():
    assert Synchrony(None, 5, 1).bounds(10, 0, 1) == [0, 10]


def test_a_warm_up_has_rounds_of_one_update():
    synchrony = Synchrony(5, 12, 1)
    assert synchrony.bounds(10, 0, 2) == list(range(11))
    assert synchrony.bounds(10, 10, 2) == [0, 1, 2, 6, 10]
    assert synchrony.bounds(10, 20, 2) == [0, 5, 10]


@pytest.mark.parametrize(
    ("n_parameters", "n_rows"), [(100, 500_000), (10**5, 50_000), (10**7, 10_000)]
)
def test_small_networks_have_rounds_of_more_rows(n_parameters, n_rows):
    assert updates_worth_a_round(n_parameters, 100) == n_rows // 100


def test_the_mean_is_rounded_once():
    """In float32, 1 + 2**-24 - 1 would be 0."""
    parts = [Trained(np.full((1, 1), x, np.float32)) for x in (1.0, 2.0**-24, -1.0)]
    assert average(*parts, shares=[1.0, 1.0, 1.0], dtype=np.float32).values == 2.0**-24


def test_the_mean_of_one_part_is_a_copy():
    values = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float32)
    found = average(Trained(values), shares=[1.0], dtype=np.float32).values
    assert np.array_equal(found, values)
    assert not np.shares_memory(found, values)


def test_the_mean_has_the_bits_of_a_sum_by_pairs():
    random = np.random.default_rng(0)
    values, shares = random.normal(size=(5, 3, 7001)).astype(np.float32), [0.1, 0.2, 0.3, 0.3, 0.1]
    a, b, c, d, e = (np.float64(share) * part for share, part in zip(shares, values, strict=True))
    expected = (((a + b) + (c + d)) + e).astype(np.float32)
    found = average(*(Trained(part) for part in values), shares=shares, dtype=np.float32)
    assert np.array_equal(found.values, expected)


def test_shards_that_begin_at_any_byte_are_aligned_once():
    """Else each task would copy them."""

    def shifted(given):
        memory = np.zeros(memoryview(given).nbytes + 1, np.uint8)
        memory[1:] = np.frombuffer(given, np.uint8)
        return memory[1:]

    X, y, weights = np.random.default_rng(0).normal(size=(3, 2)), np.zeros((3, 1)), np.ones(3)
    buffers = []
    sent = pickle.dumps(Shard(X, y, weights), protocol=5, buffer_callback=buffers.append)
    received = pickle.loads(sent, buffers=[shifted(buffer.raw()) for buffer in buffers])
    shell = reading.shell_of(pynn.MLPRegressor(), class_weight=None)
    rows = reading.Rows(shifted(X).view(float).reshape(3, 2), y[:, 0], weights, None)
    assert not rows.X.flags.aligned
    for found in (received, assemble(shell, [rows], [None], X.dtype, 1)):
        assert all(array.flags.aligned for array in found)
        assert all(np.array_equal(a, b) for a, b in zip(found, (X, y, weights), strict=True))
        assert all(a is b for a, b in zip(found, found.aligned(), strict=True))
