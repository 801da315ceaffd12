"""Little memory, few threads, many fits at once, long fits: right results or errors, no growth."""

import os
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from long import IS_LONG

import pynn

# For glibc: no address space in reserve, from which a process could take beyond its limit.
STRICT = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc, limits a process")


def in_subprocess(code, *arguments, timeout=300):
    done = subprocess.run(
        [sys.executable, "-P", "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | STRICT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Little memory

# Each limit has a child of its own: memory that was freed before would be used again.
LIMITED = """
    import os, pickle, resource, signal, warnings
    import numpy as np, scipy.sparse
    import pynn

    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(1000, 300)), rng.integers(0, 3, 1000)
    x = X.astype(np.float32)
    csr = scipy.sparse.csr_array(np.where(rng.random(X.shape) < 0.1, X, 0))
    MAKE_AND_WORK

    def state(model):
        return pickle.dumps(model), sorted(vars(model))

    def outcome(model, limit):
        if limit is not None:
            in_use = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (in_use + limit, resource.RLIM_INFINITY))
        try:
            return work(model, slice(None))
        except MemoryError:
            return None
        finally:  # else there may be no memory for the state
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)

    def in_child(limit):
        here, there = os.pipe()
        if os.fork() == 0:
            signal.alarm(60)
            model = make()
            before = state(model)
            bits = outcome(model, limit)
            kept = state(model) == before
            os.write(there, bits[-1000:] if bits else b"as it was" if kept else b"changed")
            os._exit(0)
        os.close(there)
        with open(here, "rb") as pipe:
            said = pipe.read()
        _, status = os.wait()
        assert status == 0, (limit, status)
        assert said != b"changed", limit
        return said

    work(make(), slice(20))  # so that all is imported
    expected = in_child(None)
    failures = successes = 0
    for limit in [0, 4096, *(int(2**(k / STEPS)) for k in range(14 * STEPS, 30 * STEPS))]:
        said = in_child(limit)
        assert said in (expected, b"as it was"), limit
        failures += said != expected
        successes += said == expected
        if successes == 2:
            break
    print(failures, successes)
"""
NETWORK = """
    def make():
        return pynn.Network([300, 200, 3], output_activation="softmax", random_state=0,
                            n_threads=N_THREADS)
    def work(net, rows):
        result = CALL
        return (net.parameters if result is net else result).tobytes()
"""
ESTIMATOR = """
    def make():
        return pynn.MLPClassifier((200,), max_iter=2, random_state=0, n_threads=N_THREADS,
                                  solver="SOLVER")
    def work(mlp, rows):
        return mlp.fit(X[rows], y[rows]).network_.parameters.tobytes()
"""
WORK = {
    "fit": NETWORK.replace("CALL", "net.fit(X[rows], y[rows], epochs=2, batch_size=500)"),
    "fit in place": NETWORK.replace("CALL", "net.fit(x[rows], y[rows], optimizer='sgd')"),
    "fit sparse rows": NETWORK.replace("CALL", "net.fit(csr[rows], y[rows])"),
    "validation": NETWORK.replace("CALL", "net.fit(X[rows], y[rows], early_stopping=True)"),
    "predict": NETWORK.replace("CALL", "net.predict(X[rows])"),
    "gradient": NETWORK.replace("CALL", "net.gradient(X[rows], y[rows])"),
    "estimator": ESTIMATOR.replace("SOLVER", "adam"),
    "L-BFGS": ESTIMATOR.replace("SOLVER", "lbfgs"),
}


@linux
@pytest.mark.parametrize("n_threads", [1, 2] if IS_LONG else [2])
@pytest.mark.parametrize("work", WORK if IS_LONG else ["fit", "estimator"])
def test_little_address_space_is_a_memory_error_that_changes_nothing(work, n_threads):
    if "asan" in Path("/proc/self/maps").read_text():
        pytest.skip("the address sanitizer reserves terabytes of addresses")
    code = textwrap.dedent(LIMITED).replace("MAKE_AND_WORK", textwrap.dedent(WORK[work]))
    code = code.replace("N_THREADS", str(n_threads)).replace("STEPS", "4" if IS_LONG else "1")
    failures, successes = in_subprocess(code).split()
    assert int(failures) >= 3
    assert int(successes) == 2


# Few threads

NO_THREADS = """
    import os, resource, threading
    import numpy as np, pynn

    X, y = np.random.default_rng(0).normal(size=(2, 300, 40))
    def results():
        net = pynn.Network([40, 50, 40], random_state=0, n_threads=8)
        net.fit(X, y, epochs=3, batch_size=100)
        return net.parameters.tobytes(), net.predict(X).tobytes(), net.gradient(X, y).tobytes()
    expected = results()
    resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
    os.setgid(65534), os.setuid(65534)
    try:
        thread = threading.Thread(target=int)
        thread.start()
    except RuntimeError:
        pass
    else:
        print("this user may start threads")
        raise SystemExit
    assert results() == expected
"""


@linux
@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root is another")
def test_a_process_that_may_start_no_threads_computes_the_same_alone():
    if said := in_subprocess(NO_THREADS):
        pytest.skip(said)


# Many fits at once


KINDS = {0: {"validation_split": 0.2}, 1: {"dropout": 0.3, "callbacks": [lambda state: None]}}


def fitted(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(2, 30, 4))
    if seed % 10 == 2:
        mlp = pynn.MLPRegressor(hidden_layer_sizes=(5,), random_state=seed)
        return mlp.partial_fit(X, y).network_.parameters.tobytes()
    net = pynn.Network([4, 5, 4], random_state=seed, n_threads=1 + seed % 3)
    net.fit(X, y, epochs=3, batch_size=7, **KINDS.get(seed % 10, {}))
    return net.parameters.tobytes(), repr(net.history), net.predict(X).tobytes()


@pytest.mark.slow
def test_many_fits_in_64_threads_have_the_bits_of_fits_in_a_row():
    n = 200 if IS_LONG else 60
    expected = [fitted(seed) for seed in range(n)]
    with ThreadPoolExecutor(64) as pool:
        assert list(pool.map(fitted, [*range(n)] * 5)) == expected * 5


# Long fits

MEMORY = """
    import sys, time
    import numpy as np, pynn

    seconds, kind = float(sys.argv[1]), sys.argv[2]
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 50)), rng.normal(size=(500, 4))
    end, seen = None, []

    def in_use():
        return int(open("/proc/self/statm").read().split()[1]) * 4096

    def is_over():
        global end
        end = time.monotonic() + seconds if end is None else end
        return time.monotonic() > end and len(seen) > 8

    def look(state):
        if state.epoch % 5 == 0:
            seen.append(in_use())
        for values in state.history.values():  # the only thing that is to grow: 8 bytes a figure
            del values[:-1]
        return is_over()

    settings = {"epochs": 2**31 - 1, "callbacks": [look], "batch_size": 50}
    net = pynn.Network([50, 60, 4], random_state=0, n_threads=2)
    if kind == "one fit":
        net.fit(X, y, validation_data=(X, y), dropout=0.2, clip_norm=1.0, **settings)
    elif kind == "blocks":
        net.fit([(X[:250], y[:250]), (X[250:], y[250:])], **settings)
    else:
        while not is_over():
            mlp = pynn.MLPRegressor(hidden_layer_sizes=(60,), max_iter=2, tol=0, random_state=0)
            mlp.partial_fit(X, y).partial_fit(X, y).predict(X)
            pynn.Network([50, 60, 4], random_state=0, n_threads=2).fit(X, y, epochs=2)
            seen.append(in_use())
    half = len(seen) // 2
    print(len(seen), max(seen[:half]), max(seen[half:]))
"""


@linux
@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["one fit", "blocks", "many fits"] if IS_LONG else ["one fit", "many fits"]
)
def test_memory_does_not_grow_with_time(kind):
    seconds = 600 if IS_LONG else 2
    before = time.monotonic()
    n_looks, first, second = map(
        int, in_subprocess(MEMORY, seconds, kind, timeout=300 + 2 * seconds).split()
    )
    assert time.monotonic() - before >= seconds
    assert n_looks > 8
    assert second - first < 2**20, (n_looks, first, second)
