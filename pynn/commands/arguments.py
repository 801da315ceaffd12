"""What the commands share in describing and reading their arguments."""

from __future__ import annotations

import argparse
import io
import math
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

Commands = Any  # the type that argparse's add_subparsers returns is private

EPOCHS_LIMIT, SEED_LIMIT = 2**31 - 1, 2**32 - 1


class _Brief(argparse.HelpFormatter):
    """Help whose texts start further right, so that long options need no line of their own."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, max_help_position=25, **options)


def add_command(
    commands: Commands,
    name: str,
    run: Callable[[argparse.Namespace], None],
    usage: str | None = None,
    **texts: str,
) -> argparse.ArgumentParser:
    """Add a command.

    Parameters
    ----------
    commands : what ``ArgumentParser.add_subparsers`` returned
    name : str
    run : function
        Called with the parsed arguments.
    usage : str, optional
        Arguments in the usage line, without the name of the command.
    **texts : str
        ``help``, for the list of commands, and ``description``.

    Returns
    -------
    ArgumentParser
    """
    usage = usage and f"pynn {name} {usage}"
    parser: argparse.ArgumentParser = commands.add_parser(
        name, usage=usage, formatter_class=_Brief, **texts
    )
    parser.set_defaults(run=run)
    return parser


def integer(lowest: int, highest: int) -> Callable[[str], int]:
    """Return a type for argparse: integers of a range."""
    return partial(_integer, lowest, highest)


def _integer(lowest: int, highest: int, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and lowest <= int(text) <= highest):
        accepted = f"an integer from {lowest} to {highest}"
        raise argparse.ArgumentTypeError(f"must be {accepted}, got {text!r}")
    return int(text)


def number(interval: str) -> Callable[[str], float]:
    """Return a type for argparse: numbers of an interval such as "[0, 1)"."""
    return partial(_number, interval)


def _number(interval: str, text: str) -> float:
    low, high = map(float, interval[1:-1].split(","))
    try:
        x = float(text)
    except ValueError:
        x = math.nan
    if not (low < x < high or (x == low and interval[0] == "[")):
        raise argparse.ArgumentTypeError(f"must be a number in {interval}, got {text!r}")
    return x


def names(text: str) -> list[str]:
    """Split names at commas, as a type for argparse."""
    return [name.strip() for name in text.split(",") if name.strip()]


def sizes(text: str) -> tuple[int, ...]:
    """Read the sizes of hidden layers, such as "100,50", as a type for argparse."""
    return tuple(_integer(1, 2**16, size.strip()) for size in text.split(","))


def tell(text: str) -> None:
    """Print a line for the user on stderr, where pipes do not mix it with results."""
    print(f"pynn: {printable(' '.join(text.split()))}", file=sys.stderr)


def printable(text: str) -> str:
    """Escape the control characters of a table's texts, which a terminal would obey."""
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode()
        for one in text
    )


def add_encoding(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--encoding``."""
    parser.add_argument(
        "--encoding",
        type=_encoding,
        metavar="NAME",
        help="of CSV, such as latin-1 (default: utf-8)",
    )


def _encoding(name: str) -> str:
    try:
        io.TextIOWrapper(io.BytesIO(), name)  # which also refuses codecs that are not for text
    except LookupError as error:
        raise argparse.ArgumentTypeError(
            f"must be an encoding such as utf-8, latin-1 or cp1252, got {name!r}"
        ) from error
    return name
