"""`import pynn` in a checkout, where Python finds the sources before what is installed."""

import shutil
import subprocess
import sys

import pynn


def test_sources_that_are_not_compiled_say_so(tmp_path):
    (tmp_path / "pynn").mkdir()
    shutil.copy(pynn.__file__, tmp_path / "pynn")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import pynn"
    command = [sys.executable, "-I", "-S", "-c", code]  # without what .pth files bring
    result = subprocess.run(command, capture_output=True, text=True)
    last = result.stderr.rstrip().splitlines()[-1]
    assert last.startswith(f"ImportError: {tmp_path / 'pynn'} is pynn's source")
    assert "pip install -e ." in last
