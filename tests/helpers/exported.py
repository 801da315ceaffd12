"""Models of every kind for export, and the programs that compute what was exported."""

import ctypes
import shutil
import subprocess
import warnings

import cases
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

import pynn

EMBEDDINGS = {
    0: pynn.Periodic(3, n_frequencies=5),
    2: pynn.Categories(4, size=2),
    3: pynn.PiecewiseLinear([-1, 0, 0.5, 2]),
    5: pynn.PiecewiseLinear([-2, 0, 1], size=3),
}
KINDS = {
    "plain": {},
    "no bias": {"bias": False},
    "input scale": {"scale": True},
    "residual": {"residual": True},
    "layer norm": {"norm": "layer"},
    "batch norm": {"norm": "batch"},
    "parametric": {"parametric": True},
    "members": {"members": 3},
    "embeddings": {"embeddings": EMBEDDINGS},
    "no hidden layer": {"sizes": [6, 2]},
    "everything": {"scale": True, "residual": True, "norm": "layer", "parametric": True,
                   "embeddings": EMBEDDINGS},
}  # fmt: skip
# Each hidden activation once, and each that is for the output alone.
OUTPUTS = [(name, "squared_error") for name in cases.HIDDEN]
OUTPUTS += [("softmax", "cross_entropy"), ("exp", "poisson"), ("sigmoid", "binary_cross_entropy")]

SCALERS = [
    StandardScaler(),
    StandardScaler(with_mean=False),
    StandardScaler(with_std=False),
    MinMaxScaler((-1, 1), clip=True),
    RobustScaler(),
    MaxAbsScaler(),
]


def network(rng, dtype="float64", hidden="tanh", output="identity", cost="squared_error", **kind):
    """Return a network 6-9-9-4 with random parameters, and rows for it."""
    sizes = kind.pop("sizes", [6, 9, 9, 4])
    problem = cases.problem(rng, sizes, hidden, output, cost, dtype, **kind)
    for means, variances in zip(problem.net.means, problem.net.variances, strict=True):
        if means is not None:
            variances[...] = rng.uniform(0.5, 2, variances.shape)
    X = rng.normal(size=(40, sizes[0])).astype(dtype)
    X[:, 2] = rng.integers(0, 4, len(X))  # codes, for a network with embeddings
    return problem.net, X


def of_kind(rng, name, dtype="float64"):
    return network(rng, dtype, **KINDS[name])


def briefly(model, X, y):
    """Fit a model that need not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def error(found, expected):
    """The largest difference, as a part of the largest expected number or of 1."""
    return np.abs(np.subtract(found, expected)).max() / max(1, np.abs(expected).max())


def compiler(name):
    """Return a compiler that is installed, or skip the test."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name


STRICT = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic"]
_PROGRAM = """
#include "{name}.h"
void outputs(const {type} *x, {type} *out, long n) {{
    for (long i = 0; i < n; i++) {{ {name}_outputs(x + i * {n_in}, out + i * {n_out}); }}
}}
int n_outputs(void) {{ return {upper}_N_OUTPUTS; }}
"""
_CLASSES = """
void classes(const {type} *x, int *out, long n) {{
    for (long i = 0; i < n; i++) {{ out[i] = (int){name}_class(x + i * {n_in}); }}
}}
"""
_CODES = """
int code(int column, const char *text) {{
    return {name}_code((enum {name}_column)column, text);
}}
"""


class Compiled:
    """A header as a shared library."""

    def __init__(self, folder, header, name, n_in, n_out, dtype, cc="gcc", flags=("-O1",)):
        self.n_out, self.dtype = n_out, np.dtype(dtype)
        kind = "float" if self.dtype == np.float32 else "double"
        text = _PROGRAM + (_CLASSES if f"enum {name}_class" in header else "")
        text += _CODES if f"int {name}_code" in header else ""
        names = {"name": name, "upper": name.upper(), "n_in": n_in, "n_out": n_out, "type": kind}
        (folder / f"{name}.h").write_text(header)
        (folder / "program.c").write_text(text.format(**names))
        command = [
            compiler(cc),
            *STRICT,
            *flags,
            "-fPIC",
            "-shared",
            "program.c",
            "-o",
            "program.so",
        ]
        subprocess.run([*command, "-lm"], cwd=folder, check=True)
        self.library = ctypes.CDLL(str(folder / "program.so"))
        assert self.library.n_outputs() == n_out

    def outputs(self, X):
        return self._call(self.library.outputs, X, np.empty((len(X), self.n_out), self.dtype))

    def classes(self, X):
        return self._call(self.library.classes, X, np.empty(len(X), np.intc))

    def code(self, column, text):
        return self.library.code(column, text.encode())

    def _call(self, function, X, out):
        X = np.ascontiguousarray(X, self.dtype)
        pointers = (ctypes.c_void_p(array.ctypes.data) for array in (X, out))
        function(*pointers, ctypes.c_long(len(X)))
        return out
