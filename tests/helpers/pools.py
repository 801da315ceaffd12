"""Models in worker processes of all kinds: each works as in the parent, to the bit.

All combinations, each in an interpreter of its own: python tests/helpers/pools.py
"""

import concurrent.futures
import hashlib
import itertools
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

METHODS = ["fork", "forkserver", "spawn"]
POOLS = [
    "multiprocessing",
    "concurrent.futures",
    "joblib loky",
    "joblib multiprocessing",
    "joblib threading",
    "os.fork",
]
STATES = ["fresh", "fitted", "after two threads", "amid a fit", "amid a predict"]
TIMEOUT = 600  # seconds; a combination takes a few, or a minute where others take the processors
N_TASKS = 3

BUSY = None  # the model that another thread uses; children have it too if they were forked


def data():
    import numpy as np

    X = np.random.default_rng(0).normal(size=(300, 20))
    return X, (X[:, 0] > 0).astype(int)


def network(n_threads=1):
    import pynn

    return pynn.Network(
        [20, 30, 2], output_activation="softmax", random_state=0, n_threads=n_threads
    )


def classifier(n_threads=1):
    import pynn

    return pynn.MLPClassifier((30,), max_iter=3, random_state=0, n_threads=n_threads)


def work(models):
    """Predict, fit, pickle and save; return a digest of all that came of it."""
    import pynn

    X, y = data()
    digest = hashlib.sha256()
    warnings.simplefilter("ignore")  # few epochs are meant
    if BUSY is not None:
        use_busy(X, y)
    for model in pickle.loads(pickle.dumps(models)):
        is_network = isinstance(model, pynn.Network)
        for n_threads in (1, 2):
            if is_network:
                model.n_threads = n_threads
                digest.update(model.predict(X).tobytes())
                model.fit(X, y, epochs=3)
            else:
                model.set_params(n_threads=n_threads).fit(X, y)
            digest.update(model.predict(X).tobytes())
        other = pickle.loads(pickle.dumps(model))
        digest.update(other.predict(X).tobytes())
        with tempfile.TemporaryDirectory() as folder:
            model.save(Path(folder, "model"))
            digest.update(type(model).load(Path(folder, "model")).predict(X).tobytes())
    return digest.hexdigest()


def use_busy(X, y):
    """Use the model that a thread, here or in the parent, is using."""
    pickle.dumps(BUSY)
    assert BUSY.predict(X).shape == (300, 2)
    if os.getpid() != PARENT:  # there a fit would wait for the other one
        BUSY.fit(X, y, epochs=2)
        assert abs(BUSY.predict(X).sum(axis=1) - 1).max() < 1e-5


PARENT = int(os.environ.get("PYNN_POOLS_PARENT", os.getpid()))


def by_hand(function, arguments):
    """Map by os.fork."""
    results = []
    for argument in arguments:
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(write, function(argument).encode())
            finally:
                os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as answer:
            results.append(answer.read().decode())
        assert os.waitpid(child, 0)[1] == 0
    return results


def mapped(pool, function, arguments):
    match pool.split():
        case ["multiprocessing"]:
            with multiprocessing.Pool(2) as workers:
                results = workers.map(function, arguments)
                workers.close()
                workers.join()
        case ["concurrent.futures"]:
            with concurrent.futures.ProcessPoolExecutor(2) as workers:
                results = list(workers.map(function, arguments))
        case ["joblib", backend]:
            import joblib

            results = joblib.Parallel(2, backend=backend)(
                joblib.delayed(function)(argument) for argument in arguments
            )
        case ["os.fork"]:
            results = by_hand(function, arguments)
    return results


def used(state, end):
    """Bring models into a state; return them and the thread that uses `BUSY`, if any."""
    global BUSY
    X, y = data()
    models, thread = [network(), classifier()], None
    warnings.simplefilter("ignore")
    if state != "fresh":
        models = [models[0].fit(X, y), models[1].fit(X, y)]
    if state == "after two threads":
        network(2).fit(X, y, epochs=3)
        network(2).predict(X)
    if state.startswith("amid"):
        BUSY = network(2)
        target = predict_until if "predict" in state else fit_until
        thread = threading.Thread(target=target, args=(BUSY, end))
        thread.start()
        time.sleep(0.1)
    return models, thread


def fit_until(net, end):
    def look(state):
        return end.is_set()

    net.fit(*data(), epochs=10**9, callbacks=[look])


def predict_until(net, end):
    X = data()[0].repeat(20, axis=0)
    while not end.is_set():
        net.predict(X)


def try_one(method, pool, state):
    multiprocessing.set_start_method(method)
    os.environ["JOBLIB_START_METHOD"] = method
    os.environ["PYNN_POOLS_PARENT"] = str(PARENT)
    end = threading.Event()
    models, thread = used(state, end)
    try:
        results = mapped(pool, work, [models] * N_TASKS)
    finally:
        end.set()
        if thread is not None:
            thread.join()
    assert results == [work(models)] * N_TASKS


def run(method, pool, state):
    """Try one combination in an interpreter of its own; return what went wrong, or nothing."""
    command = [sys.executable, "-P", "-W", "ignore::DeprecationWarning", __file__]
    child = subprocess.Popen(
        [*command, method, pool, state],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = child.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        return f"no end within {TIMEOUT} s: {child.communicate()[0]}"
    return output or (f"exit status {child.returncode}" if child.returncode else "")


def main():
    if len(sys.argv) > 1:
        try_one(*sys.argv[1:])
        return
    n_wrong, begun = 0, time.monotonic()
    for combination in itertools.product(METHODS, POOLS, STATES):
        wrong = run(*combination)
        n_wrong += bool(wrong)
        print(*combination, wrong or "well", sep=", ", flush=True)
    print(f"{n_wrong} failures in {time.monotonic() - begun:.0f} s")
    sys.exit(bool(n_wrong))


if __name__ == "__main__":
    main()
