"""A checkpoint by someone else, whole but false: each entry that is not what it must be is refused
in words that name the file and the entry, and the model is as it was."""

import copy

import numpy as np
import pytest

import pynn
from pynn.callbacks import Checkpoint, EarlyStopping
from pynn.training import checkpoint

N = 4  # epochs
X = np.random.default_rng(0).normal(size=(30, 3))
Y = (X[:, 0] > 0).astype(int)


def network(path, epochs, random_state=0):
    """A network and the settings of a fit that keeps everything a checkpoint can hold."""
    net = pynn.Network([3, 5, 2], output_activation="softmax", random_state=random_state)
    keep = Checkpoint(path, resume=True)
    stop = EarlyStopping("cost", patience=100)
    settings = {"optimizer": "adam", "average": pynn.EMA(), "callbacks": [stop, keep]}
    return net, settings | {"epochs": epochs}


@pytest.fixture
def kept(tmp_path):
    """A checkpoint, what it holds, and a model of the kind that wrote it."""
    path = tmp_path / "fit.npz"
    net, settings = network(path, N)
    net.fit(X, Y, **settings)
    return path, *checkpoint.read(path)


PARAMETERS = np.zeros(32, np.float32)


ARRAYS = {
    "parameters": [
        PARAMETERS[:1], PARAMETERS.astype(np.float64), PARAMETERS.reshape(2, 16),
        np.full(32, np.nan, np.float32), np.array("text"), np.zeros((), np.float32),
    ],
    "trained": [PARAMETERS[:1], np.full(32, np.nan, np.float32)],
    "order": [
        np.zeros(30, np.int64), np.arange(30) + 1, np.full(30, 2**40), np.arange(29),
        np.arange(30.0), np.arange(30, dtype=np.int32), -np.arange(30),
    ],
    "monitored": [np.array(["x"]), np.zeros((2, 2)), np.zeros(3, np.int64)],
    "slot.0": [PARAMETERS[:3], np.full(32, np.inf, np.float32)],
    "slot.1": [PARAMETERS.astype(np.int32)],
    "history.cost": [np.zeros(2), np.zeros((N, 1)), np.array(["a"] * N)],
    "kept.cost": [PARAMETERS[:1]],
}  # fmt: skip

FACTS = {
    "epoch": [-1, 2**70, 1.5, True, "1", None, []],
    "is_stopped": [0, None, "no"],
    "n_slots": [-1, 1, 3, 10**9, "2"],
    "n_updates": [-1, 2**63, 0.5],
    "averaged_since": [-1, 0.5, None],
    "n_samples": [-1, None],
    "learning_rate": [-1.0, np.nan, np.inf, "fast", None],
    "figures": [["cost", "cost"], [], "cost", [1], ["nothing"], None],
    "kept": [[1], {"cost": 1}, ["cost", "cost"], ["other"]],
    "random": [None, 7, [], {}],
    "random_at_start": [None, {"bit_generator": "MT19937"}],
}


def refused(path, arrays, facts, name):
    checkpoint.write(path, arrays, facts)
    net, settings = network(path, 2 * N)
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=r"fit\.npz") as error:
        net.fit(X, Y, **settings)
    assert name in str(error.value)
    np.testing.assert_array_equal(net.parameters, before)
    assert net.history == {"cost": []}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(kept, name):
    path, arrays, facts = kept
    for array in ARRAYS[name]:
        refused(path, arrays | {name: array}, facts, name)
    refused(path, {n: a for n, a in arrays.items() if n != name}, facts, name)


@pytest.mark.parametrize("name", FACTS)
def test_facts(kept, name):
    path, arrays, facts = kept
    for fact in FACTS[name]:
        refused(path, arrays, facts | {name: fact}, name.removeprefix("kept"))
    refused(path, arrays, {n: f for n, f in facts.items() if n != name}, name)


def test_entries_that_no_fit_has(kept):
    path, arrays, facts = kept
    refused(path, arrays | {"predict": PARAMETERS}, facts, "predict")
    refused(path, arrays, facts | {"predict": "owned"}, "predict")


STATES = {
    np.random.RandomState: [
        ("pos", -1), ("pos", 625), ("pos", 10**9), ("pos", 1.0), ("pos", "x"), ("pos", True),
        ("key", [1] * 623), ("key", [2**32] * 624), ("key", ["x"] * 624), ("key", 3),
    ],
    np.random.default_rng: [
        ("state", 2**128), ("state", -1), ("inc", 0.5), ("has_uint32", 2), ("uinteger", 2**32),
        ("bit_generator", "MT19937"), ("bit_generator", 3),
    ],
}  # fmt: skip


def put(state, name, value):
    """Change the innermost entry of this name."""
    inner = state.get("state")
    (inner if isinstance(inner, dict) and name in inner else state)[name] = value


@pytest.mark.parametrize("source", STATES, ids=lambda source: source.__name__)
@pytest.mark.parametrize("name", ["random", "random_at_start"])
def test_states_of_random_sources(source, name, tmp_path):
    path = tmp_path / "fit.npz"

    def fit(epochs):
        net, settings = network(path, epochs, random_state=source(0))
        net.fit(X, Y, **settings)

    fit(N)
    arrays, facts = checkpoint.read(path)
    for entry, value in STATES[source]:
        false = copy.deepcopy(facts)
        put(false[name], entry, value)
        checkpoint.write(path, arrays, false)
        with pytest.raises(ValueError, match=rf"fit\.npz.*{name}"):
            fit(2 * N)


def test_patience_of_an_estimator(tmp_path):
    path = tmp_path / "fit.npz"

    def fit(max_iter):
        keep = Checkpoint(path, resume=True)
        mlp = pynn.MLPClassifier((5,), max_iter=max_iter, callbacks=[keep], random_state=0)
        with pytest.warns(match="Maximum iterations"):
            mlp.fit(X, Y)

    fit(N)
    arrays, facts = checkpoint.read(path)
    for value in [None, [], [1.0], [1.0, -1], ["x", 1], [1.0, 2.0], {"best": 1}]:
        checkpoint.write(path, arrays, facts | {"patience": value})
        with pytest.raises(ValueError, match=r"fit\.npz.*patience"):
            pynn.MLPClassifier(
                (5,), max_iter=8, callbacks=[Checkpoint(path, resume=True)], random_state=0
            ).fit(X, Y)
    checkpoint.write(path, arrays, facts)
    fit(2 * N)
