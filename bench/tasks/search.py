"""A grid search: pynn.search beside scikit-learn's GridSearchCV on as many processes."""

from functools import partial

import report
from report import Goal, Table
from turns import Contender, ratio, take_turns
from worker import Timed, Workers

# Rows, most epochs of a fit, and sizes of the hidden layer; each size with five penalties.
CASES = {
    "digits": (30, [(10,), (20,), (30,), (50,)]),
    "iris": (100, [(5,), (10,), (20,), (50,)]),
}
_GOALS = {"pynn": 4, "scikit-learn": 15}  # digits: time of GridSearchCV / time of the search
_HOW = ("new", "warm")


def measure(plan, say):
    """Return the tables of this subject."""
    table = Table(
        "Five-fold search of 20 settings, no refit: seconds",
        ["data", "pynn.search", "GridSearchCV of", "processes", "time", "ratio"],
        notes=[f"Sizes of the hidden layer and five penalties, standardised data, else default, at "
               f"most {CASES['digits'][0]} epochs (iris: {CASES['iris'][0]}); "
               f"{plan.n_threads} threads or processes. New processes start with the search, as "
               "in a script; warm ones have done one before, as in a notebook."],
    )  # fmt: skip
    with Workers("tasks.search", ["pynn"], [plan.n_threads]) as workers:
        (worker,), searches = workers, []
        for data in CASES:
            say(f"  {data}")
            ours = Contender(worker, f"{data}: search")
            others = {
                (model, how): Contender(worker, f"{data}: {model}, {how}", waits=True)
                for model in _GOALS
                for how in _HOW
            }
            searches.append(ours)
            take_turns([ours, *others.values()], plan, calibrate=False)
            head = [data, report.metric(ours.median, "s")]
            for (model, how), other in others.items():
                faster = ratio(other, ours)
                cells = [model, how, report.metric(other.median, "s"), report.times(faster)]
                goals = [Goal(_GOALS[model], faster[0])] if data == "digits" else []
                table.add(*head, *cells, goals=goals)
                head = ["", ""]
        table.notes += report.disturbed(searches)
    return [table]


class Child(Timed):
    """Searches in threads, and in processes that are new or warm."""

    def __init__(self, _, n_threads):
        super().__init__()
        from joblib.externals.loky import get_reusable_executor
        from sklearn import neural_network
        from sklearn.model_selection import GridSearchCV

        import pynn

        models = {"pynn": pynn.MLPClassifier, "scikit-learn": neural_network.MLPClassifier}
        for data, (n_epochs, sizes) in CASES.items():
            X, y = _rows(data)
            grid = {"hidden_layer_sizes": sizes, "alpha": [1e-4, 1e-3, 0.01, 0.1, 1.0]}
            options = {"max_iter": n_epochs, "random_state": 0}
            self.calls[f"{data}: search"] = partial(
                pynn.search, models["pynn"](**options), grid, X, y, cv=5, refit=False,
                n_threads=n_threads,
            )  # fmt: skip
            for name, model in models.items():
                search = GridSearchCV(model(**options), grid, cv=5, n_jobs=n_threads, refit=False)
                for how in _HOW:
                    self.calls[f"{data}: {name}, {how}"] = partial(search.fit, X, y)
                self.before[f"{data}: {name}, new"] = lambda: get_reusable_executor().shutdown(
                    wait=True
                )


def _rows(data):
    from sklearn import datasets
    from sklearn.preprocessing import StandardScaler

    X, y = getattr(datasets, f"load_{data}")(return_X_y=True)
    return StandardScaler().fit_transform(X), y
