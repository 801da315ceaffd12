"""``pynn bench``: training speed on this machine, compared with NumPy."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

from pynn.commands.arguments import Commands, add_command

__all__ = ["add_to", "run"]

_CASES = [  # layers, batch size
    ((2, 8, 1), 4),
    ((784, 30, 10), 10),
    ((784, 100, 10), 100),
    ((50, 256, 256, 1), 256),
]
_SECONDS = 0.15  # of each measurement
_REPEATS = 3  # the fastest counts, as others may use the machine


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands, "bench", run,
        help="compare the training speed with NumPy on this machine",
        description="Train four networks for some seconds in all, with pynn and with plain NumPy, "
        "and print how many rows a second each of them learns from: sigmoid layers, gradient "
        "descent, float32. The scripts in bench/ of the repository compare more libraries.",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Measure and print a table."""
    from pynn.config import configuration
    from pynn.inspection.tables import aligned

    rows = [["network", "batch", "pynn", "NumPy", "ratio"]]
    for sizes, batch in _CASES:
        ours, theirs = _rates(sizes, batch)
        name = "-".join(map(str, sizes))
        rows.append([name, str(batch), _short(ours), _short(theirs), f"{ours / theirs:.3g}"])
    facts = configuration()
    print(f"pynn {facts['pynn']}, {facts['instruction set']}, threads {facts['threads']}")
    print("Rows a second in training, gradient descent in float32\n")
    print("\n".join(aligned(rows, left=(0,))))


def _rates(sizes: Sequence[int], batch: int) -> tuple[float, float]:
    """Return rows a second of pynn and of NumPy; their measurements alternate."""
    import numpy as np
    from threadpoolctl import threadpool_limits

    from pynn.network import Network

    rng = np.random.default_rng(0)
    n = max(2000, 20 * batch) // batch * batch
    X = rng.random((n, sizes[0]), np.float32)
    y = rng.random((n, sizes[-1]), np.float32)
    layers: dict[str, Any] = dict.fromkeys(("activation", "output_activation"), "sigmoid")
    net = Network(sizes, cost="squared_error", random_state=0, **layers)
    weights = [W.copy() for W in net.weights]
    biases = [b.copy() for b in net.biases]

    def ours(epochs: int) -> None:
        net.fit(X, y, epochs=epochs, batch_size=batch, optimizer="sgd")

    def theirs(epochs: int) -> None:
        for _ in range(epochs):
            order = rng.permutation(n)
            for start in range(0, n, batch):
                some = order[start : start + batch]
                _update(weights, biases, X[some], y[some])

    fastest = [0.0, 0.0]
    for _ in range(_REPEATS):
        fastest[0] = max(fastest[0], n * _epochs_per_second(ours))
        for n_threads in (1, None):  # of BLAS: small products are faster in one thread
            with threadpool_limits(n_threads, "blas"):
                fastest[1] = max(fastest[1], n * _epochs_per_second(theirs))
    return fastest[0], fastest[1]


def _update(weights: list[Any], biases: list[Any], X: Any, y: Any, rate: float = 0.01) -> None:
    """Make one step of gradient descent on the squared error, in plain NumPy."""
    import numpy as np

    activations = [X]
    for W, b in zip(weights, biases, strict=True):
        activations.append(1 / (1 + np.exp(-(activations[-1] @ W + b))))
    delta = (activations[-1] - y) * activations[-1] * (1 - activations[-1])
    for k in reversed(range(len(weights))):
        a, W = activations[k], weights[k]
        back = delta @ W.T * a * (1 - a) if k else delta
        weights[k] -= rate / len(X) * (a.T @ delta)
        biases[k] -= rate / len(X) * delta.sum(axis=0)
        delta = back


def _epochs_per_second(train: Callable[[int], None]) -> float:
    epochs = 1
    while True:
        begun = perf_counter()
        train(epochs)
        seconds = perf_counter() - begun
        if seconds >= _SECONDS:
            return epochs / seconds
        epochs = min(10 * epochs, int(1.2 * epochs * _SECONDS / max(seconds, 1e-6)) + 1)


def _short(rate: float) -> str:
    """Write a rate with three digits and a unit."""
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if rate >= size:
            return f"{rate / size:.3g} {unit}"
    return f"{rate:.3g}"
