"""
Britz's two moons
=================

Denny Britz's "Implementing a Neural Network from Scratch in Python" (2015) separates two noisy half
moons of 200 points. The network has a hidden layer of tanh units, a softmax output and the
cross-entropy with a penalty of strength 0.01. It takes 20,000 steps of gradient descent with the
learning rate 0.01. With three hidden units his program prints a loss of 0.432387 after the first
step, 0.068947 after step 1,001 and 0.070758 from step 9,001 to the end. His point is the decision
boundary, drawn for 1 to 50 hidden units.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

import pynn
from pynn.displays import decision_boundary

X, y = make_moons(200, noise=0.20, random_state=0)

# %%
# He sums the gradients of all rows and adds the gradient of the penalty once. Here both are divided
# by the number of rows, like the cost, so the learning rate is multiplied by it. The initial
# weights are drawn in the same way as his.

ALPHA = 0.01 / len(X)
RATE = 0.01 * len(X)


def trained(n_hidden):
    net = pynn.Network(
        [2, n_hidden, 2],
        activation="tanh",
        output_activation="softmax",
        cost="cross_entropy",
        initializer="zeros",
        dtype="float64",
    )
    random = np.random.RandomState(0)
    for W in net.weights:
        W[:] = random.randn(*W.shape) / np.sqrt(len(W))
    return net.fit(
        X,
        y,
        epochs=20_000,
        batch_size=len(X),
        optimizer=pynn.SGD(RATE),
        alpha=ALPHA,
        shuffle=False,
    )


networks = {n_hidden: trained(n_hidden) for n_hidden in (1, 2, 3, 4, 5, 20, 50)}
losses = networks[3].history["cost"]  # before each step: the loss after one is the next one's
print("after step   loss here  Britz's")
for step, his in ((1, 0.432387), (1001, 0.068947), (9001, 0.070758), (19_001, 0.070758)):
    print(f"{step:10,}  {losses[step]:10.6f}  {his}")

# %%
# One hidden unit draws a line. Two bend it, but do not converge at this learning rate. Three follow
# the moons. With four or more, the boundary goes around single points: the network learns the
# noise.

plt.rcParams["lines.markersize"] = 4  # of the points, too
fig, axes = plt.subplots(2, 4, figsize=(11, 5.5), layout="constrained")
print("hidden units  parameters  right of 200")
for ax, (n_hidden, net) in zip(axes.flat, networks.items(), strict=False):
    right = (net.predict_classes(X) == y).sum()
    print(f"{n_hidden:12}  {net.n_parameters:10}  {right:12}")
    decision_boundary(net, X, y, ax=ax, eps=0.5, grid_resolution=200)
    ax.set(title=f"{n_hidden} hidden: {right} of 200", xlabel="", ylabel="", xticks=[], yticks=[])
    ax.get_legend().remove()
axes.flat[-1].legend(*axes.flat[0].get_legend_handles_labels(), title="class", loc="center")
axes.flat[-1].axis("off")
plt.show()
