"""Tables in blocks of rows: what is learned from them, how often they are read, what is held."""

import numpy as np
import pandas as pd
import pytest
from counted import Counted
from scipy import sparse

import pynn
from pynn.tabular import batches, columns, joining
from pynn.tabular.calibration import calibration_error
from pynn.tabular.columns import Column

RNG = np.random.default_rng(0)
N = 400
NUMBERS = RNG.normal(size=N)
TOWN = RNG.choice([f"town {i}" for i in range(20)], N)
TABLE = pd.DataFrame(
    {
        "number": np.where(RNG.random(N) < 0.1, np.nan, NUMBERS),
        "town": TOWN,
        "kind": pd.Categorical(RNG.choice(["a", "b", None], N)),
        "day": pd.Timestamp("2020-02-28") + pd.to_timedelta(RNG.integers(0, 99, N), "D"),
    }
)
Y = {
    pynn.TabularClassifier: np.array(["no", "yes", "very"])[(NUMBERS > 0) + 1 * (NUMBERS > 1)],
    pynn.TabularRegressor: 100 + 5 * NUMBERS,
}
BOTH = pytest.mark.parametrize("Estimator", Y)
FEW = {"n_members": 2, "random_state": 0}
FEW["expert"] = {"epochs": 3, "hidden_layer_sizes": (8,), "patience": 9}


def few(Estimator, **settings):
    return Estimator(**FEW | settings)


def cut(X, y, n=4, *weights):
    parts = np.array_split(np.arange(len(y)), n)
    rows = X.iloc if hasattr(X, "iloc") else X
    return [(rows[part], y[part], *(w[part] for w in weights)) for part in parts]


def bits(model):
    return [network.parameters.tobytes() for network in model.networks_]


@BOTH
def test_one_block_is_about_as_good_as_a_fit(Estimator):
    y = Y[Estimator]
    settings = {"expert": {"epochs": 30, "hidden_layer_sizes": (32,)}, "n_folds": 2}
    fitted = few(Estimator, **settings).fit(TABLE[:300], y[:300])
    streamed = few(Estimator, **settings).fit_batches([(TABLE[:300], y[:300])])
    ours, theirs = (model.score(TABLE[300:], y[300:]) for model in (streamed, fitted))
    assert theirs > 0.6
    assert ours > theirs - 0.15


def test_intervals_are_learned_from_the_validation_rows():
    rng = np.random.default_rng(1)
    X = rng.uniform(-1, 1, size=(4_000, 2))
    y = 10 * X[:, 0] + (0.1 + np.abs(X[:, 1])) * rng.normal(size=len(X))
    model = few(pynn.TabularRegressor, expert={"epochs": 12}).fit_batches(cut(X[:2000], y[:2000]))
    assert model._sample.is_aside.all()
    lower, upper = model.predict_interval(X[2000:], coverage=0.8)
    covered = np.mean((lower <= y[2000:]) & (y[2000:] <= upper))
    assert covered == pytest.approx(0.8, abs=0.05)
    quiet = np.abs(X[2000:, 1]) < 0.3
    assert (upper - lower)[quiet].mean() < 0.7 * (upper - lower)[~quiet].mean()
    assert model.feature_importances_.argmax() == 0


def test_temperature_and_importances_are_learned_from_the_validation_rows():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(4_000, 3))
    y = (rng.random(4_000) < 1 / (1 + np.exp(-3 * X[:, 1]))).astype(int)
    model = few(pynn.TabularClassifier, expert={"epochs": 12}).fit_batches(cut(X[:2000], y[:2000]))
    assert model.temperature_ != 1
    assert calibration_error(model.predict_proba(X[2000:]), y[2000:]) < 0.06
    assert model.feature_importances_.argmax() == 1


@BOTH
def test_all_rows_are_learned_from(Estimator):
    y = Y[Estimator]
    model = few(Estimator).fit_batches(cut(TABLE, y))
    whole = few(Estimator).fit(TABLE, y)
    assert model.preparation_.to_json() == whole.preparation_.to_json()
    assert model.feature_names_in_.tolist() == list(TABLE)
    if Estimator is pynn.TabularClassifier:
        assert model.classes_.tolist() == whole.classes_.tolist()
        assert model.temperature_ > 0
    else:
        np.testing.assert_allclose([model._mean, model._scale], [[y.mean()], [y.std()]])
    assert len(model.networks_) == 2
    assert model.predict(TABLE).shape == (N,)


@BOTH
def test_the_bits_depend_on_the_seed_alone(Estimator):
    source = cut(TABLE, Y[Estimator])
    one = few(Estimator, n_threads=1).fit_batches(source)
    assert bits(few(Estimator, n_threads=2).fit_batches(source)) == bits(one)
    assert bits(few(Estimator, random_state=1).fit_batches(source)) != bits(one)


@BOTH
def test_weights(Estimator):
    """Rows of weight 0 are as good as absent from the targets, and weights change the fit."""
    y, weights = Y[Estimator], np.repeat([1.0, 0.0, 3.0, 1.0], 100)
    model = few(Estimator).fit_batches(cut(TABLE, y, 4, weights))
    assert bits(model) != bits(few(Estimator).fit_batches(cut(TABLE, y)))
    if Estimator is pynn.TabularRegressor:
        assert model._mean == pytest.approx(np.average(y, weights=weights))
    some = [block if k else block[:2] for k, block in enumerate(cut(TABLE, y, 4, weights))]
    assert bits(few(Estimator).fit_batches(some)) == bits(model)  # the first block has weights 1


@BOTH
@pytest.mark.parametrize("factor", [2.0**990, 2.0**-990])
def test_only_ratios_of_weights_count_in_blocks_too(Estimator, factor):
    y, weights = Y[Estimator], np.linspace(0.5, 1.5, N)
    expected = few(Estimator).fit_batches(cut(TABLE, y, 4, weights))
    model = few(Estimator).fit_batches(cut(TABLE, y, 4, weights * factor))
    assert bits(model) == bits(expected)
    assert model.validation_score_ == expected.validation_score_


def test_weights_whose_sum_may_overflow_are_refused():
    blocks = cut(TABLE, NUMBERS, 2, np.full(N, 2e300))
    with pytest.raises(ValueError, match=r"block 0: sample_weight must be at most 1e\+300, got 2e"):
        few(pynn.TabularRegressor).fit_batches(blocks)


@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_a_class_whose_rows_have_no_weight_is_no_class_in_blocks_either(class_weight):
    y = Y[pynn.TabularClassifier]
    weights = (y != "no").astype(float)
    model = few(pynn.TabularClassifier, class_weight=class_weight)
    blocks = cut(TABLE, y, 4, weights)
    assert model.fit_batches(blocks).classes_.tolist() == ["very", "yes"]
    if class_weight:
        whole = few(pynn.TabularClassifier, class_weight=class_weight).fit(TABLE, y, weights)
        np.testing.assert_array_equal(model._class_weights, whole._class_weights)


@pytest.mark.parametrize("chosen", ["training", "validation"])
def test_rows_with_weight_are_needed_for_training_and_for_validation(chosen, monkeypatch):
    monkeypatch.setattr(batches, "_drawn", lambda n_rows, n, random: np.arange(n))
    is_validation = np.arange(N) < N // 5
    blocks = cut(TABLE, NUMBERS, 4, (is_validation == (chosen == "training")).astype(float))
    with pytest.raises(ValueError, match=f"rows that were drawn for {chosen} have the weight 0"):
        few(pynn.TabularRegressor).fit_batches(blocks)


def test_balanced_classes_are_those_of_all_blocks():
    y = Y[pynn.TabularClassifier]
    blocks = cut(TABLE, y)
    model = few(pynn.TabularClassifier, class_weight="balanced").fit_batches(blocks)
    counts = np.unique(y, return_counts=True)[1]
    np.testing.assert_allclose(model._class_weights, N / (3 * counts))


def test_classes_that_come_late_and_classes_that_are_given():
    y = np.sort(Y[pynn.TabularClassifier])
    model = few(pynn.TabularClassifier).fit_batches(cut(TABLE, y))
    assert model.classes_.tolist() == ["no", "very", "yes"]
    more = few(pynn.TabularClassifier).fit_batches(
        cut(TABLE, y), classes=["yes", "no", "very", "never"]
    )
    assert more.classes_.tolist() == ["never", "no", "very", "yes"]
    assert more.predict_proba(TABLE).shape == (N, 4)


def test_moments_of_blocks_are_those_of_all_rows():
    for y in (Y[pynn.TabularRegressor], np.full(N, 7.0), NUMBERS[:, None] * [1e300 / 9, 1e-300]):
        whole = few(pynn.TabularRegressor)
        whole._learn_targets([(y, None)])
        model = few(pynn.TabularRegressor)
        model._learn_targets([(part, None) for part in np.array_split(y, 7)])
        np.testing.assert_allclose(model._mean, whole._mean, rtol=1e-12)
        np.testing.assert_allclose(model._scale, whole._scale, rtol=1e-12)


@BOTH
def test_two_passes_and_one_for_each_epoch_with_one_block_in_memory(Estimator):
    X = np.column_stack([NUMBERS, RNG.normal(size=N)])
    source = Counted(cut(X, Y[Estimator]))
    model = few(Estimator).fit_batches(source)
    # Each fit of a network looks at the first block before its epochs.
    n_epochs = [len(network.history["cost"]) for network in model.networks_]
    assert source.begun == 2 + sum(n_epochs) + len(n_epochs)
    assert set(source.made) == {0}
    assert source.in_memory == 0


@BOTH
def test_only_a_sample_of_the_rows_is_kept(Estimator, monkeypatch):
    monkeypatch.setattr(batches, "SAMPLE", 50)
    monkeypatch.setattr(batches, "MOST_VALIDATION", 30)
    kept = []

    class Watched(joining.Gathered):
        def table(self):
            found = super().table()
            kept.append(found.shape[0])
            return found

    monkeypatch.setattr(batches, "Gathered", Watched)
    model = few(Estimator).fit_batches(cut(TABLE, Y[Estimator]))
    assert kept == [50, 30]
    assert model.predict(TABLE).shape == (N,)


def test_blocks_of_sparse_matrices_and_lists():
    X, y = np.where(RNG.random((N, 3)) < 0.5, 0, TABLE[["number"]].fillna(0)), NUMBERS
    expected = few(pynn.TabularRegressor).fit_batches(cut(X, y))
    for convert in (sparse.csr_array, np.ndarray.tolist):
        source = [(convert(X), y) for X, y in cut(X, y)]
        assert bits(few(pynn.TabularRegressor).fit_batches(source)) == bits(expected)


def test_blocks_of_arrow_and_polars_tables():
    polars, arrow = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    y = Y[pynn.TabularRegressor]
    frames = cut(TABLE, y)
    expected = few(pynn.TabularRegressor).fit_batches(frames)
    for convert in (polars.from_pandas, arrow.Table.from_pandas):
        other = few(pynn.TabularRegressor).fit_batches([(convert(X), y) for X, y in frames])
        np.testing.assert_allclose(other.predict(TABLE), expected.predict(TABLE), rtol=1e-4)


def test_blocks_of_one_row():
    y = Y[pynn.TabularRegressor]
    rows = [(TABLE[k : k + 1], y[k : k + 1]) for k in range(30)]
    assert few(pynn.TabularRegressor).fit_batches(rows).predict(TABLE).shape == (N,)


def test_files_of_arrays(tmp_path):
    np.save(tmp_path / "X.npy", NUMBERS[:, None])
    np.save(tmp_path / "y.npy", Y[pynn.TabularRegressor])
    source = pynn.NpyBlocks(tmp_path / "X.npy", tmp_path / "y.npy", rows=100)
    model = few(pynn.TabularRegressor).fit_batches(source)
    again = few(pynn.TabularRegressor).fit_batches(list(source))
    assert bits(model) == bits(again)


def shrinking():
    """A source that ends earlier each time."""

    class Shrinking:
        n = 5

        def __iter__(self):
            self.n -= 1
            return iter(cut(TABLE, NUMBERS)[: self.n])

    return Shrinking()


def changing():
    """A source whose second block has another length each time."""

    class Changing:
        n = 100

        def __iter__(self):
            self.n -= 1
            return iter([(TABLE[:100], NUMBERS[:100]), (TABLE[: self.n], NUMBERS[: self.n])])

    return Changing()


B = cut(TABLE, NUMBERS, 2)


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ([], ValueError, "yielded none"),
        (iter(B), TypeError, "only once"),
        ((block for block in B), TypeError, "only once"),
        (3, TypeError, "iterable of blocks"),
        ([TABLE], TypeError, "block 0 must be a tuple"),
        ([B[0], (B[1][0].iloc[:, 1:], B[1][1])], ValueError, "block 1: X has 3 columns, but 4"),
        ([B[0], (B[1][0][TABLE.columns[::-1]], B[1][1])], ValueError, "block 1: column 0 of X is"),
        ([B[0], (B[1][0].to_numpy(), B[1][1])], ValueError, "block 1: X must have names"),
        ([B[0], (B[1][0], B[1][1][1:])], ValueError, "of block 1 must have the same number"),
        ([B[0], (B[1][0], B[1][1] * np.nan)], ValueError, "block 1: Input y contains NaN"),
        ([B[0], (B[1][0], np.eye(200))], ValueError, "block 1: y has shape"),
        ([B[0], (*B[1], -np.ones(200))], ValueError, "block 1: Negative values"),
        (
            [B[0], (B[1][0].assign(day=TOWN[200:]), B[1][1])],
            ValueError,
            "column 'day' must not mix",
        ),
        ([(TABLE[:1], NUMBERS[:1])], ValueError, "1 row"),
        (shrinking(), ValueError, "yielded 3 blocks, but 4 in the first pass"),
        (changing(), ValueError, "block 1: X has 98 rows, but had 99 in the first pass"),
    ],
)
def test_bad_sources_are_refused_and_the_estimator_is_as_it_was(source, error, words):
    model = few(pynn.TabularRegressor)
    with pytest.raises(error, match=words):
        model.fit_batches(source)
    assert vars(model) == vars(few(pynn.TabularRegressor))


def test_bad_classes():
    y = Y[pynn.TabularClassifier]
    source = cut(TABLE, np.sort(y))
    with pytest.raises(ValueError, match="block 2: y holds 'very', not in classes"):
        few(pynn.TabularClassifier).fit_batches(source, classes=["no", "yes"])
    with pytest.raises(ValueError, match="only one class, 'no'"):
        few(pynn.TabularClassifier).fit_batches(source[:1])
    mixed = [source[0], (source[1][0], np.zeros(100, int))]
    with pytest.raises(ValueError, match="block 1: y holds int64, but the labels before"):
        few(pynn.TabularClassifier).fit_batches(mixed)
    with pytest.raises(TypeError, match="classes are for TabularClassifier"):
        few(pynn.TabularRegressor).fit_batches(B, classes=[1])


TIMES = np.array(["2020-01-01", "NaT"], "M8[ns]")


@pytest.mark.parametrize(
    ("pieces", "values", "labels"),
    [
        ([Column("c", np.array([1, 2])), Column("c", np.array([0.5]))], [1.0, 2.0, 0.5], None),
        (
            [Column("c", np.array([1, 2]), np.array([True, False])), Column("c", np.array([3]))],
            [1, 2, 3],
            None,
        ),
        (
            [
                Column("c", np.array([0, 1, -1]), None, ["a", "b"]),
                Column("c", np.array([0, 1]), np.array([False, True]), ["b", "c"]),
            ],
            [0, 1, -1, 1, -1],
            ["a", "b", "c"],
        ),
        (
            [Column("c", np.array([0, -1]), None, ["a"]), Column("c", np.array([1.5]))],
            ["a", None, 1.5],
            None,
        ),
        (
            [Column("c", TIMES), Column("c", np.array([None], dtype=object))],
            [pd.Timestamp("2020-01-01").to_pydatetime(), None, None],
            None,
        ),
    ],
)
def test_columns_are_joined_whatever_their_kinds(pieces, values, labels):
    column = joining.joined(pieces)
    assert column.labels == labels
    np.testing.assert_array_equal(column.values, np.array(values, dtype=column.values.dtype))
    if pieces[0].missing is not None:
        assert column.missing.tolist() == [True, False, False]


@pytest.mark.parametrize("unit", ["W", "D", "s", "us"])
@pytest.mark.parametrize("other", ["h", "ns", "ps", "as"])
def test_dates_and_durations_of_two_units_are_joined_as_they_are(unit, other):
    centuries = np.array([-700_000, 700_000], "m8[D]").astype(f"m8[{unit}]")
    short = np.array([0, 3, "NaT"], f"m8[{other}]")
    for read, one, two in (
        (columns.numbers, centuries, short),
        (columns.dates, np.datetime64(0, unit) + centuries, np.datetime64(0, other) + short),
    ):
        pieces = Column("c", one), Column("c", two)
        for some in (pieces, pieces[::-1]):
            expected = np.concatenate([read(piece) for piece in some])
            np.testing.assert_allclose(read(joining.joined(some)), expected, atol=1e-10)
