"""When the shards are averaged, and how."""

import numpy as np
import pytest

from pynn.dask.learner import Synchrony
from pynn.dask.rounds import Trained, average


@pytest.mark.parametrize(
    ("sync_every", "bounds"),
    [
        (3, [0, 2, 5, 7, 10]),  # four rounds, for none to be longer than that
        (100, [0, 10]),
        (0.5, [0, 5, 10]),
        (0.01, list(range(11))),
    ],
)
def test_rounds_are_of_updates_or_of_a_fraction_of_an_epoch(sync_every, bounds):
    assert Synchrony(sync_every, 0).bounds(10, 0, 2) == bounds


def test_one_shard_needs_no_average():
    assert Synchrony(None, 5).bounds(10, 0, 1) == [0, 10]


def test_a_warm_up_has_rounds_of_one_update():
    synchrony = Synchrony(5, 12)
    assert synchrony.bounds(10, 0, 2) == list(range(11))
    assert synchrony.bounds(10, 10, 2) == [0, 1, 2, 6, 10]
    assert synchrony.bounds(10, 20, 2) == [0, 5, 10]


def test_the_mean_is_rounded_once():
    """In float32, 1 + 2**-24 - 1 would be 0."""
    parts = [Trained(np.full((1, 1), x, np.float32), []) for x in (1.0, 2.0**-24, -1.0)]
    assert average([1.0, 1.0, 1.0], parts, np.float32).values == 2.0**-24


def test_the_mean_of_one_part_has_its_bits():
    values = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float32)
    assert np.array_equal(average([1.0], [Trained(values, [])], np.float32).values, values)
