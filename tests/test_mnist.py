"""The main job: networks of the classic explanations learn to read handwritten digits.

3Blue1Brown's is the one that the demo trains: test_demo.py. Those here are of Nielsen's Neural
Networks and Deep Learning. His figures are the best of 30 epochs; those asked for here come sooner.
"""

import numpy as np
import pytest
from long import only_long

import pynn

pytestmark = pytest.mark.slow


def best_accuracy(mnist, n_hidden, optimizer, epochs, alpha=0.0, **names):
    X, y, X_test, y_test = mnist
    net = pynn.Network([784, n_hidden, 10], activation="sigmoid", random_state=0, **names)
    net.fit(
        X[:50_000],
        y[:50_000],
        epochs=epochs,
        batch_size=10,
        optimizer=optimizer,
        alpha=alpha,
        validation_data=(X_test, y_test),
    )
    accuracy = net.history["val_score"]
    assert accuracy[-1] == np.mean(net.predict(X_test).argmax(axis=1) == y_test)
    return max(accuracy)


def test_thirty_hidden_units(mnist):
    """Chapter 1: 95.42%."""
    names = {"output_activation": "sigmoid", "cost": "squared_error"}
    assert best_accuracy(mnist, 30, pynn.SGD(3.0), 8, **names) >= 0.95


@only_long
@pytest.mark.parametrize(
    ("output", "cost"), [("sigmoid", "binary_cross_entropy"), ("softmax", "cross_entropy")]
)
def test_a_hundred_hidden_units_with_cross_entropy_and_a_penalty(mnist, output, cost):
    """Chapter 3: about 98%; its lambda of 5 for 50,000 rows is an alpha of 1e-4."""
    names = {"output_activation": output, "cost": cost}
    assert best_accuracy(mnist, 100, pynn.SGD(0.5), 12, 1e-4, **names) >= 0.975
