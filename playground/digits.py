"""Train the network that reads digits: python playground/digits.py --data mnist.npz.

Writes page/digits/network.bin, the parameters of 784-16-16-10 as little-endian float16, and
page/digits/examples.bin, test images with two pixels in each byte: ten digits that the network
reads, and four that it misreads. The archive has the arrays of Keras: x_train, y_train, x_test,
y_test. Training takes about five minutes. Other instruction sets round differently, so their
network has other numbers.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

import pynn

Array = NDArray[Any]

FOLDER = Path(__file__).resolve().parent / "page" / "digits"
SIZES = [784, 16, 16, 10]
N_MISREAD = 4


def moved(images: Array, rng: np.random.Generator) -> Array:
    """Rotate, scale, slant and shift each image a little, as drawings differ."""
    n = len(images)
    angles = np.deg2rad(rng.uniform(-12, 12, n))
    scales = np.exp(rng.uniform(-0.1, 0.1, (n, 2)))
    slants = rng.uniform(-0.1, 0.1, n)
    shifts = rng.uniform(-1, 1, (n, 2))
    result = np.empty_like(images)
    for i, image in enumerate(images):
        cos, sin = np.cos(angles[i]), np.sin(angles[i])
        slant = np.array([[scales[i, 0], 0], [slants[i], scales[i, 1]]])
        matrix = np.array([[cos, -sin], [sin, cos]]) @ slant
        middle = np.full(2, 13.5)
        offset = middle - matrix @ (middle + shifts[i])
        affine_transform(image, matrix, offset, output=result[i], order=1)
    return result


class Moved:
    """Training rows that differ a little in each epoch."""

    def __init__(self, images: Array, labels: Array, seed: int) -> None:
        self.images, self.labels = images, labels
        self.rng = np.random.default_rng(seed)

    def targets(self) -> Iterator[Array]:
        """Yield the labels, so that checking them moves no image."""
        yield self.labels

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        yield moved(self.images, self.rng).reshape(-1, 784), self.labels


def network() -> pynn.Network:
    """Return the untrained network."""
    return pynn.Network(
        SIZES,
        activation="sigmoid",
        output_activation="softmax",
        classes=range(10),
        random_state=1,
    )


def train(images: Array, labels: Array, epochs: int) -> pynn.Network:
    """Return a network that reads these images, of numbers from 0 to 1."""
    return network().fit(
        Moved(images, labels, seed=1),
        epochs=epochs,
        batch_size=64,
        optimizer=pynn.Adam(0.01),
        schedule=pynn.OneCycle(epochs, rise=0.1),
        alpha=1e-5,
    )


def examples(net: pynn.Network, images: Array, labels: Array) -> list[int]:
    """Return the first image of each digit that the network reads, and the first it misreads."""
    is_read = net.predict_classes(images.reshape(-1, 784)) == labels
    read = [int(np.flatnonzero(is_read & (labels == digit))[0]) for digit in range(10)]
    return read + [int(row) for row in np.flatnonzero(~is_read)[:N_MISREAD]]


def packed(images: Array) -> bytes:
    """Return images of numbers from 0 to 1 with 16 grey levels."""
    levels = np.round(15 * images).astype(np.uint8).reshape(-1, 2)
    return bytes(levels[:, 0] << 4 | levels[:, 1])


def main() -> None:
    """Train, write the files and print the accuracy."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="MNIST, as Keras's mnist.npz")
    parser.add_argument("--epochs", type=int, default=100)
    given = parser.parse_args()
    with np.load(given.data) as mnist:
        training, test = (mnist[name].astype(np.float32) / 255 for name in ("x_train", "x_test"))
        labels, test_labels = mnist["y_train"], mnist["y_test"]
    net, rows = train(training, labels, given.epochs), test.reshape(-1, 784)
    print(f"float32: {net.score(rows, test_labels):.2%} of the test images are read")
    content = net.parameters.astype("<f2")
    net.parameters[:] = content
    print(f"float16: {net.score(rows, test_labels):.2%}")
    (FOLDER / "network.bin").write_bytes(content.tobytes())
    chosen = test[examples(net, test, test_labels)]
    (FOLDER / "examples.bin").write_bytes(packed(chosen))


if __name__ == "__main__":
    main()
