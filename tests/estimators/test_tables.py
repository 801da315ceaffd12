"""Tables of pandas, polars and Arrow: numbers and names are taken from each as by scikit-learn."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import sklearn.neural_network
from mlp_cases import BOTH, DATA, one_thread, small  # noqa: F401 (a fixture)

import pynn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

NAMES = ["alpha", "beta", "gamma", "delta"]
TABLES = {
    "pandas": pd.DataFrame,
    "pandas on Arrow": lambda columns: pd.DataFrame(columns).convert_dtypes(
        dtype_backend="pyarrow"
    ),
    "polars": pl.DataFrame,
    "Arrow": pa.table,
}
VECTORS = {
    "pandas": pd.Series,
    "polars": pl.Series,
    "Arrow": pa.array,
    "Arrow in chunks": lambda y: pa.chunked_array([y[:9], y[9:]]),
}
EACH_TABLE = pytest.mark.parametrize("table", TABLES)


def rows(Estimator):
    X, y = DATA[Estimator]
    return X[:, : len(NAMES)], y


def table_of(kind, X, names=NAMES):
    return TABLES[kind]({name: X[:, NAMES.index(name)] for name in names})


@BOTH
@EACH_TABLE
def test_numbers_and_names(Estimator, table):
    X, y = rows(Estimator)
    named = table_of(table, X)
    model = small(Estimator).fit(named, y)
    assert model.feature_names_in_.tolist() == NAMES
    plain = small(Estimator).fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])
    np.testing.assert_array_equal(model.predict(named), plain.predict(X))
    model.partial_fit(named, y)
    assert model.score(named, y) == plain.partial_fit(X, y).score(X, y)


@BOTH
@EACH_TABLE
@pytest.mark.parametrize(
    "names",
    [["beta", "alpha", "gamma", "delta"], NAMES[:3]],
    ids=["in another order", "too few"],
)
def test_other_names_are_refused_in_scikit_learn_s_words(Estimator, table, names):
    X, y = rows(Estimator)
    said = []
    for E in (Estimator, getattr(sklearn.neural_network, Estimator.__name__)):
        model = small(E).fit(table_of(table, X), y)
        with pytest.raises(ValueError, match="The feature names should match") as error:
            model.predict(table_of(table, X, names))
        said.append(str(error.value))
    assert said[0] == said[1]


@BOTH
@EACH_TABLE
@pytest.mark.parametrize("fitted_to", TABLES)
def test_one_kind_of_table_is_as_good_as_another(Estimator, fitted_to, table):
    X, y = rows(Estimator)
    model = small(Estimator).fit(table_of(fitted_to, X), y)
    outputs = [model.predict(table_of(kind, X)) for kind in (fitted_to, table)]
    np.testing.assert_array_equal(*outputs)


@BOTH
def test_a_record_batch_has_no_names_that_scikit_learn_takes(Estimator):
    X, y = rows(Estimator)
    batch = pa.record_batch({name: X[:, i] for i, name in enumerate(NAMES)})
    for E in (Estimator, getattr(sklearn.neural_network, Estimator.__name__)):
        assert not hasattr(small(E).fit(batch, y), "feature_names_in_")


@BOTH
@pytest.mark.parametrize("vector", VECTORS)
def test_targets(Estimator, vector):
    X, y = rows(Estimator)
    model = small(Estimator).fit(X, VECTORS[vector](y), VECTORS[vector](np.ones(len(y))))
    np.testing.assert_array_equal(model.predict(X), small(Estimator).fit(X, y).predict(X))


@EACH_TABLE
def test_several_columns_of_targets(table):
    X, _ = rows(pynn.MLPRegressor)
    model, plain = small(pynn.MLPRegressor), small(pynn.MLPRegressor)
    model.fit(X, table_of(table, X))
    np.testing.assert_array_equal(model.predict(X), plain.fit(X, X).predict(X))


@EACH_TABLE
def test_float32_is_kept_where_scikit_learn_keeps_it(table):
    """It takes float64 for tables that have no dtype of their own as a whole."""
    X, y = rows(pynn.MLPRegressor)
    single = table_of(table, X.astype(np.float32))
    ours, theirs = (
        small(m.MLPRegressor).fit(single, y).coefs_[0].dtype for m in (pynn, sklearn.neural_network)
    )
    assert ours == theirs == ("float32" if table == "pandas" else "float64")
