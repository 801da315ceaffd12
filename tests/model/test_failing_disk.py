"""Whatever fails while a model or a checkpoint is written, and whenever the power goes, there is
the old file or the new one, whole. Errors name the file."""

import errno
import json
import os
import stat
import tempfile
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from disk import N_WAYS, after_power_loss, disk

import pynn
from pynn.callbacks import Checkpoint
from pynn.model import atomic
from pynn.training import checkpoint

pytest.importorskip("safetensors")

X = np.random.default_rng(0).normal(size=(20, 3))
Y = (X[:, 0] > 0).astype(int)


def save_network(path, seed):
    pynn.Network([3, 4, 2], random_state=seed).save(path)


@cache
def estimator(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pynn.MLPClassifier((4,), max_iter=1, random_state=seed).fit(X, Y)


def save_estimator(path, seed):
    estimator(seed).save(path)


def save_checkpoint(path, seed):
    checkpoint.write(path, {"a": np.full(300, seed), "b": np.ones((3, 2))}, {"seed": seed})


def keep_a_fit(path, seed):
    net = pynn.Network([3, 4, 2], output_activation="softmax", random_state=seed)
    net.fit(X, Y, epochs=1, callbacks=[Checkpoint(path)])


WRITERS = [save_network, save_estimator, save_checkpoint, keep_a_fit]
ERRORS = [
    *(OSError(code, os.strerror(code)) for code in (errno.EIO, errno.ENOSPC, errno.EROFS)),
    *(OSError(code, os.strerror(code)) for code in (errno.EACCES, errno.EINTR)),
    *(MemoryError(), KeyboardInterrupt()),
]


@pytest.fixture(params=WRITERS)
def write(request):
    return request.param


def parts(content):
    """The content of a file; of a model without the order of its notes, which is any."""
    if content[:2] == b"PK":
        return content
    n = 8 + int.from_bytes(content[:8], "little")
    try:
        return json.loads(content[8:n]), content[n:]
    except ValueError:  # torn
        return content


@pytest.fixture
def old(write, tmp_path):
    """A path and the bytes there."""
    path = tmp_path / "model"
    write(path, 0)
    return path, path.read_bytes()


@pytest.fixture
def contents(write, tmp_path):
    """What the writer makes of two models."""
    found = []
    for seed in range(2):
        write(tmp_path / "a", seed)
        found.append(parts((tmp_path / "a").read_bytes()))
    (tmp_path / "a").unlink()
    assert found[0] != found[1]
    return found


# A fit writes as save_checkpoint does, and takes longest: one error of each kind.
EACH_ERROR = [(write, error) for write in WRITERS[:-1] for error in ERRORS]
EACH_ERROR += [(keep_a_fit, error) for error in (ERRORS[1], *ERRORS[-2:])]


@pytest.mark.parametrize(
    ("write", "error"), EACH_ERROR, ids=lambda value: getattr(value, "__name__", f"{value!r}"[:20])
)
def test_every_call_that_fails_leaves_the_old_file_or_the_new_one(
    write, contents, old, monkeypatch, error
):
    (path, before), failed, left = old, [], []
    for n in range(1, 1000):
        path.write_bytes(before)
        with disk(monkeypatch, n, error) as calls:
            try:
                write(path, 1)
            except type(error) as raised:
                message = str(raised)
                assert isinstance(error, MemoryError | KeyboardInterrupt) or str(path) in message
                left.append(contents.index(parts(path.read_bytes())))
            else:
                assert parts(path.read_bytes()) == contents[1]
                if calls.n_calls < n:
                    break
                assert error.errno == errno.EINTR  # Python has called again
        failed.append(calls.failed)
        assert os.listdir(path.parent) == [path.name]
    assert left == [0] * (len(left) - 1) + [1]  # the last call syncs the folder
    assert {"open", "write", "fsync", "replace", "stat"} <= {*failed}
    assert failed.count("write") > 1


def test_every_call_that_fails_leaves_no_file_where_none_was(write, tmp_path, monkeypatch):
    path = tmp_path / "model"
    for n in range(1, 1000):
        with disk(monkeypatch, n, OSError(errno.ENOSPC, "No space left")) as calls:
            try:
                write(path, 1)
            except OSError:
                pass
            else:
                break
        if os.listdir(tmp_path):
            assert (calls.failed, os.listdir(tmp_path)) == ("fsync", [path.name])
            path.unlink()
    assert n > 5


def test_a_temporary_file_that_cannot_be_deleted_does_not_hide_the_error(tmp_path, monkeypatch):
    def unlink(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    with disk(monkeypatch, 5, OSError(errno.ENOSPC, "No space left")) as calls:
        calls.unlink = unlink
        with pytest.raises(OSError, match="No space left"):
            save_network(tmp_path / "model", 0)
    (left,) = os.listdir(tmp_path)
    assert left.startswith(".pynn-")
    assert left.endswith(".tmp")


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EBADF])
def test_a_file_system_that_cannot_sync_folders_is_no_error(write, old, monkeypatch, code):
    with disk(monkeypatch) as calls:
        write(old[0], 1)
    with disk(monkeypatch, calls.n_calls, OSError(code, os.strerror(code))) as calls:
        write(old[0], 1)
    assert calls.failed == "fsync"


# ---- Power loss ----------------------------------------------------------------------------------


def recorded(write, path, seed, monkeypatch):
    with disk(monkeypatch) as calls:
        write(path, seed)
    return calls.operations


def test_a_power_loss_at_any_moment_leaves_the_old_file_or_the_new_one(
    write, contents, old, monkeypatch
):
    path, before = old
    operations = recorded(write, path, 1, monkeypatch)
    assert [o[0] for o in operations if o[0] != "write"] == ["create", "sync", "replace", "sync"]
    states = after_power_loss(operations, {str(path): before})
    left = [contents.index(parts(files[str(path)])) for files in states]
    assert (
        left == sorted(left[:-N_WAYS]) + [1] * N_WAYS
    )  # once it has returned, the new one is safe
    assert left[0] == 0


def test_the_replay_finds_a_file_that_is_not_synced(write, contents, old, monkeypatch):
    path, before = old
    operations = recorded(write, path, 1, monkeypatch)
    operations.remove(next(o for o in operations if o[0] == "sync"))
    left = [parts(files[str(path)]) for files in after_power_loss(operations, {str(path): before})]
    assert any(content not in contents for content in left)


def test_the_replay_finds_a_folder_that_is_not_synced(write, contents, old, monkeypatch):
    path, before = old
    operations = recorded(write, path, 1, monkeypatch)[:-1]
    left = [parts(files[str(path)]) for files in after_power_loss(operations, {str(path): before})]
    assert left[-2 * N_WAYS :] == [contents[0]] * N_WAYS + [contents[1]] * N_WAYS


def test_after_a_power_loss_the_newest_of_several_checkpoints_is_whole(tmp_path, monkeypatch):
    path = tmp_path / "fit-{epoch}.npz"
    net = pynn.Network([3, 4, 2], output_activation="softmax", random_state=0)
    with disk(monkeypatch) as calls:
        net.fit(X, Y, epochs=3, callbacks=[Checkpoint(path)])
    found, states = set(), {}
    for files in after_power_loss(calls.operations, {}):
        states[tuple(files.items())] = files
    for n, files in enumerate(states.values()):
        folder = tmp_path / str(n)
        folder.mkdir()
        (folder / ".pynn-0123456789abcdef.tmp").write_bytes(b"torn")
        for name, content in files.items():
            (folder / os.path.basename(name)).write_bytes(content)
        latest = Checkpoint(folder / path.name).latest()
        epoch = 0 if latest is None else checkpoint.read(latest)[1]["epoch"]
        assert epoch == len(files)
        found.add(epoch)
    assert found == {0, 1, 2, 3}


# ---- What the path leads to ----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that is also the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


LONG = "m" * 255
NAMES = ["model", LONG, "ü ∂", "\udcff\udce4", "..data", " ", "a\nb", "model.tmp", "-rf"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("as_path", [str, Path])
def test_any_name_that_the_file_system_takes(folder, name, as_path):
    path = as_path(name)
    for seed in range(2):
        save_network(path, seed)
        assert os.listdir(folder) == [name]
        assert pynn.Network.load(path).layer_sizes == (3, 4, 2)
    for seed in range(2):
        save_checkpoint(path, seed)
        assert os.listdir(folder) == [name]
        assert checkpoint.read(path)[1] == {"seed": seed}


def test_a_name_that_is_too_long(folder, write):
    with pytest.raises(OSError, match=rf"too long.*{LONG}"):
        write(LONG + "m", 0)
    assert os.listdir(folder) == []


@pytest.mark.parametrize("mode", [0o400, 0o444, 0o600, 0o664, 0o755])
def test_the_permissions_of_a_file_are_kept(write, contents, tmp_path, mode):
    path = tmp_path / "model"
    path.write_bytes(b"")
    path.chmod(mode)
    write(path, 1)
    assert parts(path.read_bytes()) == contents[1]
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_folder_in_place_of_the_file(write, tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    with pytest.raises(IsADirectoryError, match=r"model'$"):
        write(path, 0)
    assert os.listdir(tmp_path) == [path.name]


def test_links_to_nothing_and_to_themselves(write, contents, tmp_path):
    (tmp_path / "link").symlink_to("model")
    write(tmp_path / "link", 0)
    assert (tmp_path / "link").is_symlink()
    assert parts((tmp_path / "model").read_bytes()) == contents[0]
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        write(tmp_path / "loop", 0)
    assert sorted(os.listdir(tmp_path)) == ["link", "loop", "model"]
    assert (tmp_path / "loop").is_symlink()


def test_a_relative_path_is_that_of_the_moment_of_the_call(folder, write, contents, monkeypatch):
    real = atomic.os.replace

    def replace(*args):
        os.chdir("/")
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace)
        write("model", 0)
    assert parts((folder / "model").read_bytes()) == contents[0]


@pytest.mark.parametrize("bad", [b"model", 3, None, 1.5, ["model"]], ids=repr)
def test_what_is_no_path(folder, bad):
    for write in (save_network, save_estimator, save_checkpoint):
        with pytest.raises(TypeError):
            write(bad, 0)
    with open("file", "wb") as file, pytest.raises(TypeError):
        save_network(file, 0)
    assert os.listdir(folder) == ["file"]


@pytest.fixture
def as_nobody():
    """A folder of an ordinary user, and this process as that user."""
    folder = tempfile.mkdtemp()
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    yield Path(folder)
    if is_root:
        os.seteuid(0)
    os.chmod(folder, 0o700)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    os.rmdir(folder)


@pytest.mark.parametrize("mode", [0o500, 0o300, 0o000])
def test_a_folder_that_cannot_be_written_to_or_read(as_nobody, write, mode):
    path = as_nobody / "model"
    path.write_bytes(b"old")
    as_nobody.chmod(mode)
    with pytest.raises(PermissionError, match=r"model'$"):
        write(path, 1)
    as_nobody.chmod(0o700)
    assert os.listdir(as_nobody) == [path.name]
    assert path.read_bytes() == b"old"
