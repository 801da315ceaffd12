"""scikit-learn's own checks of what an estimator must be and do."""

from unittest import SkipTest

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

import pynn

BRIEF = {"n_members": 2, "n_folds": 2, "n_threads": 1}
ESTIMATORS = [
    pynn.TabularClassifier(**BRIEF, expert={"epochs": 20}),
    pynn.TabularRegressor(**BRIEF, expert={"epochs": 20}),
]

def expected_failed_checks(estimator):
    return {}


@parametrize_with_checks(
    ESTIMATORS, expected_failed_checks=expected_failed_checks, xfail_strict=True
)
def test_common_check_of_tables(estimator, check):
    try:
        check(estimator)
    except SkipTest as skip:
        raise AssertionError("no check may be skipped") from skip
