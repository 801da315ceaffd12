"""tools/release.py: what keeps a release from being made, and its notes."""

import subprocess
import sys

import pytest
from places import ROOT
from release import problems, section_of, version_in

CHANGELOG = """# Changes

## 0.2.0 (2027-01-31)

- New.

## 0.1.0 (unreleased)

- First.
"""


def test_the_notes_are_the_section_of_the_version():
    assert section_of("0.2.0", CHANGELOG) == ("2027-01-31", "- New.")
    assert section_of("0.1.0", CHANGELOG) == ("unreleased", "- First.")
    assert section_of("0.1", CHANGELOG) == section_of("0x2.0", CHANGELOG) == ("", "")


def test_a_release_with_its_tag_date_and_notes_has_no_problem():
    assert problems("v0.2.0", "0.2.0", CHANGELOG, "") == []


@pytest.mark.parametrize(
    ("tag", "version", "uncommitted", "problem"),
    [
        ("0.2.0", "0.2.0", "", "expected v0.2.0"),
        ("", "0.2.0", "", "the tag is missing"),
        ("v0.3.0", "0.3.0", "", "no notes"),
        ("v0.1.0", "0.1.0", "", "the date 'unreleased'"),
        ("v0.2.0", "0.2.0", " M README.md\n", "uncommitted changes:\n M README.md"),
    ],
)
def test_anything_else_is_refused(tag, version, uncommitted, problem):
    (found,) = problems(tag, version, CHANGELOG, uncommitted)
    assert problem in found


def test_the_version_in_pyproject_has_notes():
    version = version_in((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    command = [sys.executable, str(ROOT / "tools" / "release.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert printed == section_of(version, changelog)[1] != ""


def test_a_wrong_tag_ends_with_an_error():
    command = [sys.executable, str(ROOT / "tools" / "release.py"), "check", "v0"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "the tag is v0" in done.stderr
