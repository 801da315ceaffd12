"""Time to 97% and 98% test accuracy on MNIST, from untrained networks."""

import os
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
from cases import MNIST_PLACE

from tasks import tables
from tasks.tables import Goal, Line, Table
from tasks.turns import start

MARKS = (0.97, 0.98)
_LABELS = {"pynn": "pynn", "sklearn": "scikit-learn", "torch": "PyTorch, eager"}
_DROP = 0.2  # what is left of a learning rate that falls
_MOST_EPOCHS = 20
_ROUNDS, _QUICK_ROUNDS = 5, 3  # each trains anew from another random_state
_SEARCH_STATE, _FIRST_STATE = 100, 0  # random_state of the search, and of the first round


@dataclass(frozen=True)
class Setting:
    """784-hidden-10, relu and softmax, Adam; the rate falls once, after so many epochs."""

    hidden: int
    batch_size: int
    learning_rate: float
    drop_after: int = _MOST_EPOCHS

    def describe(self):
        drop = "" if self.drop_after == _MOST_EPOCHS else f", ×{_DROP:g} after {self.drop_after}"
        return f"784-{self.hidden}-10, batch {self.batch_size}, Adam {self.learning_rate:g}{drop}"


# Of some 80 settings tried with other random states than the rounds' (100 to 107), the fastest that
# got there in two and in three epochs: all of eight states, four of five.
OURS = {0.97: Setting(128, 192, 0.006, 1), 0.98: Setting(192, 96, 0.004, 2)}
GRID = [
    OURS[0.98],  # first: its time is the limit for the others
    OURS[0.97],
    *(Setting(*values) for values in product((128, 256), (128, 256), (1e-3, 3e-3))),
]


def measure(plan, say):
    """Return the tables of this subject."""
    if not _place().is_file():
        return [
            Table(
                "Time to an accuracy on MNIST",
                [""],
                notes=[f"SKIPPED: no MNIST at {_place()}; PYNN_MNIST may name it (README.md)"],
            )
        ]
    grid = GRID[: len(OURS) + 1] if plan.quick else GRID
    with ExitStack() as stack:
        workers, absent, chosen = {}, [], {}
        for library, label in _LABELS.items():
            try:
                started = start("accuracy", library, plan.thread_counts)
            except ImportError as error:
                absent.append(f"absent: {label} ({error})")
                continue
            for worker in started:
                stack.enter_context(worker)
            workers[library] = min(started, key=_seconds_an_epoch)
            say(f"  {label} takes {workers[library].n_threads} thread(s)")
            if library == "pynn":
                chosen[library] = OURS
            else:
                chosen[library] = _search(workers[library], grid, say)
        reached = _rounds(workers, chosen, _QUICK_ROUNDS if plan.quick else _ROUNDS, say)
    table = _table(workers, chosen, reached)
    states = f"{_SEARCH_STATE} and {_SEARCH_STATE + 1} for the search, from {_FIRST_STATE} on here"
    table.notes += [
        f"Seconds of training alone, in whole epochs; random_state {states}. scikit-learn and "
        f"PyTorch: the fastest of {len(grid)} settings, ours among them.",
        *absent,
    ]
    return [table]


def _place():
    return Path(os.environ.get("PYNN_MNIST", MNIST_PLACE))


def _seconds_an_epoch(worker):
    """Train three epochs, which also warms the process up; the best time of the last two."""
    worker.ask(do="begin", setting=asdict(OURS[0.98]), random_state=_SEARCH_STATE)
    worker.ask(do="epoch")
    return min(worker.ask(do="epoch")["seconds"] for _ in range(2))


def _train(worker, setting, random_state, marks, limit=np.inf):
    """Return {mark: seconds of training when the accuracy was reached}, up to a limit."""
    worker.ask(do="begin", setting=asdict(setting), random_state=random_state)
    seconds, reached = 0.0, {}
    for _ in range(_MOST_EPOCHS):
        done = worker.ask(do="epoch")
        seconds += done["seconds"]
        for mark in marks:
            if done["accuracy"] >= mark:
                reached.setdefault(mark, seconds)
        if len(reached) == len(marks) or seconds > limit:
            break
    return reached


def _search(worker, grid, say):
    """Return {mark: the setting that reaches it first}, the best two tried again."""
    found, limit = {mark: {} for mark in MARKS}, np.inf
    for setting in grid:
        # Whoever takes longer than the best did to the last mark wins none.
        reached = _train(worker, setting, _SEARCH_STATE, MARKS, limit)
        limit = min(limit, reached.get(MARKS[-1], limit))
        for mark, seconds in reached.items():
            found[mark][setting] = seconds
        shown = ", ".join(f"{mark:.0%} {seconds:.2f} s" for mark, seconds in reached.items())
        say(f"    {setting.describe()}: {shown or 'neither in time'}")
    return {mark: _confirmed(worker, mark, found[mark]) or grid[0] for mark in MARKS}


def _confirmed(worker, mark, found):
    """Return the better of the two fastest settings over two random states, not just by luck."""
    total = {}
    for setting in sorted(found, key=found.get)[:2]:
        again = _train(worker, setting, _SEARCH_STATE + 1, [mark], 2 * found[setting])
        total[setting] = found[setting] + again.get(mark, np.inf)
    return min(total, key=total.get, default=None)


def _rounds(workers, chosen, n_rounds, say):
    """Return {(library, mark): seconds of each round, NaN where it was not reached}."""
    times = {(library, mark): [] for library in workers for mark in MARKS}
    for number in range(n_rounds):
        say(f"  round {number + 1} of {n_rounds}")
        for mark, (library, worker) in product(MARKS, workers.items()):
            reached = _train(worker, chosen[library][mark], _FIRST_STATE + number, [mark])
            times[library, mark].append(reached.get(mark, np.nan))
    return times


def _table(workers, chosen, times):
    n_rounds = len(times["pynn", MARKS[0]])
    table = Table(
        f"Time to an accuracy on MNIST's test images: median of {n_rounds} trainings",
        ["accuracy", "library", "setting", "time (quartiles)", "this / pynn"],
    )
    for mark, library in product(MARKS, workers):
        mine = np.nan_to_num(times[library, mark], nan=np.inf)
        median, low, high = _quartiles(mine)
        faster = _quartiles(mine / np.asarray(times["pynn", mark]))
        worker = workers[library]
        cells = [
            f"{mark:.0%}",
            f"{_LABELS[library]} {worker.n_threads}t",
            chosen[library][mark].describe(),
            f"{median:.3g} s ({low:.3g}–{high:.3g})",
            "1" if library == "pynn" else tables.times(faster),
        ]
        goal = None if library == "pynn" else Goal(1, faster[0], "×")
        table.lines.append(
            Line(cells, goal, {"seconds": [t if t < np.inf else None for t in mine.tolist()]})
        )
    return table


def _quartiles(values):
    """Return (median, lower, upper quartile) among the values: some may be infinite."""
    return tuple(map(float, np.percentile(values, (50, 25, 75), method="nearest")))


class Child:
    """Trains one library's network epoch by epoch and measures its accuracy."""

    def __init__(self, library, n_threads):
        prepare = {"pynn": _pynn, "sklearn": _sklearn, "torch": _torch}[library]
        self.version, self._make = prepare(n_threads)
        with np.load(_place()) as file:
            self._X, self._X_test = (
                file[name].reshape(-1, 784).astype(np.float32) / 255
                for name in ("x_train", "x_test")
            )
            self._y, self._y_test = (file[name].astype(np.int64) for name in ("y_train", "y_test"))

    def begin(self, setting, random_state):
        """Take a new network."""
        self._setting, self._n_epochs = Setting(**setting), 0
        self._epoch, self._predict = self._make(self._setting, random_state, self._X, self._y)
        return {}

    def epoch(self):
        """Train for an epoch; return its seconds and the accuracy that it has led to."""
        drops = self._n_epochs == self._setting.drop_after
        begun = perf_counter()
        self._epoch(self._setting.learning_rate * _DROP if drops else None)
        seconds = perf_counter() - begun
        self._n_epochs += 1
        right = np.asarray(self._predict(self._X_test)) == self._y_test
        return {"seconds": seconds, "accuracy": float(right.mean())}


# Each returns (version, a function that makes a network). That function returns one that trains
# for an epoch, with a new learning rate where it is not None, and one that gives rows' classes.


def _pynn(n_threads):
    import pynn

    def make(setting, random_state, X, y):
        net = pynn.Network((784, setting.hidden, 10), output_activation="softmax",
                           cost="cross_entropy", random_state=random_state)  # fmt: skip
        fit = partial(net.fit, X, y, batch_size=setting.batch_size)

        def epoch(rate):
            if not net.history["cost"]:
                rate = setting.learning_rate
            fit(optimizer=None if rate is None else pynn.Adam(rate))

        return epoch, lambda rows: net.predict(rows).argmax(axis=1)

    return pynn.__version__, make


def _sklearn(n_threads):
    import sklearn
    from sklearn.neural_network import MLPClassifier

    sklearn.set_config(assume_finite=True)  # else each epoch would look through X for NaN

    def make(setting, random_state, X, y):
        model = MLPClassifier((setting.hidden,), batch_size=setting.batch_size, alpha=0,
                              learning_rate_init=setting.learning_rate,
                              random_state=np.random.RandomState(random_state))  # fmt: skip

        def epoch(rate):
            if rate is not None:
                model._optimizer.learning_rate_init = rate
            model.partial_fit(X, y, classes=np.arange(10))

        return epoch, model.predict

    return sklearn.__version__, make


def _torch(n_threads):
    import torch
    from torch import nn

    torch.set_num_threads(n_threads)

    def make(setting, random_state, X, y):
        torch.manual_seed(random_state)
        X, y = torch.from_numpy(X), torch.from_numpy(y)
        hidden, out = nn.Linear(784, setting.hidden), nn.Linear(setting.hidden, 10)
        parameters = [hidden.weight, hidden.bias, out.weight, out.bias]
        adam = torch.optim.Adam(parameters, lr=setting.learning_rate, fused=True)

        def forward(rows):
            a = nn.functional.linear(rows, hidden.weight, hidden.bias).relu()
            return nn.functional.linear(a, out.weight, out.bias)

        def epoch(rate):
            if rate is not None:
                adam.param_groups[0]["lr"] = rate
            for rows in torch.randperm(len(X)).split(setting.batch_size):
                loss = nn.functional.cross_entropy(forward(X[rows]), y[rows])
                gradients = torch.autograd.grad(loss, parameters)
                for parameter, gradient in zip(parameters, gradients, strict=True):
                    parameter.grad = gradient
                adam.step()

        def predict(rows):
            with torch.inference_mode():
                return forward(torch.from_numpy(rows)).argmax(1).numpy()

        return epoch, predict

    return torch.__version__, make
