"""tools/wheels.py: the systems that it builds for."""

import subprocess
import sys
import tomllib

import pytest
from places import ROOT

wheels = pytest.importorskip("wheels", reason="needs ziglang", exc_type=ImportError)


def test_linux_has_wheels_and_each_other_system_a_driver():
    assert {target.system for target in wheels.TARGETS.values()} == {"Linux", "Darwin", "Windows"}
    for target in wheels.TARGETS.values():
        assert bool(target.tag) == (target.system == "Linux")


def test_the_oldest_glibc_is_that_of_the_tag_and_of_the_public_ci():
    with (ROOT / "pyproject.toml").open("rb") as file:
        images = tomllib.load(file)["tool"]["cibuildwheel"]
    for name, target in wheels.TARGETS.items():
        if name.startswith("manylinux"):
            oldest = target.triple.partition("gnu.")[2].replace(".", "_")
            assert target.tag == f"manylinux_{oldest}" == images[f"{name}-image"]


def test_an_unknown_name_is_refused_with_those_that_are_known():
    command = [sys.executable, str(ROOT / "tools" / "wheels.py"), "windows"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "unknown: windows; known: sdist, manylinux-x86_64" in done.stderr
