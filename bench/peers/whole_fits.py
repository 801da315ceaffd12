"""scikit-learn's interface: weights that are put in and read, and whole fits."""

import warnings

import numpy as np
from cases import views

from peers.base import BasePeer


class Perceptron(BasePeer):
    """A peer whose ``_model`` has scikit-learn's attributes."""

    def put(self, parameters):
        """Write flat parameters into the fitted model."""
        for layer, (W, b) in enumerate(views(self.case, parameters)):
            self._model.coefs_[layer][...] = W
            self._model.intercepts_[layer][...] = b

    def parameters(self):
        layers = zip(self._model.coefs_, self._model.intercepts_, strict=True)
        return np.concatenate([part.ravel() for layer in layers for part in layer])


class WholeFits(Perceptron):
    """``fit`` with ``warm_start``: its checks and preparations count; Adam starts anew in each."""

    model_class = None

    def options(self):
        """Return further parameters of the estimator."""
        return {}

    def weights(self, y):
        """Return ``sample_weight`` of each fit."""
        return None

    def start(self, parameters, X, y):
        case = self.case
        self.n_rows = X.shape[0]
        self._X, self._y = X, y
        self._model = self.model_class(
            hidden_layer_sizes=case.layers[1:-1], activation=case.hidden, solver=case.rule,
            alpha=0.0, batch_size=case.batch_size, learning_rate_init=case.learning_rate,
            n_iter_no_change=np.inf, warm_start=True, random_state=0, **self.options(),
        )  # fmt: skip
        self.train(1)  # makes the weights, which those of the case then replace
        self.put(parameters)

    def train(self, n_batches, shuffle=True):
        n_epochs = self.n_epochs(n_batches)
        self._model.set_params(max_iter=n_epochs, shuffle=shuffle)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # so few epochs
            self._model.fit(self._X, self._y, sample_weight=self.weights(self._y))
        return n_epochs * self.n_batches_in_epoch
