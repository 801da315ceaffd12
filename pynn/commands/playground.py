"""``pynn playground``: a network in a web page, trained step by step."""

from __future__ import annotations

import argparse

from pynn.commands.arguments import Commands, add_command

__all__ = ["add_to", "run"]


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "playground", run,
        help="train a network in a web page, step by step",
        description="Open the playground: one HTML file, in which the compiled core of pynn trains "
        "networks. It is written to a temporary folder, and needs neither a server nor a network.",
    )  # fmt: skip
    text = "only write the file, and print its path"
    parser.add_argument("--no-browser", dest="browser", action="store_false", help=text)
    text = "write the page to this file instead, which works without pynn"
    parser.add_argument("--output", metavar="FILE", help=text)


def run(arguments: argparse.Namespace) -> None:
    """Write the page, and open it."""
    from pynn import playing

    playing.run(arguments.output, opens=arguments.browser)
