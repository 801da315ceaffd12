"""Time for each sample over rows, width, batch size and depth, beside PyTorch and NumPy."""

import math
from dataclasses import asdict
from itertools import pairwise

import cases
import pictures
import report
from peers import label
from report import Goal, Table
from turns import Contender
from worker import Workers

_LIBRARIES = ("pynn", "numpy", "torch")
_DTYPES = ("float32", "float64")
_EPOCH = 2  # seconds
_MOST = 2.3  # factor of time for twice the size
_LARGEST_QUICK = {"rows": 10**5, "width": 2048, "batch": 1024, "depth": 30}
TITLES = {
    "rows": "rows of X (8-32-8, batch 100)",
    "width": "hidden units (64-width-10, batch 128)",
    "batch": "batch size (64-256-10)",
    "depth": "hidden layers of 64 units (64-…-10, batch 128)",
}


def _doubling(first, last):
    """Return first, 2 first, 4 first, … and last."""
    sizes = [first << k for k in range(math.ceil(math.log2(last / first)))]
    return [*sizes, last]


SIZES = {"rows": _doubling(1000, 10**7), "width": _doubling(8, 8192), "batch": _doubling(1, 4096),
         "depth": _doubling(1, 100)}  # fmt: skip


def _case(panel, size, dtype):
    n_rows, layers, batch = 128 * 64, (64, 64, 10), 128
    if panel == "rows":
        n_rows, layers, batch = size, (8, 32, 8), 100
    elif panel == "width":
        layers = (64, size, 10)
    elif panel == "batch":
        n_rows, layers, batch = max(4096, min(size * 8, 8192)), (64, 256, 10), size
    else:
        layers = (64, *[64] * size, 10)
    hidden = "tanh" if panel == "depth" else "relu"  # 100 layers of relus would underflow
    return cases.Case(f"{panel} {size}", layers, hidden, "softmax", "cross_entropy", batch, "sgd",
                      0.01, "largest", n_rows, n_rows, batch, 4, dtype=dtype)  # fmt: skip


def measure(plan, say):
    """Return the tables of this subject, and draw the picture if asked."""
    curves, problems = {panel: {} for panel in SIZES}, []
    with Workers("tasks.training", _LIBRARIES, plan.thread_counts) as workers:
        for panel, sizes in SIZES.items():
            for number, size in enumerate(sizes):
                if plan.quick and (number % 2 or size > _LARGEST_QUICK[panel]):
                    continue
                say(f"  {panel} {size}", end="\r")
                for dtype in _DTYPES:
                    case = _case(panel, size, dtype)
                    # All doublings for pynn, whose growth is judged; every second one for others.
                    # It chooses the number of threads; the others are tried with each.
                    some = [w for w in workers.of["pynn"] if w.n_threads == plan.n_threads]
                    some += [w for w in workers if w.library != "pynn" and number % 2 == 0]
                    found, wrong = _point(case, some, plan)
                    problems += wrong
                    for library, seconds in found.items():
                        points = curves[panel].setdefault((library, dtype), [])
                        points.append((size, seconds / case.batch_size))
    if plan.picture:
        pictures.growth(curves, TITLES, plan.picture)
    table = _table(curves, problems, workers.absent)
    if plan.picture:
        table.notes.append(f"\n![Time for each sample over each size]({plan.picture.name})")
    return [table]


def _point(case, workers, plan):
    """Return {library: seconds a step}, the best of some pieces, and notes on who disagrees."""
    losses, seconds, problems = {}, {}, []
    for worker in workers:
        choice = {"n_threads": None} if worker.library == "pynn" else {}
        form = "eager" if worker.library == "torch" else ""
        reply = worker.ask(do="open", case=asdict(case), form=form, **choice)
        losses[worker.library] = reply["loss"]
        contender = Contender(worker, form)
        contender.calibrate(plan.piece / 4)
        epoch = min(case.n_rows // case.batch_size, int(_EPOCH / contender.guess))
        contender.n_calls = max(contender.n_calls, epoch)
        for _ in range(4 if worker.library == "pynn" and contender.guess * epoch < 0.5 else 1):
            contender.turn()
        best = min([*contender.seconds, contender.guess])
        seconds[worker.library] = min(best, seconds.get(worker.library, best))
        worker.ask(do="forget")
    reference = losses.get("numpy", losses["pynn"])
    allowed = 1e-5 + cases.TOLERANCE["sgd"] * abs(reply["before"] - reference)
    for library, loss in losses.items():
        if not abs(loss - reference) <= allowed:
            problems.append(f"DISAGREES, not drawn: {library}, {case.name} {case.dtype}: loss "
                            f"{loss:.6g}, NumPy's {reference:.6g}")  # fmt: skip
            del seconds[library]
    return seconds, problems


def _table(curves, problems, absent):
    """Return a row for each panel, with the largest growth in each dtype."""
    head = ["over"]
    for dtype in _DTYPES:
        head += [f"{dtype}: {label(_LIBRARIES[0])}", *map(label, _LIBRARIES[1:]), "pynn's growth"]
    table = Table(
        "Growth: time for each sample in µs at the smallest and the largest size",
        head,
        goal_head=tuple(f"{dtype}: goal" for dtype in _DTYPES),
        notes=["Growth: the largest factor of time for twice the size, of all rows or of a step. "
               "pynn: automatic choice of threads; NumPy, PyTorch (eager): the better number, "
               f"epochs of more than {_EPOCH} s cut short.",
               *problems,
               *report.absent(absent)],
    )  # fmt: skip
    for panel, lines in curves.items():
        cells, goals = [], []
        for dtype in _DTYPES:
            ends = [lines.get((library, dtype)) for library in _LIBRARIES]
            cells += [f"{p[0][1] * 1e6:.3g} → {p[-1][1] * 1e6:.3g}" if p else "–" for p in ends]
            growth, size = max(_growth(panel, lines["pynn", dtype]))
            cells.append(f"{growth:.2f}× at {size}")
            goals.append(Goal(_MOST, growth, at_least=False))
        sizes = [size for size, _ in lines["pynn", _DTYPES[0]]]
        table.add(f"{panel} {sizes[0]}–{sizes[-1]}", *cells, goals=goals)
    return table


def _growth(panel, points):
    """Yield the factor of time for twice the size up to each size, and the size."""
    for (a, time_a), (b, time_b) in pairwise(points):
        # Over width and depth a sample takes longer; over rows and batch there are more of them.
        more = b / a if panel in ("rows", "batch") else 1
        yield (time_b / time_a * more) ** (1 / math.log2(b / a)), b
