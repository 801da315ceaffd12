"""The rule of the stairs: calls go down only. Read off the include and import lines."""

import ast
import re
import sys
from functools import cache

from places import ROOT

CORE = {path.name: path.read_text() for path in (ROOT / "csrc").glob("*.[ch]")}
LAYER = {path.name: path.read_text() for path in (ROOT / "pynn").glob("*.p[yx]*")}
PYTHON = {  # "network", "model", "model.costs", ...
    ".".join(path.relative_to(ROOT / "pynn").with_suffix("").parts).removesuffix(".__init__"): (
        path.read_text()
    )
    for path in (ROOT / "pynn").rglob("*.py")
}
# Core files from the top step down; a file may include headers of its own step or of lower ones.
STEPS = [
    "wasm.c",
    "pynn.c",
    "train",
    "learn",
    "plan",
    "gradient",
    "output",
    "normalise",
    "dense",
    "members",
    "scale",
    "embed",
    "rows",
    "transpose",
    "norms",
    "parts",
    "updates",
    "program",
    "workspace",
    "blas",
    "session",
    "team",
    "kernels",
]
NOT_FOR_KERNELS = {"blas.h", "memory.h", "system_threads.h", "team.h", "learn.h", "train.h"}


def includes(name):
    return set(re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', CORE.get(name, ""), re.M))


@cache
def imports(name):
    """The modules of pynn that one of them imports when it is imported itself."""
    top_level = ast.parse(PYTHON.get(name, "")).body
    found = set()
    for node in top_level:
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("pynn."):
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}"[5:]
                found.add(dotted if dotted in PYTHON else node.module[5:])
    return found - {""}


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
            assert below <= allowed - NOT_FOR_KERNELS
            own = {file: CORE[file] for file in {name} | below if file in CORE}
            calls = r"\b(malloc|calloc|free|pynn_alloc|pthread_\w+|[sd]gemm)\("
            assert those_with(calls, own) == set()


def test_one_file_each_knows_threads_processor_and_memory():
    assert those_with(r"pthread|beginthread", CORE) == {"system_threads.h"}
    assert {name for name in CORE if "system_threads.h" in includes(name)} == {"team.c"}
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


def test_only_models_training_and_checks_call_the_core():
    importing = those_with(r"^\s*(?:from|import)\b.*\b_core\b", PYTHON)
    importing = {name for name in importing if name.split(".")[0] not in ("model", "training")}
    assert importing == {"__init__", "checks", "config"}


# The packages and modules of pynn from the ground up; imports go from a later line to earlier ones.
STAIRS = [
    ["checks"],
    ["model"],
    ["inspection", "data"],
    ["training"],
    ["callbacks"],
    ["fit_arguments"],
    ["network"],
    ["population"],
    ["estimators"],
    ["tabular"],
    ["searching"],
    ["export"],
    ["displays"],
    ["config", "demo", "given"],
    ["dask"],
    ["playing"],
    ["commands"],
    ["__main__"],
]


def test_python_imports_go_down_the_stairs():
    step = {place: i for i, places in enumerate(STAIRS) for place in places}
    assert step.keys() == {name.split(".")[0] for name in PYTHON} - {"__init__"}
    for name in PYTHON.keys() - {"__init__"}:
        for other in imports(name):
            here, there = name.split(".")[0], other.split(".")[0]
            if there in step:
                assert here == there or step[there] <= step[here], f"{name} imports {other}"


def test_no_python_module_imports_itself_by_way_of_others():
    for name in PYTHON:
        assert name not in everything_below(name, imports), name


def test_no_module_has_a_name_of_the_standard_library():
    names = {part for name in PYTHON for part in name.split(".")}
    assert names & set(sys.stdlib_module_names) == set()
