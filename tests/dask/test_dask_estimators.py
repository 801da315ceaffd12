"""The estimators of pynn.dask are scikit-learn's, beyond fit."""

import pickle
import re

import dask.array as da
import joblib
import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingRandomSearchCV, cross_val_score

import pynn
import pynn.dask

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*iterations .* reached:sklearn.exceptions.ConvergenceWarning"
)


@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_they_have_the_parameters_of_one_machine_and_some_more(name):
    found, alone = getattr(pynn.dask, name)(), getattr(pynn, name)()
    more = {"n_shards": None, "sync_every": None, "average": "parameters", "warm_up": 0}
    assert found.get_params() == alone.get_params() | more
    assert repr(clone(found).set_params(n_shards=3)) == f"{name}(n_shards=3)"
    assert is_classifier(found) == is_classifier(alone)
    assert is_regressor(found) == is_regressor(alone)


def test_pickles_and_files(rows, collections, tmp_path):
    pytest.importorskip("safetensors")
    mlp = pynn.dask.MLPClassifier((4,), max_iter=2, random_state=0, n_shards=2).fit(*collections)
    mlp.save(tmp_path / "mlp.safetensors")
    mlp.to_local().save(tmp_path / "alone.safetensors")
    for twin in (
        pickle.loads(pickle.dumps(mlp)),
        pynn.dask.MLPClassifier.load(tmp_path / "mlp.safetensors"),
        pynn.MLPClassifier.load(tmp_path / "alone.safetensors"),
    ):
        assert np.array_equal(twin.predict_proba(rows[0]), mlp.predict_proba(rows[0]))


def test_the_table_of_epochs_has_the_share_of_the_core(collections, capsys):
    mlp = pynn.dask.MLPClassifier((4,), max_iter=3, random_state=0, verbose=1).fit(*collections)
    assert "core_share" in capsys.readouterr().out
    assert all(0 < share <= 1 for share in mlp.history_["core_share"])


def test_progress_is_shown_by_rounds(collections, capsys, monkeypatch):
    monkeypatch.setattr("pynn.dask.learner._RECEIVED_EVERY", 0.0)
    settings = {"max_iter": 1, "random_state": 0, "batch_size": 50, "sync_every": 2}
    pynn.dask.MLPClassifier((4,), verbose=1, **settings).fit(*collections)
    lines = [line for line in capsys.readouterr().out.splitlines() if "round" in line]
    pattern = r"iteration 1: round (\d)/3  [\d,]+ rows/s  \d+% in the core"
    assert [re.fullmatch(pattern, line)[1] for line in lines] == ["1", "2"]  # the table has the 3rd


def test_so_is_a_live_bar(collections, capsys, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr("pynn.dask.learner._RECEIVED_EVERY", 0.0)
    completed, bar = [], pynn.training.progress.EpochBar.round_ended

    def noted(self, *given):
        bar(self, *given)
        completed.append(self._bar.tasks[0].completed)

    monkeypatch.setattr(pynn.training.progress.EpochBar, "round_ended", noted)
    settings = {"max_iter": 2, "random_state": 0, "batch_size": 50, "sync_every": 0.25}
    pynn.dask.MLPClassifier((4,), verbose=2, **settings).fit(*collections)
    assert completed == [0.2, 0.4, 0.6, 0.8, 1.2, 1.4, 1.6, 1.8]


def test_adaptive_steps_are_scaled_for_small_mini_batches(collections):
    """The first step of Adam is as long as its rate."""
    found = {}
    for batch_size in ("auto", 50):  # of four shards
        mlp = pynn.dask.MLPClassifier((4,), max_iter=1, random_state=0, batch_size=batch_size)
        mlp.set_params(sync_every=1, learning_rate_init=0.001, shuffle=False)
        found[batch_size] = mlp.fit(*collections)
    assert found["auto"].loss_ < found[50].loss_
    assert found["auto"].history_["learning_rate"] == [0.001]
    for solver in ("sgd", "adamw", "rmsprop"):
        mlp = pynn.dask.MLPClassifier((4,), max_iter=1, solver=solver).fit(*collections)
        assert np.isfinite(mlp.loss_)


def test_a_search_runs_on_the_cluster(client, rows):
    settings = {"max_iter": 3, "n_threads": 1, "random_state": 0}
    grid = {"alpha": [0.1, 1.0]}
    with joblib.parallel_config("dask"):
        found = GridSearchCV(pynn.MLPClassifier((4,), **settings), grid, cv=2).fit(*rows)
    alone = GridSearchCV(pynn.MLPClassifier((4,), **settings), grid, cv=2).fit(*rows)
    scores = found.cv_results_["mean_test_score"]
    assert np.array_equal(scores, alone.cv_results_["mean_test_score"])


def test_so_do_cross_validation_and_successive_halving(client, rows):
    mlp = pynn.MLPClassifier((4,), max_iter=3, n_threads=1, random_state=0)
    search = HalvingRandomSearchCV(mlp, {"alpha": [0.1, 1.0, 10.0]}, n_candidates=3, cv=2)
    search.set_params(random_state=0)
    found = []
    for backend in ("dask", "threading"):
        with joblib.parallel_config(backend):
            scores = cross_val_score(mlp, *rows, cv=3)
            found.append((scores, clone(search).fit(*rows).cv_results_["mean_test_score"]))
    assert np.array_equal(found[0][0], found[1][0])
    assert np.array_equal(found[0][1], found[1][1])


def test_tasks_take_one_thread_unless_told(client, rows):
    from pynn.dask.estimators import _threads

    assert _threads(pynn.dask.MLPClassifier()) == 1
    assert _threads(pynn.dask.MLPClassifier(n_threads=2)) == 2
    arrays = da.from_array(rows[0], chunks=(300, -1)), da.from_array(rows[1], chunks=300)
    found = [
        pynn.dask.MLPClassifier((4,), max_iter=2, random_state=0, n_threads=n).fit(*arrays)
        for n in (None, 2)
    ]
    assert np.array_equal(*(mlp.network_.parameters for mlp in found))
