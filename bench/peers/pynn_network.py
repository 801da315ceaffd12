"""pynn: whole epochs in one call of ``fit``."""

import inspect

import pynn
from peers.base import BasePeer

VERSION = pynn.__version__


class Peer(BasePeer):
    """A ``pynn.Network``, which also measures the cost of every mini-batch as it trains."""

    dtype = "float32"

    def start(self, parameters, X, y):
        case = self.case
        self.n_rows = len(X)
        self._X, self._y = X, y
        options = {}
        if "n_threads" in inspect.signature(pynn.Network).parameters:
            options["n_threads"] = self.n_threads
        self._net = pynn.Network(
            case.layers,
            activation=case.hidden,
            output_activation=case.output,
            cost=case.cost,
            dtype=self.dtype,
            random_state=0,
            **options,
        )
        self._net.parameters[:] = parameters
        rule = pynn.Adam if case.rule == "adam" else pynn.SGD
        self._optimizer = rule(case.learning_rate)

    def train(self, n_batches, shuffle=True):
        n_epochs = self.n_epochs(n_batches)
        self._net.fit(
            self._X,
            self._y,
            epochs=n_epochs,
            batch_size=self.case.batch_size,
            optimizer=self._optimizer,
            shuffle=shuffle,
        )
        self._optimizer = None  # from now on: go on with the state
        return n_epochs * self.n_batches_in_epoch

    def parameters(self):
        return self._net.parameters
