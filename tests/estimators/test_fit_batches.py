"""fit_batches: learning from data that come in blocks."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from counted import Counted
from mlp_cases import BOTH, DATA, X_DIABETES, X_IRIS, Y_DIABETES, Y_IRIS, flat, small
from scipy import sparse

import pynn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def blocks(X, y, n=4, *weights):
    cuts = np.array_split(np.arange(len(X)), n)
    return [tuple(array[cut] for array in (X, y, *weights)) for cut in cuts]


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd", "adamw", "rmsprop"])
@pytest.mark.parametrize("settings", [{"max_iter": 1}, {"shuffle": False}])
def test_one_block_is_a_fit(Estimator, solver, settings):
    X, y = DATA[Estimator]
    settings = settings | {"solver": solver, "batch_size": 32}
    fitted = small(Estimator, **settings).fit(X, y)
    streamed = small(Estimator, **settings).fit_batches([(X, y)])
    assert np.array_equal(flat(streamed), flat(fitted))
    assert streamed.loss_curve_ == pytest.approx(fitted.loss_curve_, rel=1e-15)


@BOTH
def test_without_shuffling_blocks_of_whole_batches_are_a_fit(Estimator):
    X, y = (array[:128] for array in DATA[Estimator])
    settings = {"batch_size": 16, "shuffle": False}
    fitted = small(Estimator, **settings).fit(X, y)
    first = {"classes": [0, 1, 2]} if Estimator is pynn.MLPClassifier else {}
    if first:
        y = Y_IRIS[:128]
    streamed = small(Estimator, **settings).fit_batches(blocks(X, y, 4), **first)
    assert np.array_equal(flat(streamed), flat(fitted))
    np.testing.assert_allclose(streamed.loss_curve_, fitted.loss_curve_)
    assert streamed.t_ == fitted.t_


@BOTH
def test_weights_and_sparse_blocks(Estimator):
    X, y = DATA[Estimator]
    weights = np.arange(len(X)) % 3.0
    settings = {"batch_size": 16, "shuffle": False, "max_iter": 3}
    dense = small(Estimator, **settings).fit_batches(blocks(X, y, 3, weights))
    thin = [(sparse.csr_array(X), y, w) for X, y, w in blocks(X, y, 3, weights)]
    np.testing.assert_allclose(flat(small(Estimator, **settings).fit_batches(thin)), flat(dense))
    plain = small(Estimator, **settings).fit_batches(blocks(X, y, 3))
    assert not np.allclose(flat(plain), flat(dense))


def test_classes_that_come_late_are_found_first():
    assert Y_IRIS[:37].max() == 0
    model = small(pynn.MLPClassifier).fit_batches(blocks(X_IRIS, Y_IRIS))
    assert model.classes_.tolist() == [0, 1, 2]
    names = np.array(["setosa", "versicolor", "virginica"])[Y_IRIS]
    named = small(pynn.MLPClassifier).fit_batches(blocks(X_IRIS, names))
    assert np.array_equal(flat(named), flat(model))
    assert set(named.predict(X_IRIS)) <= set(names)
    given = small(pynn.MLPClassifier).fit_batches(blocks(X_IRIS, Y_IRIS), classes=[0, 1, 2])
    assert np.array_equal(flat(given), flat(model))


def test_several_labels():
    Y = np.column_stack([Y_IRIS == 0, Y_IRIS > 0, Y_IRIS == 2]).astype(int)
    model = small(pynn.MLPClassifier).fit_batches(blocks(X_IRIS, Y))
    assert model.predict(X_IRIS).shape == Y.shape


def test_early_stopping_goes_by_the_eval_set():
    held_out = X_IRIS[::3], Y_IRIS[::3]
    model = small(pynn.MLPClassifier, early_stopping=True, max_iter=400, learning_rate_init=0.05)
    model.fit_batches(blocks(X_IRIS, Y_IRIS), eval_set=held_out)
    assert model.stopped_early_
    assert model.score(*held_out) == model.best_validation_score_
    with pytest.raises(ValueError, match="fit_batches needs an eval_set"):
        model.fit_batches(blocks(X_IRIS, Y_IRIS))


def test_a_schedule_sets_the_rate_once_an_epoch():
    seen = []
    model = small(pynn.MLPClassifier, learning_rate=pynn.StepDecay(2, 0.5))
    model.set_params(callbacks=[lambda state: seen.append(state.n_samples)])
    model.fit_batches(blocks(X_IRIS, Y_IRIS))
    rates = [0.001, 0.001, 0.0005, 0.0005, 0.00025]
    assert model.history_["learning_rate"] == pytest.approx(rates)
    assert seen == [150] * 5


def test_warm_start_goes_on():
    source = blocks(X_DIABETES, Y_DIABETES)
    model = small(pynn.MLPRegressor, warm_start=True).fit_batches(source).fit_batches(source)
    assert len(model.loss_curve_) == 10


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        ([], ValueError, "yielded none"),
        (iter(blocks(X_IRIS, Y_IRIS)), TypeError, "re-iterable|only once|iterator"),
        ([X_IRIS], (TypeError, ValueError), "block"),
        ([(X_IRIS, Y_IRIS), (X_IRIS[:, 1:], Y_IRIS)], ValueError, "X has 3 features"),
        ([(X_IRIS, Y_IRIS[1:])], ValueError, "rows|lengths|samples"),
        ([(X_IRIS * np.nan, Y_IRIS)], ValueError, "NaN"),
    ],
)
def test_bad_sources_are_refused_and_the_estimator_is_as_it_was(source, error, words):
    model = small(pynn.MLPClassifier)
    with pytest.raises(error, match=words):
        model.fit_batches(source)
    assert vars(model) == vars(small(pynn.MLPClassifier))


@BOTH
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_one_block_is_in_memory_at_a_time(Estimator, dtype):
    """As it is given, and where it is converted."""
    source = Counted(blocks(*DATA[Estimator]))
    small(Estimator, dtype=dtype).fit_batches(source)
    assert set(source.made) == {0}


def test_an_epoch_reads_the_source_once():
    """Beside the first block, which is looked at before; or all, where classes are searched."""
    source = Counted(blocks(X_IRIS, Y_IRIS))
    small(pynn.MLPClassifier, max_iter=3).fit_batches(source, classes=[0, 1, 2])
    assert (source.begun, len(source.made)) == (1 + 3, 1 + 3 * 4)
    source = Counted(blocks(X_IRIS, Y_IRIS))
    small(pynn.MLPClassifier, max_iter=3).fit_batches(source)
    assert (source.begun, len(source.made)) == (2 + 3, 4 + 1 + 3 * 4)


# Prints by how many MB the peak has risen, and what is no page of a file.
RISE = """
import sys, warnings
import numpy as np, pynn

def status(name):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1000

X, y = sys.argv[1:]
warnings.simplefilter("ignore")
mlp = pynn.MLPClassifier((10,), max_iter=2, n_threads=1)
mlp.fit(np.ones((500, 2), np.float32), [0, 1] * 250)  # which loads what there is to be loaded
before = status("VmHWM")
mlp.fit_batches(pynn.NpyBlocks(X, y))
print(status("VmHWM") - before)
before = status("RssAnon")
seen = []
mlp.set_params(callbacks=[lambda state: seen.append(status("RssAnon"))])
mlp.fit(np.load(X, mmap_mode="r"), np.load(y))
print(max(seen) - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_file_takes_the_memory_of_a_block_and_a_memory_map_is_not_copied(tmp_path):
    n_rows, n_features = 200_000, 250
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, (n_rows, n_features))
    X[:] = np.arange(n_features)
    np.save(tmp_path / "y.npy", np.arange(n_rows) % 2)
    rows = pynn.NpyBlocks(tmp_path / "X.npy", tmp_path / "y.npy").rows
    files = [str(tmp_path / name) for name in ("X.npy", "y.npy")]
    command = [sys.executable, "-P", "-c", RISE, *files]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    streamed, mapped = map(float, out.split())
    assert X.nbytes == 200e6
    assert streamed < rows * n_features * 4 / 1e6 + 30, out
    assert mapped < 40, out


def test_what_it_is_not_for():
    with pytest.raises(ValueError, match='not "lbfgs"'):
        small(pynn.MLPRegressor, solver="lbfgs").fit_batches(blocks(X_DIABETES, Y_DIABETES))
    with pytest.raises(TypeError, match="classes"):
        small(pynn.MLPRegressor).fit_batches(blocks(X_DIABETES, Y_DIABETES), classes=[1])
    with pytest.raises(ValueError, match="needs all of the data"):
        small(pynn.MLPClassifier, class_weight="balanced").fit_batches(blocks(X_IRIS, Y_IRIS))


def test_a_block_that_is_shorter_than_a_batch_is_no_matter_for_a_warning():
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Got `batch_size`")
        small(pynn.MLPRegressor, batch_size=400).fit_batches(blocks(X_DIABETES, Y_DIABETES))


def test_rprop_goes_through_a_block_at_once_unless_it_is_told_otherwise():
    X, y = np.tile(X_DIABETES, (2, 1)), np.tile(Y_DIABETES, 2)  # more rows than "auto" else takes
    fitted = small(pynn.MLPRegressor, solver="rprop", shuffle=False).fit(X, y)
    streamed = small(pynn.MLPRegressor, solver="rprop", shuffle=False).fit_batches([(X, y)])
    assert np.array_equal(flat(streamed), flat(fitted))
