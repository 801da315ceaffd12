"""The estimators' short ways for plain arrays and labels, which must not differ from the long ones.

And n_threads, which changes nothing but the time.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.neural_network
from hypothesis import given
from hypothesis import strategies as st
from mlp_cases import BOTH, DATA, SOLVERS, X_IRIS, Y_IRIS, flat, small
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

import pynn
from pynn.estimators.base import Perceptron

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

N_FEATURES = 4


def targets_of(kind, n_classes=3):
    rng = np.random.default_rng(n_classes)
    return {
        "number": lambda: rng.normal(size=30),
        "classes": lambda: np.arange(30) % n_classes,
        "strings": lambda: np.array(["zero", "one", "two", "three"])[np.arange(30) % n_classes],
        "objects": lambda: np.array(["b", "a", "c", "d"], object)[np.arange(30) % n_classes],
        "floats": lambda: np.array([2.0, -1.0, 7.0, 0.0])[np.arange(30) % n_classes],
        "labels": lambda: np.arange(30 * n_classes).reshape(30, -1) % 7 % 2,
        "sparse labels": lambda: sparse.csr_array(np.arange(30 * n_classes).reshape(30, -1) % 2),
    }[kind]()


def model_of(kind, dtype="float64", n_classes=3):
    """Fit a model of one kind of targets; large weights give outputs of all kinds."""
    X, y = np.random.default_rng(0).normal(size=(30, N_FEATURES)), targets_of(kind, n_classes)
    Estimator = pynn.MLPRegressor if kind == "number" else pynn.MLPClassifier
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = small(Estimator, max_iter=1).fit(X.astype(dtype), y)
    for W in model.coefs_:
        W *= 10
    return model


KINDS_OF_LABELS = ["classes", "strings", "objects", "floats", "labels", "sparse labels"]


def outcome(call, X):
    """What a call returns or raises, with its warnings, in a form that compares."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call(X)
        except Exception as error:
            result = repr(error)
    if sparse.issparse(result):
        result = result.toarray(), "sparse"
    if isinstance(result, np.ndarray):
        result = result.tolist(), str(result.dtype), result.shape
    return result, [(w.category, str(w.message)) for w in caught]


def spoiled(X, value):
    X = X.copy()
    X.flat[-1:] = value
    return X


def unaligned(X):
    memory = np.zeros(X.nbytes + 1, np.uint8)[1:].view(X.dtype)
    memory[:] = X.ravel()
    return memory.reshape(X.shape)


FORMS = {  # ways to hand in the rows X of floats, good and bad
    "plain": lambda X: X,
    "single": lambda X: X.astype(np.float32),
    "other byte order": lambda X: X.astype(X.dtype.newbyteorder()),
    "Fortran": np.asfortranarray,
    "reversed": lambda X: X[::-1, ::-1],
    "unaligned": unaligned,
    "read-only": lambda X: np.frombuffer(X.tobytes()).reshape(X.shape),
    "one row": lambda X: X[:1],
    "one row of an odd stride": lambda X: np.ndarray((1, X.shape[1]), float, X[0].data, 0, (3, 8)),
    "list": lambda X: X.tolist(),
    "tuple": lambda X: tuple(map(tuple, X.tolist())),
    "long double": lambda X: X.astype(np.longdouble),
    "integers": lambda X: X.astype(int),
    "booleans": lambda X: X > 0,
    "objects": lambda X: X.astype(object),
    "table": pd.DataFrame,
    "named table": lambda X: pd.DataFrame(X, columns=list("abcdef")[: X.shape[1]]),
    "masked": np.ma.masked_array,
    "memory map": lambda X: np.ndarray.view(X, np.memmap),
    "NaN": lambda X: spoiled(X, np.nan),
    "infinity": lambda X: spoiled(X, -np.inf),
    "huge": lambda X: X * 1e300,
    "complex": lambda X: X + 1j,
    "letters": lambda X: X.astype(str),
    "sparse": sparse.csr_array,
    "no rows": lambda X: X[:0],
    "a vector": lambda X: X[0],
    "a box": lambda X: X[None],
    "too few features": lambda X: X[:, 1:],
    "too many features": lambda X: np.hstack([X, X]),
    "nothing": lambda X: None,
}


@pytest.mark.parametrize("assume_finite", [False, True], ids=["", "assume_finite"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("form", FORMS)
def test_the_short_way_gives_what_the_long_one_gives(form, dtype, assume_finite, monkeypatch):
    X = FORMS[form](np.random.default_rng(0).normal(size=(5, N_FEATURES)))
    outcomes = []
    for plain in (Perceptron._plain, lambda *_: None):
        monkeypatch.setattr(Perceptron, "_plain", plain)
        for kind in ("number", "classes"):
            model = model_of(kind, dtype)
            calls = [getattr(model, n, None) for n in ("predict", "predict_proba")]
            with sklearn.config_context(assume_finite=assume_finite):
                outcomes += [repr(outcome(call, X)) for call in calls if call]
    short, long = outcomes[:3], outcomes[3:]
    assert short == long


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["MLPClassifier", "MLPRegressor"])
def test_what_is_not_finite_is_refused_or_let_through_as_by_scikit_learn(name, value):
    ours, theirs = (getattr(m, name) for m in (pynn, sklearn.neural_network))
    X, y = DATA[ours]
    bad = spoiled(X, value)
    outcomes = []
    for Estimator in (ours, theirs):
        model = small(Estimator, hidden_layer_sizes=(), max_iter=1).fit(X, y)
        outcomes.append([outcome(model.predict, bad)])
        with sklearn.config_context(assume_finite=True), np.errstate(invalid="ignore"):
            outcomes[-1].append(np.isfinite(model.predict(bad)).tolist())
    assert outcomes[0] == outcomes[1]


@BOTH
def test_what_scikit_learn_says_of_nan_is_all_that_is_said(Estimator):
    X, y = DATA[Estimator]
    model = small(Estimator).fit(X, y)
    with pytest.raises(ValueError, match="Input X contains NaN") as caught:
        model.predict(spoiled(X, np.nan))
    assert caught.value.__context__ is None


@BOTH
def test_what_a_signal_handler_raises_is_not_taken_for_bad_input(Estimator, monkeypatch):
    X, y = DATA[Estimator]
    model = small(Estimator).fit(X, y)

    def interrupted(*args, **kwargs):
        raise ValueError("too late")

    monkeypatch.setattr(pynn.Network, "_predict", interrupted)
    with pytest.raises(ValueError, match="too late"):
        model.predict(X)


@BOTH
def test_weights_for_fewer_features_do_not_change_what_x_must_be(Estimator):
    X, y = DATA[Estimator]
    model = small(Estimator).fit(X, y)
    model.coefs_ = [model.coefs_[0][1:], *model.coefs_[1:]]
    with pytest.raises(ValueError, match=f"X has {X.shape[1] - 1} features.* {X.shape[1]}"):
        model.predict(X[:, 1:])
    with pytest.raises(ValueError, match=f"X has {X.shape[1]} features, but the network has"):
        model.predict(X)


@BOTH
def test_a_model_that_was_fitted_to_names_warns_of_a_plain_array(Estimator):
    X, y = DATA[Estimator]
    names = [f"c{i}" for i in range(X.shape[1])]
    model = small(Estimator).fit(pd.DataFrame(X, columns=names), y)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(X)


@BOTH
def test_a_model_that_was_not_fitted_says_so(Estimator):
    with pytest.raises(NotFittedError, match=f"This {Estimator.__name__} instance is not fitted"):
        Estimator().predict(np.zeros((1, 2)))


@given(
    kind=st.sampled_from(KINDS_OF_LABELS),
    n_classes=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from(["float32", "float64"]),
    n_rows=st.integers(1, 5),
)
def test_labels_are_those_of_the_label_binarizer(kind, n_classes, seed, dtype, n_rows):
    model = model_of(kind, n_classes=max(n_classes, 2 if "labels" in kind else 1))
    # few values, so that there are ties, 0.5 and its neighbours, and NaN
    half = np.array(0.5, dtype)
    few = [0, 0.25, half, np.nextafter(half, half * 2), np.nextafter(half, half * 0), 1, np.nan]
    out = np.random.default_rng(seed).choice(np.array(few, dtype), (n_rows, model.n_outputs_))
    given = out.ravel() if model.n_outputs_ == 1 else out
    expected = outcome(model._label_binarizer.inverse_transform, given)
    assert repr(outcome(model._labels, out)) == repr(expected)


@pytest.mark.parametrize("n_classes", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", KINDS_OF_LABELS)
def test_columns_are_those_of_the_label_binarizer(kind, n_classes):
    n_classes = max(n_classes, 2 if "labels" in kind else 1)
    model, y = model_of(kind, n_classes=n_classes), targets_of(kind, n_classes)
    given = [y, y[:1], y[:2], y[5:]]
    if kind == "classes":
        given += [y.astype(dtype) for dtype in ("uint8", "float32")]
    if kind == "strings":
        given += [y.astype(dtype) for dtype in ("U9", "object")]
    for labels in given:
        columns = model._columns(labels)
        expected = model._label_binarizer.transform(labels).astype(bool)
        if sparse.issparse(expected):
            columns, expected = columns.toarray(), expected.toarray()
        assert columns.dtype == bool
        np.testing.assert_array_equal(columns, expected)


# n_threads


@BOTH
@pytest.mark.parametrize("solver", SOLVERS)
def test_any_number_of_threads_gives_the_same_bits(Estimator, solver):
    X, y = DATA[Estimator]
    bits = set()
    for n_threads in (None, 1, 2, 3):
        model = small(
            Estimator, solver=solver, n_threads=n_threads, early_stopping=True,
            hidden_layer_sizes=(70, 30),
        )  # fmt: skip
        model.fit(X, y)
        assert model.network_.n_threads == n_threads
        bits.add((flat(model).tobytes(), model.predict(X).tobytes(), model.loss_))
    assert len(bits) == 1


@BOTH
def test_another_number_of_threads_is_taken_from_then_on(Estimator):
    X, y = DATA[Estimator]
    model = small(Estimator, warm_start=True, n_threads=2).fit(X, y)
    network = model.network_
    model.set_params(n_threads=3).predict(X)
    assert (model.network_, network.n_threads) == (network, 3)
    model.set_params(n_threads=None).fit(X, y)
    assert (model.network_, network.n_threads) == (network, None)
    model.set_params(n_threads=0)
    with pytest.raises(ValueError, match="n_threads"):
        model.predict(X)
    with pytest.raises(ValueError, match="'n_threads' parameter of"):
        model.fit(X, y)


def test_threads_can_be_cloned_and_searched():
    model = small(pynn.MLPClassifier, n_threads=2)
    assert clone(model).n_threads == 2
    search = GridSearchCV(model, {"n_threads": [1, 2, None]}, cv=2).fit(X_IRIS, Y_IRIS)
    assert len(set(search.cv_results_["mean_test_score"])) == 1
