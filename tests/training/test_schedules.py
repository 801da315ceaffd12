"""Schedules: what the learning rate is multiplied by, at each time, after any losses."""

import dataclasses
import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, clone

import pynn
from pynn.training.schedules import Schedule

NAN, INF = math.nan, math.inf

shares = st.floats(0, 1)
lengths = st.floats(0.25, 50)
times = st.lists(st.floats(0, 1000), max_size=20).map(np.array)
losses = st.lists(st.one_of(st.floats(-10, 10), st.sampled_from([NAN, INF, -INF])), max_size=40)
plain = st.one_of(
    st.builds(pynn.StepDecay, lengths, st.floats(0.01, 1)),
    st.builds(pynn.CosineRestarts, lengths, st.floats(1, 5), st.floats(0, 0.99)),
    st.builds(pynn.OneCycle, lengths, st.floats(0.01, 0.99), shares, shares),
    st.builds(
        pynn.ReduceOnPlateau,
        st.floats(0.01, 1),
        st.integers(0, 5),
        st.floats(0, 0.9),
        st.integers(0, 5),
        shares,
    ),
)
schedules = plain | st.builds(pynn.WarmUp, lengths, st.none() | plain, shares)


def factors(schedule, epochs, losses=()):
    return schedule.factors(np.asarray(epochs, dtype=float), losses)


def factor(schedule, epoch, losses=()):
    (value,) = factors(schedule, [epoch], losses)
    return value


# ---- Of all ------------------------------------------------------------------------------------


@given(schedules, times, losses)
def test_factors_are_from_0_to_1_one_for_each_update(schedule, epochs, losses):
    given_epochs, given_losses = epochs.copy(), list(losses)
    found = factors(schedule, epochs, losses)
    assert found.dtype == np.float64
    assert found.shape == epochs.shape
    assert ((found >= 0) & (found <= 1)).all()
    assert epochs.tobytes() == given_epochs.tobytes()
    np.testing.assert_array_equal(losses, given_losses)


@given(schedules, times, losses)
def test_each_update_is_on_its_own_and_there_is_no_memory(schedule, epochs, losses):
    """So training may be cut into calls anywhere, and resumed with an equal schedule."""
    at_once = factors(schedule, epochs, losses)
    again = pickle.loads(pickle.dumps(schedule))
    one_by_one = [factor(again, epoch, losses) for epoch in epochs[::-1]][::-1]
    np.testing.assert_array_equal(at_once, one_by_one)


@given(schedules)
def test_they_are_values(schedule):
    """Compared, hashed, pickled, printed and copied as the numbers that they hold."""
    same = pickle.loads(pickle.dumps(schedule))
    assert same == schedule
    assert hash(same) == hash(schedule)
    assert eval(repr(schedule), vars(pynn).copy()) == schedule
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.factor = 0.5


class Holder(BaseEstimator):
    def __init__(self, schedule=None):
        self.schedule = schedule


def test_an_estimator_that_holds_one_is_cloned():
    holder = Holder(pynn.WarmUp(3, then=pynn.StepDecay()))
    assert clone(holder).schedule == holder.schedule
    assert clone(holder).set_params(schedule=None).schedule is None


def test_one_of_your_own():
    class Half(Schedule):
        def factors(self, epochs, losses):
            return np.full(len(epochs), 0.5)

    assert factors(pynn.WarmUp(2, then=Half()), [1, 2, 3]).tolist() == [0.5, 0.5, 0.5]
    with pytest.raises(TypeError, match="abstract"):
        Schedule()


def test_all_kinds_of_real_numbers():
    for kind in (Fraction, np.float32, np.float64):
        half = kind(0.5)
        for schedule, same in [
            (pynn.StepDecay(2, half), pynn.StepDecay(2, 0.5)),
            (pynn.CosineRestarts(kind(3), kind(2), half), pynn.CosineRestarts(3, 2, 0.5)),
            (pynn.OneCycle(kind(5), half, half, half), pynn.OneCycle(5, 0.5, 0.5, 0.5)),
            (pynn.WarmUp(kind(3), start=half), pynn.WarmUp(3, start=0.5)),
            (pynn.ReduceOnPlateau(half, np.int64(1)), pynn.ReduceOnPlateau(0.5, 1)),
        ]:
            epochs = np.linspace(0, 10, 21)
            np.testing.assert_array_equal(
                factors(schedule, epochs, [1.0] * 5), factors(same, epochs, [1.0] * 5)
            )


NUMBERS = [  # schedule, parameter, what is refused; strings and the like are TypeErrors
    (pynn.StepDecay, "every", [0, -1, NAN, INF, "10", None, True]),
    (pynn.StepDecay, "factor", [0, -0.1, 1.1, NAN, INF, "0.1", None]),
    (pynn.CosineRestarts, "period", [0, -1.0, NAN, INF, "10", None]),
    (pynn.CosineRestarts, "growth", [0.9, -2, NAN, INF, "2", 2j]),
    (pynn.CosineRestarts, "lowest", [-0.1, 1.0, NAN, "0"]),
    (pynn.OneCycle, "epochs", [0, -1, NAN, INF, "10", None]),
    (pynn.OneCycle, "rise", [0, 1, -0.1, 1.1, NAN, "0.3"]),
    (pynn.OneCycle, "start", [-0.1, 1.1, NAN, "0"]),
    (pynn.OneCycle, "end", [-0.1, 1.1, NAN, "0"]),
    (pynn.WarmUp, "epochs", [0, -1, NAN, INF, "5", None]),
    (pynn.WarmUp, "start", [-0.1, 1.1, NAN, "0"]),
    (pynn.WarmUp, "then", ["cosine", 0.1, pynn.StepDecay]),
    (pynn.ReduceOnPlateau, "factor", [0, 1.1, NAN, "0.1"]),
    (pynn.ReduceOnPlateau, "patience", [-1, 2.5, 2.0, NAN, "10", True]),
    (pynn.ReduceOnPlateau, "tol", [-1e-4, 1, NAN, "0"]),
    (pynn.ReduceOnPlateau, "cooldown", [-1, 1.0, "0"]),
    (pynn.ReduceOnPlateau, "lowest", [-0.1, 1.1, NAN, "0"]),
]


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [(kind, name, value) for kind, name, values in NUMBERS for value in values],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_bad_parameters(kind, name, value):
    required = {"epochs": 10} if kind is pynn.OneCycle else {}
    with pytest.raises((TypeError, ValueError)) as caught:
        kind(**required | {name: value})
    message = str(caught.value)
    assert message.startswith(f"{kind.__name__}: {name} must be ")
    assert message.endswith(f"got {value!r}")
    in_kind = isinstance(value, int | float) and not isinstance(value, bool)
    if in_kind and name not in ("then", "patience", "cooldown"):
        assert caught.type is ValueError


# ---- StepDecay ---------------------------------------------------------------------------------


def test_steps():
    schedule = pynn.StepDecay(every=3, factor=0.5)
    assert factors(schedule, [0, 2.99, 3, 5.99, 6, 30]).tolist() == [1, 1, 0.5, 0.5, 0.25, 2**-10]
    before = np.nextafter(np.arange(3.0, 3000, 3), 0)
    np.testing.assert_array_equal(factors(schedule, before), 0.5 ** np.arange(999))


# ---- CosineRestarts ----------------------------------------------------------------------------


def sgdr(epoch, period, growth, lowest):
    """Loshchilov & Hutter's words, one after the other."""
    start = 0.0
    while epoch >= start + period:
        start, period = start + period, period * growth
    return lowest + 0.5 * (1 - lowest) * (1 + math.cos(math.pi * (epoch - start) / period))


@pytest.mark.parametrize("growth", [1, 1.5, 2, 3, 10])
@pytest.mark.parametrize("period", [0.5, 1, 10])
def test_cosines(period, growth):
    epochs = np.arange(0, 300, 0.125)
    expected = [sgdr(epoch, period, growth, 0.25) for epoch in epochs]
    found = factors(pynn.CosineRestarts(period, growth, 0.25), epochs)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@given(st.integers(1, 20), st.integers(1, 7), st.floats(0, 0.9))
def test_restarts_are_on_time(period, growth, lowest):
    schedule = pynn.CosineRestarts(period, growth, lowest)
    restart, length = 0, period
    for _ in range(12):
        restart, length = restart + length, length * growth
        assert factor(schedule, restart) == 1
        assert factor(schedule, np.nextafter(float(restart), 0)) == pytest.approx(lowest, abs=1e-9)


@given(lengths, st.floats(1, 5), shares, shares)
def test_within_a_cycle_they_fall(period, growth, a, b):
    first, second = sorted([a * period, b * period])
    found = factors(pynn.CosineRestarts(period, growth), [first, second])
    assert found[0] >= found[1] or second >= period


# ---- OneCycle ----------------------------------------------------------------------------------


@given(lengths, st.floats(0.01, 0.99), shares, shares)
def test_one_cycle_rises_and_falls_once(length, rise, start, end):
    schedule = pynn.OneCycle(length, rise, start, end)
    up = factors(schedule, np.linspace(0, rise * length, 50))
    down = factors(schedule, np.linspace(rise * length, length, 50))
    assert up[0] == start
    assert (np.diff(up) >= 0).all()
    assert up[-1] == down[0] == 1
    assert (np.diff(down) <= 0).all()
    assert set(factors(schedule, [length, length + 0.5, length + 1000])) == {end}


def test_one_cycle_halfway():
    schedule = pynn.OneCycle(100, rise=0.5, start=0.2, end=0)
    found = factors(schedule, [25, 50, 75, 50 + 50 / 3, 100 / 6])
    np.testing.assert_allclose(found, [0.6, 1, 0.5, 0.75, 0.4], rtol=1e-12)


# ---- WarmUp ------------------------------------------------------------------------------------


def test_warm_up_is_a_straight_line():
    schedule = pynn.WarmUp(epochs=8, start=0.5)
    assert factors(schedule, [0, 2, 4, 7, 8, 9]).tolist() == [0.5, 0.625, 0.75, 0.9375, 1, 1]


@given(plain, st.integers(1, 20), losses, times)
def test_what_follows_has_its_own_clock(then, length, losses, epochs):
    shifted = factors(pynn.WarmUp(length, then), length + epochs, [5.0] * length + losses)
    # What is added to a time and taken away again is rounded, as the time itself may be.
    np.testing.assert_array_equal(shifted, factors(then, (length + epochs) - length, losses))


def test_losses_of_an_epoch_that_began_in_the_warm_up_do_not_count():
    schedule = pynn.WarmUp(2.5, then=pynn.ReduceOnPlateau(0.5, patience=0))
    assert factor(schedule, 4, [3, 3, 1, 2]) == 1  # the epoch from 2 to 3 is the last left out
    assert factor(schedule, 5, [3, 3, 1, 2, 2]) == 0.5


def test_warm_ups_nest():
    schedule = pynn.WarmUp(1, then=pynn.WarmUp(1, then=pynn.StepDecay(1, 0.5)))
    assert factors(schedule, [0, 0.5, 1, 1.5, 2, 3, 4]).tolist() == [0, 0.5, 0, 0.5, 1, 0.5, 0.25]


# ---- ReduceOnPlateau ---------------------------------------------------------------------------


class Plateau:
    """The same with a memory, told of one epoch at a time."""

    def __init__(self, chosen):
        self.chosen, self.factor, self.best = chosen, 1.0, None
        self.stalled = self.rest = 0

    def epoch_ended(self, loss):
        better = loss < INF if self.best is None else loss < self.best - self.margin()
        if better:
            self.best = loss
        self.stalled = 0 if better else self.stalled + 1
        if self.rest:
            self.rest -= 1
            self.stalled = 0
        if self.stalled == self.chosen.patience + 1:
            self.factor = max(self.factor * self.chosen.factor, self.chosen.lowest)
            self.rest, self.stalled = self.chosen.cooldown, 0

    def margin(self):
        return 0 if math.isinf(self.best) else self.chosen.tol * abs(self.best)


plateaus = plain.filter(lambda schedule: isinstance(schedule, pynn.ReduceOnPlateau))


@given(plateaus, losses)
def test_replay_equals_step_by_step(schedule, losses):
    steps = Plateau(schedule)
    for epoch, loss in enumerate(losses):
        assert factor(schedule, epoch, losses[:epoch]) == steps.factor
        steps.epoch_ended(loss)
    assert factor(schedule, len(losses), losses) == steps.factor


@given(plateaus, losses)
def test_it_only_falls(schedule, losses):
    found = [factor(schedule, n, losses[:n]) for n in range(len(losses) + 1)]
    assert (np.diff(found) <= 0).all()
    assert found[-1] >= min(1, schedule.lowest)


@pytest.mark.parametrize("patience", [0, 1, 4])
def test_patience_is_how_many_are_waited_for(patience):
    schedule = pynn.ReduceOnPlateau(0.5, patience)
    flat = [1.0] * 100
    assert factor(schedule, 0, flat[: patience + 1]) == 1  # the first of them was an improvement
    assert factor(schedule, 0, flat[: patience + 2]) == 0.5
    assert factor(schedule, 0, flat[: 2 * patience + 2]) == 0.5
    assert factor(schedule, 0, flat[: 2 * patience + 3]) == 0.25


@pytest.mark.parametrize(
    ("second", "improves"),
    [(0.9, False), (0.89, True), (NAN, False), (INF, False), (-INF, True)],
)
def test_tol_is_relative(second, improves):
    schedule = pynn.ReduceOnPlateau(0.5, patience=0, tol=0.1)
    for scale in (1e-6, 1.0, 1e6):
        found = factor(schedule, 2, [scale, scale * second])
        assert found == (1 if improves else 0.5)


def test_negative_losses_improve_by_tol_of_their_size():
    schedule = pynn.ReduceOnPlateau(0.5, patience=0, tol=0.1)
    assert factor(schedule, 2, [-1.0, -1.05]) == 0.5
    assert factor(schedule, 2, [-1.0, -1.15]) == 1


def test_cooldown_and_lowest():
    schedule = pynn.ReduceOnPlateau(0.5, patience=0, cooldown=2, lowest=0.3)
    flat = [1.0] * 8
    found = [factor(schedule, n, flat[:n]) for n in range(9)]
    assert found == [1, 1, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3]


@pytest.mark.parametrize("first", [[], [NAN], [INF], [NAN, NAN]])
def test_training_that_never_was_good_has_no_best(first):
    schedule = pynn.ReduceOnPlateau(0.5, patience=2)
    assert factor(schedule, 3, [*first, 5.0, 4.0]) == 1
