"""
How a network learns
====================

One step of gradient descent has four parts: forward, cost, back, update. This page does each of
them on an untrained network, with a figure and all numbers, and then shows by experiments why ReLU,
cross-entropy and the learning rate matter. Exercises with answers are at the end.
"""

# %%
# Forward
# -------
# The network has two inputs, two hidden units and one output, all sigmoid: 9 parameters. It should
# learn XOR: output 1 if exactly one input is 1. Its parameters are random, rounded to one decimal
# so that you can follow by hand. The example is (0, 1), whose target y is 1. Each unit computes a
# weighted sum z of its inputs plus its bias b, and its activation a = sigmoid(z).

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import pynn
from pynn.displays import TraceDisplay

SIGMOID = {"activation": "sigmoid", "output_activation": "sigmoid", "dtype": "float64"}
x, y = np.array([[0.0, 1.0]]), np.array([[1.0]])
net = pynn.Network([2, 2, 1], cost="squared_error", random_state=4, **SIGMOID)
net.parameters[:] = net.parameters.round(1)
trace = net.trace(x, y)
TraceDisplay(trace).plot()
plt.show()

# %%
# Cost
# ----
# The cost C = ½(a − y)² measures the error. Its slope at the output, ∂C/∂a = a − y, is the output's
# *sensitivity*: how fast the cost rises with the activation a. It is negative here, so the cost
# falls if the output rises.

output, slope = trace.a[-1][0, 0], trace.sensitivities[-1][0, 0]
print(f"a = {output:.4f}, C = {trace.costs[0]:.4f}, dC/da = {slope:.4f}")
a = np.linspace(0, 1, 101)
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.plot(a, (a - 1) ** 2 / 2, label="C = ½(a − 1)²")
ax.plot(a, trace.costs[0] + slope * (a - output), "--", label=f"slope ∂C/∂a = {slope:.3f}")
ax.plot(output, trace.costs[0], "o", label=f"a = {output:.3f}, C = {trace.costs[0]:.3f}")
ax.set(xlabel="activation a of the output", ylabel="cost C", ylim=(0, 0.5))
ax.legend()
plt.show()

# %%
# The chain rule
# --------------
# A weight of the first layer acts on the cost along a chain: weight, z, a, z, a, cost. Each arrow
# multiplies a small change by a local derivative, and the derivative of the whole is their product.

W, A = net.weights[1][1, 0], trace.a[0][0, 1]
local = [x[0, 1], A * (1 - A), W, output * (1 - output), slope]
names = ["x = {:.3g}", "a(1 − a) = {:.3g}", "w = {:.3g}", "a(1 − a) = {:.3g}", "a − y = {:.3g}"]
nodes = ["w", "z", "a", "z", "a", "C"]
fig, ax = plt.subplots(figsize=(9, 2.2), layout="constrained")
ax.set(xlim=(-0.3, 5.3), ylim=(-0.8, 0.6))
ax.set_axis_off()
box = {"boxstyle": "circle", "facecolor": "none", "edgecolor": plt.rcParams["text.color"]}
for i, node in enumerate(nodes):
    ax.text(i, 0, node, ha="center", va="center", fontsize=12, bbox=box)
for i, (name, value) in enumerate(zip(names, local, strict=True)):
    ax.annotate("", (i + 0.8, 0), (i + 0.2, 0), arrowprops={"arrowstyle": "->"})
    ax.text(i + 0.5, 0.35, name.format(value), ha="center", fontsize=9)
ax.text(2.5, -0.6, f"∂C/∂w = product = {np.prod(local):.4g}", ha="center", fontsize=11)
plt.show()
print(f"chain rule {np.prod(local):.6f}, trace {trace.d_weights[0][1, 1]:.6f}")

# %%
# Back
# ----
# Backpropagation computes all such products in one pass, from the output down. A unit's *delta* is
# ∂C/∂z = ∂C/∂a · a(1 − a). A hidden unit's sensitivity is the sum of the next layer's deltas, each
# times the weight between them. The gradient of a weight is its input times the delta of its unit;
# the gradient of a bias is the delta. Weights from the input 0 have a gradient of 0.

TraceDisplay(trace, direction="backward").plot()
plt.show()

# %%
# Update
# ------
# Each parameter moves against its gradient, by the learning rate times the gradient. The output
# rises towards 1, and the cost falls.

LEARNING_RATE = 2.0
net.parameters[:] -= LEARNING_RATE * trace.gradient
after = net.trace(x, y)
print(f"cost {trace.costs[0]:.4f} before, {after.costs[0]:.4f} after one step")
TraceDisplay(after).plot()
plt.show()

# %%
# The same by trace
# -----------------
# ``trace.text`` prints the four parts with their formulas.

print(trace.text(learning_rate=LEARNING_RATE))

# %%
# Why ReLU?
# ---------
# The slope of a sigmoid is at most ¼, so each layer on the way back shrinks the gradient. The slope
# of ReLU is 1 for active units. In an untrained network with six hidden layers, the first sigmoid
# layer receives almost no gradient.

X_digits, digits = load_digits(return_X_y=True)
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for activation in ("sigmoid", "relu"):
    deep = pynn.Network(
        [64, *[30] * 6, 10],
        activation=activation,
        output_activation="softmax",
        cost="cross_entropy",
        random_state=0,
    )
    norms = [np.linalg.norm(g) for g in deep.trace(X_digits / 16, digits).d_weights]
    ax.semilogy(range(1, 8), norms, "o-", label=activation)
    print(f"{activation:8} gradient of layer 1 / layer 7: {norms[0] / norms[-1]:.6f}")
ax.set(xlabel="layer", ylabel="norm of the gradient")
ax.legend()
plt.show()

# %%
# Why cross-entropy?
# ------------------
# A neuron starts with a large error: its output is 0.98 and should be 0. With the squared error its
# delta has the factor a(1 − a), which is near 0, so learning starts slowly. Cross-entropy cancels
# this factor: delta = a − y. (Nielsen's experiment, learning rate 0.15.)

fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for cost in ("squared_error", "binary_cross_entropy"):
    neuron = pynn.Network([1, 1], cost=cost, **SIGMOID)
    neuron.parameters[:] = 2
    said = []
    for _ in range(300):
        said.append(neuron.predict([[1.0]])[0, 0])
        neuron.parameters[:] -= 0.15 * neuron.gradient([[1.0]], [[0.0]])
    ax.plot(said, label=cost)
    print(f"{cost:20} output {said[0]:.3f}, after 50 steps {said[50]:.3f}")
ax.set(xlabel="step", ylabel="output, should be 0")
ax.legend()
plt.show()

# %%
# What does a learning rate do?
# -----------------------------
# If it is too small, hardly anything changes. If it is too large, a step jumps across the valley to
# a plateau where the sigmoids are flat and learning stops.

X_xor, y_xor = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([[0.0], [1], [1], [0]])
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for name, rate in (("too small", 0.1), ("good", 10), ("too large", 200)):
    learner = pynn.Network([2, 4, 1], cost="squared_error", random_state=0, **SIGMOID)
    learner.fit(X_xor, y_xor, epochs=2000, batch_size=4, optimizer=pynn.SGD(rate))
    ax.semilogy(learner.history["cost"], label=f"{name}: {rate}")
    print(f"{name:9} {rate:5}: cost {learner.history['cost'][-1]:.4f}")
ax.set(xlabel="epoch", ylabel="cost")
ax.legend()
plt.show()

# %%
# Exercises
# ---------
# 1. A sigmoid neuron has the weights 7 and 3 and the bias −2. What is its output for (1, 0)?
# 2. Its target is 1 and its cost the squared error. What is the gradient of the second weight?
# 3. Before the update, what is the delta of the output above?
# 4. What is the largest slope of a sigmoid?
# 5. How many parameters has a 784-16-16-10 network, the reader of digits?
# 6. An untrained reader finds all ten digits equally likely. What is the cross-entropy?
#
# The answers, computed:

neuron = pynn.Network([2, 1], cost="squared_error", **SIGMOID)
neuron.parameters[:] = [7, 3, -2]
one = neuron.trace([[1, 0]], [[1]])
print(f"1. {one.a[0][0, 0]:.4f}")
print(f"2. {one.d_weights[0][1, 0]:.4f}, as its input is 0")
print(f"3. {output - 1:.4f} · {output:.4f} · {1 - output:.4f} = {trace.deltas[-1][0, 0]:.4f}")
z = np.linspace(-5, 5, 1001)
print(f"4. {np.gradient(1 / (1 + np.exp(-z)), z).max():.4f}, where z = 0")
reader = pynn.Network([784, 16, 16, 10], output_activation="softmax", initializer="zeros")
print(f"5. {reader.n_parameters:,} = 784·16 + 16 + 16·16 + 16 + 16·10 + 10")
print(f"6. {reader.cost(np.zeros((1, 784)), [3]):.4f} = ln 10")
