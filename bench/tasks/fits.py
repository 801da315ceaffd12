"""Whole default fits of the estimators against scikit-learn's, and Python's part of an epoch."""

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from importlib import import_module

import cases
import numpy as np

from tasks import tables
from tasks.tables import Goal, Line, Table
from tasks.turns import Contender, Timed, fastest, ratio, spread, start, take_turns

_MODULES = {"pynn": "pynn", "sklearn": "sklearn.neural_network"}
_SAME_SCORE = 1e-6
# data set: (estimator, how many times as fast the fit should be, what is not default)
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
    with ExitStack() as stack:
        workers = {
            library: [
                stack.enter_context(worker) for worker in start("fits", library, plan.thread_counts)
            ]
            for library in _MODULES
        }
        return [_fits(workers, plan, say), _overhead(workers["pynn"][0], plan, say)]


def _fits(workers, plan, say):
    table = Table(
        "Whole default fit: float64, standardised data",
        ["data", "pynn", "scikit-learn", "epochs", "held-out score, pynn", "scikit-learn",
         "scikit-learn / pynn"],
        notes=["Three quarters of the rows are fitted (random_state=0, all else default), the rest "
               "is scored: accuracy or R². Times of a fit at the better of the thread counts (t).",
               f"sparse: {_SPARSE.n_rows} rows of the case of that name in cases.py (CSR, 20,000 "
               "columns, 1% not 0), as they are; 5 epochs."],
    )  # fmt: skip
    measured = []
    for data, (_, goal, _) in _FITS.items():
        say(f"  {data}")
        ours, theirs = (
            fastest([Contender(worker, data) for worker in workers[library]], plan)
            for library in ("pynn", "sklearn")
        )
        take_turns([ours, theirs], plan)
        measured += [ours, theirs]
        (score, n_epochs), (their_score, their_epochs) = (
            _learned(contender, data) for contender in (ours, theirs)
        )
        faster = ratio(theirs, ours)
        table.lines.append(
            Line(
                [
                    data,
                    _time(ours),
                    _time(theirs),
                    f"{n_epochs} / {their_epochs}",
                    f"{score:.6f}",
                    f"{their_score:.6f}",
                    tables.times(faster),
                ],
                goal and Goal(goal, faster[0], "×"),
                {"pynn": ours.seconds, "sklearn": theirs.seconds, "ratio": faster},
            )
        )  # fmt: skip
        if score < their_score - _SAME_SCORE:
            table.notes.append(f"SCORE of {data} is below scikit-learn's: no goal is reached so")
            if goal:
                table.lines[-1].goal.value = None
    table.notes += tables.disturbed(measured)
    return table


def _learned(contender, data):
    learned = contender.worker.ask(do="learn", data=data)
    return learned["score"], learned["n_epochs"]


def _time(contender):
    return f"{tables.seconds(contender.median)} {contender.worker.n_threads}t"


def _overhead(worker, plan, say):
    """Compare epochs of the estimator with epochs of Network within one call of the core."""
    say("  overhead of an epoch")
    n = _N_EPOCHS // 4 if plan.quick else _N_EPOCHS
    parts = {name: Contender(worker, name) for name in ("estimator", "network")}
    more = {name: Contender(worker, f"{name} twice") for name in parts}
    worker.ask(do="prepare_overhead", n_epochs=n)
    take_turns([*parts.values(), *more.values()], plan)
    # What a fit costs once, whatever its number of epochs, is in both terms of each difference.
    epochs = {
        name: np.subtract(more[name].seconds, parts[name].seconds) / n * 1e6 for name in parts
    }
    overhead = spread(epochs["estimator"] - epochs["network"])
    cells = [f"{spread(epochs[name])[0]:.2f} µs" for name in parts]
    cells.append("**{:.2f} µs** ({:.2f}–{:.2f})".format(*overhead))
    figures = {name: values.tolist() for name, values in epochs.items()}
    return Table(
        "Python's part of an epoch",
        ["one mini-batch an epoch", "MLPRegressor.fit", "Network.fit, all epochs in one call",
         "difference"],
        [Line(["2-2-1, 4 rows, Adam, float64", *cells],
              Goal(_OVERHEAD, overhead[0], " µs", at_least=False), figures)],
        [f"From fits of {n} and {2 * n} epochs: what a fit costs but once is not counted.",
         *tables.disturbed([*parts.values(), *more.values()])],
    )  # fmt: skip


class Child(Timed):
    """Fits one library's estimators."""

    def __init__(self, library, n_threads):
        import sklearn
        from sklearn import datasets
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler

        self._module = import_module(_MODULES[library])
        self.version = getattr(self._module, "__version__", sklearn.__version__)
        self._parts, self.calls = {}, {}
        for data in _FITS:
            if data == "sparse":
                X, y, _ = cases.load_data(_SPARSE, quick=False)
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
        """Return what a fit has come to."""
        _, _, X_test, y_test = self._parts[data]
        model = self._fit(data)
        return {"score": model.score(X_test, y_test), "n_epochs": model.n_iter_}

    def prepare_overhead(self, n_epochs):
        """Make the calls that an epoch's overhead is the difference of."""
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
        return {}
