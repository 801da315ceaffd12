"""Time for each sample over rows, width, batch size and depth, beside PyTorch and NumPy."""

import math
from dataclasses import asdict
from itertools import pairwise

import cases
import pictures
import tables
from tables import Goal, Table
from turns import Contender
from worker import Workers

_LIBRARIES = ("pynn", "numpy", "torch")
_DTYPES = ("float32", "float64")
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
    with Workers("tasks.training", _LIBRARIES, [plan.n_threads]) as workers:
        for panel, sizes in SIZES.items():
            for size in sizes if not plan.quick else _few(sizes, _LARGEST_QUICK[panel]):
                say(f"  {panel} {size}", end="\r")
                for dtype in _DTYPES:
                    case = _case(panel, size, dtype)
                    # All doublings for pynn, whose growth is judged; every second one for others.
                    libraries = _LIBRARIES if sizes.index(size) % 2 == 0 else ("pynn",)
                    found, wrong = _point(case, [workers.of[x][0] for x in libraries], plan)
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


def _few(sizes, largest):
    return [size for number, size in enumerate(sizes) if number % 2 == 0 and size <= largest]


def _point(case, workers, plan):
    """Return {library: seconds a step}, the best of three pieces, and who disagrees."""
    losses, seconds, problems = {}, {}, []
    for worker in workers:
        # pynn chooses the number of threads itself, as users have it.
        choice = {"n_threads": None} if worker.library == "pynn" else {}
        reply = worker.ask(do="open", case=asdict(case), form=_form(worker, case), **choice)
        losses[worker.library] = reply["loss"]
        contender = Contender(worker, _form(worker, case))
        contender.calibrate(plan.piece / 4)
        contender.n_calls = max(contender.n_calls, 1)
        for _ in range(1 if contender.guess * contender.n_calls > 1 else 3):
            contender.turn()
        seconds[worker.library] = min([*contender.seconds, contender.guess])
        worker.ask(do="forget")
    removed = abs(reply["before"] - losses.get("numpy", losses["pynn"]))
    for library, loss in losses.items():
        allowed = 1e-5 + cases.TOLERANCE["sgd"] * removed
        if not abs(loss - losses.get("numpy", loss)) <= allowed:
            problems.append(f"{library}, {case.name} {case.dtype}: loss {loss:.6g}, "
                            f"NumPy's {losses['numpy']:.6g}")  # fmt: skip
            del seconds[library]
    return seconds, problems


def _form(worker, case):
    return "eager" if worker.library == "torch" else ""


def _table(curves, problems, absent):
    """Return the largest growth for each panel and dtype."""
    table = Table(
        "Growth: time for each sample in µs at the smallest and the largest size",
        ["over", "dtype", *(pictures.label(library) for library in _LIBRARIES),
         "pynn: largest growth for twice the size"],
        n_texts=2,
        notes=["Time of all rows, of a step for width, batch and depth. pynn: automatic choice of "
               "threads; NumPy, PyTorch (eager): all processors.",
               *(f"DISAGREES, not drawn: {problem}" for problem in problems),
               *tables.absent(absent)],
    )  # fmt: skip
    for panel, lines in curves.items():
        for dtype in _DTYPES:
            ends = [lines.get((library, dtype)) for library in _LIBRARIES]
            cells = [f"{p[0][1] * 1e6:.3g} → {p[-1][1] * 1e6:.3g}" if p else "–" for p in ends]
            growth, size = max(_growth(panel, lines["pynn", dtype]))
            range_ = f"{panel} {lines['pynn', dtype][0][0]}–{lines['pynn', dtype][-1][0]}"
            cells = [range_, dtype, *cells, f"{growth:.2f}× at {size}"]
            goals = [Goal(_MOST, growth, at_least=False)]
            table.add(*cells, goals=goals)
    return table


def _growth(panel, points):
    """Yield the factor of time for twice the size up to each size, and the size."""
    for (a, time_a), (b, time_b) in pairwise(points):
        # Over width and depth a sample takes longer; over rows and batch there are more of them.
        more = b / a if panel in ("rows", "batch") else 1
        yield (time_b / time_a * more) ** (1 / math.log2(b / a)), b
