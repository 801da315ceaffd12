"""How far fitting raises the peak of memory, in a fresh process for each figure."""

import ctypes
import re
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from tasks.tables import Goal, Line, Table
from tasks.turns import start

ALLOWED_REST = 32e6  # bytes, beside the parameters and the optimizer's state
_ROWS, _QUICK_ROWS = 60_000, 6_000
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Fit:
    """One fit; slots are the optimizer's, for each parameter."""

    way: str  # Network, MLPClassifier
    layers: tuple[int, ...]
    batch_size: int
    rule: str
    slots: int

    @property
    def allowed(self):
        """Bytes: parameters, the optimizer's state, and the rest."""
        n = sum((n_in + 1) * n_out for n_in, n_out in pairwise(self.layers))
        return n * (1 + self.slots) * 4 + ALLOWED_REST

    def describe(self):
        rule = {"adam": "Adam", "sgd": "SGD"}[self.rule]
        rule += ", momentum" if self.rule == "sgd" and self.slots else ""
        return f"{'-'.join(map(str, self.layers))}, batch {self.batch_size}, {rule}"


_SKLEARN100, _MID, _BIG = (784, 100, 10), (784, 512, 512, 10), (1024, 4096, 4096, 100)
FITS = [
    Fit(way, *rest)
    for rest in (
        (_SKLEARN100, 200, "adam", 2),
        (_SKLEARN100, 200, "sgd", 0),
        (_MID, 128, "adam", 2),
        (_BIG, 1024, "sgd", 0),
    )
    for way in ("Network", "MLPClassifier")
]


def measure(plan, say):
    """Return the tables of this subject."""
    n_rows = _QUICK_ROWS if plan.quick else _ROWS
    table = Table(
        "Peak memory raised by a fit of float32 rows, C-contiguous",
        ["fit", "network", "rows of X", "allowed", "pynn", "scikit-learn"],
        notes=["MB (10⁶ bytes) of VmHWM, reset just before the fit in a fresh process. Allowed: "
               "parameters × (1 + optimizer's slots) × 4 bytes + 32 MB. X itself is there before."],
    )  # fmt: skip
    for fit in FITS:
        rows = 2 * fit.batch_size if fit.layers == _BIG else n_rows
        say(f"  {fit.way} {fit.describe()}")
        ours = _raised("pynn", fit, rows, plan)
        theirs = _raised("sklearn", fit, rows, plan) if fit.way == "MLPClassifier" else None
        table.lines.append(
            Line(
                [
                    fit.way,
                    fit.describe(),
                    f"{rows} ({rows * fit.layers[0] * 4 / 1e6:.0f} MB)",
                    f"{fit.allowed / 1e6:.1f} MB",
                    f"**{ours:.1f} MB**",
                    "–" if theirs is None else f"{theirs:.1f} MB",
                ],
                Goal(round(fit.allowed / 1e6, 1), ours, " MB", at_least=False),
                {"pynn": ours, "sklearn": theirs},
            )
        )  # fmt: skip
    return [table]


def _raised(library, fit, n_rows, plan):
    (worker,) = start("memory", library, [plan.n_threads])
    with worker:
        return worker.ask(do="fit", fit=asdict(fit), n_rows=n_rows)["bytes"] / 1e6


class Child:
    """Fits once."""

    def __init__(self, library, n_threads):
        if not _CLEAR.exists():
            raise OSError("the peak of memory can only be reset on Linux")
        if library == "pynn":
            import pynn as module
        else:
            import sklearn as module
            import sklearn.neural_network

            module.MLPClassifier = sklearn.neural_network.MLPClassifier
        self._module, self.version = module, module.__version__

    def fit(self, fit, n_rows):
        """Return how many bytes a fit takes at its worst, X and y apart."""
        fit = Fit(**fit)
        rng = np.random.default_rng(0)
        X = np.empty((n_rows, fit.layers[0]), np.float32)
        rng.random(out=X, dtype=np.float32)
        y = rng.integers(fit.layers[-1], size=n_rows)
        train = self._network(fit) if fit.way == "Network" else self._estimator(fit)
        with suppress(OSError, AttributeError):  # glibc alone has it
            ctypes.CDLL(None).malloc_trim(0)  # what is free does not hide what fit takes
        _CLEAR.write_text("5")  # the peak is what there is now
        before = _status("VmRSS")
        train(X, y)
        return {"bytes": _status("VmHWM") - before}

    def _network(self, fit):
        rule = self._module.Adam() if fit.rule == "adam" else self._module.SGD(0.001)
        net = self._module.Network(fit.layers, output_activation="softmax", cost="cross_entropy",
                                   random_state=0)  # fmt: skip
        return lambda X, y: net.fit(X, y, batch_size=fit.batch_size, optimizer=rule)

    def _estimator(self, fit):
        momentum = 0.9 if fit.slots else 0.0
        model = self._module.MLPClassifier(
            fit.layers[1:-1], solver=fit.rule, batch_size=fit.batch_size, max_iter=1,
            momentum=momentum, random_state=0,
        )  # fmt: skip
        return model.fit


def _status(name):
    return 1024 * int(re.search(rf"{name}:\s+(\d+) kB", _STATUS.read_text())[1])
