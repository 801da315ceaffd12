"""Many classes, layers, features, more elements than int32 counts: right, in stated memory."""

import os
import re
import subprocess
import sys
import textwrap
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import reference
from long import only_long
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import LabelBinarizer

import pynn

N_CLASSES, N_LAYERS, N_FEATURES = 100_000, 1000, 10**6
RNG = np.random.default_rng(0)


def peak(function):
    """Return the peak of what Python and NumPy allocate in a call, in bytes."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# Classes


@pytest.fixture(scope="module")
def rows():
    y = RNG.permutation(N_CLASSES)[:20]
    return RNG.normal(size=(20, 3)), y


def many_classes(dtype="float64"):
    return pynn.Network(
        [3, 2, N_CLASSES],
        activation="tanh",
        output_activation="softmax",
        classes=np.arange(N_CLASSES) + 7,
        dtype=dtype,
        random_state=0,
    )


def test_a_network_of_many_classes_is_numpy_s(rows):
    X, y = rows
    net, targets = many_classes(), np.zeros((20, N_CLASSES))
    targets[np.arange(20), y] = 1
    oracle = reference.Network([3, 2, N_CLASSES], ["tanh", "softmax"], "cross_entropy")
    p = net.parameters.copy()
    assert net.cost(X, y + 7) == pytest.approx(oracle.cost(p, X, targets))
    np.testing.assert_allclose(net.gradient(X, y + 7), oracle.gradient(p, X, targets), 1e-9, 1e-12)
    trained, _ = oracle.train(p, X, targets, [np.arange(20)], 8, pynn.SGD(0.5))
    net.fit(X, y + 7, batch_size=8, optimizer=pynn.SGD(0.5), shuffle=False)
    np.testing.assert_allclose(net.parameters, trained, 1e-9, 1e-12)
    assert (
        net.predict_classes(X).tolist() == (oracle.predict(trained, X).argmax(axis=1) + 7).tolist()
    )


def test_targets_are_not_made_columns(rows):
    """Columns of all rows, or a row for each class, would take 16 MB and 80 GB."""
    X, y = rows
    net = many_classes("float32")
    one_output = 20 * N_CLASSES * 4
    assert peak(lambda: net.cost(X, y + 7)) < 16e6  # the classes' numbers, by label
    assert peak(lambda: net.predict_classes(X)) < 2.5 * one_output
    assert peak(lambda: net.trace(X[:2], y[:2] + 7)) < 20e6


def test_messages_name_some_of_them(rows):
    X, y = rows
    net = many_classes()
    labels = ", ".join(map(str, range(7, 27)))
    with pytest.raises(ValueError, match=rf"holds -1; the classes are {labels}, … \(100000 in all"):
        net.fit(X, y - y - 1)
    with pytest.raises(ValueError, match="classes must be 100000 different labels") as info:
        pynn.Network([3, N_CLASSES], classes=[0] * N_CLASSES)
    assert len(str(info.value)) < 300


def test_a_classifier_of_many_classes(rows, tmp_path):
    X, y = rows
    mlp = pynn.MLPClassifier((2,), random_state=0)
    mlp.partial_fit(X, y, classes=np.arange(N_CLASSES)).partial_fit(X, y)
    assert mlp.predict_proba(X).shape == (20, N_CLASSES)
    assert set(mlp.predict(X)) <= set(range(N_CLASSES))
    assert mlp.score(X, mlp.predict(X)) == 1
    with pytest.raises(ValueError, match="classes not in") as info:
        mlp.partial_fit(X, y + N_CLASSES)
    assert len(str(info.value)) < 1000
    pytest.importorskip("safetensors")
    mlp.save(tmp_path / "mlp")
    loaded = pynn.MLPClassifier.load(tmp_path / "mlp")
    assert loaded.predict(X).tolist() == mlp.predict(X).tolist()


@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint8, "<U6", "<U9", float, object, bool])
def test_a_classifier_s_targets_are_the_numbers_of_their_classes(kind):
    """As scikit-learn's columns have them, without rows times classes of memory."""
    names = np.array([f"c{i}" for i in range(90)]) if kind in (object, "<U6", "<U9") else np.r_[:90]
    labels = np.tile(names, 3).astype(kind)
    mlp = pynn.MLPClassifier()
    mlp._learn_targets(labels)
    columns = LabelBinarizer().fit_transform(labels)
    expected = columns.argmax(axis=1) if columns.shape[1] > 1 else columns
    assert np.array_equal(mlp._encode(labels), expected)


def test_they_take_the_memory_of_one_number_a_row():
    labels = RNG.permutation(np.tile(np.arange(20_000), 2))
    mlp = pynn.MLPClassifier()
    mlp._learn_targets(labels)
    assert peak(lambda: mlp._encode(labels)) < 2e6  # columns would take 800 MB


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_classifier_learns_as_many_from_rows_of_each():
    n_classes = 5000
    y = np.tile(np.arange(n_classes), 3)
    X = np.stack([np.cos(y), np.sin(y)], axis=1).astype(np.float32)
    mlp = pynn.MLPClassifier((2,), max_iter=1, random_state=0)
    assert peak(lambda: mlp.fit(X, y)) < 30e6
    assert mlp.classes_.shape == (n_classes,)


# Layers


def deep():
    return pynn.Network(
        [3, *[4] * (N_LAYERS - 1), 2], activation="tanh", dtype="float64", random_state=0
    )


@pytest.fixture
def xy():
    return RNG.normal(size=(20, 3)), RNG.normal(size=(20, 2))


def test_a_network_of_many_layers_is_numpy_s(xy):
    net = deep()
    net.parameters[:] *= 1.3  # else nothing reaches the other end
    oracle = reference.Network(
        list(net.layer_sizes), [*["tanh"] * (N_LAYERS - 1), "identity"], "squared_error"
    )
    p = net.parameters.copy()
    np.testing.assert_allclose(net.predict(xy[0]), oracle.predict(p, xy[0]), 1e-6, 1e-9)
    trained, _ = oracle.train(p, *xy, [np.arange(20)], 20, pynn.SGD(0.1))
    net.fit(*xy, batch_size=20, optimizer=pynn.SGD(0.1), shuffle=False)
    np.testing.assert_allclose(net.parameters, trained, 1e-6, 1e-9)


def test_all_else_that_many_layers_can_do(xy, tmp_path, capsys):
    net = deep()
    assert len(net.trace(*xy).z) == N_LAYERS
    net.summary()
    assert len(capsys.readouterr().out.splitlines()) > N_LAYERS
    assert "svg" in net._repr_html_()
    for n_threads in (2, 3):
        net.n_threads = n_threads
        assert net.predict(xy[0]).tobytes() == deep().predict(xy[0]).tobytes()
    pytest.importorskip("safetensors")
    net.save(tmp_path / "net")
    assert pynn.Network.load(tmp_path / "net").layer_sizes == net.layer_sizes


@pytest.mark.parametrize("name", ["alpha", "l1", "dropout", "activation"])
def test_messages_do_not_list_all_layers(name, xy):
    if name == "activation":
        call, values = lambda **given: pynn.Network(deep().layer_sizes, **given), ["tanh"] * 9000
    else:
        call, values = lambda **given: deep().fit(*xy, **given), [0.1] * 9000
    with pytest.raises(ValueError, match=f"{name} must be one .* 9000") as info:
        call(**{name: values})
    assert len(str(info.value)) < 400


def test_an_estimator_of_many_layers(xy):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp = pynn.MLPRegressor(hidden_layer_sizes=(2,) * N_LAYERS, max_iter=2, random_state=0)
        mlp.fit(*xy)
    assert mlp.n_layers_ == N_LAYERS + 2
    assert np.isfinite(mlp.predict(xy[0])).all()


# Features


def test_sparse_rows_of_a_million_features_are_numpy_s_and_never_dense():
    X = sparse.random(50, N_FEATURES, 1e-5, "csr", dtype=np.float64, rng=0)
    used = np.unique(X.indices)
    y = RNG.integers(0, 2, 50)
    net = pynn.Network(
        [N_FEATURES, 2, 2], activation="tanh", output_activation="softmax", dtype="float64",
        random_state=0,
    )  # fmt: skip
    oracle = reference.Network([len(used), 2, 2], ["tanh", "softmax"], "cross_entropy")
    small = [net.weights[0][used].ravel(), net.biases[0], net.weights[1].ravel(), net.biases[1]]
    x, targets = X[:, used].toarray(), np.eye(2)[y]
    p, _ = oracle.train(np.concatenate(small), x, targets, [np.arange(50)], 8, pynn.SGD(0.5))
    untouched = np.setdiff1d(np.arange(N_FEATURES), used)
    before = net.weights[0][untouched].copy()

    def fit():
        net.fit(X, y, batch_size=8, optimizer=pynn.SGD(0.5), shuffle=False)

    assert peak(fit) < 5 * net.parameters.nbytes  # one dense row takes half of the parameters
    weights, biases = oracle.views(p)
    np.testing.assert_allclose(net.weights[0][used], weights[0], 1e-9, 1e-12)
    np.testing.assert_allclose(net.weights[1], weights[1], 1e-9, 1e-12)
    np.testing.assert_allclose(net.biases[0], biases[0], 1e-9, 1e-12)
    assert np.array_equal(net.weights[0][untouched], before)
    np.testing.assert_allclose(net.predict(X), oracle.predict(p, x), 1e-9)
    last = sparse.csr_array(([1.0], ([0], [N_FEATURES - 1])), shape=(1, N_FEATURES))
    expected = oracle.views(p)
    z = np.tanh(net.weights[0][-1] + expected[1][0]) @ expected[0][1] + expected[1][1]
    np.testing.assert_allclose(net.predict(last)[0], np.exp(z) / np.exp(z).sum(), 1e-9)


# Elements


@pytest.fixture
def hole(tmp_path):
    """A file of 2**31 + 2**20 float32 zeros that takes no space."""
    n, path = 2**31 + 2**20, tmp_path / "hole"
    with open(path, "wb") as file:
        file.truncate(4 * n)
    if os.stat(path).st_blocks > 1000:
        pytest.skip("this file system has no holes")
    return np.memmap(path, np.float32, "r+", shape=(n,))


ENDS = {  # views of few elements, the last ones beyond what int32 can count
    "few wide rows": lambda hole: hole.reshape(2049, -1)[::512, :8],
    "columns far apart": lambda hole: hole.reshape(3, -1)[:, 300_000::102_200_000],
    "many narrow rows": lambda hole: hole.reshape(-1, 8)[-40:],
    "in Fortran's order": lambda hole: hole.reshape(8, -1).T[-40:],
    "columns as rows": lambda hole: hole.reshape(2049, -1).T[-40:, 256::256],
    "backwards": lambda hole: hole.reshape(-1, 8)[::-1][:40],
}


@pytest.mark.parametrize("view", ENDS)
def test_elements_beyond_int32_are_read_where_they_lie(view, hole):
    X = ENDS[view](hole)
    X[...] = RNG.normal(size=X.shape)
    assert X.shape[1] == 8
    y = RNG.normal(size=(len(X), 1))
    nets = [pynn.Network([8, 4, 1], random_state=0, n_threads=n) for n in (1, 2, 1)]
    for net, x in zip(nets, (X, X, np.array(X)), strict=True):
        net.fit(x, y, epochs=2, batch_size=2)
    for net in nets[:2]:
        assert net.parameters.tobytes() == nets[2].parameters.tobytes()
        assert net.predict(X).tobytes() == nets[2].predict(np.array(X)).tobytes()


# The limit counts private memory that can be written: no pages of a file that is only read.
WHOLE = """
    import re, resource, sys
    from pathlib import Path
    import numpy as np, pynn
    from numpy.lib.stride_tricks import as_strided

    n_rows, n_columns, dtype, n_bytes = 2**31 // 256 + 4096, 256, sys.argv[2], int(sys.argv[3])
    X = FORM
    assert X.size > 2**31
    y = np.zeros(n_rows, np.float32)
    net = pynn.Network([n_columns, 1], random_state=0)
    net.fit(X[:64], y[:64])
    last, before = net.predict(X[-1:]), net.parameters.copy()
    in_use = int(re.search(r"VmData:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (in_use + n_bytes, resource.RLIM_INFINITY))
    WORK
"""
FITS = """
    out = net.predict(X)
    assert out.shape == (n_rows, 1)
    assert (out[:-1] == out[0]).all() and (out[-1] == last).all()
    del out
    net.fit(X, y, batch_size=1024, optimizer=pynn.SGD(1e-6))
    assert np.isfinite(net.history["cost"]).all()
    assert (net.parameters != before).any()
"""
IS_REFUSED = """
    for call in (net.predict, lambda X: net.fit(X, y), lambda X: net.cost(X, y)):
        try:
            call(X)
        except MemoryError as error:
            assert re.search(r"8\\.0\\d* GiB .*float32", str(error)), error
        else:
            raise AssertionError("8.6 GB fit into 1 GB")
    assert (net.parameters == before).all()
"""
MAP = "np.memmap(sys.argv[1], dtype, 'r', shape=(n_rows, n_columns))"
SAME_ROW = "as_strided(np.zeros(256, np.float32), (n_rows, 256), (0, 4))"
N_ROWS = 2**31 // 256 + 4096
WORK = N_ROWS * (4 + 8 + 8) + 60e6  # outputs and the order of the rows; stacks, activations
COPY = N_ROWS * 256 * 4  # in the dtype of the network


def work_within(n_bytes, work, form, dtype, path):
    """Do the work on a large X in a process that may allocate so much more."""
    last = np.arange(256).astype(dtype).tobytes()
    with open(path, "wb") as file:
        file.seek((N_ROWS - 1) * len(last))
        file.write(last)
    if os.stat(path).st_blocks > 1000:
        pytest.skip("this file system has no holes")
    program = textwrap.dedent(WHOLE).replace("FORM", form).replace("WORK", textwrap.dedent(work))
    done = subprocess.run(
        [sys.executable, "-P", "-c", program, path, dtype, str(int(n_bytes))],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@linux
@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    [
        pytest.param(SAME_ROW, id="one row in place of all"),
        pytest.param(MAP, id="a memory map", marks=only_long),
    ],
)
def test_more_elements_than_int32_counts_are_not_copied(form, tmp_path):
    work_within(WORK, FITS, form, "float32", tmp_path / "hole")


@linux
@only_long
@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_those_of_another_dtype_are_copied_once(dtype, tmp_path):
    available = int(re.search(r"MemAvailable:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    if available * 1024 < COPY + 3e9:
        pytest.skip(f"needs 12 GB of memory, {available / 1e6:.1f} GB are available")
    work_within(COPY + WORK, FITS, MAP, dtype, tmp_path / "hole")


@linux
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_without_memory_for_the_copy_they_are_refused_in_words(dtype, tmp_path):
    work_within(1e9, IS_REFUSED, MAP, dtype, tmp_path / "hole")
