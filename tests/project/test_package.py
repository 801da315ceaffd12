"""What `import pynn` loads, what it offers, and the size and imports of its files."""

import ast
import json
import subprocess
import sys
import textwrap

import pytest
from places import ROOT
from test_stairs import PYTHON

import pynn

HEAVY = {
    "sklearn", "pandas", "polars", "matplotlib", "pyarrow", "rich", "joblib", "safetensors",
    "scipy.linalg", "scipy.sparse", "scipy.stats", "scipy.optimize",
}  # fmt: skip


# Modules of pynn that `import pynn` loads: threads lets threadpoolctl reach it.
AT_ONCE = {"pynn", "pynn._core", "pynn.checks", "pynn.model", "pynn.model.threads"}


def loaded_by(code):
    """Return the modules that are loaded in a fresh process after this code."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-P", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def heavy_among(modules):
    return {heavy for heavy in HEAVY for name in modules if f"{name}.".startswith(f"{heavy}.")}


def test_import_loads_next_to_nothing():
    before, after = loaded_by("pass"), loaded_by("import pynn")
    roots = {name.split(".")[0] for name in after - before if "cython" not in name}
    assert roots - set(sys.stdlib_module_names) <= {"pynn", "numpy", "threadpoolctl"}
    assert heavy_among(after) == set()
    assert {name for name in after if name.startswith("pynn")} == AT_ONCE


def test_a_network_alone_does_without_scikit_learn():
    code = """
        import numpy as np, pynn
        X = np.arange(30.0).reshape(10, 3) / 30
        net = pynn.Network([3, 4, 1], random_state=0)
        net.fit(X, X[:, 0], epochs=2, optimizer="adam", schedule=pynn.StepDecay(),
                validation_data=(X, X[:, 0]), callbacks=[pynn.callbacks.EarlyStopping()])
        net.predict(X), net.score(X, X[:, 0]), net.evaluate(X, X[:, 0]), net.cost(X, X[:, 0])
    """
    assert heavy_among(loaded_by(textwrap.dedent(code))) == set()


def test_all_names_are_listed_and_there():
    assert set(pynn.__all__) <= set(dir(pynn))
    for name in pynn.__all__:
        assert getattr(pynn, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'cleverness'"):
        pynn.cleverness  # noqa: B018


def test_names_are_listed_before_they_are_used():
    code = "import pynn; assert set(pynn.__all__) <= set(dir(pynn))"
    modules = loaded_by(code)
    assert {name for name in modules if name.startswith("pynn")} == AT_ONCE


def test_type_checkers_read_the_same_names():
    stub = ast.parse((ROOT / "pynn" / "__init__.pyi").read_text())
    found = {}
    for node in stub.body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                module = "" if node.module == "pynn" else node.module.removeprefix("pynn.")
                found[alias.asname or alias.name] = module or alias.name
    assert {name: found.get(name) for name in pynn._HOMES} == pynn._HOMES
    assert found.keys() - pynn._HOMES.keys() <= {"__version__", "VERSION"}


def test_a_user_s_script_passes_mypy_in_its_strict_mode(tmp_path):
    """Where a mistake is not found, the comment that allows it is an error itself."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import numpy as np
        import pynn
        from pynn.callbacks import EarlyStopping

        X = np.zeros((4, 2))
        y = np.array([0, 1, 0, 1])
        net = pynn.Network([2, 3, 1], output_activation="sigmoid", cost=pynn.Huber(1.0))
        net.fit(X, y, epochs=2, optimizer=pynn.Adam(0.1), callbacks=[EarlyStopping()])
        net.fit([(X, y)], optimizer="sgd", schedule=pynn.OneCycle(2), trainable=[True, False])
        net.fit(X, y, epochs="two")  # type: ignore[arg-type]
        figures: dict[str, float] = net.evaluate(X, y, metrics=["accuracy"])
        history: dict[str, list[float]] = net.history
        best: int | None = net.best_epoch
        model = pynn.MLPClassifier((3,), solver="adamw", dropout=0.1).fit(X, y, X_val=X, y_val=y)
        model.save("model")
        again: pynn.MLPClassifier = pynn.MLPClassifier.load("model")
        inner: pynn.Network = again.network_
        number: float = pynn.MLPRegressor(output_activation="tanh").fit(X, y).loss_
    """)
    )
    config = tmp_path / "mypy.ini"
    config.write_text(
        "[mypy]\n[mypy-sklearn.*,scipy.*,safetensors.*,matplotlib.*,pyarrow.*,rich.*,threadpoolctl.*]\n"
        "ignore_missing_imports = True\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", f"--config-file={config}"]
    command += ["--cache-dir", str(tmp_path / "cache"), str(script)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_of_the_package_is_longer_than_400_lines():
    lengths = {name: text.count("\n") for name, text in PYTHON.items()}
    assert len(lengths) > 50
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def private_imports(text):
    """Names and modules of scikit-learn that are private, in import lines at any depth."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("sklearn."):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if f"{alias.name}.".startswith("sklearn.")]
        else:
            continue
        found |= {name for name in names if any(part.startswith("_") for part in name.split("."))}
    return found


def test_private_imports_are_recognised():
    text = "from sklearn.base import clone\nif 1:\n    from sklearn.utils import _x, y\n"
    text += "import sklearn._y\nfrom sklearn._z import a\n"
    assert private_imports(text) == {"sklearn.utils._x", "sklearn._y", "sklearn._z.a"}


def test_one_file_knows_the_private_parts_of_scikit_learn():
    assert {name for name, text in PYTHON.items() if private_imports(text)} == {
        "estimators._sklearn"
    }
