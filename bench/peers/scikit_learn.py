"""scikit-learn's multi-layer perceptrons: ``partial_fit`` on windows of whole mini-batches."""

import warnings

import numpy as np
from cases import row_weights
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.class_weight import compute_sample_weight

from peers.whole_fits import Perceptron, WholeFits

_NAMES = {"sigmoid": "logistic"}


class Peer(Perceptron):
    """A classifier where the targets are classes, otherwise a regressor.

    ``partial_fit`` is an epoch over the rows that it is given, shuffled inside; it keeps the
    optimizer's state. Each call gets the next window of rows, long enough for its checks of
    the input not to matter.
    """

    @classmethod
    def for_case(cls, case):
        if case.dropout:
            return None
        return _Balanced if case.weights == "balanced" else cls

    def footnote(self):
        case = self.case
        own = "softmax" if case.cost == "cross_entropy" or case.layers[-1] > 1 else "identity"
        if case.output == own:
            return ""
        cost = "cross_entropy" if own == "softmax" else "squared_error"
        return f"scikit-learn has no {case.output} output: it trains {own} with {cost}"

    def start(self, parameters, X, y):
        case = self.case
        model_class = MLPRegressor if y.ndim == 2 else MLPClassifier
        self._model = model_class(
            hidden_layer_sizes=case.layers[1:-1],
            activation=_NAMES.get(case.hidden, case.hidden),
            solver=case.rule,
            alpha=0.0,
            batch_size=case.batch_size,
            learning_rate_init=case.learning_rate,
            momentum=0.0,
            nesterovs_momentum=False,
            random_state=np.random.RandomState(self.seed),
        )
        self.n_rows = X.shape[0]
        self._X, self._y, self._weights = X, y.ravel(), row_weights(case, y)
        self._next = 0
        classes = {} if y.ndim == 2 else {"classes": np.arange(case.layers[-1])}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # fewer rows than a batch
            self._model.partial_fit(X[:2], self._y[:2], **classes)
        del self._model._optimizer  # the next call begins a new one, on the weights set here
        self.put(parameters)

    def train(self, n_batches, shuffle=True):
        self._model.shuffle = shuffle
        done = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            while done < n_batches:
                left = (n_batches - done) * self.case.batch_size
                window = slice(self._next, min(self._next + left, self.n_rows))
                weights = None if self._weights is None else self._weights[window]
                self._model.partial_fit(self._X[window], self._y[window], sample_weight=weights)
                done += (window.stop - window.start) // self.case.batch_size
                self._next = window.stop % self.n_rows
        return done

    def set_rate(self, rate):
        self._model._optimizer.learning_rate_init = rate


class _Balanced(WholeFits):
    """Without a ``class_weight``, users make weights of the rows for each fit."""

    model_class = MLPClassifier

    def weights(self, y):
        return compute_sample_weight("balanced", y)
