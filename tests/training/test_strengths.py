"""Penalties, dropout and weight decay that follow schedules, update by update."""

from typing import ClassVar

import cases
import numpy as np
import pytest
from cases import check_training, classifier, digits_like
from hypothesis import given
from hypothesis import strategies as st

import pynn
from pynn import Scheduled, _core
from pynn.training.schedules import Schedule

RISING = pynn.WarmUp(2.5)
STRENGTHS = {
    "alpha": {"alpha": Scheduled(0.3, RISING)},
    "alpha of a layer": {"alpha": [0.1, 0.0, Scheduled(0.3, pynn.StepDecay(1, 0.5))]},
    "l1": {"l1": Scheduled(0.02, pynn.OneCycle(3)), "alpha": 0.1},
    "dropout": {"dropout": Scheduled(0.6, RISING)},
    "dropout of a layer": {"dropout": [0.2, Scheduled(0.5, pynn.CosineRestarts(2))]},
    "all": {
        "alpha": [Scheduled(0.3, RISING), 0.1, 0.2],
        "l1": [0.0, Scheduled(0.01, pynn.StepDecay(1)), 0.01],
        "dropout": [Scheduled(0.5, pynn.OneCycle(3)), 0.1],
        "clip_norm": 0.2,
        "max_norm": 0.9,
        "average": pynn.EMA(0.8),
    },
    "by the cost": {"alpha": Scheduled(0.2, pynn.ReduceOnPlateau(patience=0, tol=0.9))},
}
DECAY = pynn.AdamW(0.01, epsilon=1e-2, weight_decay=Scheduled(0.5, RISING))
strengths = pytest.mark.parametrize("options", STRENGTHS.values(), ids=STRENGTHS)


def problem(rng, dtype="float64", n_rows=22, sizes=(5, 21, 4, 3)):
    names = ("sigmoid", "identity", "squared_error", dtype)
    return cases.problem(rng, sizes, *names, n_rows=n_rows, weighted=True)


@strengths
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_each_update_is_the_oracle_s(options, isa, dtype, rng):
    for rule in (pynn.SGD(0.05), pynn.SGD(0.05, momentum=0.9), DECAY):
        check_training(problem(rng, dtype), rule, 5, epochs=4, label=str(rule), **options)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_so_it_is_with_weight_decay_alone(isa, dtype, rng):
    check_training(problem(rng, dtype), DECAY, 5, epochs=4)
    factors = {"weights": [1, 0.5, 2], "biases": 2}
    check_training(problem(rng, dtype), DECAY, 5, epochs=4, learning_rate_factors=factors)


@cases.examples(50)
@given(
    st.lists(st.integers(1, 70), min_size=2, max_size=4),
    st.sampled_from(cases.RULES),
    st.sampled_from(cases.DTYPES),
    st.integers(1, 30),
    st.integers(1, 40),
    st.sampled_from(_core.available_isas()),
)
def test_any_shape(sizes, rule, dtype, n_rows, batch_size, isa):
    with cases.instruction_set(isa):
        p = problem(np.random.default_rng(0), dtype, n_rows, sizes)
        options = {"dropout": Scheduled(0.5, RISING), "alpha": Scheduled(0.1, pynn.StepDecay(1))}
        check_training(p, rule, batch_size, epochs=3, **options)


def test_batches_of_several_chunks(rng):
    options = {"dropout": Scheduled(0.5, RISING), "alpha": Scheduled(0.1, RISING)}
    check_training(problem(rng, n_rows=2500), pynn.SGD(0.01), 1100, **options)


@pytest.mark.parametrize("n_rows", [20, 60])
def test_one_to_five_threads_give_the_same_bits(n_rows, isa, rng):
    X, y = rng.normal(size=(n_rows, 20)), rng.normal(size=(n_rows, 4))
    results = []
    for n_threads in range(1, 6):
        net = pynn.Network([20, 150, 33, 4], n_threads=n_threads, random_state=0)
        net.fit(X, y, epochs=3, batch_size=10, optimizer=DECAY, **STRENGTHS["all"])
        results.append((net.parameters.tobytes(), net.history))
    assert results == results[:1] * 5


def test_a_schedule_that_stays_at_1_changes_no_bit(rng):
    X, y = digits_like(rng)
    still = pynn.StepDecay(1000)
    options = {"epochs": 3, "batch_size": 7, "alpha": 0.1, "l1": 0.01, "dropout": [0.2, 0.5]}
    plain = classifier().fit(X, y, optimizer=pynn.AdamW(weight_decay=0.1), **options)
    options |= {name: Scheduled(options[name], still) for name in ("alpha", "l1")}
    options["dropout"] = [0.2, Scheduled(0.5, still)]
    rule = pynn.AdamW(weight_decay=Scheduled(0.1, still))
    scheduled = classifier().fit(X, y, optimizer=rule, **options)
    assert scheduled.parameters.tobytes() == plain.parameters.tobytes()
    assert scheduled.history == plain.history


def test_each_epoch_of_steps_is_a_fit_of_its_own(rng):
    """Without the oracle: what falls at each epoch is given to one epoch after the other."""
    X, y = digits_like(rng)
    options = {"batch_size": 7, "shuffle": False}
    net = classifier().fit(X, y, epochs=3, optimizer="adam",
                           alpha=Scheduled(0.4, pynn.StepDecay(1, 0.5)), **options)  # fmt: skip
    twin = classifier()
    for epoch, alpha in enumerate([0.4, 0.2, 0.1]):
        twin.fit(X, y, optimizer=None if epoch else "adam", alpha=alpha, **options)
    assert net.parameters.tobytes() == twin.parameters.tobytes()
    assert net.history == twin.history


def test_blocks_follow_it_by_epoch_as_the_learning_rate_does(rng):
    X, y = digits_like(rng)
    options = {"epochs": 3, "batch_size": 7, "shuffle": False,
               "alpha": Scheduled(0.4, pynn.StepDecay(1, 0.5))}  # fmt: skip
    whole = classifier().fit(X, y, **options)
    blocks = classifier().fit([(X[:28], y[:28]), (X[28:], y[28:])], **options)
    assert blocks.parameters.tobytes() == whole.parameters.tobytes()


class Path(Schedule):
    """A schedule that keeps what it is asked for."""

    asked: ClassVar = []

    def factors(self, epochs, losses):
        self.asked.append((list(epochs), list(losses)))
        return np.ones_like(epochs)


def test_times_begin_with_the_fit_and_losses_are_those_of_validation(rng):
    X, y = digits_like(rng)
    for data, name in ((None, "cost"), ((X[::2], y[::2]), "val_cost")):
        net = classifier().fit(X, y, epochs=2)
        Path.asked.clear()
        net.fit(X, y, epochs=3, batch_size=30, dropout=[0, Scheduled(0.1, Path())],
                validation_data=data)  # fmt: skip
        times, losses = zip(*Path.asked, strict=True)
        assert times == ([0.0, 0.5], [1.0, 1.5], [2.0, 2.5])
        figures = net.history[name][2:]
        assert losses == ([], figures[:1], figures[:2])


def test_weight_decay_of_an_optimizer_that_continues(rng):
    X, y = digits_like(rng)
    net = classifier().fit(X, y, optimizer=DECAY)
    Path.asked.clear()
    again = classifier().fit(X, y, optimizer=pynn.AdamW(weight_decay=Scheduled(0.1, Path())))
    again.fit(X, y)
    assert [times[0] for times, _ in Path.asked] == [0.0, 0.0]
    assert np.isfinite(net.fit(X, y).parameters).all()


class Times(Schedule):
    """A schedule with a factor that no schedule of pynn has."""

    def factors(self, epochs, losses):
        return np.where(epochs < 1, 1.0, TIMES["later"])


TIMES = {"later": 1.0}
OUT = {
    "dropout of 1": ({"dropout": Scheduled(0.5, Times())}, 2.0),
    "dropout of one layer": ({"dropout": [0.0, Scheduled(0.5, Times())]}, 2.0),
    "a negative penalty": ({"alpha": Scheduled(0.5, Times())}, -1.0),
    "NaN": ({"l1": Scheduled(0.5, Times())}, np.nan),
    "infinity": ({"optimizer": pynn.AdamW(weight_decay=Scheduled(0.5, Times()))}, np.inf),
}


@pytest.mark.parametrize(("options", "factor"), OUT.values(), ids=OUT)
def test_factors_out_of_range_end_the_fit_and_undo_it(options, factor, monkeypatch, rng):
    monkeypatch.setitem(TIMES, "later", factor)
    X, y = digits_like(rng)
    net = classifier()
    before = net.parameters.copy()
    with pytest.raises(ValueError, match=r"Times\(\) gives factors in epoch 2"):
        net.fit(X, y, epochs=3, **options)
    np.testing.assert_array_equal(net.parameters, before)
    assert net.history == {"cost": []}


WRONG = {
    "a schedule alone": (
        lambda: {"dropout": pynn.StepDecay()},
        TypeError,
        ["dropout", "StepDecay"],
    ),
    "no schedule": (lambda: Scheduled(0.1, 0.5), TypeError, ["Scheduled: schedule", "0.5"]),
    "a negative value": (lambda: Scheduled(-1, RISING), ValueError, ["Scheduled: value", "-1"]),
    "text": (lambda: Scheduled("1", RISING), TypeError, ["Scheduled: value", "'1'"]),
    "a dropout of 1": (lambda: {"dropout": Scheduled(1, RISING)}, ValueError, ["less than 1"]),
    "too few": (
        lambda: {"alpha": [Scheduled(1, RISING)]},
        ValueError,
        ["one number or 3", "got 1"],
    ),
    "a norm": (lambda: {"max_norm": Scheduled(1, RISING)}, TypeError, ["max_norm", "Scheduled"]),
    "a decay": (lambda: pynn.AdamW(weight_decay=RISING), TypeError, ["weight_decay", "WarmUp"]),
}


@pytest.mark.parametrize(("make", "error", "words"), WRONG.values(), ids=WRONG)
def test_schedules_that_cannot_be(make, error, words, rng):
    X, y = digits_like(rng)
    net = classifier()
    before = net.parameters.copy()
    with pytest.raises(error) as raised:
        net.fit(X, y, **make())
    assert [word for word in words if word not in str(raised.value)] == []
    np.testing.assert_array_equal(net.parameters, before)


def test_only_fits_follow_schedules(rng):
    X, y = digits_like(rng)
    with pytest.raises(TypeError, match="alpha must be a real number, got Scheduled"):
        classifier().cost(X, y, alpha=Scheduled(0.1, RISING))
    with pytest.raises(ValueError, match="dropout"):
        pynn.MLPClassifier(dropout=Scheduled(0.1, RISING)).fit(X, y)
