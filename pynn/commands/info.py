"""``pynn info``: what is in a model file."""

from __future__ import annotations

import argparse

from pynn.commands.arguments import Commands, add_command, printable

__all__ = ["add_to", "run"]


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "info", run,
        help="show what is in a model file",
        description="Show what is in a model file: the report of pynn train, how each column is "
        "used, the settings and the networks. Also for files that save() of a network or an "
        "estimator wrote.",
    )  # fmt: skip
    parser.add_argument("model", metavar="MODEL", help="a safetensors file")


def run(arguments: argparse.Namespace) -> None:
    """Print the report and the summary.

    Raises
    ------
    OSError, ValueError, ImportError
        If the file is no model.
    """
    from pynn.commands import models

    model, notes = models.load(arguments.model)
    print(f"{arguments.model}: {type(model).__name__}\n")
    if notes.report:
        print(f"{printable(notes.report)}\n")
    if hasattr(model, "classes_"):
        print(printable(f"Classes: {', '.join(map(str, model.classes_.tolist()))}\n"))
    summary = model.summary() if hasattr(model, "summary") else str(model)
    if summary is not None:  # Network.summary prints, and returns nothing
        print(printable(summary))
