"""The fp32 FMA peak of this machine's threads, measured: ``python bench/peak.py``."""

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).with_name("fma_peak.c")
_WIDTHS = (16, 32, 64)  # bytes of a vector: SSE and NEON, AVX2, AVX-512
_TRIES = 20
_SECONDS = 0.03  # of each try: long enough for the clock to rise, short against a time slice


def measure(thread_counts=(1, 2)):
    """Return ({n_threads: GFLOP/s}, how they were measured)."""
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "fma_peak.so"
        if compiler and _compile(compiler, library):
            loops = ctypes.CDLL(str(library))
            width = max(_WIDTHS, key=lambda width: _rate(_loop(loops, width), 1))
            found = {n: _rate(_loop(loops, width), n) for n in thread_counts}
            return found, f"independent FMAs on vectors of {width} bytes, {compiler}"
    found = {n: _sgemm_peak(n) for n in thread_counts}
    return found, "NO C COMPILER FOUND: NumPy's sgemm instead, which is below the FMA peak"


def _compile(compiler, library):
    for target in ("-march=native", "-mcpu=native"):
        flags = ["-O3", target, "-ffp-contract=fast", "-shared", "-fPIC"]
        command = [compiler, *flags, str(SOURCE), "-o", str(library)]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return True
    return False


def _loop(loops, width):
    loop = getattr(loops, f"fma_{width}")
    loop.argtypes = [ctypes.c_long, ctypes.c_void_p]
    loop.restype = ctypes.c_double
    return loop


def _rate(loop, n_threads):
    """Best GFLOP/s of some tries, all threads running the loop at once."""
    barrier = threading.Barrier(n_threads)

    def work(n):
        sink = np.array([0.5, 1, 0, 0], np.float32)  # a = a/2 + 1 goes to 2: no subnormals
        barrier.wait()
        start = time.perf_counter()
        flop = loop(n, sink.ctypes.data)  # ctypes releases the GIL
        return start, time.perf_counter(), flop

    with ThreadPoolExecutor(n_threads) as pool:

        def run(n):
            starts, stops, flop = zip(*pool.map(work, [n] * n_threads), strict=True)
            return max(stops) - min(starts), sum(flop)

        n = 100_000
        seconds, _ = run(n)
        n = int(n * _SECONDS / seconds) + 1
        tries = [run(n) for _ in range(_TRIES)]
    return max(flop / seconds for seconds, flop in tries) / 1e9


def _sgemm_peak(n_threads):
    """Best of NumPy's product of two 1024 × 1024 matrices, in a process with n_threads."""
    code = (
        "import numpy as np, time; a = np.ones((1024, 1024), np.float32); t = []\n"
        "for _ in range(20): s = time.perf_counter(); a @ a; t.append(time.perf_counter() - s)\n"
        "print(2 * 1024**3 / min(t) / 1e9)"
    )
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(n_threads))
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    peaks, method = measure()
    print(method)
    for n, gflops in peaks.items():
        print(f"{n} thread{'s' * (n > 1)}: {gflops:.0f} GFLOP/s")
