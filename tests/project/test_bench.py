"""bench/: its commands run, from any folder, and peers agree."""

import subprocess
import sys

import pytest
from long import only_long
from places import ROOT


def run(folder, script, *arguments):
    """Run a command of bench/ elsewhere, in Python's safe-path mode; return its tables."""
    tables = folder / "tables.md"
    command = [sys.executable, "-P", str(ROOT / "bench" / script), "--quick", *arguments]
    command += ["--markdown", str(tables)]
    subprocess.run(command, cwd=folder, check=True, timeout=300)
    return tables.read_text(encoding="utf-8")


@only_long
def test_a_small_network_is_drawn_under_the_roofline(tmp_path):
    picture = tmp_path / "roofline.png"
    options = ("--cases", "xor", "--threads", "1", "--png", str(picture))
    assert "\n| xor |" in run(tmp_path, "roofline.py", *options)
    assert picture.stat().st_size > 10_000


@only_long
def test_each_kind_of_layer_is_measured(tmp_path):
    text = run(tmp_path, "layers.py", "--threads", "1")
    for kind in ("dropout", "residual layer", "layer norm", "batch norm", "Parametric"):
        assert f"\n| {kind} | " in text


@pytest.mark.slow
def test_pynn_and_numpy_agree_and_get_a_ratio(tmp_path):
    options = ("--cases", "xor", "--peers", "pynn,numpy", "--threads", "1", "--rounds", "1")
    (row,) = [
        line
        for line in run(tmp_path, "compare.py", *options).splitlines()
        if line.startswith("| xor |")
    ]
    assert "✗" not in row
    assert "NumPy" in row


@only_long
def test_late_steps_are_compared_with_early_ones(tmp_path):
    text = run(tmp_path, "users.py", "--only", "steps", "--threads", "1")
    for rule in ("Adam", "momentum", "RMSprop"):
        assert f"{rule}, late step / first: " in text


FUNCTIONS = """
import sys
sys.path.insert(0, "bench")
import functions, native

flags = native.core_flags
native.core_flags = lambda bits: [*flags(bits), "-O0"]  # a third of the time
for dtype in functions.DTYPES:
    print(functions._named(functions._load(dtype), 0)[0])
"""


@pytest.mark.slow
def test_the_functions_compile_with_the_core_s_kernels():
    command = [sys.executable, "-P", "-c", FUNCTIONS]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["expm1"] * 2
