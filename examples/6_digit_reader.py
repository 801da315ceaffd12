"""
A digit reader of 13,002 numbers
================================

Grant Sanderson's videos "But what is a neural network?" and "Gradient descent, how neural networks
learn" (3Blue1Brown, 2017) explain 784-16-16-10 sigmoid neurons that read MNIST's digits: 13,002
weights and biases. Learning means finding the nudges to these numbers that lower the cost fastest;
each example has its own. The weights of the first layer, drawn as grids, do not show the edges and
loops that one might expect.

He says that such a network reads about 96% of new digits, but not how it was trained; trained like
Nielsen's (squared error, learning rate 3, mini-batches of 10, 30 epochs), this one reaches 94%.
Without a path to MNIST (see ``PYNN_MNIST`` in ``pynn.demo.digits_28x28``) it learns scikit-learn's
digits, enlarged.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import pynn
from pynn.demo import digits_28x28
from pynn.displays import WeightsDisplay

digits = digits_28x28(*sys.argv[1:2])
net = pynn.Network(
    [784, 16, 16, 10],
    activation="sigmoid",
    output_activation="sigmoid",
    cost="squared_error",
    random_state=0,
)
net.fit(digits.X_train, digits.y_train, epochs=30, batch_size=10, optimizer=pynn.SGD(3.0))
outputs = net.predict(digits.X_test)
right = outputs.argmax(axis=1) == digits.y_test
net.summary()
print(f"{digits.name}: {right.mean():.2%} of {len(right):,} read correctly (videos: about 96%)")

# %%
# The weights of each neuron of the first hidden layer. Ink on blue pixels makes it more active, ink
# on orange pixels less.

WeightsDisplay.from_estimator(net, layer=1)
plt.show()

# %%
# The example with the largest cost, and its nudges: one for each weight and bias. The weights of
# pixels without ink get none. The largest nudges go to the parameters that affect the cost most.

costs = np.square(outputs - np.eye(10)[digits.y_test]).sum(axis=1) / 2
row = int(costs.argmax())
X, y = digits.X_test[[row]], digits.y_test[[row]]
nudges = -net.per_sample_gradient(X, y)[0]
print(f"example {row}: a {y[0]} read as {outputs[row].argmax()}, cost {costs[row]:.3f}")
print(f"{len(nudges):,} nudges, {np.count_nonzero(nudges):,} of them not 0; the largest:")

weights, biases = net.views(np.arange(net.n_parameters))  # which number is which


def name(number):
    for layer, (W, b) in enumerate(zip(weights, biases, strict=True), 1):
        if number in W:
            i, j = divmod(number - W[0, 0], W.shape[1])
            of = f"pixel {i % 28 + 1} of line {i // 28 + 1}" if layer == 1 else f"neuron {i + 1}"
            return f"weight from {of} to neuron {j + 1} of layer {layer}"
        if number in b:
            return f"bias of neuron {number - b[0] + 1} of layer {layer}"


for number in np.abs(nudges).argsort()[::-1][:10]:
    print(f"  {nudges[number]:+.4f}  {name(number)}")

# %%
# The shares of the weights of the output layer in this error.

print(net.blame(X, y))

# %%
# The nudges to the weights above. All 16 neurons see the same ink; each nudge raises or lowers its
# effect on one neuron.

nudges_w, nudges_b = net.views(nudges)
display = WeightsDisplay(nudges_w[0].T, title=f"nudges by a {y[0]} that was read wrongly").plot()
display.colorbar_.set_label("nudge")
plt.show()

# %%
# All 13,002 nudges by size: a few hundred matter for this example.

fig, ax = plt.subplots(figsize=(7, 4), layout="constrained")
for layer, (W, b) in enumerate(zip(nudges_w, nudges_b, strict=True), 1):
    sizes = np.sort(np.abs(np.concatenate([W.ravel(), b])))[::-1]
    ax.plot(np.arange(1, len(sizes) + 1), sizes, label=f"layer {layer}: {len(sizes):,}")
ax.set(xscale="log", xlabel="rank in its layer", ylabel="size", title="13,002 nudges")
ax.legend()
plt.show()

# %%
# The nudges of all examples together are the mean of the nudges of each.

X, y = digits.X_test[:200], digits.y_test[:200]
apart = np.abs(net.per_sample_gradient(X, y).mean(axis=0) - net.gradient(X, y)).max()
print(f"mean of 200 gradients, and gradient of the mean cost: difference {apart:.0e}")
