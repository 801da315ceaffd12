"""Exported networks: time of one row, size of the code, and difference from `predict`.

    python bench/export.py [--readme]

Time the C code of pynn.export.to_c, of emlearn, and straight-line code, all compiled alike.
emlearn, onnx and onnxruntime are reported as absent where they are not installed.
"""

import ctypes
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # python -P omits it

import native
import numpy as np
import report
from report import Goal, Table, say

import pynn
from pynn.export import to_c, to_onnx, to_sklearn

CASES = {"4-10-3": [4, 10, 3], "64-50-10": [64, 50, 10], "784-30-10": [784, 30, 10]}
MOST_NS = {"784-30-10": 1500}
FLAGS = ["-std=c99", "-O3", "-march=native"]
N_ROWS = 64  # timed in turn: as many rows of 784 numbers fit the second-level cache
PROGRAM = """
#include "{header}"
typedef {type} real;
void outputs(const real *x, real *out) {{ {call}; }}
long loop(long n, const real *x, real *out) {{
    for (long i = 0; i < n; i++) {{ outputs(x + i % {n_rows} * {n_in}, out); }}
    return n;
}}
"""


def main():
    """Measure all cases, print the table."""
    options = report.parser(__doc__, timed=False).parse_args()
    head = ["network, relu and softmax", "code", "ns a row", "bytes", "largest difference"]
    table = Table("", head, n_texts=2)
    for name, sizes in CASES.items():
        net = pynn.Network(sizes, output_activation="softmax", random_state=0)
        X = np.random.default_rng(0).uniform(size=(N_ROWS, sizes[0])).astype("f")
        for code, measure in WRITERS.items():
            if measure is _straight_line and net.n_parameters > 5000:
                continue  # gcc takes minutes
            say(f"{name} {code}")
            try:
                ns, size, out = measure(net, X)
            except ImportError as error:
                table.add(name, f"{code}: absent ({error.name})")
                continue
            exact = net._in_double() if out.dtype == np.float64 else net
            difference = np.abs(out - exact.predict(X)).max()
            goals = ()
            if name in MOST_NS and code == "pynn, float":
                goals = [Goal(MOST_NS[name], ns, " ns", at_least=False)]
            size = "–" if size is None else str(size)
            table.add(name, code, f"{ns:.0f}", size, f"{difference:.2g}", goals=goals)
    table.notes = [
        f"C: {' '.join(FLAGS)}, one thread, best time for {N_ROWS} rows in turn; bytes of code and "
        "data in the object file, without libm. Python: one row in each call. m2cgen takes no "
        "networks; its code for linear models is one expression for each output."
    ]
    where = report.heading(packages=("pynn-learn", "numpy", "emlearn", "onnxruntime"))
    return report.publish({"export": [table]}, options, f"{where}; {native.compiler()}")


def _compiled(files, header, call, X, n_out, kind="float", more=()):
    """Return time, size and outputs of C code, given its files by name."""
    program = PROGRAM.format(header=header, call=call, type=kind, n_in=X.shape[1], n_rows=N_ROWS)
    with tempfile.TemporaryDirectory(prefix="pynn-bench-") as folder:
        for name, text in {**files, "program.c": program}.items():
            (Path(folder) / name).write_text(text)
        command = [native.compiler(), *FLAGS, *more, "-fPIC"]
        subprocess.run([*command, "-c", "program.c"], cwd=folder, check=True)
        link = [native.compiler(), "-shared", "program.o", "-o", "program.so", "-lm"]
        subprocess.run(link, cwd=folder, check=True)
        sizes = subprocess.run(["size", "program.o"], cwd=folder, check=True, capture_output=True)
        library = ctypes.CDLL(f"{folder}/program.so")
    X = np.ascontiguousarray(X, "f" if kind == "float" else "d")
    out = np.empty((len(X), n_out), X.dtype)
    pointer = ctypes.c_void_p
    for x, row in zip(X, out, strict=True):
        library.outputs(pointer(x.ctypes.data), pointer(row.ctypes.data))

    def loop(n, _):
        return library.loop(ctypes.c_long(n), pointer(X.ctypes.data), pointer(out.ctypes.data))

    results = out.copy()
    text, data, bss, *_ = sizes.stdout.decode().splitlines()[1].split()
    return 1e9 / native.rate(loop), int(text) + int(data) + int(bss), results


def _ours(**options):
    def measure(net, X):
        kind = "double" if options.get("dtype") == "float64" else "float"
        files = {"model.h": to_c(net, **options)}
        return _compiled(files, "model.h", "model_outputs(x, out)", X, net.layer_sizes[-1], kind)

    return measure


def _emlearn(net, X):
    import emlearn

    n_in, n_out = net.layer_sizes[0], net.layer_sizes[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = emlearn.convert(to_sklearn(net), method="inline")
    with tempfile.TemporaryDirectory(prefix="pynn-bench-") as folder:
        header = model.save(file=f"{folder}/em.h", name="em")
    call = f"eml_net_predict_proba(&em, x, {n_in}, out, {n_out})"
    more = [f"-I{emlearn.includedir}", "-D_POSIX_C_SOURCE=200809L"]
    return _compiled({"em.h": header}, "em.h", call, X, n_out, more=more)


def _straight_line(net, X):
    """Code without loops and arrays of weights."""
    lines, given = ["#include <math.h>", "static void model(const float *x, float *out) {"], "x[{}]"
    for k, (W, b) in enumerate(zip(net.weights, net.biases, strict=True)):
        for j in range(len(b)):
            terms = "".join(
                f" + {given.format(i)} * {w:.9g}f".replace("* 0f", "* 0.0f")
                for i, w in enumerate(W[:, j].tolist())
            )
            lines.append(f"float z{k}_{j} = (float){b[j]:.9g}{terms};")
            if k == 0:
                lines.append(f"z{k}_{j} = z{k}_{j} < 0 ? 0 : z{k}_{j};")
        given = f"z{k}_{{}}"
    n_out = net.layer_sizes[-1]
    exponentials = [f"out[{j}] = expf(z1_{j});" for j in range(n_out)]
    total = " + ".join(f"out[{j}]" for j in range(n_out))
    lines += [*exponentials, f"float sum = {total};"]
    lines += [f"for (int j = 0; j < {n_out}; j++) {{ out[j] /= sum; }}", "}"]
    return _compiled({"m.h": "\n".join(lines)}, "m.h", "model(x, out)", X, n_out)


def _onnx_runtime(net, X):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(to_onnx(net).SerializeToString(), options)
    names = [session.get_outputs()[-1].name]
    return _called(lambda rows: session.run(names, {"X": rows})[0], X)


def _predict(net, X):
    net.n_threads = 1
    return _called(net.predict, X)


def _called(function, X):
    rows = [X[i : i + 1] for i in range(len(X))]

    def loop(n, _):
        for i in range(n):
            function(rows[i % len(rows)])
        return n

    return 1e9 / native.rate(loop), None, function(X)


WRITERS = {
    "pynn, float": _ours(),
    "pynn, double": _ours(dtype="float64"),
    "pynn, int8 weights": _ours(weights="int8"),
    "emlearn, float": _emlearn,
    "one expression for each unit, as m2cgen": _straight_line,
    "ONNX Runtime, in Python": _onnx_runtime,
    "pynn's predict, in Python": _predict,
}


if __name__ == "__main__":
    sys.exit(main())
