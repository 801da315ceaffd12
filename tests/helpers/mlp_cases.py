"""Data and small models for the tests of the estimators."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

import pynn

X_IRIS, Y_IRIS = load_iris(return_X_y=True)
X_DIABETES, Y_DIABETES = load_diabetes(return_X_y=True)
X_IRIS, X_DIABETES, Y_DIABETES = scale(X_IRIS), scale(X_DIABETES), scale(Y_DIABETES)
DATA = {pynn.MLPClassifier: (X_IRIS, Y_IRIS), pynn.MLPRegressor: (X_DIABETES, Y_DIABETES)}
BOTH = pytest.mark.parametrize("Estimator", DATA)
SOLVERS = ["adam", "sgd", "lbfgs"]


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Threads of BLAS wait for each other where the machine has other work: minutes for seconds."""
    with threadpool_limits(1, "blas"):
        yield


@pytest.fixture(autouse=True)
def few_epochs_are_meant():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Stochastic Optimizer: Maximum iterations")
        warnings.filterwarnings("ignore", "lbfgs failed to converge")
        yield


def flat(model):
    return np.concatenate([array.ravel() for array in [*model.coefs_, *model.intercepts_]])


def small(Estimator, **parameters):
    return Estimator(**{"hidden_layer_sizes": (7,), "max_iter": 5, "random_state": 0} | parameters)
