"""Files by every state of the format load for ever, with equal parameters and predictions."""

import json
import shutil
import struct
import sys
import warnings

import numpy as np
import pytest
from places import ROOT

import pynn
from pynn.callbacks import Checkpoint
from pynn.training import checkpoint

pytest.importorskip("safetensors")

CORPUS = ROOT / "tests" / "corpus"
sys.path.insert(0, str(CORPUS))
import write  # noqa: E402

sys.path.remove(str(CORPUS))

EXPECTED = {
    (path.parent.name, name): facts
    for path in sorted(CORPUS.glob("*/expected.json"))
    for name, facts in json.loads(path.read_text()).items()
}
MODELS = [key for key, facts in EXPECTED.items() if facts["kind"] != "checkpoint"]
FITS = [key for key in EXPECTED if key not in MODELS]
REFUSED = {  # of formats that lost something
    ("28c9d5d", "mlp"): "version",
    ("780989a", "class_weight"): "MLPClassifier",  # the keys of a dict were text
}
ULPS = 2**6  # of instruction sets that fuse other products, over many layers


@pytest.fixture(autouse=True)
def few_epochs_are_meant():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def head(path):
    content = path.read_bytes()
    return json.loads(content[8 : 8 + struct.unpack("<Q", content[:8])[0]])


def assert_close(found, expected):
    precision = np.finfo(found.dtype).eps if found.dtype.kind == "f" else 0
    np.testing.assert_allclose(found, expected, rtol=ULPS * precision, atol=ULPS * precision)


@pytest.mark.parametrize(("commit", "name"), [key for key in MODELS if key not in REFUSED])
def test_a_model(commit, name):
    facts = EXPECTED[commit, name]
    model = getattr(pynn, facts["kind"]).load(CORPUS / commit / f"{name}.safetensors")
    assert write.checksum(model) == facts["checksum"]
    assert_close(write.predicted(model), facts["predicted"])
    if "classes" in facts:
        assert model.classes_.tolist() == facts["classes"]


@pytest.mark.parametrize(("commit", "name"), [key for key in FITS if key not in REFUSED])
def test_a_fit_goes_on_to_where_it_would_have_ended(commit, name, tmp_path):
    shutil.copy(CORPUS / commit / f"{name}.npz", tmp_path)
    keep = Checkpoint(tmp_path / f"{name}.npz", resume=True)
    model = write.FITS[name](4, callbacks=[keep])
    expected = np.array(EXPECTED[commit, name]["predicted"])
    np.testing.assert_allclose(write.predicted(model), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("commit", "name"), REFUSED)
def test_what_is_refused_is_refused_in_words(commit, name):
    load = checkpoint.read if (commit, name) in FITS else pynn.MLPClassifier.load
    (path,) = (CORPUS / commit).glob(f"{name}.*")
    with pytest.raises(ValueError, match=rf"{path.name}.*{REFUSED[commit, name]}"):
        load(path)


def test_models_without_a_checksum_are_among_them():
    has = {"pynn.checksum" in head(path)["__metadata__"] for path in CORPUS.glob("*/*.safetensors")}
    assert has == {True, False}


def described(folder):
    """All that tells the format of the files of a folder: names of entries, notes and tensors."""
    found = set()
    for path in folder.rglob("*.safetensors"):
        notes = head(path)["__metadata__"]
        found |= {("tensor", name.split(".")[0]) for name in head(path)}
        for key, text in notes.items():
            found.add(("note", key))
            if key != "pynn.checksum":
                note = json.loads(text)
                found |= {(key, name) for name in note}
                found |= {(key, "attribute", name) for name in note.get("attributes", ())}
    for path in folder.rglob("*.npz"):
        arrays, facts = {}, {}
        with np.load(path) as archive:
            content = json.loads(archive["facts"].tobytes())
            arrays, facts = archive.files, content["facts"]
        version = content.get("pynn.checkpoint")
        found |= {("checkpoint", version, name.split(".")[0]) for name in [*arrays, *facts]}
    return found


def test_what_is_written_today_is_of_a_format_in_the_corpus(tmp_path):
    write.write(tmp_path, [*write.MODELS, *write.FITS])
    assert described(tmp_path) - described(CORPUS) == set()
