"""What every peer offers, and the row order that peers with a Python loop share."""

from dataclasses import replace

import numpy as np

_CHUNK_BYTES = 1 << 18  # rows gathered at a time: a few batches that stay in the L2 cache
_CHUNK_BATCHES = 64


class BasePeer:
    """One library training one case with one number of threads.

    ``forms`` names the ways in which the library can do the same work; the fastest counts, and
    ``--quick`` tries ``quick_forms``. A peer has also

    - ``start(parameters, X, y)``: take flat weights, a fresh optimizer and the rows;
    - ``train(n_batches, shuffle=True)``: train on some mini-batches or a few more, return how many;
      the rows in their order, or in a new order every epoch;
    - ``parameters()``: return the flat weights and biases.
    """

    forms = ("",)
    quick_forms = ("",)
    seed = 0  # of the orders of the rows

    @classmethod
    def for_case(cls, case):
        """Return the class that trains a case; None where the library has no means for it."""
        return cls

    def __init__(self, case, form, n_threads):
        self.case = case
        self.form = form
        self.n_threads = n_threads

    def set_rate(self, rate):
        """Go on with another learning rate."""
        self.case = replace(self.case, learning_rate=rate)

    def footnote(self):
        """Return how this peer's training differs from the case, "" where it does not."""
        return ""

    def n_epochs(self, n_batches):
        """Whole epochs nearest to n_batches, at least one."""
        return max(1, round(n_batches / self.n_batches_in_epoch))

    @property
    def n_batches_in_epoch(self):
        return self.n_rows // self.case.batch_size


class RowOrder:
    """The order of the rows, a chunk of a few mini-batches at a time, for epoch after epoch."""

    def __init__(self, n_rows, batch_size, row_bytes, seed):
        batches = max(1, min(_CHUNK_BATCHES, _CHUNK_BYTES // (batch_size * row_bytes)))
        self.chunk = min(batches * batch_size, n_rows)
        self._order = np.arange(n_rows)
        self._rng = np.random.default_rng(seed)
        self._next = 0

    def take(self, shuffle):
        """Return the next chunk's row numbers; an epoch's last chunk may be shorter."""
        if self._next == 0 and shuffle:
            self._rng.shuffle(self._order)
        rows = self._order[self._next : self._next + self.chunk]
        self._next = (self._next + len(rows)) % len(self._order)
        return rows
