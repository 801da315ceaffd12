"""Files of estimators of tables: what is loaded predicts the same bits; nothing is executed."""

import dataclasses
import json
import pickle
import struct

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.exceptions import NotFittedError

import pynn
from pynn.tabular.saving import Learned

RNG = np.random.default_rng(0)
N = 120
NUMBERS = RNG.normal(size=N)
TABLE = pd.DataFrame(
    {
        "number": np.where(RNG.random(N) < 0.2, np.nan, NUMBERS),
        "colour": RNG.choice(["red", "green", None], N),
        "town": RNG.choice([f"town {i}" for i in range(20)], N),
        "day": pd.Timestamp("2020-02-28") + pd.to_timedelta(np.arange(N), "D"),
    }
)
CLASSES = (NUMBERS > 0).astype(int) + (NUMBERS > 1)
FEW = {"n_members": 2, "n_folds": 2, "random_state": 0}
FEW["expert"] = {"epochs": 2, "hidden_layer_sizes": (8,), "patience": 2}


def classifier(y=CLASSES, **settings):
    return pynn.TabularClassifier(**FEW | settings).fit(TABLE, y)


def regressor(y=NUMBERS, **settings):
    return pynn.TabularRegressor(**FEW | settings).fit(TABLE, y)


def with_widths():
    """A regressor whose intervals have networks of their own."""
    table = pd.concat([TABLE] * 3, ignore_index=True)
    loud = (table["colour"] == "red").to_numpy()
    y = np.random.default_rng(1).normal(size=len(table)) * np.where(loud, 20, 1)
    model = pynn.TabularRegressor(**FEW).fit(table, y)
    assert model._intervals.networks
    return model


BOTH = pytest.mark.parametrize("fitted", [classifier, regressor])


def predictions(model):
    names = ("predict", "predict_proba", "predict_interval", "predict_quantiles")
    methods = [getattr(model, name) for name in names[:3] if hasattr(model, name)]
    found = [method(TABLE) for method in methods]
    if hasattr(model, "predict_quantiles"):
        found.append(model.predict_quantiles(TABLE, [0.1, 0.5]))
    found.append(model.feature_importances_)
    return [np.asarray(one) for one in found]


def assert_same(model, loaded):
    for ours, theirs in zip(predictions(model), predictions(loaded), strict=True):
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs)


def file_trip(model, path):
    model.save(path / "model")
    return type(model).load(path / "model")


def pickle_trip(model, path):
    return pickle.loads(pickle.dumps(model))


def joblib_trip(model, path):
    joblib.dump(model, path / "model")
    return joblib.load(path / "model")


def mapped_trip(model, path):
    new = path / f"model {len([*path.iterdir()])}"  # the model may be mapped from the last one
    joblib.dump(model, new)
    return joblib.load(new, mmap_mode="r")


def skops_trip(model, path):
    content = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=content)
    assert all(one.startswith("pynn.") for one in types)
    return skops.io.loads(content, trusted=types)


@pytest.mark.parametrize("trip", [file_trip, pickle_trip, joblib_trip, mapped_trip, skops_trip])
@BOTH
def test_a_copy_predicts_the_same_bits(fitted, trip, tmp_path):
    model = fitted()
    loaded = trip(model, tmp_path)
    assert_same(model, loaded)
    assert loaded.get_params() == model.get_params()
    assert loaded.feature_names_in_.tolist() == list(TABLE)
    assert loaded.summary() == model.summary()
    assert_same(loaded, trip(loaded, tmp_path))
    again = loaded.fit(TABLE, CLASSES if hasattr(model, "classes_") else NUMBERS)
    assert_same(model, again)


@pytest.mark.parametrize(
    "y",
    [
        CLASSES * 5 - 3,
        CLASSES > 0,
        CLASSES * 2.0,
        np.array(["a", "bc", "déf"], dtype="U9")[CLASSES],
        np.array(["a", "b", "c"], dtype=object)[CLASSES],
    ],
)
def test_labels_keep_their_type(y, tmp_path):
    model = classifier(y)
    loaded = file_trip(model, tmp_path)
    assert_same(model, loaded)
    assert loaded.classes_.dtype == model.classes_.dtype
    assert [*map(type, loaded.classes_)] == [*map(type, model.classes_)]


def test_several_targets(tmp_path):
    model = regressor(np.column_stack([NUMBERS, -NUMBERS]))
    assert_same(model, file_trip(model, tmp_path))


def test_importances_are_computed_from_what_a_file_holds(tmp_path):
    model = classifier()
    loaded = file_trip(model, tmp_path)
    expected = model.feature_importances_
    assert np.array_equal(file_trip(model, tmp_path).feature_importances_, expected)
    assert np.array_equal(loaded.feature_importances_, expected)


@pytest.mark.parametrize("trip", [file_trip, pickle_trip, joblib_trip, mapped_trip, skops_trip])
def test_networks_of_intervals_belong_to_a_copy_but_not_to_its_population(trip, tmp_path):
    model = with_widths()
    loaded = trip(model, tmp_path)
    assert_same(model, loaded)
    assert_same(model, trip(loaded, tmp_path))
    loaded.save(tmp_path / "again")
    population = pynn.Population.load(tmp_path / "again")
    assert [net.parameters.tobytes() for net in population] == [
        net.parameters.tobytes() for net in model.networks_
    ]


@BOTH
def test_a_file_has_all_that_was_learned(fitted, tmp_path):
    """An attribute that a fit sets is listed in _LEARNED of its class, or is a cache."""
    model = fitted()
    cache = {"_importances"}
    learned = vars(model).keys() - model.get_params().keys() - {"networks_", "preparation_"}
    assert learned - model._LEARNED.keys() == cache
    always = {name for name, one in model._LEARNED.items() if one.always}
    assert always <= learned
    loaded = vars(file_trip(model, tmp_path))
    assert vars(model).keys() - cache == loaded.keys()


@BOTH
def test_the_file_is_one_of_a_population_and_about_as_large(fitted, tmp_path):
    model = fitted(expert={"epochs": 2, "hidden_layer_sizes": (128, 128)})
    model.save(tmp_path / "model")
    population = pynn.Population.load(tmp_path / "model")
    assert [net.parameters.tobytes() for net in population] == [
        net.parameters.tobytes() for net in model.networks_
    ]
    n_bytes = sum(net.parameters.nbytes for net in model.networks_)
    assert (tmp_path / "model").stat().st_size < n_bytes + 20_000
    assert len(pickle.dumps(model)) < n_bytes + 40_000


@BOTH
def test_parameters_that_a_file_cannot_hold_are_named(fitted, tmp_path):
    source = np.random.RandomState(0)
    model = fitted(random_state=source)
    with pytest.warns(UserWarning, match="^random_state: a file cannot hold") as told:
        model.save(tmp_path / "model")
    assert told[0].filename == __file__
    loaded = type(model).load(tmp_path / "model")
    assert loaded.random_state is None
    assert_same(model, loaded)


def test_before_a_fit_there_is_nothing_to_save(tmp_path):
    with pytest.raises(NotFittedError):
        pynn.TabularClassifier().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_files_of_something_else_are_refused(tmp_path):
    regressor().save(tmp_path / "regressor")
    with pytest.raises(ValueError, match=r"holds no TabularClassifier: it holds pynn.TabularRegr"):
        pynn.TabularClassifier.load(tmp_path / "regressor")
    pynn.Population.of(2, [3, 1]).save(tmp_path / "population")
    with pytest.raises(ValueError, match="holds no TabularClassifier: it holds only networks"):
        pynn.TabularClassifier.load(tmp_path / "population")
    pynn.Network([3, 1]).save(tmp_path / "network")
    with pytest.raises(ValueError, match=r"load it with pynn.Network"):
        pynn.TabularClassifier.load(tmp_path / "network")
    with pytest.raises(OSError, match="nowhere"):
        pynn.TabularClassifier.load(tmp_path / "nowhere")


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "model"
    classifier().save(path)
    whole = path.read_bytes()
    for n in (0, 7, 60, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:n])
        with pytest.raises(ValueError, match="model"):
            pynn.TabularClassifier.load(path)
    start = 8 + struct.unpack("<Q", whole[:8])[0]
    for place in range(start, len(whole), len(whole) // 50):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ValueError, match="model"):
            pynn.TabularClassifier.load(path)


CHANGES = [
    {"parameters": {"cleverness": 1}},
    {"parameters": 3},
    {"parameters": {"n_members": "many"}},
    {"parameters": {"checkpoint": "folder"}},
    {"preparation": None},
    {"preparation": {"features": []}},
    {"learned": 3},
    {"learned": {}},
    {"learned": {"predict": 1}},
    {"learned": {"temperature_": True}},
    {"learned": {"temperature_": {"array": "classes_"}}},
    {"learned": {"classes_": {"array": "nothing"}}},
    {"learned": {"classes_": {"text": "classes_"}}},
    {"learned": {"classes_": {"objects": ["a"]}}},
    {"learned": {"classes_": {"function": [1]}}},
    {"learned": {"classes_": {"tuple": [1, 2, 3]}}},
    {"learned": {"n_features_in_": 3}},
    {"learned": {"feature_names_in_": ["a"] * 4}},
    {"more": 1},
]


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "model"
    classifier().save(path)
    return path.read_bytes()


def write_changed(path, content, key, change):
    """Write a file without its checksum, and with the notes that `change` returns."""
    length = struct.unpack("<Q", content[:8])[0]
    head = json.loads(content[8 : 8 + length])
    metadata = head["__metadata__"]
    metadata[key] = json.dumps(change(json.loads(metadata[key])))
    del metadata["pynn.checksum"]
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


@pytest.mark.parametrize("change", CHANGES)
def test_notes_that_do_not_fit_are_refused(change, content, tmp_path):
    def changed(notes):
        if isinstance(change.get("learned"), dict) and change["learned"]:
            return notes | {"learned": notes["learned"] | change["learned"]}
        return notes | change

    path = tmp_path / "model"
    write_changed(path, content, "pynn.TabularClassifier", changed)
    with pytest.raises(ValueError, match="holds no TabularClassifier"):
        pynn.TabularClassifier.load(path)


@pytest.fixture(scope="module")
def content_with_widths(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "model"
    with_widths().save(path)
    return path.read_bytes()


def without_networks(fields):
    fields["networks"] = []


def swapped(fields):
    fields["levels"], fields["limits"] = fields["limits"], fields["levels"]


def of_other_sizes(fields):
    fields["networks"][0]["network"][1]["layer_sizes"][1] += 1


def of_other_tensors(fields):
    fields["networks"][0]["network"][0] = "_intervals.0.9."


def with_an_unknown_argument(fields):
    fields["networks"][0]["network"][1]["initializer"] = "zeros"


def without_embeddings(fields):
    del fields["networks"][0]["network"][1]["embeddings"]


def of_another_kind(fields):
    fields["networks"] = ["network", 2, None]


def lacking_one(fields):
    del fields["powers"]


def with_more(fields):
    fields["more"] = 1


def as_text(fields):
    fields["scores"] = "scores"


DAMAGES = [
    *(without_networks, swapped, of_other_sizes, of_other_tensors, with_an_unknown_argument),
    *(without_embeddings, of_another_kind, lacking_one, with_more, as_text),
]


@pytest.mark.parametrize("change", DAMAGES)
def test_intervals_that_do_not_fit_are_refused(change, content_with_widths, tmp_path):
    def changed(notes):
        fields = dict(notes["learned"]["_intervals"]["dict"])
        change(fields)
        notes["learned"]["_intervals"]["dict"] = [*fields.items()]
        return notes

    path = tmp_path / "model"
    write_changed(path, content_with_widths, "pynn.TabularRegressor", lambda notes: notes)
    pynn.TabularRegressor.load(path)
    write_changed(path, content_with_widths, "pynn.TabularRegressor", changed)
    with pytest.raises(ValueError, match="holds no TabularRegressor"):
        pynn.TabularRegressor.load(path)


SAMPLES = [
    {"y": [0.5] * N},
    {"y": np.full(N, 3)},
    {"y": np.full(N, -1)},
    {"y": np.zeros((N, 1), int)},
    {"y": np.zeros(N - 1, int)},
    {"X": np.zeros((N, 1), np.float32)},
    {"is_aside": np.zeros((2, N), bool)},
    {"is_aside": np.ones((3, N), bool)},
    {"weights": np.ones(N + 1)},
    {"seed": True},
]


@pytest.mark.parametrize("change", SAMPLES)
def test_a_sample_that_does_not_fit_is_refused(change, tmp_path):
    model = classifier()
    model._sample = dataclasses.replace(model._sample, **change)
    with pytest.raises(ValueError, match="sample"):
        file_trip(model, tmp_path)


@dataclasses.dataclass
class Extended(pynn.TabularRegressor):
    """An estimator that learns attributes of all kinds."""

    _LEARNED = pynn.TabularRegressor._LEARNED | {
        "number_": Learned(float),
        "count_": Learned(int | None),
        "nothing_": Learned(int | None),
        "flag_": Learned(bool),
        "words_": Learned(list),
        "mixed_": Learned(dict),
        "empty_": Learned(np.ndarray, (0, "n_features"), "i"),
        "scalar_": Learned(np.ndarray, ()),
    }


VALUES = {
    "number_": np.float64(0.1),
    "count_": 3,
    "nothing_": None,
    "flag_": True,
    "words_": ["a", "", "{"],
    "mixed_": {"a": (1, None, [np.arange(3.0)]), 2: {"b": np.array(["x", "yz"])}, "c": np.inf},
    "empty_": np.empty((0, 4), np.int32),
    "scalar_": np.array(2.5),
}


def test_attributes_of_all_kinds(tmp_path):
    model = Extended(**FEW).fit(TABLE, NUMBERS)
    vars(model).update(VALUES)
    loaded = file_trip(model, tmp_path)
    for name in VALUES.keys() - {"mixed_", "empty_", "scalar_"}:
        assert getattr(loaded, name) == VALUES[name]
    assert (loaded.empty_.shape, loaded.empty_.dtype) == ((0, 4), np.int32)
    assert (loaded.scalar_.shape, loaded.scalar_) == ((), 2.5)
    one, none, (numbers,) = loaded.mixed_["a"]
    assert (one, none, numbers.tolist()) == (1, None, [0.0, 1.0, 2.0])
    assert loaded.mixed_[2]["b"].tolist() == ["x", "yz"]
    assert loaded.mixed_["c"] == np.inf


@pytest.mark.parametrize(
    "wrong", [{"number_": 1}, {"count_": 1.0}, {"empty_": np.empty((0, 3), int)}, {"flag_": 1}]
)
def test_an_attribute_of_another_kind_is_not_written(wrong, tmp_path):
    model = Extended(**FEW).fit(TABLE, NUMBERS)
    vars(model).update(VALUES | wrong)
    with pytest.raises(ValueError, match=next(iter(wrong))):
        model.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())
