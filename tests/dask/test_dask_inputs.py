"""What fit takes, and what it refuses before any training."""

import subprocess
import sys

import dask
import dask.array as da
import numpy as np
import pytest
from dask import delayed
from sklearn.exceptions import NotFittedError

import pynn
import pynn.dask

pd = pytest.importorskip("pandas")
pytest.importorskip("pyarrow")
dd = pytest.importorskip("dask.dataframe")

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*iterations .* reached:sklearn.exceptions.ConvergenceWarning"
)


def classifier(**settings):
    return pynn.dask.MLPClassifier((6,), **{"max_iter": 2, "random_state": 0} | settings)


def parameters(estimator):
    return estimator.network_.parameters


@pytest.fixture
def table(rows):
    X, y = rows
    names = [f"x{i}" for i in range(X.shape[1])]
    return pd.DataFrame(X, columns=names).assign(kind=np.array(["a", "b", "c"])[y], w=1.0 + y)


@pytest.fixture
def expected(client, rows, table):
    """The parameters that all forms of the same rows lead to, in three shards."""
    arrays = (da.from_array(a, chunks=(200, *a.shape[1:])) for a in rows)
    return parameters(classifier().fit(*arrays))


def test_tables_with_the_name_of_the_targets(table, expected):
    frame = dd.from_pandas(table.drop(columns="w"), npartitions=3)
    found = classifier().fit(frame, "kind")
    assert np.array_equal(parameters(found), expected)
    assert found.feature_names_in_.tolist() == [f"x{i}" for i in range(5)]
    assert found.classes_.tolist() == ["a", "b", "c"]
    assert found.predict(frame.drop(columns="kind")).compute().tolist() == (
        found.predict(table.drop(columns=["kind", "w"])).tolist()
    )


def test_tables_with_a_column_of_targets(table, expected):
    frame = dd.from_pandas(table, npartitions=3)
    found = classifier().fit(frame[[f"x{i}" for i in range(5)]], frame["kind"])
    assert np.array_equal(parameters(found), expected)


def test_weights_by_name_and_as_a_collection(table):
    frame = dd.from_pandas(table, npartitions=3)
    by_name = classifier().fit(frame, "kind", "w")
    beside = classifier().fit(frame.drop(columns="w"), "kind", frame["w"])
    assert np.array_equal(parameters(by_name), parameters(beside))


def test_parquet_by_path(table, expected, tmp_path):
    for i in range(3):
        table.drop(columns="w")[200 * i : 200 * (i + 1)].to_parquet(tmp_path / f"{i}.parquet")
    assert np.array_equal(parameters(classifier().fit(str(tmp_path), "kind")), expected)


def test_lists_of_delayed_parts(rows, expected):
    cuts = [slice(i, i + 200) for i in (0, 200, 400)]
    X, y = ([delayed(a[cut]) for cut in cuts] for a in rows)
    assert np.array_equal(parameters(classifier().fit(X, y)), expected)


def test_arrays_with_chunks_of_columns_and_of_unknown_size(rows, expected):
    X = da.from_array(rows[0], chunks=(200, 2))
    y = da.from_array(rows[1], chunks=200)
    assert np.array_equal(parameters(classifier().fit(X, y)), expected)
    every = da.ones(600, chunks=200) > 0
    assert np.array_equal(parameters(classifier().fit(X[every], y[every])), expected)


def test_empty_partitions_are_left_out(rows, expected):
    X = [rows[0][:200], rows[0][:0], rows[0][200:400], rows[0][400:]]
    y = [rows[1][:200], rows[1][:0], rows[1][200:400], rows[1][400:]]
    found = classifier().fit([delayed(x) for x in X], [delayed(x) for x in y])
    assert np.array_equal(parameters(found), expected)
    assert found.predict([delayed(x) for x in X]).compute().shape == (600,)
    score = found.score([delayed(x) for x in X], [delayed(x) for x in y])
    assert score.compute() == pytest.approx(found.score(*rows))


def test_shards_of_equal_size_do_not_depend_on_partitions(rows, collections, expected):
    assert np.array_equal(parameters(classifier(n_shards=3).fit(*collections)), expected)


def test_a_class_that_only_one_partition_has(rows, client):
    y = np.where(np.arange(600) < 150, 2, np.arange(600) % 2)
    chunks = da.from_array(rows[0], chunks=(150, -1)), da.from_array(y, chunks=150)
    found = classifier(class_weight="balanced").fit(*chunks)
    assert found.classes_.tolist() == [0, 1, 2]
    weights = found.predict_proba(chunks[0]).compute()
    assert weights.shape == (600, 3)


def test_a_partition_without_weight_has_no_part_in_the_result(rows, client):
    chunks = da.from_array(rows[0], chunks=(200, -1)), da.from_array(rows[1], chunks=200)
    weights = da.from_array(np.where(np.arange(600) < 200, 0.0, 1.0), chunks=200)
    settings = {"shuffle": False, "batch_size": 50}
    found = classifier(**settings).fit(*chunks, weights)
    other = da.concatenate((chunks[0][:200] + 1, chunks[0][200:]))
    assert np.array_equal(
        parameters(found), parameters(classifier(**settings).fit(other, chunks[1], weights))
    )


def test_balanced_class_weights_are_of_all_partitions(rows, client):
    X, y = rows[0], np.where(np.arange(600) < 500, 0, 1)
    settings = {"max_iter": 2, "random_state": 0, "class_weight": "balanced"}
    alone = pynn.MLPClassifier((6,), **settings).fit(X, y)
    chunks = da.from_array(X, chunks=(500, -1)), da.from_array(y, chunks=500)
    found = classifier(n_shards=1, **settings).fit(*chunks)
    assert np.array_equal(parameters(found), parameters(alone))


def test_several_labels_and_several_numbers(rows, client):
    Y = (rows[0][:, :2] > 0).astype(int)
    chunks = da.from_array(rows[0], chunks=(300, -1)), da.from_array(Y, chunks=(300, -1))
    assert classifier().fit(*chunks).predict(chunks[0]).compute().shape == (600, 2)
    found = pynn.dask.MLPRegressor(hidden_layer_sizes=4, max_iter=2, random_state=0).fit(*chunks)
    assert found.predict(chunks[0]).shape == (600, 2)
    assert found.score(*chunks).compute() == pytest.approx(found.score(rows[0], Y), rel=1e-12)


def test_predictions_are_lazy_and_plain_ones_are_not(rows, collections):
    found = classifier().fit(*collections)
    for method in ("predict", "predict_proba", "predict_log_proba", "transform"):
        lazy = getattr(found, method)(collections[0])
        assert dask.is_dask_collection(lazy)
        assert lazy.chunks[0] == collections[0].chunks[0]
        plain = getattr(found, method)(rows[0])
        assert lazy.dtype == plain.dtype
        assert np.array_equal(lazy.compute(), plain)
    assert found.transform(collections[0], layer=-1).shape == (600, 3)
    assert found.score(*collections).compute() == found.score(*rows)


def test_it_becomes_an_ordinary_estimator(rows, collections, tmp_path):
    found = classifier().fit(*collections)
    alone = found.to_local()
    assert type(alone) is pynn.MLPClassifier
    assert np.array_equal(alone.predict_proba(rows[0]), found.predict_proba(rows[0]))
    assert alone.loss_curve_ == found.loss_curve_
    alone.partial_fit(*rows)
    assert not np.array_equal(parameters(alone), parameters(found))
    with pytest.raises(NotFittedError):
        classifier().to_local()


def test_validation_sets_of_collections_have_the_figures_of_arrays(rows, collections):
    sets = [tuple(rows), (*collections,), (*collections, da.ones(600, chunks=150) * 2)]
    found = classifier(early_stopping=True, max_iter=3).fit(*collections, eval_set=sets)
    history = found.history_
    for name in ("loss", "score"):
        for k in (2, 3):
            assert history[f"val_{k}_{name}"] == pytest.approx(history[f"val_{name}"], rel=1e-12)
    assert found.best_validation_score_ == max(history["val_score"])


def test_so_do_those_of_a_regressor(rows, client):
    y = rows[0][:, 0] * rows[0][:, 1]
    chunks = da.from_array(rows[0], chunks=(250, -1)), da.from_array(y, chunks=250)
    found = pynn.dask.MLPRegressor(hidden_layer_sizes=4, max_iter=2, random_state=0)
    history = found.fit(*chunks, eval_set=[(rows[0], y), chunks]).history_
    assert history["val_2_score"] == pytest.approx(history["val_score"], rel=1e-12)
    assert history["val_2_loss"] == pytest.approx(history["val_loss"], rel=1e-12)


# ---- Refused -------------------------------------------------------------------------------------


def refused(error, match, X, y=None, weights=None, **settings):
    estimator = classifier(**settings)
    before = dict(vars(estimator))
    with pytest.raises(error, match=match):
        estimator.fit(X, y, weights)
    assert vars(estimator) == before


def test_columns_that_hold_no_numbers(table, client):
    frame = dd.from_pandas(table.assign(when=pd.Timestamp(2020, 1, 1)), npartitions=2)
    refused(TypeError, r"not these columns: kind \(.*\), when \(.*get_dummies", frame, "w")
    refused(ValueError, "X has no column 'colour'; it has x0, x1", frame, "colour")


def test_rows_that_are_in_memory(rows, client):
    refused(TypeError, "use pynn.MLPClassifier or pynn.MLPRegressor", *rows)
    with pytest.raises(TypeError, match="partial_fit takes rows in memory"):
        classifier().partial_fit(da.ones((2, 2)), [0, 1])


def test_parts_that_do_not_match(rows, collections):
    X, y = collections
    refused(ValueError, "y has 500 rows, but X has 600", X, y[:500])
    refused(TypeError, "y is the name of a column", X, "y")
    known = da.ones(600, chunks=600) > 0
    refused(ValueError, "y has 1 partitions, but X has 4", X, da.ones(600, chunks=600)[known])
    parts = [delayed(rows[0][:200]), delayed(rows[0][200:])]
    refused(ValueError, "partition 1: y has 300 rows, but X has 400", parts,
            [delayed(rows[1][:200]), delayed(rows[1][300:])])  # fmt: skip
    refused(ValueError, "n_features is 5 in partition 0 and 4 in partition 1",
            [parts[0], delayed(rows[0][200:, 1:])],
            [delayed(rows[1][:200]), delayed(rows[1][200:])])  # fmt: skip


def test_rows_that_are_not_finite(rows, client):
    X = np.where(np.arange(600)[:, None] == 250, np.nan, rows[0])
    refused(ValueError, "partition 2: Input X contains NaN", da.from_array(X, chunks=(100, -1)),
            da.from_array(rows[1], chunks=100))  # fmt: skip


def test_weights_that_are_negative_or_zero_everywhere(collections):
    X, y = collections
    chunks = {"chunks": X.chunks[0]}
    refused(ValueError, r"partition \d: .*egative", X, y, -da.ones(600, **chunks))
    refused(ValueError, "zero everywhere", X, y, da.zeros(600, **chunks))
    weightless = X, y, da.zeros(600, **chunks)
    with pytest.raises(ValueError, match="sample_weight of eval_set 2 must not be zero everywhere"):
        classifier().fit(X, y, eval_set=[(X, y), weightless])


def test_settings_that_need_all_rows_in_one_place(collections):
    refused(ValueError, "computes with all rows at once", *collections, solver="lbfgs")
    refused(ValueError, "computes with all rows at once", *collections, solver="rprop")
    refused(ValueError, "n_members must be 1", *collections, n_members=2)
    refused(ValueError, "needs an eval_set", *collections, early_stopping=True)
    refused(ValueError, "at most the number of rows, 600", *collections, n_shards=601)
    refused(ValueError, "'sync_every' parameter", *collections, sync_every=1.5)


def test_classes_of_a_validation_set_that_the_rows_lack(collections):
    estimator = classifier()
    with pytest.raises(ValueError, match="classes not in"):
        estimator.fit(*collections, eval_set=(collections[0], collections[1] + 5))
    assert not hasattr(estimator, "classes_")


def test_a_fit_without_a_client():
    code = """
import dask.array as da, pynn.dask
try:
    pynn.dask.MLPClassifier().fit(da.ones((4, 2)), da.ones(4))
except ValueError as error:
    assert "there is no client of a cluster" in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)


def test_pynn_alone_does_not_import_dask():
    code = "import sys, pynn; pynn.MLPClassifier; assert 'dask' not in sys.modules"
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)


def test_without_dask_the_error_names_the_extra():
    code = """
import sys
sys.modules["distributed"] = None
try:
    import pynn.dask
except ImportError as error:
    assert "pip install 'pynn-learn[dask]'" in str(error)
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-P", "-c", code], check=True, timeout=60)
