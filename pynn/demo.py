"""The demo of the command line: a small network learns to read handwritten digits.

The network has two hidden layers of 16 sigmoid units between the pixels and ten outputs. It is
trained as in Nielsen's book: squared error, gradient descent with learning rate 3, and mini-batches
of 10.
"""

from __future__ import annotations

import os
import sys
import zipfile
import zlib
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pynn.callbacks import EarlyStopping
from pynn.network import Network
from pynn.training.optimizers import SGD

__all__ = ["Digits", "bundled_digits", "demonstrate", "digits_28x28", "mnist_digits"]

BATCH_SIZE, LEARNING_RATE, VALIDATION_SPLIT = 10, 3.0, 0.1
N_DRAWN, DRAWN_WIDTH = 4, 18  # with two spaces between the digits 78 columns
SHADES, ASCII_SHADES = " ░▒▓█", " .:+*#@"


# ---- Data ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Digits:
    """Training and test set of handwritten digits.

    Parameters
    ----------
    name : str
        Description of the data set.
    X_train, X_test : float32 ndarrays of shape (n_rows, n_pixels)
        Pixels of square pictures, row by row, from 0 (blank) to 1 (ink).
    y_train, y_test : ndarrays of int, shape (n_rows,)
        Digit shown in each picture.
    margin : int, default=0
        Number of pixels at each edge that are usually blank, and not drawn.

    Examples
    --------
    >>> from pynn.demo import bundled_digits
    >>> digits = bundled_digits()
    >>> digits.X_train.shape, digits.X_test.shape
    ((1347, 64), (450, 64))
    """

    name: str
    X_train: NDArray[Any]
    y_train: NDArray[Any]
    X_test: NDArray[Any]
    y_test: NDArray[Any]
    margin: int = 0


def bundled_digits() -> Digits:
    """Return scikit-learn's 1,797 bundled digits, with a quarter of them as test set.

    Returns
    -------
    Digits
        Pictures of 8 x 8 pixels.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, y = load_digits(return_X_y=True)
    X = (pixels / 16).astype(np.float32)
    parts = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    X_train, X_test, y_train, y_test = parts
    name = "scikit-learn's bundled digits, a quarter to test (split with seed 0)"
    return Digits(name, X_train, y_train, X_test, y_test)


def mnist_digits(path: str | os.PathLike[str]) -> Digits:
    """Read the MNIST digits from a NumPy archive such as Keras's mnist.npz.

    Parameters
    ----------
    path : str or path-like
        File with the arrays x_train and x_test, uint8 of shape (n_rows, 28, 28), and y_train and
        y_test, integers from 0 to 9 of shape (n_rows,).

    Returns
    -------
    Digits

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If the file does not hold these arrays.
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
    """Return MNIST if its file is given, else the bundled digits, enlarged to the same size.

    This allows training a network for the 784 pixels of MNIST on any machine. The bundled pictures
    are stretched by linear interpolation to 20 x 20 pixels with a margin of 4, the format of MNIST
    (LeCun, Bottou, Bengio & Haffner 1998, section III A).

    Parameters
    ----------
    path : str or path-like, optional
        File as for `mnist_digits`. The default is the environment variable PYNN_MNIST, if set.

    Returns
    -------
    Digits
        Pictures of 28 x 28 pixels.

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
    X_train, X_test = _enlarged(small.X_train), _enlarged(small.X_test)
    name = f"{small.name}, enlarged to 28 x 28"
    return replace(small, name=name, X_train=X_train, X_test=X_test, margin=4)


def _enlarged(X: NDArray[Any]) -> NDArray[Any]:
    """Return pictures of 8 x 8 pixels as pictures of 28 x 28 pixels."""
    from scipy.ndimage import zoom

    ink = zoom(X.reshape(-1, 8, 8), (1, 2.5, 2.5), order=1)
    return np.pad(ink, ((0, 0), (4, 4), (4, 4))).reshape(-1, 784)


def _check_mnist(part: str, x: NDArray[Any], y: NDArray[Any]) -> None:
    """Raise ValueError unless x holds pictures and y their digits."""
    if x.dtype != np.uint8 or x.ndim != 3 or x.shape[1:] != (28, 28) or len(x) == 0:
        raise ValueError(f"x_{part} is {x.dtype} {x.shape} instead of uint8 (n_rows, 28, 28)")
    if y.dtype.kind not in "iu" or y.shape != (len(x),):
        raise ValueError(f"y_{part} is {y.dtype} {y.shape} instead of integers ({len(x)},)")
    if y.min() < 0 or y.max() > 9:
        raise ValueError(f"y_{part} goes from {y.min()} to {y.max()} instead of 0 to 9")


# ---- Demo ----------------------------------------------------------------------------------------


def demonstrate(digits: Digits, *, epochs: int = 30, seed: int = 0) -> None:
    """Train, test and time the network, and print the results.

    Parameters
    ----------
    digits : Digits
    epochs : int, default=30
        Number of passes over the training set.
    seed : int, default=0
        Seed of the initial parameters and of the order of rows, from 0 to 2**32 - 1.
    """
    X, y = digits.X_train, digits.y_train
    sizes = [X.shape[1], 16, 16, 10]
    net = Network(
        sizes,
        activation="sigmoid",
        output_activation="sigmoid",
        cost="squared_error",
        random_state=seed,
    )
    side = round(X.shape[1] ** 0.5)
    counts = f"{len(y):,} for training, {len(digits.y_test):,} for testing"
    architecture = f"{'-'.join(map(str, sizes))}: {net.n_parameters:,} weights and biases"
    print(f"Network   {architecture}, all layers sigmoid")
    print(f"Data      {digits.name}:")
    print(f"          pictures of {side} x {side} pixels, {counts}")
    print(f"Training  squared error, gradient descent at rate {LEARNING_RATE:g},")
    print(f"          mini-batches of {BATCH_SIZE}, {epochs} epochs; {VALIDATION_SPLIT:.0%} of the")
    print("          training set is set aside for validation\n")
    train = partial(
        net.fit, X, y, epochs=epochs, batch_size=BATCH_SIZE, optimizer=SGD(LEARNING_RATE)
    )
    best = EarlyStopping(patience=epochs)  # restores the best epoch
    train(validation_split=VALIDATION_SPLIT, callbacks=[best], verbose=True)
    _print_test(net, digits)
    start = perf_counter()
    train()
    seconds = perf_counter() - start
    print(f"\nAnother {epochs} epochs, without validation and table:")
    print(f"  {seconds:.3f} s, {epochs * len(X) / seconds:,.0f} rows/s")
    print("The scripts in bench/ compare pynn with NumPy and other libraries.")


def _print_test(net: Network, digits: Digits) -> None:
    outputs = net.predict(digits.X_test)
    right = outputs.argmax(axis=1) == digits.y_test
    print(f"\nTest: {right.sum():,} of {right.size:,} digits read correctly, {right.mean():.2%}")
    print(f"      (weights of epoch {net.best_epoch}, the best on the validation set)\n")
    wrong = np.flatnonzero(~right)[: max(1, N_DRAWN - right.sum())]
    rows = np.r_[np.flatnonzero(right)[: N_DRAWN - len(wrong)], wrong]
    encoding = sys.stdout.encoding or "ascii"
    can_shade = SHADES.encode(encoding, "replace").decode(encoding) == SHADES
    print(*drawn(digits, rows, outputs[rows], SHADES if can_shade else ASCII_SHADES), sep="\n")


def drawn(digits: Digits, rows: NDArray[Any], outputs: NDArray[Any], shades: str) -> list[str]:
    """Return lines that show some test digits side by side, with the outputs below.

    shades: characters from blank to ink.
    """
    side = round(digits.X_test.shape[1] ** 0.5)
    inner = slice(digits.margin, side - digits.margin)
    pixels = digits.X_test[rows].reshape(-1, side, side)[:, inner, inner]
    side = pixels.shape[1]
    height = min(side, DRAWN_WIDTH // 2)
    width = 2 * height  # a character is about twice as high as wide
    fine = pixels.repeat(height, axis=1).repeat(width, axis=2)
    ink = fine.reshape(-1, height, side, width, side).mean(axis=(2, 4))
    levels = np.minimum(ink * len(shades), len(shades) - 1).astype(int)
    pictures = np.array(list(shades))[levels]
    columns = []
    for picture, output, truth in zip(pictures, outputs, digits.y_test[rows], strict=True):
        answer = int(output.argmax())
        wrong = "  wrong" if answer != truth else ""
        caption = f"network: {answer} ({output[answer]:.2f})", f"truth:   {truth}{wrong}"
        columns.append([*map("".join, picture), "", *caption])
    return [
        "  ".join(part.ljust(DRAWN_WIDTH) for part in line).rstrip()
        for line in zip(*columns, strict=True)
    ]
