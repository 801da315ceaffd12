"""PyTorch: eager (its fused Adam), and the whole training step compiled."""

import math

import numpy as np
import torch
from cases import row_weights, targets, views
from torch.nn import functional

from peers.base import BasePeer, RowOrder

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class Peer(BasePeer):
    """Tensors and functions without ``nn.Module``: the least overhead per step."""

    forms = ("eager", "compile")
    quick_forms = ("eager",)

    @classmethod
    def for_case(cls, case):
        return _SparsePeer if case.density < 1 else cls

    def __init__(self, case, form, n_threads):
        super().__init__(case, form, n_threads)
        torch.set_num_threads(n_threads)
        self._step = self._compiled_step if form == "compile" else self._eager_step
        if form == "compile":
            torch._dynamo.reset()  # what it compiled for the case before
            # The C++ wrapper saves microseconds a call; slower nowhere that we measured.
            self._compiled = torch.compile(self._functional_step, options={"cpp_wrapper": True})

    def start(self, parameters, X, y):
        case = self.case
        self.n_rows = X.shape[0]
        self._X = self._rows_of(X)
        classes = case.cost == "cross_entropy"
        self._y = torch.from_numpy(y if classes else targets(case, y))
        weights = row_weights(case, y)
        self._weights = None if weights is None else torch.from_numpy(weights).float()
        self._order = RowOrder(self.n_rows, case.batch_size, self._row_bytes(), self.seed)
        self._flat = []
        for W, b in views(case, parameters):
            self._flat += [torch.tensor(W.T.copy()), torch.tensor(b)]
        self._turn_first(self._flat)
        if self.form != "compile":
            for tensor in self._flat:
                tensor.requires_grad_()
            if case.rule == "adam":
                self._adam = torch.optim.Adam(self._flat, lr=case.learning_rate, fused=True)
        else:
            self._m = [torch.zeros_like(tensor) for tensor in self._flat]
            self._v = [torch.zeros_like(tensor) for tensor in self._flat]
            self._rate, self._t = torch.zeros(()), 0

    def train(self, n_batches, shuffle=True):
        done = 0
        while done < n_batches:
            rows = torch.from_numpy(self._order.take(shuffle))
            x_batches = self._batches(rows)
            y_batches = self._y[rows].split(self.case.batch_size)
            w_batches = [None] * len(y_batches)
            if self._weights is not None:
                w_batches = self._weights[rows].split(self.case.batch_size)
            for x, y, w in zip(x_batches, y_batches, w_batches, strict=True):
                self._step(x, y, w)
            done += len(y_batches)
        return done

    def set_rate(self, rate):
        super().set_rate(rate)
        if self.form != "compile":
            self._adam.param_groups[0]["lr"] = rate

    def parameters(self):
        flat = [tensor.detach() for tensor in self._flat]
        self._turn_first(flat)
        parts = [tensor.T if tensor.ndim == 2 else tensor for tensor in flat]
        return np.concatenate([part.numpy().ravel() for part in parts])

    def _rows_of(self, X):
        return torch.from_numpy(X)

    def _row_bytes(self):
        return self._X.itemsize * self._X.shape[1]

    def _turn_first(self, flat):
        """Change between (n_out, n_in), as here, and how the first weights are kept."""

    def _batches(self, rows):
        return self._X[rows].split(self.case.batch_size)

    def _first_sums(self, x, W, b):
        return functional.linear(x, W, b)

    def _loss(self, flat, x, y, w):
        case, a = self.case, x
        for layer, activation in enumerate(case.activations):
            W, b = flat[2 * layer : 2 * layer + 2]
            a = functional.linear(a, W, b) if layer else self._first_sums(a, W, b)
            if activation in ("sigmoid", "tanh", "relu"):
                a = getattr(torch, activation)(a)
            if case.dropout and layer < len(case.shapes) - 1:
                a = functional.dropout(a, case.dropout)
        if w is not None:
            return functional.cross_entropy(a, y, reduction="none") @ (w / w.sum())
        if case.cost == "cross_entropy":  # takes z, not the softmax
            return functional.cross_entropy(a, y)
        return (a - y).square().sum() * (0.5 / case.batch_size)

    def _eager_step(self, x, y, w):
        gradients = torch.autograd.grad(self._loss(self._flat, x, y, w), self._flat)
        if self.case.rule == "adam":
            for tensor, gradient in zip(self._flat, gradients, strict=True):
                tensor.grad = gradient
            self._adam.step()
        else:
            with torch.no_grad():  # less overhead than torch.optim.SGD, fused or not
                for tensor, gradient in zip(self._flat, gradients, strict=True):
                    tensor.sub_(gradient, alpha=self.case.learning_rate)

    def _compiled_step(self, x, y, w):
        if self.case.rule == "adam":
            self._t += 1
            corrected = math.sqrt(1 - _BETA_2**self._t) / (1 - _BETA_1**self._t)
            self._rate.fill_(self.case.learning_rate * corrected)
        self._compiled(self._flat, self._m, self._v, self._rate, x, y, w)

    def _functional_step(self, flat, m, v, rate, x, y, w):
        gradients = torch.func.grad(self._loss)(flat, x, y, w)
        if self.case.rule == "sgd":
            for tensor, gradient in zip(flat, gradients, strict=True):
                tensor.sub_(gradient, alpha=self.case.learning_rate)
            return
        for tensor, gradient, m_i, v_i in zip(flat, gradients, m, v, strict=True):
            m_i.mul_(_BETA_1).add_(gradient, alpha=1 - _BETA_1)
            v_i.mul_(_BETA_2).addcmul_(gradient, gradient, value=1 - _BETA_2)
            tensor.sub_(rate * m_i / (v_i.sqrt() + _EPSILON))


class _SparsePeer(Peer):
    """Rows in the format CSR, first weights as (n_in, n_out), whose rows a sum or product adds up.

    Dense batches are slower than either form: 20,000 columns, of which a row uses 200.
    """

    forms = ("embedding_bag", "sparse.mm")
    quick_forms = ("embedding_bag",)

    def _rows_of(self, X):
        return X

    def _row_bytes(self):
        return (self._X.data.nbytes + self._X.indices.nbytes) // self.n_rows

    def _turn_first(self, flat):
        flat[0] = flat[0].T.contiguous()

    def _batches(self, rows):
        size = self.case.batch_size
        for first in range(0, len(rows), size):
            x = self._X[rows[first : first + size].numpy()]
            yield [torch.from_numpy(part) for part in (x.indptr, x.indices, x.data)]

    def _first_sums(self, x, W, b):
        starts, columns, values = x
        if self.form == "embedding_bag":
            sums = functional.embedding_bag(
                columns, W, starts, mode="sum", per_sample_weights=values, include_last_offset=True
            )
        else:
            shape = self.case.batch_size, len(W)
            sums = torch.sparse.mm(torch.sparse_csr_tensor(*x, shape, check_invariants=False), W)
        return sums + b
