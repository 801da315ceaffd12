"""How near training comes to what this machine allows, case by case and product by product.

    python bench/roofline.py [--quick] [--cases xor,mid] [--threads 1,2]
                             [--png FILE] [--markdown FILE]

bench/README.md says how to read it.
"""

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cases
import native
import peak
import products
import roofline_report
from peers.pynn_network import Peer
from script import n_processors, names, numbers, say

CASES = [name for name, case in cases.CASES.items() if case.plain]
FLOAT64_CASES = ("mid", "big")


@dataclass(frozen=True)
class Effort:
    """How long to measure: of the machine and products, then of whole steps."""

    loops: dict
    seconds: float  # of one call of fit
    n_tries: int
    patience: float


FULL = Effort({"seconds": 0.01, "n_tries": 60, "patience": 3.0}, 0.1, 30, 8.0)
QUICK = Effort({"seconds": 0.003, "n_tries": 8, "patience": 0.3}, 0.03, 4, 0.5)


@dataclass(frozen=True)
class Step:
    """A whole training step, and what the machine allows for one."""

    case: str
    n_threads: int
    rate: float  # samples a second
    limit: float  # the same, as arithmetic and bandwidth allow
    limited_by: str
    gflops: float
    intensity: float
    columns_used: float


def main():
    """Measure what the command line asks for, print it, draw it."""
    options = _command_line()
    effort = QUICK if options.quick else FULL
    wanted = [n for n in options.threads if n <= n_processors()] or [1]
    machine = _machine("float32", wanted, effort)
    steps, timed, doubles = [], [], []
    for name in options.cases:
        case = cases.CASES[name]
        say(f"{name}: {case.describe()}")
        X, y, _ = cases.load_data(case, options.quick)
        rows, used = _typical_batch(case, X)
        rates = _best_rates(case, X, y, wanted, ["float32"], effort)
        for n in wanted:
            found = products.products(case, rows, n, **effort.loops)
            steps.append(_step(case, X, n, found, machine, rates[n, "float32"], used))
            timed += found
        if name in FLOAT64_CASES:
            rates = _best_rates(case, X, y, wanted, ["float32", "float64"], effort)
            doubles += [(name, n, rates[n, "float32"], rates[n, "float64"]) for n in wanted]
    peak_64 = {n: peak.fma("float64", n, **effort.loops) for n in wanted}

    text = roofline_report.markdown(machine, peak_64, steps, timed, doubles)
    print(text)
    if options.markdown:
        options.markdown.write_text(text + "\n")
    if options.png:
        roofline_report.picture(machine, steps, timed, options.png)
    return 0


def _command_line():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="short tries: a first look")
    parser.add_argument("--cases", type=names(CASES), default=CASES, metavar="A,B")
    parser.add_argument("--threads", type=numbers, default=[1, 2], metavar="1,2")
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw it (needs matplotlib)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables, too")
    return parser.parse_args()


def _machine(dtype, thread_counts, effort):
    say("the machine")
    levels = peak.levels()
    return products.Machine(
        levels,
        {n: peak.fma(dtype, n, **effort.loops) for n in thread_counts},
        {(level.name, n): peak.bandwidth(level, n, **effort.loops)
         for n in thread_counts for level in levels},
    )  # fmt: skip


def _typical_batch(case, X):
    """Return the mini-batch whose share of used columns is the median, and the mean share."""
    batches = cases.mini_batches(case, X)
    used = cases.columns_used(batches)
    return batches[used.argsort()[len(used) // 2]], used.mean()


def _best_rates(case, X, y, thread_counts, dtypes, effort):
    """Return {(n_threads, dtype): samples a second}, the best of calls of fit made in turns."""
    runs = {}
    for dtype in dtypes:
        rows = X.astype(dtype, copy=False)
        targets = y if y.dtype.kind == "i" else y.astype(dtype, copy=False)
        for n in thread_counts:
            runs[n, dtype] = _Fits(case, rows, targets, n, dtype, effort.seconds)
    begun = time.perf_counter()
    for number in range(effort.n_tries):
        if number >= 2 and time.perf_counter() - begun > effort.patience * len(runs):
            break
        for run in runs.values():
            run.once()
    return {key: run.best for key, run in runs.items()}


class _Fits:
    """Calls of ``Network.fit`` of about the same length, and the best rate among them."""

    def __init__(self, case, X, y, n_threads, dtype, seconds):
        self._peer = Peer(case, "", n_threads)
        self._peer.dtype = dtype
        self._peer.start(cases.initial_parameters(case), X, y)
        self._batch_size = case.batch_size
        self._n_batches, self.best = 1, 0.0
        taken = self.once()
        self._n_batches = max(1, round(self.best / case.batch_size * seconds))
        if taken < seconds / 4:  # what the first call said was mostly its own cost
            self.once()
            self._n_batches = max(1, round(self.best / case.batch_size * seconds))

    def once(self):
        start = time.perf_counter()
        done = self._peer.train(self._n_batches)
        taken = time.perf_counter() - start
        self.best = max(self.best, done * self._batch_size / taken)
        return taken


def _step(case, X, n_threads, found, machine, rate, columns_used):
    """Put the rate of a whole step beside what the machine allows for one.

    Its products come one after another, and the next step finds in the caches what fits there of
    all that a step touches: each product is allowed what arithmetic and that level allow. Rows of X
    come from where all of X fits, which prefetching can hide behind the rest, so the slower counts.
    """
    bytes_each, batch = X.itemsize, case.batch_size
    weights = sum(n_in * n_out for n_in, n_out in case.shapes) * (1 + products.SLOTS[case.rule])
    between = batch * (case.layers[0] + 2 * sum(case.layers[1:]))  # x; activations and deltas
    home = machine.level_of((weights / n_threads + between) * bytes_each, n_threads)
    flop = sum(p.flop for p in found)
    seconds = sum(p.flop / machine.limit(p.flop, p.traffic, home, n_threads) for p in found) / 1e9
    source = machine.level_of(X.nbytes / n_threads, n_threads)
    reading = batch * case.layers[0] * bytes_each
    reading /= machine.bandwidth[source.name, n_threads] * 1e9
    if reading > seconds:
        limited_by = f"rows of X from {source.name}"
    elif seconds < 1.02 * flop / machine.peak[n_threads] / 1e9:
        limited_by = "arithmetic"
    else:
        limited_by = f"weights in {home.name}"
    return Step(
        case=case.name,
        n_threads=n_threads,
        rate=rate,
        limit=batch / max(seconds, reading),
        limited_by=limited_by,
        gflops=rate * case.flop_per_sample / 1e9,
        intensity=flop / sum(p.traffic for p in found),
        columns_used=columns_used,
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except native.CannotCompile as reason:
        sys.exit(str(reason))
