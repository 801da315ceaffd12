"""Data in blocks: each row once, in order, whatever it lies in, and no more of it than wanted."""

import pickle
import subprocess
import sys

import numpy as np
import pyarrow
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from sklearn.base import BaseEstimator
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.utils.validation import validate_data

import pynn
from pynn.data.blocks import blocks_of, targets_of

X, Y = load_diabetes(return_X_y=True)
WEIGHTS = np.linspace(0.5, 2, len(X))


def joined(source):
    """All blocks one after the other: X, y and, if there are any, the weights."""
    parts = zip(*source, strict=True)
    return [np.concatenate([np.asarray(block) for block in part]) for part in parts]


def assert_holds(source, *expected):
    found = joined(source)
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


# ---- blocks_of -----------------------------------------------------------------------------------


class Opened:
    """A source of your own: its blocks are made anew each time."""

    def __iter__(self):
        yield X[:100], Y[:100]
        yield [X[100:], Y[100:], WEIGHTS[100:]]


@pytest.mark.parametrize("source", [Opened(), list(Opened()), tuple(Opened())], ids=type)
def test_any_iterable_that_begins_anew(source):
    for _ in range(2):
        (X0, y0, none), (X1, _, w1) = blocks_of(source)
        assert none is None
        np.testing.assert_array_equal(np.concatenate([X0, X1]), X)
        np.testing.assert_array_equal(y0, Y[:100])
        np.testing.assert_array_equal(w1, WEIGHTS[100:])


def test_blocks_are_handed_on_as_they_are():
    """Lists, sparse matrices, tables: what they are good for is for others to say."""
    sparse = scipy.sparse.csr_array(np.eye(2))
    table = pyarrow.table({"a": [1.0, 2.0]})
    for part in (sparse, table, [[1.0], [2.0]]):
        ((found, _, none),) = blocks_of([(part, [0, 1], None)])
        assert found is part
        assert none is None


def test_what_can_be_gone_through_once_is_refused_at_once():
    for source in (iter([(X, Y)]), (block for block in [(X, Y)]), zip([X], [Y], strict=True)):
        with pytest.raises(TypeError, match=r"only once; use a list, or an object whose __iter__"):
            blocks_of(source)
        assert next(source)[0] is X  # nothing of it was taken
    for source in (None, 3, len):
        with pytest.raises(TypeError, match=r"iterable of blocks \(X, y\).*got \w+"):
            blocks_of(source)


@pytest.mark.parametrize(
    ("block", "error", "message"),
    [
        (X, TypeError, "got ndarray$"),
        ((X,), TypeError, "got tuple of 1$"),
        ([X, Y, WEIGHTS, None], TypeError, "got list of 4$"),
        ({"X": X, "y": Y}, TypeError, "got dict$"),
        ((X, Y[:-1]), ValueError, "got 442, 441$"),
        ((X, Y, WEIGHTS[1:]), ValueError, "got 442, 442, 441$"),
        ((X[:0], Y[:0]), ValueError, "got 0, 0$"),
        ((X, 3.0), ValueError, "got 442, None$"),
        ((np.array(1.0), np.array(1.0)), ValueError, "got None, None$"),
    ],
)
def test_bad_blocks(block, error, message):
    found = blocks_of([(X, Y), block])
    next(found)
    with pytest.raises(error, match=rf"block 1 must .*{message}"):
        next(found)


def test_a_source_without_blocks():
    with pytest.raises(ValueError, match="at least one block"):
        list(blocks_of([]))

    class Exhausted:
        blocks = iter([(X, Y)])

        def __iter__(self):
            return self.blocks

    source = Exhausted()
    assert len(list(blocks_of(source))) == 1
    with pytest.raises(ValueError, match="at least one block each time"):
        list(blocks_of(source))


# ---- NpyBlocks -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def npy(tmp_path_factory):
    """Paths of .npy files by name: what is in them, by rows and by columns."""
    folder = tmp_path_factory.mktemp("npy")
    arrays = {"X": X, "y": Y, "weights": WEIGHTS, "columns": np.asfortranarray(X)}
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return {name: folder / f"{name}.npy" for name in arrays}


@given(rows=st.integers(1, 500))
def test_npy_blocks_hold_each_row_once(npy, rows):
    source = pynn.NpyBlocks(npy["X"], str(npy["y"]), npy["weights"], rows=rows)
    assert_holds(source, X, Y, WEIGHTS)
    lengths = [len(block[0]) for block in source]
    assert len(lengths) == len(source)
    assert sum(lengths) == source.n_rows == len(X)
    assert set(lengths[:-1]) <= {rows}
    assert_holds([block[:2] for block in blocks_of(source)], X, Y)


@pytest.mark.parametrize("name", ["X", "columns"])
def test_npy_blocks_are_views_of_the_file(npy, name):
    for block, _ in pynn.NpyBlocks(npy[name], npy["y"], rows=100):
        assert type(block) is np.ndarray
        assert isinstance(block.base, np.memmap)
        assert block.flags.c_contiguous == (name == "X")
        assert not block.flags.writeable
    assert_holds(pynn.NpyBlocks(npy[name], npy["y"], rows=100), X, Y)


def test_npy_blocks_of_arrays_in_memory_are_views_of_them(npy):
    mapped = np.load(npy["X"], mmap_mode="r")
    for given_X in (X, mapped):
        source = pynn.NpyBlocks(given_X, Y, WEIGHTS, rows=100)
        assert_holds(source, X, Y, WEIGHTS)
        assert all(np.shares_memory(block, given_X) for block, _, _ in source)


def test_npy_blocks_of_classes_and_of_several_outputs():
    text = np.array(["a", "bc"])[(Y > 100).astype(int)]
    assert_holds(pynn.NpyBlocks(X, text, rows=100), X, text)
    assert_holds(pynn.NpyBlocks(X, X[:, :2], rows=100), X, X[:, :2])


def test_a_network_learns_from_npy_blocks(npy):
    """Blocks that are whole mini-batches make the same steps as all rows at once."""
    nets = [pynn.Network([10, 5, 1], random_state=0) for _ in range(2)]
    for rows, _ in pynn.NpyBlocks(npy["X"], npy["y"], rows=442 // 2):
        nets[0].fit(rows, rows[:, 0], epochs=1, batch_size=17, shuffle=False)
    nets[1].fit(X, X[:, 0], epochs=1, batch_size=17, shuffle=False)
    np.testing.assert_array_equal(nets[0].parameters, nets[1].parameters)


def test_npy_blocks_are_said_and_pickled(npy):
    source = pynn.NpyBlocks(npy["X"], npy["y"], rows=100)
    assert repr(source) == f"NpyBlocks(X={str(npy['X'])!r}, y={str(npy['y'])!r}, rows=100)"
    assert "X=<float64 array (442, 10)>" in repr(pynn.NpyBlocks(X, Y))
    assert len(pickle.dumps(source)) < 1000
    assert_holds(pickle.loads(pickle.dumps(source)), X, Y)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((X, Y[:-1]), ValueError, "same number of rows, at least one; got 442, 441"),
        ((X, Y, WEIGHTS[:-1]), ValueError, "got 442, 442, 441"),
        ((X[:0], Y[:0]), ValueError, "at least one; got 0, 0"),
        ((Y, Y), ValueError, r"X must have 2 dimensions, got shape \(442,\)"),
        ((X, X[None]), ValueError, "y must have 1 or 2 dimensions"),
        ((X, Y, X), ValueError, "sample_weight must have 1 dimensions"),
        ((X.tolist(), Y), TypeError, "X must be a path or an array, got list"),
        ((X, None), TypeError, "y must be a path or an array, got NoneType"),
        ((np.ma.masked_array(X), Y), TypeError, "X must not be a masked array"),
        ((X, Y, None, 0), ValueError, "rows must be from 1"),
        ((X, Y, None, 2.5), TypeError, "rows must be an integer"),
        (("nowhere.npy", Y), FileNotFoundError, "nowhere.npy"),
    ],
)
def test_bad_arguments_of_npy_blocks(arguments, error, message):
    with pytest.raises(error, match=message):
        pynn.NpyBlocks(*arguments)


def test_files_that_are_no_npy(tmp_path, npy):
    np.save(tmp_path / "objects", np.array([[None]]))
    np.savez(tmp_path / "archive.npz", X=X)
    content = npy["X"].read_bytes()
    (tmp_path / "text.npy").write_text("1 2 3\n")
    (tmp_path / "short.npy").write_bytes(content[:-1])
    (tmp_path / "empty.npy").write_bytes(b"")
    for name in ("objects.npy", "archive.npz", "text.npy", "short.npy", "empty.npy"):
        with pytest.raises(ValueError, match=rf"{name}' is not an \.npy file that can be mapped"):
            pynn.NpyBlocks(tmp_path / name, Y)


def test_a_file_that_changes_between_epochs(tmp_path):
    path = tmp_path / "X.npy"
    np.save(path, X)
    source = pynn.NpyBlocks(path, Y, rows=100)
    for other in (X[:-1], X[:, 1:], X.astype("f4")):
        np.save(path, other)
        with pytest.raises(ValueError, match=r"X\.npy' has changed: from float64 \(442, 10\)"):
            list(source)
    np.save(path, X + 1)  # other numbers are no business of the source
    assert_holds(source, X + 1, Y)


# ---- ParquetBlocks -------------------------------------------------------------------------------

CANCER = load_breast_cancer()
NAMES = [name.replace(" ", "_") for name in CANCER.feature_names]
LABELS = CANCER.target_names[CANCER.target]  # NumPy's str


@pytest.fixture(scope="module")
def cancer(tmp_path_factory):
    """The path of a file of 569 rows in groups of 200; the target stands among the features."""
    columns = {name: CANCER.data[:, i] for i, name in enumerate(NAMES)}
    first, *others = columns.items()
    labels = pyarrow.array(LABELS)
    table = pyarrow.table(
        dict([first])
        | {"diagnosis": labels, "as_dictionary": labels.dictionary_encode()}
        | {"benign": CANCER.target, "weight": np.linspace(1, 2, 569)}
        | dict(others)
    )
    path = tmp_path_factory.mktemp("parquet") / "cancer.parquet"
    parquet.write_table(table, path, row_group_size=200)
    return path


OTHERS = ["diagnosis", "as_dictionary", "benign", "weight"]


@pytest.mark.parametrize("rows", [1, 7, 64, 200, 300, 1000])
def test_parquet_blocks_hold_each_row_once(cancer, rows):
    source = pynn.ParquetBlocks(cancer, "benign", NAMES, sample_weight="weight", rows=rows)
    for _ in range(2):
        assert_holds(source, CANCER.data, CANCER.target, np.linspace(1, 2, 569))
    assert source.n_rows == 569
    assert all(1 <= len(block[1]) <= rows for block in source)


@pytest.mark.parametrize("target", ["diagnosis", "as_dictionary"])
def test_text_becomes_classes(cancer, target):
    source = pynn.ParquetBlocks(cancer, target, NAMES, rows=150)
    found_X, found_y = joined(source)
    np.testing.assert_array_equal(found_X, CANCER.data)
    np.testing.assert_array_equal(found_y, LABELS)
    assert found_y.dtype.kind == "U"
    batch = next(iter(source))
    model = pynn.MLPClassifier(max_iter=1, solver="lbfgs")
    with pytest.warns(UserWarning, match="converge"):
        model.fit(*batch)
    assert set(model.classes_) == {"benign", "malignant"}


def test_features_are_named_and_stand_in_the_order_asked_for(cancer):
    names = [NAMES[7], NAMES[2]]
    source = pynn.ParquetBlocks(cancer, "benign", names)
    table, _ = next(iter(source))
    estimator = BaseEstimator()
    found = validate_data(estimator, table, dtype=[np.float64, np.float32])
    np.testing.assert_array_equal(found, CANCER.data[: len(found), [7, 2]])
    assert estimator.feature_names_in_.tolist() == names == source.feature_names


def test_features_are_all_other_columns_unless_they_are_named(tmp_path):
    iris = load_iris()
    names = ["sl", "sw", "pl", "pw"]
    columns = dict(zip(names, iris.data.T, strict=True))
    columns |= {"kind": iris.target, "w": iris.target}
    parquet.write_table(pyarrow.table(columns), tmp_path / "i")
    source = pynn.ParquetBlocks(tmp_path / "i", "kind", sample_weight="w")
    assert source.feature_names == names
    assert_holds(source, iris.data, iris.target, iris.target)
    several = pynn.ParquetBlocks(tmp_path / "i", ["w", "pl"], ["sl"])
    assert_holds(several, iris.data[:, :1], np.column_stack([iris.target, iris.data[:, 2]]))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u1", "?"])
def test_numbers_keep_their_dtype(tmp_path, dtype):
    numbers = np.array([0, 1, 1, 0]).astype(dtype)
    path = tmp_path / "numbers.parquet"
    parquet.write_table(pyarrow.table({"a": numbers, "b": numbers, "y": numbers}), path)
    ((table, y),) = pynn.ParquetBlocks(path, "y")
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, numbers)
    assert np.asarray(table).dtype == dtype
    np.testing.assert_array_equal(table, np.column_stack([numbers, numbers]))


def test_several_files_are_one_source(tmp_path, cancer):
    whole = parquet.read_table(cancer)
    paths = [tmp_path / f"{i}.parquet" for i in range(4)]
    for path, start, stop in zip(paths, [0, 10, 10, 400], [10, 10, 400, 569], strict=True):
        parquet.write_table(whole.slice(start, stop - start), path)  # the second has no rows
    source = pynn.ParquetBlocks(paths, "benign", NAMES, rows=100)
    assert source.n_rows == 569
    assert_holds(source, CANCER.data, CANCER.target)
    assert_holds([block[:2] for block in blocks_of(source)], CANCER.data, CANCER.target)


def test_parquet_blocks_are_said_and_pickled(cancer):
    source = pynn.ParquetBlocks(cancer, "benign", NAMES[:2], sample_weight="weight", rows=100)
    assert repr(source) == (
        f"ParquetBlocks({str(cancer)!r}, target='benign', features={NAMES[:2]!r}, "
        "sample_weight='weight', rows=100)"
    )
    assert repr(pickle.loads(pickle.dumps(source))) == repr(source)
    assert_holds(pickle.loads(pickle.dumps(source)), *joined(source))


@pytest.mark.parametrize("column", ["a", "b", "y", "w", "text", "coded"])
def test_nulls_are_refused_by_the_name_of_their_column(tmp_path, column):
    columns = {name: [1.0, 2.0, 3.0] for name in "abyw"} | {"text": ["p", "q", "r"]}
    columns["coded"] = columns["text"]
    columns[column] = [columns[column][0], None, columns[column][2]]
    table = pyarrow.table(columns)
    table = table.set_column(5, "coded", table["coded"].dictionary_encode())
    path = tmp_path / "nulls.parquet"
    parquet.write_table(table, path)
    target = column if column in ("text", "coded") else "y"
    source = pynn.ParquetBlocks(path, target, ["a", "b"], sample_weight="w")
    with pytest.raises(
        ValueError, match=rf"column '{column}' of .*nulls\.parquet' .* got 1 of .* 3"
    ):
        list(source)
    others = [name for name in "ab" if name != column]
    if column in "ab":  # a column that is not in use may hold what it likes
        assert len(list(pynn.ParquetBlocks(path, "y", others))) == 1


def test_nan_is_a_number(tmp_path):
    path = tmp_path / "nan.parquet"
    parquet.write_table(pyarrow.table({"a": [np.nan, 1.0], "y": [0, 1]}), path)
    assert_holds(pynn.ParquetBlocks(path, "y"), np.array([[np.nan], [1.0]]), np.array([0, 1]))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"target": "nothing"}, ValueError, "one column 'nothing'; it has mean_radius, "),
        ({"features": ["mean_radius", "nothing"]}, ValueError, "one column 'nothing'"),
        ({"sample_weight": "nothing"}, ValueError, "one column 'nothing'"),
        (
            {"features": None},
            TypeError,
            r"column 'diagnosis' of .* numbers or booleans, got string",
        ),
        ({"sample_weight": "diagnosis"}, TypeError, "column 'diagnosis'"),
        ({"target": ["diagnosis"]}, TypeError, "column 'diagnosis'"),
        ({"features": ["mean_radius"] * 2}, ValueError, "'mean_radius' must not be named twice"),
        ({"features": ["benign"]}, ValueError, "'benign' must not be named twice"),
        ({"sample_weight": "benign"}, ValueError, "'benign' must not be named twice"),
        ({"features": []}, ValueError, "features must name at least one column"),
        ({"target": []}, ValueError, "target must name at least one column"),
        ({"target": [3]}, TypeError, "target must be names of columns, got 3"),
        ({"target": None}, TypeError, "target must be"),
        ({"sample_weight": 3}, TypeError, "sample_weight must be names of columns, got 3"),
        ({"features": "mean_radius"}, TypeError, "features must be a list of names"),
        ({"rows": 0}, ValueError, "rows must be from 1"),
        ({"path": []}, ValueError, "path must name at least one file"),
        ({"path": 3}, TypeError, "path must be"),
        ({"path": [3]}, TypeError, r"path must be .*, got \[3\]"),
        ({"path": "nowhere.parquet"}, FileNotFoundError, "nowhere.parquet"),
    ],
    ids=str,
)
def test_bad_arguments_of_parquet_blocks(cancer, arguments, error, message):
    accepted = {"path": cancer, "target": "benign", "features": NAMES[:3]}
    with pytest.raises(error, match=message):
        pynn.ParquetBlocks(**accepted | arguments)


def test_files_that_are_no_parquet_or_not_alike(tmp_path, cancer):
    content = cancer.read_bytes()
    for name, damaged in {"text": b"a,b\n1,2\n", "empty": b"", "cut": content[:-1]}.items():
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"{name}' is damaged or not a Parquet file"):
            pynn.ParquetBlocks(tmp_path / name, "y")
    parquet.write_table(pyarrow.table({"a": [1.0], "y": [1]}), tmp_path / "first")
    parquet.write_table(pyarrow.table({"a": [1], "y": [1]}), tmp_path / "second")
    parquet.write_table(pyarrow.table({"y": [1]}), tmp_path / "third")
    parquet.write_table(pyarrow.table({"a": [1.0], "y": [1]}).slice(1), tmp_path / "none")
    for name, message in [
        ("second", "column 'a' of .*second' holds int64, but double in .*first'"),
        ("third", "third' must have one column 'a'; it has y"),
    ]:
        with pytest.raises(ValueError, match=message):
            pynn.ParquetBlocks([tmp_path / "first", tmp_path / name], "y")
    with pytest.raises(ValueError, match="at least one row"):
        pynn.ParquetBlocks(tmp_path / "none", "y")


def test_without_pyarrow():
    code = "import sys; sys.modules['pyarrow'] = None; import pynn; pynn.ParquetBlocks('a', 'y')"
    command = [sys.executable, "-P", "-c", code]
    errors = subprocess.run(command, capture_output=True, text=True).stderr
    assert errors.endswith("needs pyarrow: pip install pyarrow\n")


def test_of_targets_nothing_else_is_read(tmp_path):
    """Neither from files, nor are the features looked at, which hold nulls here."""
    table = pyarrow.table({"a": [1.0, None, 3.0], "y": ["u", "v", "u"], "z": [1, 2, 3]})
    parquet.write_table(table, tmp_path / "t.parquet")
    source = pynn.ParquetBlocks(tmp_path / "t.parquet", target="y", rows=2)
    assert [y.tolist() for y in targets_of(source)] == [["u", "v"], ["u"]]
    with pytest.raises(ValueError, match="must not hold nulls"):
        list(source)
    holey = pynn.ParquetBlocks(tmp_path / "t.parquet", target="a", features=["z"])
    with pytest.raises(ValueError, match="must not hold nulls"):
        list(targets_of(holey))
    assert [y.tolist() for y in targets_of(pynn.NpyBlocks(X, Y, rows=221))] == [
        Y[:221].tolist(),
        Y[221:].tolist(),
    ]


@pytest.mark.parametrize(
    ("n_features", "of_files", "of_parquet"),
    [(1, 65536, 65536), (1000, 16384, 2048), (2**24, 1, None)],
)
def test_blocks_of_many_columns_have_fewer_rows(tmp_path, n_features, of_files, of_parquet):
    row = np.broadcast_to(np.float32(0), (1, n_features))
    assert pynn.NpyBlocks(row, np.zeros(1)).rows == of_files
    assert pynn.NpyBlocks(row, np.zeros(1), rows=7).rows == 7
    if of_parquet:
        columns = {f"{i}": [0.0] for i in range(n_features)}
        parquet.write_table(pyarrow.table(columns | {"y": [1]}), tmp_path / "t.parquet")
        assert pynn.ParquetBlocks(tmp_path / "t.parquet", "y").rows == of_parquet


# ---- Memory --------------------------------------------------------------------------------------

# Prints by how many MB the peak has risen after each source's blocks were summed up.
PEAK = """
import sys
import numpy as np, pynn

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1000

sources = [eval(source) for source in sys.argv[1:]]
before = peak()
for source in sources:
    total = sum(np.asarray(block[0]).sum() for block in source)
    print(peak() - before, total)
"""


@pytest.mark.slow
def test_of_a_large_file_little_is_in_memory(tmp_path):
    n_rows, n_columns = 1_000_000, 25  # 200 MB
    sources = {}  # what evaluates to one: the bound for it and those before it, in MB
    for by_columns, bound in [(False, 30), (True, 60)]:
        path = str(tmp_path / f"{by_columns}.npy")
        file = np.lib.format.open_memmap(path, "w+", float, (n_rows, n_columns), by_columns)
        file[:] = np.arange(n_columns)
        sources[f"pynn.NpyBlocks({path!r}, {path!r}, rows=16384)"] = bound
    columns = {str(i): np.full(n_rows, float(i)) for i in range(n_columns)}
    path = str(tmp_path / "X.parquet")
    # Without dictionaries and compression the file is as large as the table.
    options = {"use_dictionary": False, "compression": "none", "row_group_size": n_rows // 2}
    parquet.write_table(pyarrow.table(columns | {"y": columns["0"]}), path, **options)
    sources[f"pynn.ParquetBlocks({path!r}, 'y', rows=16384)"] = 110
    assert min(path.stat().st_size for path in tmp_path.iterdir()) >= 200_000_000
    command = [sys.executable, "-P", "-c", PEAK, *sources]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for line, bound in zip(out.splitlines(), sources.values(), strict=True):
        rise, total = map(float, line.split())
        assert total == n_rows * sum(range(n_columns))
        assert rise < bound, out
