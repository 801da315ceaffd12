"""Files whose content is false in one or several places: they load, or are a ValueError that names
the file; nothing else happens, and it happens soon.

For more of the same: PYNN_LONG=1 pytest --hypothesis-show-statistics (this file)
"""

import json
import random
import struct
import warnings

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mutants import mutated

import pynn
from pynn.callbacks import Checkpoint
from pynn.training import checkpoint

pytest.importorskip("safetensors")

X = np.random.default_rng(0).normal(size=(30, 3))
Y = (X[:, 0] > 0).astype(int)


def saved(tmp_path_factory, model):
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    model.save(path)
    content = path.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    return path, json.loads(content[8 : 8 + length]), content[8 + length :]


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    embeddings = {0: pynn.Periodic(3, 2), 1: pynn.PiecewiseLinear([-1, 0, 1.5], size=2)}
    layers = [pynn.LeakyReLU(0.1), "tanh"]
    net = pynn.Network([3, 4, 3, 2], activation=layers, random_state=0, embeddings=embeddings)
    return saved(tmp_path_factory, net)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp = pynn.MLPClassifier((4,), max_iter=2, class_weight={0: 1.0, 1: 2.0}, alpha=(0.1, 0.2))
        return saved(tmp_path_factory, mlp.fit(X, Y))


def load_or_refuse(kind, path):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return kind.load(path)
    except ValueError as error:
        assert path.name in str(error)  # noqa: PT017
        return None


def write(path, head, tensors):
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + tensors)


@pytest.mark.parametrize("name", ["network", "classifier"])
@given(seed=st.integers(0, 2**32))
def test_descriptions(name, request, seed):
    path, head, tensors = request.getfixturevalue(name)
    kind = pynn.Network if name == "network" else pynn.MLPClassifier
    draw, notes = random.Random(seed), dict(head["__metadata__"])
    del notes["pynn.checksum"]
    for _ in range(draw.choice([1, 1, 1, 2, 5])):
        key = draw.choice(list(notes))
        notes[key] = json.dumps(mutated(json.loads(notes[key]), draw))
    write(path, head | {"__metadata__": notes}, tensors)
    loaded = load_or_refuse(kind, path)
    if loaded is not None:
        assert len(loaded.predict(X)) == 30


@given(seed=st.integers(0, 2**32))
def test_heads(network, seed):
    path, head, tensors = network
    write(path, mutated(head, random.Random(seed)), tensors)
    load_or_refuse(pynn.Network, path)


@given(seed=st.integers(0, 2**32))
def test_bytes(network, seed):
    path, head, tensors = network
    write(path, head, tensors)
    content, draw = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(draw.choice([1, 2, 10])):
        place, n = draw.randrange(len(content)), draw.randrange(20)
        content[place : place + n] = draw.randbytes(draw.choice([n, n, draw.randrange(20)]))
    path.write_bytes(content)
    load_or_refuse(pynn.Network, path)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoints") / "fit.npz"
    fit(path, 2)
    return path, *checkpoint.read(path)


def fit(path, epochs):
    net = pynn.Network(
        [3, 5, 2], output_activation="softmax", random_state=np.random.default_rng(0)
    )
    keep = Checkpoint(path, resume=True)
    return net.fit(X, Y, epochs=epochs, optimizer="adam", early_stopping=True, callbacks=[keep])


@given(seed=st.integers(0, 2**32))
@example(seed=10027)  # a figure that a callback watches has another name
def test_checkpoints(kept, seed):
    path, arrays, facts = kept
    draw = random.Random(seed)
    if draw.random() < 0.7:
        false = mutated(facts, draw)
        facts = false if isinstance(false, dict) else facts
    else:
        name, size = draw.choice(list(arrays)), draw.choice([0, 1, 5, 32, 10**5])
        dtype = draw.choice(["f4", "f8", "i8", "i4", "U3", "?"])
        arrays = arrays | {name: np.zeros(draw.choice([(size,), (size, 2), ()]), dtype)}
    try:
        checkpoint.write(path, arrays, facts)
    except TypeError:
        return  # keys of other types
    try:
        net = fit(path, 3)
    except ValueError as error:
        assert path.name in str(error)  # noqa: PT017
    except FloatingPointError:
        pass  # a learning rate may be any finite number
    else:
        assert np.isfinite(net.parameters).all()
