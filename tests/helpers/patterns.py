"""Inputs in small whole numbers, of which every sum is exact, and where their zeros may lie.

With weights, biases and targets of the same kind and row weights whose sum is a power of two, one
pass and one update of SGD round nothing: there the core must give the oracle's bits, not nearly so.
"""

import numpy as np


def whole(rng, shape, most=2):
    return rng.integers(-most, most + 1, shape).astype(float)


def dense(rng, X):
    X[X == 0] = 1


def zero_columns(rng, X):
    X[:, rng.random(X.shape[1]) < 0.5] = 0


def one_column(rng, X):
    kept = rng.integers(X.shape[1])
    X[:, :kept] = X[:, kept + 1 :] = 0


def all_but_one_column(rng, X):
    X[X == 0] = -1
    X[:, rng.integers(X.shape[1])] = 0


def first_columns(rng, X):
    X[:, rng.integers(X.shape[1]) :] = 0


def last_columns(rng, X):
    X[:, : rng.integers(X.shape[1])] = 0


def all_zero(rng, X):
    X[...] = 0


def zero_row(rng, X):
    X[rng.integers(len(X))] = 0


def one_row(rng, X):
    """Columns that are zero everywhere but in one row, be it the first or the last."""
    kept = rng.choice([0, len(X) - 1, rng.integers(len(X))])
    X[:kept] = X[kept + 1 :] = 0


def scattered(rng, X):
    X[rng.random(X.shape) < 0.8] = 0


def one_number(rng, X):
    X[...] = 0
    X[rng.integers(len(X)), rng.integers(X.shape[1])] = 2


def negative_zeros(rng, X):
    """Zero columns of either sign, mixed."""
    zero_columns(rng, X)
    X[(X == 0) & (rng.random(X.shape) < 0.5)] = -0.0


def subnormal(rng, X):
    """Numbers that are not zero, if the smallest; a power of two of them, as they are divided."""
    zero_columns(rng, X)
    X *= 2.0**10 * np.finfo(X.dtype).smallest_subnormal


PATTERNS = [
    dense,
    zero_columns,
    one_column,
    all_but_one_column,
    first_columns,
    last_columns,
    all_zero,
    zero_row,
    one_row,
    scattered,
    one_number,
    negative_zeros,
    subnormal,
]


def inputs(pattern, rng, n_rows, n_in, dtype):
    X = whole(rng, (n_rows, n_in)).astype(dtype)
    pattern(rng, X)
    return X


def targets(rng, n_rows, n_out, dtype):
    """Never 0: the delta of a subnormal output then is a whole number too."""
    return (rng.choice([-1, 1], (n_rows, n_out)) * rng.integers(1, 3, (n_rows, n_out))).astype(
        dtype
    )


def row_weights(n_rows):
    """Whole numbers whose sum is a power of two."""
    w = np.ones(n_rows)
    w[n_rows // 2] += 2 ** int(np.ceil(np.log2(n_rows))) - n_rows
    return w
