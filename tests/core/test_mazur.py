"""Matt Mazur's "A Step by Step Backpropagation Example" (2015), number by number.

Two inputs, two hidden units, two outputs, all sigmoid; its text updates the weights and leaves
the biases as they are. The text computes every gradient before any weight moves. The two figures
it quotes from its program come from another order, in which the output layer's new weights carry
the deltas back to the hidden layer; both orders are followed here. They part in the seventh digit.
"""

import numpy as np
import pytest
from mazur import RATE, X, Y, network

import pynn


@pytest.fixture
def net():
    return network()


def update(net):
    """One step of gradient descent, the biases held."""
    dWs, _ = net.views(net.gradient(X, Y))
    for W, dW in zip(net.weights, dWs, strict=True):
        W -= RATE * dW


def update_output_first(net):
    """The program's order. The gradient of a bias is its unit's delta: delta = back * slope."""
    (_, dW_output), (delta_hidden, delta_output) = net.views(net.gradient(X, Y))
    W_hidden, W_output = net.weights
    slope = delta_hidden / (W_output @ delta_output)
    W_output -= RATE * dW_output
    W_hidden -= RATE * np.outer(X, W_output @ delta_output * slope)


def test_outputs_and_cost(net):
    np.testing.assert_allclose(net.predict(X), [[0.75136507, 0.772928465]], rtol=0, atol=5e-9)
    assert net.cost(X, Y) == pytest.approx(0.298371109, abs=5e-10)


def test_gradient_of_w5_and_w1(net):
    hidden, output = net.views(net.gradient(X, Y))[0]
    assert output[0, 0] == pytest.approx(0.082167041, abs=5e-10)
    assert hidden[0, 0] == pytest.approx(0.000438568, abs=5e-10)


def test_one_update(net):
    update(net)
    expected = [[0.149780716, 0.24975114], [0.19956143, 0.29950229]]
    np.testing.assert_allclose(net.weights[0], expected, rtol=0, atol=5e-9)
    expected = [[0.35891648, 0.511301270], [0.408666186, 0.561370121]]
    np.testing.assert_allclose(net.weights[1], expected, rtol=0, atol=5e-9)
    np.testing.assert_array_equal(np.concatenate(net.biases), [0.35, 0.35, 0.60, 0.60])
    assert net.cost(X, Y) == pytest.approx(0.291027774, abs=5e-10)


def test_ten_thousand_updates(net):
    for _ in range(10_000):
        update(net)
    assert f"{net.cost(X, Y):.2e}" == "3.51e-05"


def test_the_program_s_order_of_updates(net):
    update_output_first(net)
    assert net.cost(X, Y) == pytest.approx(0.291027924, abs=5e-10)
    assert net.weights[1][0, 0] == pytest.approx(0.35891648, abs=5e-9)
    for _ in range(9_999):
        update_output_first(net)
    assert f"{net.cost(X, Y):.2e}" == "3.51e-05"
    np.testing.assert_allclose(net.predict(X), [[0.015912196, 0.984065734]], rtol=0, atol=5e-9)


def test_fit_makes_the_same_first_step(net):
    """A step moves weights and biases at once, so the first one leaves the same weights."""
    net.fit(X, Y, batch_size=1, optimizer=pynn.SGD(RATE))
    assert net.history["cost"] == [pytest.approx(0.298371109, abs=5e-10)]
    assert net.weights[1][0, 0] == pytest.approx(0.35891648, abs=5e-9)
