"""A plain NumPy network, written to be read: the oracle that the compiled core is held against.

Every formula stands here once, in the dtype of the parameters it is given, and nothing of pynn is
imported: where the two agree, two independent texts agree.
"""

from dataclasses import dataclass, replace

import numpy as np
from embedded import Embeddings
from scipy.special import expit, log_softmax, ndtr, softmax, xlogy

# Of selu: Klambauer et al. 2017, equation 14
LAMBDA, ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


def leaky_relu(slope):
    return (
        lambda z: np.where(z > 0, z, slope * z),
        lambda z: np.where(z > 0, 1, slope).astype(z.dtype),
    )


# name: (a = f(z), da/dz at z); softmax couples the outputs of a row, see Network.delta_z
ACTIVATIONS = {
    "identity": (lambda z: z, np.ones_like),
    "sigmoid": (expit, lambda z: expit(z) * expit(-z)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(z.dtype)),
    "leaky_relu": leaky_relu(0.01),
    "elu": (
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0))),
        lambda z: np.exp(np.minimum(z, 0)),
    ),
    "selu": (
        lambda z: LAMBDA * np.where(z > 0, z, ALPHA * np.expm1(np.minimum(z, 0))),
        lambda z: LAMBDA * np.where(z > 0, 1, ALPHA * np.exp(np.minimum(z, 0))),
    ),
    "gelu": (
        lambda z: z * ndtr(z),
        lambda z: ndtr(z) + z * np.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5,
    ),
    "silu": (lambda z: z * expit(z), lambda z: expit(z) * (1 + z * expit(-z))),
    "mish": (
        lambda z: z * np.tanh(np.logaddexp(z, 0)),
        lambda z: (
            np.tanh(np.logaddexp(z, 0)) + z * expit(z) * (1 - np.tanh(np.logaddexp(z, 0)) ** 2)
        ),
    ),
    "softplus": (lambda z: np.logaddexp(z, 0), expit),
    "exp": (np.exp, np.exp),
    "softmax": (lambda z: softmax(z, axis=1), None),
}


# Costs of each output of each row, with their derivative by a ...
COSTS_OF_A = {
    "squared_error": (lambda a, y, delta: (a - y) ** 2 / 2, lambda a, y, delta: a - y),
    "absolute_error": (lambda a, y, delta: np.abs(a - y), lambda a, y, delta: np.sign(a - y)),
    "huber": (
        lambda a, y, delta: np.where(
            np.abs(a - y) <= delta, (a - y) ** 2 / 2, delta * (np.abs(a - y) - delta / 2)
        ),
        lambda a, y, delta: np.clip(a - y, -delta, delta),
    ),
    "quantile": (
        lambda a, y, q: np.where(y >= a, q * (y - a), (q - 1) * (y - a)),
        lambda a, y, q: np.where(a > y, 1 - q, np.where(a < y, -q, 0)),
    ),
}
# ... and by z for those that belong to one output activation: no log of a rounded probability.
COSTS_OF_Z = {
    "cross_entropy": (
        lambda z, y: -y * log_softmax(z, axis=1),
        lambda z, y: softmax(z, axis=1) * y.sum(axis=1, keepdims=True) - y,
    ),
    "binary_cross_entropy": (
        lambda z, y: y * np.logaddexp(-z, 0) + (1 - y) * np.logaddexp(z, 0),
        lambda z, y: expit(z) - y,
    ),
    "poisson": (
        lambda z, y: xlogy(y, y) - y * z - y + np.exp(z),
        lambda z, y: np.exp(z) - y,
    ),
}


# Rules: (settings, their learning rate times each parameter's factor, parameters w, gradient g,
# slots m and v, step t from 1, 1 on weights and 0 on biases) -> new w, m, v
def sgd(rule, rate, w, g, m, v, t, is_weight):
    v = rule.momentum * v - rate * g
    return w + (rule.momentum * v - rate * g if rule.nesterov else v), m, v


def adam(rule, rate, w, g, m, v, t, is_weight):
    m = rule.beta_1 * m + (1 - rule.beta_1) * g
    v = rule.beta_2 * v + (1 - rule.beta_2) * g**2
    step = rate * (1 - rule.beta_2**t) ** 0.5 / (1 - rule.beta_1**t)
    return w - step * m / (np.sqrt(v) + rule.epsilon), m, v


def adamw(rule, rate, w, g, m, v, t, is_weight):
    w = w - rate * rule.weight_decay * w * is_weight
    return adam(rule, rate, w, g, m, v, t, is_weight)


def rmsprop(rule, rate, w, g, m, v, t, is_weight):
    v = rule.rho * v + (1 - rule.rho) * g**2
    return w - rate * g / (np.sqrt(v) + rule.epsilon), m, v


def rprop(rule, rate, w, g, m, v, t, is_weight):
    """m is the last gradient, v the size of the step, both 0 at first."""
    size = np.where(v == 0, rate, v)
    turn = np.sign(m) * np.sign(g)
    size = np.where(turn > 0, np.minimum(size * rule.grow, rule.largest), size)
    size = np.where(turn < 0, np.maximum(size * rule.shrink, rule.smallest), size)
    g = np.where(turn < 0, 0, g)
    return w - size * np.sign(g), g, size


# Averages of the parameters, by the class's name: (settings, those after each update, and after
# each epoch) -> average
def ema(average, updates, epochs):
    mean = np.zeros_like(updates[0])
    for p in updates:
        mean = average.decay * mean + (1 - average.decay) * p
    return mean / (1 - average.decay ** len(updates))


def swa(average, updates, epochs):
    return np.mean(epochs[average.start - 1 :], axis=0)


AVERAGES = {"EMA": ema, "SWA": swa}

# By the class's name
RULES = {"SGD": sgd, "Adam": adam, "AdamW": adamw, "RMSprop": rmsprop, "Rprop": rprop}


def key(parent, number):
    """SplitMix64's number-th output, from 0, when it starts from parent."""
    x = (parent + (number + 1) * 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def lowbias32(x):
    x = (x ^ x >> 16) * 0x7FEB352D % 2**32
    x = (x ^ x >> 15) * 0x846CA68B % 2**32
    return x ^ x >> 16


def dropout_factors(seed, update, layer, n_rows, n_out, rate, first=0):
    """What a hidden layer's activations are multiplied by in an update: 0 or 1 / (1 - rate)."""
    keys = [key(key(key(seed, update), layer), row) for row in range(first, first + n_rows)]
    low, high = np.array([[k % 2**32, k >> 32] for k in keys], np.uint64).T[:, :, np.newaxis]
    columns = np.arange(n_out, dtype=np.uint64)
    draws = lowbias32(lowbias32((low + columns) % 2**32) ^ high)
    return (draws >= int(rate * 2**32)) / (1 - rate)


def now(number, epoch, losses):
    """Return a number, or several, at this time: those that follow a schedule are multiplied."""
    if isinstance(number, list):
        return [now(one, epoch, losses) for one in number]
    if not hasattr(number, "schedule"):
        return number
    return number.value * float(number.schedule.factors(np.array([epoch]), losses)[0])


@dataclass
class Network:
    """Layers and cost; the parameters p, given each time, are one vector e, s, W0, b0, W1, ..."""

    layer_sizes: list
    activations: list  # of every layer, the output's last: names, or pairs as in ACTIVATIONS
    cost_name: str
    bias: bool = True
    parameter: float = 1.0  # the delta of huber, the quantile of quantile
    input_scale: bool = False  # whether the first layer reads x * s
    residual: tuple = ()  # of each layer, whether its input is added; empty: none
    norms: tuple = ()  # of each layer "layer", "batch" or None; empty: none
    embeddings: tuple = ()  # of columns and their embeddings: see embedded.py
    parametric: tuple = ()  # of each layer, whether its activation has an alpha; empty: none

    @property
    def embedded(self):
        return Embeddings(self.embeddings, self.layer_sizes[0])

    def functions(self):
        return [ACTIVATIONS[f] if isinstance(f, str) else f for f in self.activations]

    def views(self, p):
        groups = self.groups(p)
        return groups["weights"], groups["biases"]

    def groups(self, p):
        """Return the views of the parameters of layers: by group, then by layer."""
        views, embedded = {}, self.embedded
        at = embedded.n_parameters + embedded.n_out * self.input_scale
        for layer, n_out in enumerate(self.layer_sizes[1:]):
            of_batches = self.norm(layer) == "batch"
            for name, n in {
                "weights": self.layer_sizes[layer] if layer else embedded.n_out,
                "biases": self.bias,
                "gains": self.norm(layer) is not None,
                "alphas": self.is_parametric(layer),
                "means": of_batches,
                "variances": of_batches,
            }.items():
                view = p[at : at + n * n_out]
                views.setdefault(name, []).append(
                    view.reshape(n, n_out) if name == "weights" else view
                )
                at += n * n_out
        assert at == p.size
        return views

    def scale(self, p):
        return p[self.of_scale] if self.input_scale else 1

    @property
    def of_scale(self):
        first = self.embedded.n_parameters
        return slice(first, first + self.embedded.n_out * self.input_scale)

    def is_weight(self, p):
        return self.strengths(p, 1)

    def forward(self, p, X, factors=(), shares=None):
        """Return the weighted sums and the activations of every layer, X times the scale first.

        factors: what hidden activations are multiplied by, layer by layer
        shares (n_rows, 1): of the rows in a batch that normalises itself
        """
        embedded = self.embedded.forward(p, np.asarray(X, p.dtype))
        zs, activations = [], [embedded * self.scale(p)]
        of = self.groups(p)
        for layer, (f, _) in enumerate(self.functions()):
            sums = activations[-1] @ of["weights"][layer]
            if self.norm(layer):
                sums = of["gains"][layer] * self.normalised(p, layer, sums, shares)[0]
            zs.append(z := sums + (of["biases"][layer] if self.bias else 0))
            activations.append(f(z))
            if self.is_parametric(layer):
                alpha = of["alphas"][layer]
                activations[-1] = (1 - alpha) * z + alpha * activations[-1]
            if layer < len(factors):
                activations[-1] = activations[-1] * factors[layer]
            if self.is_residual(layer):
                activations[-1] = activations[-1] + activations[-2]
        return zs, activations

    def slope(self, p, layer, z):
        """Derivative of a hidden activation."""
        slope = self.functions()[layer][1](z)
        if not self.is_parametric(layer):
            return slope
        alpha = self.groups(p)["alphas"][layer]
        return 1 - alpha + alpha * slope

    def is_residual(self, layer):
        return bool(self.residual) and self.residual[layer]

    def is_parametric(self, layer):
        return bool(self.parametric) and self.parametric[layer]

    def norm(self, layer):
        return self.norms[layer] if self.norms else None

    def statistics(self, p, layer, u, shares):
        """Return mean and variance of each row, or of each unit: the batch's or running ones."""
        if self.norm(layer) == "layer":
            return u.mean(axis=1, keepdims=True), u.var(axis=1, keepdims=True)
        if shares is None:
            return self.groups(p)["means"][layer], self.groups(p)["variances"][layer]
        mean = np.sum(shares * u, axis=0)
        return mean, np.sum(shares * (u - mean) ** 2, axis=0)

    def normalised(self, p, layer, u, shares=None):
        """Return the weighted sums, normalised, and their standard deviations."""
        mean, variance = self.statistics(p, layer, u, shares)
        return (u - mean) / np.sqrt(variance + 1e-5), np.sqrt(variance + 1e-5)

    def delta_u(self, p, layer, x, dz, shares=None):
        """Turn the derivative by z into that by the weighted sums of x.

        With weights s of the numbers over which mean and variance are taken, the Jacobian of the
        normalised sums n is (1 - s 1' - (s n) n') / sd; running mean and variance are constants.
        """
        if not self.norm(layer):
            return dz
        n, sd = self.normalised(p, layer, x @ self.views(p)[0][layer], shares)
        dn = self.groups(p)["gains"][layer] * dz
        if self.norm(layer) == "layer":
            shares, axis = 1 / dn.shape[1], 1
        elif shares is None:
            return dn / sd
        else:
            axis = 0
        sums, products = (v.sum(axis=axis, keepdims=True) for v in (dn, dn * n))
        return (dn - shares * (sums + n * products)) / sd

    def moved(self, p, before, X, factors, shares):
        """Return p with the running means and variances after a batch."""
        p, of = p.copy(), self.groups(before)
        _, activations = self.forward(before, X, factors, shares)
        for layer, x in enumerate(activations[:-1]):
            if self.norm(layer) == "batch" and shares is not None:
                mean, variance = self.statistics(before, layer, x @ of["weights"][layer], shares)
                unbiased = variance / (1 - np.sum(shares**2))
                self.groups(p)["means"][layer][...] = 0.9 * of["means"][layer] + 0.1 * mean
                self.groups(p)["variances"][layer][...] = (
                    0.9 * of["variances"][layer] + 0.1 * unbiased
                )
        return p

    def predict(self, p, X):
        return self.forward(p, X)[1][-1]

    def row_weights(self, p, n_rows, sample_weight):
        w = np.ones(n_rows) if sample_weight is None else np.asarray(sample_weight, float)
        return (w / w.sum() if w.sum() > 0 else 0 * w).astype(p.dtype)[:, np.newaxis]

    def strengths(self, p, strength):
        """Give each weight its layer's strength, and each bias 0."""
        result = np.zeros_like(p)
        weights = self.views(result)[0]
        for W, of_layer in zip(weights, np.broadcast_to(strength, len(weights)), strict=True):
            W[...] = of_layer
        return result

    def rate_factors(self, p, weights=1, biases=1, scale=1, embeddings=1):
        """Give each parameter its group's factor: one for all layers, or one for each."""
        result = np.ones_like(p)
        for views, factors in zip(self.views(result), (weights, biases), strict=True):
            for view, factor in zip(views, np.broadcast_to(factors, len(views)), strict=True):
                view[...] = factor
        of = self.groups(result)
        for layer, factor in enumerate(np.broadcast_to(biases, len(self.activations))):
            of["gains"][layer][...] = of["alphas"][layer][...] = factor
        result[self.of_scale] = scale
        result[: self.embedded.n_parameters] = embeddings
        return result

    def costs(self, z, a, y):
        """Cost of each output of each row."""
        if self.cost_name in COSTS_OF_A:
            return COSTS_OF_A[self.cost_name][0](a, y, self.parameter)
        return COSTS_OF_Z[self.cost_name][0](z, y)

    def cost(self, p, X, y, sample_weight=None, alpha=0.0, l1=0.0, factors=(), shares=None):
        zs, activations = self.forward(p, X, factors, shares)
        costs = self.costs(zs[-1], activations[-1], np.asarray(y, p.dtype))
        penalty = np.sum(self.strengths(p, alpha) / 2 * p**2 + self.strengths(p, l1) * np.abs(p))
        return np.sum(self.row_weights(p, len(y), sample_weight) * costs) + penalty

    def delta_z(self, z, a, y):
        """Derivative of the cost of each row by the output layer's z."""
        if self.cost_name in COSTS_OF_Z:
            return COSTS_OF_Z[self.cost_name][1](z, y)
        da = COSTS_OF_A[self.cost_name][1](a, y, self.parameter)
        if self.activations[-1] == "softmax":
            return a * (da - np.sum(a * da, axis=1, keepdims=True))
        return da * self.functions()[-1][1](z)

    def delta_a(self, z, a, y):
        """Derivative of the cost of each row by the output layer's a, softmax's taken as free."""
        if self.cost_name == "cross_entropy":
            return -y / a
        if self.cost_name == "binary_cross_entropy":
            return (1 - y) / expit(-z) - y / expit(z)
        if self.cost_name == "poisson":
            return 1 - y / a
        return COSTS_OF_A[self.cost_name][1](a, y, self.parameter)

    def trace(self, p, X, y):
        """Return z, a, da, dz of every layer, dx and the cost of each row, each of its own cost.

        Of a normalised layer, dz is the derivative by its weighted sums.
        """
        zs, activations = self.forward(p, X)
        weights = self.views(p)[0]
        das = [self.delta_a(zs[-1], activations[-1], y)]
        dzs = [self.delta_z(zs[-1], activations[-1], y)]
        for layer in reversed(range(len(weights) - 1)):
            passed_on = das[0] if self.is_residual(layer + 1) else 0
            das.insert(0, dzs[0] @ weights[layer + 1].T + passed_on)
            dz = das[0] * self.slope(p, layer, zs[layer])
            dzs.insert(0, self.delta_u(p, layer, activations[layer], dz))
        costs = self.costs(zs[-1], activations[-1], y).sum(axis=1)
        d_embedded = dzs[0] @ weights[0].T * self.scale(p)
        _, dx = self.embedded.backward(p, np.asarray(X, p.dtype), d_embedded)
        return zs, activations[1:], das, dzs, dx, costs

    def gradient(self, p, X, y, sample_weight=None, alpha=0.0, l1=0.0, factors=(), shares=None):
        zs, activations = self.forward(p, X, factors, shares)
        dz = self.delta_z(zs[-1], activations[-1], np.asarray(y, p.dtype))
        dz = dz * self.row_weights(p, len(dz), sample_weight)
        gradient = self.strengths(p, alpha) * p + self.strengths(p, l1) * np.sign(p)
        by, weights, da = self.groups(gradient), self.views(p)[0], 0
        for layer in reversed(range(len(weights))):
            by["biases"][layer] += dz.sum(axis=0) if self.bias else 0
            if self.norm(layer):
                n, _ = self.normalised(p, layer, activations[layer] @ weights[layer], shares)
                by["gains"][layer] += np.sum(dz * n, axis=0)
            dz = self.delta_u(p, layer, activations[layer], dz, shares)
            by["weights"][layer] += activations[layer].T @ dz
            if layer > 0:
                da = dz @ weights[layer].T + (da if self.is_residual(layer) else 0)
                dropped, z = da * factors[layer - 1] if factors else da, zs[layer - 1]
                if self.is_parametric(layer - 1):
                    f = self.functions()[layer - 1][0]
                    by["alphas"][layer - 1] += np.sum(dropped * (f(z) - z), axis=0)
                dz = dropped * self.slope(p, layer - 1, z)
        X, da = np.asarray(X, p.dtype), dz @ weights[0].T
        if self.input_scale:
            self.scale(gradient)[...] = np.sum(self.embedded.forward(p, X) * da, axis=0)
        of_embeddings, _ = self.embedded.backward(p, X, da * self.scale(p))
        gradient[: len(of_embeddings)] = of_embeddings
        return gradient

    def factors(self, seed, update, n_rows, dropout):
        hidden = self.layer_sizes[1:-1]
        rates = np.broadcast_to(dropout, len(hidden))
        return [
            dropout_factors(seed, update, layer, n_rows, n_out, float(rate))
            for layer, (n_out, rate) in enumerate(zip(hidden, rates, strict=True))
        ]

    def limited(self, p, max_norm):
        """Scale back each unit's incoming weights to this norm, if they are longer."""
        p = p.copy()
        for W in self.views(p)[0]:
            W *= np.minimum(1, max_norm / np.maximum(np.linalg.norm(W, axis=0), 1e-300))
        return p

    def train(
        self,
        p,
        X,
        y,
        orders,
        batch_size,
        rule,
        alpha=0.0,
        sample_weight=None,
        l1=0.0,
        dropout=0.0,
        seed=0,
        max_norm=np.inf,
        clip_norm=np.inf,
        learning_rate_factors=None,
        average=None,
    ):
        """Train one epoch for each order of the rows; return the parameters and the costs.

        average: an object of pynn, by which the parameters that are returned are an average
        """
        rule_now = rule
        m, v, t, history, updates, epochs = np.zeros_like(p), np.zeros_like(p), 0, [], [], []
        rate = rule.learning_rate * self.rate_factors(p, **(learning_rate_factors or {}))
        w = np.ones(len(X)) if sample_weight is None else sample_weight
        for order in orders:
            total, n_batches = 0.0, -(-len(order) // batch_size)
            for i in range(n_batches):
                rows = order[i * batch_size : (i + 1) * batch_size]
                time = len(history) + i / n_batches, history
                drop = now(dropout, *time)
                factors = self.factors(seed, t, len(rows), drop) if np.any(dropout) else ()
                batch = (X[rows], y[rows], w[rows], now(alpha, *time), now(l1, *time), factors)
                if normalises := "batch" in self.norms:
                    shares = self.row_weights(p, len(rows), w[rows])
                    shares = shares if np.count_nonzero(shares) > 1 else None
                    batch = (*batch, shares)
                total += len(rows) * self.cost(p, *batch)
                t += 1
                update = RULES[type(rule).__name__]
                if hasattr(rule, "weight_decay"):
                    rule_now = replace(rule, weight_decay=now(rule.weight_decay, *time))
                g = self.gradient(p, *batch)
                g = g * min(1, clip_norm / max(np.linalg.norm(g), 1e-300))
                before = p
                p, m, v = update(rule_now, rate, p, g, m, v, t, self.is_weight(p))
                p = self.limited(p, max_norm)
                if normalises:
                    p = self.moved(p, before, X[rows], factors, shares)
                updates.append(p)
            epochs.append(p)
            history.append(float(total / len(order)))
        return AVERAGES[type(average).__name__](average, updates, epochs) if average else p, history
