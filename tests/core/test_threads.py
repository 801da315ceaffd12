"""The core releases the GIL, so Python's threads meet in it; and a process may fork after it."""

import contextlib
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from together import at_once

import pynn

SHAPES = {  # name: (layer sizes, rows, batch size); BLAS uses threads of its own for the last two
    "tiny": ([5, 4, 3], 200, 8),
    "digits": ([784, 30, 10], 300, 10),
    "wide": ([300, 500, 400], 512, 256),
    "odd": ([257, 511, 255], 512, 256),
}


def trained(shape, seed):
    sizes, n_rows, batch_size = SHAPES[shape]
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(n_rows, sizes[0])), rng.normal(size=(n_rows, sizes[-1]))
    net = pynn.Network(sizes, activation="tanh", random_state=seed)
    net.fit(X, y, epochs=2, batch_size=batch_size, optimizer=pynn.Adam())
    return net.parameters.tobytes(), net.predict(X).tobytes(), net.gradient(X, y).tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("n_threads", [2, 4])
def test_networks_of_different_threads_get_the_bits_they_get_alone(n_threads):
    jobs = [(shape, seed) for seed, shape in enumerate(list(SHAPES)[::-1])][:n_threads]
    alone = [trained(*job) for job in jobs]
    for _ in range(3):
        together = at_once([lambda job=job: trained(*job) for job in jobs])
        assert together == alone


@pytest.mark.parametrize("shape", SHAPES)
def test_one_network_predicts_in_several_threads(shape):
    sizes, n_rows, _ = SHAPES[shape]
    net = pynn.Network(sizes, random_state=0)
    X = np.random.default_rng(0).normal(size=(n_rows, sizes[0]))
    expected = net.predict(X)
    for outputs in at_once([lambda: net.predict(X)] * 4):
        np.testing.assert_array_equal(outputs, expected)


def test_fits_of_one_network_wait_for_each_other():
    """Each fit is on the same rows: done one after the other, any order is one long fit."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 6)), rng.normal(size=(400, 2))

    def fit(net, epochs=20):
        return net.fit(X, y, epochs=epochs, shuffle=False)

    def network():
        return pynn.Network([6, 20, 2], random_state=0)

    net, expected = network(), fit(network(), 80)
    at_once([lambda: fit(net)] * 4)
    np.testing.assert_array_equal(net.parameters, expected.parameters)
    assert net.history["cost"][-20:] == expected.history["cost"][-20:]


def test_other_threads_run_during_one_epoch():
    """One call, one epoch: what the other thread counts meanwhile, it counts without the GIL."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60_000, 100)).astype(np.float32)
    y = rng.normal(size=(60_000, 10)).astype(np.float32)
    net = pynn.Network([100, 100, 10], random_state=0)
    counted, finished = 0, threading.Event()

    def count():
        nonlocal counted
        while not finished.is_set():
            counted += 1
            time.sleep(0)

    other = threading.Thread(target=count)
    other.start()
    before = counted
    net.fit(X, y)
    during = counted - before
    finished.set()
    other.join()
    assert during > 50


def fit_in_child(connection, net, X, y):
    before = net.predict(X).tobytes()
    net.fit(X, y, epochs=2, batch_size=256, shuffle=False)
    connection.send((before, net.parameters.tobytes(), trained("digits", 0)))
    connection.close()


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork"
)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_process_goes_on(rng):
    """Threads do not survive a fork: whatever the core or BLAS keeps of them must not matter."""
    net = pynn.Network([300, 500, 400], random_state=0)
    X, y = rng.normal(size=(512, 300)), rng.normal(size=(512, 400))
    net.fit(X, y, batch_size=256, shuffle=False)
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=fit_in_child, args=(there, net, X, y))
    child.start()
    try:
        assert here.poll(60), "the forked process hangs"
        before, parameters, other = here.recv()
    finally:
        child.kill()
        child.join()
    assert before == net.predict(X).tobytes()
    net.fit(X, y, epochs=2, batch_size=256, shuffle=False)
    assert parameters == net.parameters.tobytes()
    assert other == trained("digits", 0)


def test_limits_set_before_the_first_network_hold():
    code = """
        import numpy as np, pynn
        from threadpoolctl import threadpool_limits
        with threadpool_limits(1):
            print(pynn.Network([2, 1]) and pynn.model.threads.usable())
    """
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert done.stdout == "1\n", done.stderr


def in_subprocess(code):
    code = textwrap.dedent(code)
    return subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)


def test_memory_does_not_grow_with_threads_that_no_team_has():
    pytest.importorskip("resource")
    done = in_subprocess("""
        import resource
        import numpy as np
        from pynn import _core
        activations = ("tanh", "identity")
        cost = ("squared_error", 0.0, "float32")
        core = _core.Core((784, 30, 10), activations, (0.0, 0.0), True, False, (), (), *cost)
        parameters = np.full(core.n_parameters, 0.01, np.float32)
        X = np.ones((50, 784), np.float32)
        few, many = np.empty((2, 50, 10), np.float32)
        core.predict(few, parameters, _core.Data(X), 1)
        if "asan" not in open("/proc/self/maps").read():  # it reserves terabytes of addresses
            in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (in_use + 4 * 2**30,) * 2)
        core.predict(many, parameters, _core.Data(X), 10**6)
        assert few.tobytes() == many.tobytes()
    """)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_workers_take_the_signals_of_their_own_faults_and_no_others():
    others = set(os.listdir("/proc/self/task"))  # of libraries that other tests use

    def blocked():
        """Return the masks of blocked signals of the new threads that block any."""
        masks = []
        for task in set(os.listdir("/proc/self/task")) - others:
            status = Path(f"/proc/self/task/{task}/status")
            with contextlib.suppress(OSError):  # the thread may be gone
                masks.append(int(re.search(r"SigBlk:\s*(\w+)", status.read_text())[1], 16))
        return [mask for mask in masks if mask]

    faults = [signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL]
    faults += [signal.SIGTRAP, signal.SIGABRT]
    net = pynn.Network([300, 200, 10], n_threads=3, random_state=0)
    X = np.random.default_rng(0).normal(size=(2000, 300))
    seen = Counter()
    with ThreadPoolExecutor(1) as pool:
        fit = pool.submit(net.fit, X, X[:, :10], epochs=10)
        while not fit.done():
            seen.update(blocked())
    ((mask, _),) = seen.most_common(1)  # starting and ending, a thread blocks all for a moment
    assert mask >> (signal.SIGINT - 1) & 1
    assert not any(mask >> (fault - 1) & 1 for fault in faults)
