"""The column to predict, and the rows set aside."""

import numpy as np
import pytest

from pynn.commands.targets import Target, set_aside, target_of
from pynn.tabular.columns import Column


def numbers(values):
    return Column("y", np.array(values, dtype=float))


def strings(values):
    labels = sorted({value for value in values if value is not None})
    codes = [-1 if value is None else labels.index(value) for value in values]
    return Column("y", np.array(codes), None, labels)


def found(column, task="auto"):
    return target_of(column, "data.csv: column 'y'", task)


def test_texts_and_few_integers_are_classes():
    assert found(strings(["a", "b", "a"])).is_classes
    assert found(numbers([0, 1, 1])).is_classes
    assert found(Column("y", np.array([True, False]))).is_classes
    assert not found(numbers([0, 0.5, 1])).is_classes
    assert not found(numbers(range(11))).is_classes
    assert not found(numbers([0, 1, 1]), "regression").is_classes
    assert found(numbers([0, 0.5] * 3), "classification").is_classes


def test_classes_that_are_integers_stay_integers():
    assert found(numbers([0, 1, 1])).y.tolist() == [0, 1, 1]
    assert found(numbers([0, 1, 1])).y.dtype == np.int64


def test_classes_that_are_booleans_stay_booleans():
    assert found(Column("y", np.array([True, False]))).y.tolist() == [True, False]


def test_classes_that_are_fractions_are_texts():
    assert found(numbers([0.5, 1, 0.5]), "classification").y.tolist() == ["0.5", "1.0", "0.5"]


def test_rows_without_a_target_are_left_out():
    target = found(strings(["a", None, "b", "a"]))
    assert target.rows.tolist() == [0, 2, 3]
    assert target.y.tolist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("column", "task", "message"),
    [
        (numbers([np.nan, np.nan]), "auto", "has no values"),
        (numbers([]), "auto", "has no values"),
        (Column("y", np.array(["2026-01-01"], "M8[D]")), "auto", "holds dates"),
        (strings(["a", "b"]), "regression", "holds text, such as 'a', not numbers"),
        (strings(["a", "a"]), "auto", "only one class, 'a'"),
        (numbers([1, 1]), "auto", "only one class, 1"),
        (numbers([1, 1]), "regression", "only one value, 1"),
        (strings([f"{i:03}" for i in range(100)]), "auto", "100 different values in 100 rows"),
    ],
)
def test_a_column_that_is_no_target_is_refused(column, task, message):
    with pytest.raises(ValueError, match=f"data.csv: column 'y' .*{message}|{message}"):
        found(column, task)


def target(y, is_classes=True):
    return Target("y", is_classes, np.array(y), np.arange(len(y)))


def test_each_class_has_its_share_of_test_rows_and_training_rows():
    y = np.repeat([0, 1, 2, 3], [100, 50, 5, 1])
    train, test = set_aside(target(y), 0.2, seed=0)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(156))
    assert np.bincount(y[test], minlength=4).tolist() == [20, 10, 1, 0]


def test_many_small_classes_have_test_rows_too():
    y = np.repeat(np.arange(40), 3)
    train, test = set_aside(target(y), 0.2, seed=0)
    assert len(test) == 24
    assert len(np.unique(y[test])) == 24
    assert len(np.unique(y[train])) == 40
    train, test = set_aside(target(y), 0.9, seed=0)
    assert len(np.unique(y[train])) == 40


def test_a_seed_gives_the_same_rows_and_another_one_gives_others():
    one, again, other = (
        set_aside(target(np.zeros(100), False), 0.3, seed)[1] for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert one.tolist() != other.tolist()
    assert len(one) == 30


def test_no_rows_are_set_aside_for_a_share_of_0():
    train, test = set_aside(target([0, 1, 0, 1]), 0.0, seed=0)
    assert (train.tolist(), test.tolist()) == ([0, 1, 2, 3], [])


@pytest.mark.parametrize("y", [[0, 1], [0, 0, 1, 1]])
def test_too_few_rows_are_an_error_that_says_what_to_do(y):
    with pytest.raises(ValueError, match=r"too few .*--test-size 0"):
        set_aside(target(y), 0.2, seed=0)
