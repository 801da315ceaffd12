"""Whatever is raised wherever, an estimator is as it was; after Ctrl-C its lists are of one length.

Errors are raised at one line after the other of what Python runs in a fit.
"""

import copy
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from contents import of
from long import IS_LONG
from mlp_cases import X_IRIS, Y_IRIS, flat

import pynn

FOLDER = str(Path(pynn.__file__).parent)
X, y = X_IRIS[::3], Y_IRIS[::3]
HELD_OUT = X_IRIS[1::3], Y_IRIS[1::3]


class UnheardOfError(Exception):
    pass


def raise_at(number, error, call):
    """Raise an error at this line that runs in the midst of a fit; return where, if ever."""
    depth, n_lines, place = 0, 0, None

    def count(frame, event, argument):
        nonlocal depth, n_lines, place
        if frame.f_code.co_name == "run" and event == "return":
            depth -= 1
        n_lines += depth > 0 and event == "line"
        if n_lines == number and event == "line":
            place = Path(frame.f_code.co_filename).name, frame.f_code.co_name
            sys.settrace(None)
            raise error
        return count

    def enter(frame, event, argument):
        nonlocal depth
        depth += frame.f_code.co_name == "run"
        return count if frame.f_code.co_filename.startswith(FOLDER) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        call()
    except error:
        return place, True
    finally:
        sys.settrace(before)
    return place, False


def fresh(**parameters):
    return pynn.MLPClassifier((3,), max_iter=2, **{"random_state": 0} | parameters)


def fitted(**parameters):
    return fresh(warm_start=True, **parameters).fit(X, y)


def validated(**parameters):
    model = fresh(early_stopping=True, **parameters)
    return model.partial_fit(X, y, classes=[0, 1, 2], eval_set=HELD_OUT)


def look(state):
    """Have each epoch be a call of its own."""


CALLS = {
    "fit": (fresh, lambda model: model.fit(X, y)),
    "watched fit": (lambda: fresh(callbacks=[look]), lambda model: model.fit(X, y)),
    "warm fit": (
        lambda: fitted(early_stopping=True, random_state=np.random.RandomState(0)),
        lambda model: model.fit(X, y),
    ),
    "partial_fit": (validated, lambda model: model.partial_fit(X, y, eval_set=HELD_OUT)),
    "lbfgs": (
        lambda: fitted(solver="lbfgs"),
        lambda model: model.fit(X, y, eval_set=HELD_OUT),
    ),
    "fit_batches": (fitted, lambda model: model.fit_batches([(X, y), (X, y)])),
    "ensemble": (lambda: fresh(n_members=2), lambda model: model.fit(X, y)),
    "warm ensemble": (lambda: fitted(n_members=2), lambda model: model.fit(X, y)),
}
EACH = 1 if IS_LONG else 31  # lines from one to the next that is tried: all take minutes


@pytest.fixture(autouse=True)
def few_epochs_are_meant():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.slow
@pytest.mark.parametrize("case", CALLS)
def test_an_error_at_any_line_leaves_the_estimator_as_it_was(case):
    make, call = CALLS[case]
    original, place, number = make(), "", 1
    while place is not None:
        model = copy.deepcopy(original)
        before = of(model)
        place, raised = raise_at(number, UnheardOfError, lambda: call(model))  # noqa: B023
        number += EACH
        if place is not None:
            assert raised
            assert of(model) == before, place
    assert number > 150


def lengths(model):
    lists = [*model.history_.values()]
    if model.solver != "lbfgs":
        lists.append(model.loss_curve_)
    if getattr(model, "validation_scores_", None) is not None:
        lists.append(model.validation_scores_)
    return {len(values) for values in lists}


@pytest.mark.slow
@pytest.mark.parametrize("case", CALLS)
def test_ctrl_c_at_any_line_leaves_lists_of_one_length(case):
    make, call = CALLS[case]
    original, place, number, n_heard = make(), "", 1, 0
    while place is not None:
        model = copy.deepcopy(original)
        before = of(model)
        place, raised = raise_at(number, KeyboardInterrupt, lambda: call(model))  # noqa: B023
        number += EACH
        if raised:  # before the first epoch, or behind the last
            assert of(model) == before, place
        elif place is not None:
            n_heard += 1
            for one in getattr(model, "estimators_", [model]):
                assert len(lengths(one)) <= 1, place
                assert np.isfinite(flat(one)).all()
    assert n_heard > 2 or "ensemble" in case  # whose members learn in other threads


def test_a_call_of_partial_fit_does_not_go_through_all_of_those_before():
    """Python's own lines are counted: a time would tell of the machine."""
    model, counts = fitted(), []
    for _ in range(2):
        lines = 0

        def count(frame, event, argument):
            nonlocal lines
            lines += event == "line"
            return count

        before = sys.gettrace()
        sys.settrace(lambda *_: count)
        try:
            model.partial_fit(X, y)
        finally:
            sys.settrace(before)
        counts.append(lines)
        for _ in range(50):
            model.partial_fit(X, y)
    assert counts[1] < 1.2 * counts[0]
