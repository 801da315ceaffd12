"""The child that trains one peer; a call's name is the form of the peer that it trains."""

from dataclasses import replace

import cases
import numpy as np
import peers
from worker import timed


class Child:
    """Holds the peers of one case, one for each form."""

    def __init__(self, library, n_threads):
        self._class, self._n_threads = peers.load(library), n_threads
        self._case, self._key, self._forms = None, None, {}

    def open_all(self, case, quick):
        """Open a case in each form of the peer; none if the library cannot train it."""
        peer_class, found = self._class.for_case(cases.Case(**case)), {}
        if peer_class is not None:
            for form in peer_class.quick_forms if quick else peer_class.forms:
                try:
                    found[form] = self.open(case, form, quick)
                except Exception as error:  # the result of this form
                    found[form] = {"problem": f"{type(error).__name__}: {error}".splitlines()[0]}
        return found

    def open(self, case, form, quick=False, n_threads=0):
        """Train the check's rows in order, return the loss; then take the whole data.

        With dropout, the loss without it and the loss with it. n_threads: 0 for those of this
        process, None for the library's choice.
        """
        self._load(cases.Case(**case), quick)
        case, reply = self._case, {}
        peer_class = self._class.for_case(case)
        n_threads = self._n_threads if n_threads == 0 else n_threads
        if case.dropout:
            peer = peer_class(replace(case, dropout=0.0), form, n_threads)
            reply["loss"] = self._check(peer)
        peer = peer_class(case, form, n_threads)
        if case.n_check_rows:
            reply["loss_dropped" if case.dropout else "loss"] = self._check(peer)
        peer.start(self._initial, self._X, self._y)
        self._forms[form] = peer
        return reply | {"footnote": peer.footnote(), "before": self._loss_of(self._initial)}

    def time(self, call, n_calls):
        """Train some mini-batches, or a few more."""
        return timed(lambda: self._forms[call].train(n_calls))

    def loss(self, form):
        """Return the loss on the first rows after all training so far."""
        return {"loss": self._loss_of(self._forms[form].parameters())}

    def begin(self, case, form, seed):
        """Start to train a case with the initial weights and orders of the rows of a seed."""
        self._load(cases.Case(**case), False)
        peer = self._class.for_case(self._case)(self._case, form, self._n_threads)
        peer.seed = seed
        peer.start(cases.initial_parameters(self._case, seed), self._X, self._y)
        self._forms[form] = peer

    def epoch(self, form, rate=None):
        """Train for an epoch, with a new learning rate if given; return its seconds and accuracy.

        The accuracy is that of MNIST's test images.
        """
        peer = self._forms[form]
        if rate is not None:
            peer.set_rate(rate)
        done = timed(lambda: peer.train(peer.n_batches_in_epoch))
        X, y = cases.mnist("test")
        classes = cases.outputs(self._case, peer.parameters(), X).argmax(axis=1)
        return {"seconds": done["seconds"], "accuracy": float(np.mean(classes == y))}

    def forget(self):
        """Drop the case and its data."""
        self._case, self._key, self._forms, self._X, self._y = None, None, {}, None, None

    def _load(self, case, quick):
        case = replace(case, layers=tuple(case.layers))
        key = case.data, case.n_rows, case.dtype, case.layers[0], case.layers[-1]
        if key != self._key:
            self._X, self._y, _ = cases.load_data(case, quick)
        if case != self._case:
            self._forms = {}
        self._case, self._key = case, key
        self._initial = cases.initial_parameters(case)

    def _check(self, peer):
        n = self._case.n_check_rows
        peer.start(self._initial, self._X[:n], self._y[:n])
        peer.train(self._case.n_check_epochs * (n // self._case.batch_size), shuffle=False)
        return self._loss_of(peer.parameters())

    def _loss_of(self, parameters):
        return cases.loss(self._case, parameters, self._X, self._y)
