"""C files of this folder, compiled for this machine, loaded by ctypes, and timed."""

import ctypes
import math
import re
import shutil
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
CORE = FOLDER.parent / "csrc"
CMAKE = FOLDER.parent / "CMakeLists.txt"

# Loops that measure the machine: whatever this processor has.
MACHINE_FLAGS = (
    ("-O3", "-march=native", "-ffp-contract=fast"),
    ("-O3", "-mcpu=native", "-ffp-contract=fast"),
)


class CannotCompile(SystemExit):
    """There is no C compiler, or it refused the file; ends a command that needs it."""


def compiler():
    """Return the path of the C compiler; CannotCompile where there is none."""
    found = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if not found:
        raise CannotCompile("no C compiler found: none of cc, gcc, clang is in PATH")
    return found


def load(name, *choices):
    """Compile a file of this folder with the first of the lists of flags that works, load it."""
    with tempfile.TemporaryDirectory(prefix="pynn-bench-") as folder:
        library = Path(folder) / f"{Path(name).stem}.so"
        for flags in choices:
            command = [compiler(), *flags, "-shared", "-fPIC", str(FOLDER / name)]
            command += ["-o", str(library), "-lm", "-pthread"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                return ctypes.CDLL(str(library))
    raise CannotCompile(f"{' '.join(command)}\n{done.stderr}")


def core_flags(bits):
    """Return the flags of CMakeLists.txt for the instruction set in use and one dtype."""
    from pynn import _core

    isa = _core.isa_in_use().removeprefix("x86-64-")
    text = CMAKE.read_text()
    definitions = _words(text, "target_compile_definitions(pynn_options INTERFACE")
    options = _words(text, "target_compile_options(pynn_options INTERFACE")
    options += _words(text, f"set(flags_of_{isa} ")
    ours = [f"-DPYNN_BITS={bits}", f"-DPYNN_ISA={isa}", f"-I{CORE}"]
    return ["-std=gnu11", *(f"-D{word}" for word in definitions), *options, *ours]


def _words(text, command):
    """Return what stands behind the first of these commands, up to its closing bracket."""
    found = re.search(re.escape(command) + r"([^)]*)\)", text)
    if not found:
        raise CannotCompile(f"CMakeLists.txt has no {command!r}")
    return found[1].replace('"', "").split()


def rate(loop, n_threads=1, seconds=0.01, n_tries=50, patience=2.0):
    """Return the best rate of some tries, all threads running the loop at once.

    ``loop(n, i)`` does n rounds as thread i and returns how much that was; it releases the GIL, as
    ctypes does. A try lasts about ``seconds``; three are made however long they take, and no more
    when ``patience`` is over.
    """
    barrier = threading.Barrier(n_threads)

    def work(n, i):
        barrier.wait()
        start = time.perf_counter()
        amount = loop(n, i)
        return start, time.perf_counter(), amount

    with ThreadPoolExecutor(n_threads) as pool:

        def run(n):
            done = pool.map(work, [n] * n_threads, range(n_threads))
            starts, stops, amounts = zip(*done, strict=True)
            return max(stops) - min(starts), sum(amounts)

        n, best, begun = 1, 0.0, time.perf_counter()
        while (taken := run(n)[0]) < seconds / 4:
            n *= min(64, max(2, math.ceil(seconds / taken)))
        n = max(1, round(n * seconds / taken))
        for number in range(n_tries):
            if number >= 3 and time.perf_counter() - begun > patience:
                break
            taken, amount = run(n)
            best = max(best, amount / taken)
    return best
