"""A damaged sparse matrix is refused: SciPy trusts its arrays, but the core must not read where a
wrong one says."""

import numpy as np
import pytest
from scipy import sparse
from test_bad_input import ENTRIES, Check, X, Y, altered, network


def damaged(kind, name, change):
    """X as a sparse matrix one of whose arrays was replaced."""
    matrix = kind(X)
    setattr(matrix, name, change(getattr(matrix, name)))
    return matrix


DAMAGES = {  # what SciPy would believe: (array, what becomes of it, what the message says)
    "starts after 0": ("indptr", lambda a: a + 1, "X.indptr must ascend from 0"),
    "negative starts": ("indptr", lambda a: a - 1, "X.indptr must ascend from 0"),
    "descending starts": ("indptr", lambda a: -a, "X.indptr must ascend from 0"),
    "a start that goes back": ("indptr", lambda a: altered(a, 1, index=2), "X.indptr must ascend"),
    "starts past the entries": ("indptr", lambda a: a * 2, ["X.indices", "X.data", "48", "24"]),
    "too few starts": ("indptr", lambda a: a[:-1], "X.indptr must be of shape"),
    "too many starts": ("indptr", lambda a: np.append(a, a[-1]), "X.indptr must be of shape"),
    "a table of starts": ("indptr", lambda a: a[np.newaxis], "X.indptr must be of shape"),
    "fractional starts": ("indptr", lambda a: a + 0.5, ["X.indptr", "integers", "float64"]),
    "a negative index": ("indices", lambda a: altered(a, -1), ["X.indices must be from 0", "-1"]),
    "an index too many": ("indices", lambda a: altered(a, 6), ["X.indices must be from 0", "6"]),
    "an index past 32 bits": (
        "indices",
        lambda a: altered(a, 2**32, np.int64),
        ["X.indices must be from 0", str(2**32)],
    ),
    "fractional indices": ("indices", lambda a: a + 0.5, ["X.indices", "integers", "float64"]),
    "too few indices": ("indices", lambda a: a[:-1], ["X.indices", "(23,)", "(24,)"]),
    "too few values": ("data", lambda a: a[:-1], ["X.data", "(24,)", "(23,)"]),
    "a table of values": ("data", lambda a: a.reshape(6, 4), ["X.data", "(24,)", "(6, 4)"]),
    "values as objects": ("data", lambda a: a.astype(object), ["X.data", "object"]),
}


@pytest.mark.parametrize("kind", [sparse.csr_array, sparse.csr_matrix, sparse.csc_array])
@pytest.mark.parametrize(("name", "change", "words"), DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("entry", [*ENTRIES, "predict"])
def test_a_damaged_matrix(entry, name, change, words, kind):
    net, call = network(), ENTRIES.get(entry, lambda net, X, y: net.predict(X))
    with Check(net, words):
        call(net, damaged(kind, name, change), Y)
