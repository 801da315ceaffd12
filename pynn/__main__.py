"""The command ``pynn``, which ``python -m pynn`` is too."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from pynn import __version__
from pynn.config import show_config

__all__ = ["main"]

INTERRUPTED = 128 + 2  # exit code of what SIGINT ended, by the shells' convention


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, by default those of the process.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the command's name.

    Returns
    -------
    int
        Exit code: 0, or 130 after Ctrl-C, or 1 where nobody reads the output any more.

    Raises
    ------
    SystemExit
        With code 2 where the arguments are wrong, and 0 after ``--help`` and ``--version``.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        if arguments.command == "config":
            show_config()
        else:
            _demo(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\npynn: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # as in `pynn demo | head`; Python would complain again at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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
        "line for each epoch, then the test accuracy, some digits with what the network said of "
        "them, and the time of training beside that of the same training in NumPy.",
    )
    demo.add_argument(
        "--mnist",
        metavar="FILE",
        help="MNIST as an .npz file with the arrays x_train, y_train, x_test, y_test, "
        "such as Keras's mnist.npz",
    )
    demo.add_argument(
        "--epochs",
        type=_integer(1, 2**31 - 1),
        default=30,
        metavar="N",
        help="passes over the training digits (default: %(default)s)",
    )
    demo.add_argument(
        "--seed",
        type=_integer(0, 2**32 - 1),
        default=0,
        metavar="N",
        help="of initial weights and order of digits: the same seed, the same network "
        "(default: %(default)s)",
    )
    demo.add_argument("--no-numpy", action="store_true", help="leave the comparison with NumPy out")
    demo.set_defaults(error=demo.error)
    commands.add_parser(
        "config",
        help="print version, instruction sets, BLAS and threads",
        description="Print version, instruction sets, BLAS and threads. The environment variable "
        "PYNN_ISA chooses one of the instruction sets that are available.",
    )
    return parser


def _integer(lowest: int, highest: int) -> Callable[[str], int]:
    """Return a type for argparse: the integers of a range."""

    def convert(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = lowest - 1
        if not lowest <= number <= highest:
            raise argparse.ArgumentTypeError(
                f"must be an integer from {lowest} to {highest}, got {text!r}"
            )
        return number

    return convert


def _demo(arguments: argparse.Namespace) -> None:
    from pynn import demo  # scikit-learn's data sets take their time to import

    if arguments.mnist is None:
        digits = demo.bundled_digits()
    else:
        try:
            digits = demo.mnist_digits(arguments.mnist)
        except (OSError, ValueError) as error:
            arguments.error(f"argument --mnist: {error}")
    demo.demonstrate(
        digits, epochs=arguments.epochs, seed=arguments.seed, compare=not arguments.no_numpy
    )


if __name__ == "__main__":
    sys.exit(main())
