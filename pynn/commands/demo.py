"""``pynn demo``: a network learns to read handwritten digits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pynn.commands.arguments import EPOCHS_LIMIT, SEED_LIMIT, Commands, add_command, integer

if TYPE_CHECKING:
    from pynn.demo import Digits

__all__ = ["add_to", "run"]


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "demo", run,
        help="train a network that reads handwritten digits, and time it",
        description="Train a network with two hidden layers of 16 sigmoid units to read "
        "handwritten digits: scikit-learn's bundled ones, in a second or two, or MNIST. Prints a "
        "line for each epoch, then the test accuracy, some digits with the network's answers, and "
        "the speed of training.",
    )  # fmt: skip
    parser.add_argument(
        "--mnist",
        type=_mnist,
        metavar="FILE",
        help="MNIST as an .npz file with the arrays x_train, y_train, x_test, y_test, "
        "such as Keras's mnist.npz",
    )
    text = "passes over the training digits (default: %(default)s)"
    epochs = integer(1, EPOCHS_LIMIT)
    parser.add_argument("--epochs", type=epochs, default=30, metavar="N", help=text)
    text = "seed of the initial weights and the order of digits (default: %(default)s)"
    parser.add_argument("--seed", type=integer(0, SEED_LIMIT), default=0, metavar="N", help=text)


def run(arguments: argparse.Namespace) -> None:
    """Train, test and time the network."""
    from pynn import demo  # scikit-learn's data sets are slow to import

    digits = arguments.mnist or demo.bundled_digits()
    demo.demonstrate(digits, epochs=arguments.epochs, seed=arguments.seed)


def _mnist(path: str) -> Digits:
    """Read a file, as a type for argparse."""
    from pynn.demo import mnist_digits

    try:
        return mnist_digits(path)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error
