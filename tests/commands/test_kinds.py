"""Columns of text: which are numbers, dates or categories."""

import numpy as np
import pytest

from pynn.commands.kinds import Convention, Texts, as_learned, is_number, recognised
from pynn.tabular import columns
from pynn.tabular.features import Nothing
from pynn.tabular.preparation import Preparation

CONVENTION = Convention()


def texts(values):
    labels = list(dict.fromkeys(values))
    codes = np.array([labels.index(value) for value in values], dtype=np.intp)
    return Texts("data.csv", "x", labels, codes, np.arange(2, len(values) + 2))


def kind_of(values, **options):
    return columns.kind(recognised(texts(values), CONVENTION, **options))


@pytest.mark.parametrize(
    "text", ["0", "-1", "+1.5", ".5", "5.", "1e3", "1E-3", " 2 ", "0.5", "00.5"]
)
def test_numbers(text):
    assert is_number(text)


@pytest.mark.parametrize(
    "text", ["", "007", "1_000", "0x1", "inf", "nan", "1,5", "1.2.3", "e3", "١", "--1", "1 2"]
)
def test_no_numbers(text):
    assert not is_number(text)


def test_a_decimal_comma():
    assert is_number("1,5", ",")
    assert is_number("15", ",")
    assert not is_number("1.500,5", ",")


def test_a_column_is_what_all_its_values_are():
    assert kind_of(["1", "2.5", "", "NA"]) == "numbers"
    assert kind_of(["2026-01-31", "", "2026-02-01T12:30:00Z"]) == "dates"
    assert kind_of(["red", "", "1"]) == "categories"
    assert kind_of(["02134", "10001"]) == "categories"
    assert kind_of(["31.01.2026", "01.02.2026"]) == "categories"
    assert kind_of(["", "NA"]) == "numbers"


def test_values_are_read():
    numbers = columns.numbers(recognised(texts(["1", "", "2.5", "1"]), CONVENTION))
    np.testing.assert_array_equal(numbers, [1, np.nan, 2.5, 1])
    days = columns.dates(recognised(texts(["1970-01-02", "1970-01-01T12:00:00+12:00"]), CONVENTION))
    np.testing.assert_array_equal(days, [1, 0])
    codes, labels = columns.categories(recognised(texts(["b", "", "a", "b"]), CONVENTION))
    assert [labels[code] if code >= 0 else None for code in codes] == ["b", None, "a", "b"]


def test_other_texts_among_numbers_are_probably_mistakes():
    many = [*map(str, range(20)), "unknown"]
    message = "column 'x' holds 20 numbers, but line 22 holds 'unknown': .* --missing 'unknown'"
    with pytest.raises(ValueError, match=message):
        kind_of(many)
    assert kind_of(many, is_category=True) == "categories"
    found = recognised(texts(many), Convention(frozenset(["unknown"])))
    assert np.isnan(columns.numbers(found)).sum() == 1


def test_decimal_commas_are_named():
    with pytest.raises(ValueError, match=r"such as '1,5': .* --decimal ,"):
        kind_of(["1,5", "2,5"])
    found = recognised(texts(["1,5", "2"]), Convention(decimal=","))
    np.testing.assert_array_equal(columns.numbers(found), [1.5, 2])


@pytest.mark.parametrize(
    ("value", "message"),
    [("1e999", "line 2: 1e999 is too large"), ("2026-02-30", "line 2: '2026-02-30'")],
)
def test_impossible_values_are_refused(value, message):
    with pytest.raises(ValueError, match=message):
        kind_of([value])


def learned(values, categorical=False):
    column = [[value] for value in values]
    return Preparation.learn(column, [0] if categorical else "auto").features[0]


def test_later_tables_are_read_as_the_first_one():
    as_numbers = learned([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(
        as_learned(texts(["5", ""]), CONVENTION, as_numbers).values, [5, np.nan]
    )
    of_strings = as_learned(texts(["1", "2"]), CONVENTION, learned(["a", "b"]))
    assert of_strings.labels == ["1", "2"]
    codes = as_learned(texts(["1", "2"]), CONVENTION, learned([1, 2], categorical=True))
    assert columns.categories(codes)[1] == [1, 2]
    date = learned([np.datetime64("2026-01-01"), np.datetime64("2026-01-02")])
    assert as_learned(texts(["2026-01-03"]), CONVENTION, date).values.dtype == "M8[us]"
    assert np.isnan(as_learned(texts(["what"]), CONVENTION, Nothing(1.0)).values).all()


@pytest.mark.parametrize(
    ("feature", "accepted"),
    [
        (learned([1.0, 2.0]), "numbers"),
        (learned([1, 2], categorical=True), "numbers"),
        (learned([np.datetime64("2026-01-01"), np.datetime64("2026-01-02")]), "dates"),
    ],
)
def test_values_of_another_kind_are_refused_with_their_line(feature, accepted):
    with pytest.raises(ValueError, match=f"must hold {accepted}.*, but line 3 holds 'what'"):
        as_learned(texts(["", "what"]), CONVENTION, feature)


def test_other_texts_next_to_many_numbers_are_refused_and_next_to_few_they_are_codes():
    with pytest.raises(ValueError, match=r"60 numbers, but line 62 holds '-'.*--missing '-'"):
        kind_of([*map(str, range(60)), *"-" * 40])
    assert kind_of([*map(str, range(5)), "S", "M", "L"]) == "categories"
    with pytest.raises(ValueError, match="if it separates thousands"):
        kind_of(["1,000", "2,500"])
