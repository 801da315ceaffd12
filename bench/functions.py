"""The largest error and the speed of each vectorised function and activation.

    python bench/functions.py [--quick] [--readme]

float32: each of its 2^32 numbers. float64: a sample. bench/README.md explains the table.
"""

import ctypes
import itertools
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # python -P omits it

import native
import numpy as np
import peak
import report
from report import Table, say
from roofline import native_heading
from turns import n_processors

DTYPES = ("float32", "float64")
N_TIMED = 1024  # numbers of an array that is timed: input and result fit the first cache
TIMED_RANGE = (-8.0, 8.0)


def main():
    """Measure all functions in both dtypes, print the table."""
    options = report.parser(__doc__, paired=False).parse_args()
    rarer = 64 if options.quick else 1
    ghz = peak.clock()
    cells = {}
    for dtype in DTYPES:
        core, samples = _load(dtype), _samples(dtype, rarer)
        for number in itertools.count():
            name, lowest, highest = _named(core, number)
            if name is None:
                break
            say(f"{dtype} {name}")
            error, where = _largest_error(core, dtype, number, samples)
            rate = _rate(core, dtype, number, lowest, highest)
            row = cells.setdefault(name, [name, _range(lowest, highest)])
            row += [f"{error:.3g}", f"{where:.6g}", f"{ghz * 1e9 / rate:.2f}", f"{1e9 / rate:.3f}"]
    head, table = native_heading(), _table(cells, _notes(ghz, rarer))
    return report.publish({"functions": [table]}, options, head)


def _samples(dtype, rarer):
    """Return [(first, step, n)]: numbers x whose bits are first, first + step, …

    All of float32, or a 64th of it; of float64 a sample in three parts.
    """
    if dtype == "float32":
        step = 1 if rarer == 1 else 67  # odd, so that every bit of the significand varies
        return [(0, step, (1 << 32) // step)]
    n = (1 << 24) // rarer
    # All bit patterns; and more of what matters, 2^-20 <= |x| < 2^11, positive and negative.
    low, high = ((1023 + exponent) << 52 for exponent in (-20, 11))
    parts = [(0, 1 << 64), (low, high), (low | 1 << 63, high | 1 << 63)]
    return [(first, (end - first) // n - 1 | 1, n) for first, end in parts]


def _notes(ghz, rarer):
    n_64 = sum(n for *_, n in _samples("float64", rarer))
    some = "all 2^32 numbers" if rarer == 1 else "one number in 67"
    return [
        f"Errors in units in the last place (ulp) of the exact result: float32 at {some}, against "
        f"libm in double; float64 at {n_64 / 1e6:.3g} million numbers (a third evenly over all bit "
        "patterns, the rest over those of ±2^-20 to ±2^11), against libm in long double.",
        f"Speed: best time for {N_TIMED} numbers in the L1 cache, evenly over {TIMED_RANGE[0]:g} "
        f"to {TIMED_RANGE[1]:g}, one thread; cycles at {ghz:.2f} GHz, measured just before.",
    ]


def _table(cells, notes):
    head = ["function", "for x in"]
    for dtype in DTYPES:
        head += [f"{dtype}: largest error, ulp", "at x =", "cycles an element", "ns"]
    return Table("", head, [(row, ()) for row in cells.values()], notes, n_texts=2)


def _range(lowest, highest):
    left = "" if lowest < -1e30 else f"{lowest:g} ≤ "
    right = "" if highest > 1e30 else f" ≤ {highest:g}"
    return f"{left}x{right}" if left or right else "all"


def _load(dtype):
    bits = np.dtype(dtype).itemsize * 8
    core = native.load("functions.c", native.core_flags(bits))
    integer = {32: ctypes.c_uint32, 64: ctypes.c_uint64}[bits]
    double = ctypes.POINTER(ctypes.c_double)
    core.function_name.argtypes = [ctypes.c_int, double, double]
    core.function_name.restype = ctypes.c_char_p
    core.largest_error.argtypes = [ctypes.c_int, integer, integer, ctypes.c_uint64, double]
    core.largest_error.restype = ctypes.c_double
    pointer = ctypes.c_void_p
    core.evaluate.argtypes = [ctypes.c_long, ctypes.c_int, pointer, pointer, ctypes.c_size_t]
    core.evaluate.restype = ctypes.c_double
    return core


def _named(core, number):
    """Return the name and the range of the function with this number; None behind the last."""
    lowest, highest = ctypes.c_double(), ctypes.c_double()
    name = core.function_name(number, lowest, highest)
    return name and name.decode(), lowest.value, highest.value


def _largest_error(core, dtype, number, samples):
    """Return the largest error in ulp and the x nearest to zero where it was found."""
    most = 1 << (8 * np.dtype(dtype).itemsize)
    piece = 1 << 22

    def search(sample):
        where = ctypes.c_double()
        error = core.largest_error(number, *sample, where)
        return error, -abs(where.value), where.value

    pieces = [
        ((first + step * done) % most, step, min(piece, n - done))
        for first, step, n in samples
        for done in range(0, n, piece)
    ]
    with ThreadPoolExecutor(n_processors()) as pool:  # ctypes releases the GIL
        error, _, where = max(pool.map(search, pieces))
    return error, where


def _rate(core, dtype, number, lowest, highest):
    """Return elements a second."""
    ends = np.clip(TIMED_RANGE, lowest, highest)
    x = np.random.default_rng(0).uniform(*ends, N_TIMED).astype(dtype)
    y = np.empty_like(x)

    def loop(n, _):
        return core.evaluate(n, number, y.ctypes.data, x.ctypes.data, N_TIMED)

    return native.rate(loop, seconds=0.002, n_tries=100)


if __name__ == "__main__":
    sys.exit(main())
