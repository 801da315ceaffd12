"""Checkpoints: a fit that goes on from any of its epochs ends with the same bits as one that was
never stopped, whatever the rule, the schedule, the random source and what decides when to stop."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
from long import IS_LONG
from mlp_cases import BOTH, DATA, X_IRIS, Y_IRIS, flat
from scipy import sparse

import pynn
from pynn.callbacks import Checkpoint, EarlyStopping
from pynn.training import checkpoint

N = 8  # epochs

CASES = {
    "adam": {},
    "sgd": {"solver": "sgd", "learning_rate": "invscaling", "batch_size": 40},
    "sgd without momentum": {"solver": "sgd", "momentum": 0.0, "shuffle": False},
    "adamw": {"solver": "adamw", "learning_rate": pynn.OneCycle(N)},
    "rmsprop": {"solver": "rmsprop", "learning_rate": pynn.CosineRestarts(3)},
    "rprop": {"solver": "rprop"},
    "plateau": {"learning_rate": pynn.ReduceOnPlateau(patience=1, tol=0.2)},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "n_iter_no_change": 1, "tol": 0.1},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3},
    "by loss": {"early_stopping": True, "scoring": "loss", "n_iter_no_change": 2, "tol": 0.02},
    "dropout": {"dropout": 0.3, "hidden_layer_sizes": (8, 6), "batch_size": 16},
    "limits": {"max_norm": 0.9, "clip_norm": 0.1},
    "penalties": {"l1": 0.1, "alpha": (0.1, 1.0)},
    "callback": {"callbacks": [EarlyStopping(patience=2, tol=0.04)]},
    "float32": {"dtype": "float32"},
}


@pytest.fixture(autouse=True)
def few_epochs_are_meant():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Stochastic Optimizer: Maximum iterations")
        yield


def model(Estimator, checkpoint=None, **parameters):
    settings = {"hidden_layer_sizes": (9,), "random_state": 4, "max_iter": N} | parameters
    if checkpoint:
        settings["callbacks"] = [checkpoint, *settings.get("callbacks", [])]
    return Estimator(**settings)


def assert_same(one, other):
    assert flat(one).tobytes() == flat(other).tobytes()
    for name in ("loss_curve_", "history_", "n_iter_", "t_", "best_loss_", "stopped_early_"):
        assert getattr(one, name) == getattr(other, name), name
    assert one.validation_scores_ == other.validation_scores_
    assert one.best_validation_score_ == other.best_validation_score_


@BOTH
@pytest.mark.parametrize("case", CASES)
def test_from_any_epoch_the_same_bits(Estimator, case, tmp_path):
    X, y = DATA[Estimator]
    straight = model(Estimator, **CASES[case]).fit(X, y)
    kept = model(Estimator, Checkpoint(tmp_path / "{epoch}.npz"), **CASES[case]).fit(X, y)
    assert_same(kept, straight)
    files = sorted(tmp_path.iterdir())
    assert len(files) == straight.n_iter_ > 1
    for file in files if IS_LONG else files[1::4]:
        resumed = model(Estimator, Checkpoint(file, resume=True), **CASES[case]).fit(X, y)
        assert_same(resumed, straight)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(3), 2**32 - 1])
def test_from_any_random_source(random_state, tmp_path):
    path = tmp_path / "fit.npz"
    each = Checkpoint(tmp_path / "{epoch}.npz")
    kept = model(pynn.MLPClassifier, each, random_state=random_state).fit(X_IRIS, Y_IRIS)
    os.replace(tmp_path / "3.npz", path)
    resumed = model(pynn.MLPClassifier, Checkpoint(path, resume=True), random_state=random_state)
    assert_same(resumed.fit(X_IRIS, Y_IRIS), kept)


def test_the_global_random_source_is_not_set_back(tmp_path):
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)
    model(pynn.MLPClassifier, keep, random_state=None, max_iter=2).fit(X_IRIS, Y_IRIS)
    before = np.random.get_state()[1].copy()
    model(pynn.MLPClassifier, keep, random_state=None).fit(X_IRIS, Y_IRIS)
    assert np.array_equal(np.random.get_state()[1], before)


def test_a_longer_fit_goes_on_where_a_shorter_one_ended(tmp_path):
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)
    for max_iter in (2, 5, N):
        last = model(pynn.MLPClassifier, keep, max_iter=max_iter).fit(X_IRIS, Y_IRIS)
    assert_same(last, model(pynn.MLPClassifier).fit(X_IRIS, Y_IRIS))


def test_blocks_of_rows_too(tmp_path):
    blocks = [(X_IRIS[i::3], Y_IRIS[i::3]) for i in range(3)]
    straight = model(pynn.MLPClassifier, dropout=0.2).fit_batches(blocks)
    model(pynn.MLPClassifier, Checkpoint(tmp_path / "{epoch}"), dropout=0.2).fit_batches(blocks)
    again = model(pynn.MLPClassifier, Checkpoint(tmp_path / "5", resume=True), dropout=0.2)
    assert_same(again.fit_batches(blocks), straight)


def test_a_killed_process_loses_an_epoch_at_the_most(tmp_path):
    path = tmp_path / "fit.npz"
    script = textwrap.dedent(f"""
        import os, signal
        from sklearn.datasets import load_iris
        from sklearn.preprocessing import scale
        import pynn
        from pynn.callbacks import Checkpoint
        def die(state):
            if state.epoch == 5:
                os.kill(os.getpid(), signal.SIGKILL)
        X, y = load_iris(return_X_y=True)
        pynn.MLPClassifier((9,), random_state=4, max_iter={N},
                           callbacks=[die, Checkpoint({str(path)!r})]).fit(scale(X), y)
    """)
    done = subprocess.run([sys.executable, "-P", "-c", script])
    assert done.returncode == -signal.SIGKILL
    resumed = model(pynn.MLPClassifier, Checkpoint(path, resume=True)).fit(X_IRIS, Y_IRIS)
    assert_same(resumed, model(pynn.MLPClassifier).fit(X_IRIS, Y_IRIS))


def test_every_so_many_epochs(tmp_path):
    model(pynn.MLPClassifier, Checkpoint(tmp_path / "{epoch}", every=3)).fit(X_IRIS, Y_IRIS)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["3", "6"]


def test_without_resume_a_fit_starts_anew(tmp_path):
    keep = Checkpoint(tmp_path / "fit.npz")
    for _ in range(2):
        assert model(pynn.MLPClassifier, keep, max_iter=2).fit(X_IRIS, Y_IRIS).n_iter_ == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden_layer_sizes": (8,)}, r"hidden_layer_sizes \(9,\), not \(8,\)"),
        ({"alpha": 1.0}, "alpha 0.0001, not 1.0"),
        ({"early_stopping": True}, "early_stopping False, not True"),
    ],
)
def test_the_checkpoint_of_another_fit_is_refused(change, words, tmp_path):
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)
    model(pynn.MLPClassifier, keep, max_iter=2).fit(X_IRIS, Y_IRIS)
    other = model(pynn.MLPClassifier, keep, **change)
    with pytest.raises(ValueError, match=f"is from a fit with {words}"):
        other.fit(X_IRIS, Y_IRIS)
    with pytest.raises(ValueError, match="is from a fit with X"):
        model(pynn.MLPClassifier, keep).fit(X_IRIS[1:], Y_IRIS[1:])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("X", lambda X, y, w: (X[::-1], y, w)),
        ("y", lambda X, y, w: (X, y[::-1], w)),
        ("weights", lambda X, y, w: (X, y, w[::-1])),
        ("X", lambda X, y, w: (sparse.csr_array(X), y, w)),
    ],
)
def test_other_data_of_the_same_shape_are_refused(name, change, tmp_path):
    """As in a cross-validation, where the second fold would else go on with the first one's fit."""
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)
    data = X_IRIS, Y_IRIS, np.arange(150.0)
    model(pynn.MLPClassifier, keep, max_iter=2).fit(*data)
    with pytest.raises(ValueError, match=f"is from a fit with {name} .*checksum"):
        model(pynn.MLPClassifier, keep).fit(*change(*data))


def test_another_eval_set_is_refused(tmp_path):
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)
    data = X_IRIS, Y_IRIS
    model(pynn.MLPClassifier, keep, max_iter=2).fit(*data, eval_set=(X_IRIS, Y_IRIS))
    for eval_set in (None, (X_IRIS[1:], Y_IRIS[1:])):
        with pytest.raises(ValueError, match="is from a fit with an eval_set"):
            model(pynn.MLPClassifier, keep).fit(*data, eval_set=eval_set)


def test_layout_and_kinds_of_numbers_do_not_matter(tmp_path):
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)
    model(pynn.MLPClassifier, keep, max_iter=2).fit(X_IRIS, Y_IRIS)
    same = model(pynn.MLPClassifier, keep, alpha=np.float64(0.0001), random_state=np.int64(4))
    same.fit(np.asfortranarray(X_IRIS), Y_IRIS.tolist())
    assert_same(same, model(pynn.MLPClassifier).fit(X_IRIS, Y_IRIS))
    with pytest.raises(ValueError, match="is from a fit with random_state 4, not 5"):
        model(pynn.MLPClassifier, keep, random_state=5).fit(X_IRIS, Y_IRIS)


def test_a_function_is_the_same_in_another_process(tmp_path):
    def make():  # each time another object
        def negated_loss(estimator, X, y):
            return -1.0

        keep = Checkpoint(tmp_path / "fit.npz", resume=True)
        return model(pynn.MLPClassifier, keep, early_stopping=True, scoring=negated_loss)

    make().set_params(max_iter=2).fit(X_IRIS, Y_IRIS)
    assert make().fit(X_IRIS, Y_IRIS).n_iter_ == N


def test_of_several_files_the_last_epoch_s_is_gone_on_with(tmp_path):
    (tmp_path / "[a]").mkdir()
    (tmp_path / "[a]" / "other.npz").touch()
    keep = Checkpoint(tmp_path / "[a]" / "{epoch}.npz", resume=True)
    model(pynn.MLPClassifier, keep, max_iter=11).fit(X_IRIS, Y_IRIS)
    files = {file: file.stat().st_mtime_ns for file in (tmp_path / "[a]").iterdir()}
    assert keep.latest() == tmp_path / "[a]" / "11.npz"
    resumed = model(pynn.MLPClassifier, keep, max_iter=13).fit(X_IRIS, Y_IRIS)
    assert_same(resumed, model(pynn.MLPClassifier, max_iter=13).fit(X_IRIS, Y_IRIS))
    assert all(file.stat().st_mtime_ns == time for file, time in files.items())


def test_files_that_are_no_checkpoints_are_refused(tmp_path):
    path = tmp_path / "fit.npz"
    path.write_text(json.dumps({"fit": {}}))
    resumed = model(pynn.MLPClassifier, Checkpoint(path, resume=True))
    with pytest.raises(ValueError, match=r"fit\.npz"):
        resumed.fit(X_IRIS, Y_IRIS)
    checkpoint.write(path, {}, {"some": "facts"})
    with pytest.raises(ValueError, match="is not a checkpoint of a fit"):
        resumed.fit(X_IRIS, Y_IRIS)
    assert not hasattr(resumed, "coefs_")


def test_what_cannot_be_resumed(tmp_path):
    with pytest.raises(ValueError, match="L-BFGS cannot resume"):
        model(pynn.MLPClassifier, Checkpoint(tmp_path / "x"), solver="lbfgs").fit(X_IRIS, Y_IRIS)
    with pytest.raises(TypeError):
        Checkpoint(3)
    with pytest.raises(ValueError, match="every"):
        Checkpoint("x", every=0)
