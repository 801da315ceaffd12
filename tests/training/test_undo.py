"""A fit that an exception ends changes nothing, even if a second one comes during the undo."""

import copy

import numpy as np
import pytest
from failures import FirstError, raise_twice
from long import IS_LONG

import pynn
from pynn.training.learners import bit_generator
from pynn.training.undo import Undo

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


def state(net):
    """All that a pickle of the network would hold, in a form that can be compared."""
    kept = net.__getstate__()
    history, descent = kept["_history"], kept["_descent"]
    slots, n_updates = descent.memory or ([], 0)
    return (
        kept["parameters"].tobytes(),
        repr(vars(history)),
        [slot.tobytes() for slot in slots],
        n_updates,
        repr(bit_generator(kept["_random"]).state),
    )


@pytest.mark.parametrize("gap", [1, 2, 3, 5, 8, 13])
def test_two_exceptions_anywhere_in_a_fit(gap):
    original = pynn.Network([3, 4, 2], output_activation="softmax", random_state=0)
    original.fit(X, Y, epochs=2, optimizer="adam")
    more = {"validation_split": 0.2, "epochs": 2}
    before, after = state(original), state(copy.deepcopy(original).fit(X, Y, **more))
    left = []
    for first in range(gap, 100_000, 1 if IS_LONG else 17):
        net = copy.deepcopy(original)
        if not raise_twice(lambda: net.fit(X, Y, **more), first, gap):  # noqa: B023
            break
        left.append(state(net))
    assert left.count(before) > 35
    assert len(left) - left.count(before) == left.count(after) < 5  # in the last lines


def test_undo_is_not_called_after_a_block_that_succeeds():
    calls = []
    with Undo(lambda: calls.append(1)):
        pass
    assert not calls


def test_undo_goes_on_until_it_is_done_and_the_last_exception_is_raised():
    calls = []

    def undo():
        calls.append(1)
        if len(calls) < 4:
            raise KeyboardInterrupt(len(calls))

    with pytest.raises(KeyboardInterrupt, match="3") as error, Undo(undo):
        raise FirstError
    assert len(calls) == 4
    assert isinstance(error.value.__context__, KeyboardInterrupt | FirstError)


def test_undo_that_always_fails_ends():
    def undo():
        raise MemoryError

    with pytest.raises(MemoryError), Undo(undo):
        raise FirstError
