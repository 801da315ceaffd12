"""docs/command_line.md shows commands that exist."""

import re
import shlex

import pytest
from places import ROOT

from pynn.__main__ import COMMANDS, _parsed

PAGE = (ROOT / "docs" / "command_line.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\$ (.*)$", PAGE, re.M)


@pytest.mark.parametrize("line", SHOWN)
def test_its_commands_are_accepted(line):
    (command,) = (part for part in line.split("|") if part.strip().startswith("pynn "))
    assert _parsed(shlex.split(command)[1:])


def test_it_names_all_commands_and_the_options_of_tables():
    for module in COMMANDS:
        assert f"pynn {module.__name__.split('.')[-1]}" in PAGE
    for option in re.findall(r'"(--[a-z-]+)"', (ROOT / "pynn/commands/train.py").read_text()):
        if option not in ("--quiet", "--seed"):
            assert option in PAGE
