"""One library at one task with one number of threads, in a process of its own.

`Worker` is the parent's end of the pipe. ``python worker.py MODULE LIBRARY N_THREADS`` is the
child's: it answers with the methods of ``MODULE.Child(LIBRARY, N_THREADS)``. Requests and replies
are lines of JSON. The child computes only between a request and its reply.
"""

import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import ExitStack, suppress
from importlib import import_module
from pathlib import Path

PATIENCE = 900  # seconds to wait for an answer
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS",
                     "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")  # fmt: skip
# The caller's choice of kernels and threads is not passed on: each library chooses for itself.
_TUNING = ("BLIS_", "GOMP_", "KMP_", "MKL_", "OMP_", "OPENBLAS_", "XLA_")

# Idle threads of OpenBLAS spin for 0.1 s, of MKL for 0.2 s, in the next library's time. Six
# milliseconds (2²⁴ cycles) cover the pauses between the products of a step.
_SPIN = {"OPENBLAS_THREAD_TIMEOUT": "24", "KMP_BLOCKTIME": "6"}


class WorkerError(Exception):
    """What a worker answered instead of a result."""


class Worker:
    """The parent's end; starting it does not wait for the child."""

    def __init__(self, module, library, n_threads):
        self.library, self.n_threads = library, n_threads
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (close() closes it)
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).resolve()), module, library, str(n_threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=_environment(n_threads),
        )

    def greet(self):
        """Wait until the child is ready; ImportError if its library is missing."""
        greeting = self._reply()
        if "absent" in greeting:
            raise ImportError(greeting["absent"])

    def ask(self, **request):
        """Send a request and return its reply; WorkerError if there is none."""
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._ending()) from None
        reply = self._reply()
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def _reply(self):
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        if not ready:
            self._process.kill()
            raise WorkerError(f"no answer within {PATIENCE} s")
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(self._ending())
        return json.loads(line)

    def _ending(self):
        status = self._process.wait()
        self._log.seek(0)
        last = (self._log.read().strip().splitlines() or ["no message"])[-1]
        return f"its process ended with status {status}: {last}"


class Workers(ExitStack):
    """Workers of one module by library, ended together. ``absent`` says which are missing."""

    def __init__(self, module, libraries, thread_counts):
        super().__init__()
        self.of, self.absent = {}, {}
        with ExitStack() as failing:
            started = [Worker(module, library, n) for library in libraries for n in thread_counts]
            for worker in started:
                failing.enter_context(worker)
            for worker in started:
                try:
                    worker.greet()
                    self.of.setdefault(worker.library, []).append(worker)
                except (ImportError, WorkerError) as error:
                    self.absent[worker.library] = str(error)
            self.enter_context(failing.pop_all())

    def __iter__(self):
        return (worker for group in self.of.values() for worker in group)


def _environment(n_threads):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_TUNING)}
    return kept | dict.fromkeys(_THREAD_VARIABLES, str(n_threads)) | _SPIN


class Timed:
    """A child whose ``calls`` can be timed by name; ``before`` has their uncounted preparations."""

    def __init__(self, *_):
        self.calls, self.before = {}, {}

    def time(self, call, n_calls):
        """Return wall and processor time of some calls in a row."""
        if call in self.before:
            self.before[call]()
        function = self.calls[call]
        return timed(lambda: [function() for _ in range(n_calls)] and n_calls)


def timed(function):
    """Call a function that returns how many calls it made; return these with their times."""
    cpu, wall = time.process_time(), time.perf_counter()
    n_calls = function()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"n_calls": n_calls, "seconds": wall, "cpu_seconds": cpu}


def status_bytes(name):
    """Return a figure that Linux has of this process's memory."""
    return 1024 * int(re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())[1])


def _serve(module, library, n_threads):
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to the log

    def say(**reply):
        channel.write(json.dumps(reply) + "\n")
        channel.flush()

    warnings.simplefilter("ignore")  # scikit-learn's ConvergenceWarning and ours alike
    try:
        child = import_module(module).Child(library, n_threads)
    except ImportError as error:
        return say(absent=str(error))
    say(ready=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            say(**(getattr(child, request.pop("do"))(**request) or {}))
        except Exception as error:  # reported to the parent
            say(error=f"{type(error).__name__}: {error}".splitlines()[0])


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))  # python -P omits it
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
