"""Files: networks come back from them the same, and damaged or foreign ones are refused."""

import json
import pickle

import numpy as np
import pytest
from cases import classifier, digits_like

import pynn

KEPT = [
    {"activation": "tanh"},
    {"activation": ["gelu", "relu"]},
    {"activation": [pynn.LeakyReLU(0.2), "leaky_relu"]},
    {"output_activation": pynn.LeakyReLU(0.2), "cost": "squared_error"},
    {"bias": False},
    {"dtype": "float32"},
    {"output_activation": "identity", "cost": pynn.Huber(delta=0.5)},
    {"output_activation": "identity", "cost": pynn.Quantile(0.9)},
]


@pytest.mark.parametrize("options", KEPT, ids=str)
def test_save_and_load(options, tmp_path, rng):
    pytest.importorskip("safetensors")
    X, y = digits_like(rng)
    net = classifier(**options).fit(X, y)
    path = tmp_path / "net.safetensors"
    net.save(path)
    loaded = pynn.Network.load(str(path))
    assert repr(loaded) == repr(net)
    assert loaded.dtype == net.dtype
    assert loaded.activations == net.activations
    assert loaded.parameters.tobytes() == net.parameters.tobytes()
    np.testing.assert_array_equal(loaded.predict(X), net.predict(X))
    assert loaded.cost(X, y) == net.cost(X, y)
    loaded.fit(X, y)


def test_other_readers_of_safetensors_find_every_layer(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    net = classifier()
    path = tmp_path / "net.safetensors"
    net.save(path)
    tensors = numpy.load_file(path)
    arrays = sorted((a.shape, a.tobytes()) for a in tensors.values())
    assert arrays == sorted((a.shape, a.tobytes()) for a in [*net.weights, *net.biases])


class Executed:
    """Unpickling this touches a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def refuses(path):
    """Whether loading is a ValueError that names the file."""
    try:
        pynn.Network.load(path)
    except ValueError as error:
        return path.name in str(error)
    return False


def test_load_of_damaged_and_foreign_files(tmp_path, rng):
    numpy = pytest.importorskip("safetensors.numpy")
    good = tmp_path / "good.safetensors"
    classifier().save(good)
    content = good.read_bytes()
    header_size = 8 + int.from_bytes(content[:8], "little")

    foreign = {"weights": np.zeros((2, 2), np.float32)}
    trap = pickle.dumps(Executed(tmp_path / "executed"))
    flipped = bytearray(content)
    flipped[8 + header_size // 2] ^= 0xFF
    files = {
        "empty": b"",
        "random": rng.bytes(1000),
        "pickle": trap,
        "other tensors": numpy.save(foreign),
        "no tensors": numpy.save({}),
        "longer": content + b"\0" * 8,
        "flipped": bytes(flipped),
    } | {
        f"first {n} bytes": content[:n]
        for n in (4, 8, 20, header_size - 1, header_size, header_size + 9, len(content) - 1)
    }
    for name, damaged in files.items():
        path = tmp_path / "damaged.safetensors"
        path.write_bytes(damaged)
        assert refuses(path), name
    assert not (tmp_path / "executed").exists()


def test_load_of_a_file_with_a_wrong_shape_or_description(tmp_path):
    """A file of ours, one thing in it replaced by another."""
    numpy = pytest.importorskip("safetensors.numpy")
    safetensors = pytest.importorskip("safetensors")
    good = tmp_path / "good.safetensors"
    classifier().save(good)
    tensors = numpy.load_file(good)
    with safetensors.safe_open(good, "numpy") as file:
        metadata = file.metadata()
    del metadata["pynn.checksum"]
    first = sorted(tensors)[0]
    other = {first: np.zeros((9, 9)), "more": np.zeros(3)}
    damages = [
        (tensors | {first: other[first]}, metadata),
        (tensors | {first: tensors[first].astype(np.int64)}, metadata),
        (tensors | {"more": other["more"]}, metadata),
        ({name: t for name, t in tensors.items() if name != first}, metadata),
        (tensors, {}),
        *((tensors, metadata | {key: "nonsense"}) for key in metadata),
        *((tensors, {k: v for k, v in metadata.items() if k != key}) for key in metadata),
    ]
    for changed_tensors, changed_metadata in damages:
        path = tmp_path / "damaged.safetensors"
        numpy.save_file(changed_tensors, path, changed_metadata)
        assert refuses(path), (changed_metadata, list(changed_tensors))


@pytest.mark.parametrize(
    "more",
    [{"n_threads": 2_000_000}, {"random_state": 1}, {"initializer": "zeros"}, {"x": 1}],
    ids=str,
)
def test_arguments_that_a_file_does_not_hold_are_refused(more, tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    safetensors = pytest.importorskip("safetensors")
    path = tmp_path / "net.safetensors"
    classifier().save(path)
    with safetensors.safe_open(path, "numpy") as file:
        arguments = json.loads(file.metadata()["pynn.Network"])
    metadata = {"pynn.Network": json.dumps(arguments | more)}
    numpy.save_file(numpy.load_file(path), path, metadata)
    with pytest.raises(ValueError, match=next(iter(more))):
        pynn.Network.load(path)


def test_paths_that_lead_nowhere(tmp_path):
    pytest.importorskip("safetensors")
    with pytest.raises(FileNotFoundError):
        pynn.Network.load(tmp_path / "nothing.safetensors")
    with pytest.raises(IsADirectoryError):
        pynn.Network.load(tmp_path)
    with pytest.raises(FileNotFoundError):
        classifier().save(tmp_path / "nowhere" / "net.safetensors")


def test_a_path_is_no_file_descriptor(tmp_path):
    pytest.importorskip("safetensors")
    with open(tmp_path / "other", "wb") as other:
        with pytest.raises(TypeError):
            pynn.Network.load(other.fileno())
        with pytest.raises(TypeError):
            classifier().save(other.fileno())
        other.write(b"still open")
