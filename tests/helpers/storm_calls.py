"""Entry points of networks, estimators and populations, for tests that interrupt them."""

import copy
import pickle
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse

import pynn
from pynn.callbacks import Checkpoint, EarlyStopping, EpochScoring

_random = np.random.default_rng(0)
X = _random.standard_normal((240, 12), dtype=np.float32)
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.5)
NUMBERS = X[:, :2].prod(axis=1)
HELD_OUT = X[::3], Y[::3]
SPARSE = scipy.sparse.csr_matrix(X * (np.abs(X) > 1))
BLOCKS = [(X[:80], Y[:80]), (X[80:200], Y[80:200]), (X[200:], Y[200:])]
MANY = np.tile(X, (30, 1))
LONG = np.tile(X, (25, 4)), np.tile(Y, 25)
FOLDER = tempfile.TemporaryDirectory(prefix="pynn-storm-")
SAVED, CHECKPOINT = Path(FOLDER.name, "model"), Path(FOLDER.name, "checkpoint")


@dataclass
class Call:
    """An entry point and the model to call it on.

    Parameters
    ----------
    make : function
        Returns a model, the same each time.
    call : function
        Calls the entry point.
    ends_early : bool
        Whether a fit may end with the parameters of an earlier epoch.
    prepare : function, optional
        Called on each copy of the model.
    """

    make: Callable
    call: Callable
    ends_early: bool = False
    prepare: Callable | None = None


def fresh(sizes=(12, 16, 3), **more):
    return pynn.Network(sizes, output_activation="softmax", random_state=0, **more)


def trained(**more):
    return fresh(n_threads=1, **more).fit(X, Y, epochs=2, optimizer="adam")


def look(state):
    """Have each epoch be a call of its own."""


def classifier(**parameters):
    settings = {"max_iter": 4, "random_state": 0, "batch_size": 32, "n_threads": 1}
    return pynn.MLPClassifier((16,), **settings | parameters)


def fitted(**parameters):
    return classifier(**parameters).fit(X, Y)


def met(**parameters):
    """Return a classifier that partial_fit has begun to train."""
    model = classifier(**parameters)
    return model.partial_fit(X, Y, classes=[0, 1, 2])


def regressor(**parameters):
    settings = {"max_iter": 4, "random_state": 0, "n_threads": 1, "solver": "sgd"}
    return pynn.MLPRegressor(hidden_layer_sizes=(16,), **settings | parameters)


def population():
    options = {"output_activation": "softmax", "random_state": 0, "n_threads": 2}
    return pynn.Population.of(4, (12, 16, 3), **options)


def fits(*data, **more):
    return lambda model: model.fit(*data, **more)


def weights(model):
    return [array.copy() for array in getattr(model, "network_", model).weights]


def saved(model):
    model.save(SAVED)
    return weights(type(model).load(SAVED))


def loaded(model):
    return weights(type(model).load(SAVED.with_suffix(f".{type(model).__name__}")))


def resumable(model):
    """Write the first epochs of a fit that goes on from there, and a file for `loaded`."""
    name = type(model).__name__
    keep, path = Checkpoint(CHECKPOINT.with_suffix(f".{name}")), SAVED.with_suffix(f".{name}")
    if isinstance(model, pynn.Network):
        copy.deepcopy(model).fit(X, Y, epochs=3, callbacks=[keep])
        model.save(path)
        return model
    other = copy.deepcopy(model).set_params(callbacks=[keep], max_iter=3).fit(X, Y)
    other.set_params(callbacks=None).save(path)
    return model.set_params(callbacks=[goes_on(keep.path)], max_iter=6)


def goes_on(path):
    """Return a callback that continues from a checkpoint, which stays as it is."""
    return Checkpoint(path, every=1000, resume=True)


def _two_threads(net):
    net.n_threads = 2


def _read_only(net):
    """Make the network one of joblib's workers, whose parameters cannot be written to."""
    net.parameters.flags.writeable = False


def _given(model):
    """Return a classifier without a network, but with the weights of one."""
    other = classifier()
    for name in ("classes_", "_label_binarizer", "n_features_in_", "n_layers_", "n_outputs_"):
        setattr(other, name, getattr(model, name))
    other.coefs_, other.intercepts_ = list(model.coefs_), list(model.intercepts_)
    return other


EARLY = {"epochs": 6, "validation_data": HELD_OUT, "early_stopping": True}
NETWORK = {
    "fit": Call(trained, fits(X, Y, epochs=4)),
    "fit from scratch": Call(fresh, fits(X, Y, epochs=4, optimizer="rmsprop")),
    "one long fit": Call(lambda: fresh((48, 64, 3), n_threads=1), fits(*LONG, epochs=4)),
    "one long fit of two threads": Call(
        lambda: fresh((48, 64, 3), n_threads=2), fits(*LONG, epochs=4)
    ),
    "fit with two threads": Call(lambda: fresh(n_threads=2), fits(X, Y, epochs=4)),
    "fit of sparse rows": Call(trained, fits(SPARSE, Y, epochs=4, alpha=0.1)),
    "fit of blocks": Call(trained, fits(BLOCKS, epochs=3)),
    "fit with callbacks": Call(trained, fits(X, Y, epochs=4, metrics=["accuracy"])),
    "fit with a schedule": Call(
        trained, fits(X, Y, epochs=4, optimizer="sgd", schedule=pynn.OneCycle(4), clip_norm=1.0)
    ),
    "fit with early stopping": Call(trained, fits(X, Y, **EARLY), ends_early=True),
    "fit with validation_split": Call(trained, fits(X, Y, epochs=4, validation_split=0.2)),
    "fit with dropout": Call(trained, fits(X, Y, epochs=4, dropout=0.5, max_norm=1.0)),
    "fit with checkpoints": Call(trained, fits(X, Y, epochs=3, callbacks=[Checkpoint(CHECKPOINT)])),
    "resumed fit": Call(
        lambda: resumable(fresh()),
        fits(X, Y, epochs=6, callbacks=[goes_on(CHECKPOINT.with_suffix(".Network"))]),
    ),
    "fit after joblib": Call(trained, fits(X, Y, epochs=2), prepare=_read_only),
    "predict": Call(trained, lambda net: net.predict(MANY)),
    "predict with two threads": Call(trained, lambda net: net.predict(MANY), prepare=_two_threads),
    "predict of sparse rows": Call(trained, lambda net: net.predict(SPARSE)),
    "cost": Call(trained, lambda net: net.cost(MANY, np.tile(Y, 30))),
    "gradient": Call(trained, lambda net: net.gradient(MANY, np.tile(Y, 30))),
    "trace": Call(trained, lambda net: net.trace(X, Y).deltas),
    "score": Call(trained, lambda net: net.score(X, Y)),
    "evaluate": Call(trained, lambda net: net.evaluate(X, Y, metrics=["f1_macro"])),
    "save": Call(trained, saved),
    "load": Call(lambda: resumable(fresh()), loaded),
    "pickle": Call(trained, lambda net: pickle.loads(pickle.dumps(net))),
    "copy": Call(trained, copy.copy),
    "deepcopy": Call(trained, copy.deepcopy),
}
ESTIMATORS = {
    "fit": Call(classifier, fits(X, Y)),
    "fit again": Call(fitted, fits(X, Y)),
    "warm fit": Call(lambda: fitted(warm_start=True), fits(X, Y)),
    "fit with a RandomState": Call(
        lambda: fitted(warm_start=True, random_state=np.random.RandomState(0)), fits(X, Y)
    ),
    "fit with callbacks": Call(lambda: classifier(callbacks=[look]), fits(X, Y)),
    "fit of sparse rows": Call(classifier, fits(SPARSE, Y)),
    "fit with two threads": Call(lambda: classifier(n_threads=2), fits(X, Y)),
    "fit with an eval_set": Call(classifier, fits(X, Y, eval_set=HELD_OUT)),
    "fit with early stopping": Call(
        lambda: classifier(early_stopping=True), fits(X, Y), ends_early=True
    ),
    "warm fit with early stopping": Call(
        lambda: fitted(early_stopping=True, warm_start=True), fits(X, Y), ends_early=True
    ),
    "fit with more callbacks": Call(
        lambda: classifier(callbacks=[EpochScoring("f1_macro", on="train"), EarlyStopping("loss")]),
        fits(X, Y),
        ends_early=True,
    ),
    "fit by L-BFGS": Call(lambda: classifier(solver="lbfgs"), fits(X, Y)),
    "warm fit by L-BFGS": Call(lambda: fitted(solver="lbfgs", warm_start=True), fits(X, Y)),
    "first partial_fit": Call(classifier, lambda model: model.partial_fit(X, Y, classes=[0, 1, 2])),
    "partial_fit": Call(met, lambda model: model.partial_fit(X, Y)),
    "fit_batches": Call(classifier, lambda model: model.fit_batches(BLOCKS)),
    "fit_batches of arrays": Call(
        fitted, lambda model: model.fit_batches(pynn.NpyBlocks(X, Y, rows=100), classes=[0, 1, 2])
    ),
    "resumed fit": Call(lambda: resumable(classifier()), fits(X, Y)),
    "regression": Call(regressor, fits(X, NUMBERS)),
    "partial_fit of a regression": Call(
        lambda: regressor().fit(X, NUMBERS), lambda model: model.partial_fit(X, NUMBERS)
    ),
    "predict": Call(fitted, lambda model: model.predict(MANY)),
    "predict with another activation": Call(
        lambda: fitted().set_params(activation="tanh"), lambda model: model.predict(X)
    ),
    "predict of weights that were set": Call(
        lambda: _given(fitted()), lambda model: model.predict(X)
    ),
    "predict_proba": Call(fitted, lambda model: model.predict_proba(MANY)),
    "score": Call(fitted, lambda model: model.score(X, Y)),
    "transform": Call(fitted, lambda model: model.transform(X)),
    "save": Call(fitted, saved),
    "load": Call(lambda: resumable(classifier()), loaded),
    "pickle": Call(fitted, lambda model: weights(pickle.loads(pickle.dumps(model)))),
    "copy": Call(fitted, lambda model: weights(copy.copy(model))),
}
POPULATION = {
    "fit": Call(population, fits(X, Y, epochs=4)),
    "fit again": Call(lambda: population().fit(X, Y), fits(X, Y, epochs=2)),
    "predict": Call(population, lambda networks: networks.predict(MANY)),
}
CALLS = {f"Network, {name}": call for name, call in NETWORK.items()}
CALLS |= {f"estimator, {name}": call for name, call in ESTIMATORS.items()}
CALLS |= {f"population, {name}": call for name, call in POPULATION.items()}
