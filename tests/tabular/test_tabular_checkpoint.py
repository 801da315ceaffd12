"""Checkpoints of fits to tables: finished networks are trained once, and results are the same."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import pynn
from pynn.tabular import training
from pynn.training import checkpoint

RNG = np.random.default_rng(0)
N = 300  # enough for intervals with networks of their own
X = np.column_stack([RNG.normal(size=N), RNG.choice([1.0, 2.0, np.nan], N)])
Y = {pynn.TabularClassifier: (X[:, 0] > 0).astype(int), pynn.TabularRegressor: X[:, 0] * 3}
Y[pynn.TabularRegressor][::2] += 9 * RNG.normal(size=N // 2)
BOTH = pytest.mark.parametrize("Estimator", Y)
FEW = {"n_members": 3, "n_folds": 3, "random_state": 0, "n_threads": 1}
FEW["expert"] = {"epochs": 3, "hidden_layer_sizes": (8,), "patience": 9}


def few(Estimator=pynn.TabularRegressor, **settings):
    return Estimator(**FEW | settings)


def in_memory(model, y):
    return model.fit(X, y)


def in_blocks(model, y):
    return model.fit_batches([(X[:150], y[:150]), (X[150:], y[150:])])


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "new" / "folder"


@pytest.fixture
def trained(monkeypatch):
    """The numbers of networks that are trained in earnest; any may be made to fail."""

    class Trained(list):
        fail_at = None

    found, fit = Trained(), training._fit

    def counting(network, *rest):
        if found.fail_at == len(found):
            raise KeyboardInterrupt
        fit(network, *rest)
        found.append(network)

    monkeypatch.setattr(training, "_fit", counting)
    return found


def learned_from_validation_rows(model):
    if hasattr(model, "predict_interval"):
        return [*model.predict_interval(X), model.feature_importances_]
    return [model.temperature_, model.feature_importances_]


def assert_same(model, other):
    for ours, theirs in zip(model.networks_, other.networks_, strict=True):
        assert ours.parameters.tobytes() == theirs.parameters.tobytes()
        assert ours.history == theirs.history
        assert ours.best_epoch == theirs.best_epoch
    assert np.array_equal(model.predict(X), other.predict(X))
    assert model.validation_score_ == other.validation_score_
    assert model.best_epochs_ == other.best_epochs_
    pairs = zip(*map(learned_from_validation_rows, (model, other)), strict=True)
    assert all(np.array_equal(ours, theirs) for ours, theirs in pairs)


@pytest.mark.parametrize("how", [in_memory, in_blocks])
@BOTH
def test_an_interrupted_fit_goes_on_with_the_same_bits(Estimator, how, folder, trained):
    y = Y[Estimator]
    whole = how(few(Estimator), y)
    trained.clear()
    trained.fail_at = 2
    with pytest.warns(UserWarning, match="2 of 3 networks"):
        how(few(Estimator, checkpoint=folder), y)
    assert sorted(path.name for path in folder.iterdir()) == ["network-0.npz", "network-1.npz"]
    trained.clear()
    trained.fail_at = None
    assert_same(how(few(Estimator, checkpoint=folder), y), whole)
    assert len(trained) == 1
    assert_same(how(few(Estimator, checkpoint=str(folder), n_threads=2), y), whole)
    assert len(trained) == 1


def test_a_network_that_the_time_limit_ends_is_not_kept(folder):
    with pytest.warns(UserWarning, match="time_limit"):
        few(checkpoint=folder, time_limit=1e-9).fit(X, X[:, 0])
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"n_members": 4}, "n_members 3, not 4"),
        ({"random_state": 1}, "random_state 0, not 1"),
        ({"expert": FEW["expert"] | {"epochs": 4}}, "expert"),
        ({"metric": "mae"}, "metric None, not 'mae'"),
        ({"X": X + 1}, "preparation"),
        ({"X": X[::-1]}, "X float32"),
        ({"y": X[:, 0] ** 2}, "y float32"),
        ({"sample_weight": np.arange(N) + 1.0}, "y float32|weights None"),
    ],
)
def test_other_settings_or_data_are_refused(change, name, folder):
    few(checkpoint=folder).fit(X, X[:, 0])
    data = {"X": X, "y": X[:, 0]}
    data |= {key: change[key] for key in change if key in ("X", "y", "sample_weight")}
    model = few(checkpoint=folder, **{key: change[key] for key in change.keys() - data.keys()})
    before = vars(model).copy()
    with pytest.raises(ValueError, match=f"network-0.npz' is from a fit with ({name}).*delete"):
        model.fit(**data)
    assert vars(model) == before


def test_other_blocks_are_refused(folder):
    y = X[:, 0]
    in_blocks(few(checkpoint=folder), y)
    with pytest.raises(ValueError, match="from a fit with blocks '300 rows in 2 blocks"):
        few(checkpoint=folder).fit_batches([(X, y)])
    with pytest.raises(ValueError, match="from a fit with blocks"):
        few(checkpoint=folder).fit(X, y)
    other = y.copy()
    other[[0, 1]] = other[[1, 0]]
    with pytest.raises(ValueError, match="from a fit with blocks"):
        in_blocks(few(checkpoint=folder), other)


@pytest.mark.parametrize("seed", [None, np.random.RandomState(0)])
def test_the_random_state_is_an_integer(seed, folder):
    with pytest.raises(ValueError, match="checkpoint needs an integer random_state"):
        few(checkpoint=folder, random_state=seed).fit(X, X[:, 0])
    assert not folder.exists()


def changed(path, **changes):
    arrays, facts = checkpoint.read(path)
    facts |= {name: facts_of for name, facts_of in changes.items() if name in facts}
    arrays |= {name: array for name, array in changes.items() if name not in facts}
    checkpoint.write(path, arrays, facts)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"parameters": np.zeros(3, np.float32)}, "damaged: its parameters are float32"),
        ({"best_epoch": 99}, "damaged: its best epoch is 99"),
        ({"best_epoch": "1"}, "damaged: its best epoch is '1'"),
        ({"figures": []}, "damaged"),
        ({"figures": ["cost", "more"]}, "damaged"),
        ({"history.cost": np.zeros(0)}, "damaged: its figures"),
        ({"network": 1}, "not a checkpoint of network 0"),
        ({"fit": 3}, "not a checkpoint of network 0"),
    ],
)
def test_entries_that_do_not_fit_are_refused(changes, words, folder):
    few(checkpoint=folder).fit(X, X[:, 0])
    changed(folder / "network-0.npz", **changes)
    with pytest.raises(ValueError, match=words):
        few(checkpoint=folder).fit(X, X[:, 0])


def test_damaged_files_are_refused(folder):
    few(checkpoint=folder).fit(X, X[:, 0])
    path = folder / "network-0.npz"
    whole = path.read_bytes()
    for content in (b"", whole[:100], whole[:-1], b"x" * len(whole)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is not a checkpoint, or damaged"):
            few(checkpoint=folder).fit(X, X[:, 0])


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        few(checkpoint=tmp_path / "file").fit(X, X[:, 0])


def test_copies_and_files_do_not_hold_checkpoints(folder, tmp_path):
    model = few(checkpoint=str(folder)).fit(X, X[:, 0])
    assert pickle.loads(pickle.dumps(model)).checkpoint == str(folder)
    with pytest.warns(UserWarning, match="^checkpoint: a file cannot hold"):
        model.save(tmp_path / "model")
    assert str(folder).encode() not in Path(tmp_path / "model").read_bytes()
    assert pynn.TabularRegressor.load(tmp_path / "model").checkpoint is None
