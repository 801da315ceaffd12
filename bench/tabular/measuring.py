"""One fit: its scores on held-out rows, and the processor time that it took.

The split, the scores and the timing are those of the stored baselines: 30% of the rows are held
out, by a split whose random state is the repeat; log-loss with probabilities of at least 1e-6,
error, auc of two classes; nrmse, the RMSE over the standard deviation of the held-out targets.
"""

import time

import numpy as np

from tabular import methods, sources

COVERAGE = 0.9
_SMALLEST_PROBABILITY = 1e-6


class Child:
    """A process for one fit, with one thread."""

    def __init__(self, method, n_threads):
        self.method = method

    def fit(self, data, table, repeat, preset=None, expert=None):
        """Return the line of a fit, or the missing package; variants have preset and expert."""
        X, y, task = sources.load(data, table)
        make = methods.pynn(preset, expert) if preset else methods.known(data)[self.method]
        try:
            model = make(task == "regression", repeat)
        except ImportError as error:
            return {"absent": str(error)}
        size = {"task": task, "n_rows": len(X), "n_columns": X.shape[1]}
        return {"line": size | measure(model, X, y, task, repeat)}


def measure(model, X, y, task, repeat):
    """Return scores and times of one fit."""
    from sklearn.model_selection import train_test_split

    regression = task == "regression"
    y = np.asarray(y) if regression else np.unique(y, return_inverse=True)[1]
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=0.3, random_state=repeat, stratify=None if regression else y
    )
    start = time.process_time()
    model.fit(X_train, y_train)
    fitted = time.process_time()
    predicted = model.predict(X_test) if regression else model.predict_proba(X_test)
    done = time.process_time()
    times = {"fit_cpu": round(fitted - start, 3), "predict_cpu": round(done - fitted, 6)}
    if regression:
        return (
            scores_of_numbers(y_test, np.squeeze(predicted))
            | times
            | intervals(model, X_test, y_test)
        )
    temperature = getattr(model, "temperature_", None)
    more = {} if temperature is None else {"temperature": float(temperature)}
    return scores_of_classes(y_test, predicted) | times | more


def scores_of_numbers(y, predicted):
    return {"nrmse": float(np.sqrt(np.mean((y - predicted) ** 2)) / np.std(y))}


def scores_of_classes(y, predicted):
    from sklearn.metrics import log_loss, roc_auc_score

    from pynn.tabular.calibration import calibration_error

    p = np.clip(np.asarray(predicted, dtype=float), _SMALLEST_PROBABILITY, 1)
    p /= p.sum(axis=1, keepdims=True)
    result = {
        "logloss": float(log_loss(y, p, labels=np.arange(p.shape[1]))),
        "error": float(np.mean(p.argmax(axis=1) != y)),
        "ece": calibration_error(p, y),
    }
    return result | ({"auc": float(roc_auc_score(y, p[:, 1]))} if p.shape[1] == 2 else {})


def intervals(model, X, y):
    """Return coverage and mean width (over the targets' standard deviation), if there are any."""
    if not hasattr(model, "predict_interval"):
        return {}
    low, high = model.predict_interval(X, coverage=COVERAGE)
    inside = (low <= y) & (y <= high)
    return {"coverage": float(np.mean(inside)), "width": float(np.mean(high - low) / np.std(y))}
