"""
From scikit-learn with one line changed
=======================================

The same numbers in less time. A pipeline and a grid search, written for scikit-learn's
MLPClassifier, run with scikit-learn's class and with pynn's. The data are scikit-learn's
handwritten digits.
"""

import time

import matplotlib.pyplot as plt
import numpy as np
import sklearn.neural_network
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pynn import MLPClassifier  # in place of: from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)


def search(Perceptron):
    """All that a user writes, unchanged but for the class; and the seconds that it took."""
    mlp = Perceptron((50,), learning_rate_init=0.01, tol=1e-3, n_iter_no_change=3, random_state=0)
    grid = {"mlpclassifier__alpha": [0.01, 1.0], "mlpclassifier__activation": ["relu", "tanh"]}
    pipeline = make_pipeline(StandardScaler(), mlp)
    start = time.perf_counter()
    found = GridSearchCV(pipeline, grid, cv=3).fit(X_train, y_train)
    return found, time.perf_counter() - start


# %%
# The same search with each class.

found = {
    "scikit-learn": search(sklearn.neural_network.MLPClassifier),
    "pynn": search(MLPClassifier),
}
print(f"{'':12}  seconds  CV accuracy  test accuracy  epochs  alpha  activation")
for name, (grid, seconds) in found.items():
    alpha, activation = (grid.best_params_[f"mlpclassifier__{p}"] for p in ("alpha", "activation"))
    print(
        f"{name:12}  {seconds:7.2f}  {grid.best_score_:11.4f}  {grid.score(X_test, y_test):13.4f}"
        f"  {grid.best_estimator_[-1].n_iter_:6}  {alpha:5}  {activation:>10}"
    )

# %%
# The results are not only equally good, but the same.

theirs, ours = (grid.predict_proba(X_test) for grid, _ in found.values())
print(f"greatest difference of a probability: {np.abs(theirs - ours).max():.0e}")

figure, ax = plt.subplots(figsize=(4, 4), layout="constrained")
ax.loglog(theirs.ravel(), ours.ravel(), ".")
ax.set(title="probabilities of the test digits", xlabel="scikit-learn", ylabel="pynn", aspect=1)
plt.show()
