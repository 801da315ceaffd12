"""Rows of X for NumPy by hand: a chunk of them at a time, and the first layer's two products.

A column of ones behind the others makes the bias a row of the first weights.
"""

from functools import partial

import numpy as np
from scipy import sparse


class DenseRows:
    """Rows gathered into one place; its batches are views of that, (batch, n_in + 1)."""

    def __init__(self, X):
        self._X = np.hstack([X, np.ones((len(X), 1), X.dtype)])
        self.row_bytes = self._X.itemsize * self._X.shape[1]

    def make_room(self, n_rows):
        self._chunk = np.empty((n_rows, self._X.shape[1]), self._X.dtype)

    def gather(self, rows):
        """Take the next chunk's rows."""
        gather(self._X, rows, self._chunk)

    def forward_calls(self, batch, W, z):
        """z (n_out, batch) = W' x', of the chunk's rows in the slice batch."""
        return [partial(np.dot, W.T, self._chunk[batch].T, z)]

    def gradient_calls(self, batch, delta, dW):
        """dW (n_in + 1, n_out) = x' delta'."""
        return [partial(np.dot, self._chunk[batch].T, delta.T, dW)]


class SparseRows:
    """SciPy's products: each allocates what it returns."""

    def __init__(self, X):
        ones = sparse.csr_array(np.ones((X.shape[0], 1), np.float32))
        self._X = sparse.hstack([X, ones], format="csr")
        self.row_bytes = (self._X.data.nbytes + self._X.indices.nbytes) // X.shape[0]

    def make_room(self, n_rows):
        self._whole = slice(0, n_rows)

    def gather(self, rows):
        self._chunk = self._X[rows]

    def forward_calls(self, batch, W, z):
        return [lambda: np.copyto(z.T, self._batch(batch) @ W)]

    def gradient_calls(self, batch, delta, dW):
        return [lambda: np.copyto(dW, self._batch(batch).T @ np.ascontiguousarray(delta.T))]

    def _batch(self, batch):
        return self._chunk if batch == self._whole else self._chunk[batch]


def gather(X, rows, out):
    """Copy rows to the beginning of out."""
    # Any mode but the default "raise" writes to out without a buffer.
    np.take(X, rows, axis=0, out=out[: len(rows)], mode="clip")
