"""Checkpoints of `Network.fit`: from any epoch it goes on to the same bits and the same history."""

import numpy as np
import pytest
from cases import classifier, digits_like
from long import IS_LONG

import pynn
from pynn.callbacks import Checkpoint, EarlyStopping, GradientNorms
from pynn.training import checkpoint

N = 7  # epochs
X, Y = digits_like(np.random.default_rng(5), 90)
BLOCKS = [(X[:50], Y[:50]), (X[50:], Y[50:])]

CASES = {
    "plain": {},
    "momentum": {"optimizer": pynn.SGD(0.05, momentum=0.9, nesterov=True)},
    "adamw": {"optimizer": pynn.AdamW(0.02), "schedule": pynn.OneCycle(N)},
    "rmsprop": {"optimizer": "rmsprop", "schedule": pynn.CosineRestarts(3)},
    "rprop": {"optimizer": "rprop", "batch_size": 90},
    "warm up": {"optimizer": "adam", "schedule": pynn.WarmUp(2, pynn.StepDecay(2))},
    "plateau": {"optimizer": "sgd", "schedule": pynn.ReduceOnPlateau(patience=0, tol=0.5)},
    "dropout": {"optimizer": "adam", "dropout": 0.3},
    "limits": {"max_norm": 0.5, "clip_norm": 0.1, "alpha": 0.1, "l1": 0.01},
    "frozen": {"trainable": [True, False, True], "optimizer": pynn.AdamW()},
    "factors": {"learning_rate_factors": {"weights": [1, 2, 0.5], "biases": 3}},
    "ema": {"average": pynn.EMA(0.9), "validation_split": 0.3},
    "ema and best weights": {"average": pynn.EMA(0.9), "early_stopping": True},
    "ema of blocks": {"average": pynn.EMA(0.9), "source": BLOCKS},
    "swa": {"average": pynn.SWA(3), "optimizer": pynn.SGD(0.1, momentum=0.9)},
    "strengths": {
        "dropout": [0.3, pynn.Scheduled(0.5, pynn.WarmUp(5))],
        "alpha": pynn.Scheduled(0.1, pynn.ReduceOnPlateau(patience=0, tol=0.5)),
        "optimizer": pynn.AdamW(0.02, weight_decay=pynn.Scheduled(0.5, pynn.StepDecay(2, 0.5))),
        "validation_split": 0.3,
    },
    "strengths of blocks": {"dropout": pynn.Scheduled(0.5, pynn.WarmUp(5)), "source": BLOCKS},
    "split": {"validation_split": 0.3},
    "weights": {"sample_weight": np.linspace(0.1, 2, 90), "validation_split": 0.3},
    "data": {"validation_data": (X[::3], Y[::3]), "metrics": ["f1_macro"]},
    "early stopping": {"early_stopping": True, "optimizer": pynn.Adam(0.1)},
    "patience": {
        "validation_split": 0.3,
        "optimizer": pynn.Adam(0.3),
        "callbacks": [EarlyStopping(patience=2), GradientNorms()],
    },
    "blocks": {"source": BLOCKS, "dropout": 0.2, "validation_data": (X, Y)},
    "float32": {"dtype": "float32"},
    "generator": {"random_state": "generator", "validation_split": 0.2, "dropout": 0.1},
    "random state": {"random_state": "random state", "validation_split": 0.2},
    "no shuffle": {"shuffle": False},
}
SOURCES = {
    "generator": lambda: np.random.default_rng(3),
    "random state": lambda: np.random.RandomState(3),
}


def fit(case, *callbacks, epochs=N, **changes):
    """Return a fitted network, and what it draws next."""
    options = {"batch_size": 20} | CASES[case] | changes
    random = options.pop("random_state", 4)
    random = SOURCES[random]() if random in SOURCES else random
    net = classifier(random, options.pop("dtype", "float64"))
    data = (options.pop("source"),) if "source" in options else (X, Y)
    options["callbacks"] = [*options.get("callbacks", []), *callbacks]
    net.fit(*data, epochs=epochs, **options)
    return net


def assert_same(one, other):
    assert one.parameters.tobytes() == other.parameters.tobytes()
    assert list(one.history) == list(other.history)
    for name, values in one.history.items():
        assert np.array_equal(values, other.history[name], equal_nan=True), name
    assert one.best_epoch == other.best_epoch
    again = [net.fit(X, Y, batch_size=20, epochs=2, dropout=0.2).parameters for net in (one, other)]
    assert again[0].tobytes() == again[1].tobytes(), "the state of rule or random source differs"


@pytest.mark.parametrize("case", CASES)
def test_from_any_epoch_a_network_gets_the_same_bits(case, tmp_path):
    kept = fit(case, Checkpoint(tmp_path / "{epoch}.npz"))
    files = sorted(tmp_path.iterdir())
    assert len(files) == len(kept.history["cost"]) > 1
    for file in files if IS_LONG else files[::3]:
        assert_same(fit(case, Checkpoint(file, resume=True)), fit(case))


def test_a_longer_fit_of_a_network_goes_on_where_a_shorter_one_ended(tmp_path):
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)
    for epochs in (2, 5, N):
        net = fit("split", keep, epochs=epochs)
        assert len(net.history["cost"]) == epochs
    assert_same(net, fit("split"))


def test_a_second_fit_of_a_network_is_resumed_behind_the_first_one_s_history(tmp_path):
    def twice(*callbacks, epochs=4):
        net = classifier(4)
        net.fit(X, Y, epochs=3, batch_size=20, optimizer=pynn.SGD(0.05, momentum=0.5))
        return net.fit(X, Y, epochs=epochs, batch_size=20, callbacks=callbacks)

    keep = Checkpoint(tmp_path / "fit.npz", resume=True)
    twice(keep, epochs=2)
    resumed = twice(keep)
    assert len(resumed.history["cost"]) == 7
    assert_same(resumed, twice())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"batch_size": 10}, "batch_size 20, not 10"),
        ({"optimizer": "sgd"}, "optimizer"),
        ({"schedule": pynn.StepDecay()}, "schedule"),
        ({"shuffle": False}, "shuffle True, not False"),
        ({"alpha": 0.5}, "regularisation"),
        ({"trainable": [True, True, False]}, "regularisation"),
        ({"alpha": pynn.Scheduled(0.0, pynn.StepDecay())}, "schedules None"),
        ({"average": pynn.EMA()}, "average None, not EMA"),
        ({"learning_rate_factors": {"biases": 2}}, "learning_rate_factors"),
        ({"validation_split": 0.2}, r"validation_split 0\.0, not 0\.2"),
        ({"validation_data": (X, Y)}, "validation data"),
        ({"sample_weight": np.linspace(1, 2, 90)}, "weights"),
        ({"dtype": "float32"}, "X|network"),
        ({"source": [(X[::-1], Y[::-1])]}, "X"),
    ],
    ids=str,
)
def test_the_checkpoint_of_another_fit_of_a_network_is_refused(changes, words, tmp_path):
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)
    fit("plain", keep, epochs=2)
    with pytest.raises(ValueError, match=f"is from a fit with ({words})"):
        fit("plain", keep, **changes)


def test_another_network_and_other_validation_rows_are_refused(tmp_path):
    keep = Checkpoint(tmp_path / "fit.npz", resume=True)
    fit("data", keep, epochs=2)
    with pytest.raises(ValueError, match="is from a fit with validation data"):
        fit("data", keep, validation_data=(X[1::3], Y[1::3]))
    other = pynn.Network([5, 8, 4, 3], activation="tanh", output_activation="softmax",
                         dtype="float64", random_state=4)  # fmt: skip
    before = other.parameters.copy()
    with pytest.raises(ValueError, match="is from a fit with network"):
        other.fit(X, Y, batch_size=20, callbacks=[keep], validation_data=(X[::3], Y[::3]))
    assert np.array_equal(other.parameters, before)


def test_a_refused_checkpoint_leaves_the_network_as_it_was(tmp_path):
    path = tmp_path / "fit.npz"
    checkpoint.write(path, {}, {"some": "facts"})
    net, twin = classifier(4), classifier(4)
    with pytest.raises(ValueError, match="is not a checkpoint of a fit"):
        net.fit(X, Y, callbacks=[Checkpoint(path, resume=True)])
    assert net.history == twin.history
    assert_same(net, twin)
