"""The main job: the network of the classic explanation learns to read handwritten digits.

Two hidden layers of 16 sigmoid units between the pixels and ten outputs, trained as in Nielsen's
book: squared error, plain gradient descent at rate 3, mini-batches of 10.
"""

from __future__ import annotations

import os
import sys
import zipfile
import zlib
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pynn.network import Network
from pynn.training.optimizers import SGD

__all__ = [
    "Digits",
    "bundled_digits",
    "demonstrate",
    "digits_28x28",
    "mnist_digits",
    "numpy_training",
]

Floats: TypeAlias = NDArray[np.floating[Any]]

HIDDEN_UNITS = (16, 16)
BATCH_SIZE = 10
LEARNING_RATE = 3.0
SPLIT_SEED = 0  # of the bundled digits into rows to learn from and rows to test
NUMPY_ROWS = 150_000  # that NumPy learns from at most, to the next epoch: about a second

N_DRAWN = 4  # digits side by side; with DRAWN_WIDTH and two spaces between them 78 columns
DRAWN_WIDTH = 18
SHADES, ASCII_SHADES = " ░▒▓█", " .:+*#@"


# ---- Data ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Digits:
    """Handwritten digits to learn from and to test.

    Parameters
    ----------
    name : str
        What they are, for people.
    X_train, X_test : float32 ndarrays of shape (n_rows, n_pixels)
        Ink of square pictures, row by row: from 0, none, to 1.
    y_train, y_test : ndarrays of int, shape (n_rows,)
        The digit that each picture shows.
    margin : int, default=0
        Pixels at each edge that are not drawn, for they are nearly always blank.

    Examples
    --------
    >>> from pynn.demo import bundled_digits
    >>> digits = bundled_digits()
    >>> digits.X_train.shape, digits.X_test.shape
    ((1347, 64), (450, 64))
    """

    name: str
    X_train: Floats
    y_train: NDArray[np.integer[Any]]
    X_test: Floats
    y_test: NDArray[np.integer[Any]]
    margin: int = 0


def bundled_digits() -> Digits:
    """Return the 1,797 digits that come with scikit-learn, a quarter of them to test.

    Returns
    -------
    Digits
        With pictures of 8 x 8 pixels.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, classes = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        (pixels / 16).astype(np.float32),
        classes,
        test_size=0.25,
        stratify=classes,
        random_state=SPLIT_SEED,
    )
    name = f"scikit-learn's bundled digits, a quarter to test (split with seed {SPLIT_SEED})"
    return Digits(name, X_train, y_train, X_test, y_test)


def mnist_digits(path: str | os.PathLike[str]) -> Digits:
    """Read the MNIST digits from a NumPy archive that is laid out as Keras's mnist.npz.

    Parameters
    ----------
    path : str or path-like
        File with the arrays x_train, x_test, uint8 of shape (n_rows, 28, 28), and y_train, y_test,
        integers from 0 to 9 of shape (n_rows,).

    Returns
    -------
    Digits

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is something else.
    """
    path = os.fspath(path)
    names = ("x_train", "y_train", "x_test", "y_test")
    try:
        with open(path, "rb") as file:
            archive = np.load(file)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it holds one array")
            missing = [name for name in names if name not in archive]
            if missing:
                raise ValueError(f"it has no {', '.join(missing)}")
            x_train, y_train, x_test, y_test = (archive[name] for name in names)
        _check_mnist("train", x_train, y_train)
        _check_mnist("test", x_test, y_test)
    except (ValueError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"{path!r} is not MNIST as an .npz file with the arrays {', '.join(names)}: {error}"
        ) from error
    X_train, X_test = (x.reshape(-1, 784).astype(np.float32) / 255 for x in (x_train, x_test))
    return Digits("MNIST", X_train, y_train, X_test, y_test, margin=4)


def digits_28x28(path: str | os.PathLike[str] | None = None) -> Digits:
    """Return MNIST where there is a file of it, else the bundled digits, enlarged.

    With it a network for MNIST's 784 pixels learns to read on any machine. The bundled pictures are
    stretched, by linear interpolation, to 20 x 20 pixels in a margin of 4, as those of MNIST are
    (LeCun, Bottou, Bengio & Haffner 1998, section III A).

    Parameters
    ----------
    path : str or path-like, optional
        See `mnist_digits`. By default what the environment variable PYNN_MNIST says, if it is set.

    Returns
    -------
    Digits
        With pictures of 28 x 28 pixels.

    Raises
    ------
    OSError, ValueError
        As for `mnist_digits`.

    Examples
    --------
    >>> from pynn.demo import digits_28x28
    >>> digits_28x28().X_train.shape[1]
    784
    """
    path = path or os.environ.get("PYNN_MNIST")
    if path:
        return mnist_digits(path)
    small = bundled_digits()
    X_train, X_test = (_enlarged(X) for X in (small.X_train, small.X_test))
    name = f"{small.name}, enlarged to 28 x 28"
    return Digits(name, X_train, small.y_train, X_test, small.y_test, margin=4)


def _enlarged(X: Floats) -> Floats:
    """Return pictures of 8 x 8 pixels as pictures of 28 x 28."""
    from scipy.ndimage import zoom

    ink = zoom(X.reshape(-1, 8, 8), (1, 2.5, 2.5), order=1)
    return np.pad(ink, ((0, 0), (4, 4), (4, 4))).reshape(-1, 784)


def _check_mnist(part: str, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Raise ValueError unless x holds pictures and y a digit for each of them."""
    if x.dtype != np.uint8 or x.ndim != 3 or x.shape[1:] != (28, 28) or len(x) == 0:
        raise ValueError(f"x_{part} is {x.dtype} {x.shape} instead of uint8 (n_rows, 28, 28)")
    if y.dtype.kind not in "iu" or y.shape != (len(x),):
        raise ValueError(f"y_{part} is {y.dtype} {y.shape} instead of integers ({len(x)},)")
    if y.min() < 0 or y.max() > 9:
        raise ValueError(f"y_{part} goes from {y.min()} to {y.max()} instead of 0 to 9")


# ---- Training ------------------------------------------------------------------------------------


def new_network(n_pixels: int, seed: int) -> tuple[Network, np.random.RandomState]:
    """Return the network before it has learned, and its source of random numbers."""
    random = np.random.RandomState(seed)
    network = Network(
        [n_pixels, *HIDDEN_UNITS, 10],
        activation="sigmoid",
        output_activation="sigmoid",
        cost="squared_error",
        random_state=random,
    )
    return network, random


def numpy_training(
    weights: tuple[Floats, ...],
    biases: tuple[Floats, ...],
    X: Floats,
    y: NDArray[np.integer[Any]],
    epochs: int,
    random: np.random.RandomState,
) -> None:
    """Do in plain NumPy what the demo's `Network.fit` does, rounding aside; in place.

    Parameters
    ----------
    weights, biases : tuples of ndarrays of shapes (n_in, n_out) and (n_out,)
        Sigmoid layers; they are changed.
    X : ndarray of shape (n_rows, n_in)
    y : integer ndarray of shape (n_rows,)
        Classes.
    epochs : int
    random : numpy.random.RandomState
        Shuffles the rows before each epoch.
    """
    targets = np.eye(len(biases[-1]), dtype=X.dtype)[y]
    order = np.arange(len(X))
    for _ in range(epochs):
        random.shuffle(order)
        for start in range(0, len(X), BATCH_SIZE):
            rows = order[start : start + BATCH_SIZE]
            activations = [X[rows]]
            for W, b in zip(weights, biases, strict=True):
                a: Floats = activations[-1] @ W
                a += b
                a *= 0.5  # sigmoid(z) = (1 + tanh(z / 2)) / 2, which cannot overflow
                np.tanh(a, out=a)
                a += 1
                a *= 0.5
                activations.append(a)
            # Rate and mean are multiplied into the small delta instead of the large gradient.
            delta: Floats = (activations[-1] - targets[rows]) * (LEARNING_RATE / len(rows))
            for layer in reversed(range(len(weights))):
                a = activations[layer + 1]
                delta *= a * (1 - a)
                delta_below = delta @ weights[layer].T if layer > 0 else delta
                weights[layer][...] -= activations[layer].T @ delta
                biases[layer][...] -= delta.sum(axis=0)
                delta = delta_below


# ---- What it shows -------------------------------------------------------------------------------


def demonstrate(digits: Digits, *, epochs: int = 30, seed: int = 0, compare: bool = True) -> None:
    """Train, test and time the network, and print what comes of it.

    Parameters
    ----------
    digits : Digits
    epochs : int, default=30
        Passes over the training rows.
    seed : int, default=0
        Of the initial parameters and of the order of rows, from 0 to 2**32 - 1.
    compare : bool, default=True
        Time NumPy too.
    """
    net, _ = new_network(digits.X_train.shape[1], seed)
    _print_task(net, digits, epochs)
    net.fit(
        digits.X_train,
        digits.y_train,
        epochs=epochs,
        batch_size=BATCH_SIZE,
        optimizer=SGD(LEARNING_RATE),
        validation_data=(digits.X_test, digits.y_test),
        verbose=True,
    )
    _print_test(net, digits)
    _print_times(digits, epochs, seed, compare)


def _print_task(net: Network, digits: Digits, epochs: int) -> None:
    sizes = "-".join(map(str, net.layer_sizes))
    side = round(net.layer_sizes[0] ** 0.5)
    counts = f"{len(digits.y_train):,} to learn from, {len(digits.y_test):,} to test"
    print(f"Network   {sizes}: {net.n_parameters:,} weights and biases, all layers sigmoid")
    print(f"Data      {digits.name}:")
    print(f"          pictures of {side} x {side} pixels, {counts}")
    print(f"Training  squared error, gradient descent at rate {LEARNING_RATE:g},")
    print(f"          mini-batches of {BATCH_SIZE}, {epochs} epochs\n")


def _print_test(net: Network, digits: Digits) -> None:
    outputs = net.predict(digits.X_test)
    right = outputs.argmax(axis=1) == digits.y_test
    accuracies = net.history["val_accuracy"]
    best = int(np.argmax(accuracies))
    print(f"\nTest: {right.sum():,} of {right.size:,} digits read correctly, {right.mean():.2%}")
    print(f"      (the best epoch was {best + 1}, with {accuracies[best]:.2%})\n")
    wrong = np.flatnonzero(~right)[: max(1, N_DRAWN - right.sum())]
    rows = np.r_[np.flatnonzero(right)[: N_DRAWN - len(wrong)], wrong]
    for line in drawn(digits, rows, outputs[rows], _shades()):
        print(line)


def _shades() -> str:
    """Return what to draw with: characters from no ink to full that the terminal has."""
    try:
        SHADES.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return ASCII_SHADES
    return SHADES


def drawn(digits: Digits, rows: NDArray[Any], outputs: Floats, shades: str) -> list[str]:
    """Return lines that show some test digits side by side, and below what was said of them."""
    side = round(digits.X_test.shape[1] ** 0.5)
    inner = slice(digits.margin, side - digits.margin)
    height = min(side - 2 * digits.margin, DRAWN_WIDTH // 2)
    pictures = []
    for row, output in zip(rows, outputs, strict=True):
        pixels = digits.X_test[row].reshape(side, side)[inner, inner]
        said, truth = int(output.argmax()), int(digits.y_test[row])
        # A character is about twice as high as it is wide.
        ink = _resized(pixels, height, 2 * height)
        levels = np.minimum(ink * len(shades), len(shades) - 1).astype(int)
        picture = ["".join(shades[level] for level in line) for line in levels]
        caption = [f"network: {said} ({output[said]:.2f})", f"truth:   {truth}"]
        if said != truth:
            caption[-1] += "  wrong"
        pictures.append([*picture, "", *caption])
    return [
        "  ".join(line.ljust(DRAWN_WIDTH) for line in lines).rstrip()
        for lines in zip(*pictures, strict=True)
    ]


def _resized(pixels: Floats, height: int, width: int) -> Floats:
    """Return a picture in another size; each of its pixels is the mean of the area it covers."""
    n_rows, n_columns = pixels.shape
    fine = pixels.repeat(height, axis=0).repeat(width, axis=1)
    means: Floats = fine.reshape(height, n_rows, width, n_columns).mean(axis=(1, 3))
    return means


def _print_times(digits: Digits, epochs: int, seed: int, compare: bool) -> None:
    """Train once more, with nothing to test or print in between; then with NumPy."""
    X, y = digits.X_train, digits.y_train
    net, _ = new_network(X.shape[1], seed)
    start = perf_counter()
    net.fit(X, y, epochs=epochs, batch_size=BATCH_SIZE, optimizer=SGD(LEARNING_RATE))
    seconds = perf_counter() - start
    print(f"\nThe same {epochs} epochs once more, with no tests and no table in between:")
    print(_time_line("pynn", seconds, epochs * len(X)))
    if compare:
        measured = min(epochs, -(-NUMPY_ROWS // len(X)))
        start_net, random = new_network(X.shape[1], seed)
        start = perf_counter()
        numpy_training(start_net.weights, start_net.biases, X, y, measured, random)
        numpy_seconds = (perf_counter() - start) * epochs / measured
        print(_time_line("NumPy", numpy_seconds, epochs * len(X)), end="")
        print(f", extrapolated from {measured} epochs" if measured < epochs else "")
        print(f"NumPy took {numpy_seconds / seconds:.1f} times as long, from the same start")
        print("and in the same order of rows; see numpy_training in pynn/demo.py.")


def _time_line(name: str, seconds: float, n_rows: int) -> str:
    return f"  {name:6} {seconds:9.3f} s {n_rows / seconds:12,.0f} rows/s"
