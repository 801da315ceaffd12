"""How far fitting raises the peak of memory, in a fresh process for each figure."""

import ctypes
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np
from cases import CASES, Case
from report import Goal, Table
from worker import Workers, status_bytes

_ROWS, _QUICK_ROWS = 60_000, 6_000
_CLEAR = Path("/proc/self/clear_refs")
_FITS = [
    CASES["sklearn100"],
    replace(CASES["sklearn100"], rule="sgd", learning_rate=0.001),
    CASES["mid"],
    replace(CASES["big"], learning_rate=0.001),
]
_REST = {"sklearn100": 5e6, "mid": 32e6}  # allowed bytes beside parameters and slots


def _allowed(case):
    """Return bytes: parameters, slots, and the rest or, of big, a batch of activations."""
    if case.name in _REST:
        return case.n_parameters * (1 + case.n_slots) * 4 + _REST[case.name]
    activations = 4 * case.batch_size * sum(case.layers)
    return case.n_parameters * (2 + case.n_slots) * 4 + activations


def measure(plan, say):
    """Return the tables of this subject."""
    n_rows = _QUICK_ROWS if plan.quick else _ROWS
    table = Table(
        "Peak memory raised by a fit of float32 rows, C-contiguous",
        ["network", "rows", "Network", "MLPClassifier", "scikit-learn's"],
        notes=["MB (10⁶ bytes) of VmHWM, reset just before the fit in a fresh process; X itself is "
               "there before. Goals: 784-100-10, parameters × (1 + slots) + 5 MB; 784-512-512-10, "
               "the same + 32 MB; the largest, parameters × (2 + slots) + one batch of "
               "activations."],
    )  # fmt: skip
    for case in _FITS:
        rows = 2 * case.batch_size if case.name == "big" else n_rows
        say(f"  {case.describe()}")
        network, ours, theirs = (
            _raised(library, case, way, rows, plan)
            for library, way in (("pynn", "Network"), ("pynn", ""), ("sklearn", ""))
        )
        texts = [f"{value:.1f} MB" for value in (network, ours, theirs)]
        goal = Goal(round(_allowed(case) / 1e6, 1), max(network, ours), " MB", at_least=False)
        table.add(case.describe(), str(rows), *texts, goals=[goal])
    return [table]


def _raised(library, case, way, n_rows, plan):
    with Workers("tasks.memory", [library], [plan.n_threads]) as workers:
        (worker,) = workers
        done = worker.ask(do="fit", case=asdict(case), way=way, n_rows=n_rows)
    return done["bytes"] / 1e6


class Child:
    """Fits once."""

    def __init__(self, library, n_threads):
        if not _CLEAR.exists():
            raise OSError("the peak of memory can only be reset on Linux")
        self._module = import_module({"pynn": "pynn", "sklearn": "sklearn.neural_network"}[library])

    def fit(self, case, way, n_rows):
        """Return how many bytes a fit takes at its peak, X and y apart."""
        case = Case(**case)
        rng = np.random.default_rng(0)
        X = np.empty((n_rows, case.layers[0]), np.float32)
        rng.random(out=X, dtype=np.float32)
        y = rng.integers(case.layers[-1], size=n_rows)
        if way == "Network":
            rule = self._module.Adam() if case.rule == "adam" else self._module.SGD(0.001)
            net = self._module.Network(case.layers, output_activation="softmax", random_state=0)
            train = partial(net.fit, batch_size=case.batch_size, optimizer=rule)
        else:
            train = self._module.MLPClassifier(
                case.layers[1:-1], solver=case.rule, batch_size=case.batch_size, max_iter=1,
                momentum=0.0, random_state=0,
            ).fit  # fmt: skip
        with suppress(OSError, AttributeError):  # only glibc has it
            ctypes.CDLL(None).malloc_trim(0)  # memory that is free would hide what the fit takes
        _CLEAR.write_text("5")  # resets the peak
        before = status_bytes("VmRSS")
        train(X, y)
        return {"bytes": status_bytes("VmHWM") - before}
