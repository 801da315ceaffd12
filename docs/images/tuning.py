"""Measures the table of ../tuning.md, prints it and draws tuning.png; takes some minutes.

Figures are losses of test rows in percent of the loss of a constant prediction.
"""

import warnings
from pathlib import Path

import matplotlib
import numpy as np
from joblib import Parallel, delayed
from sklearn import datasets
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.metrics import get_scorer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pynn

matplotlib.use("Agg")
from matplotlib import pyplot as plt

TABLES = {"breast_cancer": 20, "wine": 20, "digits": 10, "diabetes": 20}  # splits of each
BASE = {
    "hidden_layer_sizes": (50,),
    "learning_rate_init": 0.003,
    "early_stopping": True,
    "scoring": "loss",
    "max_iter": 1000,
}
FIXED = {"early_stopping": False, "tol": 0, "n_iter_no_change": np.inf}
BFGS = {"solver": "lbfgs", "early_stopping": False, "scoring": None, "max_iter": 200}
CHANGES = {
    "inputs not scaled": {"scaled": False},
    "100 epochs": FIXED | {"max_iter": 100},
    "300 epochs": FIXED | {"max_iter": 300},
    "two layers of 50": {"hidden_layer_sizes": (50, 50)},
    "`alpha=1`": {"alpha": 1},
    "`alpha=10`": {"alpha": 10},
    "`dropout=0.5`": {"dropout": 0.5},
    "300 epochs, `alpha=1`": FIXED | {"max_iter": 300, "alpha": 1},
    "batches of 20": {"batch_size": 20},
    "batches of all rows": {"batch_size": 10_000},
    "sgd, learning rate 0.1": {"solver": "sgd", "learning_rate_init": 0.1},
    "adamw": {"solver": "adamw"},
    "lbfgs, `alpha=1`": BFGS | {"alpha": 1},
    "mean of 5 seeds": {"seeds": 5},
}
RATES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
SIZES = (2, 5, 10, 20, 50, 200)


def loss(table, split, scaled=True, seeds=1, **changes):
    """Return the loss of the test rows of one split, in percent of a constant prediction's."""
    warnings.simplefilter("ignore")  # of unscaled inputs, few epochs and small tables
    X, y = getattr(datasets, f"load_{table}")(return_X_y=True)
    of_classes = table != "diabetes"
    perceptron = pynn.MLPClassifier if of_classes else pynn.MLPRegressor
    model = perceptron(**BASE | changes, random_state=split, n_threads=1)
    if scaled:
        model = make_pipeline(StandardScaler(), model)
    if not of_classes:
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    if seeds > 1:
        bagging = BaggingClassifier if of_classes else BaggingRegressor
        model = bagging(model, n_estimators=seeds, bootstrap=False, random_state=split)
    stratify = y if of_classes else None
    X, X_test, y, y_test = train_test_split(X, y, stratify=stratify, random_state=split)
    scorer = get_scorer("d2_log_loss_score" if of_classes else "r2")
    return 100 * (1 - scorer(model.fit(X, y), X_test, y_test))


def losses(table, **changes):
    """Return the loss of each split."""
    jobs = (delayed(loss)(table, split, **changes) for split in range(TABLES[table]))
    return np.array(Parallel(n_jobs=-1)(jobs))


def mean_and_error(values):
    """Return the mean and its standard error."""
    return values.mean(), values.std(ddof=1) / np.sqrt(len(values))


figure, (left, right) = plt.subplots(ncols=2, figsize=(6.8, 3.2), sharey=True, layout="constrained")
curves = (
    (left, "learning_rate_init", RATES, RATES, "learning rate"),
    (right, "hidden_layer_sizes", SIZES, [(size,) for size in SIZES], "hidden units"),
)
colours = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # told apart by colour-blind readers
for axes, parameter, x, choices, label in curves:
    for table, colour, marker in zip(TABLES, colours, "os^D", strict=True):
        points = [mean_and_error(losses(table, **{parameter: choice})) for choice in choices]
        mean, error = np.transpose(points)
        print(table, label, dict(zip(x, mean.round(1).tolist(), strict=True)), flush=True)
        axes.errorbar(x, mean, error, color=colour, marker=marker, ms=4, capsize=2, label=table)
    axes.set(xscale="log", yscale="log", xlabel=label)
    axes.set_xticks(x, [f"{choice:g}" for choice in x])
    axes.set_yticks([5, 10, 20, 50, 100], ["5", "10", "20", "50", "100"])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
left.set(ylabel="test loss (constant prediction: 100)", ylim=(3, 110))
figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=4)
figure.savefig(Path(__file__).with_suffix(".png"), dpi=110)

base = {table: losses(table) for table in TABLES}
for name, changes in {"no change": {}, **CHANGES}.items():
    cells = [name]
    for table in TABLES:
        mean, error = mean_and_error(losses(table, **changes) - (base[table] if changes else 0))
        bold = "**" if changes and abs(mean) > 3 * error else ""
        sign = "+" if changes else ""
        cells.append(f"{bold}{mean:{sign}.1f}{bold} ± {error:.1f}")
    print("|", " | ".join(cells), "|", flush=True)
