"""Tables and model files that are wrong in some places: they are read, or refused by a ValueError
that names the file; nothing else happens, and it happens soon.
"""

import io
import json
import random
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from long import IS_LONG

import pynn
from pynn.commands import models, sources, tables
from pynn.commands.csv_files import CsvFile
from pynn.commands.kinds import Convention
from pynn.tabular.saving import save_with_notes

CSV = "age,plan,joined,left\n" + "".join(
    f'{i},"plan, {i % 3}",2026-01-{i + 1:02},{"yes" if i % 2 else "no"}\n' for i in range(25)
)
ODD = [b'"', b'""', b",", b";", b"\n", b"\r", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"",
       b"1e999", b"-", b"inf", b"NA", b"2026-13-01", b"9" * 400, b"left", b" "]  # fmt: skip
many = settings(max_examples=10_000 if IS_LONG else 150)
WISHES = tables.Wishes("left", "auto", [], [], 0.2, 0, Convention())


def mutated(content, draw):
    content = bytearray(content)
    for _ in range(draw.choice([1, 1, 2, 5, 20])):
        place, n = draw.randrange(len(content)), draw.choice([0, 0, 1, 3, 50])
        content[place : place + n] = draw.choice(ODD)
    return bytes(content)


@given(seed=st.integers(0, 2**32))
@many
def test_tables_are_read_or_refused(seed, capsys_of_module):
    draw = random.Random(seed)
    content = mutated(CSV.encode(draw.choice(["utf-8", "utf-8", "utf-16"])), draw)
    try:
        file = CsvFile(io.BufferedReader(io.BytesIO(content)), "data.csv")
        data = tables.read(sources.CsvSource(file), WISHES)
    except ValueError as error:
        assert "data.csv" in str(error) or "rows are too few" in str(error)  # noqa: PT017
    else:
        assert data.train.shape[0] == len(data.y_train)


@pytest.fixture(scope="module")
def capsys_of_module():
    """Notes about columns go nowhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "tell", lambda text: None)
        yield


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A path, the head of a model file and its tensors."""
    pytest.importorskip("safetensors")
    path = tmp_path_factory.mktemp("models") / "small.model"
    rows = [[float(i), "ab"[i % 2]] for i in range(40)]
    expert = {"hidden_layer_sizes": (2,), "epochs": 1, "n_bins": 2}
    model = pynn.TabularClassifier(preset="fast", random_state=0, expert=expert)
    models.save(model.fit(rows, [i % 2 for i in range(40)]), str(path), models.Notes("left"))
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    return path, json.loads(content[8 : 8 + length]), content[8 + length :]


def load_or_refuse(path):
    try:
        models.load(str(path))
    except ValueError as error:
        assert path.name in str(error)  # noqa: PT017


def write(path, head, tensors):
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + tensors)


@given(seed=st.integers(0, 2**32))
@many
def test_notes_of_model_files_are_read_or_refused(seed, saved):
    path, head, tensors = saved
    draw, metadata = random.Random(seed), dict(head["__metadata__"])
    del metadata["pynn.checksum"]
    notes = json.loads(metadata["pynn.command"])
    odd = [None, True, -1, 2, 1e308, "", ".", "x", [], [1], ["a"], {}, {"a": 1}, "[" * 5000]
    for _ in range(draw.choice([1, 1, 2])):
        key = draw.choice([*notes, "x"])
        if draw.random() < 0.1:
            notes.pop(key, None)
        else:
            notes[key] = draw.choice(odd)
    text = json.dumps(notes)
    metadata["pynn.command"] = draw.choice([text, text, text, text[:-3], draw.choice(odd[5:8])])
    write(path, head | {"__metadata__": metadata}, tensors)
    load_or_refuse(path)


@given(seed=st.integers(0, 2**32))
@many
def test_bytes_of_model_files_are_read_or_refused(seed, saved):
    path, head, tensors = saved
    write(path, head, tensors)
    path.write_bytes(mutated(path.read_bytes(), random.Random(seed)))
    load_or_refuse(path)


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ({"version": 2}, "newer pynn wrote it .format 2; this one reads up to 1.: update pynn"),
        ({"version": 1}, "incomplete"),
        ({}, "no version"),
        ([], "no version"),
    ],
)
def test_notes_of_newer_versions_are_refused(notes, message, saved):
    path, head, tensors = saved
    metadata = dict(head["__metadata__"]) | {"pynn.command": json.dumps(notes)}
    del metadata["pynn.checksum"]
    write(path, head | {"__metadata__": metadata}, tensors)
    with pytest.raises(ValueError, match=f"small.model.*{message}"):
        models.load(str(path))


def test_a_file_without_notes_has_their_defaults(tmp_path):
    pytest.importorskip("safetensors")
    rows = [[float(i)] for i in range(40)]
    model = pynn.TabularRegressor(preset="fast", random_state=0, expert={"epochs": 1})
    save_with_notes(model.fit(rows, np.arange(40.0)), tmp_path / "m", {})
    assert models.load(str(tmp_path / "m"))[1] == models.Notes()


def test_a_long_table_takes_the_memory_of_a_block():
    text = ("age,plan\n" + "1,basic\n" * 8_000).encode()
    file = CsvFile(io.BufferedReader(io.BytesIO(text)), "data.csv")
    tracemalloc.start()
    n_rows = sum(len(block[0].codes) for block in file.blocks(100))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_rows == 8_000
    assert peak < 2e5
