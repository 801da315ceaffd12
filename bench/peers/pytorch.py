"""PyTorch: eager (its fused Adam), and the whole training step compiled."""

import math

import numpy as np
import torch
from cases import targets, views
from torch.nn import functional

from peers.base import BasePeer, RowOrder

VERSION = torch.__version__
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8


class Peer(BasePeer):
    """Tensors and functions without ``nn.Module``: the least overhead per step."""

    forms = ("eager", "compile")
    quick_forms = ("eager",)

    def __init__(self, case, form, n_threads):
        super().__init__(case, form, n_threads)
        torch.set_num_threads(n_threads)
        self._step = {"eager": self._eager_step, "compile": self._compiled_step}[form]
        if form == "compile":
            torch._dynamo.reset()  # what it compiled for the case before
            # The C++ wrapper saves microseconds a call; slower nowhere that we measured.
            self._compiled = torch.compile(self._functional_step, options={"cpp_wrapper": True})

    def start(self, parameters, X, y):
        case = self.case
        self.n_rows = len(X)
        self._X = torch.from_numpy(X)
        classes = case.cost == "cross_entropy"
        self._y = torch.from_numpy(y if classes else targets(case, y))
        self._order = RowOrder(len(X), case.batch_size, X.itemsize * X.shape[1])
        self._flat = []
        for W, b in views(case, parameters):
            self._flat += [torch.tensor(W.T.copy()), torch.tensor(b)]
        if self.form == "eager":
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
            x_batches = self._X[rows].split(self.case.batch_size)
            y_batches = self._y[rows].split(self.case.batch_size)
            for x, y in zip(x_batches, y_batches, strict=True):
                self._step(x, y)
            done += len(x_batches)
        return done

    def parameters(self):
        parts = [t.detach().T if t.ndim == 2 else t.detach() for t in self._flat]
        return np.concatenate([part.numpy().ravel() for part in parts])

    def _loss(self, flat, x, y):
        case, a = self.case, x
        for layer, activation in enumerate(case.activations):
            a = functional.linear(a, flat[2 * layer], flat[2 * layer + 1])
            if activation in ("sigmoid", "tanh", "relu"):
                a = getattr(torch, activation)(a)
        if case.cost == "cross_entropy":  # takes z, not the softmax
            return functional.cross_entropy(a, y)
        return (a - y).square().sum() * (0.5 / case.batch_size)

    def _eager_step(self, x, y):
        gradients = torch.autograd.grad(self._loss(self._flat, x, y), self._flat)
        if self.case.rule == "adam":
            for tensor, gradient in zip(self._flat, gradients, strict=True):
                tensor.grad = gradient
            self._adam.step()
        else:
            with torch.no_grad():  # less overhead than torch.optim.SGD, fused or not
                for tensor, gradient in zip(self._flat, gradients, strict=True):
                    tensor.sub_(gradient, alpha=self.case.learning_rate)

    def _compiled_step(self, x, y):
        if self.case.rule == "adam":
            self._t += 1
            corrected = math.sqrt(1 - _BETA_2**self._t) / (1 - _BETA_1**self._t)
            self._rate.fill_(self.case.learning_rate * corrected)
        self._compiled(self._flat, self._m, self._v, self._rate, x, y)

    def _functional_step(self, flat, m, v, rate, x, y):
        gradients = torch.func.grad(self._loss)(flat, x, y)
        if self.case.rule == "sgd":
            for tensor, gradient in zip(flat, gradients, strict=True):
                tensor.sub_(gradient, alpha=self.case.learning_rate)
            return
        for tensor, gradient, m_i, v_i in zip(flat, gradients, m, v, strict=True):
            m_i.mul_(_BETA_1).add_(gradient, alpha=1 - _BETA_1)
            v_i.mul_(_BETA_2).addcmul_(gradient, gradient, value=1 - _BETA_2)
            tensor.sub_(rate * m_i / (v_i.sqrt() + _EPSILON))
