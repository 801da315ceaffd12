"""Prediction: one row at a time in each container, and 10,000 rows at once."""

from importlib import import_module
from itertools import pairwise

import numpy as np
import report
from report import Goal, Table
from turns import Contender, fastest, ratio, take_turns
from worker import Timed, Workers

LAYERS = (784, 30, 10)  # sigmoid, softmax
N_ROWS = 10_000
TOLERANCE = 1e-5  # of probabilities
_FORMS = {"torch": ("rows", "rows addmm")}  # ways to the same output; the fastest counts
_LABELS = {"pynn": "pynn", "sklearn": "scikit-learn", "torch": "PyTorch, eager",
           "onnxruntime": "ONNX Runtime"}  # fmt: skip
_CONTAINERS = {
    "float32": lambda row: row,
    "float32, F order": lambda row: np.asfortranarray(np.repeat(row, 2, axis=0))[:1],
    "float64": lambda row: row.astype(np.float64),
    "float64, F order": lambda row: np.asfortranarray(np.repeat(row, 2, axis=0), np.float64)[:1],
    "int64": lambda row: np.round(row).astype(np.int64),
    "list": lambda row: row.tolist(),
}
_ONNX = """<ir_version: 8, opset_import: ["": 17]>
network (float[N, 784] x) => (float[N, 10] y) {
    z0 = Gemm(x, W0, b0)
    a0 = Sigmoid(z0)
    z1 = Gemm(a0, W1, b1)
    y = Softmax<axis = 1>(z1)
}"""
_MOST = {"Network": 3, "MLPClassifier": 7}  # microseconds of a prediction of one row
_ONE_ROW = {
    "pynn": [f"{way} {row}" for way in _MOST for row in _CONTAINERS],
    "sklearn": ["MLPClassifier float32"],
    "torch": ["eager tensor"],
    "onnxruntime": ["session float32"],
}
_MANY = {"torch": 1.5, "onnxruntime": 1}  # rows a second over theirs, at least
_TWO_THREADS = 1.6


def measure(plan, say):
    """Return the tables of this subject."""
    with Workers("tasks.predict", _LABELS, plan.thread_counts) as workers:
        for worker in workers:
            _check(worker)
        result = [_one_row(workers.of, plan, say), _many_rows(workers.of, plan, say)]
    result[-1].notes += report.absent(workers.absent)
    return result


def _check(worker):
    """See that a library computes this network, before its time counts."""
    for call, distance in worker.ask(do="distances").items():
        if not distance <= TOLERANCE:
            raise ValueError(f"{worker.library} {call} is {distance} away from NumPy's output")


def _one_row(workers, plan, say):
    say("  one row")
    measured = {(library, call): Contender(workers[library][0], call)
                for library in workers for call in _ONE_ROW[library]}  # fmt: skip
    take_turns([*measured.values()], plan)
    table = Table(
        "One row: 784-30-10, sigmoid and softmax, float32, one thread; median time of a call",
        ["call", *_CONTAINERS],
        goal_head=("the slowest: goal",),
        notes=report.disturbed(measured.values()),
    )
    for way, most in _MOST.items():
        found = [measured["pynn", f"{way} {row}"].median * 1e6 for row in _CONTAINERS]
        goal = Goal(most, max(found), " µs", at_least=False)
        table.add(f"{way}.predict", *(f"{value:.1f} µs" for value in found), goals=[goal])
    others = [f"{_LABELS[library]} {report.metric(contender.median, 's')}"
              for (library, _), contender in measured.items() if library != "pynn"]  # fmt: skip
    table.notes.insert(0, f"Others, a float32 row: {', '.join(others)} (scikit-learn: predict; "
                          "PyTorch: inference mode, tensor ready).")  # fmt: skip
    return table


def _many_rows(workers, plan, say):
    say(f"  {N_ROWS} rows")
    chosen = {}
    for library, mine in workers.items():
        forms = _FORMS.get(library, ("rows",))
        chosen[library] = fastest([Contender(w, form) for w in mine for form in forms], plan)
    threads = [Contender(worker, "rows") for worker in workers["pynn"]]
    take_turns([*chosen.values(), *threads], plan)
    table = Table(
        f"{N_ROWS} rows at once: the same network",
        ["library", "rows a second", "threads", "pynn / this"],
        notes=["Each at its better number of threads. pynn: Network.predict; scikit-learn: "
               "predict_proba; PyTorch: tensors ready.",
               *report.disturbed(chosen.values())],
    )  # fmt: skip
    for library, contender in chosen.items():
        faster = ratio(contender, chosen["pynn"])
        cells = [_LABELS[library], report.metric(N_ROWS / contender.median),
                 str(contender.worker.n_threads),
                 "1" if library == "pynn" else report.times(faster)]  # fmt: skip
        goals = [Goal(_MANY[library], faster[0])] if library in _MANY else []
        table.add(*cells, goals=goals)
    if len(threads) > 1:
        gain = ratio(threads[0], threads[-1])[0]
        table.overall = {"pynn, two threads over one": Goal(_TWO_THREADS, gain)}
    return table


class Child(Timed):
    """Predicts with one library; calls whose names begin with "rows" take all rows."""

    def __init__(self, library, n_threads):
        super().__init__()
        rng = np.random.default_rng(0)
        layers = [
            (rng.standard_normal((n_in, n_out)) / np.sqrt(n_in), rng.standard_normal(n_out))
            for n_in, n_out in pairwise(LAYERS)
        ]
        self._layers = [(W.astype(np.float32), b.astype(np.float32)) for W, b in layers]
        self._X = rng.random((N_ROWS, LAYERS[0]), np.float32)
        getattr(self, f"_{library}")(n_threads)

    def distances(self):
        """Return how far each call's output is from NumPy's in float64; 1 for a wrong class."""
        distances = {}
        for name, call in self.calls.items():
            given = np.asarray(call())
            X = self._X if name.startswith("rows") else self._X[:1]
            X = np.round(X) if name.endswith("int64") else X
            (W0, b0), (W1, b1) = self._layers
            e = np.exp(1 / (1 + np.exp(-(X.astype(np.float64) @ W0 + b0))) @ W1 + b1)
            wanted = e / e.sum(axis=1, keepdims=True)
            if given.ndim == 1:
                distances[name] = float((given != wanted.argmax(axis=1)).any())
            else:
                distances[name] = float(np.abs(given - wanted).max())
        return distances

    def _one_row_calls(self, way, predict):
        for name, convert in _CONTAINERS.items():
            row = convert(self._X[:1])
            self.calls[f"{way} {name}"] = lambda row=row: predict(row)

    def _pynn(self, n_threads):
        import pynn

        net = pynn.Network(LAYERS, activation="sigmoid", output_activation="softmax",
                           cost="cross_entropy")  # fmt: skip
        for (W, b), W_net, b_net in zip(self._layers, net.weights, net.biases, strict=True):
            W_net[:], b_net[:] = W, b
        self._estimator(pynn.MLPClassifier)
        self._one_row_calls("Network", net.predict)
        self.calls["rows"] = lambda: net.predict(self._X)

    def _sklearn(self, n_threads):
        self._estimator(import_module("sklearn.neural_network").MLPClassifier)

    def _estimator(self, estimator_class):
        """Fit a little, for the shapes, and put the common weights in."""
        model = estimator_class(LAYERS[1:-1], activation="logistic", max_iter=1)
        model.fit(self._X[:20], np.arange(20) % 10)
        model.coefs_ = [W for W, _ in self._layers]
        model.intercepts_ = [b for _, b in self._layers]
        self._one_row_calls("MLPClassifier", model.predict)
        self.calls["rows"] = lambda: model.predict_proba(self._X)

    def _torch(self, n_threads):
        import torch
        from torch.nn import functional

        torch.set_num_threads(n_threads)
        torch.autograd.grad_mode._enter_inference_mode(True)  # for good: no cost in each call
        (W0, b0), (W1, b1) = ((torch.from_numpy(W), torch.from_numpy(b)) for W, b in self._layers)
        W0_out_in, W1_out_in = W0.T.contiguous(), W1.T.contiguous()
        X = torch.from_numpy(self._X)

        def predict(rows):
            hidden = torch.sigmoid(functional.linear(rows, W0_out_in, b0))
            return torch.softmax(functional.linear(hidden, W1_out_in, b1), 1)

        def predict_addmm(rows):
            hidden = torch.addmm(b0, rows, W0).sigmoid_()
            return torch.softmax(torch.addmm(b1, hidden, W1), 1)

        self.calls = {"eager tensor": lambda row=X[:1]: predict(row),
                      "rows": lambda: predict(X),
                      "rows addmm": lambda: predict_addmm(X)}  # fmt: skip

    def _onnxruntime(self, n_threads):
        import onnxruntime
        from onnx import numpy_helper, parser

        model = parser.parse_model(_ONNX)
        for layer, arrays in enumerate(self._layers):
            for kind, array in zip("Wb", arrays, strict=True):
                model.graph.initializer.append(numpy_helper.from_array(array, f"{kind}{layer}"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        for name, X in (("session float32", self._X[:1]), ("rows", self._X)):
            self.calls[name] = lambda feed={"x": X}: session.run(None, feed)[0]
