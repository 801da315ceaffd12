"""Rows in any layout, dtype or sparse format are read as the plain array that they stand for, or
refused; nothing else happens.

For more of the same: PYNN_LONG=1 pytest --hypothesis-show-statistics (this file)
"""

import copy
import pickle
import random
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

import pynn

N_IN = 3
DTYPES = ["float32", "float64"]
NETS = {
    dtype: pynn.Network([N_IN, 4, 2], activation="tanh", dtype=dtype, random_state=0)
    for dtype in DTYPES
}
SEEDS = st.integers(0, 2**32)


def estimator(kind, dtype):
    X = np.random.default_rng(0).normal(size=(30, N_IN))
    y = np.arange(30) % 2 if kind is pynn.MLPClassifier else X[:, :2]
    settings = {"hidden_layer_sizes": (4,), "activation": "tanh", "max_iter": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(**settings, dtype=dtype, random_state=0).fit(X, y)


ESTIMATORS = {
    f"{kind.__name__} {dtype}": estimator(kind, dtype)
    for kind in (pynn.MLPClassifier, pynn.MLPRegressor)
    for dtype in DTYPES
}


@pytest.fixture(scope="module", params=NETS)
def net(request):
    return NETS[request.param]


@pytest.fixture(scope="module", params=ESTIMATORS)
def mlp(request):
    return ESTIMATORS[request.param]


@pytest.fixture(scope="module", params=[*NETS, *ESTIMATORS])
def model(request):
    return (NETS | ESTIMATORS)[request.param]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("maps")


def predict_or_refuse(model, X):
    """Return the predictions, or None where X is refused."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return getattr(model, "predict_proba", model.predict)(X)
    except (TypeError, ValueError):
        return None


def results(model, X, n_rows):
    """Return the bytes of all that a model computes of X."""
    if isinstance(model, pynn.Network):
        y = np.ones((n_rows, 2))
        found = [model.predict(X), np.array(model.cost(X, y)), model.gradient(X, y)]
    else:
        y = np.arange(2 * n_rows).reshape(n_rows, 2) % 2
        y = y[:, 0] if isinstance(model, pynn.MLPClassifier) else y
        twin = copy.deepcopy(model).partial_fit(X, y)
        found = [model.predict(X), model.transform(X), np.array(model.score(X, y))]
        found += [twin.network_.parameters, predict_or_refuse(model, X)]
    return [a.tobytes() for a in found]


def agrees(model, X, plain):
    """All results of X are those of a plain array."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the score of a single row
        assert results(model, X, len(plain)) == results(model, plain, len(plain))


class Table(np.ndarray):
    """A subclass as others make them."""


def matrix(a, draw):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        return np.asmatrix(a)


def unaligned(a, draw):
    block = np.zeros(a.nbytes + 9, np.uint8)
    start = draw.randrange(1, 8)
    view = block[start : start + a.nbytes].view(a.dtype).reshape(a.shape)
    view[...] = a
    return view


def mapped(a, draw, folder):
    mode = draw.choice(["r", "c", "r+"])
    path = folder / "map"
    path.write_bytes(b"0" * 16 + a.tobytes())
    return np.memmap(path, a.dtype, mode, 16, a.shape)


LAYOUTS = {  # each keeps the numbers
    "backwards": lambda a, draw: a[::-1].copy()[::-1],
    "columns backwards": lambda a, draw: a[:, ::-1].copy()[:, ::-1],
    "every other": lambda a, draw: np.repeat(np.repeat(a, 2, axis=0), 3, axis=1)[::2, ::3],
    "by columns": lambda a, draw: np.asfortranarray(a),
    "unaligned": unaligned,
    "swapped": lambda a, draw: a.astype(a.dtype.newbyteorder()),
    "matrix": matrix,
    "subclass": lambda a, draw: a.view(Table),
    "read-only": lambda a, draw: np.frombuffer(a.tobytes(), a.dtype).reshape(a.shape),
    "lists": lambda a, draw: a.tolist(),
    "inside": lambda a, draw: np.concatenate([a, a], axis=1)[:, : a.shape[1]],
}


def repeated(a):
    """The first row, many times, with a stride of 0; and the first column likewise."""
    return np.broadcast_to(a[:1], a.shape), np.broadcast_to(a[:, :1], a.shape)


@given(seed=SEEDS)
def test_layouts(model, folder, seed):
    draw = random.Random(seed)
    rng = np.random.default_rng(seed)
    n_rows = draw.choice([1, 1, 2, 5, 90])
    dtype = draw.choice(["f2", "f4", "f8", "g", "i1", "u2", "i4", "i8", "?"])
    a = (rng.normal(size=(n_rows, N_IN)) * draw.choice([1, 10, 1e-3])).astype(dtype)
    strange = a
    for _ in range(draw.choice([1, 1, 2, 3])):
        if isinstance(strange, list):
            break
        name = draw.choice([*LAYOUTS, "repeated", "mapped"])
        if name == "repeated":
            strange = a = draw.choice(repeated(np.asarray(strange)))
        elif name == "mapped":
            strange = mapped(np.asarray(strange), draw, folder)
        else:
            strange = LAYOUTS[name](np.asarray(strange), draw)
    plain = np.array(a, model.dtype, order="C", subok=False)
    if isinstance(strange, np.matrix) and not isinstance(model, pynn.Network):
        assert predict_or_refuse(model, strange) is None  # scikit-learn takes none
    else:
        agrees(model, strange, plain)


def test_a_byte_order_that_was_swapped_twice_is_native(net, rng):
    X, labels = rng.normal(size=(7, N_IN)).astype(net.dtype), np.arange(7) % 2
    for a in (X, labels):
        assert a.dtype.newbyteorder().newbyteorder() == a.dtype
    twice = [a.astype(a.dtype.newbyteorder()) for a in (X, labels)]
    twice = [a.astype(a.dtype.newbyteorder()) for a in twice]
    agrees(net, twice[0], X)
    assert net.cost(*twice) == net.cost(X, labels)


REFUSED = {
    "complex": lambda a: a + 0j,
    "text": lambda a: a.astype(str),
    "bytes": lambda a: a.astype("S8"),
    "times": lambda a: a.astype("m8[s]"),
    "dates": lambda a: a.astype("i8").astype("M8[s]"),
    "objects": lambda a: a.astype(object),
    "records": lambda a: a.view([("a", a.dtype), ("b", a.dtype), ("c", a.dtype)]),
    "masked": lambda a: np.ma.masked_array(a, a > 100),
    "raw": lambda a: a.view("V8"),
    "flat": lambda a: a.ravel(),
    "deep": lambda a: a[None],
    "a number": lambda a: a[0, 0],
    "0-d": lambda a: np.array(1.0),
    "no rows": lambda a: a[:0],
    "no columns": lambda a: a[:, :0],
    "NaN": lambda a: np.where(a == a[-1, -1], np.nan, a),
    "infinity": lambda a: np.where(a == a[0, 0], -np.inf, a),
    "too large": lambda a: np.where(a == a[0, 0], np.longdouble("1e400"), a),
    "ragged": lambda a: [*a.tolist(), [1.0]],
    "a set": lambda a: set(a.ravel()),
    "None": lambda a: None,
    "nested": lambda a: [[[[]]]],
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_stands_for_no_rows_is_refused(net, name, rng):
    for n_rows in (1, 2, 7, 300):
        strange = REFUSED[name](rng.normal(size=(n_rows, N_IN)))
        assert predict_or_refuse(net, strange) is None
        with pytest.raises((TypeError, ValueError)):
            net.fit(strange, np.ones((n_rows, 2)))


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("name", REFUSED)
def test_estimators_refuse_it_too_but_for_numbers_as_text_or_objects(mlp, name, rng):
    """These scikit-learn reads as numbers."""
    before = pickle.dumps(mlp)
    for n_rows in (1, 2, 7, 300):
        a = rng.normal(size=(n_rows, N_IN))
        strange = REFUSED[name](a)
        if name in ("text", "bytes", "objects"):
            agrees(mlp, strange, strange.astype(mlp.dtype))
            continue
        y = np.arange(2 * n_rows).reshape(n_rows, 2) % 2
        y = y[:, 0] if isinstance(mlp, pynn.MLPClassifier) else y
        for call in (mlp.predict, mlp.transform):
            with pytest.raises((TypeError, ValueError)):
                call(strange)
        for call in (mlp.score, mlp.partial_fit, mlp.fit):
            with pytest.raises((TypeError, ValueError)):
                call(strange, y)
    assert pickle.dumps(mlp) == before


# ---- Sparse matrices -----------------------------------------------------------------------------

FORMATS = ["csr", "csc", "coo", "dok", "lil", "bsr", "dia"]
WILD = [-1, -(2**31), N_IN, 7, 2**31 - 1, 2**31, 2**40, 2**62, 0, 1]


def some_rows(draw, rng):
    shape = (draw.choice([1, 2, 5, 40]), N_IN)
    dense = rng.normal(size=shape) * 10 * (rng.random(shape) < draw.choice([0, 0.3, 1]))
    return dense.astype(draw.choice(["f4", "f8", "i1", "u1", "i8", "?", "f8"]))


def shuffled(matrix, rng):
    """The same matrix with entries out of order and twice, as some programs build them."""
    for start, stop in zip(matrix.indptr, matrix.indptr[1:], strict=False):
        places = rng.permutation(stop - start) + start
        matrix.indices[start:stop] = matrix.indices[places]
        matrix.data[start:stop] = matrix.data[places]
    matrix.has_sorted_indices = False
    return matrix


def twice(matrix):
    rows = matrix.indptr * 2
    data, indices = np.repeat(matrix.data, 2), np.repeat(matrix.indices, 2)
    return type(matrix)((data, indices, rows), shape=matrix.shape)


@given(seed=SEEDS)
def test_sparse_rows(model, seed):
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    dense = some_rows(draw, rng)
    kind = draw.choice([sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.csc_matrix])
    matrix = kind(dense)
    index = draw.choice([np.int32, np.int64])
    matrix.indptr, matrix.indices = matrix.indptr.astype(index), matrix.indices.astype(index)
    change = draw.choice([None, "shuffled", "twice", "both"])
    if change in ("twice", "both"):
        matrix = twice(matrix)
    if change in ("shuffled", "both"):
        matrix = shuffled(matrix, rng)
    plain = matrix.toarray().astype(model.dtype)
    before = [a.copy() for a in (matrix.data, matrix.indices, matrix.indptr)]
    found, expected = predict_or_refuse(model, matrix), predict_or_refuse(model, plain)
    assert found is not None
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    if change is None:
        assert found.tobytes() == expected.tobytes()
    for a, b in zip(before, (matrix.data, matrix.indices, matrix.indptr), strict=True):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("name", FORMATS[2:])
def test_other_sparse_formats_are_refused(net, name, rng):
    dense = rng.normal(size=(4, N_IN))
    for kind in ("array", "matrix"):
        matrix = getattr(sparse, f"{name}_{kind}")(dense)
        with pytest.raises(TypeError, match="tocsr"):
            net.predict(matrix)


@pytest.mark.parametrize("name", FORMATS[2:])
def test_estimators_convert_them(mlp, name, rng):
    dense = rng.normal(size=(4, N_IN)) * (rng.random((4, N_IN)) < 0.5)
    for kind in ("array", "matrix"):
        found = mlp.predict(getattr(sparse, f"{name}_{kind}")(dense))
        np.testing.assert_allclose(found, mlp.predict(dense), 1e-4, 1e-5)


def damaged(matrix, draw, rng):
    """Change one of the arrays in place of SciPy."""
    name = draw.choice(["indptr", "indices", "data"])
    a = getattr(matrix, name)
    if a.ndim != 1 or a.dtype.kind not in "iuf":
        return matrix  # damaged enough
    match draw.randrange(7):
        case 0 if a.size:
            a = a.astype(draw.choice([np.int64, np.int32]))
            wild = draw.choice(WILD)
            a[draw.randrange(a.size)] = wild if abs(wild) < 2**31 or a.itemsize == 8 else -wild % 99
        case 1:
            a = a.astype(draw.choice(["f8", "i1", "u8", "u1", "O", "U3", "c16", "?", "M8[s]", "g"]))
        case 2:
            a = a[: draw.randrange(a.size + 1)]
        case 3:
            a = np.concatenate([a, a[:1]])
        case 4:
            a = draw.choice([a[::-1], a[None], np.array(3), np.repeat(a, 2)[::2]])
        case 5:
            a = -a if a.dtype.kind in "iufc" else a[:0]
        case 6:
            a = rng.permutation(a)
    matrix.__dict__[name if name in matrix.__dict__ else f"_{name}"] = a
    if draw.random() < 0.1:
        matrix._shape = draw.choice([(10**6, N_IN), (matrix.shape[0], 2), (1, N_IN), (0, 0)])
    return matrix


@given(seed=SEEDS)
def test_damaged_sparse_rows(model, seed):
    draw, rng = random.Random(seed), np.random.default_rng(seed)
    kind = draw.choice([sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.csc_matrix])
    matrix = kind(some_rows(draw, rng))
    for _ in range(draw.choice([1, 1, 2])):
        matrix = damaged(matrix, draw, rng)
    found = predict_or_refuse(model, matrix)
    if found is not None:
        assert found.shape == (matrix.shape[0], 2)
        assert np.isfinite(found).all()
