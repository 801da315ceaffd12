"""How near training comes to what this machine allows: whole steps, and each layer alone.

    python bench/roofline.py [--quick] [--cases xor,mid] [--threads 1,2] [--png FILE] [--readme]

bench/README.md explains the tables.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # python -P omits it

import cases
import native
import numpy as np
import peak
import pictures
import report
from report import Goal, Table, percent, say
from turns import n_processors

CASES = [name for name, case in cases.CASES.items() if case.plain]
FLOAT64_CASES = ("mid", "big")
FLOAT64_GOAL = 0.45  # throughput in float64 over that in float32

# How long to measure the machine and fits, as `native.rate` takes it.
FULL = (
    {"seconds": 0.01, "n_tries": 60, "patience": 3.0},
    {"seconds": 0.1, "n_tries": 30, "patience": 4.0},
)
QUICK = (
    {"seconds": 0.003, "n_tries": 8, "patience": 0.3},
    {"seconds": 0.03, "n_tries": 4, "patience": 0.3},
)


@dataclass(frozen=True)
class Step:
    """The training step of a case, or of a network of one of its layers alone."""

    case: cases.Case
    name: str
    n_threads: int
    rate: float  # samples a second
    limit: float  # the same, as arithmetic and bandwidth allow
    limited_by: str
    intensity: float  # FLOP for each byte
    columns_used: float

    @property
    def gflops(self):
        """GFLOP/s of dense products."""
        return self.rate * self.case.flop_per_sample / 1e9


def main():
    """Measure what the command line asks for; return the exit status."""
    parser = report.parser(__doc__, paired=False, draws=True)
    parser.add_argument("--cases", type=report.some_of(CASES), default=CASES, metavar="A,B")
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL
    counts = [n for n in options.threads if n <= n_processors()] or [1]
    say("the machine")
    machine = peak.Machine.measured(counts, **effort[0])
    steps, layers, doubles = [], [], []
    for name in options.cases:
        case = cases.CASES[name]
        say(f"{name}: {case.describe()}")
        X, y, _ = cases.load_data(case, options.quick)
        steps += _steps(case, name, X, y, machine, effort)
        for number in range(len(case.shapes)):
            alone, rows, targets = _layer(case, number, X)
            layers += _steps(alone, f"layer {number + 1}", rows, targets, machine, effort)
        if name in FLOAT64_CASES:
            doubles.append((name, _best_rates(case, X, y, counts, ("float32", "float64"), effort)))
    head = native_heading()
    group = [_machine_table(machine, effort), _table(machine, steps)]
    for name, rates in doubles:
        for n in counts:
            ratio = rates[n, "float64"] / rates[n, "float32"]
            group[-1].overall[f"{name}, {n}t: float64 / float32"] = Goal(FLOAT64_GOAL, ratio, "")
    if picture := report.picture("roofline", options):
        pictures.roofline(machine, steps, layers, picture)
    return report.publish({"roofline": group}, options, head)


def native_heading():
    """Return a heading that names the kernels in use and the compiler."""
    from pynn import _core

    products = "" if _core.isa_is_tuned() else ", large products by BLAS"
    return report.heading(f"kernels for {_core.isa_in_use()}{products}", native.compiler())


def _layer(case, number, X):
    """Return a case of one layer alone with rows and targets: a step has no product back."""
    rng = np.random.default_rng(cases.SEED)
    n_in, n_out = case.shapes[number]
    n_rows = case.batch_size * (16 if case.batch_size * n_in * n_out < 1e9 else 2)
    rows = X[:n_rows] if number == 0 else rng.random((n_rows, n_in), np.float32)
    is_output = number == len(case.shapes) - 1
    # So small a rate leaves the weights as they are, however often they are updated.
    cost = case.cost if is_output else "squared_error"
    alone = replace(case, layers=(n_in, n_out), output=case.activations[number], cost=cost,
                    learning_rate=1e-7)  # fmt: skip
    if alone.cost == "cross_entropy":
        return alone, rows, rng.integers(n_out, size=len(rows))
    return alone, rows, rng.random((len(rows), n_out), np.float32)


def _steps(case, name, X, y, machine, effort):
    """Return the steps of a case, one for each number of threads."""
    used = cases.columns_used(case, X)
    rates = _best_rates(case, X, y, machine.peak, ("float32",), effort)
    return [
        Step(case, name, n, rates[n, "float32"], *_limit(case, X, n, machine), used)
        for n in machine.peak
    ]


def _products(case):
    """Yield FLOP and numbers moved of each product of a step.

    Each operand is read once, each result written once; a gradient reads and writes the weights
    and the slots of the rule.
    """
    batch = case.batch_size
    for number, (n_in, n_out) in enumerate(case.shapes):
        flop, weights, ends = 2 * batch * n_in * n_out, n_in * n_out, batch * (n_in + n_out)
        yield flop, ends + weights  # forward
        if number:
            yield flop, ends + weights  # backward
        yield flop, ends + 2 * (1 + case.n_slots) * weights  # gradient


def _limit(case, X, n_threads, machine):
    """Return samples a second that the machine allows, what limits them, and the intensity.

    The products come one after another, and the next step finds in the caches what fits there of
    all that a step touches: each product is allowed what arithmetic and that level allow. Rows of X
    come from where all of X fits, which prefetching can hide behind the rest, so the slower counts.
    """
    n_bytes, batch = X.itemsize, case.batch_size
    weights = sum(n_in * n_out for n_in, n_out in case.shapes) * (1 + case.n_slots)
    between = batch * (case.layers[0] + 2 * sum(case.layers[1:]))  # x; activations and deltas
    home = machine.level_of((weights + between) / n_threads * n_bytes, n_threads)
    products = [(flop, moved * n_bytes) for flop, moved in _products(case)]
    flop, traffic = map(sum, zip(*products, strict=True))
    seconds = sum(f / machine.limit(f, moved, home, n_threads) for f, moved in products) / 1e9
    source = machine.level_of(X.nbytes / n_threads, n_threads)
    reading = batch * case.layers[0] * n_bytes / (machine.bandwidth[source.name, n_threads] * 1e9)
    if reading > seconds:
        limited_by = f"rows of X from {source.name}"
    elif seconds < 1.02 * flop / machine.peak[n_threads] / 1e9:
        limited_by = "arithmetic"
    else:
        limited_by = f"weights in {home.name}"
    return batch / max(seconds, reading), limited_by, flop / traffic


def _best_rates(case, X, y, thread_counts, dtypes, effort):
    """Return {(n_threads, dtype): samples a second}, the best of several calls of fit."""
    from peers.pynn_network import Peer

    rates = {}
    for dtype in dtypes:
        rows = X.astype(dtype, copy=False)
        targets = y if y.dtype.kind == "i" else y.astype(dtype, copy=False)
        for n in thread_counts:
            peer = Peer(replace(case, dtype=dtype), "", n)
            peer.start(cases.initial_parameters(peer.case), rows, targets)
            best = native.rate(lambda n, _, peer=peer: peer.train(n), **effort[1])
            rates[n, dtype] = case.batch_size * best
    return rates


def _machine_table(machine, effort):
    head = ["threads", "float32 FMA, GFLOP/s", "float64 FMA"]
    for level in machine.levels:
        size = f" ({level.size >> 10} KB)" if level.size else ""
        head.append(f"reads of {level.name}{size}, GB/s")
    table = Table("The machine", head)
    for n in machine.peak:
        reads = [f"{machine.bandwidth[level.name, n]:.0f}" for level in machine.levels]
        double = peak.fma("float64", n, **effort[0])
        table.add(str(n), f"{machine.peak[n]:.0f}", f"{double:.0f}", *reads)
    return table


def _table(machine, steps):
    """Return a row for each case, the thread counts side by side."""
    head = ["case", "input columns used"]
    for n in machine.peak:
        head += [f"{n}t: samples/s", "% of FMA peak", "% of limit", "limit set by"]
    rows = {}
    for s in steps:
        row = rows.setdefault(s.name, [s.name, percent(s.columns_used)])
        of_peak = percent(s.gflops / machine.peak[s.n_threads])
        row += [report.metric(s.rate), of_peak, percent(s.rate / s.limit), s.limited_by]
    title = "Whole steps of training (`Network.fit`, the best of several calls)"
    return Table(title, head, [(row, ()) for row in rows.values()])


if __name__ == "__main__":
    sys.exit(main())
