"""The three products of a layer, timed by themselves, and what the machine allows for each."""

import contextlib
import ctypes
import functools
from dataclasses import dataclass

import native
import numpy as np

KINDS = ("forward", "backward", "gradient")  # in the order of products.c
SLOTS = {"sgd": 0, "adam": 2}  # numbers that the rule keeps for each weight


@dataclass(frozen=True)
class Product:
    """One product of one layer, on some threads: its arithmetic, its data, and its speed."""

    case: str
    layer: int
    kind: str
    shape: tuple[int, int, int]  # rows of the mini-batch, n_in, n_out
    n_threads: int
    flop: float
    traffic: float  # bytes that all threads together read and write at the least
    footprint: float  # bytes of the thread that has most
    columns_used: float  # part of the columns of x that hold a number other than 0
    gflops: float

    @property
    def intensity(self):
        """FLOP for each byte."""
        return self.flop / self.traffic


@dataclass(frozen=True)
class Machine:
    """What was measured of the machine in one dtype: peaks and bandwidths by threads."""

    levels: list
    peak: dict  # {n_threads: GFLOP/s}
    bandwidth: dict  # {(level name, n_threads): GB/s}

    def level_of(self, footprint, n_threads):
        """Return the nearest level in which so many bytes of each thread fit."""
        for level in self.levels:
            if level.size is None or footprint * (n_threads if level.shared else 1) <= level.size:
                return level
        raise AssertionError("memory holds everything")

    def limit(self, flop, traffic, level, n_threads):
        """Return GFLOP/s that arithmetic and the bandwidth of a level allow: the roofline."""
        return min(self.peak[n_threads], flop / traffic * self.bandwidth[level.name, n_threads])


def products(case, rows, n_threads, dtype="float32", **effort):
    """Return all products of a training step, timed. rows: (batch_size, n_in).

    effort as `native.rate` takes it.
    """
    found, n_bytes = [], np.dtype(dtype).itemsize
    with _net(case, rows, n_threads, dtype) as net:
        for number, kind in _in_order(case):
            which = KINDS.index(kind)
            parts = [_part(net, number, which, i, n_threads, dtype) for i in range(n_threads)]
            counts = [_count(case, number, kind, len(rows), *part) for part in parts]
            flop, traffic, _ = map(sum, zip(*counts, strict=True))
            footprint = max(footprint for *_, footprint in counts)

            def loop(n, i, number=number, which=which):
                return _core(dtype).net_run(n, net, number, which, i, n_threads)

            found.append(
                Product(
                    case=case.name,
                    layer=number,
                    kind=kind,
                    shape=(len(rows), *case.shapes[number]),
                    n_threads=n_threads,
                    flop=flop,
                    traffic=traffic * n_bytes,
                    footprint=footprint * n_bytes,
                    columns_used=float(rows.any(axis=0).mean()) if number == 0 else 1.0,
                    gflops=native.rate(loop, n_threads, **effort) / 1e9,
                )
            )
    return found


def _in_order(case):
    """Return (layer, kind) of each product of a step."""
    layers = range(len(case.shapes))
    return (
        [(number, "forward") for number in layers]
        + [(number, "backward") for number in reversed(layers[1:])]
        + [(number, "gradient") for number in layers]
    )


def _count(case, number, kind, n_rows, height, width):
    """Return FLOP, numbers moved and numbers touched for a part (height, width) of a result.

    Each operand is read once, each result written once; what a gradient results in are the weights
    and the slots of the rule, read and written.
    """
    n_in, n_out = case.shapes[number]
    depth = {"forward": n_in, "backward": n_out, "gradient": n_rows}[kind]
    operands = (height + width) * depth if height * width else 0
    results, moves = height * width, 1
    if kind == "gradient":
        results, moves = results * (1 + SLOTS[case.rule]), 2
    return 2.0 * height * width * depth, operands + moves * results, operands + results


def _part(net, number, which, i, n_threads, dtype):
    """Return rows and columns of the result that are thread i's."""
    size = (ctypes.c_size_t * 2)()
    _core(dtype).net_part(net, number, which, i, n_threads, size)
    return tuple(size)


@contextlib.contextmanager
def _net(case, rows, n_threads, dtype):
    """Make the network of products.c for one mini-batch."""
    x = np.ascontiguousarray(rows, dtype)
    sizes = np.array(case.layers, np.int64)
    core = _core(dtype)
    net = core.net_new(len(sizes) - 1, sizes.ctypes.data, case.hidden.encode(),
                       case.output.encode(), case.rule.encode(), n_threads, x.ctypes.data,
                       len(x))  # fmt: skip
    if not net:
        raise MemoryError(f"a network of {case.layers} for {len(x)} rows")
    try:
        yield net
    finally:
        core.net_free(net)


@functools.cache
def _core(dtype):
    library = native.load_core("products.c", np.dtype(dtype).itemsize * 8)
    size, number, pointer = ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p
    text = ctypes.c_char_p
    library.net_new.argtypes = [number, pointer, text, text, text, number, pointer, ctypes.c_int64]
    library.net_new.restype = pointer
    library.net_free.argtypes = [pointer]
    library.net_free.restype = None
    library.net_run.argtypes = [ctypes.c_long, pointer, number, number, number, number]
    library.net_run.restype = ctypes.c_double
    library.net_part.argtypes = [pointer, number, number, number, number, ctypes.POINTER(size)]
    library.net_part.restype = None
    return library
