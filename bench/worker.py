"""One peer with one number of threads, in a process of its own: both ends of the pipe.

Requests and replies are lines of JSON. ``python worker.py PEER N_THREADS`` is the child's end,
`Worker` the parent's. The child computes only between a request and its reply, so whoever asks
one worker at a time has the machine measured one peer at a time.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

PATIENCE = 900  # seconds before a worker that does not answer is given up
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
# Variables of the caller's shell that choose kernels or threads: a peer's best form is its own.
_TUNING = ("BLIS_", "GOMP_", "KMP_", "MKL_", "OMP_", "OPENBLAS_", "XLA_")

# Idle threads of OpenBLAS spin for 0.1 s, of MKL for 0.2 s, in the next peer's time. Six
# milliseconds (2²⁴ cycles) cover the pauses between the products of a step.
_SPIN = {"OPENBLAS_THREAD_TIMEOUT": "24", "KMP_BLOCKTIME": "6"}


class WorkerError(Exception):
    """What a worker answered instead of a result."""


class Worker:
    """The parent's end: starts the process, asks, gives up on silence."""

    script = Path(__file__)  # the child's end

    def __init__(self, peer, n_threads):
        self.peer = peer
        self.n_threads = n_threads
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (close() closes it)
        self._process = subprocess.Popen(
            [sys.executable, str(self.script.resolve()), peer, str(n_threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=_environment(n_threads),
        )

    def greeting(self):
        """Return {"version"}, or {"absent": why}."""
        return self._reply()

    def ask(self, **request):
        """Send a request, wait for its reply; WorkerError where there is none."""
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._ending()) from None
        reply = self._reply()
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply

    def close(self):
        """End the process and wait for it."""
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


def _environment(n_threads):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_TUNING)}
    return kept | dict.fromkeys(_THREAD_VARIABLES, str(n_threads)) | _SPIN


def _blas_kernels():
    """Return which kernels each BLAS of this process chose, "" without threadpoolctl."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return ""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    names = (f"{pool['internal_api']} {pool.get('architecture', '')}".strip() for pool in pools)
    return ", ".join(sorted(set(names)))


class _Server:
    """The child's end: holds the peers of one case, one for each form."""

    def __init__(self, peer_class, n_threads):
        self._peer_class = peer_class
        self._n_threads = n_threads
        self._forms = {}
        self._file = None

    def forms(self, case, quick):
        """Return the forms in which the library can train a case; none where it cannot."""
        from cases import CASES

        peer_class = self._peer_class.for_case(CASES[case])
        if peer_class is None:
            return {"forms": ()}
        return {"forms": peer_class.quick_forms if quick else peer_class.forms}

    def open(self, file, case, form):
        """Train the check's rows in order, return the loss; then take the whole data.

        Where the case has dropout, the loss is the one without, and beside it the one with.
        """
        self._load(file, case)
        peer_class, reply = self._peer_class.for_case(self._case), {}
        if self._case.dropout:
            peer = peer_class(replace(self._case, dropout=0.0), form, self._n_threads)
            reply["loss"] = self._check(peer)
        peer = peer_class(self._case, form, self._n_threads)
        reply["loss_dropped" if reply else "loss"] = self._check(peer)
        peer.start(self._initial, self._X, self._y)
        self._forms[form] = peer
        return reply | {"footnote": peer.footnote()}

    def _check(self, peer):
        case = self._case
        n = case.n_check_rows
        peer.start(self._initial, self._X[:n], self._y[:n])
        peer.train(case.n_check_epochs * (n // case.batch_size), shuffle=False)
        return self._loss(peer)

    def train(self, form, n_batches):
        """Return how many batches were trained and the wall and processor time of it."""
        peer = self._forms[form]
        cpu, wall = time.process_time(), time.perf_counter()
        done = peer.train(n_batches)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"n_batches": done, "seconds": wall, "cpu_seconds": cpu}

    def loss(self, form):
        """Return the loss on the check's rows after all training so far."""
        return {"loss": self._loss(self._forms[form])}

    def forget(self):
        """Drop the case and its data."""
        self._forms = {}
        self._file = self._X = self._y = None
        return {}

    def _load(self, file, case):
        import cases

        if file != self._file:
            self._X, self._y, self._initial = cases.read(file)
            self._case = cases.CASES[case]
            self._file = file

    def _loss(self, peer):
        import cases

        return cases.loss(self._case, peer.parameters(), self._X, self._y)


def open_channel():
    """Return say(**reply), which writes to the pipe; what libraries print goes to the log."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(**reply):
        channel.write(json.dumps(reply) + "\n")
        channel.flush()

    return say


def answer(server, say):
    """Reply to each request with what the server's method of that name returns, to the end."""
    for line in sys.stdin:
        request = json.loads(line)
        try:
            say(**getattr(server, request.pop("do"))(**request))
        except Exception as error:  # whatever a peer raises is that peer's result
            say(error=f"{type(error).__name__}: {error}".splitlines()[0])


def _serve(peer, n_threads):
    say = open_channel()
    import peers

    try:
        peer_class, version = peers.load(peer)
    except ImportError as error:
        say(absent=str(error))
        return
    blas = _blas_kernels()
    version += f" ({blas})" if blas else ""
    say(version=version)
    warnings.simplefilter("ignore")
    answer(_Server(peer_class, n_threads), say)


if __name__ == "__main__":
    _serve(sys.argv[1], int(sys.argv[2]))
