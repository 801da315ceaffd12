"""A source whose n-th read fails: the error names the file, the network is as before the call."""

import errno
import os

import numpy as np
import pytest
from failures import failing

import pynn
from pynn.data import blocks

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3)).astype(np.float32)
Y = RNG.integers(2, size=50)
ERRORS = [OSError(errno.EIO, os.strerror(errno.EIO)), MemoryError(), KeyboardInterrupt()]


def npy(folder):
    np.save(folder / "X.npy", X)
    return folder / "X.npy", pynn.NpyBlocks(folder / "X.npy", Y, rows=20), blocks, "open_memmap"


def parquet(folder):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {name: X[:, i] for i, name in enumerate("abc")}
    parquet.write_table(arrow.table(columns | {"y": Y}), folder / "t.parquet", row_group_size=20)
    source = pynn.ParquetBlocks(folder / "t.parquet", target="y")
    return folder / "t.parquet", source, parquet, "ParquetFile"


def network():
    return pynn.Network([3, 4, 2], output_activation="softmax", random_state=0)


@pytest.mark.parametrize("make", [npy, parquet])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_fit_ends_with_an_error_that_names_the_file(make, error, tmp_path, monkeypatch):
    path, source, module, name = make(tmp_path)
    straight = network().fit(source, epochs=2)
    before = network().parameters.copy()
    with failing(monkeypatch, module, name, 0, error) as calls:
        network().fit(source, epochs=2)
        n_reads = len(calls)
    for n in range(1, n_reads + 1):
        net = network()
        with failing(monkeypatch, module, name, n, error), pytest.raises(type(error)) as found:
            net.fit(source, epochs=2)
        assert getattr(found.value, "filename", str(path)) == str(path)
        if not isinstance(error, KeyboardInterrupt):  # which keeps whole mini-batches
            assert np.array_equal(net.parameters, before)
        again = network().fit(source, epochs=2)
        assert np.array_equal(again.parameters, straight.parameters)
    assert n_reads > 2


@pytest.mark.parametrize("make", [npy, parquet])
def test_a_file_that_goes_between_two_epochs_is_named(make, tmp_path):
    path, source, *_ = make(tmp_path)
    net = network()
    before = net.parameters.copy()
    with pytest.raises(FileNotFoundError) as found:
        net.fit(source, epochs=2, callbacks=[lambda _: path.unlink()])
    assert found.value.filename == str(path)
    assert np.array_equal(net.parameters, before)


@pytest.mark.parametrize("compression", ["snappy", "none"])
def test_a_damaged_parquet_file_is_a_value_error_that_names_it(compression, tmp_path):
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    columns = {"a": X[:, 0], "b": Y.astype(np.int16), "c": Y.astype(bool)}
    path = tmp_path / "t.parquet"
    parquet.write_table(arrow.table(columns), path, compression=compression, row_group_size=20)
    content, errors = path.read_bytes(), []
    for position in range(0, len(content), 5):
        path.write_bytes(
            content[:position]
            + bytes([content[position] ^ 1 << position % 8])
            + content[position + 1 :]
        )
        try:
            for _ in pynn.ParquetBlocks(path, target="c"):
                pass
        except ValueError as error:
            errors.append(str(error))
    assert len(errors) > 10
    assert all(repr(str(path)) in error for error in errors)
