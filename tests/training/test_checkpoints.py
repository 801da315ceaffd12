"""Checkpoints: every bit comes back, and no crash leaves half of one."""

import json
import math
import os
import pickle
import resource
import stat
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from failures import Stop, failing, stopped_at
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from pynn.model import atomic
from pynn.training import checkpoint
from pynn.training.entries import Entries
from pynn.training.resume import _plain as plain

ARRAYS = {"weights": np.arange(6.0).reshape(2, 3), "order": np.arange(5)}
FACTS = {"epoch": 3, "losses": [0.5, math.nan], "random": {"key": [2**63, 1], "gauss": -0.0}}


def bits(value):
    """What tells two values apart: types, bytes and layout of all that is in them."""
    if isinstance(value, dict):
        return [(bits(key), bits(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [bits(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        by_columns = isinstance(value, np.ndarray) and value.flags.fnc
        return type(value), value.dtype.str, value.shape, value.tobytes(), by_columns
    return type(value), repr(value) if isinstance(value, float) else value


def folder_of(path):
    return sorted(item.name for item in path.parent.iterdir())


# ---- What comes back -----------------------------------------------------------------------------

kinds = (
    arrays_of.boolean_dtypes()
    | arrays_of.integer_dtypes(endianness="?")
    | arrays_of.floating_dtypes(endianness="?")
    | arrays_of.complex_number_dtypes()
    | arrays_of.unicode_string_dtypes()
    | arrays_of.byte_string_dtypes()
    | arrays_of.datetime64_dtypes()
)
some_arrays = arrays_of.arrays(kinds, arrays_of.array_shapes(min_dims=0, min_side=0, max_side=3))
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.text(),
    st.floats(),
)
facts = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints") / "training.npz"


@given(value=facts)
def test_facts_come_back_with_their_bits(path, value):
    checkpoint.write(path, {}, {"value": value})
    arrays, found = checkpoint.read(path)
    assert arrays == {}
    assert bits(found) == bits({"value": value})


names = st.text(min_size=1).filter(lambda name: name.encode("utf-8", "ignore") and "\0" not in name)


@given(arrays=st.dictionaries(names, some_arrays, max_size=3))
def test_arrays_come_back_with_their_bits(path, arrays):
    arrays = {f"a/{name}": array for name, array in arrays.items()}
    checkpoint.write(path, arrays, {})
    found, facts = checkpoint.read(path)
    assert facts == {}
    assert bits(found) == bits(arrays)


def test_layouts(tmp_path):
    """Columns stay columns; anything else that is no block of memory becomes one of rows."""
    block = np.arange(24.0).reshape(4, 6)
    mapped = np.memmap(tmp_path / "mapped", mode="w+", shape=3)
    given_arrays = {"columns": block.T, "steps": block[::2, ::-3], "mapped": mapped}
    checkpoint.write(tmp_path / "c", given_arrays, {})
    found, _ = checkpoint.read(tmp_path / "c")
    for name, array in given_arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert type(found[name]) is np.ndarray
        found[name][:] = 0  # writable, and nothing but a copy
    assert found["columns"].flags.f_contiguous
    assert block.any()


GENERATORS = [np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox]


@pytest.mark.parametrize("kind", [*GENERATORS, np.random.SFC64], ids=lambda kind: kind.__name__)
def test_a_generator_goes_on_as_if_nothing_had_been(tmp_path, kind):
    generator = np.random.Generator(kind(7))
    generator.normal(size=3)
    facts = {"fit": {}, "random": plain(generator.bit_generator.state)}
    checkpoint.write(tmp_path / "c", {}, facts)
    expected = generator.normal(size=100)
    resumed = np.random.Generator(kind())
    kept = Entries(tmp_path / "c", *checkpoint.read(tmp_path / "c"))
    resumed.bit_generator.state = kept.random_state("random", resumed.bit_generator.state)
    np.testing.assert_array_equal(resumed.normal(size=100), expected)


def test_anyone_can_open_it(tmp_path):
    """As CPython's json and NumPy's npz, without a word of pynn."""
    checkpoint.write(tmp_path / "c.npz", ARRAYS, {"epoch": 3, "best": 0.5})
    with np.load(tmp_path / "c.npz", allow_pickle=False) as archive:
        assert set(archive.files) == {*ARRAYS, "facts"}
        np.testing.assert_array_equal(archive["weights"], ARRAYS["weights"])
        assert json.loads(archive["facts"].tobytes())["facts"] == {"epoch": 3, "best": 0.5}


def test_equal_content_is_an_equal_file(tmp_path):
    for name in "ab":
        checkpoint.write(tmp_path / name, ARRAYS, FACTS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


# ---- What is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "array",
    [
        np.array([None]),
        np.zeros(2, [("a", float), ("b", object)]),
        np.zeros(2, [("a", float)]),
        np.array(["a"], np.dtypes.StringDType()),
        np.ma.masked_array([1.0], [True]),
        [1.0],
        "text",
    ],
    ids=lambda array: f"{type(array).__name__} {getattr(array, 'dtype', '')}",
)
def test_arrays_that_a_file_would_not_hold_in_full(tmp_path, array):
    with pytest.raises(TypeError, match=r"^arrays\['velocity'\] must "):
        checkpoint.write(tmp_path / "c", {"weights": np.ones(2), "velocity": array}, {})
    if not isinstance(array, list | str):
        with pytest.raises(TypeError, match=r"^facts\['random'\]\[1\] must "):
            checkpoint.write(tmp_path / "c", {}, {"random": [0, array]})
    assert list(tmp_path.iterdir()) == []


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [{1, 2}, b"bytes", 1j, print, Text("a"), np.dtype("f4"), (1, 2), np.float64(1)],
    ids=str,
)
def test_facts_of_other_types(tmp_path, value):
    for where, bad in [("value", {"value": value}), (r"\['a'\]\[0\]", {"a": [value]})]:
        with pytest.raises(TypeError, match=rf"{where}.* must be a dict.*{type(value).__name__}"):
            checkpoint.write(tmp_path / "c", {}, bad)
    if not isinstance(value, set):
        with pytest.raises(TypeError, match=r"^key .* of facts must be"):
            checkpoint.write(tmp_path / "c", {}, {value: 1})
    with pytest.raises(TypeError, match="facts must be a dict"):
        checkpoint.write(tmp_path / "c", {}, value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", "facts", "a\0b"])
def test_names_that_are_not_free(tmp_path, name):
    with pytest.raises(ValueError, match="not a valid array name"):
        checkpoint.write(tmp_path / "c", {name: np.ones(2)}, {})
    with pytest.raises(TypeError, match="must be str"):
        checkpoint.write(tmp_path / "c", {1: np.ones(2)}, {})
    assert list(tmp_path.iterdir()) == []


def test_paths_that_lead_nowhere(tmp_path):
    for bad, error in [
        (tmp_path / "nowhere" / "c", FileNotFoundError),
        (tmp_path, IsADirectoryError),
        (1, TypeError),
    ]:
        with pytest.raises(error):
            checkpoint.read(bad)
        with pytest.raises(error):
            checkpoint.write(bad, ARRAYS, FACTS)
    assert folder_of(tmp_path / "c") == []


def test_what_is_no_file_stays_what_it_is(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=r"pipe.* is a device or the like"):
        checkpoint.write(tmp_path / "pipe", ARRAYS, FACTS)
    assert (tmp_path / "pipe").is_fifo()


# ---- Damaged and foreign files -------------------------------------------------------------------


def refuses(path):
    """Whether reading is a ValueError that names the file."""
    try:
        checkpoint.read(path)
    except ValueError as error:
        return str(path) in str(error)
    return False


def test_truncated_files(tmp_path):
    checkpoint.write(tmp_path / "c", ARRAYS, FACTS | {"random": None})
    content = (tmp_path / "c").read_bytes()
    for length in (*range(0, len(content), 7), len(content) - 1):
        (tmp_path / "c").write_bytes(content[:length])
        assert refuses(tmp_path / "c"), length


def test_a_flipped_bit_is_noticed_where_it_matters(tmp_path):
    checkpoint.write(tmp_path / "c", ARRAYS, FACTS)
    content = (tmp_path / "c").read_bytes()
    expected = bits(checkpoint.read(tmp_path / "c"))
    n_refused = 0
    positions = range(0, len(content), 3)  # test_mutated_files.py tries others
    for position in positions:
        damaged = bytearray(content)
        damaged[position] ^= 1 << position % 8
        (tmp_path / "c").write_bytes(damaged)
        if refuses(tmp_path / "c"):
            n_refused += 1
        else:
            assert bits(checkpoint.read(tmp_path / "c")) == expected, position
    assert n_refused > len(positions) / 2


class Executed:
    """Unpickling this touches a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def archive(path, entries, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in entries.items():
            file.writestr(name, content)


def npy(array):
    """What an .npy file of it holds."""
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    return npy_of(header, array.tobytes())


def npy_of(header, content):
    text = repr(header).encode() + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + content


def json_of(content):
    return {"facts.npy": npy(np.frombuffer(json.dumps(content).encode(), np.uint8))}


def test_foreign_files(tmp_path, rng):
    path = tmp_path / "c"
    trap = np.array([Executed(tmp_path / "executed")], dtype=object)
    good = json_of({"pynn.checkpoint": 2, "facts": {}})
    huge = {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}
    archive(path, good)
    assert checkpoint.read(path) == ({}, {})
    assert not refuses(path)

    files = {
        "empty": lambda: path.write_bytes(b""),
        "random": lambda: path.write_bytes(rng.bytes(1000)),
        "pickle": lambda: path.write_bytes(pickle.dumps(trap)),
        "npy": lambda: path.write_bytes(npy(np.ones(2))),
        "npz": lambda: archive(path, {"weights.npy": npy(np.ones(2))}),
        "npz with facts": lambda: archive(path, {"facts.npy": npy(np.ones(2))}),
        "npz of objects": lambda: archive(path, {"facts.npy": objects(trap)}),
        "objects beside facts": lambda: archive(path, good | {"x.npy": objects(trap)}),
        "a pickle beside facts": lambda: archive(path, good | {"x": pickle.dumps(trap)}),
        "compressed": lambda: archive(path, good, zipfile.ZIP_DEFLATED),
        "huge": lambda: archive(path, good | {"x.npy": npy_of(huge, b"")}),
        "huge, says the archive too": lambda: lie(path, good, npy_of(huge, b"")),
        "no facts": lambda: archive(path, {"x.npy": npy(np.ones(2))}),
        "other JSON": lambda: archive(path, json_of([])),
        "version 1": lambda: archive(path, json_of({"pynn.checkpoint": 1, "facts": {}})),
        "a list": lambda: archive(path, json_of({"pynn.checkpoint": 2, "facts": []})),
        "deep": lambda: archive(path, {"facts.npy": npy(np.frombuffer(b"[" * 100_000, np.uint8))}),
    }
    for name, make in files.items():
        make()
        assert refuses(path), name
    assert not (tmp_path / "executed").exists()


def lie(path, entries, content):
    """Write an archive with an entry of which it says that it is 8 << 50 bytes longer."""
    with zipfile.ZipFile(path, "w") as file:
        for name, good in entries.items():
            file.writestr(name, good)
        file.writestr("x.npy", content)
        info = file.getinfo("x.npy")
        info.file_size = info.compress_size = len(content) + (8 << 50)


def objects(array):
    header = {"descr": "|O", "fortran_order": False, "shape": array.shape}
    return npy_of(header, pickle.dumps(array))


# ---- Whatever happens meanwhile ------------------------------------------------------------------


def assert_old_or_new(path, new_facts):
    """The file is the one or the other, whole, and alone in its folder."""
    arrays, facts = checkpoint.read(path)
    assert folder_of(path) == [path.name]
    assert facts in ({"old": True}, new_facts)
    assert len(arrays["a"]) == 1000
    assert (arrays["a"] == (0 if "old" in facts else 1)).all()
    return facts


def overwrite(path):
    checkpoint.write(path, {"a": np.ones(1000)}, {"new": True})


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "training.npz"
    checkpoint.write(path, {"a": np.zeros(1000)}, {"old": True})
    return path


@pytest.mark.parametrize("error", [OSError(28, "No space left"), MemoryError, KeyboardInterrupt])
@pytest.mark.parametrize(
    ("call", "n", "left"),
    [
        ("os.fsync", 1, "old"),
        ("os.replace", 1, "old"),
        ("os.fsync", 2, "new"),  # of the folder
        ("os.open", 1, "old"),  # likewise
        ("npy.write_array", 1, "old"),
        ("npy.write_array", 2, "old"),
        ("zipfile.ZipFile", 1, "old"),
    ],
)
def test_a_call_that_fails(old, monkeypatch, call, n, left, error):
    module, name = call.split(".")
    module = getattr(checkpoint, module)
    with (
        failing(monkeypatch, module, name, n, error) as calls,
        pytest.raises(error if isinstance(error, type) else type(error)),
    ):
        overwrite(old)
    assert len(calls) == n
    assert left in assert_old_or_new(old, {"new": True})


# Between the opening of a file and the line that would close it, the garbage collector has to.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_at_any_line(old):
    left = []
    for n in range(1, 10_000):
        try:
            with stopped_at(n, checkpoint, atomic) as lines:
                overwrite(old)
        except Stop:
            left.append(*assert_old_or_new(old, {"new": True}))
            checkpoint.write(old, {"a": np.zeros(1000)}, {"old": True})
        else:
            break
    assert len(lines) < n
    assert left == sorted(left, reverse=True)
    assert left.count("old") > 30
    assert left.count("new") > 3


def test_a_disk_that_is_full(old):
    """From the first byte that does not fit to the last."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = old.stat().st_size
    for room in [*range(0, size, 97), size - 2]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            with pytest.raises(OSError, match="too large"):
                overwrite(old)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "old" in assert_old_or_new(old, None)


KILLED = """
import os, random, signal, sys, time
import numpy as np
from pynn.training import checkpoint

path = sys.argv[1]
for _ in range(20):
    told, tell = os.pipe()
    writer = os.fork()
    if writer == 0:
        os.close(told)
        for n in range(1, 1_000_000):
            checkpoint.write(path, {"a": np.full(50_000, n)}, {"n": n})
            os.write(tell, b"x")
    os.close(tell)
    assert os.read(told, 1) == b"x"
    time.sleep(random.uniform(0, 0.02))
    os.kill(writer, signal.SIGKILL)
    os.waitpid(writer, 0)
    n_told = 1 + len(os.read(told, 1_000_000))
    os.close(told)
    arrays, facts = checkpoint.read(path)
    assert facts["n"] in (n_told, n_told + 1), (facts, n_told)
    assert (arrays["a"] == facts["n"]).all()
"""


@pytest.mark.slow
def test_a_process_that_is_killed(tmp_path):
    """What it said it had written is there, or what it was just about to write."""
    command = [sys.executable, "-P", "-W", "ignore", "-c", KILLED, tmp_path / "training.npz"]
    subprocess.run(command, check=True)


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_any_new_file(tmp_path, umask):
    before = os.umask(umask)
    try:
        checkpoint.write(tmp_path / "c", ARRAYS, FACTS)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "c").stat().st_mode) == 0o666 & ~umask


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "latest.npz"
    link.symlink_to("far/training.npz")
    for epoch in range(2):  # at first it leads nowhere
        checkpoint.write(link, ARRAYS, {"epoch": epoch})
        assert checkpoint.read(tmp_path / "far" / "training.npz")[1] == {"epoch": epoch}
    assert link.is_symlink()
    assert folder_of(tmp_path / "far" / "training.npz") == ["training.npz"]


def test_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    checkpoint.write("c", ARRAYS, FACTS)
    assert folder_of(tmp_path / "c") == ["c"]
    assert bits(checkpoint.read("c")) == bits((ARRAYS, FACTS))
