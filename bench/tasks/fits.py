"""Whole default fits of the estimators against scikit-learn's, and Python's share of an epoch."""

from dataclasses import replace
from functools import partial
from importlib import import_module

import cases
import numpy as np
import report
from report import Goal, Table
from turns import Contender, fastest, ratio, spread, take_turns
from worker import Timed, Workers

_MODULES = {"pynn": "pynn", "sklearn": "sklearn.neural_network"}
_SAME_SCORE = 1e-6
# data set: (estimator, goal: scikit-learn's time over ours, parameters that are not default)
_FITS = {
    "iris": ("MLPClassifier", 8, {}),
    "breast_cancer": ("MLPClassifier", 7, {}),
    "digits": ("MLPClassifier", 5, {}),
    "diabetes": ("MLPRegressor", 8, {}),
    "sparse": ("MLPClassifier", None, {"max_iter": 5}),
}
_SPARSE = replace(cases.CASES["sparse"], n_rows=4000)
_OVERHEAD = 15  # microseconds an epoch
_N_EPOCHS = 2000


def measure(plan, say):
    """Return the tables of this subject."""
    with Workers("tasks.fits", _MODULES, plan.thread_counts) as workers:
        table = _fits(workers.of, plan, say)
        overhead = _overhead(workers.of["pynn"][0], plan, say)
    text = "Python's share of an epoch (MLPRegressor less Network.fit, 2-2-1, one mini-batch)"
    table.overall = {text: Goal(_OVERHEAD, overhead, " µs", at_least=False)}
    return [table]


def _fits(workers, plan, say):
    table = Table(
        "Whole default fit: float64, standardised data",
        ["data", "pynn", "scikit-learn", "epochs", "held-out score", "scikit-learn / pynn"],
        notes=["Three quarters of the rows are fitted (random_state=0, all else default), the rest "
               "is scored: accuracy or R². Times at the better number of threads (t).",
               f"sparse: {_SPARSE.n_rows} rows of the case of that name (CSR, 20,000 columns, 1% "
               "not 0); 5 epochs."],
    )  # fmt: skip
    measured = []
    for data, (_, least, _) in _FITS.items():
        say(f"  {data}")
        both = [fastest([Contender(w, data) for w in workers[lib]], plan) for lib in _MODULES]
        take_turns(both, plan)
        measured += both
        ours, theirs = (contender.worker.ask(do="learn", data=data) for contender in both)
        faster = ratio(both[1], both[0])
        lower = ours["score"] < theirs["score"] - _SAME_SCORE
        times = [f"{report.metric(c.median, 's')} {c.worker.n_threads}t" for c in both]
        epochs, scores = (f"{ours[key]:.7g} / {theirs[key]:.7g}" for key in ("n_epochs", "score"))
        goals = [Goal(least, None if lower else faster[0])] if least else []
        cells = [data, *times, epochs, scores, report.times(faster)]
        table.add(*cells, goals=goals)
        if lower:
            table.notes.append(f"{data}: the SCORE is below scikit-learn's, so the goal is missed")
    table.notes += report.disturbed(measured)
    return table


def _overhead(worker, plan, say):
    """Return microseconds that an estimator's epoch takes more than one within Network.fit."""
    say("  overhead of an epoch")
    n = _N_EPOCHS // 4 if plan.quick else _N_EPOCHS
    worker.ask(do="prepare_overhead", n_epochs=n)
    names = "estimator", "estimator twice", "network", "network twice"
    measured = [Contender(worker, name) for name in names]
    take_turns(measured, plan)
    once, twice, network, network_twice = (np.array(c.seconds) for c in measured)
    # What a fit costs once is in both terms of each difference.
    return spread((twice - once - network_twice + network) / n * 1e6)[0]


class Child(Timed):
    """Fits one library's estimators."""

    def __init__(self, library, n_threads):
        from sklearn import datasets
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler

        super().__init__()
        self._module = import_module(_MODULES[library])
        self._parts = {}
        for data in _FITS:
            if data == "sparse":
                X, y, _ = cases.load_data(_SPARSE)
                X = X.astype(np.float64)
            else:
                X, y = getattr(datasets, f"load_{data}")(return_X_y=True)
            X, X_test, y, y_test = train_test_split(X, y, random_state=0)
            if data != "sparse":
                scaler = StandardScaler().fit(X)
                X, X_test = scaler.transform(X), scaler.transform(X_test)
            self._parts[data] = X, y, X_test, y_test
            self.calls[data] = partial(self._fit, data)

    def _fit(self, data):
        X, y, _, _ = self._parts[data]
        name, _, settings = _FITS[data]
        return getattr(self._module, name)(random_state=0, **settings).fit(X, y)

    def learn(self, data):
        """Return the score and the epochs of a fit."""
        _, _, X_test, y_test = self._parts[data]
        model = self._fit(data)
        return {"score": model.score(X_test, y_test), "n_epochs": model.n_iter_}

    def prepare_overhead(self, n_epochs):
        """Make the calls whose differences are the overhead of an epoch."""
        import pynn

        X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
        y = np.array([0.0, 1.0, 1.0, 0.0])

        def estimator(n):
            pynn.MLPRegressor(
                hidden_layer_sizes=(2,), batch_size=4, max_iter=n, n_iter_no_change=np.inf,
                random_state=0,
            ).fit(X, y)  # fmt: skip

        def network(n):
            net = pynn.Network([2, 2, 1], dtype="float64", random_state=0)
            net.fit(X, y, epochs=n, batch_size=4, optimizer=pynn.Adam(), alpha=1e-4)

        for name, function in (("estimator", estimator), ("network", network)):
            self.calls[name] = partial(function, n_epochs)
            self.calls[f"{name} twice"] = partial(function, 2 * n_epochs)
