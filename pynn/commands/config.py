"""``pynn config``: version, instruction sets, BLAS and threads."""

from __future__ import annotations

import argparse

from pynn.commands.arguments import Commands, add_command

__all__ = ["add_to", "run"]


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_command(
        commands, "config", run,
        help="print version, instruction sets, BLAS and threads",
        description="Print version, instruction sets, BLAS and threads. The environment variable "
        "PYNN_ISA chooses one of the available instruction sets.",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> None:
    """Print the configuration."""
    from pynn.config import show_config

    show_config()
