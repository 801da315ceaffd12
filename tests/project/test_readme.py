"""README and CONTRIBUTING: what is written there works, and is of this house."""

import re
from importlib.metadata import entry_points

import pytest
from places import ROOT

import pynn
from pynn import _core, displays
from pynn.__main__ import main

README = (ROOT / "README.md").read_text(encoding="utf-8")
WHAT_IS_IN_IT = (ROOT / "docs" / "what_is_in_it.md").read_text(encoding="utf-8")
NETWORKS = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
PICTURES = (ROOT / "docs" / "pictures.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


def test_its_python_runs(capsys):
    ten_lines, *more = blocks("python")
    assert len(ten_lines.replace("\n\n", "\n").splitlines()) <= 10
    names = {}
    for block in [ten_lines, *more]:
        exec(block, names)
    figures = re.findall(r"(?:read correctly|accuracy): (\S+)", capsys.readouterr().out)
    assert len(figures) == 2
    assert min(map(float, figures)) > 0.94


def test_its_commands():
    assert [block.strip() for block in blocks("bash")] == [
        "python3 -m venv .venv && . .venv/bin/activate\npip install -e . && pynn demo",
        'pip install ".[test]" && pytest',
    ]
    (command,) = entry_points(group="console_scripts", name="pynn")
    assert command.load() is main


@pytest.mark.parametrize("names", [_core.ACTIVATIONS, _core.COSTS], ids=["activations", "costs"])
def test_all_that_there_is_has_its_name_on_the_list(names):
    for page in (WHAT_IS_IN_IT, NETWORKS):
        assert [name for name in names if not re.search(rf"\b{name}\b", page)] == []


def test_all_that_is_public_is_named_there():
    public = set(pynn.__all__) - {"__version__", "Huber", "LeakyReLU", "Quantile", "show_config"}
    assert {name for name in public if name not in WHAT_IS_IN_IT} == set()
    assert [name for name in displays.__all__ if name not in PICTURES] == []


def test_its_figures_are_those_last_measured():
    """Networks stand in the order of bench/README.md's cases; each cell begins with its figure."""
    measured = (ROOT / "bench" / "README.md").read_text(encoding="utf-8")
    measured = measured.split("<!-- training -->")[1].split("<!-- end of training -->")[0]
    here = README.split("## How fast")[1].split("\n## ")[0]
    figures = [
        [
            re.match(r"\**([\d.]+(?: [kM]\b)?)", cell)[1]
            for cell in line.strip("| ").split(" | ")[first : first + 7]
        ]
        for table, first in ((measured, 1), (here, 2))
        for line in re.findall(r"^\|.*\|$", table, re.M)[2:]
    ]
    half = len(figures) // 2
    assert half == 9
    assert figures[half:] == figures[:half]


@pytest.mark.parametrize("folder", ["csrc", "pynn"])
def test_every_file_has_its_room_in_the_house(folder):
    """A name such as train.c/.h stands for train.c and train.h."""
    named = set()
    for stem, endings in re.findall(r"\b(\w+)((?:\.\w+/?)+)", CONTRIBUTING):
        named |= {f"{stem}.{ending}" for ending in re.findall(r"\w+", endings)}
    files = {
        path.name
        for path in (ROOT / folder).rglob("*")
        if re.fullmatch(r"\.(c|h|py\w?)", path.suffix)
    }
    assert files - named == set()


def test_recipes_name_what_exists():
    """Each `path` is a file; what stands in capitals beside it stands there too."""
    recipes = CONTRIBUTING.split("## Recipes")[1].split("\n## ")[0]
    for path in set(re.findall(r"`((?:csrc|pynn|tests)/[\w./]+)`", recipes)):
        assert (ROOT / path).exists(), path
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("csrc", "pynn", "tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".c", ".h", ".py", ".pyx", ".pxd")
    )
    for name in set(re.findall(r"`([A-Za-z_]\w+)`", recipes)) - {"activate_NAME", "derive_NAME"}:
        assert re.search(rf"\b{name}\b", sources), name
