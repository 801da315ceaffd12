"""JAX: a whole epoch as one compiled ``lax.scan``, its state donated."""

import os

# No flag of XLA holds all its threads back: it has as many as the process has processors.
if hasattr(os, "sched_setaffinity"):
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[-int(os.environ["OMP_NUM_THREADS"]) :])

import jax
import jax.numpy as jnp
import numpy as np
from cases import row_weights, targets, views

from peers.base import BasePeer

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
_ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "softmax": jax.nn.log_softmax,
}


class Peer(BasePeer):
    """The order of the rows goes in, drawn by NumPy; the new weights come out."""

    forms = ("scan", "scan, unrolled")
    quick_forms = ("scan",)

    @classmethod
    def for_case(cls, case):
        return cls if case.density == 1 else None  # its sparse arrays are an experiment

    def start(self, parameters, X, y):
        case = self.case
        self.n_rows = X.shape[0]
        self._X = jnp.asarray(X)
        self._y = jnp.asarray(y if case.cost == "cross_entropy" else targets(case, y))
        weights = row_weights(case, y)
        self._weights = None if weights is None else jnp.asarray(weights, jnp.float32)
        layers = [(jnp.array(W), jnp.array(b)) for W, b in views(case, parameters)]
        zeros = jax.tree.map(jnp.zeros_like, layers)
        adam = case.rule == "adam"
        self._state = (layers, zeros, jax.tree.map(jnp.copy, zeros)) if adam else (layers,)
        self._t = 0
        self._order = np.arange(self.n_rows, dtype=np.int32)
        self._rng = np.random.default_rng(self.seed)
        epoch = jax.jit(self._epoch, donate_argnums=0)
        self._compiled = epoch.lower(*self._arguments()).compile()

    def train(self, n_batches, shuffle=True):
        n_epochs = self.n_epochs(n_batches)
        for _ in range(n_epochs):
            if shuffle:
                self._rng.shuffle(self._order)
            self._state = self._compiled(*self._arguments())
            self._t += self.n_batches_in_epoch
        jax.block_until_ready(self._state)
        return n_epochs * self.n_batches_in_epoch

    def parameters(self):
        return np.concatenate([np.ravel(part) for layer in self._state[0] for part in layer])

    def _arguments(self):
        return self._state, (self._X, self._y, self._weights), self._plan()

    def _plan(self):
        """Row numbers (n_batches, batch), the rate of each update, and its number for dropout."""
        n = self.n_batches_in_epoch
        t = np.arange(self._t + 1, self._t + n + 1, dtype=np.float64)
        corrected = np.sqrt(1 - _BETA_2**t) / (1 - _BETA_1**t)
        rates = self.case.learning_rate * (corrected if self.case.rule == "adam" else t**0)
        numbers = t.astype(np.uint32) if self.case.dropout else None
        return self._order.reshape(n, self.case.batch_size), rates.astype(np.float32), numbers

    def _epoch(self, state, data, plan):
        unroll = 1 if self.form == "scan" else 4

        def step(state, plan):
            rows, rate, number = plan
            x, y, w = (None if part is None else part[rows] for part in data)
            gradients = jax.grad(self._loss)(state[0], x, y, w, number)
            return self._update(state, gradients, rate), None

        return jax.lax.scan(step, state, plan, unroll=unroll)[0]

    def _loss(self, layers, x, y, w, number):
        case, a = self.case, x
        for layer, ((W, b), activation) in enumerate(zip(layers, case.activations, strict=True)):
            a = _ACTIVATIONS[activation](a @ W + b)
            if case.dropout and layer < len(layers) - 1:
                a = self._left(a, number, layer)
        if case.cost == "cross_entropy":  # the output is log softmax
            costs = -jnp.take_along_axis(a, y[:, jnp.newaxis], axis=1)[:, 0]
            return jnp.mean(costs) if w is None else costs @ (w / jnp.sum(w))
        return 0.5 * jnp.sum((a - y) ** 2) / case.batch_size

    def _left(self, a, number, layer):
        """What dropout leaves of activations; JAX's other generators, "rbg" ..., are slower."""
        key = jax.random.fold_in(jax.random.key(0), number * len(self.case.layers) + layer)
        keep = 1 - self.case.dropout
        return jnp.where(jax.random.bernoulli(key, keep, a.shape), a / keep, 0)

    def _update(self, state, gradients, rate):
        if self.case.rule == "sgd":
            return (jax.tree.map(lambda p, g: p - rate * g, state[0], gradients),)
        layers, m, v = state
        m = jax.tree.map(lambda m, g: _BETA_1 * m + (1 - _BETA_1) * g, m, gradients)
        v = jax.tree.map(lambda v, g: _BETA_2 * v + (1 - _BETA_2) * g * g, v, gradients)
        layers = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + _EPSILON), layers, m, v)
        return layers, m, v
