"""bench/tables.py: fits tables, does not repeat a fit, and compares results with baselines."""

import json
import subprocess
import sys

import pytest
from places import ROOT

TABLES = """
from types import SimpleNamespace

import numpy as np

TABLES = [SimpleNamespace(name=name, task="regression") for name in ("first", "second", "third")]


def load(name):
    X = np.random.default_rng(0).normal(size=(60, 2))
    return X, X[:, 0], "regression"
"""
BASELINES = """
def ridge(regression, seed):
    from sklearn.linear_model import Ridge

    return Ridge()


def missing(regression, seed):
    import a_package_that_is_missing


METHODS = {"ridge": ridge, "missing": missing}
"""


def line(table, method, score, repeat=0, **more):
    times = {"n_rows": 2000, "n_columns": 3, "fit_cpu": 2.8, "predict_cpu": 0.003}
    cell = {"table": table, "task": "regression", "method": method, "repeat": repeat}
    return cell | {"nrmse": score} | times | more


def write(file, lines):
    file.write_text("".join(json.dumps(each) + "\n" for each in lines))


@pytest.fixture
def data(tmp_path):
    """A folder with tables and stored baselines."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "tables.py").write_text(TABLES)
    (folder / "baselines.py").write_text(BASELINES)
    scores = {"dummy": (1, 1, 1), "catboost": (0.5, 0.2, 0.2), "hgb": (0.6, 0.3, 0.3)}
    lines = [line(table, method, score) for method, of in scores.items()
             for table, score in zip(("first", "second", "third"), of, strict=True)]  # fmt: skip
    of_another_split = line("first", "catboost", 0.1, repeat=1)
    write(folder / "baselines.jsonl", [*lines, of_another_split])
    return folder


@pytest.fixture
def bench(tmp_path):
    """A function that runs the command and returns its report."""

    def run(*arguments):
        text = tmp_path / "report.md"
        command = [sys.executable, "-P", str(ROOT / "bench" / "tables.py"), *map(str, arguments)]
        command += ["--out", str(tmp_path / "results.jsonl"), "--markdown", str(text)]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=100, stderr=subprocess.PIPE)
        return text.read_text(encoding="utf-8")

    return run


def cells(text, table, row):
    """Return {column: cell} of a row of the table whose title begins so."""
    lines = text[text.index(f"**{table}") :].splitlines()[2:]
    names, _, *rows = (each.strip("| ").split(" | ") for each in lines if each.startswith("| "))
    return dict(zip(names, next(each for each in rows if each[0] == row), strict=True))


@pytest.fixture
def results(tmp_path):
    """Made-up results of two of the three tables, and of a variant."""
    variant = {"base": "pynn", "preset": "default", "expert": {"n_bins": 0}}
    write(tmp_path / "results.jsonl", [
        line("first", "pynn", 0.4, coverage=0.91, width=1.5),
        line("second", "pynn", 0.22, coverage=0.85, width=1.0),
        line("first", "no_bins", 0.5, **variant),
        line("second", "no_bins", 0.21, **variant),
    ])  # fmt: skip


@pytest.mark.usefixtures("results")
def test_results_are_compared_with_the_stored_baselines_on_the_same_splits(bench, data, tmp_path):
    text = bench("--report", "--data", data, "--png", tmp_path / "picture.png")
    ours = cells(text, "Methods compared", "pynn")
    assert ours["tables"] == "2"
    assert ours["wins against CatBoost"] == "1 / 2"
    assert ours["wins against HistGradientBoosting"] == "2 / 2"
    assert ours["distance"] == "5.0%"  # 0 and 10%
    assert ours["gap"] == "1.2%"  # 0 and 0.02 / 0.8
    assert ours["CPU s"] == "2"
    assert ours["rows predicted a second"] == "200 k"
    assert cells(text, "Methods compared", "CatBoost")["distance"] == "12.5%"
    assert "Coverage of 90% intervals, farthest on a table of more than 1000 rows: 5 points" in text
    scores = cells(text, "Log-loss, or RMSE", "first")
    assert (scores["pynn"], scores["CatBoost"]) == ("**0.4**", "0.5")
    assert (tmp_path / "picture.png").stat().st_size > 10_000


@pytest.mark.usefixtures("results")
def test_a_variant_is_compared_with_its_base(bench, data):
    row = cells(bench("--report", "--data", data), "Variants", "no_bins")
    assert row["expert settings"] == "`{'n_bins': 0}`"
    assert (row["better"], row["worse"]) == ("1", "1")
    assert row["distance"] == "15.0%"  # 25% and 5%
    assert row["CPU s over base's"] == "1×"


@pytest.mark.usefixtures("results")
def test_a_variant_keeps_its_settings(bench, data):
    with pytest.raises(subprocess.CalledProcessError) as error:
        bench("--data", data, "--name", "no_bins", "--expert", '{"n_bins": 8}')
    assert b"has no_bins with other settings: {'n_bins': 0}" in error.value.stderr


@pytest.mark.usefixtures("results")
def test_odd_tables_are_the_first_the_third_and_so_on(bench, data):
    text = bench("--report", "--data", data, "--tables", "odd")
    assert "| first |" in text
    assert "| second |" not in text


@pytest.mark.slow
def test_a_fit_leaves_a_line_and_is_not_done_again(bench, tmp_path):
    expert = json.dumps({"epochs": 2, "n_members": 1})
    options = "--tables", "iris", "--repeats", "0", "--name", "tiny", "--expert", expert
    assert "tiny has no fit in common with pynn" in bench(*options)
    file = tmp_path / "results.jsonl"
    (fit,) = map(json.loads, file.read_text().splitlines())
    assert (fit["task"], fit["n_rows"], fit["n_columns"]) == ("multiclass", 150, 4)
    assert {"logloss", "error", "ece", "temperature", "fit_cpu", "predict_cpu"} <= set(fit)
    bench(*options)
    assert len(file.read_text().splitlines()) == 1


@pytest.mark.slow
def test_the_folder_brings_methods_and_a_missing_package_is_named(bench, data):
    text = bench("--data", data, "--tables", "first", "--repeats", "0",
                 "--methods", "ridge,missing")  # fmt: skip
    assert cells(text, "Methods compared", "ridge")["tables"] == "1"
    assert "absent: missing (No module named 'a_package_that_is_missing')" in text
