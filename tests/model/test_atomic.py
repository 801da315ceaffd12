"""Saved models replace a file as a whole, and a file that is damaged anywhere is refused."""

import os
import resource

import numpy as np
import pytest
from failures import Stop, failing, stopped_at

import pynn
from pynn.model import atomic

pytest.importorskip("safetensors")


def network(seed):
    return pynn.Network([3, 4, 2], random_state=seed)


def estimator(seed):
    X = np.random.default_rng(0).normal(size=(20, 3))
    return pynn.MLPClassifier((4,), max_iter=2, random_state=seed).fit(X, X[:, 0] > 0)


MODELS = {"network": network, "estimator": estimator}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(params=MODELS)
def models(request):
    """The one in the file, and the one that is to replace it."""
    return [MODELS[request.param](seed) for seed in range(2)]


@pytest.fixture
def path(models, tmp_path):
    path = tmp_path / "model.safetensors"
    models[0].save(path)
    return path


def numbers(model):
    return [W.tobytes() for W in (model.weights if hasattr(model, "weights") else model.coefs_)]


def found(path, models):
    """Return which of the models the file holds, alone in its folder."""
    assert os.listdir(path.parent) == [path.name]
    loaded = numbers(type(models[0]).load(path))
    return [numbers(model) for model in models].index(loaded)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), MemoryError(), Stop()], ids=repr)
@pytest.mark.parametrize(
    ("call", "n", "left"),
    [("fsync", 1, 0), ("open", 1, 0), ("replace", 1, 0), ("fsync", 2, 1)],  # the last: of a folder
)
def test_a_call_that_fails_leaves_the_old_file_or_the_new_one(
    path, models, monkeypatch, call, n, left, error
):
    with (
        failing(monkeypatch, os, call, n, error) as calls,
        pytest.raises(type(error)),
    ):
        models[1].save(path)
    assert len(calls) == n
    assert found(path, models) == left


def test_a_full_disk_leaves_the_old_file(path, models):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = path.stat().st_size
    for room in [*range(0, size, 97), size - 1]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            with pytest.raises(OSError, match="too large"):
                models[1].save(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert found(path, models) == 0


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_interruption_at_any_line_leaves_the_old_file_or_the_new_one(path, models):
    left = []
    for n in range(1, 1000):
        try:
            with stopped_at(n, atomic) as lines:
                models[1].save(path)
        except Stop:
            left.append(found(path, models))
            models[0].save(path)
        else:
            break
    assert len(lines) < n
    assert left == sorted(left)
    assert set(left) == {0, 1}


def test_a_link_stays_a_link(models, tmp_path):
    (tmp_path / "far").mkdir()
    link = tmp_path / "model.safetensors"
    link.symlink_to("far/model.safetensors")
    for model in models:
        model.save(link)
        assert found(tmp_path / "far" / "model.safetensors", models) == models.index(model)
    assert link.is_symlink()


def test_a_device_is_refused(models):
    with pytest.raises(ValueError, match="device"):
        models[0].save("/dev/null")


def test_any_bit_that_flips_is_found(path, models):
    content = path.read_bytes()
    n_loaded, messages = 0, set()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        try:
            loaded = type(models[0]).load(path)
        except ValueError as error:
            messages.add(str(error))
            continue
        n_loaded += 1  # only the name of the checksum was hit
        assert numbers(loaded) == numbers(models[0])
    assert n_loaded <= len("pynn.checksum")
    assert all(path.name in message for message in messages)


def test_a_file_of_an_older_version_has_no_checksum(path, models):
    content = path.read_bytes()
    path.write_bytes(content.replace(b'"pynn.checksum"', b'"some.thing.it"'))
    with open(path, "rb") as file:
        assert b"checksum" not in file.read()
    assert found(path, models) == 0


def test_a_system_whose_folders_cannot_be_opened_replaces_files_all_the_same(tmp_path, monkeypatch):
    """Such as Windows, whose files have no Unix permissions either."""
    monkeypatch.delattr(os, "O_DIRECTORY")
    monkeypatch.delattr(os, "fchmod")
    path = tmp_path / "file"
    for content in (b"old", b"new"):
        atomic.replace(path, lambda file, content=content: file.write(content))
        assert path.read_bytes() == content
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
