"""What the long run installs is pinned with hashes, and is what pyproject.toml asks for."""

import re
import socket
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from places import ROOT

PINNED = re.compile(
    r"^(\S+?)==([^ ;\\]+)[^\n]*\\\n((?:    --hash=sha256:[0-9a-f]{64}[ \\]*\n)+)", re.MULTILINE
)


def pinned(name):
    """Return {package: versions}; a later one than those of older Pythons may be among them."""
    text = (ROOT / ".ci" / "requirements" / name).read_text(encoding="utf-8")
    found = PINNED.findall(text)
    assert len(found) == len(re.findall(r"^\S", text, re.MULTILINE)), "a line without a hash"
    versions = {}
    for package, version, _ in found:
        versions.setdefault(canonicalize_name(package), []).append(version)
    return versions


def wanted(*extras):
    """Yield what the project and its build need, with extras and the extras that these name."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)
    named = [*project["build-system"]["requires"], *project["project"]["dependencies"]]
    for extra in extras:
        named += project["project"]["optional-dependencies"][extra]
    for requirement in map(Requirement, named):
        if requirement.name == project["project"]["name"]:
            yield from wanted(*requirement.extras)
        else:
            requirement.name = canonicalize_name(requirement.name)
            yield requirement


@pytest.mark.parametrize(
    ("name", "extras"),
    [("test.txt", ["test"]), ("dev.txt", ["test", "docs", "dev", "playground-build"])],
)
def test_each_requirement_is_pinned_to_a_version_that_it_allows(name, extras):
    versions = pinned(name)
    for requirement in wanted(*extras):
        assert requirement.name in versions
        for version in versions[requirement.name]:
            assert requirement.specifier.contains(version), requirement


def test_both_files_pin_the_same_versions():
    every = pinned("dev.txt")
    for package, versions in pinned("test.txt").items():
        assert every[package] == versions


def test_a_connection_to_another_machine_is_refused():
    with socket.socket() as connection, pytest.raises(PermissionError, match="another machine"):
        connection.connect(("192.0.2.1", 80))  # an address that RFC 5737 keeps free for examples
