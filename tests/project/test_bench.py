"""bench/: the C that stands beside the core still goes with it."""

import os
import shutil
import subprocess
import sys

import pytest
from places import ROOT

ROOFLINE = ROOT / "bench" / "roofline.py"


@pytest.fixture
def quick_cc(tmp_path):
    """An environment whose cc leaves code as slow as it is: that takes a tenth of the time."""
    cc = tmp_path / "cc"
    cc.write_text(f'#!/bin/sh\nexec {shutil.which("cc")} "$@" -O0\n')
    cc.chmod(0o700)
    return os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


@pytest.mark.slow
def test_each_product_of_a_small_network_is_measured(tmp_path, quick_cc):
    report = tmp_path / "roofline.md"
    command = [sys.executable, str(ROOFLINE), "--quick", "--cases", "xor", "--threads", "1"]
    command += ["--markdown", str(report)]
    subprocess.run(command, cwd=tmp_path, env=quick_cc, check=True, timeout=300)
    text = report.read_text(encoding="utf-8")
    for product in ("forward 1", "forward 2", "backward 2", "gradient 1", "gradient 2"):
        assert f"| xor | {product} | 4 × " in text
