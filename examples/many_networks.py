"""
A thousand networks learn XOR
=============================

Training starts from random weights, so its result is random too. Here a `Population` trains a
thousand networks on XOR from different initial weights and shows how many of them succeed. Then
thirty networks learn to read digits. They make different errors, so their mean is more accurate.
"""

# %%
# XOR
# ---
# The target is 1 if exactly one of the two inputs is 1. Two hidden units can represent this
# function, but gradient descent does not always find suitable weights.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import pynn

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([0, 1, 1, 0])


def train(n_hidden):
    """Return a population and the cost of each member by epoch, of shape (1000, n_epochs)."""
    options = {"activation": "tanh", "output_activation": "sigmoid", "random_state": 0}
    population = pynn.Population.of(1000, [2, n_hidden, 1], **options)
    population.fit(X, y, epochs=300, batch_size=4, optimizer=pynn.Adam(0.03))
    return population, np.array([member.history["cost"] for member in population])


sizes = (2, 3, 8)
figure, axes = plt.subplots(1, 3, sharey=True, figsize=(10, 3.4), layout="constrained")
for ax, n_hidden in zip(axes, sizes, strict=True):
    population, costs = train(n_hidden)
    ax.plot(costs[:200].T, color="C0", alpha=0.05)
    ax.plot(np.median(costs, axis=0), color="black", label="median of 1,000")
    right = (population.predict(X)[:, :, 0].round() == y).all(axis=1)
    ax.set(title=f"{n_hidden} hidden units: {right.mean():.1%} right", xlabel="epoch", yscale="log")
    print(f"{n_hidden} hidden units: {right.mean():.1%} of the networks learn XOR")
axes[0].set_ylabel("cost of 200 of the networks")
axes[0].legend(loc="lower left")
plt.show()

# %%
# With two hidden units, many networks stay on a plateau: three of the four rows are right, and
# small steps do not correct the fourth. With more hidden units, this is rare.
#
# Digits
# ------
# Thirty networks learn the same 150 digits, with different initial weights and orders of the rows.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, train_size=150, random_state=0)
readers = pynn.Population.of(30, [64, 16, 10], output_activation="softmax", random_state=0)
readers.fit(X_train, y_train, epochs=60, batch_size=10)
outputs = readers.predict(X_test)  # (30, n_rows, 10)

alone = (outputs.argmax(axis=2) == y_test).mean(axis=1)
together = [(outputs[:k].mean(axis=0).argmax(axis=1) == y_test).mean() for k in range(1, 31)]
print(f"alone {alone.mean():.1%} ± {alone.std():.1%}, together {together[-1]:.1%}")

figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
ax.plot(range(1, 31), 100 * np.array(together), color="C0", label="mean of the first k networks")
ax.plot(range(1, 31), 100 * alone, "o", color="C1", label="network k alone")
ax.set(xlabel="k", ylabel="test digits read correctly, %")
ax.legend()
plt.show()

# %%
# The prediction is uncertain if the members disagree. These are the test digits with the largest
# standard deviation of the members' outputs. The titles count the members' votes.

disagreement = readers.std(X_test).max(axis=1)
figure, axes = plt.subplots(1, 6, figsize=(9, 2.2), layout="constrained")
for ax, row in zip(axes, disagreement.argsort()[::-1][:6], strict=True):
    ax.imshow(X_test[row].reshape(8, 8), cmap="gray_r")
    votes = np.bincount(outputs[:, row].argmax(axis=1), minlength=10)
    first, second = votes.argsort()[::-1][:2]
    ax.set_title(f"{votes[first]} × {first}, {votes[second]} × {second}\ntrue: {y_test[row]}")
    ax.set(xticks=[], yticks=[])
plt.show()
