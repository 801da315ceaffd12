"""Workers of all kinds of pools predict, fit, pickle and save as their parent does, to the bit.

All 90 combinations: python tests/helpers/pools.py
"""

import os

import pools
import pytest

pytest.importorskip("safetensors")

FEW = [  # start method, pool, state
    ("fork", "os.fork", "amid a fit"),
    ("fork", "multiprocessing", "amid a predict"),
    ("forkserver", "concurrent.futures", "after two threads"),
]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.parametrize(("method", "pool", "state"), FEW)
def test_a_worker_works_as_its_parent(method, pool, state):
    assert not pools.run(method, pool, state)
