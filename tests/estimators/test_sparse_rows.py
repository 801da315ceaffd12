"""The estimators on sparse rows: scikit-learn's numbers, and those of the dense rows."""

import itertools

import numpy as np
import pytest
from long import IS_LONG
from mlp_cases import BOTH, DATA, flat, one_thread, small  # noqa: F401 (a fixture)
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.pipeline import make_pipeline
from test_same_numbers import TASKS, assert_same, data, pair

import pynn

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FORMATS = [sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.csc_matrix]


def thinned(X):
    """X with most of it 0, a row and a column without exception."""
    X = np.where(np.random.default_rng(3).random(X.shape) < 0.4, X, 0)
    X[7] = X[:, 2] = 0
    return X


FITS = {
    "adam": {"batch_size": 7},
    "sgd": {"solver": "sgd", "batch_size": 20, "learning_rate": "adaptive", "tol": 0.05},
    "without penalty": {"solver": "sgd", "momentum": 0, "alpha": 0, "batch_size": 9},
    "early stopping": {"early_stopping": True, "validation_fraction": 0.3, "batch_size": 7},
    "lbfgs": {"solver": "lbfgs", "alpha": 0.1, "activation": "tanh"},
}


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("task", TASKS)
def test_the_numbers_are_scikit_learn_s(task, fit):
    """Each task and each fit meets every format."""
    X, y, _ = data(task)
    X = FORMATS[(TASKS.index(task) + [*FITS].index(fit)) % len(FORMATS)](thinned(X))
    settings = {"hidden_layer_sizes": (6, 4), "max_iter": 20, "random_state": 8} | FITS[fit]
    ours, theirs = pair(task, **settings)
    for model in (ours, theirs):
        model.fit(X, y)
    assert_same(ours, theirs, X)


@pytest.mark.parametrize("task", TASKS)
def test_partial_fits_are_scikit_learn_s(task):
    X, y, _ = data(task)
    X = FORMATS[TASKS.index(task) % len(FORMATS)](thinned(X))
    ours, theirs = pair(task, random_state=8, batch_size=20)
    for model in (ours, theirs):
        classes = np.unique(y) if y.ndim == 1 else range(y.shape[1])
        first = {"classes": classes} if hasattr(model, "predict_proba") else {}
        for rows in (slice(0, 40), slice(20, 60), slice(0, 60)):
            model.partial_fit(X[rows], y[rows], **first)
            first = {}
    assert_same(ours, theirs, X)


FORMS = [*FORMATS, sparse.coo_array, sparse.lil_matrix]
KINDS = ["float32", "float64", "int64", "bool"]
SHORT = [(form, KINDS[i % len(KINDS)]) for i, form in enumerate(FORMS)]


@BOTH
@pytest.mark.parametrize(
    ("form", "dtype"), [*itertools.product(FORMS, KINDS)] if IS_LONG else SHORT
)
def test_any_format_and_type_gives_what_dense_rows_give(Estimator, form, dtype):
    X, y = DATA[Estimator]
    X = thinned(X).round().astype(dtype)
    model, twin = small(Estimator).fit(form(X), y), small(Estimator).fit(X, y)
    tolerance = 1e-4 if dtype == "float32" else 1e-9
    np.testing.assert_allclose(flat(model), flat(twin), atol=tolerance)
    assert model.coefs_[0].dtype == twin.coefs_[0].dtype
    assert model.score(form(X), y) == pytest.approx(twin.score(X, y), abs=tolerance)
    for name in ("predict", "predict_proba", "predict_log_proba"):
        if hasattr(model, name):
            sparsely, densely = getattr(model, name)(form(X)), getattr(model, name)(X)
            np.testing.assert_allclose(sparsely, densely, atol=tolerance)


@BOTH
def test_duplicates_are_summed_in_the_matrix_s_own_dtype(Estimator):
    X, y = DATA[Estimator]
    X = thinned(X).round().astype(np.int8)
    doubled = sparse.csr_array(X)
    doubled.data, doubled.indices = doubled.data.repeat(2), doubled.indices.repeat(2)
    doubled.indptr = 2 * doubled.indptr
    doubled.data[:] = 100
    assert doubled.toarray().min() == -56
    model, twin = small(Estimator).fit(doubled, y), small(Estimator).fit(doubled.toarray(), y)
    np.testing.assert_allclose(flat(model), flat(twin), atol=1e-9)
    np.testing.assert_allclose(model.predict(doubled), twin.predict(doubled.toarray()))


def test_words_of_texts():
    texts = ["a cat sat", "the cat purrs", "the dog barks", "a dog ran", "cat and cat", "dog dog"]
    model = make_pipeline(
        CountVectorizer(), pynn.MLPClassifier(learning_rate_init=0.01, random_state=0)
    )
    model.fit(texts, ["cat", "cat", "dog", "dog", "cat", "dog"])
    assert model.predict(["my cat", "your dog", "the dog", "cat"]).tolist() == [
        "cat",
        "dog",
        "dog",
        "cat",
    ]


@BOTH
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_damaged_matrix_is_refused_before_rows_are_taken_out_of_it(Estimator, early_stopping):
    X, y = DATA[Estimator]
    for name, change in (
        ("indices", lambda a: a + 10**9),
        ("indptr", lambda a: a * 1000),
    ):
        bad = sparse.csr_array(X)
        setattr(bad, name, change(getattr(bad, name)))
        with pytest.raises(ValueError, match=r"X\."):
            small(Estimator, early_stopping=early_stopping).fit(bad, y)
