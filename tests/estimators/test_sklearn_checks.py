"""scikit-learn's own checks of what an estimator must be and do."""

from importlib.util import find_spec
from unittest import SkipTest

import pytest
from mlp_cases import one_thread  # noqa: F401 (a fixture)
from scipy._lib import _array_api
from sklearn.utils.estimator_checks import parametrize_with_checks

import pynn

ESTIMATORS = [
    pynn.MLPClassifier(),
    pynn.MLPRegressor(),
    pynn.MLPClassifier(solver="lbfgs"),
    pynn.MLPRegressor(solver="lbfgs"),
    pynn.MLPRegressor(solver="sgd"),
    pynn.MLPClassifier((20,), n_members=2),
    pynn.MLPRegressor(hidden_layer_sizes=(20,), n_members=2),
]


SKIPPED = {  # by scikit-learn, with good reason
    "check_classifiers_multilabel_output_format_decision_function": "no decision_function",
}


def expected_failed_checks(estimator):
    if isinstance(estimator, pynn.MLPClassifier) and estimator.solver == "lbfgs":
        # It fits the check's data so well that a probability rounds to 1; scikit-learn's does too.
        name = "check_classifiers_multilabel_output_format_predict_proba"
        return {name: "the check wants probabilities below 1"}
    return {}


def test_what_checks_skip_without_is_there():
    assert _array_api.SCIPY_ARRAY_API
    assert find_spec("pandas")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    ESTIMATORS, expected_failed_checks=expected_failed_checks, xfail_strict=True
)
def test_common_check(estimator, check):
    if check.func.__name__ in SKIPPED:
        with pytest.raises(SkipTest):
            check(estimator)
        return
    try:
        check(estimator)
    except SkipTest as skip:
        raise AssertionError("no other check may be skipped") from skip
