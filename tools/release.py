"""Check and describe a release: python tools/release.py [check TAG].

Prints the notes of the version in pyproject.toml, the only place that names it: the section of
CHANGELOG.md. With "check", exits unless TAG is "v" and this version, the section has a date, and
nothing is uncommitted.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def version_in(pyproject: str) -> str:
    """Return the version that the text of pyproject.toml names."""
    return str(tomllib.loads(pyproject)["project"]["version"])


def section_of(version: str, changelog: str) -> tuple[str, str]:
    """Return the date and the notes of a version; ("", "") if the changelog lacks it."""
    heading = rf"^## {re.escape(version)} \(([^)\n]+)\)\n(.*?)(?=^## |\Z)"
    found = re.search(heading, changelog, re.MULTILINE | re.DOTALL)
    return (found[1], found[2].strip()) if found else ("", "")


def problems(tag: str, version: str, changelog: str, uncommitted: str) -> list[str]:
    """Return all problems that prevent this release."""
    date, notes = section_of(version, changelog)
    found = []
    if tag != f"v{version}":
        found.append(f"the tag is {tag or 'missing'}, the version {version}: expected v{version}")
    if not notes:
        found.append(f"CHANGELOG.md has no notes under a heading '## {version} (DATE)'")
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", date):
        found.append(
            f"CHANGELOG.md gives {version} the date '{date}': expected one like 2027-01-31"
        )
    if uncommitted:
        found.append(f"uncommitted changes:\n{uncommitted.rstrip()}")
    return found


def main(arguments: list[str]) -> None:
    """Check or describe the release of this checkout."""
    version = version_in((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    if arguments[:1] == ["check"]:
        status = ["git", "status", "--porcelain"]
        done = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True)
        found = problems("".join(arguments[1:]), version, changelog, done.stdout)
        sys.exit("\n".join(found) or None)
    if arguments:
        sys.exit(__doc__)
    print(section_of(version, changelog)[1])


if __name__ == "__main__":
    main(sys.argv[1:])
