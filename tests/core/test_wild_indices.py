"""Labels and sparse rows are borrowed, so another thread may write to them while the core computes:
the result is then an error or of no use, but the core reads and writes nothing outside its arrays.

The address sanitizer makes this test strict; without it, most wild indices crash the process.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HELPERS = Path(__file__).parents[1] / "helpers"

PROGRAM = """
import itertools, sys, threading, time
import numpy as np
import scipy.sparse
from bare import Bare
from pynn import _core

which = sys.argv[1]
rng = np.random.default_rng(0)
sizes, n_rows = (300, 40, 5), 400
parameters = rng.normal(size=301 * 40 + 41 * 5)
net = Bare(sizes, ("tanh", "softmax"), "cross_entropy", parameters)
csr = scipy.sparse.random(n_rows, 300, 0.1, "csr", rng=0)
starts, columns = csr.indptr.astype(np.int64), csr.indices.astype(np.int32)
rows = _core.SparseRows(starts, columns, csr.data, 300)
labels = rng.integers(0, 5, n_rows)
written = {"labels": labels, "columns": columns, "starts": starts}[which]
done = False

def write():
    intact = written.copy()
    for wild in itertools.cycle([-(2**31), 10**4]):
        if done:
            return
        written[rng.integers(0, len(written), 20)] = wild
        time.sleep(1e-4)
        written[:] = intact
        time.sleep(1e-4)

writer = threading.Thread(target=write, daemon=True)
writer.start()
end = time.monotonic() + 1.5
gradient = np.empty(parameters.size)
while time.monotonic() < end:
    for n_threads in (1, 3):
        try:
            net.core.cost(parameters, _core.Data(rows, labels), net.regularisation(0.0), gradient,
                          n_threads)
        except (ValueError, IndexError):
            pass
done = True
writer.join()
"""


@pytest.mark.parametrize("which", ["labels", "columns", "starts"])
def test_wild_indices_from_another_thread_stay_inside_the_arrays(which):
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, which],
        env={**os.environ, "PYTHONPATH": str(HELPERS)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
