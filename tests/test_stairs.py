"""The rule of the stairs: calls go down only. Read off the include and import lines."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
CORE = {path.name: path.read_text() for path in (ROOT / "csrc").glob("*.[ch]")}
LAYER = {path.name: path.read_text() for path in (ROOT / "pynn").glob("*.p[yx]*")}
PYTHON = {  # "network", "estimators.training", ...
    ".".join(path.relative_to(ROOT / "pynn").with_suffix("").parts): path.read_text()
    for path in (ROOT / "pynn").rglob("*.py")
}
# Core files from the top step down; a file may include headers of its own step or of lower ones.
STEPS = [
    "pynn.c",
    "train",
    "network",
    "gradient",
    "layers",
    "rows",
    "transpose",
    "workspace",
    "blas",
    "team",
    "kernels",
]


def includes(name):
    return set(re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', CORE.get(name, ""), re.M))


def imports(name):
    """The modules of pynn that one of them imports when it is imported itself."""
    top_level = ast.parse(PYTHON.get(name, "")).body
    found = [node for node in top_level if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in found if node.module == "pynn" for alias in node.names}
    return names | {node.module[5:] for node in found if node.module.startswith("pynn.")}


def everything_below(name, step):
    """What one step leads to, and what that leads to, and so on down."""
    found, new = set(), step(name)
    while new:
        found |= new
        new = {further for below in new for further in step(below)} - found
    return found


def those_with(pattern, files):
    return {name for name, text in files.items() if re.search(pattern, text, re.M)}


def test_the_core_knows_nothing_of_python():
    assert CORE
    assert those_with(r"Python\.h|numpy/|cython", CORE) == set()


def test_kernels_neither_allocate_nor_lock_nor_call_blas():
    for name in CORE:
        if name.startswith("kernels"):
            allowed = {"immintrin.h", "math.h", "stddef.h", "stdint.h", "string.h"} | set(CORE)
            below = everything_below(name, includes)
            assert below <= allowed - {"blas.h", "memory.h", "team.h", "network.h", "train.h"}
            own = {file: CORE[file] for file in {name} | below if file in CORE}
            calls = r"\b(malloc|calloc|free|pynn_alloc|pthread_\w+|[sd]gemm)\("
            assert those_with(calls, own) == set()


def test_one_file_each_knows_threads_processor_and_memory():
    assert those_with(r"pthread|threads\.h", CORE) == {"team.c"}
    assert those_with(r"__builtin_cpu|cpuid\.h|getauxval", CORE) == {"dispatch.c"}
    assert those_with(r"stdlib\.h|\b(malloc|calloc|realloc|free)\(", CORE) == {"memory.c"}


def test_core_files_include_downwards():
    for higher, lower in [(h, low) for i, low in enumerate(STEPS) for h in STEPS[:i]]:
        for name in CORE:
            if name in (lower, f"{lower}.c", f"{lower}.h"):
                assert f"{higher}.h" not in everything_below(name, includes), name


def test_only_the_binding_knows_scipy_s_blas_and_the_core_s_face():
    assert those_with("cython_blas", LAYER) == {"_core.pyx"}
    assert set(re.findall(r'extern from "([^"]+)"', LAYER["_core.pxd"])) == {"pynn.h"}


def test_what_stands_above_network_does_not_reach_below_it():
    """Beside Network only its architecture, its checks, the configuration, threads, the version."""
    beside = {"network", "model", "architecture", "checks", "config", "threads", "__init__"}
    beside |= {"regularisation"}
    importing = those_with(r"^\s*(?:from|import)\b.*\b_core\b", PYTHON)
    assert importing == beside


def test_python_modules_import_downwards():
    for name in PYTHON:
        assert name not in everything_below(name, imports), f"{name} imports itself"
    assert "optimizers" in everything_below("network", imports)
    estimators = {name for name in PYTHON if name.startswith("estimators.")}
    displays = {name for name in PYTHON if name.startswith("displays.")}
    above = {"__init__", "callbacks"} | estimators | displays
    for name in PYTHON.keys() - above:
        assert not everything_below(name, imports) & estimators, name
    for name in PYTHON.keys() - displays:
        assert not everything_below(name, imports) & displays, name
