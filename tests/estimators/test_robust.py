"""MLPClassifier and MLPRegressor: what is kept, what ends a fit early, and bad input."""

import copy
import gc
import os
import pickle
import re
import signal
import threading
import time
import weakref

import joblib
import numpy as np
import pytest
from mlp_cases import (
    BOTH,
    DATA,
    SOLVERS,
    X_DIABETES,
    X_IRIS,
    Y_DIABETES,
    Y_IRIS,
    flat,
    one_thread,  # noqa: F401 (a fixture)
    small,
)
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import pynn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


# What is kept


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_pickles_predict_the_same_bits(Estimator, solver, tmp_path):
    X, y = DATA[Estimator]
    model = small(Estimator, solver=solver).fit(X, y)
    joblib.dump(model, tmp_path / "model")
    copies = {
        "pickle": pickle.loads(pickle.dumps(model)),
        "deepcopy": copy.deepcopy(model),
        "joblib": joblib.load(tmp_path / "model"),
        "joblib, mapped": joblib.load(tmp_path / "model", mmap_mode="r"),
    }
    for name, copied in copies.items():
        np.testing.assert_array_equal(copied.predict(X), model.predict(X), err_msg=name)
        if solver != "lbfgs":
            copied.partial_fit(X, y)
    np.testing.assert_array_equal(flat(model), flat(small(Estimator, solver=solver).fit(X, y)))


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_pickle_goes_on_with_partial_fit(Estimator, solver, tmp_path):
    X, y = DATA[Estimator]
    options = dict(solver=solver, learning_rate="invscaling")
    first = {"classes": np.unique(y)} if Estimator is pynn.MLPClassifier else {}
    straight = small(Estimator, **options).partial_fit(X, y, **first)
    joblib.dump(straight, tmp_path / "model")
    for mode in (None, "r"):
        paused = joblib.load(tmp_path / "model", mmap_mode=mode).partial_fit(X, y).partial_fit(X, y)
        expected = copy.deepcopy(straight).partial_fit(X, y).partial_fit(X, y)
        np.testing.assert_array_equal(flat(paused), flat(expected))
        assert paused.network_._descent.learning_rate == expected.network_._descent.learning_rate


@BOTH
def test_pickles_are_lean(Estimator):
    """Weights and little else; two more numbers for each weight where partial_fit goes on.

    What a call of it adds are its figures, a number for each list.
    """
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(500, 50)), np.arange(500) % 3
    model = Estimator(hidden_layer_sizes=(300,), max_iter=2).fit(X, y)
    n_bytes = flat(model).nbytes
    assert len(pickle.dumps(model)) < n_bytes + 3000
    size = len(pickle.dumps(model.partial_fit(X, y)))
    assert 3 * n_bytes < size < 3 * n_bytes + 3500
    for _ in range(10):
        model.partial_fit(X, y)
    grown = len(pickle.dumps(model)) - size
    assert grown <= 10 * 9 * len([model.loss_curve_, *model.history_.values()])
    assert len(pickle.dumps(model.set_params(keep_optimizer=False))) < n_bytes + 3500


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_the_data_are_let_go(Estimator, solver):
    X, y = (array.copy() for array in DATA[Estimator])
    model = small(Estimator, solver=solver).fit(X, y)
    watched = [weakref.ref(array) for array in (X, y)]
    del X, y
    gc.collect()
    assert [ref() for ref in watched] == [None, None]
    assert model.n_iter_ == 5


# Interruption and divergence


@pytest.fixture
def interrupt(ctrl_c_raises):
    """A function that sends Ctrl-C to a fit after three iterations, or after half a second where
    the iterations are the core's and nobody sees them."""
    threads = []

    def wait_and_send(model):
        end = time.monotonic() + 0.5
        while getattr(model, "n_iter_", 0) < 3 and time.monotonic() < end:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    def start(model):
        threads.append(threading.Thread(target=wait_and_send, args=[model]))
        threads[0].start()

    yield start
    threads[0].join()


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("solver", SOLVERS)
def test_ctrl_c_keeps_what_was_learned(Estimator, solver, early_stopping, interrupt):
    X, y = DATA[Estimator]
    y = np.random.default_rng(0).permutation(y)  # there is nothing to find: it takes long
    options = dict(solver=solver, early_stopping=early_stopping, hidden_layer_sizes=(50, 50))
    forever = dict(max_iter=10**9, tol=0, n_iter_no_change=np.inf, alpha=0, max_fun=10**9)
    model = small(Estimator, **options, **forever)
    interrupt(model)
    with pytest.warns(UserWarning, match=r"^Training interrupted by user\.$"):
        model.fit(X, y)
    assert 3 <= model.n_iter_ < 10**9
    assert np.isfinite(model.predict(X)).all()
    if early_stopping and solver != "lbfgs":
        best = model.validation_scores_.index(model.best_validation_score_) + 1
        until_then = small(Estimator, **options, **forever).set_params(max_iter=best).fit(X, y)
        np.testing.assert_array_equal(flat(model), flat(until_then))


NOT_FINITE = "Solver produced non-finite parameter weights"


@BOTH
def test_a_fit_that_diverges_is_no_fit(Estimator):
    X, y = DATA[Estimator]
    options = dict(solver="sgd", learning_rate_init=1e308, activation="identity")
    model = small(Estimator, **options)
    with pytest.raises(ValueError, match=NOT_FINITE):
        model.fit(X, y)
    with pytest.raises(NotFittedError):
        model.predict(X)


@BOTH
@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_a_partial_fit_that_diverges_leaves_the_model_as_it_was(Estimator, solver):
    X, y = DATA[Estimator]
    first = {"classes": np.unique(y)} if Estimator is pynn.MLPClassifier else {}
    model = small(Estimator, solver=solver, activation="identity").partial_fit(X, y, **first)
    twin = copy.deepcopy(model)
    with pytest.raises(ValueError, match=NOT_FINITE):
        model.partial_fit(np.full_like(X, 1.7e308), y)
    for each in (model, twin):
        each.partial_fit(X, y)
    np.testing.assert_array_equal(flat(model), flat(twin))


def test_early_stopping_keeps_the_best_before_divergence():
    options = dict(solver="sgd", activation="identity", early_stopping=True, batch_size=20)
    model = small(pynn.MLPRegressor, max_iter=20, **options).set_params(learning_rate_init=1.0)
    with pytest.warns(ConvergenceWarning, match=f"{NOT_FINITE}.*best validation score are kept"):
        model.fit(X_DIABETES, Y_DIABETES)
    assert np.isnan(model.validation_scores_[-1])
    assert np.isnan(model.loss_curve_[-1])
    assert len(model.validation_scores_) == len(model.loss_curve_) == model.n_iter_ < 20
    assert np.isfinite(model.predict(X_DIABETES)).all()


def test_verbose_prints_a_line_for_each_iteration(capsys):
    for solver in SOLVERS:
        model = small(pynn.MLPClassifier, solver=solver, verbose=True).fit(X_IRIS, Y_IRIS)
        heading, *lines = capsys.readouterr().out.splitlines()
        assert heading.split()[:2] == ["Iteration", "loss"]
        assert [line.split()[0] for line in lines] == [f"{i}/5" for i in range(1, 6)]
        assert lines[-1].split()[1] == f"{model.loss_:#.5g}"


# Bad input

PARAMETERS = {  # name: values that are refused
    "hidden_layer_sizes": [0, -3, "many", None],
    "activation": ["step", None],
    "solver": ["newton", None],
    "alpha": [-1e-4, "small"],
    "batch_size": [0, 1.5, "full"],
    "learning_rate": ["cosine"],
    "learning_rate_init": [0, -1.0],
    "power_t": [-0.5],
    "max_iter": [0, 2.5],
    "shuffle": ["yes"],
    "random_state": [-1, "dice"],
    "tol": [-1.0],
    "verbose": ["loud"],
    "warm_start": ["yes"],
    "momentum": [-0.1, 1.1],
    "nesterovs_momentum": ["yes"],
    "early_stopping": ["yes"],
    "validation_fraction": [-0.1, 1.0],
    "beta_1": [-0.1, 1.0],
    "beta_2": [-0.1, 1.0],
    "epsilon": [0.0],
    "n_iter_no_change": [0, 2.5],
    "max_fun": [0],
    "n_threads": [0, 1.5, "all"],
    "n_members": [0, -1, 2.5, "2", None],
    "scoring": [3],
    "callbacks": [print],
    "dropout": [-0.1, 1.0],
    "l1": [-1.0],
    "max_norm": [0, "short"],
    "clip_norm": [0, "short"],
    "weight_decay": [-0.1],
    "rho": [-0.1, 1.0],
    "dtype": ["float16", np.float32],
    "keep_optimizer": ["yes"],
    "class_weight": ["heavy", 2.0],
    "label_smoothing": [-0.1, 1.0],
    "loss": ["hinge"],
    "quantile": [0.0, 1.0],
    "delta": [0.0],
    "output_activation": ["softmax", None],
}
OF_ONE = {  # parameters that only one of the two has
    pynn.MLPClassifier: {"class_weight", "label_smoothing"},
    pynn.MLPRegressor: {"loss", "quantile", "delta", "output_activation"},
}


@pytest.mark.parametrize(
    ("Estimator", "name"), [(E, name) for E in OF_ONE for name in sorted(E().get_params())]
)
def test_bad_parameters(Estimator, name):
    X, y = DATA[Estimator]
    for value in PARAMETERS[name]:
        with pytest.raises(
            ValueError,
            match=f"'{name}' parameter of {Estimator.__name__}.*Got {re.escape(repr(value))}",
        ):
            Estimator(**{name: value}).fit(X, y)


@BOTH
@pytest.mark.parametrize(("sizes", "error"), [((5, 0), ValueError), ((5, 2.5), TypeError)])
def test_bad_hidden_layers(Estimator, sizes, error):
    X, y = DATA[Estimator]
    with pytest.raises(error, match=f"{sizes[-1]}"):
        Estimator(hidden_layer_sizes=sizes).fit(X, y)


def changed(array, value, dtype=None):
    array = np.array(array, dtype)
    array.flat[-1] = value
    return array


def damaged(X):
    """A sparse matrix that says it has a column far behind its last."""
    matrix = sparse.csr_array(X)
    matrix.indices[0] = 10**9
    return matrix


BAD_DATA = {  # what is wrong: (X, y, sample_weight) from good ones, words of the message
    "NaN in X": (lambda X, y, w: (changed(X, np.nan), y, w), "NaN"),
    "infinity in X": (lambda X, y, w: (changed(X, np.inf), y, w), "infinity"),
    "NaN in sparse X": (lambda X, y, w: (sparse.csr_array(changed(X, np.nan)), y, w), "NaN"),
    "damaged sparse X": (lambda X, y, w: (damaged(X), y, w), "X.indices must be from 0"),
    "COO X": (lambda X, y, w: (sparse.coo_array(changed(X, np.nan)), y, w), "NaN"),
    "letters in X": (lambda X, y, w: (changed(X, "a", object), y, w), "could not convert"),
    "complex X": (lambda X, y, w: (X + 1j, y, w), "Complex data not supported"),
    "one row as a vector": (lambda X, y, w: (X[0], y, w), "2D array"),
    "no rows": (lambda X, y, w: (X[:0], y[:0], w[:0]), "0 sample"),
    "too few targets": (lambda X, y, w: (X, y[1:], w), "inconsistent numbers of samples"),
    "NaN in y": (lambda X, y, w: (X, changed(y, np.nan, float), w), "NaN"),
    "no y": (lambda X, y, w: (X, None, w), "y"),
    "too few weights": (lambda X, y, w: (X, y, w[1:]), "sample_weight"),
    "a negative weight": (lambda X, y, w: (X, y, changed(w, -1)), "negative"),
    "no weight at all": (lambda X, y, w: (X, y, 0 * w), "zero"),
    "NaN for a weight": (lambda X, y, w: (X, y, changed(w, np.nan)), "NaN"),
}


@BOTH
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
@pytest.mark.parametrize("wrong", BAD_DATA)
def test_bad_data(Estimator, solver, wrong):
    X, y = DATA[Estimator]
    spoil, words = BAD_DATA[wrong]
    model = small(Estimator, solver=solver, warm_start=True)
    bad = spoil(X, y, np.ones(len(X)))
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(*bad)
    with pytest.raises(NotFittedError):
        model.predict(X)
    before = flat(model.fit(X, y))
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(*bad)
    np.testing.assert_array_equal(flat(model), before)


@BOTH
def test_bad_rows_to_predict(Estimator):
    X, y = DATA[Estimator]
    model = small(Estimator).fit(X, y)
    for bad, words in [
        (X[:, 1:], f"has {X.shape[1] - 1} features.* expecting {X.shape[1]}"),
        (changed(X, np.nan), "NaN"),
        (X[0], "2D array"),
        (sparse.csr_array(changed(X, np.nan)), "NaN"),
        (sparse.csr_array(X)[:, 1:], f"has {X.shape[1] - 1} features.* expecting {X.shape[1]}"),
        (damaged(X), "X.indices must be from 0"),
    ]:
        with pytest.raises((ValueError, TypeError), match=words):
            model.predict(bad)
    model = small(Estimator).fit(X.astype(np.float32), y)
    with np.errstate(over="ignore"), pytest.raises(ValueError, match="infinity"):
        model.predict(np.abs(X) * 1e300)


def test_counts_are_not_negative():
    with pytest.raises(ValueError, match="y must be at least 0 for poisson"):
        pynn.MLPRegressor("poisson").fit(X_DIABETES, Y_DIABETES)


def test_outputs_stay_as_many_as_they_were():
    model = small(pynn.MLPRegressor, warm_start=True).fit(X_DIABETES, Y_DIABETES)
    with pytest.raises(ValueError, match=r"y must be of shape \(442, 1\)"):
        model.fit(X_DIABETES, np.column_stack([Y_DIABETES] * 2))
    assert model.n_outputs_ == 1


@BOTH
def test_too_little_to_set_aside(Estimator):
    X, y = DATA[Estimator]
    with pytest.raises(ValueError, match=r"validation set is too small.* 1 of 5"):
        Estimator(early_stopping=True).fit(X[::30][:5], y[::30][:5])


@BOTH
def test_without_hidden_layers_there_is_nothing_to_activate(Estimator):
    X, y = DATA[Estimator]
    model = Estimator(hidden_layer_sizes=(), activation=(), max_iter=5, random_state=0).fit(X, y)
    plain = Estimator(hidden_layer_sizes=(), max_iter=5, random_state=0).fit(X, y)
    np.testing.assert_array_equal(flat(model), flat(plain))


@pytest.mark.parametrize("sizes", [np.array(3), ["3"], [[3, 4]], [True], np.array([3.0])])
def test_hidden_layers_are_counted_in_integers(sizes):
    with pytest.raises(TypeError, match="hidden_layer_sizes must be integers, got"):
        small(pynn.MLPClassifier, hidden_layer_sizes=sizes).fit(X_IRIS, Y_IRIS)


@pytest.mark.parametrize("sizes", [range(3, 5), np.array([3, 4]), [np.int64(3), np.uint8(4)]])
def test_sequences_of_hidden_layers(sizes):
    model = small(pynn.MLPClassifier, hidden_layer_sizes=sizes).fit(X_IRIS, Y_IRIS)
    assert [len(b) for b in model.intercepts_] == [3, 4, 3]


# Weights of classes, and settings that change between blocks


def test_a_block_may_lack_classes_that_have_a_weight():
    weights = {0: 2.0, 2: 3.0}
    blocks = [(X_IRIS[:100], Y_IRIS[:100]), (X_IRIS[100:], Y_IRIS[100:])]
    weighted = small(pynn.MLPClassifier, class_weight=weights).fit_batches(blocks)
    counts = np.array([2.0, 1.0, 3.0])
    given = [(X, y, counts[y]) for X, y in blocks]
    expected = small(pynn.MLPClassifier).fit_batches(given)
    np.testing.assert_array_equal(flat(weighted), flat(expected))


@pytest.mark.parametrize("container", [np.array, sparse.csr_array])
def test_a_block_may_lack_labels_that_have_a_weight(container):
    labels = (Y_IRIS[:, np.newaxis] == [0, 2]).astype(int)
    weighted = small(pynn.MLPClassifier, class_weight=[{0: 1.0, 1: 2.0}, {1: 3.0}])
    expected = small(pynn.MLPClassifier)
    for rows in (slice(0, 150), slice(0, 100)):
        X, y = X_IRIS[rows], labels[rows]
        weighted.partial_fit(X, container(y), classes=[0, 1])
        expected.partial_fit(X, y, (1 + y[:, 0]) * (1 + 2 * y[:, 1]), classes=[0, 1])
    np.testing.assert_array_equal(flat(weighted), flat(expected))


def test_a_weight_of_a_class_that_there_is_not():
    model = small(pynn.MLPClassifier, class_weight={0: 2.0, 7: 3.0})
    with pytest.raises(ValueError, match="not in class_weight"):
        model.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])


def steps(model, n=1):
    """How far each parameter goes in some calls of partial_fit."""
    before = flat(model)
    for _ in range(n):
        model.partial_fit(X_IRIS, Y_IRIS)
    return abs(flat(model) - before)


def test_partial_fit_follows_the_settings():
    """scikit-learn goes on with those of the first call, and says nothing."""
    model = small(pynn.MLPClassifier).partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    assert steps(model).max() < 0.002
    assert steps(model.set_params(learning_rate_init=0.1)).max() > 0.02
    assert model.history_["learning_rate"][-1] == 0.1
    assert model.network_._descent.memory[1] == 3  # the moments are those of all updates
    model.set_params(solver="sgd", learning_rate_init=1e-9)
    assert steps(model).max() < 1e-7
    model.set_params(learning_rate=pynn.StepDecay(1, 0.5))
    steps(model, 2)
    assert model.history_["learning_rate"][-2:] == [1e-9, 0.5e-9]
    model.set_params(solver="adam", learning_rate_init=0.01)
    assert 0.002 < steps(model).max() < 0.0026  # a quarter, after two halvings


def test_partial_fit_keeps_a_learning_rate_that_fell_on_the_way():
    model = small(pynn.MLPClassifier, solver="sgd", learning_rate="invscaling")
    model.partial_fit(X_IRIS, Y_IRIS, classes=[0, 1, 2])
    model.set_params(momentum=0.5).partial_fit(X_IRIS, Y_IRIS)
    assert model.history_["learning_rate"] == pytest.approx([0.001, 0.001 / 151**0.5])
