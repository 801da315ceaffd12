"""Small tables, and estimators for tables that are fitted in an instant."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris

import pynn

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = (part[::3] for part in load_diabetes(return_X_y=True))
DATA = {
    pynn.TabularClassifier: (X_IRIS, Y_IRIS),
    pynn.TabularRegressor: (X_DIABETES, Y_DIABETES),
}
BOTH = pytest.mark.parametrize("Estimator", DATA, ids=lambda kind: kind.__name__)


def brief(Estimator=pynn.TabularClassifier, **parameters):
    """Return an estimator of two networks that train for a few epochs."""
    expert = {"epochs": 5, **parameters.pop("expert", {})}
    given = {"n_members": 2, "n_folds": 2, "random_state": 0, "n_threads": 1, **parameters}
    return Estimator(**given, expert=expert)


def predicted(model, X):
    """Return probabilities, or numbers."""
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


def assert_same_bits(one, other, X):
    """Compare the parameters of all networks, and what they predict."""
    for a, b in zip(one.networks_, other.networks_, strict=True):
        np.testing.assert_array_equal(a.parameters, b.parameters)
    np.testing.assert_array_equal(predicted(one, X), predicted(other, X))
