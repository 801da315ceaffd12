"""bench/: the C that stands beside the core still goes with it."""

import subprocess
import sys

import pytest
from places import ROOT

ROOFLINE = ROOT / "bench" / "roofline.py"


@pytest.mark.slow
def test_each_product_of_a_small_network_is_measured(tmp_path):
    report = tmp_path / "roofline.md"
    command = [sys.executable, str(ROOFLINE), "--quick", "--cases", "xor", "--threads", "1"]
    subprocess.run([*command, "--markdown", str(report)], cwd=tmp_path, check=True, timeout=300)
    text = report.read_text(encoding="utf-8")
    for product in ("forward 1", "forward 2", "backward 2", "gradient 1", "gradient 2"):
        assert f"| xor | {product} | 4 × " in text
