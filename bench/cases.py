"""The nine cases: networks, data, arithmetic, and the loss that every peer is held against."""

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

MNIST_PLACE = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist.npz"
SEED = 20260  # of all generated data and initial weights
N_LOSS_ROWS = 256  # the first rows, on which networks are compared

# |loss - NumPy's loss| may be this part of what training took off the loss. Adam magnifies
# rounding where a gradient is close to zero, and PyTorch's form scales epsilon differently.
TOLERANCE = {"sgd": 1e-4, "adam": 1e-3}


@dataclass(frozen=True)
class Case:
    """A network, how it is trained, on how many rows, and how agreement is checked."""

    name: str
    layers: tuple[int, ...]
    hidden: str
    output: str
    cost: str
    batch_size: int
    rule: str
    learning_rate: float
    data: str
    n_rows: int
    n_rows_quick: int
    n_check_rows: int
    n_check_epochs: int

    @property
    def activations(self):
        """One name for each layer, the output's last."""
        return (self.hidden,) * (len(self.layers) - 2) + (self.output,)

    @property
    def shapes(self):
        """(n_in, n_out) of each weight matrix."""
        return list(pairwise(self.layers))

    @property
    def n_parameters(self):
        return sum(n_in * n_out + n_out for n_in, n_out in self.shapes)

    @property
    def flop_per_sample(self):
        """Arithmetic of a training step: three products a layer, no delta for the input."""
        products = [n_in * n_out for n_in, n_out in self.shapes]
        return 2 * (3 * sum(products) - products[0])

    @property
    def heavy(self):
        """Whether one step is too much arithmetic for a quick look at every thread count."""
        return self.batch_size * self.flop_per_sample > 1e11

    def describe(self):
        sizes = "-".join(map(str, self.layers))
        rule = "Adam" if self.rule == "adam" else f"SGD {self.learning_rate:g}"
        kind = "/".join(dict.fromkeys((self.hidden, self.output)))
        return f"{sizes} {kind}, {self.cost}, batch {self.batch_size}, {rule}"


_SIGMOIDS = ("sigmoid", "sigmoid", "squared_error")
_CLASSIFY = ("relu", "softmax", "cross_entropy")

CASES = {
    case.name: case
    for case in (
        Case("xor", (2, 8, 1), "tanh", "tanh", "squared_error", 4, "sgd", 0.1, "xor",
             4096, 4096, 1024, 4),
        Case("online", (784, 15, 10), *_SIGMOIDS, 1, "sgd", 0.5, "mnist", 60000, 5000, 2000, 1),
        Case("digits16", (784, 16, 16, 10), *_SIGMOIDS, 10, "sgd", 3.0, "mnist",
             60000, 10000, 5000, 2),
        Case("nielsen30", (784, 30, 10), *_SIGMOIDS, 10, "sgd", 3.0, "mnist",
             60000, 10000, 5000, 2),
        Case("nielsen100", (784, 100, 10), *_SIGMOIDS, 10, "sgd", 3.0, "mnist",
             60000, 10000, 5000, 2),
        Case("sklearn100", (784, 100, 10), *_CLASSIFY, 200, "adam", 0.001, "mnist",
             60000, 10000, 10000, 2),
        Case("tabular", (50, 256, 256, 1), "relu", "identity", "squared_error", 256, "adam", 0.001,
             "tabular", 10240, 10240, 5120, 2),
        Case("mid", (784, 512, 512, 10), *_CLASSIFY, 128, "adam", 0.001, "mnist",
             29952, 3840, 2560, 1),
        Case("big", (1024, 4096, 4096, 100), *_CLASSIFY, 1024, "sgd", 0.01, "big",
             2048, 1024, 1024, 1),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Goal:
    """What `compare.py --check` asks of pynn in one case, at least."""

    ratio: float  # median paired ratio of throughputs, against the fastest of all peers
    percent: float | None  # of the FMA peak of the threads used; None: not asked for


GOALS = {
    "xor": Goal(10, None),
    "online": Goal(5, None),
    "digits16": Goal(8, 40),
    "nielsen30": Goal(6, 55),
    "nielsen100": Goal(4, 65),
    "sklearn100": Goal(2, 70),
    "tabular": Goal(1.8, 75),
    "mid": Goal(1.4, 80),
    "big": Goal(1.12, 90),
}


def initial_parameters(case):
    """Glorot-uniform weights and biases, flat: W0, b0, W1, b1, … (each W row-major)."""
    rng = np.random.default_rng(SEED)
    parts = []
    for n_in, n_out in case.shapes:
        bound = np.sqrt(6 / (n_in + n_out))
        parts.append(rng.uniform(-bound, bound, n_in * n_out + n_out))
    return np.concatenate(parts).astype(np.float32)


def views(case, parameters):
    """Return [(W, b), …] as views into a flat vector."""
    result, start = [], 0
    for n_in, n_out in case.shapes:
        stop = start + n_in * n_out
        weights = parameters[start:stop].reshape(n_in, n_out)
        result.append((weights, parameters[stop : stop + n_out]))
        start = stop + n_out
    return result


def targets(case, y):
    """Return what the output layer should say, (n_rows, n_out): one-hot of classes."""
    if y.ndim == 2:
        return y
    return np.eye(case.layers[-1], dtype=np.float32)[y]


def load_data(case, quick):
    """Return X, y, and where they come from; classes are integers, targets (n_rows, n_out)."""
    n_rows = case.n_rows_quick if quick else case.n_rows
    return {"xor": _xor, "mnist": _mnist, "tabular": _tabular, "big": _big}[case.data](n_rows)


def _xor(n_rows):
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([[-1], [1], [1], [-1]], np.float32)
    return np.tile(corners, (n_rows // 4, 1)), np.tile(y, (n_rows // 4, 1)), "the four corners"


def _mnist(n_rows):
    place = Path(os.environ.get("PYNN_MNIST", MNIST_PLACE))
    if place.is_file():
        with np.load(place) as file:
            X = file["x_train"][:n_rows].reshape(n_rows, 784).astype(np.float32) / 255
            return X, file["y_train"][:n_rows].astype(np.int64), "MNIST"
    rng = np.random.default_rng(SEED)
    X = rng.random((n_rows, 784), np.float32)
    X[rng.random((n_rows, 784), np.float32) > 0.19] = 0  # MNIST: one pixel in five is not zero
    return X, _teach(rng, X, 10), f"GENERATED, seed {SEED}: no MNIST file (set PYNN_MNIST)"


def _tabular(n_rows):
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((n_rows, 50), np.float32)
    directions = rng.standard_normal((50, 2), np.float32) / np.sqrt(50)
    linear, bent = (X @ directions).T
    y = linear + np.sin(3 * bent) + 0.1 * rng.standard_normal(n_rows, np.float32)
    return X, y.astype(np.float32)[:, np.newaxis], f"generated, seed {SEED}"


def _big(n_rows):
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((n_rows, 1024), np.float32)
    return X, _teach(rng, X, 100), f"generated, seed {SEED}"


def _teach(rng, X, n_classes):
    """Classes of a random linear teacher, its outputs brought to one scale."""
    z = X @ rng.standard_normal((X.shape[1], n_classes), np.float32)
    return np.argmax((z - z.mean(0)) / z.std(0), axis=1)


def mini_batches(case, X):
    """Return at most 100 mini-batches of a shuffled epoch, (n, batch_size, n_in)."""
    n = min(100, len(X) // case.batch_size)
    order = np.random.default_rng(SEED).permutation(len(X))[: n * case.batch_size]
    return X[order].reshape(n, case.batch_size, -1)


def columns_used(batches):
    """Return the part of the columns in which each mini-batch has a number other than 0.

    The others take no part in the first layer's products, and a core that leaves them out does so
    much less than the arithmetic of dense products, by which the % of the peak is counted.
    """
    return batches.any(axis=1).mean(axis=1)


def loss(case, parameters, X, y):
    """Mean cost on the first rows, from flat parameters: the same code for every peer."""
    a, y = X[:N_LOSS_ROWS], y[:N_LOSS_ROWS]
    for (W, b), activation in zip(views(case, parameters), case.activations, strict=True):
        a = _ACTIVATIONS[activation](a @ W + b)
    a = a.astype(np.float64)
    if case.cost == "cross_entropy":
        return float(-np.mean(a[np.arange(len(y)), y]))  # the output is log softmax
    return float(0.5 * np.mean(np.sum(np.square(a - targets(case, y)), axis=1)))


def _log_softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


_ACTIVATIONS = {
    "identity": lambda z: z,
    "relu": lambda z: np.maximum(z, 0),
    "sigmoid": lambda z: 0.5 + 0.5 * np.tanh(0.5 * z),
    "tanh": np.tanh,
    "softmax": _log_softmax,
}
