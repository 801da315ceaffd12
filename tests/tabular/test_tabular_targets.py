"""What y may be: classes of any type, numbers of any size; and what is refused."""

import numpy as np
import pytest
from sklearn.exceptions import DataConversionWarning
from tabular_cases import BOTH, X_DIABETES, X_IRIS, Y_DIABETES, Y_IRIS, brief

import pynn

NAMES = np.array(["a", "b", "c"])
Regressor = pynn.TabularRegressor


def pandas_series(y, dtype):
    return pytest.importorskip("pandas").Series(y, dtype=dtype)


# ---- Classes -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "classes"),
    [
        (lambda: Y_IRIS, [0, 1, 2]),
        (lambda: Y_IRIS.astype(np.uint8), [0, 1, 2]),
        (lambda: Y_IRIS - 1.0, [-1.0, 0.0, 1.0]),
        (lambda: Y_IRIS.tolist(), [0, 1, 2]),
        (lambda: Y_IRIS.astype(object), [0, 1, 2]),
        (lambda: Y_IRIS == 1, [False, True]),
        (lambda: (Y_IRIS == 1).astype(object), [False, True]),
        (lambda: NAMES[Y_IRIS], ["a", "b", "c"]),
        (lambda: NAMES[Y_IRIS].astype(object), ["a", "b", "c"]),
        (lambda: NAMES[Y_IRIS].tolist(), ["a", "b", "c"]),
        (lambda: pandas_series(NAMES[Y_IRIS], "category"), ["a", "b", "c"]),
        (lambda: pandas_series(NAMES[Y_IRIS], "string"), ["a", "b", "c"]),
        (lambda: pandas_series(Y_IRIS, "Int64"), [0, 1, 2]),
        (lambda: pandas_series(Y_IRIS == 1, "boolean"), [False, True]),
    ],
)
def test_classes_are_labels_of_any_type(make, classes):
    model = brief().fit(X_IRIS, make())
    assert model.classes_.tolist() == classes
    assert [type(one) for one in model.classes_.tolist()] == [type(one) for one in classes]
    probabilities = model.predict_proba(X_IRIS)
    np.testing.assert_array_equal(
        model.predict(X_IRIS), model.classes_[probabilities.argmax(axis=1)]
    )
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)


def test_classes_of_polars_and_arrow():
    polars, pyarrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    expected = brief().fit(X_IRIS, NAMES[Y_IRIS])
    names = NAMES[Y_IRIS].tolist()
    for y in (
        polars.Series(names),
        polars.Series(names, dtype=polars.Categorical),
        pyarrow.array(names),
        pyarrow.chunked_array([pyarrow.array(names).dictionary_encode()]),
    ):
        model = brief().fit(X_IRIS, y)
        np.testing.assert_array_equal(model.predict_proba(X_IRIS), expected.predict_proba(X_IRIS))


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_classes_are_refused(missing):
    y = NAMES[Y_IRIS].astype(object)
    y[[3, 5]] = missing
    with pytest.raises(ValueError, match="2 of 150 labels are missing, the first one in row 3"):
        brief().fit(X_IRIS, y)


def test_missing_classes_of_numbers_and_of_pandas_are_refused():
    with pytest.raises(ValueError, match="Input y contains NaN"):
        brief().fit(X_IRIS, np.where(Y_IRIS == 2, np.nan, Y_IRIS))
    y = pandas_series(Y_IRIS, "Int64")
    y[3] = None
    with pytest.raises(ValueError, match="Input y contains NaN"):
        brief().fit(X_IRIS, y)


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.array(["a", 1, 2.0] * 50, dtype=object), TypeError, "types, float, int, str; convert"),
        (X_IRIS[:, 0], ValueError, "Unknown label type: continuous"),
        (np.zeros(150), ValueError, "y has only one class, 0.0"),
        (np.full(150, "b"), ValueError, "y has only one class, 'b'"),
        (np.eye(3, dtype=int)[Y_IRIS], ValueError, r"\(150, 3\) instead: .*MultiOutputClassifier"),
        (None, ValueError, "TabularClassifier requires y to be passed, but the target y is None"),
        (Y_IRIS[1:], ValueError, "inconsistent numbers of samples"),
        (np.ma.masked_equal(Y_IRIS, 1), TypeError, "y must not be a masked array"),
        (
            np.array([2**63, 1, 2] * 50, object),
            ValueError,
            "fit int64, got .* 1 to 9223372036854775808",
        ),
        (
            np.array([-(2**63) - 1, 1, 2] * 50, object),
            ValueError,
            "fit int64, got .* from -9223372036854775809",
        ),
    ],
)
def test_what_are_no_classes_is_refused(y, error, message):
    with pytest.raises(error, match=message):
        brief().fit(X_IRIS, y)


@BOTH
def test_a_column_of_targets_is_taken_as_a_vector_with_a_warning(Estimator):
    expected = brief(Estimator).fit(X_IRIS, Y_IRIS)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        model = brief(Estimator).fit(X_IRIS, Y_IRIS[:, np.newaxis])
    np.testing.assert_array_equal(model.predict(X_IRIS), expected.predict(X_IRIS))


# ---- Numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1e12, 1e-12, 1e250, 1e-290, -1.0])
def test_numbers_of_any_size_are_learned_alike(factor):
    expected = brief(Regressor).fit(X_DIABETES, Y_DIABETES)
    model = brief(Regressor).fit(X_DIABETES, factor * Y_DIABETES)
    out = model.predict(X_DIABETES) / factor
    if factor > 0:
        np.testing.assert_allclose(out, expected.predict(X_DIABETES), rtol=1e-4)
    assert np.corrcoef(out, expected.predict(X_DIABETES))[0, 1] > 0.5


def test_numbers_far_from_0_keep_their_differences():
    model = brief(Regressor, expert={"epochs": 30}).fit(X_DIABETES, 1e9 + Y_DIABETES)
    assert model.score(X_DIABETES, 1e9 + Y_DIABETES) > 0.2


@pytest.mark.parametrize("number", [7.1, 0.0, -1e-12])
def test_a_constant_is_predicted_exactly(number):
    model = brief(Regressor).fit(X_DIABETES, np.full(len(X_DIABETES), number))
    assert (model.predict(X_DIABETES) == number).all()
    assert model.validation_score_ == 0


def test_several_numbers_of_a_row():
    y = np.column_stack((Y_DIABETES, 1e6 * Y_DIABETES, np.ones(len(Y_DIABETES))))
    out = brief(Regressor, expert={"epochs": 30}).fit(X_DIABETES, y).predict(X_DIABETES)
    assert out.shape == y.shape
    for column in (0, 1):
        assert np.corrcoef(out[:, column], Y_DIABETES)[0, 1] > 0.6
    assert (out[:, 2] == 1).all()


def test_numbers_as_integers_bools_and_series():
    expected = brief(Regressor).fit(X_IRIS, Y_IRIS.astype(float)).predict(X_IRIS)
    for y in (Y_IRIS, Y_IRIS.tolist(), pandas_series(Y_IRIS, "Int64")):
        np.testing.assert_array_equal(brief(Regressor).fit(X_IRIS, y).predict(X_IRIS), expected)
    assert brief(Regressor).fit(X_IRIS, Y_IRIS == 1).predict(X_IRIS).dtype == np.float64


@pytest.mark.parametrize(
    ("y", "error", "message"),
    [
        (np.where(Y_IRIS == 2, np.nan, Y_IRIS), ValueError, "Input y contains NaN"),
        (np.where(Y_IRIS == 2, np.inf, Y_IRIS), ValueError, "Input y contains infinity"),
        (1e305 * Y_IRIS, ValueError, r"y must hold numbers within ±1e\+300, got 2e\+305"),
        (NAMES[Y_IRIS], ValueError, "y must hold numbers, got strings such as 'a'"),
        (Y_IRIS.astype(str), ValueError, "y must hold numbers, got strings such as '0'"),
        ([1.0, "2", b"3"] * 50, ValueError, "y must hold numbers, got strings such as"),
        ([10**400] * 150, ValueError, r"y must hold numbers within ±1e\+300: int too large"),
        (Y_IRIS * 1j, ValueError, "Complex data not supported"),
        (Y_IRIS.astype("M8[D]"), TypeError, "y must hold numbers, got datetime64"),
        (np.zeros((150, 2, 2)), ValueError, "Found array with dim 3"),
        (None, ValueError, "TabularRegressor requires y to be passed"),
        (Y_IRIS[1:], ValueError, "inconsistent numbers of samples"),
    ],
)
def test_what_are_no_numbers_is_refused(y, error, message):
    with pytest.raises(error, match=message):
        brief(Regressor).fit(X_IRIS, y)
