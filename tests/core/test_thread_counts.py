"""Any number of threads gives the same bits or is refused in words, wherever the number is from."""

import json
import re
import struct

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

import pynn
from pynn.model import threads

X = np.random.default_rng(0).normal(size=(300, 40))
Y = (X[:, 0] > 0).astype(int)
REFUSED = [0, -1, 257, 1000, 10**6, 2**31 - 1, 2**31, 2**32 + 1, 2**63, 2**64 + 1, -(2**63)]
refused = pytest.mark.parametrize("n_threads", REFUSED)


def network(n_threads=None):
    sizes = [40, 50, 2]
    return pynn.Network(
        sizes, output_activation="softmax", dtype="float64", n_threads=n_threads, random_state=0
    )


def predicted(net):
    """Bits for which no thread waits for another: 256 of them take turns on few processors."""
    return net.predict(X).tobytes()


def computed(net):
    """All that a network computes, by each of the core's calls."""
    net.fit(X, Y, epochs=2, batch_size=100, optimizer="adam")
    trace = net.trace(X[:5], Y[:5])
    arrays = [net.parameters, net.predict(X), net.gradient(X, Y), *trace.z]
    return [array.tobytes() for array in arrays], net.history, net.cost(X, Y)


@pytest.fixture(scope="module")
def expected():
    return computed(network(1))


def refusal(n_threads):
    return pytest.raises(ValueError, match=f"n_threads.* from 1 to 256, got {n_threads}$")


# Given by the user


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_every_accepted_number_gives_the_same_bits(n_threads, expected):
    assert computed(network(n_threads)) == expected


@pytest.mark.parametrize("n_threads", [255, 256])
def test_so_do_teams_that_are_larger_than_any_machine_here(n_threads):
    def step(net):
        net.fit(X, Y, batch_size=len(X), optimizer="adam")
        return net.parameters.tobytes(), predicted(net)

    assert step(network(n_threads)) == step(network(1))


@pytest.mark.parametrize("n_threads", [2, 3])
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_so_do_the_estimators(n_threads, solver):
    def fitted(n_threads):
        mlp = pynn.MLPClassifier((20,), max_iter=2, solver=solver, random_state=0)
        mlp.set_params(n_threads=n_threads).fit(X, Y)
        return mlp.network_.parameters.tobytes(), mlp.predict_proba(X).tobytes(), mlp.loss_

    assert fitted(n_threads) == fitted(1)


@refused
def test_any_other_is_refused_and_changes_nothing(n_threads):
    with refusal(n_threads):
        network(n_threads)
    net = network(3)
    with refusal(n_threads):
        net.n_threads = n_threads
    assert net.n_threads == 3


@refused
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_so_it_is_by_an_estimator_in_its_fit_and_in_its_predictions(n_threads):
    mlp = pynn.MLPClassifier((4,), max_iter=1, random_state=0).fit(X, Y)
    before = mlp.network_.parameters.tobytes()
    mlp.set_params(n_threads=n_threads)
    for call in (mlp.fit, mlp.partial_fit, mlp.score):
        with pytest.raises(ValueError, match=f"n_threads.*[gG]ot {n_threads}"):
            call(X, Y)
    assert mlp.set_params(n_threads=None).network_.parameters.tobytes() == before


@pytest.mark.parametrize("n_threads", [2.0, "2", True, [2], np.float32(2)])
def test_what_is_no_integer_is_a_type_error(n_threads):
    with pytest.raises(TypeError, match="n_threads must be an integer"):
        network(n_threads)


@pytest.mark.parametrize("n_threads", [np.int8(2), np.uint64(2), np.int32(256)])
def test_integers_of_numpy_are_integers(n_threads):
    net = network(n_threads)
    assert type(net.n_threads) is int
    assert predicted(net) == predicted(network(1))


# Named by a file


def described(path, change):
    """Change the JSON of each description in a model's file, which then has no checksum."""
    content = path.read_bytes()
    (n,) = struct.unpack("<Q", content[:8])
    head, tensors = json.loads(content[8 : 8 + n]), content[8 + n :]
    notes = head["__metadata__"]
    notes.pop("pynn.checksum")
    for name, note in notes.items():
        notes[name] = json.dumps(change(name, json.loads(note)))
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + tensors)


@pytest.mark.parametrize("n_threads", [1, 2, 257, 2**31, 2**63])
def test_a_file_of_a_network_names_no_number(n_threads, tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "network.safetensors"
    network(3).save(path)
    assert b"n_threads" not in path.read_bytes()
    described(path, lambda _, note: note | {"n_threads": n_threads})
    with pytest.raises(ValueError, match=f"{path.name}.* has the unknown arguments n_threads"):
        pynn.Network.load(path)


@pytest.mark.parametrize("n_threads", [1, 3, 256, *REFUSED])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_number_in_an_estimator_s_file_is_checked(n_threads, tmp_path):
    pytest.importorskip("safetensors")
    path, mlp = tmp_path / "mlp.safetensors", pynn.MLPClassifier((4,), max_iter=1, random_state=0)
    mlp.fit(X, Y).save(path)

    def change(name, note):
        if name == "pynn.MLPClassifier":
            note["parameters"]["n_threads"] = n_threads
        return note

    described(path, change)
    if n_threads in REFUSED:
        with pytest.raises(ValueError, match=f"{path.name}.*n_threads.* {n_threads}"):
            pynn.MLPClassifier.load(path)
    else:
        loaded = pynn.MLPClassifier.load(path)
        assert loaded.network_.n_threads == n_threads
        assert loaded.predict_proba(X).tobytes() == mlp.predict_proba(X).tobytes()


# From the environment


@pytest.fixture
def thousand(monkeypatch, unlimited):
    """A machine of a thousand processors, where every step is worth a thread of each."""
    monkeypatch.setattr(threads, "processors", lambda: 1000)
    monkeypatch.setattr(threads, "WORK_PER_THREAD", 1.0)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.usefixtures("thousand")
def test_a_machine_of_a_thousand_processors_gives_a_call_the_most_there_may_be():
    assert threads.chosen(1e300) == threads.usable() == threads.MOST == 256
    assert predicted(network()) == predicted(network(1))


@pytest.mark.usefixtures("thousand")
@pytest.mark.parametrize(
    ("text", "usable"),
    [
        *((str(n), min(n, 256)) for n in (1, 2, 3, 255, 256, 257, 1000, 10**6, 2**31, 2**63)),
        (str(10**30), 256),
        ("9" * 5000, 256),  # Python makes no int of so many digits
        ("2,4", 2),
        (" 3 ", 3),
        *((text, 256) for text in ("", "0", "-2", "1.5", "1e2", "four", "²", "٣", "0x2", ",2")),
    ],
)
def test_omp_num_threads_limits_a_call_if_it_is_a_positive_number(monkeypatch, text, usable):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert threads.usable() == usable


@pytest.mark.usefixtures("thousand")
@pytest.mark.parametrize("text", ["1", "3", "1000", str(2**63), "-2", "four"])
def test_omp_num_threads_changes_no_bit(monkeypatch, text):
    monkeypatch.setenv("OMP_NUM_THREADS", text)
    assert predicted(network()) == predicted(network(1))


@pytest.fixture
def unlimited():
    """No limit by threadpoolctl, before and after."""
    (own,) = ThreadpoolController().select(user_api="pynn").lib_controllers
    own.set_num_threads(0)
    yield own
    own.set_num_threads(0)


@pytest.mark.usefixtures("thousand")
@pytest.mark.parametrize("limit", [1, 2, 3, 255, 256, 257, 1000, 10**6, 2**31, 2**32 + 1, 2**63])
def test_threadpoolctl_limits_a_call(limit, unlimited):
    with threadpool_limits(limit, user_api="pynn"):
        assert threads.usable() == min(limit, 256)
        assert predicted(network()) == predicted(network(1))
    assert threads.usable() == 256


@pytest.mark.usefixtures("thousand")
@pytest.mark.parametrize("limit", [0, -1, -(2**31), 1 - 2**32, -(2**63)])
def test_a_limit_below_1_is_none(limit, unlimited):
    unlimited.set_num_threads(limit)
    assert threads.usable() == 256


def test_show_config_tells_the_number(monkeypatch, capsys, thousand, unlimited):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    pynn.show_config()
    assert re.search(r"^threads +up to 7$", capsys.readouterr().out, re.M)
