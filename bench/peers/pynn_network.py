"""pynn: whole epochs in one call of ``fit``."""

from cases import row_weights

import pynn
from peers.base import BasePeer
from peers.whole_fits import WholeFits


class Peer(BasePeer):
    """A ``pynn.Network``, which also measures the cost of every mini-batch as it trains."""

    @classmethod
    def for_case(cls, case):
        """Return the estimator where the weights are those of classes, which are its business."""
        return _Balanced if case.weights == "balanced" else cls

    def start(self, parameters, X, y):
        case = self.case
        self.n_rows = X.shape[0]
        self._X, self._y, self._weights = X, y, row_weights(case, y)
        self._net = pynn.Network(
            case.layers, activation=case.hidden, output_activation=case.output, cost=case.cost,
            dtype=case.dtype, random_state=self.seed, n_threads=self.n_threads,
        )  # fmt: skip
        self._net.parameters[:] = parameters
        rule = pynn.Adam if case.rule == "adam" else pynn.SGD
        self._optimizer = rule(case.learning_rate)

    def train(self, n_batches, shuffle=True):
        n_epochs = self.n_epochs(n_batches)
        self._net.fit(
            self._X, self._y, epochs=n_epochs, batch_size=self.case.batch_size, shuffle=shuffle,
            optimizer=self._optimizer, dropout=self.case.dropout, sample_weight=self._weights,
        )  # fmt: skip
        self._optimizer = None  # from now on: go on with the state
        return n_epochs * self.n_batches_in_epoch

    def set_rate(self, rate):
        self._optimizer = pynn.Adam(rate)

    def parameters(self):
        return self._net.parameters


class _Balanced(WholeFits):
    """``MLPClassifier`` makes the weights of the classes in each fit."""

    model_class = pynn.MLPClassifier

    def options(self):
        return {"class_weight": "balanced", "n_threads": self.n_threads}
