"""The cases: networks, data, arithmetic, goals, and the loss by which peers are compared."""

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy import sparse

MNIST_PLACE = Path(__file__).resolve().parents[2] / "shared" / "data" / "mnist.npz"
SEED = 20260  # of all generated data and initial weights
N_LOSS_ROWS = 256  # the first rows, on which networks are compared

# Allowed |loss - NumPy's loss|, as a fraction of the loss that training removed. Adam magnifies
# rounding where a gradient is close to zero, and PyTorch scales epsilon differently.
TOLERANCE = {"sgd": 1e-4, "adam": 1e-3}
# Libraries draw different dropout masks: allowed fraction of the loss that dropout adds to NumPy's.
# Other seeds differ by up to 0.22, dropout 0.3 in place of 0.5 by 0.5.
DROPOUT_TOLERANCE = 1 / 3


@dataclass(frozen=True)
class Case:
    """A network, its training, its data, and the length of the check of agreement."""

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
    dropout: float = 0.0  # of hidden layers
    weights: str = ""  # of the rows: "" none, "drawn", or "balanced" by the classes' frequencies
    density: float = 1.0  # fraction of X that is not 0; below 1 the rows are a CSR matrix
    dtype: str = "float32"

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
    def n_slots(self):
        """Numbers that the rule keeps for each parameter."""
        return 2 if self.rule == "adam" else 0

    @property
    def flop_per_sample(self):
        """Arithmetic of a step: three products a layer, no delta for the input.

        Only the entries of sparse rows count.
        """
        products = [n_in * n_out for n_in, n_out in self.shapes]
        products[0] *= self.density
        return 2 * (3 * sum(products) - products[0])

    @property
    def plain(self):
        """Whether rows are dense and equally weighted, without dropout."""
        return not self.dropout and not self.weights and self.density == 1

    def describe(self):
        rule = "Adam" if self.rule == "adam" else "SGD"
        return f"{'-'.join(map(str, self.layers))}, batch {self.batch_size}, {rule}"


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
        Case("dropout", (784, 512, 512, 10), *_CLASSIFY, 128, "adam", 0.001, "mnist",
             29952, 3840, 2560, 3, dropout=0.5),
        Case("weighted", (784, 100, 10), *_CLASSIFY, 200, "adam", 0.001, "mnist",
             60000, 10000, 10000, 2, weights="drawn"),
        Case("balanced", (784, 100, 10), *_CLASSIFY, 200, "adam", 0.001, "rare",
             16000, 4000, 4000, 4, weights="balanced"),
        Case("sparse", (20000, 100, 10), *_CLASSIFY, 200, "adam", 0.001, "sparse",
             10000, 2000, 2000, 12, density=0.01),
    )
}  # fmt: skip


# compare.py --check: (throughput over that of the fastest peer, % of FMA peak of the threads used)
GOALS = {
    "xor": (6, None), "online": (6, None), "digits16": (4.5, None), "nielsen30": (4, None),
    "nielsen100": (3.5, 70), "sklearn100": (2, 75), "tabular": (1.7, 75), "mid": (1.7, 80),
    "big": (1.05, 80),
}  # fmt: skip
GEOMETRIC_MEAN = 3  # of the ratios of these cases
SPARSE_GOAL = 5  # over scikit-learn


def initial_parameters(case, seed=SEED):
    """Glorot-uniform weights and biases, flat: W0, b0, W1, b1, … (each W row-major)."""
    rng = np.random.default_rng(seed)
    parts = []
    for n_in, n_out in case.shapes:
        bound = np.sqrt(6 / (n_in + n_out))
        parts.append(rng.uniform(-bound, bound, n_in * n_out + n_out))
    return np.concatenate(parts).astype(case.dtype)


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
    """Return targets of the output layer, (n_rows, n_out): classes one-hot."""
    if y.ndim == 2:
        return y
    return np.eye(case.layers[-1], dtype=case.dtype)[y]


def load_data(case, quick=False):
    """Return X, y and their source; y holds classes, or targets (n_rows, n_out)."""
    n_rows = case.n_rows_quick if quick else case.n_rows
    return _SOURCES[case.data](n_rows, case)


def row_weights(case, y):
    """Return weights (n_rows,), float64, or None; fewer rows get the first weights."""
    if case.weights == "drawn":
        return np.random.default_rng(SEED).exponential(size=len(y))
    if case.weights == "balanced":
        return (len(y) / (case.layers[-1] * np.bincount(y)))[y]
    return None


def _xor(n_rows, _):
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([[-1], [1], [1], [-1]], np.float32)
    return np.tile(corners, (n_rows // 4, 1)), np.tile(y, (n_rows // 4, 1)), "the four corners"


def mnist_file():
    """Return where MNIST is, or None."""
    place = Path(os.environ.get("PYNN_MNIST", MNIST_PLACE))
    return place if place.is_file() else None


def mnist(part):
    """Return X, y of MNIST's "train" or "test" images."""
    with np.load(mnist_file()) as file:
        X = file[f"x_{part}"].reshape(-1, 784).astype(np.float32) / 255
        return X, file[f"y_{part}"].astype(np.int64)


def _mnist(n_rows, _):
    if mnist_file():
        X, y = mnist("train")
        return X[:n_rows], y[:n_rows], "MNIST"
    rng = np.random.default_rng(SEED)
    X = rng.random((n_rows, 784), np.float32)
    X[rng.random((n_rows, 784), np.float32) > 0.19] = 0  # MNIST: one pixel in five is not zero
    return X, _teach(rng, X, 10), f"GENERATED, seed {SEED}: no MNIST file (set PYNN_MNIST)"


def _rare(n_rows, _):
    """MNIST with class c in one of c + 1 of its rows."""
    X, y, source = _mnist(60000, _)
    kept = np.flatnonzero(np.random.default_rng(SEED).random(len(y)) * (y + 1) < 1)[:n_rows]
    return X[kept], y[kept], f"{source}, class c thinned to 1 / (c + 1)"


def _tabular(n_rows, _):
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((n_rows, 50), np.float32)
    directions = rng.standard_normal((50, 2), np.float32) / np.sqrt(50)
    linear, bent = (X @ directions).T
    y = linear + np.sin(3 * bent) + 0.1 * rng.standard_normal(n_rows, np.float32)
    return X, y.astype(np.float32)[:, np.newaxis], f"generated, seed {SEED}"


def _big(n_rows, _):
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((n_rows, 1024), np.float32)
    return X, _teach(rng, X, 100), f"generated, seed {SEED}"


def _sparse(n_rows, _):
    """Rows like those of tf-idf: few positive entries, Euclidean norm 1."""
    rng = np.random.default_rng(SEED)
    X = sparse.random_array(
        (n_rows, 20000), density=0.01, format="csr", dtype=np.float32, rng=rng,
        data_sampler=lambda size: 1 - rng.random(size, np.float32),
    )  # fmt: skip
    norms = np.sqrt(X.multiply(X).sum(axis=1))
    X.data /= np.repeat(norms, np.diff(X.indptr))
    return X, _teach(rng, X, 10), f"generated, seed {SEED}"


def _largest(n_rows, case):
    """Normal columns; the class is the number of the largest among the first ones."""
    rng = np.random.default_rng(SEED)
    X = rng.standard_normal((n_rows, case.layers[0]), case.dtype)
    return X, X[:, : case.layers[-1]].argmax(axis=1), f"generated, seed {SEED}"


def _teach(rng, X, n_classes):
    """Classes of a random linear teacher with standardised outputs."""
    z = X @ rng.standard_normal((X.shape[1], n_classes), np.float32)
    return np.argmax((z - z.mean(0)) / z.std(0), axis=1)


_SOURCES = {"xor": _xor, "mnist": _mnist, "rare": _rare, "tabular": _tabular, "big": _big,
            "sparse": _sparse, "largest": _largest}  # fmt: skip


def columns_used(case, X):
    """Return the fraction of columns that are not 0 throughout a mini-batch, on average.

    The first layer's products need no others, though the % of the peak counts dense products.
    """
    n = min(100, X.shape[0] // case.batch_size)
    order = np.random.default_rng(SEED).permutation(X.shape[0])[: n * case.batch_size]
    used = [(abs(X[rows]).sum(axis=0) > 0).mean() for rows in order.reshape(n, -1)]
    return float(np.mean(used))


def loss(case, parameters, X, y):
    """Return the weighted mean cost of the first rows, from flat parameters."""
    X, y = X[:N_LOSS_ROWS], y[:N_LOSS_ROWS]
    weights = row_weights(case, y)
    a = outputs(case, parameters, X).astype(np.float64)
    if case.cost == "cross_entropy":
        costs = -a[np.arange(len(y)), y]  # the output is log softmax
    else:
        costs = 0.5 * np.sum(np.square(a - targets(case, y)), axis=1)
    return float(np.average(costs, weights=weights))


def outputs(case, parameters, X):
    """Return the activations of the output layer, log softmax in place of softmax."""
    a = X
    for (W, b), activation in zip(views(case, parameters), case.activations, strict=True):
        a = _ACTIVATIONS[activation](a @ W + b)
    return a


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
