"""In a container with little memory, fits that fit end, and their stated peak holds.

The limit is a control group's: it counts all pages of the process, those of files among them. A
process beyond it is killed, whatever its code does.
"""

import signal
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
ROOT = Path("/sys/fs/cgroup")
LIMITS = ["memory.max", "memory.limit_in_bytes"]  # of version 2, of version 1


@pytest.fixture
def group():
    """Yield the folder of a new control group, and the file of its limit."""
    parent = ROOT / "memory" if (ROOT / "memory").is_dir() else ROOT
    folder = parent / f"pynn-test-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    try:
        limits = [folder / name for name in LIMITS if (folder / name).exists()]
        if not limits:
            pytest.skip(f"groups in {parent} do not limit memory")
        yield folder, limits[0]
    finally:
        folder.rmdir()  # it is empty once its process has ended


FIT = """
    import re, sys
    from pathlib import Path
    import numpy as np, pynn

    procs, limit, allowed = Path(sys.argv[1], "cgroup.procs"), Path(sys.argv[2]), float(sys.argv[3])

    def rss(name):
        status = Path("/proc/self/status").read_text()
        return int(re.search(rf"{name}:\\s+(\\d+)", status)[1]) * 1024

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5_000, 784)).astype(np.float32), rng.integers(0, 10, 5_000)
    net = pynn.Network([784, 512, 512, 10], output_activation="softmax", random_state=0)
    net.fit(X[:300], y[:300], batch_size=128, optimizer="sgd")  # so that all is imported
    del net
    net = pynn.Network([784, 512, 512, 10], output_activation="softmax", random_state=0)
    try:
        procs.write_text("0")  # what was allocated before is not moved into the group
        limit.write_text(str(int(allowed)))
    except OSError as error:
        print("SKIP", error)
        raise SystemExit
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = rss("VmRSS")
    net.fit(X, y, batch_size=128, epochs=2, optimizer="adam")
    raised = rss("VmHWM") - before
    held = net.parameters.nbytes * 3 + 32e6  # parameters, Adam's two slots; as in bench/README.md
    assert raised < held, (raised, held)
    assert np.isfinite(net.history["cost"]).all() and len(net.history["cost"]) == 2
    if len(sys.argv) > 4:
        np.ones(int(allowed))  # eight times what is allowed
    print("END", raised)
"""


def fit_within(group, n_bytes, *more):
    folder, limit = group
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(FIT), folder, limit, str(n_bytes), *more],
        capture_output=True,
        text=True,
        timeout=300,
    )
    if done.stdout.startswith("SKIP"):
        pytest.skip(f"no process can enter the control group: {done.stdout}")
    return done


@pytest.mark.slow
def test_a_fit_ends_within_its_stated_memory(group):
    done = fit_within(group, 48e6)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("END")


@pytest.mark.slow
def test_the_limit_of_this_test_is_one(group):
    done = fit_within(group, 48e6, "and more")
    assert done.returncode == -signal.SIGKILL, done.stderr
