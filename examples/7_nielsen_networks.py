"""
Nielsen's networks read digits
==============================

Michael Nielsen's "Neural Networks and Deep Learning" (2015) trains two networks on 50,000 digits of
MNIST in mini-batches of 10. In chapter 1, 30 hidden sigmoid units with the squared error and
gradient descent at rate 3 read 95.42% of 10,000 others in the best of 30 epochs. In chapter 3, 100
hidden units with the cross-entropy, an L2 penalty of strength 5 and the learning rate 0.5 read
about 98%.

Given a path to MNIST as an ``.npz`` file, as an argument or in the environment variable
``PYNN_MNIST``, this example reproduces these figures. Otherwise the same networks learn
scikit-learn's bundled digits, enlarged to 28 x 28 pixels. They are fewer and coarser, so the
figures differ.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

import pynn
from pynn.demo import digits_28x28
from pynn.displays import LossCurveDisplay

digits = digits_28x28(*sys.argv[1:2])
X, y = digits.X_train[:50_000], digits.y_train[:50_000]
print(f"{digits.name}: {len(y):,} for training, {len(digits.y_test):,} for testing")


def trained(n_hidden, cost, optimizer, alpha):
    net = pynn.Network(
        [784, n_hidden, 10],
        activation="sigmoid",
        output_activation="sigmoid",
        cost=cost,
        random_state=0,
    )
    return net.fit(
        X,
        y,
        epochs=30,
        batch_size=10,
        optimizer=optimizer,
        alpha=alpha,
        validation_data=(digits.X_test, digits.y_test),
    )


# %%
# The book's penalty is strength / rows / 2 times the sum of the squared weights; here alpha / 2
# times it. Its cross-entropy is the binary cross-entropy of each of the ten outputs.

networks = {
    "chapter 1": trained(30, "squared_error", pynn.SGD(3.0), 0.0),
    "chapter 3": trained(100, "binary_cross_entropy", pynn.SGD(0.5), 5 / 50_000),
}
print("                        parameters  best epoch      last  the book, on MNIST")
for (chapter, net), book in zip(networks.items(), ("95.42%", "about 98%"), strict=True):
    accuracy = net.history["val_score"]
    sizes = "-".join(map(str, net.layer_sizes))
    print(
        f"{chapter}, {sizes:11}  {net.n_parameters:10,}  {max(accuracy):10.2%}"
        f"  {accuracy[-1]:8.2%}  {book}"
    )

# %%
# Accuracy on the test digits after each epoch.

display = LossCurveDisplay.from_estimator(networks, show="score")
display.ax_.set(ylim=(0.8, 1), title="Nielsen's networks")
plt.show()

# %%
# Digits that the second network misreads, with its answers.

said = networks["chapter 3"].predict(digits.X_test).argmax(axis=1)
wrong = np.flatnonzero(said != digits.y_test)[:10]
fig, axes = plt.subplots(1, len(wrong), figsize=(10, 1.6), layout="constrained", squeeze=False)
for ax, row in zip(axes[0], wrong, strict=True):
    ax.imshow(digits.X_test[row].reshape(28, 28), cmap="gray_r")
    ax.set(xticks=[], yticks=[])
    ax.set_title(f"{digits.y_test[row]} read as {said[row]}", fontsize=9)
plt.show()
