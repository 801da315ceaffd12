"""scikit-learn's own tests of its perceptrons, all of them, with pynn's in their place."""

from importlib.util import find_spec, module_from_spec
from unittest.mock import patch

import numpy as np
import pytest
import sklearn.neural_network
from mlp_cases import one_thread  # noqa: F401 (a fixture)

import pynn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

EXPECTED_FAILURES = {
    "test_gradient": "asks the private _loss_grad_lbfgs; core/test_gradient.py checks gradients",
}


def load():
    """A new module of their tests, which imports the estimators from scikit-learn, as it thinks."""
    spec = find_spec("sklearn.neural_network.tests.test_mlp")
    module = module_from_spec(spec)
    estimators = {name: getattr(pynn, name) for name in ("MLPClassifier", "MLPRegressor")}
    with patch.multiple(sklearn.neural_network, **estimators):
        spec.loader.exec_module(module)
    return module


theirs = load()
for name, reason in EXPECTED_FAILURES.items():
    pytest.mark.xfail(reason=reason)(getattr(theirs, name))  # which must not be gone either
globals().update({name: it for name, it in vars(theirs).items() if not name.startswith("__")})


@pytest.fixture(autouse=True)
def seed():
    """Some of theirs leave random_state out. test_preserve_feature_names has constant targets,
    where our regressor goes by the loss and, for one seed in five, warns after 200 epochs.
    """
    np.random.seed(0)


@pytest.fixture
def global_random_seed():
    """scikit-learn's conftest has it; this is the number it takes where none is asked for."""
    return 42


def test_none_of_theirs_is_tested():
    assert theirs.MLPClassifier is pynn.MLPClassifier
    assert theirs.MLPRegressor is pynn.MLPRegressor
    assert sklearn.neural_network.MLPClassifier is not pynn.MLPClassifier
