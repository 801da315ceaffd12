"""
Lernmi's neurons and links
==========================

Sam Russell's Lernmi ("Learn neural nets while using them", a program in Ruby, 2016) has an object
for each neuron and for each link between two neurons, and computes the sensitivity of each: how
fast the cost rises with the output of a neuron or the weight of a link. Initial weights are uniform
between -0.5 and 0.5, and are updated after every example with the learning rate 0.1. Input neurons
also apply the sigmoid. Each layer has one more neuron that always outputs 1; its links are the
biases.

It learns logic gates, then digits of MNIST with 784-15-10 neurons. It states no figures, only that
it will converge, so this example measures the accuracy. Without a path to MNIST (see ``PYNN_MNIST``
in ``pynn.demo.digits_28x28``) the digits are scikit-learn's, enlarged.
"""

import sys
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit as sigmoid

import pynn
from pynn.demo import digits_28x28
from pynn.displays import ActivationsDisplay, TraceDisplay, WeightsDisplay

HOW = {"batch_size": 1, "optimizer": pynn.SGD(0.1), "shuffle": False}


def new_network(*sizes):
    net = pynn.Network(sizes, activation="sigmoid", output_activation="sigmoid", cost="mse")
    net.parameters[:] = np.random.default_rng(0).uniform(-0.5, 0.5, net.n_parameters)
    return net


def layers_of(trace):
    """Return the sensitivities of all neurons by layer, for the first row of a trace."""
    return [trace.input_sensitivities[0], *(layer[0] for layer in trace.sensitivities)]


def names(net):
    """Name every neuron and every link, these in the order of a network's parameters."""
    letters = "iho" if len(net.layer_sizes) == 3 else "io"
    layers = list(zip(letters, net.layer_sizes, strict=True))
    neurons = [f"neuron {a}{i}" for a, n in layers for i in range(1, n + 1)]
    links = [
        f"link {f'{a}{i}' if i <= n_in else '1'} to {b}{j}"
        for (a, n_in), (b, n_out) in pairwise(layers)
        for i in range(1, n_in + 2)
        for j in range(1, n_out + 1)
    ]
    return neurons, links


# %%
# The gates, and the sensitivities of every neuron and link for each example before training.

two = [[0, 0], [0, 1], [1, 0], [1, 1]]
gates = {
    "NOT": ([[0], [1]], [1, 0], new_network(1, 1), 50_000),
    "OR": (two, [0, 1, 1, 1], new_network(2, 1), 50_000),
    "XOR": (two, [0, 1, 1, 0], new_network(2, 3, 1), 500_000),
}
for gate, (X, y, net, epochs) in gates.items():
    X = sigmoid(X)
    trace, links = net.trace(X, y), net.per_sample_gradient(X, y)
    neurons = np.hstack([trace.input_sensitivities, *trace.sensitivities])
    print(f"{gate:20}", *(f"{f'-> {a}':>8}" for a in y))
    for kind, values in zip(names(net), (neurons, links), strict=True):
        for name, column in zip(kind, values.T, strict=True):
            print(f"  {name:18}", *(f"{value:8.4f}" for value in column))
    net.fit(X, y, epochs=epochs, **HOW)
    print(f"  after {epochs:7,} epochs", *(f"{a:8.2f}" for a in net.predict(X)[:, 0]))

# %%
# The backward pass of two examples of XOR before training: each line is the sensitivity of a link,
# and the sensitivity of a neuron is written above its circle. If the output should rise,
# sensitivities are orange; if it should fall, they are blue. Negative weights on the way back
# reverse the colours.

fig, axes = plt.subplots(2, 1, figsize=(7, 10.5), layout="constrained")
for ax, row, target in zip(axes, ([1, 0], [1, 1]), (1, 0), strict=True):
    trace = new_network(2, 3, 1).trace(sigmoid([row]), [target])
    TraceDisplay(trace, direction="backward").plot(ax)
    ax.set_title(f"{row[0]} XOR {row[1]} = {target}: sensitivities")
plt.show()

# %%
# Digits: bytes from 0 to 255. The sigmoid turns paper into 0.5 and ink into 1.

digits = digits_28x28(*sys.argv[1:2])
X, X_test = (sigmoid(255 * X) for X in (digits.X_train, digits.X_test))
net, epochs = new_network(784, 15, 10), 1 + 150_000 // len(X)
net.fit(X, digits.y_train, epochs=epochs, **HOW)
said = net.predict(X_test).argmax(axis=1)
print(f"{digits.name}: {epochs} epochs of {len(X):,}")
print(f"784-15-10 reads {np.mean(said == digits.y_test):.1%} of {len(X_test):,} others")
flat = np.abs(net.trace(X_test, digits.y_test).a[0] - 0.5) > 0.49
print(f"{flat.mean():.0%} of its hidden activations are within 0.01 of 0 or 1")

# %%
# The sensitivities of every neuron and link for a misread digit. None of the 784 inputs is less
# than 0.5, so the weighted sums are large and drive most hidden neurons to 0 or 1, where the
# sigmoid is flat. However sensitive the cost is to such a neuron, the gradients of its incoming
# links are close to 0. So the network learns less than it could.

row = np.flatnonzero(said != digits.y_test)[0]
trace = net.trace(X_test[[row]], digits.y_test[[row]])
title = f"sensitivities of neurons to a {digits.y_test[row]}, read as {said[row]}"
display = ActivationsDisplay(layers_of(trace), output_names=list("0123456789"), title=title)
display.plot(shape=(28, 28))
display.artists_[0].colorbar.set_label("sensitivity")
for ax in display.axes_[1:]:
    ax.set_xlabel("sensitivity")
for layer, links in enumerate(trace.d_weights, 1):
    display = WeightsDisplay(links.T, title=f"sensitivities of links to layer {layer}")
    display.plot().colorbar_.set_label("sensitivity")
plt.show()
