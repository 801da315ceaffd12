"""Shards move to workers that have few."""

import random
from types import SimpleNamespace

import pytest

from pynn.dask.places import Places


def loads_after(sizes, threads, holders):
    """Return the rows for each thread of each worker, before shards move and after it."""
    moves = []

    def submit(_, future, *, key, workers, allow_other_workers):
        assert allow_other_workers
        assert len(moves) < 100
        moves.append(key)
        found = SimpleNamespace(key=key, number=future.number)
        on[key] = workers
        return found

    futures = [SimpleNamespace(key=f"shard-{i}", number=i) for i in range(len(sizes))]
    on = {one.key: [worker] for one, worker in zip(futures, holders, strict=True)}
    client = SimpleNamespace(nthreads=lambda: threads, who_has=lambda _: on, submit=submit)
    places = Places(client, "token", futures, sizes)

    def loads():
        found = dict.fromkeys(threads, 0.0)
        for one in places.futures:
            found[on[one.key][0]] += sizes[one.number] / threads[on[one.key][0]]
        return found

    before = loads()
    places.balance()
    assert len(set(moves)) == len(moves)
    return before, loads()


@pytest.mark.parametrize("seed", range(200))
def test_the_largest_load_never_grows_and_moves_end(seed):
    """By rounded quotients, a shard could move between two workers without end."""
    draw = random.Random(seed)
    threads = {f"worker-{i}": draw.choice([1, 2, 3, 5, 6, 7]) for i in range(draw.randint(1, 4))}
    sizes = [draw.choice([333, 334, 335]) for _ in range(draw.randint(1, 9))]
    before, after = loads_after(sizes, threads, draw.choices(list(threads), k=len(sizes)))
    assert max(after.values()) <= max(before.values()) * (1 + 1e-12)


def test_loads_that_tie_exactly_end_the_moves():
    before, after = loads_after([333, 334, 334], {"a": 3, "b": 3}, ["b", "b", "b"])
    assert max(after.values()) < max(before.values())


def test_half_of_the_shards_move_to_a_second_worker():
    _, after = loads_after([100] * 6, {"a": 1, "b": 1}, ["a"] * 6)
    assert after == {"a": 300, "b": 300}


def test_shards_stay_where_the_loads_are_fair():
    before, after = loads_after([100, 105], {"a": 1, "b": 1}, ["a", "b"])
    assert before == after
