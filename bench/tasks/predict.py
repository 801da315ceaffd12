"""Prediction: one row at a time, and 10,000 at once."""

from contextlib import ExitStack
from itertools import pairwise

import numpy as np

from tasks import tables
from tasks.tables import Goal, Line, Table
from tasks.turns import Contender, Timed, fastest, ratio, spread, start, take_turns

LAYERS = (784, 30, 10)  # sigmoid, softmax
N_ROWS = 10_000
TOLERANCE = 1e-5  # of probabilities
_FORMS = {"torch": ("rows", "rows addmm")}  # ways to the same output; the fastest counts
_LABELS = {
    "pynn": "pynn",
    "sklearn": "scikit-learn",
    "torch": "PyTorch, eager",
    "onnxruntime": "ONNX Runtime",
}
_ONE_ROW = 3  # microseconds of Network.predict, at most
_ESTIMATOR = 4  # scikit-learn's time over ours, at least
_MANY = 2  # rows a second over the best other's, at least


def measure(plan, say):
    """Return the tables of this subject."""
    with ExitStack() as stack:
        workers, absent = {}, []
        for library, label in _LABELS.items():
            try:
                started = start("predict", library, plan.thread_counts)
            except ImportError as error:
                absent.append(f"absent: {label} ({error})")
                continue
            workers[library] = [stack.enter_context(worker) for worker in started]
            _check(started)
        result = [_one_row(workers, plan, say), _many_rows(workers, plan, say)]
    result[-1].notes += absent
    return result


def _check(workers):
    """See that a library computes this network, before its time counts."""
    for worker in workers:
        for call, distance in worker.ask(do="distances")["distances"].items():
            if not distance <= TOLERANCE:
                raise ValueError(f"{worker.peer} {call} is {distance} away from NumPy's output")


def _one_row(workers, plan, say):
    say("  one row")
    calls = [
        ("pynn", "row", "pynn Network.predict"),
        ("pynn", "estimator row", "pynn MLPClassifier.predict"),
        ("sklearn", "estimator row", "scikit-learn MLPClassifier.predict"),
        ("torch", "row", "PyTorch, eager, inference_mode, tensors ready"),
        ("onnxruntime", "row", "ONNX Runtime"),
    ]
    contenders = {
        label: Contender(workers[library][0], call)
        for library, call, label in calls
        if library in workers
    }
    take_turns([*contenders.values()], plan)
    network, estimator, theirs = ([*contenders.values()][place] for place in range(3))
    table = Table(
        "One row: 784-30-10, sigmoid and softmax, float32, one thread",
        ["call", "time of a call (quartiles)", "scikit-learn / this"],
        notes=["Rows are NumPy arrays where nothing else is said. MLPClassifier.predict gives the "
               "class, the others the ten probabilities.",
               *tables.disturbed(contenders.values())],
    )  # fmt: skip
    for label, contender in contenders.items():
        median, low, high = spread(contender.seconds)
        faster = ratio(theirs, contender)
        goal = None
        if contender is network:
            goal = Goal(_ONE_ROW, median * 1e6, " µs", at_least=False)
        elif contender is estimator:
            goal = Goal(_ESTIMATOR, faster[0], "×")
        cells = [label, f"{tables.seconds(median)} ({tables.seconds(low)}–{tables.seconds(high)})",
                 tables.times(faster) if contender is not theirs else "1"]  # fmt: skip
        table.lines.append(Line(cells, goal, {"seconds": contender.seconds}))
    return table


def _many_rows(workers, plan, say):
    say(f"  {N_ROWS} rows")
    chosen = {
        library: fastest(
            [Contender(worker, form) for worker in mine for form in _FORMS.get(library, ("rows",))],
            plan,
        )
        for library, mine in workers.items()
    }
    take_turns([*chosen.values()], plan)
    others = {library: c for library, c in chosen.items() if library != "pynn"}
    best = min(others, key=lambda library: others[library].median)
    table = Table(
        f"{N_ROWS} rows at once: the same network",
        ["library", "rows a second", "threads", "pynn / this"],
        notes=["Each at the better of the thread counts. pynn: Network.predict; scikit-learn: "
               "predict_proba; PyTorch: tensors ready.",
               *tables.disturbed(chosen.values())],
    )  # fmt: skip
    for library, contender in chosen.items():
        faster = ratio(contender, chosen["pynn"])
        cells = [
            _LABELS[library],
            f"{N_ROWS / contender.median / 1e6:.3g} M",
            str(contender.worker.n_threads),
            "1" if library == "pynn" else tables.times(faster),
        ]
        goal = Goal(_MANY, faster[0], "×") if library == best else None
        table.lines.append(Line(cells, goal, {"seconds": contender.seconds, "ratio": faster}))
    return table


class Child(Timed):
    """Predicts with one library; calls end in "row" or in "rows"."""

    def __init__(self, library, n_threads):
        rng = np.random.default_rng(0)
        self._layers = [
            (rng.standard_normal((n_in, n_out)) / np.sqrt(n_in), rng.standard_normal(n_out))
            for n_in, n_out in pairwise(LAYERS)
        ]
        self._layers = [(W.astype(np.float32), b.astype(np.float32)) for W, b in self._layers]
        self._X = rng.random((N_ROWS, LAYERS[0]), np.float32)
        make = {
            "pynn": self._pynn,
            "sklearn": self._sklearn,
            "torch": self._torch,
            "onnxruntime": self._onnxruntime,
        }[library]
        self.calls = make(n_threads)

    def distances(self):
        """Return how far each call's output is from NumPy's in float64; 1 for a wrong class."""
        hidden, out = ((W.astype(np.float64), b) for W, b in self._layers)
        a = 1 / (1 + np.exp(-(self._X @ hidden[0] + hidden[1])))
        e = np.exp(a @ out[0] + out[1])
        wanted = e / e.sum(axis=1, keepdims=True)
        distances = {}
        for name, call in self.calls.items():
            given = np.asarray(call())
            like = wanted[: len(given)]
            if given.ndim == 1:
                distances[name] = float((given != like.argmax(axis=1)).any())
            else:
                distances[name] = float(np.abs(given - like).max())
        return {"distances": distances}

    def _pynn(self, n_threads):
        import pynn

        self.version = pynn.__version__
        net = pynn.Network(LAYERS, activation="sigmoid", output_activation="softmax",
                           cost="cross_entropy")  # fmt: skip
        for (W, b), W_net, b_net in zip(self._layers, net.weights, net.biases, strict=True):
            W_net[:], b_net[:] = W, b
        calls = self._estimator(pynn.MLPClassifier)
        return calls | {
            "row": lambda row=self._X[:1]: net.predict(row),
            "rows": lambda: net.predict(self._X),
        }

    def _sklearn(self, n_threads):
        import sklearn
        from sklearn.neural_network import MLPClassifier

        self.version = sklearn.__version__
        return self._estimator(MLPClassifier)

    def _estimator(self, estimator_class):
        """Fit a little, for the shapes, and put the common weights in."""
        model = estimator_class(LAYERS[1:-1], activation="logistic", max_iter=1)
        model.fit(self._X[:20], np.arange(20) % 10)
        model.coefs_ = [W for W, _ in self._layers]
        model.intercepts_ = [b for _, b in self._layers]
        return {
            "estimator row": lambda row=self._X[:1]: model.predict(row),
            "rows": lambda: model.predict_proba(self._X),
        }

    def _torch(self, n_threads):
        import torch
        from torch.nn import functional

        self.version = torch.__version__
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

        return {
            "row": lambda row=X[:1]: predict(row),
            "rows": lambda: predict(X),
            "rows addmm": lambda: predict_addmm(X),
        }

    def _onnxruntime(self, n_threads):
        import onnxruntime
        from onnx import TensorProto, helper, numpy_helper

        self.version = onnxruntime.__version__
        shapes = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])
            for name, width in (("x", LAYERS[0]), ("y", LAYERS[-1]))
        ]
        tensors = [
            numpy_helper.from_array(array, f"{kind}{layer}")
            for layer, arrays in enumerate(self._layers)
            for kind, array in zip("Wb", arrays, strict=True)
        ]
        nodes = [
            helper.make_node("Gemm", ["x", "W0", "b0"], ["z0"]),
            helper.make_node("Sigmoid", ["z0"], ["a0"]),
            helper.make_node("Gemm", ["a0", "W1", "b1"], ["z1"]),
            helper.make_node("Softmax", ["z1"], ["y"], axis=1),
        ]
        graph = helper.make_graph(nodes, "network", shapes[:1], shapes[1:], tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        row = {"x": self._X[:1]}
        rows = {"x": self._X}
        return {
            "row": lambda: session.run(None, row)[0],
            "rows": lambda: session.run(None, rows)[0],
        }
