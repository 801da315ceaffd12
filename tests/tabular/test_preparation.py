"""Preparation: what is learned from the columns of a table, and the inputs that they become."""

import datetime as dt
import json
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import pynn
from pynn.tabular.preparation import Preparation, Settings

NAN = np.nan
NO_BINS = Settings(n_bins=0)


def column(values):
    given = np.empty((len(values), 1), dtype=object)
    given[:, 0] = values
    return given


def inputs(learned, later=None, settings=NO_BINS, **options):
    """Return the inputs of a table of one column, after learning from another one."""
    preparation = Preparation.learn(column(learned), settings=settings, **options)
    return preparation.apply(column(learned if later is None else later))


def smooth(z, clip=3.0):
    z = np.asarray(z, dtype=float)
    return z / np.sqrt(1 + (z / clip) ** 2)


def same_bits(a, b):
    assert (a.dtype, a.shape) == (b.dtype, b.shape)
    np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))


# Numbers


def test_numbers_are_standardised_by_median_and_quartiles_and_smoothly_clipped():
    z = (np.array([0.0, 10, 20, 30, 1000]) - 20) / (30 - 10)
    assert inputs([0.0, 10, 20, 30, 1000]) == pytest.approx(smooth(z)[:, None])


def test_the_limit_of_clipped_numbers_is_a_setting():
    found = inputs([0, 10, 20, 30, 40], [1e9, 45], Settings(n_bins=0, clip=2))
    assert found == pytest.approx(smooth([1e9, 1.25], 2)[:, None])


def test_half_the_range_stands_in_for_quartiles_that_are_the_same():
    assert inputs([0] * 9 + [4], [0, 4]) == pytest.approx(smooth([0, 2])[:, None])


def test_missing_numbers_are_the_median_and_indicated():
    found = inputs([1, 2, 3, None], [2.5, None])
    assert found == pytest.approx(np.array([[smooth(0.5), 0], [0, 1]]))


def test_a_number_missing_only_later_is_the_median():
    np.testing.assert_array_equal(inputs([1, 2, 3], [2, None]), [[0], [0]])


def test_numbers_also_come_in_bins_of_quantiles_clipped_to_the_outer_edges():
    X = np.array([[0.0], [1], [2], [3], [8], [NAN]])
    preparation = Preparation.learn(X, settings=Settings(n_bins=4))
    assert preparation.embeddings == {2: pynn.PiecewiseLinear([-1, -0.5, 0, 0.5, 3])}
    found = preparation.apply([[-5.0], [2.5], [100], [NAN]])
    np.testing.assert_array_equal(found[:, 2], np.float32([-1, 0.25, 3, 0]))
    np.testing.assert_array_equal(found[:, 1], [0, 0, 0, 1])
    assert found[:, 0] == pytest.approx(smooth([-3.5, 0.25, 49, 0]))


def test_two_numbers_need_no_bins():
    assert Preparation.learn([[0], [1], [1]]).embeddings == {}
    assert Preparation.learn([[True], [False]]).n_inputs == 1


def test_constant_columns_are_left_out():
    X = [[7, "a", 1], [7, "a", 2], [7, "a", 3]]
    preparation = Preparation.learn(X, settings=NO_BINS)
    assert preparation.n_inputs == 1
    assert [preparation.inputs_of(j) for j in (0, 1, -1)] == [slice(0, 0), slice(0, 0), slice(0, 1)]
    np.testing.assert_array_equal(preparation.apply([[9, "b", 2]]), [[0]])


def test_whether_a_constant_is_missing_is_an_input():
    np.testing.assert_array_equal(inputs([7, None, 7], [7, None, 8]), [[0], [1], [0]])


@pytest.mark.parametrize("later", [5, "text", dt.date(2024, 1, 1), None])
def test_a_column_without_any_value_is_left_out_whatever_it_holds_later(later):
    X = column([None, None])
    X = np.concatenate([X, [[1], [3]]], axis=1)
    preparation = Preparation.learn(X)
    assert preparation.inputs_of(0) == slice(0, 0)
    np.testing.assert_array_equal(preparation.apply([[later, 2]]), [[0]])


def test_a_table_of_constants_becomes_one_input_of_0():
    preparation = Preparation.learn([[1, "a"], [1, "a"]])
    assert preparation.n_inputs == 1
    np.testing.assert_array_equal(preparation.apply([[5, "b"]]), [[0]])


EXTREME = {
    "up to 1e300": [1e300, -1e300, 3e299, 0.0, 1.0],
    "up to the largest": [1.7e308, -1.7e308, 0.0, 1.0, 2.0],
    "one far away": [0.0, 1e-3, 2e-3, 3e-3, 1e300],
    "subnormal": [5e-324, 1e-323, 2e-323, 1e-310, 0.0],
    "subnormal, two values": [0.0, 5e-324, 0.0],
    "a large offset": [1e9, 1e9 + 1e-3, 1e9 + 2e-3, 1e9 + 5e-3, 1e9 + 6e-3],
    "neighbours": [1.0, np.nextafter(1, 2), np.nextafter(1, 0), 1.0, 2.0],
    "ids": [2**63 - 1, 2**63 - 2**20, 2**62, -(2**63), 0],
    "differences below float32": [0.0, 1e-40, 2e-40, 3e-40, 1.0, 1.0, 1.0, 0.0, 1.0],
}


@pytest.mark.parametrize("values", EXTREME.values(), ids=EXTREME)
def test_extreme_numbers_become_finite_inputs_that_a_network_takes(values):
    X = np.array(values)[:, None]
    with np.errstate(all="raise"):
        preparation = Preparation.learn(X)
        found = preparation.apply(X)
    assert np.isfinite(found).all()
    assert np.ptp(found[:, 0]) > 0
    order = np.argsort(X[:, 0], kind="stable")
    assert (np.diff(found[order], axis=0) >= 0).all()
    net = pynn.Network([found.shape[1], 1], embeddings=preparation.embeddings, random_state=0)
    assert np.isfinite(net.predict(found)).all()


def test_a_large_offset_loses_nothing():
    X = np.array([0.0, 1e-3, 2e-3, 5e-3, 6e-3])[:, None]
    exact = np.round(X * 2**20) / 2**20
    same_bits(
        Preparation.learn(exact).apply(exact), Preparation.learn(exact + 1e9).apply(exact + 1e9)
    )


# Categories


def test_a_few_categories_become_one_hot_columns():
    found = inputs(["b", "a", "c", "a"], ["a", "b", "c", "unseen", None])
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]])


def test_missing_is_a_category_where_it_occurs_in_training():
    found = inputs(["b", "a", None], ["a", "b", None, "unseen"])
    np.testing.assert_array_equal(found, [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0]])


@pytest.mark.parametrize(
    ("learned", "later"), [(["a", "b"], ["a", "b", None, "c"]), (["a", None], ["a", None, "b"])]
)
def test_two_categories_share_a_column(learned, later):
    found = inputs(learned, later)
    np.testing.assert_array_equal(found[:, 0], [-1, 1, 0, 0][: len(later)])


def test_many_categories_become_codes_under_an_embedding_and_the_last_is_for_others():
    names = [f"name {k:02}" for k in range(20)]
    settings = Settings(category_size=5)
    preparation = Preparation.learn(column([*names, None]), settings=settings)
    assert preparation.embeddings == {0: pynn.Categories(22, size=5)}
    found = preparation.apply(column([names[0], names[19], None, "unseen"]))
    np.testing.assert_array_equal(found[:, 0], [0, 19, 20, 21])
    preparation = Preparation.learn(column(names), settings=settings)
    assert preparation.embeddings == {0: pynn.Categories(21, size=5)}
    np.testing.assert_array_equal(preparation.apply(column([None, "unseen"])), [[20], [20]])


@pytest.mark.parametrize("n", [3, 4])
def test_the_largest_number_of_one_hot_columns_is_a_setting(n):
    preparation = Preparation.learn(column([f"name {k}" for k in range(n)]))
    assert preparation.n_inputs == (3 if n == 3 else 1)
    assert len(preparation.embeddings) == (n > 3)
    assert Preparation.learn([["a"], ["b"], ["c"]], settings=Settings(one_hot=2)).n_inputs == 1


def test_rare_categories_count_as_unseen_ones():
    settings = Settings(min_count=2)
    found = inputs(["a", "a", "b", "b", "rare"], ["a", "b", "rare", "unseen"], settings)
    np.testing.assert_array_equal(found, [[1, 0], [0, 1], [0, 0], [0, 0]])
    found = inputs(["a", "a", "rare", "rarer"], ["a", "rare"], settings)
    np.testing.assert_array_equal(found, [[1], [0]])
    assert Preparation.learn([["a"], ["b"]], settings=settings).inputs_of(0) == slice(0, 0)


@pytest.mark.parametrize(
    "chosen", [[0, "x"], [-2, 1], [True, True], np.array([True, True]), ("y", "x"), {0, 1}]
)
def test_columns_of_numbers_can_be_categories(chosen):
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"y": [3, 1, 2], "x": [0.5, 1.5, 2.5]})
    preparation = Preparation.learn(X, chosen)
    later = [[1.0, 0.5], [2, 9], [7, 2.5]]
    np.testing.assert_array_equal(
        preparation.apply(later), [[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]]
    )


def test_other_columns_stay_what_they_are():
    preparation = Preparation.learn([["a", 1, 5], ["b", 2, 4], ["c", 3, 6]], [1], NO_BINS)
    assert [preparation.inputs_of(j) for j in range(3)] == [slice(0, 3), slice(3, 6), slice(6, 7)]


@pytest.mark.parametrize(
    ("chosen", "error", "message"),
    [
        ("x", ValueError, "must be one of auto"),
        (None, TypeError, 'must be "auto", or list'),
        (1, TypeError, "got 1"),
        (["z"], ValueError, "lists 'z'; names of columns are 'y', 'x'"),
        ([2], ValueError, "must be from -2 to 1, got 2"),
        ([0.5], TypeError, "must be an integer, got 0.5"),
        ([True], ValueError, "got 1 bools for 2 columns"),
    ],
)
def test_columns_that_there_are_not_cannot_be_categories(chosen, error, message):
    pd = pytest.importorskip("pandas")
    with pytest.raises(error, match=message):
        Preparation.learn(pd.DataFrame({"y": [3, 1], "x": [0.5, 1.5]}), chosen)


def test_without_names_columns_are_not_called_by_name():
    with pytest.raises(ValueError, match="columns have no names"):
        Preparation.learn([[1]], ["x"])


# Dates


def turns(*parts):
    return [f(2 * np.pi * part) for part in parts for f in (np.sin, np.cos)]


def test_dates_become_days_and_the_time_of_year_and_of_the_week():
    monday, leap_day = dt.date(2024, 1, 1), dt.date(2024, 2, 29)
    sunday = dt.date(2023, 12, 31)
    found = inputs([sunday, monday, leap_day])
    z = (np.array([0, 1, 60]) - 1) / (30.5 - 0.5)
    expected = [
        [smooth(z[0]), *turns(364 / 365, 6 / 7)],
        [smooth(z[1]), *turns(0, 0)],
        [smooth(z[2]), *turns(59 / 366, 3 / 7)],
    ]
    assert found == pytest.approx(np.array(expected), abs=1e-6)


def test_times_also_become_the_time_of_day():
    found = inputs([dt.datetime(2024, 1, 1, 6), dt.datetime(2024, 1, 1, 12)])
    assert found[:, 1:] == pytest.approx(
        np.array([turns(0.25 / 366, 0, 0.25), turns(0.5 / 366, 0, 0.5)]), abs=1e-6
    )


def test_dates_come_in_bins_like_numbers():
    days = [dt.date(2024, 1, k) for k in (1, 2, 3)]
    preparation = Preparation.learn(column(days), settings=Settings(n_bins=2))
    assert preparation.embeddings == {1: pynn.PiecewiseLinear([-1, 0, 1])}
    assert preparation.n_inputs == 6


def test_missing_dates_are_the_median_at_no_time_of_year():
    days = [dt.date(2024, 1, 1), dt.date(2024, 1, 3)]
    np.testing.assert_array_equal(inputs([*days, None], [None]), [[0, 1, 0, 0, 0, 0]])
    np.testing.assert_array_equal(inputs(days, [None]), [[0] * 5])
    np.testing.assert_array_equal(inputs([days[0], None], [None, days[1]]), [[1], [0]])


# Tables at prediction


def test_a_column_keeps_its_kind():
    X = [[1, "a", dt.date(2024, 1, 1)], [2, "b", dt.date(2024, 1, 2)], [4, "c", None]]
    preparation = Preparation.learn(X)
    for row, message in (
        (["many", "a", None], "column 0 must hold numbers, but row 0 holds 'many' of type str"),
        (
            [1, 5, None],
            "column 1 held strings as categories in training, but row 0 holds 5 of type int",
        ),
        ([1, "a", 7], "column 2 must hold dates, but row 0 holds 7 of type int"),
        ([1, "a", "2024-01-01"], "column 2 must hold dates"),
        ([np.inf, "a", None], "column 0 must be finite, but row 0 holds inf; use NaN for missing"),
    ):
        with pytest.raises(ValueError, match=message):
            preparation.apply([row])
    same_bits(preparation.apply([["2.5", "a", None]]), preparation.apply([[2.5, "a", None]]))


def test_categories_of_numbers_refuse_strings():
    preparation = Preparation.learn([[1], [2], [3]], [0])
    np.testing.assert_array_equal(preparation.apply([[2.0], [9]]), [[0, 1, 0], [0, 0, 0]])
    with pytest.raises(
        ValueError, match=r"column 0 held numbers as cat.* row 1 holds '2' of type str"
    ):
        preparation.apply(column([1, "2"]))


def test_infinity_in_training_is_refused_by_name():
    pd = pytest.importorskip("pandas")
    with pytest.raises(ValueError, match="column 'age' must be finite, but row 1 holds inf"):
        Preparation.learn(pd.DataFrame({"age": [1.0, np.inf]}))


def test_names_must_match_where_both_tables_have_them():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
    preparation = Preparation.learn(X)
    assert preparation.feature_names == ["a", "b"]
    same_bits(preparation.apply(X), preparation.apply(X.to_numpy()))
    with pytest.raises(ValueError, match=r"feature names should match .* 0 was 'a' and is 'b'"):
        preparation.apply(X[["b", "a"]])
    with pytest.raises(ValueError, match="X has 1 features, but Preparation is expecting 2 feat"):
        preparation.apply(X[["a"]])


def test_constant_categories_are_left_out_with_any_settings():
    assert Preparation.learn([["a"], ["a"]], settings=Settings(one_hot=0)).embeddings == {}


def test_settings_are_checked():
    for bad in (
        {"n_bins": -1},
        {"one_hot": -1},
        {"category_size": 0},
        {"min_count": 0},
        {"clip": 0},
    ):
        with pytest.raises(ValueError, match=f"Settings: {next(iter(bad))} must be in"):
            Settings(**bad)
    with pytest.raises(TypeError, match="settings must be Settings"):
        Preparation.learn([[1]], settings={"n_bins": 3})


def test_a_thousand_columns(rng):
    wide = rng.standard_normal((20, 1000))
    preparation = Preparation.learn(wide)
    assert preparation.apply(wide[:1]).shape == (1, preparation.n_inputs) == (1, 2000)


def test_a_hundred_thousand_categories():
    long = np.array([f"id {k}" for k in range(100_000)])[:, None]
    preparation = Preparation.learn(long)
    assert preparation.embeddings[0].n == 100_001
    assert {*preparation.apply(long)[:, 0]} == {*range(100_000)}


def test_the_summary_lists_the_features():
    pd = pytest.importorskip("pandas")
    X = pd.DataFrame(
        {
            "age": [20.0, NAN, 40, 50],
            "town": ["a", "b", None, "c"],
            "id": list("wxyz"),
            "since": pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-04", None]),
            "same": 1,
            "none": NAN,
        }
    )
    assert Preparation.learn(X, settings=Settings(n_bins=2, one_hot=3)).summary() == (
        """Preparation of 6 features as 12 inputs

feature  kind      use                                inputs  missing  bins or categories
age      number    standardised, in bins                   3   25.0 %                   2
town     category  embedding of 8                          1   25.0 %                   4
id       category  embedding of 8                          1    0.0 %                   4
since    date      standardised, in bins; year, week       7   25.0 %                   2
same     number    left out: constant                      0    0.0 %
none     empty     left out: no value                      0  100.0 %"""
    )


# Files


def test_a_preparation_can_be_pickled():
    X = [[1, "a"], [2, "b"], [4, "c"]]
    preparation = Preparation.learn(X)
    same_bits(pickle.loads(pickle.dumps(preparation)).apply(X), preparation.apply(X))


def damaged():
    X = column([dt.date(2024, 1, 1), dt.date(2024, 1, 2), dt.date(2024, 1, 4), None])
    X = np.concatenate([X, [[1.5, "a"], [2.5, "b"], [3.5, "c"], [9.0, "d"]]], axis=1)
    whole = Preparation.learn(X, [1]).to_json()
    yield "nothing", None
    yield "a list", [whole]
    yield "no features", whole | {"features": []}
    yield "more than that", whole | {"more": 1}
    yield "a setting less", whole | {"settings": {"bins": 1}}
    yield "a bad setting", whole | {"settings": {"n_bins": "12"}}
    yield "a name less", whole | {"feature_names": ["a", "b"]}
    yield "a name twice", whole | {"feature_names": ["a", "b", "a"]}
    yield "a name that is none", whole | {"feature_names": ["a", "b", 3]}
    yield "names in a string", whole | {"feature_names": "abc"}
    for place, name, value in (
        (0, "kind", "number"), (0, "kind", ["date"]), (0, "kind", "none"), (0, "days", None),
        (0, "days", whole["features"][1]), (0, "missing", 2.0), (0, "missing", 0.5),
        (0, "has_time", "no"),
        (0, "days", whole["features"][0]["days"] | {"scale": 0.0}),
        (0, "days", whole["features"][0]["days"] | {"scale": float("nan")}),
        (0, "days", whole["features"][0]["days"] | {"median": None}),
        (0, "days", whole["features"][0]["days"] | {"edges": [0.0, 0.1]}),
        (0, "days", whole["features"][0]["days"] | {"edges": [1.0, 0.0]}),
        (0, "days", whole["features"][0]["days"] | {"edges": [1.0]}),
        (0, "days", whole["features"][0]["days"] | {"edges": "12"}),
        (1, "labels", [3.5, 1.5]), (1, "labels", [1.5, 1.5]), (1, "labels", [True, 2]),
        (1, "labels", [[1], 2]), (1, "labels", [float("nan")]), (1, "labels", "ab"),
        (1, "labels", None), (1, "size", -1), (1, "size", 0.5), (1, "other", -0.1),
        (2, "missing", "0"), (2, "cleverness", 1),
    ):  # fmt: skip
        features = [dict(one) for one in whole["features"]]
        features[place][name] = value
        yield f"{name} {value}"[:40], whole | {"features": features}


@pytest.mark.parametrize("given", [pytest.param(bad, id=name) for name, bad in damaged()])
def test_what_is_damaged_is_refused(given):
    with pytest.raises(ValueError, match="this is not a preparation of pynn"):
        Preparation.from_json(given)


# Properties

numbers = st.one_of(st.none(), st.integers(-(2**53), 2**53), st.floats(allow_infinity=False))
floats = st.one_of(st.none(), st.floats(allow_infinity=False, allow_nan=False))
strings = st.one_of(st.none(), st.sampled_from("abcdefghijkl"), st.text(max_size=3))
moments = st.one_of(st.none(), st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1)))
settings = st.builds(
    Settings, n_bins=st.integers(0, 5), one_hot=st.integers(0, 4), min_count=st.integers(1, 3)
)


@st.composite
def tables(draw, *kinds):
    """Rows of columns of a few kinds, as an array of objects."""
    n_rows = draw(st.integers(1, 12))
    chosen = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4))
    X = np.empty((n_rows, len(chosen)), dtype=object)
    for j, kind in enumerate(chosen):
        X[:, j] = draw(st.lists(kind, min_size=n_rows, max_size=n_rows))
    return X


ANY = tables(numbers, strings, moments)


@given(ANY, settings)
def test_written_and_read_it_returns_the_same_bits(X, settings):
    preparation = Preparation.learn(X, settings=settings)
    again = Preparation.from_json(json.loads(json.dumps(preparation.to_json())))
    assert again.to_json() == preparation.to_json()
    assert again.embeddings == preparation.embeddings
    assert again.summary() == preparation.summary()
    same_bits(again.apply(X), preparation.apply(X))


@given(ANY, settings, st.data())
def test_rows_do_not_depend_on_each_other_or_on_their_order(X, settings, data):
    preparation = Preparation.learn(X, settings=settings)
    found = preparation.apply(X)
    assert found.flags.c_contiguous
    order = data.draw(st.permutations(range(len(X))))
    same_bits(preparation.apply(X[order]), found[order])
    for i in range(len(X)):
        same_bits(preparation.apply(X[[i]]), found[[i]])


@given(ANY, settings, st.data())
def test_what_is_learned_does_not_depend_on_the_order_of_the_rows(X, settings, data):
    order = data.draw(st.permutations(range(len(X))))
    learned = [Preparation.learn(rows, settings=settings) for rows in (X, X[order])]
    assert learned[0].to_json() == learned[1].to_json()


@given(ANY, settings)
def test_a_network_takes_the_inputs(X, settings):
    preparation = Preparation.learn(X, settings=settings)
    found = preparation.apply(X)
    assert np.isfinite(found).all()
    net = pynn.Network([preparation.n_inputs, 1], embeddings=preparation.embeddings, random_state=0)
    assert np.isfinite(net.predict(found)).all()
    ends = [preparation.inputs_of(j) for j in range(X.shape[1])]
    assert ends[0].start == 0
    assert all(a.stop == b.start for a, b in pairwise(ends))
    assert max(1, ends[-1].stop) == found.shape[1]


@given(ANY, settings)
def test_neither_learning_nor_applying_changes_the_table(X, settings):
    before = X.copy()
    Preparation.learn(X, settings=settings).apply(X)
    assert all(a is b for a, b in zip(X.ravel(), before.ravel(), strict=True))


@pytest.mark.parametrize("order", "CF")
def test_read_only_arrays_in_any_order_are_taken(rng, order):
    X = rng.standard_normal((20, 3))
    before = X.copy()
    X = np.asarray(X, order=order)
    X.flags.writeable = False
    same_bits(Preparation.learn(X).apply(X), Preparation.learn(before).apply(before))
    np.testing.assert_array_equal(X, before)


@given(tables(floats, strings, moments), settings)
def test_every_kind_of_table_gives_the_same_bits(X, settings):
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    pa = pytest.importorskip("pyarrow")
    assume(all(any(value is not None for value in values) for values in X.T))
    values = {f"x{j}": X[:, j].tolist() for j in range(X.shape[1])}
    alike = [pd.DataFrame(values), pl.DataFrame(values), pa.table(values),
             pa.table(values).to_pandas(types_mapper=pd.ArrowDtype), X.tolist()]  # fmt: skip
    preparation = Preparation.learn(X, settings=settings)
    expected = preparation.apply(X)
    for table in alike:
        learned = Preparation.learn(table, settings=settings)
        assert learned.to_json()["features"] == preparation.to_json()["features"]
        same_bits(learned.apply(X), expected)
        same_bits(preparation.apply(table), expected)
