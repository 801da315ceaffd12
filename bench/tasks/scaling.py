"""Several fits at once: Python threads, a busy thread, a grid search, two processes."""

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import cases
import numpy as np
import report
from peers.pynn_network import Peer
from report import Goal, Table
from turns import SETTLE, Contender, ratio, spread, take_turns
from worker import Timed, Workers, timed

import pynn

_THREADS_GAIN = 1.8  # time of two fits one after the other over that of both at once; 2 is ideal
_BUSY = 1.03  # time of a fit beside a busy Python thread over that of a fit alone, at most
_LONG = 0.8  # seconds of that fit: it waits for the GIL once, for up to 5 ms
_GRID_GAIN = 1  # time with processes over time with threads
_KEPT = 0.75  # throughput of two processes at once over that of one after the other
_AT_ONCE = {
    "nielsen30": "Network: nielsen30",
    "sklearn100": "Network: sklearn100",
    "digits": "MLPClassifier on digits, 50 epochs",
}


def measure(plan, say):
    """Return the tables of this subject."""
    if plan.n_threads < 2:
        return [Table("Several fits at once", [""], notes=["SKIPPED: one processor"])]
    with Workers("tasks.scaling", ["pynn"], (1, 2, 2)) as workers:
        one, two, other = workers
        table = _python_threads(one, plan, say)
        table.overall = _grid(two, plan, say)
        kept = _processes((two, other), plan, say)
    text = "Throughput kept by two processes that fit mid at once, each with its default threads"
    table.overall[text] = Goal(_KEPT, kept)
    table.notes.append("GridSearchCV: MLPClassifier on digits, four settings, three folds, at most "
                       "50 epochs, no refit.")  # fmt: skip
    return [table]


def _python_threads(worker, plan, say):
    """Time two fits in turn and at once, and one beside a thread that runs Python."""
    table = Table(
        "Fits in Python threads, each with one thread of pynn",
        ["fit", "two in turn", "both at once", "gain (2 is ideal)", "beside a busy thread / alone"],
        goal_head=("gain: goal", "busy: goal"),
    )  # fmt: skip
    measured = []
    for name, description in _AT_ONCE.items():
        say(f"  Python threads: {name}")
        worker.ask(do="prepare", name=name, quick=plan.quick)
        calls = ("in turn", "at once", "alone", "busy")
        turns, once, alone, busy = (
            Contender(worker, f"{name} {how}", waits=how in ("at once", "busy")) for how in calls
        )
        take_turns([turns, once, alone, busy], plan)
        gain, cost = ratio(turns, once), ratio(busy, alone)
        times = [report.metric(turns.median, "s"), report.metric(once.median, "s")]
        goals = [Goal(_THREADS_GAIN, gain[0])]
        if name != "digits":  # an estimator takes the GIL in every epoch
            goals.append(Goal(_BUSY, cost[0], at_least=False))
        cells = [description, *times, report.times(gain), report.times(cost)]
        table.add(*cells, goals=goals)
        measured += [turns, alone]
    table.notes += report.disturbed(measured)
    return table


def _grid(worker, plan, say):
    """Return {description: the time of a grid search over that with two threads}."""
    say("  grid search")
    worker.ask(do="prepare", name="grid", quick=plan.quick)
    names = {
        "grid alone": "alone",
        "grid loky, cold": "in two new processes",
        "grid loky, warm": "in two warm processes",
        "grid threading": "",
    }
    contenders = {call: Contender(worker, call, waits=True) for call in names}
    few = replace(plan, n_rounds=min(plan.n_rounds, 3)) if plan.quick else plan
    take_turns([*contenders.values()], few, calibrate=False)
    threads = contenders.pop("grid threading")
    return {f"GridSearchCV {names[call]} / in two threads": Goal(_GRID_GAIN, ratio(c, threads)[0])
            for call, c in contenders.items()}  # fmt: skip


def _processes(workers, plan, say):
    """Return the time of two processes' fits one after the other over that of both at once."""
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
    return spread(np.divide(turns, once))[0]


class Child(Timed):
    """Fits pynn's networks, one or several at once."""

    def prepare(self, name, quick):
        """Make the calls of one measurement."""
        if name == "grid":
            self._prepare_grid()
        elif name == "mid":
            self.calls["mid"] = self._network_fit("mid", quick, None)
        else:
            make = self._estimator_fit if name == "digits" else self._network_fit
            fits = [make(name, quick, 1) for _ in range(2)]
            self.calls[f"{name} in turn"] = lambda: [fit() for fit in fits]
            self.calls[f"{name} at once"] = partial(_at_once, fits)
            long = fits[0] if name == "digits" else self._network_fit(name, quick, 1, _LONG)
            self.calls[f"{name} alone"] = long
            self.calls[f"{name} busy"] = partial(_beside_a_busy_thread, long)

    def _network_fit(self, name, quick, n_threads, seconds=0.0):
        """Return a call that trains a network of its own, for an epoch or at least so long."""
        X, y, _ = cases.load_data(cases.CASES[name], quick)
        peer = Peer(cases.CASES[name], "", n_threads)
        peer.start(cases.initial_parameters(peer.case), X, y)
        n_batches = peer.n_batches_in_epoch
        if seconds:
            n_batches *= math.ceil(seconds / timed(partial(peer.train, n_batches))["seconds"])
        return partial(peer.train, n_batches)

    def _estimator_fit(self, *_):
        X, y = _digits()
        return lambda: pynn.MLPClassifier(max_iter=50, random_state=0).fit(X, y)

    def _prepare_grid(self):
        from joblib import parallel_config
        from joblib.externals.loky import get_reusable_executor
        from sklearn.model_selection import GridSearchCV

        X, y = _digits()
        model = pynn.MLPClassifier(max_iter=50, random_state=0)
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


def _at_once(fits):
    with ThreadPoolExecutor(len(fits)) as pool:
        for done in [pool.submit(fit) for fit in fits]:
            done.result()


def _beside_a_busy_thread(fit):
    """Fit while a thread runs a loop of Python, which holds the GIL whenever it can."""
    done = threading.Event()

    def loop():
        while not done.is_set():
            pass

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        fit()
    finally:
        done.set()
        thread.join()
