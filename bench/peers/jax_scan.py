"""JAX: a whole epoch as one compiled ``lax.scan``, its state donated."""

import os

# No flag of XLA holds all its threads back: it has as many as the process has processors.
if hasattr(os, "sched_setaffinity"):
    processors = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, processors[-int(os.environ["OMP_NUM_THREADS"]) :])

import jax
import jax.numpy as jnp
import numpy as np
from cases import targets, views

from peers.base import BasePeer

VERSION = jax.__version__
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

    def start(self, parameters, X, y):
        case = self.case
        self.n_rows = len(X)
        self._X = jnp.asarray(X)
        self._y = jnp.asarray(y if case.cost == "cross_entropy" else targets(case, y))
        layers = [(jnp.array(W), jnp.array(b)) for W, b in views(case, parameters)]
        zeros = jax.tree.map(jnp.zeros_like, layers)
        adam = case.rule == "adam"
        self._state = (layers, zeros, jax.tree.map(jnp.copy, zeros)) if adam else (layers,)
        self._t = 0
        self._order = np.arange(len(X), dtype=np.int32)
        self._rng = np.random.default_rng(0)
        epoch = jax.jit(self._epoch, donate_argnums=0)
        self._compiled = epoch.lower(self._state, self._X, self._y, *self._plan()).compile()

    def train(self, n_batches, shuffle=True):
        n_epochs = self.n_epochs(n_batches)
        for _ in range(n_epochs):
            if shuffle:
                self._rng.shuffle(self._order)
            self._state = self._compiled(self._state, self._X, self._y, *self._plan())
            self._t += self.n_batches_in_epoch
        jax.block_until_ready(self._state)
        return n_epochs * self.n_batches_in_epoch

    def parameters(self):
        return np.concatenate([np.ravel(part) for layer in self._state[0] for part in layer])

    def _plan(self):
        """Row numbers (n_batches, batch) and the rate of each update."""
        n = self.n_batches_in_epoch
        t = np.arange(self._t + 1, self._t + n + 1, dtype=np.float64)
        corrected = np.sqrt(1 - _BETA_2**t) / (1 - _BETA_1**t)
        rates = self.case.learning_rate * (corrected if self.case.rule == "adam" else t**0)
        return self._order.reshape(n, self.case.batch_size), rates.astype(np.float32)

    def _epoch(self, state, X, y, order, rates):
        unroll = 1 if self.form == "scan" else 4

        def step(state, plan):
            rows, rate = plan
            gradients = jax.grad(self._loss)(state[0], X[rows], y[rows])
            return self._update(state, gradients, rate), None

        return jax.lax.scan(step, state, (order, rates), unroll=unroll)[0]

    def _loss(self, layers, x, y):
        case, a = self.case, x
        for (W, b), activation in zip(layers, case.activations, strict=True):
            a = _ACTIVATIONS[activation](a @ W + b)
        if case.cost == "cross_entropy":  # the output is log softmax
            return -jnp.mean(jnp.take_along_axis(a, y[:, jnp.newaxis], axis=1))
        return 0.5 * jnp.sum((a - y) ** 2) / case.batch_size

    def _update(self, state, gradients, rate):
        if self.case.rule == "sgd":
            return (jax.tree.map(lambda p, g: p - rate * g, state[0], gradients),)
        layers, m, v = state
        m = jax.tree.map(lambda m, g: _BETA_1 * m + (1 - _BETA_1) * g, m, gradients)
        v = jax.tree.map(lambda v, g: _BETA_2 * v + (1 - _BETA_2) * g * g, v, gradients)
        layers = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + _EPSILON), layers, m, v)
        return layers, m, v
