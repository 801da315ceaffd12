"""NumPy as well as it can be written by hand: the baseline.

Nothing is allocated while it trains, and each step is a list of NumPy calls prepared in advance:

- A row of ones under each layer's activations makes bias and weights one matrix, so a layer is
  one product forward and one for its gradient. In the flat vector the bias follows its weights,
  so that matrix is a view of it and the update of the whole network is one pass.
- Activations are kept as (n_units, batch): the row of ones then leaves them contiguous.
- The sigmoid is a tanh (one SIMD loop), and 1/batch and SGD's rate multiply the small output
  delta, not the gradient.
- Rows are gathered a few batches at a time; each batch of the chunk has its own list of calls.
- Dropout multiplies activations by what a comparison of random numbers says. Under it a unit that
  is left out has the activation 0, so relu's derivative is that of what is left.

Only the products of sparse rows, which are SciPy's, allocate. No cost is measured in training.
"""

from functools import partial

import numpy as np
from cases import row_weights, targets
from scipy import sparse

from peers.base import BasePeer, RowOrder
from peers.numpy_rows import DenseRows, SparseRows, gather

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class Peer(BasePeer):
    """Lists of NumPy calls, one list for each mini-batch of a chunk."""

    def start(self, parameters, X, y):
        case, self._dtype = self.case, parameters.dtype
        self._half, self._one = self._scalar(0.5), self._scalar(1)
        self.n_rows = X.shape[0]
        self._rows = SparseRows(X) if sparse.issparse(X) else DenseRows(X)
        self._y, self._weights = targets(case, y), row_weights(case, y)
        self._order = RowOrder(self.n_rows, case.batch_size, self._rows.row_bytes, self.seed)
        self._rows.make_room(self._order.chunk)
        self._y_chunk = np.empty((self._order.chunk, self._y.shape[1]), self._dtype)
        if self._weights is not None:
            self._weights = self._weights.astype(self._dtype)
            self._w_chunk = np.empty(self._order.chunk, self._dtype)
        self._random = np.random.Generator(np.random.SFC64(0))

        self._flat = parameters.copy()
        self._gradient = np.empty_like(self._flat)
        self._make_buffers()
        update = self._adam_calls() if case.rule == "adam" else self._sgd_calls()
        self._calls = []
        for first in range(0, self._order.chunk, case.batch_size):
            batch = slice(first, first + case.batch_size)
            self._calls.append(self._forward_calls(batch) + self._backward_calls(batch) + update)

    def train(self, n_batches, shuffle=True):
        done = 0
        while done < n_batches:
            rows = self._order.take(shuffle)
            self._rows.gather(rows)
            gather(self._y, rows, self._y_chunk)
            if self._weights is not None:
                gather(self._weights, rows, self._w_chunk)
            batches = len(rows) // self.case.batch_size
            for calls in self._calls[:batches]:
                for call in calls:
                    call()
            done += batches
        return done

    def parameters(self):
        return self._flat

    def _scalar(self, value):
        return np.array(value, self._dtype)  # 0-d arrays are the cheapest operands

    def _make_buffers(self):
        case, start = self.case, 0
        self._W, self._dW, self._a, self._da = [], [], [], []
        for n_in, n_out in case.shapes:  # (n_in + 1, n_out): the last row is the bias
            stop = start + (n_in + 1) * n_out
            self._W.append(self._flat[start:stop].reshape(n_in + 1, n_out))
            self._dW.append(self._gradient[start:stop].reshape(n_in + 1, n_out))
            self._a.append(np.ones((n_out + 1, case.batch_size), self._dtype))
            self._da.append(np.empty((n_out, case.batch_size), self._dtype))
            start = stop
        self._scratch = [np.zeros_like(d) for d in self._da]
        self._zeros = [np.zeros_like(d) for d in self._da]  # faster in maximum than a scalar
        self._positive = [np.empty(d.shape, bool) for d in self._da]
        self._row = np.empty(case.batch_size, self._dtype)
        self._keep = self._scalar(1 / (1 - case.dropout))  # factor of kept activations

    def _forward_calls(self, batch):
        calls = self._rows.forward_calls(batch, self._W[0], self._a[0][:-1])
        for layer, activation in enumerate(self.case.activations):
            z = self._a[layer][:-1]
            if layer:
                calls.append(partial(np.dot, self._W[layer].T, self._a[layer - 1], z))
            if activation == "tanh":
                calls.append(partial(np.tanh, z, z))
            elif activation == "sigmoid":  # ½ + ½ tanh(z / 2)
                halve = partial(np.multiply, z, self._half, z)
                calls += [halve, partial(np.tanh, z, z), halve, partial(np.add, z, self._half, z)]
            elif activation == "relu":
                calls.append(partial(np.maximum, z, self._zeros[layer], out=z))
            elif activation == "softmax":
                calls += [partial(np.maximum.reduce, z, 0, None, self._row),
                          partial(np.subtract, z, self._row, z), partial(np.exp, z, z),
                          partial(np.add.reduce, z, 0, None, self._row),
                          partial(np.divide, z, self._row, z)]  # fmt: skip
            if self.case.dropout and layer < len(self._a) - 1:
                drawn, left = self._scratch[layer], self._positive[layer]
                calls += [partial(self._random.random, None, self._dtype, drawn),
                          partial(np.greater_equal, drawn, self._scalar(self.case.dropout), left),
                          partial(np.multiply, z, left, z),
                          partial(np.multiply, z, self._keep, z)]  # fmt: skip
        return calls

    def _backward_calls(self, batch):
        case, last = self.case, len(self.case.shapes) - 1
        rate = case.learning_rate if case.rule == "sgd" else 1
        y_t = self._y_chunk[batch].T
        calls = [partial(np.subtract, self._a[last][:-1], y_t, self._da[last])]
        if case.cost == "squared_error":
            calls += self._derivative_calls(last)
        scale = self._scalar(rate / case.batch_size)
        if self._weights is not None:
            weights, scale, total = self._w_chunk[batch], self._row, self._scalar(0)
            calls += [partial(np.add.reduce, weights, None, None, total),
                      partial(np.divide, weights, total, scale),
                      partial(np.multiply, scale, self._scalar(rate), scale)]  # fmt: skip
        calls.append(partial(np.multiply, self._da[last], scale, self._da[last]))
        for layer in range(last, -1, -1):
            delta = self._da[layer]
            if not layer:
                calls += self._rows.gradient_calls(batch, delta, self._dW[0])
            else:
                calls.append(partial(np.dot, self._a[layer - 1], delta.T, self._dW[layer]))
                calls.append(partial(np.dot, self._W[layer][:-1], delta, self._da[layer - 1]))
                calls += self._derivative_calls(layer - 1)
        return calls

    def _derivative_calls(self, layer):
        """Multiply a layer's delta by the derivative of its activation."""
        a, delta, s = self._a[layer][:-1], self._da[layer], self._scratch[layer]
        activation = self.case.activations[layer]
        if activation == "sigmoid":  # a (1 - a)
            calls = [partial(np.subtract, self._one, a, s), partial(np.multiply, s, a, s)]
        elif activation == "tanh":  # 1 - a²
            calls = [partial(np.square, a, s), partial(np.subtract, self._one, s, s)]
        elif activation == "relu":
            s = self._positive[layer]
            calls = [partial(np.greater, a, self._scalar(0), s)]
            if self.case.dropout:
                calls.append(partial(np.multiply, delta, self._keep, delta))
        else:
            return []
        return [*calls, partial(np.multiply, delta, s, delta)]

    def _sgd_calls(self):
        return [partial(np.subtract, self._flat, self._gradient, self._flat)]

    def _adam_calls(self):
        """Adam with m / (1 - β₁) and v / (1 - β₂) as state: two multiplications fewer."""
        p, g = self._flat, self._gradient
        m, v = np.zeros_like(p), np.zeros_like(p)
        step, epsilon, count = self._scalar(0), self._scalar(_EPSILON / np.sqrt(1 - _BETA_2)), [0]

        def next_step():
            count[0] += 1
            t = count[0]
            corrected = np.sqrt(1 - _BETA_2**t) / (1 - _BETA_1**t)
            scale = (1 - _BETA_1) / np.sqrt(1 - _BETA_2)
            step[()] = self.case.learning_rate * corrected * scale

        beta_1, beta_2 = self._scalar(_BETA_1), self._scalar(_BETA_2)
        return [next_step,
                partial(np.multiply, m, beta_1, m), partial(np.add, m, g, m),
                partial(np.square, g, g),
                partial(np.multiply, v, beta_2, v), partial(np.add, v, g, v),
                partial(np.sqrt, v, g), partial(np.add, g, epsilon, g), partial(np.divide, m, g, g),
                partial(np.multiply, g, step, g), partial(np.subtract, p, g, p)]  # fmt: skip
