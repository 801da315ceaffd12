"""
Mazur's example, step by step
=============================

Matt Mazur's "A Step by Step Backpropagation Example" (2015) takes one row through two inputs, two
hidden units and two outputs, all sigmoid, forward and back, with every number written down. The
total error is 0.298371109, the gradient of w5 0.082167041 and that of w1 0.000438568. The weights
are then updated with the learning rate 0.5; the biases are not.

His text computes all gradients before any update, and gives new weights accordingly. But the error
of 0.291027924 that he quotes is from his program, which updates the weights of the output first and
computes the hidden deltas with the new weights. This example does both. The order of his text gives
0.291027774. The order of his program gives the figures that he quotes, including the outputs after
10,000 updates. The error is then 0.000035085; his page prints 0.0000351085.
"""

import matplotlib.pyplot as plt
import numpy as np

import pynn
from pynn.displays import NetworkDisplay

X, Y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def new_network():
    net = pynn.Network(
        [2, 2, 2],
        activation="sigmoid",
        output_activation="sigmoid",
        cost="squared_error",
        dtype="float64",
    )
    net.weights[0][:] = [[0.15, 0.25], [0.20, 0.30]]  # w1 and w2 lead to h1, w3 and w4 to h2
    net.weights[1][:] = [[0.40, 0.50], [0.45, 0.55]]  # w5 and w6 lead to o1, w7 and w8 to o2
    net.biases[0][:], net.biases[1][:] = 0.35, 0.60
    return net


# %%
# A trace records everything that a network computes for some rows, and prints it step by step.

net = new_network()
trace = net.trace(X, Y)
print(trace.text())

# %%
# The network, with its weights on the lines and the activations of the row in the circles.

NetworkDisplay.from_estimator(net, X)
plt.show()

# %%
# The numbers of his text, to his last digit.

print("                              Mazur          here")
for name, his, here in (
    ("weighted sum of h1", 0.3775, trace.z[0][0, 0]),
    ("output of h1", 0.593269992, trace.a[0][0, 0]),
    ("output of h2", 0.596884378, trace.a[0][0, 1]),
    ("output of o1", 0.75136507, trace.a[1][0, 0]),
    ("output of o2", 0.772928465, trace.a[1][0, 1]),
    ("total error", 0.298371109, trace.costs[0]),
    ("error's slope by o1", 0.74136507, trace.sensitivities[1][0, 0]),
    ("delta of o1", 0.138498562, trace.deltas[1][0, 0]),
    ("gradient of w5", 0.082167041, trace.d_weights[1][0, 0]),
    ("error's slope by h1", 0.036350306, trace.sensitivities[0][0, 0]),
    ("gradient of w1", 0.000438568, trace.d_weights[0][0, 0]),
):
    print(f"{name:22}{his:13.9f} {here:13.9f}")

# %%
# His text updates all weights after backpropagation, as `fit` does, here with constant biases. His
# program backpropagates through weights that are already updated.

net = new_network()
how = {"optimizer": pynn.SGD(0.5), "learning_rate_factors": {"biases": 0}}
net.fit(X, Y, **how)
print("w1 to w4:", *net.weights[0].T.ravel().round(9))
print("w5 to w8:", *net.weights[1].T.ravel().round(9))
net.fit(X, Y, epochs=9_999, **how)
costs = {"his text's order": [*net.history["cost"], net.cost(X, Y)]}
outputs = {"his text's order": net.predict(X)[0]}


def update(net):
    trace = net.trace(X, Y)
    hidden, output = net.weights
    slope = trace.deltas[0] / trace.sensitivities[0]  # of the sigmoid, at the hidden units
    output -= 0.5 * trace.d_weights[1]
    hidden -= 0.5 * X.T @ (trace.deltas[1] @ output.T * slope)
    return trace.costs[0]  # before the update


net = new_network()
costs["his program's order"] = [*(update(net) for _ in range(10_000)), net.cost(X, Y)]
outputs["his program's order"] = net.predict(X)[0]
for order, errors in costs.items():
    said = " and ".join(f"{a:.9f}" for a in outputs[order])
    print(f"{order}: error {errors[1]:.9f} after one update,")
    print(f"    {errors[-1]:.9f} after 10,000, outputs {said}")
print("Mazur: error 0.291027924 after one update,")
print("    0.0000351085 after 10,000, outputs 0.015912196 and 0.984065734")

# %%
# The two curves look the same, so their difference has its own scale.

text, program = np.array(list(costs.values()))
fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
ax.loglog(np.arange(1, 10_001), text[1:], label="error, in his text's order")
ax.loglog(np.arange(1, 10_001), np.abs(text - program)[1:], label="difference of the two orders")
ax.set(xlabel="updates", ylabel="error", title="Mazur's example, 10,000 updates")
ax.legend()
plt.show()
