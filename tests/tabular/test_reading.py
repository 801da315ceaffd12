"""Tables of every library are read alike; bad ones are refused with words."""

import datetime as dt
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pytest
import scipy.sparse

from pynn.tabular import columns, reading
from pynn.tabular.preparation import Preparation

pd = pytest.importorskip("pandas")
pl = pytest.importorskip("polars")
pa = pytest.importorskip("pyarrow")

NAN = np.nan
DAY = dt.date(2024, 2, 29)
MOMENT = dt.datetime(2024, 2, 29, 18, 0, 0, 250_000)
TOKYO = dt.timezone(dt.timedelta(hours=9))


def only_column(X):
    table = reading.read(X)
    assert table.shape[1] == 1
    return table.column(0)


def of_objects(values):
    column = np.empty((len(values), 1), dtype=object)
    column[:, 0] = values
    return column


TABLES = {
    "pandas": lambda values: pd.DataFrame({"x": values}),
    "pandas, nullable": lambda values: pd.DataFrame({"x": values}).convert_dtypes(),
    "pandas on Arrow": lambda values: pa.table({"x": values}).to_pandas(types_mapper=pd.ArrowDtype),
    "pandas, objects": lambda values: pd.DataFrame({"x": pd.Series(values, dtype=object)}),
    "polars": lambda values: pl.DataFrame({"x": values}),
    "Arrow": lambda values: pa.table({"x": values}),
    "Arrow in chunks": lambda values: pa.table(
        {"x": pa.chunked_array([pa.array(values)[:1], pa.array(values)[1:]])}
    ),
    "Arrow, a batch": lambda values: pa.RecordBatch.from_pydict({"x": values}),
    "NumPy, objects": of_objects,
    "rows": lambda values: [[value] for value in values],
}
EACH_TABLE = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)

NUMBERS = {
    "integers": ([3, -1, 2**40], [3, -1, 2**40]),
    "integers, one missing": ([3, None, -1], [3, NAN, -1]),
    "floats": ([0.5, 1e300, -0.0], [0.5, 1e300, 0]),
    "floats, one missing": ([0.5, None, 2.0], [0.5, NAN, 2]),
    "bools": ([True, False, True], [1, 0, 1]),
    "bools, one missing": ([True, None, False], [1, NAN, 0]),
    "decimals": ([Decimal("1.25"), None], [1.25, NAN]),
    "durations": ([dt.timedelta(hours=6), None, dt.timedelta(-1)], [0.25, NAN, -1]),
}


@EACH_TABLE
@pytest.mark.parametrize(("given", "expected"), NUMBERS.values(), ids=NUMBERS)
def test_numbers(table, given, expected):
    column = only_column(table(given))
    assert columns.kind(column) == "numbers"
    np.testing.assert_array_equal(columns.numbers(column), expected)


DATES = {
    "dates": ([DAY, None], [19782, NAN]),
    "times": ([MOMENT, None], [19782.75 + 0.25 / 86400, NAN]),
    "times with a zone": ([MOMENT.replace(tzinfo=TOKYO)], [19782.375 + 0.25 / 86400]),
    "times before 1970": ([dt.datetime(1969, 12, 31, 12)], [-0.5]),
}


@EACH_TABLE
@pytest.mark.parametrize(("given", "expected"), DATES.values(), ids=DATES)
def test_dates_are_days_in_utc(table, given, expected):
    column = only_column(table(given))
    assert columns.kind(column) == "dates"
    np.testing.assert_array_equal(columns.dates(column), expected)


SECONDS = {"W": 604800, "D": 86400, "h": 3600, "m": 60, "s": 1} | {
    unit: 10.0 ** (-3 * k) for k, unit in enumerate(["ms", "us", "ns", "ps", "fs", "as"], start=1)
}


@pytest.mark.parametrize("unit", SECONDS)
def test_dates_and_durations_of_numpy_have_any_unit(unit):
    n = max(7, round(7 / SECONDS[unit]))
    given = np.array([[0], [n], [n]]).astype(f"m8[{unit}]")
    given[2] = np.timedelta64("NaT")
    expected = [0, n * SECONDS[unit] / 86400, NAN]
    np.testing.assert_allclose(columns.numbers(only_column(given)), expected)
    np.testing.assert_allclose(columns.dates(only_column(np.datetime64(0, unit) + given)), expected)


@pytest.mark.parametrize("unit", ["Y", "M"])
def test_durations_without_a_fixed_length_are_refused(unit):
    with pytest.raises(ValueError, match=rf"column 0 must hold .* length, got dtype .*\[{unit}\]"):
        only_column(np.array([[1]], dtype=f"m8[{unit}]"))


def decoded(column):
    codes, labels = columns.categories(column)
    assert len({*labels}) == len(labels)
    return [None if code < 0 else labels[code] for code in codes]


@EACH_TABLE
def test_strings_are_categories(table):
    given = ["b", None, "a", "b", "ä\ud7ff"]
    column = only_column(table(given))
    assert columns.kind(column) == "categories"
    assert decoded(column) == given


CATEGORICALS = {
    "pandas": lambda values: pd.DataFrame({"x": pd.Categorical(values)}),
    "pandas, string": lambda values: pd.DataFrame({"x": pd.Series(values, dtype="string")}),
    "pandas on Arrow": lambda values: pd.DataFrame(
        {"x": pd.Series(pa.array(values).dictionary_encode(), dtype=pd.ArrowDtype(
            pa.dictionary(pa.int32(), pa.string())))}
    ),
    "polars": lambda values: pl.DataFrame({"x": pl.Series(values, dtype=pl.Categorical)}),
    "polars, enum": lambda values: pl.DataFrame(
        {"x": pl.Series(values, dtype=pl.Enum(["never", "b", "a"]))}
    ),
    "Arrow": lambda values: pa.table({"x": pa.array(values).dictionary_encode()}),
    "Arrow in chunks": lambda values: pa.table(
        {"x": pa.chunked_array([pa.array(values[k:k + 2]).dictionary_encode() for k in (0, 2)])}
    ),
}  # fmt: skip


@pytest.mark.parametrize("table", CATEGORICALS.values(), ids=CATEGORICALS)
def test_categorical_dtypes_are_categories(table):
    given = ["b", None, "a", "b"]
    column = only_column(table(given))
    assert columns.kind(column) == "categories"
    assert decoded(column) == given


def test_only_the_categories_that_occur_are_labels():
    given = pd.DataFrame({"x": pd.Categorical(["b", "b"], categories=["a", "b", "c"])})
    codes, labels = columns.categories(only_column(given))
    assert (codes.tolist(), labels) == ([0, 0], ["b"])


def test_intervals_of_pandas_cut_are_categories_by_their_text():
    given = pd.DataFrame({"x": pd.cut(pd.Series([1, 9]), [0, 5, 10])})
    for table in (given, given.astype(object), given.to_numpy()):
        column = only_column(table)
        assert columns.kind(column) == "categories"
        assert decoded(column) == ["(0, 5]", "(5, 10]"]


def test_one_number_is_one_label_whatever_its_type():
    given = of_objects([1, 1.0, True, np.int8(1), Decimal(1), "1", 0.5, np.float32(0.5), NAN])
    assert decoded(only_column(given)) == [1, 1, 1, 1, 1, "1", 0.5, 0.5, None]
    assert decoded(only_column(np.array([[1.0], [NAN], [2.0]]))) == [1, None, 2]


def test_dates_can_be_categories():
    moments = np.array(["2024-02-29", "NaT", "1970-01-02"], dtype="M8[s]")
    for given in (moments, moments.astype("M8[ns]"), moments.astype(object)):
        assert decoded(only_column(given[:, None])) == [19782, None, 1]


def test_large_integers_stay_apart_as_categories():
    ids = [2**60, 2**60 + 1, None]
    nullable = pd.DataFrame({"x": pd.Series(ids, dtype="Int64")})
    for table in (nullable, pl.DataFrame({"x": ids}), pa.table({"x": ids}), of_objects(ids)):
        assert decoded(only_column(table)) == ids


def test_every_missing_value_is_one():
    given = [None, NAN, float("nan"), np.float32("nan"), pd.NA, pd.NaT, np.datetime64("NaT"),
             np.timedelta64("NaT"), Decimal("NaN")]  # fmt: skip
    column = only_column(of_objects(given))
    assert columns.categories(column)[1] == []
    for read in (columns.numbers, columns.dates):
        np.testing.assert_array_equal(read(column), [NAN] * len(given))


@pytest.mark.parametrize(
    "given",
    [
        np.full((2, 1), NAN),
        np.full((2, 1), None),
        np.full((2, 1), "NaT", dtype="M8[ns]"),
        np.full((2, 1), "NaT", dtype="m8[ns]"),
        pd.DataFrame({"x": pd.Categorical([None, None])}),
        pd.DataFrame({"x": pd.Series([None, None], dtype="Int8")}),
        pl.DataFrame({"x": [None, None]}),
        pa.table({"x": [None, None]}),
        pa.table({"x": pa.array([None, None]).dictionary_encode()}),
    ],
    ids=lambda given: type(given).__module__,
)
def test_a_column_of_missing_values_is_one_of_every_kind(given):
    column = only_column(given)
    assert decoded(column) == [None, None]
    for read in (columns.numbers, columns.dates):
        np.testing.assert_array_equal(read(column), [NAN, NAN])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", "i1", "u8", ">f8", "?"])
def test_numbers_of_numpy_have_any_dtype(dtype):
    X = np.array([[0, 1], [1, 0]], dtype=dtype)
    table = reading.read(X)
    assert table.names is None
    np.testing.assert_array_equal(columns.numbers(table.column(1)), [1.0, 0.0])


@pytest.mark.parametrize("dtype", [pl.Float32, pl.Int128, pl.UInt64, pl.Decimal(10, 2)])
def test_numbers_of_polars_have_any_dtype(dtype):
    given = pl.DataFrame({"x": pl.Series([1, None, 3], dtype=dtype)})
    np.testing.assert_array_equal(columns.numbers(only_column(given)), [1, NAN, 3])


@pytest.mark.parametrize("dtype", [pa.float16(), pa.float32(), pa.uint64(), pa.decimal128(25, 2)])
def test_numbers_of_arrow_have_any_dtype(dtype):
    given = pa.table({"x": pa.array([1, None, 3], pa.int64()).cast(dtype)})
    np.testing.assert_array_equal(columns.numbers(only_column(given)), [1, NAN, 3])


def test_a_sparse_column_of_pandas():
    given = pd.DataFrame({"x": pd.arrays.SparseArray([0.0, 2.0, NAN])})
    np.testing.assert_array_equal(columns.numbers(only_column(given)), [0, 2, NAN])


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "lil", "dok", "bsr"])
def test_sparse_matrices_are_read_column_by_column(format):
    dense = np.array([[0, 2, 0], [NAN, 0, 0.5]])
    X = scipy.sparse.csr_array(dense).asformat(format)
    table = reading.read(X)
    for j in range(3):
        np.testing.assert_array_equal(columns.numbers(table.column(j)), dense[:, j])


def test_repeated_entries_of_a_sparse_matrix_are_summed_and_it_stays_as_it_is():
    X = scipy.sparse.csc_array(([1.0, 2.0], [0, 0], [0, 2]), shape=(2, 1))
    np.testing.assert_array_equal(columns.numbers(only_column(X)), [3, 0])
    assert X.data.tolist() == [1, 2]


def test_rows_of_mixed_types_keep_them():
    table = reading.read([[1, "a", None], [True, "1", 2.5]])
    kinds = [columns.kind(table.column(j)) for j in range(3)]
    assert kinds == ["numbers", "categories", "numbers"]
    assert decoded(table.column(1)) == ["a", "1"]


def test_arrays_of_strings_are_categories():
    given = np.array([["b"], ["a"]])
    assert decoded(only_column(given)) == ["b", "a"]
    if hasattr(np.dtypes, "StringDType"):  # since NumPy 2
        assert decoded(only_column(given.astype(np.dtypes.StringDType()))) == ["b", "a"]


def test_strings_next_to_numbers_are_categories():
    column = only_column(of_objects(["a", 1, NAN]))
    assert columns.kind(column) == "categories"
    assert decoded(column) == ["a", 1, None]


def test_strings_may_be_read_as_numbers():
    for given in (["2.5", None, " 3 "], ["2.5", NAN, "3"]):
        for table in (TABLES["polars"] if None in given else of_objects, of_objects):
            np.testing.assert_array_equal(columns.numbers(only_column(table(given))), [2.5, NAN, 3])


@pytest.mark.parametrize(
    ("X", "names"),
    [
        (pd.DataFrame({"a": [1], "b": [2]}), ["a", "b"]),
        (pd.DataFrame([[1, 2]]), None),
        (pl.DataFrame({"a": [1], "b": [2]}), ["a", "b"]),
        (pa.table({"a": [1], "b": [2]}), ["a", "b"]),
        ([[1, 2]], None),
    ],
)
def test_names_of_columns(X, names):
    assert reading.read(X).names == names


def test_a_table_of_another_library_comes_by_way_of_arrow():
    class Frame:
        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table({"x": [1, None]}).__arrow_c_stream__(requested_schema)

    np.testing.assert_array_equal(columns.numbers(only_column(Frame())), [1, NAN])


BAD_TABLES = {
    "a vector": (np.zeros(3), ValueError, "1D array.*Reshape your data"),
    "a series of pandas": (pd.Series([1.0]), ValueError, "1D array.*Reshape your data"),
    "a series of polars": (pl.Series([1.0]), ValueError, "Reshape your data"),
    "an array of Arrow": (pa.array([1.0]), ValueError, "Reshape your data"),
    "a chunked array": (pa.chunked_array([[1.0]]), ValueError, "Reshape your data"),
    "a number": (1.0, ValueError, "scalar"),
    "nothing": (None, ValueError, "scalar of type NoneType"),
    "a dict": ({"x": [1]}, ValueError, "scalar of type dict"),
    "three dimensions": (np.zeros((2, 2, 2)), ValueError, "got 3D array"),
    "no row": (np.zeros((0, 2)), ValueError, r"0 sample\(s\) \(shape=\(0, 2\)\) while a minimum"),
    "no row of pandas": (pd.DataFrame({"x": []}), ValueError, r"0 sample\(s\)"),
    "no column": (np.zeros((2, 0)), ValueError, r"0 feature\(s\) \(shape=\(2, 0\)\) while a min"),
    "no column of polars": (pl.DataFrame(), ValueError, "while a minimum of 1 is required"),
    "an empty list": ([], ValueError, "Reshape your data"),
    "rows of two lengths": ([[1, 2], [3]], ValueError, "rows of one length"),
    "a lazy frame": (pl.LazyFrame({"x": [1]}), TypeError, r"got a LazyFrame; use collect\(\)"),
    "a masked array": (np.ma.masked_array([[1.0]]), TypeError, r"use filled\(\)"),
    "a structured array": (np.zeros((2, 1), dtype=[("a", "f8")]), ValueError, "structured array"),
    "names twice": (
        pd.DataFrame([[1, 2, 3]], columns=["a", "b", "a"]), ValueError, "repeated: 'a'$"
    ),
    "names and numbers": (pd.DataFrame([[1, 2]], columns=["a", 1]), TypeError, "all strings or no"),
}  # fmt: skip


@pytest.mark.parametrize(("X", "error", "message"), BAD_TABLES.values(), ids=BAD_TABLES)
def test_bad_tables_are_refused(X, error, message):
    with pytest.raises(error, match=message):
        reading.read(X)


BAD_COLUMNS = {
    "complex numbers": (np.array([[1j]]), "Complex data not supported: column 0"),
    "complex numbers of pandas": (pd.DataFrame({"x": [1j]}), "Complex data not supported"),
    "bytes": (np.array([[b"a"]]), "column 0 must hold numbers, .*; decode bytes"),
    "bytes in objects": (of_objects(["a", b"b"]), "column 0 .* row 1 holds b'b' of type bytes"),
    "bytes of polars": (pl.DataFrame({"x": [b"a"]}), "column 'x' .* row 0 holds b'a' of type byt"),
    "lists": (of_objects([1, [2], 3]), r"row 1 holds \[2\] of type list"),
    "lists of polars": (pl.DataFrame({"x": [[1, 2], [3]]}), r"row 0 holds \[1, 2\] of type list"),
    "arrays of polars": (
        pl.DataFrame({"x": pl.Series([[1, 2]], dtype=pl.Array(pl.Int8, 2))}), "row 0 holds",
    ),
    "dicts of Arrow": (pa.table({"x": [None, {"a": 1}]}), r"row 1 holds {'a': 1} of type dict"),
    "tuples": (of_objects([(1, 2)]), "row 0 holds .* of type tuple"),
    "times of day": (pl.DataFrame({"x": [dt.time(1)]}), "row 0 holds .* of type time"),
    "periods": (
        pd.DataFrame({"x": pd.period_range("2024", periods=2, freq="M")}), "of type Period",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("X", "message"), BAD_COLUMNS.values(), ids=BAD_COLUMNS)
def test_values_that_are_no_numbers_categories_or_dates_are_refused(X, message):
    with pytest.raises(ValueError, match=message):
        columns.categories(only_column(X))
    with pytest.raises(ValueError, match=message):
        Preparation.learn(X)


def test_dates_next_to_numbers_are_refused():
    with pytest.raises(ValueError, match="column 0 must not mix dates and numbers"):
        columns.kind(only_column(of_objects([1, DAY])))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (of_objects([1, "abc"]), "column 0 must hold numbers, but row 1 holds 'abc' of type str"),
        (of_objects([1, DAY]), "row 1 holds datetime.date"),
        (np.array([["NaT"], ["2024"]], dtype="M8[D]"), "numbers, but row 1 holds a date"),
        (pl.DataFrame({"x": ["1", "?"]}), r"column 'x' .* row 1 holds '\?'"),
        (pd.DataFrame({"x": pd.Categorical(["1", "", "1"])}), "row 1 holds ''"),
        (of_objects([1, 10**400]), "row 1 holds inf; use NaN for missing values"),
        (np.array([[1.0], [-np.inf]]), "column 0 must be finite, but row 1 holds -inf"),
        (pl.DataFrame({"x": ["inf"]}), "row 0 holds inf"),
    ],
)
def test_what_is_not_a_finite_number_is_refused_as_one(given, message):
    with pytest.raises(ValueError, match=message):
        columns.numbers(only_column(given))


@pytest.mark.parametrize("given", [of_objects([None, 5]), np.array([[NAN], [5]]), [["x"], ["x"]]])
def test_what_is_not_a_date_is_refused_as_one(given):
    with pytest.raises(ValueError, match="column 0 must hold dates, but row"):
        columns.dates(only_column(given))


def test_infinity_is_no_category():
    with pytest.raises(ValueError, match="row 1 holds inf"):
        columns.categories(only_column(np.array([[1.0], [np.inf]])))


def test_no_library_of_tables_is_imported():
    code = (
        "import sys; from pynn.tabular.preparation import Preparation; "
        "Preparation.learn([[1, 'a'], [2, 'b']]).summary(); "
        "assert not {'pandas', 'polars', 'pyarrow', 'sklearn'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)


def test_reading_does_not_change_the_table():
    X = np.array([[1.0, NAN], [2.0, 1e308]])
    before = X.copy()
    for j in range(2):
        columns.numbers(reading.read(X).column(j))[:] = 7
    np.testing.assert_array_equal(X, before)
