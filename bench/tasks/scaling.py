"""Several fits at once: Python threads, a grid search over threads, two processes."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import numpy as np
from cases import CASES, load_data

from tasks import tables
from tasks.tables import Goal, Line, Table
from tasks.turns import SETTLE, Contender, Plan, Timed, ratio, spread, start, take_turns

_THREADS_GAIN = 1.7  # time of two fits one after the other over that of both at once; 2 is ideal
_GRID_GAIN = 1  # time with processes over time with threads
_KEPT = 0.75  # throughput of two processes at once over that of one after the other
_AT_ONCE = {
    "nielsen30": "Network: nielsen30 of cases.py",
    "sklearn100": "Network: sklearn100 of cases.py",
    "digits": "MLPClassifier on digits, 50 epochs",
}


def measure(plan, say):
    """Return the tables of this subject."""
    if plan.n_threads < 2:
        return [Table("Several fits at once", [""], notes=["SKIPPED: one processor"])]
    with ExitStack() as stack:

        def workers(*thread_counts):
            return [stack.enter_context(w) for w in start("scaling", "pynn", thread_counts)]

        return [
            _python_threads(workers(1)[0], plan, say),
            _grid(workers(2)[0], plan, say),
            _processes(workers(2, 2), plan, say),
        ]


def _python_threads(worker, plan, say):
    table = Table(
        "Two fits in two Python threads, each with one thread of ours",
        ["fits", "one after the other", "both at once", "gain (2 is ideal)"],
    )
    measured = []
    for name, description in _AT_ONCE.items():
        say(f"  two Python threads: {name}")
        worker.ask(do="prepare", name=name, quick=plan.quick)
        turns, once = (
            Contender(worker, f"{name} {how}", waits=how == "at once")
            for how in ("in turn", "at once")
        )
        take_turns([turns, once], plan)
        gain = ratio(turns, once)
        cells = [description, tables.seconds(turns.median), tables.seconds(once.median)]
        figures = {"in turn": turns.seconds, "at once": once.seconds}
        goal = Goal(_THREADS_GAIN, gain[0], "×")
        table.lines.append(Line([*cells, tables.times(gain)], goal, figures))
        measured.append(turns)
    table.notes += tables.disturbed(measured)
    return table


def _grid(worker, plan, say):
    say("  grid search")
    worker.ask(do="prepare", name="grid", quick=plan.quick)
    labels = {
        "grid alone": "n_jobs=1",
        "grid threading": 'n_jobs=2, backend "threading"',
        "grid loky, cold": 'n_jobs=2, backend "loky", its processes started anew',
        "grid loky, warm": 'n_jobs=2, backend "loky", its processes there already',
    }
    contenders = {call: Contender(worker, call, waits=True) for call in labels}
    few = Plan(plan.quick, min(plan.n_rounds, 3) if plan.quick else plan.n_rounds, 0, 2)
    take_turns([*contenders.values()], few, calibrate=False)
    threads = contenders["grid threading"]
    table = Table(
        "GridSearchCV over MLPClassifier on digits",
        ["joblib", "time of the search", "this / threading"],
        notes=["Four settings (two sizes, two alphas), three folds, 12 fits, at most 50 epochs, "
               "no refit."],
    )  # fmt: skip
    for call, contender in contenders.items():
        gain = ratio(contender, threads)
        cells = [
            labels[call],
            tables.seconds(contender.median),
            "1" if contender is threads else tables.times(gain),
        ]
        goal = None if contender is threads else Goal(_GRID_GAIN, gain[0], "×")
        table.lines.append(Line(cells, goal, {"seconds": contender.seconds}))
    return table


def _processes(workers, plan, say):
    """Time a fit in each of two processes, first one after the other, then both at once."""
    say("  two processes")
    for worker in workers:
        worker.ask(do="prepare", name="mid", quick=plan.quick)
    first = Contender(workers[0], "mid")
    first.calibrate(plan.piece)

    def fit(worker):
        return worker.ask(do="time", call="mid", n_calls=first.n_calls)["seconds"]

    turns, once = [], []
    with ThreadPoolExecutor(2) as pool:  # its threads only wait for the processes
        list(pool.map(fit, workers))  # warm
        for _ in range(plan.n_rounds):
            time.sleep(SETTLE)
            turns.append(sum(map(fit, workers)))
            time.sleep(SETTLE)
            once.append(max(pool.map(fit, workers)))
    kept = spread(np.divide(turns, once))
    cells = [CASES["mid"].describe(), *(tables.seconds(spread(x)[0]) for x in (turns, once))]
    return Table(
        "Two processes fit at once, each with its default threads",
        ["network", "one after the other", "both at once", "throughput kept"],
        [Line([*cells, tables.times(kept)], Goal(_KEPT, kept[0], "×"),
              {"in turn": turns, "at once": once})],
        [f"Times of {2 * first.n_calls} fits in all. 1 is ideal: one alone has all processors."],
    )  # fmt: skip


class Child(Timed):
    """Fits pynn's networks, one or several at once."""

    def __init__(self, library, n_threads):
        import pynn

        self._pynn, self.version = pynn, pynn.__version__
        self.calls, self.before = {}, {}

    def prepare(self, name, quick):
        """Make the calls of one measurement."""
        if name == "grid":
            self._prepare_grid()
        elif name == "mid":
            self.calls["mid"] = self._network_fit("mid", quick, None)
        else:
            make = self._estimator_fit if name == "digits" else self._network_fit
            fits = [make(name, quick, 1) for _ in range(2)]
            self.calls[f"{name} in turn"] = partial(_in_turn, fits)
            self.calls[f"{name} at once"] = partial(_at_once, fits)
        return {}

    def _network_fit(self, name, quick, n_threads):
        """Return a call that trains a network of its own for an epoch."""
        case = CASES[name]
        X, y, _ = load_data(case, quick)
        net = self._pynn.Network(case.layers, activation=case.hidden,
                                 output_activation=case.output, cost=case.cost,
                                 n_threads=n_threads, random_state=0)  # fmt: skip
        rule = {"adam": self._pynn.Adam, "sgd": self._pynn.SGD}[case.rule](case.learning_rate)
        return partial(net.fit, X, y, batch_size=case.batch_size, optimizer=rule)

    def _estimator_fit(self, *_):
        X, y = _digits()
        return lambda: self._pynn.MLPClassifier(max_iter=50, random_state=0).fit(X, y)

    def _prepare_grid(self):
        from joblib import parallel_config
        from joblib.externals.loky import get_reusable_executor
        from sklearn.model_selection import GridSearchCV

        X, y = _digits()
        model = self._pynn.MLPClassifier(max_iter=50, random_state=0)
        settings = {"hidden_layer_sizes": [(50,), (100,)], "alpha": [1e-4, 1e-2]}

        def search(backend, n_jobs):
            with parallel_config(backend):
                GridSearchCV(model, settings, cv=3, n_jobs=n_jobs, refit=False).fit(X, y)

        self.calls["grid alone"] = partial(search, "loky", 1)
        self.calls["grid threading"] = partial(search, "threading", 2)
        self.calls["grid loky, cold"] = self.calls["grid loky, warm"] = partial(search, "loky", 2)
        self.before["grid loky, cold"] = lambda: get_reusable_executor().shutdown(wait=True)


def _digits():
    from sklearn.datasets import load_digits
    from sklearn.preprocessing import StandardScaler

    X, y = load_digits(return_X_y=True)
    return StandardScaler().fit_transform(X), y


def _in_turn(fits):
    for fit in fits:
        fit()


def _at_once(fits):
    threads = [threading.Thread(target=fit) for fit in fits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
