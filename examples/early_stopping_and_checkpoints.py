"""
Early stopping and resuming from a checkpoint
=============================================

The data are measurements of 442 people with diabetes. Some rows are set aside, and the fit ends
when their median error has not fallen for some epochs. The same fit is then interrupted after 10
epochs and resumed; its weights are the same, bit for bit. Needs pynn and matplotlib.
"""

import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

import pynn
from pynn.callbacks import Checkpoint, EpochScoring
from pynn.displays import LossCurveDisplay

X, y = load_diabetes(return_X_y=True)
X_train, X_held_out, y_train, y_held_out = train_test_split(20 * X, y / 100, random_state=0)
settings = {
    "hidden_layer_sizes": (10,),
    "alpha": 10.0,
    "learning_rate_init": 0.01,
    "early_stopping": True,
    "scoring": "neg_median_absolute_error",
    "learning_rate": pynn.WarmUp(epochs=3),
    "random_state": 0,
}


def fit(**more):
    """Learn from the training rows, judged by those held out."""
    model = pynn.MLPRegressor(**settings, **more)
    return model.fit(X_train, y_train, eval_set=(X_held_out, y_held_out))


# %%
# The figures of each epoch are in ``history_``; `pynn.callbacks.EpochScoring` adds another one.

straight = fit(callbacks=[EpochScoring("r2")])
history = straight.history_
print("epoch    loss  val_loss  val_score     r2  learning_rate  median error held out")
for i in range(0, straight.n_iter_, 3):
    loss, val_loss, score, rate, r2 = (
        history[name][i] for name in ("loss", "val_loss", "val_score", "learning_rate", "r2")
    )
    bar = "#" * round(-30 * score)
    print(f"{i + 1:5}  {loss:6.3f}  {val_loss:8.3f}  {score:9.3f}  {r2:5.2f}  {rate:13.6f}  {bar}")
best = straight.best_epoch_
print(f"stopped early: {straight.stopped_early_}; weights kept are those of epoch {best}")

# %%
# Loss on the training rows and on the rows held out. The circle marks the epoch with the best
# score, whose weights are kept.

LossCurveDisplay.from_estimator(straight)
plt.show()

# %%
# A checkpoint holds everything that a fit needs to continue, including the state of its random
# numbers.

with tempfile.TemporaryDirectory() as folder:
    keep = Checkpoint(Path(folder, "diabetes.npz"), resume=True)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        fit(max_iter=10, callbacks=[keep])  # as if the machine had been switched off here
    resumed = fit(callbacks=[keep])
same = all(map(np.array_equal, straight.coefs_, resumed.coefs_))
print(f"resumed after epoch 10: {resumed.n_iter_} epochs, same weights: {same}")
