"""Models as JSON: the same bits after a round trip; other texts are refused."""

import json
import random
import warnings

import numpy as np
import pytest
from cases import examples
from exported import KINDS, briefly, of_kind
from hypothesis import given
from hypothesis import strategies as st
from mutants import mutated
from tabular_cases import brief

import pynn
from pynn.export import from_json, to_json

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.array(["no", "yes", "perhaps"])[np.random.default_rng(1).integers(0, 3, 40)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_network_has_the_same_bits_again(kind, dtype, rng):
    net, rows = of_kind(rng, kind, dtype)
    again = from_json(to_json(net))
    assert repr(again) == repr(net)
    assert again.parameters.tobytes() == net.parameters.tobytes()
    assert (again.predict(rows) == net.predict(rows)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_finite_number_has_the_same_bits_again(dtype, rng):
    net = pynn.Network([50, 40], dtype=dtype)
    bits = rng.integers(0, 256, net.parameters.nbytes, dtype=np.uint8).view(dtype)
    net.parameters[:] = np.where(np.isfinite(bits), bits, 0)
    assert from_json(to_json(net)).parameters.tobytes() == net.parameters.tobytes()


@pytest.mark.parametrize("n_members", [1, 3])
def test_a_classifier_is_the_same_again(n_members, tmp_path):
    settings = {"class_weight": {"no": 2.0, "yes": 1.0, "perhaps": 1.0}, "n_members": n_members}
    mlp = pynn.MLPClassifier((4,), activation=pynn.LeakyReLU(0.1), max_iter=3, **settings)
    briefly(mlp, X, Y)
    to_json(mlp, tmp_path / "mlp.json")
    again = from_json(tmp_path / "mlp.json")
    assert type(again) is pynn.MLPClassifier
    assert (again.predict(X) == mlp.predict(X)).all()
    assert (again.predict_proba(X) == mlp.predict_proba(X)).all()
    changed = {"dtype": "float64"} if n_members == 1 else {}
    assert again.get_params() == mlp.get_params() | changed | {"dtype": again.dtype}
    assert again.n_iter_ == mlp.n_iter_


def test_a_regressor_of_named_features_is_the_same_again():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    mlp = briefly(pynn.MLPRegressor("poisson", (4,), max_iter=3), frame, X[:, 0] ** 2)
    again = from_json(to_json(mlp))
    assert (again.predict(frame) == mlp.predict(frame)).all()
    assert again.feature_names_in_.tolist() == ["a", "b", "c"]


def test_it_is_readable():
    net = pynn.Network([2, 1], cost=pynn.Huber(2.0), initializer="zeros")
    net.weights[0][:, 0] = 0.1, 0.25
    content = json.loads(to_json(net))
    assert content["version"] == 1
    assert content["kind"] == "Network"
    (network,) = content["networks"]
    assert network["arguments"]["cost"] == {"huber": 2.0}
    assert network["parameters"] == {"weights.0": [[0.1], [0.25]], "biases.0": [0.0]}
    assert "[0.25]\n" in to_json(net)


def changed(**entries):
    return json.dumps(json.loads(to_json(pynn.Network([2, 1]))) | entries)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "Expecting property name"),
        ('{"a": 1}', "version must be 1, got None"),
        (changed(version=2), r"format has version 2; this pynn .* reads versions up to 1"),
        (changed(version=True), "version must be 1, got True"),
        (changed(kind="object"), "kind must be one of Network, MLPClassifier, MLPRegressor"),
        (changed(kind="MLPRegressor"), "notes is missing"),
        (changed(networks=[]), "networks must be a list with at least one"),
        (changed(code="1"), "unknown keys: code"),
        ('{"version": 1e400}', "version must be 1, got inf"),
        ("{" * 10**6, "Expecting property name"),
        ('{"a": ' + "[" * 10**5, "recursion"),
        ('{"a": [' + "1," * 2_000_000, "up to 2000003 values"),
    ],
)
def test_other_texts_are_refused(text, message):
    with pytest.raises(ValueError, match=f"the text is not a model in pynn's JSON: .*{message}"):
        from_json(text)


@pytest.mark.parametrize("numbers", [[[True], [1]], [["1"], [1]], [[None], [1]], [1], "x", {},
                                     [[1], [1, 2]], [[[1]], [1]], [[1e39], [0]], [[10**400], [0]]],
                         ids=lambda numbers: str(numbers)[:20])  # fmt: skip
def test_parameters_that_are_not_finite_numbers_of_this_shape_are_refused(numbers):
    content = json.loads(to_json(pynn.Network([2, 1])))
    content["networks"][0]["parameters"]["weights.0"] = numbers
    with pytest.raises(ValueError, match="the text is not a model in pynn's JSON"):
        from_json(json.dumps(content))


def test_a_size_that_no_parameters_fill_takes_no_memory():
    content = json.loads(to_json(pynn.Network([2, 1])))
    content["networks"][0]["arguments"]["layer_sizes"] = [2, 2**31 - 1]
    with pytest.raises(ValueError, match=r"weights\.0 of shape .* is missing"):
        from_json(json.dumps(content))


def test_a_file_of_other_bytes_is_refused_by_its_name(tmp_path):
    (tmp_path / "model.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match=r"model\.json' is not a model in pynn's JSON"):
        from_json(tmp_path / "model.json")
    with pytest.raises(FileNotFoundError):
        from_json(tmp_path / "none.json")


# ---- Mutants: each text is a model or a ValueError -----------------------------------------------

NETWORK = pynn.Network([3, 4, 2], activation=pynn.Parametric("elu"), norm="batch", random_state=0,
                       embeddings={0: pynn.Periodic(3, 2), 1: pynn.Categories(2, 2)})  # fmt: skip
CLASSIFIER = briefly(pynn.MLPClassifier((3,), max_iter=1, n_members=2, random_state=0), X, Y)
TABULAR = {  # with intervals, or with labels that are texts
    kind: brief(kind, expert={"epochs": 1, "hidden_layer_sizes": (3,)}).fit(X[:, :1], y)
    for kind, y in [(pynn.TabularClassifier, Y), (pynn.TabularRegressor, X[:, 1])]
}
TEXTS = [to_json(model) for model in (NETWORK, CLASSIFIER, *TABULAR.values())]


def read_or_refuse(text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = from_json(text)
        except ValueError:
            return
    assert isinstance(model, (pynn.Network, pynn.MLPClassifier, pynn.MLPRegressor, *TABULAR))


@examples(150)
@given(st.sampled_from(TEXTS), st.integers(0, 2**32), st.integers(1, 3))
def test_changed_values_are_read_or_refused(text, seed, n_changes):
    content, draw = json.loads(text), random.Random(seed)
    for _ in range(n_changes):
        content = mutated(content, draw)
    read_or_refuse("{" + json.dumps(content).removeprefix("{"))


@examples(150)
@given(st.sampled_from(TEXTS), st.integers(0, 2**32), st.integers(1, 4))
def test_changed_characters_are_read_or_refused(text, seed, n_changes):
    draw = random.Random(seed)
    for _ in range(n_changes):
        k = draw.randrange(1, len(text))
        text = text[:k] + draw.choice('{}[]",:019eE-.\\tn\0é') + text[k + draw.randrange(2) :]
    read_or_refuse(text)
