"""
What a neural network is
========================

A neural network computes weighted sums and bends them. This page looks at all of its numbers: how
one neuron decides, how several neurons solve a problem that one cannot solve, how to measure the
error of a network, and how the network learns to reduce it. The page is one script.
"""

# %%
# One neuron draws a line
# -----------------------
# A neuron multiplies each input by a *weight*. It adds up the products and a *bias*, and applies an
# *activation function* to this *weighted sum*. The sigmoid maps any sum to a number between 0 (no)
# and 1 (yes); a sum of 0 becomes ½ (undecided).
#
# Two switches, up or down, are two inputs, 1 or 0. This neuron tells whether any of them is up: one
# weight of 10 outweighs the bias of −5. Without any input, the bias makes the answer no.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import pynn
from pynn import displays

switches = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
sigmoid = {"activation": "sigmoid", "output_activation": "sigmoid"}
sigmoid |= {"cost": "squared_error", "dtype": "float64"}

neuron = pynn.Network([2, 1], **sigmoid)
neuron.weights[0][:] = [[10], [10]]
neuron.biases[0][:] = -5
for (first, second), answer in zip(switches, neuron.predict(switches)[:, 0], strict=True):
    z = first * 10 + second * 10 - 5
    print(f"{first:.0f}·10 + {second:.0f}·10 − 5 = {z:3.0f}, sigmoid → {answer:.4f}")

# %%
# The neuron is undecided where 10·first + 10·second = 5. That is a straight line. On one side of it
# the answer is no, on the other side yes. Other weights turn the line, another bias shifts it, and
# larger weights make the step across it steeper. A single neuron cannot do more than draw one line.

displays.decision_boundary(neuron, switches, [0, 1, 1, 1])
plt.show()

# %%
# What one neuron cannot do
# -------------------------
# A lamp on a staircase has a switch at either end and is lit when exactly one of them is up. No
# straight line has (0, 1) and (1, 0) on one side and (0, 0) and (1, 1) on the other, so no single
# neuron can control the lamp, whatever its weights. Two lines can: *any of them is up* and *not
# both are up*. One neuron draws each line, and a third neuron combines them.

lit = np.array([[0.0], [1.0], [1.0], [0.0]])
by_hand = pynn.Network([2, 2, 1], **sigmoid)
by_hand.weights[0][:] = [[10, -10], [10, -10]]  # one column for each neuron
by_hand.biases[0][:] = [-5, 15]
by_hand.weights[1][:] = [[10], [10]]
by_hand.biases[1][:] = -15
print(by_hand.predict(switches).ravel().round(3))

displays.NetworkDisplay.from_estimator(by_hand, switches, row=1)
plt.show()

# %%
# Positive weights are blue, negative ones orange. The picture shows the network with the second
# switch up. These are its two lines:

displays.decision_boundary(by_hand, switches, lit.ravel().astype(int))
plt.show()

# %%
# That is a neural network: layers of neurons, each of which reads the outputs of the layer before.
# The neurons in between are called *hidden*, because no target says what they should output.
#
# The bend of the activation function matters. Without it a hidden layer adds nothing, because a sum
# of sums is a sum: two layers of weights are then equivalent to one.

straight = pynn.Network([2, 2, 1], activation="identity", dtype="float64", random_state=0)
(W_1, W_2), (b_1, b_2) = straight.weights, straight.biases
one_layer = switches @ (W_1 @ W_2) + (b_1 @ W_2 + b_2)
print("two layers without a bend are one:", np.allclose(straight.predict(switches), one_layer))

# %%
# How wrong is it?
# ----------------
# Nobody can set thirteen thousand weights by hand. They start at random, so the first answers are
# wrong. A single number, the *cost*, measures how wrong. Here it is half the squared difference
# from the right answer, averaged over all examples.

net = pynn.Network([2, 2, 1], random_state=0, **sigmoid)
print("says  ", net.predict(switches).ravel().round(3))
print("should", lit.ravel())
print(f"cost   {net.cost(switches, lit):.4f}")

# %%
# The gradient
# ------------
# Which of the nine numbers should change, and in which direction? Try it: increase one number
# slightly and see how the cost changes. The change per unit is the *partial derivative* of the cost
# with respect to that number. All derivatives form the *gradient*. It tells for each number in
# which direction the cost rises, and how steeply. The cost falls fastest if each number is nudged
# in the opposite direction, by its derivative times a factor that is the same for all, the
# *learning rate*.

tried = np.empty(net.n_parameters)
before = net.cost(switches, lit)
for i in range(net.n_parameters):
    net.parameters[i] += 1e-6
    tried[i] = (net.cost(switches, lit) - before) / 1e-6
    net.parameters[i] -= 1e-6
print("tried one by one", tried.round(4))
print("all at once     ", net.gradient(switches, lit).round(4))

# %%
# After each nudge the gradient is different, so compute it again. After some thousand nudges the
# network lights the lamp correctly. The hidden neurons have learned to share the work.

LEARNING_RATE = 2.0
path = [net.parameters.copy()]
for _ in range(5000):
    net.parameters[:] -= LEARNING_RATE * net.gradient(switches, lit)
    path.append(net.parameters.copy())
print("says  ", net.predict(switches).ravel().round(3))
print(f"cost   {before:.4f} → {net.cost(switches, lit):.4f}")

# %%
# The cost is a landscape over nine numbers. Here is a slice of it, along the two directions in
# which the path went furthest. This is *gradient descent*: step by step down the steepest slope.

displays.CostLandscapeDisplay.from_estimator(net, switches, lit, path=path[::50])
plt.show()

# %%
# Two of the first twelve seeds fail: they reach a plateau where two of the four answers are ½. It
# is so flat that a million more nudges hardly help. With more hidden neurons this is rarer.
#
# Backpropagation
# ---------------
# Trying out each number is slow: a network with 13,002 parameters would need 13,002 forward passes
# for a single step. *Backpropagation* computes all derivatives in one forward and one backward
# pass. It begins with the *sensitivity* of the output, ∂C/∂a below: how fast the cost changes with
# the activation. The sensitivity times the slope of the activation function is the *delta* of the
# output, ∂C/∂z. A hidden neuron affects the cost only through the neurons of the next layer, so its
# sensitivity is the sum of their deltas, each times the connecting weight. The derivative for a
# weight is its input times the delta of its neuron: a weight with the input 0 does not contribute
# to the error.

print(net.trace(switches[1:2], lit[1:2]).text())

# %%
# Each example has its own gradient, and the network follows the mean of all of them. Usually each
# step uses only a few examples, a *mini-batch*.

steps, downhill = -net.per_sample_gradient(switches, lit), -net.gradient(switches, lit)
print("the mean step is the negative gradient:", np.allclose(steps.mean(axis=0), downhill))

# %%
# Reading digits
# --------------
# The same method works for other data. The 64 pixels of a small picture are the inputs, and there
# are ten outputs, one for each digit. The 30 neurons in between use the activation ReLU, which
# replaces negative sums by 0. The outputs use softmax, which gives ten probabilities. Their cost,
# the cross-entropy, grows without limit as the probability of the right digit goes to 0. ``fit``
# runs the loop above in compiled code, on mini-batches. Its update rule, Adam, adapts the step of
# each parameter. An *epoch* is a pass over all pictures.

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
softmax = {"output_activation": "softmax", "cost": "cross_entropy", "random_state": 0}
learning = {"batch_size": 10, "validation_data": (X_test, y_test)}

reader = pynn.Network([64, 30, 10], **softmax)
reader.fit(X_train, y_train, epochs=30, **learning)
reader.summary()
print(f"unseen digits read correctly: {reader.history['val_score'][-1]:.1%}")

# %%
# What do hidden neurons look for? The weights of each neuron form a picture: ink on blue pixels
# makes it more active, ink on orange pixels less. Do not expect strokes and loops: many other
# patterns work equally well.

displays.WeightsDisplay.from_estimator(reader, units=range(12))
plt.show()

# %%
# The activations of the network for one picture that it has not seen:

displays.ActivationsDisplay.from_estimator(reader, X_test)
plt.show()

# %%
# Overfitting
# -----------
# Training lowers the cost of the training examples, but the cost of new examples matters. A large
# network can memorise a few examples, which is called *overfitting*. So set some examples aside,
# and stop training when the cost of these no longer falls.

crammer = pynn.Network([64, 100, 10], **softmax)
crammer.fit(X_train[:100], y_train[:100], epochs=200, **learning)
models = {"30 neurons, 1347 pictures": reader, "100 neurons, 100 pictures": crammer}
displays.LossCurveDisplay.from_estimator(models, log=True)
plt.show()

# %%
# A neural network is no more than sums, activation functions, a cost and its gradient. What remains
# is to train it fast, to choose its size, and to find good data, which is the hardest part. Other
# examples continue from here: Mazur's network, number by number; the gradient of 13,002 parameters
# for one digit; a curve approximated by sigmoids.
