"""Python gets no memory at its n-th request, in the core never again from then on: MemoryError, no
crash, and files and networks are as they were.

PYNN_LONG=1 tries a Network and files as well, where much else asks for memory.
"""

import subprocess
import sys

import pytest
from long import only_long

pytest.importorskip("_testcapi", reason="this Python has no failing allocations")

# A request that fails alone is made up for in many places, so several successes end the search.
PROGRAM = """
import faulthandler, os, sys, tempfile, warnings
faulthandler.enable()
faulthandler.dump_traceback_later(300, exit=True)
warnings.simplefilter("ignore")
import _testcapi
import numpy as np
import pynn
from pynn.training import checkpoint

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
net = pynn.Network([3, 4, 2], activation="gelu", dtype="float64", random_state=0)
core, parameters, data = net._core, net.parameters, net._data(X, Y)
out, gradient, vector, costs = np.empty((7, 2)), np.empty(26), np.empty(42), np.empty(7)
folder = tempfile.mkdtemp()
model, kept = os.path.join(folder, "model"), os.path.join(folder, "fit.npz")
net.save(model)
checkpoint.write(kept, {"a": X}, {"fit": {}})
np.save(os.path.join(folder, "X.npy"), X)
blocks = pynn.NpyBlocks(os.path.join(folder, "X.npy"), Y, rows=3)
penalty = pynn.model.regularisation.Regularisation.checked(2).core

CALLS = {
    "core.trace": lambda: core.trace(
        parameters, data, z=vector, a=vector.copy(), da=vector, delta=vector, costs=costs),
    "core.predict": lambda: core.predict(out, parameters, data),
    "core.cost": lambda: core.cost(parameters, data, penalty, gradient),
    "core.state": lambda: pynn._core.State("adam", [gradient, gradient], learning_rate=0.1),
    "trace": lambda: net.trace(X, Y),
    "predict": lambda: net.predict(X),
    "gradient": lambda: net.gradient(X, Y),
    "fit": lambda: net.fit(X, Y, epochs=2, batch_size=3, optimizer="adam"),
    "save": lambda: net.save(model),
    "write": lambda: checkpoint.write(kept, {"a": X}, {"fit": {}}),
    "read": lambda: checkpoint.read(kept),
    "stream": lambda: [net.cost(*block) for block in blocks],
}
def attempt(call, *when):
    # In a small function: far from its start, CPython 3.11 needs memory to find a handler.
    _testcapi.set_nomemory(*when)
    try:
        call()
    except BaseException as error:
        return error
    finally:
        _testcapi.remove_mem_hooks()

def is_of_python(error):
    # CPython's compiler and NumPy's ufuncs may return NULL without an exception; locks say it so,
    # os.fspath says it so, and safetensors panics.
    if type(error).__name__ == "PanicException" or "os.PathLike" in str(error):
        return True
    while error is not None and not isinstance(error, SystemError):
        if isinstance(error, RuntimeError) and "can't allocate" in str(error):
            return True
        error = error.__cause__
    return error is not None

for name in sys.argv[1:]:
    call, for_ever = CALLS[name], name.startswith("core.")
    if name != "fit":
        call()  # once, so that what is imported or cached at first use is there
    n_failed = n_passed = n = 0
    while n_passed < (5 if for_ever else 30):
        before = net.parameters.tobytes(), repr(net.history)
        error = attempt(call, n, 0 if for_ever else n + 1)
        if error is None:
            n_passed += 1
        else:
            n_passed, n_failed = 0, n_failed + 1
            assert isinstance(error, MemoryError) or is_of_python(error), error
            assert (net.parameters.tobytes(), repr(net.history)) == before, n
        pynn.Network.load(model)
        checkpoint.read(kept)
        assert not [found for found in os.listdir(folder) if found.startswith(".pynn")], n
        n += 1
    assert np.isfinite(net.predict(X)).all()
    print(n_failed)
"""

CORE = ["core.trace", "core.predict", "core.cost", "core.state"]
NETWORK = ["trace", "predict", "gradient", "fit"]
# Without load, because safetensors panics, and without a fit with checkpoints, because CPython 3.11
# searches endlessly for a handler of the error.
FILES = ["save", "write", "read", "stream"]


@pytest.mark.parametrize(
    "calls",
    [CORE, pytest.param(NETWORK, marks=only_long), pytest.param(FILES, marks=only_long)],
    ids=["core", "network", "files"],
)
def test_every_request_for_memory_that_fails_is_a_memory_error_and_no_crash(calls):
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, *calls], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    n_failed = [int(word) for word in done.stdout.split()]
    assert len(n_failed) == len(calls)
    assert min(n_failed) > 2
