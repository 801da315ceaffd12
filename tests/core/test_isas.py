"""The instruction sets that the core finds are those that the system reports."""

import platform
from pathlib import Path

import pytest

from pynn import _core

CPUINFO = Path("/proc/cpuinfo")
V3 = {"avx2", "fma", "bmi1", "bmi2"}
V4 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


@pytest.mark.skipif(
    platform.machine() != "x86_64" or not CPUINFO.exists(), reason="needs Linux on x86-64"
)
def test_each_level_needs_all_of_its_features():
    flags = set(CPUINFO.read_text().partition("flags")[2].partition("\n")[0].split())
    expected = ["baseline"]
    expected += ["x86-64-v3"] * (flags >= V3)
    expected += ["x86-64-v4"] * (flags >= V3 | V4)
    found = _core.available_isas()
    if "x86-64-v4" not in found:  # builds may leave it out
        expected = expected[:2]
    assert found == expected
