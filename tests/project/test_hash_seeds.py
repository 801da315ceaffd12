"""Output is the same in every process: no order is that of a set, or of another hash."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, io, sys, tempfile, warnings
from contextlib import redirect_stdout
from pathlib import Path
import numpy as np, pynn
from pynn.callbacks import EpochScoring

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
names = np.array(["ant", "bee", "cat"])[(X[:, 0] > 0) * 1 + (X[:, 1] > 0)]

def show(name, what):
    data = what if isinstance(what, bytes) else str(what).encode()
    print(name, hashlib.sha256(data).hexdigest()[:16], str(what)[:160].replace("\\n", " "))

def refused(name, call, *arguments, **settings):
    try:
        call(*arguments, **settings)
    except Exception as error:
        show(name, f"{type(error).__name__}: {error}")
    else:
        raise AssertionError(name)

def saved(model, name):
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / name)
        return (Path(folder) / name).read_bytes()

# Fits
net = pynn.Network([4, 5, 3], activation=[pynn.LeakyReLU(0.2)], output_activation="softmax",
                   classes=["ant", "bee", "cat"], random_state=0)
net.fit(X, names, epochs=3, validation_split=0.2, metrics=["accuracy", "f1_macro"], alpha=0.1,
        learning_rate_factors={"weights": 2.0, "biases": 0.5})
show("network", net.parameters.tobytes())
show("history", net.history)
models = {
    "multiclass": pynn.MLPClassifier((5,), max_iter=4, random_state=0, early_stopping=True,
                                     class_weight={"ant": 1.0, "cat": 2.0, "bee": 3.0}),
    "balanced": pynn.MLPClassifier((5,), max_iter=4, random_state=0, class_weight="balanced"),
    "scored": pynn.MLPClassifier((5,), max_iter=4, random_state=0, callbacks=[
        EpochScoring(name, on="train") for name in ("accuracy", "recall_macro")]),
}
for name, model in models.items():
    model.fit(X, names)
    show(name, model.network_.parameters.tobytes())
    show(name, (model.history_, model.classes_, sorted(vars(model)), list(vars(model))))
    show(name, model.get_params(deep=False).keys())
show("repr", models["balanced"])
told = [EpochScoring(name, on="train") for name in ("accuracy", "f1_macro", "recall_macro")]
warm = pynn.MLPClassifier((3,), max_iter=1, warm_start=True, random_state=0).fit(X, names)
warm.set_params(callbacks=told).fit(X, names, eval_set=[(X, names), (X[::2], names[::2])])
show("figures of a warm fit", list(warm.history_))
net.fit(X, names, validation_data=(X, names), metrics=["recall_macro", "f1_macro"])
show("figures of a second fit", list(net.history))
blocks = pynn.MLPClassifier((5,), max_iter=2, random_state=0)
show("blocks", blocks.fit_batches([(X[:30], names[:30]), (X[30:], names[30:])]).classes_)
regressor = pynn.MLPRegressor(hidden_layer_sizes=(5,), max_iter=4, random_state=0).fit(X, X[:, :2])
show("regressor", regressor.network_.parameters.tobytes())

# Files
if SAVES:
    show("file of the network", saved(net, "net"))
    models["multiclass"].set_params(class_weight={"ant": 1, "bee": 2, "cat": 3})
    show("file of the classifier", saved(models["multiclass"], "mlp"))
    show("file of the regressor", saved(regressor, "mlp"))
with tempfile.TemporaryDirectory() as folder:
    keeps = pynn.callbacks.Checkpoint(Path(folder) / "fit.npz")
    pynn.Network([4, 3], output_activation="softmax", random_state=0).fit(
        X, rng.integers(0, 3, 60), epochs=2, callbacks=[keeps])
    with np.load(Path(folder) / "fit.npz") as entries:
        show("checkpoint", {name: entries[name].tobytes() for name in entries.files})

# Texts
def printed(call):
    out = io.StringIO()
    with redirect_stdout(out):
        call()
    return out.getvalue()

show("summary", printed(net.summary))
show("trace", net.trace(X[:1], names[:1]).text())
show("repr", repr(net))
show("html", net._repr_html_())
show("dot", net.to_dot())
show("inputs of a neuron", net.neuron_inputs(1, 0, X))
show("blame", net.blame(X[:1], names[:1]))
show("config", printed(pynn.show_config))
show("public names", (dir(pynn), pynn.__all__))

# Errors, with what was meant
for name in ("activation", "output_activation", "cost", "initializer", "dtype"):
    refused(name, pynn.Network, [2, 3, 1], **{name: "swosh"})
refused("optimizer", net.fit, X, names, optimizer="adom")
refused("metric", net.fit, X, names, metrics=["acuracy"])
refused("factors", net.fit, X, names, learning_rate_factors={"weigths": 1})
refused("class", net.fit, X, np.array(["dog", "eel"] * 30))
for Estimator in (pynn.MLPClassifier, pynn.MLPRegressor):
    for name in ("activation", "solver", "batch_size", "learning_rate", "dtype",
                 "n_iter_no_change", "class_weight", "loss", "output_activation"):
        if name in Estimator().get_params():
            model = Estimator(**{name: "swosh"})
            refused(f"{Estimator.__name__} {name}", model.fit, X, X[:, 0] > 0)
refused("unknown labels", models["balanced"].partial_fit, X, np.array(["dog", "eel"] * 30))
refused("parameter", pynn.MLPClassifier().set_params, solvr="adam")
refused("name", getattr, pynn, "Netwrok")

# Pictures
if DRAWS:
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.text import Text
    for name, draw in {
        "network": lambda: pynn.displays.NetworkDisplay.from_estimator(net),
        "weights": lambda: pynn.displays.WeightsDisplay.from_estimator(net),
        "losses": lambda: pynn.displays.LossCurveDisplay.from_estimator(models["multiclass"]),
    }.items():
        figure = draw().figure_
        show(name, [text.get_text() for text in figure.findobj(Text)])
        pyplot.close("all")
"""


def output(seed, saves, draws):
    program = PROGRAM.replace("SAVES", str(saves)).replace("DRAWS", str(draws))
    environment = os.environ | {"PYTHONHASHSEED": seed, "MPLBACKEND": "Agg"}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def missing(module):
    try:
        __import__(module)
    except ImportError:
        return True
    return False


@pytest.mark.slow
def test_fits_files_texts_and_errors_are_the_same_for_every_hash_seed():
    have = not missing("safetensors"), not missing("matplotlib")
    runs = [output(seed, *have) for seed in ("1", "4")]
    said = []
    for run in runs:
        out, errors = run.communicate()
        assert run.returncode == 0, errors
        said.append(out.splitlines())
    for lines in zip(*said, strict=True):
        assert len({*lines}) == 1, "\n".join(lines)
