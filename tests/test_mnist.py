"""The main job: networks of the classic explanations learn to read handwritten digits."""

import numpy as np
import pytest

import pynn

pytestmark = pytest.mark.slow


def best_accuracy(mnist, sizes, n_rows, optimizer, alpha=0.0, **names):
    X, y, X_test, y_test = mnist
    net = pynn.Network(sizes, activation="sigmoid", random_state=0, **names)
    net.fit(
        X[:n_rows],
        y[:n_rows],
        epochs=30,
        batch_size=10,
        optimizer=optimizer,
        alpha=alpha,
        validation_data=(X_test, y_test),
    )
    accuracy = net.history["val_accuracy"]
    assert accuracy[-1] == np.mean(net.predict(X_test).argmax(axis=1) == y_test)
    return max(accuracy)


SQUARED = {"output_activation": "sigmoid", "cost": "squared_error"}
ENTROPY = {"output_activation": "softmax", "cost": "cross_entropy"}


def test_thirty_hidden_units(mnist):
    """Nielsen, Neural Networks and Deep Learning, chapter 1: 95.42%."""
    assert best_accuracy(mnist, [784, 30, 10], 50_000, pynn.SGD(3.0), **SQUARED) >= 0.95


def test_a_hundred_hidden_units_with_cross_entropy_and_a_penalty(mnist):
    """The same book, chapter 3: about 98%; its lambda of 5 for 50,000 rows is an alpha of 1e-4."""
    accuracy = best_accuracy(mnist, [784, 100, 10], 50_000, pynn.SGD(0.5), 1e-4, **ENTROPY)
    assert accuracy >= 0.975


def test_two_hidden_layers_of_sixteen(mnist):
    """3Blue1Brown's network, the one that the demo trains."""
    assert best_accuracy(mnist, [784, 16, 16, 10], 60_000, pynn.SGD(3.0), **SQUARED) >= 0.94
