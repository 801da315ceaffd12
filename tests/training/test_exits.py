"""A process ends while fits go on: it neither crashes nor hangs, and says nothing of its own."""

import signal
import subprocess
import sys

import pytest

PRELUDE = """
import atexit, faulthandler, os, signal, sys, threading, time
import numpy as np
import pynn

X = np.random.default_rng(0).normal(size=(500, 20))
Y = (X[:, 0] > 0).astype(int)

def network():
    return pynn.Network([20, 50, 2], output_activation="softmax", random_state=0, n_threads=2)

def fits(**settings):
    return network().fit(X, Y, epochs=10**9, **settings)

def predicts():
    net = network()
    while True:
        net.predict(X)

def thread(target, daemon=True, **settings):
    started = threading.Thread(target=target, kwargs=settings, daemon=daemon)
    started.start()
    return started

def fork_a_child_that_fits(leave, status):
    child = os.fork()
    if child == 0:
        faulthandler.dump_traceback_later(200, exit=True)
        network().fit(X, Y, epochs=3)
        leave(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

network().fit(X, Y)  # all modules are imported
"""

# name -> script, exit status, pattern of what it says
SCRIPTS = {
    "daemon threads that fit and predict": (
        """
thread(fits); thread(predicts); thread(fits, callbacks=[lambda state: None])
time.sleep(0.2)
""",
        0,
        "",
    ),
    "a thread that is no daemon is waited for": (
        """
def briefly():
    end = time.monotonic() + 0.3
    fits(callbacks=[lambda state: time.monotonic() > end])
    print("done", flush=True)
thread(briefly, daemon=False)
""",
        0,
        "done",
    ),
    "os._exit amid a fit": ("thread(fits); time.sleep(0.1); os._exit(3)", 3, ""),
    "sys.exit in a callback": (
        """
net = network()
before = net.parameters.copy()
atexit.register(lambda: print((net.parameters == before).all(), net.history))
net.fit(X, Y, epochs=5, callbacks=[lambda state: sys.exit(4)])
""",
        4,
        "True {'cost': []}",
    ),
    "an error at the exit": (
        """
def fail():
    raise OSError("mine")
thread(fits)
atexit.register(fail)
time.sleep(0.1)
""",
        0,
        "OSError: mine",
    ),
    "a fit at the exit": (
        "atexit.register(lambda: print(len(network().fit(X, Y, epochs=3).history['cost'])))",
        0,
        "3",
    ),
    "SIGTERM amid a fit": (
        """
signal.signal(signal.SIGTERM, signal.SIG_DFL)
threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGTERM]).start()
fits()
""",
        -signal.SIGTERM,
        "",
    ),
    "SIGTERM that exits": (
        """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGTERM]).start()
fits()
""",
        5,
        "",
    ),
    "a child's end amid the parent's fit": (
        """
thread(fits)
time.sleep(0.1)
fork_a_child_that_fits(sys.exit, 6)
""",
        0,
        "6",
    ),
    "a child forked amid the first import of a class": (
        """
class Slowly:
    def find_spec(self, name, path, target=None):
        if name == "pynn.network":
            begun.set()
            time.sleep(0.3)

begun = threading.Event()
sys.meta_path.insert(0, Slowly())
for name in ("pynn.network", "pynn.callbacks"):
    sys.modules.pop(name)
del pynn.Network
thread(network)
begun.wait()
fork_a_child_that_fits(os._exit, 8)
""",
        0,
        "8",
    ),
    "the team waits for a callback": (
        "thread(fits, callbacks=[lambda state: time.sleep(1000)]); time.sleep(0.2)",
        0,
        "",
    ),
    "a callback that forks, and exits in the child": (
        """
def fork(state):
    if os.fork() == 0:
        sys.exit(7)  # the child's fit ends by this, as the parent's would
    state.stop()
fits(callbacks=[fork])
print(os.waitstatus_to_exitcode(os.wait()[1]))
""",
        0,
        "7",
    ),
    "a session that nobody ended": (
        """
from pynn.training.loop import Loop
def run(loop):
    yield from loop.learner.learn(3)
    kept.append(loop)
Loop.run = run
kept = []
network().fit(X, Y)
assert kept[0].learner.session
""",
        0,
        "",
    ),
    "tracebacks of all threads, again and again": (
        """
with open(os.devnull, "w") as file:
    faulthandler.dump_traceback_later(0.01, repeat=True, file=file)
    end = time.monotonic() + 0.3
    fits(callbacks=[lambda state: time.monotonic() > end])
    faulthandler.cancel_dump_traceback_later()
""",
        0,
        "",
    ),
}


def end_of(script):
    """Run a script; return its exit status and its output without the traceback's lines."""
    run = subprocess.run(
        [sys.executable, "-P", "-W", "ignore:.*fork:DeprecationWarning", "-c", PRELUDE + script],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return run.returncode, run.stdout.strip()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_process_ends_as_it_should(name):
    script, status, words = SCRIPTS[name]
    found, output = end_of(script)
    assert (found, output.splitlines()[-1:]) == (status, [words] if words else []), output
    assert "pynn" not in output


SUBINTERPRETER = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
for _ in range(3):
    one = interpreters.create()
    try:
        error = interpreters.run_string(one, '''
try:
    import pynn._core
except ImportError as error:
    assert "interpreter" in str(error), error
''')
        assert error is None, error
    finally:
        interpreters.destroy(one)
print(len(network().fit(X, Y, epochs=3).history["cost"]))
"""


def test_a_subinterpreter_refuses_or_works():
    pytest.importorskip("_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters")
    assert end_of(SUBINTERPRETER) == (0, "3")
