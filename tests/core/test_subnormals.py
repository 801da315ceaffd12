"""Slots that decay where a gradient stays 0 become 0, not subnormal numbers, on which arithmetic is
slow; nothing else is flushed, and the processor's mode is restored on every way out."""

import numpy as np
import pytest

import pynn

DECAYING = (
    pynn.Adam(),
    pynn.AdamW(),
    pynn.SGD(0.01, momentum=0.9),
    pynn.SGD(0.01, momentum=0.9, nesterov=True),
    pynn.RMSprop(),
)
TINY = np.finfo(np.float32).tiny


def trained(rule, n_steps, n_threads=1):
    """A network one of whose inputs is 0 in all rows after the first step."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 40)).astype(np.float32)
    y = rng.normal(size=(20, 3))
    net = pynn.Network(
        (40, 30, 3), activation="tanh", dtype="float32", random_state=0, n_threads=n_threads
    )
    net.fit(X, y, batch_size=20, epochs=1, optimizer=rule)
    X[:, ::2] = 0
    net.fit(X, y, batch_size=20, epochs=n_steps, shuffle=False)
    return net


def subnormal(x):
    return np.count_nonzero((np.abs(x) < TINY) & (x != 0))


@pytest.mark.parametrize("rule", DECAYING, ids=str)
def test_slots_never_stay_subnormal(rule):
    net = trained(rule, 3000, n_threads=2)
    assert sum(subnormal(slot) for slot in net._descent.memory[0]) == 0


def decay(rule, slot):
    """What a slot becomes where the gradient is 0."""
    if isinstance(rule, pynn.SGD):
        return rule.momentum
    if isinstance(rule, pynn.RMSprop):
        return rule.rho
    return (rule.beta_1, rule.beta_2)[slot]


@pytest.mark.parametrize("rule", DECAYING, ids=str)
def test_what_is_flushed_is_far_below_the_slots_scale(rule):
    """Rows of 0 without biases have no gradient: slots decay by a factor, from 1 to nothing."""
    net = pynn.Network(
        (8, 5, 2), activation="tanh", bias=False, dtype="float32", random_state=0,
        output_activation="identity", cost="squared_error",
    )  # fmt: skip
    X, y = np.zeros((4, 8), np.float32), np.ones((4, 2), np.float32)
    net.fit(X, y, epochs=1, optimizer=rule)
    slots = net._descent.memory[0]
    for slot in slots:
        slot[:] = np.geomspace(1, 1e-44, len(slot))
    before = [slot.astype(float) for slot in slots]
    net.fit(X, y, epochs=1)
    for i, (slot, was) in enumerate(zip(net._descent.memory[0], before, strict=True)):
        assert np.count_nonzero(slot) > len(slot) / 2
        np.testing.assert_allclose(slot, was * decay(rule, i), rtol=1e-6, atol=1e-30)


def is_flushed():
    """Whether this thread's arithmetic takes subnormal numbers for 0."""
    return float(np.float64(2.0**-1073) * np.float64(1.0)) == 0.0 or 2.0**-1070 / 4 == 0.0


def test_the_mode_is_restored_after_a_fit():
    trained(pynn.Adam(), 10, n_threads=2)
    assert not is_flushed()


def test_the_mode_is_restored_after_divergence_and_in_callbacks():
    flushed = []
    X, y = np.ones((50, 4), np.float32), np.ones((50, 1), np.float32)
    net = pynn.Network((4, 8, 1), activation="relu", dtype="float32", random_state=0)
    net.fit(
        X, y, epochs=3, optimizer=pynn.Adam(), callbacks=[lambda _: flushed.append(is_flushed())]
    )
    assert flushed == [False] * 3
    with pytest.raises(FloatingPointError):
        net.fit(X * 1e30, y, epochs=5, optimizer=pynn.Adam(1e30))
    assert not is_flushed()


def test_activations_and_gradients_keep_subnormal_numbers():
    X = np.full((1, 1), TINY / 4, np.float32)
    net = pynn.Network((1, 1), output_activation="identity", cost="squared_error", dtype="float32",
                       random_state=0, bias=False)  # fmt: skip
    net.parameters[:] = 1
    assert net.predict(X)[0, 0] == X[0, 0]
