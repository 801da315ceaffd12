"""Files whose JSON or whose archive is of any shape: they load, or are a ValueError that names the
file, within the memory of the file and 200 MB.

For more of the same: PYNN_LONG=1 pytest --hypothesis-show-statistics (this file)
"""

import io
import json
import random
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from long import only_long

import pynn
from pynn.training import checkpoint

pytest.importorskip("safetensors")

X = np.random.default_rng(0).normal(size=(20, 3))
SEEDS = st.integers(0, 2**32)
ROOM = 200 << 20  # bytes

# Values as text, as no program would write them
ODD = [
    *("NaN", "Infinity", "-Infinity", "-0", "1e999", "-1e999", "1E-400", "9" * 400, "9" * 5000),
    *("0.1e1", "18446744073709551616", "null", "true", '""', '"\\u0000"', '"\\ud800"', '"\\uffff"'),
    *('"' + "a" * 10**5 + '"', "[" * 50 + "]" * 50, "[" * 10**5, '{"a":' * 1000 + "1" + "}" * 1000),
    *('{"__class__": "Network"}', '{"__dict__": {}}', '{"__reduce__": ["os.system", "x"]}'),
    *('{"py/object": "os.system"}', '{"tuple": [[1, 2], [3]]}', '{"dict": [[[1], 2]]}', '{"": ""}'),
    *('{"activation": ["leaky_relu", 0.5]}', '{"activation": ["leaky_relu", 1e999]}', "[]", "{}"),
    *(
        '{"leaky_relu": NaN}',
        '{"huber": true}',
        '{"dict": [["a", 1], ["a", 2]]}',
        "\x00",
        "tru",
        "'a'",
    ),
    *("[3, 4, 2.0]", "[3, 4, 2e0]", "[3, true, 2]", "[3]", "[3, 4, 2, 2]", '["3", "4", "2"]', "1"),
    *('"relu"', '"softmax"', '["relu", "tanh", "relu"]', '"float16"', '"float64"', '["a", "b"]'),
    *('["a", "a"]', "[0, 1]", "[0.5, NaN]", "[[0], [1]]", "[true, false]", "[null, null]", "\t \n"),
]


def tokens(text):
    """The text in parts: each a string, number, word or sign."""
    found, start = [], 0
    decoder = json.decoder.scanstring
    while start < len(text):
        stop = start + 1
        if text[start] == '"':
            stop = decoder(text, start + 1)[1]
        elif text[start].isalnum() or text[start] in "-+.":
            while stop < len(text) and (text[stop].isalnum() or text[stop] in "-+."):
                stop += 1
        found.append(text[start:stop])
        start = stop
    return found


def mutated(text, draw):
    """Replace, drop, repeat or exchange parts, so that keys come twice and values are odd."""
    parts = tokens(text)
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        i, j = draw.randrange(len(parts)), draw.randrange(len(parts))
        match draw.randrange(8):
            case 0:
                parts[i : i + draw.randrange(6)] = []
            case 1:
                parts[i:i] = parts[j : j + draw.randrange(12)]
            case 2:
                parts[i], parts[j] = parts[j], parts[i]
            case 3:
                parts.insert(i, draw.choice(["{", "}", "[", "]", ",", ":"]))
            case _:
                parts[i] = draw.choice(ODD)
        if not parts:
            return ""
    return "".join(parts)


class Bounded:
    """Context: within the memory of the file and some room; errors are ValueErrors that name it."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        warnings.simplefilter("ignore")
        tracemalloc.start()

    def __exit__(self, kind, error, traceback):
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < self.path.stat().st_size + ROOM
        if kind is not None and issubclass(kind, ValueError):
            assert self.path.name in str(error)
            return True
        return False


@pytest.fixture(autouse=True)
def restore_warnings():
    with warnings.catch_warnings():
        yield


# ---- Models --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """For each kind: a path, the head of its file, and its tensors."""
    y = (X[:, 0] > 0).astype(int)
    frame = {"max_iter": 2, "random_state": 0, "hidden_layer_sizes": (4,)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = [
            pynn.Network([3, 4, 2], activation=pynn.LeakyReLU(0.1), classes=["a", "b"],
                         output_activation="softmax", cost="cross_entropy", random_state=0),
            pynn.MLPClassifier(**frame, class_weight={0: 1.0, 1: 2.0}).fit(X, y),
            pynn.MLPRegressor(**frame, loss="huber", alpha=(0.1, 0.2)).fit(X, X[:, 0]),
        ]  # fmt: skip
    found = {}
    for model in made:
        path = tmp_path_factory.mktemp("models") / "model.safetensors"
        model.save(path)
        content = path.read_bytes()
        n = struct.unpack("<Q", content[:8])[0]
        head = json.loads(content[8 : 8 + n])
        del head["__metadata__"]["pynn.checksum"]
        found[type(model)] = path, head, content[8 + n :]
    return found


def write(path, text, tensors):
    content = text.encode("utf-8", "surrogatepass")
    content += b" " * (-len(content) % 8)
    path.write_bytes(struct.pack("<Q", len(content)) + content + tensors)


@given(seed=SEEDS)
def test_descriptions_of_models(models, seed):
    draw = random.Random(seed)
    kind = draw.choice(list(models))
    path, head, tensors = models[kind]
    notes = dict(head["__metadata__"])
    name = draw.choice(list(notes))
    notes[name] = mutated(notes[name], draw)
    text = json.dumps(head | {"__metadata__": notes})
    write(path, mutated(text, draw) if draw.random() < 0.2 else text, tensors)
    with Bounded(path):
        assert len(kind.load(path).predict(X)) == len(X)


BOMBS = ["[],", '{"a":{}},', "[[[[[[]]]]]],", "1e3,", "999,", '"",', '"a":1,', '{"dict":[]},']
BOMBS = [*BOMBS[:2], *(pytest.param(bomb, marks=only_long) for bomb in BOMBS[2:])]


@pytest.mark.parametrize("part", BOMBS)
def test_descriptions_that_would_fill_the_memory(models, part):
    for kind, (path, head, tensors) in models.items():
        notes = dict(head["__metadata__"])
        text = '{"layer_sizes": [' + part * (4_000_000 // len(part))
        notes[f"pynn.{kind.__name__}"] = text[:-1] + "]}"
        write(path, json.dumps(head | {"__metadata__": notes}), tensors)
        with Bounded(path):
            kind.load(path)


def test_what_is_too_long_to_be_loaded_is_not_saved(models, tmp_path, monkeypatch):
    monkeypatch.setattr("pynn.model.bounds._MOST_VALUES", 5)
    with pytest.raises(ValueError, match="values"):
        pynn.Network([3, 4, 2]).save(tmp_path / "model")
    with pytest.raises(ValueError, match="values"):
        checkpoint.write(tmp_path / "fit.npz", {}, {"a": [1] * 10})
    assert list(tmp_path.iterdir()) == []


# ---- Checkpoints ---------------------------------------------------------------------------------

FACTS = {
    "fit": {"X": "a", "y": "b"},
    "epoch": 3,
    "rates": [0.5, 1e-3],
    "kept": ["cost"],
    "random": {},
}
DTYPES = [
    *(
        "|O",
        "<f8",
        ">f4",
        "<f2",
        "V8",
        "<U10000000",
        "|S0",
        "<M8[s]",
        "<m8[25us]",
        "<c16",
        "?",
        "|b1",
    ),
    *(
        [("a", "<f8")],
        [("a", "|O")],
        ("<f8", (10**6,)),
        "<f8,<f8",
        "int64",
        "object",
        3,
        None,
        "",
        ">u8",
    ),
]
SHAPES = [
    *((), (0,), (3,), (2**62, 4), (-1,), (-3, -2), (2**31,), (True,), (1.5,), 3, None, ("3",), [3]),
    *((1,) * 32, (1,) * 65, (10**30,), (0, 10**18), (2, 3), (2**63,), (24,), (1 << 50,)),
]


def npy(draw, array):
    """An .npy file whose head says anything."""
    head = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    for _ in range(draw.choice([0, 1, 1, 2])):
        match draw.randrange(6):
            case 0 | 1:
                head["descr"] = draw.choice(DTYPES)
            case 2 | 3:
                head["shape"] = draw.choice(SHAPES)
            case 4:
                head["fortran_order"] = draw.choice([True, 1, None, "no"])
            case 5:
                head[draw.choice(["x", "__class__", "descr"])] = draw.choice([1, "<f8", []])
    text = repr(head)
    if draw.random() < 0.1:
        text = draw.choice(["", "{", "(" * 500, "__import__('os')", text * 2, text[:-1], "\n", "1"])
    text = text.encode() + b" " * draw.choice([0, 0, 20, 70000]) + b"\n"
    version = draw.choice([(1, 0)] * 8 + [(2, 0), (3, 0), (9, 9), (0, 0)])
    length = len(text) + draw.choice([0] * 8 + [1, -1, 1000])
    size = struct.pack("<H" if version[0] == 1 else "<I", length % (2**16))
    return (
        b"\x93NUMPY"
        + bytes(version)
        + size
        + text
        + array.tobytes()[: draw.choice([None, None, 3])]
    )


FIELDS = [("file_size", -1), ("compress_size", -1), ("header_offset", -1)]
FIELDS += [("CRC", 0xFFFFFFFF), ("flag_bits", 0xFFFF)]  # and the bits that they have


def archive(draw, entries):
    """A zip archive, with a few false fields."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w") as out:
        warnings.simplefilter("ignore")  # of names that come twice
        for name, content in entries:
            method = draw.choice(
                [zipfile.ZIP_STORED] * 12 + [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]
            )
            out.writestr(name, content, method)
        for info in out.filelist:
            if draw.random() < 0.1:
                field, most = draw.choice(FIELDS)
                setattr(info, field, draw.choice([0, 1, 30, 65535, 2**32 - 1, 2**40, 2**62]) & most)
    content = bytearray(file.getvalue())
    for _ in range(draw.choice([0, 0, 0, 1, 3])):
        content[draw.randrange(len(content))] = draw.randrange(256)
    return bytes(content)


@given(seed=SEEDS)
@example(seed=10261)  # a header that NumPy parsed for 10 s
def test_archives(tmp_path_factory, seed):
    draw = random.Random(seed)
    path = tmp_path_factory.getbasetemp() / "fit.npz"
    text = json.dumps({"pynn.checkpoint": 2, "facts": FACTS})
    facts = np.frombuffer((mutated(text, draw) if draw.random() < 0.5 else text).encode(), np.uint8)
    arrays = [np.arange(3.0), np.ones((2, 3), np.float32), np.array("a"), np.zeros(3, "M8[s]")]
    plain = random.Random(1)
    plain.choice = lambda options: options[0]
    entries = [(f"{i}.npy", npy(draw, array)) for i, array in enumerate(arrays)]
    entries.append(("facts.npy", npy(draw if draw.random() < 0.3 else plain, facts)))
    if draw.random() < 0.1:
        entries.append(draw.choice(entries))
    path.write_bytes(archive(draw, entries))
    with Bounded(path):
        arrays, facts = checkpoint.read(path)
        assert all(isinstance(array, np.ndarray) for array in arrays.values())
        assert all(array.dtype.kind != "O" for array in arrays.values())
        assert isinstance(facts, dict)


@pytest.mark.parametrize(
    "method",
    [
        zipfile.ZIP_DEFLATED,
        *(pytest.param(kind, marks=only_long) for kind in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)),
    ],
)
def test_bombs(tmp_path, method):
    path = tmp_path / "fit.npz"
    with zipfile.ZipFile(path, "w", method) as out, out.open("facts.npy", "w") as entry:
        for _ in range(300):
            entry.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    with Bounded(path):
        checkpoint.read(path)
        pytest.fail("a bomb was read")


@pytest.mark.parametrize("part", BOMBS)
def test_facts_that_would_fill_the_memory(tmp_path, part):
    path = tmp_path / "fit.npz"
    text = '{"pynn.checkpoint": 2, "facts": {"a": [' + part * (4_000_000 // len(part))
    facts = np.frombuffer((text[:-1] + "]}}").encode(), np.uint8)
    with zipfile.ZipFile(path, "w") as out, out.open("facts.npy", "w") as entry:
        np.lib.format.write_array(entry, facts, version=(1, 0))
    with Bounded(path):
        checkpoint.read(path)
