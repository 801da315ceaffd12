"""examples/: each script runs by itself, without a warning, and prints what it promises."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

PROMISED = {
    "from_scikit_learn.py": r"""
 +seconds +CV accuracy +test accuracy +epochs +alpha +activation
scikit-learn +[\d.]+ +(?P<same>0\.9\d+ +0\.9\d+ +\d+ +[\d.]+ +\w+)
pynn +[\d.]+ +(?P=same)
greatest difference of a probability: \de-(0[7-9]|1\d)
""",
    "early_stopping_and_checkpoints.py": r"""
epoch +loss +val_loss +val_score +r2 +learning_rate +median error held out
( +\d+( +-?\d+\.\d+){5}  #+
){4,}stopped early: True; weights kept are those of epoch \d+
resumed after epoch 10: \d+ epochs, same weights: True
""",
    "imbalanced_classes.py": r"""
130 of 1347 images to learn from are of the rare class
 +recall +precision +balanced accuracy
class_weight=None +\d\d% +\d\d% +0\.\d+
class_weight=\{True: 3\} +\d\d% +\d\d% +0\.\d+
class_weight="balanced" +\d\d% +\d\d% +0\.\d+
pixels -> neighbours +\d\d% +\d\d% +0\.\d+
hidden layer -> neighbours +\d\d% +\d\d% +0\.\d+
of 32 pixels transform makes 20 features
""",
}


def run(name, folder):
    command = [sys.executable, "-W", "error", str(EXAMPLES / name)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.py")))
def test_it_prints_what_it_promises(name, tmp_path):
    out = run(name, tmp_path)
    assert re.fullmatch(PROMISED[name].lstrip("\n"), out), out
    assert not list(tmp_path.iterdir())  # and leaves nothing behind
    if name == "imbalanced_classes.py":
        recall = [int(figure) for figure in re.findall(r"(\d+)% +\d+% ", out)]
        assert recall[0] < recall[1] <= recall[2]
        assert recall[3] < recall[4]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_it_is_short_and_says_what_it_shows(path):
    source = path.read_text(encoding="utf-8")
    assert 30 <= len(source.splitlines()) <= 65
    assert len(ast.get_docstring(ast.parse(source))) > 100


def test_the_readme_names_them():
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if path.name not in readme] == []
