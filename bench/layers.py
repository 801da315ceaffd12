"""What each kind of layer adds to a step of training, and how near that comes to the machine.

    python bench/layers.py [--quick] [--threads 1,2] [--readme]

bench/README.md explains the table.
"""

import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # python -P omits it

import cases
import native
import numpy as np
import peak
import report
from report import Table, percent, say
from roofline import FULL, QUICK, native_heading
from turns import n_processors

CASE = cases.CASES["tabular"]
N_IN, WIDTH, N_HIDDEN = CASE.layers[0], CASE.layers[1], len(CASE.layers) - 2
N_EMBEDDED, SIZE, N_FREQUENCIES = 20, 4, 16
_FLOP_OF_COS = 20  # reduction, polynomial


@dataclass(frozen=True)
class Kind:
    """A kind of layer, and what a step does more for a row than the plain network."""

    name: str
    options: dict = field(default_factory=dict)  # of Network
    of_fit: dict = field(default_factory=dict)
    moved: int = 0  # numbers read and written between the layers
    flop: int = 0
    n_plain_in: int = N_IN  # inputs of the plain network


def kinds():
    """Return all kinds. A unit moves numbers for: forward; backward; gradient."""
    import pynn

    units = WIDTH * N_HIDDEN
    dx = 2 * N_IN * WIDTH  # FLOP of dC/dx
    n_in = N_IN + N_EMBEDDED * (SIZE - 1)
    waves = N_FREQUENCIES * (2 * _FLOP_OF_COS + 6 * SIZE)
    periodic = pynn.Periodic(SIZE, N_FREQUENCIES)
    return [
        Kind("dropout", of_fit={"dropout": 0.1}, moved=(2 + 2) * units),
        Kind("residual layer", {"residual": True}, moved=(3 + 3) * WIDTH),
        Kind("layer norm", {"norm": "layer"}, moved=(3 + 4 + 2) * units),
        Kind("batch norm", {"norm": "batch"}, moved=(4 + 4 + 2) * units),
        Kind("Parametric", {"activation": pynn.Parametric("relu")}, moved=(1 + 1 + 2) * units),
        Kind("input scale", {"input_scale": True}, moved=(2 + 1 + 2) * N_IN, flop=dx),
        Kind(
            f"Periodic, {N_EMBEDDED} columns",
            {"embeddings": dict.fromkeys(range(N_EMBEDDED), periodic)},
            moved=(1 + 1 + 1) * n_in,
            flop=2 * n_in * WIDTH + N_EMBEDDED * waves,
            n_plain_in=n_in,
        ),
    ]


def main():
    """Measure what the command line asks for; return the exit status."""
    options = report.parser(__doc__, paired=False).parse_args()
    effort = QUICK if options.quick else FULL
    counts = [n for n in options.threads if n <= n_processors()] or [1]
    say("the machine")
    machine = peak.Machine.measured(counts, **effort[0])
    title = f"What each kind of layer adds to a step of {CASE.describe()}"
    table = Table(title, ["kind of layer", *_heads(counts)])
    plain = {}
    for kind in kinds():
        say(kind.name)
        cells = []
        for n in counts:
            width = kind.n_plain_in
            if (width, n) not in plain:
                plain[width, n] = _seconds(width, {}, {}, n, effort[1])
            added = _seconds(N_IN, kind.options, kind.of_fit, n, effort[1]) - plain[width, n]
            least = _least(kind, machine, n)
            cells += [f"{1e9 * added:.0f}", percent(added / plain[width, n])]
            cells += [f"{1e9 * least:.0f}", percent(least / added) if added > least else "100%"]
        table.add(kind.name, *cells)
    table.notes.append(
        "Added: nanoseconds a row, and as part of the plain step. Least: what the FMA peak and the "
        "bandwidth of the nearest cache that holds the activations allow for its FLOP and for the "
        "numbers that it reads and writes; reached: least / added."
    )
    return report.publish({"layers": [table]}, options, native_heading())


def _heads(counts):
    return [
        f"{n}t: {name}" for n in counts for name in ("added, ns", "of the step", "least", "reached")
    ]


def _seconds(n_in, options, of_fit, n_threads, effort):
    """Return seconds a row of the best of several fits."""
    import pynn

    rng = np.random.default_rng(cases.SEED)
    X = rng.standard_normal((4 * CASE.batch_size, n_in), np.float32)
    y = rng.standard_normal((len(X), 1), np.float32)
    shape = {"activation": CASE.hidden, "random_state": cases.SEED, "n_threads": n_threads}
    net = pynn.Network([n_in, *CASE.layers[1:]], **shape | options)
    fit = {"batch_size": CASE.batch_size, **of_fit}
    net.fit(X, y, optimizer=pynn.Adam(), **fit)

    def loop(n, _):
        net.fit(X, y, epochs=n, **fit)
        return n * len(X)

    return 1 / native.rate(loop, **effort)


def _least(kind, machine, n_threads):
    """Return the seconds a row that the machine needs at least for what the kind adds."""
    n_bytes = 4
    held = CASE.batch_size * 4 * sum(CASE.layers) * n_bytes / n_threads
    level = machine.level_of(held, n_threads)
    moving = kind.moved * n_bytes / (machine.bandwidth[level.name, n_threads] * 1e9)
    return max(moving, kind.flop / (machine.peak[n_threads] * 1e9))


if __name__ == "__main__":
    sys.exit(main())
