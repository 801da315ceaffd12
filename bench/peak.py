"""The limits of this machine, measured: FMA peak, read bandwidth of each level, clock."""

import ctypes
import functools
import math
from dataclasses import dataclass
from pathlib import Path

import native
import numpy as np

_WIDTHS = (16, 32, 64)  # bytes of a vector: SSE and NEON, AVX2, AVX-512
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_LINE = 64


@dataclass(frozen=True)
class Level:
    """A level of memory: its bytes (None: memory itself), and whether all threads share it."""

    name: str
    size: int | None
    shared: bool


@dataclass(frozen=True)
class Machine:
    """Peaks and bandwidths of the machine by number of threads."""

    levels: list
    peak: dict  # {n_threads: GFLOP/s in float32}
    bandwidth: dict  # {(level name, n_threads): GB/s}

    @classmethod
    def measured(cls, thread_counts, **effort):
        found = levels()
        return cls(
            found,
            {n: fma("float32", n, **effort) for n in thread_counts},
            {(level.name, n): bandwidth(level, n, **effort)
             for n in thread_counts for level in found},
        )  # fmt: skip

    def level_of(self, footprint, n_threads):
        """Return the nearest level that holds so many bytes of each thread."""
        for level in self.levels:
            if level.size is None or footprint * (n_threads if level.shared else 1) <= level.size:
                return level
        raise AssertionError("memory holds everything")

    def limit(self, flop, traffic, level, n_threads):
        """Return GFLOP/s that arithmetic and the bandwidth of a level allow: the roofline."""
        return min(self.peak[n_threads], flop / traffic * self.bandwidth[level.name, n_threads])


def measure(thread_counts):
    """Return ({n_threads: GFLOP/s in float32}, how they were measured)."""
    try:
        found = {n: fma("float32", n) for n in thread_counts}
    except native.CannotCompile as reason:
        return dict.fromkeys(thread_counts, math.nan), f"not measured: {reason}"
    return found, f"vectors of {_best_width('float32')} bytes, {native.compiler()}"


def fma(dtype, n_threads, **effort):
    """Return the FMA peak in GFLOP/s; effort as `native.rate` takes it."""
    return _fma_rate(dtype, _best_width(dtype), n_threads, **effort) / 1e9


def levels():
    """Return the caches, nearest first, and memory at the end."""
    found = []
    for folder in sorted(_CACHES.glob("index*")):
        kind, level, size, cpus = (
            (folder / name).read_text().strip()
            for name in ("type", "level", "size", "shared_cpu_map")
        )
        if kind != "Instruction":
            shared = int(cpus.replace(",", ""), 16).bit_count() > 1
            found.append(Level(f"L{level}", int(size.removesuffix("K")) * 1024, shared))
    if not found:
        raise SystemExit(f"this machine does not tell the sizes of its caches in {_CACHES}")
    # Threads of one core share its nearer caches; different cores share the last alone.
    found = [Level(c.name, c.size, c.shared and c is found[-1]) for c in found]
    return [*found, Level("memory", None, True)]


def bandwidth(level, n_threads, **effort):
    """Return GB/s that n_threads read together, each its own block, from one level."""
    caches = levels()[:-1]
    total = level.size / 2 if level.size else min(4 * caches[-1].size, 1 << 30)
    size = int(total / n_threads) if level.shared else int(total)
    n_lines = size // (8 * _LINE) * 8
    blocks = [_aligned(n_lines) for _ in range(n_threads)]
    sinks = np.zeros((n_threads, _LINE), np.uint64)
    read = _function("read_block", ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)

    def loop(n, i):
        return read(n, blocks[i].ctypes.data, n_lines, sinks[i].ctypes.data)

    return native.rate(loop, n_threads, **effort) / 1e9


def clock(**effort):
    """Return the clock in GHz: dependent additions a second, each of which takes one cycle."""
    chain = _function("chain", ctypes.c_uint64)
    return native.rate(lambda n, i: chain(n, 3), **effort) / 1e9


def _aligned(n_lines):
    """Return some lines of bytes, none of them zero pages, from the start of a cache line."""
    raw = np.ones((n_lines + 1) * _LINE, np.uint8)
    start = -raw.ctypes.data % _LINE
    return raw[start : start + n_lines * _LINE]


@functools.cache
def _library():
    return native.load("machine.c", *native.MACHINE_FLAGS)


def _function(name, *arguments):
    function = getattr(_library(), name)
    function.argtypes = [ctypes.c_long, *arguments]
    function.restype = ctypes.c_double
    return function


@functools.cache
def _best_width(dtype):
    return max(_WIDTHS, key=lambda width: _fma_rate(dtype, width, 1))


def _fma_rate(dtype, width, n_threads, **effort):
    run = _function(f"fma_{dtype}_{width}", ctypes.c_void_p)
    # a = a/2 + 1 goes to 2: no subnormals. Threads write a cache line apart.
    sinks = np.zeros((n_threads, _LINE), dtype)
    sinks[:, :2] = 0.5, 1
    return native.rate(lambda n, i: run(n, sinks[i].ctypes.data), n_threads, **effort)
