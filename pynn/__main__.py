"""The command ``pynn``, also available as ``python -m pynn``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from pynn import __version__
from pynn.config import show_config

if TYPE_CHECKING:
    from pynn.demo import Digits


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the name of the command. By default, those of the process.

    Returns
    -------
    int
        Exit code: 0 on success, 130 after Ctrl-C, 1 if the output pipe is closed or a file cannot
        be written.

    Raises
    ------
    SystemExit
        With code 2 if the arguments are wrong, and 0 after ``--help`` and ``--version``.
    """
    try:
        arguments = _parser().parse_args(argv)
        if arguments.command == "config":
            show_config()
        elif arguments.command == "playground":
            from pynn import playing

            playing.run(arguments.output, opens=arguments.browser)
        else:
            from pynn import demo  # scikit-learn's data sets are slow to import

            digits = arguments.mnist or demo.bundled_digits()
            demo.demonstrate(digits, epochs=arguments.epochs, seed=arguments.seed)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\npynn: interrupted", file=sys.stderr)
        return 128 + 2  # SIGINT, by the shells' convention
    except BrokenPipeError:  # as in `pynn demo | head`; Python would complain again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"pynn: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pynn", description="Fully-connected neural networks on the CPU."
    )
    parser.add_argument("--version", action="version", version=f"pynn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="train a network that reads handwritten digits, and time it",
        description="Train a network with two hidden layers of 16 sigmoid units to read "
        "handwritten digits: scikit-learn's bundled ones, in a second or two, or MNIST. Prints a "
        "line for each epoch, then the test accuracy, some digits with the network's answers, and "
        "the speed of training.",
    )
    demo.add_argument(
        "--mnist",
        type=_mnist,
        metavar="FILE",
        help="MNIST as an .npz file with the arrays x_train, y_train, x_test, y_test, "
        "such as Keras's mnist.npz",
    )
    epochs, seed = partial(_integer, 1, 2**31 - 1), partial(_integer, 0, 2**32 - 1)
    text = "passes over the training digits (default: %(default)s)"
    demo.add_argument("--epochs", type=epochs, default=30, metavar="N", help=text)
    text = "seed of the initial weights and the order of digits (default: %(default)s)"
    demo.add_argument("--seed", type=seed, default=0, metavar="N", help=text)
    commands.add_parser(
        "config",
        help="print version, instruction sets, BLAS and threads",
        description="Print version, instruction sets, BLAS and threads. The environment variable "
        "PYNN_ISA chooses one of the available instruction sets.",
    )
    playground = commands.add_parser(
        "playground",
        help="train a network in a web page, step by step",
        description="Open the playground: one HTML file, in which the compiled core of pynn trains "
        "networks. It is written to a temporary folder, and needs neither a server nor a network.",
    )
    text = "only write the file, and print its path"
    playground.add_argument("--no-browser", dest="browser", action="store_false", help=text)
    text = "write the page to this file instead, which works without pynn"
    playground.add_argument("--output", metavar="FILE", help=text)
    return parser


def _integer(lowest: int, highest: int, text: str) -> int:
    """Read an integer of a range, as a type for argparse."""
    if not (text.isdecimal() and lowest <= int(text) <= highest):
        accepted = f"an integer from {lowest} to {highest}"
        raise argparse.ArgumentTypeError(f"must be {accepted}, got {text!r}")
    return int(text)


def _mnist(path: str) -> Digits:
    """Read a file, as a type for argparse."""
    from pynn.demo import mnist_digits

    try:
        return mnist_digits(path)
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
