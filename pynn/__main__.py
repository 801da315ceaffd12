# PYTHON_ARGCOMPLETE_OK
"""The command ``pynn``, also available as ``python -m pynn``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from pynn import __version__
from pynn.commands import bench, config, demo, export, info, playground, predict, train
from pynn.commands.arguments import printable

# Each has `add_to`, which describes its arguments and names its function `run`.
COMMANDS = train, predict, info, export, bench, demo, playground, config


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments after the name of the command. By default, those of the process.

    Returns
    -------
    int
        Exit code: 0 on success, 130 after Ctrl-C, 1 if a file is not as it must be or the output
        pipe is closed.

    Raises
    ------
    SystemExit
        With code 2 if the arguments are wrong, and 0 after ``--help`` and ``--version``.
    """
    if sys.stdout is None:  # as after `pynn info x.model >&-`
        print("pynn: error: the standard output is closed", file=sys.stderr)
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):  # reports hold names from tables
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        arguments = _parsed(argv)
        arguments.run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\npynn: interrupted", file=sys.stderr)
        return 128 + 2  # SIGINT, by the shells' convention
    except BrokenPipeError:  # as in `pynn demo | head`; Python would complain again at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, ValueError, TypeError, ImportError, MemoryError) as error:
        print(f"pynn: error: {printable(_in_one_line(error))}", file=sys.stderr)
        return 1
    return 0


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="pynn", description="Fully-connected neural networks on the CPU."
    )
    parser.add_argument("--version", action="version", version=f"pynn {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    if "_ARGCOMPLETE" in os.environ:  # a shell asks for completions
        import argcomplete

        argcomplete.autocomplete(parser)
    return parser.parse_args(argv)


def _in_one_line(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, MemoryError):
        return "not enough memory"
    return " ".join(str(error).split())


if __name__ == "__main__":
    sys.exit(main())
