"""Write files by the installed version of pynn: python write.py FOLDER NAME...

A file and its predictions are made for each name of MODELS that this version knows. Run it in an
environment that holds only this version; a checkout beside it would be imported first.
"""

import json
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np

import pynn

X = np.linspace(-1, 1, 15).reshape(5, 3)
Y = X[:, 0]
TEXTS = ["no", "yes", "no", "maybe", "yes"]
PROBABILITIES = {"output_activation": "softmax", "cost": "cross_entropy"}


def all_activations():
    """A network with a layer for each activation."""
    from pynn import _core

    names = [name for name, is_output_only in _core.ACTIVATIONS.items() if not is_output_only]
    sizes = [3, *[2] * len(names), 1]
    return pynn.Network(sizes, activation=names, random_state=0, dtype="float64")


def classifier(y, **more):
    settings = {"hidden_layer_sizes": (4,), "max_iter": 3, "random_state": 0} | more
    return pynn.MLPClassifier(**settings).fit(X, y)


def regressor(max_iter=3, **more):
    settings = {"hidden_layer_sizes": (4,), "max_iter": max_iter, "random_state": 0} | more
    return pynn.MLPRegressor(**settings).fit(X, Y)


def network(epochs, callbacks=()):
    net = pynn.Network([3, 4, 1], random_state=np.random.default_rng(0))
    return net.fit(X, Y, epochs=epochs, optimizer="adam", callbacks=callbacks)


MODELS = {
    "activations": all_activations,
    "cross_entropy": lambda: pynn.Network(
        [3, 4, 3], activation="tanh", random_state=1, **PROBABILITIES
    ),
    "huber": lambda: pynn.Network([3, 4, 2], cost=pynn.Huber(0.5), bias=False, random_state=2),
    "quantile": lambda: pynn.Network([3, 2, 1], cost=pynn.Quantile(0.9), random_state=3),
    "leaky_relu": lambda: pynn.Network([3, 4, 1], activation=pynn.LeakyReLU(0.25), random_state=4),
    "classes": lambda: pynn.Network(
        [3, 4, 3], classes=["a", "b", "c"], random_state=5, **PROBABILITIES
    ),
    "input_scale": lambda: pynn.Network([3, 4, 1], input_scale=True, random_state=6),
    "classifier": lambda: classifier(TEXTS, alpha=0.01, activation="tanh"),
    "class_weight": lambda: classifier(
        [0, 1, 0, 1, 1], hidden_layer_sizes=(4, 2), class_weight={0: 1.0, 1: 2.0}
    ),
    "labels": lambda: classifier(np.eye(5, 2, dtype=int)),
    "regressor": lambda: regressor(dtype="float32"),
    "quantile_regressor": lambda: regressor(
        loss="quantile", quantile=0.9, early_stopping=True, validation_fraction=0.4
    ),
}
FITS = {  # of so many epochs
    "mlp": lambda n, callbacks=None: regressor(max_iter=n, callbacks=callbacks),
    "network": network,
}


def predicted(model):
    """Probabilities or numbers."""
    return getattr(model, "predict_proba", model.predict)(X)


def checksum(model):
    """CRC-32 of the bytes of all weights, then all biases."""
    is_network = isinstance(model, pynn.Network)
    arrays = (model.weights, model.biases) if is_network else (model.coefs_, model.intercepts_)
    return zlib.crc32(b"".join(np.ascontiguousarray(a).tobytes() for part in arrays for a in part))


def write(folder, names):
    """Write files of these names, and expected.json."""
    from pynn.callbacks import Checkpoint

    expected = {}
    for name in names:
        if name in FITS:
            FITS[name](2, callbacks=[Checkpoint(folder / f"{name}.npz")])
            expected[name] = {"kind": "checkpoint", "predicted": predicted(FITS[name](4)).tolist()}
            continue
        model = MODELS[name]()
        model.save(folder / f"{name}.safetensors")
        expected[name] = {
            "kind": type(model).__name__,
            "predicted": predicted(model).tolist(),
            "checksum": checksum(model),
        }
        if getattr(model, "classes_", None) is not None:
            expected[name]["classes"] = model.classes_.tolist()
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    Path(sys.argv[1]).mkdir()
    write(Path(sys.argv[1]), sys.argv[2:] or [*MODELS, *FITS])
