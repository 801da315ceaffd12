"""The network of Matt Mazur's "A Step by Step Backpropagation Example" (2015), and its one row."""

import numpy as np

import pynn

X, Y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
RATE = 0.5


def network():
    net = pynn.Network(
        [2, 2, 2],
        activation="sigmoid",
        output_activation="sigmoid",
        cost="squared_error",
        dtype="float64",
    )
    net.weights[0][...] = [[0.15, 0.25], [0.20, 0.30]]  # w1 and w2 feed h1, w3 and w4 feed h2
    net.biases[0][...] = 0.35
    net.weights[1][...] = [[0.40, 0.50], [0.45, 0.55]]  # w5 and w6 feed o1, w7 and w8 feed o2
    net.biases[1][...] = 0.60
    return net
